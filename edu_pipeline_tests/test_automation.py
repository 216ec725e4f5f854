import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from edu_pipeline.definitions import build_definitions
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.approvals import approve, review
from edu_pipeline.mail.ledger.controls import pause
from edu_pipeline.mail.ledger.store import Cause, Queueing
from edu_pipeline.mail.ledger.suppressions import suppress
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home, load_settings
from edu_pipeline.wiring.automation import (
    Attempt,
    landing_sensor,
    letter_weeks,
    mail_sensor,
    next_attempt,
    ready_to_go,
    send_after_refresh,
    send_weekly,
    tell_operator,
)
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.jobs import EDX, REFRESH, REPORTED, RESULTS, SCHOOL, Source
from edu_pipeline.wiring.lost_runs import LOST_TAG
from edu_pipeline.wiring.mailings import NUDGES, TEACHERS
from edu_pipeline_tests.conftest import CODES, WEEK
from edu_pipeline_tests.mail.letters import claimed, recorded

STUDENTS = "student_id\n001\n"


SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


@pytest.fixture
def history() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dataclass
class Sensor:
    """The sensor of a source in a home, as Dagster's daemon calls it."""

    home: Home
    history: dg.DagsterInstance
    of: Source = SCHOOL
    cursor: str | None = None

    def look(self) -> dg.SensorResult | dg.SkipReason:
        """One tick."""
        settings = load_settings(self.home)
        resources = {"zone": Zone(self.home.landing_url(settings)), "settings": settings}
        context = dg.build_sensor_context(
            instance=self.history, cursor=self.cursor, resources=resources
        )
        result = landing_sensor(self.of)(context)
        self.cursor = context.cursor
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        return result

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """The second look of two at what lies there, which is what it does about it."""
        self.look()
        return self.look()

    def refreshes(self, status: dg.DagsterRunStatus = SUCCESS) -> str:
        """The key of the run that a tick asks for, which then ends in this way."""
        result = self.tick()
        assert isinstance(result, dg.SensorResult)
        assert result.run_requests
        (request,) = result.run_requests
        self.history.add_run(dg.DagsterRun(self.of.job, tags=request.tags, status=status))
        assert request.run_key
        return request.run_key


@pytest.fixture
def sensor_of(home_of: Callable[..., Home], history: dg.DagsterInstance) -> Callable[..., Sensor]:
    """The sensor of the school's exports in a home with these files."""
    return lambda files: Sensor(home_of(files), history)


def students_in(home: Home) -> Path:
    return home.data / "landing" / "school" / "students.csv"


def test_new_exports_start_a_refresh_once(sensor_of: Callable[..., Sensor]) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    sensor.refreshes()
    assert isinstance(sensor.tick(), dg.SkipReason)


def test_a_refresh_that_a_sensor_starts_records_the_gate(home_of: Callable[..., Home]) -> None:
    home = home_of({"students.csv": STUDENTS})
    job = build_definitions(mail_room(home)).resolve_job_def(SCHOOL.job)
    with dg.DagsterInstance.ephemeral() as instance:
        # as Dagster's daemon makes it: of no steps it says that they are chosen
        run = instance.create_run_for_job(job)._replace(step_keys_to_execute=None)
        assert execute_run(InMemoryJob(job), run, instance).success
        made = instance.get_latest_materialization_event(dg.AssetKey("mail_gate"))
    assert made
    assert made.run_id == run.run_id


def test_a_file_that_still_grows_starts_nothing_until_two_looks_see_the_same(
    sensor_of: Callable[..., Sensor],
) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    file = students_in(sensor.home)
    for row in ("002\n", "003\n"):
        told = sensor.look()
        assert isinstance(told, dg.SkipReason)
        assert "school/students.csv is the newest file. It waits" in str(told.skip_message)
        file.write_text(file.read_text(encoding="utf-8") + row, encoding="utf-8")
    assert isinstance(sensor.look(), dg.SkipReason)
    assert isinstance(sensor.look(), dg.SensorResult)


def test_an_empty_landing_zone_starts_nothing(sensor_of: Callable[..., Sensor]) -> None:
    assert isinstance(sensor_of({}).tick(), dg.SkipReason)


def test_touching_a_file_starts_nothing(sensor_of: Callable[..., Sensor]) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    sensor.refreshes()
    students_in(sensor.home).write_text(STUDENTS, encoding="utf-8")
    assert isinstance(sensor.tick(), dg.SkipReason)


def test_exports_that_change_and_change_back_are_refreshed_each_time(
    sensor_of: Callable[..., Sensor],
) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    file, keys = students_in(sensor.home), {sensor.refreshes()}
    for text in (STUDENTS + "002\n", STUDENTS):
        file.write_text(text, encoding="utf-8")
        keys.add(sensor.refreshes())
    assert len(keys) == 3


# ---- at least once --------------------------------------------------------------------------------


def test_a_refresh_that_is_at_work_is_not_asked_for_again(sensor_of: Callable[..., Sensor]) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    sensor.refreshes(dg.DagsterRunStatus.STARTED)
    told = sensor.look()
    assert isinstance(told, dg.SkipReason)
    assert "at work" in str(told.skip_message)


def test_a_refresh_that_failed_is_not_what_made_everything_fresh(
    sensor_of: Callable[..., Sensor],
) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    sensor.refreshes(FAILURE)
    told = sensor.look()
    assert isinstance(told, dg.SkipReason)
    assert "tried again after" in str(told.skip_message)


def test_whoever_refreshes_everything_has_taken_up_what_landed(
    sensor_of: Callable[..., Sensor],
) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    sensor.refreshes(FAILURE)
    sensor.history.add_run(dg.DagsterRun(REFRESH, status=SUCCESS))
    told = sensor.look()
    assert isinstance(told, dg.SkipReason)
    assert "Nothing has landed" in str(told.skip_message)


ENDED = datetime(2026, 10, 2, 15, tzinfo=UTC)


def attempts(*ends: dg.DagsterRunStatus, lost: int = 0) -> list[Attempt]:
    """Runs, the newest first; the first of them were cut off."""
    tags = [{LOST_TAG: "true"}] * lost + [{}] * (len(ends) - lost)
    return [
        Attempt(dg.DagsterRun(SCHOOL.job, status=end, tags=tag), ENDED)
        for end, tag in zip(ends, tags, strict=True)
    ]


@pytest.mark.parametrize(("failures", "minutes"), [(1, 2), (2, 10), (3, 60)])
def test_a_refresh_that_failed_is_tried_again_after_growing_pauses(
    failures: int, minutes: int
) -> None:
    again = ENDED + timedelta(minutes=minutes)
    runs = attempts(*[FAILURE] * failures)
    assert isinstance(next_attempt(runs, again - timedelta(seconds=1)), str)
    assert next_attempt(runs, again) == failures


def test_after_the_last_attempt_a_person_has_to_look() -> None:
    told = next_attempt(attempts(*[FAILURE] * 4), ENDED + timedelta(days=1))
    assert "was not taken up: 4 attempts failed" in str(told)


def test_what_a_person_has_cancelled_is_not_tried_again() -> None:
    runs = attempts(dg.DagsterRunStatus.CANCELED, FAILURE)
    assert "cancelled" in str(next_attempt(runs, ENDED + timedelta(days=1)))


def test_while_a_run_is_at_work_no_other_is_started() -> None:
    runs = attempts(dg.DagsterRunStatus.STARTED, FAILURE)
    assert "at work" in str(next_attempt(runs, ENDED + timedelta(days=1)))


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_what_was_cut_off_is_made_again_at_once_and_is_no_failure(lost: int) -> None:
    assert next_attempt(attempts(*[FAILURE] * lost, lost=lost), ENDED) == lost


def test_what_is_cut_off_again_and_again_is_a_failure_too() -> None:
    runs = attempts(*[FAILURE] * 4, lost=4)
    assert isinstance(next_attempt(runs, ENDED + timedelta(minutes=1)), str)
    assert next_attempt(runs, ENDED + timedelta(minutes=2)) == 4

    told = next_attempt(attempts(*[FAILURE] * 7, lost=7), ENDED + timedelta(days=1))
    assert "was not taken up: 4 attempts failed" in str(told)


@pytest.mark.parametrize(
    ("path", "of"),
    [
        ("school/students.csv", SCHOOL),
        ("from the office/students.csv", SCHOOL),
        ("micromasters/lead/grades.csv", EDX),
        ("attainment/Year 11/results.csv", RESULTS),
        ("mail/events/2026-05-16.json", REPORTED),
    ],
)
def test_what_lands_starts_the_refresh_of_its_source_alone(
    home_of: Callable[..., Home], history: dg.DagsterInstance, path: str, of: Source
) -> None:
    home = home_of({})
    file = home.data / "landing" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(STUDENTS, encoding="utf-8")
    started = [
        each
        for each in (SCHOOL, EDX, RESULTS, REPORTED)
        if isinstance(Sensor(home, history, each).tick(), dg.SensorResult)
    ]
    assert started == [of]


def test_other_settings_are_another_refresh_of_what_they_decide(
    sensor_of: Callable[..., Sensor],
) -> None:
    sensor = sensor_of({"students.csv": STUDENTS})
    sensor.refreshes()
    config = sensor.home.config
    config.write_text(f"{CODES}\n[attainment]\ntolerance = 0.5\n", encoding="utf-8")
    assert isinstance(sensor.tick(), dg.SkipReason)
    config.write_text(CODES.replace('A = "unexcused"', 'A = "excused"'), encoding="utf-8")
    sensor.refreshes()


def test_letters_have_a_partition_for_each_week_since_the_first_with_figures(
    refreshed_sample: Home, home_of: Callable[..., Home]
) -> None:
    weeks = letter_weeks(mail_room(refreshed_sample)).get_partition_keys()
    with mail_room(refreshed_sample).open_ledger() as ledger:
        assert weeks[0] == ledger.recorded_periods()[0].partition
    assert WEEK.isoformat() in weeks
    before_a_refresh = letter_weeks(mail_room(home_of({})))
    assert before_a_refresh.has_partition_key(WEEK.isoformat())


AfterRefresh = Callable[[str], dg.SensorResult | dg.SkipReason]


@pytest.fixture(scope="module")
def after_refresh(
    refreshed_sample: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AfterRefresh]:
    """What is asked for after a refresh, in a home with this `pipeline.toml`."""
    homes = tmp_path_factory.mktemp("after")
    ended = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, job_name="refresh")
    with dg.DagsterInstance.ephemeral() as instance:

        def asked(config: str) -> dg.SensorResult | dg.SkipReason:
            home = Home(shutil.copytree(refreshed_sample.root, homes / uuid4().hex))
            home.config.write_text(config, encoding="utf-8")
            context = dg.build_run_status_sensor_context(
                sensor_name="send_after_refresh",
                dagster_instance=instance,
                dagster_run=dg.DagsterRun(job_name="refresh"),
                dagster_event=ended,
                resources={"mail_room": mail_room(home)},
            )
            result = send_after_refresh(load_settings(home))(context)
            assert isinstance(result, dg.SensorResult | dg.SkipReason)
            return result

        yield asked


def test_a_refresh_whose_week_is_no_longer_news_sends_nothing(after_refresh: AfterRefresh) -> None:
    assert isinstance(after_refresh(CODES), dg.SkipReason)


def test_a_refresh_that_makes_a_week_due_asks_for_that_week(after_refresh: AfterRefresh) -> None:
    result = after_refresh(f"{CODES}\n[mail]\nvalid_days = 36500\n")
    assert isinstance(result, dg.SensorResult)
    assert result.run_requests
    assert [request.partition_key for request in result.run_requests] == [WEEK.isoformat()]


@pytest.mark.parametrize(
    ("hour", "due"),
    [
        (datetime(2026, 5, 16, 19, tzinfo=UTC), [WEEK.isoformat()]),
        (datetime(2026, 5, 30, 19, tzinfo=UTC), []),
    ],
)
def test_the_schedule_sends_what_is_due_at_its_hour(
    sample_home: Home, hour: datetime, due: list[str]
) -> None:
    schedule = send_weekly(load_settings(sample_home), TEACHERS)
    context = dg.build_schedule_context(
        scheduled_execution_time=hour, resources={"mail_room": mail_room(sample_home)}
    )
    result = schedule(context)
    requests = result if isinstance(result, list) else []
    assert [request.partition_key for request in requests] == due


def test_automation_is_off_unless_the_settings_say_so(home_of: Callable[..., Home]) -> None:
    manual = load_settings(home_of({}))
    assert send_after_refresh(manual).default_status is dg.DefaultSensorStatus.STOPPED
    assert send_weekly(manual, TEACHERS).default_status is dg.DefaultScheduleStatus.STOPPED
    weekly = load_settings(
        home_of({}, '[mail]\nsend = "weekly"\nday = "sunday"\ntime = 12:30:00\n')
    )
    schedule = send_weekly(weekly, TEACHERS)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "30 12 * * 0"


# ---- letters that may leave by now ----------------------------------------------------------------

FRIDAY = datetime(2026, 10, 2, 15, tzinfo=UTC)
MONDAY = "2026-09-28"
BEFORE = '[school]\ntime_zone = "UTC"\n'


def with_letters(
    home: Home,
    *,
    approval: bool = False,
    held: str | None = None,
    campaign: str = "teachers",
    partition: str = MONDAY,
) -> Home:
    """Two letters about 2026-W40 in the ledger."""
    with mail_room(home).open_ledger() as ledger:
        last = date(2026, 10, 2)
        period = Period(campaign, "2026-W40", partition, last, complete=True, held=held)
        ledger.record_periods(campaign, [period])
        letters = [
            Letter(
                campaign=campaign,
                period="2026-W40",
                recipient_key=key,
                recipient=Address(f"{key}@riverside.example", key),
                sender=Address("reports@lake.example"),
                reply_to="reports@riverside.example",
                subject="Your week",
                html="<p>Hello</p>",
                text="Hello",
                images=(),
                not_after=datetime(2100, 1, 1, tzinfo=UTC),
                names=frozenset(),
            )
            for key in ("t_1", "t_2")
        ]
        ledger.queue(letters, now=FRIDAY, by="test", rules=Queueing(approval=approval))
    return home


def ready(home: Home, now: datetime = FRIDAY) -> list[str]:
    return [period.partition for period, _ in ready_to_go(mail_room(home), now)]


def test_letters_are_ready_once_they_are_approved(home_of: Callable[..., Home]) -> None:
    home = with_letters(home_of({}), approval=True)
    assert ready(home) == []
    with mail_room(home).open_ledger() as ledger:
        seen = review(ledger, "teachers", "2026-W40")
        approve(ledger, seen.drafts[:1], now=FRIDAY, by="carla")
        assert ready(home) == [MONDAY]
        first = ready_to_go(mail_room(home), FRIDAY)
        approve(ledger, seen.drafts[1:], now=FRIDAY, by="carla")
    assert ready_to_go(mail_room(home), FRIDAY) != first


@pytest.mark.parametrize(
    "config",
    [
        f'{BEFORE}[mail.window]\ndays = ["monday"]\n',
        f"{BEFORE}[mail.window]\nopens = 15:01:00\n",
        f'{BEFORE}[mail]\nmode = "redirect"\nredirect_to = "operator@riverside.example"\n',
    ],
)
def test_outside_the_window_and_in_a_rehearsal_nothing_is_ready(
    home_of: Callable[..., Home], config: str
) -> None:
    assert ready(with_letters(home_of({}, BEFORE))) == [MONDAY]
    assert ready(home_of({}, config)) == []


def test_what_the_gate_holds_is_not_ready(home_of: Callable[..., Home]) -> None:
    assert ready(with_letters(home_of({}), held="A file is odd.")) == []


def test_while_sending_is_paused_nothing_is_ready(home_of: Callable[..., Home]) -> None:
    home = with_letters(home_of({}))
    with mail_room(home).open_ledger() as ledger:
        pause(ledger, "We look first.", now=FRIDAY, by="carla")
    assert ready(home) == []


def test_a_full_hour_is_waited_for(home_of: Callable[..., Home]) -> None:
    home = with_letters(home_of({}, f"{BEFORE}[mail]\nper_hour = 1\n"))
    with mail_room(home).open_ledger() as ledger:
        claimed(ledger, "teachers:2026-W40:t_1", owner="me", transport="folder", now=FRIDAY)
        recorded(ledger, "teachers:2026-W40:t_1", State.sent, now=FRIDAY)
    assert ready(home, FRIDAY + timedelta(minutes=59)) == []
    assert ready(home, FRIDAY + timedelta(minutes=61)) == [MONDAY]


def resumed(home: Home, instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(instance=instance, resources={"mail_room": mail_room(home)})
    result = mail_sensor(load_settings(home))(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def ran(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> None:
    instance.add_run(
        dg.DagsterRun(
            job_name=job, run_id=str(uuid4()), status=status, tags={"dagster/partition": MONDAY}
        )
    )


@pytest.mark.parametrize(
    ("last", "goes"),
    [
        (dg.DagsterRunStatus.SUCCESS, True),
        (dg.DagsterRunStatus.STARTED, False),
        (dg.DagsterRunStatus.FAILURE, False),
        (dg.DagsterRunStatus.CANCELED, False),
    ],
)
def test_delivery_goes_on_by_itself_only_after_one_that_went_well(
    home_of: Callable[..., Home], last: dg.DagsterRunStatus, *, goes: bool
) -> None:
    home = with_letters(home_of({}))
    with dg.DagsterInstance.ephemeral() as instance:
        ran(instance, "send_letters", last)
        result = resumed(home, instance)
    if goes:
        assert isinstance(result, dg.SensorResult)
        (request,) = result.run_requests or []
        assert (request.job_name, request.partition_key) == ("deliver_letters", MONDAY)
    else:
        assert isinstance(result, dg.SkipReason)


def tried(home: Home, outcome: State) -> None:
    """An attempt at each letter, by somebody at the shell, and each may be sent again."""
    with mail_room(home).open_ledger() as ledger:
        for key in ledger.waiting("teachers", "2026-W40"):
            claimed(ledger, key, owner="Kim", transport="folder", now=FRIDAY)
            recorded(ledger, key, outcome, now=FRIDAY)
            if outcome is State.failed:
                ledger.resolve(key, State.pending, Cause(FRIDAY, "Kim", "once more"))


@pytest.mark.parametrize(("outcome", "goes"), [(State.failed, False), (State.pending, True)])
def test_delivery_does_not_go_on_by_itself_after_letters_were_refused_at_the_shell(
    home_of: Callable[..., Home], outcome: State, *, goes: bool
) -> None:
    home = with_letters(home_of({}, "[mail]\nstop_after = 2\n"))
    tried(home, outcome)
    with dg.DagsterInstance.ephemeral() as instance:
        result = resumed(home, instance)
    assert isinstance(result, dg.SensorResult) == goes
    if isinstance(result, dg.SkipReason):
        assert "edu-pipeline mail status" in str(result.skip_message)


def test_letters_to_people_who_must_not_be_written_to_are_not_ready(
    home_of: Callable[..., Home],
) -> None:
    home = with_letters(home_of({}))
    with mail_room(home).open_ledger() as ledger:
        for name in ("t_1", "t_2"):
            suppress(
                *(ledger, f"{name}@riverside.example", "*", "unsubscribe"),
                source="person",
                now=FRIDAY,
                by="Kim",
            )
    assert ready(home) == []


def test_letters_older_than_the_last_refresh_are_written_again_before_they_go(
    home_of: Callable[..., Home],
) -> None:
    home = with_letters(home_of({}))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("recorded_periods"))
        result = resumed(home, instance)
    assert isinstance(result, dg.SensorResult)
    assert [request.job_name for request in result.run_requests or []] == ["send_letters"]


def test_delivery_goes_on_by_itself_only_where_letters_are_sent_without_being_asked(
    home_of: Callable[..., Home],
) -> None:
    assert mail_sensor(load_settings(home_of({}))).default_status is (
        dg.DefaultSensorStatus.STOPPED
    )
    weekly = load_settings(home_of({}, '[mail]\nsend = "weekly"\n'))
    assert mail_sensor(weekly).default_status is dg.DefaultSensorStatus.RUNNING


# ---- nudges, which have a campaign and partitions of their own ------------------------------------

LEAD = """
[[programmes]]
id = "lead"
title = "Leading"
[[programmes.courses]]
id = "lead1x"
title = "Lumen_LEAD1x"
pass_mark = 0.65
"""
PARTITION = f"lead|{MONDAY}"


def with_nudges(home: Home) -> Home:
    return with_letters(home, campaign="nudges.lead", partition=PARTITION)


def test_nudges_that_wait_are_delivered_by_their_own_job(home_of: Callable[..., Home]) -> None:
    home = with_nudges(with_letters(home_of({}, LEAD)))
    with dg.DagsterInstance.ephemeral() as instance:
        ran(instance, "deliver_letters", dg.DagsterRunStatus.FAILURE)
        result = resumed(home, instance)
    assert isinstance(result, dg.SensorResult)
    assert [(each.job_name, each.partition_key) for each in result.run_requests or []] == [
        ("deliver_nudges", PARTITION)
    ]


def test_each_schedule_sends_its_own_letters(home_of: Callable[..., Home]) -> None:
    home = with_nudges(with_letters(home_of({}, LEAD)))
    context = dg.build_schedule_context(
        scheduled_execution_time=FRIDAY, resources={"mail_room": mail_room(home)}
    )
    for mailing, partition in ((TEACHERS, MONDAY), (NUDGES, PARTITION)):
        result = send_weekly(load_settings(home), mailing)(context)
        assert isinstance(result, list)
        assert [request.partition_key for request in result] == [partition]


def test_nudges_of_a_programme_that_left_the_settings_are_not_ready(
    home_of: Callable[..., Home],
) -> None:
    home = with_nudges(home_of({}, LEAD))
    assert ready(home) == [PARTITION]
    home.config.write_text(CODES, encoding="utf-8")
    assert ready(home) == []


# ---- a run that fails ---------------------------------------------------------------------------


def after_a_failure(home: Home) -> dg.SkipReason | None:
    """What the sensor does about a run that fails: there are no figures for that week."""
    with dg.DagsterInstance.ephemeral() as instance:
        definitions = build_definitions(mail_room(home))
        run = definitions.resolve_job_def("deliver_letters").execute_in_process(
            instance=instance, partition_key=WEEK.isoformat(), raise_on_error=False
        )
        assert not run.success
        context = dg.build_run_status_sensor_context(
            sensor_name="tell_operator",
            dagster_instance=instance,
            dagster_run=run.dagster_run,
            dagster_event=run.all_events[-1],
            resources={"mail_room": mail_room(home)},
        ).for_run_failure()
        result = tell_operator(load_settings(home))(context)
    assert result is None or isinstance(result, dg.SkipReason)
    return result


def test_a_run_that_fails_is_told_to_the_operator_once(home_of: Callable[..., Home]) -> None:
    home = home_of({}, '[mail]\noperator = "operator@riverside.example"\n')
    assert after_a_failure(home) is None
    (letter,) = (home.outbox / "alerts").rglob("*.eml")
    message = message_from_bytes(letter.read_bytes(), policy=policy.default)
    assert message["To"] == "operator@riverside.example"
    assert message["Subject"] == "edu-pipeline: deliver_letters failed"
    body = message.get_body(("plain",))
    assert body
    text = body.get_content()
    assert "at the step delivered_letters" in text
    assert "The last refresh has no figures for this week." in text
    with mail_room(home).open_ledger() as ledger:
        assert ledger.periods() == []


def test_nobody_is_told_where_there_is_no_operator(home_of: Callable[..., Home]) -> None:
    home = home_of({})
    assert isinstance(after_a_failure(home), dg.SkipReason)
    assert not (home.outbox / "alerts").exists()
    assert tell_operator(load_settings(home)).default_status is dg.DefaultSensorStatus.STOPPED


def test_an_alert_that_cannot_be_sent_is_not_tried_for_ever(home_of: Callable[..., Home]) -> None:
    mail = (
        '[school]\ntime_zone = "UTC"\n[letters]\nfrom_email = "reports@lake.example"\n'
        '[mail]\noperator = "operator@riverside.example"\ntransport = "sendgrid"\n'
        'allowed = ["riverside.example"]\n'
    )
    result = after_a_failure(home_of({}, mail))
    assert isinstance(result, dg.SkipReason)
    assert "MissingSecretError" in str(result.skip_message)
