"""Rows that are left out: judged by the week, the class and what they say, and asked about where it matters."""

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from edu_pipeline.landing.sources.school.agreement import marks_on_closed_days
from edu_pipeline.landing.sources.school.disagreements import closed_problems
from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline.landing.sources.school.losses import (
    attendance_lost,
    loss_problems,
    worse_rows_lost,
    worse_rows_problems,
)
from edu_pipeline.landing.sources.school.parts_of_day import sessions_likely
from edu_pipeline.landing.sources.school.school_problems import date_advice
from edu_pipeline.landing.sources.school.telling_apart import several_problem, several_rows
from edu_pipeline_tests.landing.conftest import ROSTERS, Facts, rosters_of

Land = Callable[..., duckdb.DuckDBPyConnection]
Stage = Callable[..., Facts]
Fates = Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]

WEEK = [date(2026, 9, 7) + timedelta(days=n) for n in range(5)]
HEADER = "student_id,date,code\n"
HOMEWORK = "student_id,assignment_id,class_id,due_date,status"
BOTH_IN_MATHS = "class_id,person_id,role\nHR-7A,007,student\nHR-7A,008,student\nMAT,007,student\nMAT,008,student\n"


def week(**codes: list[str]) -> str:
    """Marks of Monday to Friday of each student; a blank one has no row."""
    return "".join(
        f"{student.removeprefix('s')},{day},{code}\n"
        for student, marks in codes.items()
        for day, code in zip(WEEK, marks, strict=True)
        if code
    )


def asked(found: Facts) -> list[str]:
    return [problem.message for problem in doubts(*found)]


EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"'
PRESENT = ["present"] * 5
SCHOOL_DAYS = "date,in_session\n" + "".join(f"{day},Y\n" for day in WEEK)


def test_a_lost_absence_holds_the_class_and_says_what_it_could_do(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "students.csv": "student_id\n" + "".join(f"{n}\n" for n in range(100, 105)),
            "enrollments.csv": "class_id,person_id,role\n"
            + "".join(f"HR-7A,{n},student\n" for n in range(100, 105)),
            "attendance.csv": HEADER
            + week(s100=["", *PRESENT[1:]], s101=PRESENT, s102=PRESENT, s103=PRESENT, s104=PRESENT)
            + "100,2026-09-0?,absent\n",
        }
    )
    assert con.sql("select kind, class_id, holds, first_date from landing_problems").fetchall() == [
        ("rows_lost", "HR-7A", "letters", WEEK[0])
    ]
    (message,) = messages(con)
    assert message.startswith(
        "1 row of attendance about 7A in the week of 7\u00a0September 2026 could not be used: unparseable "
        "date (school/attendance.csv, line 26). With it, attendance there is 96.0\u00a0%, not 100\u00a0%."
    )


def test_a_lost_row_of_a_student_who_has_all_marks_moves_no_figure(facts: Stage) -> None:
    marks = week(s007=PRESENT, s008=PRESENT)
    con, _, settings = facts({"attendance.csv": f"{HEADER}{marks}007,2026-13-45,absent\n"})
    assert con.sql("select rule from rejected_attendance").fetchall() == [("unparseable_date",)]
    assert loss_problems(attendance_lost(con, settings.landing.attendance), "") == []


def test_absences_under_other_ids_are_missed(facts: Stage) -> None:
    students = [f"{n:03}" for n in range(100, 150)]
    marks = "".join(f"{s},{day},present\n" for s in students for day in WEEK[:3])
    absences = "".join(f"X{s},{WEEK[0]},absent\n" for s in students[:4])
    exports = {"attendance.csv": f"{HEADER}{marks}{absences}"}
    con, _, settings = facts(exports, rosters=rosters_of(students))
    (problem,) = worse_rows_problems(worse_rows_lost(con), (), settings.landing.attendance)
    assert problem.message.startswith(
        "4 of 4 absences in attendance are rejected, and hardly any other row"
    )


def _asked_of_several(found: Facts, table: str = "attendance") -> str | None:
    several = several_rows(found.con, table, found.files, found.settings)
    return several_problem(several).message if several else None


def test_marks_of_two_systems_are_no_sessions(facts: Stage) -> None:
    """A half of 007's day would be missed, though one system has it present and the other absent."""
    marks = "".join(
        f"{student},{day},{code},{system}\n"
        for student in ("007", "008")
        for day in WEEK[:3]
        for system, code in (("SIS", "absent"), ("Gate", "present"))
    )
    files = {"attendance.csv": f"student_id,date,code,Source\n{marks}"}
    message = _asked_of_several(facts(files))
    assert message
    assert "likely the same days as several systems" in message
    assert "sessions_per_day" not in message
    assert '[landing.attendance.where]: Source = ["…"]' in message
    assert _asked_of_several(facts({}, '[landing.attendance.where]\nSource = ["SIS"]')) is None


def test_a_mark_per_period_in_an_unknown_column_is_asked_about_and_the_line_works(
    facts: Stage,
) -> None:
    marks = "".join(
        f"{student},{day},{code},{unit}\n"
        for student in ("007", "008")
        for day in WEEK[:3]
        for unit, code in (("U1", "absent" if student == "007" else "present"), ("U2", "present"))
    )
    message = _asked_of_several(facts({"attendance.csv": f"student_id,date,code,Unit\n{marks}"}))
    assert message
    assert message.startswith(
        "Up to 2 rows of attendance are about the same student and day, and no column is known to tell "
        "them apart: 6 of 12 rows would be left out. Unit has 2 values"
    )
    assert 'Add to [landing.attendance.columns]: session = "Unit". If the last' in message
    fixed = facts({}, '[landing.attendance.columns]\nsession = "Unit"')
    assert _asked_of_several(fixed) is None
    assert fixed.con.sql("select sum(possible), sum(attended) from stg_attendance").fetchall() == [
        (6, 4.5)
    ]


def test_an_export_appended_to_itself_counts_once(
    land: Land, messages: Messages, fates: Fates
) -> None:
    marks = week(s007=PRESENT, s008=["absent", *PRESENT[1:]])
    con = land({"attendance.csv": HEADER + marks + marks})
    assert messages(con) == []
    found = fates(con).filter(table="attendance").select("fate", "rows").sort("fate")
    assert found.rows() == [("counted", 10), ("same", 10)]


def test_two_columns_of_one_name_that_differ_are_asked_about(facts: Stage) -> None:
    header = "student_id,date,code,code\n"
    (message,) = asked(
        facts(
            {
                "attendance.csv": f"{header}007,2026-09-07,present,absent\n",
                "attendance_same.csv": f"{header}007,2026-09-08,present,present\n",
            }
        )
    )
    assert message.startswith("school/attendance.csv")
    assert "has 2 columns of the same name, code, and they differ in 1 rows" in message


def test_marks_of_days_to_come_count_nowhere_and_are_said(facts: Stage) -> None:
    rows = HEADER + week(s007=PRESENT, s008=[*PRESENT[:3], "", ""])
    found = facts({"attendance_2026-09-09.csv": rows})
    assert found.con.sql("select max(date) from stg_attendance").fetchall() == [(WEEK[2],)]
    assert [(each.kind, each.holds, each.rows) for each in doubts(*found)] == [
        ("days_to_come", None, 2)
    ]
    prefilled = HEADER + week(s007=PRESENT, s008=PRESENT)
    quiet = facts({"attendance_2026-09-09.csv": prefilled})
    assert list(doubts(*quiet)) == []
    assert quiet.con.sql("select sum(possible) from stg_attendance").fetchall() == [(6,)]
    planned = facts({"attendance_2026-09-09.csv": rows}, EXCEPTIONS)
    assert list(doubts(*planned)) == []


def test_an_excused_trip_next_week_is_no_typing_error(facts: Stage) -> None:
    name, codes = (
        "attendance_2026-09-09.csv",
        '[attendance.codes]\nE = "excused"\nU = "unexcused"\n',
    )
    here = HEADER + week(s007=[*PRESENT[:3], "", ""])
    trip = "007,2026-09-14,E\n007,2026-09-15,E\n"
    assert asked(facts({name: here + trip}, codes)) == []
    for typed in (
        "007,2026-09-14,U\n",
        "007,2027-09-08,E\n",  # no trip is a year ahead
        "008,2026-09-14,E\n",  # of somebody without marks
    ):
        (message,) = asked(facts({name: here + trip + typed}, codes))
        assert message.startswith("1 mark of attendance is about ")


def test_marks_of_whole_days_beside_sessions_are_told_once(land: Land, messages: Messages) -> None:
    sessions = ("AM", "PM", "")
    marks = "".join(f"{who},{WEEK[0]},present,{of}\n" for who in ("007", "008") for of in sessions)
    files = {"attendance.csv": f"student_id,date,code,session\n{marks}"}
    (message,) = messages(land(files, "[landing.attendance]\nsessions_per_day = 2"))
    assert message.startswith(
        "2 rows of attendance with no session stand where others have AM and PM"
    )


def test_a_register_with_the_office_s_absences_only_is_not_in(facts: Stage) -> None:
    students = [f"{n:03}" for n in range(100, 104)]
    friday = "".join(f"{s},{WEEK[4]},{code}\n" for s, code in zip(students, ("absent", "", "", ""), strict=True))  # fmt: skip
    thursday = "".join(f"{s},{WEEK[3]},{code}\n" for s, code in zip(students, ("absent", "", "present", ""), strict=True))  # fmt: skip
    con, *_ = facts({"attendance.csv": HEADER + thursday + friday}, rosters=rosters_of(students))
    assert con.sql(
        "select date, sum(possible), bool_or(submitted) from stg_attendance group by all order by 1"
    ).fetchall() == [(WEEK[3], 2, True), (WEEK[4], 0, False)]


def test_the_duration_of_a_presence_is_how_long_somebody_was_there(facts: Stage) -> None:
    durations = {"1": 1, "0.5": 0.5, "0": 1, "": 1, "25 %": 0.25}
    rows = "".join(
        f"007,{day},In Attendance,{duration}\n"
        for day, duration in zip(WEEK, durations, strict=True)
    )
    con, *_ = facts({"attendance.csv": f"student_id,date,code,EventDuration\n{rows}"})
    found = con.sql("select attended from stg_attendance order by date").fetchall()
    assert dict(zip(durations, (attended for (attended,) in found), strict=True)) == durations


def test_the_portion_absent_of_somebody_present_is_missed(facts: Stage) -> None:
    con, *_ = facts(
        {"attendance.csv": "student_id,date,code,Portion Absent\n007,2026-09-07,present,0.25\n"}
    )
    assert con.sql("select attended from stg_attendance").fetchall() == [(0.75,)]


def test_a_moment_in_utc_is_a_day_of_the_school(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-12T03:59:00Z,complete\n"
    (message,) = asked(facts({"homework.csv": f"{HOMEWORK}\n{rows}"}))
    assert "which day that is depends on the time zone" in message
    said = facts({}, '[school]\ntime_zone = "America/New_York"')
    assert asked(said) == []
    assert said.con.sql("select due_date from stg_homework").fetchall() == [(date(2026, 9, 11),)]


def test_midnights_in_utc_are_the_days_themselves(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-11T00:00:00Z,complete\n"
    found = facts(
        {"homework.csv": f"{HOMEWORK}\n{rows}"}, '[school]\ntime_zone = "America/New_York"'
    )
    assert asked(found) == []
    assert found.con.sql("select due_date from stg_homework").fetchall() == [(date(2026, 9, 11),)]


def test_midnights_beside_moments_are_days_where_they_are_many(facts: Stage) -> None:
    absences = "007,2026-09-08T00:00:00Z,absent\n"
    late = "".join(f"008,{day}T13:05:00Z,tardy\n" for day in WEEK)
    said = '[school]\ntime_zone = "America/New_York"'
    con, *_ = facts({"attendance.csv": HEADER + absences + late}, said)
    found = con.sql("select date from stg_attendance where attended = 0").fetchall()
    assert found == [(date(2026, 9, 8),)]


CLOSED = ROSTERS.replace("day < 5 as", "day not in (2, 5) as")


def _closed(found: Facts) -> list[tuple[str, date | None, int]]:
    problems = closed_problems(marks_on_closed_days(found.con), found.settings.landing)
    return [(problem.kind, problem.first_date, problem.rows) for problem in problems]


def test_a_few_marks_on_closed_days_are_right_and_count_nowhere(land: Land, facts: Stage) -> None:
    closed = SCHOOL_DAYS.replace("2026-09-09,Y", "2026-09-09,N")
    snow = land(
        {"calendar.csv": closed, "attendance.csv": HEADER + week(s007=PRESENT, s008=PRESENT)}
    )
    assert snow.sql("select kind from landing_problems").fetchall() == []
    assert snow.sql("select sum(attended), sum(possible) from stg_attendance").fetchall() == [
        (8, 8)
    ]
    entered = HEADER + week(s007=["", "absent", "absent", "", "absent"])
    assert _closed(facts({"attendance.csv": entered}, EXCEPTIONS, CLOSED)) == []


def test_a_register_on_a_closed_day_or_after_the_calendar_ends_says_it_is_wrong(
    facts: Stage,
) -> None:
    taken = HEADER + week(s007=PRESENT, s008=["present", "present", "absent", "present", "present"])
    register = facts({"attendance.csv": taken}, rosters=CLOSED)
    assert _closed(register) == [("marks_on_closed_days", WEEK[2], 2)]
    days = [WEEK[0] + timedelta(days=7 * weeks + day) for weeks in range(3) for day in range(5)]
    short = "insert into stg_school_days from (values {});".format(
        ", ".join(f"(date '{day}', '1', true, null)" for day in days[5:14])
    )
    marks = "".join(f"007,{day},present\n008,{day},present\n" for day in days)
    ended = facts({"attendance.csv": HEADER + marks}, rosters=ROSTERS + short)
    assert _closed(ended) == [("marks_on_closed_days", days[14], 2)]


def test_one_task_of_two_classes_is_two_pieces(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-08,complete\n007,a1,HR-7A,2026-09-08,missing\n"
    con, *_ = facts({"homework.csv": f"{HOMEWORK}\n{rows}"})
    assert con.sql("select class_id, status from stg_homework order by 1").fetchall() == [
        ("HR-7A", "missing"),
        ("MAT", "complete"),
    ]


def test_a_title_that_comes_every_week_is_a_piece_each_time_and_an_id_is_moved(
    facts: Stage,
) -> None:
    delta = '[landing.homework]\nexport = "delta"'
    first, second = "007,Log,MAT,2026-09-08,complete\n", "007,Log,MAT,2026-09-11,missing\n"
    for column, pieces in (("title", 2), ("assignment_id", 1)):
        header = HOMEWORK.replace("assignment_id", column)
        con, *_ = facts(
            {
                "homework_2026-09-08.csv": f"{header}\n{first}",
                "homework_2026-09-11.csv": f"{header}\n{second}",
            },
            delta,
        )
        assert con.sql("select count(*) from stg_homework").fetchall() == [(pieces,)]


def test_of_several_attempts_a_person_says_which_counts(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-08,complete,2\n008,a1,MAT,2026-09-08,complete,1\n007,a1,MAT,2026-09-08,missing,1\n"
    message = _asked_of_several(facts({"homework.csv": f"{HOMEWORK},attempt\n{rows}"}), "homework")
    assert message
    assert "about the same piece of a student" in message
    assert "They differ in attempt." in message


def test_graded_with_nothing_is_asked_until_somebody_says_what_it_means(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-08,fully graded,0\n008,a1,MAT,2026-09-08,fully graded,9\n"
    (message,) = asked(facts({"homework.csv": f"{HOMEWORK},score\n{rows}"}))
    assert message.startswith("1 piece of homework is 'fully graded' with a score of 0")
    assert asked(facts({}, '[homework.codes]\n"fully graded" = "complete"')) == []
    # no score is the same, but where the piece has none at all
    rows = "007,a1,MAT,2026-09-08,graded,\n008,a1,MAT,2026-09-08,graded,9\n007,a2,MAT,2026-09-08,graded,\n"
    (message,) = asked(facts({"homework.csv": f"{HOMEWORK},score\n{rows}"}))
    assert message.startswith("1 piece of homework is 'graded' with a score of 0 or none")
    rows = "007,a1,MAT,2026-09-08,graded,,B\n008,a1,MAT,2026-09-08,graded,9,\n"
    assert asked(facts({"homework.csv": f"{HOMEWORK},score,textScore\n{rows}"})) == []
    # points of another kind, of which 0 are ordinary
    columns = "score,bonus points,Min Score,late_penalty_points"
    rows = (
        "007,a1,MAT,2026-09-08,fully graded,8,0,0,0\n008,a1,MAT,2026-09-08,fully graded,9,1,0,0\n"
    )
    assert asked(facts({"homework.csv": f"{HOMEWORK},{columns}\n{rows}"})) == []


def test_the_outcome_is_read_and_not_the_record_s_own_status(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-08,,fully graded\n"
    con, *_ = facts({"homework.csv": f"{HOMEWORK},scoreStatus\n{rows}"})
    assert con.sql("select status from stg_homework").fetchall() == [("complete",)]


def test_homework_of_which_no_outcome_is_known_is_a_problem(facts: Stage) -> None:
    rows = "007,a1,MAT,2026-09-08,\n008,a1,MAT,2026-09-08,\n"
    (message,) = asked(facts({"homework.csv": f"{HOMEWORK}\n{rows}"}))
    assert message.startswith("Of 2 rows of homework none has a known outcome")


def test_a_mark_without_a_session_is_asked_about_beside_sessions(facts: Stage) -> None:
    rows = "007,2026-09-07,absent,\n008,2026-09-08,absent,AM\n008,2026-09-09,absent,PM\n"
    marks = {"attendance.csv": f"student_id,date,code,session\n{rows}"}
    (message,) = asked(facts(marks, f"{EXCEPTIONS}\nsessions_per_day = 2"))
    assert message.startswith(
        "1 row of attendance with no session stands where others have AM and PM"
    )


def test_a_whole_day_in_a_language_nobody_knows_is_told_from_its_halves(facts: Stage) -> None:
    rows = "007,2026-09-07,absent,Giornata\n"
    halves = "".join(
        f"008,2026-09-{day:02},absent,{half}\n"
        for day in (8, 9)
        for half in ("Mattina", "Pomeriggio")
    )
    marks = {"attendance.csv": f"student_id,date,code,session\n{rows}{halves}"}
    (message,) = asked(facts(marks, f"{EXCEPTIONS}\nsessions_per_day = 2"))
    assert message.startswith(
        "1 row of attendance with 'Giornata' stands where others have Mattina"
    )
    marks = {"attendance.csv": f"student_id,date,code,session\n{halves}"}
    assert asked(facts(marks, f"{EXCEPTIONS}\nsessions_per_day = 2")) == []


@pytest.mark.parametrize("span", ["1-3", "P1 to P3", '"1, 2, 3"'])
def test_one_row_of_several_periods_is_asked_about_beside_rows_of_one(
    facts: Stage, span: str
) -> None:
    """It would count as one sixth of a day, and is half of one."""
    rows = f"007,2026-09-07,absent,{span}\n008,2026-09-08,absent,2\n"
    marks = {"attendance.csv": f"student_id,date,code,period\n{rows}"}
    found = facts(marks, f"{EXCEPTIONS}\nsessions_per_day = 6")
    (message,) = asked(found)
    shown = span.replace('"', "")
    assert message.startswith(f"1 row of attendance is of '{shown}': if that means several periods")
    names = [name for (name,) in found.con.sql("select session from stg_attendance").fetchall()]
    assert sessions_likely(names) == 3


@pytest.mark.parametrize("names", [("1-2", "3-4", "5(A-B)"), ("Algebra 1-2", "2", "3")])
def test_blocks_of_several_periods_that_are_all_of_a_day_ask_nothing(
    facts: Stage, names: tuple[str, ...]
) -> None:
    rows = "".join(f"007,2026-09-{7 + n:02},absent,{name}\n" for n, name in enumerate(names))
    marks = {"attendance.csv": f"student_id,date,code,period\n{rows}"}
    assert asked(facts(marks, f"{EXCEPTIONS}\nsessions_per_day = 3")) == []


def test_dates_that_a_column_proves_are_read_and_others_asked_about(
    facts: Stage,
) -> None:
    proven = "007,14/09/2026 08:14,absent\n007,2026-09-07,present\n008,07/09/2026,present\n"
    later = "insert into stg_school_days values ('2026-09-14', '1', true, null);"
    con, *_ = facts({"attendance.csv": HEADER + proven}, rosters=ROSTERS + later)
    assert con.sql("select * from rejected_attendance").fetchall() == []
    assert con.sql("select student_id, date from stg_attendance order by all").fetchall() == [
        ("007", date(2026, 9, 7)),
        ("007", date(2026, 9, 14)),
        ("008", date(2026, 9, 7)),
    ]
    open_ = {"attendance.csv": f"{HEADER}007,08/09/2026,absent\n008,2026-09-07,present\n"}
    con, _, settings = facts(open_)
    unread = "select rule, value from rejected_attendance"
    assert con.sql(unread).fetchall() == [("unparseable_date", "08/09/2026")]
    advice = date_advice(["08/09/2026"], "attendance", settings.landing)
    assert 'say which, "%m/%d/%Y" or "%d/%m/%Y"' in advice


def test_homework_of_a_class_that_cannot_be_read_is_told_though_it_is_little_of_the_export(
    land: Land, messages: Messages
) -> None:
    art = "".join(f"{who},a{n},ART,2026-09-08,done\n" for n in range(50) for who in ("007", "008"))
    maths = "".join(
        f"{who},m{n},MAT,{day},done\n"
        for n, day in enumerate(["2026-09-08", "31-2026-12", "31-2026-13"])
        for who in ("007", "008")
    )
    con = land(
        {
            "classes.csv": "class_id,class_name,class_type,grade\nHR-7A,7A,homeroom,7\n"
            "MAT,Maths,scheduled,7\nART,Art,scheduled,7\n",
            "enrollments.csv": f"{BOTH_IN_MATHS}ART,007,student\nART,008,student\n",
            "homework.csv": f"{HOMEWORK}\n{art}{maths}",
        },
        '[homework.codes]\ndone = "complete"',
    )
    (message,) = messages(con)
    assert message.startswith(
        "Rows of homework about Maths could not be used, up to 4 without a day where 2 could: "
        "unparseable due date (school/homework.csv, line 104)."
    )
    assert con.sql("select distinct class_id, holds from landing_problems").fetchall() == [
        ("MAT", "letters")
    ]
