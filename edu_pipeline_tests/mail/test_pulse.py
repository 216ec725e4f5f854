from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from edu_pipeline.mail.pulse import FEWEST_FREE_BYTES, Pulse, concerns

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
WELL = Pulse(
    refreshed=NOW - timedelta(hours=1),
    failed=False,
    expected=None,
    free=FEWEST_FREE_BYTES,
    drafts=0,
    trouble=0,
    held=None,
)


def kinds(pulse: Pulse, now: datetime = NOW) -> list[str]:
    return list(concerns(pulse, now, NEW_YORK))


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert kinds(WELL) == []


def test_everything_that_needs_somebody_is_said() -> None:
    pulse = replace(
        WELL,
        failed=True,
        expected=date(2026, 10, 2),
        free=FEWEST_FREE_BYTES - 1,
        drafts=37,
        trouble=2,
    )
    assert kinds(pulse) == ["refresh", "exports", "disk", "letters", "drafts"]
    told = concerns(pulse, NOW, NEW_YORK)
    assert "ended on Monday 5\u00a0October 2026, 07:00" in told["refresh"]
    assert told["drafts"].startswith("37 letters wait")


def test_registers_are_late_a_day_after_the_week_and_not_on_its_last_day() -> None:
    pulse = replace(WELL, expected=date(2026, 10, 2))
    # midnight in New York is four hours later
    assert kinds(pulse, datetime(2026, 10, 4, 3, 59, tzinfo=UTC)) == []
    assert kinds(pulse, datetime(2026, 10, 4, 4, 0, tzinfo=UTC)) == ["exports"]


def test_letters_that_are_held_are_no_letters_to_be_approved() -> None:
    pulse = replace(WELL, drafts=37, held="A file is odd.")
    assert concerns(pulse, NOW, NEW_YORK) == {"held": "The newest letters are held. A file is odd."}
