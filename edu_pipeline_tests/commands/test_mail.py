"""Approving, sending, stopping and settling letters, on ledgers that hold a few."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from edu_pipeline.commands.console import UserError
from edu_pipeline.ground.warehouse import open_warehouse, write_table
from edu_pipeline.mail.ledger import suppressions
from edu_pipeline.mail.ledger.controls import paused
from edu_pipeline.mail.ledger.tables import LETTERS
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.commands.letters import (
    LIVE,
    WEEK,
    home_with,
    letter,
    queue,
    queued,
    recorded,
    states,
    went,
)

Command = Callable[..., Result]
KEY = f"teachers:{WEEK}:"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Letters stay on this machine."""
    return home_with(tmp_path)


@pytest.fixture
def live(tmp_path: Path) -> Home:
    """Letters would leave, by a carrier that no test asks."""
    return home_with(tmp_path, LIVE)


def outbox(home: Home) -> list[str]:
    return sorted(path.stem for path in (home.outbox / "teachers" / WEEK).glob("*.eml"))


# Approving


def test_approving_shows_what_is_new_and_approves_exactly_that(
    live: Home, command: Command
) -> None:
    queued(live, letter("t_1"), letter("t_2"))
    done = command("mail", "approve", "--by", "Kim", answer="y\n")
    assert done.exit_code == 0
    assert "2 new\n  New: Ada Moss, Ben Ito\n" in done.stdout
    assert "Approved 2 letters about 2026-W40." in done.stdout
    assert f"Next: edu-pipeline --home {live.root} mail send --week 2026-W40" in done.stdout
    assert states(live) == {"t_1": State.approved, "t_2": State.approved}
    with mail_room(live).open_ledger() as ledger:
        assert [e.by for e in ledger.story(f"{KEY}t_1") if e.what == "approved"] == ["Kim"]


def test_after_a_late_register_only_what_changed_is_asked_for_with_its_figures(
    live: Home, command: Command
) -> None:
    queued(live, letter("t_1", 0.921), letter("t_2"), letter("t_3"))
    command("mail", "approve", "--yes", "--by", "Kim")
    queued(live, letter("t_1", 0.919), letter("t_2"), letter("t_3"))
    done = command("mail", "approve", "--by", "Kim", answer="y\n")
    plain = done.stdout.replace("\u00a0", " ")
    assert "2 unchanged, still approved; 1 changed\n" in plain
    assert "  Ada Moss: 7B attendance 92.1 % → 91.9 %\n" in plain
    assert "Ben Ito" not in plain
    assert set(states(live).values()) == {State.approved}


def test_no_approves_nothing(live: Home, command: Command) -> None:
    queued(live, letter("t_1"))
    assert command("mail", "approve", answer="n\n").exit_code == 1
    assert states(live) == {"t_1": State.draft}


def test_a_script_approves_only_what_it_has_seen(live: Home, command: Command) -> None:
    queued(live, letter("t_1", 0.921))
    seen = command("mail", "approve", answer="n\n").stdout
    (digest,) = re.findall(r"--digest (\w+)", seen)
    queued(live, letter("t_1", 0.919))
    with pytest.raises(UserError, match=r"nothing was approved\. Look again: edu-pipeline"):
        command("mail", "approve", "--digest", digest)
    assert states(live) == {"t_1": State.draft}
    queued(live, letter("t_1", 0.921))
    assert command("mail", "approve", "--digest", digest, "--by", "cron").exit_code == 0
    assert states(live) == {"t_1": State.approved}


def test_where_nothing_waits_for_approval_nobody_is_asked(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    assert command("mail", "approve").stdout == "Nothing about 2026-W40 waits for approval.\n"


# Sending


def test_sending_delivers_what_waits_and_says_what_does_not(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), letter("t_2"), letter("t_3", hold="The address is missing."))
    done = command("mail", "send", "--by", "Kim")
    assert done.exit_code == 3  # one is held
    assert "This time: 2 sent." in done.stdout
    assert "Letters about 2026-W40: 1 held, 2 sent\n" in done.stdout
    assert "  1 held: The address is missing.\n" in done.stdout
    assert f"Next: edu-pipeline --home {home.root} run --week 2026-W40" in done.stdout
    assert outbox(home) == ["t_1", "t_2"]
    assert (home.outbox / "teachers" / "2026-W40" / "index.html").is_file()
    with mail_room(home).open_ledger() as ledger:
        assert {e.by for e in ledger.story(f"{KEY}t_1") if e.what == "pending → claimed"} == {"Kim"}


def test_a_second_sending_sends_nothing(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    command("mail", "send")
    again = command("mail", "send")
    assert again.exit_code == 0
    assert "This time: nothing went out." in again.stdout


def test_the_gate_holds_for_a_person_who_sends_too(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), held="600 rows are gone. Look: edu-pipeline gate show")
    refused = command("mail", "send")
    assert refused.exit_code == 3
    assert refused.stdout == (
        f"Nothing was sent. 600 rows are gone. Look: edu-pipeline --home {home.root} gate show\n"
    )
    assert states(home) == {"t_1": State.pending}


def test_a_week_that_the_last_refresh_does_not_know_is_not_sent(
    home: Home, command: Command
) -> None:
    with mail_room(home).open_ledger() as ledger:
        queue(ledger, [letter("t_1")])
    refused = command("mail", "send")
    assert refused.exit_code == 3
    assert "The last refresh has no figures for 2026-W40" in refused.stdout
    assert states(home) == {"t_1": State.pending}


def test_an_older_week_is_sent_where_it_is_named(home: Home, command: Command) -> None:
    with mail_room(home).open_ledger() as ledger:
        queue(ledger, [letter("t_1"), letter("t_1", period="2026-W39")])
        recorded(ledger, periods=["2026-W39", WEEK])
    command("mail", "send", "--week", "2026-09-23")
    assert states(home, "2026-W39") == {"t_1": State.sent}
    assert states(home) == {"t_1": State.pending}


def test_a_week_without_letters_says_which_is_the_newest(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    with pytest.raises(
        UserError, match=r"no letters about 2026-W41\. The newest are about 2026-W40"
    ):
        command("mail", "send", "--week", "2026-W41")
    with pytest.raises(UserError, match="is no week"):
        command("mail", "send", "--week", "soon")


@pytest.mark.usefixtures("home")
def test_before_the_first_letter_the_way_to_it_is_told(command: Command) -> None:
    with pytest.raises(UserError, match=r"No letters have been written yet\. .*run"):
        command("mail", "send")


def test_a_dry_run_names_who_would_get_what_and_who_not_and_touches_nothing(
    live: Home, command: Command
) -> None:
    queued(
        live,
        letter("t_1"),
        letter("t_2", hold="The address is missing."),
        letter("t_3"),
    )
    command("mail", "approve", "--yes", "--by", "Kim")
    with mail_room(live).open_ledger() as ledger:
        suppressions.suppress(
            ledger,
            "t_3@riverside.example",
            "*",
            "unsubscribe",
            source="person",
            now=datetime.now(UTC),
            by="Kim",
        )
    # there is no SendGrid key, so nothing could be asked
    told = command("mail", "send", "--dry-run")
    assert told.exit_code == 3
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert lines == [
        "Letters about 2026-W40, by sendgrid. Nothing is sent now.",
        "1 would go out",
        "Ada Moss Your week in 7B",
        "1 wait for somebody",
        "Ben Ito held: The address is missing.",
        "1 would not go out",
        "Cai Roe approved: The recipient paused these letters, or unsubscribed.",
    ]
    assert states(live) == {"t_1": State.approved, "t_2": State.held, "t_3": State.approved}
    assert "@" not in told.stdout


def test_a_dry_run_promises_nothing_that_a_delivery_would_stop(
    tmp_path: Path, command: Command
) -> None:
    home = home_with(tmp_path)
    queued(home, letter("t_1"), letter("t_2"))
    listed = tmp_path / "before.csv"
    listed.write_text(
        f"campaign,period,email,date\nteachers,{WEEK},t_1@riverside.example,2026-10-01\n",
        encoding="utf-8",
    )
    command("mail", "history", "import", listed)
    home_with(tmp_path, LIVE.replace("riverside", "elsewhere") + 'approval = "none"\n')
    told = command("mail", "send", "--dry-run").stdout
    assert "0 would go out\n" in told
    assert "It went out by other means, on 2026-10-01." in told
    assert "outside [mail] allowed" in told
    home_with(tmp_path, LIVE)
    told = command("mail", "send", "--dry-run").stdout
    assert "0 would go out\n" in told
    assert "needs approval now" in told
    step = f"Next: edu-pipeline --home {home.root} mail send --week {WEEK}\n"
    assert step in command("mail", "status").stdout


def test_a_dry_run_says_what_keeps_all_letters(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    command("mail", "pause", "--reason", "storm", "--by", "Kim")
    told = command("mail", "send", "--dry-run")
    assert told.exit_code == 3
    assert "0 would go out\n1 would wait\n" in told.stdout
    assert re.search(r"Ada Moss  Sending is paused by Kim since .* UTC: storm", told.stdout)


def test_in_redirect_mode_sending_is_a_rehearsal(tmp_path: Path, command: Command) -> None:
    config = '[mail]\nmode = "redirect"\nredirect_to = "me@riverside.example"\n'
    home = home_with(tmp_path, config)
    queued(home, letter("t_1"), letter("t_2", hold="Wait."))
    done = command("mail", "send", "--by", "Kim")
    assert "1 letter to me@riverside.example; nobody else was written to" in done.stdout
    assert states(home) == {"t_1": State.pending, "t_2": State.held}
    assert outbox(home) == []
    (copy,) = (home.outbox / "test").rglob("*.eml")
    assert "[TEST]" in copy.read_text(encoding="utf-8")
    again = command("mail", "send", "--by", "Kim")
    assert "0 letters to me@" in again.stdout
    assert "1 went there before, with the same content." in again.stdout


def test_a_test_letter_goes_to_the_operator_and_counts_nowhere(
    home: Home, command: Command
) -> None:
    queued(home, letter("t_1"))
    line = ("mail", "test", "--letter", f"{KEY}t_1", "--to", "me@riverside.example")
    assert "A copy went to me@riverside.example: it lies in" in command(*line).stdout
    assert command(*line).exit_code == 0  # as often as one likes
    assert states(home) == {"t_1": State.pending}
    assert outbox(home) == []
    assert len(list((home.outbox / "test").rglob("*.eml"))) == 1


def test_while_sending_is_paused_no_copy_goes_out(tmp_path: Path, command: Command) -> None:
    home = home_with(tmp_path, '[mail]\nmode = "redirect"\nredirect_to = "me@riverside.example"\n')
    queued(home, letter("t_1"))
    command("mail", "pause", "--reason", "storm", "--by", "Kim")
    done = command("mail", "send")
    assert done.exit_code == 3
    assert "It ended early. Sending is paused by Kim" in done.stdout
    with pytest.raises(UserError, match=r"did not go out.* paused by Kim"):
        command("mail", "test", "--letter", f"{KEY}t_1", "--to", "me@riverside.example")
    assert not list(home.outbox.rglob("*.eml"))


def test_a_test_letter_goes_no_further_than_letters_may(live: Home, command: Command) -> None:
    queued(live, letter("t_1"))
    for address, why in (("me@elsewhere.example", "may not go to that address"), ("me", "no addr")):
        with pytest.raises(UserError, match=why):
            command("mail", "test", "--letter", f"{KEY}t_1", "--to", address)


# Stopping


def test_a_pause_keeps_letters_back_until_somebody_resumes(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    command("mail", "pause", "--reason", "storm", "--by", "Kim")
    kept = command("mail", "send")
    assert kept.exit_code == 3
    assert "It ended early. Sending is paused by Kim" in kept.stdout
    assert f"Next: edu-pipeline --home {home.root} mail resume" in kept.stdout
    assert "was paused already" in command("mail", "pause", "--reason", "again").stdout
    assert command("mail", "resume", "--by", "Kim").exit_code == 0
    assert "Sending was not paused." in command("mail", "resume").stdout
    assert command("mail", "send").exit_code == 0
    assert states(home) == {"t_1": State.sent}


@pytest.mark.parametrize("line", [("pause",), ("cancel", "--yes"), ("correct", "--yes")])
def test_what_stops_or_changes_letters_needs_a_reason(
    home: Home, command: Command, line: tuple[str, ...]
) -> None:
    queued(home, letter("t_1"))
    assert command("mail", *line).exit_code == 2
    with pytest.raises(UserError, match="--reason must not be empty"):
        command("mail", *line, "--reason", "  ")
    with mail_room(home).open_ledger() as ledger:
        assert paused(ledger) is None
    assert states(home) == {"t_1": State.pending}


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("ITO, Ben was marked absent by mistake.", "names somebody"),
        ("A register was missing. " * 30, "500 are the most"),
        ("A register\nwas missing.", "line break"),
    ],
)
def test_a_reason_that_readers_must_not_see_is_refused_before_anything_is_run(
    home: Home, command: Command, reason: str, why: str
) -> None:
    queued(home, letter("t_1"))
    went(home, "t_1", State.sent)
    with open_warehouse(home.warehouse) as con:
        write_table(con, "known_names", pl.DataFrame({"name": ["Ben Ito"]}))
    with pytest.raises(UserError, match=why) as refused:
        command("mail", "correct", "--yes", "--reason", reason)
    assert "Ben" not in str(refused.value)
    assert states(home) == {"t_1": State.sent}


def test_cancelling_asks_and_leaves_what_is_out(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), letter("t_2"), letter("t_3", hold="Wait."))
    went(home, "t_1", State.sent)
    line = ("mail", "cancel", "--week", WEEK, "--reason", "wrong week", "--by", "Kim")
    assert command(*line, answer="n\n").exit_code == 1
    assert states(home)["t_2"] is State.pending
    assert "Cancelled 2 letters" in command(*line, answer="y\n").stdout
    assert states(home) == {
        "t_1": State.sent,
        "t_2": State.cancelled,
        "t_3": State.cancelled,
    }
    assert command(*line).stdout == "Nothing about 2026-W40 waits: 1 sent, 2 cancelled.\n"


def test_cancelling_lasts_until_somebody_takes_it_back(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), letter("t_2"))
    line = ("mail", "cancel", "--week", WEEK, "--reason", "x", "--by", "Kim")
    command(*line, "--yes")
    queued(home, letter("t_1"), letter("t_2"))
    assert states(home) == {"t_1": State.cancelled, "t_2": State.cancelled}
    assert "2 letters about 2026-W40 may be written again" in command(*line, "--undo").stdout
    queued(home, letter("t_1"), letter("t_2"))
    assert states(home) == {"t_1": State.pending, "t_2": State.pending}


# Settling doubts


def test_a_letter_that_arrived_is_settled_by_a_person(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), letter("t_2"))
    went(home, "t_1", State.unknown)
    line = ("mail", "resolve", "arrived", f"{KEY}t_1", "--reason", "she has it", "--by", "Kim")
    assert "Settled 1 as arrived." in command(*line, answer="y\n").stdout
    assert states(home) == {"t_1": State.sent, "t_2": State.pending}
    with mail_room(home).open_ledger() as ledger:
        last = ledger.story(f"{KEY}t_1")[-1]
    assert (last.what, last.by, last.why) == ("unknown → sent", "Kim", "she has it")


def test_a_whole_week_can_be_sent_again_with_a_warning(home: Home, command: Command) -> None:
    queued(home, letter("t_1"), letter("t_2"))
    went(home, "t_1", State.unknown)
    went(home, "t_2", State.failed)
    done = command(
        *("mail", "resolve", "send-again", "--week", WEEK, "--reason", "no one has it"),
        answer="y\n",
    )
    assert (
        "1 unknown, 1 refused.\nPerhaps arrived, and then arriving twice: 1 letter.\n"
        in done.stdout
    )
    assert f"Next: edu-pipeline --home {home.root} mail send --week 2026-W40" in done.stdout
    assert set(states(home).values()) == {State.pending}


def test_giving_up_cancels(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    went(home, "t_1", State.failed)
    command("mail", "resolve", "give-up", f"{KEY}t_1", "--reason", "left the school", "--yes")
    assert states(home) == {"t_1": State.cancelled}


def test_what_cannot_be_settled_is_refused_before_anything_changes(
    home: Home, command: Command
) -> None:
    queued(home, letter("t_1"), letter("t_2"), letter("t_3"))
    went(home, "t_1", State.failed)
    went(home, "t_2", State.unknown)
    why = ("--reason", "x", "--yes")
    for words, problem in (
        (("arrived", f"{KEY}t_2", f"{KEY}t_1"), "Only an unknown letter can have arrived"),
        (("give-up", f"{KEY}t_2", f"{KEY}t_3"), "is pending, so there is nothing to settle"),
        (("give-up", f"{KEY}t_2", "t_9"), "There is no letter t_9"),
        (("give-up",), "Say which letters"),
        (("give-up", f"{KEY}t_2", "--week", WEEK), "Say which letters"),
    ):
        with pytest.raises(UserError, match=problem):
            command("mail", "resolve", *words, *why)
    assert states(home) == {"t_1": State.failed, "t_2": State.unknown, "t_3": State.pending}
    command("mail", "resolve", "arrived", "--week", WEEK, *why)
    assert states(home)["t_1"] is State.failed


def test_sending_again_says_what_is_no_news_any_more(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    went(home, "t_1", State.failed)
    with mail_room(home).open_ledger() as ledger, ledger.begin() as connection:
        connection.execute(LETTERS.update().values(not_after=datetime.now(UTC)))
    line = ("mail", "resolve", "send-again", "--week", WEEK, "--reason", "x", "--yes")
    assert "No longer news, so not going out again: 1 letter." in command(*line).stdout


# Looking


def test_status_begins_with_doubts_and_says_what_waits_for_what(
    live: Home, command: Command
) -> None:
    queued(live, letter("t_1"), letter("t_2"), letter("t_3", hold="The address is missing."))
    command("mail", "approve", "--yes", "--by", "Kim")
    went(live, "t_1", State.unknown)
    shown = command("mail", "status")
    assert shown.exit_code == 3
    first, *_ = shown.stdout.splitlines()
    assert first.startswith("! 1 unknown. They may or may not have gone out.")
    assert f"  {KEY}t_1  The line broke." in shown.stdout
    assert re.search(r"teachers +2026-W40 +3 +1 unknown, 1 held, 1 ready to go", shown.stdout)
    assert "  1 held: The address is missing." in shown.stdout
    # a delivery asks the carrier before it sends anything
    assert "mail send --week 2026-W40" in shown.stdout
    assert "Ada Moss" not in shown.stdout
    assert "@" not in shown.stdout


@pytest.mark.parametrize(
    ("outcome", "verdicts"),
    [(State.unknown, "arrived|send-again|give-up"), (State.failed, "send-again")],
)
def test_what_only_a_person_can_settle_is_the_next_step_with_the_letters_by_name(
    home: Home, command: Command, outcome: State, verdicts: str
) -> None:
    queued(home, letter("t_1"))
    went(home, "t_1", outcome)
    step = f'mail resolve {verdicts} {KEY}t_1 --reason "…"'
    assert f"Next: edu-pipeline --home {home.root} {step}\n" in command("mail", "status").stdout


@pytest.mark.parametrize(
    ("config", "steps", "told"),
    [
        (LIVE, [], "mail approve --week 2026-W40"),
        (LIVE, [("approve", "--yes")], "mail send --week 2026-W40"),
        (LIVE, [("approve", "--yes"), ("pause", "--reason", "x")], "mail resume"),
    ],
)
def test_status_ends_with_the_next_step(
    tmp_path: Path, command: Command, config: str, steps: list[tuple[str, ...]], told: str
) -> None:
    home = home_with(tmp_path, config)
    queued(home, letter("t_1"))
    for step in steps:
        command("mail", *step)
    assert f"Next: edu-pipeline --home {home.root} {told}\n" in command("mail", "status").stdout


def test_in_redirect_mode_drafts_are_rehearsed_and_nobody_must_approve_them(
    tmp_path: Path, command: Command
) -> None:
    home = home_with(tmp_path, LIVE + 'mode = "redirect"\nredirect_to = "me@riverside.example"\n')
    queued(home, letter("t_1"))
    shown = command("mail", "status")
    assert shown.exit_code == 0
    here = f"edu-pipeline --home {home.root} mail"
    assert (
        f'Rehearse ([mail] mode = "redirect"): {here} send --week 2026-W40\n'
        f'For real: mode = "live" in pipeline.toml, then {here} approve --week 2026-W40\n'
    ) in shown.stdout


def test_status_says_what_letters_wait_for(tmp_path: Path, command: Command) -> None:
    today = datetime.now(UTC)
    others = [
        day
        for number, day in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday"))
        if number != today.weekday() and number != (today.weekday() - 1) % 7
    ]
    home = home_with(tmp_path, f"[mail.window]\ndays = {others}\n")
    queued(home, letter("t_1"))
    shown = command("mail", "status")
    assert shown.exit_code == 0  # time will do
    assert "  1 ready to go: The sending window opens on " in shown.stdout


def test_status_counts_what_came_back_and_is_calm_when_all_is_well(
    home: Home, command: Command
) -> None:
    queued(home, letter("t_1"))
    command("mail", "send")
    command("mail", "suppress", "add", "x@riverside.example", "--because", "bounce")
    shown = command("mail", "status")
    assert shown.exit_code == 0
    assert re.search(r"teachers +2026-W40 +1 +1 sent *\n", shown.stdout)
    assert "Addresses not written to: 1 bounce. Which: edu-pipeline" in shown.stdout
    assert "Next" not in shown.stdout


@pytest.mark.usefixtures("home")
def test_status_before_the_first_letter_says_how_to_get_some(command: Command) -> None:
    shown = command("mail", "status")
    assert shown.exit_code == 0
    assert "No letters have been written yet" in shown.stdout


@pytest.mark.parametrize("by", ["staff id", "address", "recipient key", "letter key"])
def test_one_persons_story_is_found_by_any_of_their_names(
    home: Home, command: Command, by: str
) -> None:
    with mail_room(home).open_ledger() as ledger:
        key = opaque_key("teacher", "0042", ledger.salt)
    queued(home, letter(key), letter("t_2"))
    command("mail", "send", "--by", "Kim")
    name = {
        "staff id": "0042",
        "address": f"{key.upper()}@Riverside.example",
        "recipient key": key,
        "letter key": f"{KEY}{key}",
    }[by]
    shown = command("mail", "show", name)
    assert shown.exit_code == 0
    assert f"{KEY}{key} to Dee Low <{key}@riverside.example>: sent" in shown.stdout
    order = [
        shown.stdout.index(w) for w in ("new → pending", "pending → claimed", "claimed → sent")
    ]
    assert order == sorted(order)
    assert "attempt 1: sent" in shown.stdout
    assert "Ben Ito" not in shown.stdout


def test_a_story_tells_why_somebody_is_not_written_to(home: Home, command: Command) -> None:
    queued(home, letter("t_1"))
    command("mail", "suppress", "add", "t_1@riverside.example", "--by", "Kim")
    shown = command("mail", "show", "t_1")
    assert re.search(
        r"Not written to for any campaign since .*: unsubscribe, by Kim \(person\)", shown.stdout
    )


def test_nobody_of_that_name_is_a_sentence_that_quotes_nothing(
    home: Home, command: Command
) -> None:
    queued(home, letter("t_1"))
    with pytest.raises(UserError, match="no letter to that person") as refused:
        command("mail", "show", "ada@riverside.example")
    assert "ada@" not in str(refused.value)
