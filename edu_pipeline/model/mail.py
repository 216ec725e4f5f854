"""What the mail room tells the warehouse: no content, no names, no addresses."""

import dataframely as dy

TRACKING = ("off", "aggregate", "individual")


def _letters(description: str) -> dy.Int64:
    return dy.Int64(min=0, description=description)


def _counted(description: str) -> dy.Int64:
    return dy.Int64(nullable=True, min=0, description=description)


def _rate(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, description=description)


class CampaignEngagement(dy.Schema):
    """What became of the letters of one campaign and period, and how many were opened."""

    campaign = dy.String(primary_key=True, description="Such as teachers")
    period = dy.String(primary_key=True, description="Such as 2026-W40")
    queued = _letters("Letters in the ledger, corrections included")
    waiting = _letters("Of these, to be approved, or approved and not yet gone")
    sent = _letters("Taken by the carrier, whatever came of it")
    delivered = _letters("Of these, in the recipient's mailbox as far as the carrier reports")
    bounced = _letters("Of these, sent back by the recipient's mail server")
    dropped = _letters("Of these, not delivered by the carrier itself")
    complained = _letters("Of those delivered, marked as spam")
    failed = _letters("Refused by the carrier")
    unknown = _letters("May have gone out: a person or the carrier's records must tell")
    held = _letters("Wait for a person, because of what is in them or in the data")
    suppressed = _letters("To people who are not to be written to")
    expired = _letters("No longer news before they could go out")
    cancelled = _letters("Taken back before they went out")
    unsubscribed = _letters("Letters whose recipient unsubscribed through the carrier")
    tracking = dy.String(
        check=lambda c: c.is_in(TRACKING),
        description="Whose opens were counted; off: none were asked for, or none was reported yet",
    )
    opened_people = _counted("Of those delivered, opened by a person; empty unless individual")
    opened_by_programs_only = _counted(
        "Of those delivered, fetched by a program and not seen to be opened by a person; empty "
        "unless individual"
    )
    clicked_people = _counted("Of those delivered, with a click; empty unless individual")
    opens = _counted("Opens by people, repeated ones included; empty when off")
    program_opens = _counted("Opens by programs; empty when off")
    clicks = _counted("Clicks, repeated ones included; empty when off")
    open_rate_low = _rate("opened_people ÷ delivered; empty unless individual")
    open_rate_high = _rate(
        "(opened_people + opened_by_programs_only) ÷ delivered; empty unless individual"
    )


class LandedEvents(dy.Schema):
    """One file of events in the landing zone, and what reading it did, in events."""

    file = dy.String(primary_key=True, description="Path below the landing zone")
    new = dy.Int64(min=0, description="Recorded now")
    known = dy.Int64(min=0, description="Recorded before, from this file or by the receiver")
    foreign = dy.Int64(min=0, description="Of letters that are not in this home's ledger; left out")
    untracked = dy.Int64(min=0, description="Opens and clicks that nobody asked for; left out")
    malformed = dy.Int64(min=0, description="Not what the carrier documents; left out")
