"""The documented example of every published format: dropped as it is, it needs no setting.

The figures were worked out by hand from the files of `docs/exports/<format>/`.
"""

import shutil
from pathlib import Path

import pytest

from edu_pipeline.ground.warehouse import open_warehouse, read_table
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
EXPECTED: dict[str, Figures] = {
    "oneroster-1.1": ONEROSTER,
    "oneroster-1.2": ONEROSTER,
    "school-data-sync-v1": SDS,
    "school-data-sync-v2.1": SDS,
}


@pytest.mark.parametrize("example", EXPECTED)
def test_an_example_needs_no_setting(tmp_path: Path, example: str) -> None:
    home = make_home(tmp_path, {}, config="")
    shutil.copytree(EXAMPLES / example, home.data / "landing" / "school", dirs_exist_ok=True)
    run_job(home, "refresh")
    with open_warehouse(home.warehouse) as con:
        assert read_table(con, "landing_problems")["message"].to_list() == []
        weeks = con.execute(
            """
            select class_name, week_start::varchar, attended_days, possible_days,
                   homework_complete, homework_due
            from class_week order by all
            """
        ).fetchall()
    assert weeks == EXPECTED[example]


def test_every_example_is_tried() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders == EXPECTED.keys()
