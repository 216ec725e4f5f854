"""What a schema says of its columns, in the forms that polars and Dagster want."""

import dataframely as dy
import polars as pl


def dtypes(schema: type[dy.Schema]) -> pl.Schema:
    """Column → polars type, in order."""
    return pl.Schema({name: column.dtype for name, column in schema.columns().items()})


def descriptions(schema: type[dy.Schema]) -> dict[str, str]:
    """Column → description."""
    return {name: column.description or "" for name, column in schema.columns().items()}
