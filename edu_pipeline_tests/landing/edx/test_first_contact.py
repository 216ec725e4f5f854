"""What edX's reports say of themselves before anybody has said what they are."""

import tomllib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from edu_pipeline.landing.sources.edx.edx_described import programme_lines
from edu_pipeline.landing.sources.edx.edx_guesses import (
    course_and_run,
    guessed_columns,
    guessed_mark,
)
from edu_pipeline.landing.sources.edx.edx_reading import unknown_headers
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, Land
from edu_pipeline_tests.landing.edx.test_traps import GRADES, report
from edu_pipeline_tests.landing.edx.test_versions import learner, learners

SPANISH = (
    "Id de estudiante,Correo,Usuario,Nota,Tarea 1,Modalidad,Estado de verificación,Apto,Entregado,Tipo\n"
    "7,ana@x.example,ana,0.91,0.5,verified,ID Verified,Y,Y,verified\n"
    "8,bo@x.example,bo,0.12,0.5,audit,N/A,N,N,N/A\n"
)
SAID = {
    "Id de estudiante": "Student ID",
    "Correo": "email",
    "Usuario": "username",
    "Nota": "Grade",
    "Modalidad": "Enrollment Track",
    "Estado de verificación": "Verification Status",
    "Apto": "Certificate Eligible",
    "Entregado": "Certificate Delivered",
    "Tipo": "Certificate Type",
}


def as_frame(text: str) -> pl.DataFrame:
    return pl.read_csv(text.encode(), infer_schema=False)


def test_columns_that_stand_as_edx_writes_them_are_told_by_their_cells() -> None:
    assert guessed_columns("grades", as_frame(SPANISH)) == SAID


def test_a_report_of_which_only_the_certificates_have_other_names_is_asked_about(
    land_files: Land,
) -> None:
    header, rows = SPANISH.split("\n", 1)
    tail = header.split(",")[5:]
    partly = f"Student ID,Email,Username,Grade,Tarea 1,{','.join(tail)}\n{rows}"
    found = land_files({GRADES: partly})
    (problem,) = found.problems.filter(kind="unknown_columns").iter_rows(named=True)
    assert problem["holds"] == "nudges"
    assert '"Modalidad" = "Enrollment Track", ' in problem["message"]

    said = land_files({GRADES: partly}, columns={name: SAID[name] for name in tail})
    assert said.problems.is_empty()
    assert said.results["certificate_delivered"].to_list() == [True, False]


def test_a_report_from_before_there_were_such_columns_is_not(land_files: Land) -> None:
    old = "id,email,username,grade,HW 01,HW Avg\n7,a@x.example,a,0.9,1.0,1.0\n8,b@x.example,b,0,0.0,0.0\n"
    assert land_files({GRADES: old}).problems.is_empty()


def test_of_two_places_that_fit_neither_is_guessed() -> None:
    twice = as_frame(SPANISH)
    again = twice.select(pl.all().name.suffix(" 2"))
    assert guessed_columns("grades", pl.concat([twice, again], how="horizontal")) == {}


def test_a_report_with_translated_headers_is_read_once_somebody_says_what_they_are(
    land_files: Land, tmp_path: Path
) -> None:
    unread = land_files({GRADES: SPANISH})
    (message,) = unread.problems.filter(kind="unreadable_file")["message"]
    assert "`edu-pipeline landing inspect` prints the lines" in message

    path = tmp_path / "0" / "landing"
    zone = Zone(path.as_uri())
    (found,) = unknown_headers(zone, [f"micromasters/buslead/{GRADES}"], {})
    assert found.guessed == SAID
    assert found.unknown == tuple(SAID)  # no grades of assignments
    assert found.lacking == ("a learner's id or username", "grade")

    lines = "\n".join(f'"{theirs}" = "{edx_s}"' for theirs, edx_s in SAID.items())
    said = Settings.model_validate(tomllib.loads(f"[landing.edx.columns]\n{lines}"))
    read = land_files({GRADES: SPANISH}, columns=said.landing.edx.columns)
    assert read.grades() == {"7": 0.91, "8": 0.12}
    assert read.results["certificate_delivered"].to_list() == [True, False]
    assert read.problems.is_empty()


def test_what_no_column_of_edx_is_called_is_refused() -> None:
    with pytest.raises(ValueError, match="'Note' is no column of edX's reports"):
        Settings.model_validate({"landing": {"edx": {"columns": {"Nota": "Note"}}}})


@pytest.mark.parametrize(
    ("key", "course", "run"),
    [
        ("UQx_ENGY1x_1T2019", "UQx_ENGY1x", "1T2019"),
        ("UQx_CS2013x_2T2018a", "UQx_CS2013x", "2T2018a"),
        ("MITx_6.00_Jan_2015", "MITx_6.00", "Jan_2015"),
        ("UTPL_MAATE_2024_2", "UTPL_MAATE", "2024_2"),
        ("Partner_2_MAATE-UTPL_2025_fall", "Partner_2_MAATE-UTPL", "2025_fall"),
        ("SaltX_GR2_3T_2024", "SaltX_GR2", "3T_2024"),
        ("Org_Course_Run", "Org_Course", "Run"),
    ],
)
def test_a_run_is_told_from_its_course_by_its_year(key: str, course: str, run: str) -> None:
    assert course_and_run(key) == (course, run)


def results(*rows: tuple[float, bool, bool]) -> pl.DataFrame:
    """Of grade, eligible, paid."""
    return pl.DataFrame(
        [(*row, "verified" if row[2] else "audit") for row in rows],
        schema=["grade", "certificate_eligible", "paid", "track"],
        orient="row",
    )


def test_a_pass_mark_lies_between_who_is_eligible_and_who_is_not() -> None:
    found = guessed_mark(
        results((0.66, True, True), (0.9, True, True), (0.61, False, True), (0.8, False, False))
    )
    assert found is not None
    assert (found.mark, found.above, found.up_to) == (0.65, 0.61, 0.66)
    assert found.sentence == (
        "a guess: edX calls learners from 0.66 eligible for a certificate, nobody up to 0.61"
    )


def test_a_few_on_edx_s_list_of_exceptions_move_no_mark() -> None:
    whole = [(n / 100, n >= 70, True) for n in range(1, 101)]
    found = guessed_mark(results(*whole, (0.1, True, True)))
    assert found is not None
    assert found.mark == 0.7


def test_without_anybody_on_the_other_side_nothing_is_guessed() -> None:
    assert guessed_mark(results((0.9, True, True), (0.8, True, True))) is None
    assert guessed_mark(results((0.9, False, True))) is None
    # eligible or not has nothing to do with the grade
    mixed = [(n / 100, n % 2 == 0, True) for n in range(1, 101)]
    assert guessed_mark(results(*mixed)) is None


def test_programmes_are_written_from_what_lies_there(land_files: Land, tmp_path: Path) -> None:
    rows = [learner(1), learner(2, grade=0.6, given="N"), learner(3, track="scholarship")]
    older = GRADES.replace("1T2024_grade_report_2024", "2T2023_grade_report_2023")
    other = GRADES.replace("BUSLEAD1x", "BUSLEAD2x")
    land_files({GRADES: report(*rows), older: report(*learners(1)), other: report(*learners(1))})
    zone = Zone((tmp_path / "0" / "landing").as_uri())
    text = programme_lines(zone, (), {}, date(2026, 12, 2))

    (found,) = Settings.model_validate(tomllib.loads(text)).programmes
    assert (found.id, found.nudges_since) == ("buslead", date(2026, 12, 2))
    assert [(c.id, c.key, c.pass_mark) for c in found.courses] == [
        ("buslead1x", ("UQx_BUSLEAD1x",), 0.9)
    ]
    assert [(r.course, r.run, r.starts) for r in found.runs] == [
        ("buslead1x", "2T2023", None),
        ("buslead1x", "1T2024", None),
    ]
    assert "pass_mark = 0.9  # a guess: edX calls learners from 0.9 eligible" in text
    # of the second course nobody failed: it waits for a person
    assert '# id = "buslead2x"' in text
    assert "# pass_mark = …  # the exports do not say it" in text
    assert "# Track scholarship (1 result): do its certificates count, or is it free?" in text
    assert '"scholarship"]' in text
    assert "\n# starts = \n" in text
    # and what is there already is not written again
    assert (
        programme_lines(
            zone,
            Settings.model_validate(tomllib.loads(PROGRAMME)).programmes,
            {},
            date(2026, 12, 2),
        )
        == ""
    )


def test_a_renumbered_course_is_one_course_with_the_runs_of_all_its_keys(land_files: Land) -> None:
    renumbered = PROGRAMME.replace(
        'title = "UQx_BUSLEAD1x"', 'title = "Leading"\nkey = ["UQx/BUSLEAD1x", "UQx+LEAD.1Fx"]'
    )
    later = GRADES.replace("BUSLEAD1x_1T2024", "LEAD.1Fx_1T2025").replace("2024-08", "2025-08")
    landed = land_files({GRADES: report(*learners(1)), later: report(*learners(2))}, renumbered)
    assert landed.results.select("course_id", "run", "learner_id").rows() == [
        ("buslead1x", "UQx_BUSLEAD1x_1T2024", "1"),
        ("buslead1x", "UQx_LEAD.1Fx_1T2025", "2"),
    ]
    # until the settings know the second key, they say how to
    (message,) = land_files(
        {
            GRADES: report(*learners(1)),
            later.replace("LEAD.1Fx", "BUSLEAD1Fx"): report(*learners(2)),
        }
    ).problems.filter(kind="unclaimed_export")["message"]
    assert 'paste there: key = ["UQx_BUSLEAD1x", "UQx_BUSLEAD1Fx"]' in message
