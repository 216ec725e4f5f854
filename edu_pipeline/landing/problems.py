"""What is wrong with the exports, in sentences that say what to do.

Pure: frames and settings in, frames out. A problem holds mail (see `gate`); a rejected row alone
does not.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from edu_pipeline.landing.canonical import resolved_headers
from edu_pipeline.landing.roster import parsed_date, words_unknown
from edu_pipeline.landing.school import DATE_FORMATS, OTHER_ROLES
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.model.roster import CLASS_TYPES, ROLES
from edu_pipeline.settings import SCHOOL_TABLES, Landing

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
NAMED_CLASSES = 4


def file_problems(files: pl.DataFrame, landing: Landing) -> pl.DataFrame:
    """Unreadable files, missing columns, missing exports and shapes that cannot be counted.

    Args:
        files: `LandingFiles`.
        landing: The section of `pipeline.toml`.

    Returns:
        `LandingProblems`; these concern every class and every week.
    """
    current = files.filter("current")
    rows = [
        _problem(
            file["table"], "unreadable_file", file["path"], f"{file['path']}: {file['error']}."
        )
        for file in current.filter(pl.col("error").is_not_null()).iter_rows(named=True)
    ]
    for table in SCHOOL_TABLES:
        for path, found in resolved_headers(table, files, landing.export(table)).items():
            rows += [
                _problem(table, "missing_column", path, f"{path}: {sentence}")
                for sentence in found.missing
            ]
    landed = set(current["table"])
    needs = [(table, f"No {table} export has landed. ") for table in NEEDED]
    if landing.attendance.shape == "exceptions":
        unknown = (
            "Attendance comes as exceptions only, and without it nobody knows who was expected. "
        )
        needs += [(table, f"No {table} export has landed. {unknown}") for table in EXPECTED]
    for table, sentence in needs:
        if table not in landed and not (
            table == "enrollments" and _homeroom_column(files, landing)
        ):
            pattern = (landing.export(table).files or (f"school/{table}*.csv",))[0]
            rows.append(
                _problem(
                    table,
                    "missing_export",
                    table,
                    f"{sentence}Put a file named like {pattern} into the landing zone, or say in "
                    f"[landing.{table}] files = […] where it is.",
                )
            )
    return _frame(rows)


def _homeroom_column(files: pl.DataFrame, landing: Landing) -> bool:
    found = resolved_headers("students", files, landing.students).values()
    return any("homeroom_id" in resolved.headers for resolved in found)


def word_problems(rows: Mapping[tuple[str, str], pl.DataFrame], landing: Landing) -> pl.DataFrame:
    """Words of `class_type`, `role` and `in_session` that nobody mapped.

    Args:
        rows: (export, column) → `canonical_query` of the export.
        landing: The section of `pipeline.toml`.

    Returns:
        `LandingProblems`; these concern every class and every week.
    """
    return _frame(
        [
            _problem(
                table,
                "unmapped_word",
                word,
                f"{column} '{word}' appears {'once' if times == 1 else f'{times} times'} in {table}. "
                f"Add to [landing.{table}.values.{column}]: "
                f'{_toml_key(word)} = "{MEANINGS[table, column][0]}" (or what it means)',
                rows=times,
            )
            for (table, column), frame in rows.items()
            for word, times in words_unknown(
                table, column, frame, MEANINGS[table, column], landing.export(table)
            ).items()
        ]
    )


def row_problems(
    rejected: pl.DataFrame,
    received: Mapping[str, int],
    rosters: pl.DataFrame,
    landing: Landing,
) -> pl.DataFrame:
    """Unmapped codes, and exports of which so many rows fail that the export must be wrong.

    Args:
        rejected: `RejectedRows` with `student_id` and `day`, as far as they could be read.
        received: Export → rows received.
        rosters: spell × student: `class_id`, `class_name`, `class_type`, `student_id`,
            `begin_date`, `end_date`; it tells which classes a row concerns.
        landing: The section of `pipeline.toml`.

    Returns:
        `LandingProblems`, problem × class concerned.
    """
    rows: list[dict[str, object]] = []
    for table in ("attendance", "homework"):
        unmapped = rejected.filter((pl.col("table") == table) & (pl.col("rule") == "unmapped_code"))
        for (code,), marks in unmapped.group_by("value", maintain_order=True):
            rows += _unmapped(table, str(code), marks, rosters)
    for (table, rule), bad in rejected.group_by("table", "rule", maintain_order=True):
        of = received.get(str(table), 0)
        if rule == "unmapped_code" or bad.height <= MANY_REJECTED * of:
            continue
        rows.append(_many(str(table), str(rule), bad, of, landing))
    return _frame(rows)


def _unmapped(
    table: str, code: str, marks: pl.DataFrame, rosters: pl.DataFrame
) -> list[dict[str, object]]:
    concerned = (
        marks.filter(pl.col("day").is_not_null())
        .join(rosters, on="student_id")
        .filter(pl.col("day").is_between(pl.col("begin_date"), pl.col("end_date"), closed="left"))
        .select("class_id", "class_name", "class_type")
        .unique()
        .sort("class_type", "class_name", "class_id")
    )
    homerooms = concerned.filter(pl.col("class_type") == "homeroom")["class_name"].to_list()
    names = homerooms or concerned["class_name"].to_list()
    shown = ", ".join(names[:NAMED_CLASSES]) + (" …" if len(names) > NAMED_CLASSES else "")
    times = "once" if marks.height == 1 else f"{marks.height} times"
    example = '"absent"' if table == "attendance" else '"missing"'
    message = (
        f"'{code}' appears {times}{f' ({shown})' if shown else ''}. "
        f"Add to [{table}.codes]: {_toml_key(code)} = {example} (or what it means)"
    )
    days = marks["day"].drop_nulls()
    return [
        _problem(
            table,
            "unmapped_code",
            code,
            message,
            rows=marks.height,
            first=days.min(),
            last=days.max(),
            class_id=class_id,
        )
        for class_id in concerned["class_id"].to_list() or [None]
    ]


def _many(table: str, rule: str, bad: pl.DataFrame, of: int, landing: Landing) -> dict[str, object]:
    first = bad.sort("file", "line").row(0, named=True)
    # a cell is shown only where it should be a date: another one may hold a name
    dated = rule.startswith("unparseable_") and any(map(str.isdigit, first["value"] or ""))
    shown = f", such as {first['value']!r}" if dated else ""
    message = (
        f"{bad.height} of {of} rows of {table} are rejected: {rule.replace('_', ' ')}{shown} "
        f"({first['file']}, line {first['line']})."
    )
    if rule.startswith("unparseable_"):
        values = bad["value"].drop_nulls()
        fits = [
            form
            for form in DATE_FORMATS
            if values.to_frame("v")
            .select(parsed_date(pl.col("v"), [form]).is_not_null().all())
            .item()
        ]
        known = landing.export(table).date_formats
        formats = ", ".join(f'"{form}"' for form in (*known, *fits[:1])) if fits else '"…"'
        message += f" Add to [landing.{table}]: date_formats = [{formats}]"
    elif rule.startswith("unknown_"):
        message += " The exports do not fit together: export them again on the same day."
    return _problem(table, "many_rejected", rule, message, rows=bad.height)


def _toml_key(code: str) -> str:
    bare = code.isascii() and code.replace("-", "").replace("_", "").isalnum()
    escaped = code.replace("\\", "\\\\").replace('"', '\\"')
    return code if bare else f'"{escaped}"'


def _problem(
    table: str,
    kind: str,
    subject: str,
    message: str,
    *,
    rows: int = 0,
    first: object = None,
    last: object = None,
    class_id: str | None = None,
) -> dict[str, object]:
    return {
        "table": table,
        "kind": kind,
        "subject": subject,
        "rows": rows,
        "first_date": first,
        "last_date": last,
        "class_id": class_id,
        "message": message,
    }


def _frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    return LandingProblems.validate(
        pl.DataFrame(list(rows), schema=dtypes(LandingProblems), orient="row")
    )
