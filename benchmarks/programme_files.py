"""What a large programme costs from edX's files to its page: `edu-pipeline run`, as a process.

.venv/bin/python benchmarks/programme_files.py --learners 50000

Every learner is in six runs of each of five courses, with a grade report of forty columns and a profile of each
run. CPU and memory are those of the process and its children together, and of the largest of them.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

COURSES, RUNS, ASSIGNMENTS = 5, 6, 30
_COURSE = """
[[programmes.courses]]
id = "lead{n}x"
title = "UQx_LEAD{n}x"
pass_mark = 0.65
"""
_RUN = """
[[programmes.runs]]
course = "lead{n}x"
run = "{run}T2025"
starts = 2025-{first:02}-01
ends = 2025-{last:02}-01
certificates_available = 2025-{last:02}-15
upgrade_deadline = 2025-{first:02}-20
"""


def main() -> None:
    """Make a home, run it twice, and print what both runs cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--learners", type=int, default=50_000)
    learners = parser.parse_args().learners
    with TemporaryDirectory() as folder:
        home = Path(folder)
        size = make(home, learners)
        print(f"{learners:,} learners × {COURSES} courses × {RUNS} runs, {size / 1e6:,.0f} MB")
        for what in ("first", "again, nothing new"):
            begun, before = time.perf_counter(), cpu()
            done = subprocess.run(
                [Path(sys.executable).with_name("edu-pipeline"), "run"],
                cwd=home,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode not in {0, 3}:
                sys.exit(done.stdout + done.stderr)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"{what}: {cpu() - before:.1f} s of CPU, {time.perf_counter() - begun:.1f} s, "
                f"{peak:,.0f} MB at most"
            )


def cpu() -> float:
    """Seconds that child processes used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make(home: Path, learners: int) -> int:
    """Write settings and exports; bytes of the exports."""
    courses = range(1, COURSES + 1)
    runs = [
        _RUN.format(n=n, run=run, first=2 * run - 1, last=2 * run)
        for n in courses
        for run in range(1, RUNS + 1)
    ]
    settings = '[[programmes]]\nid = "lead"\ntitle = "Leadership"\nnudges_since = 2025-06-01\n'
    (home / "pipeline.toml").write_text(
        settings + "".join(_COURSE.format(n=n) for n in courses) + "".join(runs)
    )
    folder = home / "data/landing/micromasters/lead"
    folder.mkdir(parents=True)
    ids = pl.Series("id", range(1_000_000, 1_000_000 + learners))
    who = pl.DataFrame(ids).with_columns(
        username=pl.format("user{}", "id"),
        email=pl.format("user{}@x{}.example", "id", pl.col("id") % 5000),
        name=pl.format("Learner {}", "id"),
        country=pl.lit("AU"),
    )
    for n in courses:
        for run in range(1, RUNS + 1):
            name = f"UQx_LEAD{n}x_{run}T2025"
            who.write_csv(folder / f"{name}_student_profile_info_2026-01-01-0900.csv")
            points = ids.hash(n * 10 + run) % 101
            paid = pl.col("id").hash(7) % 3 == 0
            passed = paid & (pl.col("grade") >= 0.65)
            yes = pl.when(passed).then(pl.lit("Y")).otherwise(pl.lit("N"))
            who.select(
                pl.col("id"),
                "email",
                "username",
                (points / 100).alias("grade"),
                *(pl.lit(0.5).alias(f"Quiz {k}: a") for k in range(ASSIGNMENTS)),
            ).with_columns(
                pl.when(paid)
                .then(pl.lit("verified"))
                .otherwise(pl.lit("audit"))
                .alias("Enrollment Track"),
                pl.when(paid)
                .then(pl.lit("ID Verified"))
                .otherwise(pl.lit("N/A"))
                .alias("Verification Status"),
                yes.alias("Certificate Eligible"),
                yes.alias("Certificate Delivered"),
                pl.when(passed)
                .then(pl.lit("verified"))
                .otherwise(pl.lit("N/A"))
                .alias("Certificate Type"),
                pl.lit("enrolled").alias("Enrollment Status"),
            ).rename(
                {"id": "Student ID", "email": "Email", "username": "Username", "grade": "Grade"}
            ).write_csv(folder / f"{name}_grade_report_2026-01-01-0900.csv")
    return sum(file.stat().st_size for file in folder.iterdir())


if __name__ == "__main__":
    main()
