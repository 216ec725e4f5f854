"""What a sensor remembers of files in the landing zone: enough to see that their content changed.

Whose files, and what is done then, is for others to say. A listing that is as it was is not read
again; one that is not is read whole, so that a file which was only touched changes nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.zone import Zone, fingerprint


@dataclass(frozen=True)
class Glance:
    """A look at some files; as a sensor's cursor it is of one length, however many there are."""

    turn: int = 0
    """How often something had changed; exports that change and change back are another turn."""
    listing: str = ""
    """Digest of names, sizes, ETags and times."""
    content: str = ""
    """Digest of what is in them and of what they are read with; nothing where there are none."""
    waiting: str = ""
    """Digest of a listing that was new at the last look, of which files may still grow."""

    def to_text(self) -> str:
        """As a sensor's cursor."""
        return f"{self.turn} {self.listing} {self.content} {self.waiting}"

    @classmethod
    def of(cls, cursor: str | None) -> "Glance":
        """From a sensor's cursor; of one that is none it knows nothing."""
        parts = (cursor or "").split(" ")
        if len(parts) not in (3, 4) or not parts[0].isdecimal():
            return cls()
        return cls(int(parts[0]), *parts[1:])


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
    listing = listing_of(files, read_with)
    if listing == before.listing:
        return before
    digests = {file.path: zone.content(file.path) for file in files}
    content = _digest([read_with, fingerprint(digests)]) if files else ""
    turn = before.turn + (content != before.content)
    return Glance(turn, listing, content)


def listing_of(files: Sequence[LandedFile], read_with: str) -> str:
    """Digest of what can be seen of files without reading them, and of what they are read with."""
    seen = ([each.path, each.size, each.e_tag, each.last_modified.isoformat()] for each in files)
    return _digest([read_with, *seen])


def _digest(of: object) -> str:
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()
