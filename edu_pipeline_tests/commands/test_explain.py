"""Two small schools by hand, refreshed once: one with a row per student-day, one with exceptions."""

import re
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from edu_pipeline.cli import app
from edu_pipeline.commands.console import HELD, UserError
from edu_pipeline.commands.explain import SHOWN, find_class
from edu_pipeline.settings.home import Home
from edu_pipeline_tests.conftest import CODES, make_home, run_job

ROSTER = {
    "students.csv": (
        "student_id,given_name,family_name,grade\n007,Ada,Moss,7\n008,Benedict,Oakley,7\n"
    ),
    "staff.csv": "staff_id,given_name,family_name,email\nT1,Carla,Reed,c@riverside.example\n",
    "classes.csv": "class_id,class_name,class_type,grade\nHR-7A,7A,homeroom,7\nMAT,Maths,scheduled,7\n",
    "enrollments.csv": (
        "class_id,person_id,role,begin_date,end_date\nHR-7A,007,student,,\nHR-7A,008,student,,\n"
        "MAT,008,student,,\nHR-7A,T1,teacher,,\n"
    ),
    "calendar.csv": "date,in_session\n" + "".join(f"2026-09-{n:02},Y\n" for n in range(7, 12)),
    "homework.csv": (
        "student_id,assignment_id,class_id,due_date,status\n008,w1,MAT,2026-09-07,late\n"
        "008,w2,MAT,2026-09-08,missing\n007,w3,,2026-09-08,complete\n007,w4,,2026-09-08,exempt\n"
    ),
}
DAILY = """student_id,date,code
007,2026-09-07,P
008,2026-09-07,A
007,2026-09-08,QT
008,2026-09-08,P
008,2026-09-08,H
"""
EXCEPTIONS = "student_id,date,code\n008,2026-09-07,A\n007,2026-09-08,T\n"
NAMES = re.compile("Ada|Moss|Benedict|Oakley|Carla|Reed")


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(tmp_path_factory.mktemp("daily"), {**ROSTER, "attendance.csv": DAILY})
    run_job(home, "refresh_school")
    return home


@pytest.fixture(scope="module")
def exceptions(tmp_path_factory: pytest.TempPathFactory) -> Home:
    config = f'{CODES}\n[landing.attendance]\nshape = "exceptions"\n'
    files = {**ROSTER, "attendance.csv": EXCEPTIONS}
    home = make_home(tmp_path_factory.mktemp("exceptions"), files, config)
    run_job(home, "refresh_school")
    return home


def explain(home: Home, *arguments: str) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home.root), "explain", *arguments])
    assert not NAMES.search(result.output)
    return result


def test_a_figure_is_shown_down_to_the_lines_of_the_files(daily: Home) -> None:
    result = explain(daily, "attendance_rate", "--class", "7A", "--week", "2026-W37")

    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines() if line.strip()]
    assert lines[:2] == ["Attendance of 7A (HR-7A) in 2026-W37", "1.5 ÷ 3 = 50.0 %"]
    assert lines[2].startswith("Rule: Days attended as a share of days expected.")
    assert "As of Tuesday 8 September 2026, the last day counted." in lines
    assert lines[lines.index("Rows behind it: 3") + 1 :] == [
        "student_id date code attended possible file:line",
        "008 2026-09-07 A 0 1 school/attendance.csv:3",
        "008 2026-09-08 H 0.5 1 school/attendance.csv:6",
        "007 2026-09-07 P 1 1 school/attendance.csv:2",
        "Left out: 1 rejected: unmapped code, 1 superseded by a later row",
        "student_id date file:line note",
        "007 2026-09-08 school/attendance.csv:4 rejected: unmapped code",
        "008 2026-09-08 school/attendance.csv:5 superseded by a later row",
    ]


def test_silence_is_shown_where_only_exceptions_are_exported(exceptions: Home) -> None:
    result = explain(exceptions, "attendance_rate", "--class", "7a", "--week", "2026-09-09")

    assert result.exit_code == 0, result.output
    assert "3 ÷ 4 = 75.0 %" in result.output
    assert result.output.count("no row: present") == 2
    assert "Nothing was left out." in result.output


@pytest.mark.parametrize(
    ("class_id", "said"), [("HR-7A", "2 ÷ 3 = 66.7 %"), ("MAT", "1 ÷ 2 = 50.0 %")]
)
def test_homework_is_explained_by_its_pieces(
    daily: Home, tmp_path: Path, class_id: str, said: str
) -> None:
    file = tmp_path / "rows.csv"
    result = explain(
        daily,
        "homework_rate",
        "--class",
        class_id,
        "--week",
        "2026-W37",
        "--csv",
        str(file),
    )

    assert result.exit_code == 0, result.output
    assert said in result.output
    rows = pl.read_csv(file)
    assert f"{rows['handed_in'].sum():g} ÷ {rows['due'].sum():g} " in result.output
    assert rows.filter(pl.col("status") == "missing")["line"].to_list() == [3]
    assert ("exempt" in result.output) == (class_id == "HR-7A")


def test_rows_that_do_not_add_up_to_the_figure_are_said_not_to(daily: Home, tmp_path: Path) -> None:
    home = Home(shutil.copytree(daily.root, tmp_path / "home"))
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("update class_week set attended_days = 2 where class_id = 'HR-7A'")
    result = explain(home, "attendance_rate", "--class", "7A", "--week", "2026-W37")

    assert result.exit_code == HELD
    assert "1.5 ÷ 3 = 50.0 %" in result.output
    assert "says 2 ÷ 3 = 66.7 %" in result.output


def test_only_the_first_rows_are_shown_and_the_rest_counted(
    daily: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("attendance_rate", "--class", "7A", "--week", "2026-W37")
    assert SHOWN == 60
    monkeypatch.setattr("edu_pipeline.commands.explain.SHOWN", 1)
    short = explain(daily, *arguments).output

    assert "… and 2 more. All of them: --all, or --csv FILE." in short
    assert "attendance.csv:2" not in short
    assert "attendance.csv:2" in explain(daily, *arguments, "--all").output


def test_a_week_without_figures_names_those_that_have_some(daily: Home) -> None:
    result = explain(daily, "attendance_rate", "--class", "7A", "--week", "2026-W41")

    assert isinstance(result.exception, UserError)
    assert str(result.exception) == ("7A has no figures for 2026-W41. It has some for 2026-W37.")


CLASSES = pl.DataFrame(
    [("HR-7A", "7A"), ("HR-7B", "7B"), ("M1", "Maths"), ("M2", "Maths"), ("7B", "Chess")],
    schema=["class_id", "class_name"],
    orient="row",
)


@pytest.mark.parametrize(
    ("wanted", "found"), [("7A", "HR-7A"), ("7B", "7B"), ("hr-7b", "HR-7B"), ("chess", "7B")]
)
def test_a_class_is_found_by_its_id_then_by_its_name(wanted: str, found: str) -> None:
    assert find_class(CLASSES, wanted)[0] == found


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("Maths", "2 classes are called Maths. Say which by its id: M1, M2"),
        ("Mths", "No class is called Mths. Did you mean Maths?"),
        ("Zzz", "No class is called Zzz. There are 5 classes."),
    ],
)
def test_a_class_that_is_not_one_is_answered_with_what_to_type(wanted: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        find_class(CLASSES, wanted)
    assert str(error.value) == said
