"""Homework without a due date, which is of no week.

Where a list of assignments says that one has none, that is its fate. Where it may have one that nobody said,
letters wait.
"""

from collections.abc import Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.rules import NO_DUE_DATE, UNLISTED
from edu_pipeline.landing.sources.school.school_problems import MANY_REJECTED, school_problem
from edu_pipeline.landing.zone import of_pattern
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.landing import FilesOfExport, Join

SHOWN = 4
"""Assignments in a sentence."""


def due_date_problems(con: duckdb.DuckDBPyConnection, files: pl.DataFrame) -> Iterator[Problem]:
    """What to say of homework without a due date.

    Args:
        con: The warehouse, with `read_homework`, `stg_homework` and `rejected_homework`.
        files: `LandingFiles`.
    """
    found = con.execute(
        f"""
        with undated as (
          select rejected.file, rejected.class_id, assignment_id, rule = {literal(UNLISTED)} as unlisted
          from rejected_homework as rejected join read_homework as read
            on read._file = file and read._line = line and read._heading = heading
          where rule in {literals([NO_DUE_DATE, UNLISTED])}
        ),
        judged as (
          select *, not unlisted and exists (
                   from stg_homework as dated
                   where dated.file = undated.file and dated.assignment_id = undated.assignment_id
                     and dated.class_id is not distinct from undated.class_id
                 ) as sometimes
          from undated
        )
        select file, if(unlisted or sometimes, class_id, null) as class_id, unlisted, sometimes,
               count(*) as rows, list_sort(list(distinct assignment_id)) as assignments
        from judged
        group by all order by all
        """
    ).fetchall()
    ((nothing,),) = con.execute("select not exists (from stg_homework)").fetchall()
    parts = dict(files.filter(table="homework").select("path", "part").iter_rows())
    for file, class_id, unlisted, sometimes, rows, assignments in found:
        part = FilesOfExport.of(parts[file])
        one = len(assignments) == 1
        pieces = (
            f"{counted(len(assignments), 'assignment')}{_some(assignments) if unlisted else ''}"
        )
        of = f"{counted(rows, 'row')} of homework in {file}, of {pieces},"
        have, them = "has" if rows == 1 else "have", "it" if one else "them"
        join = _list_of(part)
        if unlisted and join:
            sentence = f"{of} {_not_in_the_list(part, join, one=one)}"
        elif sometimes:
            sentence = (
                f"{of} {have} no due date, and other rows of {them} have one: which week they are of nobody "
                "knows. Export homework again."
            )
        elif nothing or (not join and _are_many(con, file, rows)):
            sentence = f"{of} {have} no due date, and would count in no week. Export homework with due dates."
        else:
            continue
        problem = school_problem(
            "homework",
            "no_due_date",
            "due_date",
            sentence,
            rows,
            class_id=class_id,
            known_as=f"Without a due date: {' '.join(assignments) if unlisted else sometimes}",
        )
        yield problem.releasable("If they are to count in no week")


def _are_many(con: duckdb.DuckDBPyConnection, file: str, rows: int) -> bool:
    ((of,),) = con.execute("select count(*) from read_homework where _file = ?", [file]).fetchall()
    return bool(rows > MANY_REJECTED * of)


def _list_of(part: FilesOfExport) -> Join | None:
    """The other file that says when work is due."""
    return part.join.get(part.columns.get("due_date", "").partition(".")[0])


def _not_in_the_list(part: FilesOfExport, join: Join, *, one: bool) -> str:
    """What to do about assignments that the other file does not have."""
    are, they = ("is not", "it is") if one else ("are not", "they are")
    where = listed([of_pattern(pattern) for pattern in join.files])
    column = part.columns["due_date"].partition(".")[2]
    return (
        f"{are} in {where}, so nobody knows which week {they} of. Export that again, or add a line for each: "
        f"its {join.key[-1]}, and its {column}, empty where it has none."
    )


def _some(assignments: list[str]) -> str:
    more = len(assignments) - SHOWN
    return f" ({', '.join(assignments[:SHOWN])}{f' and {more} more' if more > 0 else ''})"
