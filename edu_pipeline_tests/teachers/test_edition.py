import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import pytest

from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import TemplateError, environment
from edu_pipeline.ground.weeks import monday
from edu_pipeline.mail.due import PERIODS
from edu_pipeline.mail.letter import Figure, Letter, opaque_key
from edu_pipeline.mail.render import lint
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.gate import mail_gate
from edu_pipeline.model.quality import LandingFiles, LandingProblems
from edu_pipeline.model.roster import Classes, Enrollments, SchoolDays, Staff, Students
from edu_pipeline.model.teachers import StudentOfWeek
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.letters import Letters
from edu_pipeline.settings.mail import Mail
from edu_pipeline.teachers.edition import (
    Tables,
    calendar_of_week,
    classes_of_week,
    gaps,
    letters_of_week,
    periods_of,
    sources,
    teachers_of,
)
from edu_pipeline.teachers.letter import Edition, SchoolWeek, Source, Teacher, subject_of
from edu_pipeline.teachers.metrics import WeekState
from edu_pipeline_tests.mail.holding import hold_reasons
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY, HistoryMaker

WEEK = FIRST_MONDAY
FRIDAY = WEEK + timedelta(days=4)
DAYS = [WEEK + timedelta(days=n) for n in range(5)]
ALWAYS = (date(1, 1, 1), date(9999, 12, 31))
NOT_AFTER = datetime(2026, 9, 10, tzinfo=UTC)
SETTINGS = Settings()
SHIPPED = environment([shipped("templates")])


def roster(*spells: tuple[str, str, date, date], role: str = "teacher") -> pl.DataFrame:
    rows = [(class_id, person, role, begin, end) for class_id, person, begin, end in spells]
    return pl.DataFrame(rows, schema=dtypes(Enrollments), orient="row")


def classes(**kinds: str) -> pl.DataFrame:
    rows = [(name, f"Room {name}", kind, "7", "Seven", "1", None) for name, kind in kinds.items()]
    return pl.DataFrame(rows, schema=dtypes(Classes), orient="row")


def staff(*ids: str) -> pl.DataFrame:
    rows = [(one, one.title(), "Moss", f"{one}@riverside.example", "1") for one in ids]
    return pl.DataFrame(rows, schema=dtypes(Staff), orient="row")


def through_(day: date) -> SchoolWeek:
    """A school's week that counts up to a day."""
    return SchoolWeek(WEEK, None, WEEK, DAYS, 5, day)


def taught(*spells: tuple[str, str, date, date], day: date = FRIDAY) -> dict[str, list[str]]:
    """Teacher → classes on a day."""
    kinds = {"A": "homeroom", "B": "homeroom", "ART": "scheduled", "MAT": "scheduled"}
    found = teachers_of(
        roster(*spells), classes(**kinds), staff("ada", "ben"), {"1": through_(day)}
    )
    return {staff_id: class_ids for staff_id, (_, class_ids) in found.items()}


def test_the_teacher_of_the_last_counted_day_gets_the_letter() -> None:
    thursday = WEEK + timedelta(days=3)
    change = (("A", "ada", ALWAYS[0], thursday), ("A", "ben", thursday, ALWAYS[1]))

    assert taught(*change, day=thursday) == {"ben": ["A"]}
    assert taught(*change, day=thursday - timedelta(days=1)) == {"ada": ["A"]}


def test_two_homerooms_are_one_teachers_in_the_order_of_their_names() -> None:
    assert taught(("B", "ada", *ALWAYS), ("A", "ada", *ALWAYS)) == {"ada": ["A", "B"]}


def test_co_teachers_are_both_told_of_the_class() -> None:
    assert taught(("A", "ada", *ALWAYS), ("A", "ben", *ALWAYS)) == {"ada": ["A"], "ben": ["A"]}


def test_overlapping_spells_name_a_class_once() -> None:
    assert taught(("A", "ada", *ALWAYS), ("A", "ada", WEEK, ALWAYS[1])) == {"ada": ["A"]}


def test_a_homeroom_comes_before_the_classes_taught() -> None:
    spells = (("ART", "ada", *ALWAYS), ("B", "ada", *ALWAYS), ("MAT", "ben", *ALWAYS))

    assert taught(*spells) == {"ada": ["B", "ART"], "ben": ["MAT"]}


def test_a_student_in_a_class_is_not_its_teacher() -> None:
    spells = roster(("A", "ada", *ALWAYS), role="student")

    assert teachers_of(spells, classes(A="homeroom"), staff("ada"), {"1": through_(FRIDAY)}) == {}


def test_who_teaches_on_the_last_day_of_the_class_s_own_school_gets_its_letter() -> None:
    thursday = WEEK + timedelta(days=3)
    spells = roster(("A", "ada", ALWAYS[0], FRIDAY), ("A", "ben", FRIDAY, ALWAYS[1]))
    schools = {"1": through_(thursday), "2": through_(FRIDAY)}
    room, people = classes(A="homeroom"), staff("ada", "ben")

    assert list(teachers_of(spells, room, people, schools)) == ["ada"]
    # a school without a week has that of the others
    moved = room.with_columns(school_id=pl.lit("3"))
    assert list(teachers_of(spells, moved, people, schools)) == ["ben"]


# ---- who gets none -----------------------------------------------------------------------------


def teacher(staff_id: str) -> Teacher:
    return Teacher(staff_id, "Ada", "Moss", f"{staff_id}@riverside.example")


def sentences(
    weeks: pl.DataFrame,
    teaching: dict[str, list[str]],
    *idle: str,
    week: date = WEEK,
    only_homerooms: bool = False,
) -> list[tuple[str, str]]:
    found = gaps(
        weeks,
        staff(*teaching, *idle),
        {one: (teacher(one), class_ids) for one, class_ids in teaching.items()},
        week,
        only_homerooms=only_homerooms,
    )
    assert found["week_start"].unique().to_list() in ([], [week])
    return list(found.select("kind", "sentence").iter_rows())


def school(make_history: HistoryMaker, *homerooms: str) -> pl.DataFrame:
    """A week of these homerooms and of a class in maths."""
    maths = make_history([0.9], class_id="MAT", class_name="Maths", class_type="scheduled")
    return pl.concat(
        [maths, *(make_history([0.9], class_id=one, class_name=f"7{one}") for one in homerooms)]
    )


def test_where_everybody_has_a_letter_nothing_is_said(make_history: HistoryMaker) -> None:
    weeks = school(make_history, "A", "B")

    assert sentences(weeks, {"ada": ["A", "B"], "ben": ["MAT"]}) == []
    assert sentences(weeks.clear(), {}) == []


def test_classes_that_nobody_teaches_are_named(make_history: HistoryMaker) -> None:
    weeks = school(make_history, "A", "B")

    assert sentences(weeks, {"ada": ["A", "MAT"]}) == [
        (
            "class_without_teacher",
            "Nobody teaches 7B in this week, so nobody gets a letter about it. "
            "Look at the enrollments export.",
        )
    ]
    assert sentences(weeks, {"ada": ["A"]}) == [
        (
            "class_without_teacher",
            "Nobody teaches 7B and Maths in this week, so nobody gets a letter about them. "
            "Look at the enrollments export.",
        )
    ]


def test_of_many_classes_without_teacher_eight_are_named(make_history: HistoryMaker) -> None:
    weeks = school(make_history, *"ABCDEFGHIJ")

    ((_, sentence),) = sentences(weeks, {"ada": ["MAT"]})

    assert sentence.startswith("Nobody teaches 7A, 7B, 7C, 7D, 7E, 7F, 7G, 7H and 2 more in this")


def test_teachers_without_students_and_staff_without_class_are_counted(
    make_history: HistoryMaker,
) -> None:
    weeks = school(make_history, "A")
    teaching = {"ada": ["A", "MAT"], "ben": ["GONE"]}

    assert sentences(weeks, teaching, "cy", "di") == [
        (
            "teacher_without_students",
            "1 member of staff has no class with students in this week: no letter.",
        ),
        ("staff_without_class", "2 members of staff have no class in this week: no letter."),
    ]
    assert not re.search("ben|cy|Moss", str(sentences(weeks, teaching, "cy", "di")))


def test_a_week_that_a_class_has_no_row_of_is_not_its_week(make_history: HistoryMaker) -> None:
    weeks = school(make_history, "A")

    assert sentences(weeks, {"ada": ["A", "MAT"]}, week=WEEK + timedelta(weeks=1)) == [
        (
            "teacher_without_students",
            "1 member of staff has no class with students in this week: no letter.",
        )
    ]


def test_where_letters_go_to_homerooms_only_they_are_what_counts(
    make_history: HistoryMaker,
) -> None:
    weeks = school(make_history, "A")

    assert sentences(weeks, {"ada": ["A"], "ben": ["MAT"]}, only_homerooms=True) == [
        (
            "teacher_without_students",
            "1 member of staff has no homeroom in this week: no letter.",
        )
    ]


# ---- the calendar and the exports --------------------------------------------------------------


def calendar(*sessions: date, school_id: str = "s1") -> pl.DataFrame:
    rows = [(day, school_id, True, None, monday(day), min(sessions)) for day in sessions]
    return pl.DataFrame(rows, schema=dtypes(SchoolDays), orient="row")


def through(**schools: date) -> pl.DataFrame:
    return pl.DataFrame(
        list(schools.items()),
        schema={"school_id": pl.String, "counted_through": pl.Date},
        orient="row",
    )


def later(weeks: int, days: Sequence[date] = DAYS) -> list[date]:
    return [day + timedelta(weeks=weeks) for day in days]


def test_a_full_week_after_a_full_week_is_nothing_particular() -> None:
    week = later(1)

    found = calendar_of_week(calendar(*DAYS, *week, *later(2)), through(s1=week[-1]), week[0])

    assert found == {
        "s1": SchoolWeek(
            start=week[0],
            previous=WEEK,
            first_full=WEEK,
            days=week,
            full_days=5,
            through=week[-1],
        )
    }
    assert (found["s1"].short, found["s1"].closed_early, found["s1"].after_break) == (False,) * 3


def test_a_week_is_short_closed_early_or_after_a_break_as_the_calendar_says() -> None:
    days = calendar(*DAYS, *later(2, DAYS[:3]), *later(3))

    def week_of(number: int, last: date) -> SchoolWeek:
        return calendar_of_week(days, through(s1=last), later(number)[0])["s1"]

    short = week_of(2, later(2)[2])
    assert (short.short, short.closed_early, short.after_break) == (True, False, True)
    assert short.previous == WEEK
    early = week_of(3, later(3)[3])
    assert (early.short, early.closed_early, early.after_break) == (False, True, False)
    assert early.through == later(3)[3]
    assert len(early.days) == 5
    first = week_of(0, FRIDAY)
    assert (first.previous, first.after_break) == (None, False)


def test_the_last_day_that_counts_is_one_in_session() -> None:
    found = calendar_of_week(calendar(*DAYS[:4]), through(s1=WEEK + timedelta(days=6)), WEEK)

    assert found["s1"].through == DAYS[3]
    assert not found["s1"].closed_early


def test_a_past_week_counts_to_its_last_day_in_session_and_the_running_one_as_far_as_it_goes() -> (
    None
):
    days, last = calendar(*DAYS[:3], *later(1)), through(s1=later(1)[0])

    assert calendar_of_week(days, last, WEEK)["s1"].through == DAYS[2]
    assert calendar_of_week(days, last, later(1)[0])["s1"].through == later(1)[0]


def test_a_week_without_figures_or_days_has_no_school() -> None:
    assert calendar_of_week(calendar(*DAYS, *later(1)), through(s1=WEEK), later(1)[0]) == {}
    assert calendar_of_week(calendar(*DAYS), through(s1=later(1)[0]), later(1)[0]) == {}


def test_a_class_with_days_off_has_a_week_of_its_own() -> None:
    days, last = calendar(*DAYS, *later(1)), through(s1=later(1)[-1])
    classes = pl.DataFrame({"class_id": ["A", "B"], "school_id": ["s1", "s1"]})
    off = pl.DataFrame({"class_id": ["A"], "date": [later(1)[4]]})

    found = classes_of_week(days, last, later(1)[0], classes, off)

    assert list(found) == ["A"]
    assert (found["A"].days, found["A"].through) == (later(1)[:4], later(1)[3])
    assert found["A"].short
    assert classes_of_week(days, last, WEEK, classes, off.clear()) == {}


def test_schools_with_different_calendars_have_weeks_of_their_own() -> None:
    days = pl.concat(
        [
            calendar(*DAYS, *later(1, DAYS[:2])),
            calendar(*later(1), school_id="s2"),
            calendar(*DAYS, school_id="closed"),
            calendar(*DAYS, *later(1), school_id="behind"),
        ]
    )
    last = later(1)[-1]

    found = calendar_of_week(
        days, through(s1=last, s2=last, closed=last, behind=FRIDAY), later(1)[0]
    )

    assert set(found) == {"s1", "s2"}
    assert (found["s1"].short, found["s1"].previous) == (True, WEEK)
    assert (found["s2"].short, found["s2"].previous) == (False, None)


def test_sources_are_the_newest_current_exports_of_what_is_counted() -> None:
    rows = [
        ("old.csv", "attendance", datetime(2026, 9, 2, 7), True),  # noqa: DTZ001 UTC without zone
        ("new.csv", "attendance", datetime(2026, 9, 4, 7), True),  # noqa: DTZ001
        ("next.csv", "attendance", datetime(2026, 9, 9, 7), False),  # noqa: DTZ001
        ("homework.csv", "homework", datetime(2026, 9, 3, 7), True),  # noqa: DTZ001
        ("staff.csv", "staff", datetime(2026, 9, 5, 7), True),  # noqa: DTZ001
    ]
    files = pl.DataFrame(
        [
            dict.fromkeys(dtypes(LandingFiles).names())
            | {"path": path, "table": table, "version": version, "current": current}
            for path, table, version, current in rows
        ],
        schema=dtypes(LandingFiles),
    )

    assert sources(files) == [
        Source("attendance", date(2026, 9, 4)),
        Source("homework", date(2026, 9, 3)),
    ]
    assert sources(files.clear()) == []


# ---- the letters -------------------------------------------------------------------------------


def problems(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = {
        "id": "0123456789",
        "source": "school",
        "holds": "letters",
        "table": "attendance",
        "kind": "unmapped_code",
        "subject": "QT",
        "rows": 1,
        "first_date": None,
        "last_date": None,
        "class_id": None,
        "message": "Map QT.",
        "since": None,
    }
    return pl.DataFrame([blank | row for row in rows], schema=dtypes(LandingProblems), orient="row")


OPEN_GATE = mail_gate(problems(), [WEEK], "run-1", on_problem="hold")


def of_week(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = dict.fromkeys(dtypes(StudentOfWeek).names(), 0) | {"week_start": WEEK}
    return pl.DataFrame([blank | row for row in rows], schema=dtypes(StudentOfWeek))


def said(*rows: tuple[str, str, str, float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "period": pl.String,
            "recipient_key": pl.String,
            "subject": pl.String,
            "numerator": pl.Float64,
            "denominator": pl.Float64,
        },
        orient="row",
    )


STUDENTS = pl.DataFrame(
    [("1", "Tom", "Lee", "7", "s1", None), ("2", "Mia", "Fox", "7", "s1", None)],
    schema=dtypes(Students),
    orient="row",
)
CALLED = ("7A", "Grade 7", "Riverside School")
"""What class A, its team and its school are called."""
ABSENT = {"possible_days": 5.0, "attended_days": 2.0}
MISSING = {"homework_due": 8, "homework_missing": 6}


def letters(
    make_history: HistoryMaker,
    *teachers: tuple[str, list[str]],
    gate: pl.DataFrame = OPEN_GATE,
    email: str | None = None,
    classes_too: pl.DataFrame | None = None,
    students: pl.DataFrame | None = None,
    said_before: pl.DataFrame | None = None,
    weeks: int = 1,
    naming: str = "full",
    exported: date | None = None,
    env: jinja2.Environment = SHIPPED,
    **settings: str | None,
) -> list[Letter]:
    """The week's letters to teachers (staff_id, classes) in a school of homerooms A and B."""
    week = WEEK + timedelta(weeks=weeks - 1)
    rates = [0.95 - 0.05 * n for n in range(weeks)]
    homerooms = [make_history(rates, class_id=room, class_name=f"7{room}") for room in "AB"]
    days = [day for n in range(weeks) for day in later(n)]
    return list(
        letters_of_week(
            [
                (
                    Teacher(
                        one,
                        one.title(),
                        f"{one.title()}son",
                        f"{one}@riverside.example" if email is None else email,
                    ),
                    class_ids,
                )
                for one, class_ids in teachers
            ],
            Tables(
                class_week=pl.concat([*homerooms, *([] if classes_too is None else [classes_too])]),
                students_of_week=of_week() if students is None else students,
                students=STUDENTS,
                said_before=said() if said_before is None else said_before,
                gate=gate,
            ),
            {},
            Edition(
                school="Riverside School",
                week=week,
                schools=calendar_of_week(calendar(*days), through(s1=days[-1]), week),
                letters=Letters.model_validate(
                    {
                        "from_name": "School data",
                        "from_email": "data@riverside.example",
                        "students": naming,
                    }
                    | settings
                ),
                notice=SETTINGS.notice,
                targets=SETTINGS.targets,
                definitions=definitions(SETTINGS),
                sources=[Source("homework", exported or days[-1])],
                env=env,
            ),
            NOT_AFTER,
        )
    )


def test_each_teacher_gets_one_letter_about_their_own_classes(make_history: HistoryMaker) -> None:
    one, two = letters(make_history, ("ada", ["A"]), ("ben", ["A", "B"]))

    assert "7A" in one.text
    assert "7B" not in one.text + one.html + one.subject
    assert "7A" in two.text
    assert "7B" in two.text
    assert one.hold is None
    assert (one.campaign, one.period, one.not_after) == ("teachers", "2026-W36", NOT_AFTER)


def test_a_class_without_students_brings_no_letter(make_history: HistoryMaker) -> None:
    assert letters(make_history, ("ada", ["C"])) == []
    assert "7A" in letters(make_history, ("ada", ["C", "A"]))[0].text


def test_keys_are_opaque_stable_and_different_for_each_teacher(make_history: HistoryMaker) -> None:
    teachers = ("ada", ["A"]), ("ben", ["A"])
    first, again = letters(make_history, *teachers), letters(make_history, *teachers)
    keys = [letter.key for letter in first]

    assert keys == [letter.key for letter in again]
    assert len(set(keys)) == 2
    assert not any(word in key for key in keys for word in ("ada", "ben", "moss", "Moss"))


def test_co_teachers_get_a_letter_each_that_does_not_name_the_other(
    make_history: HistoryMaker,
) -> None:
    one, two = letters(make_history, ("ada", ["A"]), ("ben", ["A"]))

    assert one.names == {"Ada", "Adason", "Ada Adason", *CALLED}
    assert not re.search("Ben|ben@", one.html + one.text + one.subject)
    assert not re.search("Ada|ada@", two.html + two.text + two.subject)
    assert not re.search("Ada|Ben", one.subject + two.subject)
    assert one.figures == two.figures


def maths(make_history: HistoryMaker, *rates: float) -> pl.DataFrame:
    return make_history(
        rates, class_id="MAT", class_name="Maths 7", class_type="scheduled", school_id="s1"
    )


def test_a_subject_teacher_gets_a_letter_about_the_classes_taught(
    make_history: HistoryMaker,
) -> None:
    subject, homeroom = letters(
        make_history,
        ("ada", ["MAT"]),
        ("ben", ["A", "MAT"]),
        classes_too=maths(make_history, 0.9),
    )

    assert subject.subject.startswith("Maths 7, week of 31 August: attendance 90.0 %")
    assert "Your classes" not in subject.text
    assert homeroom.subject.startswith("7A, week of 31 August: attendance 95.0 %")
    assert homeroom.text.index("Attendance in 7A") < homeroom.text.index("Your classes")
    assert [figure.label for figure in homeroom.figures] == [
        "7A attendance",
        "7A homework",
        "Maths 7 attendance",
        "Maths 7 homework",
    ]


def test_two_homerooms_are_in_one_letter(make_history: HistoryMaker) -> None:
    (letter,) = letters(make_history, ("ada", ["A", "B"]))

    assert letter.subject.startswith("7A and 7B, week of 31 August: attendance 95.0")
    assert letter.text.index("Attendance in 7A was") < letter.text.index("Attendance in 7B was")


def test_a_letter_that_would_be_too_long_comes_without_tables_and_says_so(
    make_history: HistoryMaker,
) -> None:
    rooms = [f"C{n}" for n in range(10)]
    more = pl.concat([make_history([0.95], class_id=room, class_name=f"8{room}") for room in rooms])
    students = of_week(*({"class_id": room, "student_id": "1"} | ABSENT for room in rooms))

    long, short = letters(
        make_history, ("ada", rooms), ("ben", rooms[:1]), classes_too=more, students=students
    )

    assert lint(long.html) == []
    assert "With 10 classes, the tables of comparisons" in long.text
    assert "Start of year" not in long.html + long.text
    assert len(long.figures) == 20
    assert "tables of comparisons" not in short.text
    assert "Start of year" in short.html


def test_letters_may_go_to_teachers_of_homerooms_only(make_history: HistoryMaker) -> None:
    made = letters(
        make_history,
        ("ada", ["MAT"]),
        ("ben", ["A", "MAT"]),
        classes_too=maths(make_history, 0.9),
        to="homeroom_teachers",
    )

    assert [letter.recipient.email for letter in made] == ["ben@riverside.example"]
    assert "Maths 7" not in made[0].text + made[0].html


def test_a_class_of_a_school_that_was_closed_is_not_in_the_letter(
    make_history: HistoryMaker,
) -> None:
    away = make_history([0.9], class_id="Z", class_name="9Z", school_id="s2")

    assert letters(make_history, ("ada", ["Z"]), classes_too=away) == []
    (letter,) = letters(make_history, ("ada", ["A", "Z"]), classes_too=away)
    assert "9Z" not in letter.text


def test_the_figures_that_a_letter_states_go_with_it(make_history: HistoryMaker) -> None:
    (letter,) = letters(make_history, ("ada", ["A"]), weeks=2)

    attendance, homework = letter.figures
    assert attendance.numerator / attendance.denominator == pytest.approx(0.9)
    assert attendance.change == pytest.approx(-0.05)
    assert (attendance.subject, attendance.label) == (
        subject_of("A", "attendance_rate"),
        "7A attendance",
    )
    assert homework == Figure(
        subject_of("A", "homework_rate"), "7A homework", numerator=32, denominator=40, change=0.0
    )


def test_only_what_this_recipient_was_told_is_corrected(make_history: HistoryMaker) -> None:
    before = said(
        ("2026-W36", opaque_key("teacher", "ada"), subject_of("A", "attendance_rate"), 92.1, 100.0),
        ("2026-W36", opaque_key("teacher", "ada"), subject_of("B", "attendance_rate"), 92.1, 100.0),
    )

    told, other = letters(
        make_history, ("ada", ["A"]), ("ben", ["A", "B"]), weeks=2, said_before=before
    )

    line = "Last week’s 92.1 % attendance in 7A is now 95.0 %: entries were corrected."
    assert line in told.text.replace("\u00a0", " ")
    assert " is now " not in other.text


def test_students_are_named_to_their_teachers_and_nobody_else(make_history: HistoryMaker) -> None:
    students = of_week(
        {"class_id": "A", "student_id": "1"} | ABSENT,
        {"class_id": "B", "student_id": "2"} | MISSING,
    )

    one, two = letters(make_history, ("ada", ["A"]), ("ben", ["B"]), students=students)

    assert "- Tom Lee: absent 3 of 5 days" in one.text
    assert one.names == {"Ada", "Adason", "Ada Adason", "Tom Lee", *CALLED}
    assert "Mia" not in one.text + one.html
    assert "- Mia Fox: 6 of 8 homework missing" in two.text


@pytest.mark.parametrize(
    ("style", "shown", "names"),
    [("initials", "- T. L.: absent 3 of 5 days", {"T. L."}), ("none", "- 1 student absent", set())],
)
def test_names_of_students_are_shown_as_the_settings_say(
    make_history: HistoryMaker, style: str, shown: str, names: set[str]
) -> None:
    students = of_week({"class_id": "A", "student_id": "1"} | ABSENT)

    (letter,) = letters(make_history, ("ada", ["A"]), students=students, naming=style)

    assert shown in letter.text
    assert not re.search("Tom|Lee", letter.text + letter.html)
    assert letter.names == {"Ada", "Adason", "Ada Adason", *CALLED} | names


def test_a_subject_teacher_is_not_told_of_the_whole_years_absence(
    make_history: HistoryMaker,
) -> None:
    year = {"possible_days_to_date": 90.0, "absent_days_to_date": 12.0}
    absent = {"student_id": "1", "possible_days": 5.0, "attended_days": 4.0, **year}
    students = of_week({"class_id": "MAT"} | absent, {"class_id": "A"} | absent)

    subject, homeroom = letters(
        make_history,
        ("ada", ["MAT"]),
        ("ben", ["A"]),
        classes_too=maths(make_history, 0.9),
        students=students,
    )

    assert "Tom Lee" not in subject.text + subject.html
    assert "Tom Lee: has missed 12 of 90 days this year" in homeroom.text


@pytest.mark.parametrize(
    ("reply_to", "expected"),
    [("", "data@riverside.example"), ("office@riverside.example", "office@riverside.example")],
)
def test_answers_go_where_the_settings_say(
    make_history: HistoryMaker, reply_to: str, expected: str
) -> None:
    (letter,) = letters(make_history, ("ada", ["A"]), reply_to=reply_to)

    assert letter.reply_to == expected
    assert (letter.sender.name, letter.sender.email) == ("School data", "data@riverside.example")


def own_template(folder: Path, name: str, text: str) -> jinja2.Environment:
    (folder / "letters").mkdir()
    (folder / "letters" / name).write_text(text, encoding="utf-8")
    return environment([folder, shipped("templates")])


def test_a_letter_that_a_template_fails_for_waits_and_the_others_are_written(
    make_history: HistoryMaker, tmp_path: Path
) -> None:
    env = own_template(tmp_path, "teacher.txt.j2", "Hello\n{{ 1 / (given_name | length - 3) }}")

    good, bad, fine = letters(
        make_history, ("cyra", ["A"]), ("ada", ["A"]), ("dora", ["B"]), env=env
    )

    assert (good.hold, fine.hold) == (None, None)
    assert bad.hold == (
        "Template letters/teacher.txt.j2, line 2, cannot be filled (ZeroDivisionError). Correct "
        "it, or delete it from the home's templates folder to use the shipped one."
    )
    assert bad.text == "This letter could not be written.\n"
    assert bad.recipient.email == "ada@riverside.example"
    assert lint(bad.html) == []


def test_a_held_letter_that_a_template_fails_for_says_both(
    make_history: HistoryMaker, tmp_path: Path
) -> None:
    env = own_template(tmp_path, "teacher.txt.j2", "{{ 1 / (given_name | length - 3) }}")
    gate = mail_gate(problems({}), [WEEK], "run-1", on_problem="hold")

    _, bad = letters(make_history, ("cyra", ["A"]), ("ada", ["A"]), env=env, gate=gate)

    assert (bad.hold or "").startswith("Map QT. Template letters/teacher.txt.j2, line 1, ")


def test_a_template_that_fails_for_every_letter_is_told_once(
    make_history: HistoryMaker, tmp_path: Path
) -> None:
    env = own_template(tmp_path, "teacher.txt.j2", "{{ pupil }}")

    with pytest.raises(TemplateError) as caught:
        letters(make_history, ("ada", ["A"]), ("ben", ["B"]), env=env)

    assert str(caught.value).count("letters do not have: 'pupil'") == 1


def test_newer_exports_of_the_same_figures_change_only_how_fresh_they_are(
    make_history: HistoryMaker,
) -> None:
    before, after, other = (
        letters(make_history, ("ada", ["A"]), exported=day, naming=naming)[0]
        for day, naming in (
            (WEEK + timedelta(days=5), "full"),
            (WEEK + timedelta(days=6), "full"),
            (WEEK + timedelta(days=6), "none"),
        )
    )

    assert "from the exports of 5\u00a0September." in before.text
    assert before.digest != after.digest
    assert before.substance == after.substance
    assert after.substance == other.substance  # nobody is named in either
    assert all(phrase in before.text + before.html for phrase in before.as_of)


def test_other_figures_are_another_substance(make_history: HistoryMaker) -> None:
    (one,) = letters(make_history, ("ada", ["A"]))
    (two,) = letters(
        make_history,
        ("ada", ["A"]),
        students=of_week({"class_id": "A", "student_id": "1"} | ABSENT),
    )

    assert one.substance != two.substance


def test_what_a_class_is_called_after_its_teacher_may_stand_in_the_letter(
    make_history: HistoryMaker,
) -> None:
    lessons = make_history(
        [0.9], class_id="MAT", class_name="Maths Ben Moss", class_type="scheduled"
    ).with_columns(team=pl.lit("Team Cy Fox"))

    (letter,) = letters(make_history, ("ada", ["MAT"]), classes_too=lessons)

    assert {"Maths Ben Moss", "Team Cy Fox"} <= letter.names
    assert hold_reasons([letter], ["Ben Moss", "Cy Fox"], Mail()) == {}
    assert hold_reasons([replace(letter, names=frozenset())], ["Ben Moss"], Mail())


def test_a_problem_holds_every_letter_of_the_week(make_history: HistoryMaker) -> None:
    gate = mail_gate(problems({"class_id": "A"}), [WEEK], "run-1", on_problem="hold")

    held = letters(make_history, ("ada", ["A"]), ("ben", ["B"]), gate=gate)

    assert [letter.hold for letter in held] == ["Map QT.", "Map QT."]


def test_a_problem_holds_only_letters_about_its_classes_where_settings_say_so(
    make_history: HistoryMaker,
) -> None:
    gate = mail_gate(problems({"class_id": "A"}), [WEEK], "run-1", on_problem="hold_affected")

    made = letters(make_history, ("ada", ["A"]), ("ben", ["B"]), ("cy", ["B", "A"]), gate=gate)

    assert [letter.hold for letter in made] == ["Map QT.", None, "Map QT."]


def test_a_problem_of_no_class_in_particular_holds_every_letter(
    make_history: HistoryMaker,
) -> None:
    gate = mail_gate(problems({"class_id": None}), [WEEK], "run-1", on_problem="hold_affected")

    assert [letter.hold for letter in letters(make_history, ("ben", ["B"]), gate=gate)] == [
        "Map QT."
    ]


def state(weeks: int, *, missing: int = 0) -> WeekState:
    monday = WEEK + timedelta(weeks=weeks)
    return WeekState(monday, monday + timedelta(days=4), classes=3, classes_missing=missing)


def test_periods_say_how_far_a_week_is_and_what_holds_it() -> None:
    later = WEEK + timedelta(weeks=1)
    gate = mail_gate(problems({"first_date": later}), [WEEK, later], "run-1", on_problem="hold")

    periods = periods_of([state(0), state(1, missing=1)], gate)

    assert periods.schema == PERIODS
    assert periods.rows() == [
        ("teachers", "2026-W36", "2026-08-31", date(2026, 9, 4), True, None),
        ("teachers", "2026-W37", "2026-09-07", date(2026, 9, 11), False, "Map QT."),
    ]


def test_a_problem_of_some_classes_does_not_hold_the_period() -> None:
    gate = mail_gate(problems({"class_id": "A"}), [WEEK], "run-1", on_problem="hold_affected")

    assert periods_of([state(0)], gate)["held"].to_list() == [None]


def test_without_weeks_there_are_no_periods() -> None:
    gate = mail_gate(problems(), [], "run-1", on_problem="hold")

    assert periods_of([], gate).rows() == []
