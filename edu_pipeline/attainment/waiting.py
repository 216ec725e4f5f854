"""What waits: cohorts and subjects of which no figure is shown until a question is answered.

Which questions there are is for landing to say, and who answers them by a release for the gate; here is
what follows for figures. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.model.gate import unreleased

COHORT, SUBJECT = "cohort", "subject"


@dataclass(frozen=True)
class Waiting:
    """Whose figures wait."""

    rows: pl.DataFrame
    """`cohort` (empty: every one), `subject` (empty: all of the cohort) and `message`."""

    def without(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that do not wait.

        Args:
            frame: With `cohort`, and with `subject` where a row may be of one.
        """
        whole = self.rows.filter(pl.col(SUBJECT).is_null())
        if whole[COHORT].null_count():
            return frame.clear()
        kept = frame.filter(~pl.col(COHORT).is_in(whole[COHORT].to_list()))
        if SUBJECT not in frame.columns:
            return kept
        alone = self.rows.select(COHORT, SUBJECT).drop_nulls().unique()
        return kept.join(alone, on=[COHORT, SUBJECT], how="anti", maintain_order="left")

    def cohorts(self) -> list[str]:
        """Cohorts of which nothing is shown."""
        return (
            self.rows.filter(pl.col(SUBJECT).is_null())[COHORT]
            .drop_nulls()
            .unique()
            .sort()
            .to_list()
        )

    def subjects(self, cohort: str) -> list[str]:
        """Subjects of a cohort that are not shown, while others are."""
        return (
            self.rows.filter(pl.col(COHORT) == cohort)[SUBJECT]
            .drop_nulls()
            .unique()
            .sort()
            .to_list()
        )

    def why(self, cohort: str) -> Sequence[str]:
        """What has to be answered for a cohort, or for one of its subjects."""
        of = self.rows.filter(pl.col(COHORT).is_null() | (pl.col(COHORT) == cohort))
        return of["message"].unique(maintain_order=True).to_list()


_SCHEMA = pl.Schema({COHORT: pl.String(), SUBJECT: pl.String(), "message": pl.String()})
NOTHING = Waiting(pl.DataFrame(schema=_SCHEMA))


def waiting_of(notes: pl.DataFrame) -> Waiting:
    """What waits by what exports of results leave open.

    Args:
        notes: `AttainmentNotes`, or such rows of `LandingProblems` with `part` for `cohort`.
    """
    held = notes.filter(pl.col("holds") == "page")
    return Waiting(held.select(COHORT, pl.col(SUBJECT).replace("", None), "message"))


def waiting_in(problems: pl.DataFrame, releases: pl.DataFrame) -> Waiting:
    """What waits in a home, where somebody may have let go.

    Args:
        problems: `LandingProblems`.
        releases: `id` and `at` of what somebody released.
    """
    of_results = problems.filter(pl.col("source") == "results").rename({"part": COHORT})
    return waiting_of(unreleased(of_results, releases))
