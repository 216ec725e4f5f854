"""Google Classroom's submissions, a row for each student and task, with the columns of its API.

There is one from the day that a task is set. `RETURNED` is what a teacher gave back, whether or not it had
been turned in, which is for the school to say. The sheet of grades that teachers export has no published
columns, and is read as any other gradebook.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member
from edu_pipeline.settings.landing import FilesOfExport, Join

_STATES = {
    "TURNED_IN": "submitted",
    **dict.fromkeys(("NEW", "CREATED", "RECLAIMED_BY_STUDENT"), "not submitted"),
}
FORMAT = Format(
    "Google Classroom",
    (
        Member(
            "studentSubmissions",
            ("courseWorkId", "userId", "state"),
            {
                "homework": FilesOfExport(
                    columns={
                        "student_id": "userId",
                        "assignment_id": "courseWorkId",
                        "due_date": "courseWork.dueDate|dueDate",
                        "status": "state",
                    },
                    beside={"status": ("late",)},
                    values={"status": _STATES},
                    join={"courseWork": Join(files=("courseWork",), on="courseWorkId", key="id")},
                )
            },
            any_name=True,
        ),
        Member("courseWork", ("id", "dueDate")),
    ),
    (),
)
