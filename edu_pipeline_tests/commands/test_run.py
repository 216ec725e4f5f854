"""`run` in this process: what it says when letters cannot be written."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from edu_pipeline.cli import _wanted_period
from edu_pipeline.commands.console import UserError
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.mail.due import Period
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.wiring.runs import RunFailedError
from edu_pipeline_tests.commands.conftest import Command
from edu_pipeline_tests.conftest import THROUGH, make_home

pytestmark = pytest.mark.usefixtures("no_history")


def test_an_empty_landing_zone_says_what_to_put_into_it(command: Command, tmp_path: Path) -> None:
    make_home(tmp_path, {})
    done = command("run")
    assert done.exit_code == 3
    assert "school/attendance*.csv" in done.output
    assert "There are no letters. No attendance has landed." in done.output
    assert "Warning" not in done.output


def test_attendance_without_a_week_that_has_figures_is_something_to_look_at(
    command: Command, tmp_path: Path
) -> None:
    make_home(
        tmp_path,
        {
            "students.csv": "student_id,homeroom\n007,7A\n",
            "staff.csv": "staff_id,email\nT1,carla.reed@riverside.example\n",
            "attendance.csv": "student_id,date,code\n007,2026-05-08,N\n007,2026-05-11,N\n",
        },
        '[attendance.codes]\nN = "not_taken"\n',
    )
    done = command("run")
    assert "There are no letters. No week has figures" in done.output
    assert "!" not in done.output  # nothing else is wrong
    assert done.exit_code == 3


def test_a_week_without_figures_says_which_have_some() -> None:
    mondays = [date(2026, 5, 4), date(2026, 5, 11)]
    periods = [
        Period("teachers", week_name(day), f"{day}", day, complete=True, held=None)
        for day in mondays
    ]
    assert _wanted_period(periods, mondays[0]) == periods[0]
    with pytest.raises(UserError, match=r"no figures for 2019-W02.* 2026-W19 to 2026-W20"):
        _wanted_period(periods, date(2019, 1, 7))


def test_real_exports_beside_the_sample_are_refused_with_a_sentence(
    command: Command, tmp_path: Path
) -> None:
    home = make_home(tmp_path, {})
    write_sample(home.data / "landing", make_school(students=30, through=THROUGH))
    make_home(tmp_path, {"attendance_real.csv": "student_id,date,code\n"})
    with pytest.raises(RunFailedError, match="sample --clear"):
        command("run")


def test_a_warehouse_open_elsewhere_is_a_sentence(command: Command, tmp_path: Path) -> None:
    home = make_home(tmp_path, {})
    code = f"import duckdb, sys; held = duckdb.connect({str(home.warehouse)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(RunFailedError, match="is open in another program"):
            command("run")
        other.communicate("")
