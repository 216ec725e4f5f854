"""Canvas's gradebook as a teacher exports it, and the lists of its API.

The gradebook has a column per assignment with scores, a file per course. It does not say when work was due,
nor whether a student handed it in: an empty cell may be either. `EX` is excused; `N/A` is not assigned, or not
shown yet. When work was due stands in `assignments`, whose columns are called as in the API. Whether a score
is posted does not matter: the work was handed in or not.
"""

from collections.abc import Mapping

from edu_pipeline.landing.sources.school.formats.format import Format, Member
from edu_pipeline.settings.landing import FilesOfExport, Join

_STATUS: Mapping[str, str] = {"EX": "exempt", "N/A": "no status set"}
_STATES: Mapping[str, str] = {"unsubmitted": "no status set", "pending_review": "submitted"}
_ASSIGNMENTS = Join(files=("assignments",), on="assignment_id", key="id")
FORMAT = Format(
    "Canvas",
    (
        Member(
            "gradebook",
            ("ID", "SIS Login ID", "Section"),
            {
                "homework": FilesOfExport(
                    columns={"student_id": "SIS User ID", "due_date": "assignments.due_at"},
                    # not `Current Score (2026)`, which is the total of a grading period
                    cells=(
                        r"(?!.*(?:Current|Final|Override) (?:Score|Points|Grade) \([^()]*\)$)"
                        r".* \((\d+)\)"
                    ),
                    scores=True,
                    values={"status": dict(_STATUS)},
                    join={"assignments": _ASSIGNMENTS},
                )
            },
            any_name=True,
        ),
        Member(
            "submissions",
            ("assignment_id", "user_id", "workflow_state", "late", "missing", "excused"),
            {
                "homework": FilesOfExport(
                    columns={
                        "student_id": "users.sis_user_id",
                        "assignment_id": "assignment_id",
                        "due_date": "assignments.due_at",
                        "status": "workflow_state",
                    },
                    beside={"status": ("missing", "late", "excused")},
                    values={"status": dict(_STATES)},
                    join={
                        "assignments": _ASSIGNMENTS,
                        "users": Join(files=("users",), on="user_id", key="id"),
                    },
                )
            },
            any_name=True,
        ),
        Member("assignments", ("id", "due_at")),
        Member("users", ("id", "sis_user_id")),
    ),
    (),
)
