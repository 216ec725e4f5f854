"""One kind of letters, and the names by which people and Dagster know its steps.

Which kinds a home has is not for the mail room to know.
"""

from collections.abc import Collection
from dataclasses import dataclass

CARRIER = "letters"
"""The source of what becomes of letters that are out; a tag of tables, as others are."""
_BETWEEN_AXES = "|"
"""What Dagster writes between the two names of a partition."""


@dataclass(frozen=True)
class Mailing:
    """Letters that are written, queued, approved and delivered alike, one partition at a time.

    A partition is a week, or something with a week such as `buslead|2026-09-28`; every such thing
    has a campaign of its own, such as `nudges.buslead`.
    """

    campaign: str
    """Such as `teachers`, or what campaigns such as `nudges.buslead` begin with."""
    source: str
    """Whose landing makes its periods anew; a tag of tables."""
    noun: str
    """What its jobs and assets call the letters, such as `letters`: `send_letters`."""
    before: tuple[str, ...]
    """The assets that are made for one partition before its letters are written and queued."""
    names: str | None
    """The asset with the full names of everybody whom a letter might name, as `name`.

    None where each letter is written from the row of its recipient alone, so that it can name nobody
    else: it is then searched for no names, or one learner who is called `Top` or `1` would hold the
    letters to all others. Only the reason of a correction, which a person writes, must not name a
    recipient.
    """
    periods: str
    """The asset with its periods, a frame of `due.PERIODS`."""
    recorded: str
    """The asset that writes them into the ledger."""
    schedule: str
    """The schedule that sends what is due."""
    again: str
    """The command that writes letters anew; `{period}` is their period, `{of}` what comes after the
    dot of their campaign."""

    @property
    def queued(self) -> str:
        """The asset that writes letters into the ledger."""
        return f"queued_{self.noun}"

    @property
    def delivered(self) -> str:
        """The asset that delivers them."""
        return f"delivered_{self.noun}"

    @property
    def written(self) -> tuple[str, ...]:
        """The assets that are made for one partition before anything is delivered."""
        return (*self.before, self.queued)

    @property
    def send(self) -> str:
        """The job that writes, queues and delivers."""
        return f"send_{self.noun}"

    @property
    def deliver(self) -> str:
        """The job that delivers what was queued before."""
        return f"deliver_{self.noun}"

    @property
    def approve(self) -> str:
        """The job by which a person approves drafts."""
        return f"approve_{self.noun}"

    def owns(self, campaign: str) -> bool:
        """Whether letters of a campaign are of this kind."""
        return campaign.partition(".")[0] == self.campaign

    def campaign_of(self, partition: str) -> str:
        """The campaign of a partition's letters."""
        of, _, _ = partition.rpartition(_BETWEEN_AXES)
        return f"{self.campaign}.{of}" if of else self.campaign

    def write_again(self, campaign: str, period: str) -> str:
        """The command that writes a period's letters anew, without `edu-pipeline`."""
        return self.again.format(period=period, of=campaign.partition(".")[2])


def options(campaign: str, period: str, campaigns: Collection[str]) -> str:
    """By which options commands mean a period: `--week 2026-W40`, with the campaign if need be.

    Args:
        campaign: Of the letters.
        period: Of the letters.
        campaigns: All that have letters.
    """
    week = f"--week {period}"
    return f"--campaign {campaign} {week}" if set(campaigns) - {campaign} else week
