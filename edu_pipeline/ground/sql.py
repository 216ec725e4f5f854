"""Texts and names in SQL that cannot be parameters."""

from collections.abc import Sequence


def literal(text: str) -> str:
    """A text as an SQL literal."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def literals(texts: Sequence[str]) -> str:
    """Texts as an SQL list for `in`."""
    return f"({', '.join(map(literal, texts))})"


def quoted(name: str) -> str:
    """A received header as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
