"""A letter in doubt is sent again on two answers of the carrier; the first is remembered."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the list; the next delivery begins it."""
    op.create_table(
        "absences",
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
    )
