"""Microsoft School Data Sync's CSV files, v1 and v2.1.

v1 has a file of enrollments for each role and ids called `SIS ID` everywhere; v2.1 is laid out as OneRoster
1.2 without dates of enrollments. A username is that of Microsoft 365, which mail comes to.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member, companions
from edu_pipeline.landing.sources.school.formats.oneroster import (
    ENROLLMENTS,
    NAMES,
    ROLES,
    SESSIONS,
    STAFF,
)
from edu_pipeline.settings.landing import FilesOfExport

_PERSON = {
    "given_name": "First Name",
    "family_name": "Last Name",
    "school_id": "School SIS ID",
}
_ENROLLED = {"class_id": "Section SIS ID", "person_id": "SIS ID"}

OLD = Format(
    "School Data Sync v1",
    (
        Member(
            "Student",
            ("SIS ID", "School SIS ID", "Username"),
            {
                "students": FilesOfExport(
                    columns={"student_id": "SIS ID", "grade": "Grade", **_PERSON}
                )
            },
        ),
        Member(
            "Teacher",
            ("SIS ID", "School SIS ID", "Username"),
            {
                "staff": FilesOfExport(
                    columns={"staff_id": "SIS ID", "email": "Username", **_PERSON}
                )
            },
        ),
        Member(
            "Section",
            ("SIS ID", "School SIS ID", "Section Name"),
            {
                "classes": FilesOfExport(
                    columns={
                        "class_id": "SIS ID",
                        "class_name": "Section Name",
                        "school_id": "School SIS ID",
                        "first_day": "Term StartDate",
                        "last_day": "Term EndDate",
                    },
                    constants={"class_type": "scheduled"},
                    date_formats=("%m/%d/%Y",),
                )
            },
        ),
        *(
            Member(
                name,
                ("Section SIS ID",),
                {"enrollments": FilesOfExport(columns=_ENROLLED, constants={"role": role})},
            )
            for name, role in (("StudentEnrollment", "student"), ("TeacherRoster", "teacher"))
        ),
        Member("School", ("SIS ID", "Name")),
        *companions({"GuardianRelationship": "Email Role", "User": "Email"}),
    ),
    (frozenset({"StudentEnrollment"}), frozenset({"TeacherRoster"})),
)

_TEACHERS = ("professor", "faculty", "adjunct", "lecturer", "instructor")
NEW = Format(
    "School Data Sync v2.1",
    (
        Member(
            "users",
            ("sourcedId", "username"),
            {
                "students": FilesOfExport(
                    columns={
                        "student_id": "sourcedId",
                        "grade": "roles.grade",
                        "school_id": "roles.orgSourcedId",
                        **NAMES,
                    },
                    where={"roles.role": ("student",)},
                    join=ROLES,
                    lists=("grade", "school_id"),
                ),
                "staff": FilesOfExport(
                    columns={
                        "staff_id": "sourcedId",
                        "email": "username",
                        "school_id": "roles.orgSourcedId",
                        **NAMES,
                    },
                    where={"roles.role": (*STAFF, *_TEACHERS)},
                    join=ROLES,
                    lists=("school_id",),
                ),
            },
        ),
        Member(
            "classes",
            ("sourcedId", "orgSourcedId", "title"),
            {
                "classes": FilesOfExport(
                    columns={
                        "class_id": "sourcedId",
                        "class_name": "title",
                        "school_id": "orgSourcedId",
                        "term_ids": "sessionSourcedIds",
                    },
                    constants={"class_type": "scheduled"},
                )
            },
        ),
        ENROLLMENTS,
        SESSIONS,
        Member("roles", ("userSourcedId", "orgSourcedId", "role")),
        *companions(
            {
                "courses": "sourcedId orgSourcedId title",
                "demographics": "userSourcedId",
                "orgs": "sourcedId name type",
                "relationships": "userSourcedId relationshipUserSourcedId",
                "userFlags": "userSourcedId flag",
            }
        ),
    ),
    (frozenset({"users", "roles", "classes", "enrollments"}),),
)
