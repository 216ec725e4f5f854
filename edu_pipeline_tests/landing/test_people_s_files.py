"""Files as people have them: compressed, in archives, in workbooks of many sheets, written oddly."""

import gzip
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import duckdb
import pytest

from edu_pipeline.landing.sources.school.school_problems import file_problems
from edu_pipeline.landing.tables.encodings import encoding_but_utf_8
from edu_pipeline_tests.landing.conftest import Facts, lines_told
from edu_pipeline_tests.landing.test_workbook import workbook

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Rows = list[list[str]]
MARKS = "select student_id, date::varchar, code from stg_attendance order by all"
HEADER = ["student_id", "date", "code"]
MONDAY = ["007", "2026-09-07", "present"]
TUESDAY = ["007", "2026-09-08", "absent"]
BOTH = [tuple(MONDAY), tuple(TUESDAY)]


def archive(files: dict[str, str]) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w") as book:
        for name, content in files.items():
            book.writestr(ZipInfo(name), content)
    return target.getvalue()


def page(rows: list[list[str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<html><body><table><tr><td><table>{cells}</table></td></tr></table></body></html>"


SPREADSHEET = """<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet ss:Name="Old"><Table><Row><Cell><Data ss:Type="String">student_id</Data></Cell></Row></Table>
<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions></Worksheet>
<Worksheet ss:Name="Now"><Table>
<Row><Cell><Data ss:Type="String">student_id</Data></Cell><Cell><Data ss:Type="String">date</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="String">code</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">007</Data></Cell><Cell><Data ss:Type="DateTime">2026-09-07T00:00:00.000</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="String">present</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">007</Data></Cell><Cell><Data ss:Type="DateTime">2026-09-08T00:00:00.000</Data></Cell>
<Cell/><Cell><Data ss:Type="String">absent</Data></Cell></Row>
</Table></Worksheet></Workbook>
"""


def csv(rows: Rows) -> str:
    return "".join(f"{','.join(row)}\n" for row in rows)


CSV = csv([HEADER, MONDAY, TUESDAY])
WRAPPED: dict[str, Callable[[Rows], str | bytes]] = {
    "attendance_a.csv.gz": lambda rows: gzip.compress(csv(rows).encode(), mtime=0),
    "drop.zip": lambda rows: archive({"daily/attendance.csv": csv(rows), "README.txt": "hello"}),
    "attendance_c.xls": page,
    "attendance_d.xls": lambda rows: SPREADSHEET.replace("007", rows[1][0]),
    "attendance_e.xlsx": lambda rows: workbook(
        {"Week 37": rows[:2], "Week 37b": [rows[0], rows[2]], "Key": [["P"]]}
    ),
    "attendance_f.xlsx": lambda rows: workbook({"Notes": [["Do not edit"]], "Marks": rows}),
    "attendance_g.xlsx": lambda rows: workbook(
        {"Old": [HEADER, [rows[1][0], "2026-09-09", "absent"]], "A": rows}, "Old"
    ),
    "Export 2026-09-11.xlsx": lambda rows: workbook(
        {"Attendance": rows, "Notes": [["Do not edit"]]}
    ),
    "attendance_i.csv": lambda rows: csv([rows[0], *([f'"=""{row[0]}"""', *row[1:]] for row in rows[1:])]),
    "attendance_j.csv": lambda rows: csv([rows[0], *([f'="{row[0]}"', *row[1:]] for row in rows[1:])]),
    "attendance_k.csv": lambda rows: csv([rows[0], *([f"'{row[0]}", *row[1:]] for row in rows[1:])]),
    "attendance_l.csv": lambda rows: csv([rows[0], *([f"{row[0]}\t", *row[1:]] for row in rows[1:])]),
    "attendance_m.csv": lambda rows: csv(
        [[*rows[0], "note"], [*rows[1], f'"{"x" * 140_000}"'], rows[2]]
    ),
    "attendance_n.csv": lambda rows: csv(
        [[*rows[0], "note"], [*rows[1], '"two\nlines"'], [*rows[2], "x" * 140_000], []]
    ),
    "attendance_o.csv": lambda rows: csv(
        [
            ['"student_id"', '"date"', '"code"', '"note"'],
            [*(f'"{cell}"' for cell in rows[1]), '"the \\"long, one\\""'],
            [*(f'"{cell}"' for cell in rows[2]), "\\N"],
        ]
    ),
}  # fmt: skip


def test_an_export_is_read_however_it_is_wrapped(land: Land, messages: Messages) -> None:
    """Each file has the marks of a student."""
    students = {f"{number:03}": name for number, name in enumerate(WRAPPED)}
    con = land(
        {
            "students.csv": "student_id\n" + "".join(f"{each}\n" for each in students),
            "enrollments.csv": "class_id,person_id,role\n"
            + "".join(f"HR-7A,{each},student\n" for each in students),
            "attendance.csv": None,
            **{
                name: WRAPPED[name]([HEADER, [each, *MONDAY[1:]], [each, *TUESDAY[1:]]])
                for each, name in students.items()
            },
        }
    )
    read: dict[str, list[tuple[str, ...]]] = {name: [] for name in WRAPPED}
    for student, *mark in con.sql(MARKS).fetchall():
        read[students[student]].append(tuple(mark))
    assert read == {name: [tuple(MONDAY[1:]), tuple(TUESDAY[1:])] for name in WRAPPED}
    assert messages(con) == []


def test_rows_of_archives_and_sheets_say_where_they_stand(read_exports: Stage) -> None:
    con, *_ = read_exports(
        {
            "drop.zip": archive({"attendance.csv": CSV}),
            "attendance.xlsx": workbook({"A": [HEADER, MONDAY], "B": [HEADER, [], TUESDAY]}),
        }
    )
    assert con.sql("select _file, _line from raw_attendance order by all").fetchall() == [
        ("school/attendance.xlsx#A", 2),
        ("school/attendance.xlsx#B", 3),
        ("school/drop.zip/attendance.csv", 2),
        ("school/drop.zip/attendance.csv", 3),
    ]


def test_a_newer_workbook_takes_the_place_of_all_sheets_of_the_older(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance_2026-09-11.xlsx": workbook(
                {"A": [HEADER, MONDAY], "B": [HEADER, ["008", *TUESDAY[1:]]]}
            ),
            "attendance_2026-09-18.xlsx": workbook({"A": [HEADER, MONDAY], "C": [HEADER, TUESDAY]}),
        }
    )
    assert con.sql(MARKS).fetchall() == BOTH
    assert con.sql("select * from rejected_attendance").fetchall() == []


def test_a_sheet_that_lacks_columns_of_the_others_is_a_question_whose_answer_works(
    read_exports: Stage, facts: Stage
) -> None:
    """It may be a week whose header was lost."""
    book = workbook({"Week 1": [HEADER, MONDAY, TUESDAY], "Week 2": [["x", "y", "z"], TUESDAY]})
    whole, lacking = read_exports({"attendance.xlsx": book}).files["error"]
    assert whole is None
    assert lacking.startswith("the workbook has other sheets")
    con, files, _ = facts({}, lines_told(lacking))
    assert con.sql(MARKS).fetchall() == BOTH
    assert files["error"].to_list() == [None]


def test_dates_of_old_macs_are_not_four_years_early(facts: Stage) -> None:
    """46272 - 1462 days after 1 January 1904 is 7 September 2026."""
    content = workbook({"A": [HEADER, ["007", 44810, "present"]]}, since_1904=True)
    con, *_ = facts({"attendance.xlsx": content})
    assert con.sql(MARKS).fetchall() == [tuple(MONDAY)]


def test_files_that_cannot_be_read_say_why(read_exports: Stage) -> None:
    files = {
        "attendance_a.csv.gz": (
            gzip.compress(CSV.encode(), mtime=0)[:-20],
            "an archive that cannot be opened",
        ),
        "attendance_b.xls": (
            "MIME-Version: 1.0\nContent-Type: multipart/related\n",
            "a web archive",
        ),
        "attendance_c.xls": (
            "<html><body>Please log in</body></html>",
            "a web page without a table",
        ),
        "attendance_d.csv": ('<?xml version="1.0"?><Interchange/>', "an XML file"),
        "attendance_e.csv": (f'{CSV}"00"7,2026-09-09,present\n', "begins in line 4 is not closed"),
    }
    found = read_exports({name: content for name, (content, _) in files.items()}).files
    for path, error, (name, (_, told)) in zip(
        found["path"], found["error"], files.items(), strict=True
    ):
        assert path == f"school/{name}"
        assert told in error


def test_a_wide_table_that_leaves_something_open_is_one_question(read_exports: Stage) -> None:
    wide = {
        "attendance_b": ("student_id,Mon 7,Tue 8,Wed 9", "first_day = "),
        "attendance_c": ("student_id,1,2,3,4,5", "first_day = "),
        "attendance_d": ("student_id,date,Slot 1,Slot 2,Slot 3", "(?P<session>Slot"),
        "homework": ("student_id,Essay (12),Quiz (13),Poster (14)", "cells = "),
    }
    found = read_exports(
        {f"{name}.csv": f"{header}\n007,a,b,c,d\n" for name, (header, _) in wide.items()}
    )
    problems = file_problems(found.files, found.settings.landing)
    messages = [each.message for each in problems if each.kind == "missing_column"]
    for message, (name, (_, line)) in zip(messages, wide.items(), strict=True):
        assert message.startswith(f"school/{name}.csv: ")
        assert line in message


WESTERN = ["José García", "Zoë Müller", "Søren Åberg", "Ana Aalto – 7A"]


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (WESTERN, "cp1252"),
        (["Ana"] * 50 + ["–", "’"], "cp1252"),
        (["Иван Петров", "Мария Сидорова", "Сергей Кузнецов"], "cp1251"),
        (["山田太郎", "鈴木一郎", "佐藤花子"], "cp932"),
        (["Γιώργος Παπαδόπουλος", "Μαρία Νικολάου"], "cp1253"),
    ],
)
def test_an_encoding_is_only_guessed_where_most_letters_are_beyond_ascii(
    tmp_path: Path, names: list[str], encoding: str
) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes("".join(f"S{i},{name}\n" for i, name in enumerate(names)).encode(encoding))
    assert encoding_but_utf_8(path) == encoding
