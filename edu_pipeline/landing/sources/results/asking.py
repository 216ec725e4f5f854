"""Questions that only somebody at the school can answer, before a figure is made of exam results.

Which series is the final, which the baseline, on what scale grades stand, who the cohort is: each is said by
the settings, or by the export with no rival reading; else it is a question, with what was seen and the
lines to paste, and what depends on it waits. Nothing is settled by the order of columns, and nothing rests on
one word where the data says otherwise. The questions themselves are in `which_series`, `which_cohort`,
`which_scale` and `unsure`; what is wrong with a single file, row or cell is for `result_problems`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.ground.toml import toml_list
from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.result_tables import Table, cohorts_of
from edu_pipeline.model.problems import Problem

SHOWN = 6
"""Columns, values or subjects in one sentence."""
FEW = 2
"""Below, a student or a result that does not fit is one that slipped, whatever its share."""
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Note:
    """What is said of exports of results: a problem, or, of the kinds of `NOTICES`, what was done."""

    kind: str
    cohort: str | None
    message: str
    number: int = 1
    subject: str | None = None
    """The subject whose figures wait; none: those of the cohort, if any."""
    holds: bool = False
    """Whether figures wait for the answer; else what is asked about is left out of them."""
    who: Collection[str] = ()
    """Students concerned, by name."""
    known_as: str = ""
    """As of a `Problem`."""

    @property
    def problem(self) -> Problem:
        """What a person must look at, without names."""
        return Problem(
            "results",
            "results",
            self.kind,
            self.subject or "",
            self.message,
            "page" if self.holds else None,
            rows=self.number,
            part=self.cohort,
            known_as=self.known_as,
        )


def by_cohort(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each cohort, cohorts in the order of their names."""
    for (cohort,), found in frame.sort("cohort").group_by("cohort", maintain_order=True):
        yield str(cohort), found


def only_cohort(table: Table) -> str | None:
    """The cohort of all rows of a table, if they are of one."""
    cohorts = cohorts_of(table)
    return next(iter(cohorts)) if len(cohorts) == 1 else None


def quoted(texts: Sequence[str]) -> str:
    """Texts of headers or cells, as far as a sentence has room for them."""
    return some([f"“{text}”" for text in texts])


def some(texts: Sequence[str]) -> str:
    """The same without quotes."""
    return listed([*texts[:SHOWN], *(["others"] if len(texts) > SHOWN else [])])


def ignoring(texts: Sequence[str]) -> str:
    """The lines that leave columns, series or subjects out."""
    return f"[attainment]\nignore = {toml_list(texts)}"
