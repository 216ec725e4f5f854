"""`attainment`: one page from a file of results, without a home, for a laptop in a staff room."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import HELD, UserError, err, out
from edu_pipeline.settings.home import Home, Settings, load_settings

if TYPE_CHECKING:
    from edu_pipeline.landing.sources.results.result_reading import Landed
    from edu_pipeline.settings.attainment import Attainment

_PAGE = (".html", ".htm")
_COLUMNS = 3
"""Headers of one kind that are shown."""
_NO_IDS = "id_is_name"
"""Said, but nothing that somebody in a staff room could put right."""


@dataclass(frozen=True)
class _Page:
    html: str
    students: int
    """How many it is about."""
    disagreements: Sequence[str]
    """Differences that the export states otherwise, counted."""


def attainment(
    context: typer.Context,
    results: Annotated[
        list[Path], typer.Argument(help="Exam results, CSV or Excel. Several files are one cohort.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The page to write. Default: in this folder, called like the results.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option(
            help="A baseline file of its own: YELLIS, MidYIS, CAT4, FFT.", show_default=False
        ),
    ] = None,
    cohort: Annotated[
        str | None,
        typer.Option(
            help="Which cohort, where the results have several; else what to call it.",
            show_default=False,
        ),
    ] = None,
    shareable: Annotated[
        bool, typer.Option("--shareable", help="Without names, ids and small groups.")
    ] = False,
) -> None:
    """Make one page of a cohort's exam results that opens anywhere, without a network.

    Grades, series and subjects are understood as [attainment] in the home's pipeline.toml says.
    Exit code 3 says that something in the files should be looked at. Where it decides every figure,
    no page is written.
    """
    home: Home = context.obj
    settings = load_settings(home) if home.config.is_file() else Settings()
    target = output or Path(f"{results[0].stem}.html")
    files = [*results, *(baseline or [])]
    contents = _contents(files, target)
    bundle = _bundle_aside()
    with out.status("Reading the results …"):
        landed = _landed(
            contents,
            settings.attainment,
            {path.name for path in baseline or []},
            cohort or (results[0].stem if len(results) > 1 else None),
        )
        chosen = _chosen(landed, cohort)
    _print_columns(landed)
    if _waits(landed, chosen):
        _print_problems(landed, chosen)
        err.print(f"No page is written: what is asked above decides the figures of {chosen}.")
        raise typer.Exit(HELD)
    with out.status("Drawing the page …"):
        page = _page(home, settings, landed, chosen, _newest(files), bundle, shareable=shareable)
    students = page.students
    _write(target, page.html)
    inside = (
        "no names, no ids and no small groups in it"
        if shareable
        else f"names and grades of {students:,} {'student' if students == 1 else 'students'} in it, "
        "so do not forward it"
    )
    out.print(Text(f"{target}: {chosen}, {inside}."), soft_wrap=True)
    seen = _print_problems(landed, chosen)
    for sentence in page.disagreements:
        err.print(Text.assemble(("! ", "bold red"), sentence), soft_wrap=True)
    raise typer.Exit(HELD if seen or page.disagreements else 0)


def _contents(files: Sequence[Path], target: Path) -> Mapping[str, bytes]:
    """Name of a file → its content.

    Raises:
        UserError: A file cannot be read, two have one name, or the page is no page or in no folder.
    """
    if target.suffix.lower() not in _PAGE:
        raise UserError(
            f"The page is called {target}. Give it a name that ends in .html: -o PAGE.html"
        )
    if not target.parent.is_dir():
        raise UserError(
            f"There is no folder {target.parent} to put {target.name} into. Make it, or choose another "
            f"place: -o {target.name}"
        )
    found: dict[str, bytes] = {}
    for path in files:
        if path.name in found:
            raise UserError(f"Two of the files are called {path.name}. Rename one of them.")
        try:
            found[path.name] = path.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UserError(f"{path} cannot be read: {reason}.") from None
    return found


def _bundle_aside() -> Callable[[], str]:
    """Have the scripts made on another core: it takes as long as reading a file."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from edu_pipeline.charting.bundle import vega_bundle

    pool = ProcessPoolExecutor(1, get_context("spawn"))
    made = pool.submit(vega_bundle)
    pool.shutdown(wait=False)
    return made.result


def _newest(files: Sequence[Path]) -> datetime:
    changed = max(path.stat().st_mtime for path in files)
    return datetime.fromtimestamp(changed, UTC).replace(tzinfo=None)


def _landed(
    contents: Mapping[str, bytes],
    attainment: "Attainment",
    baselines: Collection[str],
    cohort: str | None,
) -> "Landed":
    """What the files say; of one cohort called so, unless they have one called so themselves."""
    from edu_pipeline.landing.sources.results.result_reading import read_cohort

    landed = read_cohort(contents, attainment, baselines=baselines)
    if cohort is None or cohort in landed.results["cohort"]:
        return landed
    return read_cohort(contents, attainment, baselines=baselines, cohort=cohort)


def _chosen(landed: "Landed", cohort: str | None) -> str:
    """The cohort that the page is about.

    Raises:
        UserError: There is none, or several.
    """
    import polars as pl

    from edu_pipeline.model.attainment import REFERENCES

    exams = landed.results.join(
        landed.series.filter(~pl.col("role").is_in(REFERENCES)), on=["cohort", "series"]
    )
    names = exams["cohort"].unique().sort().to_list()
    if cohort is not None and cohort in names:
        return cohort
    if len(names) > 1:
        raise UserError(
            f"There are {len(names)} cohorts in it: {', '.join(names)}. A page is about one; add: "
            f'--cohort "{names[0]}"'
        )
    if not names:
        why = " ".join(landed.notes["message"])
        raise UserError(
            "There is no exam result in it. "
            + (why or "A row needs a student, a subject and grades.")
        )
    return str(names[0])


def _waits(landed: "Landed", chosen: str) -> bool:
    """Whether no figure of a cohort may be shown."""
    from edu_pipeline.attainment.waiting import waiting_of

    return waiting_of(landed.notes).without(landed.results.filter(cohort=chosen)).is_empty()


def _page(
    home: Home,
    settings: Settings,
    landed: "Landed",
    chosen: str,
    landed_at: datetime,
    bundle: Callable[[], str],
    *,
    shareable: bool,
) -> _Page:
    from dataclasses import replace

    import polars as pl

    from edu_pipeline.attainment.checks import agreement
    from edu_pipeline.attainment.metrics import cohort_tables
    from edu_pipeline.attainment.page import Frame, cohort_page, cohorts
    from edu_pipeline.attainment.scripts import scripts_inside
    from edu_pipeline.attainment.shareable import shareable as to_share
    from edu_pipeline.attainment.waiting import waiting_of
    from edu_pipeline.ground.templates import templates_of

    attainment = settings.attainment
    waiting = waiting_of(landed.notes)
    of_all = (landed.results, landed.students, landed.groups)
    tables = cohort_tables(*of_all, landed.differences, attainment, waiting, landed.series)
    files = landed.files.with_columns(landed_at=pl.lit(landed_at))
    found = cohorts(
        tables,
        files,
        *of_all,
        landed.notes,
        attainment=attainment,
        exam_series=landed.series,
        columns=landed.columns,
        waiting=waiting,
        zone=settings.zone,
    )
    one = next(cohort for cohort in found if cohort.name == chosen)
    stated = waiting.without(landed.differences)
    _, disagreements = agreement(one.tables.attainment_disagreements, stated)
    env = templates_of(home.templates)
    frame = Frame(env, settings, scripts_inside(env, bundle()))
    if shareable:
        one = replace(one, tables=to_share(one.tables, one.attainment))
    html = cohort_page(frame, one, "shareable" if shareable else "staff")
    return _Page(html, one.students.height, disagreements)


def _write(target: Path, html: str) -> None:
    from edu_pipeline.ground.files import replaced

    try:
        with replaced(target) as draft:
            draft.write_text(html, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(
            f"{target} cannot be written: {reason}. Choose another place: -o PAGE.html"
        ) from None


def _print_columns(landed: "Landed") -> None:
    """How the files were read, column by column."""
    from edu_pipeline.model.attainment import read_as

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("column", "read as", "because"):
        table.add_column(name, overflow="fold")
    table.add_column("or, by these lines of pipeline.toml", no_wrap=True)
    for row in read_as(landed.columns).iter_rows(named=True):
        headers = row["columns"]
        more = f" and {len(headers) - _COLUMNS} more" if len(headers) > _COLUMNS else ""
        what = row["series"] or row["role"]
        role = f" ({row['role']})" if row["series"] and row["role"] != what.lower() else ""
        other = f"{row['otherwise']}: {row['lines']}" if row["lines"] else row["otherwise"] or ""
        cells = (", ".join(headers[:_COLUMNS]) + more, f"{what}{role}", row["evidence"], other)
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)
    out.print()


def _print_problems(landed: "Landed", chosen: str) -> bool:
    """Say what was found in the files; whether a person should look at it."""
    import polars as pl

    from edu_pipeline.model.attainment import NOTICES

    problems = landed.notes.filter(pl.col("cohort").is_null() | (pl.col("cohort") == chosen))
    for kind, message in problems.select("kind", "message").iter_rows():
        if kind in {*NOTICES, _NO_IDS}:
            out.print(Text(f"  {message}"), soft_wrap=True)
        else:
            err.print(Text.assemble(("! ", "bold red"), message), soft_wrap=True)
    return not problems.filter(~pl.col("kind").is_in([*NOTICES, _NO_IDS])).is_empty()
