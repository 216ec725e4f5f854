"""Files of attendance whose days say that they are something else than their names say."""

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.sources.school.finding import weeks_of_exceptions
from edu_pipeline.landing.sources.school.school_fates import school_fates
from edu_pipeline.landing.sources.school.whole_or_parts import whole_or_parts
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.settings.home import School, Settings
from edu_pipeline.settings.landing import AttendanceExport
from edu_pipeline_tests.landing.conftest import ROSTERS, Facts

Asked = Callable[..., list[str]]
"""Files of attendance, `pipeline.toml` and rosters → what is asked about the files."""
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
HEADER = "student_id,date,code\n"
EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"\n'
DELTA = f'{EXCEPTIONS}export = "delta"\n'
CODES = '[attendance.codes]\nU = "unexcused"\nE = "excused"\n'
CALENDAR = {
    "calendar.csv": "date,in_session\n"
    + "".join(f"2026-09-{day:02},Y\n" for day in (7, 8, 9, 10, 11, 14, 15, 16, 17, 18)),
    "attendance.csv": None,
}
TWO_WEEKS = ROSTERS.replace("day < 5", "day not in (5, 6)").replace("range(6)", "range(12)")


@pytest.fixture
def asked(facts: Callable[..., Facts]) -> Asked:
    def asked(files: dict[str, str], toml: str, rosters: str = TWO_WEEKS) -> list[str]:
        found = problems_frame(whole_or_parts(*facts(files, toml, rosters)))
        return found["message"].to_list()

    return asked


def rows(*lines: str) -> str:
    """`007 08 U` is a mark of that student on 8 September."""
    cells = (line.split() for line in lines)
    return HEADER + "".join(f"{who},2026-09-{day},{code}\n" for who, day, code in cells)


def test_dated_files_with_days_of_their_own_are_parts_until_somebody_says_otherwise(
    asked: Asked,
    land: Land,
    messages: Messages,
) -> None:
    files = {
        "attendance_2026-09-11.csv": rows("007 08 absent", "008 09 absent"),
        "attendance_2026-09-18.csv": rows("008 15 absent"),
    }
    (message,) = messages(land({**files, **CALENDAR}, EXCEPTIONS))
    assert message.startswith(
        "school/attendance_2026-09-18.csv has no row before 15\u00a0September 2026, which is after the "
        "date of school/attendance_2026-09-11.csv, and that is left out as an older version of it. If "
        'each file has its own days only, so that all count, add to [landing.attendance]: export = "delta"; '
        "else export attendance again, from the first day of school on. If the older ones are to be "
        "left out: edu-pipeline gate release"
    )  # fmt: skip
    assert asked({}, DELTA) == []


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("007 08 absent", "007 08 absent"),
        (None, "008 15 absent"),  # nothing but a header
        ("007 08 absent", "008 15 absent"),  # the only absence was corrected
    ],
)
def test_a_newer_whole_export_is_no_question(asked: Asked, older: str | None, newer: str) -> None:
    files = {
        "attendance_2026-09-11.csv": rows(older) if older else HEADER,
        "attendance_2026-09-18.csv": rows(newer),
    }
    assert asked(files, EXCEPTIONS) == []


def test_the_last_export_of_another_school_year_is_left_out(asked: Asked) -> None:
    files = {
        "attendance_2026-06-19.csv": "student_id,date,code\n007,2026-06-10,absent\n008,2026-06-10,absent\n",
        "attendance_2026-09-18.csv": rows("008 15 absent"),
    }
    assert asked(files, EXCEPTIONS) == []


def pieces(*lines: str) -> str:
    """`w1 08` is a piece of homework of both students, due on 8 September."""
    cells = (line.split() for line in lines)
    return "student_id,assignment_id,due_date,status\n" + "".join(
        f"{who},{what},2026-09-{day},complete\n" for what, day in cells for who in ("007", "008")
    )


def test_dated_files_of_homework_with_pieces_of_their_own_are_parts(asked: Asked) -> None:
    older, newer = "homework_2026-09-11.csv", "homework_2026-09-18.csv"
    parts = {older: pieces("w1 08", "w2 09"), newer: pieces("w3 15")}
    (message,) = asked(parts, EXCEPTIONS)
    assert message.startswith(
        "school/homework_2026-09-18.csv has no row before 15\u00a0September 2026, which is after the date "
        "of school/homework_2026-09-11.csv"
    )
    assert 'add to [landing.homework]: export = "delta"; else export homework again' in message
    assert asked(parts, '[landing.homework]\nexport = "delta"\n') == []
    assert asked({newer: pieces("w1 08", "w2 09", "w3 15")}, EXCEPTIONS) == []


def test_the_first_homework_of_a_year_may_be_due_after_its_export(asked: Asked) -> None:
    first, second, third = (f"homework_2026-09-{day}.csv" for day in ("04", "08", "11"))
    both = {first: pieces("w1 09"), second: pieces("w1 09", "w2 10")}
    assert asked(both, EXCEPTIONS) == []
    assert len(asked({third: pieces("w3 15", "w4 15", "w5 16", "w6 16")}, EXCEPTIONS)) == 1


SECOND_CLASS = """
insert into stg_classes values ('HR-7B', '7B', 'homeroom', '1');
update stg_enrollments set class_id = 'HR-7B' where person_id = '008';
"""


def test_a_list_of_absences_that_is_older_than_another_is_asked_about(asked: Asked) -> None:
    older, newer = "attendance_7B_2026-09-11.csv", "attendance_7A_2026-09-18.csv"
    rosters = TWO_WEEKS + SECOND_CLASS
    files = {older: rows("008 08 absent"), newer: rows("007 08 absent", "007 17 absent")}
    (message,) = asked(files, EXCEPTIONS, rosters)
    assert message.startswith(
        "school/attendance_7B_2026-09-11.csv tells of nothing after the date in its name, "
        "11\u00a0September 2026, and school/attendance_7A_2026-09-18.csv of days up to "
        "17\u00a0September: on 4 school days whoever is in the older one only counts as there"
    )
    # all of the newer one's days may be later
    assert len(asked({newer: rows("007 17 absent")}, EXCEPTIONS, rosters)) == 1
    # of nobody
    assert len(asked({older: HEADER}, EXCEPTIONS, rosters)) == 1


@pytest.mark.parametrize(
    ("older", "newer", "marks"),
    [
        ("7B_2026-09-18", "7A_2026-09-18", ("008 08", "007 17")),  # of one day
        ("7B_2026-09-11", "7A_2026-09-13", ("008 08", "007 11")),  # no school between
        (
            "7B_2026-09-11",
            "7A_2026-09-18",
            ("008 08", "007 09"),
        ),  # nothing is claimed of later days
        ("2026-09-07_2026-09-11", "2026-09-14_2026-09-18", ("008 08", "007 15")),  # one week each
    ],
)
def test_lists_of_absences_that_end_together_or_follow_each_other_are_no_question(
    asked: Asked, older: str, newer: str, marks: tuple[str, str]
) -> None:
    one, other = (rows(f"{mark} absent") for mark in marks)
    files = {f"attendance_{older}.csv": one, f"attendance_{newer}.csv": other}
    assert asked(files, EXCEPTIONS, TWO_WEEKS + SECOND_CLASS) == []


def test_lists_of_absences_of_two_schools_have_days_of_their_own(asked: Asked) -> None:
    files = {
        "attendance_south_2026-09-11.csv": rows("008 08 absent"),
        "attendance_north_2026-09-18.csv": rows("007 08 absent", "007 17 absent"),
    }
    south = "update stg_student_schools set school_id = '2' where student_id = '008';"
    assert asked(files, EXCEPTIONS, TWO_WEEKS + SECOND_CLASS + south) == []


def test_lists_of_absences_about_the_same_days_and_classes_may_be_versions(asked: Asked) -> None:
    files = {
        "attendance.csv": rows("007 08 absent", "008 18 absent"),
        "attendance_office.csv": rows("007 15 absent", "007 17 absent"),
    }
    (message,) = asked(files, EXCEPTIONS)
    assert message.startswith(
        "school/attendance.csv and school/attendance_office.csv are added up, though both tell of the "
        "days from 15\u00a0September to 17\u00a0September 2026 and of the same classes"
    )


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("attendance_late.csv", ("007 09 tardy", "008 17 tardy")),
        ("attendance_week38.csv", ("007 14 absent", "008 17 absent")),
    ],
)
def test_lists_of_other_codes_or_other_days_are_parts(
    asked: Asked, name: str, marks: tuple[str, ...]
) -> None:
    files = {"attendance_week37.csv": rows("007 08 absent", "008 11 absent")}
    assert asked({**files, name: rows(*marks)}, EXCEPTIONS) == []


def test_lists_of_other_classes_are_parts(asked: Asked) -> None:
    files = {
        "attendance_north.csv": rows("007 08 absent", "007 17 absent"),
        "attendance_south.csv": rows("008 08 absent", "008 17 absent"),
    }
    other_class = """
    insert into stg_classes values ('HR-7B', '7B', 'homeroom', '1');
    update stg_enrollments set class_id = 'HR-7B' where person_id = '008';
    """
    assert asked(files, EXCEPTIONS, TWO_WEEKS + other_class) == []
    assert asked(files, EXCEPTIONS)


def test_a_file_named_by_its_first_day_is_told(asked: Asked, facts: Callable[..., Facts]) -> None:
    files = {"attendance_2026-09-07.csv": rows("007 08 U", "008 17 U")}
    (message,) = asked(files, EXCEPTIONS + CODES)
    assert message.startswith(
        "2 rows of 2 in school/attendance_2026-09-07.csv are of days after the date in its name, from "
        "8\u00a0September to 17\u00a0September 2026, and taken for planned absences, which count nowhere "
        "yet. If that date is the file's first day, or of its last week, give it the last one, such as "
        'attendance_2026-09-17.csv, or add to [landing.attendance]: export = "delta". If they are '
        "planned: edu-pipeline gate release"
    )
    said = facts({}, DELTA + CODES, TWO_WEEKS)
    assert whole_or_parts(*said) == []
    assert said.con.sql("select count(*) from stg_attendance").fetchall() == [(2,)]


def test_late_arrivals_and_unexcused_absences_are_not_planned(asked: Asked) -> None:
    before = [f"007 {day} U" for day in ("07", "08", "09", "10", "11")]
    name = "attendance_2026-09-14.csv"
    planned = {name: rows(*before, "007 15 E", "007 16 E")}
    assert asked(planned, EXCEPTIONS + CODES) == []
    (message,) = asked({name: rows(*before, "007 15 U", "007 16 tardy")}, EXCEPTIONS + CODES)
    assert message.startswith("2 rows of 7 in school/attendance_2026-09-14.csv are of days after")


def test_weeks_that_begin_on_sunday_are_so_in_all_that_is_said_of_them(stage: Land) -> None:
    con = stage(
        {
            "calendar.csv": "date,in_session\n2026-09-06,Y\n2026-09-07,Y\n2026-09-13,Y\n",
            "attendance.csv": rows("007 06 absent", "007 07 absent"),
            "homework.csv": "student_id,assignment_id,due_date,status\n"
            "007,w1,2026-09-12,complete\n007,w2,2026-09-13,complete\n",
        },
        f'{EXCEPTIONS}[school]\nweek_begins = "sunday"\n',
    )
    files, exceptions = read_table(con, "landing_files"), AttendanceExport(shape="exceptions")
    told = school_fates(con, files, Settings(school=School(week_begins="sunday"))).filter(
        table="homework"
    )
    assert told.select("fate", "rule", "rows").rows() == [
        ("counted", "", 1),
        ("outside", "not_yet_due", 1),
    ]
    weeks = weeks_of_exceptions(con, files, exceptions, "sunday")
    assert weeks.rows() == [("1", date(2026, 9, 7), 2, 2)]
