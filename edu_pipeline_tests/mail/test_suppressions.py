"""Who is not written to, and what went out before the ledger, on SQLite and on PostgreSQL."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.ledger.history import import_history, sent_before
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.suppressions import (
    Imported,
    export_suppressions,
    has_stopped,
    import_suppressions,
    in_force,
    lift,
    note_all,
    reason_not_to_write,
    resume,
    stop,
    suppress,
)
from edu_pipeline.mail.links import Subscription
from edu_pipeline.mail.lists import BadLine, ListError
from edu_pipeline.mail.suppressed import Reason, Suppressed
from edu_pipeline_tests.mail.conftest import LetterMaker

MONDAY = datetime(2026, 10, 5, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = "ada@riverside.example"
MINE = Subscription("teachers", "t_1")


def bounced(ledger: Ledger, scope: str = "*", reason: Reason = "bounce") -> bool:
    return suppress(
        ledger, "Ada@Riverside.example", scope, reason, source="person", now=MONDAY, by="office"
    )


def to_ada(
    ledger: Ledger, campaign: str = "teachers", email: str = "ADA@riverside.example"
) -> bool:
    with ledger.connect() as connection:
        reason = reason_not_to_write(
            campaign=campaign, recipient_key="t_1", email=same_address(email)
        )
        return connection.scalar(sa.select(reason)) is not None


def test_a_suppressed_address_is_known_in_any_case(ledger: Ledger) -> None:
    assert not to_ada(ledger)
    assert bounced(ledger)
    assert to_ada(ledger)
    assert not to_ada(ledger, email="bo@riverside.example")


def test_a_campaigns_suppression_leaves_the_others_alone(ledger: Ledger) -> None:
    bounced(ledger, "teachers")
    assert to_ada(ledger)
    assert not to_ada(ledger, campaign="nudges")


def test_what_is_lifted_no_longer_counts_but_stays_in_the_log(ledger: Ledger) -> None:
    bounced(ledger)
    assert lift(ledger, ADA, "*", source="person", now=MONDAY + HOUR, by="office")
    assert not to_ada(ledger)
    assert in_force(ledger).is_empty()
    assert bounced(ledger)
    assert to_ada(ledger)


def test_nothing_is_noted_twice(ledger: Ledger) -> None:
    assert bounced(ledger)
    assert not bounced(ledger)
    assert not lift(ledger, ADA, "teachers", source="person", now=MONDAY, by="office")
    assert in_force(ledger).rows() == [(ADA, "*", "bounce", "person", MONDAY, "office")]


def test_lifting_one_scope_leaves_the_other(ledger: Ledger) -> None:
    bounced(ledger, "*")
    bounced(ledger, "teachers", "unsubscribe")
    lift(ledger, ADA, "*", source="person", now=MONDAY, by="office")
    assert to_ada(ledger)
    assert not to_ada(ledger, campaign="nudges")


# Several reasons for one address


def test_a_bounce_does_not_erase_what_somebody_wished_before(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1", email=ADA)], now=MONDAY, by="test")
    assert bounced(ledger, "teachers", "unsubscribe")
    later = [Suppressed(ADA, "bounce", MONDAY + HOUR)]
    assert note_all(ledger, later, scope="teachers", source="sendgrid", by="sync") == 1
    assert in_force(ledger)["reason"].to_list() == ["bounce", "unsubscribe"]
    assert has_stopped(ledger, MINE) is True
    assert to_ada(ledger, email="moss@riverside.example")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_carriers_lines_count_in_any_order(ledger: Ledger, order: tuple[int, ...]) -> None:
    lines = [
        Suppressed(ADA, "unsubscribe", MONDAY),
        Suppressed(ADA, "bounce", MONDAY + HOUR),
        Suppressed(ADA, "complaint", MONDAY - HOUR),
    ]
    pulled = [lines[number] for number in order]
    for expected in (3, 0):
        assert note_all(ledger, pulled, scope="*", source="sendgrid", by="sync") == expected
    assert in_force(ledger).select("reason", "at").rows() == [
        ("bounce", MONDAY + HOUR),
        ("complaint", MONDAY - HOUR),
        ("unsubscribe", MONDAY),
    ]


def test_lifting_a_bounce_leaves_the_wish(ledger: Ledger) -> None:
    bounced(ledger, "*", "unsubscribe")
    bounced(ledger, "*", "bounce")
    for lifted in (("bounce",), ()):
        assert lifted == lift(
            ledger, ADA, "*", reason="bounce", source="person", now=MONDAY + HOUR, by="office"
        )
    assert in_force(ledger)["reason"].to_list() == ["unsubscribe"]
    assert to_ada(ledger)


def test_lifting_names_all_that_it_lifts(ledger: Ledger) -> None:
    bounced(ledger, "*", "unsubscribe")
    bounced(ledger, "*", "bounce")
    bounced(ledger, "teachers", "complaint")
    for lifted in (("unsubscribe", "bounce"), ()):
        assert lifted == lift(ledger, ADA, "*", source="person", now=MONDAY + HOUR, by="office")
    assert in_force(ledger).select("scope", "reason").rows() == [("teachers", "complaint")]


def test_an_address_that_is_suppressed_for_several_reasons_is_exported_with_all(
    ledger: Ledger,
) -> None:
    bounced(ledger, "*", "unsubscribe")
    bounced(ledger, "*", "bounce")
    exported = export_suppressions(ledger)
    lift(ledger, ADA, "*", source="person", now=MONDAY - HOUR, by="office")
    assert import_suppressions(ledger, exported.encode(), now=MONDAY, by="office").new == 2
    assert in_force(ledger)["reason"].to_list() == ["bounce", "unsubscribe"]


@pytest.mark.parametrize(
    ("reason", "goes_along"), [("unsubscribe", True), ("complaint", True), ("bounce", False)]
)
def test_a_persons_wish_goes_along_to_a_new_address_but_a_bounce_does_not(
    ledger: Ledger, make_letter: LetterMaker, reason: Reason, *, goes_along: bool
) -> None:
    ledger.queue([make_letter("t_1", email="Ada@riverside.example")], now=MONDAY, by="test")
    bounced(ledger, "*", reason)
    assert to_ada(ledger, email="ada.moss@riverside.example") is goes_along


# The carrier's own list


def test_a_carriers_list_is_taken_over_once(ledger: Ledger) -> None:
    pulled = [
        Suppressed("Ada@riverside.example", "bounce", MONDAY),
        Suppressed("bo@riverside.example", "complaint", MONDAY),
        Suppressed("cy@riverside.example", "block", MONDAY),
    ]
    for expected in (2, 0):
        assert note_all(ledger, pulled, scope="*", source="sendgrid", by="sync") == expected
    assert in_force(ledger).select("email", "reason").rows() == [
        (ADA, "bounce"),
        ("bo@riverside.example", "complaint"),
    ]


def test_a_carriers_old_line_does_not_undo_what_a_person_lifted_since(ledger: Ledger) -> None:
    old = [Suppressed(ADA, "bounce", MONDAY)]
    note_all(ledger, old, scope="*", source="sendgrid", by="sync")
    lift(ledger, ADA, "*", source="person", now=MONDAY + HOUR, by="office")
    assert note_all(ledger, old, scope="*", source="sendgrid", by="sync") == 0
    again = [Suppressed(ADA, "bounce", MONDAY + 2 * HOUR)]
    assert note_all(ledger, again, scope="*", source="sendgrid", by="sync") == 1


# Lists from outside


def test_a_list_is_imported_and_its_bad_lines_are_told(ledger: Ledger) -> None:
    content = f"email,scope,reason,at\n{ADA},teachers,unsubscribe,2026-09-28\nnobody,*,bounce,\n"
    done = import_suppressions(ledger, content.encode(), now=MONDAY, by="office")
    assert done == Imported(new=1, known=0, bad=(BadLine(3, "email is not an address"),))
    again = import_suppressions(ledger, content.encode(), now=MONDAY, by="office")
    assert (again.new, again.known) == (0, 1)
    at = datetime(2026, 9, 28, tzinfo=UTC)
    assert in_force(ledger).rows() == [(ADA, "teachers", "unsubscribe", "import", at, "office")]


def test_what_is_exported_can_be_imported_elsewhere(ledger: Ledger) -> None:
    for address in ("=cmd@x.example", "+ada@x.example", ADA):
        suppress(ledger, address, "*", "bounce", source="person", now=MONDAY, by="office")
    exported = export_suppressions(ledger)
    assert exported.splitlines()[0] == "email,scope,reason,at"
    for line in exported.splitlines():
        assert not line.startswith(("=", "+", "-", "@"))
    before = in_force(ledger)
    for address in before["email"]:
        lift(ledger, address, "*", source="person", now=MONDAY - HOUR, by="office")
    import_suppressions(ledger, exported.encode(), now=MONDAY + HOUR, by="office")
    assert (
        in_force(ledger)
        .select("email", "scope", "reason", "at")
        .equals(before.select("email", "scope", "reason", "at"))
    )


def test_an_empty_log_exports_its_heading(ledger: Ledger) -> None:
    assert export_suppressions(ledger) == "email,scope,reason,at\r\n"


# The link in a letter


def test_a_recipient_stops_and_takes_up_a_campaign(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1", email=ADA)], now=MONDAY, by="test")
    assert has_stopped(ledger, MINE) is False
    for _ in range(2):
        assert stop(ledger, MINE, now=MONDAY)
    assert has_stopped(ledger, MINE) is True
    assert to_ada(ledger)
    assert not to_ada(ledger, campaign="nudges")
    assert in_force(ledger).select("email", "scope", "reason", "source", "by").rows() == [
        (ADA, "teachers", "unsubscribe", "link", "recipient")
    ]
    for _ in range(2):
        assert resume(ledger, MINE, now=MONDAY + HOUR)
    assert has_stopped(ledger, MINE) is False
    assert not to_ada(ledger)


def test_taking_up_a_campaign_lifts_nothing_but_the_own_wish(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1", email=ADA)], now=MONDAY, by="test")
    bounced(ledger, "*", "unsubscribe")
    stop(ledger, MINE, now=MONDAY)
    resume(ledger, MINE, now=MONDAY + HOUR)
    assert to_ada(ledger)
    assert in_force(ledger)["scope"].to_list() == ["*"]


def test_taking_up_a_campaign_does_not_lift_a_bounce(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1", email=ADA)], now=MONDAY, by="test")
    bounced(ledger, "teachers")
    resume(ledger, MINE, now=MONDAY + HOUR)
    assert to_ada(ledger)


def test_a_stop_from_before_a_new_address_is_shown_and_can_be_taken_back(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1", email=ADA)], now=MONDAY, by="test")
    stop(ledger, MINE, now=MONDAY)
    new = make_letter("t_1", email="moss@riverside.example", period="2026-W41")
    ledger.queue([new], now=MONDAY + HOUR, by="test")
    assert has_stopped(ledger, MINE) is True
    assert to_ada(ledger, email="moss@riverside.example")
    resume(ledger, MINE, now=MONDAY + 2 * HOUR)
    assert not to_ada(ledger, email="moss@riverside.example")


def test_a_link_to_a_person_of_whom_nothing_is_kept_does_nothing(ledger: Ledger) -> None:
    assert has_stopped(ledger, MINE) is None
    assert not stop(ledger, MINE, now=MONDAY)
    assert not resume(ledger, MINE, now=MONDAY)
    assert in_force(ledger).is_empty()


# What went out before


def test_the_history_of_another_tool_is_imported_once(ledger: Ledger) -> None:
    content = (
        b"campaign,period,email,date\n"
        b"teachers,2026-W39,Ada@Riverside.example,2026-09-25\n"
        b"teachers,2026-W39,ada@riverside.example,2026-09-26\n"
        b"teachers,2026-W39,,2026-09-25\n"
    )
    done = import_history(ledger, content, source="old-tool.csv")
    assert done == Imported(new=1, known=1, bad=(BadLine(4, "email is not an address"),))
    assert import_history(ledger, content, source="old-tool.csv").known == 2
    with ledger.connect() as connection:

        def before(period: str, email: str = "ADA@riverside.example") -> date | None:
            day = sent_before(campaign="teachers", period=period, email=same_address(email))
            return connection.scalar(sa.select(day))

        assert before("2026-W39") == date(2026, 9, 25)
        assert before("2026-W40") is None
        assert before("2026-W39", "bo@riverside.example") is None


def test_two_letters_of_a_period_to_one_address_are_told_apart_by_what_they_were_about(
    ledger: Ledger,
) -> None:
    content = (
        b"campaign,period,email,date,about\n"
        b"nudges.lead,2026-W39,ada@riverside.example,2026-09-25,verify/a\n"
        b"nudges.lead,2026-W39,ada@riverside.example,2026-09-24,verify/b\n"
        b"nudges.lead,2026-W39,ada@riverside.example,2026-09-26,verify/a\n"
        b"nudges.lead,2026-W39,bo@riverside.example,,verify/a\n"
    )
    done = import_history(ledger, content, source="mailer.csv")
    assert done == Imported(new=2, known=1, bad=(), undated=1)
    with ledger.connect() as connection:
        for email, day in ((ADA, date(2026, 9, 24)), ("bo@riverside.example", None)):
            before = sent_before(campaign="nudges.lead", period="2026-W39", email=email)
            assert connection.scalar(sa.select(before)) == day


def test_nothing_is_imported_of_a_file_without_its_columns(ledger: Ledger) -> None:
    with pytest.raises(ListError):
        import_history(ledger, b"who,when\n", source="x.csv")
    with pytest.raises(ListError):
        import_suppressions(ledger, b"who\n", now=MONDAY, by="office")
