"""The whole circle on the commands: written, approved, sent by (fake) SendGrid, corrected."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from edu_pipeline.commands.console import UserError
from edu_pipeline.commands.jobs import run_job
from edu_pipeline.mail.ledger import place
from edu_pipeline.mail.ledger.database import OtherLedgerError
from edu_pipeline.mail.ledger.place import OtherPlaceError
from edu_pipeline.mail.ledger.suppressions import in_force
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.commands.letters import (
    LIVE,
    WEEK,
    WHO,
    home_with,
    letter,
    queued,
    states,
)
from edu_pipeline_tests.conftest import CODES, make_home
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSendGrid]:
    with FakeSendGrid(tmp_path_factory.mktemp("sendgrid")) as fake:
        yield fake


@pytest.fixture
def fake(running: FakeSendGrid, monkeypatch: pytest.MonkeyPatch) -> FakeSendGrid:
    running.reset()
    monkeypatch.setenv("SENDGRID_API_KEY", running.key)
    return running


def live_by(fake: FakeSendGrid) -> str:
    return f'{LIVE}[mail.sendgrid]\nurl = "{fake.url}"\n'


def test_what_was_approved_is_sent_once_each(
    tmp_path: Path, command: Command, fake: FakeSendGrid
) -> None:
    home = home_with(tmp_path, live_by(fake))
    queued(home, letter("t_1"), letter("t_2"))
    command("mail", "approve", "--yes", "--by", "Kim")
    queued(home, letter("t_1"), letter("t_2"), letter("t_3"))
    sent = command("mail", "send", "--by", "Kim")
    assert sent.exit_code == 3  # the third waits for approval
    assert "This time: 2 sent." in sent.stdout
    assert fake.counts() == {f"teachers:{WEEK}:t_1": 1, f"teachers:{WEEK}:t_2": 1}
    command("mail", "send", "--by", "Kim")
    assert sum(fake.counts().values()) == 2
    assert states(home)["t_3"] is State.draft


def test_from_another_machine_nothing_is_sent_until_somebody_says_that_the_home_was_moved(
    tmp_path: Path, command: Command, fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "machine"
    monkeypatch.setattr(place, "MACHINE_ID", machine)
    machine.write_text("a" * 32)
    home = home_with(tmp_path, live_by(fake))
    queued(home, letter("t_1"))
    command("mail", "approve", "--yes", "--by", "Kim")
    command("mail", "send")
    queued(home, letter("t_1"), letter("t_2"))
    command("mail", "approve", "--yes", "--by", "Kim")
    machine.write_text("b" * 32)
    with pytest.raises(OtherPlaceError, match="mail restore --here"):
        command("mail", "send")
    assert sum(fake.counts().values()) == 1
    assert "sent from here from now on" in command("mail", "restore", "--here").stdout
    command("mail", "send")
    assert set(fake.counts().values()) == {1}
    assert sum(fake.counts().values()) == 2


def test_a_restored_ledger_is_seen_before_anything_is_sent_and_can_take_over(
    tmp_path: Path, command: Command, fake: FakeSendGrid
) -> None:
    home = home_with(tmp_path, live_by(fake))
    queued(home, letter("t_1"), letter("t_2"))
    command("mail", "approve", "--yes", "--by", "Kim")
    backup = (home.data / "ledger.db").read_bytes()
    command("mail", "send")
    (home.data / "ledger.db").write_bytes(backup)
    with pytest.raises(OtherLedgerError, match="edu-pipeline mail restore"):
        command("mail", "send")
    assert "2 letters that went out" in command("mail", "restore").stdout
    assert set(states(home).values()) == {State.sent}
    command("mail", "send")
    assert set(fake.counts().values()) == {1}


def test_sendgrids_lists_are_taken_over(
    tmp_path: Path, command: Command, fake: FakeSendGrid
) -> None:
    home = home_with(tmp_path, live_by(fake))
    fake.suppress("bounces", "t_1@riverside.example")
    done = command("mail", "suppress", "pull", "--by", "Kim")
    assert "1 lines in SendGrid's lists, 1 of them new." in done.stdout
    with mail_room(home).open_ledger() as ledger:
        assert in_force(ledger).select("email", "reason", "source", "by").rows() == [
            ("t_1@riverside.example", "bounce", "sendgrid", "Kim")
        ]


def school(absent: int) -> str:
    """Twenty students of 7A on one Monday, of whom so many are absent."""
    marks = [f"{i},2026-09-28,{'A' if i < 100 + absent else 'P'}\n" for i in range(100, 120)]
    return f"student_id,date,code\n{''.join(marks)}"


def test_a_wrong_letter_is_approved_and_sent_again_as_a_correction(
    tmp_path: Path, command: Command, fake: FakeSendGrid
) -> None:
    students = {f"{i}": "7A" if i < 120 else "7B" for i in range(100, 140)}
    taught = [f"{name},{person},student" for person, name in students.items()]
    other = "".join(f"{i},2026-09-28,P\n" for i in range(120, 140))
    home = make_home(
        tmp_path,
        {
            "students.csv": "student_id\n" + "\n".join(students),
            "staff.csv": "staff_id,email\nT1,a@riverside.example\nT2,b@riverside.example\n",
            "classes.csv": "class_id,class_type\n7A,homeroom\n7B,homeroom\n",
            "enrollments.csv": "\n".join(
                ["class_id,person_id,role", "7A,T1,teacher", "7B,T2,teacher", *taught]
            ),
            "attendance.csv": school(4) + other,
        },
        '[school]\ntime_zone = "UTC"\n'
        + CODES.replace("[letters]\n", WHO)
        + live_by(fake).replace(WHO, ""),
    )
    old = command("run", "--week", WEEK)
    assert "2 no longer news" in old.stdout
    assert f"Next: edu-pipeline --home {home.root} run --week {WEEK} --even-if-old" in old.stdout
    written = command("run", "--week", WEEK, "--even-if-old")
    assert written.exit_code == 3
    assert "2 to be approved" in written.stdout
    assert f"Next: edu-pipeline --home {home.root} mail approve --week 2026-W40" in written.stdout
    command("mail", "approve", "--yes", "--by", "Kim")
    assert "This time: 2 sent." in command("mail", "send", "--by", "Kim").stdout

    export = home.data / "landing" / "school" / "attendance.csv"
    export.write_text(school(3) + other, encoding="utf-8")
    run_job(mail_room(home), "refresh_school", "A refresh")
    stale = command("mail", "send")
    assert stale.exit_code == 3
    assert "The exports were read again after these letters were written." in stale.stdout
    why = "One student was marked absent by mistake."
    corrected = command("mail", "correct", "--week", WEEK, "--reason", why, "--yes")
    plain = corrected.stdout.replace("\u00a0", " ")
    assert "7A attendance 80.0 % → 85.0 %" in plain
    assert "2026-W40: 1 to be approved, 2 sent" in plain
    assert f"Next: edu-pipeline --home {home.root} mail approve --week 2026-W40" in plain

    asked = command("mail", "approve", "--by", "Kim", answer="y\n").stdout.replace("\u00a0", " ")
    assert "1 changed\n" in asked
    assert "7A attendance 80.0 % → 85.0 %" in asked
    command("mail", "send", "--by", "Kim")
    first, second, correction = [mail.payload for mail in fake.accepted()]
    assert correction["subject"].startswith("Corrected: ")
    assert not any(mail["subject"].startswith("Corrected") for mail in (first, second))
    assert set(fake.counts().values()) == {1}


def test_where_nothing_went_out_there_is_nothing_to_correct(
    tmp_path: Path, command: Command
) -> None:
    home: Home = home_with(tmp_path)
    queued(home, letter("t_1"))
    with pytest.raises(UserError, match="nothing to correct"):
        command("mail", "correct", "--reason", "a typing error")
