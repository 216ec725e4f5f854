"""A school's facts held against each other: what is said where they disagree, and what is not."""

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from edu_pipeline.landing.sources.school.disagreements import week_problems, year_problems
from edu_pipeline.landing.sources.school.stage_roster import one_spelling
from edu_pipeline.model.roster import student_schools
from edu_pipeline.model.school_calendar import with_weeks
from edu_pipeline.settings.home import School

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


def test_marks_before_an_enrollment_are_told_with_their_class(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "enrollments.csv": enrollments(
                "HR-7A,007,student,2026-09-01,", "HR-7A,008,student,2026-09-09,", TEACHER
            ),
            "attendance.csv": marks("007 1-5", "008 1-5"),
        }
    )
    (message,) = messages(con)
    assert message.startswith(
        "2 student-days with a mark from 2026-09-07 to 2026-09-08 are outside"
    )
    assert con.sql("select class_id, holds from landing_problems").fetchall() == [
        ("HR-7A", "letters")
    ]


def test_enrollments_of_another_year_are_one_sentence(land: Land, messages: Messages) -> None:
    con = land({"enrollments.csv": enrollments("HR-7A,007,student,2027-09-01,", TEACHER)})
    (message,) = messages(con)
    assert message.startswith("None of 2 student-days with a mark falls into an enrollment")


def test_marks_on_every_end_date_suggest_that_it_is_the_last_day(
    land: Land, messages: Messages
) -> None:
    left = enrollments(
        "HR-7A,007,student,2026-09-01,2026-09-10",
        "HR-7A,008,student,2026-09-01,2026-09-11",
        TEACHER,
    )
    files = {"enrollments.csv": left, "attendance.csv": marks("007 1-4", "008 1-5")}
    assert any('end_date = "inclusive"' in message for message in messages(land(files)))
    assert messages(land({}, '[landing.enrollments]\nend_date = "inclusive"')) == []


def test_a_register_of_which_most_is_missing_holds_its_class(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "students.csv": "student_id,grade\n007,7\n008,7\n009,7\n010,7\n",
            "enrollments.csv": enrollments(
                *(f"HR-7A,{n},student,2026-09-01," for n in ("007", "008", "009", "010")), TEACHER
            ),
            "attendance.csv": marks("007 1-5", "008 1-4", "009 1-4", "010 1-4"),
        }
    )
    (message,) = messages(con)
    assert message.startswith("In class HR-7A, most students have no mark on a day")


def test_rows_of_the_calendar_that_differ_by_grade_are_a_question(
    land: Land, messages: Messages
) -> None:
    days = "date,grade,in_session\n2026-09-07,7,Y\n2026-09-07,8,Y\n2026-09-08,7,N\n2026-09-08,8,Y\n"
    (message,) = messages(land({"calendar.csv": days}))
    assert "they are told apart by grade" in message
    assert 'grade = ["…"]' in message
    assert messages(land({}, '[landing.calendar.where]\ngrade = ["8"]')) == []


def test_two_homerooms_at_once_are_a_question_and_a_move_is_none(
    land: Land, messages: Messages
) -> None:
    classes = "class_id,class_type\nHR-7A,homeroom\nADV,advisory\n"
    both = enrollments(
        "HR-7A,007,student,2026-09-01,", "ADV,007,student,2026-09-01,",
        "HR-7A,008,student,2026-09-01,", TEACHER,
    )  # fmt: skip
    (message,) = messages(land({"classes.csv": classes, "enrollments.csv": both}))
    assert 'advisory = "scheduled"' in message
    assert messages(land({}, '[landing.classes.values.class_type]\nadvisory = "scheduled"')) == []
    moved = both.replace("ADV,007,student,2026-09-01", "ADV,007,student,2026-09-09")
    assert messages(land({"enrollments.csv": moved})) == []


def test_names_are_no_ids(land: Land, messages: Messages) -> None:
    con = land(
        {
            "students.csv": 'Student,ID,Grade\n"Xi, Yu",007,7\n"Xu, Yi",008,7\n',
            "attendance.csv": 'Student,Date,Code\n"Xi, Yu",2026-09-07,present\n',
        }
    )
    assert con.sql("select student_id from stg_students order by 1").fetchall() == [
        ("007",),
        ("008",),
    ]
    assert any("names are no ids" in message for message in messages(con))


def test_parts_of_which_one_repeats_the_other_are_a_question(
    land: Land, messages: Messages
) -> None:
    con = land({"attendance_new.csv": "student_id,date,code\n007,2026-09-07,absent\n"})
    assert any("would be added up" in message for message in messages(con))


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


def test_a_school_without_a_calendar_is_told_with_its_classes(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "classes.csv": "class_id,class_type,school_id\nHR-7A,homeroom,9\n",
            "calendar.csv": "date,school_id\n2026-09-07,1\n",
        }
    )
    assert any("For school 9 the calendar has no day in session" in m for m in messages(con))


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


def test_names_as_people_write_them(stage: Land) -> None:
    con = stage(
        {
            "students.csv": "student_id,name,known as\n"
            '007,"Fox, Jr., Joe",\n008,"Fox, Joe, Jr.",\n009,"Null, Amy",\n010,"Day, Rob",Robin\n'
        }
    )
    assert con.sql(
        "select given_name, family_name from stg_students order by student_id"
    ).fetchall() == [("Joe", "Fox Jr"), ("Joe", "Fox Jr"), ("Amy", "Null"), ("Robin", "Day")]


def test_a_homeroom_may_be_called_na_where_there_is_such_a_class(stage: Land) -> None:
    files = {
        "students.csv": "student_id,homeroom\n007,NA\n008,OB\n",
        "classes.csv": "class_id,class_type\nNA,homeroom\nOB,homeroom\n",
        "enrollments.csv": None,
    }
    homerooms = "select homeroom_id from stg_students order by student_id"
    assert stage(files).sql(homerooms).fetchall() == [("NA",), ("OB",)]
    con = stage({"classes.csv": "class_id,class_type\nOB,homeroom\n"})
    assert con.sql(homerooms).fetchall() == [(None,), ("OB",)]


def calendar(*days: date, years: list[str] | None = None) -> pl.DataFrame:
    frame = pl.DataFrame({"date": days}).with_columns(school_id=pl.lit("1"), in_session=True)
    return frame if years is None else frame.with_columns(school_year=pl.Series(years))


def test_a_week_that_begins_on_sunday_is_named_by_its_monday() -> None:
    sundays = calendar(date(2026, 9, 6), date(2026, 9, 10), date(2026, 9, 13), date(2026, 9, 17))
    weeks = with_weeks(sundays, week_begins="sunday")["week_start"].to_list()
    assert weeks == [date(2026, 9, 7)] * 2 + [date(2026, 9, 14)] * 2
    asked = [each.message for each in week_problems(with_weeks(sundays), School())]
    assert 'week_begins = "sunday"' in asked[0]
    assert week_problems(with_weeks(sundays), School(week_begins="monday")) == []


def test_with_school_on_saturdays_the_week_begins_with_them() -> None:
    days = (date(2026, 9, n) for n in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16))
    (asked,) = week_problems(with_weeks(calendar(*days)), School())
    assert asked.message == (
        "School 1 is in session on Saturdays and Sundays and hardly on Fridays, but weeks are counted "
        'from Monday. Add to [school]: week_begins = "saturday"  # or monday'
    )


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
    land: Land, messages: Messages
) -> None:
    con = land({"calendar.csv": CALENDAR_OF_TYPES})
    (asked,) = messages(con)
    assert (
        "type has 'Holiday' on 1 day. Add to [landing.calendar.columns]: in_session = \"type\""
        in (asked)
    )
    said = land({}, '[landing.calendar.columns]\nin_session = "type"')
    assert messages(said) == []
    days = said.sql("select date from stg_school_days where not in_session").fetchall()
    assert days == [(date(2026, 9, 9),)]


def test_a_calendar_of_school_days_with_other_columns_asks_nothing(
    land: Land, messages: Messages
) -> None:
    rows = "".join(f"2026-09-{day:02},day {day},A\n" for day in range(7, 12))
    assert messages(land({"calendar.csv": f"date,day_name,cycle\n{rows}"})) == []


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


def test_students_who_are_gone_by_a_column_that_nobody_reads_are_asked_about(
    land: Land, messages: Messages
) -> None:
    students = "student_id,given_name,family_name,grade,Enroll_Status\n007,A,M,7,0\n008,B,O,7,2\n"
    (asked,) = messages(land({"students.csv": students}))
    assert asked.startswith(
        "Enroll_Status of school/students.csv says of 1 student that they are no longer there"
    )
    assert 'add to [landing.students.where]: Enroll_Status = ["0"]' in asked
    all_there = students.replace("7,2", "7,0")
    assert messages(land({"students.csv": all_there})) == []


def test_a_class_of_which_only_absences_are_marked_is_asked_about(
    land: Land, messages: Messages
) -> None:
    files = {
        "students.csv": "student_id\n007\n008\n009\n010\n",
        "classes.csv": "class_id,class_name,class_type\nHR-7A,7A,homeroom\nHR-7B,7B,homeroom\n",
        "enrollments.csv": "class_id,person_id,role\nHR-7A,007,student\nHR-7A,008,student\n"
        "HR-7B,009,student\nHR-7B,010,student\n",
        "attendance.csv": "student_id,date,code\n007,2026-09-07,present\n008,2026-09-07,present\n"
        "009,2026-09-07,absent\n",
    }
    (asked,) = messages(land(files))
    assert asked.startswith("In class HR-7B, only absences are marked, and the others have no mark")
    everyone = files["attendance.csv"] + "010,2026-09-07,absent\n"
    assert messages(land({"attendance.csv": everyone})) == []


def test_a_code_in_two_cases_of_which_one_is_mapped_is_asked_about(
    land: Land, messages: Messages
) -> None:
    toml = '[attendance.codes]\nE = "excused"\nP = "present"'
    marks = "student_id,date,code\n007,2026-09-07,E\n008,2026-09-07,{}\n"
    (asked,) = messages(land({"attendance.csv": marks.format("e")}, toml))
    assert asked.startswith("'e' appears once")
    alone = land({"attendance.csv": marks.format("p")}, toml)
    assert messages(alone) == []


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
