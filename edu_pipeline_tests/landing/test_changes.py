"""Rows added, changed and gone since the exports were accepted last, and what that holds."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from edu_pipeline.landing.changes import accept, compare
from edu_pipeline.landing.manifest import survey
from edu_pipeline.landing.problems import change_problems
from edu_pipeline.landing.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings import SCHOOL_TABLES, Settings
from edu_pipeline.warehouse import open_warehouse

Refresh = Callable[..., pl.DataFrame]
"""Files (name → CSV text, or None to take one away) → `LandingChanges`."""

COUNTS = ("series", "rows", "rows_before", "added", "changed", "gone", "held")
HEADER = "student_id,date,code\n"


def marks(students: range, code: str = "P", day: int = 7) -> str:
    return "".join(f"{i},2026-09-{day:02},{code}\n" for i in students)


@pytest.fixture
def refresh(tmp_path: Path) -> Iterator[Refresh]:
    folder = tmp_path / "landing" / "school"
    folder.mkdir(parents=True)
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:

        def run(
            files: Mapping[str, str | None],
            config: Mapping[str, object] | None = None,
            released: tuple[str, ...] = (),
        ) -> pl.DataFrame:
            for name, text in files.items():
                if text is None:
                    (folder / name).unlink()
                else:
                    (folder / name).write_text(text, encoding="utf-8")
                    stamp = datetime(2026, 11, 13, tzinfo=UTC).timestamp()
                    os.utime(folder / name, (stamp, stamp))
            settings = Settings.model_validate(
                config or {"attendance": {"codes": {"P": "present"}}}
            )
            zone = Zone((tmp_path / "landing").as_uri())
            listed = survey(zone, settings.landing)
            for table in SCHOOL_TABLES:
                load_raw(con, zone, table, listed)
            changes = compare(con, listed, settings)
            held = change_problems(changes).filter(~pl.col("id").is_in(released))
            accept(con, changes, listed, settings, set(held["table"]))
            return changes

        yield run


def counts(changes: pl.DataFrame) -> list[tuple[object, ...]]:
    return changes.select(COUNTS).rows()


def message(changes: pl.DataFrame) -> str:
    (text,) = change_problems(changes)["message"]
    return str(text)


def problem_id(changes: pl.DataFrame) -> str:
    (found,) = change_problems(changes)["id"]
    return str(found)


def test_a_first_export_has_nothing_to_be_compared_with(refresh: Refresh) -> None:
    first = refresh({"attendance.csv": HEADER + marks(range(100))})
    assert counts(first) == [("school/attendance.csv", 100, None, 100, 0, 0, False)]
    assert first["share"].to_list() == [None]


def test_rows_added_changed_and_gone_are_told_apart(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    # 0 and 1 are gone, 2 to 4 say something else, 100 to 199 are new
    now = HEADER + marks(range(2, 5), "A") + marks(range(5, 200))
    second = refresh({"attendance.csv": now})
    assert counts(second) == [("school/attendance.csv", 198, 100, 100, 3, 2, False)]
    assert second["share"].to_list() == [0.03]
    third = refresh({})
    assert counts(third) == [("school/attendance.csv", 198, 198, 0, 0, 0, False)]


@pytest.mark.parametrize(
    ("rows", "left", "held"),
    [
        (100, 90, False),  # 10 rows are not more than 10
        (100, 89, True),
        (200, 180, False),  # 10 % is not more than 10 %
        (200, 179, True),
    ],
)
def test_more_than_ten_rows_and_more_than_a_tenth_gone_hold(
    refresh: Refresh, rows: int, left: int, held: bool
) -> None:
    refresh({"attendance.csv": HEADER + marks(range(rows))})
    assert refresh({"attendance.csv": HEADER + marks(range(left))})["held"].to_list() == [held]


@pytest.mark.parametrize(("changed", "held"), [(20, False), (21, True)])
def test_more_than_ten_rows_and_more_than_a_tenth_changed_hold(
    refresh: Refresh, changed: int, held: bool
) -> None:
    refresh({"attendance.csv": HEADER + marks(range(200))})
    now = refresh(
        {"attendance.csv": HEADER + marks(range(changed), "A") + marks(range(changed, 200))}
    )
    assert now["held"].to_list() == [held]


def test_a_school_years_growth_is_no_change(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    grown = HEADER + "".join(marks(range(100), day=day) for day in range(7, 12))
    assert counts(refresh({"attendance.csv": grown})) == [
        ("school/attendance.csv", 500, 100, 400, 0, 0, False)
    ]


def test_registers_that_are_taken_and_homework_that_falls_due_are_no_change(
    refresh: Refresh,
) -> None:
    task = "student_id,assignment_id,due_date,status\n"
    waiting = "".join(f"{i},a,2026-09-09,not due\n" for i in range(100))
    refresh({"attendance.csv": HEADER + marks(range(100), ""), "homework.csv": task + waiting})
    done = waiting.replace("not due", "complete")
    later = refresh({"attendance.csv": HEADER + marks(range(100)), "homework.csv": task + done})
    assert later["changed"].to_list() == [0, 0]
    back = refresh({"homework.csv": task + waiting})
    assert back.filter(table="homework")["changed"].to_list() == [100], "said, and said no more"


def test_a_cut_short_export_is_told_and_stays_a_problem_until_somebody_looks(
    refresh: Refresh,
) -> None:
    refresh({"attendance.csv": HEADER + marks(range(1000))})
    short = refresh({"attendance.csv": HEADER + marks(range(400))})
    found = problem_id(short)
    assert message(short) == (
        "school/attendance.csv: 600 of 1,000 rows (60.0\u00a0%) are gone, since the export of "
        "13\u00a0November 2026. If that is wrong, export it again. If it is right: "
        f'edu-pipeline gate release {found} --reason "…"'
    )
    again = refresh({})
    assert problem_id(again) == found
    released = refresh({}, released=(found,))
    assert problem_id(released) == found
    assert counts(refresh({})) == [("school/attendance.csv", 400, 400, 0, 0, 0, False)]


def test_a_good_export_that_replaces_a_bad_one_clears_it(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(1000))})
    refresh({"attendance.csv": HEADER + marks(range(400))})
    assert counts(refresh({"attendance.csv": HEADER + marks(range(1010))})) == [
        ("school/attendance.csv", 1010, 1000, 10, 0, 0, False)
    ]


def test_as_many_other_rows_gone_are_another_problem(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    first = refresh({"attendance.csv": HEADER + marks(range(50))})
    second = refresh({"attendance.csv": HEADER + marks(range(50, 100))})
    assert message(first).partition(" --")[0] != message(second).partition(" --")[0]
    assert problem_id(first) != problem_id(second)


def test_a_renamed_file_is_no_loss(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    renamed = refresh(
        {"attendance.csv": None, "attendance_new.csv": HEADER + marks(range(5), "A") + marks(range(5, 100))}
    )  # fmt: skip
    assert counts(renamed) == [
        ("school/attendance.csv", 0, 100, 0, 5, 0, False),
        ("school/attendance_new.csv", 100, None, 0, 0, 0, False),
    ]


def test_a_newer_version_of_a_snapshot_is_compared_with_the_older_one(refresh: Refresh) -> None:
    refresh({"attendance_2026-11-13.csv": HEADER + marks(range(100))})
    newer = refresh({"attendance_2026-11-20.csv": HEADER + marks(range(50))})
    assert counts(newer) == [("school/attendance.csv", 50, 100, 0, 0, 50, True)]
    assert "since the export of 13\u00a0November 2026" in message(newer)


def test_a_file_that_vanished_takes_its_rows_along(refresh: Refresh) -> None:
    parts = {f"attendance_{part}.csv": HEADER + marks(range(100), day=day) for part, day in (("a", 7), ("b", 8))}  # fmt: skip
    refresh(parts)
    assert counts(refresh({"attendance_b.csv": None})) == [
        ("school/attendance_a.csv", 100, 100, 0, 0, 0, False),
        ("school/attendance_b.csv", 0, 100, 0, 0, 100, True),
    ]


def test_what_a_delta_does_not_mention_is_not_gone_and_its_later_row_counts(
    refresh: Refresh,
) -> None:
    config = {"landing": {"attendance": {"export": "delta"}}, "attendance": {"codes": {"P": "present"}}}  # fmt: skip
    refresh({"attendance_2026-11-13.csv": HEADER + marks(range(100))}, config)
    files = {"attendance_2026-11-20.csv": HEADER + marks(range(30), "A")}
    assert counts(refresh(files, config)) == [("school/attendance.csv", 100, 100, 0, 30, 0, True)]
    gone = {"attendance_2026-11-13.csv": None}
    assert refresh(gone, config)["gone"].to_list() == [0]


def test_a_file_that_cannot_be_used_is_not_told_a_second_time(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    assert counts(refresh({"attendance.csv": "student_id,date,kode_x\n1,2026-09-07,P\n"})) == []
    assert counts(refresh({"attendance.csv": HEADER + marks(range(40))})) == [
        ("school/attendance.csv", 40, 100, 0, 0, 60, True)
    ]


def test_settings_that_read_other_cells_are_no_change_but_a_loss_is_seen(refresh: Refresh) -> None:
    columns = "student_id,number,date,code\n"
    rows = [f"{i},{i + 1000},2026-09-07,P\n" for i in range(100)]
    refresh({"attendance.csv": columns + "".join(rows)})
    other = {"landing": {"attendance": {"columns": {"student_id": "number"}}}}
    assert counts(refresh({}, other)) == [("school/attendance.csv", 100, 100, 0, 0, 0, False)]
    back = {"landing": {"attendance": {"columns": {"student_id": "student_id"}}}}
    assert counts(refresh({"attendance.csv": columns + "".join(rows[:50])}, back)) == [
        ("school/attendance.csv", 50, 100, 0, 0, 50, True)
    ]
