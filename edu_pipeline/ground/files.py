"""Files that people open while a run writes: whole, or as they were before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Where to write a draft of a file; it takes the file's place when it is complete.

    What is raised in between leaves the file as it was, and no draft.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is either complete and on disk, or as it was before."""
    with replaced(path) as draft:
        draft.write_bytes(content)


def write_changed(path: Path, content: bytes) -> None:
    """Write a file whole, unless it is there already: a disk takes longer to write than to read."""
    if not path.exists() or path.read_bytes() != content:
        write_whole(path, content)
