"""Tables of PowerSchool SIS as its exports write them, each file named as its table.

Tables know a student by an internal ID, people by the Student_Number. Attendance has a row where a code was
entered, and what a code means for presence stands in Attendance_Code, by school and year. Days of exit are
the first days no longer. Staff are Teachers or, in newer systems, Users with a row of SchoolStaff for each
school.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member, companions
from edu_pipeline.settings.landing import FilesOfExport, Join

ATTENDING = ("0", "1", "2", "3")
"""Enroll_Status of who is or was a student: not -1, pre-registered, nor 4, history of another system."""
_STUDENT = {"student": Join(files=("Students",), on="StudentID", key="ID")}
_PERSON = {"given_name": "First_Name", "family_name": "Last_Name", "full_name": "LastFirst"}


def _calendar(date: str) -> Member:
    return Member(
        "Calendar_Day",
        (date, "InSession", "SchoolID"),
        {
            "calendar": FilesOfExport(
                columns={"date": date, "school_id": "SchoolID", "in_session": "InSession"}
            )
        },
    )


_TABLES = (
    Member(
        "Students",
        ("ID", "Student_Number", "SchoolID", "EntryDate", "ExitDate", "Enroll_Status"),
        {
            "students": FilesOfExport(
                columns={
                    "student_id": "Student_Number",
                    **_PERSON,
                    "grade": "Grade_Level",
                    "school_id": "SchoolID",
                    "entry_date": "EntryDate",
                    "exit_date": "ExitDate",
                },
                where={"Enroll_Status": ATTENDING},
            )
        },
    ),
    Member(
        "CC",
        ("StudentID", "SectionID", "DateEnrolled", "DateLeft"),
        {
            "enrollments": FilesOfExport(
                columns={
                    "class_id": "SectionID",
                    "person_id": "student.Student_Number",
                    "begin_date": "DateEnrolled",
                    "end_date": "DateLeft",
                },
                constants={"role": "student"},
                join=_STUDENT,
                unsigned=("class_id",),
                end_date="exclusive",
            )
        },
    ),
    Member(
        "Attendance",
        ("StudentID", "Att_Date", "Attendance_CodeID"),
        {
            "attendance": FilesOfExport(
                columns={
                    "student_id": "student.Student_Number",
                    "date": "Att_Date",
                    "code": "code.Att_Code",
                    "presence": "code.Presence_Status_CD",
                    "session": "period.Period_Number",
                },
                join={
                    **_STUDENT,
                    "period": Join(files=("Period",), on="PeriodID", key="ID"),
                    "code": Join(files=("Attendance_Code",), on="Attendance_CodeID", key="ID"),
                },
                shape="exceptions",
            )
        },
    ),
    _calendar("Date"),
    _calendar("Date_Value"),
    Member("Attendance_Code", ("ID", "Att_Code", "Presence_Status_CD")),
    Member("Period", ("ID", "Period_Number")),
    Member("Courses", ("Course_Number", "Course_Name")),
    *companions(
        {
            "Schools": "School_Number Name",
            "Terms": "FirstDay LastDay",
        }
    ),
)


def _staffed(*members: Member, teacher: str, join: Join) -> tuple[Member, ...]:
    """The tables of people who teach, and what they teach.

    Args:
        members: Tables of people.
        teacher: The column of what is joined that is their id.
        join: The table that a section's teacher is a row of.
    """
    return (
        *members,
        Member(
            "Sections",
            ("ID", "Course_Number", "SchoolID", "Teacher"),
            {
                "classes": FilesOfExport(
                    columns={
                        "class_id": "ID",
                        "class_name": "course.Course_Name",
                        "period": "Expression",
                        "school_id": "SchoolID",
                        "teacher_id": f"teacher.{teacher}",
                    },
                    constants={"class_type": "scheduled"},
                    join={
                        "course": Join(files=("Courses",), on="Course_Number", key="Course_Number"),
                        "teacher": join,
                    },
                )
            },
        ),
        Member(
            "SectionTeacher",
            ("SectionID", "TeacherID"),
            {
                "enrollments": FilesOfExport(
                    columns={
                        "class_id": "SectionID",
                        "person_id": f"teacher.{teacher}",
                        "begin_date": "Start_Date",
                        "end_date": "End_Date",
                    },
                    constants={"role": "teacher"},
                    join={"teacher": join.model_copy(update={"on": ("TeacherID",)})},
                )
            },
        ),
        *_TABLES,
    )


def _proofs(*people: str) -> tuple[frozenset[str], ...]:
    """The roster; one table may be missing, which then is told."""
    tables = ("CC", "Sections", people[-1])
    whole = frozenset({"Students", *tables, *people})
    return (whole, *(whole - {table} for table in tables))


OLD = Format(
    "PowerSchool",
    _staffed(
        Member(
            "Teachers",
            ("ID", "TeacherNumber", "Email_Addr"),
            {
                "staff": FilesOfExport(
                    columns={
                        "staff_id": "TeacherNumber",
                        "email": "Email_Addr",
                        "school_id": "SchoolID",
                        **_PERSON,
                    }
                )
            },
        ),
        teacher="TeacherNumber",
        join=Join(files=("Teachers",), on="Teacher", key="ID"),
    ),
    _proofs("Teachers"),
)
NEW = Format(
    "PowerSchool",
    _staffed(
        Member(
            "Users",
            ("DCID", "Email_Addr"),
            {
                "staff": FilesOfExport(
                    columns={
                        "staff_id": "DCID",
                        "email": "Email_Addr",
                        "school_id": "HomeSchoolID",
                        **_PERSON,
                    }
                )
            },
        ),
        Member("SchoolStaff", ("ID", "Users_DCID")),
        teacher="Users_DCID",
        join=Join(files=("SchoolStaff",), on="Teacher", key="ID"),
    ),
    _proofs("Users", "SchoolStaff"),
)
