"""What lies in a landing zone, of all sources, before any run: read in memory as a refresh would.

What each source makes of its files stands in `sources/…/described`, what is wrong with them in
`sources/…/problems`. Nothing that may be a name is kept.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import polars as pl

from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.described import Block, Row, Taken
from edu_pipeline.landing.elsewhere import lying_elsewhere
from edu_pipeline.landing.problems_of_all import problems_of_others
from edu_pipeline.landing.report import blocks
from edu_pipeline.landing.sources.edx import edx_described as edx
from edu_pipeline.landing.sources.edx.edx_reading import UnknownHeader, unknown_headers
from edu_pipeline.landing.sources.results import result_described as results
from edu_pipeline.landing.sources.school.school_described import SchoolSeen, inspect_school
from edu_pipeline.landing.sources.school.suggestions import OPEN, Line, with_lines
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER, SCHOOL_TABLES


@dataclass(frozen=True)
class Inspection:
    """Everything that can be said of a landing zone without a run."""

    jobs: tuple[str, ...]
    """What the home is for, as files or settings give a sign: teachers, programmes, attainment."""
    taken: tuple[Taken, ...]
    """Every file but those that belong to no source and are known not to be needed."""
    blocks: tuple[Block, ...]
    """All that is said, for the screen."""
    lines: tuple[Line, ...]
    """What to add to `pipeline.toml`; the certain ones are assumed in all the rest."""
    more_lines: str
    """Sections of `pipeline.toml` that only a person can fill in, as comments."""
    problems: pl.DataFrame
    """`LandingProblems`: what a refresh would find, with these lines."""
    to_do: tuple[str, ...]
    """What to do, in order."""

    @property
    def ready(self) -> bool:
        """Whether nothing has to be done."""
        return not self.to_do


def inspect_zone(zone: Zone, settings: Settings, released: Collection[str] = ()) -> Inspection:
    """Look at a landing zone.

    Args:
        zone: Where the files lie.
        settings: Of the home.
        released: Ids of the problems that somebody let go.

    Raises:
        LandingError: The zone cannot be listed, or real exports lie beside invented ones.
    """
    paths = [file.path for file in zone.ours()]
    seen = inspect_school(zone, settings, lying_elsewhere(paths))
    jobs = tuple(_jobs(paths, seen, settings))
    taken: list[Taken] = [*_of_school(seen)]
    said: list[Block] = []
    reports = [path for path in paths if path.startswith(PROGRAMMES_FOLDER)]
    headers = unknown_headers(zone, reports, settings.landing.edx.columns)
    lines = (*seen.lines, *_header_lines(headers))
    assumed = with_lines(settings, lines[len(seen.lines) :])
    with duckdb.connect(config={"python_enable_replacements": False}) as con:
        if "programmes" in jobs:
            columns = assumed.landing.edx.columns
            of_edx = edx.describe(con, zone, settings.programmes, columns)
            taken += of_edx.taken
            said += [*of_edx.blocks, *edx.header_blocks(headers)]
        if "attainment" in jobs:
            of_results = results.describe(con, zone, settings.attainment)
            taken += of_results.taken
            said += of_results.blocks
        others = problems_of_others(con, zone, settings)
    school = seen.problems if "teachers" in jobs or not jobs else seen.problems.clear()
    problems = pl.concat([school, others]).filter(~pl.col("id").is_in(list(released)))
    today = datetime.now(settings.zone).date()
    more = edx.programme_lines(zone, settings.programmes, assumed.landing.edx.columns, today)
    to_do = tuple(_to_do(jobs, seen, lines, problems, more))
    shown = replace(seen, absent=seen.absent if "teachers" in jobs else ())
    said = [*blocks(shown), *said, *_blanks(settings, jobs)]
    return Inspection(jobs, tuple(taken), tuple(said), lines, more, problems, to_do)


def _jobs(paths: Sequence[str], seen: SchoolSeen, settings: Settings) -> Iterator[str]:
    said = settings.model_fields_set
    if (
        seen.exports
        or settings.landing.model_fields_set & set(SCHOOL_TABLES)
        or settings.attendance.codes
    ):
        yield "teachers"
    if settings.programmes or any(path.startswith(PROGRAMMES_FOLDER) for path in paths):
        yield "programmes"
    if "attainment" in said or any(path.startswith(ATTAINMENT_FOLDER) for path in paths):
        yield "attainment"


def _header_lines(headers: Sequence[UnknownHeader]) -> Iterator[Line]:
    """What edX calls the columns of headers that it does not have."""
    section, said = ("landing", "edx", "columns"), set[str]()
    for each in headers:
        certain = [*each.guessed.items()]
        left = set(each.unknown) - each.guessed.keys() if each.lacking else set()
        lacking = " or ".join(each.lacking)
        for name, column in certain:
            if name not in said:
                yield Line(section, name, column, "all its cells look like it")
        for name in each.unknown:
            if name in left - said and len(each.guessed) < len(each.lacking):
                yield Line(section, name, OPEN, f"if it is {lacking}", certain=False)
        said |= {*each.unknown}


def _of_school(seen: SchoolSeen) -> Iterator[Taken]:
    for export in seen.exports:
        for file in export.files:
            yield Taken(
                file.path, "school", export.table, file.why, file.current, file.rows, file.error
            )
    for path, why in seen.unplaced.items():
        yield Taken(path, None, None, why, counts=False)
    for path, why in seen.companions.items():
        yield Taken(path, None, None, why, counts=False)


def _blanks(settings: Settings, jobs: Collection[str]) -> list[Block]:
    """What nobody has said yet, and what happens meanwhile; nothing waits for it."""
    blank = [
        (
            "[school] name",
            settings.school.name,
            f"Letters and pages say “{settings.called}”.",
        ),
        ("[school] time_zone", settings.school.time_zone, "Weeks and times are meant in UTC."),
    ]
    if {"teachers", "programmes"} & set(jobs) or not jobs:
        sender = "Needed before letters leave this machine."
        blank.append(("[letters] from_email", settings.letters.from_email, sender))
    rows = tuple(Row(key, meanwhile) for key, value, meanwhile in blank if not value)
    return [Block("Blank in pipeline.toml", rows)] if rows else []


def _to_do(
    jobs: Sequence[str],
    seen: SchoolSeen,
    lines: Sequence[Line],
    problems: pl.DataFrame,
    more: str,
) -> Iterator[str]:
    """What to do, in order: files first, then what to say about them, then what is left."""
    strange = list(seen.unplaced)
    if not jobs and not strange:
        yield (
            "Put exports into the landing zone: a school's into school/, edX's reports into "
            f"{PROGRAMMES_FOLDER}<programme>/, exam results into {ATTAINMENT_FOLDER}."
        )
        return
    if strange:
        yield (
            f"{counted(len(strange), 'file')} {'is' if len(strange) == 1 else 'are'} taken for "
            f"nothing: {listed(strange[:3])}{' and others' if len(strange) > 3 else ''}. Say what "  # noqa: PLR2004
            "each is, as above, or that it is not ours: [landing] ignore = […]."
        )
    missing = problems["kind"] == "missing_export"
    yield from problems.filter(missing)["message"].unique(maintain_order=True)
    certain = sum(line.certain for line in lines)
    if certain:
        it = "it has" if certain == 1 else "they have"
        yield (
            f"Add {counted(certain, 'line')} to pipeline.toml, for {it} no other reading: "
            "edu-pipeline landing inspect --write"
        )
    if open_ones := len(lines) - certain:
        yield (
            f"Answer {counted(open_ones, 'question')} in pipeline.toml: take the # from the lines above that begin "
            "with one, where they are right, and write what is meant in place of “…”."
        )
    if more:
        yield (
            "Say in pipeline.toml what the programmes are, as above; what the exports themselves say is "
            "written there by: edu-pipeline landing inspect --write"
        )
    asked = {
        line.section[1]
        for line in lines
        if line.section[0::2] == ("landing", "columns") and not line.certain
    }
    again = (pl.col("kind") == "missing_column") & pl.col("table").is_in(sorted(asked))
    yield from problems.filter(~missing, ~again)["message"].unique(maintain_order=True)
