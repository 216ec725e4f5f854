"""Who is nudged to verify, to go on, or congratulated, and in words why or why not.

Pure. What it means on a day to have passed a run is told run by run (`news`); whoever has a reason
follows from that (`considered`), and who of them gets a letter from what is known of people
(`nudges`). How a letter reads is in `letter`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from edu_pipeline.ground.weeks import week_name
from edu_pipeline.mail.checks import can_be_addressed
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.mail.lists import EVERY_CAMPAIGN
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.course_keys import folded
from edu_pipeline.model.nudges import DECISIONS, GROUPS, Nudges, NudgeSummary
from edu_pipeline.model.programmes import RETIRED
from edu_pipeline.programmes.completion import complete_since
from edu_pipeline.settings.programmes import CAP_DAYS, Course, Pathway, Programme

PREFIX: Final = "nudges"
"""What the campaigns of all programmes begin with."""
IDENTITY, VERIFY, CONGRATULATION, NEXT_COURSE = GROUPS
LETTER, HELD_OUT, NONE = DECISIONS
_NO_DATE, _NO_NEWS, _AWAITED = "no_date", "no_news", "awaited"
_KINDS = (_NO_NEWS, _AWAITED, _NO_DATE, NEXT_COURSE, VERIFY, IDENTITY)
BY_A_DAY = (IDENTITY, VERIFY)
"""What can be done in the run that was passed until a day."""
_NEXT = ("next_course", "next_run", "other_run", "next_again")


def campaign_of(programme_id: str) -> str:
    """The campaign of a programme's nudges."""
    return f"{PREFIX}.{programme_id}"


def recipient_key(learner_id: str, salt: str) -> str:
    """What stands for a learner in the ledger, whatever the programme."""
    return opaque_key("learner", learner_id, salt)


class UnknownCourseError(Exception):
    """The last refresh named a course that `pipeline.toml` has no more: run it again."""


def course_called(programme: Programme, course_id: str) -> Course:
    """A course that a row of `Nudges` names.

    Raises:
        UnknownCourseError: The settings have changed since the refresh.
    """
    for course in programme.courses:
        if course.id == course_id:
            return course
    raise UnknownCourseError(
        f"pipeline.toml has no course {course_id} in {programme.id}, which the last refresh named."
    )


def goal_of(row: Mapping[str, Any], programme: Programme) -> Course | Pathway | None:
    """Where a row of `Nudges` leads: a course, what comes after the programme, or nowhere.

    Raises:
        UnknownCourseError: As for `course_called`.
    """
    if row["group"] == CONGRATULATION and row["complete"]:
        return programme.pathway
    name = row["course_id"] if row["group"] in BY_A_DAY else row["next_course"]
    return course_called(programme, name) if name else None


# What a run that was passed means


def news(programme: Programme, runs: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What it means on a day to have passed a run, for every run of a programme.

    On a free track: to verify, until the last day of the upgrade is over, and from then on to go on
    with another course. With a certificate: to go on, from the day on which certificates are
    available. On a paid track, with an identity that is not verified: to verify it, until the last
    day for that. None waits for the end of the run, and where the date is not known there is no
    reason for a nudge, nor to go on where it came before `nudges_since`.

    Args:
        programme: Whose runs, and since when there is news.
        runs: `ProgrammeRuns`.
        as_of: The day.

    Returns:
        A row per run and `how` it was passed (`facts.nudges.HOW`, and `again`: with the course's
        certificate from another run), with `kind` (`identity`, `verify`, `next_course`, `no_date` for
        a listed run without the date, `awaited` where a certificate may still come, `no_news`),
        `number` (of one kind the higher is the stronger), `course_id`, `label` (such as
        `lead1x/1T2027`), `until` (the last day to verify) and `words`: the reason, or why there is
        none.
    """
    found = []
    for run in runs.filter(programme_id=programme.id).iter_rows(named=True):
        free = _passed_free(run, programme.nudges_since, as_of)
        label = _label(run)
        hows = {
            "free": free,
            "left": free,
            "again": _News(_NO_NEWS, f"passed {label}, with a certificate of another run"),
            "certificate": _certified(run, programme.nudges_since, as_of),
            "paid": _News(
                _AWAITED,
                _to_come(run, as_of)
                or f"passed {label} on a paid track and has no certificate of it",
            ),
            "identity": _unverified(run, as_of),
            "revoked": _News(_AWAITED, f"had a certificate of {label} that is there no more"),
            "refunded": _News(
                _NO_NEWS, f"passed {label} and left the run, or the fee was refunded"
            ),
            "unknown": _News(
                _NO_NEWS, f"passed {label} on a track that no export or no list of tracks tells"
            ),
        }
        if free.kind == VERIFY:
            hows["left"] = _News(_NO_NEWS, f"passed {label} on audit and left the run")
        found += [(each, how, run) for how, each in hows.items()]
    found.sort(key=lambda row: (row[0].fresh or date.min, row[2]["number"]))
    return pl.DataFrame(
        [
            (run["run"], how, each.kind, n, run["course_id"], _label(run), each.until, each.words)
            for n, (each, how, run) in enumerate(found)
        ],
        schema={
            "run": pl.String,
            "how": pl.String,
            "kind": pl.Enum(_KINDS),
            "number": pl.Int32,
            "course_id": pl.String,
            "label": pl.String,
            "until": pl.Date,
            "words": pl.String,
        },
        orient="row",
    )


@dataclass(frozen=True)
class _News:
    kind: str
    words: str
    fresh: date | None = None
    """The day on which it became news."""
    until: date | None = None


def _label(run: dict[str, Any]) -> str:
    return f"{run['course_id']}/{run['run_name']}"


def _passed_free(run: dict[str, Any], since: date | None, as_of: date) -> _News:
    deadline = run["upgrade_deadline"]
    if deadline is None:
        return _without(run, "upgrade_deadline")
    passed = f"passed {_label(run)} on audit"
    if as_of <= deadline:
        return _News(VERIFY, f"{passed}; the upgrade is open until {deadline}", until=deadline)
    closed = deadline + timedelta(days=1)
    return _to_go_on(f"{passed}; the upgrade closed after {deadline}", closed, since)


def _unverified(run: dict[str, Any], as_of: date) -> _News:
    deadline = run["verification_deadline"]
    if deadline is None:
        return _without(run, "verification_deadline")
    passed = f"passed {_label(run)} on a paid track"
    if as_of <= deadline:
        words = f"{passed}; the identity is not verified, which can be done until {deadline}"
        return _News(IDENTITY, words, until=deadline)
    return _News(_NO_NEWS, f"{passed}; the identity was not verified by {deadline}")


def _to_come(run: dict[str, Any], as_of: date) -> str | None:
    """When a run's certificates can be had, where that is said and still to come."""
    available = run["certificates_available"]
    waits = available and as_of < available
    return f"certificates of {_label(run)} are available from {available}" if waits else None


def _certified(run: dict[str, Any], since: date | None, as_of: date) -> _News:
    available = run["certificates_available"]
    if available is None:
        return _without(run, "certificates_available")
    if words := _to_come(run, as_of):
        return _News(_NO_NEWS, words)
    return _to_go_on(f"has a certificate of {_label(run)}", available, since)


def _to_go_on(words: str, fresh: date, since: date | None) -> _News:
    if since and fresh < since:
        # without the run, so that old ones are one line of the summary
        return _News(_NO_NEWS, f"no news since nudges_since ({since})", fresh)
    return _News(NEXT_COURSE, words, fresh)


def _without(run: dict[str, Any], day: str) -> _News:
    words = f"{_label(run)} has no {day}"
    if run["listed"]:
        return _News(_NO_DATE, words)
    return _News(_NO_NEWS, f"{words}: pipeline.toml does not list the run")


# Milestones


def milestones(programme: Programme, seen: pl.DataFrame) -> pl.DataFrame:
    """Since when the core, and the programme, can have been complete.

    Args:
        programme: Its requirement and capstone.
        seen: `facts.nudges.certificates_seen`.

    Returns:
        `learner_id`, `core_on` and `complete_on`: 1970-01-01 where nobody knows, empty where it is not.
    """
    certified = {course.id: pl.col(f"seen_{n}") for n, course in enumerate(programme.courses)}
    core = complete_since(programme.requirement, certified)
    whole = core
    if programme.capstone:
        last = certified[programme.capstone]
        both = core.is_not_null() & last.is_not_null()
        whole = pl.when(both).then(pl.max_horizontal(core, last))
    return seen.select(
        "learner_id",
        core_on=core.cast(pl.Int32).cast(pl.Date),
        complete_on=whole.cast(pl.Int32).cast(pl.Date),
    )


def _reached(programme: Programme, learners: pl.DataFrame) -> pl.DataFrame:
    """Learners with the milestone that they stand at and the day of it, `on`; else both empty."""
    core = pl.col("core_complete") & pl.lit(programme.capstone is not None)
    return learners.with_columns(
        on=pl.when("complete").then("complete_on").when(core).then("core_on")
    ).with_columns(
        milestone=pl.when(pl.col("on").is_not_null()).then(
            pl.when("complete").then(pl.lit(_PROGRAMME)).otherwise(pl.lit(_CORE))
        )
    )


_PROGRAMME, _CORE = "programme", "core"


def _is_news(since: date | None) -> pl.Expr:
    """Whether a milestone is to be told: by its day `on`, if only from a day on."""
    return pl.lit(value=True) if since is None else (pl.col("on") >= since).fill_null(value=False)


# Who has a reason


@dataclass(frozen=True)
class Considered:
    """A programme's learners, and the reasons there are to write to them."""

    programme: Programme
    learners: pl.DataFrame
    """Everybody: `learner_id`, `complete`, `certificates`, `needed`, and `words` for those without a
    reason."""
    reasons: pl.DataFrame
    """At least one per learner who has any; see `considered`."""
    numbers: Mapping[str, int]
    """Of its runs, by their keys."""


def considered(
    programme: Programme,
    standings: pl.DataFrame,
    passes: pl.DataFrame,
    meaning: pl.DataFrame,
    runs: pl.DataFrame,
    seen: pl.DataFrame,
) -> Considered:
    """Who of a programme's learners has a reason for a nudge, and for what.

    The next course is a reason only for those who have one; whoever completed the programme has none.
    A letter to verify names it where there is one, and never the course itself. A milestone is a
    reason where it cannot have been reached before `nudges_since`: the programme, and before a
    capstone the core.

    Args:
        programme: Whose learners.
        standings: `facts.nudges.standings`.
        passes: `facts.nudges.passes`.
        meaning: `news`, of which `passes` are.
        runs: `ProgrammeRuns`.
        seen: `facts.nudges.certificates_seen`.

    Returns:
        Everybody, and of the reasons `learner_id`, `group`, `about`, `course_id`, `run`, `label`,
        `grade`, `next_course`, `next_run`, `other_run`, `next_again`, `until`, `words`,
        `runs` and, of congratulations, `in_doubt` (as in `standings`).
    """
    core, of_capstone = pl.col("core_certificates"), pl.col("capstone").cast(pl.Int64)
    learners = standings.with_columns(
        certificates=core + of_capstone,
        needed=core + pl.col("core_missing") + (1 if programme.capstone else 0),
    ).join(milestones(programme, seen), on="learner_id", how="left")
    learners = _reached(programme, learners)
    joined_until = runs.filter(programme_id=programme.id).select("joined_until", next_run="run")
    following = (
        pl.when(pl.col("next_course").is_null())
        .then(pl.lit(""))
        .otherwise(
            pl.format(
                "; next is {}{}",
                "next_course",
                pl.when("next_again").then(pl.lit(" again")).otherwise(pl.lit("")),
            )
        )
    )
    columns = (
        *("learner_id", "group", "about", "course_id", "run", "label", "grade"),
        *(*_NEXT, "until", "words", "runs"),
    )
    kind, by_a_day = pl.col("kind"), pl.col("group").is_in(BY_A_DAY)
    of_runs = (
        passes.join(meaning.filter(kind.is_in([*BY_A_DAY, NEXT_COURSE])), on="number")
        .join(learners.select("learner_id", "runs", *_NEXT), on="learner_id")
        .with_columns(group=kind.cast(pl.String))
        .filter(by_a_day | pl.col("next_course").is_not_null())
        .with_columns(
            pl.when(~by_a_day | (pl.col("next_course") != pl.col("course_id")))
            .then(pl.col(_NEXT))
            .name.keep()
        )
        .join(joined_until, on="next_run", how="left")
        .with_columns(
            about=pl.when(by_a_day)
            .then(pl.format("{}/{}", "group", "run"))
            .otherwise(pl.format("{}/{}/{}@{}", "group", "run", "next_course", "next_run")),
            until=pl.when(by_a_day).then("until").otherwise("joined_until"),
            words=pl.when(by_a_day).then("words").otherwise(pl.concat_str("words", following)),
        )
        .select(columns)
    )
    whole = pl.col("milestone") == _PROGRAMME
    reached = (
        learners.filter(pl.col("milestone").is_not_null() & _is_news(programme.nudges_since))
        .with_columns(
            group=pl.lit(CONGRATULATION),
            label=pl.when(whole).then(pl.lit(programme.id)).otherwise(pl.lit("the core")),
            about=pl.format(
                "{}/{}/{}{}",
                pl.lit(CONGRATULATION),
                pl.lit(programme.id),
                "milestone",
                pl.when(pl.col("next_run").is_null())
                .then(pl.lit(""))
                .otherwise(pl.format("@{}", "next_run")),
            ),
            words=pl.when(whole)
            .then(pl.lit("completed the programme"))
            .otherwise(pl.concat_str(pl.lit("completed the core"), following)),
        )
        .select("learner_id", "group", "about", "label", *_NEXT, "words", "runs", "in_doubt")
    )
    reasons = pl.concat([of_runs, reached], how="diagonal").select(*columns, "in_doubt")
    return Considered(
        programme,
        _with_words(learners, passes, meaning, programme.nudges_since),
        reasons,
        dict(runs.filter(programme_id=programme.id).select("run", "number").iter_rows()),
    )


def _with_words(
    learners: pl.DataFrame, passes: pl.DataFrame, meaning: pl.DataFrame, since: date | None
) -> pl.DataFrame:
    """Why learners have no reason for a nudge.

    A date that is missing is said before anything else but completion, because it can be filled in.
    """
    kind, number = pl.col("kind"), pl.col("number")
    strongest = (
        passes.join(meaning.select("number", "kind"), on="number")
        .group_by("learner_id")
        .agg(
            goes_on=(kind == NEXT_COURSE).any(),
            no_date=number.filter(kind == _NO_DATE).max(),
            awaited=number.filter(kind == _AWAITED).max(),
            no_news=number.filter(kind == _NO_NEWS).max(),
        )
    )
    words = meaning.select("number", "words")
    return (
        learners.join(strongest, on="learner_id", how="left")
        .join(words.rename({"number": "no_date", "words": "without"}), on="no_date", how="left")
        .join(words.rename({"number": "awaited", "words": "waits"}), on="awaited", how="left")
        .join(words.rename({"number": "no_news", "words": "old"}), on="no_news", how="left")
        .select(
            "learner_id",
            "complete",
            "certificates",
            "needed",
            words=pl.when(pl.col("complete") & pl.col("on").is_null())
            .then(
                pl.lit(
                    "the programme is complete; a letter about it, if any, is another account's of theirs"
                )
            )
            .when("complete")
            .then(
                pl.lit(
                    f"the programme is complete, and may have been before nudges_since ({since})"
                )
            )
            .when(pl.col("without").is_not_null())
            .then("without")
            .when("goes_on")
            .then(
                pl.format(
                    "no course to suggest: {}",
                    pl.col("waits").fill_null(
                        "each that is still needed is in progress, awaits its certificate, or has no "
                        "run that can be joined"
                    ),
                )
            )
            .otherwise(pl.coalesce("waits", "old", pl.lit("no run passed"))),
        )
    )


# Who gets a letter


@dataclass(frozen=True)
class Remembered:
    """What is known of people's wishes, and of what they were told."""

    opt_ins: pl.DataFrame
    """`OptIns`: edX's lists."""
    opted_out: pl.DataFrame
    """`mail.ledger.remembered.OPTED_OUT`."""
    told_before: pl.DataFrame
    """`mail.ledger.remembered.TOLD_BEFORE`."""
    salt: str
    """The ledger's own."""


@dataclass(frozen=True)
class Gate:
    """Something that keeps a letter from a learner who has a reason for one."""

    stops: pl.Expr
    """Of `judged`; null is no."""
    open: str
    closed: pl.Expr
    """Why there is no letter, in words."""


_TOLD = {
    IDENTITY: "told before to verify the identity for {}",
    VERIFY: "told before to verify {}",
    CONGRATULATION: "congratulated before on {}",
    NEXT_COURSE: "told before what comes after {}",
}


def gates(programme: Programme, as_of: date) -> Sequence[Gate]:
    """What every letter of a programme has to pass, in order."""
    since, most = programme.nudges_since, programme.letters_per_month
    staff = [text.casefold() for text in programme.staff]
    address = pl.col("address")
    domain = "@" + address.str.split("@").list.last()
    opted_in = pl.col("opted_in")
    needed = programme.opt_in_required
    return (
        Gate(
            pl.lit(since is not None and as_of < since),
            "nudges have begun",
            pl.lit(f"nudges begin on {since}"),
        ),
        Gate(
            pl.col("username").str.to_lowercase().is_in(staff).fill_null(value=False)
            | pl.any_horizontal(
                each.is_in(staff).fill_null(value=False) for each in (address, domain)
            ),
            "not on the programme's staff",
            pl.lit("on the programme's staff"),
        ),
        Gate(address.is_null(), "has an address", pl.lit("no export has an e-mail address")),
        Gate(
            address.str.ends_with(RETIRED),
            "the account is in use",
            pl.lit("the account is deleted"),
        ),
        Gate(
            ~pl.col("deliverable"),
            "the address is valid",
            pl.lit("the e-mail address is not valid"),
        ),
        Gate(
            pl.col("opted_out"),
            "did not unsubscribe, and no letter came back",
            pl.lit("unsubscribed, complained, or letters came back"),
        ),
        Gate(~opted_in, "did not opt out at edX", pl.lit("opted out at edX")),
        Gate(
            opted_in.is_null() & needed,
            "on edX's opt-in list" if needed else "edX's opt-in list is not required",
            pl.lit("not on edX's opt-in list, which opt_in_required asks for"),
        ),
        Gate(
            pl.col("in_doubt").is_not_null() & ~pl.col("own"),
            "what a congratulation is about is not in doubt",
            pl.format("the congratulation waits: {}", "in_doubt"),
        ),
        Gate(
            pl.col("told"),
            "not told this before",
            pl.coalesce(
                pl.when(pl.col("group") == group).then(pl.format(words, "label"))
                for group, words in _TOLD.items()
            ),
        ),
        Gate(
            pl.col("has_letter"),
            "no other letter this week",
            pl.lit("has another letter of this week already"),
        ),
        Gate(
            pl.col("letters") >= most,
            f"fewer than {most} letters in the last {CAP_DAYS} days",
            pl.lit(f"has had {most} letters or more in the last {CAP_DAYS} days"),
        ),
    )


def nudges(
    parts: Sequence[Considered], people: pl.DataFrame, remembered: Remembered, as_of: date
) -> pl.DataFrame:
    """What is decided about every learner of every programme.

    Of several reasons the strongest counts: to verify the identity and then to verify, by the nearest
    deadline, a congratulation, then the next course, by the first run that closes; what was told
    before gives way to what was not. A letter
    of the running week that is out already is decided again as it was, so that a second refresh
    changes nothing. Per week and address there is one letter, whatever the programmes and accounts;
    those whom a programme holds out may get another programme's.

    Args:
        parts: Every programme, considered for that day.
        people: `facts.nudges.people` of everybody with a reason.
        remembered: Their wishes, and what they were told.
        as_of: The day; its week is the period.

    Returns:
        `Nudges`.
    """
    nobody = pl.DataFrame(schema=dtypes(Nudges))
    if not parts:
        return nobody
    known = _known(people, remembered.salt)
    said = _said(remembered.told_before, known)
    rows = pl.concat(
        judged(part, known, said, remembered, as_of).with_columns(
            programme_id=pl.lit(part.programme.id), place=pl.lit(place)
        )
        for place, part in enumerate(parts)
    )
    decided = _decided(rows, parts, remembered.salt).drop("words", "complete", strict=False)
    return pl.concat(
        [nobody, *(_of_everybody(part, decided, as_of) for part in parts)],
    )


def _of_everybody(part: Considered, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    programme = pl.lit(part.programme.id)
    return (
        part.learners.join(
            decided.filter(pl.col("programme_id") == programme), on="learner_id", how="left"
        )
        .with_columns(
            programme_id=programme,
            decision=pl.col("decision").fill_null(NONE),
            reason=pl.coalesce("reason", "words"),
            as_of=pl.lit(as_of),
        )
        .select(Nudges.column_names())
        .cast(dtypes(Nudges))
    )


def judged(
    part: Considered,
    known: pl.DataFrame,
    said: pl.DataFrame,
    remembered: Remembered,
    as_of: date,
) -> pl.DataFrame:
    """The strongest reason of every learner who has one, and what keeps it from being a letter.

    Args:
        part: A programme, considered.
        known: `_known`.
        said: `_said` of them.
        remembered: As for `nudges`.
        as_of: The day.

    Returns:
        One of `part.reasons` per learner with what `gates` look at, `own` (this week's letter about
        it is out) and `stop` (why there is no letter; empty: every gate is open).
    """
    campaign, week = campaign_of(part.programme.id), week_name(as_of)
    known = known.join(part.reasons, on="learner_id", how="semi")
    said = said.join(known, on="address", how="semi")
    month = said.filter(
        pl.col("period") != week,
        (pl.col("sent_on") > as_of - timedelta(days=CAP_DAYS)).fill_null(value=True),
    )
    opted_in = _opted_in(remembered.opt_ins.filter(programme_id=part.programme.id), known)
    own = said.filter(period=week, campaign=campaign)
    rows = part.reasons.join(known, on="learner_id", how="left")
    rows = _with_memory(rows, said, remembered.opted_out, campaign, week, part.numbers)
    rows = _marked(rows, own, "own", "recipient_key", "group", "subject")
    rows = (
        rows.join(month.group_by("address").agg(letters=pl.len()), on="address", how="left")
        .join(opted_in, on="learner_id", how="left")
        .with_columns(has_letter=pl.col("written_to") & ~pl.col("own"))
        .sort(
            *(~pl.col("own"), "told", pl.col("in_doubt").is_not_null()),
            *(*STRENGTH, "about"),
            nulls_last=True,
        )
        .unique("learner_id", keep="first", maintain_order=True)
    )
    closed = [
        pl.when(gate.stops.fill_null(value=False)).then(gate.closed)
        for gate in gates(part.programme, as_of)
    ]
    return rows.with_columns(stop=pl.coalesce(closed))


def gates_for(
    part: Considered, people: pl.DataFrame, remembered: Remembered, as_of: date
) -> Sequence[tuple[bool, str]]:
    """Of every gate, whether it is open for a learner, and in words; also for one without a reason.

    Args:
        part: A programme, considered for this learner only.
        people: As for `nudges`, with this learner.
        remembered: As for `nudges`.
        as_of: The day.
    """
    who = part.learners.select("learner_id")
    with_a_row = replace(part, reasons=who.join(part.reasons, on="learner_id", how="left"))
    known = _known(people, remembered.salt)
    said = _said(remembered.told_before, known)
    row = judged(with_a_row, known, said, remembered, as_of)
    found = []
    for gate in gates(part.programme, as_of):
        stops, closed = row.select(gate.stops.fill_null(value=False), words=gate.closed).row(0)
        found.append((not stops, closed if stops else gate.open))
    return found


STRENGTH = (pl.col("group").cast(pl.Enum(GROUPS)), pl.col("until"))
"""The strongest reason first."""


def still_to_tell(
    rows: pl.DataFrame,
    told_before: pl.DataFrame,
    opted_out: pl.DataFrame,
    salt: str,
) -> pl.DataFrame:
    """Those whom nobody has written to since the letters of a week were decided.

    A letter that is out stays decided as it was, and whoever writes by other means must not write it
    again.

    Args:
        rows: Of one programme and day, from `facts.nudge_letters.nudges_to_write`.
        told_before: `mail.ledger.remembered.TOLD_BEFORE`, as it is now.
        opted_out: `mail.ledger.remembered.OPTED_OUT`, as it is now.
        salt: The ledger's.
    """
    if rows.is_empty():
        return rows
    programme_id, as_of = rows.select("programme_id", "as_of").row(0)
    address = pl.col("email").str.strip_chars().str.to_lowercase()
    known = _known(rows.select("learner_id", address=address), salt)
    found = _with_memory(
        rows.join(known, on="learner_id", how="left").with_columns(
            runs=pl.lit(
                [], pl.List(pl.Int32)
            )  # what was taken up before was told before the refresh
        ),
        _said(told_before, known),
        opted_out,
        campaign_of(programme_id),
        week_name(as_of),
        {},
    )
    gone = found.filter(pl.col("written_to") | pl.col("told") | pl.col("opted_out"))
    return rows.join(gone, on="learner_id", how="anti", maintain_order="left")


def _known(people: pl.DataFrame, salt: str) -> pl.DataFrame:
    """People with `recipient_key`, and whether their address is `deliverable`."""
    return people.with_columns(
        recipient_key=pl.Series(
            [recipient_key(learner, salt) for learner in people["learner_id"]], dtype=pl.String
        ),
        deliverable=pl.Series(
            [can_be_addressed(address or "") for address in people["address"]], dtype=pl.Boolean
        ),
    )


def _with_memory(
    rows: pl.DataFrame,
    said: pl.DataFrame,
    opted_out: pl.DataFrame,
    campaign: str,
    week: str,
    numbers: Mapping[str, int],
) -> pl.DataFrame:
    """Reasons with whether it was `told` before the week, what is `written_to` in it, `opted_out`."""
    this_week, before = said.filter(period=week), said.filter(pl.col("period") != week)
    unwanted = opted_out.filter(pl.col("scope").is_in([EVERY_CAMPAIGN, campaign]))
    rows = _taken_apart(rows)
    rows = _with_told(rows, before, numbers)
    rows = _marked(
        rows, before.filter(pl.col("group").is_null()), "told_of_run", "address", "subject"
    )
    rows = _marked(rows, this_week, "written_to", "address")
    rows = _marked(rows, unwanted.rename({"email": "address"}), "address_out", "address")
    rows = _marked(rows, unwanted, "person_out", "recipient_key")
    return rows.with_columns(
        told=pl.col("told_it") | pl.col("told_of_run") | pl.col("told_with_it"),
        opted_out=pl.col("address_out") | pl.col("person_out"),
    )


def _with_told(
    rows: pl.DataFrame, before: pl.DataFrame, numbers: Mapping[str, int]
) -> pl.DataFrame:
    """Whether a letter of `before` told it: `told_it`.

    What comes after a run is told again when another run is offered and the one that was had not been
    taken up. A letter that does not say which it offered told of all. A congratulation tells of the run
    that it offers.
    """
    alike = ["address", "group", "subject"]
    taken = pl.col("was_offered").replace_strict(
        {folded(run): number for run, number in numbers.items()},
        default=None,
        return_dtype=pl.Int32,
    )
    told = (
        rows.with_row_index("row")
        .join(before.select(*alike, was_offered="offered"), on=alike)
        .filter(
            (pl.col("group") != NEXT_COURSE)
            | pl.col("was_offered").is_null()
            | (pl.col("was_offered") == pl.col("offered"))
            | pl.col("runs").list.contains(taken)
        )
    )
    rows = rows.with_columns(told_it=pl.int_range(pl.len()).is_in(told["row"].unique().implode()))
    congratulated = before.filter(group=CONGRATULATION)
    return _marked(rows, congratulated, "told_with_it", "address", "offered")


def _marked(rows: pl.DataFrame, those: pl.DataFrame, name: str, *on: str) -> pl.DataFrame:
    """Whether there is one of `those` with the same cells."""
    found = those.select(on).drop_nulls().unique().with_columns(pl.lit(value=True).alias(name))
    return rows.join(found, on=on, how="left").with_columns(pl.col(name).fill_null(value=False))


def _said(told_before: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What was told to which address, by whatever key it was told: a row per letter.

    A letter of which nobody knows what it was about, and whose period is a run, was about that run.
    """
    by_key = told_before.drop("email").join(
        known.filter(pl.col("address").is_not_null()).select("recipient_key", "address"),
        on="recipient_key",
    )
    by_address = told_before.filter(pl.col("recipient_key").is_null()).with_columns(
        address=pl.col("email").str.to_lowercase()
    )
    said = _taken_apart(
        pl.concat([by_key, by_address.select(by_key.columns)]).with_columns(
            group=pl.col("about").str.extract(rf"^({'|'.join(GROUPS)})/")
        )
    )
    return said.with_columns(subject=pl.coalesce("subject", _folded(said["period"]))).unique(
        ["address", "campaign", "period", "group", "subject", "offered"],
        keep="first",
        maintain_order=True,
    )


def _taken_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what their `about` is about: its `subject`, mostly a run, and the run it `offered`."""
    about = pl.col("about")
    rows = rows.with_columns(
        subject=pl.coalesce(
            about.str.extract(r"^(?:identity|verify)/(.+)$"),
            about.str.extract(r"^congratulation/([^@]+)"),
            about.str.extract(r"^next_course/([^@]+)/[^/@]+(?:@.*)?$"),
        ),
        offered=about.str.extract(r"^(?:congratulation|next_course)/[^@]+@(.+)$"),
    )
    return rows.with_columns(subject=_folded(rows["subject"]), offered=_folded(rows["offered"]))


def _folded(runs: pl.Series) -> pl.Series:
    """Keys of runs as they are compared."""
    spellings = runs.drop_nulls().unique()
    return runs.replace_strict(
        spellings, [folded(spelling) for spelling in spellings], return_dtype=pl.String
    )


def _opted_in(opt_ins: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What the newest line of edX's list says of each learner, by id or by address.

    Of lines of one moment the one that does not want letters counts.
    """
    lines = opt_ins.select("learner_id", "email", "opted_in", "set_at")
    by_id = lines.join(known.select("learner_id"), on="learner_id")
    by_address = lines.drop("learner_id").join(
        known.select("learner_id", email="address"), on="email"
    )
    columns = ["learner_id", "opted_in", "set_at"]
    return (
        pl.concat([by_id.select(columns), by_address.select(columns)])
        .sort("set_at", "opted_in", descending=[True, False], nulls_last=True)
        .unique("learner_id", keep="first", maintain_order=True)
        .drop("set_at")
    )


def _decided(rows: pl.DataFrame, parts: Sequence[Considered], salt: str) -> pl.DataFrame:
    """`judged` of all programmes with `decision` and `reason`: one letter per address."""
    ways_in = rows.filter(pl.col("stop").is_null()).sort(
        ~pl.col("own"),
        *STRENGTH,
        "place",
        pl.col("learner_id").str.len_chars(),
        "learner_id",
        nulls_last=True,
    )
    programme_and_address = pl.struct("programme_id", "address")
    first = ways_in.filter(programme_and_address.is_first_distinct())
    twins = ways_in.filter(~programme_and_address.is_first_distinct()).with_columns(
        stop=pl.lit("another account with the same address comes first")
    )
    share = {part.programme.id: part.programme.held_out for part in parts}
    first = first.with_columns(
        held_out=pl.Series(
            [
                is_held_out(programme, address, share[programme], salt)
                for programme, address in first.select("programme_id", "address").iter_rows()
            ],
            dtype=pl.Boolean,
        )
    )
    letters = first.filter(~pl.col("held_out")).with_columns(
        winner=pl.col("programme_id").first().over("address")
    )
    letters = letters.with_columns(
        stop=pl.when(~pl.col("address").is_first_distinct()).then(
            pl.format("the letter of {} comes first this week", "winner")
        )
    )
    stopped = pl.col("stop").is_not_null()
    columns = [*rows.columns, "held_out"]
    whole = [
        letters.select(columns),
        first.filter("held_out").select(columns),
        twins.with_columns(held_out=pl.lit(value=False)).select(columns),
        rows.filter(stopped).with_columns(held_out=pl.lit(value=False)).select(columns),
    ]
    return pl.concat(whole).with_columns(
        decision=pl.when(stopped)
        .then(pl.lit(NONE))
        .when("held_out")
        .then(pl.lit(HELD_OUT))
        .otherwise(pl.lit(LETTER)),
        reason=pl.when(stopped)
        .then("stop")
        .when("held_out")
        .then(pl.format("drawn to get none, so that the effect can be measured; else: {}", "words"))
        .otherwise("words"),
    )


def is_held_out(programme_id: str, address: str, share: float, salt: str) -> bool:
    """Whether the lot holds an address out of a programme's nudges; the same every week.

    Whoever has several accounts is drawn once. With a larger share, those held out before stay so.
    """
    if not share:
        return False
    drawn = hashlib.sha256(f"{salt}held out:{programme_id}:{address}".encode()).digest()
    return int.from_bytes(drawn[:8]) < share * 2**64


# What is said of it


_VERBS = {
    LETTER: ("gets a letter", "get a letter"),
    HELD_OUT: ("is held out", "are held out"),
    NONE: ("gets no letter", "get no letter"),
}


def nudge_summary(counts: pl.DataFrame) -> pl.DataFrame:
    """How many learners were decided about alike, and why.

    Args:
        counts: `facts.nudges.nudge_counts`.

    Returns:
        `NudgeSummary`: letters first, then who is held out, then the others; most learners first.
    """
    return (
        counts.with_columns(
            sentence=pl.Series(
                [
                    f"{learners:,} {_VERBS[decision][learners > 1]}: {reason}"
                    for decision, reason, learners in counts.select(
                        "decision", "reason", "learners"
                    ).iter_rows()
                ],
                dtype=pl.String,
            )
        )
        .sort(
            "programme_id",
            pl.col("decision").cast(pl.Enum(DECISIONS)),
            "learners",
            "reason",
            descending=[False, False, True, False],
        )
        .select(NudgeSummary.column_names())
        .cast(dtypes(NudgeSummary))
    )


def summary_sentences(summary: pl.DataFrame) -> Sequence[str]:
    """`lead: 412 get no letter: lead3x/1T2027 has no upgrade_deadline`, one per row.

    Args:
        summary: `NudgeSummary`.
    """
    return [f"{of}: {what}" for of, what in summary.select("programme_id", "sentence").iter_rows()]
