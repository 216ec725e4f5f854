"""Kills everything at random moments, as power cuts do, and counts what became of it.

    .venv/bin/python deploy/storm.py --minutes 10 --seed 1

A home of its own with a small made-up school, the web server and the daemon as `edu-pipeline ui` starts them,
and the tests' SendGrid on loopback. A week's registers land, or a cell changes; at a random moment every
process is killed with SIGKILL, and the UI started again. In the end nothing is killed any more, and what landed
last must be taken up in time. Wrong, with exit code 1: a letter that the carrier got twice, a teacher without
one for the last week, a run that is unfinished, a landing that nobody took up.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dagster as dg
import polars as pl
import psutil

from edu_pipeline.mail.states import State
from edu_pipeline.sample.brought import SCHOOL, bring
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.automation import LANDED_TAG
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.runs import share_history
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid

STUDENTS, WEEKS = 60, 4
LONGEST_LIFE = 100
"""Seconds from a start to the next kill: longer than a refresh and its letters, and often shorter."""
SETTLED_WITHIN = timedelta(minutes=20)
"""After the last start: what was cut off is made again first, one after the other."""
MARK = "EDU_PIPELINE_STORM"
CONFIG = """
[mail]
transport = "sendgrid"
allowed = ["riverside.example"]
approval = "none"
send = "after_refresh"
valid_days = 60
[mail.sendgrid]
url = "{url}"
"""


@dataclass
class Exports:
    """A school's exports, of which ever more lands."""

    home: Home
    tables: Mapping[str, pl.DataFrame]
    last: date
    chance: random.Random
    landings: int = 0

    def land(self) -> None:
        """One more week's registers; when all are there, one mark becomes another."""
        through = self.last - timedelta(weeks=max(0, WEEKS - 1 - self.landings))
        days = {"attendance": "date", "homework": "due_date"}
        tables = {
            name: frame.filter(pl.col(days[name]) <= f"{through}") if name in days else frame
            for name, frame in self.tables.items()
        }
        if self.landings >= WEEKS:
            marks = tables["attendance"]
            at = self.chance.randrange(len(marks))
            other = "A" if marks["code"][at] != "A" else "P"
            is_it = pl.int_range(pl.len()) == at
            code = pl.when(is_it).then(pl.lit(other)).otherwise("code").alias("code")
            tables["attendance"] = marks.with_columns(code)
        write_sample(self.home.data / "landing", tables)
        self.landings += 1


@dataclass
class Served:
    """`edu-pipeline ui` on a home, with all that it starts."""

    home: Home
    port: int
    key: str
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self) -> None:
        """Start it."""
        program = [sys.executable, "-m", "edu_pipeline.cli", "--home", str(self.home.root)]
        subprocess.Popen(
            [*program, "ui", "--port", str(self.port)],
            env=os.environ | {MARK: self.mark, "SENDGRID_API_KEY": self.key},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> int:
        """SIGKILL for every process of it; how many there were."""
        killed: set[int] = set()
        while there := [*self._processes()]:
            for process in there:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            killed |= {process.pid for process in there}
            psutil.wait_procs(there, timeout=10)
        return len(killed)

    def _processes(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                ours = process.environ().get(MARK) == self.mark
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process


@contextmanager
def history(home: Home) -> Iterator[dg.DagsterInstance]:
    """The home's runs."""
    share_history(home)
    with dg.DagsterInstance.get() as instance:
        yield instance


def troubles(home: Home, sent: Counter[str]) -> Sequence[str]:
    """What is not as it must be; nothing, when all has come to rest."""
    found = []
    with history(home) as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name="refresh_school"))
        if unfinished := [run for run in instance.get_runs() if not run.is_finished]:
            found.append(f"{len(unfinished)} runs are unfinished")
    newest = runs[0].tags.get(LANDED_TAG) if runs else None
    taken_up = any(run.is_success for run in runs if run.tags.get(LANDED_TAG) == newest)
    if not taken_up:
        found.append("what landed last was not taken up")
    with mail_room(home).open_ledger() as ledger:
        period = max(ledger.recorded_periods(), key=lambda each: each.last_day, default=None)
        entries = ledger.entries(period.campaign, period.period) if period else []
    if not entries:
        found.append("the last week has no letters")
    if missing := [each for each in entries if each.state is State.sent and not sent[each.key]]:
        found.append(f"{len(missing)} letters are said to be sent, and the carrier has none")
    if waiting := Counter(each.state.value for each in entries if each.state is not State.sent):
        found.append(f"letters of the last week are {dict(waiting)}")
    if twice := sum(times > 1 for times in sent.values()):
        found.append(f"{twice} letters went out twice")
    return found


def tell(home: Home, sent: Counter[str]) -> None:
    """Refreshes of each landing, letters of each week."""
    with history(home) as instance:
        runs = instance.get_runs()
    of_landing: dict[str, Counter[str]] = {}
    for run in reversed(runs):
        if landed := run.tags.get(LANDED_TAG):
            turn = landed.partition(":")[0]
            of_landing.setdefault(f"{run.job_name} {turn}", Counter())[run.status.value] += 1
    for landing, statuses in of_landing.items():
        print(f"  {landing}: {dict(statuses)}")
    print(f"  runs: {dict(Counter(f'{run.job_name} {run.status.value}' for run in runs))}")
    for week in sorted({key.rsplit(":", 1)[0] for key in sent}):
        letters = Counter(times for key, times in sent.items() if key.startswith(f"{week}:"))
        print(f"  {week}: {', '.join(f'{n} letters {times} ×' for times, n in letters.items())}")


def storm(root: Path, minutes: float, seed: int, port: int) -> Sequence[str]:
    """Let it blow for a while; what was wrong in the end."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    home = Home(root / "home")
    subprocess.run(
        [sys.executable, "-m", "edu_pipeline.cli", "init", home.root],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    today = datetime.now(UTC).date()
    last = today - timedelta(days=(today.weekday() - 4) % 7)
    tables = make_school(students=STUDENTS, through=last, seed=seed)
    exports = Exports(home, tables, last, chance)
    with FakeSendGrid(root) as carrier:
        home.config.write_text(CONFIG.format(url=carrier.url), encoding="utf-8")
        bring(home, "school", SCHOOL)
        exports.land()
        served = Served(home, port, carrier.key)
        kills, end = 0, time.monotonic() + minutes * 60
        try:
            while time.monotonic() < end:
                served.start()
                time.sleep(chance.uniform(1, LONGEST_LIFE))
                if chance.random() < 0.5:
                    exports.land()
                    time.sleep(chance.uniform(0, LONGEST_LIFE / 2))
                kills += served.kill() > 0
            exports.land()
            served.start()
            began = time.monotonic()
            wrong: Sequence[str] = ["it was not looked at"]
            time.sleep(60)  # until what landed last has been seen
            while wrong and time.monotonic() < began + SETTLED_WITHIN.total_seconds():
                time.sleep(10)
                wrong = troubles(home, carrier.counts())
            settled = time.monotonic() - began
        finally:
            served.kill()
        print(
            f"seed {seed}: {kills} kills, {exports.landings} landings, at rest after {settled:.0f} s"
        )
        tell(home, carrier.counts())
    return wrong


def main() -> None:
    """As asked."""
    parser = argparse.ArgumentParser(description="Kill everything at random moments, and count.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=13100)
    parser.add_argument("--keep", type=Path, help="where the home is to stay, for a look at it")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of what ends the processes
    with TemporaryDirectory() as folder:
        wrong = storm(asked.keep or Path(folder), asked.minutes, asked.seed, asked.port)
    for each in wrong:
        print(f"Wrong: {each}.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
