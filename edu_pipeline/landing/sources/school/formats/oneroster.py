"""OneRoster's CSV binding, 1.1 and 1.2, of 1EdTech: a zip, or what was in it.

In 1.1 a user has a role; in 1.2 roles stand in a file of their own, and a user may have several. There is
no attendance in it.

The end date of an academic session "is excluded from the academic session", as its start date is included
(AcademicSession, Information Model 1.2; "Exclusive end date", CSV Tables 1.1), and so is that of an enrollment.
Aeries writes the day after its term; others write its last day (forum of 1EdTech, topic 154256), which is asked
about where there was school on it.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member, companions
from edu_pipeline.settings.landing import FilesOfExport, Join

STAFF = ("teacher", "administrator", "aide", "proctor")
"""Roles of people who may be written to about a class."""
NAMES = {"given_name": "givenName", "family_name": "familyName"}
_STUDENT = {"student_id": "sourcedId", **NAMES, "grade": "grades"}
_STAFF = {"staff_id": "sourcedId", **NAMES, "email": "email"}
_PREFERRED = {"preferred_name": "preferredGivenName"}
_ORGS = {"school_id": "orgSourcedIds"}
_PRIMARY = {"school_id": "primaryOrgSourcedId"}
ROLES = {"roles": Join(files=("roles",), on=("sourcedId",), key=("userSourcedId",))}
_TASK = {"lineItems": Join(files=("lineItems",), on=("lineItemSourcedId",), key=("sourcedId",))}

_OLD_USERS = Member(
    "users",
    ("sourcedId", "givenName", "familyName", "role"),
    {
        "students": FilesOfExport(
            columns={**_STUDENT, **_ORGS},
            where={"role": ("student",)},
            lists=("grade", "school_id"),
            key="sourcedId",
        ),
        "staff": FilesOfExport(
            columns={**_STAFF, **_ORGS},
            where={"role": STAFF},
            lists=("school_id",),
            key="sourcedId",
        ),
    },
)
_USERS = Member(
    "users",
    ("sourcedId", "givenName", "familyName", "username"),
    {
        "students": FilesOfExport(
            columns={**_STUDENT, **_PREFERRED, **_PRIMARY},
            where={"roles.role": ("student",)},
            join=ROLES,
            lists=("grade", "school_id"),
            key="sourcedId",
        ),
        "staff": FilesOfExport(
            columns={**_STAFF, **_PREFERRED, **_PRIMARY},
            where={"roles.role": STAFF},
            join=ROLES,
            key="sourcedId",
        ),
    },
)
ENROLLMENTS = Member(
    "enrollments",
    ("classSourcedId", "userSourcedId", "role"),
    {
        "enrollments": FilesOfExport(
            columns={
                "class_id": "classSourcedId",
                "person_id": "userSourcedId",
                "role": "role",
                "begin_date": "beginDate",
                "end_date": "endDate",
            },
            key="sourcedId",
        )
    },
)
SESSIONS = Member(
    "academicSessions",
    ("sourcedId", "title", "type", "startDate", "endDate"),
    {
        "terms": FilesOfExport(
            columns={"term_id": "sourcedId", "first_day": "startDate", "last_day": "endDate"},
            key="sourcedId",
            end_date="exclusive",
        )
    },
)
_REST = (
    Member(
        "classes",
        ("sourcedId", "title", "classType", "schoolSourcedId"),
        {
            "classes": FilesOfExport(
                columns={
                    "class_id": "sourcedId",
                    "class_name": "title",
                    "class_type": "classType",
                    "grade": "grades",
                    "school_id": "schoolSourcedId",
                    "term_ids": "termSourcedIds",
                },
                lists=("grade",),
                key="sourcedId",
            )
        },
    ),
    ENROLLMENTS,
    SESSIONS,
    Member(
        "results",
        ("sourcedId", "lineItemSourcedId", "studentSourcedId", "scoreStatus"),
        {
            "homework": FilesOfExport(
                columns={
                    "student_id": "studentSourcedId",
                    "assignment_id": "lineItemSourcedId",
                    "class_id": "lineItems.classSourcedId",
                    "due_date": "lineItems.dueDate",
                    "status": "scoreStatus",
                },
                beside={"status": ("late",)},
                join=_TASK,
                key="sourcedId",
            )
        },
    ),
    Member("lineItems", ("sourcedId", "title", "dueDate", "classSourcedId")),
    Member("roles", ("userSourcedId", "role", "orgSourcedId")),
    Member("orgs", ("sourcedId", "name", "type")),
    Member("manifest", ("propertyName", "value")),
    *companions(
        {
            "assessmentLineItems": "sourcedId title",
            "assessmentResults": "sourcedId assessmentLineItemSourcedId",
            "categories": "sourcedId title",
            "classResources": "sourcedId classSourcedId resourceSourcedId",
            "courseResources": "sourcedId courseSourcedId resourceSourcedId",
            "courses": "sourcedId title",
            "demographics": "sourcedId sex",
            "lineItemLearningObjectiveIds": "lineItemSourcedId learningObjectiveId",
            "lineItemScoreScales": "sourcedId lineItemSourcedId",
            "resources": "sourcedId vendorResourceId",
            "resultLearningObjectiveIds": "resultSourcedId learningObjectiveId",
            "resultScoreScales": "sourcedId resultSourcedId",
            "scoreScales": "sourcedId title type",
            "schools": "sourcedId name",
            "terms": "sourcedId title startDate endDate",
            "userProfiles": "sourcedId userSourcedId profileType",
            "userResources": "sourcedId userSourcedId resourceSourcedId",
        }
    ),
)
_ROSTER = {"classes", "enrollments", "users"}
_GRADEBOOK = frozenset({"lineItems", "results"})

OLD = Format("OneRoster 1.1", (_OLD_USERS, *_REST), (frozenset(_ROSTER),), "1.1")
NEW = Format("OneRoster 1.2", (_USERS, *_REST), (frozenset({*_ROSTER, "roles"}), _GRADEBOOK), "1.2")
