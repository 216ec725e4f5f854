"""Homework without a due date, which is of no week.

Where the export says that it has none, that is told. Where it may have one that nobody said, letters wait.
"""

from collections.abc import Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.rules import NO_DUE_DATE, UNLISTED
from edu_pipeline.landing.sources.school.school_problems import school_problem
from edu_pipeline.landing.zone import of_pattern
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.landing import FilesOfExport

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
        one = len(assignments) == 1
        of_pieces = f"{counted(rows, 'row')} of homework in {file}, of {counted(len(assignments), 'assignment')}"
        have = "has" if rows == 1 else "have"
        if unlisted:
            sentence = f"{of_pieces} ({_some(assignments)}), {_list_of(parts[file], one=one)}"
        elif sometimes:
            sentence = (
                f"{of_pieces}, {have} no due date, and other rows of {'it' if one else 'them'} have one: which "
                "week they are of nobody knows. Export homework again."
            )
        else:
            sentence = (
                f"{of_pieces}, {have} no due date: {'it is' if one else 'they are'} of no week, and "
                f"{'counts' if one else 'count'} in none."
            )
        holds = unlisted or sometimes or nothing
        problem = school_problem(
            "homework",
            "no_due_date",
            file,
            sentence,
            rows,
            holds=holds,
            class_id=class_id,
            known_as=f"{file}: {' '.join(assignments)}" if holds else "",
        )
        yield problem.releasable("If they are to count in no week") if holds else problem


def _list_of(part: str | None, *, one: bool) -> str:
    """What to do about assignments that the file of due dates does not have."""
    read = FilesOfExport.of(part)
    name, _, column = read.columns["due_date"].partition(".")
    join = read.join[name]
    where = listed([of_pattern(pattern) for pattern in join.files])
    are = "is not" if one else "are not"
    return (
        f"{are} in {where}, so nobody knows which week {'it is' if one else 'they are'} of. Export that "
        f"again, or add a line for each: its {join.key[-1]}, and its {column}, empty where it has none."
    )


def _some(assignments: list[str]) -> str:
    more = len(assignments) - SHOWN
    return ", ".join(assignments[:SHOWN]) + (f" and {more} more" if more > 0 else "")
