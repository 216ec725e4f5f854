"""The ledger's tables, and the words for where a letter stands.

Names are meant to be read in SQL. Nothing is decided here; the rules are in `ledger`.
"""

from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa


class State(StrEnum):
    """Where a letter stands."""

    draft = "draft"
    approved = "approved"
    pending = "pending"
    claimed = "claimed"
    sent = "sent"
    failed = "failed"
    unknown = "unknown"
    suppressed = "suppressed"
    held = "held"
    expired = "expired"
    cancelled = "cancelled"
    delivered = "delivered"
    bounced = "bounced"
    dropped = "dropped"
    complained = "complained"


class _UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware in Python; UTC in the database, which on SQLite has no time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("The ledger needs times with a time zone, such as datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        del dialect
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


METADATA = sa.MetaData()
_STATE = sa.Enum(State, native_enum=False, create_constraint=False, length=16)

SCHEMA_VERSIONS = sa.Table(
    "schema_version", METADATA, sa.Column("version", sa.Integer, primary_key=True)
)
LETTERS = sa.Table(
    "letters",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("campaign", sa.String, nullable=False),
    sa.Column("period", sa.String, nullable=False),
    sa.Column("recipient_key", sa.String, nullable=False),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("sender_email", sa.String, nullable=False),
    sa.Column("sender_name", sa.String, nullable=False),
    sa.Column("reply_to", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("not_after", _UtcDateTime, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("state", _STATE, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("owner", sa.String),
    sa.Column("transport", sa.String),
    sa.Column("transport_id", sa.String),
    sa.Column("queued_at", _UtcDateTime, nullable=False),
    sa.Column("claimed_at", _UtcDateTime),
    sa.Column("sent_at", _UtcDateTime),
    sa.Index("letters_by_period", "campaign", "period", "state"),
)
IMAGES = sa.Table(
    "images",
    METADATA,
    sa.Column("letter_key", sa.ForeignKey("letters.key"), primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("png", sa.LargeBinary, nullable=False),
)
FIGURES = sa.Table(
    "figures",
    METADATA,
    sa.Column("letter_key", sa.ForeignKey("letters.key"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("numerator", sa.Float, nullable=False),
    sa.Column("denominator", sa.Float, nullable=False),
    sa.Column("change", sa.Float),
    sa.Column("unusual", sa.Boolean, nullable=False),
)
ATTEMPTS = sa.Table(
    "attempts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("letter_key", sa.ForeignKey("letters.key"), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", _UtcDateTime, nullable=False),
    sa.Column("transport", sa.String, nullable=False),
    sa.Column("outcome", _STATE, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("transport_id", sa.String),
)
CHANGES = sa.Table(
    "changes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("letter_key", sa.ForeignKey("letters.key"), nullable=False, index=True),
    sa.Column("at", _UtcDateTime, nullable=False),
    sa.Column("from_state", _STATE),
    sa.Column("to_state", _STATE, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
)
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
RELEASES = sa.Table(
    "releases",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", _UtcDateTime, primary_key=True),
)
