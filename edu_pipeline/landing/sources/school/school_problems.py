"""What is wrong with the exports, in sentences that say what to do.

Pure: frames and settings in, frames out. A problem holds mail (see `gate`); a rejected row alone
does not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import get_args

import polars as pl

from edu_pipeline.ground.toml import toml_key, toml_list, toml_text
from edu_pipeline.ground.wording import counted, day_month, listed, percent
from edu_pipeline.landing.rules import (
    AFTER,
    NO_DATA,
    OUTSIDE,
    SUPERSEDED,
    TOO_MANY_CELLS,
    UNKNOWN,
    UNLISTED,
    UNMAPPED,
    UNPARSEABLE,
)
from edu_pipeline.landing.sources.school.canonical import CODES, resolved_headers
from edu_pipeline.landing.sources.school.changes import EVERY_EXPORT, MANY_SHARE
from edu_pipeline.landing.sources.school.fields import FIELDS, OTHER_ROLES
from edu_pipeline.landing.sources.school.formats.recognition import file_of
from edu_pipeline.landing.sources.school.parts_of_day import number_of, sessions_likely
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.stage_roster import words_unknown
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.tables.date_order import date_orders, replaced
from edu_pipeline.landing.versions import months_first, rival_versions
from edu_pipeline.landing.zone import SHEET
from edu_pipeline.model.problems import Problem
from edu_pipeline.model.roster import CLASS_TYPES, ROLES
from edu_pipeline.settings.landing import (
    OF_SOME_SYSTEMS,
    SCHOOL_TABLES,
    FilesOfExport,
    Landing,
    TableExport,
)
from edu_pipeline.settings.marks import MARKS, HomeworkStatus

MEANINGS: Mapping[tuple[str, str], Sequence[str]] = {
    ("classes", "class_type"): CLASS_TYPES,
    ("enrollments", "role"): (*ROLES, *sorted(OTHER_ROLES)),
    ("calendar", "in_session"): ("true", "false"),
}
"""(export, column) → our words, the commonest first."""

MANY_REJECTED = 0.05
"""Share of an export's rows whose rejection is a problem of the export, not of the rows."""

NEEDED = ("students", "staff", "attendance")

EXPECTED = ("calendar", "enrollments")
"""What an exceptions-only export cannot be counted without."""

MOST = 0.5

FEW_EXCEPTIONS = 0.2
"""Share of what is usual in a week below which an exceptions-only export seems not to have it."""

EXPECTED_EXCEPTIONS = 20
"""Where fewer than this are usual in a week, hardly any are nothing to wonder at."""

ENOUGH_MARKS = 20

FEW_PRESENT = 0.1
"""Share of marks that are present below which an export seems to have rows for exceptions only."""

DAYS_OF_A_WEEK = 3
"""Weeks with fewer days in session say too little."""

MANY_CODES = 25
"""More different unmapped codes than this are no codes."""

RESOLVED_WITH = frozenset({"students", "staff", "classes", "calendar"})
"""Exports that the ids and days of others are looked up in."""

NAMED = 4
"""Of anything, in a sentence."""

NAMED_SESSIONS = 8

FULL_DURATION = "full_duration = …  # the minutes of all of it, such as 390"

ADVICE: Mapping[str, str] = {
    TOO_MANY_CELLS: "Export it again with cells quoted: some hold the character between cells.",
    SUPERSEDED: (
        "If these are rows about different things, say what tells them apart in "
        "[landing.{table}.columns] or leave the others out with [landing.{table}.where]."
    ),
    AFTER: "If its name has another date than that of its export, give it another name.",
    **dict.fromkeys(
        ("duration_not_between_0_and_1", "portion_absent_not_between_0_and_1"),
        "It must be the part of the day, or of the session, such as 0.5 or 50 %. If it is in minutes, add to "
        f"[landing.attendance]: {FULL_DURATION}",
    ),
}
"""Rule → what to do when many rows break it."""

CODE_MEANINGS: Mapping[str, Sequence[str]] = {
    "attendance": tuple(MARKS),
    "homework": get_args(HomeworkStatus),
}

OF_RECORDS = frozenset({"active", "inactive"})
"""Words of OneRoster's about a record itself, in a column `status`."""

DATE_LIKE = re.compile(
    r"(?=.*\d)[\d\s./:,TZ-]*((jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{,6})?"
    r"[\d\s./:,TZ-]*$",
    re.IGNORECASE,
)


def file_problems(files: pl.DataFrame, landing: Landing) -> list[Problem]:
    """Unreadable files, missing columns, missing exports and shapes that cannot be counted.

    Args:
        files: `LandingFiles`.
        landing: The section of `pipeline.toml`.

    Returns:
        Problems; these concern every class and every week.
    """
    current = files.filter("current")
    rows = [
        school_problem(
            file["table"],
            "unreadable_file",
            file["path"],
            f"{file['path']}: {file['error']}",
            content=file["sha256"],
        )
        for file in current.filter(pl.col("error").is_not_null()).iter_rows(named=True)
    ]
    contents = dict(current.select("path", "sha256").iter_rows())
    for table in SCHOOL_TABLES:
        rows += _unknown_columns(table, landing.export(table))
        headers = resolved_headers(table, files, landing.export(table))
        for path, found in headers.items():
            of_file = f"parts.{toml_key(path)}." if len(headers) > 1 else ""
            rows += [
                school_problem(
                    table,
                    "missing_column",
                    path,
                    f"{path}: {sentence}{_or_constant(table, sentence, of_file)}",
                    content=contents[path],
                )
                for sentence in found.missing
            ]
    rows += _changes_of_nothing(files)
    rows += work_of_two_systems(files)
    landed, landed_as = set(current["table"]), set(current["format"].drop_nulls())
    needs = [(table, f"No {table} export has landed. ") for table in NEEDED]
    nobody = "Without it, or a homeroom column of students, nobody is in a class. "
    if landing.attendance.shape == "exceptions":
        unknown = (
            "Attendance comes as exceptions only, and without it nobody knows who was expected. "
        )
        needs += [(table, f"No {table} export has landed. {unknown}") for table in EXPECTED]
    elif "students" in landed:
        needs.append(("enrollments", f"No enrollments export has landed. {nobody}"))
    if "enrollments" in landed:
        needs.append(("classes", f"No classes export has landed. {nobody}"))
    for table, sentence in needs:
        if table not in landed and not (
            table in ("classes", "enrollments") and _homeroom_column(files, landing)
        ):
            name = file_of(table, landed_as)
            pattern = (landing.export(table).files or (f"school/{table}*.csv",))[0]
            cure = (
                f"It is {name}: export that, too, and put it beside the others."
                if name
                else f"Put a file named like {pattern} into the landing zone, or say in "
                f"[landing.{table}] files = […] where it is."
            )
            rows.append(school_problem(table, "missing_export", table, f"{sentence}{cure}"))
    return rows


def _or_constant(table: str, sentence: str, of_file: str) -> str:
    """The other way out where a column is missing that may be the same for every row."""
    for (export, column), ours in MEANINGS.items():
        if export == table and sentence.startswith(f"no column for {column}."):
            return (
                f"  # or, if it is the same for every row, to [landing.{table}.{of_file}constants]: "
                f'{column} = "…"  # {" or ".join(ours[:2])}'
            )
    return ""


def _changes_of_nothing(files: pl.DataFrame) -> Iterator[Problem]:
    """Files of a format that have changes only, without the whole that these are changes of."""
    changes = files.filter([FilesOfExport.of(part).export == "delta" for part in files["part"]])
    wholes = files.join(changes, on=["path", "table"], how="anti")
    alone = changes.filter(pl.col("current") & ~pl.col("table").is_in(wholes["table"].to_list()))
    left = changes.filter(~pl.col("current") & ~pl.col("stamped"))
    for found, what, cure in (
        (
            alone,
            "changes only, as the manifest says, and there is no whole export that they are changes of",
            "Put the last whole one (bulk) beside them.",
        ),
        (
            left,
            "changes that are left out, for the whole export beside them was changed later",
            "Files that are copied have the time of that: write the day of the export into the names of the "
            "zips or folders, such as oneroster-2026-09-18.zip.",
        ),
    ):
        if paths := sorted({*found["path"]}):
            verb = "has" if len(paths) == 1 else "have"
            message = f"{listed(paths)} {verb} {what}. {cure}"
            yield school_problem("files", "changes_alone", paths[0], message)


def work_of_two_systems(files: pl.DataFrame) -> Iterator[Problem]:
    """Homework from two published formats: a piece that both systems know would count twice."""
    found = files.filter(pl.col("current"), table="homework").drop_nulls("format")
    formats = found["format"].unique().sort().to_list()
    if not formats[1:]:
        return
    paths = [found.filter(format=each)["path"].sort()[0] for each in formats]
    shown = [f"{each} ({path})" for each, path in zip(formats, paths, strict=True)]
    ignored = ", ".join(f'"{path}"' for path in found.filter(format=formats[-1])["path"].sort())
    message = (
        f"Homework comes from {listed(shown)}. A piece that more than one of them knows counts more than "
        f"once. If they know the same work, leave one out: [landing] ignore = [{ignored}]"
    )
    yield school_problem("homework", "two_systems", " ".join(formats), message).releasable(
        "If each has other work"
    )


OF_OUR_COLUMNS = ("columns", "constants", "values", "beside", "lists", "unsigned")
"""Keys of a part of an export that have our columns."""


def _unknown_columns(table: str, export: TableExport) -> list[Problem]:
    """Columns that the settings map and that we do not have: a misspelling, not a silence."""
    ours = [field.name for field in FIELDS[table]]
    said = {key: getattr(export, key) for key in ("columns", "constants", "values", "width")}
    for pattern, part in export.parts.items():
        of = f"parts.{toml_key(pattern)}"
        said |= {f"{of}.{key}": getattr(part, key) for key in OF_OUR_COLUMNS}
    return [
        school_problem(
            table,
            "unknown_column",
            name,
            f"[landing.{table}.{section}] has {name}, which is none of its columns: "
            f"{', '.join(ours)}.",
        )
        for section, names in said.items()
        for name in names
        if name not in ours
    ]


def _homeroom_column(files: pl.DataFrame, landing: Landing) -> bool:
    return any("homeroom_id" in found.headers for found in _headers("students", files, landing))


def _headers(table: str, files: pl.DataFrame, landing: Landing) -> Iterable[Resolved]:
    return resolved_headers(table, files, landing.export(table)).values()


def version_problems(files: pl.DataFrame, landing: Landing) -> list[Problem]:
    """Snapshots of which nothing says surely which is the newest.

    Args:
        files: `LandingFiles`.
        landing: The section of `pipeline.toml`.

    Returns:
        Problems; these concern every class and every week.
    """
    # the sheets of a workbook are one version
    book = pl.col("path").str.strip_suffix(SHEET + pl.col("sheet"))
    files = files.with_columns(path=pl.coalesce(book, "path"))
    files = files.unique(["table", "path"], maintain_order=True)
    contents = dict(files.select("path", "sha256").iter_rows())
    order = months_first(contents)
    problems = []
    for table in SCHOOL_TABLES:
        if landing.export(table).export == "delta":
            continue
        theirs = files.filter(pl.col("table") == table)
        landed = [
            LandedFile(path, size, "", at.replace(tzinfo=UTC))
            for path, size, at in theirs.select("path", "size", "landed_at").iter_rows()
        ]
        counts = set(theirs.filter("current")["path"])
        for paths in rival_versions(landed, contents, month_first=order):
            (taken,) = counts.intersection(paths)
            message = (
                f"{listed(list(paths))} are versions of one export, and neither their names nor the "
                f"times at which they changed say surely which is the newest; {taken} is taken for "
                "it. Leave only the newest, or write the day of the export into the names, such as "
                f"{table}_2026-09-18.csv; parts that all count need names of their own, such as "
                f"{table}_north.csv."
            )
            problem = school_problem(
                table,
                "rival_versions",
                paths[0],
                message,
                content=" ".join(contents[path] for path in paths),
            )
            problems.append(problem.releasable("If it is the newest"))
    return problems


def word_problems(rows: Mapping[tuple[str, str], pl.DataFrame], landing: Landing) -> list[Problem]:
    """Words of `class_type`, `role` and `in_session` that nobody mapped.

    Args:
        rows: (export, column) → `read_<table>` of the export.
        landing: The section of `pipeline.toml`.

    Returns:
        Problems; these concern every class and every week.
    """
    problems: list[Problem] = []
    for (table, column), frame in rows.items():
        ours = MEANINGS[table, column]
        words = words_unknown(table, column, frame, ours, landing.export(table))
        if len(words) > MANY_CODES:
            message = (
                f"The column of {table} taken for {column} holds {len(words)} different texts that "
                f"nobody mapped, so it is likely the wrong one. Say in [landing.{table}.columns] "
                f'which it is: {column} = "…"'
            )
            problems.append(
                school_problem(table, "unmapped_word", column, message, rows=sum(words.values()))
            )
            continue
        problems += [
            school_problem(
                table,
                "unmapped_word",
                word,
                f"{column} '{word}' appears {_times(times)} in {table}. "
                f"Add to [landing.{table}.values.{column}]: "
                f'{toml_key(word)} = "…"  # {", ".join(ours)}',
                rows=times,
            )
            for word, times in words.items()
        ]
    return problems


def code_problems(codes: pl.DataFrame) -> list[Problem]:
    """Codes of attendance and homework that nobody mapped.

    Args:
        codes: `rejected.unmapped_codes`; it tells which classes a code concerns.

    Returns:
        Problems, code × class concerned. So many codes that they cannot be codes are one
        problem, which shows none of them: the column may hold names.
    """
    rows: list[Problem] = []
    for (table,), found in codes.group_by("table", maintain_order=True):
        kinds = found["code"].n_unique()
        if kinds > MANY_CODES:
            rows.append(
                school_problem(
                    str(table),
                    "unmapped_code",
                    "code",
                    f"The column of {table} taken for its codes holds {kinds} different texts that "
                    f"nobody mapped, so it is likely the wrong one. Say in [landing.{table}.columns] "
                    f'which it is: {CODES[str(table)]} = "…"',
                    rows=_total(found.unique("code")),
                )
            )
            continue
        for (code,), concerned in found.group_by("code", maintain_order=True):
            rows += _unmapped(str(table), str(code), concerned)
    return rows


def _unmapped(table: str, code: str, concerned: pl.DataFrame) -> list[Problem]:
    classes = concerned.filter(pl.col("class_id").is_not_null())
    homerooms = classes.filter(pl.col("class_type") == "homeroom")["class_name"].to_list()
    names = homerooms or classes["class_name"].to_list()
    shown = few(names)
    first = concerned.row(0, named=True)
    when = between(first["first_date"], first["last_date"])
    of_record = (
        f"'{code}' appears {_times(first['rows'])} in homework: that is what OneRoster says of a record "
        "in status, and not whether the piece was handed in. Export scoreStatus as well, and add to "
        '[landing.homework.columns]: status = "scoreStatus"'
    )
    message = (
        of_record
        if table == "homework" and code.casefold() in OF_RECORDS
        else (
            f"'{code}' appears {_times(first['rows'])}{when}{f' ({shown})' if shown else ''}, and "
            f"nobody has said what it means. Add to [{table}.codes]: {toml_key(code)} = "
            f'"…"  # {", ".join(CODE_MEANINGS[table])}'
        )
    )
    return [
        school_problem(
            table,
            "unmapped_code",
            code,
            message,
            rows=first["rows"],
            first=first["first_date"],
            last=first["last_date"],
            class_id=class_id,
        )
        for class_id in concerned["class_id"].to_list()
    ]


def change_problems(changes: pl.DataFrame) -> list[Problem]:
    """Exports of which so many rows are gone or differ that they may be cut short or wrong.

    Those that nothing can be compared with are one problem.

    Args:
        changes: `LandingChanges`.

    Returns:
        Problems; these concern every class and every week.
    """
    known = pl.col("rows_before").is_not_null()
    unknown = changes.filter(pl.col("held") & ~known)
    return [
        *([] if unknown.is_empty() else [_no_baseline(unknown)]),
        *map(_changed_much, changes.filter(pl.col("held") & known).iter_rows(named=True)),
    ]


def _no_baseline(changes: pl.DataFrame) -> Problem:
    totals = changes.group_by("table").agg(pl.col("rows").sum(), pl.col("last_date").max())
    exports = {table: (rows, last) for table, rows, last in totals.iter_rows()}
    sizes = [
        f"{table} {rows:,} rows{f' up to {day_month(last)} {last.year}' if last else ''}"
        for table in SCHOOL_TABLES
        if table in exports
        for rows, last in [exports[table]]
    ]
    sentence = (
        "The warehouse is new, so nothing says whether these exports are complete: "
        f"{', '.join(sizes)}."
    )
    problem = school_problem(EVERY_EXPORT, "no_baseline", "warehouse", sentence)
    return problem.releasable("If that looks right")


def _changed_much(change: Mapping[str, object]) -> Problem:
    before = change["rows_before"]
    assert isinstance(before, int)  # noqa: S101 - what is held was accepted before
    parts = [
        f"{rows:,} of {before:,} rows ({percent(rows / before)}) {verb}"
        for name, verb in (("gone", "are gone"), ("changed", "differ"))
        if isinstance(rows := change[name], int) and rows
    ]
    version = change["version_before"]
    since = (
        f", since the export of {day_month(version)} {version.year}"
        if isinstance(version, datetime)
        else ""
    )
    sentence = f"{change['series']}: {' and '.join(parts) or 'hardly any changed'}{since}."
    weeks, most = change["weeks_lost"], change["rows_most"]
    if isinstance(weeks, list) and weeks and change["gone"] <= MANY_SHARE * before:  # type: ignore[operator]
        which = listed([day_month(week) for week in weeks])
        sentence += (
            f" More than half of {'its week' if len(weeks) == 1 else 'each of its weeks'} of "
            f"{which} is gone."
        )
    if isinstance(most, int) and most > before:
        sentence += f" Of the {most:,} rows that it had at most, {change['rows']:,} are left."
    rows = max(change["gone"], change["changed"])  # type: ignore[call-overload]
    problem = school_problem(
        str(change["table"]),
        "changed_much",
        str(change["series"]),
        sentence,
        rows=rows,
        content=str(change["digest"]),
    )
    return problem.releasable("If that is wrong, export it again. If it is right")


def exception_problems(weeks: pl.DataFrame) -> list[Problem]:
    """Weeks of which an exceptions-only export has so few rows that nearly all would seem present.

    Args:
        weeks: `finding.weeks_of_exceptions`.

    Returns:
        Problems; these concern every class, from that week on.
    """
    enough = weeks.filter(pl.col("days") >= DAYS_OF_A_WEEK).with_columns(
        usual=(pl.col("rows") / pl.col("days")).median().over("school_id") * pl.col("days")
    )
    few = enough.filter(
        (pl.col("usual") >= EXPECTED_EXCEPTIONS)
        & (pl.col("rows") < FEW_EXCEPTIONS * pl.col("usual"))
    )
    schools = weeks["school_id"].n_unique()
    problems = []
    for week in few.iter_rows(named=True):
        of = f" in school {week['school_id']}" if schools > 1 else ""
        start = f"Attendance of the week of {day_month(week['week'])}{of} has "
        count = counted(week["rows"], "exception")
        sentence = (
            f"{start}{count} where about {round(week['usual'], -1):,.0f} are usual, so nearly "
            "everyone would count as present."
        )
        # what is usual changes from week to week, and a release of this should not lapse with it
        problem = school_problem(
            "attendance",
            "few_exceptions",
            f"{week['school_id']} {week['week']}",
            sentence,
            rows=week["rows"],
            first=week["week"],
            content=f"{week['rows']} of {week['days']}",
            known_as=start,
        )
        problems.append(problem.releasable("Export it again, or, if that is right"))
    return problems


def shape_problems(
    marks: int, present: int, landing: Landing, *, by_format: bool = False
) -> list[Problem]:
    """Marks of which hardly any are present, where a row is expected for everyone, or many, where none is.

    Args:
        marks: Marks that count in a rate, as `stage_facts.marks_found` has them.
        present: Of these, present and on time.
        landing: The section of `pipeline.toml`.
        by_format: Whether nobody but a published format says what is expected.

    Returns:
        Problems; these concern every class and every week.
    """
    exceptions = landing.attendance.shape == "exceptions"
    many = marks > 0 and present / marks >= FEW_PRESENT
    if exceptions and by_format and many:
        message = (
            f"{present:,} of {marks:,} attendance marks are present, in a format that as a rule has rows for "
            "absences and late arrivals only. Is there a row for every student and day? If so, add to "
            '[landing.attendance]: shape = "daily"; if not: shape = "exceptions".'
        )
        return [school_problem("attendance", "many_present", "shape", message, rows=marks)]
    if exceptions or many or marks < ENOUGH_MARKS:
        return []
    # the counts change with every export, and a release of this should not lapse with them
    sentence = (
        f"Only {present:,} of {marks:,} attendance marks are present, as if there were rows for "
        "absences and late arrivals only. If so, add to [landing.attendance]: "
        'shape = "exceptions". If everyone has a row, say in [attendance.codes] which code is '
        "present."
    )
    problem = school_problem(
        "attendance",
        "only_exceptions",
        "shape",
        sentence,
        rows=marks,
        known_as="Hardly any mark is present.",
    )
    return [problem.releasable("If the marks are right")]


def session_problems(most: int, sessions: Iterable[str], landing: Landing) -> list[Problem]:
    """More marks for a student and a day than the settings say a day has, or never more than one.

    In an export of exceptions the names of the sessions say it, never the marks: who misses one of
    six periods has one.

    Args:
        most: `stage_facts.sessions_found`.
        sessions: What the sessions of marks are called.
        landing: The section of `pipeline.toml`.
    """
    said = landing.attendance.sessions_per_day
    names = [name for name in sessions if name]
    if landing.attendance.shape == "exceptions" and names:
        return _sessions_of_exceptions(names, landing)
    if landing.attendance.shape == "daily" and most and said > 1 and not names:
        one = (
            f"The settings expect {said} marks of a student and day, and no column that is read tells them "
            f"apart, so one counts, as 1/{said} of a day. Say in [landing.attendance.columns] which it is: "
            'session = "…"; or take sessions_per_day out of [landing.attendance].'
        )
        return [school_problem("attendance", "fewer_sessions", "session", one)]
    if most <= said:
        return []
    message = (
        f"A student has up to {most} marks on one day, where the settings expect {said}. "
        f"Add to [landing.attendance]: sessions_per_day = {most}"
    )
    return [school_problem("attendance", "more_sessions", "session", message)]


def _sessions_of_exceptions(sessions: Sequence[str], landing: Landing) -> list[Problem]:
    said = landing.attendance.sessions_per_day
    likely = sessions_likely(sessions)
    explicit = "sessions_per_day" in landing.attendance.model_fields_set
    if likely <= said or (explicit and not all(map(number_of, sessions))):
        return []
    shown = listed([f"'{name}'" for name in sessions[:NAMED_SESSIONS]])
    more = " and others" if len(sessions) > NAMED_SESSIONS else ""
    expected = (
        f"and the settings expect {counted(said, 'session')} a day"
        if explicit
        else "and nothing says how many sessions a full day has"
    )
    sentence = (
        f"Absences are about single sessions ({shown}{more}), {expected}: a session counts as "
        f"{f'1/{said} of a day' if said > 1 else 'a whole day'}. "
        f"{'Say in' if explicit else 'Add to'} [landing.attendance]: sessions_per_day = {likely}  "
        "# or more, if a full day has more."
    )
    problem = school_problem(
        "attendance", "more_sessions", "session", sentence, known_as=f"{likely} of {said} sessions."
    )
    return [problem.releasable("If it is right as it is read")]


def row_problems(
    rejected: pl.DataFrame,
    received: pl.DataFrame,
    files: pl.DataFrame,
    landing: Landing,
    causes: Mapping[tuple[str, str], str] | None = None,
) -> list[Problem]:
    """Exports without rows, and those of which so many rows fail that the export must be wrong.

    Of a table more than a few rows, of a single file more than half. Ids that resolve to nothing
    because the export that has them is itself a problem are not told apart from it.

    Args:
        rejected: `rejected.reject_counts`.
        received: `rejected.rows_received`.
        files: `LandingFiles`.
        landing: The section of `pipeline.toml`.
        causes: `belonging.causes_of_unknown`.

    Returns:
        Problems; these concern every class and every week.
    """
    empty = [
        table
        for table in SCHOOL_TABLES
        if table not in OF_SOME_SYSTEMS
        and table not in received["table"]
        and any(not found.missing for found in _headers(table, files, landing))
    ]
    rows = [_no_rows(table, files) for table in empty]
    counted = rejected.filter(
        ~pl.col("rule").is_in(
            # what is right and counts nowhere; but a whole file of days to come is named wrongly
            [UNMAPPED, UNLISTED, *NO_DATA, *(rule for rule in OUTSIDE if rule != AFTER)]
            # absences that are planned, where only absences have rows
            + ([AFTER] if landing.attendance.shape == "exceptions" else [])
        )
        # who teaches in two schools is listed twice
        & ~((pl.col("table") == "staff") & (pl.col("rule") == SUPERSEDED))
    ).join(received.rename({"rows": "of"}), on=["table", "file"])
    if not RESOLVED_WITH.isdisjoint(
        [*empty, *(problem.table for problem in file_problems(files, landing))]
    ):
        counted = counted.filter(~pl.col("rule").str.starts_with(UNKNOWN))
    for (table, rule), bad in counted.group_by("table", "rule", maintain_order=True):
        of = _total(received.filter(pl.col("table") == table))
        cause = (causes or {}).get((str(table), str(rule)), "")
        if rule != AFTER and _total(bad) > MANY_REJECTED * of:
            rows.append(_many(str(table), str(rule), bad, of, str(table), landing, cause))
            continue
        for file in bad.filter(pl.col("rows") > MOST * pl.col("of")).partition_by("file"):
            name = file["file"][0]
            rows.append(_many(str(table), str(rule), file, file["of"][0], name, landing, cause))
    return rows


def _no_rows(table: str, files: pl.DataFrame) -> Problem:
    message = (
        f"The {table} export has no row. Export it again; if it has rows, look at "
        f"[landing.{table}] where and columns."
    )
    current = files.filter((pl.col("table") == table) & pl.col("current"))
    content = " ".join(current["sha256"].sort())
    return school_problem(table, "empty_export", table, message, content=content)


def _many(
    table: str, rule: str, bad: pl.DataFrame, of: int, whole: str, landing: Landing, cause: str
) -> Problem:
    # cells are not shown, because they may hold names; but what should be a date and looks like one
    values = [value for value in bad["values"].explode().drop_nulls() if DATE_LIKE.match(value)]
    first = bad.row(0, named=True)
    total = _total(bad)
    example = first["first_value"]
    shown = f", such as {example!r}" if example and DATE_LIKE.match(example) else ""
    message = (
        f"{total} of {of} rows of {whole} are rejected: {rule.replace('_', ' ')}{shown} "
        f"({first['file']}, line {first['line']})."
    )
    if rule.startswith(UNPARSEABLE):
        message += date_advice(values, table, landing)
    elif rule.startswith(UNKNOWN):
        message += cause or (
            " The exports do not fit together: export them again on the same day, or say in "
            f"[landing.{table}.columns] which column holds the same ids."
        )
    elif rule in ADVICE:
        message += f" {ADVICE[rule].format(table=table)}"
    return school_problem(table, "many_rejected", rule, message, rows=total)


def _total(counts: pl.DataFrame) -> int:
    return int(counts["rows"].sum())


def date_advice(values: Sequence[str], table: str, landing: Landing) -> str:
    """The formats that the values leave no doubt about; else those between which a person decides."""
    orders = date_orders(dict.fromkeys(values, 1))
    decided = [order.formats[0] for order in orders if len(order.formats) == 1]
    open_ = [form for order in orders if len(order.formats) > 1 for form in order.formats]
    said = landing.export(table).date_formats
    old = [one for form in decided for one in replaced(said, form)]
    kept = [form for form in said if form not in old]
    formats = (*kept, *decided, *(() if decided else ("…",)))
    which = f"  # say which, {' or '.join(map(toml_text, open_))}" if open_ and not decided else ""
    if old:
        which = f"  # instead of {' and '.join(old)}: with both, days and months would be swapped"
    verb = "Replace in" if said else "Add to"
    return f" {verb} [landing.{table}]: date_formats = {toml_list(formats)}{which}"


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def few(names: Sequence[str]) -> str:
    """The first of several names, and that there are more."""
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")


def classes_told(rows: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """The names of the homerooms, or where there are none of all classes, and their rows."""
    homerooms = rows.filter(pl.col("class_type") == "homeroom")
    shown = rows if homerooms.is_empty() else homerooms
    return few(shown["class_name"].unique(maintain_order=True).to_list()), shown


def between(first: object, last: object) -> str:
    """On which days, as the end of a sentence; nothing where they are not known."""
    if first is None or last is None:
        return ""
    return f" on {first}" if first == last else f" from {first} to {last}"


def school_problem(
    table: str,
    kind: str,
    subject: str,
    message: str,
    rows: int = 0,
    *,
    holds: bool = True,
    first: object = None,
    last: object = None,
    class_id: str | None = None,
    content: str = "",
    known_as: str = "",
) -> Problem:
    """A problem of the school's exports, which holds letters unless it is only said."""
    assert first is None or isinstance(first, date)  # noqa: S101 - narrows what frames give
    assert last is None or isinstance(last, date)  # noqa: S101
    return Problem(
        "school",
        table,
        kind,
        subject,
        message,
        "letters" if holds else None,
        rows=rows,
        first_date=first,
        last_date=last,
        class_id=class_id,
        content=content,
        known_as=known_as,
    )
