"""Ed-Fi's XML interchanges as workbooks: a sheet per kind of entity, a row per entity.

A column is called as the API of the standard calls it: what is below a reference by that reference and the
leaf (`SectionReference.SchoolId`), anything else by the leaf alone, where no other has its name. A leaf that
comes again in an entity is a list. Line n of a sheet is the (n-1)th entity of its kind. What names
another element (`ref="…"`) is not followed.
"""

import csv
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from weakref import finalize
from xml.parsers import expat

from edu_pipeline.landing.tables.csvfile import LISTED, reader_of
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.zone import digest

_HEAD = 4096
"""Bytes among which its root begins."""
_ROOT = re.compile(rb"<([\w.-]+:)?interchange\w*\s[^>]*ed-fi\.org", re.IGNORECASE)
_KEPT = 16
"""Interchanges that are kept as CSV while a process lasts: each is asked for sheet by sheet."""
_MOST = 200
"""Kinds of entities, columns of one, and elements within each other; the standard has a tenth of it."""
REFERENCE = "Reference"
"""How the names of elements end that name another entity."""


class BrokenInterchangeError(UnreadableFileError):
    """An interchange cannot be read."""


def is_interchange(path: Path) -> bool:
    """Whether a file is one, whatever it is called."""
    with path.open("rb") as file:
        start = file.read(_HEAD).replace(b"\0", b"")  # of two bytes a letter
    return b"<" in start and _ROOT.search(start) is not None


def entities_in(path: Path) -> Mapping[str, Path]:
    """Kind of entity → a CSV file of them, in the order in which kinds first come; not for keeping.

    Raises:
        BrokenInterchangeError: It is no whole XML, or has a document type.
    """
    return _kept(_Content(digest(path), path))


@dataclass(frozen=True)
class _Content:
    """A file; two of one content are one."""

    sha256: str
    path: Path = field(compare=False)


class _Kept(Mapping[str, Path]):
    """What `entities_in` gives; its files go with it."""

    def __init__(self, path: Path) -> None:
        folder = Path(mkdtemp(prefix="edu-interchange-"))
        finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._sheets = _converted(path, folder)

    def __getitem__(self, kind: str) -> Path:
        return self._sheets[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sheets)

    def __len__(self) -> int:
        return len(self._sheets)


@lru_cache(maxsize=_KEPT)
def _kept(content: _Content) -> _Kept:
    return _Kept(content.path)


def _converted(path: Path, folder: Path) -> Mapping[str, Path]:
    with ExitStack() as files:

        def opened() -> Any:  # noqa: ANN401 - csv does not name what it gives
            target = folder / f"{len(reader.kinds)}.rows"
            file = files.enter_context(target.open("w", encoding="utf-8", newline=""))
            return csv.writer(file, lineterminator="\n")

        reader = _Reader(opened)
        _parse(path, reader)
    if not reader.kinds:
        raise BrokenInterchangeError("an Ed-Fi interchange without an entity. Export it again")
    sheets = {}
    for number, (kind, found) in enumerate(reader.kinds.items()):
        rows = folder / f"{number}.rows"
        sheets[kind] = rows.with_suffix(".csv")
        _with_header(rows, list(found.places), sheets[kind])
        rows.unlink()
    return sheets


def _with_header(rows: Path, header: list[str], target: Path) -> None:
    """Rows below their header, each as long as it."""
    with (
        rows.open(encoding="utf-8", newline="") as received,
        target.open("w", encoding="utf-8", newline="") as file,
    ):
        padded = (row + [""] * (len(header) - len(row)) for row in reader_of(received))
        csv.writer(file, lineterminator="\n").writerows(chain([header], padded))


def _parse(path: Path, reader: "_Reader") -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.EndElementHandler = reader.end
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise BrokenInterchangeError(
            f"XML that breaks off or is none from line {error.lineno} on. Export it again"
        ) from None


def _refuse(*_: object) -> None:
    raise BrokenInterchangeError(
        "XML with a document type (DOCTYPE), which no interchange has and which may stand for other "
        "files. Export it without"
    )


@dataclass
class _Kind:
    """The entities of one kind."""

    writer: Any
    places: dict[str, int] = field(default_factory=dict)
    """Column → its place."""
    paths: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Elements on the way to a leaf → the place of its column."""

    def place(self, path: tuple[str, ...]) -> int:
        """The place of a leaf's column."""
        found = self.paths.get(path)
        if found is None:
            name = _column(path)
            if _reference(path[:-1]) is None and name in self.places:
                name = ".".join(path)
            found = self.paths[path] = self.places.setdefault(name, len(self.places))
            if found >= _MOST:
                raise BrokenInterchangeError(
                    "XML with too many columns of an element to be an export"
                )
        return found


class _Reader:
    """Writes entities as rows while they are parsed."""

    def __init__(self, opened: Callable[[], Any]) -> None:
        self.kinds: dict[str, _Kind] = {}
        self._opened = opened
        self._path: list[str] = []
        """Elements that are open, from the root."""
        self._row: dict[int, list[str]] = {}
        """Place of a column → what its leaves hold."""
        self._told: set[int] = set()
        """Columns that the open reference has told of already."""
        self._text: list[str] = []
        self._is_leaf = False

    def start(self, tag: str, _: Mapping[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition(":")[2]
        if name.endswith(REFERENCE) and _reference(self._path[_DEPTH:]) is None:
            self._told = set()
        self._path.append(name)
        self._text.clear()
        self._is_leaf = True
        if len(self._path) > _MOST:
            raise BrokenInterchangeError(
                "XML with too many elements within each other to be an export"
            )

    def text(self, text: str) -> None:
        """Some text of an element."""
        if self._is_leaf:
            self._text.append(text)

    def end(self, _: str) -> None:
        """An element ends."""
        depth, name = len(self._path), self._path[-1]
        if depth > _DEPTH and self._is_leaf and (text := " ".join("".join(self._text).split())):
            self._keep(self._kind(self._path[_DEPTH - 1]), tuple(self._path[_DEPTH:]), text)
        elif depth == _DEPTH:
            kind, row = self._kind(name), self._row
            kind.writer.writerow([LISTED.join(row.get(n, ())) for n in range(len(kind.places))])
            self._row = {}
        self._is_leaf = False
        self._path.pop()

    def _kind(self, name: str) -> _Kind:
        found = self.kinds.get(name)
        if found is None:
            if len(self.kinds) >= _MOST:
                raise BrokenInterchangeError("XML with too many kinds of elements to be an export")
            found = self.kinds[name] = _Kind(self._opened())
        return found

    def _keep(self, kind: _Kind, path: tuple[str, ...], text: str) -> None:
        place = kind.place(path)
        if _reference(path[:-1]) is not None:
            # what several elements below a reference have is one part of its key
            if place in self._told:
                return
            self._told.add(place)
        self._row.setdefault(place, []).append(text)


_DEPTH = 2
"""Of entities: they lie right below the root."""


def _reference(path: Sequence[str]) -> str | None:
    return next((name for name in path if name.endswith(REFERENCE)), None)


def _column(path: Sequence[str]) -> str:
    reference = _reference(path[:-1])
    return path[-1] if reference is None else f"{reference}.{path[-1]}"
