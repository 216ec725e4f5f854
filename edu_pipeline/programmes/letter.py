"""What a learner is told about the next step: a row of `Nudges` to a letter of the mail room.

Pure. Every word stands in the templates, which a home or a programme can replace. Who gets a letter,
and why, is in `nudges`; that it arrives is the mail room's business.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import polars as pl

from edu_pipeline.ground import wording
from edu_pipeline.ground.templates import TemplateError, in_html, phrase, render_text
from edu_pipeline.mail.due import end_of
from edu_pipeline.mail.letter import Address, Figure, Letter
from edu_pipeline.mail.links import opt_out_headers
from edu_pipeline.mail.render import UNWRITTEN, Written, render_html
from edu_pipeline.programmes.nudges import (
    BY_A_DAY,
    CONGRATULATION,
    VERIFY,
    campaign_of,
    course_called,
    goal_of,
    recipient_key,
)
from edu_pipeline.settings.post import Post
from edu_pipeline.settings.programmes import Course, Programme

WORDS = "letters/nudge_words.txt.j2"
"""Template with every sentence of the letters, as macros."""


@dataclass(frozen=True)
class RunDates:
    """What a letter may say of a run."""

    starts: date | None
    joined_until: date | None
    """The last day on which somebody can join."""
    exported: date | None
    """Day of the newest grade report that has it."""
    self_paced: bool = False
    """Whether learners can begin at any time."""


def run_dates(runs: pl.DataFrame, inventory: pl.DataFrame) -> dict[str, RunDates]:
    """The dates of runs, by their keys.

    Args:
        runs: `ProgrammeRuns`.
        inventory: `ExportInventory`.
    """
    grades = inventory.filter(kind="grades").select(
        "programme_id", "run", exported=pl.col("stamp").dt.date()
    )
    rows = runs.join(grades, on=["programme_id", "run"], how="left")
    return {
        row["run"]: RunDates(
            row["starts"], row["joined_until"], row["exported"], self_paced=row["self_paced"]
        )
        for row in rows.iter_rows(named=True)
    }


@dataclass(frozen=True)
class Edition:
    """What all nudges of a programme and a period share."""

    programme: Programme
    period: str
    """Such as `2026-W40`."""
    runs: Mapping[str, RunDates]
    """Of this programme, by their keys."""
    post: Post
    """Who writes, from where."""
    env: jinja2.Environment
    """From `mail.render.environment`; has the templates in `letters/`."""
    salt: str
    """The ledger's, for keys that nobody else can make."""
    opt_out_url: Callable[[str], str] | None
    """Recipient key → where they stop these letters; None where there is no such page."""
    not_after: datetime
    """When letters about the period are no longer news, whatever they say."""
    zone: ZoneInfo
    """Whose days count."""
    languages: Mapping[str, jinja2.Environment] = field(default_factory=dict)
    """Of the programme's languages the templates, as `env`."""

    def spoken(self, language: str | None) -> "Edition":
        """The same in a learner's language, as a profile names it, where there are templates in it."""
        env = self.languages.get((language or "").strip().casefold().partition("-")[0])
        return self if env is None else replace(self, env=env)

    def words(self, macro: str, *about: object) -> str:
        """What a macro of the wording says."""
        return phrase(self.env, WORDS, macro, *about)


@dataclass(frozen=True)
class OpenRun:
    """A run that can be joined."""

    starts: date | None
    begun: bool
    """Whether it started before the letter was written."""
    until: date | None
    """The last day on which somebody can join."""
    self_paced: bool
    """Whether learners can begin at any time."""


@dataclass(frozen=True)
class NextStep(OpenRun):
    """The course to go on with, and its run that begins next."""

    course: Course
    again: bool
    """Whether it was passed on a free track before and is to be taken again for its certificate."""
    other: OpenRun | None
    """A run of it that can be begun at once beside that one."""


@dataclass(frozen=True)
class NudgeView:
    """One nudge as a template shows it; grades from 0 to 1."""

    group: str
    """What it is about, as in `Nudges`; the words of a letter begin with it."""
    programme: Programme
    course: Course | None
    """The one that was passed; None in a congratulation."""
    grade: float | None
    """None also where it is below the pass mark, as edX may pass somebody all the same."""
    until: date | None
    """The last day on which it is news: to verify, to upgrade, or to join the next course."""
    next: NextStep | None
    certificates: int
    needed: int
    complete: bool
    """Whether the programme is complete."""
    link: str | None
    """Where it leads."""
    exported: date | None
    """Day of the newest grade report: about a run that was passed of that, else of all."""


def nudge_view(
    row: Mapping[str, Any], programme: Programme, runs: Mapping[str, RunDates]
) -> NudgeView:
    """The view of a row of `Nudges` that says `letter`.

    Args:
        row: By column.
        programme: The row's.
        runs: Key → dates.

    Raises:
        UnknownCourseError: The settings have changed since the refresh.
    """
    step = None
    if row["next_course"]:
        step = NextStep(
            **_opened(runs.get(row["next_run"] or ""), row["as_of"]),
            course=course_called(programme, row["next_course"]),
            again=bool(row["next_again"]),
            other=OpenRun(**_opened(runs.get(row["other_run"]), row["as_of"]))
            if row["other_run"]
            else None,
        )
    course = course_called(programme, row["course_id"]) if row["course_id"] else None
    grade = row["grade"]
    reached = course is not None and grade is not None and grade >= course.pass_mark
    goal = goal_of(row, programme)
    # whether somebody goes on, any run may tell
    of_run = row["group"] in BY_A_DAY and row["run"] in runs
    known = [runs[row["run"]]] if of_run else runs.values()
    return NudgeView(
        group=row["group"],
        programme=programme,
        course=course,
        grade=grade if reached else None,
        until=row["until"],
        next=step,
        certificates=row["certificates"],
        needed=row["needed"],
        complete=row["complete"],
        link=goal.link if goal else None,
        exported=max((run.exported for run in known if run.exported), default=None),
    )


def _opened(run: RunDates | None, as_of: date) -> dict[str, Any]:
    """The fields of an `OpenRun`."""
    starts = run.starts if run else None
    return {
        "starts": starts,
        "begun": starts is not None and starts < as_of,
        "until": run.joined_until if run else None,
        "self_paced": run.self_paced if run else False,
    }


def nudge_letters(rows: Iterable[Mapping[str, Any]], edition: Edition) -> Iterator[Letter]:
    """The letters of a programme and period, held where one could not be written.

    Each is written when it is taken; before one could be, none is given.

    Args:
        rows: Of `Nudges`, by column, that say `letter`, with the learner's `name`, `email` and `language`.
        edition: What the letters share.

    Raises:
        TemplateError: No letter could be written.
        UnknownCourseError: The settings have changed since the refresh.
    """
    written, kept_back = False, list[Letter]()
    for letter in (nudge_letter(row, edition) for row in rows):
        written = written or letter.hold is None
        kept_back.append(letter)
        if written:
            yield from kept_back
            kept_back.clear()
    if kept_back:
        faults = dict.fromkeys(letter.hold or "" for letter in kept_back)
        raise TemplateError(" ".join(faults))


def nudge_letter(row: Mapping[str, Any], edition: Edition) -> Letter:
    """One learner's letter; held, with the reason, where a template fails.

    Args:
        row: As for `nudge_letters`.
        edition: What the letters share.
    """
    edition = edition.spoken(row["language"])
    programme = edition.programme
    key = recipient_key(row["learner_id"], edition.salt)
    name = " ".join((row["name"] or "").split())
    view = nudge_view(row, programme, edition.runs)
    url = edition.opt_out_url(key) if edition.opt_out_url else ""
    post = edition.post
    try:
        written, fault = _written(view, name, url, edition), None
        fresh = edition.words("fresh", view)
    except TemplateError as error:
        written, fault, fresh = UNWRITTEN, str(error), ""
    return Letter(
        campaign=campaign_of(programme.id),
        period=edition.period,
        recipient_key=key,
        recipient=Address(row["email"] or "", name),
        sender=Address(*post.sender),
        reply_to=post.answers_to,
        subject=written.subject,
        html=written.html,
        text=written.text,
        images=(),
        not_after=min(end_of(view.until, edition.zone), edition.not_after)
        if view.until
        else edition.not_after,
        # programmes and courses are sometimes called after people
        names=frozenset(filter(None, [name, programme.title, *_titles(programme)])),
        figures=(_figure(row["about"], view),),
        hold=fault,
        as_of=tuple(dict.fromkeys([fresh, in_html(fresh)])) if fresh else (),
        headers=opt_out_headers(url, post.answers_to) if url else {},
        opt_out=True,
    )


def _written(view: NudgeView, name: str, url: str, edition: Edition) -> Written:
    subject = edition.words(f"{view.group}_subject", view)
    context: dict[str, Any] = {
        "nudge": view,
        "programme": view.programme.title,
        "name": name,
        "subject": subject,
        "preheader": edition.words(f"{view.group}_preheader", view),
        "say": edition.words,
        "from_name": edition.post.sender[1],
        "postal_address": edition.post.postal_address or "",
        "opt_out_url": url,
    }
    html, text = (_template(edition, view.group, kind) for kind in ("html", "txt"))
    return Written(
        subject=subject.replace(wording.NBSP, " "),
        html=render_html(edition.env, html, context),
        text=render_text(edition.env, text, context),
    )


def _template(edition: Edition, group: str, kind: str) -> str:
    """The programme's own template, else the one that all programmes share; congratulations have theirs."""
    congratulates = group == CONGRATULATION
    part = f".{group}" if congratulates else ""
    own = f"letters/nudges/{edition.programme.id}{part}.{kind}.j2"
    assert edition.env.loader is not None  # noqa: S101 - `render.environment` has one
    try:
        edition.env.loader.get_source(edition.env, own)
    except jinja2.TemplateNotFound:
        shared = "nudge_congratulation" if congratulates else "nudge"
        return f"letters/{shared}.{kind}.j2"
    return own


def _titles(programme: Programme) -> list[str]:
    return [course.title for course in programme.courses]


def _figure(about: str, view: NudgeView) -> Figure:
    """What the letter states, under the subject by which the ledger knows that it was said."""
    if view.group == VERIFY and view.course:
        label, numerator, denominator = f"grade in {view.course.title}", view.grade or 0.0, 1
    else:
        label = f"certificates in {view.programme.title}"
        numerator, denominator = view.certificates, view.needed
    return Figure(about, label, float(numerator), float(denominator))
