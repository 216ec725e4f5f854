"""Who is written to about the next step of a programme, and why or why not.

No names and no addresses: these stand in `stg_learners` only.
"""

import dataframely as dy

DECISIONS = ("letter", "held_out", "none")
GROUPS = ("identity", "verify", "congratulation", "next_course")
"""What a nudge is about, the strongest first."""


def _text(description: str) -> dy.String:
    return dy.String(nullable=True, description=description)


class Nudges(dy.Schema):
    """What was decided about one learner of one programme, for everybody in it.

    What a nudge is about is filled in for everybody with a reason for one, whether they get it or
    not.
    """

    programme_id = dy.String(primary_key=True, description="The programme")
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    decision = dy.String(
        check=lambda c: c.is_in(DECISIONS),
        description="letter, none, or held_out: no letter, so that the effect can be measured",
    )
    group = dy.String(
        nullable=True,
        check=lambda c: c.is_in(GROUPS),
        description=(
            "identity: passed on a paid track and can still verify who they are; verify: passed on a "
            "free track and can still upgrade; congratulation: completed the core or the programme; "
            "next_course: has something to go on with; empty: there is no reason for a nudge"
        ),
    )
    about = _text(
        "What must not be said twice: `identity/<run>`, `verify/<run>`, "
        "`next_course/<run>/<next_course>@<next_run>`, `congratulation/<programme_id>/programme` or "
        "`congratulation/<programme_id>/core@<next_run>`"
    )
    course_id = _text("The course of the run that is the reason; empty: none alone is")
    run = _text("That run's whole key")
    grade = dy.Float64(nullable=True, min=0, max=1, description="The learner's grade in that run")
    next_course = _text("The course to go on with; empty: none to suggest")
    next_run = _text("Its run that begins next, see `programme_progress`")
    other_run = _text("One of it that can be begun at once beside that")
    next_again = dy.Bool(
        nullable=True,
        description=(
            "Whether next_course was passed on a free track before, so that it is to be taken again "
            "for its certificate; empty: no next course"
        ),
    )
    until = dy.Date(
        nullable=True,
        description=(
            "The last day on which it is news: to verify, to upgrade, or to join the next run; empty: "
            "there is none"
        ),
    )
    certificates = dy.Int64(min=0, description="Certificates that count, the capstone included")
    needed = dy.Int64(
        min=0, description="Certificates that complete the programme, the capstone included"
    )
    complete = dy.Bool(description="Whether the programme is complete")
    reason = dy.String(description="In words, always")
    as_of = dy.Date(description="The day for which it was decided")


class NudgeSummary(dy.Schema):
    """How many learners of a programme were decided about alike, and why."""

    programme_id = dy.String(primary_key=True, description="The programme")
    decision = dy.String(
        primary_key=True,
        check=lambda c: c.is_in(DECISIONS),
        description="letter, held_out or none",
    )
    reason = dy.String(primary_key=True, description="In words")
    learners = dy.Int64(min=1, description="Learners")
    sentence = dy.String(description="The same in one sentence")
