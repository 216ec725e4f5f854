"""`landing inspect --write` in a home as `init` makes it."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from edu_pipeline.commands.console import HELD, UserError
from edu_pipeline.ground.warehouse import open_warehouse
from edu_pipeline.settings.home import Home
from edu_pipeline_tests.commands.conftest import Command

STUDENTS = range(412, 432)
DAYS = [date(2026, 9, 7) + timedelta(days=day) for day in range(5)]
POWERSCHOOL = {
    "students.csv": "Student_Number,First_Name,Last_Name,Home_Room\n"
    + "".join(f"000{i},Ada{i},Moss,7A\n" for i in STUDENTS),
    "staff.csv": "TeacherNumber,First_Name,Last_Name,Email_Addr\nT1,Carla,Reed,c@riverside.example\n",
    "rooms.csv": "Section_ID,Section_Number,Teacher Number\n7A,7A,T1\n",
    "attendance.csv": "Student_Number,Att_Date,Att_Code\n"
    + "".join(
        f"000{i},{day.month}/{day.day}/{day.year},{'PL'[i % 2]}\n" for i in STUDENTS for day in DAYS
    )
    + "000412,9/14/2026,P\n",
}


@pytest.fixture
def home(tmp_path: Path, command: Command) -> Path:
    command("init", tmp_path)
    for name, text in POWERSCHOOL.items():
        (tmp_path / "data" / "landing" / "school" / name).write_text(text, "utf-8")
    return tmp_path


def test_the_suggested_lines_come_into_the_tables_that_init_wrote_once(
    home: Path, command: Command
) -> None:
    result = command("landing", "inspect", "--write")
    written = (home / "pipeline.toml").read_bytes()
    text = written.decode()
    settings = tomllib.loads(text)
    assert settings["landing"]["attendance"] == {"date_formats": ["%m/%d/%Y"]}
    assert settings["landing"]["staff"]["columns"] == {"email": "Email_Addr"}
    assert '# P = "…"  # 51 rows' in text
    assert '# L = "…"  # 50 rows' in text
    assert "[landing.attendance]\ndate_formats" in result.output
    assert result.exit_code == HELD

    result = command("landing", "inspect", "--write")
    assert result.output.startswith("Nothing to add to pipeline.toml.")
    assert "something must be looked at: edu-pipeline --home" in result.output
    assert (home / "pipeline.toml").read_bytes() == written


def test_lines_for_files_elsewhere_are_not_written(
    home: Path, command: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = (home / "pipeline.toml").read_bytes()
    with pytest.raises(UserError, match="Put the files there"):
        command("landing", "inspect", tmp_path_factory.mktemp("exports"), "--write")
    assert (home / "pipeline.toml").read_bytes() == before


def test_whoever_looks_while_a_run_holds_the_home_is_told_that_releases_are_not_read(
    home: Path, command: Command
) -> None:
    with open_warehouse(Home(home).warehouse):
        pass
    with FileLock(Home(home).lock):
        result = command("landing", "inspect")
    assert result.exit_code == HELD
    said = " ".join(result.stderr.split())
    assert said.startswith("Another process holds this home.")
    assert "what was let go is told here, too" in said


@pytest.mark.usefixtures("home")
def test_what_is_to_be_done_stands_on_one_line_each_so_that_it_can_be_pasted(
    command: Command,
) -> None:
    said = command("landing", "inspect").output.split("To do, in order\n")[1]
    lines = said.split("\n\n")[0].splitlines()
    assert [line.split()[:2] for line in lines] == [[f"{n}", "!"] for n in range(1, len(lines) + 1)]
    assert max(map(len, lines)) > 80
