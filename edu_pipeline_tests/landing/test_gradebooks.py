"""Gradebooks as systems export them: known by their columns, whatever they are called."""

import re
from collections.abc import Callable, Mapping

import duckdb
import pytest

from edu_pipeline.landing.sources.school.agreement import names_for_ids
from edu_pipeline.landing.sources.school.disagreements import name_problems
from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline.landing.sources.school.due_dates import due_date_problems
from edu_pipeline.landing.sources.school.school_problems import file_problems
from edu_pipeline.landing.sources.school.which_class import homework_of_no_class
from edu_pipeline_tests.landing.conftest import ROSTERS, Facts, lines_told

Stage = Callable[..., Facts]
PIECES = (
    "select student_id, assignment_id, due_date::varchar, status from stg_homework order by all"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Essay (Draft) (12),Quiz (13),"
    "Current Score (2026),Unposted Final Score (2026)\n"
    "    Points Possible,,,,,10.00,5.00,(read only),(read only)\n"
    '"Moss, Ada",1,007,am,7A,"7,50",,75,30\n'
    '"Oakley, Ben",2,008,bo,7A,EX,0.00,,0\n'
    '"Student, Test",3,,x1,7A,,,,\n'
)
DUE = "id,name,due_at\n12,Essay,2026-09-09T03:59:59Z\n13,Quiz,2026-09-10T15:00:00Z\n"
ZONE = '[school]\ntime_zone = "America/New_York"\n'
MOODLE = (
    "First name,Surname,ID number,Institution,Department,Email address,Assignment: Essay (Real),"
    "Assignment: Essay (Percentage),Quiz: Tests (Real),Course total (Real),Last downloaded from this course\n"
    "Ada,Moss,007,,,am@home.example,8.00,80.00 %,-,8.00,1789000000\n"
    "Ben,Oakley,008,,,bo@home.example,0.00,0.00 %,5.00,5.00,1789000000\n"
)
CLASSROOM = (
    "courseId,courseWorkId,userId,state,dueDate\n"
    "C,1,007,TURNED_IN,2026-09-08\nC,1,008,RECLAIMED_BY_STUDENT,2026-09-08\n"
    "C,2,007,CREATED,2026-09-09\nC,2,008,RETURNED,2026-09-09\n"
)


def _missing(found: Facts) -> str:
    problems = file_problems(found.files, found.settings.landing)
    return " ".join(each.message for each in problems if each.table == "homework")


def test_canvas_s_scores_are_handed_in_and_its_due_times_are_days_of_the_school(
    facts: Stage,
) -> None:
    codes = '[homework.codes]\n0 = "missing"\n'
    con, files, settings = facts(
        {"2026-09-11T0815_Grades-Maths.csv": CANVAS, "assignments.csv": DUE}, ZONE + codes
    )
    assert con.sql(PIECES).fetchall() == [
        ("007", "12", "2026-09-08", "complete"),
        ("007", "13", "2026-09-10", "unknown"),
        ("008", "12", "2026-09-08", "exempt"),
        ("008", "13", "2026-09-10", "missing"),
    ]
    assert con.sql(
        "select rule, count(*) from rejected_homework group by 1 order by 1"
    ).fetchall() == [
        ("test_student", 2),
        ("units_row", 2),
    ]
    # beside missing ones, too: an empty cell is never taken for either in silence
    told = [each.message for each in doubts(con, files, settings) if each.kind == "blank_codes"]
    assert len(told) == 1
    assert "1 piece of homework has no score" in told[0]


def test_a_score_of_nothing_is_a_code_that_somebody_says(facts: Stage) -> None:
    con, *_ = facts({"grades.csv": CANVAS, "assignments.csv": DUE}, ZONE)
    assert con.sql(
        "select value, heading from rejected_homework where rule = 'unmapped_code'"
    ).fetchall() == [("0", "Quiz (13)")]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"grades.csv": CANVAS}, "without assignments (columns id, due_at) of Canvas"),
        ({"grades.csv": MOODLE}, "without due_dates (columns assignment, due_date) of Moodle"),
    ],
)
def test_what_a_gradebook_lacks_is_a_question(
    read_exports: Stage, files: Mapping[str, str], told: str
) -> None:
    assert told in _missing(read_exports(files))


def test_a_homework_file_may_be_a_gradebook_too(facts: Stage) -> None:
    con, *_ = facts({"homework.csv": CANVAS, "assignments.csv": DUE}, ZONE)
    assert con.sql("select count(*) from stg_homework").fetchall() == [(3,)]


def test_moodle_s_points_are_read_and_neither_percentages_nor_totals(facts: Stage) -> None:
    con, *_ = facts(
        {
            "Maths Grades.csv": MOODLE,
            "due_dates.csv": "assignment,due_date\nAssignment: Essay,2026-09-08\n",
        },
        '[homework.codes]\n0 = "missing"\n',
    )
    assert con.sql(PIECES).fetchall() == [
        ("007", "Assignment: Essay", "2026-09-08", "complete"),
        ("008", "Assignment: Essay", "2026-09-08", "missing"),
    ]
    assert con.sql("select rule, heading from rejected_homework order by all").fetchall() == [
        ("missing_due_date", "Quiz: Tests (Real)"),
        ("missing_due_date", "Quiz: Tests (Real)"),
    ]


def test_an_assignment_that_the_due_dates_do_not_list_is_asked_about_and_the_line_works(
    facts: Stage,
) -> None:
    codes = f'{ZONE}[homework.codes]\n0 = "missing"\n"" = "missing"\n'
    due, listed = DUE.rsplit("13,", 1)[0], "school/assignments.csv"

    def told(lines: str) -> list[str]:
        con, files, _ = facts({"Maths.csv": CANVAS, "assignments.csv": due + lines}, codes)
        return [each.message for each in due_date_problems(con, files)]

    (message,) = told("")
    assert f"of 1 assignment (13), is not in {listed}" in message
    assert "its id, and its due_at, empty where it has none" in message
    assert told("13,Quiz,\n") == []  # which is its fate
    assert told("13,Quiz,2026-09-10\n") == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("007,A,2026-09-08,complete\n008,A,,missing\n", "other rows of it have one"),
        ("007,A,2026-09-08,complete\n007,B,,complete\n", "would count in no week"),
        ("007,A,,complete\n", "would count in no week"),
    ],
)
def test_homework_that_should_have_a_due_date_and_has_none_is_asked_about(
    facts: Stage, rows: str, told: str
) -> None:
    con, files, _ = facts({"homework.csv": f"student_id,assignment_id,due_date,status\n{rows}"})
    (problem,) = due_date_problems(con, files)
    assert (problem.holds, told in problem.message) == ("letters", True)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("submitted,2026-09-08T10:00:00Z,,false,false,false", "complete"),
        ("pending_review,2026-09-08T10:00:00Z,,true,false,false", "late"),
        ("graded,,0,false,true,false", "missing"),
        ("graded,,,false,false,true", "exempt"),
        ("unsubmitted,,,false,true,false", "missing"),
        ("unsubmitted,,,false,false,false", "unknown"),
    ],
)
def test_canvas_s_flags_say_what_became_of_a_submission(
    facts: Stage, said: str, status: str
) -> None:
    head = "assignment_id,user_id,workflow_state,submitted_at,score,late,missing,excused\n"
    con, files, settings = facts(
        {
            "submissions.csv": f"{head}12,1,{said}\n",
            "assignments.csv": DUE,
            "users.csv": "id,sis_user_id\n1,007\n",
        },
        ZONE,
    )
    assert con.sql(PIECES).fetchall() == [("007", "12", "2026-09-08", status)]
    assert "graded_with_nothing" not in {each.kind for each in doubts(con, files, settings)}


def test_a_score_of_nothing_is_asked_about_unless_the_work_came(facts: Stage) -> None:
    head = "assignment_id,student_id,due_date,status,submitted_at,score\n"
    rows = "A,007,2026-09-08,graded,,0\nA,008,2026-09-08,graded,2026-09-07T08:00:00Z,0\n"
    con, files, settings = facts({"homework.csv": head + rows})
    (asked,) = [each for each in doubts(con, files, settings) if each.kind == "graded_with_nothing"]
    assert asked.rows == 1


def test_names_find_their_ids_by_the_line_that_is_shown(read_exports: Stage, facts: Stage) -> None:
    files = {
        "students.csv": "student_id,name\n007,Ada Moss\n008,Benedict Oakley\n",
        "homework.csv": "Student,Title,Due,Status\nAda Moss,Log,2026-09-08,Submitted\n"
        "Benedict Oakley,Log,2026-09-08,Not submitted\n",
    }
    con, listed, settings = read_exports(files, also=("enrollments", "attendance"))
    (problem,) = name_problems(names_for_ids(con, listed, settings.landing))
    found = re.search(r"add to (\[landing\S+\]): (.*)\. If no two", problem.message)
    assert found
    con, *_ = facts(files, "\n".join((found[1], *found[2].split("; "))))
    assert con.sql("select student_id, status from stg_homework order by 1").fetchall() == [
        ("007", "complete"),
        ("008", "missing"),
    ]


def test_a_gradebook_with_addresses_and_lines_of_dates_and_points_is_read_by_joins(
    land: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    con = land(
        {
            "students.csv": "student_id,grade,email\n007,7,a@x.example\n008,7,b@x.example\n",
            "homework.csv": "Last Name,First Name,Email Address,Essay,Log\n"
            "Date,,,2026-09-08,2026-09-09\nPoints,,,10,10\n"
            "A,B,a@x.example,9,\nC,D,b@x.example,0,6\n",
            "due.csv": "task,due\nEssay,2026-09-08\nLog,2026-09-09\n",
        },
        """
        [homework.codes]
        0 = "missing"
        "" = "missing"
        [landing.homework]
        header_line = 1
        cells = "Essay|Log"
        scores = true
        [landing.homework.parts."*homework*"]
        columns = { student_id = "pupil.student_id", due_date = "task.due" }
        join.pupil = { files = ["*students*"], on = "Email Address", key = "email" }
        join.task = { files = ["*due*"], on = "assignment_id", key = "task" }
        """,
    )
    assert con.sql(PIECES).fetchall() == [
        ("007", "Essay", "2026-09-08", "complete"),
        ("007", "Log", "2026-09-09", "missing"),
        ("008", "Essay", "2026-09-08", "missing"),
        ("008", "Log", "2026-09-09", "complete"),
    ]
    told = (
        "select message from landing_problems where kind = 'unknown_file' or \"table\" = 'homework'"
    )
    assert con.sql(told).fetchall() == []


def test_what_classroom_says_was_returned_may_never_have_been_turned_in(facts: Stage) -> None:
    con, *_ = facts({"submissions.csv": CLASSROOM})
    assert con.sql(PIECES).fetchall() == [
        ("007", "1", "2026-09-08", "complete"),
        ("007", "2", "2026-09-09", "missing"),
        ("008", "1", "2026-09-08", "missing"),
    ]
    assert con.sql("select rule, value from rejected_homework").fetchall() == [
        ("unmapped_code", "RETURNED")
    ]


# both students are in 7A and in mathematics; physics has one of them
LESSONS = ROSTERS.replace(
    "create table stg_school_days",
    """
    insert into stg_classes values ('PHY', 'Physics', 'scheduled', '1');
    insert into stg_enrollments
      select 'MAT', student_id, 'student', date '2026-09-01', date '9999-12-31' from stg_students
      union all values ('PHY', '007', 'student', date '2026-09-01', date '9999-12-31');
    create table stg_school_days""",
)
DONE = '[homework.codes]\n0 = "missing"\n"" = "missing"\n'
DIARY = "student_id,assignment_id,due_date,status{}\n007,A,2026-09-08,complete{}\n008,A,2026-09-08,missing{}\n"


def diary(header: str = "", first: str = "", second: str = "") -> Mapping[str, str]:
    return {"homework.csv": DIARY.format(header, first, second)}


GRADEBOOK = {"Maths.csv": CANVAS, "assignments.csv": DUE}


@pytest.mark.parametrize(
    ("files", "holds", "told"),
    [
        # by its nature of a class; whose it may be is known
        (GRADEBOOK, None, '"school/Maths.csv".constants]: class_id = "MAT"  # or HR-7A'),
        ({"submissions.csv": CLASSROOM}, None, 'constants]: class_id = "MAT"  # or HR-7A'),
        # a column says it
        (diary(",Set", ",MAT", ",MAT"), None, '.columns]: class_id = "Set"'),
        # one of several files
        (
            {**diary(), "homework_phy.csv": diary()["homework.csv"]},
            None,
            'class_id = "MAT"  # or HR-7A',
        ),
    ],
)
def test_homework_of_lessons_that_names_no_class_is_told_with_the_line_and_holds_nothing(
    facts: Stage, files: Mapping[str, str], holds: str | None, told: str
) -> None:
    found = facts(files, ZONE + DONE, rosters=LESSONS)
    problems = [*homework_of_no_class(*found)]
    assert {each.holds for each in problems} == {holds}
    assert all(told in each.message for each in problems)
    assert "letters about Maths, Physics have no homework" in problems[0].message


def test_of_several_lessons_that_homework_may_be_of_none_is_put_forward(facts: Stage) -> None:
    both = LESSONS.replace(
        "union all values",
        "union all select 'PHY', '008', 'student', date '2026-09-01', date '9999-12-31' union all values",
    )
    (problem,) = homework_of_no_class(*facts(GRADEBOOK, ZONE + DONE, rosters=both))
    assert 'class_id = "…"  # MAT, PHY, HR-7A' in problem.message


@pytest.mark.parametrize(
    ("files", "toml", "rosters"),
    [
        (GRADEBOOK, "", ROSTERS),  # nobody has lessons
        (diary(), "", LESSONS),  # of everything that they have to do
        (diary(",Room", ",R1", ",R2"), "", LESSONS),
        (GRADEBOOK, '[landing.homework.parts."*Maths*".constants]\nclass_id = "HR-7A"\n', LESSONS),
        # every class has homework from elsewhere
        (
            {
                **GRADEBOOK,
                "homework.csv": "student_id,assignment_id,due_date,status,class_id\n"
                "007,A,2026-09-08,complete,MAT\n007,B,2026-09-08,missing,PHY\n",
            },
            "",
            LESSONS,
        ),
    ],
)
def test_homework_that_rightly_names_no_class_is_not_asked_about(
    facts: Stage, files: Mapping[str, str], toml: str, rosters: str
) -> None:
    found = facts(files, ZONE + DONE + toml, rosters=rosters)
    assert [*homework_of_no_class(*found)] == []


def test_homework_of_no_class_holds_letters_where_there_are_no_homerooms(facts: Stage) -> None:
    lessons = LESSONS.replace("'homeroom'", "'scheduled'")
    (problem,) = homework_of_no_class(*facts(diary(), rosters=lessons))
    assert problem.holds == "letters"
    assert "in no class, for there are no homerooms" in problem.message


def test_the_line_that_names_the_class_of_a_file_works(facts: Stage) -> None:
    found = facts(diary(",Set", ",MAT", ",MAT"), rosters=LESSONS)
    (problem,) = homework_of_no_class(*found)
    con, *_ = facts(
        diary(",Set", ",MAT", ",MAT"),
        lines_told(problem.message.partition(". If ")[0]),
        rosters=LESSONS,
    )
    assert con.sql("select distinct class_id from stg_homework").fetchall() == [("MAT",)]
