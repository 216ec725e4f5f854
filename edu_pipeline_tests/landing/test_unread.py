"""Columns that nobody reads and that may say how a row counts; the many others ask nothing."""

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.toml import toml_key, toml_list
from edu_pipeline.landing.sources.school.finding import column_questions
from edu_pipeline.model.problems import problems_frame
from edu_pipeline_tests.landing.conftest import ROSTERS, SCHOOL, Facts, Land, rosters_of

Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Asked = Callable[..., list[str]]
"""Exports of attendance or homework and `pipeline.toml` → what is asked about their columns."""

EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"\n'
HOMEWORK = "student_id,assignment_id,class_id,due_date,status"


@pytest.fixture
def asked(facts: Callable[..., Facts]) -> Asked:
    def asked(files: dict[str, str], toml: str = "") -> list[str]:
        return _asked(facts(files, toml))["message"].sort().to_list()

    return asked


def _asked(found: Facts) -> pl.DataFrame:
    return problems_frame(column_questions(*found))


def _absences(header: str, *cells: str) -> dict[str, str]:
    """A list of three absences with another column."""
    rows = zip(("007,2026-09-07", "008,2026-09-08", "008,2026-09-09"), cells, strict=True)
    lines = [f"student_id,date,code,{header}", *(f"{row},absent,{cell}" for row, cell in rows)]
    return {"attendance.csv": "\n".join(lines) + "\n"}


@pytest.mark.parametrize(
    ("header", "cells", "says"),
    [
        ("Absence Value", ("0.5", "1.0", "0.25"), 'portion_absent = "Absence Value"'),
        ("AbsentMinutes", ("45", "390", "390"), "may count for too much"),
        ("Hours missed", ('"1,5"', "6", ""), "may count for too much"),
        ("Part of Day", ("Full", "Morning", "Full"), "which part of the day was missed"),
        ("end date", ("2026-09-08", "2026-09-08", "2026-09-09"), "a row for each day"),
        ("From,To", ("08:00,08:45", "08:00,15:00", "08:00,15:00"), "when somebody was away"),
        ("voided", ("N", "Y", "N"), '[landing.attendance.where]: voided = ["N"]'),
        ("Deleted At", ("", "2026-09-09 10:00", ""), '"Deleted At" = [""]'),
        (
            "State",
            ("Confirmed", "Cancelled", ""),
            '[landing.attendance.where]: State = ["", "Confirmed"]',
        ),
        ("Active", ("Y", "N", "Y"), 'Active = ["Y"]'),
        ("is_current", ("1", "0", "1"), 'is_current = ["1"]'),
        ("Op", ("I", "D", "U"), "would keep the rows that they take back"),
        ("Entry type", ("New", "Reversal", "New"), "would keep the rows that they take back"),
        ("Register taken", ("Y", "N", "Y"), '"…" = "not_expected"'),
        ("Demi-journées", ("1", "2", "2"), "may count for too much"),
        ("Fehlstunden", ("2", "6", "6"), "may count for too much"),
        ("minutes", ("390", "-390", "390"), "may count for too much"),
        ("Periods missed", ("2", "6", "6"), "may count for too much"),
        ("No. of Days", ("2", "1", "3"), "is more than 1 in 2 absences without a row on the days"),
        ("Final Code", ("absent", "present", "late"), 'code = "Final Code"'),
        ("Final Code", ("absent", "", "late"), "export one column with what counts, as code"),
        ("Corrected", ("", "present", ""), "export one column with what counts, as code"),
        ("Absence Date", ("2026-09-07", "2026-09-07", "2026-09-08"), 'date = "Absence Date"'),
        ("Activity", ("Chess", "", "N/A"), 'where]: Activity = ["", "N/A"]'),
        ("Reason", ("Field trip", "ill", ""), "speaks of activities in 1 absence"),
        ("Course", ("Chess Club", "Maths", "Art"), "speaks of activities in 1 absence"),
        ("session", ("Robotics club", "Robotics club", "Robotics club"), "in 3 absences"),
        ("School activity?", ("N", "Y", "N"), "speaks of activities in 1 absence"),
        (
            "Back on",
            ("2026-09-08", "2026-09-10", "2026-09-10"),
            "has a later day than the row in 1 row",
        ),
    ],
)
def test_a_column_that_may_say_how_an_absence_counts_is_asked_about(
    asked: Asked, header: str, cells: tuple[str, ...], says: str
) -> None:
    (message,) = asked(_absences(header, *cells), EXCEPTIONS)
    assert says in message
    assert "gate release" in message


def test_ordinary_columns_ask_nothing(land: Land, messages: Messages) -> None:
    """None of them, and none beside another."""
    columns = {
        "comment": ("sick", "phone, half a day", ""),
        "entered_by": ("office", "teacher", "office"),
        "entered at": ("2026-09-07 08:10", "2026-09-09 08:30", "2026-09-09 08:31"),
        "excused": ("yes", "no", "no"),
        "reason code": ("1", "2", "0"),
        "voided": ("N", "N", "N"),
        "leaving": ("left early", "Left", "ill"),
        "State": ("Confirmed", "Confirmed", "Open"),
        "Reason": ("Cancelled", "ill", "ill"),
        "Presence": ("Absent", "Absent", "Absent"),
        "Register": ("absent", "Absent", "Excused absence"),
        "Corrected": ("", "", "absent"),
        "Original code": ("present", "absent", "absent"),
        "1st flag": ("T", "F", "T"),
        "Back on": ("2026-09-08", "2026-09-09", "2026-09-10"),
        "Date entered": ("2026-09-08", "2026-09-09", "2026-09-10"),
        "Date of lesson": ("2026-09-07", "2026-09-08", "2026-09-09"),
        "First absence": ("2026-09-01", "2026-09-01", "2026-09-01"),
        "Absence Value": ("1", "1", "1.0"),
        "Days": ("1", "0", "1"),
        "Total days": ("1", "2", "2"),
        "Days absent": ("4", "2", "3"),
        "Time taken": ("08:10", "No", "08:15"),
        "Remarks": ("his club", "ill", "on a field trip"),
        "Activity date": ("2026-09-07", "2026-09-08", "2026-09-09"),
        "Absence type": ("Medical", "Family", "Medical"),
        "Action": ("D", "Detention", "D"),
        "Valid school day": ("Y", "Y", "Y"),
        "Minutes Absent": ("390", "390", "390"),
        "Minutes late": ("5", "", "10"),
        "Days absent YTD": ("0.5", "3", "4"),
        "End Date": ("2026-09-07", "2026-09-08", "2026-09-09"),
        "Time In": ("08:10", "", "09:15"),
        "Part time": ("0.5", "1", "1"),
        "school year": ("2026", "2027", "2026"),
        "homeroom": ("7A", "7B", "7A"),
        "Term end date": ("2026-12-18", "2026-12-19", "2026-12-18"),
        "Week End": ("2026-09-11", "2026-09-11", "2026-09-11"),
        "Marking Period End": ("2026-11-06", "2026-11-06", "2026-11-06"),
        "Last Modified": ("2026-09-07 10:02", "2026-09-10 08:00", "2026-09-11 08:00"),
        "LastUpdated": ("2026-09-08", "2026-09-09", "2026-09-09"),
        "Letter sent to parent": ("2026-09-09", "2026-09-10", "2026-09-11"),
    }
    rows = (",".join(f'"{cell}"' for cell in row) for row in zip(*columns.values(), strict=True))
    assert messages(land(_absences(",".join(columns), *rows), EXCEPTIONS)) == []


def test_the_pasted_lines_count_what_was_missed(
    facts: Callable[..., Facts],
) -> None:
    columns = '[landing.attendance.columns]\nportion_absent = "Absence Value"\n'
    said = facts(_absences("Absence Value", "0.5", "1.0", "0.25"), EXCEPTIONS + columns)
    assert _asked(said).is_empty()
    # 0.5, none and 0.75 of three days
    assert said.con.sql("select sum(attended) from stg_attendance").fetchall() == [(1.25,)]

    where = '[landing.attendance.where]\n"Deleted At" = [""]\n'
    said = facts(_absences("Deleted At", "", "2026-09-09", ""), EXCEPTIONS + where)
    assert _asked(said).is_empty()
    assert said.con.sql("select count(*) from stg_attendance").fetchall() == [(2,)]


def test_what_another_column_says_already_is_not_asked(asked: Asked) -> None:
    files = _absences("duration,Minutes Absent", "0.5,195", "1,390", "1,390")
    assert asked(files, EXCEPTIONS) == []
    files = _absences("am_pm,Part of Day", "AM,First", "PM,Second", "AM,First")
    assert asked(files, EXCEPTIONS + "sessions_per_day = 2\n") == []


def test_an_amount_that_the_codes_say_already_is_not_asked(asked: Asked) -> None:
    rows = "007,2026-09-07,present,390,1\n008,2026-09-07,absent,0,0\n007,2026-09-08,H,195,0.5\n"
    files = {"attendance.csv": f"student_id,date,code,Minutes,Day Value\n{rows}"}
    assert asked(files, '[attendance.codes]\nH = "half_day"') == []


def _of_six(header: str, *rows: tuple[str, str, str]) -> dict[str, str]:
    """Marks of six students on a day: the day, their codes (`P` or `A`), and what stands in a column of each."""
    lines = [
        f"{who:03},2026-09-{day},{'present' if code == 'P' else 'absent'},{cell}"
        for day, codes, cells in rows
        for who, (code, cell) in enumerate(zip(codes, cells.split(), strict=True), 1)
    ]
    return {"attendance.csv": "\n".join([f"student_id,date,code,{header}", *lines, ""])}


@pytest.mark.parametrize(
    ("rows", "asks"),
    [
        # school was out after half a day on the 8th: three who missed it missed 195 minutes
        ([("07", "PPPPPA", "0 0 0 0 0 390"), ("08", "PPPAAA", "0 0 0 195 195 195")], False),
        # what a day has, whoever was there
        ([("07", "PPPPPA", "390 " * 6), ("08", "PPPPPA", "195 " * 6)], False),
        # two may have left together
        ([("07", "PPPAAA", "0 0 0 390 390 390"), ("08", "PPPPAA", "0 0 0 0 195 195")], True),
        # of who missed the same day, one was away for half of it
        ([("07", "PPAAAA", "0 0 390 390 390 195"), ("08", "PPPAAA", "0 0 0 195 195 195")], True),
    ],
)
def test_minutes_that_say_how_long_a_day_was_are_no_part_of_it(
    facts: Callable[..., Facts], rows: list[tuple[str, str, str]], *, asks: bool
) -> None:
    six = rosters_of(f"{who:03}" for who in range(1, 7))
    found = _asked(facts(_of_six("Minutes Absent", *rows), rosters=six))
    assert found.height == asks


def test_minutes_present_that_differ_between_presences_are_asked_about(
    facts: Callable[..., Facts],
) -> None:
    six = rosters_of(f"{who:03}" for who in range(1, 7))
    files = _of_six("Minutes Present", ("07", "PPPPPP", "390 390 390 195 390 390"))
    (message,) = _asked(facts(files, rosters=six))["message"]
    assert "differs between presences" in message
    assert (
        '[landing.attendance.columns]: duration = "Minutes Present"  # and to [landing.attendance]: '
        "full_duration = …"
    ) in message
    alike = _of_six("Minutes Present", ("07", "PPPPPA", "390 390 390 390 390 0"))
    assert _asked(facts(alike, rosters=six)).height == 0


def test_a_column_of_who_or_of_when_is_no_second_column_of_codes(
    facts: Callable[..., Facts],
) -> None:
    """Codes are 1 and 2, and so are the years of ten students, who have marks on five days each."""
    ten = [f"{who:03}" for who in range(1, 11)]
    codes = '[attendance.codes]\n1 = "present"\n2 = "absent"\n'

    def told(header: str, cell: Callable[[str, int], int]) -> int:
        rows = [
            f"{who},2026-09-{day:02},{1 + (who == '003' and day == 8)},{cell(who, day)}"
            for who in ten
            for day in range(7, 12)
        ]
        text = "\n".join([f"student_id,date,code,{header}", *rows, ""])
        return _asked(facts({"attendance.csv": text}, codes, rosters_of(ten))).height

    assert told("Grade", lambda who, _: 1 + int(who) % 2) == 0
    assert told("Final", lambda who, day: 1 + (who == "004" and day == 9)) == 1


def test_arrival_times_of_a_daily_export_are_not_asked_about(asked: Asked) -> None:
    rows = "007,2026-09-07,present,,\n008,2026-09-07,late,08:40,15:00\n007,2026-09-08,late,09:10,14:00\n"
    assert asked({"attendance.csv": f"student_id,date,code,Time In,Time Out\n{rows}"}) == []


def test_arrivals_are_asked_about_where_late_counts_for_less_and_no_code_says_late(
    asked: Asked,
) -> None:
    rows = "007,2026-09-08,present,08:20\n008,2026-09-07,L,9:10 AM\n007,2026-09-07,present,"
    half = "[attendance.codes]\nL = { attended = 0.5, tardy = true }"

    def told(header: str, last: str, toml: str = half, *, late: bool = True) -> list[str]:
        text = f"student_id,date,code,{header}\n{rows}{last}\n"
        return asked({"attendance.csv": text if late else text.replace(",L,", ",present,")}, toml)

    (message,) = told("Arrival Time", "09:15")
    assert "has '09:15' in 1 row whose code says present, as late as others" in message
    (message,) = told("Time In", "2026-09-08 08:21", late=False)
    assert "in 3 rows whose code says present. A late arrival counts for less" in message
    assert told("Arrival Time", "08:30") == []
    assert told("Arrival Time", "Gate 3") == []
    # on another day of the week school may begin later
    assert told("Arrival Time", "08:30\n008,2026-09-09,present,09:15") == []
    assert told("Arrival Time", "09:15", '[attendance.codes]\nL = "tardy"') == []
    # so often until then, and on no day
    assert told("Times tardy YTD", "3") == []


def test_a_day_that_began_later_makes_nobody_late(facts: Callable[..., Facts]) -> None:
    """On the 14th, a Monday as the 7th, all of twelve came two hours later than one who was late."""
    twelve = [f"{who:03}" for who in range(1, 13)]
    half = "[attendance.codes]\nL = { attended = 0.5, tardy = true }"
    open_on_the_14th = "insert into stg_school_days values ('2026-09-14', '1', true, '2026-09-07');"

    def told(*late: str) -> list[str]:
        rows = [
            f"{who},2026-09-07,{'L,08:10' if who == '012' else 'present,07:50'}" for who in twelve
        ]
        rows += [
            f"{who},2026-09-14,present,{'10:05' if who in late else '07:55'}" for who in twelve
        ]
        text = "\n".join(["student_id,date,code,Arrival Time", *rows, ""])
        return _asked(facts({"attendance.csv": text}, half, rosters_of(twelve) + open_on_the_14th))[
            "message"
        ].to_list()

    assert told(*twelve) == []
    (message,) = told("004", "005")
    assert "has '10:05' in 2 rows whose code says present, as late as others" in message


def test_homework_handed_in_after_it_was_due_is_asked_about_where_late_does_not_count(
    asked: Asked,
) -> None:
    rows = "007,A,MAT,2026-09-08,complete,2026-09-08 23:50\n008,A,MAT,2026-09-08,complete,2026-09-10 07:00\n"
    files = {"homework.csv": f"{HOMEWORK},Submitted At\n{rows}"}
    (message,) = asked(files, "[homework]\nlate_counts = false")
    assert "has a later day than the one it was due in 1 row whose status says complete" in message
    assert asked(files) == []


def test_days_on_which_a_student_was_no_member_are_asked_about(
    facts: Callable[..., Facts],
) -> None:
    """One of four days is left of 008, who was no member on the others."""
    rows = "".join(
        f"{who},2026-09-{day:02},absent,{int(who == '007' or day == 7)}\n"
        for who in ("007", "008")
        for day in range(7, 11)
    )
    files = {"attendance.csv": f"student_id,date,code,MembershipValue\n{rows}"}
    (message,) = _asked(facts(files))["message"]
    assert "says of 3 rows ('0') that they do not count; they are counted" in message
    assert '[landing.attendance.where]: MembershipValue = ["1"]' in message
    said = facts(files, '[landing.attendance.where]\nMembershipValue = ["1"]')
    assert _asked(said).is_empty()
    assert said.con.sql("select sum(possible) from stg_attendance").fetchall() == [(5,)]
    (message,) = _asked(facts(files, EXCEPTIONS))["message"]
    assert '"…" = "not_expected"' in message
    # who is not expected counts nowhere already
    codes = '[attendance.codes]\nabsent = "not_expected"'
    assert _asked(facts(files, codes)).is_empty()


def test_flags_of_homework_that_contradict_its_status_are_asked_about(
    land: Land, messages: Messages, facts: Callable[..., Facts]
) -> None:
    rows = "007,A,MAT,2026-09-08,graded,true,false\n008,A,MAT,2026-09-08,graded,false,true\n"
    files = {"homework.csv": f"{HOMEWORK},missing,is_excused\n{rows}"}
    excused, missing = messages(land(files))
    assert '[landing.homework.where]: is_excused = ["false"]' in excused
    assert 'status = "missing"  # and to [homework.codes]: true = "missing"' in missing
    lines = (
        '[landing.homework.where]\nis_excused = ["false"]\n'
        '[landing.homework.columns]\nstatus = "missing"\n'
        '[homework.codes]\ntrue = "missing"\nfalse = "complete"\n'
    )
    said = facts({}, lines)
    assert _asked(said).is_empty()
    assert said.con.sql("select student_id, status from stg_homework").fetchall() == [
        ("007", "missing")
    ]


def test_flags_of_homework_that_say_what_its_status_says_ask_nothing(asked: Asked) -> None:
    rows = (
        "007,A,MAT,2026-09-08,submitted,false,true,8\n008,A,MAT,2026-09-08,missing,true,false,\n"
        "007,B,MAT,2026-09-09,late,0,1,5\n"
    )
    files = {"homework.csv": f"{HOMEWORK},missing,late,points\n{rows}"}
    assert asked(files) == []
    # on time or late: the same where late counts, and not where it does not
    (message,) = asked(files, "[homework]\nlate_counts = false")
    assert "The column late of homework" in message


ENROLLED = "class_id,person_id,role,begin_date,end_date"


@pytest.mark.parametrize(
    ("header", "there", "gone"),
    [
        ("workflow_state", "active", "deleted"),
        ("Enrollment Status", "Enrolled", "Dropped"),
        ("Status", "On roll", "Left"),
        ("Tag", "", "I"),
        ("Estado", "Alta", "Baja"),
        ("Enroll_Status", "0", "2"),
        ("Membership", "Current", "Transferred out"),
        ("Student Status", "A", "I"),
        ("Enrollment State", "A", "W"),
        ("StuStatus", "A", "T"),
        ("Withdrawal Status", "", "W"),
        ("Is_Active", "Y", "N"),
        ("Currently Active", "true", "false"),
    ],
)
def test_people_who_are_gone_by_a_word_and_whose_enrollment_goes_on_are_asked_about(
    facts: Callable[..., Facts], header: str, there: str, gone: str
) -> None:
    students = f"student_id,given_name,family_name,{header}\n007,A,M,{there}\n008,B,O,"
    marks = {"attendance.csv": SCHOOL["attendance.csv"]}
    (message,) = _asked(facts({**marks, "students.csv": f"{students}{gone}\n"}))["message"]
    shown = f"('{gone}') that it does not count any more"
    assert f"The column {header} of students, which is not read, says of 1 row {shown}" in message
    assert message.split("[landing.students.where]: ")[1].startswith(
        f"{toml_key(header)} = {toml_list([there])}"
    )
    assert _asked(facts({"students.csv": f"{students}{there}\n"})).is_empty()

    rows = f"HR-7A,007,student,2026-09-01,,{there}\nHR-7A,008,student,2026-09-01,"
    roster = f"{ENROLLED},{header}\n{rows}"
    (message,) = _asked(facts({"enrollments.csv": f"{roster},{gone}\n"}))["message"]
    assert f"[landing.enrollments.where]: {toml_key(header)}" in message
    # of a spell that ended nothing is said that its end does not say
    assert _asked(facts({"enrollments.csv": f"{roster}2026-09-08,{gone}\n"})).is_empty()


def test_words_of_rosters_that_are_about_something_else_ask_nothing(
    facts: Callable[..., Facts],
) -> None:
    columns = {
        "ELL Status": ("Exited", "Current"),
        "Exit Reason": ("Transferred", "Graduated"),
        "Dominant hand": ("left", "right"),
        "State": ("Ohio", "Indiana"),
        "Homeroom letter": ("I", "A"),
        "Entry": ("Transferred in", "New"),
        "Prioridad": ("Alta", "Baja"),
        "Counselor": ("Dropped", "Ms R. O., who has room 7 on the second floor"),
        "School_id": ("1", "2"),
        # of Clever, and of US districts, whose N is a no and whose T is a transfer pupil of good standing
        "Frl_status": ("N", "F"),
        "504 Status": ("Y", "N"),
        "Active 504": ("Y", "N"),
        "Homeless Status": ("N", "Y"),
        "Immunization Status": ("C", "I"),
        "Residency Status": ("R", "T"),
        "Active Duty Parent": ("N", "Y"),
        "Dismissal": ("Dropped off", "Bus"),
        "Portal Status": ("Active", "Inactive"),
        "Entry Status": ("New", "Transferred from Hill"),
        "Came": ("New", "Transferred from Hill"),
    }
    rows = zip(("007,A,M", "008,B,O"), zip(*columns.values(), strict=True), strict=True)
    lines = [f'{who},"' + '","'.join(cells) + '"' for who, cells in rows]
    header = ",".join(["student_id,given_name,family_name", *columns])
    students = "\n".join([header, *lines, ""])
    marks = {"attendance.csv": SCHOOL["attendance.csv"], "students.csv": students}
    assert _asked(facts(marks)).is_empty()


def test_a_second_column_of_homework_that_says_something_else_is_asked_about(asked: Asked) -> None:
    def homework(header: str, first: str, second: str) -> dict[str, str]:
        rows = (
            f"007,A,MAT,2026-09-08,graded,{first}\n008,A,MAT,2026-09-08,graded,{second}\n"
            "007,B,MAT,2026-09-09,submitted,\n"
        )
        return {"homework.csv": f"{HOMEWORK},{header}\n{rows}"}

    files = homework("grade", "complete", "incomplete")
    (message,) = asked(files)
    assert "The column grade of homework, which is not read, has codes ('complete' and" in message
    assert "as status, in 1 row" in message
    full = {"homework.csv": files["homework.csv"].replace("submitted,", "submitted,complete")}
    (message,) = asked(full)
    lines = 'status = "grade"  # and to [homework.codes]: incomplete = "missing"'
    assert f"[landing.homework.columns]: {lines}" in message
    said = (
        '[landing.homework.columns]\nstatus = "grade"\n[homework.codes]\nincomplete = "missing"\n'
    )
    assert asked(full, said) == []
    assert asked(homework("grade", "complete", "submitted")) == []
    assert asked(homework("grade", "A", "incomplete")) == []

    (message,) = asked(homework("extended_due_date", "", "2026-09-10"))
    assert "has other days than those that are read as due_date, in 1 row" in message
    assert asked(homework("extended_due_date", "", "2026-09-08")) == []
    assert asked(homework("submitted on", "2026-09-07", "2026-09-10")) == []


@pytest.mark.parametrize(
    ("header", "due", "optional"),
    [
        ("published", "TRUE", "FALSE"),
        ("Count in Final Grade", "1", "0"),
        ("required", "Yes", "No"),
        ("Optional", "", "x"),
        ("Extra credit", "N", "Y"),
    ],
)
def test_homework_that_nobody_has_to_hand_in_is_asked_about(
    facts: Callable[..., Facts], header: str, due: str, optional: str
) -> None:
    """Two pieces are missing; 008 had to hand in one of three, 007 one of one."""
    rows = (
        f"007,A,MAT,2026-09-08,submitted,{due}\n008,A,MAT,2026-09-08,submitted,{due}\n"
        f"008,B,MAT,2026-09-09,missing,{optional}\n008,C,MAT,2026-09-09,missing,{optional}\n"
    )
    files = {"homework.csv": f"{HOMEWORK},{header}\n{rows}"}
    (message,) = _asked(facts(files))["message"]
    assert f"'{optional}' for 2 pieces whose status says something else" in message
    line = f"[landing.homework.where]\n{toml_key(header)} = {toml_list([due])}\n"
    assert f"{toml_key(header)} = {toml_list([due])}" in message
    said = facts(files, line)
    assert _asked(said).is_empty()
    assert said.con.sql("select count(*) from stg_homework").fetchall() == [(2,)]
    # of pieces that are exempt already it says nothing new
    exempt = {"homework.csv": files["homework.csv"].replace("missing", "exempt")}
    assert _asked(facts(exempt)).is_empty()


def test_tests_among_homework_are_asked_about(facts: Callable[..., Facts]) -> None:
    rows = "007,A,MAT,2026-09-08,submitted,Homework\n008,B,MAT,2026-09-08,missing,{}\n"
    files = {"homework.csv": f"{HOMEWORK},Category\n" + rows.format("Unit test")}
    (message,) = _asked(facts(files))["message"]
    assert "says of 1 piece ('Unit test') that it is no homework" in message
    assert 'Category = ["Homework"]' in message
    said = facts(files, '[landing.homework.where]\nCategory = ["Homework"]\n')
    assert _asked(said).is_empty()
    assert said.con.sql("select student_id, status from stg_homework").fetchall() == [
        ("007", "complete")
    ]
    for word in ("Reading", "Take-home test", "Contest"):
        assert _asked(
            facts({"homework.csv": f"{HOMEWORK},Category\n" + rows.format(word)})
        ).is_empty()


def test_a_code_that_means_something_else_at_another_school_is_asked_about(
    facts: Callable[..., Facts],
) -> None:
    """`S` is a suspension of 007, and a trip of 008 of another school, who is there on all four days."""

    def marks(word: str, teachers: str = "") -> dict[str, str]:
        rows = "".join(
            f"{who},2026-09-{day:02},{code},{teachers or said}\n"
            for who, day, code, said in (
                *(("007", day, "present", "There") for day in (7, 8, 9)),
                *(("008", day, "present", "There") for day in (7, 8, 9)),
                ("007", 10, "S", "Suspended"),
                ("008", 10, "S", word),
            )
        )
        return {"attendance.csv": f"student_id,date,code,Means\n{rows}"}

    codes = '[attendance.codes]\nS = "unexcused"\n'
    moved = "update stg_students set school_id = '2' where student_id = '008'"

    def asked(files: dict[str, str], toml: str = codes) -> list[str]:
        found = facts(files, toml, rosters=f"{ROSTERS}{moved};")
        return _asked(found)["message"].to_list()

    (message,) = asked(marks("School trip"))
    assert "and of 'S' something else at another school, where all count alike: 2 rows" in message
    assert "trip" not in message
    assert 'code = "Means"' in message
    assert asked(marks("Suspended")) == []
    assert asked(marks("", "Ms R. O.")) == []
    said = (
        '[landing.attendance.columns]\ncode = "Means"\n[attendance.codes]\nThere = "present"\n'
        'Suspended = "unexcused"\n"School trip" = "present"\n'
    )
    assert asked(marks("School trip"), said) == []
