"""What a sensor remembers of files in the landing zone: enough to see that their content changed.

Whose files, and what is done then, is for others to say. A listing that is as it was is not read
again; one that is not is read whole, so that a file which was only touched changes nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from edu_pipeline.landing.zone import LandedFile, Zone, digest, fingerprint


@dataclass(frozen=True)
class Glance:
    """A look at some files; as a sensor's cursor it is of one length, however many there are."""

    turn: int = 0
    """How often something had changed; exports that change and change back are another turn."""
    listing: str = ""
    """Digest of names, sizes, ETags and times."""
    content: str = ""
    """Digest of what is in them and of what they are read with; nothing where there are none."""

    def to_text(self) -> str:
        """As a sensor's cursor."""
        return f"{self.turn} {self.listing} {self.content}"

    @classmethod
    def of(cls, cursor: str | None) -> "Glance":
        """From a sensor's cursor; of one that is none it knows nothing."""
        parts = (cursor or "").split(" ")
        if len(parts) != 3 or not parts[0].isdecimal():  # noqa: PLR2004
            return cls()
        return cls(int(parts[0]), parts[1], parts[2])


def look(zone: Zone, files: Sequence[LandedFile], read_with: str, before: Glance) -> Glance:
    """Look at files again.

    Args:
        zone: That they are in.
        files: Of its list.
        read_with: What else decides what becomes of them, such as settings.
        before: The look before.

    Returns:
        With the next turn where `content` is another.
    """
    listing = _digest(
        [
            read_with,
            *([file.path, file.size, file.e_tag, file.last_modified.isoformat()] for file in files),
        ]
    )
    if listing == before.listing:
        return before
    digests = {}
    for file in files:
        with zone.local(file.path) as path:
            digests[file.path] = digest(path)
    content = _digest([read_with, fingerprint(digests)]) if files else ""
    turn = before.turn + (content != before.content)
    return Glance(turn, listing, content)


def _digest(of: object) -> str:
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()
