"""A home without its sample: what was made up goes from every room, and nothing of anybody's own."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from edu_pipeline.ground.warehouse import hold
from edu_pipeline.mail.ledger.invented import TakenOut, take_out_invented
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.mail.transports.folder import period_folder
from edu_pipeline.sample.brought import take_away
from edu_pipeline.sample.landing import clear_sample, own_files, sample_since
from edu_pipeline.settings.home import Home
from edu_pipeline.site.mail_page import with_sheets, write_mail_pages


class ServedError(Exception):
    """Dagster is at work in the home; the message says what to do."""


@dataclass(frozen=True)
class Cleared:
    """What became of a home."""

    files: int
    """Of the sample, in the landing zone."""
    letters: int
    exports: int
    """Of somebody's own, which stay."""
    ledger: Mapping[str, int]
    """What is not made up in the ledger, which stays → how much of it."""
    own: bool
    """Whether any of it was somebody's own; then the history of runs stays, too."""


def clear(room: MailRoom, landing: Path) -> Cleared | None:
    """Make a home what it was before its sample; None where there is none.

    What can be computed again goes in any case; done again after it broke off, it goes on.

    Raises:
        HomeBusyError: A run is at work.
        ServedError: The UI is open, and its history would go.
        SampleError: The marker cannot be trusted.
    """
    home, since = room.home, sample_since(landing)
    if since is None:
        return None
    with hold(home.lock, "`edu-pipeline sample --clear`"):
        exports, earlier = len(own_files(landing)), _has_runs_before(home, since)
        if not earlier and not exports and is_served(home):
            raise ServedError(
                "Dagster's UI or daemon is open on this home. End it first, then clear."
            )
        with room.open_ledger() as ledger:
            taken = take_out_invented(ledger, since)
            own = bool(exports or earlier or taken.left)
            if own:
                _clear_outbox(room, ledger, taken)
        for path in (*_computed(home), *(() if own else _of_the_sample_alone(home))):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        take_away(home)
        files = len(clear_sample(landing))
    return Cleared(files, len(taken.letters), exports, taken.left, own)


def is_served(home: Home) -> bool:
    """Whether a web server or a daemon runs on a home: they work in its history's folder."""
    at = str(home.dagster.resolve())
    return any(process.info["cwd"] == at for process in psutil.process_iter(["cwd"]))


def _has_runs_before(home: Home, since: datetime) -> bool:
    if not home.dagster.is_dir():
        return False
    import dagster as dg  # noqa: PLC0415 - slow to import, and only the history needs it

    from edu_pipeline.wiring.runs import share_history  # noqa: PLC0415

    share_history(home)
    with dg.DagsterInstance.get() as instance:
        return instance.get_runs_count(dg.RunsFilter(created_before=since)) > 0


def _clear_outbox(room: MailRoom, ledger: Ledger, taken: TakenOut) -> None:
    """Take away letters' files, and weeks that have no others."""
    home = room.home
    kept = {(each.campaign, each.period) for each in ledger.periods()}
    for campaign, period, recipient in taken.letters:
        for outbox in (home.outbox, home.outbox / "test"):
            folder = period_folder(outbox, campaign, period)
            if (campaign, period) not in kept:
                shutil.rmtree(folder, ignore_errors=True)
            for path in folder.rglob(f"{recipient}[.~]*"):
                path.unlink()
    if not kept:
        shutil.rmtree(home.outbox, ignore_errors=True)
    else:  # pages with links to them
        write_mail_pages(home, room.settings, ledger, *with_sheets(home, sorted(kept)))


def _computed(home: Home) -> Sequence[Path]:
    """What a run makes again of what is there then."""
    beside = (home.warehouse.with_name(f"{home.warehouse.name}{end}") for end in (".wal", ".tmp"))
    made = (home.site, home.preview, home.reports, home.data / "last-round.json")
    return (*made, home.warehouse, *beside)


def _of_the_sample_alone(home: Home) -> Iterator[Path]:
    """What has nothing of anybody's own in it."""
    yield from (home.outbox, home.dagster)
    for end in ("db", "db-wal", "db-shm", "sender", "migration", "journal", "journal.lock"):
        yield home.data / f"ledger.{end}"
    yield from home.data.glob("ledger.*.before-*.db*")
