"""Whether a programme's nudges may go out: what a person must look at first, and which are due.

Pure. A release is made as for letters to teachers (see `edu_pipeline.model.gate`), and counts for a
problem exactly as it stands.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from edu_pipeline.ground.weeks import monday, week_name
from edu_pipeline.ground.wording import percent, whole_percent
from edu_pipeline.mail.due import PERIODS
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.gate import in_force
from edu_pipeline.model.nudges import NudgeProblems
from edu_pipeline.programmes.nudges import campaign_of
from edu_pipeline.settings.programmes import Programme

AUDIENCE_MOVED = "audience_moved"
FEW_MOVES = 10
"""So many may enter or leave whatever the share, or small programmes were held every week."""
OF_EXPORTS = ("unreadable_file", "unreadable_opt_ins", "unclaimed_export", "many_rejected")
"""Problems of exports because of which somebody may be told what is not so, or who wants no mail."""
SUBJECT = ("programme_id", "kind", "subject")


def nudge_problems(
    programmes: Sequence[Programme],
    audiences: pl.DataFrame,
    told_before: pl.DataFrame,
    programme_problems: pl.DataFrame,
) -> pl.DataFrame:
    """What holds nudges until a person has looked.

    An audience moved when more than `FEW_MOVES` learners and more than the programme's share of the
    audience accepted last entered it, or left it. A first audience has nothing to compare with; but
    where letters of ours went out before, the audience that they went to was lost.

    Args:
        programmes: As `pipeline.toml` has them.
        audiences: `facts.audience.audiences`.
        told_before: `mail.ledger.remembered.TOLD_BEFORE`.
        programme_problems: `ProgrammeProblems`.

    Returns:
        `NudgeProblems`, without `since`.
    """
    share = {programme.id: programme.audience_moves for programme in programmes}
    # history of other mailers was written before there was any audience here
    ours = set(told_before.filter(pl.col("recipient_key").is_not_null())["campaign"])
    rows = [
        _audience_moved(audience, share[audience["programme_id"]])
        for audience in audiences.iter_rows(named=True)
        if (audience["accepted"] or campaign_of(audience["programme_id"]) in ours)
        and max(audience["entered"], audience["gone"])
        > max(FEW_MOVES, share[audience["programme_id"]] * audience["learners_before"])
    ]
    of_exports = programme_problems.filter(
        pl.col("kind").is_in(OF_EXPORTS), pl.col("programme_id").is_in(list(share))
    )
    rows += [
        _problem(
            problem["programme_id"],
            problem["kind"],
            problem["subject"],
            problem["message"],
            "Or, if nudges may rest on it as it is",
        )
        for problem in of_exports.iter_rows(named=True)
    ]
    return NudgeProblems.validate(
        pl.DataFrame(rows, schema=dtypes(NudgeProblems), orient="row").sort(SUBJECT)
    )


def _audience_moved(audience: dict[str, Any], allowed: float) -> dict[str, object]:
    programme, before = audience["programme_id"], audience["learners_before"]
    moves = [
        f"{number:,} {'learner' if number == 1 else 'learners'} ({percent(number / before)}) {verb}"
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
    return _problem(
        programme, AUDIENCE_MOVED, programme, sentence, "If they are", content=audience["digest"]
    )


def _problem(
    programme: str, kind: str, subject: str, sentence: str, condition: str, content: str = ""
) -> dict[str, object]:
    """A problem with the command that releases it; `content` tells those apart that read the same."""
    what = json.dumps([programme, kind, subject, sentence, content])
    key = hashlib.sha256(what.encode()).hexdigest()[:10]
    return {
        "id": key,
        "programme_id": programme,
        "kind": kind,
        "subject": subject,
        "message": f'{sentence} {condition}: edu-pipeline gate release {key} --reason "…"',
        "since": None,
    }


def held(problems: pl.DataFrame, releases: pl.DataFrame) -> pl.DataFrame:
    """The problems that nobody has released as they stand.

    Args:
        problems: `NudgeProblems`.
        releases: `id` and `at` of what somebody released.
    """
    return problems.join(in_force(problems, releases), on="id", how="anti", maintain_order="left")


def nudge_periods(audiences: pl.DataFrame, holding: pl.DataFrame) -> pl.DataFrame:
    """The running week of every programme that has an audience.

    It is recorded also where everybody was told already, so that what is in doubt can be settled.

    Args:
        audiences: `facts.audience.audiences`.
        holding: What holds nudges, by `held`.

    Returns:
        `due.PERIODS`; complete, because there is nothing to wait for.
    """
    why = dict(
        holding.group_by("programme_id", maintain_order=True)
        .agg(pl.col("message").str.join(" "))
        .iter_rows()
    )
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
