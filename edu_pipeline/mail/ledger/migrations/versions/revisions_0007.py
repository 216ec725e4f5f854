"""A recipient's letters are found by their period as well."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """SQLite, which keeps no statistics, went through a whole period for each letter of it."""
    op.drop_index("letters_by_recipient", "letters")
    op.create_index("letters_by_recipient", "letters", ["recipient_key", "campaign", "period"])
