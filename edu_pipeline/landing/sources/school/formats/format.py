"""What a published format is: its files, how each is known, and what it is read as."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.settings.landing import FilesOfExport

OR = "|"
"""Between headers of a specification that one of our columns may be read from."""


@dataclass(frozen=True)
class Member:
    """One file of a format. It is known by its name and its columns together."""

    name: str
    """Without ending and stamp; compared as `called` has it."""
    columns: tuple[str, ...]
    """Headers that it always has, as the specification writes them."""
    read_as: Mapping[str, FilesOfExport] = field(default_factory=dict)
    """Export → how its rows are read; without any nobody needs it. Joined with are other members."""
    any_name: bool = False
    """Whether it is known by its columns alone, as people save it under any name."""

    def fits(self, name: str, header: Sequence[str]) -> bool:
        """Whether a file of this name (as compared) and these columns may be it."""
        named = self.any_name or name == called(self.name)
        return named and all(spelt(each, header, self.name) for each in self.columns)


@dataclass(frozen=True)
class Format:
    """A published format."""

    name: str
    members: tuple[Member, ...]
    proofs: tuple[frozenset[str], ...]
    """Names of members that make a set one of this format, where they lie together: any of these."""
    version: str | None = None
    """What a manifest says that the set is of: proof enough, and it says of each file whether it is the
    whole (`bulk`) or changes only (`delta`)."""


def called(name: str) -> str:
    """A name without case, punctuation and plural: `calendarDates` is the file of each `CalendarDate`."""
    return re.sub("ie$", "y", normal(name).removesuffix("s"))


def spelt(column: str, header: Iterable[str], table: str) -> str | None:
    """The header that is a column of a specification; None where there is none.

    One below a reference (`schoolReference.schoolId`) may stand there without it, and a header may say the
    table that it is of (`Students.ID`) or the list that it is the first of (`electronicMails.0.electronicMailAddress`,
    `gradeLevels/0/…`). Where several do, none is it; below anything else (`Homeroom/Grade`) it is another's.

    Args:
        column: As the specification has it.
        header: Of the file.
        table: What the file is called in the specification.
    """
    names = list(header)
    leaf = column.rpartition(".")[2]
    for form, wanted in ((normal, column), (_bare, column), (_bare, leaf)):
        if found := next((name for name in names if form(name) == form(wanted)), None):
            return found
    path = _path(column)
    below = [name for name in names if _is_below(name, path, _bare(table))]
    return below[0] if len(below) == 1 else None


def _is_below(name: str, path: Sequence[str], table: str) -> bool:
    """Whether a header is a path, in its own table or the first of a list that is called like what it has."""
    found = _path(name)
    if found in (path, [table, *path]):
        return True
    of_list = re.search(r"[./\[]\d+\b", name) is not None
    return of_list and found[1:] == path and path[0].startswith(found[0])


def _path(name: str) -> list[str]:
    """What a header lies in and itself, without its places in lists."""
    parts = re.split(r"[./\[\]]+", name)
    return [_bare(part) for part in parts if part and not part.isdigit()]


def _bare(name: str) -> str:
    """`orgSourcedIds` and `orgs` alike: who saves files again leaves out what all have."""
    plain = normal(name).removesuffix("descriptor")
    return re.sub("s?(sourcedids?)?$", "", plain) or plain


def companions(columns: Mapping[str, str]) -> tuple[Member, ...]:
    """Members that nobody needs.

    Args:
        columns: Name → headers, apart by spaces.
    """
    return tuple(Member(name, tuple(headers.split())) for name, headers in columns.items())
