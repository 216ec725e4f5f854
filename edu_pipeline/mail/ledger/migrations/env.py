"""What Alembic runs: the migrations, in the transaction that `database` has begun."""

from alembic import context

from edu_pipeline.mail.ledger.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
