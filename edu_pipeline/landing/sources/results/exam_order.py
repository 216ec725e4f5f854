"""The series of a cohort in their order: those of the settings, and what else its exports have.

A series joins where its place is proven: by the numbers of one family, year groups, terms and months of one
school year, years, dates. Where two readings fit it has no place, and is a question for somebody else.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, pairwise

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.series import (
    Said,
    is_some_mock,
    own_series,
    reference_role,
    said_of,
    series_of,
    sounds_like_series,
)
from edu_pipeline.model.subjects import tidy
from edu_pipeline.settings.attainment import Attainment

Days = tuple[date, date]
"""The first and the last on which grades of a series were given."""
_SITS = 11
"""The year group of an exam that is called a mock and says none."""
_TERMS_OF_A_YEAR = ((1, 4), (5, 8), (9, 12))
_SUMMER = 9
"""Place in the school year of the first month that may as well be of the year before."""
_MOCK = ("mock",)
_MOST_DATED = 12
"""Series of a cohort, beyond which texts with dates are tests of lessons."""


@dataclass(frozen=True)
class Placed:
    """A series of a cohort."""

    name: str
    role: str
    """As in `ExamSeries`."""
    evidence: str


@dataclass(frozen=True)
class SeriesNames:
    """Which series the texts of a cohort mean, and in which order they stand."""

    of: Mapping[str, str] = field(default_factory=dict)
    """Text → series; what is not here means none, or has no place."""
    order: Sequence[Placed] = ()
    """The exams and the baseline, then targets and predictions."""
    inferred: Mapping[str, str] = field(default_factory=dict)
    """Of `of`, mocks that are known only by their order in the school year."""
    unplaced: Sequence[str] = ()
    """Texts of series of which it is not known where they stand."""
    maybe_final: Sequence[str] = ()
    """Of these, what may be the final."""

    def get(self, text: str) -> str | None:
        """The series of a text."""
        return self.of.get(text)

    def called(self, *roles: str) -> list[str]:
        """Series of these roles, in order."""
        return [each.name for each in self.order if each.role in roles]


@dataclass
class _Exam:
    """A series that is sat."""

    name: str
    texts: list[str]
    said: list[Said]
    own: int | None
    """Its place among the settings' series."""

    @property
    def is_mock(self) -> bool:
        return any(said.family == _MOCK for said in self.said)


def read_series(
    texts: Iterable[str],
    settings: Attainment,
    group: int | None = None,
    dates: Mapping[str, Days] | None = None,
) -> SeriesNames:
    """Which series the texts of a cohort mean, together, and in which order they are.

    Mocks without a number are told by their order in the school year, if it is proven, and a single one
    is the first.

    Args:
        texts: As headers, cells, sheets and files have them.
        settings: Which series there are in any case.
        group: The year group of the cohort, where all that says one says the same.
        dates: Text → when its grades were given, where an export says it.
    """
    seen = sorted(set(texts))
    of = {text: found for text in seen if (found := series_of(text, settings)) is not None}
    compare = _Comparison(settings, group, dates or {}, seen)
    unnumbered = [text for text in seen if text not in of and is_some_mock(text)]
    inferred = _mocks_in_order(unnumbered, of, settings, compare)
    of |= inferred
    references = _references([text for text in seen if text not in of], settings)
    of |= {text: placed.name for text, placed in references.items()}
    dated = _told_by_dates(dates or {})
    maybe_final = _may_be_final(seen, of, settings, group)
    further = [
        text
        for text in seen
        if text not in of
        and text not in maybe_final
        and (text in dated or sounds_like_series(text, settings))
    ]
    exams = _exams(of, inferred, further, settings)
    order, unplaced = _ordered(exams, settings, compare)
    for exam in order:
        of |= dict.fromkeys(exam.texts, exam.name)
    alike = {placed.name: placed for placed in references.values()}
    return SeriesNames(
        of=of,
        order=(*_with_roles(order, settings, compare), *(alike[name] for name in sorted(alike))),
        inferred=inferred,
        unplaced=[*maybe_final, *(text for exam in unplaced for text in exam.texts)],
        maybe_final=maybe_final,
    )


def _references(texts: Collection[str], settings: Attainment) -> Mapping[str, Placed]:
    """Targets and predictions, each called as it was received first."""
    names: dict[str, str] = {}
    taken = {name.casefold() for name in settings.series}
    found = {}
    for text in texts:
        if (role := reference_role(text)) is None:
            continue
        plain = " ".join(tidy(text).casefold().replace("_", " ").split())
        name = names.setdefault(plain, tidy(text.replace("_", " ")))
        if name.casefold() in taken:
            continue
        found[text] = Placed(name, role, f"“{name}” says what somebody expects")
    return found


def _may_be_final(
    texts: Collection[str], of: Mapping[str, str], settings: Attainment, group: int | None
) -> list[str]:
    """A summer that is a term or the exams: while nothing else is the final, of who may have sat them."""
    if settings.final in of.values() or (group is not None and group < _SITS):
        return []
    newest = max((said_of(text).school_year for text in texts), default=0)
    return [
        text
        for text in texts
        if text not in of
        and sounds_like_series(text, settings)
        and (said := said_of(text)).span is not None
        and said.span[0] >= _SUMMER
        and said.group in (0, _SITS)
        and not said.family
        and not said.numbers
        and said.school_year in (0, newest)
    ]


def _exams(
    of: Mapping[str, str],
    further_mocks: Collection[str],
    further: Collection[str],
    settings: Attainment,
) -> list[_Exam]:
    """The settings' series, with what means them, and those that no setting names."""
    exams = {
        name: _Exam(name, [], [said_of(name)], place) for place, name in enumerate(settings.sat)
    }
    for text, name in of.items():
        if name not in exams and text in further_mocks:
            exams[name] = _Exam(name, [], [said_of(name)], None)
        if name in exams:
            exams[name].texts.append(text)
            if own_series(text, settings) is None:
                exams[name].said.append(said_of(text))
    others: dict[object, _Exam] = {}
    for text in further:
        said = said_of(text)
        key = said.key if sounds_like_series(text, settings) else text
        name = tidy(text.replace("_", " ")).upper()
        others.setdefault(key, _Exam(name, [], [said], None)).texts.append(text)
    return [*exams.values(), *others.values()]


def _told_by_dates(dates: Mapping[str, Days]) -> Collection[str]:
    """Texts that are series, whatever they say, because each was at a time of its own."""
    if not 1 < len(dates) <= _MOST_DATED:
        return ()
    days = sorted(dates.values())
    apart = all(before[1] < after[0] for before, after in pairwise(days))
    return dates.keys() if apart else ()


def _mocks_in_order(
    texts: Collection[str], of: Mapping[str, str], settings: Attainment, compare: "_Comparison"
) -> Mapping[str, str]:
    """Mocks without a number as the first, the second …, if nothing else claims to be one of these."""
    mocks = [name for name in settings.sat if said_of(name).family == _MOCK]
    if not texts or any(name in of.values() for name in mocks):
        return {}
    by_said: dict[object, list[str]] = {}
    for text in texts:
        by_said.setdefault(said_of(text).key, []).append(text)
    rivals = [_Exam(those[0], those, [said_of(those[0])], None) for those in by_said.values()]
    if any(compare.before(one, other) is None for one, other in combinations(rivals, 2)):
        return {}
    earlier = {
        one.name: sum(bool(compare.before(other, one)) for other in rivals) for one in rivals
    }
    rivals.sort(key=lambda one: earlier[one.name])
    if len(rivals) > len(mocks) and mocks != [f"MOCK {n + 1}" for n in range(len(mocks))]:
        return {}
    names = [*mocks, *(f"MOCK {n + 1}" for n in range(len(mocks), len(rivals)))]
    return {text: name for exam, name in zip(rivals, names, strict=False) for text in exam.texts}


class _Comparison:
    """Which of two series was before the other, as far as it is proven."""

    def __init__(
        self,
        settings: Attainment,
        group: int | None,
        dates: Mapping[str, Days],
        texts: Collection[str],
    ) -> None:
        self._settings, self._group, self._dates = settings, group, dates
        spans = {said.span for said in map(said_of, texts) if not said.group and not said.year}
        self._whole_year = spans.issuperset(_TERMS_OF_A_YEAR)

    def before(self, one: _Exam, other: _Exam) -> bool | None:
        """Whether one was before another; None where nothing says it, or two things contradict."""
        if one.own is not None and other.own is not None:
            return one.own < other.own
        found = {before for before, _ in self._said_by(one, other)}
        return found.pop() if len(found) == 1 else None

    def why(self, one: _Exam, other: _Exam) -> str:
        """What says it."""
        if one.own is not None and other.own is not None:
            return "[attainment] series"
        return next((why for _, why in self._said_by(one, other)), "")

    def _said_by(self, one: _Exam, other: _Exam) -> Iterator[tuple[bool, str]]:
        final = self._settings.final
        if final in (one.name, other.name):
            late = any(said.group > _SITS for exam in (one, other) for said in exam.said)
            if not late:
                yield other.name == final, f"no {final} comes before it"
            return
        groups = self._groups(one, other)
        if None in groups:
            return
        if groups[0] != groups[1]:
            yield (groups[0] or 0) < (groups[1] or 0), "the year group"
            return
        days = [self._days(exam) for exam in (one, other)]
        if days[0] and days[1]:
            if days[0][1] < days[1][0]:
                yield True, "the dates"
            elif days[1][1] < days[0][0]:
                yield False, "the dates"
        for a in one.said:
            for b in other.said:
                yield from self._by_time(a, b, known=bool(groups[0]))

    def _groups(self, one: _Exam, other: _Exam) -> list[int | None]:
        """The year groups of both; 0: the same, whichever it is; None: who knows."""
        said = [self._group_of(exam) for exam in (one, other)]
        if said[0] == said[1]:
            return said
        return [
            (_SITS if exam.is_mock or exam.own is not None else None) if group == 0 else group
            for exam, group in zip((one, other), said, strict=True)
        ]

    def _group_of(self, exam: _Exam) -> int | None:
        groups = {said.group for said in exam.said if said.group}
        if len(groups) > 1:
            return None
        return next(iter(groups), self._group or 0)

    def _days(self, exam: _Exam) -> Days | None:
        days = [self._dates[text] for text in exam.texts if text in self._dates]
        if not days or len(days) < len(exam.texts):
            return None
        return min(first for first, _ in days), max(last for _, last in days)

    def _by_time(self, a: Said, b: Said, *, known: bool) -> Iterator[tuple[bool, str]]:
        if a.school_year and b.school_year and a.school_year != b.school_year:
            yield a.school_year < b.school_year, "the year"
            return
        one_year = known or self._whole_year or bool(a.school_year and b.school_year)
        sure = one_year or (not a.school_year and not b.school_year)
        if a.span and b.span and sure:
            early, late = sorted((a.span, b.span))
            if early[1] < late[0] and (one_year or late[0] < _SUMMER):
                yield a.span == early, "the time of the school year"
        numbered = a.family == b.family and a.numbers and b.numbers and a.numbers != b.numbers
        if numbered and (a.family or not (a.span and b.span) or a.span == b.span):
            yield a.numbers < b.numbers, "the number"


def _ordered(
    exams: Sequence[_Exam], settings: Attainment, compare: _Comparison
) -> tuple[list[_Exam], list[_Exam]]:
    """The exams whose place is proven, in order, and the others."""
    places = range(len(exams))
    before = [
        [i != j and compare.before(exams[i], exams[j]) is True for j in places] for i in places
    ]
    for k in places:
        for i in places:
            for j in places:
                before[i][j] = before[i][j] or (before[i][k] and before[k][j])

    def unclear(i: int, j: int) -> bool:
        return i != j and before[i][j] == before[j][i]

    there = [i for i in places if exams[i].texts or exams[i].name == settings.final]
    out = {i for i in there if exams[i].own is None and any(unclear(i, j) for j in there)}
    kept = [i for i in places if i not in out]
    order: list[int] = []
    while len(order) < len(kept):
        free = [
            i
            for i in kept
            if i not in order and not any(before[j][i] for j in kept if j not in order and j != i)
        ]
        left = free or [i for i in kept if i not in order]
        order.append(min(left, key=lambda i: (not exams[i].texts, exams[i].own or 0, i)))
    return [exams[i] for i in order], [exams[i] for i in sorted(out)]


def _with_roles(
    order: Sequence[_Exam], settings: Attainment, compare: _Comparison
) -> Iterator[Placed]:
    """The exams with the baseline where the settings have it: before them all, else behind."""
    baseline = Placed(settings.baseline, "baseline", "in [attainment] series")
    if settings.series[0] == settings.baseline:
        yield baseline
    for place, exam in enumerate(order):
        if exam.own is not None:
            role = "final" if exam.name == settings.final else "sat"
            yield Placed(exam.name, role, "in [attainment] series")
            continue
        beside = [*order[max(place - 1, 0) : place], *order[place + 1 : place + 2]]
        said = [
            f"{'after' if each in order[:place] else 'before'} {each.name} by {why}"
            for each in beside
            if each.texts and (why := compare.why(exam, each)) and not why.startswith("no ")
        ]
        yield Placed(exam.name, "sat", listed(said) or f"before {settings.final}")
    if settings.series[0] != settings.baseline:
        yield baseline
