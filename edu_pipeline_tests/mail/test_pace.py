from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from edu_pipeline.mail.pace import opens_at, room_at
from edu_pipeline.settings.mail import Window

NEW_YORK = ZoneInfo("America/New_York")
SCHOOL_HOURS = Window(days=("monday", "friday"), opens=time(7), closes=time(18))
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-10-02T07:00", None),
        ("2026-10-02T18:00", None),
        ("2026-10-02T06:59", "2026-10-02T07:00"),
        ("2026-10-02T18:01", "2026-10-05T07:00"),
        ("2026-10-03T12:00", "2026-10-05T07:00"),
        ("2026-10-06T12:00", "2026-10-09T07:00"),
        # the clock goes back on 1 November: still seven in the morning, an hour later in UTC
        ("2026-10-31T12:00", "2026-11-02T07:00"),
    ],
)
def test_the_window_is_meant_in_the_schools_time(now: str, opens: str | None) -> None:
    found = opens_at(SCHOOL_HOURS, at(now).astimezone(UTC), NEW_YORK)
    assert found == (at(opens) if opens else None)


def test_a_window_of_one_day_opens_again_a_week_later() -> None:
    friday = Window(days=("friday",), opens=time(7), closes=time(8))
    assert opens_at(friday, at("2026-10-02T09:00"), NEW_YORK) == at("2026-10-09T07:00")


def test_without_a_window_letters_may_leave_at_any_time() -> None:
    for hour in range(24):
        assert opens_at(Window(), NOON + timedelta(hours=hour), NEW_YORK) is None


def test_only_the_last_hour_counts_for_the_hourly_limit() -> None:
    sent = [NOON - timedelta(minutes=minutes) for minutes in (61, 60, 50, 10)]
    assert room_at(sent, None, NOON) is None
    assert room_at(sent, 3, NOON) is None
    assert room_at(sent, 2, NOON) == NOON + timedelta(minutes=10)
    assert room_at(sent, 1, NOON) == NOON + timedelta(minutes=50)
    assert room_at([], 1, NOON) is None
