"""Excel wherever CSV goes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO

import duckdb
import polars as pl
import pytest
import xlsxwriter  # type: ignore[import-untyped]

from edu_pipeline.landing.tables.workbook import text
from edu_pipeline_tests.landing.conftest import Facts

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
STUDENTS = "select student_id, given_name, grade from stg_students order by 1"


def workbook(
    sheets: Mapping[str, Sequence[Sequence[object]]], hidden: str = "", *, since_1904: bool = False
) -> bytes:
    """Sheet → its rows; dates are dates, text is text."""
    target = BytesIO()
    options = {"default_date_format": "d mmm yyyy", "date_1904": since_1904}
    with xlsxwriter.Workbook(target, options) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name == hidden:
                sheet.hide()
            else:
                sheet.activate()
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):
                        sheet.write_string(row, column, cell)
                    elif cell is not None:
                        sheet.write(row, column, cell)
    return target.getvalue()


ROWS: list[list[object]] = [
    ["Student ID", "First name", "Grade"],
    ["007", "Zoë", 7.0],
    ["008", "Ben", 7],
]


def test_a_workbook_is_read_like_a_csv_file(people: Land, read_exports: Stage) -> None:
    con = people({"students.xlsx": workbook({"Export": ROWS})})
    assert con.sql(STUDENTS).fetchall() == [("007", "Zoë", "7"), ("008", "Ben", "7")]
    assert con.sql("select * from rejected_students").fetchall() == []
    assert read_exports({}).files.select("path", "sheet", "header", "error").rows() == [
        ("school/students.xlsx", "Export", ROWS[0], None)
    ]


def test_a_workbook_is_one_whatever_its_name_and_the_settings_for_text_files(people: Land) -> None:
    con = people(
        {"students.csv": workbook({"Export": ROWS})},
        '[landing.students]\ndelimiter = ";"\nencoding = "cp1252"',
    )
    assert con.sql("select count(*) from stg_students").fetchall() == [(2,)]


def test_the_named_sheet_counts(people: Land) -> None:
    book = workbook({"Notes": [["Nothing", "here"]], "Pupils 2026": ROWS})
    con = people({"students.xlsx": book}, '[landing.students]\nsheet = "Pupils 2026"')
    assert con.sql("select count(*) from stg_students").fetchall() == [(2,)]


def test_a_sheet_that_is_not_there_is_a_problem_whose_fix_works(read_exports: Stage) -> None:
    book = workbook({"One": ROWS, "Two": [["x"]]})
    said = read_exports({"students.xlsx": book}, '[landing.students]\nsheet = "Three"')
    assert said.files["error"].to_list() == [
        "it has no sheet “Three”. Its sheets are: One, Two. "
        'Add to [landing.students]: sheet = "One"'
    ]
    fixed = read_exports({}, '[landing.students]\nsheet = "One"')
    assert fixed.files["error"].to_list() == [None]
    assert fixed.con.sql("select count(*) from read_students").fetchall() == [(2,)]


def test_lines_are_rows_of_the_sheet(facts: Stage) -> None:
    rows: list[list[object]] = [
        ["Riverside School"],
        [],
        ["student_id", "date", "code"],
        ["007", date(2026, 9, 7), "present"],
        [None, None, None],
        ["008", "two\nlines", "present"],
        ["999", date(2026, 9, 7), "present"],
    ]
    con, *_ = facts({"attendance.xlsx": workbook({"A": rows})})
    assert con.sql("select line, date from stg_attendance").fetchall() == [(4, date(2026, 9, 7))]
    assert con.sql("select line, rule, value from rejected_attendance order by 1").fetchall() == [
        (6, "unparseable_date", "two lines"),
        (7, "unknown_student_id", "999"),
    ]


def test_ids_that_excel_made_numbers_of_get_their_zeros_back(people: Land) -> None:
    """In a sheet of one column, where rows after a gap keep their numbers, too."""
    rows: list[list[object]] = [["student_id"], [7], [None], [8.0], ["A9"], [1234]]
    con = people(
        {"students.xlsx": workbook({"A": rows})},
        "[landing.students.width]\nstudent_id = 3",
    )
    assert con.sql("select student_id from stg_students order by 1").fetchall() == [
        ("007",),
        ("008",),
        ("1234",),
        ("A9",),
    ]
    assert con.sql("select _line, student_id from raw_students order by 1").fetchall() == [
        (2, "7"),
        (4, "8"),
        (5, "A9"),
        (6, "1234"),
    ]


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("007", "007"),
        ("a\r\nb", "a b"),
        (7.0, "7"),
        (0.5, "0.5"),
        (12345678901.0, "12345678901"),
        (True, "true"),
        (False, "false"),
        (date(2026, 9, 7), "2026-09-07"),
        (datetime(2026, 9, 7), "2026-09-07"),  # noqa: DTZ001 - a sheet knows no zones
        (datetime(2026, 9, 7, 8, 5), "2026-09-07 08:05:00"),  # noqa: DTZ001
        (datetime(2026, 9, 6, 23, 59, 59, 999_000), "2026-09-07"),  # noqa: DTZ001
        (time(8, 5), "08:05:00"),
        (timedelta(hours=1, minutes=30), "1:30:00"),
    ],
)
def test_a_cell_is_what_people_see_of_it(cell: object, seen: str) -> None:
    assert text(cell) == seen  # type: ignore[arg-type]


def test_a_sheet_set_aside_as_old_is_left_out(facts: Stage) -> None:
    header = ["student_id", "date", "code"]
    kept, gone = ["007", "2026-09-07", "present"], ["008", "2026-09-07", "absent"]
    book = workbook({"Marks": [header, kept], "Marks (old)": [header, kept, gone]})
    con, files, _ = facts({"attendance.xlsx": book})
    assert con.sql("select student_id from stg_attendance").fetchall() == [("007",)]
    assert files.filter(~pl.col("current"))["path"].to_list() == [
        "school/attendance.xlsx#Marks (old)"
    ]
    assert con.sql("select * from rejected_attendance").fetchall() == []


@pytest.mark.parametrize(("column", "line", "told"), [(0, 1, True), (2, 1, False), (0, 0, False)])
def test_cells_that_are_merged_over_rows_are_told_where_they_are_read(
    read_exports: Stage, column: int, line: int, *, told: bool
) -> None:
    """In a column that nobody reads, and in the header, they are as good as any."""
    rows = [["student_id", "First name", "Bus"], ["007", "Zoë", "A"], ["008", "Ben", "B"]]
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows if line else [["", "", ""], *rows]):
            sheet.write_row(number, 0, cells)
        sheet.merge_range(line, column, line + 1, column, rows[line][column])
    page = "".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for cells in (rows if line else [rows[0][1:], *rows[1:]])
    ).replace(f"<td>{rows[line][column]}</td>", f'<td rowspan="2">{rows[line][column]}</td>')
    pages = {"students_b.xls": f"<html><table>{page}</table></html>"} if line else {}
    files = read_exports({"students_a.xlsx": target.getvalue(), **pages}).files
    for error in files["error"]:
        assert (error is not None and "student_id are merged over several rows" in error) == told
