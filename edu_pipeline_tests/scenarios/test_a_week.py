"""The whole way of a week: exports, refresh, letters, and what happens when something is wrong."""

import csv
import json
import shutil
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from edu_pipeline.cli import app
from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.mail.links import token
from edu_pipeline.mail.states import State
from edu_pipeline.model.mail import CampaignEngagement
from edu_pipeline.sample.plan import CO_TAUGHT, SHARED_TEACHER
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import CODES, WEEK, WRITTEN_FROM, run_job

PERIOD = "2026-W20"
LETTERS = 10  # six for homerooms (one has two teachers, one teacher two), four for subjects only


PUBLIC = "https://letters.riverside.example"
LINKED = f'{CODES}\n[mail]\npublic_url = "{PUBLIC}"\ntracking = "individual"\n'


class Sent(NamedTuple):
    """A home after its letters were sent, and the runs since."""

    home: Home
    runs: tuple[dg.ExecuteInProcessResult, ...]


def copied(home: Home, root: Path) -> Home:
    return Home(shutil.copytree(home.root, root))


@pytest.fixture(scope="module")
def sent(refreshed_sample: Home, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """After exam results landed, and the first sending; to be looked at only."""
    home = copied(refreshed_sample, tmp_path_factory.mktemp("sent") / "home")
    home.config.write_text(LINKED, encoding="utf-8")
    return Sent(home, (run_job(home, "refresh_results"), run_job(home, "send_letters", week=WEEK)))


@pytest.fixture(scope="module")
def sent_again(sent: Sent, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """After another sending, of the same tables; to be looked at only."""
    home = copied(sent.home, tmp_path_factory.mktemp("again") / "home")
    return Sent(home, (*sent.runs, run_job(home, "send_letters", week=WEEK)))


def table(home: Home, name: str) -> pl.DataFrame:
    with open_warehouse(home.warehouse, read_only=True) as con:
        return read_table(con, name)


def states(home: Home) -> dict[State, int]:
    with mail_room(home).open_ledger() as ledger:
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
    sent: Sent, sent_again: Sent
) -> None:
    first = outbox(sent.home)
    assert states(sent.home) == {State.sent: LETTERS}
    assert len(first) == LETTERS
    assert outbox(sent_again.home) == first
    with mail_room(sent_again.home).open_ledger() as ledger:
        attempts = ledger.letters_frame()["attempts"].to_list()
    assert attempts == [1] * LETTERS


def test_a_preview_is_what_a_run_would_write_and_shows_a_template_that_was_changed(
    sent: Sent, tmp_path: Path
) -> None:
    home = copied(sent.home, tmp_path / "home")
    before = states(home)

    def previewed(*options: str) -> dict[str, str]:
        result = CliRunner().invoke(app, ["--home", str(home.root), "letters", "preview", *options])
        assert result.exit_code == 0, result.output
        return {path.name: path.read_text(encoding="utf-8") for path in home.preview.iterdir()}

    written = home.outbox / "teachers" / PERIOD
    assert previewed() == {
        path.name: path.read_text(encoding="utf-8")
        for kind in ("html", "txt")
        for path in written.glob(f"t_*.{kind}")
    }
    home.templates.joinpath("letters").mkdir(parents=True)
    (home.templates / "letters" / "teacher.txt.j2").write_text("Dear {{ given_name }}")
    staff = table(home, "stg_staff").row(0, named=True)
    (text,) = (
        text for name, text in previewed("--teacher", staff["email"]).items() if ".txt" in name
    )
    assert text.startswith(f"Dear {staff['given_name']}")
    assert states(home) == before


def test_a_letter_goes_to_its_teacher_and_names_only_their_students(sent: Sent) -> None:
    sample_home = sent.home
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
    sent: Sent,
) -> None:
    subjects = [
        message_from_bytes(raw, policy=policy.default)["Subject"]
        for raw in outbox(sent.home).values()
    ]
    co_taught = CO_TAUGHT.removeprefix("HR-")
    shared = [name.removeprefix("HR-") for name in SHARED_TEACHER]
    assert sum(subject.startswith(f"{co_taught}, ") for subject in subjects) == 2
    assert sum(subject.startswith(" and ".join(shared)) for subject in subjects) == 1


def test_an_unmapped_code_holds_the_letters_concerned_and_is_told_with_its_fix(
    sample_home: Home,
) -> None:
    config = f'{CODES}\n[mail]\non_problem = "hold_affected"\n'
    sample_home.config.write_text(config, encoding="utf-8")
    line, student = mark_of_the_week(sample_home)
    edit(school(sample_home, "attendance"), line, "P", "QT")
    result = run_job(sample_home, "refresh_school")
    problem = table(sample_home, "landing_problems").row(0, named=True)
    assert problem["kind"] == "unmapped_code"
    assert "'QT' appears once" in problem["message"]
    assert student not in problem["message"]
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert "codes_are_mapped" in {check.check_name for check in failed}
    assert any("Add to [attendance.codes]: QT = " in (check.description or "") for check in failed)
    rejected = table(sample_home, "rejected_rows").filter(pl.col("rule") == "unmapped_code")
    assert rejected.select("file", "line").rows() == [("school/attendance.csv", line)]

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
    run_job(sample_home, "send_letters", week=WEEK)
    assert states(sample_home) == {State.held: teachers, State.sent: LETTERS - teachers}


@pytest.fixture(scope="module")
def unreadable(
    refreshed_sample: Home, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, dg.ExecuteInProcessResult]:
    """A home where one mark is gone from a snapshot, and another export is badly quoted.

    To be looked at only.
    """
    home = copied(refreshed_sample, tmp_path_factory.mktemp("unreadable") / "home")
    line, _ = mark_of_the_week(home)
    path = school(home, "attendance")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    del lines[line - 1]
    path.write_text("".join(lines), encoding="utf-8")
    with school(home, "homework").open("a", encoding="utf-8") as file:
        file.write('"77"7,Secretgiven,Secretfamily,7,"1"x"\n"open,Secretgiven\n')
    return home, run_job(home, "refresh_school")


def test_what_vanishes_from_a_snapshot_is_gone_from_the_figures_though_another_file_cannot_be_read(
    refreshed_sample: Home, unreadable: tuple[Home, dg.ExecuteInProcessResult]
) -> None:
    home, _ = unreadable
    # a day in the homeroom and in four subject classes
    assert student_days(refreshed_sample) - student_days(home) == 5


def test_an_unreadable_file_holds_the_mail(
    unreadable: tuple[Home, dg.ExecuteInProcessResult], tmp_path: Path
) -> None:
    home = copied(unreadable[0], tmp_path / "home")
    assert table(home, "landing_problems")["kind"].to_list() == ["unreadable_file"]
    run_job(home, "send_letters", week=WEEK)
    assert states(home) == {State.held: LETTERS}
    assert outbox(home) == {}


def test_a_badly_quoted_row_does_not_travel_into_dagsters_log(
    unreadable: tuple[Home, dg.ExecuteInProcessResult],
) -> None:
    _, result = unreadable
    kept = "\n".join(map(str, result.all_events))
    assert "homework" in kept
    assert "Secret" not in kept


def test_a_refresh_that_broke_off_keeps_letters_from_resting_on_half_of_it(
    sample_home: Home,
) -> None:
    with school(sample_home, "students").open("a", encoding="utf-8") as file:
        file.write("777777,New,Student,7,1\n")
    run_job(sample_home, "refresh", only=["landing_files"])
    with pytest.raises(dg.Failure, match="The last refresh did not finish"):
        run_job(sample_home, "send_letters", week=WEEK)
    assert outbox(sample_home) == {}


def test_exam_results_that_landed_leave_the_weeks_letters_free_to_go(sent: Sent) -> None:
    assert [run.job_def.name for run in sent.runs] == ["refresh_results", "send_letters"]
    assert states(sent.home) == {State.sent: LETTERS}


def test_the_gate_is_never_recorded_for_tables_of_another_run(sample_home: Home) -> None:
    line, _ = mark_of_the_week(sample_home)
    edit(school(sample_home, "attendance"), line, "P", "QT")
    with pytest.raises(dg.Failure, match="Launch the whole job refresh_school"):
        run_job(sample_home, "refresh", only=["landing_files", "mail_gate"])


def test_letters_are_queued_only_in_the_run_that_wrote_them(sample_home: Home) -> None:
    run_job(sample_home, "send_letters", week=WEEK, only=WRITTEN_FROM)
    with pytest.raises(dg.Failure, match="Launch the whole job send_letters"):
        run_job(sample_home, "send_letters", week=WEEK, only=["queued_letters"])
    assert states(sample_home) == {}


def test_every_letter_has_its_teachers_own_link_to_pause_them(sent: Sent) -> None:
    letters = outbox(sent.home)
    assert len(letters) == LETTERS
    with mail_room(sent.home).open_ledger() as ledger:
        token_key, salt = ledger.identity("token_key"), ledger.salt
    staff = {row["email"]: row for row in table(sent.home, "stg_staff").iter_rows(named=True)}
    for name, raw in letters.items():
        message = message_from_bytes(raw, policy=policy.default)
        recipient = staff[message["To"].addresses[0].addr_spec]
        key = opaque_key("teacher", recipient["staff_id"], salt)
        assert name == f"{key}.eml"
        link = f"{PUBLIC}/out/{token(token_key, 'teachers', key)}"
        for kind in ("plain", "html"):
            body = message.get_body((kind,))
            assert body
            assert body.get_content().count(link) == 1


def test_what_the_carrier_reports_in_the_landing_zone_is_on_the_page_of_letters(
    sent: Sent, tmp_path: Path
) -> None:
    sample_home = copied(sent.home, tmp_path / "home")
    with mail_room(sample_home).open_ledger() as ledger:
        keys = [entry.key for entry in ledger.entries("teachers", PERIOD)]
        ledger_id = ledger.id
    # nine are delivered, four of them opened by people and one more by a program; one comes back
    happened = [
        *((key, "delivered", False) for key in keys[:9]),
        (keys[9], "bounce", False),
        *((key, "open", False) for key in keys[:4]),
        *((key, "open", True) for key in keys[3:5]),
    ]
    events = [
        {
            "event": kind,
            "sg_event_id": f"e{n}",
            "sg_message_id": f"m{n}",
            "timestamp": 1_790_000_000 + n,
            "edu_letter": key,
            "edu_ledger": ledger_id,
            "sg_machine_open": machine,
        }
        for n, (key, kind, machine) in enumerate(happened)
    ]
    folder = sample_home.data / "landing" / "mail" / "events"
    folder.mkdir(parents=True)
    (folder / "2026-05-16.json").write_text(json.dumps(events), encoding="utf-8")
    run_job(sample_home, "refresh_letters")

    assert states(sample_home) == {State.delivered: 9, State.bounced: 1}
    engagement = CampaignEngagement.validate(table(sample_home, "campaign_engagement"))
    (row,) = engagement.rows(named=True)
    assert (row["delivered"], row["bounced"], row["opened_people"]) == (9, 1, 4)
    assert (row["open_rate_low"], row["open_rate_high"]) == (4 / 9, 5 / 9)
    page = (sample_home.site / "mail" / "index.html").read_text(encoding="utf-8")
    # of nine letters nobody should read a rate
    assert "Of 9 delivered, 4 were opened by a person and 1 more by programs only." in page
    assert "Correct the addresses in the source data" in page
    names = pl.concat_str("given_name", "family_name", separator=" ")
    people = table(sample_home, "stg_staff").select(name=names)["name"]
    assert not [name for name in people if name in page]


def test_charts_that_no_letter_shows_are_not_drawn(sample_home: Home) -> None:
    run_job(sample_home, "send_letters", week=WEEK, only=["letter_charts"])
    assert table(sample_home, "letter_charts").is_empty()


def test_when_an_export_vanishes_no_week_stays_open(sample_home: Home) -> None:
    school(sample_home, "students").unlink()
    result = run_job(sample_home, "refresh_school")
    with mail_room(sample_home).open_ledger() as ledger:
        assert ledger.recorded_periods() == []
    failed = {
        check.check_name for check in result.get_asset_check_evaluations() if not check.passed
    }
    assert {"newest_week_is_not_held", "files_are_there"} <= failed


def test_nothing_that_dagster_keeps_has_a_name_or_an_address(
    unreadable: tuple[Home, dg.ExecuteInProcessResult], sent_again: Sent
) -> None:
    sample_home = sent_again.home
    runs = (unreadable[1], *sent_again.runs)
    kept = "\n".join(str(event) for result in runs for event in result.all_events)
    people = pl.concat(
        [
            table(sample_home, "stg_students").select("given_name", "family_name"),
            table(sample_home, "stg_staff").select("given_name", "family_name"),
        ]
    )
    full_names = {f"{given} {family}" for given, family in people.iter_rows()}
    assert not [name for name in full_names if name in kept]
    assert "@riverside.example" not in kept
