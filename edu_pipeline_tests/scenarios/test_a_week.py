"""The whole way of a week: exports, refresh, letters, and what happens when something is wrong."""

import csv
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.definitions import build_definitions
from edu_pipeline.mail.assets import open_ledger
from edu_pipeline.mail.ledger_tables import State
from edu_pipeline.sample.plan import CO_TAUGHT, SHARED_TEACHER
from edu_pipeline.settings import Home, load_settings
from edu_pipeline.warehouse import open_warehouse, read_table
from edu_pipeline_tests.conftest import CODES, WEEK, run_job

PERIOD = "2026-W20"
LETTERS = 10  # six for homerooms (one has two teachers, one teacher two), four for subjects only


def table(home: Home, name: str) -> pl.DataFrame:
    with open_warehouse(home.warehouse) as con:
        return read_table(con, name)


def states(home: Home) -> dict[State, int]:
    with open_ledger(home) as ledger:
        return dict(ledger.counts("teachers", PERIOD))


def outbox(home: Home) -> dict[str, bytes]:
    folder = home.outbox / "teachers" / PERIOD
    return {path.name: path.read_bytes() for path in folder.glob("*.eml")}


def school(home: Home, name: str) -> Path:
    return home.data / "landing" / "school" / f"{name}.csv"


def edit(path: Path, line: int, old: str, new: str) -> None:
    """Change one line of an export; lines count from 1, the header's included."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    path.write_text("".join(lines), encoding="utf-8")


def mark_of_the_week(home: Home) -> tuple[int, str]:
    """Line and student of some present student's mark on the week's Monday."""
    with school(home, "attendance").open(encoding="utf-8") as file:
        for line, row in enumerate(csv.reader(file), start=1):
            if row[1:] == [WEEK.isoformat(), "P"]:
                return line, row[0]
    raise AssertionError


def student_days(home: Home) -> float:
    return float(sum(table(home, "class_week")["possible_days"].to_list()))


def test_every_teacher_gets_one_letter_and_a_second_run_changes_nothing(
    sample_home: Home,
) -> None:
    run_job(sample_home, "send_letters", week=WEEK)
    first = outbox(sample_home)
    assert states(sample_home) == {State.sent: LETTERS}
    assert len(first) == LETTERS
    run_job(sample_home, "refresh")
    run_job(sample_home, "send_letters", week=WEEK)
    assert outbox(sample_home) == first
    with open_ledger(sample_home) as ledger:
        attempts = ledger.letters_frame()["attempts"].to_list()
    assert attempts == [1] * LETTERS


def test_a_letter_goes_to_its_teacher_and_names_only_their_students(sample_home: Home) -> None:
    run_job(sample_home, "send_letters", week=WEEK)
    staff = {row["email"]: row for row in table(sample_home, "stg_staff").iter_rows(named=True)}
    full_name = pl.concat_str("given_name", "family_name", separator=" ")
    students = table(sample_home, "stg_students").select("student_id", name=full_name)
    teachers = table(sample_home, "stg_staff").select("staff_id", name=full_name)
    now = table(sample_home, "stg_enrollments").filter(
        pl.lit(WEEK).is_between("begin_date", "end_date", closed="left")
    )
    listed = 0
    for raw in outbox(sample_home).values():
        message = message_from_bytes(raw, policy=policy.default)
        recipient = staff[message["To"].addresses[0].addr_spec]
        body = message.get_body(("plain",))
        assert body
        text = body.get_content()
        assert f"Hello {recipient['given_name']}," in text
        classes = now.filter(person_id=recipient["staff_id"])["class_id"].to_list()
        own = now.filter(pl.col("class_id").is_in(classes) & (pl.col("role") == "student"))
        theirs = set(students.join(own, left_on="student_id", right_on="person_id")["name"])
        others = (set(students["name"]) | set(teachers["name"])) - theirs
        assert not [name for name in others if name in text]
        listed += sum(name in text for name in theirs)
        everyone = others | theirs
        assert not [name for name in everyone if name in message["Subject"]]
    assert listed


def test_two_teachers_of_a_homeroom_both_get_it_and_two_homerooms_make_one_letter(
    sample_home: Home,
) -> None:
    run_job(sample_home, "send_letters", week=WEEK)
    subjects = [
        message_from_bytes(raw, policy=policy.default)["Subject"]
        for raw in outbox(sample_home).values()
    ]
    co_taught = CO_TAUGHT.removeprefix("HR-")
    shared = [name.removeprefix("HR-") for name in SHARED_TEACHER]
    assert sum(subject.startswith(f"{co_taught}, ") for subject in subjects) == 2
    assert sum(subject.startswith(" and ".join(shared)) for subject in subjects) == 1


def test_an_unmapped_code_holds_all_mail_until_the_pasted_fix_lets_it_go(
    sample_home: Home,
) -> None:
    line, student = mark_of_the_week(sample_home)
    edit(school(sample_home, "attendance"), line, "P", "QT")
    result = run_job(sample_home, "refresh")
    problem = table(sample_home, "landing_problems").row(0, named=True)
    assert problem["kind"] == "unmapped_code"
    assert "'QT' appears once" in problem["message"]
    assert student not in problem["message"]
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert "codes_are_mapped" in {check.check_name for check in failed}
    assert any("Add to [attendance.codes]: QT = " in (check.description or "") for check in failed)
    rejected = table(sample_home, "rejected_rows").filter(pl.col("rule") == "unmapped_code")
    assert rejected.select("file", "line").rows() == [("school/attendance.csv", line)]

    run_job(sample_home, "send_letters", week=WEEK)
    assert states(sample_home) == {State.held: LETTERS}
    assert outbox(sample_home) == {}

    sample_home.config.write_text(f'{CODES}QT = "absent"\n', encoding="utf-8")
    run_job(sample_home, "refresh")
    run_job(sample_home, "send_letters", week=WEEK)
    assert states(sample_home) == {State.sent: LETTERS}


def test_hold_affected_holds_only_the_classes_concerned(sample_home: Home) -> None:
    config = f'{CODES}\n[mail]\non_problem = "hold_affected"\n'
    sample_home.config.write_text(config, encoding="utf-8")
    line, student = mark_of_the_week(sample_home)
    edit(school(sample_home, "attendance"), line, "P", "QT")
    run_job(sample_home, "refresh")
    run_job(sample_home, "send_letters", week=WEEK)
    enrollments = table(sample_home, "stg_enrollments")
    classes = enrollments.filter(
        (pl.col("person_id") == student)
        & pl.lit(WEEK).is_between("begin_date", "end_date", closed="left")
    )["class_id"]
    teachers = enrollments.filter(
        (pl.col("role") == "teacher")
        & pl.col("class_id").is_in(classes.to_list())
        & (pl.col("end_date") > WEEK)
    )["person_id"].n_unique()
    assert 0 < teachers < LETTERS
    assert states(sample_home) == {State.held: teachers, State.sent: LETTERS - teachers}


def test_what_vanishes_from_a_snapshot_is_gone_from_the_figures(sample_home: Home) -> None:
    before = student_days(sample_home)
    line, _ = mark_of_the_week(sample_home)
    path = school(sample_home, "attendance")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    del lines[line - 1]
    path.write_text("".join(lines), encoding="utf-8")
    run_job(sample_home, "refresh")
    # a day in the homeroom and in four subject classes
    assert before - student_days(sample_home) == 5


def test_an_unreadable_file_holds_the_mail_and_keeps_the_other_tables_up_to_date(
    sample_home: Home,
) -> None:
    school(sample_home, "homework").write_bytes(b"assignment_id,student_id\xff\xfe\n")
    run_job(sample_home, "refresh")
    run_job(sample_home, "send_letters", week=WEEK)
    assert states(sample_home) == {State.held: LETTERS}
    assert table(sample_home, "class_week")["attendance_rate"].drop_nulls().len() > 0


def test_a_refresh_that_broke_off_keeps_letters_from_resting_on_half_of_it(
    sample_home: Home,
) -> None:
    with school(sample_home, "students").open("a", encoding="utf-8") as file:
        file.write("777777,New,Student,7,1\n")
    run_only(sample_home, "refresh", "landing_files")
    with pytest.raises(dg.Failure, match="The last refresh did not finish"):
        run_job(sample_home, "send_letters", week=WEEK)
    assert outbox(sample_home) == {}


def run_only(home: Home, job: str, *assets: str, week: date | None = None) -> None:
    """Materialise some assets alone, as a person may in the UI."""
    resolved = build_definitions(home, load_settings(home)).resolve_job_def(job)
    with dg.DagsterInstance.ephemeral() as instance:
        resolved.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name) for name in assets],
            partition_key=week.isoformat() if week else None,
        )


def test_the_gate_is_never_recorded_for_tables_of_another_run(sample_home: Home) -> None:
    line, _ = mark_of_the_week(sample_home)
    edit(school(sample_home, "attendance"), line, "P", "QT")
    with pytest.raises(dg.Failure, match="Launch the whole job refresh"):
        run_only(sample_home, "refresh", "landing_files", "mail_gate")


def test_letters_are_delivered_only_in_the_run_that_wrote_them(sample_home: Home) -> None:
    made = ("students_of_week", "said_before", "letter_charts", "teacher_letters")
    run_only(sample_home, "send_letters", *made, week=WEEK)
    run_only(sample_home, "send_letters", "queued_letters", week=WEEK)
    with pytest.raises(dg.Failure, match="Launch the whole job send_letters"):
        run_only(sample_home, "send_letters", "delivered_letters", week=WEEK)
    assert states(sample_home) == {State.pending: LETTERS}
    assert outbox(sample_home) == {}


def test_when_an_export_vanishes_no_week_stays_open(sample_home: Home) -> None:
    school(sample_home, "students").unlink()
    result = run_job(sample_home, "refresh")
    with open_ledger(sample_home) as ledger:
        assert ledger.recorded_periods() == []
    failed = {
        check.check_name for check in result.get_asset_check_evaluations() if not check.passed
    }
    assert {"newest_week_is_not_held", "files_are_there"} <= failed


def test_a_large_homeroom_that_never_took_a_register_keeps_nobody_from_a_letter(
    sample_home: Home,
) -> None:
    week = table(sample_home, "class_week").filter(
        (pl.col("week_start") == WEEK) & (pl.col("class_type") == "homeroom")
    )
    largest = week.sort("students")["class_id"][-1]
    students = set(
        table(sample_home, "stg_enrollments").filter(pl.col("class_id") == largest)["person_id"]
    )
    for name, column in (("attendance", 0), ("homework", 1)):
        path = school(sample_home, name)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.split(",")[column] not in students]
        path.write_text("".join(kept), encoding="utf-8")
    sample_home.warehouse.unlink()  # these exports are the first, not ones cut short
    run_job(sample_home, "refresh")
    run_job(sample_home, "send_letters", week=WEEK)
    assert states(sample_home) == {State.sent: LETTERS}


def test_a_badly_quoted_row_does_not_travel_into_dagsters_log(sample_home: Home) -> None:
    with school(sample_home, "students").open("a", encoding="utf-8") as file:
        file.write('"77"7,Secretgiven,Secretfamily,7,"1"x"\n"open,Secretgiven\n')
    job = build_definitions(sample_home, load_settings(sample_home)).resolve_job_def("refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    kept = "\n".join(
        f"{event} {event.step_failure_data.error if event.is_step_failure else ''}"
        for event in result.all_events
    )
    assert "Secret" not in kept


def test_nothing_that_dagster_keeps_has_a_name_or_an_address(sample_home: Home) -> None:
    with dg.DagsterInstance.local_temp() as instance:
        run_job(sample_home, "refresh", instance)
    with dg.DagsterInstance.local_temp() as instance:
        result = run_job(sample_home, "send_letters", instance, week=WEEK)
    kept = "\n".join(str(event) for event in result.all_events)
    people = pl.concat(
        [
            table(sample_home, "stg_students").select("given_name", "family_name"),
            table(sample_home, "stg_staff").select("given_name", "family_name"),
        ]
    )
    full_names = {f"{given} {family}" for given, family in people.iter_rows()}
    assert not [name for name in full_names if name in kept]
    assert "@riverside.example" not in kept
