"""What each column of a table of results is: who, in what, when, how well, and what else.

By the header first, and by what stands below it where headers leave it open.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.series import (
    is_expectation,
    is_in_settings,
    is_series,
    may_be_final,
    own_series,
    series_of,
    sounds_like_series,
)
from edu_pipeline.landing.sources.results.sheets import Sheet
from edu_pipeline.landing.sources.results.unused import why_unused
from edu_pipeline.landing.tables.headers import word_set
from edu_pipeline.model.grades import is_absent, is_grade, is_nothing
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.subjects import is_known, sounds_like_one, subject_key, telling_words, tidy
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
    *("surname forename", "forename surname", "surname first name", "first name surname"),
    *(
        "last name first name",
        "first name last name",
        "surname and forename",
        "forename and surname",
    ),
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
    *("data point", "sitting", "season", "type", "period", "round", "window", "test", "term"),
)
"""Headers of a series where most of what stands below them is one."""
YEARS = ("academic year", "school year", "acad year", "academic session", "year")
"""Headers of the school year of a row."""
DATE = (
    *("date", "exam date", "assessment date", "date of assessment", "date of exam", "test date"),
    *("date taken", "date sat", "result date", "results date", "grade date", "collection date"),
)
"""Headers of when the grade of a row was given."""
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
_MEASURES = word_set(
    "attendance punctuality late lates behaviour conduct attitude atl effort detention detentions "
    "exclusion exclusions suspension suspensions merits demerits rewards sanctions achievement total "
    "average mean aps a8 p8 points overall"
)
"""Words of what exports put among subjects and is none."""
_OF_EXAMS = word_set("mock mocks ppe ppes paper papers exam autumn spring")
_OF_QUALIFICATIONS = word_set(
    "triple separate single double dual gcse igcse btec award level ncfe ocr aqa edexcel wjec eduqas "
    "cambridge national nationals cnat vcert technical tech certificate diploma extended additional "
    "higher foundation advanced applied further core a as"
)
"""Words that stand beside several subjects and make each another subject."""
_OF_AWARDS = word_set(
    "btec ncfe cnat cambridge national nationals vcert award certificate cert diploma dip tech technical"
)
"""Of these, the ones that only an award of its own has, whatever subject it is in."""
_TAUGHT = word_set("class classes set group teaching teacher tchr staff stream band code")
"""Words of where and by whom a subject is taught."""
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
_CLASS = re.compile(r"[1-9] ?[abcABC]")
"""What is a fine grade in a column that says so, and else may be a class."""
_A_YEAR = re.compile(r"20\d\d(?:\s*[-/–]\s*(?:20)?\d\d)?")
_GRADE = word_set("grade grades result results outcome")
"""Words beside a subject of the column of its grades."""
_MARK = word_set("points point score scores mark marks percent percentage raw total ums")
"""Words of the column of what was counted for them."""
_SUBJECTS_ENOUGH = 2
"""Columns that are surely subjects, from which on others among them may be."""
_SHORT = 3
"""Letters that may be a subject's beside another, and anything else."""
_LONGEST_GRADE = 12
"""Characters of what may be a grade that we do not know, such as `Distinction*`."""
_TWO = 2
"""Values of a column that says yes or no, or which half of a year a student is in."""


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
    year: int | None = None
    """The school year of the series, where a student has one of that name in several."""
    date: int | None = None
    """When the grade of a row was given, where a column says its series."""
    differences: tuple[Value, ...] = ()
    """What the export says of results against baselines, of all subjects or of one each."""
    values: tuple[Value, ...] = ()
    groups: tuple[int, ...] = ()
    """What else is said of students."""
    of_subjects: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Of these, classes, sets and teachers of one subject: its name, and what the column says."""
    unknown: tuple[str, ...] = ()
    """Headers beside subjects, or beside series, that are known for none and have grades below."""
    bare: tuple[str, ...] = ()
    """Headers of a series, beside columns that have a subject, too, and with grades below."""
    unused: Mapping[int, str] = field(default_factory=dict)
    """Columns of what is known and makes no figure, and why."""
    beside: tuple[str, ...] = ()
    """What stands beside subjects in headers, is known for nothing and has grades below."""

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


def normal(header: str) -> str:
    """A header without case and punctuation, its words apart."""
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).casefold()))


def _compact(header: str) -> str:
    return normal(header).replace(" ", "") or header.strip()


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


def is_called(header: str, role: str) -> bool:
    """Whether a header is one of those of a role, such as `UPN`, `name` or `subject`."""
    of = _ROLES.get(_compact(header))
    return of is not None and (of == role or (of == "name" and role.endswith("name")))


def shown_header(header: Sequence[str], settings: Attainment) -> str:
    """The columns of a file as a message may say them: a header that is unknown may name somebody."""
    known = known_names(settings)
    # in any order of the columns the same sentence
    names = sorted((name for name in header if known([name])), key=str.casefold)
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


def is_subject(header: str, settings: Attainment) -> bool:
    """Whether a header is a subject's, and not of something about it, such as its teacher."""
    words = set(normal(header).split())
    return (
        is_known(header)
        or (
            sounds_like_one(header) and words.isdisjoint(_NO_SUBJECT) and not is_expectation(header)
        )
        or _is_said(header, settings)
    )


def is_no_subject(text: str, settings: Attainment) -> bool:
    """Whether a cell among subjects is none: attendance, an average, points."""
    measures = not _MEASURES.isdisjoint(normal(text).split())
    return measures and not sounds_like_one(text) and not _is_said(text, settings)


def is_no_grade(text: str, settings: Attainment) -> bool:
    """Whether the settings say of a cell that it is no grade."""
    return normal_grade(text) in {normal_grade(word) for word in settings.no_grade}


def _is_said(subject: str, settings: Attainment) -> bool:
    return tidy(subject).casefold() in {tidy(name).casefold() for name in settings.subjects}


def pair(header: str, settings: Attainment) -> tuple[str, str] | None:
    """The subject and the series of a header that has both, such as `Maths Mock 1`.

    The series may be one without a place, or an expectation.
    """
    found = [
        (tidy(subject.replace("_", " ")), series)
        for subject, series in _cuts(header)
        if _is_label(series, settings) and (is_subject(subject, settings) or _is_award(subject))
    ]
    return max(
        found,
        key=lambda each: (is_series(each[1], settings), _known_length(each[0]), len(each[1])),
        default=None,
    )


def unknown_pair(header: str, settings: Attainment) -> tuple[str, str] | None:
    """What may be a subject, though we know none of that name, and the series beside it: `BTEC Dip Mock`."""
    if _is_label(header, settings) or pair(header, settings) is not None:
        return None
    found = [
        (tidy(subject.replace("_", " ")), series)
        for subject, series in _cuts(header)
        if sounds_like_series(series, settings)
        and _compact(subject) not in _NO_GUESS
        and {*_NO_SUBJECT, *_MEASURES, *_OF_EXAMS}.isdisjoint(normal(subject).split())
    ]
    return max(found, key=lambda each: len(each[1]), default=None)


def making(header: str, settings: Attainment, *, series: bool) -> Mapping[str, str]:
    """What makes a column that we do not know one of a series, or of a subject: lines of `[attainment.series_names]` or `.subjects`."""
    if series:
        return {header: "…"}
    both = unknown_pair(header, settings)
    name = header if both is None else both[0]
    return {name: name}


def _is_award(text: str) -> bool:
    """Whether a text is an award in a subject that we know: `BTEC IT`, `Health Social Care Tech Award`."""
    words = text.replace("_", " ").split()
    rest = [word for word in words if normal(word) not in _OF_QUALIFICATIONS | _OF_AWARDS]
    named = any(normal(word) in _OF_AWARDS for word in words)
    return named and is_known(" ".join(rest))


def _beside_a_subject(header: str) -> tuple[str, str] | None:
    """The known subject of a header that is none itself, and what stands beside it."""
    found = [
        (tidy(subject), rest)
        for subject, rest in _cuts(header)
        if is_known(subject) and not (is_known(rest) and len(rest) > _SHORT)
    ]
    best = max(found, key=lambda e: (not _has_words(e[1]), _known_length(e[0])), default=None)
    return None if best is None or (is_known(header) and _has_words(best[1])) else best


def _taught(header: str) -> tuple[str, str] | None:
    """The subject of a class, a set or a teacher, and which of these: `Maths_Class`, `Ma Set`."""
    found = [
        (tidy(subject), rest)
        for subject, rest in _cuts(header)
        if is_known(subject) and _is_only(rest, _TAUGHT)
    ]
    best = max(found, key=lambda each: _known_length(each[0]), default=None)
    return best and (best[0], normal(best[1]).capitalize())


def _is_only(text: str, words: Collection[str]) -> bool:
    """Whether a text has words, and only these."""
    own = normal(text).split()
    return bool(own) and set(own) <= set(words)


def _has_words(text: str) -> bool:
    return re.search(r"\w", text) is not None


def _known_length(subject: str) -> tuple[int, int]:
    """Which of two cuts leaves a known subject whole: not that through `English Language` or `Combined Science`."""
    if not is_known(subject):
        return 0, 0
    return len(subject_key(subject)), len(telling_words(subject))


def _cuts(header: str) -> Iterator[tuple[str, str]]:
    """A header as a subject and what stands beside it, in every way."""
    words = list(_WORDS.finditer(header))
    for cut in range(1, len(words)):
        left = header[: words[cut - 1].end()].strip(" ([")
        right = header[words[cut].start() :].strip(" )]")
        yield left, right
        yield right, left
        for end in range(cut + 1, len(words)):  # `Y11 Ma Mock 1`
            subject = header[words[cut].start() : words[end - 1].end()].strip(" ()[]")
            if is_known(subject) and not is_known(f"{left} {subject}") and not is_known(left):
                yield subject, f"{left} {header[words[end].start() :].strip(' )]')}"


def _is_label(text: str, settings: Attainment) -> bool:
    return sounds_like_series(text, settings) or is_expectation(text)


def one_header(sheet: Sheet, settings: Attainment) -> Sheet:
    """A sheet whose header takes two lines, subjects over series, with both in one line."""
    names = ["" if _BLANK.fullmatch(name) else re.sub(r"_\d+$", "", name) for name in sheet.header]
    if sheet.rows:
        first = sheet.rows[0]
        series = [
            _is_label(cell, settings) or over is not None or _is_only(cell, _GRADE)
            for cell, over in zip(first.cells, _wholes(names, first.cells), strict=True)
        ]
        if sum(series) >= _SUBJECTS_ENOUGH and all(
            told or not cell.strip() for told, cell in zip(series, first.cells, strict=True)
        ):
            header = _joined(names, first.cells, sheet.header, settings)
            return replace(sheet, header=header, rows=sheet.rows[1:])
    over = [cell.strip() for cell in sheet.over]
    whole = _wholes(over, names)
    subjects = sum(is_subject(cell, settings) for cell in over if cell)
    if subjects >= _SUBJECTS_ENOUGH or any(whole):
        lower = [
            name if _is_label(name, settings) or part else ""
            for name, part in zip(names, whole, strict=True)
        ]
        return replace(sheet, header=_joined(over, lower, sheet.header, settings))
    return sheet


def _joined(
    upper: Sequence[str], lower: Sequence[str], header: Sequence[str], settings: Attainment
) -> tuple[str, ...]:
    """Subjects, each over the columns up to the next, with the series below them."""
    joined, subject = [], ""
    for over, under, name, whole in zip(upper, lower, header, _wholes(upper, lower), strict=True):
        subject = over or subject
        known = under and not _is_only(under, _GRADE) and is_subject(subject, settings)
        joined.append(whole or (f"{subject} – {under.strip()}" if known else name))
    return tuple(joined)


def _wholes(upper: Sequence[str], lower: Sequence[str]) -> list[str | None]:
    """Subjects of which two lines each have a part, such as `English` over `Lang` and `Lit Mock 1`."""
    found: list[str | None] = []
    subject = ""
    for over, under in zip(upper, lower, strict=True):
        subject = over or subject
        first = " ".join([subject, *under.split()[:1]])
        named = is_known(subject) and _has_words(under) and is_known(first)
        key = subject_key(first)
        apart = key != subject_key(subject) and (not is_known(under) or subject_key(under) == key)
        found.append(f"{subject} {under.strip()}" if named and apart else None)
    return found


def as_received(header: Sequence[str]) -> list[str]:
    """Headers without the number by which the second of one name is told from the first."""
    names = {name.casefold() for name in header}
    bare = [re.sub(r"_\d+$", "", name) for name in header]
    return [
        plain if plain.casefold() in names else name
        for plain, name in zip(bare, header, strict=True)
    ]


class _Reading:
    """The columns of a sheet that nothing has taken yet, and those of grades as they are found."""

    def __init__(self, sheet: Sheet, settings: Attainment, *, baseline: bool) -> None:
        self.settings, self.baseline = settings, baseline
        ignored = {_compact(name) for name in self.settings.ignore}
        self.headers = {
            place: header
            for place, header in enumerate(as_received(sheet.header))
            if not _BLANK.fullmatch(header) and _compact(header) not in ignored
        }
        self.values: list[Value] = []
        self.differences: list[Value] = []
        self.beside: list[str] = []
        self.bare: list[str] = []
        self.unknown: list[str] = []
        self._rows, self._header = sheet.rows, sheet.header
        self._cells: dict[int, Counter[str]] = {}

    # What stands in a column

    def cells(self, place: int) -> Counter[str]:
        """Texts of a column that are not blank, and how often each stands there."""
        if place not in self._cells:
            texts = Counter(row.cells[place].strip() for row in self._rows)
            self._cells[place] = Counter(
                {
                    text: count
                    for text, count in texts.items()
                    if not is_nothing(text) and not is_no_grade(text, self.settings)
                }
            )
        return self._cells[place]

    def share(self, place: int, test: Callable[[str], bool]) -> float:
        """Share of a column's cells, blank ones aside, that pass a test; 0 where there is none."""
        cells = self.cells(place)
        return sum(n for text, n in cells.items() if test(text)) / max(cells.total(), 1)

    def graded(self, text: str) -> bool:
        """Whether a cell is a grade or an absence."""
        return is_absent(text) or (
            is_grade(text, self.settings.grades) and not _CLASS.fullmatch(text)
        )

    def like_grades(self, place: int) -> float:
        """Share of grades and absences, also of those cut finer than exam boards cut them."""
        return self.share(place, lambda t: self.graded(t) or bool(_CLASS.fullmatch(t)))

    def may_be_results(self, place: int) -> bool:
        """Whether grades stand in a column, or marks that are none, or nothing at all."""
        numbers = self.share(place, _is_number)
        return not self.cells(place) or max(self.like_grades(place), numbers) > _MOSTLY

    def is_difference(self, place: int, text: str) -> bool:
        """Whether a column, by what its header says, compares results with baselines."""
        return bool(_DIFFERENCE.search(text)) and self.share(place, _is_number) >= _SURELY

    def is_flag(self, place: int) -> bool:
        """Whether a column says one of two things: yes or no, the first half of the year or the other."""
        texts = set(self.cells(place))
        return len(texts) <= _TWO and all(text in "01" or not text.isdigit() for text in texts)

    def speaks(self, place: int) -> bool:
        """Whether a column has sentences or names, as a term's comments or its teachers are."""
        return self.share(place, lambda text: len(text) > _LONGEST_GRADE) > _MOSTLY

    def is_ignored(self, label: str) -> bool:
        """Whether the settings leave a column out that has this beside its subject."""
        return _compact(label) in {_compact(name) for name in self.settings.ignore}

    def tells_apart(self, place: int, keys: Sequence[int]) -> bool:
        """Whether rows that say the same in these columns differ in this one: nearly always."""
        several: dict[tuple[str, ...], list[str]] = {}
        for row in self._rows:
            key = tuple(row.cells[each].strip() for each in keys)
            several.setdefault(key, []).append(row.cells[place].strip())
        repeated = [texts for texts in several.values() if len(texts) > 1]
        apart = [texts for texts in repeated if len(set(texts)) == len(texts)]
        return 2 * len(repeated) >= len(several) > 0 and len(apart) >= _SURELY * len(repeated)

    def counts_rows(self, place: int, name: int | None) -> bool:
        """Whether what is called an id is the row's number: it never repeats, and names do."""
        rows = len(self._rows)
        return (
            _compact(self._header[place]) == "id"
            and name is not None
            and len(self.cells(place)) == rows
            and len(self.cells(name)) * 2 <= rows
        )

    # Columns of one kind

    def called(self, names: Sequence[str], column: Column | None = None) -> Iterator[int]:
        """Columns that the settings name, else of these names, in their order."""
        said = self.settings.columns.get(column) if column is not None else None
        wanted = [_compact(name) for name in ([said] if said else names)]
        plain = {place: _compact(header) for place, header in self.headers.items()}
        for name in wanted:
            yield from [place for place, header in plain.items() if header == name]

    def first(self, places: Iterable[int]) -> int | None:
        """Take the first of some columns, if there is one."""
        found = next(iter(places), None)
        if found is not None:
            del self.headers[found]
        return found

    def take(self, names: Sequence[str], column: Column | None = None) -> int | None:
        """Take the column that the settings name, else the first of these names that is there."""
        return self.first(self.called(names, column))

    def by_cells(
        self, test: Callable[[str], bool], enough: Callable[[Collection[str]], bool] = bool
    ) -> int | None:
        """Take the first column in which nearly all cells pass a test, and repeat."""
        return self.first(
            place
            for place in self.headers
            if len(cells := self.cells(place)) * 2 <= cells.total()
            and self.share(place, test) >= _SURELY
            and enough(cells)
        )

    def people(self) -> Columns:
        """Take who it is: ids of all kinds, and the name as one column or two."""
        given, family = self.take(GIVEN, "given_name"), self.take(FAMILY, "family_name")
        name = self.take(NAME, "name")
        said = self.settings.columns
        ids = {}
        for kind, aliases in IDS.items():
            place = self.take(aliases, "student_id" if kind == STUDENT_ID else None)
            if place is not None:
                ids[kind] = place
        if family is not None and given is None:
            given, name = name, None
        if name is not None and "name" not in said and self.share(name, _has_digit) > _MOSTLY:
            ids, name = {STUDENT_ID: name, **ids}, None
        own = ids.get(STUDENT_ID)
        if own is not None and "student_id" not in said:
            if name is None and given is None and self.share(own, _is_name) > _MOSTLY:
                name = ids.pop(STUDENT_ID)
            elif self.counts_rows(own, name):
                del ids[STUDENT_ID]
        return Columns(ids=ids, name=name, given=given, family=family)

    def series(self, keys: Sequence[int]) -> int | None:
        """Take the column of the series: by its name, or because series stand in it.

        One that is called like it and tells a student's rows of a subject apart says a series, whether
        or not we know which; one that says GCSE in every row says what kind of exam.
        """

        def is_one(text: str) -> bool:
            return sounds_like_series(text, self.settings)

        found = self.take(SERIES, "series")
        if found is None:
            found = self.first(
                place
                for place in self.called(MAYBE_SERIES)
                if self.share(place, is_one) > _MOSTLY or self.tells_apart(place, keys)
            )
        if found is not None:
            return found
        final = self.settings.final
        return self.by_cells(
            is_one, lambda texts: any(series_of(t, self.settings) != final for t in texts)
        )

    def year(self, keys: Sequence[int]) -> int | None:
        """Take the column of the school year, where a series of one name is of several."""
        return self.first(
            place
            for place in self.called(YEARS)
            if self.share(place, lambda text: _A_YEAR.fullmatch(text) is not None) == 1
            and self.tells_apart(place, keys)
        )

    def difference(self) -> int | None:
        """Take the column of the difference, whatever the subject."""
        if "difference" in self.settings.columns:
            return self.take((), "difference")
        return self.first(
            place
            for place, header in self.headers.items()
            if self.is_difference(place, header) and _beside_a_subject(header) is None
        )

    def grade(self) -> int | None:
        """Take the column of the grade: of those that are called so, the first with grades in it.

        What the settings call a series is a grade of that.
        """
        names = (*PREDICTED, *GRADE) if self.baseline else GRADE
        called = [
            place
            for place in self.called(names, "grade")
            if not is_in_settings(self._header[place], self.settings)
        ]
        return self.first([p for p in called if self.share(p, self.graded) > _MOSTLY] or called)

    # Columns of grades

    def put_beside(self, place: int, subject: str, rest: str) -> None:
        """Take a column of a subject that is no series we know; it may be a version of the final."""
        del self.headers[place]
        if self.is_difference(place, rest):
            self.differences.append(Value(place, subject))
        elif may_be_final(rest, self.settings) and not self.is_ignored(rest):
            self.values.append(Value(place, subject, rest))
        elif not self.is_ignored(rest) and rest not in self.beside:
            self.beside.append(rest)

    def put(self, place: int, subject: str | None, label: str) -> None:
        """Take a column whose header says a series, or something like it, if grades stand there.

        An exam is one however unreadable its grades are; a baseline may be a score that is none, and what
        somebody expects may stand there in words.
        """
        if self.is_ignored(label):
            del self.headers[place]
            return
        settings, like = self.settings, self.like_grades(place) > _MOSTLY or not self.cells(place)
        known = series_of(label, settings)
        is_exam = known not in (None, settings.baseline) or (
            known is None and sounds_like_series(label, settings) and not self.speaks(place)
        )
        if like or is_exam:
            self.values.append(Value(place, subject, label))
            del self.headers[place]

    def put_labelled(self) -> None:
        """Take every column whose header is a series, or something like it, and nothing else."""
        for place, header in list(self.headers.items()):
            if _is_label(header, self.settings):
                self.put(place, None, header)

    def put_unknown_subjects(self) -> None:
        """Take columns of a series beside what is no subject we know, if grades or marks stand there."""
        for place, header in list(self.headers.items()):
            if unknown_pair(header, self.settings) is not None and self.may_be_results(place):
                del self.headers[place]
                self.unknown.append(header)

    def put_bare(self) -> None:
        """Take columns of a series beside others that have a subject, too: of which is this one?"""
        for place, header in list(self.headers.items()):
            if _is_label(header, self.settings) and self.like_grades(place) > _MOSTLY:
                del self.headers[place]
                self.bare.append(header)

    def unused(self) -> Mapping[int, str]:
        """Why columns that are left make no figure, as far as that is known."""
        found = {
            place: why_unused(header, self.settings, measured=self.may_be_results(place))
            for place, header in self.headers.items()
        }
        return {place: why for place, why in found.items() if why is not None}

    def put_strangers(self) -> None:
        """Take columns that are called like nothing we know and have grades, or numbers like grades.

        Beside series such a column may be a version of the final.
        """
        of_series = all(value.subject is None for value in self.values)
        for place, header in list(self.headers.items()):
            words = set(normal(header).split())
            plain = words.isdisjoint(_NO_SUBJECT) and _compact(header) not in _NO_GUESS
            surely = plain and self.share(place, self.graded) >= _SURELY
            known = not of_series and why_unused(header, self.settings, measured=True) is not None
            if surely and not known and not self.is_flag(place):
                del self.headers[place]
                self.put_stranger(header, place, of_series=of_series)

    def put_stranger(self, header: str, place: int, *, of_series: bool) -> None:
        """Take a column that has grades, and nothing says of what."""
        if of_series and may_be_final(header, self.settings):
            self.values.append(Value(place, None, header))
        else:
            self.unknown.append(header)

    def put_of_a_subject(self, *, series: bool) -> None:
        """Take columns of grades where a row is of one subject."""
        grade = self.grade()
        if grade is not None:
            self.values.append(Value(grade))
            if self.baseline:
                return
        self.put_labelled()
        if grade is None:
            self.put_strangers()
        if len(self.values) > 1 and grade is not None and not series:
            # beside columns for each series, what has no series is something else, or their final
            self.values = [value for value in self.values if value.series is not None]
            known = {series_of(value.series or "", self.settings) for value in self.values}
            if self.settings.final not in known and self.share(grade, self.graded) > _MOSTLY:
                self.put_stranger(self._header[grade], grade, of_series=True)

    def put_per_subject(self) -> None:
        """Take columns of grades where each is of a subject."""
        settings, baseline = self.settings, self.baseline
        besides = {} if baseline else _besides(self.headers, settings)
        graded = {
            subject_key(subject) for subject, rest in besides.values() if _is_only(rest, _GRADE)
        }
        for place, header in list(self.headers.items()):
            both = pair(header, settings)
            bare = _without_fillers(header) if baseline else header
            beside = besides.get(place)
            if beside is not None and _is_only(beside[1], _GRADE):
                del self.headers[place]
                self.values.append(Value(place, beside[0]))
            elif (
                beside is not None
                and _is_only(beside[1], _MARK)
                and subject_key(beside[0]) in graded
            ):
                del self.headers[place]  # a mark, whose grade stands beside it
            elif (
                beside is not None
                and _NO_SUBJECT.isdisjoint(normal(beside[1]).split())
                and self.may_be_results(place)
            ):
                self.put_beside(place, *beside)
            elif both is not None and (not baseline or own_series(both[1], settings) is not None):
                self.put(place, *both)
            elif is_subject(bare, settings) and self.may_be_results(place):
                del self.headers[place]
                self.values.append(Value(place, tidy(bare), header if baseline else None))
        self.put_without_subject()

    def put_without_subject(self) -> None:
        """Take columns of grades that say no subject that we know."""
        if not self.baseline:
            self.put_unknown_subjects()
            if self.values:
                self.put_bare()
        if len(self.values) >= _SUBJECTS_ENOUGH:
            self.put_labelled()
            self.put_strangers()
        elif not self.values and (overall := self.grade()) is not None:
            self.values.append(Value(overall))
        elif not self.values:
            self.put_labelled()


def read_columns(
    sheet: Sheet, settings: Attainment, *, baseline: bool = False, of: str | None = None
) -> Columns:
    """What each column of a sheet is.

    Args:
        sheet: The table, its header in one line.
        settings: The section of `pipeline.toml`.
        baseline: Whether it holds nothing but baselines.
        of: The subject that its name says.
    """
    reading = _Reading(sheet, settings, baseline=baseline)
    people = reading.people()
    cohort = reading.take(COHORT, "cohort")
    subject = reading.take(SUBJECT, "subject")
    series = reading.series([*people.who, *([] if subject is None else [subject])])
    year = date = None
    if series is not None:
        keys = (*people.who, subject, series)
        year = reading.year([place for place in keys if place is not None])
        date = reading.take(DATE)
    if subject is None:
        subject = reading.by_cells(is_known)
    if (difference := reading.difference()) is not None:
        reading.differences.append(Value(difference))
    if subject is not None or of is not None:
        reading.put_of_a_subject(series=series is not None)
    else:
        reading.put_per_subject()
    unused = reading.unused()
    return replace(
        people,
        cohort=cohort,
        subject=subject,
        series=series,
        year=year,
        date=date,
        differences=tuple(reading.differences),
        values=tuple(reading.values),
        groups=tuple(
            place
            for place, header in reading.headers.items()
            if place not in unused and not _PRIVATE.search(normal(header))
        ),
        unused=unused,
        of_subjects={
            place: taught
            for place, header in reading.headers.items()
            if (taught := _taught(header))
        },
        unknown=tuple(reading.unknown),
        beside=tuple(reading.beside),
        bare=tuple(reading.bare),
    )


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _is_name(text: str) -> bool:
    return " " in text and not _has_digit(text)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+−]?\d+(?:[.,]\d+)?", text) is not None


def _besides(headers: Mapping[int, str], settings: Attainment) -> Mapping[int, tuple[str, str]]:
    """Columns of what we do not know beside a subject that stands there by itself or with a series."""
    pairs = {place: pair(header, settings) for place, header in headers.items()}
    alone = {subject_key(header) for header in headers.values() if is_known(header)}
    with_series = {
        subject_key(both[0])
        for both in pairs.values()
        if both is not None and is_known(both[0]) and _is_label(both[1], settings)
    }
    several = _beside_several(headers)
    found = {}
    for place, header in headers.items():
        both, beside = pairs[place], _beside_a_subject(header)
        subject = header if both is None else both[0]
        whole = both is not None and (is_known(subject) or _is_award(subject))
        if beside is None or whole or _is_said(subject, settings):
            continue
        key = subject_key(beside[0])
        kind = normal(beside[1]) in several or _sat(beside[1])
        if key in with_series or (both is None and (with_series or kind or key in alone)):
            found[place] = beside
    return found


def _sat(rest: str) -> bool:
    """Whether what stands beside a subject is of an exam, such as `Mock 1 P2`, and makes it no other subject."""
    return not _OF_EXAMS.isdisjoint(normal(rest).split())


def _beside_several(headers: Mapping[int, str]) -> Collection[str]:
    """What stands beside several subjects and is no kind of subject: `CWAG` of `Maths CWAG`, `Art CWAG`."""
    subjects: dict[str, set[str]] = {}
    for header in headers.values():
        if (beside := _beside_a_subject(header)) is not None:
            subjects.setdefault(normal(beside[1]), set()).add(subject_key(beside[0]))
    return {
        rest
        for rest, of in subjects.items()
        if len(of) >= _SUBJECTS_ENOUGH and not _OF_QUALIFICATIONS.intersection(rest.split())
    }


def _without_fillers(header: str) -> str:
    return " ".join(_BESIDE_A_SUBJECT.sub(" ", header.replace("_", " ")).split()).strip(" -–:/()")
