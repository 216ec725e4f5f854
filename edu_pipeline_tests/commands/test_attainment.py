from pathlib import Path

import pytest

from edu_pipeline.commands.console import UserError
from edu_pipeline.sample.cohort import make_cohort
from edu_pipeline_tests.commands.conftest import Command
from edu_pipeline_tests.conftest import make_home

pytestmark = pytest.mark.usefixtures("no_history")

HEADER = "Student,Gender,Subject,Exam_Series,Score\n"
GRADES = {"MOCK 1": 3, "MOCK 2": 4, "GCSE": 5}


def results(path: Path, header: str = HEADER, cohort: str = "") -> Path:
    rows = [
        f"{chr(65 + n)}da Quaggawitz,F,{subject},{series},{grade}{cohort}\n"
        for n in range(12)
        for subject in ("Maths", "English Language")
        for series, grade in GRADES.items()
    ]
    path.write_text(header + "".join(rows), encoding="utf-8")
    return path


def test_a_file_of_results_and_a_baseline_make_one_page_with_everything_in_it(
    command: Command, tmp_path: Path
) -> None:
    for name, content in make_cohort(2026, students=40).files.items():
        (tmp_path / Path(name).name).write_bytes(content)
    page = tmp_path / "cohort.html"
    baseline = tmp_path / "yellis_baseline.csv"
    said = command(
        "attainment",
        tmp_path / "results.csv",
        "--baseline",
        baseline,
        "-o",
        page,
        "--cohort",
        "2026",
    )

    assert "2026, names and grades of 40 students in it, so do not forward it." in said.output
    assert said.exit_code == 3  # the sample has grades that nobody knows
    text = page.read_text(encoding="utf-8")
    assert "<h1>2026</h1>" in text
    assert "BASELINE to GCSE" in text
    assert "<script src" not in text
    assert "<link" not in text


def test_the_edition_to_share_names_nobody(command: Command, tmp_path: Path) -> None:
    file = results(tmp_path / "y11.csv")
    page = tmp_path / "page.html"
    said = command("attainment", file, "-o", page, "--shareable")

    assert said.exit_code == 0
    # that there is no id is said, and nothing to look at
    assert "has no student id" in said.output
    assert "!" not in said.output
    assert "no names, no ids and no small groups in it" in said.output
    text = page.read_text(encoding="utf-8")
    assert "quaggawitz" not in text.lower()


def test_what_cannot_become_a_page_is_said_with_what_to_do(
    command: Command, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    several = results(tmp_path / "two.csv", HEADER.strip() + ",Cohort\n", ",2025")
    several.write_text(
        several.read_text(encoding="utf-8").replace("2025", "2026", 30), encoding="utf-8"
    )
    for arguments, message in (
        ([tmp_path / "nothing.csv", "-o", page], "nothing.csv cannot be read: No such file"),
        ([results(tmp_path / "y.csv"), "-o", tmp_path / "y.csv"], "name that ends in .html"),
        (
            [results(tmp_path / "y.csv"), "-o", tmp_path / "nowhere" / "y.html"],
            "There is no folder",
        ),
        (
            [several, "-o", page],
            '2 cohorts in it: 2025, 2026. A page is about one; add: --cohort "2025"',
        ),
    ):
        with pytest.raises(UserError, match=message.replace(".", r"\.")):
            command("attainment", *arguments)
    empty = tmp_path / "empty.csv"
    empty.write_text(HEADER, encoding="utf-8")
    with pytest.raises(UserError, match="There is no exam result in it"):
        command("attainment", empty, "-o", page)
    assert not page.exists()
    assert command("attainment", several, "-o", page, "--cohort", "2026").exit_code == 0


def stating(path: Path) -> Path:
    rows = [f"A{n},Maths,GCSE,5,{1 if n else 2}\nA{n},Maths,BASELINE,4,\n" for n in range(12)]
    header = "Student id,Subject,Exam_Series,Score,Difference\n"
    path.write_text(header + "".join(rows), encoding="utf-8")
    return path


DISAGREE = "of 12 differences that the export states, 1 is not what is computed here"


def test_differences_that_the_export_states_otherwise_are_said(
    command: Command, tmp_path: Path
) -> None:
    said = command("attainment", stating(tmp_path / "y.csv"), "-o", tmp_path / "y.html")

    assert said.exit_code == 3
    assert DISAGREE in said.output


def test_a_home_with_nothing_but_results_is_told_of_its_page_and_of_no_letters(
    command: Command, tmp_path: Path
) -> None:
    home = make_home(tmp_path, {})
    folder = home.data / "landing" / "attainment"
    folder.mkdir()
    stating(folder / "y11.csv")
    said = command("run")

    assert said.exit_code == 3  # as the command without a home: for the difference
    assert "exam results" in said.output
    assert DISAGREE in said.output
    assert f"Pages: {home.site / 'index.html'}" in said.output
    assert "no letters" not in said.output
    assert 'href="staff/y11.html"' in (home.site / "attainment" / "index.html").read_text()
