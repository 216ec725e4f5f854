"""What is said of a landing zone of any sources, and what is to be done."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pytest

from edu_pipeline.landing.inspection import Inspection, inspect_zone
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings

Look = Callable[..., Inspection]
SCHOOL = {"school/attendance.csv": "student_id,date,code\n1,2026-09-07,present\n"}
GRADES = (
    "Student ID,Email,Username,Grade,Enrollment Track,Verification Status,Certificate Eligible,"
    "Certificate Delivered,Certificate Type\n1,a@x.example,ada,0.9,verified,N/A,Y,Y,verified\n"
)
EDX = {"micromasters/lead/UQx_LEAD1x_1T2027_grade_report_2027-05-01-0930.csv": GRADES}
PROGRAMME = (
    '[[programmes]]\nid = "lead"\ntitle = "Leading"\n'
    'courses = [{ id = "one", title = "UQx_LEAD1x", pass_mark = 0.5 }]\n'
)
EXAMS = {
    "attainment/2026/results.csv": "Student ID,Subject,Series,Grade\n"
    + "".join(f"{i},Maths,GCSE,{i}\n" for i in range(1, 9))
}


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def inspect(
        files: Mapping[str, str], toml: str = "", released: Collection[str] = ()
    ) -> Inspection:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        settings = Settings.model_validate(tomllib.loads(toml))
        zone = Zone(tmp_path.as_uri(), settings.landing)
        return inspect_zone(zone, settings, released)

    return inspect


def told(seen: Inspection) -> str:
    rows = [f"{row.label}: {row.text}" for block in seen.blocks for row in block.rows]
    return "\n".join([*(block.title for block in seen.blocks), *rows, *seen.to_do])


def taken(seen: Inspection) -> dict[str, str | None]:
    return {file.path: file.taken_for for file in seen.taken}


def test_a_university_learns_what_its_reports_are_and_is_asked_for_no_school(look: Look) -> None:
    seen = look(EDX, PROGRAMME)
    assert (seen.jobs, seen.ready) == (("programmes",), True)
    assert taken(seen) == {next(iter(EDX)): "grade report of UQx_LEAD1x_1T2027"}
    assert (
        "one: UQx_LEAD1x_1T2027; grade report of 2027-05-01, 1 row; tracks: verified 1 (paid)"
        in told(seen)
    )
    assert "students" not in told(seen)


def test_reports_of_edx_without_a_programme_are_told_by_their_names_with_what_to_fill_in(
    look: Look,
) -> None:
    seen = look(EDX)
    assert not seen.ready
    assert "UQx_LEAD1x: runs 1T2027; 1 grade report; of 2027-05-01" in told(seen)
    # one learner who passed says nothing of who did not
    assert '# [[programmes]]\n# id = "lead"' in seen.more_lines
    assert '# key = "UQx_LEAD1x"' in seen.more_lines
    assert "pass_mark = …" in seen.more_lines


def test_a_report_of_edx_beside_the_folders_is_sent_to_its_place(look: Look) -> None:
    seen = look({"UQx_LEAD1x_1T2027_grade_report_2027-05-01-0930.csv": GRADES})
    assert "By its name it is a report of edX" in told(seen)
    assert not seen.ready


def test_exam_results_alone_ask_for_no_school_and_say_what_they_rest_on(look: Look) -> None:
    seen = look(EXAMS)
    assert seen.jobs == ("attainment",)
    assert "GCSE, the final: 8 grades; BASELINE, the baseline: 0 grades" in told(seen)
    assert "subjects: Maths (8)" in told(seen)
    assert "Letters cannot be made without" not in told(seen)


def test_all_three_are_told_and_only_the_school_is_incomplete(look: Look) -> None:
    seen = look(SCHOOL | EDX | EXAMS, PROGRAMME)
    assert seen.jobs == ("teachers", "programmes", "attainment")
    assert set(taken(seen).values()) == {
        "attendance",
        "grade report of UQx_LEAD1x_1T2027",
        "exam results of 2026",
    }
    assert [each.partition(".")[0] for each in seen.to_do[:2]] == [
        "No students export has landed",
        "No staff export has landed",
    ]


def test_a_class_that_the_newest_roster_has_lost_is_told_before_any_run(look: Look) -> None:
    header = "class_id,person_id,role,begin_date,end_date\n"
    ada, ben = (
        "".join(f"HR-{room},{n},student,2026-09-01,\n" for n in people)
        for room, people in (("7A", range(3)), ("7B", range(3, 6)))
    )
    older, newer = (f"school/enrollments_2026-09-{day}.csv" for day in (11, 18))
    files = {
        **SCHOOL,
        "school/students.csv": f"student_id\n{''.join(f'{n}{chr(10)}' for n in range(6))}",
        older: header + ada + ben,
        newer: header + ada,
    }
    assert f"{newer} has no student of class HR-7B" in told(look(files))
    assert "has no student of" not in told(look({**files, newer: header + ada + ben}))


def test_a_file_that_breaks_off_in_its_rows_does_not_end_the_inspection(look: Look) -> None:
    broken = "assignment_id,student_id,due_date,status\n" + 'a1,1,2026-09-07,"done\n' * 3
    seen = look(SCHOOL | {"school/homework.csv": broken})
    (file,) = (each for each in seen.taken if each.taken_for == "homework")
    assert "quotation mark" in str(file.error)
    assert any("school/homework.csv" in each for each in seen.to_do)


def test_an_empty_home_is_told_where_exports_go(look: Look) -> None:
    seen = look({})
    assert (seen.jobs, seen.ready) == ((), False)
    (only,) = seen.to_do
    assert only.startswith("Put exports into the landing zone: a school's into school/")


def test_what_is_blank_is_named_and_nothing_waits_for_it(look: Look) -> None:
    blank = "[school] time_zone: Weeks and times are meant in UTC."
    assert blank in told(look(EDX, PROGRAMME))
    assert blank not in told(look({}, PROGRAMME + '[school]\ntime_zone = "Europe/London"\n'))


def test_what_was_released_is_not_to_be_done(look: Look) -> None:
    files = {next(iter(EDX)): GRADES.replace("verified", "gold")}
    seen = look(files, PROGRAMME)
    assert not seen.ready
    assert look({}, PROGRAMME, seen.problems["id"].to_list()).ready


STRAYS = {
    "micromasters/lead/UQx_LEAD1x_2T2027_grade_report_2027-05-02-0930.csv": "not,a,report\n1,2,3\n",
    "micromasters/lead/notes.xlsx": "notes",
    "attainment/2026/old.xlsx": "no workbook",
}


def test_what_is_told_to_be_ignored_is_asked_about_in_no_folder(look: Look) -> None:
    files = {**EDX, **EXAMS, **STRAYS}
    assert not look(files, PROGRAMME).ready
    seen = look(files, f'landing.ignore = ["*_2T2027_*", "*/notes.xlsx", "*/OLD.*"]\n{PROGRAMME}')
    assert seen.ready, seen.to_do
    assert {path for path, what in taken(seen).items() if what is None} == STRAYS.keys()
    assert all(f"{path}: Ignored, as [landing] ignore says." in told(seen) for path in STRAYS)


def test_what_programs_leave_behind_is_asked_about_in_no_folder(look: Look) -> None:
    left = (
        "micromasters/lead/Thumbs.db",
        "attainment/2026/~$results.xlsx",
        "attainment/desktop.ini",
    )
    seen = look({**EDX, **EXAMS, **dict.fromkeys(left, "x")}, PROGRAMME)
    assert seen.ready, seen.to_do
