"""Who is nudged to verify or to go on with the next course, and in words why or why not.

Pure. What it means on a day to have passed a run is told run by run (`news`); whoever has a reason
follows from that (`considered`), and who of them gets a letter from what is known of people
(`nudges`). How a letter reads is in `letter`.
"""

import hashlib
from collections.abc import Sequence
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
from edu_pipeline.model.nudges import DECISIONS, Nudges, NudgeSummary
from edu_pipeline.settings.programmes import CAP_DAYS, Course, Programme

PREFIX: Final = "nudges"
"""What the campaigns of all programmes begin with."""
VERIFY, NEXT_COURSE = "verify", "next_course"
LETTER, HELD_OUT, NONE = DECISIONS
_NO_DATE, _NO_NEWS = "no_date", "no_news"
_KINDS = (_NO_NEWS, _NO_DATE, NEXT_COURSE, VERIFY)
_NEXT = ("next_course", "next_run", "next_again")
_RETIRED = "@retired.invalid"
"""What edX puts in the place of the address of an account that was deleted."""


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


# What a run that was passed means


def news(programme: Programme, runs: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What it means on a day to have passed a run, for every run of a programme.

    On a free track: to verify, until the last day of the upgrade is over, and from then on to go on
    with another course. With a certificate: to go on, from the day on which certificates are
    available. Neither waits for the end of the run, and where the date is not known there is no
    reason for a nudge, nor where it came before `nudges_since`.

    Args:
        programme: Whose runs, and since when there is news.
        runs: `ProgrammeRuns`.
        as_of: The day.

    Returns:
        A row per run and `how` it was passed (`facts.nudges.HOW`, and `again`: on a free track, with
        the course's certificate from another run), with `kind` (`verify`, `next_course`, `no_date`
        for a listed run without the date, `no_news`), `number` (of one kind the higher is the
        stronger), `course_id`, `label` (such as `lead1x/1T2027`), `until` (the last day to verify)
        and `words`: the reason, or why there is none.
    """
    found = []
    for run in runs.filter(programme_id=programme.id).iter_rows(named=True):
        free = _passed_free(run, programme.nudges_since, as_of)
        label = _label(run)
        hows = {
            "free": free,
            "left": free,
            "again": free,
            "certificate": _certified(run, programme.nudges_since, as_of),
            "paid": _News(
                _NO_NEWS,
                _to_come(run, as_of)
                or f"passed {label} on a paid track and has no certificate of it",
            ),
            "identity": _News(
                _NO_NEWS, f"passed {label} on a paid track; the identity is not verified"
            ),
            "revoked": _News(_NO_NEWS, f"had a certificate of {label} that was taken back"),
            "refunded": _News(
                _NO_NEWS, f"passed {label} and left the run, or the fee was refunded"
            ),
            "unknown": _News(_NO_NEWS, f"passed {label} on a track that no export tells"),
        }
        if free.kind == VERIFY:
            hows["left"] = _News(_NO_NEWS, f"passed {label} on audit and left the run")
            hows["again"] = _News(_NO_NEWS, f"passed {label}, with a certificate of another run")
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


def considered(
    programme: Programme,
    standings: pl.DataFrame,
    passes: pl.DataFrame,
    meaning: pl.DataFrame,
    runs: pl.DataFrame,
) -> Considered:
    """Who of a programme's learners has a reason for a nudge, and for what.

    The next course is a reason only for those who have one; whoever completed the programme has none. A letter to verify names it where there is one, and never the course itself.

    Args:
        programme: Whose learners.
        standings: `facts.nudges.standings`.
        passes: `facts.nudges.passes`.
        meaning: `news`, of which `passes` are.
        runs: `ProgrammeRuns`.

    Returns:
        Everybody, and of the reasons `learner_id`, `group`, `about`, `course_id`, `run`, `label`,
        `grade`, `next_course`, `next_run`, `next_again`, `until`, `words`.
    """
    core, of_capstone = pl.col("core_certificates"), pl.col("capstone").cast(pl.Int64)
    learners = standings.with_columns(
        certificates=core + of_capstone,
        needed=core + pl.col("core_missing") + (1 if programme.capstone else 0),
    )
    joined_until = runs.filter(programme_id=programme.id).select("joined_until", next_run="run")
    kind = pl.col("kind")
    reasons = (
        passes.join(meaning.filter(kind.is_in([VERIFY, NEXT_COURSE])), on="number")
        .join(learners.select("learner_id", *_NEXT), on="learner_id")
        .filter((kind == VERIFY) | pl.col("next_course").is_not_null())
        .with_columns(
            pl.when((kind == NEXT_COURSE) | (pl.col("next_course") != pl.col("course_id")))
            .then(pl.col(_NEXT))
            .name.keep()
        )
        .join(joined_until, on="next_run", how="left")
    )
    verify = pl.col("group") == VERIFY
    reasons = reasons.with_columns(group=kind.cast(pl.String)).select(
        "learner_id",
        "group",
        "course_id",
        "run",
        "label",
        "grade",
        *_NEXT,
        about=pl.when(verify)
        .then(pl.concat_str("group", "run", separator="/"))
        .otherwise(pl.concat_str("group", "run", "next_course", separator="/")),
        until=pl.when(verify).then("until").otherwise("joined_until"),
        words=pl.when(verify)
        .then("words")
        .otherwise(
            pl.format(
                "{}; next is {}{}",
                "words",
                "next_course",
                pl.when("next_again").then(pl.lit(" again")).otherwise(pl.lit("")),
            )
        ),
    )
    return Considered(programme, _with_words(learners, passes, meaning), reasons)


def _with_words(
    learners: pl.DataFrame, passes: pl.DataFrame, meaning: pl.DataFrame
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
            no_news=number.filter(kind == _NO_NEWS).max(),
        )
    )
    words = meaning.select("number", "words")
    return (
        learners.join(strongest, on="learner_id", how="left")
        .join(words.rename({"number": "no_date", "words": "without"}), on="no_date", how="left")
        .join(words.rename({"number": "no_news", "words": "old"}), on="no_news", how="left")
        .select(
            "learner_id",
            "complete",
            "certificates",
            "needed",
            words=pl.when("complete")
            .then(pl.lit("the programme is complete"))
            .when(pl.col("without").is_not_null())
            .then("without")
            .when("goes_on")
            .then(
                pl.lit(
                    "no course to suggest: each that is still needed is in progress, or has no run "
                    "that can be joined"
                )
            )
            .otherwise(pl.col("old").fill_null("no run passed")),
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
            address.str.ends_with(_RETIRED),
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
            pl.col("told"),
            "not told this before",
            pl.when(pl.col("group") == VERIFY)
            .then(pl.format("told before to verify {}", "label"))
            .otherwise(pl.format("told before what comes after {}", "label")),
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

    Of several reasons the strongest counts: to verify, by the nearest deadline, then the next
    course, by the first run that closes; what was told before gives way to what was not. A letter
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
    rows = _with_memory(rows, said, remembered.opted_out, campaign, week)
    rows = _marked(rows, own, "own", "recipient_key", "group", "run_key")
    rows = (
        rows.join(month.group_by("address").agg(letters=pl.len()), on="address", how="left")
        .join(opted_in, on="learner_id", how="left")
        .with_columns(has_letter=pl.col("written_to") & ~pl.col("own"))
        .sort(~pl.col("own"), "told", *_STRENGTH, "about", nulls_last=True)
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


_STRENGTH = (pl.col("group") != VERIFY, pl.col("until"))
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
        rows.join(known, on="learner_id", how="left"),
        _said(told_before, known),
        opted_out,
        campaign_of(programme_id),
        week_name(as_of),
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
    rows: pl.DataFrame, said: pl.DataFrame, opted_out: pl.DataFrame, campaign: str, week: str
) -> pl.DataFrame:
    """Reasons with whether it was `told` before the week, what is `written_to` in it, `opted_out`."""
    this_week, before = said.filter(period=week), said.filter(pl.col("period") != week)
    unwanted = opted_out.filter(pl.col("scope").is_in([EVERY_CAMPAIGN, campaign]))
    rows = rows.with_columns(run_key=_folded(rows["run"]))
    rows = _marked(rows, before, "told_it", "address", "group", "run_key")
    rows = _marked(
        rows, before.filter(pl.col("group").is_null()), "told_of_run", "address", "run_key"
    )
    rows = _marked(rows, this_week, "written_to", "address")
    rows = _marked(rows, unwanted.rename({"email": "address"}), "address_out", "address")
    rows = _marked(rows, unwanted, "person_out", "recipient_key")
    return rows.with_columns(
        told=pl.col("told_it") | pl.col("told_of_run"),
        opted_out=pl.col("address_out") | pl.col("person_out"),
    )


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
    about = pl.col("about")
    said = pl.concat([by_key, by_address.select(by_key.columns)]).with_columns(
        group=about.str.extract(r"^(verify|next_course)/"),
        run_key=pl.coalesce(
            about.str.extract(r"^verify/(.+)$"),
            about.str.extract(r"^next_course/(.+)/[^/]+$"),
            "period",
        ),
    )
    return said.with_columns(run_key=_folded(said["run_key"])).unique(
        ["address", "campaign", "period", "group", "run_key"], keep="first", maintain_order=True
    )


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
        *_STRENGTH,
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
