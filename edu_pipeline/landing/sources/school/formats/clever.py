"""Clever's files over SFTP: a row of students for each contact, teachers beside other staff.

Enrollments are of students only; who teaches a section stands in its own row, up to ten of them. Staff are
in no section, whatever else they are. Days are written as in ISO 8601.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member, companions
from edu_pipeline.settings.landing import FilesOfExport

_PERSON = {"given_name": "First_name", "family_name": "Last_name", "school_id": "School_id"}

FORMAT = Format(
    "Clever",
    (
        Member(
            "students",
            ("School_id", "Student_id", "Last_name", "First_name"),
            {
                "students": FilesOfExport(
                    columns={"student_id": "Student_id", "grade": "Grade", **_PERSON}
                )
            },
        ),
        Member(
            "teachers",
            ("School_id", "Teacher_id", "Last_name", "First_name"),
            {
                "staff": FilesOfExport(
                    columns={"staff_id": "Teacher_id", "email": "Teacher_email", **_PERSON}
                )
            },
        ),
        Member(
            "sections",
            ("School_id", "Section_id", "Teacher_id"),
            {
                "classes": FilesOfExport(
                    columns={
                        "class_id": "Section_id",
                        "class_name": "Name",
                        "grade": "Grade",
                        "period": "Period",
                        "school_id": "School_id",
                        "teacher_id": "Teacher_id",
                        "first_day": "Term_start",
                        "last_day": "Term_end",
                    },
                    constants={"class_type": "scheduled"},
                )
            },
        ),
        Member(
            "enrollments",
            ("School_id", "Section_id", "Student_id"),
            {
                "enrollments": FilesOfExport(
                    columns={"class_id": "Section_id", "person_id": "Student_id"},
                    constants={"role": "student"},
                )
            },
        ),
        Member(
            "attendance",
            ("Student_id", "Attendance_date", "Attendance_type", "Attendance_status"),
            {
                "attendance": FilesOfExport(
                    columns={
                        "student_id": "Student_id",
                        "date": "Attendance_date",
                        "code": "Attendance_status",
                        "class_id": "Section_id",
                    }
                )
            },
        ),
        *companions(
            {
                "admins": "Admin_email",
                "courses": "Course_id",
                "resources": "Resource_id",
                "schools": "School_id School_name",
                "staff": "School_id Staff_id Staff_email",
                "terms": "Term_name",
            }
        ),
    ),
    (
        frozenset({"teachers", "sections", "enrollments"}),
        # without what is told then
        frozenset({"students", "teachers", "sections"}),
    ),
)
