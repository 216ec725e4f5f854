"""The whole way of a nudge: edX exports, refresh, who is written to, the letter in the outbox."""

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from edu_pipeline.cli import app
from edu_pipeline.commands import rounds
from edu_pipeline.commands.console import HELD, UserError
from edu_pipeline.commands.nudging import MOST_REASONS
from edu_pipeline.definitions import build_definitions
from edu_pipeline.facts.audience import audiences
from edu_pipeline.ground.warehouse import open_warehouse, read_table, write_table
from edu_pipeline.ground.weeks import monday, week_name
from edu_pipeline.ground.wording import NBSP, percent
from edu_pipeline.mail.ledger.remembered import TOLD_BEFORE
from edu_pipeline.mail.states import State
from edu_pipeline.model.nudges import GROUPS
from edu_pipeline.programmes.gate import nudge_problems
from edu_pipeline.programmes.nudges import CONGRATULATION
from edu_pipeline.sample.programme import PROGRAMME, make_programme
from edu_pipeline.settings.home import Home, load_settings
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import NO_HISTORY, run_job

ADDRESS = "Lumen University, 1 Main Road, Town 4000"
MAIL = f"""
[mail]
public_url = "https://letters.lumen.example"
postal_address = "{ADDRESS}"
"""
WHO = '[school]\ntime_zone = "UTC"\n[letters]\nfrom_email = "hello@lumen.example"\n'
LEAVES = 'transport = "smtp"\nallowed = ["learners.example"]\n'
NOWHERE = '[mail.smtp]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
CAMPAIGN = f"nudges.{PROGRAMME}"
RUN_SETS = ("EDU_PIPELINE_HOME", "DAGSTER_HOME")
"""Variables that a run from the shell sets."""
TODAY = datetime.now(UTC).date()
"""The day of the refresh is the clock's, so the sample's runs are dated around it."""
WEEK = week_name(TODAY)
PROGRAMMES = make_programme(TODAY, learners=1).settings
PARTITION = f"{PROGRAMME}|{monday(TODAY)}"


YEARS_AT_HAND = timedelta(days=730)


class Round(NamedTuple):
    """A round from the shell."""

    home: Home
    done: Result


class Sent(NamedTuple):
    """A home after its nudges were sent, and what Dagster kept of that."""

    home: Home
    log: str


@pytest.fixture(scope="module")
def first_round(tmp_path_factory: pytest.TempPathFactory) -> Round:
    """`programmes nudge`, while [mail] does not say yet how learners can stop letters.

    Of the sample, only runs and exports of the last years are there.
    """
    home = Home(tmp_path_factory.mktemp("nudges"))
    sample = make_programme(TODAY, learners=60)
    for path, content in sample.files.items():
        exported = date.fromisoformat(path[-len("2026-12-01-0930.csv") :][:10])
        file = home.data / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if exported > TODAY - YEARS_AT_HAND:
            file.write_bytes(content)
    courses, *runs = sample.settings.split("[[programmes.runs]]\n")
    starts = re.compile(r"starts = (\S+)")
    at_hand = [
        run
        for run in runs
        if (day := starts.search(run)) and date.fromisoformat(day[1]) > TODAY - YEARS_AT_HAND
    ]
    listed = "[[programmes.runs]]\n".join([courses, *at_hand])
    home.config.write_text(WHO + listed, encoding="utf-8")
    (home.root / "dagster.yaml").write_text(NO_HISTORY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        for variable in RUN_SETS:
            patch.setenv(variable, str(home.root))
        done = CliRunner().invoke(app, ["--home", str(home.root), "programmes", "nudge", PROGRAMME])
    return Round(home, done)


def copied(home: Home, folder: Path) -> Home:
    return Home(Path(shutil.copytree(home.root, folder / "home")))


def able_to_send(first_round: Round, folder: Path) -> Home:
    """A copy of that home, where [mail] has all it needs by now."""
    home = copied(first_round.home, folder)
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(f"{MAIL}{text}", encoding="utf-8")
    return home


@pytest.fixture
def home(first_round: Round, tmp_path: Path) -> Home:
    return able_to_send(first_round, tmp_path)


@pytest.fixture(scope="module")
def sent(first_round: Round, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """After the first sending; to be looked at only."""
    home = able_to_send(first_round, tmp_path_factory.mktemp("sent"))
    return Sent(home, send(home))


def send(home: Home) -> str:
    """Send the week's nudges; what Dagster keeps of the run."""
    definitions = build_definitions(mail_room(home))
    with dg.DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("send_nudges").execute_in_process(
            instance=instance, partition_key=PARTITION
        )
        return "\n".join(str(entry) for entry in instance.all_logs(done.run_id))


def decide_and_send_again(home: Home) -> None:
    """A refresh of what may differ where no export has changed, and another sending."""
    decided = ("nudges", "nudge_summary", "nudge_problems", "nudge_periods")
    run_job(home, "refresh", only=["told_before", "opted_out", *decided, "recorded_nudge_periods"])
    send(home)


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


def test_every_learner_with_news_gets_one_letter_and_a_second_run_sends_nothing(
    sent: Sent, tmp_path: Path
) -> None:
    home = copied(sent.home, tmp_path)
    chosen = table(home, "nudges").filter(decision="letter")
    first = outbox(home)
    assert chosen.height == len(first) > 0
    assert states(home) == {State.sent: chosen.height}
    assert set(GROUPS) == set(chosen["group"])

    decide_and_send_again(home)
    assert outbox(home).keys() == first.keys()
    again = table(home, "nudges").filter(decision="letter")
    assert set(again["about"]) == set(chosen["about"])
    with mail_room(home).open_ledger() as ledger:
        assert ledger.letters_frame()["attempts"].to_list() == [1] * len(first)


def test_a_letter_goes_to_its_learner_says_their_grade_and_how_to_stop(sent: Sent) -> None:
    home = sent.home
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
        if row["until"] is None:
            assert row["group"] == CONGRATULATION
        else:
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
    send(home)
    before = states(home)
    assert set(before) == {State.draft}
    decide_and_send_again(home)
    assert states(home) == before


def test_without_a_way_out_letters_are_held_and_nothing_counts_as_told(home: Home) -> None:
    held = states(home)
    assert set(held) == {State.held}
    decide_and_send_again(home)
    assert states(home) == {State.sent: held[State.held]}


def test_nothing_that_dagster_keeps_has_a_name_or_an_address(sent: Sent) -> None:
    home, log = sent
    learners = (
        table(home, "nudges")
        .filter(decision="letter")
        .join(table(home, "stg_learners"), on="learner_id")
    )
    assert learners.height
    assert not [each for each in learners["email"] if each in log]
    assert not [each for each in learners["name"].drop_nulls() if f" {each} " in log]


def test_whom_the_mail_room_wrote_to_another_mailer_does_not_write_again(
    first_round: Round, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDU_PIPELINE_HOME", "")

    def audience(home: Home) -> Result:
        arguments = ("--home", str(home.root), "programmes", "audience", PROGRAMME, "-o")
        return CliRunner().invoke(app, [*arguments, str(tmp_path / "audience.csv")])

    again = audience(sent.home)
    assert isinstance(again.exception, UserError)
    assert f"all who get a letter of {WEEK} have had one" in str(again.exception)
    assert not (tmp_path / "audience.csv").exists()
    assert audience(first_round.home).exit_code == 0


def test_the_shell_goes_the_whole_way_and_says_who_gets_no_letter(first_round: Round) -> None:
    home, done = first_round
    assert done.exit_code == HELD, done.exception
    assert f"Letters about {WEEK}: {states(home)[State.held]} held" in done.stdout
    for _, alike in table(home, "nudge_summary").group_by("decision"):
        assert alike["sentence"][0] in done.stdout
        others = alike.slice(MOST_REASONS)
        more = f"{others['learners'].sum():,} more, for {others.height} other reasons: "
        assert (more in done.stdout) is not others.is_empty()


def test_the_shell_says_that_what_is_out_was_not_sent_again(
    sent: Sent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = copied(sent.home, tmp_path)
    for variable in RUN_SETS:
        monkeypatch.setenv(variable, str(home.root))
    out = states(home)
    room = mail_room(home)
    with room.open_ledger() as ledger:
        (period,) = ledger.recorded_periods()
    rounds.send(room, period)
    said = " ".join(capsys.readouterr().out.split())
    assert f"Letters about {WEEK}: {out[State.sent]} sent" in said
    assert f"{out[State.sent]} of them went out in an earlier run and were not sent again." in said
    assert states(home) == out


def test_a_first_audience_is_said_by_a_refresh_and_is_nothing_to_be_put_right_there(
    first_round: Round, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = copied(first_round.home, tmp_path)
    before = rounds.refreshed(mail_room(home)).problems
    (programme,) = load_settings(home).programmes
    with open_warehouse(home.warehouse) as con:
        first = audiences(con, [PROGRAMME]).with_columns(accepted=pl.lit(value=False))
        nobody_said = programme.model_copy(update={"nudges_since": None})
        found = nudge_problems([nobody_said], first, pl.DataFrame(schema=TOLD_BEFORE))
        assert found["holds"].to_list() == ["nudges"]
        now = datetime.now(UTC).replace(tzinfo=None)
        write_table(con, "nudge_problems", found.with_columns(since=pl.lit(now)))
    capsys.readouterr()

    assert rounds.refreshed(mail_room(home)).problems == before
    assert "would be told at once" in capsys.readouterr().out


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
