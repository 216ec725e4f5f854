from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.ground.resources import Warehouse
from edu_pipeline.ground.steps import Check, Table, step
from edu_pipeline.ground.steps import table as declared
from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.mail.assets import (
    CORRECTION_TAG,
    carrier_suppressions,
    delivered,
    forgotten,
    gate_releases,
    ledger_identity,
    letters_wait_for_approval,
    mailed_before,
    no_letter_is_unknown,
    queued,
    said_before,
)
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.approvals import review
from edu_pipeline.mail.ledger.controls import pause
from edu_pipeline.mail.ledger.reading import Release
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Figure, Letter
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.queueing import Batch
from edu_pipeline.mail.render import MOST_BYTES
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.settings.mail import WEEKDAYS
from edu_pipeline.wiring.approval import approval_jobs
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import make_home
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.letters import claimed, recorded

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
WEEKS = dg.WeeklyPartitionsDefinition(start_date="2026-08-31", day_offset=1)
SAID_BEFORE = said_before("teachers")
LETTERS = Mailing(
    campaign="teachers",
    source="school",
    noun="letters",
    before=(),
    names="names",
    periods="periods",
    recorded="recorded_periods",
    schedule="send_weekly",
    again="run --week {period}",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", {})


def table(home: Home, asset: Table, week: str | None = None) -> pl.DataFrame:
    """An asset's table in the warehouse after it was made."""
    warehouse = Warehouse(
        path=str(home.warehouse), lock_path=str(home.lock), exports=str(home.data)
    )
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [step("made", [asset], partitions=WEEKS if week else None)],
            instance=instance,
            partition_key=week,
            resources={"warehouse": warehouse, "mail_room": mail_room(home)},
        )
    with open_warehouse(home.warehouse) as con:
        return read_table(con, asset.name)


def test_a_week_reads_what_the_week_before_said_also_where_that_is_nothing(
    home: Home, make_letter: LetterMaker
) -> None:
    monday = date(2026, 9, 28)
    empty = table(home, SAID_BEFORE, "2026-09-28")
    with mail_room(home).open_ledger() as ledger:
        ledger.record_periods(
            "teachers",
            [Period("teachers", "2026-W40", str(monday), monday, complete=True, held=None)],
        )
        ledger.queue(
            [make_letter(figures=(Figure("HR-7B/attendance_rate", "7B attendance", 93, 100),))],
            now=NOW,
            by="test",
        )
        claimed(ledger, "teachers:2026-W40:t_1", owner="me", transport="folder", now=NOW)
        recorded(ledger, "teachers:2026-W40:t_1", State.sent, now=NOW)
    said = table(home, SAID_BEFORE, "2026-10-05")

    assert said.rows() == [
        (date(2026, 10, 5), "2026-W40", "t_1", "HR-7B/attendance_rate", 93.0, 100.0)
    ]
    assert empty.is_empty()
    assert empty.schema == said.schema


def test_it_is_known_whether_letters_ever_went_out(home: Home, make_letter: LetterMaker) -> None:
    with mail_room(home).open_ledger() as ledger:
        ledger.queue([make_letter()], now=NOW, by="test")
        assert table(home, mailed_before).rows() == [(False,)]
        claimed(ledger, "teachers:2026-W40:t_1", owner="me", transport="folder", now=NOW)
        recorded(ledger, "teachers:2026-W40:t_1", State.sent, now=NOW)
    assert table(home, mailed_before).rows() == [(True,)]


def test_the_gate_reads_what_was_released(home: Home) -> None:
    empty = table(home, gate_releases)
    with mail_room(home).open_ledger() as ledger:
        ledger.release(Release("3f9a0c51d2", "The class left.", "carla", NOW))
    released = table(home, gate_releases)

    assert released.select("id", "reason", "by").rows() == [
        ("3f9a0c51d2", "The class left.", "carla")
    ]
    assert released["at"].to_list() == [NOW]
    assert empty.is_empty()
    assert empty.columns == released.columns


def test_the_ledgers_identity_is_there_for_keys_and_links(home: Home) -> None:
    (row,) = table(home, ledger_identity).rows(named=True)
    with mail_room(home).open_ledger() as ledger:
        assert row == {
            "ledger_id": ledger.id,
            "salt": ledger.salt,
            "token_key": ledger.identity("token_key"),
        }


# ---- a week's sending ---------------------------------------------------------------------------

WEEK = "2026-09-28"
KEY = "teachers:2026-W40:t_1"
OUTSIDE = (
    '[school]\ntime_zone = "UTC"\n[letters]\nfrom_email = "reports@lake.example"\n'
    '[mail]\ntransport = "smtp"\nallowed = ["riverside.example"]\nstop_after = 1\n'
)
"""To a mail server that is not there."""
NOWHERE = '[mail.smtp]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'


PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>Your week</title></head>'
    "<body><p>Hello</p></body></html>"
)


class Week:
    """A week's letters of a made-up job, and the mail room's assets around them."""

    def __init__(
        self,
        home: Home,
        letters: list[Letter],
        held: str | None = None,
        mailing: Mailing = LETTERS,
    ) -> None:
        self.home, self.pages, self.mailing = home, 0, mailing
        self.instance = dg.DagsterInstance.ephemeral()
        self.letters = [
            replace(letter, html=PAGE, images=(), not_after=LATER) for letter in letters
        ]
        with mail_room(home).open_ledger() as ledger:
            last = date(2026, 10, 2)
            period = Period("teachers", "2026-W40", WEEK, last, complete=True, held=held)
            ledger.record_periods("teachers", [period])

    def write_pages(self, _: Ledger, campaign: str, period: str) -> None:
        assert (campaign, period) == ("teachers", "2026-W40")
        self.pages += 1

    def written(self, *_: object) -> Batch:
        to = [letter.recipient for letter in self.letters]
        return Batch(self.letters, [each.email for each in to], [each.name for each in to])

    def run(
        self, *only: str, tags: dict[str, str] | None = None, job: str = "send_letters"
    ) -> dg.ExecuteInProcessResult:
        """Queue and deliver, or only these assets; as the settings say by now."""

        @declared("jobs", kinds={"polars"}, pii="none", name="charts")
        def drawn() -> pl.DataFrame:
            return pl.DataFrame({"week_start": [date.fromisoformat(WEEK)]})

        @declared("jobs", kinds={"polars"}, pii="names", name="names")
        def everybody() -> pl.DataFrame:
            return pl.DataFrame({"name": ["Ada Moss", "Ben Reed"]})

        room = mail_room(self.home)
        out = delivered(self.mailing, self.write_pages)
        definitions = dg.Definitions(
            assets=[
                step("read", [everybody]),
                step(
                    *("write", [drawn, queued(self.mailing, self.written, ["charts"])]),
                    partitions=WEEKS,
                ),
                step("deliver", [out], partitions=WEEKS),
            ],
            jobs=[
                dg.define_asset_job(job, selection=dg.AssetSelection.all())
                for job in ("send_letters", "another")
            ],
            resources={
                "warehouse": Warehouse(
                    path=str(self.home.warehouse),
                    lock_path=str(self.home.lock),
                    exports=str(self.home.data),
                ),
                "mail_room": room,
            },
            executor=dg.in_process_executor,
        )
        return definitions.resolve_job_def(job).execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in only] or None,
            instance=self.instance,
            partition_key=WEEK,
            tags=tags,
            raise_on_error=False,
        )

    def approve(self, digest: str = "", by: str = "carla") -> dg.ExecuteInProcessResult:
        (job,) = approval_jobs({LETTERS: WEEKS}, self.write_pages)
        return job.execute_in_process(
            run_config={"ops": {"approve_drafts": {"config": {"by": by, "digest": digest}}}},
            instance=self.instance,
            partition_key=WEEK,
            resources={"mail_room": mail_room(self.home)},
            raise_on_error=False,
        )

    def states(self) -> dict[State, int]:
        with mail_room(self.home).open_ledger() as ledger:
            return dict(ledger.counts("teachers", "2026-W40"))

    def configure(self, text: str) -> None:
        self.home.config.write_text(text, encoding="utf-8")


LATER = datetime(2100, 1, 1, tzinfo=UTC)


def told(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, object]:
    """What an asset's materialisation says."""
    (event,) = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def why(result: dg.ExecuteInProcessResult) -> str:
    """What the step that failed raised."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    error = event.step_failure_data.error
    assert error
    return (error.cause or error).message


def shown(week: Week, check: str) -> bool:
    """Whether a check passed when it was last evaluated."""
    key = dg.AssetCheckKey(dg.AssetKey("ledger_letters"), check)
    (record,) = week.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event
    assert record.event.dagster_event
    return record.event.dagster_event.asset_check_evaluation_data.passed


@pytest.fixture
def week(home: Home, make_letter: LetterMaker) -> Iterator[Week]:
    made = Week(home, [make_letter("t_1"), make_letter("t_2", name="Ben Reed")])
    with made.instance:
        yield made


def test_into_the_folder_letters_go_at_once(week: Week) -> None:
    result = week.run()
    assert told(result, "queued_letters")["new"] == 2
    assert told(result, "delivered_letters")["sent now"] == 2
    assert week.states() == {State.sent: 2}
    assert week.pages == 1


def test_a_letter_with_somebody_elses_name_is_held_and_the_others_go(
    home: Home, make_letter: LetterMaker
) -> None:
    week = Week(home, [make_letter("t_1", text="Ben Reed was away."), make_letter("t_2")])
    with week.instance:
        result = week.run()
    assert told(result, "queued_letters")["held"] == 1
    assert week.states() == {State.held: 1, State.sent: 1}


def test_what_is_written_from_one_row_is_not_held_because_somebody_else_is_called_like_a_word(
    home: Home, make_letter: LetterMaker
) -> None:
    letters = [make_letter("t_1", text="Hello\n\nTop\n\n1"), make_letter("t_2", name="Top")]
    week = Week(
        home, [*letters, make_letter("t_3", name="1")], mailing=replace(LETTERS, names=None)
    )
    with week.instance:
        assert told(week.run(), "queued_letters")["held"] == 0
        week.letters[0] = replace(week.letters[0], text="91 %")
        result = week.run(tags={CORRECTION_TAG: "Top"})
    assert "names somebody" in why(result)


def test_letters_that_leave_wait_for_approval_of_exactly_what_was_looked_at(week: Week) -> None:
    week.configure(OUTSIDE + NOWHERE)
    result = week.run()
    assert told(result, "queued_letters")["waiting for approval"] == 2
    assert told(result, "delivered_letters")["sent now"] == 0
    assert week.states() == {State.draft: 2}
    with mail_room(week.home).open_ledger() as ledger:
        digest = review(ledger, "teachers", "2026-W40").digest

    refused = week.approve("0123456789ab")
    assert not refused.success
    assert digest in why(refused)
    assert week.states() == {State.draft: 2}

    assert week.approve(digest).success
    assert week.states() == {State.approved: 2}
    assert shown(week, "letters_wait_for_approval")
    with mail_room(week.home).open_ledger() as ledger:
        assert "carla" in {line.by for line in ledger.story(KEY)}


def test_nobody_approves_anything_and_nobody_approves_whatever_there_is(week: Week) -> None:
    week.configure(OUTSIDE + NOWHERE)
    week.run()
    assert "say in the launchpad who approves" in why(week.approve("0123456789ab", by=" "))
    assert "say in the launchpad which letters" in why(week.approve(" "))
    assert week.states() == {State.draft: 2}


def test_trouble_fails_the_run_with_its_sentence_after_the_proofs_are_written(week: Week) -> None:
    week.configure(f'{OUTSIDE}approval = "none"\n{NOWHERE}')
    result = week.run()
    assert not result.success
    assert "1 letters in a row did not go out" in why(result)
    # no later step of the run looks at the ledger
    assert shown(week, "no_letter_is_unknown")
    assert week.states() == {State.pending: 2}
    assert week.pages == 1


def test_without_its_key_a_carrier_is_not_asked_and_the_run_says_which_is_missing(
    week: Week,
) -> None:
    week.configure(OUTSIDE.replace("smtp", "sendgrid") + 'approval = "none"\n')
    result = week.run()
    assert "SENDGRID_API_KEY" in why(result)
    assert week.states() == {State.pending: 2}
    assert week.pages == 1


def test_a_closed_window_is_no_failure(week: Week) -> None:
    not_today = WEEKDAYS[(datetime.now(UTC).weekday() + 3) % 7]
    week.configure(f'[mail.window]\ndays = ["{not_today}"]\n')
    result = week.run()
    assert result.success
    assert "The sending window opens" in str(
        told(result, "delivered_letters")["ended early, because"]
    )
    assert week.states() == {State.pending: 2}


def test_a_rehearsal_sends_copies_to_the_operator_and_counts_nowhere(week: Week) -> None:
    week.configure('[mail]\nmode = "redirect"\nredirect_to = "operator@riverside.example"\n')
    assert told(week.run(), "delivered_letters")["copies sent to the operator"] == 2
    assert week.states() == {State.pending: 2}
    assert len(list((week.home.outbox / "test").rglob("*.eml"))) == 2
    again = told(week.run(), "delivered_letters")
    assert again["copies sent to the operator"] == 0
    assert again["copies the operator had already"] == 2


def test_a_pause_keeps_copies_back_and_is_no_failure(week: Week) -> None:
    week.configure('[mail]\nmode = "redirect"\nredirect_to = "operator@riverside.example"\n')
    with mail_room(week.home).open_ledger() as ledger:
        pause(ledger, "storm", now=NOW, by="Kim")
    result = week.run()
    assert result.success
    seen = told(result, "delivered_letters")
    assert seen["copies sent to the operator"] == 0
    assert "paused by Kim" in str(seen["ended early, because"])


def test_a_period_that_the_gate_holds_is_not_delivered(
    home: Home, make_letter: LetterMaker
) -> None:
    week = Week(home, [make_letter()], held="A file is odd.")
    with week.instance:
        result = week.run()
    assert told(result, "delivered_letters")["not delivered, because"] == "A file is odd."
    assert week.states() == {State.pending: 1}


def test_a_run_with_a_reason_corrects_what_went_out_and_only_where_it_changed(week: Week) -> None:
    week.run()
    week.letters[0] = replace(week.letters[0], text="91 %")
    assert told(week.run(), "queued_letters")["corrections"] == 0
    result = week.run(tags={CORRECTION_TAG: "A register came in late."})
    assert told(result, "queued_letters")["corrections"] == 1
    assert week.states() == {State.sent: 3}
    with mail_room(week.home).open_ledger() as ledger:
        letter = ledger.letter(f"{KEY}:2")
    assert letter.subject == "Corrected: Your week"
    assert "A register came in late." in letter.text


def test_a_reason_that_names_somebody_corrects_nothing(week: Week) -> None:
    week.run()
    week.letters[0] = replace(week.letters[0], text="91 %")
    result = week.run(tags={CORRECTION_TAG: "Reed, Ben was marked absent."})
    assert "Nothing was queued." in why(result)
    assert "Reed" not in why(result)
    assert week.states() == {State.sent: 2}


def test_a_correction_is_checked_as_it_will_read(home: Home, make_letter: LetterMaker) -> None:
    week = Week(home, [make_letter()])
    with week.instance:
        week.run()
        # short enough alone, and too long with the reason
        filler = "x" * (MOST_BYTES - 2000 - len(PAGE) - 10)
        week.letters[0] = replace(week.letters[0], html=PAGE.replace("Hello", filler))
        week.run(tags={CORRECTION_TAG: "A register came in late."})
    assert week.states() == {State.sent: 1, State.held: 1}


def test_letters_are_delivered_in_another_run_than_they_were_written_in(week: Week) -> None:
    week.run("charts", "names", "queued_letters")
    assert week.states() == {State.pending: 2}
    assert week.run("delivered_letters").success
    assert week.states() == {State.sent: 2}


def test_letters_that_are_older_than_the_last_refresh_are_not_delivered(week: Week) -> None:
    week.run("charts", "names", "queued_letters")
    week.instance.report_runless_asset_event(dg.AssetMaterialization("recorded_periods"))
    refused = week.run("delivered_letters")
    assert "Launch the job send_letters" in why(refused)
    assert week.states() == {State.pending: 2}
    assert week.run().success
    assert week.states() == {State.sent: 2}


@pytest.mark.parametrize(
    ("job", "tags"), [("another", {}), ("send_letters", {"dagster/backfill": "b1"})]
)
def test_no_run_sends_but_one_that_was_launched_to_send_one_week(
    week: Week, job: str, tags: dict[str, str]
) -> None:
    week.run("charts", "names", "queued_letters")
    result = week.run("delivered_letters", job=job, tags=tags)
    assert "launch deliver_letters for 2026-09-28" in why(result)
    assert week.states() == {State.pending: 2}


def test_only_what_was_just_written_is_queued(week: Week) -> None:
    week.run("charts", "names")
    assert "must not be made alone" in why(week.run("queued_letters"))
    assert week.states() == {}


# ---- what a person looks at ---------------------------------------------------------------------


@pytest.mark.parametrize("asset", [ledger_identity, forgotten, SAID_BEFORE])
def test_tables_by_which_keys_can_be_traced_to_people_are_tagged_so(
    asset: Table,
) -> None:
    assert asset.spec().tags["pii"] == "ids"


def look(check: Check, room: MailRoom) -> dg.AssetCheckResult:
    return check.look(room)


def test_a_check_fails_while_anything_is_unknown_and_says_what_to_do(week: Week) -> None:
    week.run("charts", "names", "queued_letters")
    room = mail_room(week.home)
    assert look(no_letter_is_unknown, room).passed
    with room.open_ledger() as ledger:
        claimed(ledger, KEY, owner="me", transport="smtp", now=NOW)
        recorded(ledger, KEY, State.unknown, now=NOW)
    result = look(no_letter_is_unknown, room)
    assert not result.passed
    assert "1 letter unknown: 1 in teachers 2026-W40." in str(result.description)


def test_a_check_warns_while_letters_wait_for_approval_and_shows_their_digest(week: Week) -> None:
    room = mail_room(week.home)
    assert look(letters_wait_for_approval, room).passed
    week.configure(OUTSIDE + NOWHERE)
    week.run()
    result = look(letters_wait_for_approval, room)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert "2 letters to be approved" in str(result.description)
    with room.open_ledger() as ledger:
        digest = review(ledger, "teachers", "2026-W40").digest
    assert result.metadata["digest of teachers 2026-W40"].value == digest


def asked(home: Home) -> str:
    """What the asset of the carrier's suppressions says about asking for them."""
    notes = carrier_suppressions.make(dg.build_asset_context(), mail_room(home))
    assert isinstance(notes, Mapping)
    return str(notes["asked"])


def test_suppressions_are_not_asked_for_where_letters_do_not_go_by_sendgrid(home: Home) -> None:
    assert "do not go by SendGrid" in asked(home)


def test_a_sendgrid_that_cannot_be_asked_does_not_fail_the_refresh(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.config.write_text(OUTSIDE.replace("smtp", "sendgrid"), encoding="utf-8")
    for key in ("", "SG.with a blank"):
        monkeypatch.setenv("SENDGRID_API_KEY", key)
        assert "without success" in asked(home)
