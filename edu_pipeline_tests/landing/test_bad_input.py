"""What nobody exports and somebody may land all the same: told by its name, and never followed."""

import gzip
import io
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from edu_pipeline.landing import archives
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.placing import place
from edu_pipeline.landing.tables import workbook
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.markup import is_markup, tables_in
from edu_pipeline.landing.tables.workbook import write_csv
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing

STUDENTS = b"student_id,given_name\n001,Ada\n"
Lie = Callable[[Mapping[str, bytes]], Mapping[str, str]]


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., Mapping[str, str]]:
    """Lands files of a school; what is wrong with each that cannot be read."""

    def land(files: Mapping[str, bytes], **landing: int) -> Mapping[str, str]:
        school = tmp_path / "zone" / "school"
        school.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (school / name).write_bytes(content)
        settings = Landing.model_validate(landing)
        zone = Zone((tmp_path / "zone").as_uri(), settings)
        taken = survey(zone, settings).select("path", "error").drop_nulls().rows()
        return {**dict(taken), **place(zone, settings).unplaced}

    return land


def packed(members: Mapping[str, bytes], links: bool = False) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFLNK if links else stat.S_IFREG) << 16
            book.writestr(info, data)
    return content.getvalue()


def test_a_name_that_leads_out_of_its_archive_is_refused(told: Lie, tmp_path: Path) -> None:
    members = {"../../students.csv": STUDENTS, "/staff.csv": b"staff_id\nT1\n"}
    found = told({"week.zip": packed(members)})
    assert {path: text.partition(".")[0] for path, text in found.items()} == {
        "school/week.zip/../../students.csv": "a name that leads out of its archive",
        "school/week.zip//staff.csv": "a name that leads out of its archive",
    }
    assert [path.name for path in tmp_path.rglob("*.csv")] == []


def test_a_link_in_an_archive_is_not_followed(told: Lie) -> None:
    found = told({"week.zip": packed({"students.csv": b"/etc/passwd"}, links=True)})
    (text,) = found.values()
    assert text.startswith("a link, not a file. Pack the file itself")


def test_an_archive_that_shrank_more_than_exports_do_is_not_unpacked(
    told: Lie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_HARMLESS", 1_000_000)
    bomb = bytes(8_000_000)
    found = told(
        {
            "week.zip": packed({"students.csv": bomb}),
            "staff.csv.gz": gzip.compress(bomb),
            "classes.xlsx": packed({"xl/workbook.xml": bomb}),
        }
    )
    assert found.keys() == {"school/week.zip", "school/staff.csv.gz", "school/classes.xlsx"}
    assert "“students.csv” in it is packed to less than a 400th" in found["school/week.zip"]
    assert "more than 3 MB when it is unpacked" in found["school/staff.csv.gz"]
    assert "“xl/workbook.xml” in it is packed to less" in found["school/classes.xlsx"]


def test_what_an_archive_holds_may_together_be_as_large_as_a_file(
    told: Callable[..., Mapping[str, str]],
) -> None:
    half = STUDENTS * 20_000  # 0.6 MB, two of them more than 1
    members = {"students_a.csv": half, "students_b.csv": half}
    (text,) = told({"week.zip": packed(members)}, max_file_mb=1).values()
    assert "unpacked it has 1 MB, more than a file may have" in text
    assert text.endswith("raise in [landing]: max_file_mb = 2.")
    assert told({"week.zip": packed(members)}, max_file_mb=2) == {}


def test_an_archive_inside_an_archive_is_told(told: Lie) -> None:
    found = told({"week.zip": packed({"inner.zip": packed({"students.csv": STUDENTS})})})
    assert found["school/week.zip/inner.zip"].startswith("Not read: an archive inside an archive.")


@pytest.mark.parametrize("name", ["week.7z", "week.tar.gz", "week.rar"])
def test_an_archive_of_another_kind_is_told(told: Lie, name: str) -> None:
    assert "an archive of a kind that is not read" in told({name: b"anything"})[f"school/{name}"]


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize(
    "text",
    [
        f'<?xml version="1.0"?>{LAUGHS}<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        f"<html>{LAUGHS}<table><tr><td>student_id</td></tr><tr><td>&b;</td></tr></table></html>",
        f'<?xml version="1.0"?>{LAUGHS}<InterchangeStudent/>',
    ],
)
def test_words_that_a_page_defines_itself_are_not_followed(told: Lie, text: str) -> None:
    (why,) = told({"students.xls": text.encode()}).values()
    assert why.startswith("a page or XML file that defines words of its own")


def test_words_that_a_workbook_defines_itself_are_not_followed(told: Lie, tmp_path: Path) -> None:
    _workbook(tmp_path / "plain.xlsx", {(0, 0): "student_id", (1, 0): "&b;"})
    laughing = io.BytesIO()
    with (
        zipfile.ZipFile(tmp_path / "plain.xlsx") as plain,
        zipfile.ZipFile(laughing, "w", zipfile.ZIP_DEFLATED) as book,
    ):
        for name in plain.namelist():
            content = plain.read(name)
            if name == "xl/sharedStrings.xml":
                content = content.replace(b"&amp;b;", b"&b;").replace(
                    b"?>", f"?>{LAUGHS}".encode(), 1
                )
            book.writestr(name, content)
    (why,) = told({"students.xlsx": laughing.getvalue()}).values()
    assert why.startswith("a workbook or archive that cannot be opened")


def test_a_cell_far_from_all_others_ends_no_process(told: Lie, tmp_path: Path) -> None:
    """One cell in Excel's last row and column: its reader would make room for 17 thousand million."""
    _workbook(
        tmp_path / "far.xlsx", {(0, 0): "student_id", (1, 0): "007", (1_048_575, 16_383): " "}
    )
    (why,) = told({"students.xlsx": (tmp_path / "far.xlsx").read_bytes()}).values()
    assert why.startswith(
        "a workbook with a cell far from all others: xl/worksheets/sheet1.xml reaches"
    )


def test_a_long_or_a_wide_sheet_is_no_far_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "_MOST_CELLS", 100)
    path, copy = tmp_path / "book.xlsx", tmp_path / "copy.csv"
    _workbook(path, {(0, 0): "a", (9, 9): "b"})
    write_csv(path, None, copy)
    assert len(copy.read_text(encoding="utf-8").splitlines()) == 10
    _workbook(path, {(0, 0): "a", (10, 9): "b"})
    with pytest.raises(UnreadableFileError, match="11 rows and 10 columns"):
        write_csv(path, None, copy)


def test_a_page_that_says_it_is_huge_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "page.xls"
    cell = f'<tr><td colspan="{"9" * 5000}">x</td></tr>'
    path.write_text(f"<table>{cell * 2000}</table>", encoding="utf-8")
    assert is_markup(path)
    tracemalloc.start()
    with pytest.raises(UnreadableFileError, match="cells reach over more rows and columns"):
        tables_in(path)
    assert tracemalloc.get_traced_memory()[1] < 400_000_000
    tracemalloc.stop()


def _workbook(path: Path, cells: Mapping[tuple[int, int], str]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("students")
        for (row, column), text in cells.items():
            sheet.write_string(row, column, text)
