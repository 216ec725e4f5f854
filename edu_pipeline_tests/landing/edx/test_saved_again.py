"""Reports of edX that another program saved: as workbooks, compressed, or both beside the original."""

import csv
import gzip
from io import BytesIO, StringIO

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from edu_pipeline_tests.landing.edx.conftest import Land
from edu_pipeline_tests.landing.edx.test_traps import GRADES, PEOPLE, PROFILE, report
from edu_pipeline_tests.landing.edx.test_versions import learner, learners

ONE = f"{PEOPLE}1,u1,One,u1@x.example,AU\n"


def as_workbook(text: str) -> bytes:
    """A CSV opened in a spreadsheet and saved: what looks like a number is one."""
    content = BytesIO()
    with Workbook(content, {"in_memory": True, "strings_to_numbers": True}) as book:
        sheet = book.add_worksheet()
        for line, cells in enumerate(csv.reader(StringIO(text))):
            sheet.write_row(line, 0, cells)
    return content.getvalue()


def test_a_report_saved_as_a_workbook_is_read_like_edx_s_own(land_files: Land) -> None:
    text = report(learner(1, grade=0.87), learner(2, grade=0, given="N"))
    own = land_files({GRADES: text, PROFILE: ONE})
    saved = land_files(
        {
            GRADES.replace(".csv", ".xlsx"): as_workbook(text),
            PROFILE.replace(".csv", ".xlsx"): as_workbook(ONE),
        }
    )
    assert saved.results.drop("file").equals(own.results.drop("file"))
    assert saved.grades() == {"1": 0.87, "2": 0.0}
    assert saved.problems.is_empty()


def test_a_compressed_report_is_read_and_a_broken_one_is_told(land_files: Land) -> None:
    packed = gzip.compress(report(*learners(1, 2)).encode())
    saved = land_files({f"{GRADES}.gz": packed})
    assert saved.grades() == {"1": 0.9, "2": 0.9}
    cut = land_files(
        {GRADES: report(*learners(1)), f"{GRADES}.gz".replace("08-01", "09-01"): packed[:40]}
    )
    assert cut.grades() == {"1": 0.9}
    (problem,) = cut.problems.rows(named=True)
    assert problem["kind"] == "unreadable_file"
    assert "cut short" in problem["message"]


def test_beside_edx_s_own_file_what_was_saved_of_it_does_not_count(land_files: Land) -> None:
    text = report(*learners(1, 2))
    changed = report(learner(1, grade=0.1), learner(2))
    landed = land_files(
        {
            GRADES: text,
            f"{GRADES}.gz": gzip.compress(text.encode()),
            GRADES.replace(".csv", ".xlsx"): as_workbook(changed),
        }
    )
    assert landed.grades() == {"1": 0.9, "2": 0.9}
    assert landed.problems.is_empty()
