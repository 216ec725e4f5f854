"""Imported history says what it was about: several letters of a period to one address."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Keep every line; of earlier ones it is not known what they were about."""
    op.rename_table("history", "old_history")
    op.create_table(
        "history",
        sa.Column("campaign", sa.String, primary_key=True),
        sa.Column("period", sa.String, primary_key=True),
        sa.Column("email", sa.String, primary_key=True),
        sa.Column("about", sa.String, primary_key=True),
        sa.Column("sent_on", sa.Date, nullable=False),
        sa.Column("source", sa.String, nullable=False),
    )
    op.get_bind().execute(
        sa.text(
            "INSERT INTO history (campaign, period, email, about, sent_on, source) "
            "SELECT campaign, period, email, '', sent_on, source FROM old_history"
        )
    )
    op.drop_table("old_history")
