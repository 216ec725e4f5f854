"""Every metric once: what letters, pages, Dagster's catalogue and the documentation say of it.

No numbers are computed here, and no definition of a metric is typed anywhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edu_pipeline.noise import FEWEST_STUDENTS_USUAL, FEWEST_WEEKS
from edu_pipeline.settings import Settings


@dataclass(frozen=True)
class Metric:
    """What a number means."""

    name: str
    title: str
    """What people call it."""
    sentence: str
    """The definition in at most two sentences for somebody who reads it under a figure."""
    columns: str
    """Where it stands in the tables."""
    numerator: str
    denominator: str
    window: str


_METRICS = (
    Metric(
        name="attendance_rate",
        title="Attendance",
        sentence=(
            "Days attended as a share of days expected. Half days count as halves, coming late "
            "counts as attended, and days whose register is not in are left out."
        ),
        columns="attendance_rate",
        numerator="Student-days attended, in fractions of a day; tardy is attended",
        denominator=(
            "Student-days on which a student was enrolled, the school in session and the register "
            "taken, less those on which the student was not expected"
        ),
        window="One school week, Monday to Sunday",
    ),
    Metric(
        name="homework_rate",
        title="Homework",
        sentence=(
            "Homework handed in as a share of homework due. Exempt work and work without a status "
            "are left out; late work counts as {late}."
        ),
        columns="homework_rate",
        numerator="Homework handed in",
        denominator=(
            "Homework due in the window while the student was in the class, less exempt, not yet "
            "due and without a status"
        ),
        window="One school week, Monday to Sunday, by due date; weeks without school are left out",
    ),
    Metric(
        name="previous",
        title="Last week",
        sentence="The school week before; breaks are skipped.",
        columns="…_previous",
        numerator="As the metric",
        denominator="As the metric",
        window="The last week before this one with a day in session",
    ),
    Metric(
        name="start",
        title="Start of year",
        sentence="The first full week of the school year.",
        columns="…_start",
        numerator="As the metric",
        denominator="As the metric",
        window=(
            "The first week with as many days in session as is usual for the school; before it "
            "there is no comparison with the start of the year"
        ),
    ),
    Metric(
        name="team",
        title="Grade team",
        sentence="All students of the grade team together, the class included.",
        columns="…_team",
        numerator="Sum over the team's students",
        denominator="Sum over the team's students",
        window="As the metric",
    ),
    Metric(
        name="school",
        title="School",
        sentence="All students of the school together, the class included.",
        columns="…_school",
        numerator="Sum over the school's students",
        denominator="Sum over the school's students",
        window="As the metric",
    ),
    Metric(
        name="to_date",
        title="Year so far",
        sentence="Everything from the first day of the school year to the end of this week.",
        columns="…_to_date",
        numerator="As the metric",
        denominator="As the metric",
        window=(
            "From the first day in session of the school year to the last day counted of the "
            "week; homework due on days without school is included"
        ),
    ),
    Metric(
        name="usual",
        title="Usual range",
        sentence=(
            "Where a week's figure falls, going by the class's own earlier weeks this school year, "
            "unless something has changed. It takes at least {weeks} earlier weeks and {students} "
            "students to tell."
        ),
        columns="…_usual_low, …_usual_high, …_usual_weeks, …_verdict",
        numerator=(
            "XmR limits: the earlier weeks' mean and, whichever is larger, their mean moving range "
            "÷ 1.128 or standard deviation, on a scale that allows for the long tail below 100 %; "
            "short weeks count for less and have wider limits"
        ),
        denominator=(
            "Widened by Student's quantile for few weeks; never narrower than three student-days or "
            "pieces make it. In simulated uneventful years of classes of 10 to 30, 1 to 2 in 1,000 "
            "weeks are outside where absences are unrelated, up to 3 where they last two or three "
            "days (4 where some weeks are worse for everybody), and up to 5 where they last a "
            "week, most in small classes. The price: of single weeks that are 15 points lower, "
            "19 in 20, about half and a third are found in a class of 22, fewer in smaller ones"
        ),
        window=(
            "The weeks of this school year before the week, which is not included. Attendance and "
            "homework each have a verdict of their own"
        ),
    ),
    Metric(
        name="team_difference",
        title="Different from the grade team",
        sentence=(
            "Said only when a group of so many students, drawn from the team by lot, would hardly "
            "ever be so far off: twice in a thousand comparisons."
        ),
        columns="…_team_verdict, …_team_verdict_to_date",
        numerator="The class's rate − the grade team's",
        denominator=(
            "s √(1/n − 1/N): s, how far students differ within classes, pooled over the school's "
            "classes of the same type; n and N, students in the class and in the team; limits at "
            "99.8 % of each comparison, as skewed as students' rates are. Homework: homerooms only"
        ),
        window=(
            "The week; and the school year to date. With attendance and homework that is four "
            "comparisons of a homeroom in a letter, so up to 8 in 1,000 letters about a homeroom "
            "like all others say that it differs"
        ),
    ),
    Metric(
        name="missed",
        title="Too many days missed",
        sentence=(
            "{share} or more of the school days so far this year, excused or not. Nothing is said "
            "before a student has had {days} days."
        ),
        columns="absent_days_to_date",
        numerator="Days absent, excused or not, in fractions",
        denominator="Days on which the student was expected, in whatever class of the school",
        window="From the first day in session of the school year to this week",
    ),
    Metric(
        name="term",
        title="Term",
        sentence=(
            "A term of the school's calendar, as far as the data go. Homework due on a day without "
            "school belongs to the term of the school day before."
        ),
        columns="school_term",
        numerator="As the metric",
        denominator="As the metric",
        window=(
            "From the term's first to its last day in session; the term before is one of the same "
            "school year"
        ),
    ),
)

GLOSSARY: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})


def definition(name: str, settings: Settings) -> str:
    """The sentence to print beside a metric, as this school's settings have it."""
    notice = settings.notice
    return GLOSSARY[name].sentence.format(
        late="handed in" if settings.homework.late_counts else "not handed in",
        weeks=FEWEST_WEEKS,
        students=FEWEST_STUDENTS_USUAL,
        share=f"{100 * notice.missed_share:g} %",
        days=notice.missed_from_days,
    )


def definitions(settings: Settings) -> Mapping[str, tuple[str, str]]:
    """Name → title and sentence of every metric."""
    return {name: (metric.title, definition(name, settings)) for name, metric in GLOSSARY.items()}
