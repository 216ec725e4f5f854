"""What letters to learners are good for: those who may be written to beside those held out by lot.

Pure. Compared is as the lot drew, whether somebody got a letter or not: what a letter needs, such as
an opt-in or a grade report in time, is not drawn by lot.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from edu_pipeline.chance.disclosure import FEWEST_SHOWN
from edu_pipeline.chance.noise import difference_of_shares
from edu_pipeline.ground.wording import counted, percent, points
from edu_pipeline.programmes.nudges import is_held_out
from edu_pipeline.settings.programmes import Programme

WEEKS = 26
"""How long it is watched whether somebody begins another course: until the next run of most."""
FOLLOWED_DAYS = 7 * WEEKS
FEWEST_IN_ARM = 20
"""Learners below whom an arm says nothing."""


@dataclass(frozen=True)
class Effect:
    """How many of how many began another course, in both arms."""

    written: tuple[int, int]
    held_out: tuple[int, int]

    @property
    def shown(self) -> bool:
        """Whether both arms are large enough, and no small number can be read from them."""
        arms = (self.written, self.held_out)
        return all(
            of >= FEWEST_IN_ARM and all(n == 0 or n >= FEWEST_SHOWN for n in (began, of - began))
            for began, of in arms
        )


def span(programme: Programme, as_of: date) -> tuple[date, date] | None:
    """The days of passes that count: since nudges began, and followed long enough by now.

    None where nobody is held out, or it is not said since when nudges go out.
    """
    if not programme.held_out or programme.nudges_since is None:
        return None
    return programme.nudges_since, as_of - timedelta(days=FOLLOWED_DAYS)


def effect(followed: pl.DataFrame, programme: Programme, salt: str) -> Effect:
    """Both arms of the lot, without people whose accounts were drawn into both.

    Args:
        followed: `facts.effect.followed_passes`.
        programme: Its share is that of the lot.
        salt: The ledger's, by which the lot was drawn.
    """
    arms = {True: (0, 0), False: (0, 0)}
    for addresses, began in followed.iter_rows():
        drawn = {is_held_out(programme.id, each, programme.held_out, salt) for each in addresses}
        if len(drawn) > 1:
            continue
        arm = drawn.pop()
        arms[arm] = (arms[arm][0] + bool(began), arms[arm][1] + 1)
    return Effect(written=arms[False], held_out=arms[True])


def effect_words(found: Effect) -> str:
    """What the lot says so far, in a sentence or two.

    The interval is of the difference of two shares (`difference_of_shares`: Newcombe 1998).
    """
    if not found.shown:
        return (
            "What the letters are good for cannot be said yet: too few of those held out, or of the others, "
            f"have been followed for {WEEKS} weeks since they passed a course."
        )
    low, high = difference_of_shares(found.written, found.held_out)
    (began, of), (other_began, other_of) = found.written, found.held_out
    share, other = began / of, other_began / other_of
    verdict = (
        "more than luck alone would make"
        if low > 0 or high < 0
        else "which may be luck: nothing can be said of the letters yet"
    )
    return (
        f"Of {counted(of, 'learner')} who may be written to, {percent(share)} began another course within "
        f"{WEEKS} weeks of a pass; of {other_of:,} held out by lot, {percent(other)}. The difference is "
        f"{_signed(share - other)} (95 % interval {_signed(low)} to {_signed(high)}), {verdict}."
    )


def _signed(change: float) -> str:
    return f"{'−' if change < 0 else '+'}{points(change)}"
