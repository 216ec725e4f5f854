"""What the name of an export of edX says: its run, its kind and when it was made.

`{run's key}_{report}_{YYYY-MM-DD-HHMM}.csv`, the time in UTC; saved again it may be a workbook, or
compressed. Parsed from the right, because keys of runs have `_` in them. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

from edu_pipeline.landing.archives import ARCHIVE, COMPRESSED, OTHER_ARCHIVES, bare_path
from edu_pipeline.landing.tables.workbook import WORKBOOKS
from edu_pipeline.landing.zone import ENDINGS
from edu_pipeline.model.course_keys import canonical

Kind = Literal["profile", "grades", "grade_errors"]
REPORTS: Mapping[str, Kind | None] = {
    "student_profile_info": "profile",
    "grade_report": "grades",
    "grade_report_err": "grade_errors",
    **dict.fromkeys(
        (
            *("problem_grade_report", "problem_grade_report_err", "may_enroll_info"),
            *(
                "may_enroll_info_err",
                "student_profile_info_err",
                "anonymized_ids",
                "cohort_results",
            ),
            *(
                "course_survey_results",
                "course_survey_results_err",
                "proctored_exam_results_report",
            ),
            *("issued_certificates", "executive_summary_report", "enrollment_report", "ORA_data"),
            *("ORA_summary", "ORA2_data"),
        )
    ),
}
"""edX's name of a report → what it is read as; None: it is another report, which is not read."""
_STAMP = r"\d{4}-\d{2}-\d{2}-\d{4}"
_STATE_OF_A_BLOCK = re.compile(r"(?P<run>.+?)_student_state_from_.+", re.IGNORECASE)
_NAME = re.compile(
    rf"(?P<rest>.+)_(?P<stamp>{_STAMP})"
    r"(?:[ _]?\(\d+\)| ?- ?copy(?: \(\d+\))?| copy(?: \d+)?)?"  # what browsers and Finder add
    rf"(?:{'|'.join(map(re.escape, (*ENDINGS, *WORKBOOKS)))})(?:{re.escape(COMPRESSED)})?",
    re.IGNORECASE,
)


_NUMBERS = ".numbers"
_PACKED = (ARCHIVE, COMPRESSED, *OTHER_ARCHIVES)
_UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".opdownload", ".tmp")
EXAMPLE = "UQx_BUSLEAD1x_1T2027_grade_report_2027-05-01-0930.csv"


@dataclass(frozen=True)
class Name:
    """The name of one of edX's reports, understood."""

    run: str
    """The run's key, as `course_keys.canonical` writes it."""
    kind: Kind | None
    """None for reports that are not read."""
    stamp: datetime
    """When edX made it, UTC, without zone."""


def parsed(path: str) -> Name | None:
    """What the name of a file says; None where it is no name of a report.

    Args:
        path: Of the file, below the landing zone's root.
    """
    found = _NAME.fullmatch(PurePosixPath(path).name)
    if found is None:
        return None
    try:
        stamp = datetime.strptime(f"{found['stamp']} +0000", "%Y-%m-%d-%H%M %z")
    except ValueError:  # such as 31 February
        return None
    rest = found["rest"]
    reports = [report for report in REPORTS if rest.casefold().endswith(f"_{report.casefold()}")]
    if reports:
        report = max(reports, key=len)
        run, kind = rest[: -len(report) - 1], REPORTS[report]
    elif state := _STATE_OF_A_BLOCK.fullmatch(rest):
        run, kind = state["run"], None
    else:
        return None
    return Name(canonical(run), kind, stamp.replace(tzinfo=None)) if canonical(run) else None


def why_not(path: str) -> str:
    """Why the name of a file, which is none of a report, is none, and what to do.

    Args:
        path: Of the file, below the landing zone's root.
    """
    name = PurePosixPath(path).name.casefold()
    ending = PurePosixPath(name).suffix
    if name.endswith(_UNFINISHED):
        return "its download was not finished. Download it again, and delete this one."
    if ending in _PACKED and ending != COMPRESSED:
        return f"it is packed ({ending}). Unpack it, so that its files end in .csv."
    if not any(f"_{report.casefold()}" in name for report in REPORTS):
        return (
            f"its name is none that edX gives a report, such as {EXAMPLE}. Give it back the name that "
            "it was downloaded with, or move it out of the folder."
        )
    if ending == _NUMBERS:
        return "it is a workbook of Numbers, which is not read. Save it as CSV under the same name."
    bare = name.removesuffix(ending)
    if any(map(parsed, (f"{name}.csv", f"{bare}.csv", bare))):
        return "its ending is not .csv. Give it back the ending that it was downloaded with."
    return (
        "the end of its name must be the report and the moment that edX made it, such as "
        "…_grade_report_2027-05-01-0930.csv. Give it back the name that it was downloaded with, or "
        "move it out of the folder."
    )


def is_edx_s_own(path: str) -> bool:
    """Whether a report is as edX wrote it by its ending, and not saved again by another program."""
    return bare_path(path).casefold().endswith(".csv")
