"""Rows of `class_week` for one class, from the figures that a test is about."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.teachers import ClassWeek

HistoryMaker = Callable[..., pl.DataFrame]
FIRST_MONDAY = date(2026, 8, 31)
RATES = (
    "attendance_rate_usual",
    "attendance_rate_verdict",
    "homework_rate_usual",
    "homework_rate_verdict",
)


def _changes(column: str, values: Sequence[float | None], week: int) -> dict[str, float | None]:
    value, start = values[week], values[0]
    previous = values[week - 1] if week else None
    return {
        column: value,
        f"{column}_previous": previous,
        f"{column}_change_previous": None
        if value is None or previous is None
        else value - previous,
        f"{column}_start": start,
        f"{column}_change_start": None if value is None or start is None else value - start,
    }


def _judged(column: str, values: Sequence[float | None], week: int) -> dict[str, object]:
    """A class too young for a usual range, and like its team."""
    known = [value for value in values[: week + 1] if value is not None]
    to_date = sum(known) / len(known) if known else None
    no_value = values[week] is None
    return {
        f"{column}_usual_low": None,
        f"{column}_usual_high": None,
        f"{column}_usual_weeks": len(known) - (not no_value),
        f"{column}_verdict": None if no_value else "too_few_weeks",
        **{f"{column}_phase{part}": None for part in ("", "_start", "_first", "_last", "_before")},
        f"{column}_team_verdict": None if no_value else "within",
        f"{column}_to_date": to_date,
        f"{column}_team_to_date": 0.94,
        f"{column}_school_to_date": 0.93,
        f"{column}_team_verdict_to_date": None if to_date is None else "within",
    }


@pytest.fixture
def make_history() -> HistoryMaker:
    def history(
        attendance: Sequence[float | None],
        homework: Sequence[float | None] | None = None,
        *,
        weeks: Sequence[int] | None = None,
        team: Sequence[float | None] | None = None,
        school: Sequence[float | None] | None = None,
        **columns: Any,
    ) -> pl.DataFrame:
        """A homeroom of 20; `weeks` counts calendar weeks, so that a missing one is a break.

        `columns` are the same in every row, but those of verdicts and ranges, which only the last has.
        """
        rows = []
        done = homework or [0.8] * len(attendance)
        plain = {name: columns[name] for name in columns if not name.startswith(RATES)}
        for n, week in enumerate(weeks or range(len(attendance))):
            rate, handed_in = attendance[n], done[n]
            rows.append(
                {
                    "week_start": FIRST_MONDAY + timedelta(weeks=week),
                    "class_id": "c1",
                    "class_name": "7B",
                    "class_type": "homeroom",
                    "grade": "7",
                    "team": "Grade 7",
                    "school_id": "s1",
                    "days_in_session": 5,
                    "days_submitted": 0 if rate is None else 5,
                    "lessons": None,
                    "students": 20,
                    "possible_days": 0.0 if rate is None else 100.0,
                    "attended_days": 0.0 if rate is None else 100 * rate,
                    "homework_due": 0 if handed_in is None else 40,
                    "homework_complete": 0 if handed_in is None else round(40 * handed_in),
                    **_changes("attendance_rate", attendance, n),
                    **_changes("homework_rate", done, n),
                    **_judged("attendance_rate", attendance, n),
                    **_judged("homework_rate", done, n),
                    "attendance_rate_team": team[n] if team else 0.94,
                    "attendance_rate_school": school[n] if school else 0.93,
                    "homework_rate_team": 0.78,
                    "homework_rate_school": 0.76,
                    **(columns if n == len(attendance) - 1 else plain),
                }
            )
        return ClassWeek.validate(pl.DataFrame(rows, schema=dtypes(ClassWeek)))

    return history
