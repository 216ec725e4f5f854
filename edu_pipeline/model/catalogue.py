"""Which schema describes which table: for Dagster's catalogue and for the documentation."""

from collections.abc import Mapping
from types import MappingProxyType

import dataframely as dy

from edu_pipeline.model.facts import Attendance, Homework
from edu_pipeline.model.quality import (
    LandingChanges,
    LandingFiles,
    LandingProblems,
    MailGate,
    RejectedRows,
)
from edu_pipeline.model.roster import Classes, Enrollments, SchoolDays, Staff, Students
from edu_pipeline.model.teachers import (
    ClassWeek,
    GradeWeek,
    SchoolTerm,
    SchoolWeek,
    StudentAttendance,
    StudentHomework,
    StudentOfWeek,
    TeacherWeek,
)

SCHEMAS: Mapping[str, type[dy.Schema]] = MappingProxyType(
    {
        "landing_files": LandingFiles,
        "stg_students": Students,
        "stg_staff": Staff,
        "stg_classes": Classes,
        "stg_enrollments": Enrollments,
        "stg_school_days": SchoolDays,
        "stg_attendance": Attendance,
        "stg_homework": Homework,
        "rejected_rows": RejectedRows,
        "landing_changes": LandingChanges,
        "landing_problems": LandingProblems,
        "class_week": ClassWeek,
        "teacher_week": TeacherWeek,
        "grade_week": GradeWeek,
        "school_week": SchoolWeek,
        "school_term": SchoolTerm,
        "students_of_week": StudentOfWeek,
        "student_attendance": StudentAttendance,
        "student_homework": StudentHomework,
        "mail_gate": MailGate,
    }
)
