"""Exports of results as they lie in a landing zone, and who stands in them."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from edu_pipeline.landing.sources.results.names import normal_name
from edu_pipeline.landing.sources.results.result_reading import read_cohort
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER, Attainment


def exports_in(zone: Zone) -> Mapping[str, bytes]:
    """Path below `attainment/` → content, but for what is told to be ignored.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    found = {}
    for file in zone.ours():
        if file.path.startswith(ATTAINMENT_FOLDER):
            with zone.local(file.path) as path:
                found[file.path.removeprefix(ATTAINMENT_FOLDER)] = path.read_bytes()
    return found


def with_landing_times(files: pl.DataFrame, zone: Zone) -> pl.DataFrame:
    """`AttainmentFiles` with `landed_at`.

    Raises:
        LandingError: The zone cannot be listed.
    """
    times = {file.path: file.landed_at for file in zone.list()}
    landed_at = pl.Series("landed_at", [times.get(path) for path in files["path"]])
    return files.with_columns(landed_at.cast(files.schema["landed_at"]))


@dataclass(frozen=True)
class SeenInResults:
    """What exports of results say of people."""

    students: frozenset[tuple[str, str | None]]
    """Id and name of everybody, once under each name."""
    files: frozenset[tuple[str, str]]
    """Id and path of the files with rows about whom was looked for."""
    read: frozenset[str]
    """Paths of the files that are taken for exports."""
    unread: frozenset[str]
    """Of these, the ones that cannot be read."""


def seen_in_results(zone: Zone, settings: Attainment, who: str) -> SeenInResults:
    """Look a student up in every export of results, and in the baselines.

    Args:
        zone: Where they lie.
        settings: How they are read.
        who: An id, or, where exports have none, the name in any spelling.

    Raises:
        LandingError: The zone cannot be listed.
    """
    exports = exports_in(zone)
    all_together = read_cohort(exports, settings)
    left = all_together.files.filter(pl.col("kind") == "not_read")["path"].unique()
    # what a newer export replaces has them, too
    alone = (
        read_cohort({path: exports[path]}, settings)
        for path in left.str.strip_prefix(ATTAINMENT_FOLDER)
    )
    landed = [all_together, *alone]
    files = pl.concat([each.files for each in landed])
    read = set(files.filter(pl.col("kind") != "not_read")["path"])
    students = pl.concat([each.seen for each in landed]).drop_nulls("student_id")
    ids = {who, normal_name(who)}
    return SeenInResults(
        frozenset(students.select("student_id", "name").iter_rows()),
        frozenset(
            (student, ATTAINMENT_FOLDER + path)
            for student, path in students.select("student_id", "path").iter_rows()
            if student in ids
        ),
        frozenset(files["path"]),
        frozenset(files["path"]) - read,
    )
