from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edu_pipeline.mail.due import (
    EVEN_IF_OLD_TAG,
    Period,
    due_periods,
    end_of,
    newest_ready,
    not_after,
    ready,
)
from edu_pipeline.settings.mail import Mail, Smtp

NEW_YORK = ZoneInfo("America/New_York")
MAIL = Mail(cut_off_hours=24, valid_days=5)
LIVE = Mail(
    cut_off_hours=24,
    valid_days=5,
    transport="smtp",
    allowed=["riverside.example"],
    smtp=Smtp(host="mail.riverside.example"),
)
FRIDAY = date(2026, 10, 2)
MIDNIGHT = datetime(2026, 10, 3, 4, tzinfo=UTC)  # the end of that Friday in New York
HOUR = timedelta(hours=1)


def period(last_day: date = FRIDAY, *, complete: bool = True, **other: Any) -> Period:
    fields = {
        "campaign": "teachers",
        "period": f"week of {last_day}",
        "partition": last_day.isoformat(),
        "held": None,
    }
    return Period(last_day=last_day, complete=complete, **(fields | other))


def last_moment(now: datetime, mail: Mail, tags: Mapping[str, str] | None = None) -> datetime:
    return not_after(FRIDAY, now=now, mail=mail, zone=NEW_YORK, tags=tags or {})


def due(*periods: Period, at: datetime, mail: Mail = MAIL) -> list[str]:
    found = due_periods(periods, now=at, mail=mail, zone=NEW_YORK)
    return [one.period for one in found]


def test_a_complete_period_is_due_at_once() -> None:
    assert due(period(), at=MIDNIGHT - 9 * HOUR) == ["week of 2026-10-02"]


def test_a_period_is_not_due_before_its_last_day_whatever_was_entered_ahead() -> None:
    begins = MIDNIGHT - 24 * HOUR

    assert due(period(), at=begins - timedelta(seconds=1)) == []
    assert due(period(), at=begins) == ["week of 2026-10-02"]


def test_missing_registers_are_waited_for_until_the_cut_off() -> None:
    cut_off = MIDNIGHT + 24 * HOUR

    assert due(period(complete=False), at=cut_off - timedelta(seconds=1)) == []
    assert due(period(complete=False), at=cut_off) == ["week of 2026-10-02"]


def test_without_a_wait_the_cut_off_is_the_end_of_the_last_day() -> None:
    at_once = Mail(cut_off_hours=0)

    assert due(period(complete=False), at=MIDNIGHT - timedelta(seconds=1), mail=at_once) == []
    assert due(period(complete=False), at=MIDNIGHT, mail=at_once) == ["week of 2026-10-02"]


def test_a_period_that_is_no_longer_news_is_not_due() -> None:
    expires = MIDNIGHT + timedelta(days=5)

    assert due(period(), at=expires - timedelta(seconds=1)) == ["week of 2026-10-02"]
    assert due(period(), at=expires) == []


def test_only_the_newest_period_that_is_ready_is_due() -> None:
    before, running = period(FRIDAY - timedelta(days=7)), period(complete=False)
    friday_noon = MIDNIGHT - 12 * HOUR
    still_news = Mail(cut_off_hours=24, valid_days=14)

    assert due(before, running, at=friday_noon, mail=still_news) == ["week of 2026-09-25"]
    assert due(running, before, at=MIDNIGHT + 24 * HOUR, mail=still_news) == ["week of 2026-10-02"]


def test_each_campaign_has_its_own_newest_period() -> None:
    found = due(
        period(period="a", campaign="teachers"),
        period(FRIDAY - timedelta(days=1), period="b", campaign="nudges"),
        at=MIDNIGHT,
    )

    assert found == ["a", "b"]


def test_a_held_period_stays_due_for_the_sending_step_to_refuse() -> None:
    assert due(period(held="Map QT."), at=MIDNIGHT) == ["week of 2026-10-02"]


def test_without_periods_nothing_is_due() -> None:
    assert due(at=MIDNIGHT) == []


def test_the_newest_ready_period_may_be_old() -> None:
    found = newest_ready([period()], now=MIDNIGHT + timedelta(days=300), mail=MAIL, zone=NEW_YORK)

    assert found == period()
    assert newest_ready([], now=MIDNIGHT, mail=MAIL, zone=NEW_YORK) is None


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        (date(2026, 10, 30), "America/New_York", datetime(2026, 10, 31, 4, tzinfo=UTC)),
        (date(2026, 11, 1), "America/New_York", datetime(2026, 11, 2, 5, tzinfo=UTC)),
        (date(2026, 3, 28), "Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 29), "Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (date(2026, 10, 2), "Pacific/Auckland", datetime(2026, 10, 2, 11, tzinfo=UTC)),
        (date(2026, 10, 2), "UTC", datetime(2026, 10, 3, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_of_the_school(day: date, zone: str, expected: datetime) -> None:
    assert end_of(day, ZoneInfo(zone)) == expected


def test_the_cut_off_is_counted_in_hours_that_pass_when_clocks_change() -> None:
    saturday = period(date(2026, 10, 31), complete=False)  # clocks go back the night after
    twenty_four_hours_later = datetime(2026, 11, 2, 4, tzinfo=UTC)

    def at(moment: datetime) -> bool:
        return ready(saturday, now=moment, mail=MAIL, zone=NEW_YORK)

    assert [at(twenty_four_hours_later - HOUR), at(twenty_four_hours_later)] == [False, True]


def test_a_letter_expires_with_its_period() -> None:
    assert last_moment(MIDNIGHT, LIVE) == MIDNIGHT + timedelta(days=5)


def test_whatever_makes_a_letter_later_does_not_make_it_news_again() -> None:
    assert last_moment(MIDNIGHT + timedelta(days=30), LIVE) == MIDNIGHT + timedelta(days=5)


def test_a_letter_that_is_wanted_though_it_is_old_can_go_out_for_a_day() -> None:
    asked = MIDNIGHT + timedelta(days=30)

    assert last_moment(asked, LIVE, {EVEN_IF_OLD_TAG: "true"}) == asked + timedelta(days=1)
    assert last_moment(asked, MAIL) == asked + timedelta(days=1)  # into a folder
