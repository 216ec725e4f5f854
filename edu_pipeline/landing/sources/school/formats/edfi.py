"""Ed-Fi's data standard, 3 to 6: its XML interchanges, and flat files with a row per resource of its API.

Columns are called as in the API; XML has them below the same references (`tables.interchange`).
What the standard leaves open is not answered here: what `Partial` and `Early departure` count as. It
recommends that an end date is the last day (notes on `ExitWithdrawDate` and `EndDate`); and attendance is
assumed where no absence is reported, unless that, too, is.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member, companions
from edu_pipeline.settings.landing import FilesOfExport, Join

_STUDENT, _SCHOOL, _SECTION = (
    "studentReference.studentUniqueId",
    "schoolReference.schoolId",
    "sectionReference.sectionIdentifier",
)
_NAMES = {
    "given_name": "firstName",
    "family_name": "lastSurname",
    "preferred_name": "preferredFirstName",
}
_SPELL = {"class_id": _SECTION, "begin_date": "beginDate", "end_date": "endDate"}
_ENTRY = "gradebookEntryReference.gradebookEntryIdentifier"
_OF_STUDENTS = (
    "StudentEducationOrganizationAssociation",
    "StudentSchoolFoodServiceProgramAssociation",
    "StudentSpecialEducationProgramAssociation",
)
_OF_STAFF = (
    "StaffAbsenceEvent",
    "StaffCohortAssociation",
    "StaffEducationOrganizationAssignmentAssociation",
    "StaffEducationOrganizationEmploymentAssociation",
    "StaffLeave",
    "StaffProgramAssociation",
    "StaffSchoolAssociation",
)
"""Whose flat files are called as if they were students or staff."""
_EVENT = {
    "student_id": _STUDENT,
    "date": "eventDate",
    "code": "attendanceEventCategoryDescriptor",
}
_OFFERED = ("localCourseCode", "schoolId", "sessionName")
_OFFERING = ("localCourseCode", "schoolReference.schoolId", "sessionReference.sessionName")
GRADES = {
    f"{ordinal} grade": str(grade)
    for grade, ordinal in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        1,
    )
}
HOMEROOM = {
    **dict.fromkeys(("true", "1"), "homeroom"),
    **dict.fromkeys(("false", "0", ""), "scheduled"),
}
"""`homeroomIndicator` of those who are in a section."""

FORMAT = Format(
    "Ed-Fi",
    (
        Member(
            "Student",
            ("studentUniqueId", "lastSurname"),
            {
                "students": FilesOfExport(
                    columns={
                        "student_id": "studentUniqueId",
                        **_NAMES,
                        "school_id": f"schools.{_SCHOOL}",
                        "grade": "schools.entryGradeLevelDescriptor",
                        "entry_date": "schools.entryDate",
                        "exit_date": "schools.exitWithdrawDate",
                        "track": "schools.calendarReference.calendarCode",
                    },
                    values={"grade": GRADES},
                    join={
                        "schools": Join(
                            files=("StudentSchoolAssociation",),
                            on=("studentUniqueId",),
                            key=(_STUDENT,),
                        )
                    },
                    lists=("grade", "school_id"),
                )
            },
        ),
        Member(
            "Staff",
            ("staffUniqueId", "lastSurname"),
            {
                "staff": FilesOfExport(
                    columns={
                        "staff_id": "staffUniqueId",
                        **_NAMES,
                        "email": "electronicMailAddress",
                    },
                    lists=("email",),
                )
            },
        ),
        Member(
            "Section",
            ("sectionIdentifier", "courseOfferingReference.localCourseCode"),
            {
                "classes": FilesOfExport(
                    columns={
                        "class_id": "sectionIdentifier",
                        "class_name": "sectionName|offering.localCourseTitle|courseOfferingReference.localCourseCode",
                        "class_type": "members.homeroomIndicator",
                        "grade": "offeredGradeLevelDescriptor",
                        "school_id": "courseOfferingReference.schoolId",
                        "first_day": "session.beginDate",
                        "last_day": "session.endDate",
                    },
                    constants={"class_type": "scheduled"},
                    values={"class_type": HOMEROOM, "grade": GRADES},
                    lists=("grade",),
                    join={
                        "members": Join(
                            files=("StudentSectionAssociation",),
                            on=("sectionIdentifier",),
                            key=(_SECTION,),
                        ),
                        "offering": Join(
                            files=("CourseOffering",),
                            on=tuple(f"courseOfferingReference.{part}" for part in _OFFERED),
                            key=_OFFERING,
                        ),
                        "session": Join(
                            files=("Session",),
                            on=tuple(f"courseOfferingReference.{part}" for part in _OFFERED[1:]),
                            key=("schoolReference.schoolId", "sessionName"),
                        ),
                    },
                )
            },
        ),
        Member(
            "StudentSectionAssociation",
            (_STUDENT, _SECTION, "beginDate"),
            {
                "enrollments": FilesOfExport(
                    columns={"person_id": _STUDENT, **_SPELL},
                    constants={"role": "student"},
                    end_date="inclusive",
                )
            },
        ),
        Member(
            "StaffSectionAssociation",
            ("staffReference.staffUniqueId", _SECTION),
            {
                "enrollments": FilesOfExport(
                    columns={
                        "person_id": "staffReference.staffUniqueId",
                        "role": "classroomPositionDescriptor",
                        **_SPELL,
                    },
                    end_date="inclusive",
                )
            },
        ),
        Member(
            "StudentSchoolAttendanceEvent",
            (_STUDENT, "eventDate", "attendanceEventCategoryDescriptor"),
            {
                "attendance": FilesOfExport(
                    columns={**_EVENT, "duration": "eventDuration"}, shape="exceptions"
                )
            },
        ),
        Member(
            "StudentSectionAttendanceEvent",
            (_STUDENT, _SECTION, "eventDate", "attendanceEventCategoryDescriptor"),
            {
                "attendance": FilesOfExport(
                    columns={**_EVENT, "class_id": _SECTION}, shape="exceptions", lessons=True
                )
            },
        ),
        Member(
            "CalendarDate",
            ("date", "calendarEventDescriptor", "calendarReference.schoolId"),
            {
                "calendar": FilesOfExport(
                    columns={
                        "date": "date",
                        "in_session": "calendarEventDescriptor",
                        "school_id": "calendarReference.schoolId",
                        "track": "calendarReference.calendarCode",
                    }
                )
            },
        ),
        Member(
            "StudentGradebookEntry",
            (_STUDENT, _ENTRY),
            {
                "homework": FilesOfExport(
                    columns={
                        "student_id": _STUDENT,
                        "assignment_id": _ENTRY,
                        "class_id": f"entries.{_SECTION}",
                        "due_date": "entries.dueDate",
                        "status": "submissionStatusDescriptor",
                    },
                    beside={"status": ("assignmentLateStatusDescriptor",)},
                    join={
                        "entries": Join(
                            files=("GradebookEntry",),
                            on=(_ENTRY,),
                            key=("gradebookEntryIdentifier",),
                        )
                    },
                )
            },
        ),
        Member("StudentSchoolAssociation", (_STUDENT, _SCHOOL, "entryDate")),
        Member("CourseOffering", _OFFERING),
        Member("Session", ("sessionName", "beginDate", "endDate")),
        Member("GradebookEntry", ("gradebookEntryIdentifier", "dateAssigned")),
        *companions(
            {
                "Calendar": "calendarCode",
                "Course": "courseCode courseTitle",
                "GradingPeriod": "gradingPeriodDescriptor beginDate endDate",
                "LocalEducationAgency": "localEducationAgencyId nameOfInstitution",
                "Location": "classroomIdentificationCode",
                "School": "schoolId nameOfInstitution",
                **dict.fromkeys(_OF_STAFF, "staffReference.staffUniqueId"),
                **dict.fromkeys(_OF_STUDENTS, _STUDENT),
            }
        ),
    ),
    tuple(
        frozenset({name})
        for name in (
            "StudentSchoolAttendanceEvent",
            "StudentSectionAttendanceEvent",
            "StudentSchoolAssociation",
            "StudentSectionAssociation",
            "StaffSectionAssociation",
            "StudentGradebookEntry",
            "CalendarDate",
        )
    ),
)
