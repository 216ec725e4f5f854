"""Exam series: which text means which of `[attainment] series`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from edu_pipeline.landing.tables.headers import word_set
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
    "eoy": "end",
}
_FILLERS = word_set(
    "exam exams examination examinations result results grade grades score scores series the of "
    "assessment assessments data points point mark marks outcome outcomes achieved attained "
    "public pre set file export csv xlsx ks4 key stage"
)
_FINAL = frozenset({"gcse", "final", "finalgcse", "gcsesummer", "finalsummer", "alevel", "alevels"})
"""Words, in alphabetical order, that mean the final series."""
_SUMMER = "summer"
"""The final series only with the last year group or the year of the exams: else it may be a term."""
_ESTIMATES = word_set("baseline yellis midyis cats cat4 fft fftd cem")
"""Words that mean a baseline, if nothing else stands beside them than `_OF_ESTIMATES`."""
_OF_ESTIMATES = word_set(
    "cat test indicator aspire estimate estimates estimated prediction predicted expected target "
    "benchmark mean overall gcse final d h"
)
_EXPECTED = word_set(
    "expected expectation pred predicted prediction predictions forecast forecasted target targets "
    "tgt trgt estimate estimated estimates meg mtg teg aspirational aspiration likely minimum current "
    "working professional"
)
"""Words that make a column a hope or a judgement of somebody: no exam, and no baseline by itself."""
_AT_THE_TIME = word_set("current currently working at towards wag cwag cwg")
"""Words of grades as they are at a time: with the time it is a collection, else what somebody judges."""
_TARGETS = word_set("target targets tgt trgt meg mtg teg aspirational aspiration minimum")
"""Of these, the ones that somebody set; the others are what somebody thinks."""
_WHEN_ELSE = word_set("summer final end year term test gcse")
"""Words of which a text may consist that is a series, and does not say which."""
_KEY_STAGE = re.compile(r"\bks ?[345]\b|\bkey stage ?[345]\b")
_COLLECTIONS = word_set(
    "dc dd dp ap drop collection tracking tracker report progress check cycle half ht capture "
    "assessment point"
)
"""Words of a collection of grades that is neither a mock nor the final."""
_TERMS = {"autumn": 10, "winter": 12, "christmas": 12, "spring": 2, "easter": 4}
_SPANS: Mapping[str, tuple[int, int]] = {
    "autumn": (1, 4),
    "winter": (3, 6),
    "christmas": (4, 5),
    "spring": (5, 8),
    "easter": (7, 8),
    _SUMMER: (9, 12),
}
"""Months of the school year in which a term is; between Christmas and Easter a winter may be anywhere."""
_NUMBERED = word_set("assessment point capture")
"""Fillers that are a collection of grades where a number stands beside them, and nothing else."""
_WHEN_WORDS = word_set("summer end term half")
"""Words of when it was, not of what it was."""
_TWO_YEARS = re.compile(r"(?<!\d)(?:20)?(\d\d)[-/–\s]+(?:20)?(\d\d)(?!\d)")
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
_OF_YEARS = frozenset({"y", "yr", "year"})
_YEAR_GROUPS = range(7, 14)
_EXAMS = word_set("exam exams examination examinations assessment assessments")
_SITTING_GROUPS = frozenset({0, 11, 13})
"""Year groups that sit final exams; 0: it is not said."""
_SCHOOL_YEAR_STARTS = 9
_LAST_OF_A_YEAR = 4
"""Place in the school year of December."""
_AFTER_MOCKS = 8
"""Place in the school year of the last month, April, in which there are mocks before the final."""


@dataclass(frozen=True)
class Said:
    """What a text says of a series."""

    words: tuple[str, ...] = ()
    """Without fillers, years and when it was; in alphabetical order."""
    group: int = 0
    """Year group; 0: it says none."""
    month: int = 0
    """Place of the month, or of the term, in the school year; 0: it says none."""
    year: int = 0
    """Of the calendar; 0: it says none."""
    school_year: int = 0
    """The calendar year in which its school year ends; 0: it says none."""
    span: tuple[int, int] | None = None
    """The months of the school year in which it was."""

    @property
    def text(self) -> str:
        """The words together."""
        return "".join(self.words)

    @property
    def when(self) -> tuple[int, ...]:
        """Year group and month, as far as it says so."""
        return tuple(filter(None, (self.group, self.month)))

    @property
    def family(self) -> tuple[str, ...]:
        """What it has in common with the next of its kind."""
        return tuple(w for w in self.words if not w.isdigit() and w not in _WHEN_WORDS)

    @property
    def key(self) -> tuple[object, ...]:
        """What two spellings of one series have in common."""
        return self.family, self.numbers, self.group, self.span, self.school_year

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which of its kind it is."""
        return tuple(int(word) for word in self.words if word.isdigit())


@cache
def said_of(text: str) -> Said:
    """What a text says of a series."""
    raw = re.findall(r"[a-z]+|\d+", _KEY_STAGE.sub(" ", text.casefold()))
    told = [found for word in raw if (found := _SAME.get(word, word)) and found not in _FILLERS]
    kept: list[str] = []
    group = month = year = 0
    span: tuple[int, int] | None = None
    for place, word in enumerate(told):
        before = told[place - 1] if place else ""
        if word in _OF_YEARS and place + 1 < len(told) and told[place + 1].isdigit():
            continue
        if before in _OF_YEARS and word.isdigit() and int(word) in _YEAR_GROUPS:
            group = int(word)
        elif word in _MONTHS or word in _TERMS:
            number = _MONTHS.get(word) or _TERMS[word]
            month = (number - _SCHOOL_YEAR_STARTS) % 12 + 1
            span = _SPANS.get(word, (month, month))
        elif word.isdigit() and len(word) == 4:  # noqa: PLR2004
            year = int(word)
        elif word.isdigit() and len(word) == 2 and int(word) > 9:  # noqa: PLR2004
            year = year or 2000 + int(word)
        else:
            kept.append(word)
    span = span or (_SPANS[_SUMMER] if _SUMMER in kept else None)
    if span or any(word.isdigit() for word in kept) or not _COLLECTIONS.isdisjoint(kept):
        kept = [word for word in kept if word not in _AT_THE_TIME]
    words = tuple(sorted(_of_a_kind(kept, raw)))
    return Said(words, group, month, year, _ends(text, year, span), span)


def _of_a_kind(words: Sequence[str], raw: Sequence[str]) -> Iterator[str]:
    """Words without GCSE of a mock; of a number alone with what is numbered."""
    yield from (word for word in words if word != "gcse" or "mock" not in words)
    if words and all(word.isdigit() for word in words):
        yield from (word for word in dict.fromkeys(raw) if word in _NUMBERED)


def _ends(text: str, year: int, span: tuple[int, int] | None) -> int:
    """The calendar year in which the school year ends."""
    both = _TWO_YEARS.search(text)
    if both and int(both[2]) == int(both[1]) + 1:
        return 2000 + int(both[2])
    return year and year + bool(span and span[1] <= _LAST_OF_A_YEAR)


def own_series(text: str, settings: Attainment) -> str | None:
    """The series that the settings say a text is, by its name or in `series_names`."""
    own = {_plain(theirs): ours for theirs, ours in settings.series_names.items()}
    own |= {_plain(name): name for name in settings.series if _plain(name) not in own}
    return own.get(_plain(text))


def is_in_settings(text: str, settings: Attainment) -> bool:
    """Whether `series_names` says what a text is."""
    return _plain(text) in {_plain(theirs) for theirs in settings.series_names}


def series_of(text: str, settings: Attainment) -> str | None:
    """The series that a text means whatever stands beside it; None for none or for some mock.

    An exam of another year group than the one that sits the final is none of them: nobody but the
    settings makes one of last summer's exam.
    """
    own = own_series(text, settings)
    said = said_of(text)
    if own is not None or said.group not in _SITTING_GROUPS:
        return own
    if not said.words or said.words == (_SUMMER,):
        return settings.final if _is_summer(text, said) else None
    alike = next((name for name in settings.series if said_of(name).words == said.words), None)
    if alike is not None or said.text in _FINAL:
        return alike or settings.final
    return settings.baseline if is_estimate(text) else None


def _is_summer(text: str, said: Said) -> bool:
    dated = re.fullmatch(r"(summer|june|jun)\W*(20)?\d\d", text.strip().casefold()) is not None
    return dated or (bool(said.words) and said.group in _SITTING_GROUPS - {0})


def is_estimate(text: str) -> bool:
    """Whether a text names a test or a service that says what is to be expected, and nothing else."""
    words = {word for word in said_of(text).words if not word.isdigit()}
    return bool(words & _ESTIMATES or {"cat", "4"} <= set(said_of(text).words)) and words <= (
        _ESTIMATES | _OF_ESTIMATES
    )


def is_expectation(text: str) -> bool:
    """Whether a text says that somebody expects, hopes or judges: no exam was sat."""
    return not _EXPECTED.isdisjoint(said_of(text).words)


def reference_role(text: str) -> str | None:
    """What a text is that says what somebody expects: target or prediction; None for none."""
    words = said_of(text).words
    if _EXPECTED.isdisjoint(words):
        return None
    return "prediction" if _TARGETS.isdisjoint(words) else "target"


def may_be_final(text: str, settings: Attainment) -> bool:
    """Whether a text has the name of the final in it, and more that we do not know."""
    said, final = said_of(text), set(said_of(settings.final).words)
    more = bool(final) and final < set(said.words) and "mock" not in said.words
    return more and not is_expectation(text)


def is_some_mock(text: str) -> bool:
    """Whether a text is a mock exam of the final year, and says nothing else but when."""
    said = said_of(text)
    return said.words == ("mock",) and said.group in _SITTING_GROUPS


def is_series(text: str, settings: Attainment) -> bool:
    """Whether a text means some series."""
    return is_some_mock(text) or series_of(text, settings) is not None


def sounds_like_series(text: str, settings: Attainment) -> bool:
    """Whether a text may be a series, also one that has no place among the settings'.

    A further mock, a term, an exam of another year group, a collection of grades.
    """
    if is_series(text, settings):
        return True
    said = said_of(text)
    words = [word for word in said.words if not word.isdigit()]
    numbered = len(words) < len(said.words)
    if "mock" in words:
        return set(words) <= {"mock", "average", "paper"} | _WHEN_ELSE
    if not words and said.group not in _SITTING_GROUPS and not said.span:
        return not _EXAMS.isdisjoint(re.findall(r"[a-z]+", text.casefold()))  # `Y10 Exam`
    if not words:
        numbers = len(re.findall(r"\d+", _TWO_YEARS.sub("", text))) - bool(said.group)
        return said.month > 0 and numbers <= 1  # with more it is a date
    if not _COLLECTIONS.isdisjoint(words):
        bare = "progress" in words and set(words) <= {"progress"} | _WHEN_ELSE
        return (numbered or bool(said.when)) and not bare
    return set(words) <= _WHEN_ELSE and (set(words) != {"year"} or said.month > 0)


def is_of_an_earlier_year(text: str) -> bool:
    """Whether a text is of a year group before the one that sits final exams."""
    return said_of(text).group not in _SITTING_GROUPS


def year_in(text: str) -> int | None:
    """The calendar year that a text says."""
    return said_of(text).year or None


def leaving_year_in(text: str) -> int | None:
    """The summer in which the school year ends that a text is of."""
    both = re.search(r"20(\d\d)[-/–\s]+(?:20)?(\d\d)\b", text)
    if both and int(both[2]) == int(both[1]) + 1:
        return 2000 + int(both[2])
    said = said_of(text)
    return said.year + (0 < said.month <= _LAST_OF_A_YEAR) if said.year else None


def year_group_in(text: str) -> int | None:
    """The year group that a text says."""
    return said_of(text).group or None


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())
