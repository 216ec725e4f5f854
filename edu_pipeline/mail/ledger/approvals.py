"""Approval: a person looks at what is new, and agrees that exactly this goes out.

What is approved is the digest of a letter's content. A letter that is written again with the same
substance keeps its content and so its approval; one that changed waits again.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database, LedgerError
from edu_pipeline.mail.ledger.reading import figures_of, of_period
from edu_pipeline.mail.ledger.store import Cause, Step, move
from edu_pipeline.mail.ledger.tables import APPROVALS, LETTERS
from edu_pipeline.mail.letter import Moved, moved
from edu_pipeline.mail.states import State


@dataclass(frozen=True)
class Draft:
    """A letter that waits for approval."""

    key: str
    recipient_name: str
    digest: str
    changed: bool
    """Another content of it was approved before."""
    moved: tuple[Moved, ...]


@dataclass(frozen=True)
class Review:
    """What a person is asked to approve."""

    approved: int
    """Letters that are approved as they are."""
    drafts: tuple[Draft, ...]

    @property
    def digest(self) -> str:
        """Stands for exactly these drafts with exactly these contents."""
        lines = "\n".join(f"{draft.key} {draft.digest}" for draft in self.drafts)
        return hashlib.sha256(lines.encode()).hexdigest()[:12]


def review(ledger: Database, campaign: str, period: str) -> Review:
    """The drafts of a period beside what was approved of it, by key."""
    with ledger.connect() as connection:
        rows = connection.execute(
            sa.select(LETTERS)
            .where(of_period(campaign, period), LETTERS.c.state == State.draft)
            .order_by(LETTERS.c.key)
        ).all()
        approved = connection.scalar(
            sa.select(sa.func.count())
            .select_from(LETTERS)
            .where(
                of_period(campaign, period),
                LETTERS.c.state.in_({State.approved, State.pending}),
            )
        )
        return Review(approved or 0, tuple(_draft(connection, row) for row in rows))


def approve(ledger: Database, drafts: Collection[Draft], *, now: datetime, by: str) -> int:
    """Approve drafts as they were reviewed, all or none; how many.

    Raises:
        LedgerError: One has changed since, or does not wait any more; nothing is approved.
    """
    cause = Cause(now, by, "approved")
    waiting = sa.select(LETTERS.c.key, LETTERS.c.digest).where(LETTERS.c.state == State.draft)
    with ledger.begin() as connection:
        same = {tuple(row) for row in connection.execute(waiting.with_for_update())}
        if any((draft.key, draft.digest) not in same for draft in drafts):
            raise LedgerError(
                "The letters have changed since you looked at them, so nothing was approved. "
                "Look again, then approve."
            )
        if drafts:
            values = {"reason": ""}
            steps = [Step(d.key, State.draft, State.approved, cause, values) for d in drafts]
            move(connection, *steps)
            connection.execute(
                APPROVALS.insert(),
                [{"letter_key": d.key, "digest": d.digest, "at": now, "by": by} for d in drafts],
            )
    return len(drafts)


def _draft(connection: sa.Connection, row: sa.Row[Any]) -> Draft:
    before = connection.scalar(
        sa.select(APPROVALS.c.digest)
        .where(APPROVALS.c.letter_key == row.key)
        .order_by(APPROVALS.c.id.desc())
        .limit(1)
    )
    return Draft(
        key=row.key,
        recipient_name=row.name,
        digest=row.digest,
        changed=before is not None,
        moved=moved(
            figures_of(connection, row.key, before), figures_of(connection, row.key, row.digest)
        )
        if before
        else (),
    )
