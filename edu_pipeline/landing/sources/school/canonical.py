"""Raw rows under our column names, still text: the one step that every export shares.

`read_<table>` has the file, line and version of each row, one text column per field of
`school.FIELDS`, and the rule by which a row is no data (`_rule`); what a cell means is parsed
afterwards. A line of a table with a column per day or assignment is a row for each of these columns,
of which `_heading` is the header; of other rows it is empty.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import duckdb
import polars as pl

from edu_pipeline.ground.sql import APART, is_among, literal, literals, quoted
from edu_pipeline.ground.toml import toml_list, toml_text
from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.rules import (
    ABOVE,
    DELETED,
    NEVER_CAME,
    NO_DUE_DATE,
    REPEATED_HEADER,
    TEST_STUDENT,
    TOO_MANY_CELLS,
    TOTALS,
    UNITS,
    UPDATED,
)
from edu_pipeline.landing.sources.school.fields import (
    DATES,
    FALSE,
    FIELDS,
    KEYS,
    MISSING,
    MISSING_CODES,
    NAMES_LIKE_MISSING,
    TRUE,
    WORDS,
)
from edu_pipeline.landing.sources.school.school_columns import Field, Resolved, resolve
from edu_pipeline.landing.sources.school.wide import HEADED, WideColumn
from edu_pipeline.landing.tables.csvfile import CELLS, LISTED
from edu_pipeline.landing.tables.dates import HALF_A_SECOND
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.opened import FROM_1904
from edu_pipeline.landing.tables.raw import RECEIVED
from edu_pipeline.landing.zone import is_like
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import (
    ANYTHING,
    AttendanceExport,
    EnrollmentsExport,
    FilesOfExport,
    Join,
    StaffExport,
    TableExport,
    WideExport,
)

CODES = {table: code for table, (_, code) in HEADED.items()}
"""Columns whose cells are codes: an empty one means something, and `-` may be a code."""

TOLD = {
    "students": ("given_name", "family_name", "full_name"),
    "staff": ("given_name", "family_name", "full_name", "email"),
    "classes": ("class_name", "class_type"),
}
"""What a person or a class has besides its only key, and a total has not."""

OTHERWISE = frozenset({"school_id", "grade", "track"})
"""What exports write in different ways, so that `values` says which of one is which of another."""

UNITS_WITHIN = 3
"""Lines below the header in which units stand."""

_ABOUT_COLUMNS = r"(due )?dates?|due|max(imum)? ?points|points( possible)?|out of|week ?days?|days?"
"""What stands before the cells of a line that says something of its columns."""
_TOTAL = r"((grand|sub|overall)[ -]?)?(totals?|sum|averages?|mean|median|count)[\s:.()%\d]*"

MOST_COLUMNS = 60
"""Unread columns looked at; what says how a row counts is hardly the sixty-first."""

DAYS_TO_1904 = 1462
"""From the day that workbooks count from to the one that those of old Macs do."""
TEXT_MARK = "'"
"""What is typed before an id, so that a spreadsheet takes it for text."""
NOTHING = ("", "null", "none", "\\n")
YES, NO = (*TRUE, "1.0"), (*(word for word in FALSE if word not in NOTHING), "0.0")
"""Cells of a column of flags, in lower case, where what is not filled in says neither."""

_NOTHING_TOLD = rf"{_TOTAL}|[^\pL{APART}]*"
_UNIT = (
    rf"\([^{APART}]*\)|\[[^{APART}]*\]|<[^{APART}]*>|text|string|(var)?char|number|numeric|integer|int|"
    r"float|decimal|date|"
    r"date ?time|time|bool(ean)?|yes/no|y/n|true/false|%|percent|points?|points possible|days?|"
    r"fraction|id|code|(yyyy|yy|y|mm?|dd?|hh?|ss?)([-/.: t]?(yyyy|yy|y|mm?|dd?|hh?|ss?))+"
)


@dataclass(frozen=True)
class _File:
    """How the rows of one file are read."""

    part: FilesOfExport
    path: str
    header: Sequence[str]
    header_lines: int
    dialect: str
    found: Resolved
    scores: bool


def resolved_headers(
    table: str, files: pl.DataFrame, export: TableExport
) -> Mapping[str, Resolved]:
    """File → its header, understood, for an export's current and readable files."""
    return {path: found for path, found, _ in _resolved(table, files, export)}


def _resolved(
    table: str, files: pl.DataFrame, export: TableExport, *, older: bool = False
) -> Iterator[tuple[str, Resolved, FilesOfExport]]:
    # by columns: asked so often that a query of the frame would take most of the time
    usable = (files["table"] == table) & files["error"].is_null()
    if not older:
        usable &= files["current"]
    names = ("path", "header", "format", "part")
    rows = zip(*(files[name].filter(usable).to_list() for name in names), strict=True)
    for path, header, form, text in rows:
        part = FilesOfExport.of(text)
        columns = [*header, *part.joined()]
        said = as_said(path, export, part, columns if form else None)
        found = resolve(table, FIELDS[table], columns, said)
        by_form = part.columns.keys() - export.columns.keys() if form else ()
        how = {name: "format" if name in by_form else how for name, how in found.how.items()}
        unread = tuple(name for name in found.unread if name not in part.besides())
        found = replace(found, how=how, unread=unread)
        if joins := own_part(path, export).join:
            unjoined = _unjoined(table, joins, header, files)
            found = replace(found, missing=(*found.missing, *unjoined))
        yield path, found, part


def _unjoined(
    table: str, joins: Mapping[str, Join], header: Sequence[str], files: pl.DataFrame
) -> Iterator[str]:
    """A sentence for every column by which the settings join a file and which is not there."""
    for name, join in joins.items():
        said = f"[landing.{table}.parts] says of its join {name}"
        for on in join.on:
            if on not in (*header, "assignment_id"):
                yield f"{said}: on = {toml_text(on)}, but the file has no such column. Its columns are: {', '.join(header)}."
        others = files.select("path", "header").drop_nulls().iter_rows()
        if not any(is_like(path, join.files) and {*join.key} <= {*of} for path, of in others):
            yield f"{said}: key = {toml_list(join.key)}, but no file of {listed(list(join.files))} has such columns."


def as_found(settings: Settings, files: pl.DataFrame) -> Settings:
    """Settings with what the formats of a school's files say where nobody else does.

    Args:
        settings: Of the home.
        files: `LandingFiles`.
    """
    counts = files.filter(pl.col("current") & pl.col("error").is_null())
    landing = settings.landing.as_formats_say(counts.select("table", "part").iter_rows())
    return settings.model_copy(update={"landing": landing})


def has_scores(part: FilesOfExport, export: TableExport) -> bool:
    """Whether the statuses of a file are scores."""
    return part.scores or (isinstance(export, WideExport) and export.scores)


def scored_files(table: str, files: pl.DataFrame, export: TableExport) -> frozenset[str]:
    """The current files of an export whose statuses are scores."""
    found = _resolved(table, files, export)
    return frozenset(path for path, _, part in found if has_scores(part, export))


def own_part(
    path: str, export: TableExport, standard: FilesOfExport | None = None
) -> FilesOfExport:
    """How one file is read where that differs: as the settings say, else its format."""
    parts = [standard] if standard else []
    parts += [part for pattern, part in export.parts.items() if is_like(path, (pattern,))]
    said: dict[str, Any] = {}
    for part in parts:
        for name in part.model_fields_set:
            value = getattr(part, name)
            said[name] = {**said.get(name, {}), **value} if isinstance(value, dict) else value
    return FilesOfExport(**said)


def as_said(
    path: str, export: TableExport, part: FilesOfExport, among: Sequence[str] | None = None
) -> TableExport:
    """How one file of an export is read.

    Args:
        path: Of the file.
        export: As the settings say.
        part: As `LandingFiles` has it.
        among: The columns of a file of a format: what the settings say of another file of the set, with
            other columns, is not said of this one.
    """
    if part == FilesOfExport():
        return export
    own = own_part(path, export)
    here = None if among is None else {normal(name) for name in among}
    said = {
        ours: theirs
        for ours, theirs in export.columns.items()
        if here is None or normal(theirs) in here
    }
    wide: dict[str, Any] = {}
    if isinstance(export, WideExport):
        wide["cells"] = own.cells or export.cells or part.cells
    if isinstance(export, AttendanceExport):
        wide["first_day"] = own.first_day or export.first_day
    return export.model_copy(
        update={
            **wide,
            "columns": {**part.columns, **said, **own.columns},
            "constants": {**part.constants, **export.constants, **own.constants},
            "where": {**part.where, **export.where, **own.where},
        }
    )


def unread_names(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, export: TableExport
) -> Sequence[str]:
    """Columns of an export that no file of it is read from."""
    read = {
        header
        for _, found, part in _resolved(table, files, export)
        for header in (
            *found.headers.values(),
            *found.flags.values(),
            *found.filters,
            *part.besides(),
            *headings(found),
        )
    }
    columns = [name for name in con.table(f"raw_{table}").columns if name not in RECEIVED]
    return [name for name in columns if name not in read][:MOST_COLUMNS]


def headings(found: Resolved) -> tuple[str, ...]:
    """The headers each of whose cells is a row."""
    return tuple(cell.header for cell in found.cells)


def rows_per_line(table: str, files: pl.DataFrame, export: TableExport) -> Mapping[str, int]:
    """File of a wide table → rows that each of its lines is."""
    found = {path: each for path, each, _ in _resolved(table, files, export, older=True)}
    return {path: len(each.cells) for path, each in found.items() if each.cells}


def read_export(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, export: TableExport
) -> None:
    """Make `read_<table>` of `raw_<table>`: the result of `canonical_query`, worked out once."""
    con.execute(f"create or replace table read_{table} as {canonical_query(table, files, export)}")


def canonical_query(
    table: str, files: pl.DataFrame, export: TableExport, *, rows: str | None = None
) -> str:
    """SQL over `raw_<table>`: `_file`, `_line`, `_heading`, `_version`, our columns as text, `_rule`, `_value`.

    `_rule` is that of a row which holds no data or not a row's, else empty; `_value` what broke it.
    Files that lack a required column give no rows; they are a landing problem. Rows that `where`
    sends elsewhere are left out. `rows` is another table of the same columns to take them from.
    """
    usable = _usable(table, files, export)
    if not usable:
        names = [*(field.name for field in FIELDS[table]), "_rule", "_value"]
        nothing = ", ".join(f"null::varchar as {name}" for name in names)
        return (
            f"select _file, _line, '' as _heading, _version, {nothing} "
            f"from {rows or f'raw_{table}'} where false"
        )
    cells = {field.name: _cell(table, field, usable, export) for field in FIELDS[table]}
    if any("presence" in file.found.headers for file in usable):
        cells["code"] = _with_presence(cells["code"], cells["presence"])
    columns = [f"{cell} as {name}" for name, cell in cells.items()]
    below = _by_file(usable, lambda file: f"_line <= {file.header_lines + UNITS_WITHIN}")
    return f"""
        select * exclude (_overflow, _first, _below, _alone, _short, _undated, _deleted, _updated, _never_came),
               case {_rules(table, usable)} end as _rule,
               case when _rule = {literal(TOO_MANY_CELLS)} then _overflow end as _value
        from (
          select _file, _line, {_by_file(usable, lambda file: "_cell.heading" if file.found.cells else "''")} as _heading,
                 _version, _overflow, {", ".join(columns)},
                 {_by_file(usable, lambda file: quoted(file.header[0]))} as _first,
                 {below} as _below,
                 {_by_file(usable, _stands_alone)} as _alone,
                 {_by_file(usable, lambda file: _lacks_code(table, file))} as _short,
                 {_by_file(usable, partial(_is_undated, table=table))} as _undated,
                 {_by_file(usable, _is_deleted)} as _deleted, _updated,
                 {_by_file(usable, partial(_never_came, export=export))} as _never_came
          from (
            select *, {_is_updated(usable)} as _updated from {_by_cell(rows or f"raw_{table}", usable)}
          ) where {_wanted(usable, export)}
        )"""


def ids_left_out(table: str, column: str, files: pl.DataFrame, export: TableExport) -> str:
    """SQL of the ids of an export's rows, also of those that `where` leaves out; of none without one."""
    if not export.where:
        return f"select null::varchar as {column} where false"
    everywhere = export.model_copy(update={"where": {}})
    return (
        f"select {column} from ({canonical_query(table, files, everywhere)}) where {column} <> ''"
    )


def _usable(table: str, files: pl.DataFrame, export: TableExport) -> Sequence[_File]:
    """The files of an export that have what it needs."""
    resolved = {path: (found, part) for path, found, part in _resolved(table, files, export)}
    return [
        _File(
            part=resolved[path][1],
            path=path,
            header=header,
            header_lines=header_lines,
            dialect=dialect,
            found=resolved[path][0],
            scores=has_scores(resolved[path][1], export),
        )
        for path, header, header_lines, dialect in files.filter(
            (pl.col("table") == table) & pl.col("path").is_in(resolved.keys())
        )
        .select("path", "header", "header_lines", "dialect")
        .iter_rows()
        if not resolved[path][0].missing
    ]


def _by_cell(rows: str, usable: Sequence[_File]) -> str:
    """SQL of rows with the `_cell` that each is about, where files have several in a line."""
    if not any(file.found.cells for file in usable):
        return rows
    says = sorted({name for file in usable for cell in file.found.cells for name in cell.says})

    def struct(place: int, cell: WideColumn) -> str:
        said = {name: literal(cell.says[name]) if name in cell.says else "null" for name in says}
        texts = {"heading": literal(cell.header), "cell": quoted(cell.header), **said}
        parts = ", ".join(f"{name}: {text}::varchar" for name, text in texts.items())
        return f"{{place: {place}, {parts}}}"

    def cells(file: _File) -> str:
        places = {name: place for place, name in enumerate(file.header)}
        wide = [struct(places[cell.header], cell) for cell in file.found.cells]
        return f"[{', '.join(wide) or 'null'}]"

    # what of a line is read is not known here, and DuckDB leaves the rest
    return f"(select *, unnest({_by_file(usable, cells)}) as _cell from {rows})"


def _stands_alone(file: _File) -> str:
    """SQL that is true for a line of a wide table that has nothing but cells: it is about the columns."""
    if not file.found.cells:
        return "false"
    others = [quoted(name) for name in file.header if name not in headings(file.found)]
    filled = f"trim(concat({', '.join(others)}))"
    return f"{filled} = '' or regexp_full_match({filled}, {literal(_ABOUT_COLUMNS)}, 'i')"


def _rules(table: str, usable: Sequence[_File]) -> str:
    """SQL of the rules that set rows apart before anything is parsed.

    What is cheap and seldom true goes first: these are asked of rows by the million.
    """
    key, *others = KEYS[table]
    required = [field.name for field in FIELDS[table] if field.required]
    # one pattern for several cells: each takes DuckDB milliseconds to compile
    cells = _joined([f"nullif({field.name}, '')" for field in FIELDS[table]])
    told = _joined(TOLD.get(table, ()))

    def again(file: _File) -> str:
        texts = {name: file.found.headers.get(name) for name in required}
        same = [f"{name} = {literal(text)}" for name, text in texts.items() if text is not None]
        return f"coalesce({' and '.join(same) or 'false'}, false)"

    def apart(file: _File) -> str:
        return " and ".join(f"{name} is null" for name in others if name not in file.found.said)

    rules = {
        ABOVE: _by_file(usable, lambda file: f"_line <= {file.header_lines}"),
        REPEATED_HEADER: _by_file(usable, again),
        TOTALS: " and ".join(
            [
                _by_file(usable, lambda file: apart(file) or "true"),
                *([f"({told} = '' or {_each(told, _NOTHING_TOLD)})"] if TOLD.get(table) else []),
                f"coalesce({_like(f'coalesce({key}, _first)', _TOTAL)}, false)",
            ]
        ),
        UNITS: f"_below and (_alone or lower(trim(_first)) = 'points possible' or {_each(cells, _UNIT)})",
        TEST_STUDENT: "_heading <> '' and lower(trim(_first)) = 'student, test'",
        UPDATED: "_updated",
        DELETED: "_deleted",
        NEVER_CAME: "_never_came",
        TOO_MANY_CELLS: "_overflow is not null",
        f"missing_{CODES.get(table)}": "_short",
        NO_DUE_DATE: "_undated",
    }
    return " ".join(f"when {broken} then {literal(rule)}" for rule, broken in rules.items())


def _is_undated(file: _File, table: str) -> str:
    """SQL that is true for homework which is said to have no due date, and not where nothing is said of it."""
    header = file.found.headers.get("due_date")
    if table != "homework" or header is None:
        return "false"
    (field,) = (field for field in FIELDS[table] if field.name == "due_date")
    cell = f"trim({_received(file, table, field)})"
    joined = header not in file.header
    return f"coalesce({cell} in {literals(MISSING)}, {'false' if joined else 'true'})"


def _is_deleted(file: _File) -> str:
    """SQL that is true for a OneRoster record which is no longer one."""
    status = [name for name in file.header if normal(name) == "status"]
    free = [name for name in status if name not in file.found.headers.values()]
    return f"coalesce({_like(quoted(free[0]), 'tobedeleted')}, false)" if free else "false"


def _never_came(file: _File, export: TableExport) -> str:
    """SQL that is true for an enrollment of no day, where its end is surely the first day out."""
    ends = isinstance(export, EnrollmentsExport) and export.end_date == "exclusive"
    first, end = (file.found.headers.get(name) for name in ("begin_date", "end_date"))
    if not (file.part.end_date == "exclusive" and ends and first and end):
        return "false"
    return f"coalesce({quoted(first)} = {quoted(end)}, false)"


def _is_updated(usable: Sequence[_File]) -> str:
    """SQL that is true for a record which a later file of changes has again."""
    if not any(file.part.export == "delta" for file in usable):
        return "false"
    key = _by_file(usable, lambda file: quoted(file.part.key) if file.part.key else "null::varchar")
    return f"coalesce({key} <> '' and _version < max(_version) over (partition by {key}), false)"


def _like(cell: str, pattern: str) -> str:
    return f"regexp_full_match(trim({cell}), {literal(pattern)}, 'i')"


def _joined(cells: Sequence[str]) -> str:
    """SQL of those of several cells that are not empty, each with `APART` behind it."""
    return f"concat_ws({literal(APART)}, {''.join(f'{cell}, ' for cell in cells)}'')"


def _each(cells: str, pattern: str) -> str:
    """SQL that is true where there are `_joined` cells and every one matches."""
    return f"regexp_full_match({cells}, {literal(f'(({pattern}){APART})+')}, 'i')"


def _lacks_code(table: str, file: _File) -> str:
    """A row that ends before its code has none, which is not the same as an empty one."""
    if file.found.cells:
        return f"coalesce({CELLS} <= _cell.place, false)"
    header = file.found.headers.get(CODES.get(table, ""))
    if header not in file.header:  # or in a file that is joined
        return "false"
    return f"coalesce({CELLS} <= {file.header.index(header)}, false)"


def _said_of_headers(file: _File, header: str) -> str | None:
    """Our column, said by headers, by whose text a joined file says this; None where cells do."""
    join = file.part.join.get(header.partition(".")[0]) if header not in file.header else None
    return join.on[0] if join and join.on[0] in file.found.said else None


def _in_words(file: _File, column: str, cell: str) -> str:
    """SQL of a cell as a word, where the file has numbers or words of its own system."""
    words = file.part.values.get(column, {})
    cases = [
        f"when upper(coalesce({cell}, '')) = {literal(w.upper())} then {literal(o)}"
        for w, o in words.items()
    ]
    if file.scores and column in CODES.values():
        score = f"try_cast(replace({cell}, ',', '.') as double)"
        cases += [f"when {score} > 0 then 'graded'", f"when {score} = 0 then '0'"]
    return f"case {' '.join(cases)} else {cell} end" if cases else cell


def _day(file: _File, cell: str) -> str:
    """SQL of a cell with a date, its days counted as in newer workbooks."""
    if file.dialect != FROM_1904:
        return cell
    return (
        rf"if(regexp_full_match({cell}, '\d{{5}}(\.\d+)?'), "
        f"({DAYS_TO_1904} + floor(try_cast({cell} as double) + {HALF_A_SECOND}))::int::varchar, {cell})"
    )


def _written(file: _File, cell: str) -> str:
    """SQL of a cell with a date, written as its file is said to write dates."""
    forms = [literal(form) for form in file.part.date_formats]
    if not forms:
        return cell
    days = ", ".join(f"try_strptime({cell}, {form})" for form in forms)
    return f"coalesce(strftime(coalesce({days}), '%Y-%m-%d'), {cell})"


def _wanted(usable: Sequence[_File], export: TableExport) -> str:
    """SQL that is true for the rows to keep of each file."""

    def kept(file: _File) -> str:
        filters = file.found.filters.items()
        # whoever says where the header is has seen what stands above it
        start = "true" if export.header_line is None else f"_line > {file.header_lines}"
        return " and ".join(
            [
                start,
                *(_is_one_of(file, name, values) for name, values in filters),
            ]
        )

    paths = literals([file.path for file in usable])
    return f"_file in {paths} and {_by_file(usable, kept)}"


def _is_one_of(file: _File, header: str, values: Sequence[str]) -> str:
    """SQL that is true where a cell has one of some values; a joined one may list several."""
    cell = f"coalesce(trim({quoted(header)}), '')"
    if ANYTHING in values:
        return f"{cell} not in {literals(MISSING)}"
    if header not in file.part.where:
        return f"{cell} in {literals(values)}"
    among = literals([value.casefold() for value in values])
    if header not in file.part.joined():
        return f"lower({cell}) in {among}"
    return f"list_has_any(string_split(lower({cell}), '{LISTED}'), [{among[1:-1]}])"


def described(cell: str) -> str:
    """SQL of the words of a cell, which Ed-Fi writes as `uri://ed-fi.org/GradeLevelDescriptor#Ninth grade`."""
    return f"if(starts_with({cell}, 'uri://'), regexp_replace({cell}, 'uri://[^#]*#', '', 'g'), {cell})"


def _by_file(usable: Sequence[_File], sql: Callable[[_File], str]) -> str:
    """SQL that differs from file to file."""
    files_by_sql: dict[str, list[str]] = {}
    for file in usable:
        files_by_sql.setdefault(sql(file), []).append(file.path)
    if len(files_by_sql) > 1:
        cases = " ".join(
            f"when _file in {literals(paths)} then {one}" for one, paths in files_by_sql.items()
        )
        return f"case {cases} end"
    return next(iter(files_by_sql))


def _flags_said(flags: Mapping[str, str]) -> str:
    """SQL of what columns of yes and no say, such as `absent + excused` or `tardy + unexcused`.

    A row of which the first column says no, and no other yes, is `not absent`; where it says nothing,
    `no flag`. What is neither yes nor no is shown: `absent = 2`.
    """
    cells = {word: f"lower(trim(coalesce({quoted(name)}, '')))" for word, name in flags.items()}

    def said(word: str, otherwise: str) -> str:
        return (
            f"case when {cells[word]} in {literals(YES)} then {literal(word)} "
            f"when {cells[word]} in {literals(NO)} then {otherwise} "
            f"when {cells[word]} not in {literals(NOTHING)} then {literal(f'{word} = ')} || {cells[word]} end"
        )

    what = ", ".join(said(word, "null") for word in flags if word != "excused")
    neither = f"if({cells['absent']} in {literals(NO)}, 'not absent', 'no flag')"
    excused = f", {said('excused', literal('unexcused'))}" if "excused" in flags else ""
    return f"concat_ws(' + ', coalesce(nullif(concat_ws(' + ', {what}), ''), {neither}){excused})"


def _received(file: _File, table: str, field: Field) -> str:
    """SQL of one of our columns as a file has it: by its header, in its headings, or as a constant."""
    if file.found.how.get(field.name) == "flags":
        return _flags_said(file.found.flags)
    if field.name in file.found.said:
        return f"_cell.{'cell' if field.name == CODES[table] else field.name}"
    header = file.found.headers.get(field.name)
    constant = file.found.constants.get(field.name)
    if not header:
        return "null::varchar" if constant is None else literal(constant)
    if on := _said_of_headers(file, header):
        return f"from_json({quoted(header)}, '\"MAP(VARCHAR, VARCHAR)\"')[_cell.{on}]"
    cell = quoted(header)
    if field.name in file.part.lists:
        cell = f"if(contains({cell}, '{LISTED}'), null, {cell})"
    if CODES.get(table) == field.name or (table, field.name) in WORDS or field.name == "grade":
        cell = described(cell)
    if also := file.part.beside.get(field.name):
        words = ", ".join(map(_word_beside, also))
        cell = f"concat_ws(' + ', {_in_words(file, field.name, f'trim({cell})')}, {words})"
    return cell


def _word_beside(header: str) -> str:
    """SQL of what a cell says beside a code: of yes its header, of no nothing."""
    cell = f"trim({described(quoted(header))})"
    return (
        f"case when lower({cell}) in {literals(YES)} then {literal(normal(header))} "
        f"when lower({cell}) not in {literals((*NO, *NOTHING))} then {cell} end"
    )


def _with_presence(code: str, presence: str) -> str:
    """SQL of a code with what its own system says of presence behind it, as `PRESENCE` reads it."""
    return (
        f"case when lower({presence}) in ('present', 'absent') "
        f"then trim({code} || ' (' || lower({presence}) || ')') else {code} end"
    )


def _cell(table: str, field: Field, usable: Sequence[_File], export: TableExport) -> str:
    """SQL of one of our columns: the file's, else the constant, else empty."""
    if not any(field.name in file.found.found for file in usable):
        return "''" if CODES.get(table) == field.name else "null::varchar"
    cell = f"trim(replace({_by_file(usable, partial(_received, table=table, field=field))}, chr(9), ' '))"
    if field.name in DATES.get(table, ()):
        cell = _by_file(usable, partial(_day, cell=cell))
        cell = _by_file(usable, partial(_written, cell=cell))
    elif field.name.endswith("_id"):
        cell = f"ltrim({cell}, {literal(TEXT_MARK)})"
        unsigned = f"ltrim({cell}, '-')"
        cell = _by_file(usable, lambda file: unsigned if field.name in file.part.unsigned else cell)
    elif field.name == "email" and isinstance(export, StaffExport) and export.email_domain:
        domain = literal(f"@{export.email_domain}")
        cell = f"{cell} || if({cell} = '' or contains({cell}, '@'), '', {domain})"
    cell = _by_file(usable, partial(_in_words, column=field.name, cell=cell))
    if CODES.get(table) == field.name:
        return (
            f"case when {cell} in {literals(MISSING_CODES)} then '' else coalesce({cell}, '') end"
        )
    digits = export.width.get(field.name)
    padded = (
        f"case when length({cell}) < {digits} and regexp_full_match({cell}, '\\d+') "
        f"then lpad({cell}, {digits}, '0') else {cell} end"
        if digits
        else cell
    )
    names = NAMES_LIKE_MISSING.get((table, field.name), ())
    missing = [word for word in MISSING if word not in names]
    cases = "".join(
        f" when {cell} = {literal(theirs)} then {literal(ours)}"
        for theirs, ours in export.values.get(field.name, {}).items()
        if field.name in OTHERWISE
    )
    nothing = f"{cell} in {literals(missing)}" if table in CODES else is_among(cell, missing)
    return f"case when {nothing} then null{cases} else {padded} end"
