"""Letters as a frame, one row each: how a job hands them to the mail room through the warehouse."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date
from types import MappingProxyType
from typing import Any

import polars as pl

from edu_pipeline.ground.parts import in_parts
from edu_pipeline.mail.letter import Address, Figure, Image, Letter

SCHEMA: Mapping[str, pl.DataType | type[pl.DataType]] = MappingProxyType(
    {
        "week_start": pl.Date,
        "campaign": pl.String,
        "period": pl.String,
        "recipient_key": pl.String,
        "email": pl.String,
        "name": pl.String,
        "sender_email": pl.String,
        "sender_name": pl.String,
        "reply_to": pl.String,
        "subject": pl.String,
        "html": pl.String,
        "text": pl.String,
        "images": pl.List(pl.Struct({"name": pl.String, "png": pl.Binary, "shows": pl.String})),
        "not_after": pl.Datetime("us"),
        "names": pl.List(pl.String),
        "notes": pl.List(pl.String),
        "figures": pl.List(
            pl.Struct(
                {
                    "subject": pl.String,
                    "label": pl.String,
                    "numerator": pl.Float64,
                    "denominator": pl.Float64,
                    "change": pl.Float64,
                    "unusual": pl.Boolean,
                }
            )
        ),
        "hold": pl.String,
        "as_of": pl.List(pl.String),
        "headers": pl.List(pl.Struct({"name": pl.String, "value": pl.String})),
        "opt_out": pl.Boolean,
    }
)
"""`not_after` is in UTC."""
AT_ONCE = 100
"""Letters that are in memory together, with their pictures."""


def letters_frame(letters: Sequence[Letter], week: date) -> pl.DataFrame:
    """Letters of one week as rows of `SCHEMA`."""
    rows: list[dict[str, Any]] = [
        {
            **letter.columns,
            "week_start": week,
            "not_after": letter.not_after.astimezone(UTC).replace(tzinfo=None),
            "images": [asdict(image) for image in letter.images],
            "figures": [asdict(figure) for figure in letter.figures],
            "names": sorted(letter.names),
            "hold": letter.hold,
            "as_of": list(letter.as_of),
            "headers": [{"name": name, "value": v} for name, v in letter.headers.items()],
        }
        for letter in letters
    ]
    return pl.DataFrame(rows, schema=dict(SCHEMA), orient="row")


def letters_frames(
    letters: Iterable[Letter], week: date, **more: str
) -> Generator[pl.DataFrame, None, Mapping[str, int]]:
    """Letters of one week as frames of `SCHEMA`, one at least, each as soon as its letters are there.

    Args:
        letters: Taken one by one.
        week: Its Monday.
        more: Columns that all have alike.

    Returns:
        How many `letters` there are, and how many are `held` by who wrote them.
    """
    told: Counter[str] = Counter(letters=0, held=0)
    for some in in_parts(letters, AT_ONCE):
        told.update(letters=len(some), held=sum(letter.hold is not None for letter in some))
        yield letters_frame(some, week).with_columns(pl.lit(v).alias(k) for k, v in more.items())
    return dict(told)


def letters_from(frame: pl.DataFrame) -> Iterator[Letter]:
    """The letters of a frame of `SCHEMA`."""
    for row in frame.iter_rows(named=True, buffer_size=AT_ONCE):
        yield Letter(
            campaign=row["campaign"],
            period=row["period"],
            recipient_key=row["recipient_key"],
            recipient=Address(row["email"] or "", row["name"] or ""),
            sender=Address(row["sender_email"], row["sender_name"]),
            reply_to=row["reply_to"],
            subject=row["subject"],
            html=row["html"],
            text=row["text"],
            images=tuple(Image(**image) for image in row["images"]),
            not_after=row["not_after"].replace(tzinfo=UTC),
            names=frozenset(row["names"]),
            notes=tuple(row["notes"]),
            figures=tuple(Figure(**figure) for figure in row["figures"]),
            hold=row["hold"],
            as_of=tuple(row["as_of"]),
            headers={header["name"]: header["value"] for header in row["headers"]},
            opt_out=row["opt_out"],
        )
