"""Files that no pattern matches: exports under other names, companions of a standard, others."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from edu_pipeline.landing.sources.school.placing import Placing, place
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing
from edu_pipeline_tests.landing.test_workbook import workbook

Strays = Callable[..., Placing]


@pytest.fixture
def strays(tmp_path: Path) -> Strays:
    """What is said of files (name below `school/` → content) that no pattern matches."""

    def looked(files: dict[str, str | bytes], **said: object) -> Placing:
        for name, content in files.items():
            path = tmp_path / "school" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return place(Zone(tmp_path.as_uri()), Landing.model_validate(said))

    return looked


def told(placing: Placing) -> list[tuple[str | None, str]]:
    return [(problem.holds, problem.message) for problem in placing.problems()]


STUDENTS = "student_id,given_name,family_name,grade\n007,Ada,Moss,7\n"
MARKS = "student_id,date,code\n007,2026-09-07,present\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.csv", "propertyName,value\noneroster.version,1.1\n"),
        ("Orgs_2026-09-11.csv", "sourcedId,status,name,type\n1,active,Hill,school\n"),
        ("academicSessions.csv", "sourcedId,title,type,startDate,endDate\n"),
        ("demographics.csv", "sourcedId,birthDate,sex\n007,2012-05-04,female\n"),
        (
            "roles.csv",
            "sourcedId,userSourcedId,roleType,role,orgSourcedId\nr1,007,primary,student,1\n",
        ),
        ("schools.csv", "School_id,School_name,Low_grade\n1,Hill,6\n"),
        ("School.csv", "SIS ID,Name\n1,Hill\n"),
        ("~$attendance.xlsx", "\x00"),
        ("README.md", "How to\n"),
        ("Thumbs.db", "\x00"),
    ],
)
def test_what_a_standard_or_a_program_leaves_beside_exports_is_asked_of_nobody(
    strays: Strays, name: str, content: str
) -> None:
    placing = strays({"students.csv": STUDENTS, name: content})
    assert (placing.lines, placing.unplaced, told(placing)) == ((), {}, [])


def test_a_companion_in_an_archive_is_known_too(strays: Strays, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "x.zip", "w") as book:
        book.writestr("manifest.csv", "propertyName,value\n")
        book.writestr("students.csv", STUDENTS)
    placing = strays({"oneroster.zip": (tmp_path / "x.zip").read_bytes()})
    assert list(placing.companions) == ["school/oneroster.zip/manifest.csv"]
    assert placing.unplaced == {}


def test_the_name_of_a_companion_alone_is_not_enough(strays: Strays) -> None:
    placing = strays({"orgs.csv": "student_id,given_name,grade\n007,Ada,7\n"})
    assert placing.companions == {}
    assert [line.section for line in placing.lines] == [("landing", "students")]


def test_enrollments_called_roles_are_no_companion(strays: Strays) -> None:
    rows = "class_id,person_id,role,begin_date\nHR-7A,007,student,2026-09-01\n"
    placing = strays({"students.csv": STUDENTS, "roles.csv": rows})
    assert placing.companions == {}
    assert [line.section for line in placing.lines] == [("landing", "enrollments")]


def test_what_the_settings_ignore_is_neither_read_nor_asked_about(strays: Strays) -> None:
    placing = strays({"students.csv": STUDENTS, "bus.csv": "route,stop\n"}, ignore=("*/bus*",))
    assert (placing.companions, told(placing)) == (
        {"school/bus.csv": "Ignored, as [landing] ignore says."},
        [],
    )


def test_a_file_nobody_knows_is_said_and_holds_nothing(strays: Strays) -> None:
    placing = strays({"students.csv": STUDENTS, "bus.csv": "route,stop\n1,2\n"})
    ((holds, message),) = told(placing)
    assert holds is None
    assert message.startswith("school/bus.csv: Its columns are those of no export.")
    assert 'ignore = ["school/bus.csv"]' in message


def test_what_looks_like_an_export_under_another_name_is_one_question(strays: Strays) -> None:
    placing = strays({"students.csv": STUDENTS, "register.csv": MARKS})
    assert told(placing) == [
        (
            "letters",
            "school/register.csv: likely attendance, but no pattern matches it. Add to "
            '[landing.attendance]: files = ["school/register.csv"]; if it is not ours, add to '
            '[landing]: ignore = ["school/register.csv"]',
        )
    ]


def test_marks_that_tell_of_their_students_as_well_are_marks(strays: Strays) -> None:
    marks = (
        "UPN,Surname,Forename,Year.Group,Reg,Gender,Date,Session,Session.Mark\n"
        "007,Moss,Ada,7,7A,F,07/09/2026,AM,/\n"
    )
    placing = strays({"Session marks.csv": marks})
    assert [line.section for line in placing.lines] == [("landing", "attendance")]
    assert [line.certain for line in placing.lines] == [True]


def test_a_second_file_holds_letters_where_its_rows_would_count(strays: Strays) -> None:
    placing = strays({"attendance.csv": MARKS, "register.csv": MARKS.replace("code", "mark")})
    ((holds, message),) = told(placing)
    assert holds == "letters"
    assert 'files = ["school/attendance*", "school/register.csv"]' in message


def test_sheets_of_a_workbook_are_placed_one_by_one(strays: Strays) -> None:
    rows = [row.split(",") for row in MARKS.splitlines()]
    placing = strays({"all.xlsx": workbook({"Marks": rows, "Students": [["student_id"], ["007"]]})})
    assert [(line.key, line.value) for line in placing.lines] == [
        ("files", ("school/all.xlsx",)),
        ("sheet", "Marks"),
    ]


GUARDIANS = "student_id,given_name,family_name,relation\n007,Dora,Moss,mother\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("students_guardians.csv", GUARDIANS),
        ("students_schedule.csv", "student_id,period,course\n007,1,Maths\n"),
        (
            "staff_absences.csv",
            "staff_id,given_name,family_name,email,date\nT1,A,B,a@b.c,2026-09-07\n",
        ),
    ],
)
def test_a_name_with_further_words_and_other_columns_is_asked_about(
    strays: Strays, name: str, content: str
) -> None:
    staff = "staff_id,given_name,family_name,email\nT1,Carla,Reed,c@riverside.example\n"
    placing = strays({"students.csv": STUDENTS, "staff.csv": staff, name: content})
    assert list(placing.unplaced) == [f"school/{name}"]


def test_parts_and_versions_of_an_export_may_have_further_words(strays: Strays) -> None:
    files = {
        "students.csv": STUDENTS,
        "students_grade9.csv": STUDENTS.replace("007", "009"),
        "students_2025.csv": GUARDIANS,  # no other word: its own columns say what it lacks
        "attendance_sep.csv": MARKS,
        "attendance_oct.csv": MARKS.replace("-09-", "-10-").replace("code", "code,remark"),
        "classes_old_2026-09-01.csv": "class_id\nC1\n",
        "classes_old_2026-09-08.csv": "class_id,class_type\nC1,homeroom\n",
    }
    assert strays(files).unplaced == {}


def test_without_a_plain_name_the_file_with_most_columns_is_the_export(strays: Strays) -> None:
    files = {"students_export.csv": STUDENTS, "students_guardians.csv": GUARDIANS}
    assert list(strays(files).unplaced) == ["school/students_guardians.csv"]


def test_a_workbook_of_which_one_sheet_is_named_has_its_others_still(strays: Strays) -> None:
    marks, calendar = (
        [line.split(",") for line in text.splitlines()]
        for text in (MARKS, "date,in_session\n2026-09-07,Y\n")
    )
    book = {"all.xlsx": workbook({"Marks": marks, "Days": calendar, "Notes": [["x"], ["y"]]})}
    said = {"attendance": {"files": ["school/all.xlsx"], "sheet": "Marks"}}
    placing = strays(book, **said)
    assert [(line.section[1], line.value) for line in placing.lines] == [
        ("calendar", ("school/all.xlsx",)),
        ("calendar", "Days"),
    ]
    assert placing.unplaced == {}
