"""Every metric once: what letters, pages, Dagster's catalogue and the documentation say of it.

No numbers are computed here, and no definition of a metric is typed anywhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Metric:
    """What a number means."""

    name: str
    """The column it stands in."""
    title: str
    """What people call it."""
    sentence: str
    """The definition in one sentence for somebody who reads it under a figure."""
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
        numerator="As the metric",
        denominator="As the metric",
        window="The last week before this one with a day in session",
    ),
    Metric(
        name="start",
        title="Start of year",
        sentence="The first full week of the school year.",
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
        sentence="All students of the grade team together, this homeroom included.",
        numerator="Sum over the team's students",
        denominator="Sum over the team's students",
        window="As the metric",
    ),
    Metric(
        name="school",
        title="School",
        sentence="All students of the school together, this homeroom included.",
        numerator="Sum over the school's students",
        denominator="Sum over the school's students",
        window="As the metric",
    ),
)

GLOSSARY: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})


def definition(name: str, *, late_counts: bool) -> str:
    """The sentence to print beside a metric, as this school's settings have it."""
    return GLOSSARY[name].sentence.format(late="handed in" if late_counts else "not handed in")
