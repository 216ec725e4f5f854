"""A school's facts held against each other: what is said where they disagree, and what is not."""

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.rules import ELSEWHERE, fate_of
from edu_pipeline.landing.sources.school.agreement import (
    calendar_rivals,
    enrollment_days,
    homerooms_at_once,
    homework_outside,
    marks_at_hand,
    marks_on_end_dates,
    marks_outside,
    moves_apart,
    names_for_ids,
    parts_that_repeat,
    registers,
    schools_without_days,
    terms_that_end_in_school,
)
from edu_pipeline.landing.sources.school.disagreements import (
    calendar_problems,
    days_problems,
    end_date_problems,
    homeroom_problems,
    homework_outside_problems,
    move_problems,
    name_problems,
    outside_problems,
    part_problems,
    register_problems,
    week_problems,
    year_problems,
)
from edu_pipeline.landing.sources.school.rejections import unmapped_codes
from edu_pipeline.landing.sources.school.roster_doubts import roster_doubts, terms_without_days
from edu_pipeline.landing.sources.school.school_problems import code_problems
from edu_pipeline.landing.sources.school.stage_roster import one_spelling, stage_students
from edu_pipeline.model.problems import Problem
from edu_pipeline.model.roster import OPEN_BEGIN, OPEN_END, student_schools
from edu_pipeline.model.school_calendar import proven_week_begins, week_begins_of, with_weeks
from edu_pipeline.settings.home import School, Settings
from edu_pipeline.settings.marks import ATTENDANCE_WORDS, in_two_cases
from edu_pipeline_tests.landing.conftest import ROSTERS, SCHOOL, Facts, rosters_of

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
DAYS = ("2026-09-07", "2026-09-08", "2026-09-09", "2026-09-10", "2026-09-11")


def marks(*rows: str) -> str:
    """`007 1-3` is a present mark on each of the first three days."""
    lines = ["student_id,date,code"]
    for row in rows:
        student, span = row.split()
        first, last = span.split("-")
        lines += [f"{student},{day},present" for day in DAYS[int(first) - 1 : int(last)]]
    return "\n".join(lines) + "\n"


def enrollments(*rows: str) -> str:
    return "\n".join(["class_id,person_id,role,begin_date,end_date", *rows]) + "\n"


TEACHER = "HR-7A,T1,teacher,2026-09-01,"


def kinds(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {kind for (kind,) in con.sql("select distinct kind from landing_problems").fetchall()}


def test_everything_is_held_against_everything(land: Land) -> None:
    """The rules themselves have tests of their own below, over what they look at."""
    fourth = "student_id,date,code\n007,2026-09-10,present\n008,2026-09-10,absent\n"
    con = land(
        {
            "calendar.csv": "date,cohort,in_session\n2026-09-07,7,Y\n2026-09-08,7,Y\n2026-09-08,8,N\n"
            "2026-09-10,7,N\n2026-09-11,7,Y\n",
            "attendance.csv": marks("007 1-1", "008 1-1"),
            "attendance_new.csv": marks("007 1-1"),
            "attendance_office.csv": fourth,
            "homework.csv": 'student,title,due,status\n"Xi, Yu",a,2026-09-08,complete\n',
        }
    )
    assert kinds(con) >= {"names_for_ids", "parts_repeat", "days_differ", "marks_on_closed_days"}
    con = land(
        {
            **{f"attendance_{name}.csv": None for name in ("new", "office")},
            **SCHOOL,
            "homework.csv": None,
            "students.csv": "student_id,grade\n007,7\n008,7\n009,7\n010,7\n",
            "enrollments.csv": enrollments(
                "HR-7A,007,student,2026-09-01,2026-09-10",
                "HR-7A,008,student,2026-09-01,2026-09-11",
                "HR-7A,009,student,2026-09-09,",
                "HR-7A,010,student,2026-09-01,",
                TEACHER,
            ),
            "attendance.csv": marks("007 1-4", "008 1-5", "009 1-2", "010 1-1"),
        }
    )
    assert kinds(con) >= {"marks_on_end_dates", "marks_outside", "registers_in_part"}


STUDENTS = [f"{n:03}" for n in range(1, 11)]
IN_MATHS = """
insert into stg_enrollments
select 'MAT', person_id, role, date '2026-09-01', date '9999-12-31' from stg_enrollments;
"""


def _homework(facts: Stage, *rosters: str) -> list[Problem]:
    """What is told of a piece of Maths of each of ten students, all due on 9 September."""
    rows = "".join(f"{student},w1,MAT,2026-09-09,complete\n" for student in STUDENTS)
    homework = f"student_id,assignment_id,class_id,due_date,status\n{rows}"
    sql = rosters_of(STUDENTS) + IN_MATHS + "".join(rosters)
    found = facts({"homework.csv": homework}, rosters=sql)
    with marks_at_hand(found.con):
        return homework_outside_problems(homework_outside(found.con))


@pytest.mark.parametrize(
    "rosters",
    [
        "update stg_enrollments set class_id = 'B' where class_id = 'MAT' and person_id < '004';",  # cross-listed
        # re-rostered
        "update stg_enrollments set begin_date = '2026-09-14' "
        "where class_id = 'MAT' and person_id < '004';",
    ],
)
def test_homework_of_students_who_are_in_other_classes_is_told(facts: Stage, rosters: str) -> None:
    (problem,) = _homework(facts, rosters)
    assert problem.message.startswith(
        "3 of 10 pieces of homework of class MAT on 2026-09-09 are of students who are not enrolled in it"
    )
    assert problem.holds == "letters"


@pytest.mark.parametrize(
    "rosters",
    [
        "",
        "delete from stg_enrollments where class_id = 'MAT' and person_id = '001';",  # one of ten
        # they dropped it
        "update stg_enrollments set end_date = '2026-09-08' "
        "where class_id = 'MAT' and person_id < '004';",
        "update stg_enrollments set end_date = '2026-09-08' where person_id < '004';",  # left school
        "delete from stg_enrollments where class_id = 'MAT';",  # counts for the homerooms
    ],
)
def test_homework_that_counts_or_rightly_does_not_is_no_question(
    facts: Stage, rosters: str
) -> None:
    assert _homework(facts, rosters) == []


def _outside(found: Facts) -> list[Problem]:
    with marks_at_hand(found.con):
        return outside_problems(marks_outside(found.con), *enrollment_days(found.con))


def test_marks_before_an_enrollment_are_told_with_their_class(facts: Stage) -> None:
    later = "update stg_enrollments set begin_date = '2026-09-09' where person_id = '008';"
    (problem,) = _outside(
        facts({"attendance.csv": marks("007 1-5", "008 1-5")}, rosters=ROSTERS + later)
    )
    assert problem.message.startswith(
        "2 student-days with a mark from 2026-09-07 to 2026-09-08 are outside"
    )
    assert (problem.class_id, problem.holds) == ("HR-7A", "letters")


def test_enrollments_of_another_year_are_one_sentence(facts: Stage) -> None:
    next_year = ROSTERS.replace("2026-09-01", "2027-09-01")
    attendance = {"attendance.csv": marks("007 1-1", "008 1-1")}
    (problem,) = _outside(facts(attendance, rosters=next_year))
    assert problem.message.startswith(
        "None of 2 student-days with a mark falls into an enrollment: students are enrolled from "
        "2027-09-01"
    )


def test_marks_on_every_end_date_suggest_that_it_is_the_last_day(
    facts: Stage,
) -> None:
    attendance = {"attendance.csv": marks("007 1-4", "008 1-5")}
    left = """
    update stg_enrollments set end_date = if(person_id = '007', '2026-09-10', '2026-09-11')::date;
    """

    def told(rosters: str, toml: str = "") -> list[str]:
        con, _, settings = facts(attendance, toml, rosters)
        with marks_at_hand(con):
            problems = end_date_problems(*marks_on_end_dates(con), settings.landing)
        return [problem.message for problem in problems]

    (message,) = told(ROSTERS + left)
    assert 'end_date = "inclusive"' in message
    assert told(ROSTERS + left, '[landing.enrollments]\nend_date = "inclusive"') == []


@pytest.mark.parametrize(("end", "again", "asks"), [
    ("2026-09-10", None, True), ("2026-09-11", None, False), ("2026-09-09", None, False),
    ("2026-09-10", "2026-09-11", True), ("2026-09-10", "2026-09-10", False),
])  # fmt: skip
def test_a_single_mark_on_the_end_date_is_asked_about(
    facts: Stage, end: str, again: str | None, *, asks: bool
) -> None:
    """007 has a mark up to the 10th, and in another class, if there is one, from the 11th on."""
    con, _, settings = facts({"attendance.csv": marks("007 1-4", "008 1-5")})
    con.execute("update stg_enrollments set end_date = ? where person_id = '007'", [end])
    if again:
        con.execute(
            "insert into stg_enrollments values ('HR-7B', '007', 'student', ?, '9999-12-31')",
            [again],
        )
    with marks_at_hand(con):
        found = end_date_problems(*marks_on_end_dates(con), settings.landing)
    start = "On 1 of 1 end date of enrollments the student who left has a mark"
    assert [problem.message.startswith(start) for problem in found] == [True] * asks
    assert [problem.class_id for problem in found] == ["HR-7A"] * asks


@pytest.mark.parametrize(("begins", "other", "asks"), [
    ("2026-09-10", None, True), ("2026-09-09", None, False), ("2026-09-11", None, False),
    ("2026-09-10", "2026-09-09", False),
])  # fmt: skip
def test_a_school_day_between_two_classes_is_asked_about_if_it_is_the_end_date_of_the_first(
    facts: Stage, begins: str, other: str | None, *, asks: bool
) -> None:
    """007 leaves on the 9th; 008 moves without a day between, if at all."""
    con, *_ = facts({"attendance.csv": marks("007 1-1", "008 1-1")})
    moves = {"007": ("2026-09-09", begins), "008": (other, other)}
    for student, (end, begin) in moves.items():
        if end:
            con.execute(
                "update stg_enrollments set end_date = ? where person_id = ?", [end, student]
            )
            con.execute(
                "insert into stg_enrollments values ('HR-7B', ?, 'student', ?, '9999-12-31')",
                [student, begin],
            )
    with marks_at_hand(con):
        found = move_problems(*moves_apart(con))
    assert [problem.class_id for problem in found] == ["HR-7A"] * asks
    assert all('[landing.enrollments]: end_date = "inclusive"' in each.message for each in found)


def test_who_is_not_expected_on_the_end_date_has_left_before(facts: Stage) -> None:
    """The office marks the day of leaving with a code of its own."""
    left = "update stg_enrollments set end_date = '2026-09-10' where person_id = '007';"
    for code, on in (("gone", 0), ("absent", 1)):
        attendance = marks("007 1-3", "008 1-5") + f"007,2026-09-10,{code}\n"
        codes = '[attendance.codes]\ngone = "not_expected"\n'
        con, *_ = facts({"attendance.csv": attendance}, codes, ROSTERS + left)
        with marks_at_hand(con):
            assert marks_on_end_dates(con) == (1, on, 0, ["HR-7A"] * on)


def _of_registers(found: Facts) -> list[str]:
    with marks_at_hand(found.con):
        return [problem.message for problem in register_problems(registers(found.con))]


def test_a_register_of_which_most_is_missing_holds_its_class(facts: Stage) -> None:
    attendance = {"attendance.csv": marks("007 1-5", "008 1-4", "009 1-4", "010 1-4")}
    (message,) = _of_registers(facts(attendance, rosters=rosters_of(["007", "008", "009", "010"])))
    assert message.startswith("In class HR-7A, most students have no mark on a day")


def test_a_week_in_which_many_marks_of_a_class_are_missing_holds_it(facts: Stage) -> None:
    rosters = rosters_of(["007", "008", "009", "010"])
    full = ("007 1-5", "008 1-5", "009 1-5")
    (message,) = _of_registers(
        facts({"attendance.csv": marks(*full[:2], "009 1-3", "010 1-4")}, rosters=rosters)
    )
    assert message.startswith(
        "In class HR-7A, many student-days have no mark, 3 of 20, though others of the same days have, "
        "in the week of 7\u00a0September."
    )
    assert _of_registers(facts({"attendance.csv": marks(*full, "010 1-3")}, rosters=rosters)) == []


def test_missing_marks_of_one_week_are_told_beside_a_register_of_another(facts: Stage) -> None:
    students = ["007", "008", "009", "010"]
    in_part = marks("007 1-5", "008 1-4", "009 1-4", "010 1-4")
    missing = "".join(
        f"{student},2026-09-{day},present\n"
        for day in range(14, 18)
        for student in (students if day == 14 else students[:3])
    )
    rosters = rosters_of(students).replace("day < 5", "day not in (5, 6)")
    told = _of_registers(
        facts(
            {"attendance.csv": in_part + missing}, rosters=rosters.replace("range(6)", "range(12)")
        )
    )
    assert [message.partition(". The register")[0] for message in told] == [
        "In class HR-7A, most students have no mark on a day, though others have, in the week of "
        "7\u00a0September",
        "In class HR-7A, many student-days have no mark, 3 of 16, though others of the same days have, "
        "in the week of 14\u00a0September",
    ]


def test_absences_of_days_to_come_are_told_as_such(facts: Stage) -> None:
    students = ["007", "008", "009", "010"]
    here = marks(*(f"{student} 1-5" for student in students))
    trip = "".join(f"007,2026-09-{day},absent\n" for day in (14, 15))
    rosters = rosters_of(students).replace("day < 5", "day not in (5, 6)")
    found = facts({"attendance.csv": here + trip}, rosters=rosters.replace("range(6)", "range(12)"))
    for message in _of_registers(found):
        assert (
            "in the week of 14\u00a0September. The register is not complete, or these are"
            in message
        )
        assert "absences of days to come: export attendance again, and write the day of" in message


def test_rows_of_the_calendar_that_differ_by_an_unknown_column_are_a_question(
    read_exports: Stage,
) -> None:
    days = (
        "date,cohort,in_session\n2026-09-07,7,Y\n2026-09-07,8,Y\n2026-09-08,7,N\n2026-09-08,8,Y\n"
    )

    def told(toml: str = "") -> list[str]:
        con, files, settings = read_exports({"calendar.csv": days}, toml)
        rivals = calendar_rivals(con, files, ["1"], settings.landing)
        return [problem.message for problem in calendar_problems(*rivals)]

    (message,) = told()
    assert "they are told apart by cohort" in message
    assert 'in [landing.calendar.columns] which: grade = "cohort"  # or track' in message
    assert 'cohort = ["…"]' in message
    assert told('[landing.calendar.where]\ncohort = ["8"]') == []
    assert told('[landing.calendar.columns]\ntrack = "cohort"') == []


def test_two_homerooms_at_once_are_a_question_and_a_move_is_none(
    land: Land, messages: Messages, roster: Land
) -> None:
    classes = "class_id,class_type\nHR-7A,homeroom\nADV,HR\n"
    both = enrollments(
        "HR-7A,007,student,2026-09-01,", "ADV,007,student,2026-09-01,",
        "HR-7A,008,student,2026-09-01,", TEACHER,
    )  # fmt: skip
    (message,) = messages(land({"classes.csv": classes, "enrollments.csv": both}))
    assert 'advisory = "scheduled"' in message
    both_exports = {"classes.csv": classes, "enrollments.csv": both}
    con = roster(both_exports, '[landing.classes.values.class_type]\nhr = "scheduled"')
    assert homerooms_at_once(con).is_empty()
    moved = """
    insert into stg_classes values ('ADV', 'Advisory', 'homeroom', '1');
    insert into stg_enrollments values ('ADV', '007', 'student', '2026-09-09', '9999-12-31');
    """
    with duckdb.connect() as con:
        con.execute(ROSTERS + moved)
        pairs = homerooms_at_once(con)
    assert pairs.select("one", "other", "shared", "together").rows() == [("ADV", "HR-7A", 1, 0)]
    assert homeroom_problems(pairs) == []
    # a move to another school, unless it is none
    found = homeroom_problems(pairs.with_columns(apart=True))
    assert [problem.class_id for problem in found] == ["ADV", "HR-7A"]
    assert found[0].message.startswith(
        "1 student is in two homerooms at once, ADV and HR-7A of another school; each counts in one only."
    )


@pytest.mark.parametrize(("word", "begin", "students", "toml", "becomes"), [
    ("advisory", "2026-09-01", "HR-7A HR-7A", "", "scheduled"),
    ("Tutor Group", "", "HR-7A HR-7A", "", "scheduled"),
    ("advisory", "2026-09-01", "HR-7A -", "", "homeroom"),  # half of its students have no other
    ("advisory", "2025-09-01", "HR-7A HR-7A", "", "homeroom"),  # of the year before
    ("advisory", "2026-09-01", "- -", "", "homeroom"),
    ("homeroom", "2026-09-01", "HR-7A HR-7A", "", "homeroom"),
    ("advisory", "2026-09-01", "HR-7A HR-7A", 'advisory = "homeroom"', "homeroom"),
])  # fmt: skip
def test_an_advisory_is_no_homeroom_where_its_students_have_one(
    roster: Land, word: str, begin: str, students: str, toml: str, becomes: str
) -> None:
    people = ("007", "008")
    spells = [f"ADV,{student},student,{begin}," for student in people]
    spells += [
        f"{home},{student},student,2026-09-01,"
        for student, home in zip(people, students.split(), strict=True)
        if home != "-"
    ]
    classes = f"class_id,class_type\nHR-7A,homeroom\nADV,{word}\n"
    exports = {"classes.csv": classes, "enrollments.csv": enrollments(*spells)}
    con = roster(exports, f"[landing.classes.values.class_type]\n{toml}" if toml else "")
    found = con.sql("select class_type from stg_classes where class_id = 'ADV'").fetchall()
    assert found == [(becomes,)]
    assert homerooms_at_once(con).is_empty() == (becomes == "scheduled" or students == "- -")


def test_a_homeroom_in_a_column_counts_beside_an_advisory(roster: Land) -> None:
    con = roster(
        {
            "students.csv": "student_id,homeroom\n007,HR-7A\n008,HR-7A\n",
            "classes.csv": "class_id,class_type\nADV,advisory\nHR-7A,homeroom\n",
            "enrollments.csv": enrollments("ADV,007,student,,", "ADV,008,student,,"),
        }
    )
    assert con.sql("select class_id, class_type from stg_classes order by 1").fetchall() == [
        ("ADV", "scheduled"),
        ("HR-7A", "homeroom"),
    ]
    placed = "select class_id, count(*) from stg_enrollments group by all order by 1"
    assert con.sql(placed).fetchall() == [("ADV", 2), ("HR-7A", 2)]


CLASSES = "class_id,class_type"
ENROLLED = "class_id,person_id,role\nHR-7A,007,student\nHR-7A,008,student\nMUS,007,student\n"


@pytest.mark.parametrize(("header", "one", "other", "asks"), [
    ("school_year", "2025-26", "2026-27", True), ("Term", "S1", "S2", True),
    ("Academic Session", "Fall 2026", "Spring 2027", True), ("Term Name", "2025-2026", "SY26-27", True),
    ("termSourcedIds", "y1", "y2", True), ("termSourcedIds", "q1,q2", "q2", False),
    ("Term", "Full Year", "S1", False), ("Term", "2026-27", "2026-27 S1", False),
    ("Term", "S1", "Q1", False), ("Semester", "1", "2", True), ("Term", "evening", "morning", False), ("Term type", "S1", "S2", False),
])  # fmt: skip
def test_classes_of_several_terms_without_days_are_asked_about(
    roster: Land, header: str, one: str, other: str, *, asks: bool
) -> None:
    classes = f'{CLASSES},{header}\nHR-7A,homeroom,"{one}"\nMUS,scheduled,"{other}"\n'
    con = roster({"classes.csv": classes, "enrollments.csv": ENROLLED})
    problems = [*terms_without_days(con, read_table(con, "landing_files"), Settings())]
    assert [problem.class_id for problem in problems] == ["HR-7A", "MUS"] * asks
    if asks:
        assert f"('{one}' and '{other}')" in problems[0].message
        dated = ENROLLED.replace("role", "role,begin_date").replace(
            "student\n", "student,2026-09-01\n"
        )
        con = roster({"enrollments.csv": dated})
        assert not [*terms_without_days(con, read_table(con, "landing_files"), Settings())]


SESSIONS = (
    "sourcedId,title,type,startDate,endDate\n1,Fall,term,2026-09-01,2026-12-18\n"
    "2,Q3,gradingPeriod,2027-01-05,2027-03-20\n3,Q4,gradingPeriod,2027-03-21,2027-06-20\n4,X,term,,\n"
)


def test_a_class_is_on_from_the_first_day_of_its_terms_to_the_last(roster: Land) -> None:
    classes = "class_id,class_type,termSourcedIds\n"
    for terms, begin, end in (
        ('"2, 3"', date(2027, 1, 5), date(2027, 6, 21)),
        ("1", date(2026, 9, 1), date(2026, 12, 19)),
        ('"1,4"', OPEN_BEGIN, OPEN_END),
        ('"1,5"', OPEN_BEGIN, OPEN_END),
        ("", OPEN_BEGIN, OPEN_END),
    ):
        con = roster(
            {
                "academicSessions.csv": SESSIONS,
                "classes.csv": f"{classes}MUS,scheduled,{terms}\nHR-7A,homeroom,1\n",
                "enrollments.csv": ENROLLED,
            }
        )
        spells = con.sql("select class_id, begin_date, end_date from stg_enrollments").fetchall()
        assert ("MUS", begin, end) in spells
        assert not [*terms_without_days(con, read_table(con, "landing_files"), Settings())]
    unknown = {"academicSessions.csv": SESSIONS.replace("\n1,", "\n9,").replace("\n2,", "\n8,")}
    opaque = {"classes.csv": f"{classes}MUS,scheduled,2\nHR-7A,homeroom,1\n"}
    con = roster({**unknown, **opaque, "enrollments.csv": ENROLLED})
    assert len([*terms_without_days(con, read_table(con, "landing_files"), Settings())]) == 2


def test_who_leaves_classes_out_leaves_out_their_enrollments(roster: Land) -> None:
    classes = f"{CLASSES},Term\nHR-7A,homeroom,S1\nMUS,scheduled,S2\n"
    files = {"classes.csv": classes, "enrollments.csv": f"{ENROLLED}ART,007,student\n"}
    con = roster(files, '[landing.classes.where]\nTerm = ["S1"]')
    assert con.sql("select value, rule from rejected_enrollments order by 1").fetchall() == [
        ("ART", "unknown_class_id"), ("MUS", ELSEWHERE),
    ]  # fmt: skip
    assert fate_of(ELSEWHERE) == "not_read"
    said = Settings.model_validate({"landing": {"classes": {"where": {"Term": ["S1"]}}}})
    assert not [*terms_without_days(con, read_table(con, "landing_files"), said)]


def test_who_leaves_students_out_leaves_out_what_is_said_of_them(land: Land) -> None:
    files = {
        "students.csv": "student_id,FTE\n007,1\n008,0.5\n",
        "enrollments.csv": f"{ENROLLED.replace('MUS,007', 'HR-7A,009')}HR-7A,008,teacher\n",
        "attendance.csv": "student_id,date,code\n008,2026-09-07,absent\n010,2026-09-07,absent\n",
    }
    con = land(files, '[landing.students.where]\nFTE = ["1"]')
    for table, expected in (
        (
            "enrollments",
            [("008", ELSEWHERE), ("008", "unknown_person_id"), ("009", "unknown_person_id")],
        ),
        ("attendance", [("008", ELSEWHERE), ("010", "unknown_student_id")]),
    ):
        rows = con.table(f"rejected_{table}").select("value", "rule").order("all").fetchall()
        assert rows == expected


def test_names_are_no_ids(read_exports: Stage) -> None:
    con, files, settings = read_exports(
        {
            "students.csv": 'Student,ID,Grade\n"Xi, Yu",007,7\n"Xu, Yi",008,7\n',
            "attendance.csv": 'Student,Date,Code\n"Xi, Yu",2026-09-07,present\n',
        },
        also=("enrollments", "homework"),
    )
    ids = con.sql("select student_id from read_students order by 1").fetchall()
    assert ids == [("007",), ("008",)]
    (problem,) = name_problems(names_for_ids(con, files, settings.landing))
    assert problem.table == "attendance"
    assert "names are no ids" in problem.message


def test_parts_of_which_one_repeats_the_other_are_a_question(read_exports: Stage) -> None:
    absence = "student_id,date,code\n007,2026-09-07,absent\n"
    files = {"attendance.csv": f"{absence}008,2026-09-07,absent\n", "attendance_new.csv": absence}
    con, listed, settings = read_exports(files)
    (problem,) = part_problems(parts_that_repeat(con, listed, settings.landing), listed)
    assert "would be added up, but 1 of 1 rows" in problem.message


@pytest.mark.parametrize(
    ("ids", "known", "others", "same"),
    [
        (["001"], ["1"], [], {"001": "1"}),
        (["1"], ["001", "002"], [], {"1": "001"}),
        (["North"], ["north"], [], {"North": "north"}),
        (["001"], ["1"], ["001", "1"], {}),
        (["001"], ["1", "01"], [], {}),
        (["002"], ["1"], [], {}),
    ],
)
def test_a_school_is_known_by_another_spelling_where_there_is_no_rival(
    ids: list[str], known: list[str], others: list[str], same: dict[str, str]
) -> None:
    assert one_spelling(ids, known, others) == same


def test_a_school_without_a_calendar_is_told_with_its_classes() -> None:
    with duckdb.connect() as con:
        con.execute(ROSTERS)
        con.execute("update stg_student_schools set school_id = '9'")
        con.execute("update stg_classes set school_id = '9' where class_id = 'HR-7A'")
        without = schools_without_days(con)
    assert without.rows() == [("9", 2, ["HR-7A"])]
    (problem,) = days_problems(without, ["1"], ["9"], landed=True)
    assert problem.class_id == "HR-7A"
    assert "For school 9 the calendar has no day in session" in problem.message


def test_a_students_days_belong_to_the_school_of_the_homeroom_of_the_day() -> None:
    students = pl.DataFrame({"student_id": ["s", "t"], "school_id": ["2", "1"]})
    classes = pl.DataFrame(
        {"class_id": ["A", "C"], "class_type": ["homeroom"] * 2, "school_id": ["1", "2"]}
    )
    spells = pl.DataFrame(
        {
            "class_id": ["A", "C", "A"],
            "person_id": ["s", "s", "t"],
            "role": ["student"] * 3,
            "begin_date": [date(2026, 9, 1), date(2026, 9, 14), date(2026, 9, 1)],
            "end_date": [date(2026, 9, 14), date(9999, 12, 31), date(9999, 12, 31)],
        }
    )
    found = student_schools(students, classes, spells)
    assert found.rows() == [
        ("s", "2", date(1, 1, 1), date(2026, 9, 1)),
        ("s", "1", date(2026, 9, 1), date(2026, 9, 14)),
        ("s", "2", date(2026, 9, 14), date(9999, 12, 31)),
        ("t", "1", date(1, 1, 1), date(9999, 12, 31)),
    ]


def test_enrollments_without_dates_have_those_of_the_term_and_of_the_stay(stage: Land) -> None:
    con = stage(
        {
            "students.csv": "student_id,grade,EntryDate,ExitDate\n007,7,2026-09-02,2026-10-01\n"
            "008,7,,0000-00-00\n",
            "classes.csv": "class_id,class_type,Term_start,Term_end\n"
            "HR-7A,homeroom,2026-08-31,2026-12-18\n",
            "enrollments.csv": enrollments(
                "HR-7A,007,student,,", "HR-7A,008,student,2026-09-05,1900-01-01"
            ),
        }
    )
    assert con.sql(
        "select person_id, begin_date, end_date from stg_enrollments order by 1"
    ).fetchall() == [
        ("007", date(2026, 9, 2), date(2026, 10, 1)),
        ("008", date(2026, 9, 5), date(2026, 12, 19)),
    ]


def test_names_as_people_write_them(people: Land) -> None:
    con = people(
        {
            "students.csv": "student_id,name,known as\n"
            '007,"Fox, Jr., Joe",\n008,"Fox, Joe, Jr.",\n011,"Fox, Joe Lee III",\n009,"Null, Amy",\n010,"Day, Rob",Robin\n'
        }
    )
    assert con.sql(
        "select given_name, family_name from stg_students order by student_id"
    ).fetchall() == [
        ("Joe", "Fox Jr"),
        ("Joe", "Fox Jr"),
        ("Amy", "Null"),
        ("Robin", "Day"),
        ("Joe Lee", "Fox III"),
    ]
    con = people(
        {"students.csv": "student_id,first name,last name,suffix\n007,Joe,Fox,Jr.\n008,Jo,Fox,\n"}
    )
    names = con.sql("select given_name, family_name from stg_students order by student_id")
    assert names.fetchall() == [("Joe", "Fox Jr."), ("Jo", "Fox")]


def test_a_homeroom_may_be_called_na_where_there_is_such_a_class(read_exports: Stage) -> None:
    con, _, settings = read_exports({"students.csv": "student_id,homeroom\n007,NA\n008,OB\n"})
    rows, export = read_table(con, "read_students"), settings.landing.students
    homerooms = stage_students(rows, export, ["NA", "OB"]).good.sort("student_id")["homeroom_id"]
    assert homerooms.to_list() == ["NA", "OB"]
    homerooms = stage_students(rows, export, ["OB"]).good.sort("student_id")["homeroom_id"]
    assert homerooms.to_list() == [None, "OB"]


def calendar(*days: date, years: list[str] | None = None) -> pl.DataFrame:
    frame = pl.DataFrame({"date": days}).with_columns(school_id=pl.lit("1"), in_session=True)
    return frame if years is None else frame.with_columns(school_year=pl.Series(years))


def test_a_week_that_begins_on_sunday_is_named_by_its_monday() -> None:
    sundays = calendar(date(2026, 9, 6), date(2026, 9, 10), date(2026, 9, 13), date(2026, 9, 17))
    weeks = with_weeks(sundays, week_begins="sunday")["week_start"].to_list()
    assert weeks == [date(2026, 9, 7)] * 2 + [date(2026, 9, 14)] * 2
    assert week_begins_of(with_weeks(sundays, week_begins="sunday")) == "sunday"
    assert week_begins_of(with_weeks(sundays, week_begins="sunday"), "monday") == "monday"
    friday = pl.concat([sundays, calendar(date(2026, 9, 11))])
    asked = [each.message for each in week_problems(with_weeks(friday), School())]
    assert 'week_begins = "sunday"' in asked[0]
    assert week_problems(with_weeks(friday), School(week_begins="monday")) == []


def test_the_days_prove_on_which_one_the_week_begins() -> None:
    def proven(*numbers: int, school: str = "1") -> pl.DataFrame:
        days = calendar(*(date(2026, 9, number) for number in numbers))
        return days.with_columns(school_id=pl.lit(school))

    to_thursday = proven(6, 7, 8, 9, 10, 13, 14, 15, 16, 17)
    monday_to_friday = proven(7, 8, 9, 10, 11, 14, 15, 16, 17, 18, school="2")
    for days, first in (
        (to_thursday, "sunday"),
        (proven(5, 6, 7, 8, 9, 12, 13, 14, 15, 16), "saturday"),
        (monday_to_friday, None),
        (pl.concat([to_thursday, monday_to_friday]), "sunday"),
        # a Sunday of four, some Saturdays, a Friday, a school that is open on Saturdays
        (proven(6, 7, 8, 9, 10, 14, 15, 16, 17, 21, 22, 28, 29), None),
        (pl.concat([to_thursday, proven(12)]), None),
        (pl.concat([to_thursday, proven(11)]), None),
        (pl.concat([to_thursday, proven(7, 8, 12, 14, 15, 19, school="2")]), None),
    ):
        assert proven_week_begins(days) == first
        if first:
            assert week_problems(with_weeks(days, week_begins=first), School()) == []


def test_with_school_on_saturdays_the_week_begins_with_them() -> None:
    days = (date(2026, 9, n) for n in (5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16))
    (asked,) = week_problems(with_weeks(calendar(*days)), School())
    assert asked.message == (
        "School 1 is in session on Saturdays and Sundays and hardly on Fridays, but weeks are counted "
        'from Monday. Add to [school]: week_begins = "saturday"  # or monday'
    )


def test_a_school_year_that_begins_in_spring_or_never_ends_is_a_question() -> None:
    through = date(2026, 9, 25)

    def told(*days: date, **said: str) -> list[str]:
        placed = with_weeks(calendar(*days), year_begins=said.get("year_begins"))
        return [
            each.message for each in year_problems(placed, through, School(**said), named=False)
        ]

    def fortnightly(first: date, times: int) -> list[date]:
        return [first + timedelta(days=14 * n) for n in range(times)]

    spring = [*fortnightly(date(2026, 4, 8), 8), *fortnightly(date(2026, 9, 1), 2)]
    (asked,) = told(*spring)
    assert 'year_begins = "09-01"  # or "04-01"' in asked
    assert told(*spring, year_begins="04-01") == []
    assert told(*fortnightly(date(2026, 1, 14), 6), *spring) == []
    assert told(*spring[:8]) == []
    long = fortnightly(date(2025, 9, 1), 28)
    (asked,) = told(*long)
    assert "no break of more than 35 days since 2025-09-01" in asked
    assert 'Add to [school]: year_begins = "…"' in asked
    assert told(*long[3:]) == []


def test_a_school_year_begins_as_said_or_named_and_a_short_summer_is_a_question() -> None:
    days = date(2026, 6, 1), date(2026, 7, 6), date(2026, 8, 3), date(2026, 9, 1)
    assert with_weeks(calendar(*days))["year_start"].unique().to_list() == [days[0]]
    said = with_weeks(calendar(*days), year_begins="08-15")
    named = with_weeks(calendar(*days, years=["25/26"] * 3 + ["26/27"]))
    for frame in (said, named):
        assert frame["year_start"].to_list() == [days[0]] * 3 + [days[3]]
    through = date(2026, 9, 1)
    (asked,) = year_problems(with_weeks(calendar(*days)), through, School(), named=False)
    assert 'year_begins = "09-01"' in asked.message
    assert year_problems(said, through, School(year_begins="08-15"), named=False) == []
    assert year_problems(named, through, School(), named=True) == []


CALENDAR_OF_TYPES = "date,type\n" + "".join(
    f"2026-09-{day:02},{'Holiday' if day == 9 else 'School day'}\n" for day in range(7, 12)
)


def test_a_calendar_whose_holidays_stand_in_a_column_that_nobody_reads_is_a_question(
    land: Land, messages: Messages, read_exports: Stage
) -> None:
    (asked,) = roster_doubts(*read_exports({"calendar.csv": CALENDAR_OF_TYPES}))
    assert (
        "type has 'Holiday' on 1 day. Add to [landing.calendar.columns]: in_session = \"type\""
        in asked.message
    )
    said = land(
        {**SCHOOL, "calendar.csv": CALENDAR_OF_TYPES},
        '[landing.calendar.columns]\nin_session = "type"',
    )
    assert messages(said) == []
    days = said.sql("select date from stg_school_days where not in_session").fetchall()
    assert days == [(date(2026, 9, 9),)]


@pytest.mark.parametrize(("moment", "zone", "asks"), [
    ("2026-09-06T22:00:00Z", "Europe/Berlin", True), ("2026-09-07T08:15:00Z", "Europe/Berlin", False),
    ("2026-09-07T08:15:00Z", "", True), ("2026-09-07T00:00:00Z", "", False),
])  # fmt: skip
def test_moments_of_a_calendar_are_asked_about_where_they_are_another_day_at_the_school(
    read_exports: Stage, moment: str, zone: str, *, asks: bool
) -> None:
    toml = f'[school]\ntime_zone = "{zone}"' if zone else ""
    days = {"calendar.csv": f"date,in_session\n{moment},Y\n"}
    found = [*roster_doubts(*read_exports(days, toml))]
    assert [problem.kind for problem in found] == ["moments_in_rosters"] * asks


def test_a_calendar_of_school_days_with_other_columns_asks_nothing(read_exports: Stage) -> None:
    rows = "".join(f"2026-09-{day:02},day {day},A\n" for day in range(7, 12))
    assert (
        list(roster_doubts(*read_exports({"calendar.csv": f"date,day_name,cycle\n{rows}"}))) == []
    )


def test_a_calendar_that_lists_the_days_without_school_is_told_as_such(
    land: Land, messages: Messages
) -> None:
    con = land(
        {"calendar.csv": "date,event\n2026-09-09,Fair\n2026-10-14,Autumn break\n"}
        | {
            "attendance.csv": "student_id,date,code\n007,2026-09-07,present\n008,2026-09-08,absent\n"
        }
    )
    assert any("it seems to list the days without school" in text for text in messages(con))
    assert not any("with these days in session" in text for text in messages(con))


def test_a_class_of_which_only_absences_are_marked_is_asked_about(facts: Stage) -> None:
    other_class = """
    insert into stg_classes values ('HR-7B', '7B', 'homeroom', '1');
    update stg_enrollments set class_id = 'HR-7B' where person_id in ('009', '010');
    """
    rosters = rosters_of(["007", "008", "009", "010"]) + other_class
    of_both = (
        "student_id,date,code\n007,2026-09-07,present\n008,2026-09-07,present\n"
        "009,2026-09-07,absent\n"
    )
    (asked,) = _of_registers(facts({"attendance.csv": of_both}, rosters=rosters))
    assert asked.startswith("In class HR-7B, only absences are marked, and the others have no mark")
    everyone = {"attendance.csv": f"{of_both}010,2026-09-07,absent\n"}
    assert _of_registers(facts(everyone, rosters=rosters)) == []


def test_a_code_in_two_cases_of_which_one_is_mapped_is_asked_about(facts: Stage) -> None:
    toml = '[attendance.codes]\nE = "excused"\nP = "present"'
    rows = "student_id,date,code\n007,2026-09-07,E\n008,2026-09-07,{}\n"
    both, *_ = facts({"attendance.csv": rows.format("e")}, toml)
    (asked,) = code_problems(unmapped_codes(both))
    assert asked.message.startswith("'e' appears once")
    alone, *_ = facts({"attendance.csv": rows.format("p")}, toml)
    assert code_problems(unmapped_codes(alone)) == []


@pytest.mark.parametrize(("codes", "said", "asks"), [
    (["Absent", "ABSENT", "absent"], {"Absent": "absent"}, set()),
    (["Bus", "BUS"], {"Bus": "tardy"}, set()),
    (["Late", "late"], {"Late": "absent"}, {"late"}),
    (["E", "e", "P"], {"E": "excused", "P": "present"}, {"e"}),
    (["E", "e", "P", "p"], {"E": "excused", "P": "present"}, set()),
    (["E", "e"], {"E": "excused", "e": "tardy"}, set()),
    (["Eb"], {"EB": "excused", "eb": "tardy"}, {"Eb"}),
])  # fmt: skip
def test_a_code_in_another_case_is_the_one_that_is_mapped_unless_it_may_be_another(
    codes: list[str], said: dict[str, str], asks: set[str]
) -> None:
    assert in_two_cases(codes, said, ATTENDANCE_WORDS) == asks


@pytest.mark.parametrize(
    ("last", "back", "asks"),
    [
        (date(2025, 12, 19), date(2026, 1, 12), 0),
        (date(2025, 12, 19), date(2026, 1, 19), 0),
        (date(2025, 12, 10), date(2026, 1, 14), 1),
        (date(2026, 7, 24), date(2026, 8, 24), 1),
    ],
)
def test_holidays_over_christmas_are_no_summer_unless_they_are_long(
    last: date, back: date, asks: int
) -> None:
    days = with_weeks(calendar(last - timedelta(days=1), last, back))
    assert len(year_problems(days, back, School(), named=False)) == asks


def with_terms(land: Land, sessions: str, toml: str = "") -> duckdb.DuckDBPyConnection:
    """A school that was in session from Monday to Friday."""
    marks = "".join(f"00{n},2026-09-{day:02},present\n" for n in (7, 8) for day in range(7, 12))
    return land(
        {
            "academicSessions.csv": f"sourcedId,title,type,startDate,endDate\n{sessions}",
            "classes.csv": "class_id,class_type,termSourcedIds\nHR-7A,homeroom,Y\nMAT,scheduled,A\n",
            "enrollments.csv": "class_id,person_id,role\nHR-7A,007,student\nHR-7A,008,student\n"
            "MAT,007,student\nHR-7A,T1,teacher\n",
            "attendance.csv": f"student_id,date,code\n{marks}",
        },
        toml,
    )


YEAR = "Y,Year,schoolYear,2026-08-24,2027-06-20\n"
EXCLUSIVE = '[landing.terms]\nend_date = "exclusive"\n'
FRIDAY = f"{YEAR}A,A,term,2026-08-24,2026-09-11\n"


def test_whether_the_end_date_of_a_term_belongs_to_it_is_asked_where_there_was_school_on_it(
    land: Land,
) -> None:
    asked = "select class_id, message from landing_problems where kind = 'end_in_school'"
    ((class_id, message),) = with_terms(land, FRIDAY).sql(asked).fetchall()
    assert class_id == "MAT"
    assert "Term A ends on 2026-09-11, and there was school on that day" in message
    assert with_terms(land, FRIDAY.replace("-09-11", "-09-12")).sql(asked).fetchall() == []
    ends = "select end_date from stg_enrollments where class_id = 'MAT'"
    for said, end in ((EXCLUSIVE, 11), (EXCLUSIVE.replace("ex", "in", 1), 12)):
        con = with_terms(land, FRIDAY, said)
        assert con.sql(asked).fetchall() == []
        assert con.sql(ends).fetchall() == [(date(2026, 9, end),)]


def test_a_term_that_ends_as_another_begins_surely_ends_on_the_day_before(land: Land) -> None:
    for begins, asked in (("2026-09-11", []), ("2026-09-14", ["A"])):
        terms = f"{FRIDAY}B,B,term,{begins},2027-01-20\n"
        found = terms_that_end_in_school(with_terms(land, terms, EXCLUSIVE), exclusive=True)
        assert found["term_id"].to_list() == asked
