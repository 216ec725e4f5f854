"""A warehouse with a few hand-written results of course runs.

The programme `lead` has three courses, `a`, `b` and `c`, and the capstone `z`; pass mark 0.65.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import duckdb
import polars as pl
import pytest

from edu_pipeline.facts.certificates_issued import build_course_certificates
from edu_pipeline.facts.run_results import (
    build_certificate_differences,
    build_course_completion,
    build_person_completion,
    learner_rows,
)
from edu_pipeline.facts.run_states import build_run_states
from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.sources.edx.stage import tracks
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import (
    CourseCompletion,
    ProgrammeProgress,
    ProgrammeRuns,
    RunStates,
)
from edu_pipeline.model.programmes import (
    CourseRuns,
    DataPackages,
    FormerAddresses,
    Learners,
    People,
    ReportHistory,
    ReportVersions,
    RunResults,
)
from edu_pipeline.programmes.completion import programme_progress
from edu_pipeline.programmes.runs import programme_runs
from edu_pipeline.settings.programmes import FREE_TRACKS, PAID_TRACKS, Programme

TODAY = date(2026, 10, 1)
LEARNERS, RESULTS, RUNS = dtypes(Learners), dtypes(RunResults), dtypes(CourseRuns)
Row = Mapping[str, Any]


def programme(**changes: Any) -> Programme:
    """Three courses and a capstone."""
    return Programme.model_validate(
        {
            "id": "lead",
            "title": "Leadership",
            "old_rule": True,
            "courses": [
                {"id": course, "title": f"UQx_{course.upper()}", "pass_mark": 0.65}
                for course in "abcz"
            ],
            "capstone": "z",
        }
        | changes
    )


def key(course: str, run: str) -> str:
    """The whole key of a run."""
    return f"UQx_{course.upper()}_{run}"


def result(learner: str, course: str, run: str = "1T2025", **cells: Any) -> Row:
    """A learner enrolled on audit in a run, without a grade."""
    row: dict[str, Any] = {
        "programme_id": "lead",
        "course_id": course,
        "run": key(course, run),
        "learner_id": learner,
        "grade": None,
        "track": "audit",
        "verification": "N/A",
        "certificate_eligible": False,
        "certificate_delivered": False,
        "certificate_type": "N/A",
        "enrolled": True,
        "stamp": at(2026, 9, 1),
        "has_error": False,
        "missing": False,
        "file": "micromasters/lead/grades.csv",
        "line": 2,
    } | cells
    paid = dict.fromkeys(PAID_TRACKS, True) | dict.fromkeys(FREE_TRACKS, False)
    return row | {
        "paid": paid.get(row["track"]),
        "certificate_paid": paid.get(row["certificate_type"]),
    }


def certified(learner: str, course: str, run: str = "1T2025", **cells: Any) -> Row:
    """A learner with a certificate of a run."""
    paid = {
        "grade": 0.8,
        "track": "verified",
        "verification": "ID Verified",
        "certificate_eligible": True,
        "certificate_delivered": True,
        "certificate_type": "verified",
    }
    return result(learner, course, run, **(paid | cells))


def run_of(course: str, run: str = "1T2025", **dates: date | bool | None) -> Row:
    """A listed run without dates."""
    return {
        "programme_id": "lead",
        "course_id": course,
        "position": "abcz".index(course) + 1,
        "run": key(course, run),
        "pass_mark": 0.65,
        "self_paced": False,
        "listed": True,
        "unknown": False,
    } | dates


def package(learner: str, course: str, run: str = "1T2025", **cells: Any) -> Row:
    """What edX's own table of certificates, made a month after `result`, says of a verified learner."""
    return {
        "programme_id": "lead",
        "course_id": course,
        "run": key(course, run),
        "learner_id": learner,
        "status": "downloadable",
        "certificate_track": "verified",
        "certificate_paid": True,
        "issued_listed_at": at(2026, 10, 1),
        "listed_at": at(2026, 10, 1),
        "file": "micromasters/lead/table.sql",
        "line": 2,
    } | cells


def frame(rows: Sequence[Row], schema: pl.Schema) -> pl.DataFrame:
    """Rows as a frame; what a row leaves out is empty."""
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


class Tables:
    """A warehouse in which every table of the job was made."""

    def __init__(self, con: duckdb.DuckDBPyConnection, programmes: tuple[Programme, ...]) -> None:
        self.con = con
        self.programmes = programmes

    def read(self, name: str) -> pl.DataFrame:
        return read_table(self.con, name)

    def state(self, learner: str, course: str, run: str = "1T2025") -> tuple[str, date]:
        """The learner's state in a run, and since when."""
        rows = self.read("run_states").filter(learner_id=learner, run=key(course, run))
        state, since = rows.select("state", "since").row(0)
        return state, since

    def course(self, learner: str, course: str) -> Row:
        """The learner's row of `course_completion`."""
        rows = self.read("course_completion").filter(learner_id=learner, course_id=course)
        return _short(rows)

    def progress(self, learner: str) -> Row:
        """The learner's row of `programme_progress`."""
        return _short(self.read("programme_progress").filter(learner_id=learner))


def _short(row: pl.DataFrame) -> Row:
    """One row, its runs without the key of their course."""
    runs = pl.col("^.*_run$").str.replace(r"^UQx_.*?_", "")
    return row.with_columns(runs).row(0, named=True)


Build = Callable[..., Tables]


@pytest.fixture
def build(con: duckdb.DuckDBPyConnection) -> Build:
    def build_tables(
        results: list[Row],
        runs: list[Row] | None = None,
        *,
        programmes: tuple[Programme, ...] | None = None,
        learners: list[Row] | None = None,
        earlier: list[Row] | None = None,
        people: Mapping[str, str] = MappingProxyType({}),
        packages: list[Row] | None = None,
        today: date = TODAY,
    ) -> Tables:
        """Staging tables from rows, then every table of the job; `earlier` is what reports said before.

        `people` says of accounts whose they are.
        """
        of = programmes or (programme(),)
        known = learners or [
            {"learner_id": learner, "username": f"user{learner}"}
            for learner in sorted({row["learner_id"] for row in results})
        ]
        listed = {(row["programme_id"], row["run"]) for row in runs or []}
        found = [
            {
                **run_of(of_course),
                "run": run,
                "programme_id": of_programme,
                "listed": False,
                "unknown": False,
            }
            for of_programme, of_course, run in dict.fromkeys(
                (row["programme_id"], row["course_id"], row["run"]) for row in results
            )
            if (of_programme, run) not in listed
        ]
        course_runs = frame([*(runs or []), *found], RUNS)
        write_table(con, "stg_run_results", frame(results, RESULTS))
        write_table(con, "stg_learners", frame(known, LEARNERS))
        write_table(con, "stg_former_addresses", pl.DataFrame(schema=dtypes(FormerAddresses)))
        all_runs = ProgrammeRuns.validate(programme_runs(of, course_runs, today))
        write_table(con, "programme_runs", all_runs)
        history = dtypes(ReportHistory)
        before = [{"there": True, **row} for row in earlier or []]
        write_table(con, "report_history", frame(before, history))
        reports = {(row["programme_id"], row["run"], row["stamp"]) for row in [*before, *results]}
        versions = [
            dict(zip(("programme_id", "run", "stamp"), each, strict=True)) for each in reports
        ]
        write_table(con, "report_versions", frame(versions, dtypes(ReportVersions)))
        write_table(con, "stg_tracks", tracks(of))
        write_table(con, "stg_data_packages", frame(packages or [], dtypes(DataPackages)))
        build_run_states(con)
        accounts = [{"learner_id": a, "person_id": person} for a, person in people.items()]
        write_table(con, "stg_people", frame(accounts, dtypes(People)))
        build_course_completion(con)
        build_course_certificates(con)
        build_person_completion(con)
        build_certificate_differences(con, today)
        completion = read_table(con, "course_completion")
        states = read_table(con, "run_states")
        RunStates.validate(states.cast(dtypes(RunStates)))
        CourseCompletion.validate(completion.cast(dtypes(CourseCompletion)))
        for table, rests_on in (
            ("programme_progress", "course_completion"),
            ("person_progress", "person_completion"),
        ):
            progress = [
                programme_progress(
                    each,
                    learner_rows(con, each.id, [course.id for course in each.courses], rests_on),
                    all_runs,
                    today,
                )
                for each in of
            ]
            write_table(con, table, ProgrammeProgress.validate(pl.concat(progress)))
        return Tables(con, of)

    return build_tables


def at(year: int, month: int, day: int) -> datetime:
    """Noon of a day, UTC, as stamps are."""
    return datetime(year, month, day, 12, tzinfo=UTC).replace(tzinfo=None)
