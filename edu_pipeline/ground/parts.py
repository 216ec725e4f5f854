"""What is too much to be in memory together, a part at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many of them together, taken as they are asked for; one part at least, which may be empty."""
    rest = iter(items)
    yield [*islice(rest, size)]
    while part := [*islice(rest, size)]:
        yield part
