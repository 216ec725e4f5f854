from datetime import date

import pytest

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.mailing import options
from edu_pipeline.wiring.mailings import NUDGES, TEACHERS, mailing_of

LAST = date(2026, 10, 2)


@pytest.mark.parametrize(
    ("partition", "campaign"),
    [("lead|2026-09-28", "nudges.lead"), ("buslead|2026-09-28", "nudges.buslead")],
)
def test_every_programme_has_a_campaign_of_its_own(partition: str, campaign: str) -> None:
    assert NUDGES.campaign_of(partition) == campaign
    assert NUDGES.owns(campaign)
    assert mailing_of(campaign) is NUDGES
    assert not TEACHERS.owns(campaign)


def test_teachers_have_one_campaign() -> None:
    assert TEACHERS.campaign_of("2026-09-28") == "teachers"
    assert mailing_of("teachers") is TEACHERS
    assert not NUDGES.owns("teachers")


def test_each_kind_of_letters_is_written_again_by_its_own_command() -> None:
    assert TEACHERS.write_again("teachers", "2026-W40") == "run --week 2026-W40"
    assert NUDGES.write_again("nudges.lead", "2026-W40") == "programmes nudge lead"


def test_a_week_is_enough_where_no_other_campaign_has_letters() -> None:
    assert options("teachers", "2026-W40", {"teachers"}) == "--week 2026-W40"
    assert options("nudges.lead", "2026-W40", {"teachers", "nudges.lead"}) == (
        "--campaign nudges.lead --week 2026-W40"
    )


def test_recording_nudges_replaces_those_of_every_programme_and_of_nobody_else(
    ledger: Ledger,
) -> None:
    def period(campaign: str) -> Period:
        return Period(campaign, "2026-W40", campaign, LAST, complete=True, held=None)

    ledger.record_periods("teachers", [period("teachers")])
    ledger.record_periods("nudges", [period("nudges.lead"), period("nudges.buslead")])
    ledger.record_periods("nudges", [period("nudges.lead")])
    assert [each.campaign for each in ledger.recorded_periods()] == ["nudges.lead", "teachers"]
