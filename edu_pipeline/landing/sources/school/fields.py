"""A school's flat exports: what their columns and words are called in the systems we know.

Words of OneRoster, Ed-Fi, Clever, PowerSchool, Aspen and UK systems. How files are read and rows
are checked is elsewhere.
"""

from collections.abc import Mapping

from edu_pipeline.landing.sources.school.school_columns import Field
from edu_pipeline.settings.marks import DISMISSED

_SCHOOL = Field(
    "school_id",
    (
        "schoolSourcedId",
        "orgSourcedIds",
        "primaryOrgSourcedId",
        "school sis id",
        "school",
        "school_local_id",
        "school code",
    ),
)
_STUDENT = Field(
    "student_id",
    (
        "studentSourcedId",
        "StudentUniqueId",
        "student number",
        "local_id",
        "sis_id",
        "UPN",
        "admission number",
        *("adm no", "adno"),
        "student",
    ),
    required=True,
)


def _flag(*words: str) -> tuple[str, ...]:
    """What columns of yes and no are called: Aspen's `ATT_ABSENT_IND`, and `absence` as it is exported."""
    return tuple(
        form.format(word) for word in words for form in ("{}", "is {}", "{} ind", "att {} ind")
    )


_FULL_NAME = Field(
    "full_name",
    (
        "LastFirst",
        "student name",
        "pupil name",
        "learner name",
        "teacher name",
        "staff name",
        "name",
    ),
)
_GIVEN = Field(
    "given_name", ("givenName", "first name", "forename", "legal first name", "legal forename")
)
_FAMILY = Field(
    "family_name",
    ("familyName", "last name", "surname", "LastSurname", "legal surname", "legal last name"),
)
_PREFERRED = Field(
    "preferred_name",
    (
        "preferredGivenName",
        "preferredFirstName",
        "preferred forename",
        "known as",
        "chosen name",
    ),
)
_HOMEROOM = ("reg", "reg group", "registration group", "tutor group")
"""What UK systems call a homeroom."""
_SUFFIX = Field("suffix", ("GenerationCodeSuffix", "name suffix", "suffix name"))
_GRADE = Field("grade", ("grades", "grade level", "year group", "year"))
_TRACK = Field("track", ("CalendarCode", "calendar_id"))
CO_TEACHERS = tuple(f"teacher_{n}_id" for n in range(2, 11))
"""Who teaches a class besides `teacher_id`: Clever has columns for nine more."""

FIELDS: Mapping[str, tuple[Field, ...]] = {
    "students": (
        # a name is an id only where nothing else is
        Field(_STUDENT.name, (*_STUDENT.aliases[:-1], "sourcedId", "id", "student"), required=True),
        _GIVEN,
        _FAMILY,
        _FULL_NAME,
        _PREFERRED,
        _SUFFIX,
        _GRADE,
        _SCHOOL,
        Field(
            "homeroom_id",
            ("homeroom", "home room", *_HOMEROOM, "form"),
        ),
        _TRACK,
        Field("entry_date", ("enrollment date", "enrolment date", "DateEnrolled")),
        Field(
            "exit_date",
            ("leave date", "leaving date", "withdrawal date", "withdraw date", "DateLeft"),
        ),
    ),
    "staff": (
        Field(
            "staff_id",
            (
                "StaffUniqueId",
                "teacher_id",
                "teacher number",
                "employee id",
                "staff code",
                "sourcedId",
                "sis id",
                "id",
            ),
            required=True,
        ),
        _GIVEN,
        _FAMILY,
        _FULL_NAME,
        _PREFERRED,
        _SUFFIX,
        Field(
            "email",
            ("email address", "e-mail", "teacher email", "staff email", "mail"),
            required=True,
        ),
        _SCHOOL,
    ),
    "classes": (
        Field(
            "class_id",
            (
                "sourcedId",
                "section_id",
                "SectionIdentifier",
                "classCode",
                "sis id",
                "id",
                *_HOMEROOM,
            ),
            required=True,
        ),
        Field("class_name", ("title", "name", "section name", "section number")),
        Field("class_type", ("classType",), required=True),
        _GRADE,
        Field("team", ("grade team",)),
        _SCHOOL,
        Field(
            "teacher_id",
            (
                *("teacher", "staff_id", "StaffUniqueId", "advisor_id", "teacher number"),
                *("tutor", "form tutor", "registration tutor"),
            ),
        ),
        *map(Field, CO_TEACHERS),
        Field(
            "first_day", ("term start", "term start date", "term begin", "start date", "begin date")
        ),
        Field("last_day", ("term end", "term end date", "end date")),
        Field("period", ("periods",)),
        Field("term_ids", ("termSourcedIds", "sessionSourcedIds")),
    ),
    "enrollments": (
        Field(
            "class_id",
            ("classSourcedId", "section_id", "SectionIdentifier", "section sis id", "class"),
            required=True,
        ),
        Field(
            "person_id",
            (
                "userSourcedId",
                "user_id",
                "student_id",
                "StudentUniqueId",
                "student number",
                "student sis id",
                "teacher sis id",
                "sis id",
                "student",
            ),
            required=True,
        ),
        Field("role", (), required=True),
        Field("begin_date", ("beginDate", "start date", "entry date", "DateEnrolled")),
        Field("end_date", ("endDate", "exit date", "leave date", "DateLeft")),
    ),
    "attendance": (
        _STUDENT,
        Field(
            "date",
            ("attendance_date", "att_date", "event_date", "EventDate", "day"),
            required=True,
        ),
        Field(
            "code",
            (
                "attendance_status",
                "attendance code",
                "att_code",
                "AttendanceEventCategory",
                "session mark",
                "mark",
                "status",
            ),
            required=True,
            flags=(
                ("absent", _flag("absent", "absence")),
                ("tardy", _flag("tardy", "late")),
                (DISMISSED, _flag("dismissed", "dismissal")),
                ("excused", _flag("excused")),
            ),
        ),
        Field("presence", ("presence_status_cd", "presence status")),
        Field("session", ("period", "period_id", "am_pm")),
        Field("class_id", ("classSourcedId", "section_id", "SectionIdentifier", "section sis id")),
        Field("duration", ("EventDuration",)),
        Field("portion_absent", ("att_portion_absent",)),
    ),
    "homework": (
        _STUDENT,
        Field(
            "assignment_id",
            ("lineItemSourcedId", "assignment", "homework_id", "task_id", "title"),
            required=True,
        ),
        Field("class_id", ("classSourcedId", "section_id", "class")),
        Field("due_date", ("dueDate", "due", "date due", "due on"), required=True),
        Field(
            "status",
            ("SubmissionStatus", "submission status", "homework status"),
            required=True,
            before=("scoreStatus",),  # beside which OneRoster's status is that of the record
        ),
    ),
    "calendar": (
        Field("date", ("calendar_date", "day", "school date"), required=True),
        _SCHOOL,
        Field(
            "in_session",
            ("insession", "school day", "is school day", "CalendarEvent", "day type"),
        ),
        Field("term", ("trimester", "semester", "grading period")),
        Field("school_year", ("academic year",)),
        Field(
            "periods",
            (
                *("number of periods", "periods per day", "period count", "sessions"),
                *("number of sessions", "sessions per day", "lessons"),
            ),
        ),
        # whose days these are, where they are not the whole school's
        Field(_GRADE.name, _GRADE.aliases[:-1]),
        _TRACK,
        Field("class_id", ("section_id", "classSourcedId", "class", "homeroom_id", "homeroom")),
    ),
    "terms": (
        Field("term_id", ("sourcedId",), required=True),
        Field("first_day", ("startDate",)),
        Field("last_day", ("endDate",)),
    ),
}

KEYS: Mapping[str, tuple[str, ...]] = {
    "students": ("student_id",),
    "staff": ("staff_id",),
    "classes": ("class_id",),
    "enrollments": ("class_id", "person_id", "role", "begin_date"),
    "attendance": ("student_id", "date", "session", "class_id"),
    "homework": ("student_id", "assignment_id", "class_id"),
    "calendar": ("date", "school_id", "grade", "track", "class_id"),
    "terms": ("term_id",),
}
"""Natural keys: of two rows with the same key the later one counts."""

DATES: Mapping[str, tuple[str, ...]] = {
    "students": ("entry_date", "exit_date"),
    "classes": ("first_day", "last_day"),
    "enrollments": ("begin_date", "end_date"),
    "attendance": ("date",),
    "homework": ("due_date",),
    "calendar": ("date",),
    "terms": ("first_day", "last_day"),
}
"""Columns of dates."""

WORDS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("classes", "class_type"): {
        **dict.fromkeys(
            (
                "homeroom",
                "home room",
                "hr",
                "advisory",
                "tutor",
                "tutor group",
                "form",
                "registration",
            ),
            "homeroom",
        ),
        **dict.fromkeys(("scheduled", "section", "course", "subject", "teaching"), "scheduled"),
    },
    ("enrollments", "role"): {
        **dict.fromkeys(("student", "pupil", "learner"), "student"),
        **dict.fromkeys(
            (
                "teacher",
                "primary",
                "lead",
                "co-teacher",
                "tutor",
                "professor",
                "faculty",
                "adjunct",
                "lecturer",
                "instructor",
                "teacher of record",
                "assistant teacher",
                "support teacher",
                "substitute teacher",
            ),
            "teacher",
        ),
    },
    ("calendar", "in_session"): {
        **dict.fromkeys(
            (
                "y",
                "yes",
                "1",
                "true",
                "t",
                "in session",
                "instructional day",
                "school day",
                "student day",
                "make-up day",
                "student late arrival/early dismissal",
            ),
            "true",
        ),
        **dict.fromkeys(
            (
                "n",
                "no",
                "0",
                "false",
                "f",
                "not in session",
                "non-instructional day",
                "holiday",
                "teacher only day",
                "weather day",
                "emergency day",
                "staff day",
                "inset day",
                "weekend",
            ),
            "false",
        ),
    },
}
"""(table, column) → their word, without case → ours. `[landing.<table>.values.<column>]` adds."""

OTHER_ROLES = frozenset(
    {"administrator", "aide", "guardian", "parent", "proctor", "relative", "counselor"}
)
"""OneRoster roles that take no part in a class's figures."""

TRUE = ("true", "yes", "y", "t", "1", "x")
FALSE = ("", "false", "no", "n", "f", "0", "null", "none")
"""Cells of columns of yes and no, in lower case; what is not filled in says no."""
MISSING_CODES = ("NULL", "Null", "null", "None", "NaN", "nan", "NAN", "(null)", "\\N")
"""Cells of a code column that are as good as empty: no system has such a code."""
MISSING = (
    "",
    *MISSING_CODES,
    "NONE",
    "none",
    "N/A",
    "n/a",
    "NA",
    "na",
    "-",
    "--",
    "–",
    "—",
    ".",
    "#N/A",
    "#NULL!",
    "#VALUE!",
    "#REF!",
    "#DIV/0!",
    "#NAME?",
    "0-000",  # Aspen's: no homeroom
)
"""Cells of other columns that mean: nothing here."""
_INITIALS = ("NA", "na", "NONE", "None", "none")
NAMES_LIKE_MISSING: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("classes", "class_id"): _INITIALS,
    ("students", "homeroom_id"): _INITIALS,
    ("enrollments", "class_id"): _INITIALS,
    **{
        (table, name): ("Null",)
        for table in ("students", "staff")
        for name in ("given_name", "family_name", "full_name", "preferred_name")
    },
}
"""(export, column) → what is a name there: people are called Null, and a homeroom after Nora Ash. Of
ids it is for staging to say whether there is such a class."""
