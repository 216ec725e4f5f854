"""How long the completion of a large programme takes, and what the notebooks' method takes.

.venv/bin/python benchmarks/programmes.py --learners 1000000 --same 2000

Every learner of the made-up programme is in six runs of each of five courses; the last runs are under
way, and who is nudged is decided as well. `--same` of them are also counted as the notebooks did, by a query per learner and course against SQLite, and the
figures that both define are compared.
"""

import argparse
import resource
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from edu_pipeline.facts.certificates_issued import build_course_certificates
from edu_pipeline.facts.nudges import (
    certificates_seen,
    passes,
    people,
    preferences,
    standings,
)
from edu_pipeline.facts.run_results import (
    build_course_completion,
    build_person_completion,
    learner_rows,
    report_rows,
)
from edu_pipeline.facts.run_states import build_run_states
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.landing.sources.edx.stage import tracks
from edu_pipeline.mail.ledger.remembered import OPTED_OUT, TOLD_BEFORE
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import (
    CourseRuns,
    DataPackages,
    OptIns,
    People,
    ReportHistory,
)
from edu_pipeline.programmes.completion import programme_progress
from edu_pipeline.programmes.nudges import (
    Remembered,
    campaign_of,
    considered,
    news,
    nudges,
    recipient_key,
)
from edu_pipeline.programmes.reports import completion_report, write_csv
from edu_pipeline.programmes.runs import programme_runs
from edu_pipeline.settings.programmes import Programme

COURSES, RUNS, PASS_MARK = 5, 6, 0.65
TODAY = date(2026, 10, 1)
PROGRAMME = Programme.model_validate(
    {
        "id": "lead",
        "title": "Leadership",
        "capstone": f"lead{COURSES}x",
        "courses": [
            {"id": f"lead{n}x", "title": f"UQx_LEAD{n}x", "pass_mark": PASS_MARK}
            for n in range(1, COURSES + 1)
        ],
    }
)
IDS = [course.id for course in PROGRAMME.courses]
_RESULTS = """
    create or replace table stg_run_results as
    with drawn as (
      select learner, course, run,
             hash(learner, course, run, 'grade') % 101 as points,
             hash(learner, 'pays') % 3 = 0 and hash(learner, course, run, 'track') % 10 < 8
               as verified,
             hash(learner, course, run, 'graded') % 4 > 0 as graded
      from range($learners) of_learners(learner), range(1, $courses + 1) of_courses(course),
           range(1, $runs + 1) of_runs(run)
    )
    select 'lead' as programme_id, 'lead' || course || 'x' as course_id,
           'UQx_LEAD' || course || 'x_' || run || 'T2025' as run,
           (1000000 + learner)::varchar as learner_id,
           if(graded, points / 100, null)::double as grade,
           if(verified, 'verified', 'audit') as track,
           if(verified, 'ID Verified', 'N/A') as verification,
           coalesce(graded and points >= 65, false) as certificate_eligible,
           coalesce(graded and verified and points >= 65, false) as certificate_delivered,
           if(verified, 'verified', 'N/A') as certificate_type,
           verified as paid, if(verified, true, null) as certificate_paid,
           run < $runs or points % 7 > 0 as enrolled,
           timestamp '2026-01-01' + interval (run) day as stamp, false as has_error,
           'grades.csv' as file, learner as line
    from drawn
"""
"""As an old export has it: any pass is called eligible."""


def main() -> None:
    """Make the results, compute completion from them, and compare with the notebooks' method."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--learners", type=int, default=100_000)
    parser.add_argument("--same", type=int, default=1_000, help="learners counted both ways")
    parser.add_argument("--memory", default="2GB", help="DuckDB's memory limit")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        print("the notebooks' method and this one, on the same results")
        compare(root, arguments.same)
        print(f"{arguments.learners:,} learners × {COURSES} courses × {RUNS} runs")
        with warehouse(root / "large.duckdb", arguments.memory) as con:
            make(con, arguments.learners)
            complete(con, root)
            decide(con)


@contextmanager
def warehouse(path: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file that spills beside itself."""
    with duckdb.connect(
        str(path), config={"memory_limit": memory, "python_enable_replacements": False}
    ) as con:
        yield con


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long it took, and the most memory that was in use meanwhile."""
    peak, done = [resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident())

    watching = threading.Thread(target=watch)
    watching.start()
    begin = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - begin
        done.set()
        watching.join()
        print(f"{seconds:9.2f} s  {peak[0]:7,.0f} MB  {what}")


def resident() -> float:
    """Memory in use now in MB; where the system does not tell, the most there ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    return pages * resource.getpagesize() / 2**20


def make(con: duckdb.DuckDBPyConnection, learners: int) -> None:
    """Results, learners and runs as staging leaves them."""
    with timed("making the results (not counted)"):
        con.execute(_RESULTS, {"learners": learners, "courses": COURSES, "runs": RUNS})
        con.execute(
            """
            create or replace table stg_learners as
            select distinct learner_id, 'user' || learner_id as username,
                   learner_id || '@example.org' as email, 'Learner ' || learner_id as name,
                   'AU' as country
            from stg_run_results where course_id = 'lead1x'
            """
        )
        rows = [
            {
                "programme_id": "lead",
                "course_id": course,
                "position": place,
                "run": f"UQx_{course.upper().replace('X', 'x')}_{run}T2025",
                "pass_mark": PASS_MARK,
                "starts": date(2025, 2 * run - 1, 1),
                "ends": date(2025, 2 * run, 1) if run < RUNS else date(2026, 12, 1),
                "upgrade_deadline": date(2025, 2 * run - 1, 20) if run < RUNS else TODAY,
                "certificates_available": date(2025, 2 * run, 15) if run < RUNS else None,
                "self_paced": False,
                "listed": True,
            }
            for place, course in enumerate(IDS, start=1)
            for run in range(1, RUNS + 1)
        ]
        write_table(con, "stg_tracks", tracks([PROGRAMME]))
        write_table(con, "stg_people", People.create_empty())
        write_table(con, "stg_data_packages", DataPackages.create_empty())
        write_table(con, "report_history", ReportHistory.create_empty())
        schema = dtypes(CourseRuns)
        runs = pl.DataFrame(
            [{name: row.get(name) for name in schema} for row in rows], schema=schema
        )
        write_table(con, "programme_runs", programme_runs([PROGRAMME], runs, TODAY))


def complete(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The tables and the report, step by step."""
    with timed("run_states, in SQL"):
        build_run_states(con)
    with timed("course_completion, in SQL"):
        build_course_completion(con)
        build_person_completion(con)
        build_course_certificates(con)
    with timed("programme_progress, in SQL and polars"):
        runs = con.table("programme_runs").pl()
        progress = programme_progress(PROGRAMME, learner_rows(con, "lead", IDS), runs, TODAY)
        write_table(con, "programme_progress", progress)
        write_table(con, "person_progress", progress.clear())
        finished = progress["core_complete"].sum()
        del progress
    with timed("the completion report as CSV"):
        report = completion_report(report_rows(con, "lead", IDS), IDS)
        write_csv(report, folder / "report.csv")
    rows = con.execute("select count(*) from course_completion").fetchall()[0][0]
    print(f"           {rows:,} rows of course_completion, {finished:,} learners with the core")


def decide(con: duckdb.DuckDBPyConnection) -> None:
    """Who is nudged, where one in four was told something before and one in four is on a list."""
    with timed("making what was told (not counted)"):
        learners = con.table("stg_learners").pl()["learner_id"]
        told = learners.gather_every(4)
        told_before = pl.DataFrame(
            {
                "campaign": campaign_of("lead"),
                "period": "2026-W01",
                "recipient_key": [recipient_key(learner, "salt") for learner in told],
                "about": "next_course/UQx_LEAD5x_1T2025/lead1x",
                "sent_on": date(2026, 1, 5),
            }
        )
        write_table(con, "stg_opt_ins", _opt_ins(learners.gather_every(4, 1)))
    with timed("nudges, in SQL and polars"):
        runs = con.table("programme_runs").pl()
        meaning = news(PROGRAMME, runs, TODAY)
        found = passes(con, "lead", meaning)
        seen = certificates_seen(con, "lead", IDS)
        part = considered(PROGRAMME, standings(con, "lead"), found, meaning, runs, seen)
        known = people(con, [part.reasons["learner_id"]])
        remembered = Remembered(
            opt_ins=preferences(con, known),
            opted_out=pl.DataFrame(schema=OPTED_OUT),
            told_before=pl.concat([pl.DataFrame(schema=TOLD_BEFORE), told_before], how="diagonal"),
            salt="salt",
        )
        decided = nudges([part], known, remembered, TODAY)
        write_table(con, "nudges", decided)
    print(
        f"           {part.reasons.height:,} reasons, "
        f"{decided['decision'].eq('letter').sum():,} letters"
    )


def _opt_ins(learners: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "programme_id": "lead",
            "learner_id": learners,
            "email": None,
            "opted_in": True,
            "set_at": None,
            "file": "list.csv",
            "line": 2,
        },
        schema=dtypes(OptIns),
    )


def compare(folder: Path, learners: int) -> None:
    """The same results both ways."""
    with warehouse(folder / "small.duckdb", "2GB") as con:
        make(con, learners)
        complete(con, folder)
        results = con.execute(
            "select learner_id, course_id, run, grade, track, certificate_eligible "
            "from stg_run_results order by all"
        ).fetchall()
        ours = {
            (learner, course): (passed, old)
            for learner, course, passed, old in con.execute(
                "select learner_id, course_id, passed, eligible_any_track from course_completion"
            ).fetchall()
        }
        counts = dict(
            con.execute("select learner_id, eligible_any_track from programme_progress").fetchall()
        )
    database = sqlite3.connect(folder / "notebook.db")
    database.execute(
        "create table course_instancedetails (student_id text, course text, run text, grade real, "
        "enrollment_track text, certificate_eligible text)"
    )
    database.executemany(
        "insert into course_instancedetails values (?, ?, ?, ?, ?, ?)",
        [(*row[:5], "Y" if row[5] else "N") for row in results],
    )
    database.commit()
    with timed(f"the notebooks' method: {learners * COURSES:,} queries"):
        theirs = dict(by_query(database, sorted(counts)))
    database.execute("create index by_learner on course_instancedetails (student_id, course)")
    with timed("the same with an index on learner and course"):
        dict(by_query(database, sorted(counts)))
    database.close()
    same = sum(ours[key] == found for key, found in theirs.items())
    totals = dict.fromkeys(counts, 0)
    for (learner, _), (_, eligible) in theirs.items():
        totals[learner] += eligible
    print(
        f"           passed and eligible alike for {same:,} of {len(theirs):,} learners × courses"
    )
    print(f"           the old rule's count alike for all learners: {totals == counts}")


def by_query(
    database: sqlite3.Connection, learners: list[str]
) -> Iterator[tuple[tuple[str, str], tuple[bool, bool]]]:
    """What the notebooks do: ask for every learner and course, and look at the answer."""
    for learner in learners:
        for course in IDS:
            rows = database.execute(
                "select grade, certificate_eligible from course_instancedetails "
                "where student_id = ? and course = ?",
                (learner, course),
            ).fetchall()
            passed = any(grade is not None and grade >= PASS_MARK for grade, _ in rows)
            yield (learner, course), (passed, any(eligible == "Y" for _, eligible in rows))


if __name__ == "__main__":
    main()
