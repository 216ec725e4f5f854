"""`edu-pipeline programmes`: who is nudged and why, the audience as a file, and a round of nudges."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from edu_pipeline.commands.console import UserError, out, print_aligned, reading
from edu_pipeline.commands.nudging import nudge, print_summary, wanted
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.settings.home import Home, command, with_home
from edu_pipeline.settings.programmes import Programme

app = typer.Typer(
    name="programmes",
    help="Who is told the next step of a programme, and why.",
    no_args_is_help=True,
)
AUDIENCE = (
    "campaign",
    "period",
    "email",
    "date",
    "about",
    "name",
    "reason",
    "course",
    "run",
    "grade",
    "next_course",
    "next_run",
    "until",
    "link",
)
"""Columns of an audience; `mail history import` reads the first five."""
OnlyOne = Annotated[
    str | None,
    typer.Option("--programme", help="Only this one, by its id. Default: all.", show_default=False),
]


@app.command()
def summary(context: typer.Context, programme: OnlyOne = None) -> None:
    """How many learners get a letter this week or none, and why, as of the last refresh."""
    home: Home = context.obj
    for each in wanted(home, programme):
        print_summary(home, each)


@app.command()
def why(
    context: typer.Context,
    learner: Annotated[str, typer.Argument(help="User id, username or e-mail address.")],
    programme: OnlyOne = None,
) -> None:
    """How a learner stands, what their letter has to pass, and what was decided, and why."""
    from edu_pipeline.facts.nudges import courses_of, decisions, learners_called

    home: Home = context.obj
    programmes = wanted(home, programme)
    with reading(home, ["nudges", "nudge_summary"]) as con:
        found = learners_called(con, learner)
        if found.height != 1:
            raise UserError(
                "Several learners are called so. Say which by the user id: "
                + ", ".join(found["learner_id"])
                if found.height
                else "No learner is called so. Give a user id, a username or an e-mail address that "
                "the exports have."
            )
        learner_id = found["learner_id"].item()
        decided = {
            row["programme_id"]: row for row in decisions(con, learner_id).iter_rows(named=True)
        }
        courses = courses_of(con, learner_id)
        told = [
            (each, decided[each.id], *_judged(con, each, learner_id, decided[each.id]["as_of"]))
            for each in programmes
            if each.id in decided
        ]
    if not told:
        raise UserError("No export of these programmes has that learner.")
    for each, row, reasons, gates in told:
        counted = f"{row['certificates']} of {row['needed']} certificates"
        complete = ", complete" if row["complete"] else ""
        out.print(Text.assemble((each.title, "bold"), f" ({each.id}): {counted}{complete}"))
        of_programme = courses.filter(programme_id=each.id).iter_rows(named=True)
        began = {course["course_id"]: course for course in of_programme}
        print_aligned([(course.id, *_standing(began.get(course.id))) for course in each.courses])
        if reasons:
            out.print("Reasons for a letter, the strongest first:")
            print_aligned(reasons)
        out.print(f"What a letter has to pass, as of {row['as_of']}:")
        print_aligned([("yes" if is_open else "NO", words) for is_open, words in gates])
        out.print(
            Text.assemble(
                "Decision: ", (_DECISIONS[row["decision"]], "bold"), f", {row['reason']}"
            ),
            soft_wrap=True,
        )
        if row["about"]:
            out.print(f"About: {row['about']}", markup=False, soft_wrap=True)
        out.print()


@app.command()
def audience(
    context: typer.Context,
    programme: Annotated[str, typer.Argument(help="Id of the programme.")],
    file: Annotated[
        Path,
        typer.Option("--output", "-o", help="A new CSV file. It will hold names and addresses."),
    ],
) -> None:
    """Write who gets a letter this week into a CSV, for another mailer.

    Whoever had a letter since the refresh, or unsubscribed, is left out. Fill in the day of sending
    afterwards and take the file back with `mail history import`, so that nobody is told the same
    again.
    """
    from edu_pipeline.facts.nudge_letters import nudges_to_write
    from edu_pipeline.facts.nudges import at_current_addresses
    from edu_pipeline.mail.ledger.remembered import opted_out, told_before
    from edu_pipeline.mail.lists import write_csv
    from edu_pipeline.programmes.nudges import (
        PREFIX,
        UnknownCourseError,
        campaign_of,
        still_to_tell,
    )
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    (which,) = wanted(home, programme)
    if file.exists():
        raise UserError(f"{file} is there already; nothing was written.")
    room = mail_room(home)
    mail, zone = room.settings.mail, room.settings.zone
    needed = ["nudges", "nudge_periods", "stg_former_addresses"]
    with reading(home, needed) as con, room.open_ledger() as ledger:
        chosen = nudges_to_write(con, which.id).pl()
        periods = con.table("nudge_periods").pl().filter(campaign=campaign_of(which.id))
        told = told_before(ledger, PREFIX, zone=zone, leaves=mail.leaves)
        rows = still_to_tell(
            chosen,
            at_current_addresses(con, told),
            at_current_addresses(con, opted_out(ledger, PREFIX)),
            ledger.salt,
        )
    if chosen.is_empty():
        see = command(home, f"programmes summary --programme {which.id}")
        raise UserError(f"Nobody gets a letter, so nothing was written. Why: {see}")
    period, held = periods.select("period", "held").row(0)
    refresh = f"Run: {command(home, 'run')}"
    if period != week_name(datetime.now(zone).date()):
        raise UserError(f"Nothing was written: the last refresh is of {period}. {refresh}")
    if held:
        raise UserError(f"Nothing was written. {with_home(home, held)}")
    if rows.is_empty():
        raise UserError(
            f"Nothing was written: all who get a letter of {period} have had one since the refresh, "
            "or do not want any more."
        )
    try:
        lines = [_line(row, which, period) for row in rows.iter_rows(named=True)]
    except UnknownCourseError as error:
        raise UserError(f"Nothing was written: {error} {refresh}") from None
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(write_csv(AUDIENCE, lines), encoding="utf-8", newline="")
    out.print(f"Wrote {len(lines)} lines to {file}.", markup=False, soft_wrap=True)
    back = command(home, f"mail history import {file}")
    out.print(f"Once they are sent, fill in the column date, then: {back}", soft_wrap=True)


_STATES = {
    "delivered": "certificate",
    "expected": "passed, certificate to come",
    "due": "passed, certificate due and not delivered",
    "not_verified": "passed, identity not verified",
    "revoked": "had a certificate that is there no more",
}
"""What there is to say of a course with a certificate, or with none that is paid for."""
_DECISIONS = {"letter": "a letter", "held_out": "held out", "none": "no letter"}


def _judged(
    con: Any,  # noqa: ANN401 - a connection of DuckDB
    programme: Programme,
    learner_id: str,
    as_of: date,
) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[bool, str]]]:
    """A learner's reasons for a letter and what it has to pass, looked at again as for the table."""
    from edu_pipeline.facts.nudges import (
        at_current_addresses,
        certificates_seen,
        passes,
        people,
        preferences,
        standings,
    )
    from edu_pipeline.ground.warehouse import read_table
    from edu_pipeline.programmes.nudges import STRENGTH, Remembered, considered, gates_for, news

    runs = read_table(con, "programme_runs")
    meaning = news(programme, runs, as_of)
    found = passes(con, programme.id, meaning, learner_id)
    who = standings(con, programme.id, learner_id)
    known = people(con, [who["learner_id"]])
    remembered = Remembered(
        opt_ins=preferences(con, known),
        opted_out=at_current_addresses(con, read_table(con, "opted_out")),
        told_before=at_current_addresses(con, read_table(con, "told_before")),
        salt=read_table(con, "ledger_identity")["salt"].item(),
    )
    seen = certificates_seen(
        con, programme.id, [course.id for course in programme.courses], learner_id
    )
    part = considered(programme, who, found, meaning, runs, seen)
    reasons = part.reasons.sort(*STRENGTH, nulls_last=True).select("group", "words").rows()
    return reasons, gates_for(part, known, remembered, as_of)


def _standing(course: Mapping[str, Any] | None) -> tuple[str, str]:
    """How a learner stands in a course, and in which run."""
    if course is None:
        return "never begun", ""
    words = [
        _STATES[course["state"]]
        if course["state"] in _STATES
        else "passed by an earlier report, missing in the newest"
        if course["missing"]
        else "passed on audit"
        if course["audit_passed"]
        else "passed, no certificate"
        if course["passed"]
        else "not passed",
        *(["in progress"] if course["in_progress"] else []),
    ]
    grade = "no grade" if course["grade"] is None else f"{course['grade']:.2f}"
    track = course["track"] or "track unknown"
    runs = f", the one of {course['attempts']} runs that counts" if course["attempts"] > 1 else ""
    account = f", by their account {course['account']}" if course["account"] else ""
    return ", ".join(words), f"{grade} in {course['run_name']} ({track}){runs}{account}"


def _line(row: Mapping[str, Any], programme: Programme, period: str) -> Sequence[str]:
    """A learner's line of the audience, as `AUDIENCE` has it."""
    from edu_pipeline.programmes.nudges import campaign_of, course_called, goal_of

    reason, following = (
        course_called(programme, row[name]) if row[name] else None
        for name in ("course_id", "next_course")
    )
    goal = goal_of(row, programme)
    cells = {
        **row,
        "campaign": campaign_of(programme.id),
        "period": period,
        "date": None,
        "reason": row["group"],
        "course": reason.title if reason else None,
        "next_course": following.title if following else None,
        "link": goal.link if goal else None,
    }
    return ["" if cells[name] is None else str(cells[name]) for name in AUDIENCE]


app.command()(nudge)
