"""Clever's files over SFTP: a row of students for each contact, teachers beside other staff."""

from edu_pipeline.landing.sources.school.formats.format import Format, Member, companions

FORMAT = Format(
    "Clever",
    (
        Member("schools", ("School_id", "School_name")),
        *companions({"courses": "Course_id", "resources": "Resource_id", "terms": "Term_name"}),
    ),
    (),
)
