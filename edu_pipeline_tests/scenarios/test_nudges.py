"""The whole way of a nudge: edX exports, refresh, who is written to, the letter in the outbox."""

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from edu_pipeline.cli import app
from edu_pipeline.commands.console import UserError
from edu_pipeline.definitions import build_definitions
from edu_pipeline.environment import mail_room
from edu_pipeline.mail.ledger.tables import State
from edu_pipeline.sample.programme import PROGRAMME, make_programme
from edu_pipeline.settings import Home
from edu_pipeline.warehouse import open_warehouse, read_table
from edu_pipeline.weeks import monday, week_name
from edu_pipeline.wording import NBSP, percent

ADDRESS = "Lumen University, 1 Main Road, Town 4000"
MAIL = f"""
[mail]
public_url = "https://letters.lumen.example"
postal_address = "{ADDRESS}"
"""
LEAVES = 'transport = "smtp"\nallowed = ["learners.example"]\n'
NOWHERE = '[mail.smtp]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
CAMPAIGN = f"nudges.{PROGRAMME}"
TODAY = datetime.now(UTC).date()
"""The day of the refresh is the clock's, so the sample's runs are dated around it."""
WEEK = week_name(TODAY)
PROGRAMMES = make_programme(TODAY, learners=1).settings
PARTITION = f"{PROGRAMME}|{monday(TODAY)}"


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("nudges"))
    sample = make_programme(TODAY, learners=120)
    for path, content in sample.files.items():
        file = home.data / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    home.config.write_text(f"{MAIL}{sample.settings}", encoding="utf-8")
    run(home, "refresh")
    return home


@pytest.fixture
def home(refreshed: Home, tmp_path: Path) -> Home:
    """A copy of a home whose programme was refreshed; nothing written yet."""
    shutil.copytree(refreshed.root, tmp_path / "home")
    return Home(tmp_path / "home")


def run(home: Home, job: str, only: Sequence[str] = ()) -> None:
    definitions = build_definitions(mail_room(home))
    with dg.DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=None if job == "refresh" else PARTITION,
            asset_selection=[dg.AssetKey(name) for name in only] or None,
        )
        assert done.success


def decide_and_send_again(home: Home) -> None:
    """A refresh of what may differ where no export has changed, and another sending."""
    decided = ("nudges", "nudge_summary", "nudge_problems", "nudge_periods")
    run(home, "refresh", ("told_before", "opted_out", *decided, "recorded_nudge_periods"))
    run(home, "send_nudges")


def table(home: Home, name: str) -> pl.DataFrame:
    with open_warehouse(home.warehouse) as con:
        return read_table(con, name)


def states(home: Home) -> dict[State, int]:
    with mail_room(home).open_ledger() as ledger:
        return dict(ledger.counts(CAMPAIGN, WEEK))


def outbox(home: Home) -> dict[str, EmailMessage]:
    return {
        path.stem: message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (home.outbox / CAMPAIGN / WEEK).glob("*.eml")
    }


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return " ".join(str(body.get_content()).split())


def test_every_learner_with_news_gets_one_letter_and_a_second_run_sends_nothing(home: Home) -> None:
    run(home, "send_nudges")
    chosen = table(home, "nudges").filter(decision="letter")
    first = outbox(home)
    assert chosen.height == len(first) > 0
    assert states(home) == {State.sent: chosen.height}
    assert {"verify", "next_course"} == set(chosen["group"])

    decide_and_send_again(home)
    assert outbox(home).keys() == first.keys()
    again = table(home, "nudges").filter(decision="letter")
    assert set(again["about"]) == set(chosen["about"])
    with mail_room(home).open_ledger() as ledger:
        assert ledger.letters_frame()["attempts"].to_list() == [1] * len(first)


def test_a_letter_goes_to_its_learner_says_their_grade_and_how_to_stop(home: Home) -> None:
    run(home, "send_nudges")
    learners = table(home, "stg_learners")
    rows = table(home, "nudges").filter(decision="letter").join(learners, on="learner_id")
    by_address = {row["email"]: row for row in rows.iter_rows(named=True)}
    letters = outbox(home)
    assert len(by_address) == len(letters)
    for key, message in letters.items():
        row = by_address[message["To"].addresses[0].addr_spec]
        words = plain(message)
        assert " ".join((row["name"] or "").split()) in words
        if row["grade"] is not None:
            assert percent(row["grade"]).replace(NBSP, " ") in words
        assert f"{row['certificates']} of {row['needed']}" in words
        assert f"{row['until'].day} {row['until']:%B %Y}" in words
        assert ADDRESS in words
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["List-Unsubscribe"].split(">")[0].removeprefix("<") in words
        others = set(rows["name"].drop_nulls()) - {row["name"]}
        assert not [name for name in others if name in words]
        assert row["learner_id"] not in f"{key} {message}"


def test_drafts_stay_when_the_same_exports_are_read_again(home: Home) -> None:
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace("[mail]\n", f"[mail]\n{LEAVES}") + NOWHERE)
    run(home, "send_nudges")
    before = states(home)
    assert set(before) == {State.draft}
    decide_and_send_again(home)
    assert states(home) == before


def test_without_a_way_out_letters_are_held_and_nothing_counts_as_told(home: Home) -> None:
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace(MAIL, ""), encoding="utf-8")
    run(home, "send_nudges")
    held = states(home)
    assert set(held) == {State.held}
    home.config.write_text(text, encoding="utf-8")
    decide_and_send_again(home)
    assert states(home) == {State.sent: held[State.held]}


def test_nothing_that_dagster_keeps_has_a_name_or_an_address(home: Home) -> None:
    definitions = build_definitions(mail_room(home))
    with dg.DagsterInstance.ephemeral() as instance:
        definitions.resolve_job_def("send_nudges").execute_in_process(
            instance=instance, partition_key=PARTITION
        )
        (record,) = instance.get_run_records()
        log = "\n".join(str(entry) for entry in instance.all_logs(record.dagster_run.run_id))
    learners = (
        table(home, "nudges")
        .filter(decision="letter")
        .join(table(home, "stg_learners"), on="learner_id")
    )
    assert learners.height
    assert not [each for each in learners["email"] if each in log]
    assert not [each for each in learners["name"].drop_nulls() if f" {each} " in log]


def test_the_shell_goes_the_whole_way_and_says_who_gets_no_letter(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("EDU_PIPELINE_HOME", "DAGSTER_HOME"):  # a run sets them
        monkeypatch.setenv(variable, str(home.root))
    monkeypatch.setenv("COLUMNS", "200")
    run(home, "send_nudges")
    sent = Counter(states(home))[State.sent]
    done = CliRunner().invoke(app, ["--home", str(home.root), "programmes", "nudge", PROGRAMME])
    assert done.exit_code in (0, 3), done.exception
    assert f"Letters about {WEEK}: {sent} sent" in done.stdout
    assert f"{sent} of them went out in an earlier run and were not sent again." in done.stdout
    for sentence in table(home, "nudge_summary")["sentence"]:
        assert sentence in done.stdout
    assert states(home) == {State.sent: sent}


@pytest.mark.parametrize(
    ("config", "line"),
    [("", "There are no .*programmes"), (PROGRAMMES, "There are: lead")],
)
def test_the_shell_says_which_programmes_there_are(tmp_path: Path, config: str, line: str) -> None:
    home = Home(tmp_path)
    home.config.write_text(config, encoding="utf-8")
    done = CliRunner().invoke(app, ["--home", str(tmp_path), "programmes", "nudge", "laed"])
    assert isinstance(done.exception, UserError)
    assert re.search(line, str(done.exception))
