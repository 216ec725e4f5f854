"""How fast everything is, each time against something that is not ours, on one machine in one run.

Writes `docs/performance.md` and its picture. `make bench` runs it at its default sizes, in minutes.

.venv/bin/python benchmarks/bench.py --students 20000 --growth 660 6600 66000 600000
"""

import argparse
import functools
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread

import altair as alt
import polars as pl

from edu_pipeline.charting.render import render_svg
from edu_pipeline.charting.theme import vega_config

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGE, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "images" / "performance.svg"
BIN = Path(sys.executable).parent
OURS, TOOL = [sys.executable, str(HERE / "ours.py")], str(BIN / "edu-pipeline")
BARE, SCRIPT = [sys.executable, str(HERE / "bare.py")], str(HERE / "plain_script.py")
LEFT_BY_A_RUN = ("warehouse.duckdb", "dagster", "ledger.db", "outbox", "site", "last-round.json")
READING = (["mail", "status"], ["gate", "show"], ["landing", "inspect"])
READ = ("list_landing", "land_school", "stage_school", "judge_landing")
SUMMED = ("compute_facts", "compute_teachers")
REST = 50
"""Times as long as a look at memory takes there is none."""
TIMES = 3
"""That a short command is run; the median counts."""


@dataclass(frozen=True)
class Took:
    """What a command, with all that it started, took."""

    seconds: float
    megabytes: float = 0.0
    """At the peak, shared pages counted once; 0 where the system does not say."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    measure: str
    ours: str
    theirs: str
    result: str
    goal: str
    met: bool

    def __str__(self) -> str:
        """In Markdown."""
        return (
            f"| {self.measure} | {self.ours} | {self.theirs} | {self.result} | "
            f"{self.goal}{'' if self.met else ' **missed**'} |"
        )


def ratio(measure: str, ours: Took, theirs: Took, most: float, memory: float = 0) -> Row:
    """A line in which we should take at most so many times what another takes."""
    found = ours.seconds / theirs.seconds
    goal = f"≤ {most:g}×" + (f", ≤ {memory:,.0f} MB" if memory else "")
    met = found <= most and (not memory or ours.megabytes <= memory)
    return Row(measure, _told(ours), _told(theirs), f"{found:.2f}×", goal, met)


def limit(measure: str, ours: Took, most: float) -> Row:
    """A line in which we should take at most so many seconds."""
    return Row(
        measure, _told(ours), "", f"{ours.seconds:.2f} s", f"≤ {most:g} s", ours.seconds <= most
    )


def rate(measure: str, ours: float, theirs: float, least: float) -> Row:
    """A line in which we should do at least that share of what another does in a second."""
    found = ours / theirs
    return Row(
        measure, f"{ours:.1f}/s", f"{theirs:.1f}/s", f"{found:.2f}", f"≥ {least:g}", found >= least
    )


def _told(took: Took) -> str:
    memory = f", {took.megabytes:,.0f} MB" if took.megabytes else ""
    return (
        f"{took.seconds:.1f} s{memory}" if took.seconds >= 10 else f"{took.seconds:.2f} s{memory}"
    )


def watched(command: Sequence[str], **environment: str) -> tuple[Took, str]:
    """Run a command to its end.

    Raises:
        CalledProcessError: It failed.
    """
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment}
    ) as running:
        peak = [0.0]
        watch = Thread(target=_watch, args=(running, peak), daemon=True)
        watch.start()
        out, error = running.communicate()
        seconds = time.perf_counter() - begin
        watch.join()
    if running.returncode:
        sys.stderr.write(error.decode())
        raise subprocess.CalledProcessError(running.returncode, command)
    return Took(seconds, peak[0]), out.decode()


def _watch(running: "subprocess.Popen[bytes]", peak: list[float]) -> None:
    while running.poll() is None:
        begin = time.perf_counter()
        peak[0] = max(peak[0], sum(map(_megabytes, _tree(running.pid))))
        # while its pages are counted a process stands still
        time.sleep(max(0.02, REST * (time.perf_counter() - begin)))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _megabytes(pid: int) -> float:
    with suppress(OSError, AttributeError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1]) / 1024  # type: ignore[index]
    return 0.0


def usual(
    command: Sequence[str], before: Callable[[], object] = lambda: None, times: int = TIMES
) -> Took:
    """The median of several runs of a command."""
    found = []
    for _ in range(times):
        before()
        found.append(watched(command)[0])
    return Took(median(took.seconds for took in found), max(took.megabytes for took in found))


def tool(folder: Path, *words: str) -> list[str]:
    """`edu-pipeline` in a home."""
    return [TOOL, "--home", str(folder), *words]


def fresh(folder: Path) -> None:
    """Take away what runs left, but not what landed."""
    for name in LEFT_BY_A_RUN:
        path = folder / "data" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def make_home(folder: Path, students: int) -> dict[str, int]:
    """A made-up school's home; rows of each export."""
    _, out = watched([*OURS, "home", str(folder), "--students", str(students)])
    rows: dict[str, int] = json.loads(out)["rows"]
    return rows


def change_a_cell(folder: Path) -> None:
    """Another code in the last line of attendance: present becomes absent, or the reverse."""
    path = folder / "data" / "landing" / "school" / "attendance.csv"
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    head, _, code = lines[-1].rpartition(",")
    lines[-1] = f"{head},{'A' if code == 'P' else 'P'}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def whole_runs(folder: Path, script: Path, students: int) -> Iterator[Row]:
    """Everything from exports to letters, against the script that it replaces."""
    rows = make_home(folder, students)
    exports = str(folder / "data" / "landing" / "school")
    out = folder / "letters_of_the_script"
    plain = [str(script), SCRIPT, exports, str(out)]
    small = students <= 1000
    times = TIMES if small else 1
    ours = usual(tool(folder, "run"), lambda: fresh(folder), times)
    theirs = usual(plain, lambda: shutil.rmtree(out, ignore_errors=True), times)
    letters = len(list((folder / "data" / "outbox").rglob("*.eml")))
    what = (
        f"{students:,} students, {rows['attendance'] + rows['homework']:,} rows, {letters} letters "
        f"(the script: {len(list(out.iterdir()))})"
    )
    yield ratio(what, ours, theirs, 1.5, 0) if small else ratio(what, ours, theirs, 0.6, 1000)
    if small:
        yield limit("`run` again, nothing new", usual(tool(folder, "run")), 3)
        again = usual(tool(folder, "run"), lambda: change_a_cell(folder))
        yield limit("one cell of attendance changed → letters ready, from the shell", again, 8)
        yield limit("`--help`", usual([TOOL, "--help"]), 0.5)
        for words in READING:
            yield limit(f"`{' '.join(words)}`", usual(tool(folder, *words)), 1.5)


def refreshes(folder: Path, students: int) -> tuple[list[Row], dict[str, float]]:
    """Parts of a refresh against DuckDB by itself, and what each took."""
    rows = make_home(folder, students)
    million = sum(rows.values()) / 1e6
    took, out = watched([*OURS, "refresh", str(folder)])
    steps = json.loads(out)["steps"]
    parts = {
        "exports → raw → staged → judged": sum(steps[name] for name in READ if name in steps),
        "facts and metrics": sum(steps[name] for name in SUMMED),
    }
    exports = sorted(map(str, (folder / "data" / "landing" / "school").glob("*.csv")))
    bare, out = watched([*BARE, "read", str(folder / "bare.duckdb"), *exports])
    read = Took(float(out), bare.megabytes)
    bare, out = watched([*BARE, "sums", str(folder / "data" / "warehouse.duckdb")])
    summed = Took(float(out), bare.megabytes)
    of = f" ({students:,} students, {million:,.1f} million rows)"
    first, second = parts.items()
    return [
        ratio(first[0] + of, Took(first[1], took.megabytes), read, 2, max(1, million / 20) * 500),
        ratio(second[0] + of, Took(second[1]), summed, 3),
    ], {**parts, "the whole refresh": took.seconds, "memory": took.megabytes}


def pictures(folder: Path) -> Row:
    """Pictures in one process, against the renderer by itself; after a run of the home."""
    drawn = json.loads(watched([*OURS, "pictures", str(folder)])[1])
    bare = float(watched([*BARE, "pictures", str(folder / "specs.json")])[1])
    count = drawn["pictures"]
    return rate(
        "pictures a second and core, compiling included",
        count / drawn["seconds"],
        count / bare,
        0.9,
    )


def ticks(folder: Path, files: int) -> Row:
    """A look of the landing sensor at many files."""
    found = json.loads(watched([*OURS, "tick", str(folder), "--files", str(files)])[1])
    return limit(f"a sensor's look at {files:,} files, nothing new", Took(found["seconds"]), 1)


def from_the_ui(folder: Path) -> Row:
    """From a changed file to the letters, when Dagster's daemon does it all."""
    fresh(folder)
    config = folder / "pipeline.toml"
    config.write_text(
        config.read_text("utf-8").replace('send = "manual"', 'send = "after_refresh"'), "utf-8"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _running(tool(folder, "ui", "--port", str(port))):
        _until(functools.partial(_answers, port))
        _until(lambda: _letters(folder) > 0)
        time.sleep(5)  # the runs' last events
        change_a_cell(folder)
        begin, landed = time.perf_counter(), time.time()
        _until(lambda: _letters(folder, landed) > 0)
        seconds = time.perf_counter() - begin
    return limit(
        "one cell of attendance changed → letters ready, from the sensor", Took(seconds), 40
    )


@contextmanager
def _running(command: Sequence[str]) -> Iterator[None]:
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, 2)


def _answers(port: int) -> bool:
    with suppress(OSError):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info").status == 200
    return False


def _letters(folder: Path, since: float = 0) -> int:
    written = (folder / "data" / "outbox").rglob("index.html")
    return sum(path.stat().st_mtime > since for path in written)


def _until(done: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.2)


def delivery(letters: int) -> Row:
    """Letters into a server on this machine, against bare httpx."""
    found = json.loads(
        watched(
            [sys.executable, str(HERE / "delivery.py"), "ratio", "--letters", str(letters)],
            PYTHONPATH=str(ROOT),
        )[1]
    )
    return rate(
        "letters delivered over 4 connections, a durable ledger", found["ours"], found["bare"], 0.7
    )


def growth(folder: Path, sizes: Sequence[int]) -> pl.DataFrame:
    """What a refresh costs at each size: students × part."""
    rows = []
    for students in sizes:
        inner = folder / f"grown_{students}"
        _, parts = refreshes(inner, students)
        shutil.rmtree(inner)
        print(students, parts, file=sys.stderr, flush=True)
        rows += [(students, part, value) for part, value in parts.items()]
    return pl.DataFrame(rows, schema=["students", "part", "value"], orient="row")


def picture(grown: pl.DataFrame) -> str:
    """How each cost grows, on two logarithmic scales, as SVG."""
    seconds = grown.filter(pl.col("part") != "memory")
    lines = (
        alt.Chart(seconds)
        .mark_line(point=True)
        .encode(
            alt.X("students:Q", title="students", scale=alt.Scale(type="log")),
            alt.Y("value:Q", title="seconds", scale=alt.Scale(type="log")),
            alt.Color("part:N", title=None, legend=alt.Legend(orient="top")),
        )
        .properties(width=560, height=300, title="What a refresh costs, by size of the school")
    )
    return render_svg(lines.configure(**vega_config()).to_dict())


def page(rows: Sequence[Row], grown: pl.DataFrame | None, command: str) -> str:
    """`docs/performance.md`."""
    memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("dagster", "duckdb", "polars"))
    text = [
        "# How fast it is",
        "",
        "Written by `make bench`; each figure was measured by the command below, in one run on one machine:",
        f"{os.cpu_count()} cores, {memory}, Python {platform.python_version()}, {libraries}, "
        f"{datetime.now(UTC):%Y-%m-%d}.",
        "",
        f"    {command}",
        "",
        "“Theirs” is what would be there without this project: `benchmarks/plain_script.py` (pandas, matplotlib "
        "and Jinja2, which checks nothing and keeps no ledger) for whole runs, and the libraries by themselves "
        "(`benchmarks/bare.py`) for parts. Memory is that of all processes at the peak, shared pages counted once. "
        f"Short commands are the median of {TIMES} runs.",
        "",
        "| measure | ours | theirs | result | goal |",
        "|---|---|---|---|---|",
        *map(str, rows),
    ]
    if grown is not None:
        text += ["", "![What a refresh costs, by size of the school](images/performance.svg)", ""]
        table = grown.pivot("part", index="students", values="value")
        parts = table.columns[1:]
        text += [f"| students | {' | '.join(parts)} |", f"|---|{'---|' * len(parts)}"]
        for students, *values in table.iter_rows():
            told = (
                f"{value:,.0f} MB" if part == "memory" else f"{value:,.1f} s"
                for part, value in zip(parts, values, strict=True)
            )
            text.append(f"| {students:,} | {' | '.join(told)} |")
    return "\n".join(text) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--script", type=Path, required=True, help="python with pandas and matplotlib"
    )
    parser.add_argument("--students", type=int, nargs="*", default=[660, 5000])
    parser.add_argument(
        "--parts", type=int, default=20_000, help="students of the parts of a refresh"
    )
    parser.add_argument("--growth", type=int, nargs="*", default=[660, 6_600, 66_000])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--letters", type=int, default=400)
    parser.add_argument(
        "--folder", type=Path, help="where homes are made; default: a temporary one"
    )
    parser.add_argument("--dry", action="store_true", help="print the page, write nothing")
    asked = parser.parse_args()
    with TemporaryDirectory(dir=asked.folder) as inner:
        folder = Path(inner)
        rows: list[Row] = []

        def add(row: Row) -> None:
            rows.append(row)
            print(row, flush=True)

        for students in asked.students:
            for row in whole_runs(folder / f"whole_{students}", asked.script, students):
                add(row)
        first = folder / f"whole_{asked.students[0]}"
        add(pictures(first))
        add(from_the_ui(first))
        add(delivery(asked.letters))
        for row in refreshes(folder / "parts", asked.parts)[0]:
            add(row)
        add(ticks(folder / "parts", asked.files))
        grown = growth(folder, asked.growth) if asked.growth else None
    words = [Path(sys.executable).name, "benchmarks/bench.py", *sys.argv[1:]]
    text = page(rows, grown, " ".join(words))
    if asked.dry:
        print(text)
        return
    PAGE.write_text(text, encoding="utf-8")
    if grown is not None:
        PICTURE.write_text(picture(grown), encoding="utf-8")


if __name__ == "__main__":
    main()
