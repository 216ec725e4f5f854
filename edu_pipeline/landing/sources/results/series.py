"""Exam series: which text means which of `[attainment] series`."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from edu_pipeline.landing.sources.results.names import word_set
from edu_pipeline.settings.attainment import Attainment

_SAME = {
    **dict.fromkeys(("mocks", "ppe", "ppes", "prelim", "prelims", "trial", "trials"), "mock"),
    **dict.fromkeys(("one", "first", "i"), "1"),
    **dict.fromkeys(("two", "second", "ii"), "2"),
    **dict.fromkeys(("three", "third", "iii"), "3"),
    **dict.fromkeys(("st", "nd", "rd", "th"), ""),
    **dict.fromkeys(("finals", "actual", "actuals", "real"), "final"),
    **dict.fromkeys(("gcses", "igcse", "igcses"), "gcse"),
    **dict.fromkeys(("tests", "tested"), "test"),
}
_FILLERS = word_set(
    "exam exams examination examinations result results grade grades score scores series the of "
    "assessment assessments data points point mark marks outcome outcomes achieved attained "
    "public pre set file export csv xlsx ks4 key stage"
)
_FINAL = frozenset({"gcse", "final", "finalgcse", "summer", "gcsesummer", "finalsummer"})
"""Words, in alphabetical order, that mean the final series."""
_BASELINE = word_set("baseline yellis midyis cat cats fft cem expected meg")
"""Words of which one makes a series the baseline."""
_TERMS = {"autumn": 10, "winter": 12, "christmas": 12, "spring": 2, "easter": 4}
_MONTHS: Mapping[str, int] = {
    name: number
    for number, month in enumerate(
        (
            *("january", "february", "march", "april", "may", "june", "july", "august"),
            *("september", "october", "november", "december"),
        ),
        start=1,
    )
    for name in (month, month[:3], month[:4] if month == "september" else month)
}
_YEAR_GROUPS = range(7, 14)
_SCHOOL_YEAR_STARTS = 9


@dataclass(frozen=True)
class _Said:
    """What a text says of a series."""

    words: tuple[str, ...] = ()
    """Without fillers, years and when it was; in alphabetical order."""
    when: tuple[int, ...] = ()
    """Year group and place of the month in the school year, as far as it says so."""

    @property
    def text(self) -> str:
        return "".join(self.words)


def _said(text: str) -> _Said:
    raw = re.findall(r"[a-z]+|\d+", text.casefold())
    words = [found for word in raw if (found := _SAME.get(word, word)) and found not in _FILLERS]
    kept: list[str] = []
    group = month = 0
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        if word in ("y", "yr", "year") and place + 1 < len(words) and words[place + 1].isdigit():
            continue
        if before in ("y", "yr", "year") and word.isdigit() and int(word) in _YEAR_GROUPS:
            group = int(word)
        elif word in _MONTHS or word in _TERMS:
            number = _MONTHS.get(word) or _TERMS[word]
            month = (number - _SCHOOL_YEAR_STARTS) % 12 + 1
        elif word.isdigit() and (len(word) == 4 or (len(word) == 2 and int(word) > 9)):  # noqa: PLR2004
            continue  # a year
        else:
            kept.append(word)
    if "mock" in kept:
        kept = [word for word in kept if word != "gcse"]
    return _Said(tuple(sorted(kept)), tuple(filter(None, (group, month))))


@dataclass(frozen=True)
class SeriesNames:
    """Which series the texts of a cohort mean."""

    of: Mapping[str, str]
    """Text → series; what is not here means none."""
    inferred: Mapping[str, str] = field(default_factory=dict)
    """Of these, those that are known only by their order in the school year."""

    def get(self, text: str) -> str | None:
        """The series of a text."""
        return self.of.get(text)


def series_of(text: str, settings: Attainment) -> str | None:
    """The series that a text means whatever stands beside it; None for none or for some mock."""
    own = {_plain(theirs): ours for theirs, ours in settings.series_names.items()}
    own |= {_plain(name): name for name in settings.series if _plain(name) not in own}
    if _plain(text) in own:
        return own[_plain(text)]
    said = _said(text)
    if not said.words:
        return settings.final if _is_summer(text) else None
    for name in settings.series:
        if _said(name).words == said.words:
            return name
    if not _BASELINE.isdisjoint(said.words):
        return settings.baseline
    if said.text in _FINAL:
        return settings.final
    return None


def _is_summer(text: str) -> bool:
    return re.fullmatch(r"(summer|june|jun)\W*(20)?\d\d", text.strip().casefold()) is not None


def is_some_mock(text: str) -> bool:
    """Whether a text is a mock exam, and says nothing else but when."""
    return _said(text).words == ("mock",)


def is_series(text: str, settings: Attainment) -> bool:
    """Whether a text means some series."""
    return is_some_mock(text) or series_of(text, settings) is not None


def read_series(texts: Iterable[str], settings: Attainment) -> SeriesNames:
    """Which series the texts of a cohort mean, together.

    Mocks without a number are told by their order in the school year, if all of them have one, and
    a single one is the first.

    Args:
        texts: As headers, cells, sheets and files have them.
        settings: Which series there are.
    """
    seen = sorted(set(texts))
    of = {text: found for text in seen if (found := series_of(text, settings)) is not None}
    unnumbered = [text for text in seen if text not in of and is_some_mock(text)]
    mocks = [name for name in settings.sat if name != settings.final]
    free = [name for name in mocks if name not in of.values()]
    inferred = _in_order(unnumbered, free if len(free) == len(mocks) else ())
    return SeriesNames({**of, **inferred}, inferred)


def _in_order(texts: Collection[str], mocks: Collection[str]) -> Mapping[str, str]:
    by_time: dict[tuple[int, ...], list[str]] = {}
    for text in texts:
        by_time.setdefault(_said(text).when, []).append(text)
    if len(by_time) > len(mocks) or len({len(when) for when in by_time}) > 1:
        return {}
    return {
        text: name
        for name, when in zip(mocks, sorted(by_time), strict=False)
        for text in by_time[when]
    }


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())
