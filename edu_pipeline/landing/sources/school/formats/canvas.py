"""Canvas's gradebook, as a teacher exports it: a column per assignment with scores, a file per course.

It does not say when work was due, nor whether a student handed it in: an empty cell may be either. `EX` is
excused; `N/A` is not assigned, or not shown yet. When work was due stands in `assignments`, whose columns are
called as in Canvas's API.
"""

from collections.abc import Mapping

from edu_pipeline.landing.sources.school.formats.format import Format, Member
from edu_pipeline.settings.landing import FilesOfExport, Join

_STATUS: Mapping[str, str] = {"EX": "exempt", "N/A": "no status set"}
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
                    cells=r"(?!.*(?:Score|Points|Grade) \([^()]*\)$).* \((\d+)\)",
                    scores=True,
                    values={"status": dict(_STATUS)},
                    join={
                        "assignments": Join(files=("assignments",), on="assignment_id", key="id")
                    },
                )
            },
            any_name=True,
        ),
        Member("assignments", ("id", "due_at")),
    ),
    (),
)
