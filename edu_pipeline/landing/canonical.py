"""Raw rows under our column names, still text: the one step that every export shares.

The result of `canonical_query` has the file, line and version of each row and one text column per
field of `school.FIELDS`; what a cell means is parsed afterwards.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from edu_pipeline.landing.columns import Field, Resolved, normal, resolve
from edu_pipeline.landing.raw import quoted
from edu_pipeline.landing.school import FIELDS, MISSING
from edu_pipeline.settings import TableExport

CODES = {"attendance": "code", "homework": "status"}
"""Columns whose cells are codes: an empty one means something, and `N/A` may be a code."""


def resolved_headers(
    table: str, files: pl.DataFrame, export: TableExport
) -> Mapping[str, Resolved]:
    """File → its header, understood, for an export's current and readable files."""
    usable = files.filter(
        (pl.col("table") == table) & pl.col("current") & pl.col("error").is_null()
    )
    return {
        path: resolve(table, FIELDS[table], header, export)
        for path, header in usable.select("path", "header").iter_rows()
    }


def canonical_query(table: str, files: pl.DataFrame, export: TableExport) -> str:
    """SQL over `raw_<table>` that gives `_file`, `_line`, `_version` and our columns as text.

    Files that lack a required column give no rows; they are a landing problem. Rows that
    `where` sends elsewhere are left out.
    """
    headers = {
        path: found.headers
        for path, found in resolved_headers(table, files, export).items()
        if not found.missing
    }
    columns = ",\n  ".join(
        f"{_cell(table, field, headers, export)} as {field.name}" for field in FIELDS[table]
    )
    wanted = [f"_file in {literals(list(headers))}"] if headers else ["false"]
    known = {normal(name): name for names in files["header"] for name in names}
    wanted += [
        f"{quoted(known[normal(header)])} in {literals(values)}"
        for header, values in export.where.items()
        if normal(header) in known
    ]
    return (
        f"select _file, _line, _version, _overflow,\n  {columns}\n"
        f"from raw_{table}\nwhere {' and '.join(wanted)}"
    )


def literal(text: str) -> str:
    """A text as an SQL literal."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def literals(texts: Sequence[str]) -> str:
    """Texts as an SQL list for `in`."""
    return f"({', '.join(map(literal, texts))})"


def _cell(
    table: str, field: Field, headers: Mapping[str, Mapping[str, str]], export: TableExport
) -> str:
    files_by_header: dict[str, list[str]] = {}
    for path, names in headers.items():
        if field.name in names:
            files_by_header.setdefault(names[field.name], []).append(path)
    if not files_by_header:
        cell = "null::varchar"
    elif len(files_by_header) == 1 and len(next(iter(files_by_header.values()))) == len(headers):
        cell = quoted(next(iter(files_by_header)))
    else:
        cases = " ".join(
            f"when _file in {literals(paths)} then {quoted(header)}"
            for header, paths in files_by_header.items()
        )
        cell = f"case {cases} end"
    if CODES.get(table) == field.name:
        cell = f"coalesce(trim({cell}), '')"
    else:
        cell = f"case when trim({cell}) in {literals(MISSING)} then null else trim({cell}) end"
    constant = export.constants.get(field.name)
    return cell if constant is None else f"coalesce({cell}, {literal(constant)})"
