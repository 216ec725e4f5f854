"""Whether anything has changed since the last whole round: if not, none has to be made.

A round is a refresh with the letters that were due. What it rests on, and what it left, is looked at
from outside, all at once: what landed, settings, templates, code, the ledger, the day, and whether the
warehouse is as it was left. In doubt a round is made.
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from importlib.metadata import version
from pathlib import Path

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.landing.glance import Glance, look
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.wiring.environment import landing_zone

_CODE = Path(__file__).resolve().parents[1]
_LIBRARIES = ("altair", "duckdb", "jinja2", "polars", "vl-convert-python")
"""By which figures, letters and pictures are made."""


@dataclass(frozen=True)
class Round:
    """What a round rested on, and left."""

    ended: datetime
    landed: Glance
    rest: str
    """Digest of everything else."""


def last_round(room: MailRoom) -> Round | None:
    """The last whole round, if nothing has changed since it ended.

    What a carrier knows cannot be seen from here, so with one there is a round each time.
    """
    mail = room.settings.mail
    if mail.mode == "live" and mail.transport == "sendgrid":
        return None
    try:
        noted = json.loads(_note(room).read_text(encoding="utf-8"))
        before = Round(
            datetime.fromisoformat(noted["ended"]), Glance.of(noted["landed"]), noted["rest"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if before.rest != _rest(room) or before.landed.content != _landed(room, before.landed).content:
        return None
    return before


def begin(room: MailRoom) -> Glance:
    """Forget the last round, before another begins; what is there to be read by it."""
    with suppress(FileNotFoundError):
        _note(room).unlink()
    return _landed(room, Glance())


def end(room: MailRoom, landed: Glance) -> None:
    """Note that a round has ended.

    Args:
        room: Whose.
        landed: What `begin` saw: what has landed since is for the next round.
    """
    noted = {
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "landed": landed.to_text(),
        "rest": _rest(room),
    }
    _note(room).write_text(json.dumps(noted), encoding="utf-8")


def _note(room: MailRoom) -> Path:
    return room.home.data / "last-round.json"


def _landed(room: MailRoom, before: Glance) -> Glance:
    zone = landing_zone(room)
    return look(zone, zone.list(), "", before)


def _rest(room: MailRoom) -> str:
    home, settings = room.home, room.settings
    with room.open_ledger() as ledger:
        told = ledger.extent()
    own = {each.post.templates for each in settings.programmes} - {None}
    folders = [
        shipped("templates"),
        home.templates,
        *(home.root / str(name) for name in sorted(map(str, own))),
    ]
    files = [*_below(_CODE, "*.py"), *(path for folder in folders for path in _below(folder))]
    rests_on = [
        settings.model_dump_json(),
        _today(settings.zone).isoformat(),
        told,
        {name: version(name) for name in _LIBRARIES},
        [_stamp(path) for path in [*files, home.warehouse, home.site / "index.html"]],
    ]
    return hashlib.sha256(json.dumps(rests_on).encode()).hexdigest()


def _today(zone: tzinfo) -> date:
    return datetime.now(zone).date()


def _below(folder: Path, pattern: str = "*") -> Iterable[Path]:
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), -1, 0
    return str(path), found.st_size, found.st_mtime_ns
