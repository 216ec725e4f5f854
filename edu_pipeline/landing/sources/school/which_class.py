"""Homework that does not say of which class it is, so that the letters of scheduled classes are without it.

Without homerooms it counts for no class, and letters wait. Beside homerooms it is only said, and only of what
is of a class by its nature: a published format's, a gradebook, one of several files, or where a column says
it. A diary of everything that a student has to do is a homeroom's.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import duckdb
import polars as pl

from edu_pipeline.ground.toml import toml_key, toml_text
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.sources.school.canonical import resolved_headers
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.school_problems import few, school_problem
from edu_pipeline.landing.sources.school.unread import few_cells, words_of
from edu_pipeline.landing.tables.headers import word_set
from edu_pipeline.landing.versions import pattern_of
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

OF_CLASSES = word_set("class course section")
"""Words of headers that say which class a row is of."""
MOST_CLASSES = 5000
ENOUGH = 0.9
"""Share of a file's pieces that are of students of one class, from which all may be this class's."""


class _Class(NamedTuple):
    """A class that the students of a file are in on the days when its pieces were due."""

    class_id: str
    name: str
    lacking: bool
    """Whether it is scheduled and no homework at all names it."""
    share: float
    """Of the file's pieces, that are of its students."""


def homework_of_no_class(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """What to say of files of homework that name no class.

    Args:
        con: The warehouse, with `raw_homework` and the staging tables.
        files: `LandingFiles`.
        settings: How the exports are read.
    """
    kinds = con.execute("select list(distinct class_type) from stg_classes").fetchall()[0][0]
    counts = con.execute(
        """
        select file, count(*) filter (class_id is null) as pieces, count(class_id)
        from stg_homework group by file having pieces > 0 order by file
        """
    ).fetchall()
    if not counts or kinds == ["homeroom"]:
        return
    alone = "homeroom" not in (kinds or ())
    headers = resolved_headers("homework", files, settings.landing.homework)
    forms = dict(files.filter(table="homework").select("path", "format").iter_rows())
    for path, pieces, named in counts:
        classes = _classes_of(con, path)
        lacking = [each for each in classes if each.lacking]
        if not alone and (named or not lacking):
            continue
        common = [each for each in classes if each.share >= ENOUGH]
        found = headers[path]
        same, called = _columns_of_classes(con, found, {each.class_id for each in lacking})
        in_files = common and headers.keys() - {path}
        of_a_class = forms[path] or found.cells or same or called or in_files
        if not alone and not of_a_class:
            continue
        many = pieces > 1
        message = (
            f"{counted(pieces, 'piece')} of homework in {path} {'do' if many else 'does'} not say of which "
            f"class {'they are' if many else 'it is'}, so {'they count' if many else 'it counts'} "
        )
        message += (
            "in no class, for there are no homerooms. "
            if alone
            else f"for homerooms and the school, and letters about {few([each.name for each in lacking])} "
            "have no homework. "
        )
        problem = school_problem(
            "homework",
            "homework_of_no_class",
            path,
            message + _advice(path, common, same, called),
            pieces,
            holds=alone,
            known_as=f"{path} names no class.",
        )
        yield problem if alone else problem.releasable("If they are of no class")


def _classes_of(con: duckdb.DuckDBPyConnection, path: str) -> Sequence[_Class]:
    found = con.execute(
        """
        with pieces as (
          select student_id, due_date, count(*) as pieces from stg_homework
          where file = ? and class_id is null group by all
        )
        select class_id, class_name, class_type = 'scheduled' and class_id not in (
                 select class_id from stg_homework where class_id is not null
               ) as lacking, sum(pieces) / (select sum(pieces) from pieces) as share
        from pieces join stg_enrollments as spell on person_id = student_id and role = 'student'
          and due_date >= begin_date and due_date < end_date
        join stg_classes using (class_id)
        group by all order by lacking desc, share desc, class_id
        """,
        [path],
    ).fetchall()
    return [_Class(*row) for row in found]


def _columns_of_classes(
    con: duckdb.DuckDBPyConnection, found: Resolved, ids: set[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Headers that nobody reads: those whose cells are these ids, and those that are called like classes."""
    cells = {name: few_cells(con, "homework", name, MOST_CLASSES) for name in found.unread}
    told = {name: {*each} for name, each in cells.items() if each}
    same = [name for name, each in told.items() if len(ids & each) >= ENOUGH * len(each)]
    # of a gradebook these are totals
    called = [name for name in told if words_of(name) & OF_CLASSES and not found.cells]
    return same, called


def _advice(path: str, common: Sequence[_Class], same: Sequence[str], called: Sequence[str]) -> str:
    part = f"landing.homework.parts.{toml_key(pattern_of(path))}"
    columns, constants = f"[{part}.columns]: class_id = ", f"[{part}.constants]: class_id = "
    if same:
        return f"Add to {columns}{toml_text(same[0])}"
    if common:
        first, *others = (each.class_id for each in common)
        if any(each.lacking for each in common[1:]):  # no one is likelier than the others
            line = f'"…"  # {", ".join([first, *others])}'
        else:
            line = toml_text(first) + (f"  # or {', '.join(others)}" if others else "")
        return f"If all are of one class, add to {constants}{line}"
    if called:
        return f"Add to {columns}{toml_text(called[0])}  # if its cells are ids of classes"
    return f'Say which column is the class, in {columns}"…"; or, of a file of one class, add to {constants}"…"'
