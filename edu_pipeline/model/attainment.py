"""Exam results of cohorts as they landed, whatever shape the exports had.

Grades are in points from 0 (U) to 9; empty is none. Names of students stand in `cohort_students`, in
`attainment_notes.who`, and nowhere else; where an export has no id, the key is the normalised name.
"""

import dataframely as dy
import polars as pl

from edu_pipeline.model.grades import SCALES

POINTS = {"min": 0.0, "max": 9.0}
QUESTIONS = (
    "which_series",
    "which_baseline",
    "which_cohort",
    "which_scale",
    "which_column",
    "too_much_unsure",
)
"""What only somebody at the school can answer, and what is left out until then."""
NOTE_KINDS = (
    *QUESTIONS,
    "unreadable_file",
    "not_understood",
    "no_cohort",
    "unknown_series",
    "unknown_grade",
    "unknown_subject",
    "duplicate_result",
    "ambiguous_name",
    "id_is_name",
    "unmatched_baseline",
    "overall_baseline",
    "rejected_rows",
    "taken_for",
    "replaced",
    "not_read",
)
"""What `attainment_notes` are about; the last three say what was done, and ask for nothing."""
NOTICES = ("taken_for", "replaced", "not_read")

SERIES_ROLES = ("sat", "final", "baseline", "target", "prediction")
REFERENCES = ("target", "prediction")
"""Of these, what nobody sat: no figure takes it for a result or for the baseline."""


def _cohort() -> dy.String:
    return dy.String(primary_key=True, description="The cohort")


def _student() -> dy.String:
    return dy.String(
        primary_key=True, description="The export's id; the normalised name where it has none"
    )


def _subject() -> dy.String:
    return dy.String(primary_key=True, description="The subject")


class AttainmentFiles(dy.Schema):
    """One file, or sheet of a workbook, below `attainment/`, and what it was taken for."""

    file = dy.String(
        primary_key=True,
        description="Path below the landing zone's root; of a workbook `path#sheet`",
    )
    path = dy.String(description="The path alone")
    cohort = dy.String(nullable=True, description="Its cohort; empty: several, or it was not read")
    kind = dy.String(
        check=lambda c: c.is_in(("results", "baseline", "not_read")),
        description="results, baseline (a baseline file of its own) or not_read",
    )
    shape = dy.String(description="What a row is, in words; empty: it was not read")
    read_as = dy.String(description="What its columns were taken for, in words")
    students = dy.Int64(min=0, description="Students in it")
    rows = dy.Int64(min=0, description="Rows, without blank ones")
    results = dy.Int64(min=0, description="Grades and absences read from it")
    rejected = dy.Int64(min=0, description="Rows of it in rejected_rows")
    sha256 = dy.String(description="Digest of the file's content")
    landed_at = dy.Datetime(
        nullable=True, description="When it landed, UTC; empty: it was read elsewhere"
    )


class ResultColumns(dy.Schema):
    """What a column of an export was taken for: "this is how I read your file". No data of students.

    The lines of `lines`, in `pipeline.toml`, make the column what `otherwise` says.
    """

    file = dy.String(primary_key=True, description="As in attainment_files")
    place = dy.Int64(primary_key=True, min=0, description="Its place in the file, from 0")
    column = dy.String(description="Its header as received")
    role = dy.String(
        description=(
            "Kind of id, name, cohort, subject, series, grade (whose series another column says), a role "
            "of exam_series, stated difference, group, asked about, not used (the evidence is why), not read"
        )
    )
    subject = dy.String(
        nullable=True, description="The subject of its grades; empty: other columns say it"
    )
    series = dy.String(nullable=True, description="Their series, as in exam_series; likewise")
    evidence = dy.String(description="Why, in words")
    otherwise = dy.String(nullable=True, description="What else it might be")
    lines = dy.String(nullable=True, description="The lines that make it that")


def read_as(columns: pl.DataFrame) -> pl.DataFrame:
    """`ResultColumns` for people: those of one kind of a file in one line.

    Returns:
        file, role, series, evidence, otherwise, lines; `columns` (headers, in the file's order) and
        `subjects`, those of their grades. Advice is that of the first.
    """
    kind = ("file", "role", "series", "evidence")
    return (
        columns.sort("file", "place")
        .group_by(kind, maintain_order=True)
        .agg(
            pl.col("otherwise", "lines").first(),
            columns="column",
            subjects=pl.col("subject").drop_nulls().unique(maintain_order=True),
        )
    )


class Results(dy.Schema):
    """A student's result in a subject in a series. The baseline is one, and so is a target or a prediction."""

    cohort = _cohort()
    student_id = _student()
    subject = _subject()
    series = dy.String(primary_key=True, description="One of exam_series, which says its role")
    grade = dy.String(description="As received")
    scale = dy.String(
        check=lambda c: c.is_in(list(SCALES)),
        description="The subject's: gcse, letters, level_2 or level_1; of 16 to 18 a_level or level_3",
    )
    points = dy.Float64(
        nullable=True,
        min=0,
        max=9,
        description="On the scale; 0 is U, of A levels and level 3 a point is one A level grade; empty: absent",
    )
    whole = dy.Int64(
        nullable=True,
        min=0,
        max=9,
        description="The whole grade in points, rounded down: 5 of 5+, 5= and 5-; empty: absent",
    )
    absent = dy.Bool(description="Entered and did not sit it (X, Abs); never a U")
    file = dy.String(description="Where it stands, as in attainment_files")
    line = dy.Int64(description="Line where its row starts")


class ExamSeries(dy.Schema):
    """A series of a cohort: the exams in their order, the baseline, and what else results can be held against.

    `[attainment] series` are there for every cohort; what else its exports have joins them where its
    place is proven.
    """

    cohort = _cohort()
    series = dy.String(primary_key=True, description="Its name, as in stg_results")
    role = dy.String(
        check=lambda c: c.is_in(SERIES_ROLES),
        description=(
            "sat (an exam, or a collection of grades), final, baseline; target or prediction: no exam "
            "and no baseline, but a result can be held against it"
        ),
    )
    place = dy.Int64(min=0, description="From 0, in the order in which they are drawn")
    evidence = dy.String(description="What says that it is this, and stands there; in words")


class CohortStudents(dy.Schema):
    """A student of a cohort."""

    cohort = _cohort()
    student_id = _student()
    name = dy.String(nullable=True, description="Full name as received, given name first")
    by_name = dy.Bool(description="No export has an id: the key is the normalised name")
    in_results = dy.Bool(description="Whether an export of results has the student")
    in_baseline = dy.Bool(description="Whether the student has any baseline")


class ResultGroups(dy.Schema):
    """What else an export says of a student: gender, pupil premium, class, teacher.

    Dates of birth, addresses and further ids are left out. Where series differ, the newest counts.
    """

    cohort = dy.String(description="The cohort")
    student_id = dy.String(description="The student")
    subject = dy.String(
        nullable=True,
        description="Empty: the column says the same in all of each student's subjects",
    )
    column = dy.String(description="The column's header as received")
    value = dy.String(description="The cell as received")


class StatedDifferences(dy.Schema):
    """The difference between result and baseline that an export states itself."""

    cohort = _cohort()
    student_id = _student()
    subject = _subject()
    difference = dy.Float64(description="As received")


class AttainmentNotes(dy.Schema):
    """What the staff's page says about exports of results, and whom it concerns.

    What a person must look at stands in `landing_problems` as well, and names nobody there.
    """

    kind = dy.String(check=lambda c: c.is_in(NOTE_KINDS), description="Such as unknown_grade")
    cohort = dy.String(nullable=True, description="The cohort; empty: of none, or of several")
    number = dy.Int64(min=0, description="How many students, rows or files are concerned")
    message = dy.String(description="What is wrong and what to do; names nobody")
    who = dy.String(
        nullable=True,
        description="Students concerned, by name: for the page that staff see, never for a log",
    )
    id = dy.String(description="As in landing_problems")
    subject = dy.String(
        description=(
            "Where it holds the page: the subject whose figures alone wait; empty: all of the cohort's. "
            "Else the file, series or column, as far as there is one"
        )
    )
    holds = dy.String(
        nullable=True, description="What waits until it is solved or released; empty: nothing"
    )


ALL = "all"
"""All subjects, or everybody, where a column could name one of them."""
NOT_STATED = "not stated"
"""The group of students of whom the export does not say it."""
OUTCOMES = ("below", "met", "exceeded", "no baseline", "no result")
FIGURES = ("grades", "progress", "residual", "calibration", "headlines")
INCLUDED = "included"


def _points(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=9, description=description)


def _real(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, description=description)


def _count(description: str) -> dy.Int64:
    return dy.Int64(nullable=True, min=0, description=description)


def _share(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, description=description)


def _key(description: str) -> dy.String:
    return dy.String(primary_key=True, description=description)


def _group_column() -> dy.String:
    return _key("The export's column that makes the groups; `all` for everybody")


def _group() -> dy.String:
    return _key("Its value; `not stated` where the export has none; `all` for everybody")


def _compared() -> dy.String:
    return dy.String(
        nullable=True,
        description=(
            "The series held against the baseline: the final, and while a subject has none the "
            "newest before it that was sat; empty: none was"
        ),
    )


def _grade(description: str) -> dy.Int64:
    return dy.Int64(primary_key=True, min=0, max=9, description=description)


class AttainmentOutcomes(dy.Schema):
    """A student in a subject: the result beside the baseline.

    Besides these columns it has one per exam series, such as `mock_1` and `gcse`, with its points.
    """

    cohort = _cohort()
    student_id = _student()
    subject = _subject()
    baseline = _points("Points of the baseline series")
    expected = _points("The baseline as compared: rounded where `baseline_rounding` says so")
    final = _points("Points of the final series")
    compared = _compared()
    provisional = dy.Bool(description="Whether that is not the final")
    result = _points("Points in that series")
    scale = dy.String(
        check=lambda c: c.is_in(list(SCALES)), description="The subject's, as in stg_results"
    )
    whole = dy.Int64(
        nullable=True, min=0, max=9, description="The result as a whole grade, as in stg_results"
    )
    absent = dy.Bool(description="Entered for that series and did not sit it")
    difference = _real("result − expected")
    outcome = dy.String(
        check=lambda c: c.is_in(OUTCOMES),
        description=(
            "below, met or exceeded, by the difference and the tolerance; no baseline; no result"
        ),
    )
    residual = _real(
        "result − mean of the student's results in the other subjects, in the same series; empty "
        "without others"
    )
    lowest = _points("Lowest result in any series, the baseline left out")
    highest = _points("Highest")
    matched = dy.Bool(description="Has a baseline and a result")
    complete_series = dy.Bool(
        description="Has points in every series, the baseline included, that the subject has any of"
    )


class AttainmentSubjects(dy.Schema):
    """The grades of a subject in one series: what a box plot draws."""

    cohort = _cohort()
    subject = _subject()
    series = _key("The series")
    group_column = _group_column()
    group = _group()
    scale = dy.String(
        check=lambda c: c.is_in(list(SCALES)), description="The subject's, as in stg_results"
    )
    n = _count("Students with points")
    absent = _count("Students who were entered and did not sit it")
    q1 = _points("Lower quartile, linear between grades (type 7)")
    median = _points("Median")
    q3 = _points("Upper quartile")
    mean = _points("Mean")
    lowest = _points("Lowest")
    highest = _points("Highest")


class AttainmentProgress(dy.Schema):
    """How a subject's or a group's results differ from their baselines, and from other subjects."""

    cohort = _cohort()
    subject = _key("The subject; `all` for every entry of every student")
    group_column = _group_column()
    group = _group()
    compared = dy.String(
        nullable=True, description="The series held against the baseline; several for `all`"
    )
    n = _count("Entries with a baseline and a result; of one subject that is students")
    students = _count("Students with such an entry")
    mean_difference = _real("Mean of result − baseline: value added")
    low = _real("Low end of its 95 % t interval over students; empty with fewer than two")
    high = _real("High end")
    shrunk = _real(
        "mean_difference drawn towards the mean of its kind (subjects; groups of one column), the "
        "more the fewer students; empty where its kind has fewer than two"
    )
    below = _count("Entries below the baseline")
    met = _count("Entries that met it")
    exceeded = _count("Entries above it")
    residual = _real("Mean of results − the same students' other subjects; empty for `all`")
    residual_low = _real("Low end of its 95 % t interval")
    residual_high = _real("High end")
    n_residual = _count("Students with a result in another subject as well")


class AttainmentTransitions(dy.Schema):
    """From baseline to result: how many with a baseline of one grade got which."""

    cohort = _cohort()
    subject = _key("The subject, or `all`")
    group_column = _group_column()
    group = _group()
    compared = dy.String(nullable=True, description="The series of the results; several for `all`")
    baseline_grade = _grade("Whole grades of the baseline as compared: 4 is from 4 to under 5")
    final_grade = _grade("Whole grades of the result")
    n = _count("Entries with both")
    row_n = _count("Entries with this baseline grade")


class MockCalibration(dy.Schema):
    """What became of those with a grade in a mock."""

    cohort = _cohort()
    subject = _key("The subject, or `all`")
    group_column = _group_column()
    group = _group()
    series = _key("The mock")
    grade = _grade("Whole grades of the mock: 4 is from 4 to under 5")
    final_grade = _grade("Whole grades of the final")
    n = _count("Entries with both")
    row_n = _count("Entries with this grade in the mock and a final")


class AttainmentHeadlines(dy.Schema):
    """Students with 4 or better, and 5 or better, in English and in maths."""

    cohort = _cohort()
    group_column = _group_column()
    group = _group()
    compared = dy.String(nullable=True, description="The series of the results")
    students = _count("Students in the exports of results")
    n = _count("Of these, with a result in English and in maths; the others are in no share")
    both_4 = _count("4 or better in both; English is the better of language and literature")
    both_4_share = _share("both_4 ÷ n")
    both_4_low = _share("Low end of its 95 % Wilson interval")
    both_4_high = _share("High end")
    both_5 = _count("5 or better in both")
    both_5_share = _share("both_5 ÷ n")
    both_5_low = _share("Low end of its 95 % Wilson interval")
    both_5_high = _share("High end")


class AttainmentMeasures(dy.Schema):
    """A student's Attainment 8 and EBacc, with what is in each bucket."""

    cohort = _cohort()
    student_id = _student()
    rules = dy.String(description="The year whose rules of the Department for Education these are")
    provisional = dy.Bool(description="Whether any of the results is not of the final series")
    why_not = dy.String(
        nullable=True, description="Why there are no measures, in words; empty: there are"
    )
    english = _points("Better of language and literature; empty: neither")
    english_doubled = dy.Bool(description="Whether it counts twice: both have a result")
    maths = _points("Maths, which counts twice; empty: none")
    ebacc = _real("Points of the three slots for EBacc subjects")
    ebacc_filled = _count("How many of these are filled")
    ebacc_from = dy.String(
        nullable=True, description="From which subjects; combined science may stand twice"
    )
    open = _real("Points of the three open slots")
    open_filled = _count("How many of these are filled")
    open_from = dy.String(nullable=True, description="From which subjects")
    attainment_8 = _real("Attainment 8, of 90; a slot of nothing is 0")
    average_grade = _points("attainment_8 ÷ 10")
    ebacc_entered = dy.Bool(
        nullable=True,
        description=(
            "Has a result in English language and literature, maths, combined science or three single "
            "sciences, geography or history, and a language"
        ),
    )
    ebacc_points = _points("EBacc average point score: a pillar that is not whole is 0")


class AttainmentPerformance(dy.Schema):
    """Attainment 8 and EBacc of everybody and of every group."""

    cohort = _cohort()
    group_column = _group_column()
    group = _group()
    rules = dy.String(description="The year whose rules of the Department for Education these are")
    compared = dy.String(nullable=True, description="The series of the results")
    students = _count("Students in the exports of results")
    n = _count("Of these, with measures; the others are in no mean and no share")
    provisional = _count("Of these, with a result that is not of the final series")
    attainment_8 = _real("Mean Attainment 8, of 90")
    attainment_8_low = _real("Low end of its 95 % t interval")
    attainment_8_high = _real("High end")
    mean_english = _real("Mean of the points from English, doubled where it is, of 18")
    mean_maths = _real("The same from maths")
    mean_ebacc = _real("The same from the EBacc slots, of 27")
    mean_ebacc_filled = _real("How many of these three are filled, on average")
    mean_open = _real("Points from the open slots, of 27")
    mean_open_filled = _real("How many of these three are filled, on average")
    ebacc_entered = _count("Students who entered the EBacc")
    ebacc_entered_share = _share("ebacc_entered ÷ n")
    ebacc_entered_low = _share("Low end of its 95 % Wilson interval")
    ebacc_entered_high = _share("High end")
    ebacc_points = _real("Mean EBacc average point score")
    ebacc_points_low = _real("Low end of its 95 % t interval")
    ebacc_points_high = _real("High end")


YEAR_MEASURES = (
    *("mean", "share_4", "share_5"),
    *("both_4", "both_5", "attainment_8", "ebacc_entered", "ebacc_points"),
)


class AttainmentYears(dy.Schema):
    """A cohort beside the one of the year before, at the same point."""

    cohort = _cohort()
    subject = _key("The subject, in this cohort's spelling; `all` for measures over subjects")
    measure = dy.String(
        primary_key=True,
        check=lambda c: c.is_in(YEAR_MEASURES),
        description=(
            "Of a subject: mean grade, shares with 4 or 5 and better; over subjects: the headline measures"
        ),
    )
    last_cohort = dy.String(description="The one whose leaving year, in its name, is one less")
    series = dy.String(description="The newest series that both have sat")
    n = _count("Students of this cohort")
    last_n = _count("Of the last")
    value = _real("The measure of this cohort")
    last_value = _real("Of the last")
    difference = _real("value − last_value")
    low = _real("Low end of its 95 % interval: Welch's of means, Newcombe's of shares")
    high = _real("High end")


class AttainmentForecast(dy.Schema):
    """How many of a cohort may reach a grade in a subject whose final it has not sat.

    From what became of the same mock in earlier cohorts. Numbers are of students with a grade in the mock.
    """

    cohort = _cohort()
    subject = _subject()
    threshold = _grade("The grade, of GCSEs: 4 is 4 or better")
    series = dy.String(
        description="The mock that it is made of: the newest that earlier cohorts have too"
    )
    n = _count("Students with a grade in it")
    share = _share("Expected share of these with the grade or better")
    low80 = _count("With 80 % probability at least so many reach it")
    high80 = _count("And at most so many")
    low95 = _count("The same with 95 %")
    high95 = _count("And at most so many")
    from_cohorts = dy.String(description="The earlier cohorts, the last one first")
    from_n = _count(
        "Their students with both grades in the subject; with few, other subjects say more"
    )
    moves = _real(
        "How far a subject's finals shift from a year to the next at the same mock, in grades (standard "
        "deviation); part of the intervals. Empty: one earlier cohort does not tell"
    )


class ForecastGrades(dy.Schema):
    """Which final grades those with a grade in the mock may get, in a subject that is forecast."""

    cohort = _cohort()
    subject = _subject()
    grade = _grade("Whole grade in the mock")
    final_grade = _grade("Whole grade in the final")
    series = dy.String(description="The mock")
    n = _count("Students of earlier cohorts with both in the subject")
    row_n = _count("Students of earlier cohorts with this grade in the mock and a final")
    share = _share("Probability of this final, drawn towards all subjects where row_n is small")


class AttainmentLeftOut(dy.Schema):
    """A student who is not in a figure, and why."""

    cohort = _cohort()
    figure = dy.String(primary_key=True, check=lambda c: c.is_in(FIGURES), description="The figure")
    series = _key("The series of its results, `all` for headlines")
    subject = _key("The subject, `all` for headlines")
    student_id = _student()
    reason = dy.String(description="In words")


class AttainmentExclusions(dy.Schema):
    """How many are in a figure, and how many are left out for which reason."""

    cohort = _cohort()
    figure = dy.String(primary_key=True, check=lambda c: c.is_in(FIGURES), description="The figure")
    series = _key("The series of its results, `all` for headlines")
    subject = _key("The subject, `all` for headlines")
    reason = _key("`included`, or in words why not")
    students = _count("Students")


class AttainmentUniqueness(dy.Schema):
    """How many students of a cohort their set of subjects alone would identify."""

    cohort = _cohort()
    students = _count("Students with a subject")
    sets = _count("Different sets of subjects")
    identified = _count("Students who are the only one with their set")
    in_small = _count("Students whose set fewer than `[attainment] fewest` have, these included")


class AttainmentDisagreements(dy.Schema):
    """An entry whose difference the export states otherwise than it is computed here."""

    cohort = _cohort()
    student_id = _student()
    subject = _subject()
    stated = dy.Float64(description="The export's own difference")
    computed = _real("result − baseline as compared; empty: there is none")
    baseline = _points("Points of the baseline series")
    compared = _compared()
    result = _points("Points in that series")
