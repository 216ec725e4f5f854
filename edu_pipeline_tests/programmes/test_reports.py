import csv
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from edu_pipeline.facts.files import export_table, write_csv
from edu_pipeline.facts.run_results import report_rows
from edu_pipeline.ground.files import replaced
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.programmes import reports
from edu_pipeline.programmes.reports import (
    TooManyRowsError,
    completion_report,
    write_xlsx,
)
from edu_pipeline_tests.programmes.conftest import Build, Tables, certified, result, run_of

FORMULAS = ['=HYPERLINK("http://evil.example")', "+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝1+1"]


def report(tables: Tables) -> pl.DataFrame:
    courses = [course.id for course in tables.programmes[0].courses]
    return completion_report(report_rows(tables.con, "lead", courses), courses)


def test_the_report_has_the_columns_that_people_know(build: Build) -> None:
    assert report(build([certified("1", "a")])).columns == [
        "student_id",
        "username",
        "email",
        "name",
        "a_enrollment_track",
        "a_passed",
        "b_enrollment_track",
        "b_passed",
        "c_enrollment_track",
        "c_passed",
        "z_enrollment_track",
        "z_passed",
        "no_certificate_eligible",
        "no_audited_passed",
        "country",
        "core_complete",
        "complete",
        "completed_on",
        *(
            f"{course}_{what}"
            for course in "abcz"
            for what in ("certificate", "grade", "run", "best_grade", "attempts")
        ),
    ]


def test_a_learner_is_one_row_with_the_best_run_of_every_course(build: Build) -> None:
    tables = build(
        [
            result("7", "a", "1T2024", grade=0.9),
            result("7", "a", "1T2025", grade=0.1, track="verified"),
            certified("7", "b"),
            result("7", "c", grade=0.2),
        ],
        learners=[
            {
                "learner_id": "7",
                "username": "maeve",
                "email": "maeve.o'neill@example.org",
                "name": "Máeve O'Neill “Nell”: III",
                "country": "IE",
            }
        ],
    )

    assert report(tables).rows() == [
        (
            "7",
            "maeve",
            "maeve.o'neill@example.org",
            "Máeve O'Neill “Nell”: III",
            *("audit", "Y"),
            *("verified", "Y"),
            *("audit", "N"),
            *(None, None),
            1,
            1,
            "IE",
            *("N", "N", None),
            *("N", 0.9, "1T2024", 0.9, 2),
            *("Y", 0.8, "1T2025", 0.8, 1),
            *("N", 0.2, "1T2025", 0.2, 1),
            *(None, None, None, None, None),
        )
    ]


def test_the_grade_of_the_certificate_and_the_best_grade_are_two_columns(build: Build) -> None:
    rows = report(build([certified("1", "a", "1T2024", grade=0.7), result("1", "a", grade=0.95)]))

    assert rows.select("a_run", "a_grade", "a_best_grade").rows() == [("1T2024", 0.7, 0.95)]


def test_the_report_says_who_completed_and_when(build: Build) -> None:
    """As many certificates as there are courses and no capstone is no programme completed."""
    runs = [run_of(course, "1T2025", ends=date(2025, 6, 20)) for course in "abcz"]
    everything = [certified("1", course) for course in "abcz"]
    core = [*(certified("2", course) for course in "abc"), result("2", "z", grade=0.2)]
    rows = report(build([*everything, *core, result("3", "a")], runs))

    assert rows.select("student_id", "core_complete", "complete", "completed_on").rows() == [
        ("1", "Y", "Y", "2025-06-20"),
        ("2", "Y", "N", None),
        ("3", "N", "N", None),
    ]


def test_most_certificates_come_first_then_ids_as_numbers(build: Build) -> None:
    tables = build(
        [
            result("10", "a"),
            result("9", "a"),
            certified("200", "a"),
            certified("30", "a"),
            *(certified("1000", course) for course in "ab"),
        ]
    )

    rows = report(tables)
    assert rows["student_id"].to_list() == ["1000", "30", "200", "9", "10"]
    assert rows["no_certificate_eligible"].to_list() == [2, 1, 1, 0, 0]


def test_a_learner_whom_no_export_names_is_in_the_report(build: Build) -> None:
    tables = build([result("1", "a"), result("2", "a")], learners=[{"learner_id": "2"}])

    assert report(tables)["student_id"].to_list() == ["1", "2"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_is_taken_for_a_formula(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.csv"
    write_csv(pl.DataFrame({"name": [text, "O'Neill", None], "number": [-1, 2, 3]}), path)

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"'{text}", "O'Neill", ""]
    assert rows[0]["number"] == "-1"


def test_quotes_commas_accents_and_line_breaks_survive_in_both_files(tmp_path: Path) -> None:
    names = ['Ana "Aña", Peña', "two\nlines", "O'Neill: x", "李雷"]
    table = pl.DataFrame({"name": names, "count": [1, 2, 3, 4]})
    write_csv(table, tmp_path / "report.csv")
    write_xlsx({"report": table}, tmp_path / "report.xlsx")

    assert pl.read_csv(tmp_path / "report.csv").equals(table)
    sheet = CalamineWorkbook.from_path(tmp_path / "report.xlsx").get_sheet_by_index(0)
    assert sheet.to_python() == [
        ["name", "count"],
        *([name, float(n)] for n, name in enumerate(names, start=1)),
    ]


def test_a_formula_in_a_workbook_is_text_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    write_xlsx({"report": pl.DataFrame({"name": FORMULAS[:4], "none": [None] * 4})}, path)

    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    assert [row[0] for row in sheet.to_python()[1:]] == FORMULAS[:4]
    assert [file.name for file in tmp_path.iterdir()] == ["report.xlsx"]


def test_what_xml_cannot_hold_comes_out_of_a_workbook_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    names = ["a & <b>", " spaces ", "_x0041_", "bell\x07", None]
    grades = [0.1, None, 1.0, 1e-9, -2.5]
    write_xlsx(
        {"first": pl.DataFrame({"name": names, "grade": grades}), "none": pl.DataFrame({"a": []})},
        path,
    )

    book = CalamineWorkbook.from_path(path)
    assert book.get_sheet_by_index(0).to_python() == [
        ["name", "grade"],
        *(
            [name or "", "" if grade is None else grade]
            for name, grade in zip(names, grades, strict=True)
        ),
    ]
    assert book.get_sheet_by_index(1).to_python() == [["a"]]


def test_a_workbook_that_excel_has_no_room_for_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_ROWS", 2)
    with pytest.raises(TooManyRowsError, match=r"3 rows.*Open lead\.csv"):
        write_xlsx({"lead": pl.DataFrame({"a": [1, 2, 3]})}, tmp_path / "lead.xlsx")

    assert not list(tmp_path.iterdir())


def test_a_file_is_as_it_was_when_writing_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("before")

    def fail() -> None:
        with replaced(path) as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["report.csv"]
    assert path.read_text() == "before"


def test_a_table_is_written_as_parquet_as_it_is_and_as_csv_without_formulas(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    table = pl.DataFrame({"learner_id": ["=1", "-2", "ok"], "change": [-1, 0, None]})
    write_table(con, "some_table", table)

    export_table(con, "some_table", tmp_path / "data")
    export_table(con, "some_table", tmp_path / "data")

    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == [
        "some_table.csv",
        "some_table.parquet",
    ]
    assert pl.read_parquet(tmp_path / "data" / "some_table.parquet").equals(table)
    text = (tmp_path / "data" / "some_table.csv").read_text()
    assert text.splitlines() == ["learner_id,change", "'=1,-1", "'-2,0", "ok,"]


def test_a_table_of_numbers_only_is_written_too(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_table(con, "numbers", pl.DataFrame({"n": [1, 2]}))

    export_table(con, "numbers", tmp_path)

    assert (tmp_path / "numbers.csv").read_text().split() == ["n", "1", "2"]
