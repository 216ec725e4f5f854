"""`python -m edu_pipeline_tests.fake_sendgrid --db FILE`: prints its URL as one line of JSON."""

import argparse
import asyncio
import contextlib
from pathlib import Path

from edu_pipeline_tests.fake_sendgrid.server import run


def main() -> None:
    parser = argparse.ArgumentParser(description="A SendGrid on loopback that sends nothing.")
    parser.add_argument("--db", type=Path, required=True, help="its ledger, a SQLite file")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="SG.fake.key", help="the API key that it accepts")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin closes")
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(asked.db, key=asked.key, port=asked.port, with_parent=asked.with_parent))


if __name__ == "__main__":
    main()
