"""Walls that no import shows; the others are import-linter's contracts in pyproject.toml."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "edu_pipeline"
SQL = ('.execute("', '.execute(f"', ".sql(")


def test_warehouse_sql_lives_in_the_ground_landing_and_facts() -> None:
    # the ledger's, in mail, is SQLAlchemy's; wiring's is of Dagster's history
    rooms = ("ground", "landing", "facts", "mail", "wiring")
    elsewhere = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in rooms
        and any(call in path.read_text(encoding="utf-8") for call in SQL)
    ]
    assert elsewhere == []
