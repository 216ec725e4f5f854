"""Letters to learners from rows to the ledger: time per letter, and how much memory they take.

.venv/bin/python benchmarks/letters.py --letters 10000 50000

Each number of letters is written from a warehouse on disk, checked and queued in a process of its own,
whose peak is told. Letters that were held in memory together would show as a peak that grows by some
20 kB a letter.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import polars as pl

from edu_pipeline.ground.shipped import PROJECT
from edu_pipeline.ground.templates import templates_of
from edu_pipeline.ground.warehouse import open_warehouse, write_table
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.queueing import queue_letters
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.nudges import Nudges
from edu_pipeline.model.programmes import Learners
from edu_pipeline.programmes.assets import addressees, nudge_batch
from edu_pipeline.programmes.letter import Edition
from edu_pipeline.settings.home import Settings

MONDAY = date(2027, 3, 8)
CAMPAIGN, PERIOD = "nudges.lead", "2027-W10"
SETTINGS = Settings.model_validate(
    {
        "school": {"time_zone": "UTC"},
        "letters": {"from_name": "Lumen Online", "from_email": "hello@lumen.example"},
        "mail": {
            "transport": "smtp",
            "public_url": "https://letters.lumen.example",
            "postal_address": "Lumen University, 1 Main Road, Town 4000",
        },
        "programmes": [
            {
                "id": "lead",
                "title": "Leadership",
                "post": {"allowed": "learners"},
                "courses": [
                    {"id": f"lead{n}x", "title": f"UQx_LEAD{n}x", "pass_mark": 0.65}
                    for n in range(1, 6)
                ],
            }
        ],
    }
)


def land(path: Path, letters: int) -> None:
    """A warehouse in which everybody passed the first course and can upgrade."""
    ids = pl.int_range(letters, eager=True) + 1_000_000
    learners = pl.DataFrame({"learner_id": ids.cast(pl.String)}).with_columns(
        name=pl.format("Kim {}", "learner_id"),
        email=pl.format("k{}@domain{}.example", "learner_id", "learner_id"),
    )
    news = learners.select(
        "learner_id",
        programme_id=pl.lit("lead"),
        decision=pl.lit("letter"),
        group=pl.lit("verify"),
        about=pl.lit("verify/UQx_LEAD1x_1T2027"),
        course_id=pl.lit("lead1x"),
        run=pl.lit("UQx_LEAD1x_1T2027"),
        grade=pl.lit(0.72),
        until=MONDAY + timedelta(days=11),
        certificates=pl.lit(0, pl.Int64),
        needed=pl.lit(5, pl.Int64),
        reason=pl.lit("passed"),
        as_of=MONDAY,
        complete=pl.lit(value=False),
    )
    with open_warehouse(path) as con:
        for name, frame, schema in (
            ("stg_learners", learners, dtypes(Learners)),
            ("nudges", news, dtypes(Nudges)),
        ):
            missing = [pl.lit(None, kind).alias(n) for n, kind in schema.items() if n not in frame]
            write_table(con, name, frame.with_columns(missing).select(schema.names()))


def edition(salt: str) -> Edition:
    """What all letters share."""
    return Edition(
        programme=SETTINGS.programmes[0],
        period=PERIOD,
        runs={},
        post=SETTINGS.post(CAMPAIGN),
        env=templates_of(),
        salt=salt,
        opt_out_url=lambda key: f"https://letters.lumen.example/out/{key}",
        not_after=datetime(2027, 3, 13, tzinfo=UTC),
        zone=ZoneInfo("UTC"),
    )


@contextmanager
def timed(what: str, letters: int) -> Iterator[None]:
    """Prints processor time per letter."""
    started = time.process_time()
    yield
    each = (time.process_time() - started) / letters * 1000
    print(f"  {what}: {each:.1f} ms a letter")


def measure(letters: int, folder: Path) -> None:
    """Write and queue so many, and tell what it took."""
    land(folder / "warehouse.duckdb", letters)
    before = _peak()
    with (
        open_warehouse(folder / "warehouse.duckdb") as con,
        Ledger(f"sqlite:///{folder / 'ledger.db'}") as ledger,
    ):
        con.execute("set memory_limit = '256MB'")
        with timed("recorded whom they may reach", letters):
            ledger.record_periods("nudges", [], addressees(con, SETTINGS))
        with timed("written, checked and queued", letters):
            told = queue_letters(
                ledger,
                nudge_batch(con, edition(ledger.salt)),
                known=None,
                of=(CAMPAIGN, PERIOD),
                by="benchmark",
                settings=SETTINGS,
                correction=None,
            )
    if told["waiting for approval"] != letters:
        raise SystemExit(f"Not all were queued: {told}")
    print(f"  peak memory: {_peak():.0f} MB; {before:.0f} MB before the first letter")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Each number in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--here", action="store_true", help="in this process; for one number")
    options = parser.parse_args()
    for letters in options.letters:
        if options.here:
            with TemporaryDirectory() as folder:
                measure(letters, Path(folder))
            continue
        print(f"{letters:,} letters", flush=True)
        again = [sys.executable, __file__, "--here", "--letters", str(letters)]
        subprocess.run(again, check=True, cwd=PROJECT)


if __name__ == "__main__":
    main()
