"""Whom a campaign's letters may reach, where these are the learners of the exports."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the list; the next refresh fills it."""
    op.create_table(
        "addressees",
        sa.Column("campaign", sa.String, primary_key=True),
        sa.Column("hash", sa.String(64), primary_key=True),
    )
