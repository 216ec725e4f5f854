"""Parts of the project, each as a whole process: what they took, as JSON.

.venv/bin/python benchmarks/ours.py home FOLDER --students 20000
.venv/bin/python benchmarks/ours.py refresh FOLDER
.venv/bin/python benchmarks/ours.py pictures FOLDER
.venv/bin/python benchmarks/ours.py tick FOLDER --files 10000
"""

import argparse
import functools
import json
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
import duckdb

from edu_pipeline.charting.render import render_pngs
from edu_pipeline.definitions import build_definitions
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment, phrase
from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.zone import Zone
from edu_pipeline.sample.brought import SCHOOL, bring
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.home import Home, load_settings
from edu_pipeline.teachers.charts import chart_specs, class_histories
from edu_pipeline.teachers.letter import WORDS
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.runs import LOGGER, ShellLog

OWN = 660
"""Students of a school; a district has several."""
ROWS_OF_A_DISTRICT = 50_000
"""Students from which a district is made of one school many times over, as that is faster."""


def home(folder: Path, students: int) -> dict[str, Any]:
    """Make a home with a made-up school, or a district of schools that are alike."""
    own = Home(folder)
    folder.mkdir(parents=True, exist_ok=True)
    own.config.write_bytes(shipped("pipeline.toml").read_bytes())
    bring(own, "school", SCHOOL)
    copies = 1 if students < ROWS_OF_A_DISTRICT else round(students / OWN)
    today = datetime.now(UTC).date()
    friday = today - timedelta(days=(today.weekday() - 4) % 7)
    tables = make_school(students=students if copies == 1 else OWN, through=friday)
    rows = {name: table.height * copies for name, table in tables.items()}
    write_sample(own.data / "landing", tables)
    if copies > 1:
        _many(own.data / "landing" / "school", copies)
    return {"rows": rows}


def _many(folder: Path, copies: int) -> None:
    """Each export once per school, its ids with the school's number before them."""
    with duckdb.connect() as con:
        for path in sorted(folder.glob("*.csv")):
            new = path.with_suffix(".new")
            con.execute(
                "create or replace table one as from read_csv(?, all_varchar=true)", [str(path)]
            )
            columns = [name for (name, *_) in con.execute("describe one").fetchall()]
            own = ", ".join(
                f"nullif(school || '-' || {name}, school || '-') as {name}"
                if name.endswith("_id")
                else f"replace({name}, '@', '.' || school || '@') as {name}"
                if name == "email"
                else name
                for name in columns
            )
            con.execute(
                f"copy (select {own} from one, range(1, {copies + 1}) as _(school)) to '{new}' (header)"
            )
            new.replace(path)


def refresh(folder: Path) -> dict[str, Any]:
    """The refresh of a home: seconds by step, in a history that is thrown away."""
    quiet = ShellLog(lambda *_: None, lambda *_: None).as_dagster_logger()
    begin = time.perf_counter()
    job = build_definitions(mail_room(Home(folder)), {LOGGER: quiet}).resolve_job_def("refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config={"loggers": {LOGGER: {}}})
    steps = {
        str(event.step_key): event.step_success_data.duration_ms / 1000
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.STEP_SUCCESS
    }
    return {"steps": steps, "seconds": time.perf_counter() - begin}


def pictures(folder: Path, most: int) -> dict[str, Any]:
    """Pictures of a home's classes, in this process; their specifications stay in `specs.json`."""
    own = Home(folder)
    settings = load_settings(own)
    with duckdb.connect(str(own.warehouse), read_only=True) as con:
        classes = read_table(con, "class_week").filter(class_type="homeroom")
    week = classes["week_start"].max()
    words = functools.partial(phrase, environment([own.templates, shipped("templates")]), WORDS)
    histories = class_histories(classes, week)  # type: ignore[arg-type]
    specs = [
        chart.spec
        for history in histories.values()
        for chart in chart_specs(history, settings.targets, words).values()
    ][:most]
    (folder / "specs.json").write_text(json.dumps(specs), encoding="utf-8")
    next(render_pngs(specs, alone=True))
    begin = time.perf_counter()
    list(render_pngs(specs, alone=True))
    return {"seconds": time.perf_counter() - begin, "pictures": len(specs)}


def tick(folder: Path, files: int) -> dict[str, Any]:
    """A look of the school's landing sensor at as many files, when nothing has changed."""
    own = Home(folder)
    school = own.data / "landing" / "school"
    for number in range(files):
        (school / f"part_{number:05}.csv").write_text(f"a\n{number}\n", encoding="utf-8")
    room = mail_room(own)
    sensor = build_definitions(room, MappingProxyType({})).resolve_sensor_def("school_landed")
    given = {"zone": Zone(own.landing_url(room.settings)), "settings": room.settings}
    seconds, cursor = [], None
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            context = dg.build_sensor_context(instance, cursor=cursor, resources=given)
            begin = time.perf_counter()
            cursor = sensor.evaluate_tick(context).cursor
            seconds.append(time.perf_counter() - begin)
    return {"first": seconds[0], "seconds": seconds[-1]}


def main() -> None:
    """Do one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("home", "refresh", "pictures", "tick"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--students", type=int, default=OWN)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=200)
    asked = parser.parse_args()
    if asked.what == "home":
        shutil.rmtree(asked.folder, ignore_errors=True)
        made = home(asked.folder, asked.students)
    elif asked.what == "refresh":
        made = refresh(asked.folder)
    elif asked.what == "pictures":
        made = pictures(asked.folder, asked.pictures)
    else:
        made = tick(asked.folder, asked.files)
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
