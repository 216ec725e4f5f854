"""Whether a home needs a person though nobody watches it: what is wrong, in sentences without names.

Pure: what is known at a moment in, what concerns somebody out. Who is told, and how often, is for
`wiring.heartbeat` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from edu_pipeline.ground.wording import counted, long_date, moment

FEWEST_FREE_BYTES = 1_000_000_000
"""A refresh, its pages and letters fit into less."""
LATE = timedelta(days=1)


@dataclass(frozen=True)
class Pulse:
    """What is known of a home at a moment."""

    refreshed: datetime | None
    """When the last refresh that succeeded ended; None: none did."""
    failed: bool
    """Whether one has failed since, of everything or of a source, and none is on its way."""
    expected: date | None
    """The last day of the first school week whose registers are not all in; None: none is to come."""
    free: int
    """Bytes on the disk."""
    drafts: int
    """Letters that wait for somebody to approve them."""
    trouble: int
    """Letters that were refused, or may or may not have gone out."""
    held: str | None
    """Why the newest letters are held."""
    broken: bool = False
    """Whether the warehouse cannot be read."""


def concerns(pulse: Pulse, now: datetime, zone: ZoneInfo) -> Mapping[str, str]:
    """What somebody should look at: kind → a sentence, and what to do. Nothing: all is well."""
    found: dict[str, str] = {}
    when = f"on {moment(pulse.refreshed.astimezone(zone))}" if pulse.refreshed else "never"
    if pulse.failed:
        found["refresh"] = (
            f"A refresh failed; the last that succeeded ended {when}. Look at it in the UI "
            "(edu-pipeline ui), or run: edu-pipeline run"
        )
    if pulse.broken:
        found["warehouse"] = (
            "The warehouse is damaged. Delete warehouse.duckdb in the home's data folder: it holds "
            "nothing that cannot be computed again. Then: edu-pipeline run"
        )
    if pulse.expected and now.astimezone(zone).date() - pulse.expected > LATE:
        found["exports"] = (
            f"The registers of the week that ended on {long_date(pulse.expected)} have not come, or "
            "not all of them. If there was school: edu-pipeline landing inspect"
        )
    if pulse.free < FEWEST_FREE_BYTES:
        found["disk"] = (
            f"Only {pulse.free / 1e6:,.0f} MB are free on the disk of this home. Make room, or "
            "refreshes and letters will fail."
        )
    if pulse.trouble:
        found["letters"] = (
            f"{counted(pulse.trouble, 'letter')} were refused, or may or may not have gone out: "
            "edu-pipeline mail status"
        )
    if pulse.held:
        found["held"] = f"The newest letters are held. {pulse.held}"
    elif pulse.drafts:
        found["drafts"] = (
            f"{counted(pulse.drafts, 'letter')} wait to be approved: edu-pipeline mail approve"
        )
    return found
