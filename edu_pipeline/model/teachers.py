"""The teachers job's tables: what letters and charts are made of.

Rates are shares from 0 to 1 and empty where nothing was possible; changes are differences of
shares. A group's rate is the sum of its numerators over the sum of its denominators.
"""

import dataframely as dy


def _rate(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, description=description)


def _change(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=-1, max=1, description=description)


class ClassWeek(dy.Schema):
    """One class in one school week, beside its past, its grade team and its school.

    A class has a row for every school week up to the latest data in which it had students, also
    when no register was taken (the rates are then empty). Weeks in which the school was closed
    have no row.
    """

    week_start = dy.Date(primary_key=True, description="Monday of the week")
    class_id = dy.String(primary_key=True, description="The class")
    class_name = dy.String(description="What people call it")
    class_type = dy.String(description="homeroom or scheduled")
    grade = dy.String(nullable=True, description="Grade or year group")
    team = dy.String(description="Grade team")
    school_id = dy.String(description="The school")
    days_in_session = dy.Int64(min=1, description="School days in the week, also those to come")
    days_submitted = dy.Int64(min=0, description="School days whose register counts here")
    students = dy.Int64(min=1, description="Students enrolled on a school day of the week")
    possible_days = dy.Float64(min=0, description="Student-days expected")
    attended_days = dy.Float64(min=0, description="Student-days attended, in fractions of a day")
    attendance_rate = _rate("attended_days ÷ possible_days")
    homework_due = dy.Int64(min=0, description="Homework due with a known outcome")
    homework_complete = dy.Int64(min=0, description="Of these, handed in")
    homework_rate = _rate("homework_complete ÷ homework_due")
    attendance_rate_previous = _rate("The class's rate in the school week before")
    attendance_rate_change_previous = _change("attendance_rate − attendance_rate_previous")
    attendance_rate_start = _rate("The class's rate in the first full week of the school year")
    attendance_rate_change_start = _change("attendance_rate − attendance_rate_start")
    attendance_rate_team = _rate("All students of the grade team in the same week")
    attendance_rate_school = _rate("All students of the school in the same week")
    homework_rate_previous = _rate("The class's rate in the school week before")
    homework_rate_change_previous = _change("homework_rate − homework_rate_previous")
    homework_rate_start = _rate("The class's rate in the first full week of the school year")
    homework_rate_change_start = _change("homework_rate − homework_rate_start")
    homework_rate_team = _rate("All students of the grade team in the same week")
    homework_rate_school = _rate("All students of the school in the same week")


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
