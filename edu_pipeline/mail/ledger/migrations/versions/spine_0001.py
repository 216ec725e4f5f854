"""The first release's tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_STATE = sa.String(16)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them."""
    op.create_table("schema_version", sa.Column("version", sa.Integer, primary_key=True))
    op.create_table(
        "letters",
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
        sa.Column("not_after", _TIME, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("state", _STATE, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("transport", sa.String),
        sa.Column("transport_id", sa.String),
        sa.Column("queued_at", _TIME, nullable=False),
        sa.Column("claimed_at", _TIME),
        sa.Column("sent_at", _TIME),
    )
    op.create_index("letters_by_period", "letters", ["campaign", "period", "state"])
    op.create_table(
        "images",
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("png", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "figures",
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("numerator", sa.Float, nullable=False),
        sa.Column("denominator", sa.Float, nullable=False),
        sa.Column("change", sa.Float),
        sa.Column("unusual", sa.Boolean, nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("transport", sa.String, nullable=False),
        sa.Column("outcome", _STATE, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("transport_id", sa.String),
    )
    op.create_index("ix_attempts_letter_key", "attempts", ["letter_key"])
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("from_state", _STATE),
        sa.Column("to_state", _STATE, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
    )
    op.create_index("ix_changes_letter_key", "changes", ["letter_key"])
    op.create_table(
        "periods",
        sa.Column("campaign", sa.String, primary_key=True),
        sa.Column("period", sa.String, primary_key=True),
        sa.Column("partition", sa.String, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("held", sa.String),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", _TIME, primary_key=True),
    )
