"""The programmes job as Dagster sees it: completion, what its team reads, and the files."""

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from inspect import cleandoc
from pathlib import Path

import dagster as dg
import polars as pl

from edu_pipeline.facts.audience import accept_audiences, audiences
from edu_pipeline.facts.certificates_issued import build_course_certificates
from edu_pipeline.facts.certificates_issued import certificates_issued as certificates_issued_of
from edu_pipeline.facts.completion_doubts import doubts
from edu_pipeline.facts.files import export_table
from edu_pipeline.facts.newcomers import newcomers, report_completers
from edu_pipeline.facts.nudge_letters import (
    addresses_of_learners,
    courses_to_name,
    nudges_to_write,
)
from edu_pipeline.facts.nudges import (
    at_current_addresses,
    certificates_seen,
    nudge_counts,
    passes,
    people,
    preferences,
    standings,
)
from edu_pipeline.facts.run_results import (
    ACCOUNTS,
    PERSONS,
    build_certificate_differences,
    build_course_completion,
    build_person_completion,
    certificates_delivered,
    completions,
    course_counts,
    course_pairs,
    days_to_next_course,
    learner_rows,
    progress_counts,
    report_rows,
)
from edu_pipeline.facts.run_states import build_run_states
from edu_pipeline.facts.weekly_changes import report_weeks, weekly_changes
from edu_pipeline.ground.one_run import require_finished_refresh
from edu_pipeline.ground.steps import Notes, Table, table
from edu_pipeline.ground.templates import templates_of
from edu_pipeline.ground.warehouse import Connection, read_earlier, read_table, rows_of
from edu_pipeline.landing.sources.edx.data_packages import packaged_runs
from edu_pipeline.mail.due import Period, not_after
from edu_pipeline.mail.links import ways_out
from edu_pipeline.mail.queueing import Batch
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import (
    CertificateReconciliation,
    ProgrammeProgress,
    ProgrammeWeeks,
)
from edu_pipeline.model.gate import known_since
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.programmes import funnel, gate, inventory, weeks
from edu_pipeline.programmes.completion import programme_progress as programme_progress_of
from edu_pipeline.programmes.letter import Edition, nudge_letters, run_dates
from edu_pipeline.programmes.nudges import (
    Remembered,
    UnknownCourseError,
    campaign_of,
    considered,
    course_called,
    news,
    nudge_summary,
    summary_sentences,
)
from edu_pipeline.programmes.nudges import nudges as nudges_of
from edu_pipeline.programmes.reports import completion_report, new_completers, write_report
from edu_pipeline.programmes.runs import programme_runs as programme_runs_of
from edu_pipeline.settings.home import Home, Settings, SettingsError, with_home
from edu_pipeline.settings.post import LEARNERS
from edu_pipeline.settings.programmes import Programme

_table = functools.partial(table, "programmes", source="edx")


def _today(settings: Settings) -> date:
    """Runs are over, and can be joined, by the day of the refresh."""
    return datetime.now(settings.zone).date()


@_table(kinds={"polars"}, pii="none")
def programme_runs(course_runs: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Every run of every programme in order, and whether it is over or can be joined."""
    return programme_runs_of(settings.programmes, course_runs, _today(settings))


def _fact(name: str, build: Callable[..., None], *more: str, dated: bool = False) -> Table:
    """A table that is made by `build` of results, runs and `more`, `dated` if as of today."""

    @_table(
        name=name,
        kinds={"duckdb"},
        pii="ids",
        deps=["stg_run_results", "programme_runs", *more],
        description=cleandoc(build.__doc__ or "").partition("\n\nArgs:")[0],
    )
    def fact(con: Connection, settings: Settings) -> None:
        build(con, *([_today(settings)] if dated else []))

    return fact


def _progress(
    con: Connection, completion: str, runs: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    parts = [
        programme_progress_of(
            programme,
            learner_rows(
                con, programme.id, [course.id for course in programme.courses], completion
            ),
            runs,
            _today(settings),
        )
        for programme in settings.programmes
    ]
    return pl.concat([pl.DataFrame(schema=dtypes(ProgrammeProgress)), *parts])


@_table(kinds={"polars"}, pii="ids", deps=[ACCOUNTS])
def programme_progress(
    programme_runs: pl.DataFrame, settings: Settings, con: Connection
) -> pl.DataFrame:
    """One learner in one programme: what is done and what comes next."""
    return _progress(con, ACCOUNTS, programme_runs, settings)


@_table(kinds={"polars"}, pii="ids", deps=[PERSONS])
def person_progress(
    programme_runs: pl.DataFrame, settings: Settings, con: Connection
) -> pl.DataFrame:
    """The same of people with several accounts: what all of these hold together."""
    return _progress(con, PERSONS, programme_runs, settings)


def _summary(
    name: str,
    deps: Sequence[str],
    build: Callable[..., pl.DataFrame],
    description: str,
    sentences: Callable[[pl.DataFrame], Sequence[str]] | None = None,
) -> Table:
    """A table of few rows, made by `build(con, settings)`, and what it says in words."""

    @_table(
        name=name,
        kinds={"polars"},
        pii="none",
        deps=deps,
        description=description,
    )
    def summary(con: Connection, settings: Settings) -> tuple[pl.DataFrame, Notes]:
        found = build(con, settings)
        return found, {"in words": _listed(sentences(found))} if sentences else {}

    return summary


def _listed(sentences: Sequence[str]) -> dg.MetadataValue[str]:
    text = "\n".join(f"- {sentence}" for sentence in sentences) or "Nothing to do."
    return dg.MetadataValue.md(text)


@_table(
    kinds={"polars"},
    pii="ids",
    deps=[
        "stg_run_results",
        "stg_learners",
        "stg_former_addresses",
        "stg_opt_ins",
        "report_versions",
        "run_states",
        "course_certificates_issued",
        "stg_people",
        "course_completion",
        "programme_progress",
        PERSONS,
        "person_progress",
    ],
)
def nudges(
    programme_runs: pl.DataFrame,
    told_before: pl.DataFrame,
    opted_out: pl.DataFrame,
    ledger_identity: pl.DataFrame,
    settings: Settings,
    con: Connection,
) -> pl.DataFrame:
    """Who is told to verify or to go on, or congratulated, and why or why not: every learner."""
    as_of = _today(settings)
    parts = [
        considered(
            programme,
            standings(con, programme.id),
            passes(con, programme.id, meaning),
            meaning,
            programme_runs,
            certificates_seen(con, programme.id, [course.id for course in programme.courses]),
        )
        for programme in settings.programmes
        for meaning in (news(programme, programme_runs, as_of),)
    ]
    known = people(con, [part.reasons["learner_id"] for part in parts])
    remembered = Remembered(
        opt_ins=preferences(con, known),
        opted_out=at_current_addresses(con, opted_out),
        told_before=at_current_addresses(con, told_before),
        salt=ledger_identity["salt"].item(),
    )
    return nudges_of(parts, known, remembered, as_of)


@_table(
    kinds={"polars"},
    pii="ids",
    deps=[
        "stg_programme_certificates",
        "programme_progress",
        "person_progress",
        "stg_people",
        "course_completion",
        PERSONS,
    ],
)
def certificates_issued(con: Connection, settings: Settings) -> pl.DataFrame:
    """Programme certificates that edX issued beside who is complete, and why the two differ."""
    return certificates_issued_of(con, settings.programmes)


@_table(kinds={"polars"}, pii="none", deps=["stg_data_packages"])
def export_inventory(
    edx_exports: pl.DataFrame,
    programme_runs: pl.DataFrame,
    con: Connection,
    settings: Settings,
) -> tuple[pl.DataFrame, Notes]:
    """Which exports of which runs are there, how old they are, and which are needed."""
    found = inventory.export_inventory(
        edx_exports, programme_runs, packaged_runs(con), _today(settings)
    )
    return found, {"needed": _listed(inventory.sentences(found))}


def _weeks(con: Connection, settings: Settings) -> pl.DataFrame:
    parts = [
        weeks.programme_weeks(
            programme, weekly_changes(con, programme.id), report_weeks(con, programme.id)
        )
        for programme in settings.programmes
    ]
    return pl.concat([pl.DataFrame(schema=dtypes(ProgrammeWeeks)), *parts])


_SUMMARIES = [
    _summary(
        "programme_weeks",
        ["report_history", "report_versions", "stg_run_results", "stg_tracks", "programme_runs"],
        _weeks,
        "Completers, certificates, passes, verified learners at the end of every week, as reported.",
    ),
    _summary(
        "programme_funnel",
        ["course_completion", PERSONS, "programme_progress", "person_progress", "stg_people"],
        lambda con, settings: funnel.programme_funnel(
            settings.programmes, course_counts(con), progress_counts(con)
        ),
        "Learners who reached each stage of every course, and of the programme.",
    ),
    _summary(
        "course_retention",
        ["course_completion", PERSONS, "stg_people", "programme_runs"],
        lambda con, _: funnel.course_retention(course_pairs(con)),
        "Of those who passed a course, the share that ever began the next.",
    ),
    _summary(
        "time_to_next_course",
        ["course_completion", PERSONS, "stg_people", "programme_runs"],
        lambda con, settings: funnel.time_to_next_course(
            days_to_next_course(con, _today(settings))
        ),
        "The share that has begun another course so many days after a pass.",
    ),
    _summary(
        "programme_completions",
        ["programme_progress", "person_progress", "stg_people", "stg_learners"],
        lambda con, _: funnel.programme_completions(completions(con)),
        "Completions by year and country, small numbers left out.",
    ),
    _summary(
        "programme_bridge",
        ["programme_progress", "person_progress", "stg_people"],
        lambda con, settings: funnel.programme_bridge(settings.programmes, progress_counts(con)),
        "From the old rule's number of learners who finished to the new one's.",
        funnel.bridge_sentences,
    ),
    _summary(
        "certificate_reconciliation",
        ["stg_run_results", "programme_runs"],
        lambda con, settings: certificates_delivered(con, _today(settings)).cast(
            dtypes(CertificateReconciliation)
        ),
        "Certificates due beside certificates delivered, with reasons.",
    ),
    _summary(
        "nudge_summary",
        ["nudges"],
        lambda con, _: nudge_summary(nudge_counts(con)),
        "How many learners get a letter or none, and why.",
        summary_sentences,
    ),
]
TABLES = (
    "programme_runs",
    "run_states",
    "course_completion",
    "programme_progress",
    PERSONS,
    "person_progress",
    "certificate_differences",
    "certificates_issued",
    "course_certificates_issued",
    "export_inventory",
    "programme_weeks",
    "programme_funnel",
    "course_retention",
    "time_to_next_course",
    "programme_completions",
    "programme_bridge",
    "certificate_reconciliation",
    "nudges",
    "nudge_summary",
)
"""What `data/reports/tables` has, as Parquet and as CSV."""


def _write_report(
    con: Connection, programme: Programme, folder: Path, held: str | None
) -> tuple[int, Sequence[str]]:
    """Write a programme's report: how many learners are in it, and what a person should know.

    By itself, so that no report is in memory when all else is written.
    """
    courses = [course.id for course in programme.courses]
    report = completion_report(report_rows(con, programme.id, courses), courses)
    moved = newcomers(con, programme.id)
    sheets = {
        "completion": report,
        "new": new_completers(report, moved),
        "doubtful": doubts(con, programme.id, moved).cast({"since": pl.String}),
    }
    return report.height, write_report(sheets, folder, programme.id, held)


@_table(kinds={"csv", "excel"}, pii="names", deps=[*TABLES, "stg_learners", "edx_exports"])
def programme_reports(
    context: dg.AssetExecutionContext,
    landing_problems: pl.DataFrame,
    gate_releases: pl.DataFrame,
    con: Connection,
    home: Home,
    settings: Settings,
) -> Notes:
    """`data/reports`: each programme's completion report, and every table of the job as files.

    The report says who completed, who is new since the exports before, and what is doubtful.
    Beside the report of a programme that is held stands why. Nothing is written where there is no programme.
    """
    learners: dict[str, int] = {}
    ids = [programme.id for programme in settings.programmes]
    held = gate.holding(ids, landing_problems, gate_releases)
    report_completers(con, [programme for programme in ids if programme not in held])
    for programme in settings.programmes:
        why = held.get(programme.id)
        learners[f"learners, {programme.id}"], warnings = _write_report(
            con, programme, home.reports / "programmes", with_home(home, why) if why else None
        )
        for warning in warnings:
            context.log.warning("%s", warning)
    for name in TABLES if settings.programmes else ():
        export_table(con, name, home.reports / "tables")
    return learners


@_table(kinds={"duckdb"}, pii="none", deps=["nudges"])
def nudge_problems(
    landing_problems: pl.DataFrame,
    told_before: pl.DataFrame,
    gate_releases: pl.DataFrame,
    settings: Settings,
    con: Connection,
) -> pl.DataFrame:
    """Audiences that moved, which hold a programme's nudges as problems of its exports do.

    The audience of a programme that nothing holds, or whose problems were released, is accepted:
    the next refresh compares with it.
    """
    ids = [programme.id for programme in settings.programmes]
    found = gate.nudge_problems(settings.programmes, audiences(con, ids), told_before)
    before = read_earlier(con, "nudge_problems", LandingProblems.create_empty())
    problems = known_since(found, before, datetime.now(UTC).replace(tzinfo=None))
    held = gate.holding(ids, pl.concat([landing_problems, problems]), gate_releases)
    accept_audiences(con, set(ids) - set(held))
    return problems


@_table(kinds={"duckdb"}, pii="none", deps=["nudges"])
def nudge_periods(
    landing_problems: pl.DataFrame,
    nudge_problems: pl.DataFrame,
    gate_releases: pl.DataFrame,
    settings: Settings,
    con: Connection,
) -> pl.DataFrame:
    """The running week of every programme that has an audience, and what holds its nudges."""
    ids = [programme.id for programme in settings.programmes]
    found = audiences(con, ids)
    problems = pl.concat([landing_problems, nudge_problems])
    return gate.nudge_periods(found, gate.holding(ids, problems, gate_releases))


WRITTEN_FROM = (
    *("nudges", "stg_learners", "programme_runs", "export_inventory", "ledger_identity"),
    "recorded_nudge_periods",
)


def write_nudges(
    context: dg.AssetExecutionContext,
    con: Connection,
    home: Home,
    settings: Settings,
    period: Period,
) -> Batch:
    """One letter to every learner of a programme who is nudged this week."""
    require_finished_refresh(context, "edx_exports", "recorded_nudge_periods")
    programme_id, _, _ = context.partition_key.rpartition("|")
    (programme,) = (each for each in settings.programmes if each.id == programme_id)
    post = settings.post(period.campaign)
    try:
        env, *others = (
            templates_of(*home.templates_for(post, language))
            for language in (None, *programme.languages)
        )
        for course in courses_to_name(con, programme_id):
            course_called(programme, course)
    except SettingsError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    except UnknownCourseError as error:
        raise dg.Failure(f"{error} Run the refresh job.", allow_retries=False) from error
    identity = read_table(con, "ledger_identity")
    edition = Edition(
        programme=programme,
        period=period.period,
        runs=run_dates(
            *(
                read_table(con, name).filter(programme_id=programme_id)
                for name in ("programme_runs", "export_inventory")
            )
        ),
        post=post,
        env=env,
        languages=dict(zip(programme.languages, others, strict=True)),
        salt=identity["salt"].item(),
        opt_out_url=ways_out(
            settings.mail.public_url, identity["token_key"].item(), period.campaign
        ),
        not_after=not_after(
            period.last_day,
            now=datetime.now(UTC),
            mail=settings.mail,
            zone=settings.zone,
            tags=context.run.tags,
        ),
        zone=settings.zone,
    )
    return nudge_batch(con, edition)


def nudge_batch(con: Connection, edition: Edition) -> Batch:
    """A programme's letters, each written from its row when it is taken."""
    rows = nudges_to_write(con, edition.programme.id)
    return Batch(
        nudge_letters(rows_of(rows), edition),
        addresses=(row["email"] for row in rows_of(rows.select("email"))),
        names=(row["name"] or "" for row in rows_of(rows.select("name"))),
    )


ADDRESSEES_OF = ("nudges", "stg_learners")


def addressees(con: Connection, settings: Settings) -> Iterator[tuple[str, str]]:
    """Campaign and address of the learners of every programme whose letters may reach only these."""
    for programme in settings.programmes:
        campaign = campaign_of(programme.id)
        if settings.post(campaign).allowed == LEARNERS:
            for email in addresses_of_learners(con, programme.id):
                yield campaign, email


COMPUTED: Sequence[Table] = [
    programme_runs,
    _fact("run_states", build_run_states, "stg_tracks", "stg_data_packages", "report_history"),
    _fact("course_completion", build_course_completion, "run_states"),
    _fact(PERSONS, build_person_completion, "run_states", "stg_people"),
    programme_progress,
    person_progress,
    _fact("certificate_differences", build_certificate_differences, dated=True),
    certificates_issued,
    _fact(
        "course_certificates_issued",
        build_course_certificates,
        *("stg_data_packages", "run_states"),
    ),
    export_inventory,
    nudges,
    nudge_problems,
    nudge_periods,
    *_SUMMARIES,
    programme_reports,
]
