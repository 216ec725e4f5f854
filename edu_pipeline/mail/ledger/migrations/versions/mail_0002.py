"""Contents apart from letters, approvals, revisions, and what is known after sending."""

import hashlib

import sqlalchemy as sa
from alembic import op

from edu_pipeline.mail.ledger.database import new_identity

revision = "0002"
down_revision = "0001"

_STATE = sa.String(16)
_TIME = sa.DateTime(timezone=True)
_CONTENT = ("subject", "html", "text", "sender_email", "sender_name", "reply_to")


def upgrade() -> None:
    """Keep every letter, with its story; give the ledger an identity."""
    connection = op.get_bind()
    op.drop_table("schema_version")
    _make_identity(connection)
    _make_contents()
    connection.execute(
        sa.text(
            "INSERT INTO contents (letter_key, digest, subject, html, text, sender_email, "
            "sender_name, reply_to, headers, frozen_at) SELECT key, digest, subject, html, text, "
            "sender_email, sender_name, reply_to, '{}', queued_at FROM letters"
        )
    )
    _move_images(connection)
    _move_figures(connection)
    op.add_column("letters", sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
    op.add_column("letters", sa.Column("correction", sa.String))
    op.add_column(
        "letters", sa.Column("substance", sa.String(64), nullable=False, server_default="")
    )
    op.add_column(
        "letters",
        sa.Column("cancelled_for_good", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    connection.execute(sa.text("UPDATE letters SET substance = digest"))
    for name in _CONTENT:
        op.drop_column("letters", name)
    op.create_index("letters_by_recipient", "letters", ["recipient_key"])
    op.create_index("letters_by_email", "letters", ["email"])
    op.create_index("ix_attempts_at", "attempts", ["at"])
    _make_the_rest()


def _make_identity(connection: sa.Connection) -> None:
    identity = op.create_table(
        "identity",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    rows = new_identity()
    if connection.scalar(sa.text("SELECT count(*) FROM letters")):
        # its keys were made without salt, and must stay the same: nobody gets a letter twice
        rows = [row | {"value": ""} if row["name"] == "salt" else row for row in rows]
    connection.execute(identity.insert(), rows)


def _make_contents() -> None:
    op.create_table(
        "contents",
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sender_email", sa.String, nullable=False),
        sa.Column("sender_name", sa.String, nullable=False),
        sa.Column("reply_to", sa.String, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("frozen_at", _TIME, nullable=False),
    )


def _of_content() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["letter_key", "digest"], ["contents.letter_key", "contents.digest"]
    )


def _move_images(connection: sa.Connection) -> None:
    op.rename_table("images", "old_images")
    images = op.create_table(
        "images",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("png", sa.LargeBinary, nullable=False),
    )
    content_images = op.create_table(
        "content_images",
        sa.Column("letter_key", sa.String, primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), sa.ForeignKey("images.sha256"), nullable=False),
        _of_content(),
    )
    known: set[str] = set()
    keys = connection.scalars(sa.text("SELECT key FROM letters ORDER BY key")).all()
    for key in keys:  # a letter at a time: all pictures of a year would not fit into memory
        rows = connection.execute(
            sa.text(
                "SELECT i.name, i.position, i.png, l.digest FROM old_images i "
                "JOIN letters l ON l.key = i.letter_key WHERE l.key = :key"
            ),
            {"key": key},
        ).all()
        for name, position, png, digest in rows:
            sha256 = hashlib.sha256(png).hexdigest()
            if sha256 not in known:
                known.add(sha256)
                connection.execute(images.insert().values(sha256=sha256, png=png))
            connection.execute(
                content_images.insert().values(
                    letter_key=key, digest=digest, name=name, position=position, sha256=sha256
                )
            )
    op.drop_table("old_images")


def _move_figures(connection: sa.Connection) -> None:
    op.rename_table("figures", "old_figures")
    op.create_table(
        "figures",
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
    connection.execute(
        sa.text(
            "INSERT INTO figures (letter_key, digest, position, subject, label, numerator, "
            "denominator, change, unusual) SELECT f.letter_key, l.digest, f.position, f.subject, "
            "f.label, f.numerator, f.denominator, f.change, f.unusual "
            "FROM old_figures f JOIN letters l ON l.key = f.letter_key"
        )
    )
    op.drop_table("old_figures")


def _make_the_rest() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("letter_key", sa.String, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        _of_content(),
    )
    op.create_index("approvals_by_letter", "approvals", ["letter_key"])
    op.create_table(
        "rehearsals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("letter_key", sa.String, sa.ForeignKey("letters.key"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("transport", sa.String, nullable=False),
        sa.Column("outcome", _STATE, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
    )
    op.create_index("ix_rehearsals_letter_key", "rehearsals", ["letter_key"])
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.String, nullable=False, unique=True),
        sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
        sa.Column("letter_key", sa.String),
        sa.Column("campaign", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("machine", sa.Boolean, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
    )
    op.create_index("ix_events_letter_key", "events", ["letter_key"])
    op.create_index("events_by_period", "events", ["campaign", "period", "kind"])
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("suppressed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.String, nullable=False),
    )
    op.create_index("ix_suppressions_email", "suppressions", ["email"])
    op.create_table(
        "history",
        sa.Column("campaign", sa.String, primary_key=True),
        sa.Column("period", sa.String, primary_key=True),
        sa.Column("email", sa.String, primary_key=True),
        sa.Column("sent_on", sa.Date, nullable=False),
        sa.Column("source", sa.String, nullable=False),
    )
    op.create_table(
        "tombstones",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.String, nullable=False),
    )
    op.create_table(
        "controls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.String, nullable=False),
    )
