"""Every file of a landing zone is listed once, with the source that claims it."""

from pathlib import Path

from edu_pipeline.landing.files import files_of_all
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings


def test_every_file_has_its_source_or_none(tmp_path: Path) -> None:
    for path in (
        "school/students.csv",
        "school/notes.md",
        "loose.csv",
        "micromasters/lead/UQx_A_1T2027_grade_report_2027-05-01-0930.csv",
        "micromasters/lead/notes.txt",
        "attainment/2026/old.csv",
        "attainment/2026/results.csv",
        "mail/events/sendgrid.json",
    ):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("student_id\n7\n")
    settings = Settings.model_validate({"landing": {"ignore": ["*/old.csv"]}})
    files = files_of_all(Zone(tmp_path.as_uri()), settings, "run-1")
    assert files.select("path", "source", "table").rows() == [
        ("school/students.csv", "school", "students"),
        ("attainment/2026/old.csv", "results", ""),
        ("attainment/2026/results.csv", "results", "results"),
        ("loose.csv", None, ""),
        ("mail/events/sendgrid.json", "mail", "events"),
        ("micromasters/lead/UQx_A_1T2027_grade_report_2027-05-01-0930.csv", "edx", "grades"),
        ("micromasters/lead/notes.txt", "edx", ""),
        ("school/notes.md", None, ""),
    ]
    assert set(files["refresh"]) == {"run-1"}
