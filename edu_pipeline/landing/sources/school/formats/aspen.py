"""Aspen's (X2's) tables, under the names and columns of the exports that Student Insights publishes for it.

Staff have a homeroom, as students have: it is theirs to teach. Attendance says yes or no in place of a code,
which its field tells.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member
from edu_pipeline.settings.landing import ANYTHING, FilesOfExport

_PERSON = {"full_name": "full_name", "school_id": "school_local_id"}
_HOMEROOM = {"class_id": "homeroom", "school_id": "school_local_id"}
_IN_A_HOMEROOM = {"homeroom": (ANYTHING,)}
_STUDENTS = {
    "students": FilesOfExport(
        columns={
            "student_id": "local_id",
            "grade": "grade",
            "homeroom_id": "homeroom",
            **_PERSON,
        }
    )
}
_STAFF = {
    "staff": FilesOfExport(columns={"staff_id": "local_id", "email": "email", **_PERSON}),
    "classes": FilesOfExport(
        columns=_HOMEROOM, constants={"class_type": "homeroom"}, where=_IN_A_HOMEROOM
    ),
    "enrollments": FilesOfExport(
        columns={"class_id": "homeroom", "person_id": "local_id"},
        constants={"role": "teacher"},
        where=_IN_A_HOMEROOM,
    ),
}
_ATTENDANCE = {
    "attendance": FilesOfExport(columns={"student_id": "local_id", "date": "event_date"})
}

FORMAT = Format(
    "Aspen",
    (
        Member("students_export", ("local_id", "full_name", "homeroom"), _STUDENTS),
        Member("educators_export", ("local_id", "full_name", "homeroom"), _STAFF),
        Member("attendance_export", ("local_id", "event_date", "absence", "tardy"), _ATTENDANCE),
    ),
    (frozenset({"students_export", "attendance_export"}),),
)
