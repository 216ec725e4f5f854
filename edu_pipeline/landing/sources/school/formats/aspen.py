"""Aspen's (X2's) tables as districts export them: people with their homeroom, and attendance in columns of yes and no.

Staff have a homeroom, too: who has students in it teaches them. Attendance has a row only for who is
absent, tardy or dismissed.
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
    tuple(
        Member(f"{name}{ending}", columns, read_as)
        for ending in ("", "_export")
        for name, columns, read_as in (
            ("students", ("local_id", "full_name", "homeroom"), _STUDENTS),
            ("staff", ("local_id", "full_name", "homeroom"), _STAFF),
            ("educators", ("local_id", "full_name", "homeroom"), _STAFF),
            ("attendance", ("local_id", "event_date", "absence", "tardy"), _ATTENDANCE),
        )
    ),
    tuple(frozenset({f"students{ending}", f"attendance{ending}"}) for ending in ("", "_export")),
)
