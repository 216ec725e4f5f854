from datetime import UTC, datetime

import pytest

from edu_pipeline.mail.alerts import alert, what_happened
from edu_pipeline.mail.letter import Address

AT = datetime(2026, 10, 2, 15, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            "edu_pipeline.landing.zone.LandingError: The zone cannot be listed. Check [landing].",
            "The zone cannot be listed.",
        ),
        (
            "dagster._core.definitions.events.Failure: The last refresh has no figures for 7.3. Run",
            "The last refresh has no figures for 7.3.",
        ),
        (
            "polars.exceptions.ComputeError: could not parse `Moss, Ada` as date",
            "It was an unexpected error (ComputeError); the run's log has the rest.",
        ),
        (
            "KeyError: 'ada.moss@riverside.example'",
            "It was an unexpected error (KeyError); the run's log has the rest.",
        ),
        ("", "The run's log says why."),
    ],
)
def test_only_sentences_that_were_written_for_people_are_quoted(error: str, told: str) -> None:
    assert what_happened(error) == told


def test_an_alert_says_which_job_failed_where_and_when() -> None:
    letter = alert(
        "0c1d2e3f-1111",
        "refresh",
        "raw_students",
        "KeyError: 1",
        AT,
        Address("reports@riverside.example"),
        "operator@riverside.example",
    )
    assert letter.key == "alerts:2026-10-02:r_0c1d2e3f1111"
    assert letter.recipient.email == "operator@riverside.example"
    assert letter.subject == "edu-pipeline: refresh failed"
    for words in ("refresh", "raw_students", "2026-10-02 at 15:04 UTC"):
        assert words in letter.text
        assert words in letter.html
