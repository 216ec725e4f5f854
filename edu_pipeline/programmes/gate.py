"""Whether a programme's nudges may go out: what a person must look at first, and which are due.

Pure. A release is made as for letters to teachers (see `edu_pipeline.model.gate`), and counts for a
problem exactly as it stands.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from edu_pipeline.ground.weeks import monday, week_name
from edu_pipeline.ground.wording import counted, percent, whole_percent
from edu_pipeline.mail.due import PERIODS
from edu_pipeline.model.gate import unreleased
from edu_pipeline.model.problems import Problem, problems_frame
from edu_pipeline.programmes.nudges import campaign_of
from edu_pipeline.settings.programmes import Programme

AUDIENCE_MOVED = "audience_moved"
FIRST_AUDIENCE = "first_audience"
FEW_MOVES = 10
"""So many may enter or leave whatever the share, or small programmes were held every week."""


def nudge_problems(
    programmes: Sequence[Programme],
    audiences: pl.DataFrame,
    told_before: pl.DataFrame,
) -> pl.DataFrame:
    """Audiences that a person must look at before anybody is nudged.

    An audience moved when more than `FEW_MOVES` learners and more than the programme's share of the
    audience accepted last entered it, or left it. Where letters of ours went out before and no audience
    was accepted, the one that they went to was lost. A first audience has nothing to compare with: it is
    everybody with a reason since the first run, so somebody must have said from when reasons count, or
    who was told by other means.

    Args:
        programmes: As `pipeline.toml` has them.
        audiences: `facts.audience.audiences`.
        told_before: `mail.ledger.remembered.TOLD_BEFORE`.

    Returns:
        `LandingProblems`, without `since`.
    """
    share = {programme.id: programme.audience_moves for programme in programmes}
    since = {programme.id for programme in programmes if programme.nudges_since}
    # history of other mailers was written before there was any audience here
    ours = set(told_before.filter(pl.col("recipient_key").is_not_null())["campaign"])
    rows = [
        _audience_moved(audience, share[audience["programme_id"]])
        for audience in audiences.iter_rows(named=True)
        if (audience["accepted"] or campaign_of(audience["programme_id"]) in ours)
        and max(audience["entered"], audience["gone"])
        > max(FEW_MOVES, share[audience["programme_id"]] * audience["learners_before"])
    ]
    rows += [
        _first_audience(audience)
        for audience in audiences.iter_rows(named=True)
        if audience["learners"]
        and not audience["accepted"]
        and audience["programme_id"] not in since
        and campaign_of(audience["programme_id"]) not in set(told_before["campaign"])
    ]
    return problems_frame(rows).sort("part")


def _first_audience(audience: dict[str, Any]) -> Problem:
    programme = audience["programme_id"]
    sentence = (
        f"Nobody of {programme} was written to from here so far, and {counted(audience['learners'], 'learner')} "
        "would be told at once of everything since the first run. Say from when news counts, with "
        f"nudges_since = {audience['as_of']} in its [[programmes]] of pipeline.toml; or say who was told by "
        "other means: edu-pipeline mail history import."
    )
    problem = Problem(
        "edx",
        "audience",
        FIRST_AUDIENCE,
        programme,
        sentence,
        "nudges",
        part=programme,
        content=audience["digest"],
        known_as="a first audience",  # the day in the sentence is another tomorrow
    )
    return problem.releasable("If all of them should be written to")


def _audience_moved(audience: dict[str, Any], allowed: float) -> Problem:
    programme, before = audience["programme_id"], audience["learners_before"]
    moves = [
        f"{counted(number, 'learner')} ({percent(number / before)}) {verb}"
        for name, verb in (("entered", "entered it"), ("gone", "left it"))
        if before and (number := audience[name])
    ]
    learners = f"{audience['learners']:,} learners are in the audience of {programme}"
    if moves:
        moved = (
            f"The audience of {programme} moved: {' and '.join(moves)} since the last one that was "
            f"accepted, of {before:,}; audience_moves allows {whole_percent(allowed)}."
        )
    elif audience["accepted"]:
        moved = f"{learners}, and nobody was in the last one that was accepted."
    else:
        moved = (
            f"{learners}. Letters about it went out before, but the warehouse that knew the audience "
            "was deleted, so there is nothing to compare with."
        )
    sentence = (
        f"{moved} Look whether the exports are whole and the dates of the runs are right "
        "(nudge_summary counts the reasons)."
    )
    problem = Problem(
        "edx",
        "audience",
        AUDIENCE_MOVED,
        programme,
        sentence,
        "nudges",
        part=programme,
        content=audience["digest"],
    )
    return problem.releasable("If they are")


def holding(
    programmes: Sequence[str], problems: pl.DataFrame, releases: pl.DataFrame
) -> Mapping[str, str]:
    """Programmes whose nudges wait, each with why.

    Args:
        programmes: Ids of those that there are.
        problems: `LandingProblems`; one of no programme holds the nudges of all.
        releases: `id` and `at` of what somebody released.
    """
    held = unreleased(problems.filter(pl.col("holds") == "nudges"), releases)
    why = {
        programme: held.filter(pl.col("part").is_null() | (pl.col("part") == programme))["message"]
        for programme in programmes
    }
    return {programme: " ".join(messages) for programme, messages in why.items() if len(messages)}


def nudge_periods(audiences: pl.DataFrame, why: Mapping[str, str]) -> pl.DataFrame:
    """The running week of every programme that has an audience.

    It is recorded also where everybody was told already, so that what is in doubt can be settled.

    Args:
        audiences: `facts.audience.audiences`.
        why: What holds nudges, by `holding`.

    Returns:
        `due.PERIODS`; complete, because there is nothing to wait for.
    """
    found = audiences.filter(pl.col("learners") > 0).select("programme_id", "as_of")
    rows = [
        {
            "campaign": campaign_of(programme),
            "period": week_name(as_of),
            "partition": f"{programme}|{monday(as_of)}",
            "last_day": as_of,
            "complete": True,
            "held": why.get(programme),
        }
        for programme, as_of in found.iter_rows()
    ]
    return pl.DataFrame(rows, schema=PERIODS, orient="row")
