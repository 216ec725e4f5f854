"""Whom a campaign's letters may reach, as the settings and the ledger say together."""

from collections.abc import Mapping

from edu_pipeline.mail.checks import Limit
from edu_pipeline.mail.ledger.addressees import addressees, mark
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.settings.post import LEARNERS, Allowed


def limit_of(ledger: Ledger, campaign: str, allowed: Allowed) -> Limit:
    """Whom the letters of a campaign may reach.

    Args:
        ledger: An open ledger; knows whom the exports have.
        campaign: Such as `nudges.buslead`.
        allowed: From the settings.
    """
    if allowed != LEARNERS:
        return Limit(allowed)
    known, salt = addressees(ledger, campaign), ledger.salt
    return Limit(is_addressee=lambda email: mark(salt, email) in known)


def not_to_leave(
    ledger: Ledger, campaign: str, period: str, allowed: Allowed | None
) -> Mapping[str, str]:
    """The letters that are about to go and must not leave the machine: key → why.

    Settings, exports and senders may have changed since they were queued.
    """
    if allowed is None:
        return {}
    limit = limit_of(ledger, campaign, allowed)
    return {
        key: why
        for key, email, sender in ledger.about_to_go(campaign, period)
        if (why := limit.why_not(email, sender))
    }
