"""Which files of a landing zone are of a published format, and how they are read then.

Files that lie together (in one folder, archive or workbook) are a set. Names come first: where they
make no set, no header is looked at, so that a folder of other exports costs nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.sources.school.formats import (
    aspen,
    canvas,
    classroom,
    clever,
    edfi,
    moodle,
    oneroster,
    powerschool,
    sds,
)
from edu_pipeline.landing.sources.school.formats.format import OR, Format, Member, called, spelt
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.zone import exactly
from edu_pipeline.settings.landing import SCHOOL_TABLES, FilesOfExport, Join

FORMATS: Sequence[Format] = (
    oneroster.OLD,
    oneroster.NEW,
    sds.NEW,
    sds.OLD,
    edfi.FORMAT,
    clever.FORMAT,
    aspen.FORMAT,
    canvas.FORMAT,
    classroom.FORMAT,
    moodle.FORMAT,
    powerschool.NEW,
    powerschool.OLD,
)
"""The narrower first: of several that fit the first counts."""
MANIFEST = "manifest"


@dataclass(frozen=True)
class Lying:
    """A file, or a sheet, that may be of a format."""

    path: str
    name: str
    """Without folder, stamp and ending."""
    folder: str
    """What it lies together with others in."""


@dataclass(frozen=True)
class Recognised:
    """A file of a format."""

    format: str
    member: str
    read_as: Mapping[str, FilesOfExport]
    """Export → how its rows are read, in this file's own headers."""
    lacking: Mapping[str, str]
    """Export → the file of the set that it cannot be read without and that is not there."""
    read_beside: str | None
    """The file whose rows it tells more of."""


@dataclass(frozen=True)
class _Set:
    form: Format
    members: Mapping[str, Member]
    """Path → what it is."""
    headers: Mapping[str, Sequence[str]]
    changes: frozenset[str]
    """Names, as compared, of the members that have changes only."""


def recognised(
    files: Iterable[Lying],
    header: Callable[[str], Sequence[str]],
    rows: Callable[[str], Iterable[Mapping[str, str]]],
) -> Mapping[str, Recognised]:
    """Path → what it is, for every file of a set.

    Args:
        files: What lies there.
        header: Gives the columns of a file by its path; none of one that cannot be read.
        rows: Gives the rows of a manifest.
    """
    together: dict[str, list[Lying]] = defaultdict(list)
    for file in files:
        together[file.folder].append(file)
    sets = [found for lying in together.values() for found in _sets_of(lying, header, rows)]
    taken = {path for each in sets for path in each.members}
    for lying in together.values():
        sets += _by_columns([file for file in lying if file.path not in taken], header)
    return {
        path: each for form in FORMATS for path, each in _read([s for s in sets if s.form is form])
    }


def companion_of(name: str, header: Sequence[str]) -> str | None:
    """The format that has such a file and in which nobody needs it; None where none has.

    Args:
        name: Without folder, stamp and ending.
        header: Its columns.
    """
    return next(
        (
            form.name
            for form in FORMATS
            for member in form.members
            # alone, a plural says too little: users are no list of `User`
            if not member.read_as
            and normal(name) == normal(member.name)
            and member.fits(called(name), header)
        ),
        None,
    )


def file_of(table: str, formats: Collection[str | None]) -> str | None:
    """What an export is called in one of some formats, with the format; None where none of them has it.

    Of several files that of the roster: who teaches besides is no list of students in classes.
    """
    for name in [form.name for form in FORMATS if form.name in formats]:
        found = [
            (member.name, member.name in frozenset().union(*form.proofs))
            for form in FORMATS
            if form.name == name
            for member in form.members
            if table in member.read_as and not member.any_name
        ]
        if of_roster := [called for called, proves in found if proves]:
            return f"{' or '.join(dict.fromkeys(of_roster))} of {name}"
        if found:
            return f"{found[0][0]} of {name}"
    return None


def _sets_of(
    lying: Sequence[Lying],
    header: Callable[[str], Sequence[str]],
    rows: Callable[[str], Iterable[Mapping[str, str]]],
) -> Iterator[_Set]:
    """The sets that files which lie together are: a roster of one format, marks of another."""
    headers: dict[str, Sequence[str]] = {}
    left = list(lying)
    for form in FORMATS:
        names = {called(file.name) for file in left}
        if not (form.version and MANIFEST in names) and not _proven(form, names):
            continue
        members: dict[str, Member] = {}
        for file in left:
            named = [m for m in form.members if called(m.name) == called(file.name)]
            if named and file.path not in headers:
                headers[file.path] = header(file.path)
            fitting = (m for m in named if m.fits(called(file.name), headers[file.path]))
            if member := next(fitting, None):
                members[file.path] = member
        said = {
            row.get("propertyName") or "": (row.get("value") or "").strip()
            for path, member in members.items()
            if member.name == MANIFEST
            for row in rows(path)
        }
        fits = said.get("oneroster.version", form.version) == form.version
        if fits and (said or _proven(form, {called(member.name) for member in members.values()})):
            changes = [name for name, mode in said.items() if mode.casefold() == "delta"]
            unneeded = _unneeded(form)
            others = [file for file in left if file.path not in members]
            members |= {
                file.path: unneeded[name]
                for file in others
                if (name := normal(file.name)) in unneeded
            }
            yield _Set(
                form,
                members,
                headers,
                frozenset(called(name.removeprefix("file.")) for name in changes),
            )
            left = [file for file in left if file.path not in members]


def _unneeded(form: Format) -> Mapping[str, Member]:
    """What a set may have and nobody needs, by its name: whatever its columns, it is no other export."""
    joined = {
        name
        for member in form.members
        for part in member.read_as.values()
        for join in part.join.values()
        for name in join.files
    }
    idle = {normal(m.name): m for m in form.members if not m.read_as and m.name not in joined}
    return {name: member for name, member in idle.items() if name not in {MANIFEST, *SCHOOL_TABLES}}


def _by_columns(lying: Sequence[Lying], header: Callable[[str], Sequence[str]]) -> Iterator[_Set]:
    """The sets around files that are known by their columns alone, where their names say nothing else."""
    for form in FORMATS:
        if not any(member.any_name for member in form.members):
            continue
        others = {
            normal(member.name)
            for other in FORMATS
            for member in other.members
            if other is not form and not member.any_name
        }
        leading = {normal(member.name) for member in form.members if member.any_name}
        free = [
            file
            for file in lying
            if normal(file.name) in leading
            or (
                normal(file.name) not in others
                and not normal(file.name).startswith(tuple({*SCHOOL_TABLES} - {"homework"}))
            )
        ]
        headers = {file.path: header(file.path) for file in free}
        members = dict(_fitting(form, free, headers))
        if not any(member.any_name for member in members.values()):
            continue
        beside = {normal(member.name) for member in form.members} - leading
        more = [each for each in lying if each not in free and normal(each.name) in beside]
        headers |= {file.path: header(file.path) for file in more}
        yield _Set(form, {**members, **dict(_fitting(form, more, headers))}, headers, frozenset())


def _fitting(
    form: Format, files: Iterable[Lying], headers: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Member]]:
    for file in files:
        for member in form.members:
            if member.fits(called(file.name), headers[file.path]):
                yield file.path, member


def _proven(form: Format, names: set[str]) -> bool:
    return any({called(name) for name in proof} <= names for proof in form.proofs)


def _read(sets: Sequence[_Set]) -> Iterator[tuple[str, Recognised]]:
    """Path and what it is, of all sets of one format: changes are joined with what came before."""
    members = {path: member for each in sets for path, member in each.members.items()}
    headers = {path: header for each in sets for path, header in each.headers.items()}

    def files(name: str) -> Sequence[str]:
        return [path for path, member in members.items() if member.name == name]

    beside = {
        other: path
        for path, member in members.items()
        for part in member.read_as.values()
        for join in part.join.values()
        for other in files(join.files[0])
    }
    for each in sets:
        for path, member in each.members.items():
            read_as = {
                table: _in_its_words(part, member.name, headers[path], files, headers)
                for table, part in member.read_as.items()
            }
            lacking = {
                table: _called(join.files[0], each.form)
                for table, part in member.read_as.items()
                for name, join in part.join.items()
                if not files(join.files[0]) and _is_needed(name, table, part, read_as[table])
            }
            if called(member.name) in each.changes:
                read_as = {
                    table: part.model_copy(update={"export": "delta"})
                    for table, part in read_as.items()
                }
            yield path, Recognised(each.form.name, member.name, read_as, lacking, beside.get(path))


def _called(name: str, form: Format) -> str:
    """A member by its name and columns."""
    columns = next((member.columns for member in form.members if member.name == name), ())
    return f"{name} (columns {', '.join(columns)})"


def _is_needed(join: str, table: str, part: FilesOfExport, read: FilesOfExport) -> bool:
    """Whether an export, as its file has it (`read`), lacks what a file is joined for."""
    needed = {field.name for field in FIELDS[table] if field.required} - part.constants.keys()
    said = [theirs for ours, theirs in part.columns.items() if ours in needed - read.columns.keys()]
    columns = [*part.where, *(column for several in said for column in several.split(OR))]
    return any(column.startswith(f"{join}.") for column in columns)


def _in_its_words(
    part: FilesOfExport,
    name: str,
    header: Sequence[str],
    files: Callable[[str], Sequence[str]],
    headers: Mapping[str, Sequence[str]],
) -> FilesOfExport:
    """How a file is read, by the headers that it has; what it has not is left out.

    Of several headers (apart by `OR`) the first counts that it has.

    Args:
        part: As the specification has it.
        name: Of the member that the file is.
        header: Of the file.
        files: Gives the paths of a member.
        headers: Path → columns.
    """
    joins = {}
    others: dict[str, Sequence[str]] = {}

    def here(column: str) -> str | None:
        return spelt(column, header, name)

    for joined, join in part.join.items():
        (other,) = join.files
        paths = files(other)
        # what the headers of a wide table say is no header
        on = [here(column) or (column if part.cells else None) for column in join.on]
        keys = [spelt(column, headers[paths[0]], other) for column in join.key] if paths else [None]
        if all(on) and all(keys):
            said = {"on": on, "key": keys, "files": [*map(exactly, paths)]}
            joins[joined] = Join.model_validate(said)
            others[joined] = headers[paths[0]]

    def theirs(column: str) -> str | None:
        joined, _, rest = column.partition(".")
        if joined not in part.join:
            return here(column)
        found = spelt(rest, others.get(joined, ()), part.join[joined].files[0])
        return found and f"{joined}.{found}"

    columns = {
        ours: found
        for ours, several in part.columns.items()
        if (found := next(filter(None, map(theirs, several.split(OR))), None))
    }
    where = {found: kept for column, kept in part.where.items() if (found := theirs(column))}
    beside = {ours: tuple(filter(None, map(theirs, also))) for ours, also in part.beside.items()}
    key = part.key and here(part.key)
    return part.model_copy(
        update={"columns": columns, "where": where, "join": joins, "key": key, "beside": beside}
    )
