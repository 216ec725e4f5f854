"""The ledger's migrations, run by Alembic; each is written once and never changed again."""
