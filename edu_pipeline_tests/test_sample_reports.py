from collections import Counter
from datetime import UTC, datetime

from edu_pipeline.mail.events import parse
from edu_pipeline.sample.reported import reports

SENT = datetime(2026, 11, 28, 15, tzinfo=UTC)
KEYS = [f"teachers:2026-W48:t_{n:03}" for n in range(200)]


def kinds(week: float) -> Counter[tuple[str, bool]]:
    """Kind and whether by a program → events."""
    read = parse(reports(KEYS, "0123abcd", SENT, week))
    assert (read.malformed, read.ignored) == (0, 0)
    assert {event.ledger_id for event in read.events} == {"0123abcd"}
    assert len({event.fingerprint for event in read.events}) == len(read.events)
    return Counter((event.kind, event.machine) for event in read.events)


def test_reports_are_what_the_carrier_would_post_of_every_letter() -> None:
    found = kinds(0)
    assert found["delivered", False] + found["blocked", False] == len(KEYS)
    assert found["blocked", False] == len(KEYS) // 40
    assert found["opened", True] > 0


def test_people_open_ever_more_letters() -> None:
    assert kinds(0)["opened", False] < kinds(0.5)["opened", False] < kinds(1)["opened", False]


def test_of_the_last_weeks_letters_one_comes_back_however_few_there_are() -> None:
    read = parse(reports(KEYS[:16], "0123abcd", SENT, 1))
    assert [event.kind for event in read.events].count("blocked") == 1
    assert not parse(reports([], "0123abcd", SENT, 1)).events
