"""The documented example of every published format: dropped as it is, it needs no setting but what is sure,
and what the format leaves open.

The figures were worked out by hand from the files of `docs/exports/<format>/`.
"""

import shutil
import tomllib
from pathlib import Path

import pytest

from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.landing.sources.school.school_described import inspect_school
from edu_pipeline.landing.sources.school.suggestions import toml_lines
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline_tests.conftest import make_home, run_job

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "exports"
Figures = list[tuple[str, str, float, float, int, int]]
"""Class and week; days attended and possible; homework handed in and due."""
# 8A: one absent on Tuesday of the first week, one on Monday of the second; a tardy one was there.
# Mathematics: four pieces a week; in the first one is exempt and one missing, in the second one is.
ONEROSTER: Figures = [
    ("8A", "2026-09-07", 29, 30, 2, 3),
    ("8A", "2026-09-14", 29, 30, 3, 4),
    ("Mathematics 8", "2026-09-07", 19, 20, 2, 3),
    ("Mathematics 8", "2026-09-14", 20, 20, 3, 4),
]
# One absent on Tuesday; last term's class is over.
SDS: Figures = [("Mathematics 8", "2026-09-07", 19, 20, 0, 0)]
# Homeroom 110: two days absent and one, of three students; one dismissed early was there. 112: two days of
# two students; the calendar goes on, the exceptions end on Wednesday.
ASPEN: Figures = [
    ("110", "2026-09-07", 12, 15, 0, 0),
    ("110", "2026-09-14", 9, 9, 0, 0),
    ("112", "2026-09-07", 10, 10, 0, 0),
    ("112", "2026-09-14", 4, 6, 0, 0),
]
# Closed on Friday (#). 7A: illness of a day, T of a day, M and U of half of one; then a mark that is missing,
# N of a day, C2 of one; V is present. 7B: not required (X) on a day, illness of one and a half; then K is present.
UK: Figures = [
    ("7A", "2026-09-07", 9, 12, 0, 0),
    ("7A", "2026-09-14", 12.5, 14.5, 0, 0),
    ("7B", "2026-09-07", 5.5, 7, 0, 0),
    ("7B", "2026-09-14", 10, 10, 0, 0),
]
# Due on Thursday, 23:59 in New York: two of three (one excused), the score of 0 is not handed in; and on
# Sunday, which is of the same week: two of three (one not assigned), the empty cell is not handed in.
CANVAS: Figures = [("Mathematics 8", "2026-09-07", 19, 20, 4, 6)]
# The same pieces. Thursday: two of three (one excused), of which one is late with a score of 0; the other 0 is
# Canvas's own for a missing one. Sunday: two of three, and of one nothing is known.
CANVAS_API: Figures = [("Mathematics 8", "2026-09-07", 19, 20, 4, 6)]
# Friday, 23:59 in New York: three of four, of which one is late and one returned. Sunday: two of four.
CLASSROOM: Figures = [("Mathematics 8", "2026-09-07", 19, 20, 5, 8)]
# Thursday: two of four (a 0, an empty cell). Saturday: three of four.
MOODLE: Figures = [("Mathematics 8", "2026-09-07", 19, 20, 5, 8)]
# A reading log on Thursday: two of three (one late, one without a status); and on Sunday: two of three.
SATCHEL: Figures = [("Mathematics 8", "2026-09-07", 19, 20, 4, 6)]
# Six in the homeroom, four days a week: one is away for a day and one for half a day, then one for a day and
# one, whose last day is Wednesday, on that day. Of four and of five pieces one is missing; late ones count.
# That somebody who was away for a day was away from mathematics, too, adds nothing.
ED_FI: Figures = [
    ("Homeroom 8A", "2026-09-07", 22.5, 24, 3, 4),
    ("Homeroom 8A", "2026-09-14", 21, 23, 4, 5),
    ("Mathematics 8", "2026-09-07", 18.5, 20, 3, 4),
    ("Mathematics 8", "2026-09-14", 19, 20, 4, 5),
]
# Absent: one on Tuesday of the first week, one on Monday of the second. English goes on in another section.
CLEVER: Figures = [
    ("English 8 (fall)", "2026-09-07", 19, 20, 0, 0),
    ("English 8 (winter)", "2026-09-14", 19, 20, 0, 0),
    ("Homeroom 8A", "2026-09-07", 19, 20, 0, 0),
    ("Homeroom 8A", "2026-09-14", 19, 20, 0, 0),
]
# Labor Day is no school day. Finch left on 16 September, Quaye went to the other section on the 14th. Absent:
# Lind on the 8th, Moreau on the 14th, Finch on the 15th. Before, everybody was there.
POWERSCHOOL: Figures = [
    *(("English 8", week, 20, 20, 0, 0) for week in ("2026-08-17", "2026-08-24", "2026-08-31")),
    ("English 8", "2026-09-07", 15, 16, 0, 0),
    ("English 8", "2026-09-14", 15, 17, 0, 0),
    *(
        ("Mathematics 8, period 3(A-E)", week, 10, 10, 0, 0)
        for week in ("2026-08-17", "2026-08-24", "2026-08-31")
    ),
    ("Mathematics 8, period 3(A-E)", "2026-09-07", 7, 8, 0, 0),
    ("Mathematics 8, period 3(A-E)", "2026-09-14", 5, 5, 0, 0),
    *(
        ("Mathematics 8, period 4(A-E)", week, 10, 10, 0, 0)
        for week in ("2026-08-17", "2026-08-24", "2026-08-31")
    ),
    ("Mathematics 8, period 4(A-E)", "2026-09-07", 8, 8, 0, 0),
    ("Mathematics 8, period 4(A-E)", "2026-09-14", 10, 12, 0, 0),
]
EXPECTED: dict[str, Figures] = {
    "aspen": ASPEN,
    "clever": CLEVER,
    "ed-fi": ED_FI,
    "oneroster-1.1": ONEROSTER,
    "oneroster-1.2": ONEROSTER,
    "powerschool": POWERSCHOOL,
    "school-data-sync-v1": SDS,
    "school-data-sync-v2.1": SDS,
    "uk": UK,
    "uk-register": UK,
    "canvas": CANVAS,
    "canvas-api": CANVAS_API,
    "google-classroom": CLASSROOM,
    "moodle": MOODLE,
    "satchel": SATCHEL,
}
LEFT_OPEN = {
    "canvas": """
        [school]
        time_zone = "America/New_York"
        [homework.codes]
        0 = "missing"
        "" = "missing"
        [landing.homework.parts."*Grades-Mathematics_8*".constants]
        class_id = "m1"
    """,
    "canvas-api": """
        [school]
        time_zone = "America/New_York"
        [landing.homework.parts."*submissions*".constants]
        class_id = "m1"
    """,
    "google-classroom": """
        [school]
        time_zone = "America/New_York"
        [homework.codes]
        RETURNED = "complete"
        [landing.homework.parts."*studentSubmissions*"]
        constants.class_id = "m1"
        columns.student_id = "pupil.student_id"
        join.pupil = { files = ["*students*"], on = "userId", key = "google_id" }
    """,
    "moodle": """
        [homework.codes]
        0 = "missing"
        "" = "missing"
        [landing.homework.parts."*Mathematics 8 Grades*".constants]
        class_id = "m1"
    """,
    "powerschool": """
        [attendance.codes]
        T = "tardy"
    """,
    "uk-register": """
        [attendance]
        code_set = "dfe-2024"
    """,
    "satchel": """
        [homework.codes]
        Absent = "exempt"
        Resubmission = "complete"
        [landing.homework.parts."*homework*"]
        columns.student_id = "pupil.student_id"
        join.pupil = { files = ["*students*"], on = "Student", key = "name" }
    """,
}
"""What a format does not say, and is asked."""
SURE: dict[str, dict[str, object]] = {
    "aspen": {"landing": {"attendance": {"shape": "exceptions"}}},
    "powerschool": {
        "landing": {
            "students": {"date_formats": ["%m/%d/%Y"]},
            "enrollments": {"date_formats": ["%m/%d/%Y"]},
            "attendance": {"date_formats": ["%m/%d/%Y"]},
            "calendar": {"date_formats": ["%m/%d/%Y"]},
        }
    },
    "uk": {
        "landing": {
            "classes": {"constants": {"class_type": "homeroom"}},
            "attendance": {"date_formats": ["%d/%m/%Y"]},
        },
        "attendance": {"code_set": "dfe-2024"},
    },
    "uk-register": {
        "landing": {
            "students": {"columns": {"student_id": "Adm No"}},  # and not UPN
            "classes": {"constants": {"class_type": "homeroom"}},
            "attendance": {"date_formats": ["%d/%m/%Y"]},
        },
    },
}
"""What `inspect --write` adds."""


def refreshed(home: Home) -> tuple[list[str], Figures]:
    """What is said of the exports of a home after a refresh, and the figures of its classes."""
    run_job(home, "refresh_school", up_to=["class_week", "landing_problems"])
    with open_warehouse(home.warehouse) as con:
        messages = read_table(con, "landing_problems")["message"].to_list()
        weeks = con.execute(
            """
            select class_name, week_start::varchar, attended_days, possible_days,
                   homework_complete, homework_due
            from class_week order by all
            """
        ).fetchall()
    return messages, weeks


@pytest.mark.parametrize("example", EXPECTED)
def test_an_example_needs_no_more_settings(tmp_path: Path, example: str) -> None:
    landing = tmp_path / "data" / "landing"
    shutil.copytree(EXAMPLES / example, landing / "school")
    said = LEFT_OPEN.get(example, "")
    settings = Settings.model_validate(tomllib.loads(said))
    seen = inspect_school(Zone(landing.as_uri()), settings)
    assert [line for line in seen.lines if not line.certain] == []
    lines = toml_lines(seen.lines, settings)
    assert tomllib.loads(lines) == SURE.get(example, {})
    home = make_home(tmp_path, {}, config=said + lines)
    assert refreshed(home) == ([], EXPECTED[example])


def test_every_example_is_tried() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders == EXPECTED.keys()
