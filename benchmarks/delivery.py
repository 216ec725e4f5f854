"""What delivery promises and how fast it is, against the fake SendGrid on this machine.

.venv/bin/python benchmarks/delivery.py storm --letters 300
.venv/bin/python benchmarks/delivery.py speed --letters 1000 --connections 4
.venv/bin/python benchmarks/delivery.py ratio --letters 1000 --connections 4
"""

import argparse
import base64
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from edu_pipeline.mail.delivery import deliver
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Image
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.sendgrid import SendGridTransport
from edu_pipeline.settings.mail import Mail, SendGrid
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.faults.campaign import GRACE, LOG_DELAY, Campaign, Storm, Tally, weather
from edu_pipeline_tests.faults.sender import CAMPAIGN, PERIOD
from edu_pipeline_tests.ledgers import postgres_database, postgres_programs, postgres_server
from edu_pipeline_tests.mail.letters import letter

SEEDS = (1, 2, 3)
SHARES = (0.08, 0.3)
HTML_BYTES, CHARTS, CHART_BYTES = 40_000, 3, 15_000
SHORT = timedelta(seconds=LOG_DELAY / 5)


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:.0f} min"


BAD_DAY = Storm(seed=0, letters=0, faults=0, kills=20)
POLICIES: Mapping[str, Storm] = {
    "claim, look up, a person decides the rest": replace(BAD_DAY, grace=None),
    f"claim, look up, send again after {_minutes(GRACE)}": BAD_DAY,
    f"control: send again after {_minutes(SHORT)}": replace(BAD_DAY, grace=SHORT),
    "control: mark after sending": replace(BAD_DAY, forgetful=True),
}
COLUMNS = ("kills", "twice", "lost", "silent", "shown", "found", "absent")


def main() -> None:
    """Print one of two tables, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("storm", "speed", "ratio"))
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--connections", type=int, default=4)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder, FakeSendGrid(Path(folder)) as fake:
        if asked.what == "storm":
            storm(fake, Path(folder), asked.letters, asked.connections)
        elif asked.what == "speed":
            speed(fake, Path(folder), asked.letters, asked.connections)
        else:
            ratio(fake, Path(folder), asked.letters, asked.connections)


def storm(fake: FakeSendGrid, folder: Path, letters: int, connections: int) -> None:
    """What became of the letters of killed senders, by the server's ledger; a number per seed."""
    print(f"| policy | faults | {' | '.join(COLUMNS)} |")
    print(f"|---|---|{'---|' * len(COLUMNS)}")
    for policy, day in POLICIES.items():
        for share in SHARES:
            tallies = []
            for seed in SEEDS:
                url = f"sqlite:///{folder}/{len(list(folder.iterdir()))}.db"
                bad = replace(
                    day, seed=seed, letters=letters, faults=share, connections=connections
                )
                with Ledger(url) as ledger:
                    tallies.append(weather(Campaign(fake, ledger, url, letters), bad))
            print(f"| {policy} | {share:.0%} | {' | '.join(_cells(tallies))} |", flush=True)


def _cells(tallies: list[Tally]) -> Iterator[str]:
    for column in COLUMNS:
        yield " / ".join(str(getattr(tally, column)) for tally in tallies)


def speed(fake: FakeSendGrid, folder: Path, letters: int, connections: int) -> None:
    """How long a letter of a usual size takes, without faults."""
    print("| ledger | connections | queue | deliver | of it CPU | letters a second |")
    print("|---|---|---|---|---|---|")
    for number in sorted({1, connections}):
        for name, opened in (("SQLite", _sqlite(folder)), ("PostgreSQL", _postgresql())):
            with opened as url, Ledger(url) as ledger:
                fake.reset()
                seconds = _timed(fake, ledger, letters, number)
            cells = [f"{1000 * each / letters:.1f} ms" for each in seconds]
            print(
                f"| {name} | {number} | {' | '.join(cells)} | {letters / seconds[1]:.0f} |",
                flush=True,
            )


def ratio(fake: FakeSendGrid, folder: Path, letters: int, connections: int) -> None:
    """Letters a second with a SQLite ledger, and by httpx alone, which keeps no account; as JSON."""
    with _sqlite(folder) as url, Ledger(url) as ledger:
        fake.reset()
        _, seconds, _ = _timed(fake, ledger, letters, connections)
    fake.reset()
    json.dump(
        {"ours": letters / seconds, "bare": letters / _bare(fake, letters, connections)}, sys.stdout
    )


def _bare(fake: FakeSendGrid, letters: int, connections: int) -> float:
    """Seconds of posting letters of the same size."""
    images = [
        {"content": base64.b64encode(bytes(CHART_BYTES)).decode(), "filename": f"c{n}.png"}
        for n in range(CHARTS)
    ]
    body = {
        "personalizations": [{"to": [{"email": "t@riverside.example"}]}],
        "from": {"email": "reports@riverside.example"},
        "subject": "s",
        "content": [
            {"type": "text/html", "value": "<p>a line of a table</p>" * (HTML_BYTES // 24)}
        ],
        "attachments": images,
    }
    content = json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {fake.key}", "Content-Type": "application/json"}
    with httpx.Client(base_url=fake.url, headers=headers, trust_env=False) as client:

        def post(_: int) -> None:
            client.post("/v3/mail/send", content=content).raise_for_status()

        begin = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(post, range(letters)))
        return time.perf_counter() - begin


def _timed(
    fake: FakeSendGrid, ledger: Ledger, letters: int, connections: int
) -> tuple[float, float, float]:
    """Seconds of queueing, of delivering, and of the sender's processor in the latter."""
    noise = random.Random(1)  # noqa: S311 - no secret
    batch = [
        letter(
            f"t_{number}",
            html=f"<body>{'<p>a line of a table</p>' * (HTML_BYTES // 24)}</body>",
            images=tuple(Image(f"c{n}", noise.randbytes(CHART_BYTES)) for n in range(CHARTS)),
            not_after=datetime.now(UTC) + timedelta(days=1),
        )
        for number in range(letters)
    ]
    settings = Mail(connections=connections, sendgrid=SendGrid(url=fake.url))
    transport = SendGridTransport(fake.key, settings)
    begin = time.perf_counter()
    ledger.queue(batch, now=datetime.now(UTC), by="benchmark")
    queued, busy = time.perf_counter(), time.process_time()
    report = deliver(
        ledger,
        transport,
        campaign=CAMPAIGN,
        period=PERIOD,
        now=lambda: datetime.now(UTC),
        owner="benchmark",
        rules=Rules(connections=connections),
    )
    end, busy = time.perf_counter(), time.process_time() - busy
    transport.close()
    assert report.counts == {State.sent: letters}  # noqa: S101
    assert fake.counts().total() == letters  # noqa: S101
    return queued - begin, end - queued, busy


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    with TemporaryDirectory(dir=folder) as inner:
        yield f"sqlite:///{inner}/ledger.db"


@contextmanager
def _postgresql() -> Iterator[str]:
    programs = postgres_programs()
    assert programs, "PostgreSQL is not installed"  # noqa: S101
    with postgres_server(programs) as server, postgres_database(server) as url:
        yield url


if __name__ == "__main__":
    main()
