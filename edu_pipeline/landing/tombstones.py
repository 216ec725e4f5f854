"""Whom a tombstone stands for: people who were erased, known by salted hashes alone."""

import hashlib
from collections.abc import Callable

import polars as pl

from edu_pipeline.ground.sql import literal

IsOne = Callable[[str, str], str]
"""(kind, column) → SQL that is true where the column names somebody looked for."""


def buried(tombstones: pl.DataFrame) -> IsOne:
    """Looks for whom a tombstone stands, by the rows of `tombstones` registered under that name."""
    salt = literal(f"{tombstones['salt'][0]}:")

    def is_one(kind: str, column: str) -> str:
        identifier = f"lower(trim({column}))" if kind == "address" else f"'{kind}:' || {column}"
        return f"sha256({salt} || {identifier}) in (select hash from tombstones)"

    return is_one


def forgotten_students(tombstones: pl.DataFrame) -> Callable[[str], bool]:
    """Whether a student was erased, by id or, where exports have none, by normalised name.

    Args:
        tombstones: `hash` and `salt`.
    """
    hashes = set(tombstones["hash"])
    salt = tombstones["salt"][0] if hashes else ""

    def forgotten(student: str) -> bool:
        identifier = f"{salt}:student:{student}"
        return bool(hashes) and hashlib.sha256(identifier.encode()).hexdigest() in hashes

    return forgotten
