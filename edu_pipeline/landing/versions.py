"""Which of several files is the newer version of the same export, as their names say it.

Names and times in, versions out. Reading files, and what they hold, is for others.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import PurePosixPath

from edu_pipeline.landing.archives import ARCHIVE, archive_of, bare_path
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.zone import ENDINGS, INTERCHANGE, exactly

SHRUNK = 0.5
"""Share of another version's size below which a file is no correction of it."""
_SEPARATORS = "-_. "
_MONTHS = 12
_STAMP = re.compile(
    r"(?<!\d)(?P<year>20\d\d)(?P<s>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=s)(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:[-_T ]?(?P<hour>[01]\d|2[0-3])[-_.:]?(?P<minute>[0-5]\d)(?:[-_.:]?(?P<second>[0-5]\d))?"
    r"(?![-_.:]?\d))?(?!\d)"
)
_YEAR_LAST = re.compile(
    r"(?<!\d)(?P<first>0?[1-9]|[12]\d|3[01])(?P<s>[-_.])(?P<second>0?[1-9]|[12]\d|3[01])(?P=s)"
    r"(?P<year>20\d\d)(?!\d)"
)
_COPY_WORD = r"copy|kopie|copie|copia"
_COPY = re.compile(
    rf"^(?P<name>.+?)(?:[-_ ]+(?:{_COPY_WORD})(?: ?\(?(?P<copy>\d{{1,3}})\)?)?| ?\((?P<again>\d{{1,3}})\))$",
    re.IGNORECASE,
)
_COPY_OF = re.compile(rf"^(?:{_COPY_WORD}) (?:of|von|de|di) (?P<name>.+)$", re.IGNORECASE)
_SET_ASIDE = re.compile(r"^(?P<name>.+?)[-_. ]+\(?(?:old|backup|bak)\)?$", re.IGNORECASE)
_BETTER = re.compile(
    r"^(?P<name>.+?)[-_. ]+\(?(?:final|corrected|revised|updated|korrigiert)\)?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Version:
    """Which of several exports of the same thing is newer."""

    at: datetime
    """UTC, without zone."""
    stamped: bool
    """Whether it stands in the file's name."""
    series: str
    """The path without stamp, mark of a copy and ending: files of one series are versions of one
    another.

    `attendance.csv` is of the series of `attendance_2026-11-13.xlsx` and of `attendance (1).csv`.
    """
    dated: bool
    """Whether there is a date in the name, though it may be one that can be read in two ways."""
    copy: int
    """0 as a rule; of `attendance (1).csv`, `attendance_final.csv` and other copies their number; -1 of
    one set aside as old."""


def version_of(file: LandedFile, *, month_first: bool | None = None) -> Version:
    """The date in a file's name, or when it last changed.

    Full dates count (`2026-11-20`, `20261120-1430`, `11-20-2026`); a month or a week alone does not,
    because `attendance_2026-09.csv` and `attendance_2026-10.csv` are parts, not versions.

    Args:
        file: As listed.
        month_first: How the names write `09-11-2026`; None: it is not known, and such a date only
            orders the files that have one.
    """
    archive, member = archive_of(file.path)
    if member is None:
        # a folder is as the archive that it was, where its name has a date
        folder, _, name = file.path.rpartition("/")
        if any(form.search(folder) for form in (_STAMP, _YEAR_LAST)):
            archive, member = folder, name
    if member is not None:
        outer = version_of(replace(file, path=archive), month_first=month_first)
        inner = version_of(replace(file, path=member), month_first=month_first)
        decides = inner if inner.dated and not outer.dated else outer
        return replace(decides, series=f"{outer.series}/{inner.series}")
    path = PurePosixPath(bare_path(file.path))
    ended = path.suffix.casefold() in (*ENDINGS, INTERCHANGE, ARCHIVE)
    # PowerSchool's `student.export.text` is its students
    bare = str(path.with_suffix("")).removesuffix(".export") if ended else str(path)
    folder, _, name = bare.rpartition("/")
    name, copy = _without_copy(name)
    for found, at, stamped in _stamps(name, month_first):
        before, after = name[: found.start()], name[found.end() :]
        unstamped = before.rstrip(_SEPARATORS) + (after if before else after.lstrip(_SEPARATORS))
        unstamped = unstamped or "*"
        series = f"{folder}/{unstamped}" if folder else unstamped
        return Version(at, stamped, series, dated=True, copy=copy)
    changed = file.landed_at
    series = f"{folder}/{name}" if folder else name
    return Version(changed, stamped=False, series=series, dated=False, copy=copy)


def months_first(paths: Iterable[str]) -> bool | None:
    """Whether names such as `attendance_09-18-2026.csv` have the month first, if all agree."""
    orders = set()
    for path in paths:
        for found in _YEAR_LAST.finditer(PurePosixPath(path).stem):
            first, second = int(found["first"]), int(found["second"])
            if max(first, second) > _MONTHS >= min(first, second):
                orders.add(second > _MONTHS)
    return orders.pop() if len(orders) == 1 else None


def pattern_of(path: str) -> str:
    """A file's path, with a star where the date of its export stands."""
    version = version_of(LandedFile(path, 0, "", datetime.min.replace(tzinfo=UTC)))
    if not version.stamped:
        return exactly(path)
    pairs = zip(path, version.series, strict=False)
    start = "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    ending = PurePosixPath(path).suffix
    rest = version.series[len(start) :].removeprefix("*")
    rest += ending if ending.casefold() in ENDINGS else ""
    start += re.match(r"[-_. ]*", path[len(start) :])[0]  # type: ignore[index]
    return f"{exactly(start)}*{exactly(rest)}"


def newest(files: Collection[LandedFile], *, month_first: bool | None = None) -> frozenset[str]:
    """Of each series the path of the file that counts.

    A date in the name decides, then the number of a copy, then when a file last changed.
    """
    ranked = _ranked(files, month_first).values()
    return frozenset(max(found, key=lambda each: each.rank).file.path for found in ranked)


def is_better(path: str) -> bool:
    """Whether a file is called final, corrected or the like."""
    return _BETTER.match(PurePosixPath(path).stem) is not None


def replaced_sheets(names: Collection[str]) -> frozenset[str]:
    """Sheets of a workbook that another replaces, as their names say it in words.

    `Absences (old)` beside `Absences`, and `Absences` beside `Absences final`. `Absences (2)` may be
    the next month's.
    """
    marks = {name: _without_word(name) for name in names}
    best = {
        bare: max(mark for of, mark in marks.values() if of == bare) for bare, _ in marks.values()
    }
    return frozenset(name for name, (bare, mark) in marks.items() if mark < best[bare])


def rival_versions(
    files: Collection[LandedFile], digests: Mapping[str, str], *, month_first: bool | None = None
) -> Sequence[tuple[str, ...]]:
    """Files of one series of which it cannot be said which is the newest, each time by path.

    Names and times contradict each other; or all are numbered, as parts may be too; or two have the
    same date; or it is not known which of two dates is the later; or the one called final or corrected
    is so small that it may hold corrections only. Files of the same content are no rivals.

    Args:
        files: Of one export.
        digests: Path → digest of the content.
        month_first: As `months_first` has it for all names.
    """
    rivals = []
    for found in _ranked(files, month_first).values():
        last = max(found, key=lambda each: each.rank)
        undated = [each for each in found if not each.version.dated]
        numbered = len(undated) > 1 and all(each.version.copy > 0 for each in undated)
        contradicted = last in undated and any(
            0 <= each.version.copy < last.version.copy
            and each.file.last_modified > last.file.last_modified
            for each in undated
        )
        tied = last.version.dated and any(
            each.rank[:2] == last.rank[:2] for each in found if each is not last
        )
        other = _ranked([each.file for each in found], month_first is False).values()
        swapped = month_first is None and any(
            max(each, key=lambda one: one.rank).file != last.file for each in other
        )
        # corrections alone may be called so, too
        shrunk = is_better(last.file.path) and any(
            last.file.size < SHRUNK * each.file.size for each in found
        )
        paths = tuple(sorted(each.file.path for each in found))
        if (numbered or contradicted or tied or swapped or shrunk) and len(
            {digests[p] for p in paths}
        ) > 1:
            rivals.append(paths)
    return sorted(rivals)


@dataclass(frozen=True)
class _Ranked:
    file: LandedFile
    version: Version
    rank: tuple[datetime, int, datetime]
    """What orders the files of a series."""


def _ranked(files: Collection[LandedFile], month_first: bool | None) -> Mapping[str, list[_Ranked]]:
    """Series → its files. When those without a date changed, is told of all of them together."""
    series: dict[str, list[tuple[Version, LandedFile]]] = defaultdict(list)
    for file in files:
        version = version_of(file, month_first=month_first)
        series[version.series].append((version, file))
    ranked = {}
    for name, found in series.items():
        undated = max((version.at for version, _ in found if not version.dated), default=None)
        ranked[name] = [
            _Ranked(
                file,
                version,
                (
                    version.at if version.dated or undated is None else undated,
                    version.copy,
                    file.landed_at,
                ),
            )
            for version, file in found
        ]
    return ranked


def _without_word(name: str) -> tuple[str, int]:
    """A name without the word for old or better, and -1 or 1 for that; 0 where there is none."""
    for mark, word in ((-1, _SET_ASIDE), (1, _BETTER)):
        if found := word.match(name):
            return found["name"], mark
    return name, 0


def _without_copy(name: str) -> tuple[str, int]:
    """A name without what marks a copy, and the number of the copy."""
    if found := _SET_ASIDE.match(name):
        return found["name"], -1
    if found := _BETTER.match(name):
        inner, more = _without_copy(found["name"])
        return inner, 1 + max(more, 0)
    if found := _COPY_OF.match(name):
        return found["name"], 1
    if found := _COPY.match(name):
        again = found["again"]
        number = int(again) if again else int(found["copy"] or 1)
        inner, more = _without_copy(found["name"])
        return inner, number + max(more, 0)
    return name, 0


def _stamps(name: str, month_first: bool | None) -> Iterable[tuple[re.Match[str], datetime, bool]]:
    """The date in a name, if it has one: where, when, and whether it can be read in one way only."""
    for found in list(_STAMP.finditer(name))[-1:]:
        parts = [
            found[part] or "0" for part in ("year", "month", "day", "hour", "minute", "second")
        ]
        if at := _date(parts):
            yield found, at, True
    for found in list(_YEAR_LAST.finditer(name))[-1:]:
        first, second = found["first"], found["second"]
        if max(int(first), int(second)) > _MONTHS:
            order, known = int(second) > _MONTHS, True
        else:
            order, known = month_first is not False, month_first is not None or first == second
        month, day = (first, second) if order else (second, first)
        if at := _date([found["year"], month, day, "0", "0", "0"]):
            yield found, at, known


def _date(parts: Sequence[str]) -> datetime | None:
    try:
        read = datetime.strptime(" ".join([*parts, "+0000"]), "%Y %m %d %H %M %S %z")
    except ValueError:  # such as 31 February
        return None
    return read.replace(tzinfo=None)
