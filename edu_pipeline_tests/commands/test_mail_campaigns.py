"""Commands on letters, in a home where several campaigns have some about one week."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import Result

from edu_pipeline.commands.console import UserError
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.store import Queueing
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.commands.letters import LIVE, WEEK, home_with, letter, queued

Command = Callable[..., Result]
NUDGES = "nudges.lead"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Letters to a teacher about two weeks, and to a learner about the older of these."""
    home = home_with(tmp_path, LIVE)
    queued(home, letter("t_1"))
    with mail_room(home).open_ledger() as ledger:
        key = opaque_key("learner", "100007", ledger.salt)
        nudge = replace(letter(key), campaign=NUDGES)
        ledger.queue(
            [nudge], now=datetime.now(UTC), by="run", rules=Queueing(approval=True, leaves=True)
        )
        last = date(2026, 10, 2)
        period = Period(NUDGES, WEEK, "lead|2026-09-28", last, complete=True, held=None)
        ledger.record_periods("nudges", [period])
    return home


def state(home: Home, campaign: str) -> set[State]:
    with mail_room(home).open_ledger() as ledger:
        return set(ledger.counts(campaign, WEEK))


@pytest.mark.parametrize(
    "line",
    [
        ("mail", "approve", "--yes"),
        ("mail", "approve", "--yes", "--week", WEEK),
        ("mail", "send"),
        ("mail", "cancel", "--reason", "A mistake.", "--yes"),
        ("mail", "correct", "--reason", "A mistake."),
        ("mail", "resolve", "arrived", "--week", WEEK, "--reason", "They have it."),
    ],
)
def test_whose_letters_are_meant_must_be_said_and_how_is_ready_to_paste(
    home: Home, command: Command, line: tuple[str, ...]
) -> None:
    with pytest.raises(UserError) as error:
        command(*line)
    assert str(error.value).splitlines()[1:] == [
        f"  --campaign {NUDGES} --week {WEEK}",
        f"  --campaign teachers --week {WEEK}",
    ]
    assert state(home, "teachers") == state(home, NUDGES) == {State.draft}


def test_only_the_campaign_that_is_named_is_approved(home: Home, command: Command) -> None:
    done = command("mail", "approve", "--campaign", NUDGES, "--by", "Kim", answer="y\n")
    assert f"Approve 1 letter about {WEEK} ({NUDGES})?" in done.stdout
    assert f"mail approve --campaign {NUDGES} --week {WEEK} --digest" in done.stdout
    assert f"Next: edu-pipeline --home {home.root} mail send --campaign {NUDGES}" in done.stdout
    assert state(home, NUDGES) == {State.approved}
    assert state(home, "teachers") == {State.draft}


def test_a_week_that_one_campaign_alone_has_needs_no_word(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), letter("t_1", period="2026-W41"))
    done = command("mail", "approve", "--by", "Kim", "--yes")
    assert "Approved 1 letter about 2026-W41 (teachers)." in done.stdout
    assert state(home, "teachers") == state(home, NUDGES) == {State.draft}


@pytest.mark.usefixtures("home")
def test_a_campaign_without_letters_is_told_those_that_have_some(command: Command) -> None:
    with pytest.raises(UserError, match=rf"Those that have some: {NUDGES}, teachers\."):
        command("mail", "send", "--campaign", "nudges.led")


def test_what_is_written_anew_and_how_is_said_for_each_campaign(
    home: Home, command: Command
) -> None:
    cancel = ("mail", "cancel", "--reason", "A mistake.", "--yes")
    done = command(*cancel, "--campaign", NUDGES)
    assert f"mail cancel --undo --campaign {NUDGES} --week {WEEK} --reason" in done.stdout
    assert state(home, NUDGES) == {State.cancelled}
    back = command(*cancel, "--campaign", NUDGES, "--undo")
    assert "programmes nudge lead" in back.stdout
    command(*cancel, "--campaign", "teachers")
    back = command(*cancel, "--campaign", "teachers", "--undo")
    assert f"run --week {WEEK}" in back.stdout


@pytest.mark.usefixtures("home")
def test_status_tells_campaigns_apart_and_shows_one_alone(command: Command) -> None:
    every = command("mail", "status").stdout
    assert f"Letters about {WEEK} ({NUDGES}): 1 to be approved" in every
    assert f"mail approve --campaign {NUDGES} --week {WEEK}" in every
    assert f"mail approve --campaign teachers --week {WEEK}" in every
    one = command("mail", "status", "--campaign", "teachers").stdout
    assert f"Letters about {WEEK} (teachers)" in one
    assert NUDGES not in one


@pytest.mark.usefixtures("home")
def test_a_learners_story_is_found_by_their_id(command: Command) -> None:
    shown = command("mail", "show", "100007").stdout
    assert f"{NUDGES}:{WEEK}:l_" in shown
