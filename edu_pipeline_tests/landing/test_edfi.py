"""Ed-Fi's interchanges and flat files: what the standard says needs no setting, what it leaves open is asked."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.sources.school.placing import place
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.interchange import entities_in, is_interchange
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing
from edu_pipeline_tests.landing.conftest import Files, Land
from edu_pipeline_tests.landing.test_formats import EMPTY, rows

URI = "uri://ed-fi.org/AttendanceEventCategoryDescriptor#"
FLAT: Mapping[str, str] = {
    "students.csv": "studentUniqueId,firstName,lastSurname\n007,Ada,Moss\n008,Benedict,Oakley\n",
    "studentSchoolAssociations.csv": (
        "studentReference.studentUniqueId,schoolReference.schoolId,entryDate,exitWithdrawDate,"
        "entryGradeLevelDescriptor\n"
        "007,N,2026-09-01,,uri://ed-fi.org/GradeLevelDescriptor#Seventh grade\n"
        "008,N,2026-09-01,2026-09-03,uri://ed-fi.org/GradeLevelDescriptor#Seventh grade\n"
        "008,N,2026-09-07,2026-09-09,uri://ed-fi.org/GradeLevelDescriptor#Seventh grade\n"
    ),
    "staffs.csv": "staffUniqueId,firstName,lastSurname,electronicMailAddress\n"
    "T1,Carla,Reed,carla.reed@riverside.example\n",
    "sections.csv": "sectionIdentifier,sectionName,courseOfferingReference.localCourseCode,"
    "courseOfferingReference.schoolId,courseOfferingReference.sessionName\n"
    "A,7A,HR,N,Fall\nM,Maths,MAT,N,Fall\n",
    "sessions.csv": "sessionName,schoolReference.schoolId,beginDate,endDate\n"
    "Fall,N,2026-09-01,2026-12-18\nFall,S,2026-09-02,2026-12-11\n",
    "studentSectionAssociations.csv": "studentReference.studentUniqueId,"
    "sectionReference.sectionIdentifier,beginDate,endDate,homeroomIndicator\n"
    "007,A,2026-09-01,,true\n008,A,2026-09-01,,true\n007,M,2026-09-01,2026-09-10,false\n",
    "staffSectionAssociations.csv": "staffReference.staffUniqueId,sectionReference.sectionIdentifier,"
    "classroomPositionDescriptor\n"
    "T1,A,uri://ed-fi.org/ClassroomPositionDescriptor#Teacher of Record\n",
    "calendarDates.csv": "date,calendarReference.schoolId,calendarReference.calendarCode,"
    "calendarEventDescriptor\n"
    + "".join(
        f"2026-09-{day:02},N,C,uri://ed-fi.org/CalendarEventDescriptor#{event}\n"
        for day, event in ((7, "Holiday"), (8, "Instructional day"), (9, "Make-up day"))
    ),
    "studentSchoolAttendanceEvents.csv": "studentReference.studentUniqueId,schoolReference.schoolId,"
    "eventDate,attendanceEventCategoryDescriptor,eventDuration\n"
    f"007,N,2026-09-08,{URI}Excused Absence,0.5\n008,N,2026-09-09,{URI}Unexcused Absence,\n",
}
"""A set of flat files with a row per resource of the API."""
ALONE: Files = {**EMPTY, "calendar.csv": None, "attendance.csv": None, **FLAT}
GRADEBOOK = {
    "gradebookEntries.csv": "gradebookEntryIdentifier,title,dateAssigned,dueDate,"
    "sectionReference.sectionIdentifier\n"
    "G1,Sums,2026-09-07,2026-09-08,M\nG2,Sums,2026-09-07,2026-09-08,A\n",
    "studentGradebookEntries.csv": "gradebookEntryReference.gradebookEntryIdentifier,"
    "studentReference.studentUniqueId,submissionStatusDescriptor,assignmentLateStatusDescriptor,"
    "numericGradeEarned\n"
    "G1,007,uri://ed-fi.org/SubmissionStatusDescriptor#Submitted,"
    "uri://ed-fi.org/AssignmentLateStatusDescriptor#Late,8\n"
    "G2,007,uri://ed-fi.org/SubmissionStatusDescriptor#Not Submitted,"
    "uri://ed-fi.org/AssignmentLateStatusDescriptor#Late,7\n"
    "G2,008,uri://ed-fi.org/SubmissionStatusDescriptor#Graded,"
    "uri://ed-fi.org/AssignmentLateStatusDescriptor#Not Late,9\n",
}


def interchange(content: str, kind: str = "StudentAttendance", above: str = "") -> str:
    return (
        f'<?xml version="1.0"?>{above}<Interchange{kind} xmlns="http://ed-fi.org/5.1.0">{content}'
        f"</Interchange{kind}>"
    )


def test_flat_files_need_no_setting(land: Land) -> None:
    con = land(ALONE)
    assert rows(con, "select student_id, school_id, grade from stg_students order by 1") == [
        ("007", "N", "7"),
        ("008", "N", "7"),
    ]
    assert rows(con, "select class_id, class_name, class_type, school_id from stg_classes") == [
        ("A", "7A", "homeroom", "N"),
        ("M", "Maths", "scheduled", "N"),
    ]
    assert rows(
        con,
        "select class_id, person_id, role, begin_date::text, end_date::text from stg_enrollments order by all",
    ) == [
        # as the session of their school says, as their stay, as they say: the last day belongs to it
        ("A", "007", "student", "2026-09-01", "2026-12-19"),
        ("A", "008", "student", "2026-09-01", "2026-09-10"),
        ("A", "T1", "teacher", "2026-09-01", "2026-12-19"),
        ("M", "007", "student", "2026-09-01", "2026-09-11"),
    ]
    assert rows(con, "select date::text, in_session from stg_school_days order by 1") == [
        ("2026-09-07", False),
        ("2026-09-08", True),
        ("2026-09-09", True),
    ]
    assert rows(
        con, "select student_id, code, attended, excused from stg_attendance order by 1"
    ) == [("007", "Excused Absence", 0.5, True), ("008", "Unexcused Absence", 0.0, False)]
    assert read_table(con, "landing_problems")["message"].to_list() == []


def test_headers_without_their_references_are_the_same(stage: Land) -> None:
    bare = {
        name: "\n".join([_bare(head), *lines])
        for name, text in FLAT.items()
        for head, *lines in [text.split("\n")]
    }
    con = stage({**ALONE, **bare})
    assert rows(con, "select count(*) from stg_enrollments") == [(4,)]
    assert rows(con, "select count(*) from stg_attendance") == [(2,)]


@pytest.mark.parametrize("written", ["{}.0.{}", "{}/0/{}", "{}[0].{}"])
def test_a_header_may_say_what_it_lies_in(stage: Land, written: str) -> None:
    """As JSON of the API is made flat: the first of a list, below the list's name."""
    lists = {
        "staffs.csv": ("electronicMails", "electronicMailAddress"),
        "calendarDates.csv": ("calendarEvents", "calendarEventDescriptor"),
    }
    flat = {
        name: FLAT[name].replace(leaf, written.format(of, leaf))
        for name, (of, leaf) in lists.items()
    }
    if "/" in written:
        flat = {
            name: "\n".join([head.replace(".", "/"), *lines])
            for name, text in {**FLAT, **flat}.items()
            for head, *lines in [text.split("\n")]
        }
    con = stage({**ALONE, **flat})
    assert rows(con, "select email from stg_staff") == [("carla.reed@riverside.example",)]
    assert rows(con, "select in_session from stg_school_days order by date") == [
        (False,),
        (True,),
        (True,),
    ]


def test_which_of_two_addresses_is_the_right_one_is_asked(land: Land) -> None:
    header = "staffUniqueId,firstName,lastSurname," + ",".join(
        f"electronicMails.{place}.electronicMailAddress" for place in (0, 1)
    )
    con = land(
        {**ALONE, "staffs.csv": f"{header}\nT1,Carla,Reed,c@home.example,c.reed@n.example\n"}
    )
    (message,) = rows(con, "select message from landing_problems where \"table\" = 'staff'")[0]
    assert "no column for email" in message
    con = land({}, '[landing.staff.columns]\nemail = "electronicMails.1.electronicMailAddress"')
    assert rows(con, "select email from stg_staff") == [("c.reed@n.example",)]


def test_classes_of_sessions_whose_days_have_not_landed_are_asked_about(land: Land) -> None:
    sections = FLAT["sections.csv"]
    two = sections.replace("M,Maths,MAT,N,Fall", "M,Maths,MAT,N,Summer")
    open_ended = FLAT["studentSectionAssociations.csv"].replace("2026-09-10", "")
    asked = "select message from landing_problems where kind = 'terms_not_landed'"
    con = land(
        {
            **ALONE,
            "sections.csv": two,
            "studentSectionAssociations.csv": open_ended,
            "sessions.csv": None,
        }
    )
    messages = [message for (message,) in rows(con, asked)]
    assert len(messages) == 2  # of each class
    assert "('Fall' and 'Summer'; courseOfferingReference.sessionName)" in messages[0]
    assert not rows(land({"sections.csv": sections}), asked)
    days = FLAT["sessions.csv"] + "Summer,N,2026-07-01,2026-08-14\n"
    assert not rows(land({"sections.csv": two, "sessions.csv": days}), asked)


def _bare(header: str) -> str:
    """As databases call the columns: `StudentUniqueId`, `AttendanceEventCategory`."""
    names = (name.rpartition(".")[2].removesuffix("Descriptor") for name in header.split(","))
    return ",".join(name[:1].upper() + name[1:] for name in names)


def test_who_is_at_a_school_again_has_not_left_it(stage: Land) -> None:
    again = FLAT["studentSchoolAssociations.csv"] + (
        "008,N,2026-10-01,,uri://ed-fi.org/GradeLevelDescriptor#Seventh grade\n"
    )
    con = stage({**ALONE, "studentSchoolAssociations.csv": again})
    assert rows(
        con,
        "select end_date::text from stg_enrollments where person_id = '008'",
    ) == [("2026-12-19",)]


def test_a_piece_is_late_as_the_status_beside_it_says(stage: Land) -> None:
    con = stage({**ALONE, **GRADEBOOK})
    assert rows(
        con,
        "select assignment_id, student_id, class_id, due_date::text, status from stg_homework order by all",
    ) == [
        ("G1", "007", "M", "2026-09-08", "late"),
        ("G2", "007", "A", "2026-09-08", "missing"),
        ("G2", "008", "A", "2026-09-08", "complete"),
    ]


def test_students_have_the_days_of_their_calendar(land: Land) -> None:
    """The school has two, which differ on the 9th; a stay at it names the student's."""
    event = "uri://ed-fi.org/CalendarEventDescriptor#"
    days = "".join(
        f"2026-09-{day:02},N,D,{event}{what}\n"
        for day, what in ((7, "Holiday"), (8, "Instructional day"), (9, "Holiday"))
    )
    stays = FLAT["studentSchoolAssociations.csv"].split("\n")
    named = zip(stays, (",calendarReference.calendarCode", ",C", ",D", ",D", ""), strict=True)
    con = land(
        {
            **ALONE,
            "calendarDates.csv": FLAT["calendarDates.csv"] + days,
            "studentSchoolAssociations.csv": "\n".join(map("".join, named)),
        }
    )
    assert rows(con, "select student_id, date::text from stg_days_off") == [("008", "2026-09-09")]


def test_what_is_returned_for_revision_is_asked_about(land: Land) -> None:
    returned = GRADEBOOK["studentGradebookEntries.csv"].replace("#Submitted", "#Returned")
    con = land({**ALONE, **GRADEBOOK, "studentGradebookEntries.csv": returned})
    assert rows(con, "select distinct kind, subject from landing_problems") == [
        ("unmapped_code", "Returned + Late")
    ]


def test_a_graded_piece_with_a_score_of_0_is_asked_about(land: Land) -> None:
    nothing = GRADEBOOK["studentGradebookEntries.csv"].replace(",9\n", ",0\n")
    con = land({**ALONE, **GRADEBOOK, "studentGradebookEntries.csv": nothing})
    assert rows(con, "select kind from landing_problems where holds = 'letters'") == [
        ("graded_with_nothing",)
    ]


def test_a_partial_day_is_asked_about(land: Land) -> None:
    partial = FLAT["studentSchoolAttendanceEvents.csv"].replace("#Unexcused Absence", "#Partial")
    con = land({**ALONE, "studentSchoolAttendanceEvents.csv": partial})
    assert rows(con, "select kind, subject from landing_problems where holds = 'letters'") == [
        ("unmapped_code", "Partial")
    ]


def test_presences_in_a_list_of_exceptions_are_asked_about(land: Land) -> None:
    present = FLAT["studentSchoolAttendanceEvents.csv"] + f"007,N,2026-09-09,{URI}In Attendance,\n"
    files = {**ALONE, "studentSchoolAttendanceEvents.csv": present}
    question = "select kind from landing_problems where holds = 'letters' and kind = 'many_present'"
    assert rows(land(files), question) == [("many_present",)]
    assert rows(land(files, '[landing.attendance]\nshape = "exceptions"'), question) == []


def test_a_day_with_events_that_differ_is_asked_about(land: Land) -> None:
    event = "uri://ed-fi.org/CalendarEventDescriptor#"
    both = FLAT["calendarDates.csv"].replace(
        f"{event}Make-up day", f'"{event}Make-up day,{event}Student late arrival/early dismissal"'
    )
    con = land({**ALONE, "calendarDates.csv": both})
    assert rows(con, "select in_session from stg_school_days where date = '2026-09-09'") == [
        (True,)
    ]
    con = land(
        {"calendarDates.csv": both.replace("Student late arrival/early dismissal", "Holiday")}
    )
    assert rows(
        con, "select kind from landing_problems where holds = 'letters' and source = 'school'"
    )[:1] == [("unmapped_word",)]


def test_an_entity_is_a_row_and_its_leaves_are_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        interchange(
            "<Staff><StaffUniqueId>007</StaffUniqueId><Name><FirstName>Ada &amp; Co</FirstName></Name>"
            "<OtherName><FirstName>Addie</FirstName></OtherName>"
            "<Mail><Address>a@x.example</Address></Mail><Mail><Address>b@x.example</Address></Mail></Staff>"
            "<StaffSectionAssociation><StaffReference><StaffIdentity><StaffUniqueId>007</StaffUniqueId>"
            "</StaffIdentity></StaffReference><SectionReference><SchoolReference><SchoolId>N</SchoolId>"
            "</SchoolReference><SessionReference><SchoolReference><SchoolId>N</SchoolId></SchoolReference>"
            "</SessionReference></SectionReference><BeginDate/></StaffSectionAssociation>"
            "<Staff><Hired>2026-09-01</Hired><StaffUniqueId>008</StaffUniqueId></Staff>"
        )
    )
    found = {kind: csv.read_text() for kind, csv in entities_in(path).items()}
    assert found == {
        "Staff": "StaffUniqueId,FirstName,OtherName.FirstName,Address,Hired\n"
        '007,Ada & Co,Addie,"a@x.example,b@x.example",\n008,,,,2026-09-01\n',
        "StaffSectionAssociation": "StaffReference.StaffUniqueId,SectionReference.SchoolId\n007,N\n",
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (interchange("<A><B>1</B></A>", above="<!DOCTYPE x [<!ENTITY e 'ha'>]>"), "DOCTYPE"),
        (interchange("<A><B>1</B></A>")[:-20], "breaks off"),
        (interchange("<A>" * 300 + "</A>" * 300), "too many elements"),
        (interchange("".join(f"<A{n}><B>1</B></A{n}>" for n in range(300))), "too many kinds"),
        (
            interchange(f"<A>{''.join(f'<B{n}>1</B{n}>' for n in range(300))}</A>"),
            "too many columns",
        ),
        (interchange(""), "without an entity"),
    ],
)
def test_xml_that_is_no_export_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(content)
    assert is_interchange(path)
    with pytest.raises(UnreadableFileError, match=told):
        entities_in(path)


def test_an_interchange_that_breaks_off_holds_letters(tmp_path: Path) -> None:
    (tmp_path / "school").mkdir()
    for name, root in (("StudentAttendance.xml", "InterchangeA"), ("settings.xml", "A")):
        text = interchange("<A><B>1</B></A>")[:-20].replace("InterchangeStudentAttendance", root)
        (tmp_path / "school" / name).write_text(text)
    problems = place(Zone(tmp_path.as_uri()), Landing()).problems()
    assert {each.subject: each.holds is not None for each in problems} == {
        "school/StudentAttendance.xml": True,
        "school/settings.xml": False,
    }


LESSONS = {
    "studentSectionAttendanceEvents.csv": "studentReference.studentUniqueId,"
    "sectionReference.sectionIdentifier,eventDate,attendanceEventCategoryDescriptor\n"
    f"007,M,2026-09-08,{URI}Unexcused Absence\n008,A,2026-09-08,{URI}Partial\n"
}
"""007 was away in mathematics, and for half of the day; what Partial counts as, the standard leaves open."""


def test_absences_from_sections_add_nothing_to_days_that_have_events_of_their_own(
    land: Land,
) -> None:
    con = land({**ALONE, **LESSONS})
    assert rows(con, "select student_id, date::text, attended from stg_attendance order by 1") == [
        ("007", "2026-09-08", 0.5),
        ("008", "2026-09-09", 0),
    ]
    assert rows(con, "select rule, count(*) from rejected_attendance group by all") == [
        ("the_day_has_its_own_mark", 2)
    ]
    assert read_table(con, "landing_problems")["message"].to_list() == []


def test_a_school_with_hardly_an_event_of_days_beside_its_sections_is_asked_about(
    land: Land,
) -> None:
    calendar = FLAT["calendarDates.csv"]
    days = "".join(calendar.split("\n")[2].replace("-08", f"-{day}") + "\n" for day in (10, 11))
    event = "".join(f"008,A,2026-09-{day},{URI}Unexcused Absence\n" for day in (10, 11))
    lessons = LESSONS["studentSectionAttendanceEvents.csv"] + event
    con = land(
        {
            **ALONE,
            "calendarDates.csv": calendar + days,
            "studentSectionAttendanceEvents.csv": lessons.replace(
                "008,A,2026-09-10", "007,M,2026-09-10"
            ),
        }
    )
    (message,) = read_table(con, "landing_problems")["message"].to_list()
    assert message.startswith(
        "School N has 4 marks of lessons on 3 days, and 2 of whole days, none on 2"
    )


def test_a_school_without_events_of_days_has_its_days_from_sections(land: Land) -> None:
    """Of two schools: what N's students missed is told by day, what 009 missed at S by section."""
    files = {
        "students.csv": "009,Cleo,Pratt\n",
        "studentSchoolAssociations.csv": "009,S,2026-09-01,,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n",
        "sections.csv": "E,English,ENG,S,Fall\n",
        "studentSectionAssociations.csv": "009,E,2026-09-01,,false\n",
        "calendarDates.csv": "2026-09-08,S,C,uri://ed-fi.org/CalendarEventDescriptor#Instructional day\n",
    }
    both = {name: FLAT[name] + more for name, more in files.items()}
    event = f"009,E,2026-09-08,{URI}Excused Absence\n"
    lessons = {name: text + event for name, text in LESSONS.items()}
    con = land({**ALONE, **both, **lessons})
    asked = "select kind from landing_problems where holds = 'letters'"
    assert rows(con, asked) == [("lessons_of_a_day",)]
    con = land({}, "[landing.attendance]\nsessions_per_day = 4")
    assert rows(con, asked) == []
    assert rows(
        con, "select student_id, class_id, possible, attended from stg_attendance order by 1, date"
    ) == [("007", None, 1, 0.5), ("008", None, 1, 0), ("009", "E", 1 / 4, 0)]


def test_whether_a_duration_is_a_part_of_the_lesson_or_of_the_day_is_asked(land: Land) -> None:
    (name,) = LESSONS
    header = LESSONS[name].split("\n")[0]
    day = "studentSchoolAttendanceEvents.csv"
    toml = "[landing.attendance]\nsessions_per_day = 4"
    for durations, kinds in (((1, ""), []), ((0.25, 1), [("duration_of_lessons",)])):
        marks = "".join(
            f"00{number},A,2026-09-08,{URI}Unexcused Absence,{part}\n"
            for number, part in zip((7, 8), durations, strict=True)
        )
        con = land({**ALONE, day: None, name: f"{header},eventDuration\n{marks}"}, toml)
        assert rows(con, "select kind from landing_problems where holds = 'letters'") == kinds


def test_where_every_section_has_its_marks_a_class_has_its_own_rate(land: Land) -> None:
    """Days as the school's events say: 007 was there but not in mathematics, 008 was not."""
    day = "studentSchoolAttendanceEvents.csv"
    header = FLAT[day].split("\n")[0]
    days = (
        f"{header}\n007,N,2026-09-08,{URI}In Attendance,\n008,N,2026-09-08,{URI}Excused Absence,\n"
    )
    lessons = LESSONS["studentSectionAttendanceEvents.csv"].split("\n")[0] + (
        f"\n007,M,2026-09-08,{URI}Unexcused Absence\n007,A,2026-09-08,{URI}In Attendance\n"
        f"008,A,2026-09-08,{URI}Excused Absence\n"
    )
    con = land(
        {**ALONE, day: days, "studentSectionAttendanceEvents.csv": lessons},
        '[landing.attendance]\nshape = "daily"',
    )
    assert rows(con, "select kind from landing_problems where holds = 'letters'") == []
    assert rows(
        con,
        "select student_id, sum(possible), sum(attended), sum(lesson), count(lesson) from stg_attendance "
        "group by all order by 1",
    ) == [("007", 1, 1, 1, 2), ("008", 1, 0, 0, 1)]
