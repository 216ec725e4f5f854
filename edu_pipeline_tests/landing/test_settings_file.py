"""Suggested lines come into a person's `pipeline.toml`, and nothing else in it changes."""

import tomllib
from pathlib import Path

import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.landing.settings_file import merged, write_lines
from edu_pipeline.landing.sources.school.suggestions import Line
from edu_pipeline.settings.home import Home, SettingsError

CODES = ("attendance", "codes")
ASKED = Line(CODES, "L", "…", "5 rows: say what it means", certain=False)
DATES = Line(("landing", "attendance"), "date_formats", ("%m/%d/%Y",), "month first")
FILES = Line(("landing", "students"), "files", ("Schüler*.csv",), "its columns")
WIDTH = Line(("landing", "students", "width"), "student_id", 6, "Excel took the zeros")


def test_lines_come_below_the_last_key_of_their_table_and_before_what_is_said_of_the_next() -> None:
    text = '[attendance.codes]\nP = "present"  # p\n\n# About letters\n[letters]\n'
    assert merged(text, [ASKED]) == (
        '[attendance.codes]\nP = "present"  # p\n# L = "…"  # 5 rows: say what it means\n'
        "\n# About letters\n[letters]\n",
        (ASKED,),
        (),
    )


def test_no_blank_line_comes_between_tables_that_had_none() -> None:
    text = '[attendance.codes]\nP = "present"\n[mail]\n'
    assert merged(text, [ASKED])[0] == (
        '[attendance.codes]\nP = "present"\n# L = "…"  # 5 rows: say what it means\n[mail]\n'
    )


def test_new_tables_come_after_their_kin() -> None:
    text = '[landing.attendance]\nshape = "daily"\n\n# About mail\n[mail]\n'
    assert merged(text, [FILES, WIDTH])[0] == (
        '[landing.attendance]\nshape = "daily"\n'
        '\n[landing.students]\nfiles = ["Schüler*.csv"]  # its columns\n'
        "\n[landing.students.width]\nstudent_id = 6  # Excel took the zeros\n"
        "\n# About mail\n[mail]\n"
    )


def test_new_tables_come_after_the_last_of_their_kin_with_a_blank_line_on_either_side() -> None:
    text = '[landing]\nurl = "x"\n[landing.staff]\nsheet = "a"\n[mail]\nsend = "manual"\n'
    assert merged(text, [FILES])[0] == (
        '[landing]\nurl = "x"\n[landing.staff]\nsheet = "a"\n'
        '\n[landing.students]\nfiles = ["Schüler*.csv"]  # its columns\n'
        '\n[mail]\nsend = "manual"\n'
    )


def test_a_table_without_kin_comes_last() -> None:
    assert merged("[mail]\nsend = 'manual'", [FILES])[0] == (
        "[mail]\nsend = 'manual'\n\n[landing.students]\nfiles = [\"Schüler*.csv\"]  # its columns\n"
    )


def test_a_new_table_of_codes_says_what_a_code_can_mean() -> None:
    text, added, _ = merged("", [ASKED])
    assert "# what a code means is one of: present, " in text
    assert merged(text, [ASKED]) == (text, (), ())
    assert added == (ASKED,)


def test_a_value_that_is_set_stays_and_is_told() -> None:
    text = '[landing.attendance]\ndate_formats = ["%d/%m/%Y"]\n\n[attendance.codes]\nL = "tardy"\n'
    assert merged(text, [DATES, ASKED]) == (text, (), (DATES, ASKED))


def test_the_same_value_is_not_told() -> None:
    text = '[landing.attendance]\ndate_formats = ["%m/%d/%Y"]\n'
    assert merged(text, [DATES]) == (text, (), ())


def test_a_question_stands_there_once_whatever_its_reason() -> None:
    once = merged('[attendance.codes]\nP = "present"\n', [ASKED])[0]
    later = Line(CODES, "L", "…", "9 rows: say what it means", certain=False)
    assert merged(once, [later]) == (once, (), ())
    assert merged(once.replace("  # 5 rows: say what it means", ""), [later])[1] == ()


def test_the_same_code_is_asked_for_in_every_table() -> None:
    text = merged('[attendance.codes]\n\n[homework.codes]\nX = "late"\n', [ASKED])[0]
    homework = Line(("homework", "codes"), "L", "…", "2 rows", certain=False)
    assert merged(text, [homework])[0] == f'{text}# L = "…"  # 2 rows\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[landing.students]\nwidth = { class_id = 3 } # ours\n",
            "[landing.students]\nwidth = { class_id = 3, student_id = 6} # ours\n",
        ),
        (
            '[landing]\nstudents.export = "delta"\n',
            '[landing]\nstudents.export = "delta"\n'
            "students.width.student_id = 6  # Excel took the zeros\n",
        ),
    ],
    ids=["inline", "dotted"],
)
def test_tables_without_a_header_grow_in_their_own_way(text: str, expected: str) -> None:
    once = merged(text, [WIDTH])[0]
    assert tomllib.loads(once) == tomllib.loads(expected)
    assert once.splitlines()[0] == expected.splitlines()[0]
    assert merged(once, [WIDTH]) == (once, (), ())


@pytest.mark.parametrize(
    "text", ['[attendance]\ncodes = { P = "present" }\n', '[attendance]\ncodes.P = "present"\n']
)
def test_questions_of_tables_without_a_header_come_below_them(text: str) -> None:
    once = merged(text, [ASKED])[0]
    assert once.startswith(f"{text}# ")
    assert merged(once, [ASKED]) == (once, (), ())


def test_tables_out_of_order_and_windows_line_ends_are_kept() -> None:
    text = '[landing]\r\nurl = "x"\r\n[mail]\r\n[landing.students]\r\n# ours\r\n'
    assert merged(text, [FILES])[0] == f'{text}files = ["Schüler*.csv"]  # its columns\r\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.config.write_bytes(shipped("pipeline.toml").read_bytes())
    return home


def test_every_line_of_a_new_home_is_still_there_in_its_order(home: Home) -> None:
    before = home.config.read_text("utf-8")
    assert write_lines(home, [FILES, WIDTH, DATES, ASKED]) == ((FILES, WIDTH, DATES, ASKED), ())
    after = iter(home.config.read_text("utf-8").splitlines())
    assert all(line in after for line in before.splitlines())
    assert (home.root / "pipeline.toml.bak").read_text("utf-8") == before


def test_writing_twice_adds_nothing_and_keeps_the_copy_of_the_first(home: Home) -> None:
    write_lines(home, [FILES, ASKED])
    copy, once = (home.root / "pipeline.toml.bak").read_bytes(), home.config.read_bytes()
    assert write_lines(home, [FILES, ASKED]) == ((), ())
    assert home.config.read_bytes() == once
    assert (home.root / "pipeline.toml.bak").read_bytes() == copy


def test_what_could_not_be_loaded_is_not_written(home: Home) -> None:
    before = home.config.read_bytes()
    with pytest.raises(SettingsError, match=r"is as it was(.|\n)*landing\.students\.width"):
        write_lines(home, [Line(WIDTH.section, "student_id", 99, "too many")])
    assert home.config.read_bytes() == before
    assert [path.name for path in home.root.iterdir()] == ["pipeline.toml"]


def test_a_byte_order_mark_stays(home: Home) -> None:
    home.config.write_bytes(b"\xef\xbb\xbf" + home.config.read_bytes())
    write_lines(home, [FILES])
    assert home.config.read_bytes().startswith(b"\xef\xbb\xbf# What")
