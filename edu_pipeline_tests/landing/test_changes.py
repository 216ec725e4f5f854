"""Rows added, changed and gone since the exports were accepted last, and what that holds."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.landing.sources.school.canonical import read_export
from edu_pipeline.landing.sources.school.changes import accept, compare, forget_accepted
from edu_pipeline.landing.sources.school.forgotten import keep_out
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.school_problems import change_problems
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.test_forgotten import NOBODY, tombstones

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
    landed: set[str] = set()
    with duckdb.connect() as con:
        con.execute("create table stg_school_days (date date, week_start date)")

        def run(
            files: Mapping[str, str | None],
            config: Mapping[str, object] | None = None,
            released: tuple[str, ...] = (),
            *,
            mailed: bool = False,
            forgotten: pl.DataFrame = NOBODY,
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
            forget_accepted(con, settings, forgotten)
            landed.update(listed["table"])
            for table in sorted(landed):
                export = settings.landing.export(table)
                load_raw(con, zone, table, listed, keep_out(con, table, listed, export, forgotten))
                read_export(con, table, listed, export)
            write_table(con, "landing_files", listed)
            changes = compare(con, listed, settings, mailed=mailed)
            held = {each.table for each in change_problems(changes) if each.id not in released}
            accept(con, changes, listed, settings, held)
            return changes

        yield run


def counts(changes: pl.DataFrame) -> list[tuple[object, ...]]:
    return changes.select(COUNTS).rows()


def message(changes: pl.DataFrame) -> str:
    (problem,) = change_problems(changes)
    return problem.message


def problem_id(changes: pl.DataFrame) -> str:
    (problem,) = change_problems(changes)
    return problem.id


def test_a_first_export_has_nothing_to_be_compared_with(refresh: Refresh) -> None:
    first = refresh({"attendance.csv": HEADER + marks(range(100))})
    assert counts(first) == [("school/attendance", 100, None, 100, 0, 0, False)]
    assert first["share"].to_list() == [None]


def test_rows_added_changed_and_gone_are_told_apart(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    # 0 and 1 are gone, 2 to 4 say something else, 100 to 199 are new
    now = HEADER + marks(range(2, 5), "A") + marks(range(5, 200))
    second = refresh({"attendance.csv": now})
    assert counts(second) == [("school/attendance", 198, 100, 100, 3, 2, False)]
    assert second["share"].to_list() == [0.03]
    third = refresh({})
    assert counts(third) == [("school/attendance", 198, 198, 0, 0, 0, False)]


def test_more_than_ten_rows_and_more_than_a_tenth_gone_hold(refresh: Refresh) -> None:
    """Of each file by itself."""
    left = {
        "a": (100, 90),  # 10 rows are not more than 10
        "b": (100, 89),
        "c": (200, 180),  # 10 % is not more than 10 %
        "d": (200, 179),
    }
    days = dict(zip(left, range(7, 11), strict=True))
    refresh(
        {
            f"attendance_{name}.csv": HEADER + marks(range(rows), day=days[name])
            for name, (rows, _) in left.items()
        }
    )
    now = refresh(
        {
            f"attendance_{name}.csv": HEADER + marks(range(rows), day=days[name])
            for name, (_, rows) in left.items()
        }
    )
    assert now.select("series", "held").rows() == [
        ("school/attendance_a", False),
        ("school/attendance_b", True),
        ("school/attendance_c", False),
        ("school/attendance_d", True),
    ]


def test_more_than_ten_rows_and_more_than_a_tenth_changed_hold(refresh: Refresh) -> None:
    changed = {"a": 20, "b": 21}
    days = {"a": 7, "b": 8}
    refresh(
        {
            f"attendance_{name}.csv": HEADER + marks(range(200), day=day)
            for name, day in days.items()
        }
    )
    now = refresh(
        {
            f"attendance_{name}.csv": HEADER
            + marks(range(rows), "A", days[name])
            + marks(range(rows, 200), day=days[name])
            for name, rows in changed.items()
        }
    )
    assert now.select("series", "changed", "held").rows() == [
        ("school/attendance_a", 20, False),
        ("school/attendance_b", 21, True),
    ]


def test_a_school_years_growth_is_no_change(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    grown = HEADER + "".join(marks(range(100), day=day) for day in range(7, 12))
    assert counts(refresh({"attendance.csv": grown})) == [
        ("school/attendance", 500, 100, 400, 0, 0, False)
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
        "school/attendance: 600 of 1,000 rows (60.0\u00a0%) are gone, since the export of "
        "13\u00a0November 2026. If that is wrong, export it again. If it is right: "
        f'edu-pipeline gate release {found} --reason "…"'
    )
    again = refresh({})
    assert problem_id(again) == found
    released = refresh({}, released=(found,))
    assert problem_id(released) == found
    assert counts(refresh({})) == [("school/attendance", 400, 400, 0, 0, 0, False)]


def test_a_good_export_that_replaces_a_bad_one_clears_it(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(1000))})
    refresh({"attendance.csv": HEADER + marks(range(400))})
    assert counts(refresh({"attendance.csv": HEADER + marks(range(1010))})) == [
        ("school/attendance", 1010, 1000, 10, 0, 0, False)
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
        ("school/attendance", 0, 100, 0, 5, 0, False),
        ("school/attendance_new", 100, None, 0, 0, 0, False),
    ]


def test_a_newer_version_of_a_snapshot_is_compared_with_the_older_one(refresh: Refresh) -> None:
    refresh({"attendance_2026-11-13.csv": HEADER + marks(range(100))})
    newer = refresh({"attendance_2026-11-20.csv": HEADER + marks(range(50))})
    assert counts(newer) == [("school/attendance", 50, 100, 0, 0, 50, True)]
    assert "since the export of 13\u00a0November 2026" in message(newer)


def test_a_file_that_vanished_takes_its_rows_along(refresh: Refresh) -> None:
    parts = {f"attendance_{part}.csv": HEADER + marks(range(100), day=day) for part, day in (("a", 7), ("b", 8))}  # fmt: skip
    refresh(parts)
    assert counts(refresh({"attendance_b.csv": None})) == [
        ("school/attendance_a", 100, 100, 0, 0, 0, False),
        ("school/attendance_b", 0, 100, 0, 0, 100, True),
    ]


def test_an_export_of_which_no_file_is_left_is_a_loss(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    assert counts(refresh({"attendance.csv": None})) == [
        ("school/attendance", 0, 100, 0, 0, 100, True)
    ]


def test_what_a_delta_does_not_mention_is_not_gone_and_its_later_row_counts(
    refresh: Refresh,
) -> None:
    config = {"landing": {"attendance": {"export": "delta"}}, "attendance": {"codes": {"P": "present"}}}  # fmt: skip
    refresh({"attendance_2026-11-13.csv": HEADER + marks(range(100))}, config)
    files = {"attendance_2026-11-20.csv": HEADER + marks(range(30), "A")}
    assert counts(refresh(files, config)) == [("school/attendance", 100, 100, 0, 30, 0, True)]
    gone = {"attendance_2026-11-13.csv": None}
    assert refresh(gone, config)["gone"].to_list() == [0]


def test_a_file_that_cannot_be_used_is_not_told_a_second_time(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    assert counts(refresh({"attendance.csv": "student_id,date,kode_x\n1,2026-09-07,P\n"})) == []
    assert counts(refresh({"attendance.csv": HEADER + marks(range(40))})) == [
        ("school/attendance", 40, 100, 0, 0, 60, True)
    ]


def test_settings_that_read_other_cells_are_no_change_but_a_loss_is_seen(refresh: Refresh) -> None:
    columns = "student_id,number,date,code\n"
    rows = [f"{i},{i + 1000},2026-09-07,P\n" for i in range(100)]
    refresh({"attendance.csv": columns + "".join(rows)})
    other = {"landing": {"attendance": {"columns": {"student_id": "number"}}}}
    assert counts(refresh({}, other)) == [("school/attendance", 100, 100, 0, 0, 0, False)]
    back = {"landing": {"attendance": {"columns": {"student_id": "student_id"}}}}
    assert counts(refresh({"attendance.csv": columns + "".join(rows[:50])}, back)) == [
        ("school/attendance", 50, 100, 0, 0, 50, True)
    ]


def test_of_a_roster_more_than_two_rows_and_more_than_a_tenth_hold(refresh: Refresh) -> None:
    """So two rows of a small one may go."""
    left = {"a": (30, 27), "b": (30, 26), "c": (5, 3)}

    def staff(name: str, rows: int) -> str:
        people = "".join(f"{name}{i},{name}{i}@riverside.example\n" for i in range(rows))
        return f"staff_id,email\n{people}"

    refresh({f"staff_{name}.csv": staff(name, rows) for name, (rows, _) in left.items()})
    now = refresh({f"staff_{name}.csv": staff(name, rows) for name, (_, rows) in left.items()})
    assert now.select("series", "gone", "held").rows() == [
        ("school/staff_a", 3, False),
        ("school/staff_b", 4, True),
        ("school/staff_c", 2, False),
    ]


def test_what_is_lost_little_by_little_is_held_and_a_release_starts_anew(refresh: Refresh) -> None:
    def left(rows: int) -> dict[str, str]:
        return {"attendance.csv": HEADER + marks(range(rows))}

    refresh(left(1000))
    assert refresh(left(905))["held"].to_list() == [False]
    second = refresh(left(820))
    assert second["held"].to_list() == [True]
    assert second["rows_most"].to_list() == [1000]
    assert "Of the 1,000 rows that it had at most, 820 are left." in message(second)
    released = problem_id(second)
    refresh({}, released=(released,))
    after = refresh(left(815))
    assert (after["held"].to_list(), after["rows_most"].to_list()) == ([False], [820])


def test_rows_that_move_to_another_file_are_not_lost(refresh: Refresh) -> None:
    refresh({"attendance.csv": HEADER + marks(range(100))})
    parts = {
        "attendance.csv": HEADER + marks(range(50)),
        "attendance_b.csv": HEADER + marks(range(50, 100)),
    }
    assert refresh(parts)["held"].to_list() == [False, False]
    assert refresh({})["rows_most"].to_list() == [50, 50]


def test_a_week_that_lost_most_of_its_rows_is_held_and_named(refresh: Refresh) -> None:
    year = "".join(marks(range(100), day=day) for day in range(7, 12))  # Monday 7 to Friday 11
    last = marks(range(20), day=14)
    refresh({"attendance.csv": HEADER + year + last})
    # 11 of 20 rows are more than half and more than ten, but 2 % of the export
    cut = refresh({"attendance.csv": HEADER + year + marks(range(9), day=14)})
    assert cut["weeks_lost"].to_list() == [[date(2026, 9, 14)]]
    assert cut["held"].to_list() == [True]
    assert "More than half of its week of 14\u00a0September is gone." in message(cut)
    half = refresh({"attendance.csv": HEADER + year + marks(range(10), day=14)})
    assert half["held"].to_list() == [False]


def test_a_deleted_warehouse_is_told_once_letters_have_gone_out(refresh: Refresh) -> None:
    files = {
        "staff.csv": "staff_id,email\nT1,c@riverside.example\n",
        "attendance.csv": HEADER + marks(range(1200)),
    }
    new = refresh(files, mailed=True)
    found = problem_id(new)
    assert message(new) == (
        "The warehouse is new, so nothing says whether these exports are complete: staff 1 rows, "
        "attendance 1,200 rows up to 7\u00a0September 2026. If that looks right: "
        f'edu-pipeline gate release {found} --reason "…"'
    )
    assert problem_id(refresh({}, mailed=True)) == found, "and stays so"
    refresh({}, released=(found,), mailed=True)
    assert refresh({}, mailed=True)["held"].to_list() == [False, False]


def test_the_first_exports_of_a_new_home_are_accepted(refresh: Refresh) -> None:
    assert refresh({"attendance.csv": HEADER + marks(range(100))})["held"].to_list() == [False]
    assert refresh({}, mailed=True)["held"].to_list() == [False]


CLASSES = "class_id,class_name,class_type,teacher_id\n"


def test_whoever_is_forgotten_is_no_loss(refresh: Refresh) -> None:
    classes = CLASSES + "".join(f"{i},7{i},homeroom,T1\n" for i in range(5))
    many = [f"{i},2026-09-{day:02},P\n" for i in range(4) for day in range(1, 21)]
    refresh({"attendance.csv": HEADER + "".join(many), "classes.csv": classes})
    two = tombstones("student:0", "staff:T1")
    after = refresh({}, forgotten=two)
    assert counts(after) == [
        ("school/attendance", 60, 60, 0, 0, 0, False),
        ("school/classes", 5, None, 5, 0, 0, False),
    ]
    assert after.filter(table="attendance")["rows_most"].to_list() == [60]
    # nor when the school has taken them out of its exports as well
    assert not refresh({"attendance.csv": HEADER + "".join(many[20:])}, forgotten=two)["held"].any()
    # somebody who is not forgotten still is one
    assert refresh({"attendance.csv": HEADER + "".join(many[40:])}, forgotten=two)["held"].any()


def test_whoever_left_the_exports_before_being_forgotten_is_no_loss(refresh: Refresh) -> None:
    many = [f"{i},2026-09-{day:02},P\n" for i in range(4) for day in range(1, 21)]
    refresh({"attendance.csv": HEADER + "".join(many)})
    gone = refresh(
        {"attendance.csv": HEADER + "".join(many[20:])}, forgotten=tombstones("student:0")
    )
    assert counts(gone) == [("school/attendance", 60, 60, 0, 0, 0, False)]
