"""Moodle's grade export, a file per course: a column per activity with scores, `-` where there is none.

Of the ways in which it may show a grade only the points (`Real`) are read. It does not say when work was due:
that is written down in `due_dates`.
"""

from edu_pipeline.landing.sources.school.formats.format import Format, Member
from edu_pipeline.settings.landing import FilesOfExport, Join

FORMAT = Format(
    "Moodle",
    (
        Member(
            "grades",
            ("ID number", "Email address", "Last downloaded from this course"),
            {
                "homework": FilesOfExport(
                    columns={"student_id": "ID number", "due_date": "due_dates.due_date"},
                    # totals have no kind of activity before them
                    cells=r"([A-Z][\w ]*: .*) \(Real\)",
                    scores=True,
                    values={"status": {"-": ""}},
                    join={
                        "due_dates": Join(
                            files=("due_dates",), on="assignment_id", key="assignment"
                        )
                    },
                )
            },
            any_name=True,
        ),
        Member("due_dates", ("assignment", "due_date")),
    ),
    (),
)
