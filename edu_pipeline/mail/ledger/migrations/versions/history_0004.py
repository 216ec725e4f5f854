"""History is found by address: it is asked for every letter that waits."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the index."""
    op.create_index("history_by_email", "history", ["email", "campaign"])
