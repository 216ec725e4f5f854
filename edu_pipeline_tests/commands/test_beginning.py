"""A team's first hour: a folder of edX's exports, and what a new home makes of it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edu_pipeline.cli import app
from edu_pipeline.commands.beginning import placing
from edu_pipeline.commands.console import UserError
from edu_pipeline.settings.home import Home, load_settings

HEADER = (
    "Student ID,Email,Username,Grade,Enrollment Track,Verification Status,Certificate Eligible,"
    "Certificate Delivered,Certificate Type,Enrollment Status\n"
)
ROWS = (
    "1,ada@x.example,ada,0.8,verified,ID Verified,Y,Y,verified,enrolled\n"
    "2,ben@x.example,ben,0.6,verified,ID Verified,N,N,verified,enrolled\n"
)
ONE = "SaltX_GR1_1T2024_grade_report_2024-09-02-0311.csv"
TWO = "SaltX_GR2_1T2024_grade_report_2024-09-02-0311.csv"


def lay(folder: Path, *paths: str) -> Path:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEADER + ROWS, encoding="utf-8")
    return folder


def places(folder: Path) -> list[str]:
    return sorted(placing(folder).targets.values())


def test_what_lies_in_the_folder_itself_is_one_programme_of_its_name(tmp_path: Path) -> None:
    folder = lay(tmp_path / "Groynes & Piers", ONE, TWO, "notes.txt")
    assert places(folder) == [
        f"micromasters/groynes-piers/{ONE}",
        f"micromasters/groynes-piers/{TWO}",
    ]
    assert placing(folder).left == 1


def test_each_folder_with_exports_is_a_programme_unless_they_share_a_run(tmp_path: Path) -> None:
    apart = lay(tmp_path / "all", f"groynes/{ONE}", f"piers/2024/{TWO}")
    assert places(apart) == [f"micromasters/groynes/{ONE}", f"micromasters/piers/2024/{TWO}"]
    profile = ONE.replace("grade_report", "student_profile_info")
    by_kind = lay(tmp_path / "sea", f"grades/{ONE}", f"profiles/{profile}")
    assert places(by_kind) == [
        f"micromasters/sea/grades/{ONE}",
        f"micromasters/sea/profiles/{profile}",
    ]


def test_what_edx_s_own_tables_say_is_taken_with_the_exports(tmp_path: Path) -> None:
    table = "SaltX-GR1-1T2024-certificates_generatedcertificate-prod-analytics.sql"
    folder = lay(tmp_path / "sea", ONE, table, "email_opt_in-SaltX.csv")
    assert len(places(folder)) == 3
    assert placing(folder).left == 0


def test_without_an_export_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no student profile and no grade report of edX"):
        placing(lay(tmp_path / "none", "grades.csv"))
    with pytest.raises(UserError, match="is no folder"):
        placing(tmp_path / "nowhere")


def test_a_home_is_made_with_its_programmes_and_speaks_of_no_school(tmp_path: Path) -> None:
    exports = lay(tmp_path / "sea", ONE)
    done = CliRunner().invoke(app, ["init", str(tmp_path / "home"), "--programmes", str(exports)])
    assert done.exit_code == 0, done.output
    home = Home(tmp_path / "home")
    (found,) = load_settings(home).programmes
    assert (found.id, [(each.id, each.pass_mark) for each in found.courses]) == (
        "sea",
        [("gr1", 0.8)],
    )
    assert [(run.course, run.run) for run in found.runs] == [("gr1", "1T2024")]
    assert (home.data / "landing" / "micromasters" / "sea" / ONE).is_file()
    assert not (home.data / "landing" / "school").exists()
    assert "1 export of" in done.output
    assert "school/" not in done.output
    assert "@x.example" not in done.output + home.config.read_text(encoding="utf-8")
