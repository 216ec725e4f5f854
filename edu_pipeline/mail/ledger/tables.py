"""The ledger's tables, and the words for where a letter stands.

Names are meant to be read in SQL. What is appended is never changed: contents, images, figures,
approvals, attempts, absences, changes, releases, rehearsals, events, suppressions, controls. A change here
needs a migration beside it. Nothing is decided here; the rules are in `store` and its neighbours.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from edu_pipeline.mail.states import State

OUT = frozenset({State.sent, State.delivered, State.dropped, State.bounced, State.complained})
"""The carrier has it: what may follow is the carrier's to report."""

ARRIVED = frozenset({State.sent, State.delivered, State.complained})
"""Out of the house and, as far as is known, seen by its recipient."""

WAITING = frozenset({State.draft, State.approved, State.pending, State.held, State.suppressed})


FOLDER = "folder"
"""The transport by which nothing leaves the house."""


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware in Python; UTC in the database, which on SQLite has no time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To the database, in UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("The ledger needs times with a time zone, such as datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """From the database, with time zone."""
        del dialect
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


Text = str | sa.ColumnElement[str]
"""A value, or a column of another query."""

METADATA = sa.MetaData()

_STATE = sa.Enum(State, native_enum=False, create_constraint=False, length=16)


def _of_content() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["letter_key", "digest"], ["contents.letter_key", "contents.digest"]
    )


IDENTITY = sa.Table(
    "identity",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
"""What makes this ledger itself: its `id`, the `salt` of opaque keys, the `token_key` of links."""

LETTERS = sa.Table(
    "letters",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("campaign", sa.String, nullable=False),
    sa.Column("period", sa.String, nullable=False),
    sa.Column("recipient_key", sa.String, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("correction", sa.String),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("substance", sa.String(64), nullable=False),
    sa.Column("not_after", UtcDateTime, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("cancelled_for_good", sa.Boolean, nullable=False, default=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("owner", sa.String),
    sa.Column("transport", sa.String),
    sa.Column("transport_id", sa.String),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    sa.Index("letters_by_period", "campaign", "period", "state"),
    sa.Index("letters_by_recipient", "recipient_key", "campaign", "period"),
    sa.Index("letters_by_email", "email"),
)
"""One letter per campaign, period, recipient and revision, as it stands.

`digest` leads to its content in `contents`; `substance` is the digest but for how fresh the data
are; `correction` says what a revision above 1 corrects.
"""

CONTENTS = sa.Table(
    "contents",
    METADATA,
    sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sender_email", sa.String, nullable=False),
    sa.Column("sender_name", sa.String, nullable=False),
    sa.Column("reply_to", sa.String, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("frozen_at", UtcDateTime, nullable=False),
)
"""Every content that a letter has had, also those replaced before it went out."""

IMAGES = sa.Table(
    "images",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("png", sa.LargeBinary, nullable=False),
)

CONTENT_IMAGES = sa.Table(
    "content_images",
    METADATA,
    sa.Column("letter_key", sa.String, primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("sha256", sa.ForeignKey("images.sha256"), nullable=False),
    _of_content(),
)

FIGURES = sa.Table(
    "figures",
    METADATA,
    sa.Column("letter_key", sa.String, primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("numerator", sa.Float, nullable=False),
    sa.Column("denominator", sa.Float, nullable=False),
    sa.Column("change", sa.Float),
    sa.Column("unusual", sa.Boolean, nullable=False),
    _of_content(),
)
"""The figures that a content states."""

APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("letter_key", sa.String, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    _of_content(),
    sa.Index("approvals_by_letter", "letter_key"),
)
"""Who agreed that exactly this content may go out."""

ATTEMPTS = sa.Table(
    "attempts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("transport", sa.String, nullable=False),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("transport_id", sa.String),
)

ABSENCES = sa.Table(
    "absences",
    METADATA,
    sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("delivery", sa.String, nullable=False),
)
"""The first time that the carrier's records did not have an attempt whose end is in doubt.

`asked_at` is the carrier's own time, `delivery` the one that asked.
"""

CHANGES = sa.Table(
    "changes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("from_state", _STATE),
    sa.Column("to_state", _STATE, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
)

REHEARSALS = sa.Table(
    "rehearsals",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), nullable=False, index=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("transport", sa.String, nullable=False),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
"""Copies that went to an operator, at `email`; they count nowhere."""

EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("event_id", sa.String, nullable=False, unique=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
    sa.Column("letter_key", sa.String, index=True),
    sa.Column("campaign", sa.String, nullable=False),
    sa.Column("period", sa.String, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("machine", sa.Boolean, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Index("events_by_period", "campaign", "period", "kind"),
)
"""What the carrier reported of letters that went out, an event once.

`machine`: opened by a program, not a person. Where tracking is aggregate, opens and clicks have no
`letter_key`.
"""

SUPPRESSIONS = sa.Table(
    "suppressions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String, nullable=False, index=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("suppressed", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
"""Who is not written to; the newest line of an address (in lower case), scope
and reason counts.

`scope` is a campaign, or `*` for all; `suppressed` is false where it was lifted again.
"""

HISTORY = sa.Table(
    "history",
    METADATA,
    sa.Column("campaign", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("email", sa.String, primary_key=True),
    sa.Column("about", sa.String, primary_key=True, default=""),
    sa.Column("sent_on", sa.Date, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Index("history_by_email", "email", "campaign"),
)
"""What went out by other means, so that it is not repeated; addresses in lower case.

`about` is the subject of the figure that a letter of ours would have stated; empty: not known.
"""

TOMBSTONES = sa.Table(
    "tombstones",
    METADATA,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
"""People who are forgotten: nothing is sent to them or read of them again.

`hash` is of an id or address, salted; see `tombstones.tombstone`.
"""

CONTROLS = sa.Table(
    "controls",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
"""Who paused all sending or resumed it; the newest line counts."""
NEWEST_CONTROL = sa.select(CONTROLS).order_by(CONTROLS.c.id.desc()).limit(1)

ELSEWHERE = sa.Table(
    "elsewhere",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("campaign", sa.String, nullable=False),
    sa.Column("period", sa.String, nullable=False),
    sa.Column("email_hash", sa.String(64), nullable=False),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("transport", sa.String, nullable=False),
    sa.Column("transport_id", sa.String),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""Letters that went out or may have, and that the journal alone remembers.

A letter of that key, or to that address, stands there as soon as it is queued; see `adoption`.
"""

PERIODS = sa.Table(
    "periods",
    METADATA,
    sa.Column("campaign", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("partition", sa.String, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("held", sa.String),
)

ADDRESSEES = sa.Table(
    "addressees",
    METADATA,
    sa.Column("campaign", sa.String, primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True),
)
"""Whom the last refresh found as recipients of a campaign whose letters may go to nobody else.

`hash` is of an address, salted; see `addressees.mark`.
"""

RELEASES = sa.Table(
    "releases",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", UtcDateTime, primary_key=True),
)
