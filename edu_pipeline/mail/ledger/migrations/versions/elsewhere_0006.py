"""Letters that only the journal remembers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the list; it is filled where a ledger is adopted that lacks letters."""
    op.create_table(
        "elsewhere",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("campaign", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("email_hash", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("transport", sa.String, nullable=False),
        sa.Column("transport_id", sa.String),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
