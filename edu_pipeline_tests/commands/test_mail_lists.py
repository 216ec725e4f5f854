"""Who is not written to, what went out earlier, and what comes back."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import Result

from edu_pipeline.commands.console import UserError
from edu_pipeline.mail.ledger.suppressions import in_force
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.commands.letters import WEEK, home_with, letter, queued, states, went

Command = Callable[..., Result]
ADDRESS = "t_1@riverside.example"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with(tmp_path)


def suppressed(home: Home) -> list[tuple[str, str, str, str, str]]:
    with mail_room(home).open_ledger() as ledger:
        return in_force(ledger).select("email", "scope", "reason", "source", "by").rows()


def test_an_address_is_suppressed_once_and_its_letter_stays_here(
    home: Home, command: Command
) -> None:
    line = ("mail", "suppress", "add", "T_1@Riverside.example", "--by", "Kim")
    assert command(*line).stdout == "Not written to from now on.\n"
    assert command(*line).stdout == "It was not written to already.\n"
    assert suppressed(home) == [(ADDRESS, "*", "unsubscribe", "person", "Kim")]
    queued(home, letter("t_1"), letter("t_2"))
    assert states(home) == {"t_1": State.suppressed, "t_2": State.pending}


def test_what_is_no_address_is_refused_without_quoting_it(home: Home, command: Command) -> None:
    with pytest.raises(UserError, match=r"^That is no address\.$"):
        command("mail", "suppress", "add", "Ada Moss")
    assert suppressed(home) == []


def test_lifting_asks_and_is_for_one_scope(home: Home, command: Command) -> None:
    command("mail", "suppress", "add", ADDRESS, "--campaign", "teachers", "--by", "Kim")
    with pytest.raises(UserError, match="Try with --campaign teachers"):
        command("mail", "suppress", "lift", ADDRESS)
    line = ("mail", "suppress", "lift", ADDRESS, "--campaign", "teachers")
    asked = command(*line, answer="n\n")
    assert "unsubscribe (person, by Kim)" in asked.stdout
    assert suppressed(home)
    assert command(*line, answer="y\n").exit_code == 0
    assert suppressed(home) == []
    with pytest.raises(UserError, match="Nothing keeps from writing"):
        command(*line)


def test_the_list_goes_out_as_csv_and_comes_back(
    home: Home, command: Command, tmp_path: Path
) -> None:
    command("mail", "suppress", "add", ADDRESS, "--because", "bounce", "--by", "Kim")
    file = tmp_path / "list.csv"
    assert "Wrote 1 lines" in command("mail", "suppress", "export", file).stdout
    with pytest.raises(UserError, match="nothing was written"):
        command("mail", "suppress", "export", file)
    file.write_text(file.read_text(encoding="utf-8") + "nobody,,,\n", encoding="utf-8")
    done = command("mail", "suppress", "import", file)
    assert done.exit_code == 3
    assert done.stdout == (
        "0 addresses new, 1 known before, 1 lines left out.\n  line 3: email is not an address\n"
    )
    assert ADDRESS in command("mail", "suppress", "list").stdout
    assert suppressed(home)[0][2] == "bounce"


def test_what_another_tool_sent_is_not_sent_again(
    home: Home, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "sent.csv"
    file.write_text(
        f"campaign,period,email,date\nteachers,{WEEK},T_1@riverside.example,2026-10-02\n",
        encoding="utf-8",
    )
    done = command("mail", "history", "import", file)
    assert (done.exit_code, done.stdout) == (
        0,
        "1 letters new, 0 known before, 0 lines left out.\n",
    )
    queued(home, letter("t_1"), letter("t_2"))
    assert states(home) == {"t_1": State.suppressed, "t_2": State.pending}
    assert (
        "1 not written to: It went out by other means, on 2026-10-02."
        in command("mail", "send").stdout
    )


@pytest.mark.usefixtures("home")
def test_lines_of_a_list_that_have_no_date_yet_are_counted_and_no_mistake(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "audience.csv"
    file.write_text(
        "campaign,period,email,date,about,name\n"
        f"nudges.lead,{WEEK},a@x.example,2026-10-02,verify/a,Ada\n"
        f"nudges.lead,{WEEK},b@x.example,,verify/a,Ben\n",
        encoding="utf-8",
    )
    done = command("mail", "history", "import", file)
    assert (done.exit_code, done.stdout) == (
        0,
        "1 letters new, 0 known before, 0 lines left out.\n"
        "1 line has no date: not sent, and not taken.\n",
    )


def test_the_lists_of_sendgrid_need_a_key(
    home: Home, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    with pytest.raises(UserError, match="SENDGRID_API_KEY"):
        command("mail", "suppress", "pull")
    assert suppressed(home) == []


def test_event_files_are_taken_in_once(home: Home, command: Command, tmp_path: Path) -> None:
    queued(home, letter("t_1"))
    went(home, "t_1", State.unknown)
    with mail_room(home).open_ledger() as ledger:
        own = {"edu_letter": f"teachers:{WEEK}:t_1", "edu_ledger": ledger.id}
    base = {"email": ADDRESS, "timestamp": 1790000000, "sg_message_id": "x1.recvd"}
    file = tmp_path / "events.json"
    delivered = {**base, **own, "event": "delivered", "sg_event_id": "e1"}
    opened = {**base, **own, "event": "open", "sg_event_id": "e2"}
    file.write_text(json.dumps([delivered, opened, {"event": "odd"}]), encoding="utf-8")
    done = command("mail", "events", file)
    assert done.exit_code == 3  # one was unreadable
    assert done.stdout == "events.json: 1 new, 1 opens and clicks not kept, 1 unreadable\n"
    assert states(home) == {"t_1": State.delivered}
    file.write_text(json.dumps([delivered]), encoding="utf-8")
    again = command("mail", "events", file)
    assert (again.exit_code, again.stdout) == (0, "events.json: 1 known before\n")


def test_the_webhook_says_what_to_tell_sendgrid_and_refuses_what_is_not_signed(
    tmp_path: Path,
) -> None:
    home_with(tmp_path, '[mail]\npublic_url = "https://letters.riverside.example/"\n')
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "edu_pipeline.cli", "--home", str(tmp_path), "mail", "webhook"]
    with subprocess.Popen(
        [*line, "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    ) as serving:
        assert serving.stdout
        told = [serving.stdout.readline().strip() for _ in range(4)]
        try:
            transport = httpx.HTTPTransport(retries=8)  # until it listens
            with httpx.Client(transport=transport, trust_env=False) as client:
                answer = client.post(f"http://127.0.0.1:{port}/events", json=[])
        finally:
            serving.terminate()
            serving.wait(timeout=30)
    assert answer.status_code == 401
    assert told[0] == f"Listening on http://127.0.0.1:{port}; Ctrl+C ends it."
    assert told[2].endswith("Post URL: https://letters.riverside.example/events")
    assert told[3].startswith("! [mail.sendgrid] webhook_key is not set: every event is refused.")
