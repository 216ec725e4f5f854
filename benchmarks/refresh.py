"""How long a refresh of a made-up school takes, step by step, and how much memory it needs.

.venv/bin/python benchmarks/refresh.py --students 20000
"""

import argparse
import resource
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from edu_pipeline.definitions import build_definitions
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.sample.brought import SCHOOL, bring
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.runs import LOGGER, ShellLog

SLOWEST = 8


def main() -> None:
    """Make the school in a process-wide temporary home, refresh it once and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=660)
    students = parser.parse_args().students
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.config.write_bytes(shipped("pipeline.toml").read_bytes())
        tables = make_school(students=students, through=date(2026, 5, 15))
        rows = {name: table.height for name, table in tables.items()}
        write_sample(home.data / "landing", tables)
        bring(home, "school", SCHOOL)
        del tables
        quiet = ShellLog(lambda *_: None, print).as_dagster_logger()
        job = build_definitions(mail_room(home), {LOGGER: quiet}).resolve_job_def("refresh")
        with dg.DagsterInstance.ephemeral() as instance:
            begin = time.perf_counter()
            result = job.execute_in_process(instance=instance, run_config={"loggers": {LOGGER: {}}})
            wall = time.perf_counter() - begin
        steps = sorted(
            (
                (event.step_success_data.duration_ms / 1000, str(event.step_key))
                for event in result.all_events
                if event.event_type is dg.DagsterEventType.STEP_SUCCESS
            ),
            reverse=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 if sys.platform == "darwin" else 1024
    )
    print(
        f"{students:,} students, {rows['attendance']:,} attendance rows, {rows['homework']:,} homework rows"
    )
    for seconds, step in steps[:SLOWEST]:
        print(f"{seconds:8.2f} s  {step}")
    print(
        f"{wall:8.2f} s  the whole refresh, {peak:,.0f} MB at the peak (the making of the sample included)"
    )


if __name__ == "__main__":
    main()
