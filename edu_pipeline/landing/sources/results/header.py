"""What each column of a table of results is: who, in what, when, how well, and what else.

By the header first, and by what stands below it where headers leave it open.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.names import word_set
from edu_pipeline.landing.sources.results.series import is_series, series_of
from edu_pipeline.landing.sources.results.sheets import Sheet
from edu_pipeline.model.grades import is_absent, is_nothing, points_of
from edu_pipeline.model.subjects import is_known, sounds_like_one, tidy
from edu_pipeline.settings.attainment import Attainment, Column

STUDENT_ID = "student id"
IDS: Mapping[str, Sequence[str]] = {
    STUDENT_ID: (
        *("student id", "student number", "student no", "student ref", "student reference"),
        *("student code", "pupil id", "pupil number", "pupil no", "pupil ref", "pupil reference"),
        *("pupil code", "learner id", "person id", "mis id", "sims id", "sis id", "external id"),
        *("arbor id", "bromcom id", "go4schools id", "gfsid", "id"),
    ),
    "UPN": ("upn", "unique pupil number"),
    "admission number": (
        *("admission number", "admission no", "admissions number", "adm no", "adm number", "adno"),
        *("admno", "ad no", "admission"),
    ),
    "candidate number": (
        *("candidate number", "candidate no", "cand no", "cand number", "exam number", "exam no"),
        *("candidate id", "exam candidate number"),
    ),
    "ULN": ("uln", "unique learner number"),
    "UCI": ("uci", "unique candidate identifier", "exam uci number"),
}
"""Kind of id → what headers call it; the first kinds win."""
NAME = (
    *("student name", "pupil name", "learner name", "candidate name", "full name", "legal name"),
    *("preferred name", "display name", "student full name", "pupil full name", "name", "names"),
    *("student", "pupil", "learner", "candidate", "students", "pupils"),
)
GIVEN = (
    *("forename", "first name", "given name", "preferred forename", "chosen forename"),
    *("preferred first name", "legal forename", "legal first name", "forenames", "first names"),
    *("student forename", "pupil forename", "student first name", "chosen name", "first", "fname"),
)
FAMILY = (
    *("surname", "last name", "family name", "legal surname", "preferred surname"),
    *("preferred last name", "legal last name", "student surname", "pupil surname"),
    *("student last name", "last", "lname", "second name"),
)
COHORT = ("cohort", "leaving year", "leavers", "year of leaving", "exam year", "cohort year")
SUBJECT = (
    *("subject", "subject name", "subject title", "exam subject", "subject description", "course"),
    *("course name", "course title", "qualification", "qualification title", "qualification name"),
)
SERIES = ("exam series", "series", "series name", "assessment series", "result set", "resultset")
MAYBE_SERIES = (
    *("exam", "exam name", "exam session", "exam type", "assessment", "assessment name", "session"),
    *("assessment point", "assessment period", "data collection", "collection", "data drop"),
    *("data point", "sitting", "season", "type", "period", "round", "window", "test"),
)
"""Headers of a series where most of what stands below them is one."""
GRADE = (
    *("grade", "exam grade", "result grade", "score", "exam score", "result", "exam result"),
    *("outcome", "attainment", "points", "point score", "grade points", "gcse points"),
    *("grade point", "level", "mark", "value", "assessment grade", "results", "grades", "scores"),
)
PREDICTED = (
    *("prediction", "predicted grade", "predicted", "predicted points", "gcse prediction"),
    *("predicted gcse", "predicted gcse grade", "estimate", "estimated grade", "expected grade"),
    *("expected", "target grade", "target", "gcse indicator", "indicator", "most likely grade"),
    *("overall", "overall prediction", "overall grade", "average", "average gcse", "mean"),
    *("average gcse grade", "mean gcse", "mean gcse grade", "baseline", "baseline grade"),
)
"""What files that hold nothing but baselines call a grade, besides `GRADE`."""
_BESIDE_A_SUBJECT = re.compile(
    r"\b(predict\w*|forecast|estimat\w*|expect\w*|target|grades?|points?|scores?|results?|indicator|"
    r"yellis|midyis|cat ?4?|fft ?(?:20|50|d)?|baseline|most likely|gcse|igcse)\b",
    re.IGNORECASE,
)
"""Words that a baseline file puts beside a subject."""
_NO_SUBJECT = word_set(
    "teacher staff class classes set group groups target targets effort attitude atl behaviour "
    "homework comment comments predicted prediction forecast current working target rank position "
    "percent percentage percentile band stanine sas date code id uan qan form tutor house year "
    "gender sex ethnicity attendance total average mean p8 a8 entry entries tier board size volume "
    "hours room period points sen eal fsm pp lac mean ks2 reading spelling age"
)
"""Words that a column has which is no subject's grades, even where a subject stands beside them."""
_PRIVATE = re.compile(
    r"birth|\bdob\b|mail|address|post ?code|phone|mobile|contact|parent|guardian|photo|user ?name|"
    r"middle name|\bnhs\b|login|password",
    re.IGNORECASE,
)
"""Columns about a person that no figure needs, and that are left where they are."""
_DIFFERENCE = re.compile(r"diff|residual|value ?added", re.IGNORECASE)
_SURELY = 0.9
"""Share of a column's cells that must be of a kind where only they tell what it is."""
_MOSTLY = 0.5
"""The same where its header says so, too."""
_WORDS = re.compile(r"[^\s_:|()\[\]/–—-]+")
_BLANK = re.compile(r"column_\d+|unnamed:? ?\d*", re.IGNORECASE)
_TARGET = re.compile(r"predict|target|forecast|current|working|estimate|expected", re.IGNORECASE)
_SUBJECTS_ENOUGH = 2
"""Columns that are surely subjects, from which on others among them may be."""


@dataclass(frozen=True)
class Value:
    """A column of grades."""

    place: int
    subject: str | None = None
    """None: another column, the sheet or the file says it."""
    series: str | None = None
    """As received; None as above."""


@dataclass(frozen=True)
class Columns:
    """What the columns of a sheet are, each by its place counted from 0."""

    ids: Mapping[str, int] = field(default_factory=dict)
    """Kind of id → its column; the kind that wins is first."""
    name: int | None = None
    given: int | None = None
    family: int | None = None
    cohort: int | None = None
    subject: int | None = None
    series: int | None = None
    difference: int | None = None
    values: tuple[Value, ...] = ()
    groups: tuple[int, ...] = ()
    """What else is said of students."""
    guessed: tuple[str, ...] = ()
    """Headers taken for subjects that are known for none, because grades stand below them."""
    unread: tuple[str, ...] = ()
    """Headers of targets and predictions, which are no series."""

    @property
    def who(self) -> tuple[int, ...]:
        """The columns that say whose row it is."""
        people = (*self.ids.values(), self.name, self.given, self.family)
        return tuple(place for place in people if place is not None)

    @property
    def shape(self) -> str:
        """What a row is."""
        if self.subject is not None:
            if any(value.series for value in self.values):
                return "a student in a subject, with a column per series"
            return f"a student in a subject{'' if self.series is None else ' and a series'}"
        if not any(value.subject for value in self.values):
            return "a student"
        paired = any(value.subject and value.series for value in self.values)
        return f"a student, with a column per subject{' and series' if paired else ''}"


@dataclass(frozen=True)
class Context:
    """What is known of a sheet besides its cells."""

    settings: Attainment
    baseline: bool = False
    """Whether it holds nothing but baselines."""
    subject: str | None = None
    """That its name says."""


def normal(header: str) -> str:
    """A header without case and punctuation, its words apart."""
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).casefold()))


def _compact(header: str) -> str:
    return normal(header).replace(" ", "")


_ROLES: Mapping[str, str] = {
    _compact(alias): role
    for role, aliases in (
        *IDS.items(),
        *(("name", names) for names in (GIVEN, FAMILY, NAME)),
        ("cohort", COHORT),
        ("subject", SUBJECT),
        ("series", (*SERIES, *MAYBE_SERIES)),
        ("grade", GRADE),
    )
    for alias in aliases
}


def shown_header(header: Sequence[str], settings: Attainment) -> str:
    """The columns of a file as a message may say them: a header that is unknown may name somebody."""
    known = known_names(settings)
    names = [name for name in header if known([name])]
    more = len(header) - len(names)
    left = f"; there {'is' if more == 1 else 'are'} {more} more" if more else ""
    return f"Of its columns we know {listed(names)}{left}."


_NO_GUESS = frozenset({*_ROLES, *map(_compact, PREDICTED)})
WHO = frozenset({"name", *IDS})
"""What `known_names` gives for columns that say whose row it is: a header should have one."""


def known_names(settings: Attainment) -> Callable[[Sequence[str]], Collection[str]]:
    """What tells a header from other lines: names of columns, of subjects and of series."""
    said = {_compact(name) for name in settings.columns.values()}

    @cache
    def role(name: str) -> str | None:
        plain = _compact(name)
        if plain in said or plain in _ROLES:
            return _ROLES.get(plain, plain)
        spoken = is_known(name) or is_series(name, settings) or pair(name, settings) is not None
        return plain if spoken and not _BLANK.fullmatch(name) else None

    return lambda names: {found for name in names if (found := role(name)) is not None}


def is_subject(header: str) -> bool:
    """Whether a header is a subject's, and not of something about it, such as its teacher."""
    words = set(normal(header).split())
    return is_known(header) or (sounds_like_one(header) and words.isdisjoint(_NO_SUBJECT))


def pair(header: str, settings: Attainment) -> tuple[str, str] | None:
    """The subject and the series of a header that has both, such as `Maths Mock 1`."""
    words = list(_WORDS.finditer(header))
    found = []
    for cut in range(1, len(words)):
        left = header[: words[cut - 1].end()].strip(" ([")
        right = header[words[cut].start() :].strip(" )]")
        for subject, series in ((left, right), (right, left)):
            if is_series(series, settings) and is_subject(subject):
                found.append((tidy(subject), series))
    return max(found, key=lambda each: (is_known(each[0]), len(each[1])), default=None)


def one_header(sheet: Sheet, settings: Attainment) -> Sheet:
    """A sheet whose header takes two lines, subjects over series, with both in one line."""
    names = ["" if _BLANK.fullmatch(name) else re.sub(r"_\d+$", "", name) for name in sheet.header]
    if sheet.rows:
        first = sheet.rows[0]
        series = [is_series(cell, settings) for cell in first.cells]
        if sum(series) >= _SUBJECTS_ENOUGH and all(
            told or not cell.strip() for told, cell in zip(series, first.cells, strict=True)
        ):
            header = _joined(names, first.cells, sheet.header)
            return replace(sheet, header=header, rows=sheet.rows[1:])
    over = [cell.strip() for cell in sheet.over]
    if sum(is_subject(cell) for cell in over if cell) >= _SUBJECTS_ENOUGH:
        lower = [name if is_series(name, settings) else "" for name in names]
        return replace(sheet, header=_joined(over, lower, sheet.header))
    return sheet


def _joined(upper: Sequence[str], lower: Sequence[str], header: Sequence[str]) -> tuple[str, ...]:
    """Subjects, each over the columns up to the next, with the series below them."""
    joined, subject = [], ""
    for over, under, name in zip(upper, lower, header, strict=True):
        subject = over or subject
        joined.append(f"{subject} – {under.strip()}" if under and is_subject(subject) else name)
    return tuple(joined)


class _Free:
    """The columns of a sheet that nothing has taken yet."""

    def __init__(self, sheet: Sheet, context: Context) -> None:
        self.context = context
        self.headers = {
            place: header
            for place, header in enumerate(sheet.header)
            if not _BLANK.fullmatch(header)
        }
        self._rows, self._header = sheet.rows, sheet.header
        self._cells: dict[int, Counter[str]] = {}

    def take(self, names: Sequence[str], column: Column | None = None) -> int | None:
        """The column that the settings name, else the first of these names that is there."""
        found = next(self.called(names, column), None)
        if found is not None:
            del self.headers[found]
        return found

    def called(self, names: Sequence[str], column: Column | None = None) -> Iterator[int]:
        """Columns that the settings name, else of these names, in their order."""
        said = self.context.settings.columns.get(column) if column is not None else None
        wanted = [_compact(name) for name in ([said] if said else names)]
        plain = {place: _compact(header) for place, header in self.headers.items()}
        for name in wanted:
            yield from [place for place, header in plain.items() if header == name]

    def sheet_header(self, place: int) -> str:
        """A column's header, whether or not it is taken."""
        return self._header[place]

    def said(self, column: Column) -> bool:
        """Whether the settings name a column."""
        return column in self.context.settings.columns

    def cells(self, place: int) -> Counter[str]:
        """Texts of a column that are not blank, and how often each stands there."""
        if place not in self._cells:
            texts = Counter(row.cells[place].strip() for row in self._rows)
            self._cells[place] = Counter(
                {text: count for text, count in texts.items() if not is_nothing(text)}
            )
        return self._cells[place]

    def share(self, place: int, test: Callable[[str], bool]) -> float:
        """Share of a column's cells, blank ones aside, that pass a test; 0 where there is none."""
        cells = self.cells(place)
        return sum(n for text, n in cells.items() if test(text)) / max(cells.total(), 1)

    def graded(self, place: int) -> float:
        """Share of grades and absences."""
        own = self.context.settings.grades
        return self.share(place, lambda t: is_absent(t) or points_of(t, own) is not None)

    @property
    def rows(self) -> int:
        """Rows of the sheet."""
        return len(self._rows)


def read_columns(sheet: Sheet, context: Context) -> Columns:
    """What each column of a sheet is.

    Args:
        sheet: The table, its header in one line.
        context: What is known of it besides.
    """
    free = _Free(sheet, context)
    people = _people(free)
    cohort = free.take(COHORT, "cohort")
    subject = free.take(SUBJECT, "subject")
    series = _series(free)
    if subject is None:
        subject = _by_cells(free, is_known)
    difference = _difference(free)
    guessed: tuple[str, ...] = ()
    if subject is not None or context.subject is not None:
        values = _of_a_subject(free, series=series is not None)
    else:
        values, guessed = _per_subject(free)
    free.headers = {p: h for p, h in free.headers.items() if not _PRIVATE.search(normal(h))}
    return replace(
        people,
        cohort=cohort,
        subject=subject,
        series=series,
        difference=difference,
        values=values,
        groups=tuple(free.headers),
        guessed=guessed,
        unread=tuple(
            header
            for place, header in free.headers.items()
            if _TARGET.search(header) and free.graded(place) >= _SURELY
        ),
    )


def _people(free: _Free) -> Columns:
    """Who: ids of all kinds, and the name as one column or two."""
    given, family = free.take(GIVEN, "given_name"), free.take(FAMILY, "family_name")
    name = free.take(NAME, "name")
    ids = {}
    for kind, aliases in IDS.items():
        place = free.take(aliases, "student_id" if kind == STUDENT_ID else None)
        if place is not None:
            ids[kind] = place
    if family is not None and given is None:
        given, name = name, None
    if name is not None and not free.said("name") and free.share(name, _has_digit) > _MOSTLY:
        ids, name = {STUDENT_ID: name, **ids}, None
    own = ids.get(STUDENT_ID)
    if own is not None and not free.said("student_id"):
        if name is None and given is None and free.share(own, _is_name) > _MOSTLY:
            name = ids.pop(STUDENT_ID)
        elif _compact(free.sheet_header(own)) == "id" and _counts_rows(free, own, name):
            del ids[STUDENT_ID]
    return Columns(ids=ids, name=name, given=given, family=family)


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _is_name(text: str) -> bool:
    return " " in text and not _has_digit(text)


def _counts_rows(free: _Free, place: int, name: int | None) -> bool:
    """Whether what is called an id is the row's number: it never repeats, and names do."""
    return (
        name is not None
        and len(free.cells(place)) == free.rows
        and len(free.cells(name)) * 2 <= free.rows
    )


def _series(free: _Free) -> int | None:
    """The column of the series: by its name, or because series stand in it."""
    found = free.take(SERIES, "series")
    if found is not None:
        return found
    settings = free.context.settings
    for place in free.called(MAYBE_SERIES):
        if free.share(place, lambda text: is_series(text, settings)) > _MOSTLY:
            del free.headers[place]
            return place
    return _by_cells(free, lambda text: is_series(text, settings), _more_than_the_final(settings))


def _more_than_the_final(settings: Attainment) -> Callable[[Collection[str]], bool]:
    """A column that says GCSE in every row says what kind of exam, not which series."""
    return lambda texts: any(series_of(text, settings) != settings.final for text in texts)


def _by_cells(
    free: _Free,
    test: Callable[[str], bool],
    enough: Callable[[Collection[str]], bool] = bool,
) -> int | None:
    """The first column in which nearly all cells pass a test, and repeat."""
    for place in free.headers:
        cells = free.cells(place)
        repeats = len(cells) * 2 <= cells.total()
        if repeats and free.share(place, test) >= _SURELY and enough(cells):
            del free.headers[place]
            return place
    return None


def _difference(free: _Free) -> int | None:
    if free.said("difference"):
        return free.take((), "difference")
    for place, header in free.headers.items():
        if _DIFFERENCE.search(header) and free.share(place, _is_number) >= _SURELY:
            del free.headers[place]
            return place
    return None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+−]?\d+(?:[.,]\d+)?", text) is not None


def _of_a_subject(free: _Free, *, series: bool) -> tuple[Value, ...]:
    """Columns of grades where a row is of one subject."""
    settings = free.context.settings
    grade = _grade(free)
    values = [] if grade is None else [Value(grade)]
    if grade is not None and free.context.baseline:
        return tuple(values)
    for place, header in list(free.headers.items()):
        if is_series(header, settings) and free.graded(place) > _MOSTLY:
            del free.headers[place]
            values.append(Value(place, series=header))
    if len(values) > 1 and grade is not None and not series:
        # beside columns for each series, what has no series is something else
        return tuple(value for value in values if value.series is not None)
    return tuple(values)


def _grade(free: _Free) -> int | None:
    """The column of the grade: of those that are called so, the first with grades in it."""
    names = (*PREDICTED, *GRADE) if free.context.baseline else GRADE
    candidates = list(free.called(names, "grade"))
    found = next((place for place in candidates if free.graded(place) > _MOSTLY), None)
    if found is None:
        found = next(iter(candidates), None)
    if found is not None:
        del free.headers[found]
    return found


def _per_subject(free: _Free) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    """Columns of grades where each is of a subject, and the headers only taken for one."""
    settings, baseline = free.context.settings, free.context.baseline
    values, guessed = [], []
    for place, header in list(free.headers.items()):
        subject, series = (None if baseline else pair(header, settings)) or (None, None)
        bare = _without_fillers(header) if baseline else header
        subject = subject or (tidy(bare) if is_subject(bare) else None)
        if subject is not None and (free.graded(place) > _MOSTLY or not free.cells(place)):
            del free.headers[place]
            values.append(Value(place, subject, series))
    if len(values) >= _SUBJECTS_ENOUGH:
        for place, header in list(free.headers.items()):
            words = set(normal(header).split())
            plain = words.isdisjoint(_NO_SUBJECT) and _compact(header) not in _NO_GUESS
            if plain and not is_series(header, settings) and free.graded(place) >= _SURELY:
                del free.headers[place]
                values.append(Value(place, tidy(header)))
                guessed.append(header)
    if values:
        return _one_per_subject(values, free), tuple(guessed)
    overall = _grade(free)
    if overall is not None:
        return (Value(overall),), ()
    named = [p for p, h in free.headers.items() if is_series(h, settings) and free.graded(p)]
    values = [Value(place, series=free.headers.pop(place)) for place in named]
    return tuple(values), ()


def _without_fillers(header: str) -> str:
    return " ".join(_BESIDE_A_SUBJECT.sub(" ", header.replace("_", " ")).split()).strip(" -–:/()")


def _one_per_subject(values: Sequence[Value], free: _Free) -> tuple[Value, ...]:
    """Of a baseline's points and grade in one subject, the points."""
    if not free.context.baseline:
        return tuple(values)
    best: dict[tuple[str | None, str | None], Value] = {}
    for value in values:
        best.setdefault((value.subject, value.series), value)
    return tuple(best.values())
