"""The teachers job's tables: what letters and charts are made of.

Rates are shares from 0 to 1 and empty where nothing was possible; changes are differences of
shares. A group's rate is the sum of its numerators over the sum of its denominators.
"""

from collections.abc import Collection

import dataframely as dy

USUAL_VERDICTS = ("too_few_weeks", "too_few_students", "within", "above", "below")
TEAM_VERDICTS = ("within", "above", "below")
PHASES = ("level", "climbing", "falling")


def _rate(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, description=description)


def _change(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=-1, max=1, description=description)


def _bound(which: str) -> dy.Float64:
    return dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description=(
            f"{which} end of the usual range; empty without a value, with too few weeks or students"
        ),
    )


def _one_of(words: Collection[str], description: str) -> dy.String:
    return dy.String(nullable=True, check=lambda c: c.is_in(words), description=description)


def _verdict() -> dy.String:
    return _one_of(
        USUAL_VERDICTS,
        "too_few_weeks, too_few_students (fewer than 10; of classes and teachers only), or "
        "within, above or below the usual range; empty: no value",
    )


def _team_verdict(window: str) -> dy.String:
    return _one_of(
        TEAM_VERDICTS,
        f"within, above or below what chance makes of a part of the team, {window}; "
        "empty: nothing to compare",
    )


def _phase() -> dy.String:
    return _one_of(
        PHASES,
        "level, climbing or falling: what the weeks up to this one are; empty: fewer than 8 "
        "weeks, or students than 10 (of classes and teachers only)",
    )


def _weeks() -> dy.Int64:
    return dy.Int64(min=0, description="Weeks of its phase before this one that have a value")


def _phase_start() -> dy.Date:
    return dy.Date(nullable=True, description="Monday of the first week of this level or trend")


class _Counts(dy.Schema):
    possible_days = dy.Float64(min=0, description="Student-days expected")
    attended_days = dy.Float64(min=0, description="Student-days attended, in fractions of a day")
    attendance_rate = _rate("attended_days ÷ possible_days")
    homework_due = dy.Int64(min=0, description="Homework due with a known outcome")
    homework_complete = dy.Int64(min=0, description="Of these, handed in")
    homework_rate = _rate("homework_complete ÷ homework_due")


class _BesidePast(_Counts):
    attendance_rate_previous = _rate("attendance_rate in the school week before")
    attendance_rate_change_previous = _change("attendance_rate − attendance_rate_previous")
    attendance_rate_start = _rate("attendance_rate in the first full week of the school year")
    attendance_rate_change_start = _change("attendance_rate − attendance_rate_start")
    attendance_rate_usual_low = _bound("Low")
    attendance_rate_usual_high = _bound("High")
    attendance_rate_usual_weeks = _weeks()
    attendance_rate_verdict = _verdict()
    attendance_rate_phase = _phase()
    attendance_rate_phase_start = _phase_start()
    attendance_rate_phase_first = _rate(
        "Of a trend: its line in its first week; of a level: all its weeks"
    )
    attendance_rate_phase_last = _rate("The same in this week")
    attendance_rate_phase_before = _rate("All weeks of the level or trend before this one")
    homework_rate_previous = _rate("homework_rate in the school week before")
    homework_rate_change_previous = _change("homework_rate − homework_rate_previous")
    homework_rate_start = _rate("homework_rate in the first full week of the school year")
    homework_rate_change_start = _change("homework_rate − homework_rate_start")
    homework_rate_usual_low = _bound("Low")
    homework_rate_usual_high = _bound("High")
    homework_rate_usual_weeks = _weeks()
    homework_rate_verdict = _verdict()
    homework_rate_phase = _phase()
    homework_rate_phase_start = _phase_start()
    homework_rate_phase_first = _rate(
        "Of a trend: its line in its first week; of a level: all its weeks"
    )
    homework_rate_phase_last = _rate("The same in this week")
    homework_rate_phase_before = _rate("All weeks of the level or trend before this one")


# what a row is stands before its figures, because the columns of bases come in the order of these


class _OfClass(dy.Schema):
    week_start = dy.Date(primary_key=True, description="Monday of the week")
    class_id = dy.String(primary_key=True, description="The class")
    class_name = dy.String(description="What people call it")
    class_type = dy.String(description="homeroom or scheduled")
    grade = dy.String(nullable=True, description="Grade or year group")
    team = dy.String(description="Grade team")
    school_id = dy.String(description="The school")
    days_in_session = dy.Int64(min=1, description="School days in the week, also those to come")
    days_submitted = dy.Int64(min=0, description="School days whose register counts here")
    lessons = dy.Int64(
        nullable=True,
        min=0,
        description=(
            "Of a scheduled class whose lessons have marks of their own: how many had a register; its "
            "possible_days and attended_days are student-lessons, and its rate is not held against the "
            "team's. Empty: its rate is that of the days of its students"
        ),
    )
    students = dy.Int64(min=1, description="Students enrolled on a school day of the week")


class ClassWeek(_OfClass, _BesidePast):
    """One class in one school week, beside its past, its grade team and its school.

    A class has a row for every school week up to the latest data in which it had students, also
    when no register was taken (the rates are then empty). Weeks in which the school was closed
    have no row.
    """

    attendance_rate_team = _rate("All students of the grade team in the same week")
    attendance_rate_school = _rate("All students of the school in the same week")
    attendance_rate_team_verdict = _team_verdict("this week")
    attendance_rate_to_date = _rate(
        "The class's rate from the first day of the school year to this week"
    )
    attendance_rate_team_to_date = _rate("The grade team's, from the first day to this week")
    attendance_rate_school_to_date = _rate("The school's, from the first day to this week")
    attendance_rate_team_verdict_to_date = _team_verdict("in the year to date")
    homework_rate_team = _rate("All students of the grade team in the same week")
    homework_rate_school = _rate("All students of the school in the same week")
    homework_rate_team_verdict = _team_verdict("this week; of homerooms only")
    homework_rate_to_date = _rate(
        "The class's rate from the first day of the school year to this week"
    )
    homework_rate_team_to_date = _rate("The grade team's, from the first day to this week")
    homework_rate_school_to_date = _rate("The school's, from the first day to this week")
    homework_rate_team_verdict_to_date = _team_verdict("in the year to date; of homerooms only")


class _OfTeacher(dy.Schema):
    week_start = dy.Date(primary_key=True, description="Monday of the week")
    staff_id = dy.String(primary_key=True, description="The teacher")
    school_id = dy.String(description="The school of most of their students")
    classes = dy.Int64(min=1, description="Classes taught on a school day of the week")
    students = dy.Int64(min=1, description="Students in these, each once")
    days_submitted = dy.Int64(min=0, description="School days whose register counts here")


class TeacherWeek(_OfTeacher, _BesidePast):
    """One teacher in one school week, over all the classes they teach.

    Every student-day and every piece of homework counts once, also of a student in several of the
    classes. Homework is what the scheduled classes set and, of homerooms, all of their students'.
    A teacher has a row for every week in which a class of theirs had students on a school day.
    """


class _OfGrade(dy.Schema):
    week_start = dy.Date(primary_key=True, description="Monday of the week")
    school_id = dy.String(primary_key=True, description="The school")
    team = dy.String(primary_key=True, description="Grade team")
    days_in_session = dy.Int64(min=1, description="School days in the week, also those to come")


class GradeWeek(_OfGrade, _BesidePast):
    """One grade team in one school week: all its students together."""


class _OfSchool(dy.Schema):
    week_start = dy.Date(primary_key=True, description="Monday of the week")
    school_id = dy.String(primary_key=True, description="The school")
    days_in_session = dy.Int64(min=1, description="School days in the week, also those to come")


class SchoolWeek(_OfSchool, _BesidePast):
    """One school in one school week: all its students together."""


class _OfTerm(dy.Schema):
    school_id = dy.String(primary_key=True, description="The school")
    year_start = dy.Date(primary_key=True, description="First day in session of the school year")
    term = dy.String(
        primary_key=True,
        description="As the calendar names it; `School year` where it names none all year",
    )
    first_date = dy.Date(description="First day in session")
    last_date = dy.Date(description="Last day in session, also one to come")
    finished = dy.Bool(description="Whether the data reach the last day")
    days_in_session = dy.Int64(min=1, description="School days, also those to come")


class SchoolTerm(_OfTerm, _Counts):
    """One school in one term of its calendar, beside the term before: all its students together.

    Homework belongs to the term of its due date; when it is due on a day without school, to that
    of the school day before. A term that the data have not reached has no row.
    """

    attendance_rate_previous = _rate(
        "The school's rate in the term before, of the same school year"
    )
    attendance_rate_change_previous = _change("attendance_rate − attendance_rate_previous")
    homework_rate_previous = _rate("The school's rate in the term before, of the same school year")
    homework_rate_change_previous = _change("homework_rate − homework_rate_previous")


class StudentOfWeek(dy.Schema):
    """One student of a class in one week: the week, the school week before, the year to date.

    Students are those in the class on the last day of the week that counts. Attendance is all of
    the student's, in whatever class. Homework is what the class set, in a homeroom all of the
    student's; late work is handed in or missing as the settings say.
    """

    week_start = dy.Date(primary_key=True, description="Monday of the week")
    class_id = dy.String(primary_key=True, description="The class")
    student_id = dy.String(primary_key=True, description="The student")
    possible_days = dy.Float64(min=0, description="Days expected this week")
    attended_days = dy.Float64(min=0, description="Of these, attended, in fractions")
    excused_days = dy.Float64(min=0, description="Days absent this week and excused")
    tardy_days = dy.Int64(min=0, description="Days with a late arrival; counted as attended")
    homework_due = dy.Int64(min=0, description="Homework due this week with a known outcome")
    homework_complete = dy.Int64(min=0, description="Of this, handed in")
    homework_missing = dy.Int64(min=0, description="homework_due − homework_complete")
    possible_days_previous = dy.Float64(min=0, description="Days expected, school week before")
    absent_days_previous = dy.Float64(min=0, description="Days absent, school week before")
    homework_due_previous = dy.Int64(min=0, description="Homework due, school week before")
    homework_missing_previous = dy.Int64(min=0, description="Of this, not handed in")
    possible_days_to_date = dy.Float64(
        min=0, description="Days expected from the first day of the school year to this week"
    )
    absent_days_to_date = dy.Float64(min=0, description="Of these, absent, excused or not")
    excused_days_to_date = dy.Float64(min=0, description="Of the days absent, those excused")
    homework_due_to_date = dy.Int64(
        min=0, description="Homework due from the first day of the school year to this week"
    )
    homework_missing_to_date = dy.Int64(min=0, description="Of this, not handed in")


class StudentAttendance(dy.Schema):
    """One student's attendance from the first day of the school year to the latest data."""

    student_id = dy.String(primary_key=True, description="The student")
    school_id = dy.String(description="The school of the latest day counted")
    possible_days = dy.Float64(min=0, description="Days expected")
    attended_days = dy.Float64(min=0, description="Days attended, in fractions")
    absent_days = dy.Float64(min=0, description="possible_days − attended_days")
    excused_days = dy.Float64(min=0, description="Of the absent days, those excused")
    tardy_days = dy.Int64(min=0, description="Days with a late arrival; counted as attended")
    attendance_rate = _rate("attended_days ÷ possible_days")
    first_date = dy.Date(description="First day counted")
    last_date = dy.Date(description="Last day counted")


class StudentHomework(dy.Schema):
    """One student's homework from the first day of the school year to the latest data."""

    student_id = dy.String(primary_key=True, description="The student")
    homework_due = dy.Int64(min=0, description="Homework due with a known outcome")
    homework_complete = dy.Int64(min=0, description="Of these, handed in, late ones included")
    homework_late = dy.Int64(min=0, description="Of these, handed in late")
    homework_missing = dy.Int64(min=0, description="Due and not handed in")
    homework_rate = _rate("homework_complete ÷ homework_due")
