"""What a person must look at before a figure is shown: one shape of problem, whatever the source.

Which facts are a problem, is for the sources to say; here is what every problem has, what its id is,
and how a person lets go what it holds.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Literal

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingProblems

Source = Literal["school", "edx", "results"]
Holds = Literal["letters", "nudges", "page"]


@dataclass(frozen=True)
class Problem:
    """A row of `LandingProblems`: what is wrong, what waits for it, and what to do."""

    source: Source
    table: str
    """The export or kind of file, such as attendance or grades."""
    kind: str
    subject: str
    message: str
    holds: Holds | None
    """What waits until it is solved or released; None: it is only said."""
    rows: int = 0
    first_date: date | None = None
    last_date: date | None = None
    class_id: str | None = None
    """A class concerned, of letters; None: every class."""
    part: str | None = None
    """The programme or cohort concerned; None: all of the source."""
    content: str = ""
    """Tells problems apart that read the same, such as the digest of a file."""
    known_as: str = ""
    """What the id is made of instead of the message, where the message has counts that move on their
    own, or the id itself in it."""

    @property
    def id(self) -> str:
        """What a release names: a problem that changes gets another."""
        what = [
            self.source,
            self.table,
            self.kind,
            self.subject,
            self.part,
            self.known_as or self.message,
            self.content,
        ]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:10]

    def releasable(self, condition: str) -> "Problem":
        """With the command that lets go what it holds, for what only a person can judge.

        Args:
            condition: When to run it, such as `If that is right`.
        """
        known_as = self.known_as or self.message
        advice = f'{condition}: edu-pipeline gate release {self.id} --reason "…"'
        # a line to paste ends where the next sentence begins
        ended = self.message if self.message.endswith((".", "?")) else f"{self.message}."
        return replace(self, message=f"{ended} {advice}", known_as=known_as)


def problems_frame(problems: Iterable[Problem]) -> pl.DataFrame:
    """`LandingProblems`, without `since`, in the order given."""
    rows = [{**asdict(problem), "id": problem.id, "since": None} for problem in problems]
    schema = dtypes(LandingProblems)
    return LandingProblems.validate(
        pl.DataFrame(
            [{name: row[name] for name in schema} for row in rows], schema=schema, orient="row"
        )
    )
