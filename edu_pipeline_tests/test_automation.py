from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import pytest

from edu_pipeline.automation import landing_sensor, send_after_refresh, send_weekly
from edu_pipeline.definitions import build_definitions
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings import Home, load_settings
from edu_pipeline_tests.conftest import CODES, WEEK

STUDENTS = "student_id\n001\n"


def tick(home: Home, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    zone = Zone(home.landing_url(load_settings(home)))
    context = dg.build_sensor_context(cursor=cursor, resources={"zone": zone})
    result = landing_sensor(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def refreshed(home: Home, cursor: str | None) -> tuple[str, str]:
    """The run key and the new cursor of a tick that must ask for a refresh."""
    result = tick(home, cursor)
    assert isinstance(result, dg.SensorResult)
    assert result.run_requests
    assert result.run_requests[0].run_key
    assert result.cursor
    return result.run_requests[0].run_key, result.cursor


def test_new_exports_start_a_refresh_once(home_of: Callable[..., Home]) -> None:
    home = home_of({"students.csv": STUDENTS})
    _, cursor = refreshed(home, None)
    assert isinstance(tick(home, cursor), dg.SkipReason)


def test_an_empty_landing_zone_starts_nothing(home_of: Callable[..., Home]) -> None:
    assert isinstance(tick(home_of({}), None), dg.SkipReason)


def test_touching_a_file_starts_nothing(home_of: Callable[..., Home]) -> None:
    home = home_of({"students.csv": STUDENTS})
    _, cursor = refreshed(home, None)
    file = home.data / "landing" / "school" / "students.csv"
    file.write_text(STUDENTS, encoding="utf-8")
    assert isinstance(tick(home, cursor), dg.SkipReason)


def test_exports_that_change_and_change_back_are_refreshed_each_time(
    home_of: Callable[..., Home],
) -> None:
    home = home_of({"students.csv": STUDENTS})
    file = home.data / "landing" / "school" / "students.csv"
    first, cursor = refreshed(home, None)
    file.write_text(STUDENTS + "002\n", encoding="utf-8")
    second, cursor = refreshed(home, cursor)
    file.write_text(STUDENTS, encoding="utf-8")
    third, _ = refreshed(home, cursor)
    assert len({first, second, third}) == 3


def after_refresh(home: Home) -> dg.SensorResult | dg.SkipReason:
    settings = load_settings(home)
    with dg.DagsterInstance.ephemeral() as instance:
        definitions = build_definitions(home, settings)
        run = definitions.resolve_job_def("refresh").execute_in_process(instance=instance)
        context = dg.build_run_status_sensor_context(
            sensor_name="send_after_refresh",
            dagster_instance=instance,
            dagster_run=run.dagster_run,
            dagster_event=run.all_events[-1],
            resources={"home": home},
        )
        result = send_after_refresh(settings)(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def test_a_refresh_whose_week_is_no_longer_news_sends_nothing(sample_home: Home) -> None:
    assert isinstance(after_refresh(sample_home), dg.SkipReason)


def test_a_refresh_that_makes_a_week_due_asks_for_that_week(sample_home: Home) -> None:
    sample_home.config.write_text(f"{CODES}\n[mail]\nvalid_days = 36500\n", encoding="utf-8")
    result = after_refresh(sample_home)
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
    schedule = send_weekly(load_settings(sample_home))
    context = dg.build_schedule_context(
        scheduled_execution_time=hour, resources={"home": sample_home}
    )
    result = schedule(context)
    requests = result if isinstance(result, list) else []
    assert [request.partition_key for request in requests] == due


def test_automation_is_off_unless_the_settings_say_so(home_of: Callable[..., Home]) -> None:
    manual = load_settings(home_of({}))
    assert send_after_refresh(manual).default_status is dg.DefaultSensorStatus.STOPPED
    assert send_weekly(manual).default_status is dg.DefaultScheduleStatus.STOPPED
    weekly = load_settings(
        home_of({}, '[mail]\nsend = "weekly"\nday = "sunday"\ntime = 12:30:00\n')
    )
    schedule = send_weekly(weekly)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "30 12 * * 0"
