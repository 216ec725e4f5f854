"""Raw rows under our column names, still text: the one step that every export shares.

The result of `canonical_query` has the file, line and version of each row and one text column per
field of `school.FIELDS`; what a cell means is parsed afterwards.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from edu_pipeline.landing.columns import Field, Resolved, resolve
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
    usable = {
        path: found
        for path, found in resolved_headers(table, files, export).items()
        if not found.missing
    }
    columns = ",\n  ".join(
        f"{_cell(table, field, usable, export)} as {field.name}" for field in FIELDS[table]
    )
    return (
        f"select _file, _line, _version, _overflow,\n  {columns}\n"
        f"from raw_{table}\nwhere {_wanted(usable)}"
    )


def literal(text: str) -> str:
    """A text as an SQL literal."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def literals(texts: Sequence[str]) -> str:
    """Texts as an SQL list for `in`."""
    return f"({', '.join(map(literal, texts))})"


def _wanted(usable: Mapping[str, Resolved]) -> str:
    """SQL that is true for the rows to keep of each file."""
    files_by_filter: dict[str, list[str]] = {}
    for path, found in usable.items():
        kept = "".join(
            f" and trim({quoted(header)}) in {literals(values)}"
            for header, values in found.filters.items()
        )
        files_by_filter.setdefault(kept, []).append(path)
    return (
        " or ".join(f"_file in {literals(paths)}{kept}" for kept, paths in files_by_filter.items())
        or "false"
    )


def _cell(table: str, field: Field, usable: Mapping[str, Resolved], export: TableExport) -> str:
    """SQL of one of our columns: the file's, else the constant, else empty."""
    constant = export.constants.get(field.name)
    otherwise = "null::varchar" if constant is None else literal(constant)
    files_by_cell: dict[str, list[str]] = {}
    for path, found in usable.items():
        header = found.headers.get(field.name)
        files_by_cell.setdefault(quoted(header) if header else otherwise, []).append(path)
    if len(files_by_cell) > 1:
        cases = " ".join(
            f"when _file in {literals(paths)} then {cell}" for cell, paths in files_by_cell.items()
        )
        cell = f"case {cases} end"
    else:
        cell = next(iter(files_by_cell), otherwise)
    if CODES.get(table) == field.name:
        return f"coalesce(trim({cell}), '')"
    return f"case when trim({cell}) in {literals(MISSING)} then null else trim({cell}) end"
