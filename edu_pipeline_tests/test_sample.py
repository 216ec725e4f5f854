"""The made-up school: is it shaped like a real one, and can it never pass for one?"""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from edu_pipeline.sample.landing import (
    SampleError,
    clear_sample,
    write_files,
    write_sample,
)
from edu_pipeline.sample.plan import (
    CO_TAUGHT,
    FALLING,
    RISING,
    SHARED_TEACHER,
    TEACHER_CHANGES,
)
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.landing import SAMPLE_MARKER
from edu_pipeline.settings.letters import SAMPLE_DOMAIN

Tables = dict[str, pl.DataFrame]

FRIDAY = date(2026, 5, 15)
FIRST_MONDAY = date(2025, 9, 1)  # 36 weeks before FRIDAY's week
ATTENDED = {"P": 1.0, "T": 1.0, "H": 0.5, "A": 0.0, "E": 0.0}
DOCS = Path(__file__).parent.parent / "docs" / "exports"


@pytest.fixture(scope="module")
def school() -> Tables:
    return make_school(through=FRIDAY)


@pytest.fixture(scope="module")
def small() -> Tables:
    return make_school(through=FRIDAY, students=60)


@pytest.fixture(scope="module")
def attendance(school: Tables) -> pl.DataFrame:
    """Good rows of attendance, later rows superseding earlier ones, with the share attended."""
    known = school["attendance"].join(school["students"], on="student_id", how="semi")
    return (
        known.with_columns(pl.col("date").str.to_date(strict=False))
        .drop_nulls("date")
        .unique(["student_id", "date"], keep="last", maintain_order=True)
        .with_columns(attended=pl.col("code").replace_strict(ATTENDED))
    )


@pytest.fixture(scope="module")
def homerooms(school: Tables) -> pl.DataFrame:
    """Students in homerooms, with dates as dates."""
    return (
        school["enrollments"]
        .filter(pl.col("role") == "student", pl.col("class_id").str.starts_with("HR-"))
        .join(school["students"], left_on="person_id", right_on="student_id", how="semi")
        .with_columns(pl.col("begin_date", "end_date").str.to_date())
    )


@pytest.fixture(scope="module")
def placed(attendance: pl.DataFrame, homerooms: pl.DataFrame) -> pl.DataFrame:
    """Attendance with the homeroom of that day."""
    return attendance.join(homerooms, left_on="student_id", right_on="person_id").filter(
        pl.col("begin_date") <= pl.col("date"),
        pl.col("end_date").is_null() | (pl.col("date") < pl.col("end_date")),
    )


@pytest.fixture(scope="module")
def homework(school: Tables) -> pl.DataFrame:
    return (
        school["homework"]
        .join(school["classes"], on="class_id", how="semi")
        .with_columns(pl.col("due_date").str.to_date(strict=False))
        .drop_nulls("due_date")
    )


def weeks_in_session(school: Tables) -> dict[date, int]:
    days = (
        school["calendar"]
        .filter(pl.col("in_session") == "Y")
        .select(pl.col("date").str.to_date().dt.truncate("1w").alias("week"))
    )
    return dict(days.group_by("week").len().sort("week").iter_rows())


def mean(frame: pl.DataFrame, value: pl.Expr) -> float:
    result: float = frame.select(value.mean()).item()
    return result


# The year


def test_the_first_week_is_short_and_the_second_is_full(school: Tables) -> None:
    days = weeks_in_session(school)
    assert days[FIRST_MONDAY] == 3
    assert days[date(2025, 9, 8)] == 5


def test_the_calendar_lists_every_weekday_of_forty_weeks(school: Tables) -> None:
    dates = school["calendar"]["date"].str.to_date()
    expected = pl.date_range(FIRST_MONDAY, date(2026, 6, 5), eager=True)
    assert dates.to_list() == [day for day in expected if day.isoweekday() <= 5]


def test_school_weeks_come_in_blocks_with_breaks_between(school: Tables) -> None:
    weeks = sorted(weeks_in_session(school))
    gaps = [(after - before).days // 7 - 1 for before, after in pairwise(weeks)]
    assert [gap for gap in gaps if gap] == [1, 2, 1, 2]
    assert len([week for week in weeks if week <= FRIDAY]) == 31


def test_days_without_school_say_why_and_two_of_them_are_weather(school: Tables) -> None:
    calendar = school["calendar"]
    off = calendar.filter(pl.col("in_session") == "N")
    assert off["note"].null_count() == 0
    assert calendar.filter(pl.col("in_session") == "Y")["note"].drop_nulls().is_empty()
    assert off.filter(pl.col("note").is_in(["Snow day", "Storm"])).height == 2


def test_the_year_has_three_terms_one_after_the_other(school: Tables) -> None:
    assert school["calendar"]["term"].rle().struct.field("value").to_list() == [
        "Trimester 1",
        "Trimester 2",
        "Trimester 3",
    ]


@pytest.mark.parametrize("through", [date(2026, 5, 11), date(2026, 5, 13), date(2026, 5, 17)])
def test_data_end_with_the_last_school_day_asked_for(through: date) -> None:
    tables = make_school(through=through, students=60)
    last = min(through, FRIDAY).isoformat()
    real = pl.col("date").str.to_date(strict=False).is_not_null()
    assert tables["attendance"].filter(real)["date"].max() == last
    assert str(tables["homework"]["due_date"].max()) <= last
    assert tables["calendar"]["date"][0] == FIRST_MONDAY.isoformat()


# People and classes


def test_the_default_school_has_thirty_homerooms_of_about_22(
    school: Tables, placed: pl.DataFrame
) -> None:
    classes = school["classes"]
    assert classes.filter(pl.col("class_type") == "homeroom").height == 30
    assert classes.filter(pl.col("class_type") == "scheduled").height == 120
    sizes = placed.filter(pl.col("date") == FRIDAY).group_by("class_id").len()["len"]
    assert sizes.len() == 30
    assert sizes.min() in range(15, 22)
    assert sizes.max() in range(23, 31)


def test_homerooms_and_subject_classes_share_a_grade_team(school: Tables) -> None:
    rows = school["classes"].filter(pl.col("class_id").is_in(["HR-12E", "MAT-12E"]))
    assert rows.rows() == [
        ("HR-12E", "12E", "homeroom", "12", "Grade 12", "1"),
        ("MAT-12E", "Mathematics 12E", "scheduled", "12", "Grade 12", "1"),
    ]


def test_ids_are_unique_text_and_keep_leading_zeros(school: Tables) -> None:
    ids = school["students"]["student_id"]
    assert ids.n_unique() == 660
    assert ids.str.contains(r"^00\d{4}$").all()
    for column in ("staff_id", "email"):
        assert school["staff"][column].is_unique().all()
    assert school["staff"]["email"].str.ends_with(f"@{SAMPLE_DOMAIN}").all()


def test_every_cell_is_text(school: Tables) -> None:
    assert {dtype for frame in school.values() for dtype in frame.dtypes} == {pl.String()}


def test_names_need_more_than_ascii_and_letters(school: Tables) -> None:
    names = set(school["students"]["family_name"])
    assert {"O'Brien", "Núñez", "Nguyễn", "Abd-El-Rahman"} <= names


def test_a_larger_sample_is_several_schools_with_class_ids_of_their_own() -> None:
    tables = make_school(through=FRIDAY, students=1600)
    classes, students = tables["classes"], tables["students"]
    assert classes["class_id"].is_unique().all()
    homerooms = classes.filter(pl.col("class_type") == "homeroom")
    assert dict(homerooms.group_by("school_id").len().iter_rows()).keys() == {"1", "2", "3"}
    assert homerooms.group_by("school_id").len()["len"].is_between(20, 30).all()
    assert students.group_by("school_id").len()["len"].is_between(450, 800).all()
    assert tables["calendar"].height == 3 * 200
    pupils = (
        tables["enrollments"]
        .join(students, left_on="person_id", right_on="student_id")
        .join(classes, on="class_id")
    )
    assert (pupils["school_id"] == pupils["school_id_right"]).all()
    teachers = (
        tables["enrollments"]
        .join(tables["staff"], left_on="person_id", right_on="staff_id")
        .join(classes, on="class_id")
    )
    assert teachers["class_id"].n_unique() == classes.height
    assert (teachers["school_id"] == teachers["school_id_right"]).all()


@pytest.mark.parametrize("students", [1, 23, 132])
def test_a_tiny_sample_is_still_a_whole_school(students: int) -> None:
    tables = make_school(through=FRIDAY, students=students)
    assert tables["students"].height == students
    assert tables["attendance"].height > 100 * students
    assert set(tables["enrollments"]["class_id"]) == set(tables["classes"]["class_id"])


def test_the_notable_homerooms_exist_from_132_students_on() -> None:
    tables = make_school(through=FRIDAY, students=132)
    named = {CO_TAUGHT, FALLING, RISING, TEACHER_CHANGES, *SHARED_TEACHER}
    assert named <= set(tables["classes"]["class_id"])


def test_no_students_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one student"):
        make_school(through=FRIDAY, students=0)


# Rosters over time


def homeroom_teachers(school: Tables, class_id: str) -> list[tuple[str, str, str | None]]:
    rows = school["enrollments"].filter(pl.col("role") == "teacher", pl.col("class_id") == class_id)
    return rows.select("person_id", "begin_date", "end_date").rows()


def test_one_homeroom_has_two_teachers_at_a_time(school: Tables) -> None:
    (first, *first_dates), (second, *second_dates) = homeroom_teachers(school, CO_TAUGHT)
    assert first != second
    assert first_dates == second_dates == [FIRST_MONDAY.isoformat(), None]


def test_one_homeroom_teacher_leaves_on_the_day_the_next_begins(school: Tables) -> None:
    (old, _, left), (new, began, open_end) = homeroom_teachers(school, TEACHER_CHANGES)
    assert old != new
    assert left == began == "2025-11-24"
    assert open_end is None


def test_one_teacher_has_two_homerooms_and_everybody_else_at_most_one(school: Tables) -> None:
    first, second = (homeroom_teachers(school, class_id) for class_id in SHARED_TEACHER)
    assert first == second
    current = school["enrollments"].filter(
        pl.col("role") == "teacher",
        pl.col("class_id").str.starts_with("HR-"),
        pl.col("end_date").is_null(),
    )
    per_teacher = current.group_by("person_id").len()["len"]
    assert per_teacher.sort().to_list() == [1] * 29 + [2]


def test_every_class_is_taught_and_homeroom_teachers_teach_subjects_too(school: Tables) -> None:
    teaching = school["enrollments"].filter(pl.col("role") == "teacher")
    in_homeroom = pl.col("class_id").str.starts_with("HR-")
    assert set(teaching["class_id"]) == set(school["classes"]["class_id"])
    with_homeroom = set(teaching.filter(in_homeroom)["person_id"])
    assert with_homeroom <= set(teaching.filter(~in_homeroom)["person_id"])


def test_two_percent_of_students_move_within_their_grade_with_all_their_classes(
    school: Tables, homerooms: pl.DataFrame
) -> None:
    movers = homerooms.filter(pl.len().over("person_id") == 2).sort("person_id", "begin_date")
    assert movers["person_id"].n_unique() == 14  # 2 % of 660, rounded up
    before, after = movers.gather_every(2), movers.gather_every(2, offset=1)
    assert before["end_date"].to_list() == after["begin_date"].to_list()
    assert (before["class_id"] != after["class_id"]).all()
    grade = r"HR-(\d+)"
    assert (before["class_id"].str.extract(grade) == after["class_id"].str.extract(grade)).all()
    per_group = (
        school["enrollments"]
        .join(movers, on="person_id", how="semi")
        .group_by("person_id", "begin_date", pl.col("class_id").str.extract(r"-(.+)"))
    )
    assert set(per_group.len()["len"]) == {5}  # the homeroom and four subjects


def test_a_few_students_join_late_and_a_few_leave(homerooms: pl.DataFrame) -> None:
    stays = homerooms.group_by("person_id").agg(
        pl.col("begin_date").min(),
        pl.col("end_date").sort().last(),
        open=pl.col("end_date").null_count(),
    )
    assert stays.filter(pl.col("begin_date") > FIRST_MONDAY).height == 5
    assert stays.filter(pl.col("open") == 0).height == 5


# Attendance


def test_every_student_day_has_one_row_in_one_homeroom(
    school: Tables, attendance: pl.DataFrame, placed: pl.DataFrame, homerooms: pl.DataFrame
) -> None:
    days = (
        school["calendar"].filter(pl.col("in_session") == "Y").select(pl.col("date").str.to_date())
    )
    expected = homerooms.join(days.filter(pl.col("date") <= FRIDAY), how="cross").filter(
        pl.col("begin_date") <= pl.col("date"),
        pl.col("end_date").is_null() | (pl.col("date") < pl.col("end_date")),
    )
    stays = expected.select(student_id="person_id", date="date", class_id="class_id")
    assert stays.select("student_id", "date").is_unique().all()
    key = ["student_id", "date"]
    assert attendance.select(key).sort(key).equals(stays.select(key).sort(key))
    key = [*key, "class_id"]
    assert placed.select(key).sort(key).equals(stays.sort(key))


def test_attendance_is_about_94_percent_with_a_few_students_often_absent(
    attendance: pl.DataFrame,
) -> None:
    assert attendance["attended"].mean() == pytest.approx(0.94, abs=0.01)
    rates = attendance.group_by("student_id").agg(pl.col("attended").mean())["attended"]
    assert 0.10 < (rates <= 0.9).sum() / 660 < 0.25
    assert 0.005 < (rates < 0.8).sum() / 660 < 0.05
    assert rates.std() == pytest.approx(0.06, abs=0.01)


def test_attendance_uses_each_of_the_five_codes(attendance: pl.DataFrame) -> None:
    shares = dict(attendance["code"].value_counts(normalize=True).iter_rows())
    assert shares.keys() == ATTENDED.keys()
    assert min(shares.values()) > 0.004
    assert 0.02 < shares["T"] < 0.06


def test_mondays_fridays_and_the_winter_are_lower(attendance: pl.DataFrame) -> None:
    def rate(rows: pl.Expr) -> float:
        return mean(attendance.filter(rows), pl.col("attended"))

    edge = pl.col("date").dt.weekday().is_in([1, 5])
    assert rate(edge) < rate(~edge) - 0.005
    winter = pl.col("date").is_between(date(2025, 12, 29), date(2026, 2, 13))
    assert rate(winter) < rate(~winter) - 0.01


def test_absence_comes_in_spells_rather_than_single_days(attendance: pl.DataFrame) -> None:
    absent = pl.col("attended") == 0
    after_absence = (
        attendance.sort("student_id", "date")
        .with_columns(again=absent.shift(-1).over("student_id"))
        .filter(absent)
    )
    # independent days would give about 0.1
    assert 0.35 < mean(after_absence, pl.col("again")) < 0.6


def test_one_homeroom_drops_and_one_recovers_in_the_last_two_weeks(placed: pl.DataFrame) -> None:
    last = pl.col("date") >= date(2026, 5, 4)
    before = pl.col("date").is_between(date(2026, 3, 2), date(2026, 5, 1))
    changes = placed.group_by("class_id").agg(
        change=pl.col("attended").filter(last).mean() - pl.col("attended").filter(before).mean()
    )
    change = dict(changes.iter_rows())
    assert change[FALLING] < -0.08
    assert change[RISING] > 0.06
    assert min(change, key=lambda class_id: change[class_id]) == FALLING
    assert max(change, key=lambda class_id: change[class_id]) == RISING


def test_exceptions_are_the_daily_rows_without_those_present(school: Tables) -> None:
    exceptions = make_school(through=FRIDAY, shape="exceptions")
    daily = school["attendance"].filter(pl.col("code") != "P")
    assert exceptions.pop("attendance").equals(daily)
    assert all(frame.equals(school[table]) for table, frame in exceptions.items())


# Homework


def test_homework_handed_in_climbs_from_70_to_86_percent(homework: pl.DataFrame) -> None:
    counted = homework.filter(pl.col("status").is_in(["complete", "late", "missing"]))
    handed_in = pl.col("status") != "missing"

    def rate(rows: pl.Expr) -> float:
        return mean(counted.filter(rows), handed_in)

    assert rate(pl.col("due_date") < date(2025, 9, 29)) == pytest.approx(0.71, abs=0.02)
    middle = pl.col("due_date").is_between(date(2025, 12, 29), date(2026, 1, 23))
    assert rate(middle) == pytest.approx(0.78, abs=0.02)
    assert rate(pl.col("due_date") >= date(2026, 4, 27)) == pytest.approx(0.86, abs=0.02)


def test_homework_has_few_late_exempt_and_blank_statuses(homework: pl.DataFrame) -> None:
    shares = dict(homework["status"].value_counts(normalize=True).iter_rows())
    assert shares.keys() == {"complete", "late", "missing", "exempt", None}
    assert shares["late"] == pytest.approx(0.06, abs=0.01)
    assert shares["exempt"] == pytest.approx(0.015, abs=0.005)
    assert shares[None] == pytest.approx(0.01, abs=0.004)


def test_a_class_has_at_most_two_assignments_a_week_and_usually_one(
    school: Tables, homework: pl.DataFrame
) -> None:
    per_week = (
        homework.unique("assignment_id")
        .group_by("class_id", pl.col("due_date").dt.truncate("1w"))
        .len()["len"]
    )
    assert per_week.max() == 2
    assert 0.8 < per_week.sum() / (31 * 120) < 1.1
    assert per_week.len() < 31 * 120  # some weeks have none
    assert school["homework"].height < 110_000


def test_homework_is_due_on_school_days_from_students_then_in_the_class(
    school: Tables, homework: pl.DataFrame
) -> None:
    in_session = school["calendar"].filter(pl.col("in_session") == "Y")["date"].str.to_date()
    assert set(homework["due_date"]) <= set(in_session)
    stays = school["enrollments"].with_columns(pl.col("begin_date", "end_date").str.to_date())
    enrolled = homework.join(
        stays, left_on=["student_id", "class_id"], right_on=["person_id", "class_id"]
    ).filter(
        pl.col("begin_date") <= pl.col("due_date"),
        pl.col("end_date").is_null() | (pl.col("due_date") < pl.col("end_date")),
    )
    assert enrolled.height == homework.height
    assert homework.select("assignment_id", "student_id").is_unique().all()


# Blemishes


def test_attendance_holds_unknown_students_and_an_impossible_date(school: Tables) -> None:
    rows = school["attendance"]
    unknown = rows.join(school["students"], on="student_id", how="anti")
    assert unknown["student_id"].to_list() == ["999999", "999999"]
    unparseable = rows.filter(pl.col("date").str.to_date(strict=False).is_null())
    assert unparseable["date"].to_list() == ["2025-13-45"]


def test_one_absence_is_corrected_to_tardy_by_a_later_row(school: Tables) -> None:
    known = school["attendance"].join(school["students"], on="student_id", how="semi")
    twice = known.filter(pl.len().over("student_id", "date") == 2)
    assert twice["code"].to_list() == ["A", "T"]


def test_homework_and_enrollments_hold_rows_that_lead_nowhere(school: Tables) -> None:
    homework = school["homework"]
    bad_date = homework.filter(pl.col("due_date").str.to_date(strict=False).is_null())
    assert bad_date["due_date"].to_list() == ["2025-02-30"]
    assert homework.join(school["classes"], on="class_id", how="anti")["class_id"].to_list() == [
        "MAT-99Z"
    ]
    people = [*school["students"]["student_id"], *school["staff"]["staff_id"]]
    stranger = school["enrollments"].filter(~pl.col("person_id").is_in(people))
    assert stranger.select("person_id", "role").rows() == [("999999", "student")]


# The same again


def csv_hash(tables: Tables) -> str:
    return hashlib.sha256(
        "".join(frame.write_csv() for frame in tables.values()).encode()
    ).hexdigest()


def test_the_same_arguments_give_the_same_frames(school: Tables) -> None:
    again = make_school(through=FRIDAY)
    assert list(again) == list(school)
    assert all(again[table].equals(frame) for table, frame in school.items())


def test_another_process_with_one_thread_gives_the_same_bytes(small: Tables) -> None:
    script = (
        "import hashlib; from datetime import date; "
        "from edu_pipeline.sample.school import make_school; "
        "tables = make_school(through=date(2026, 5, 15), students=60); "
        "text = ''.join(frame.write_csv() for frame in tables.values()); "
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "1"}
    there = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=DOCS.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == csv_hash(small)


def test_another_seed_gives_another_school(small: Tables) -> None:
    other = make_school(through=FRIDAY, students=60, seed=21)
    for table in ("students", "attendance", "homework"):
        assert not other[table].equals(small[table])


# Files


def test_files_stand_under_school_beside_a_marker_that_names_them(
    tmp_path: Path, small: Tables
) -> None:
    landing = tmp_path / "landing"
    written = write_sample(landing, small)
    marker = json.loads((landing / SAMPLE_MARKER).read_text())
    assert written == [landing / "school" / f"{table}.csv" for table in small]
    assert datetime.now(UTC) - datetime.fromisoformat(marker.pop("since")) < timedelta(minutes=5)
    assert marker == {
        "files": [f"school/{table}.csv" for table in small],
        "email_domain": "riverside.example",
    }
    back = pl.read_csv(landing / "school" / "attendance.csv", infer_schema=False)
    assert back.equals(small["attendance"])


def test_files_are_utf_8_with_plain_line_ends(tmp_path: Path, small: Tables) -> None:
    write_sample(tmp_path, small)
    for path in (tmp_path / "school").iterdir():
        content = path.read_bytes()
        assert b"\r" not in content
        assert not content.startswith(b"\xef\xbb\xbf")
        assert '""' not in content.decode("utf-8")  # a blank cell is blank, not quoted


def test_the_marker_stands_before_the_first_file_does(tmp_path: Path) -> None:
    (tmp_path / "school" / "students.csv").mkdir(parents=True)  # where the first file goes
    with pytest.raises(OSError, match=r"students\.csv"):
        write_sample(tmp_path, {"students": pl.DataFrame({"student_id": ["1"]})})
    assert (tmp_path / SAMPLE_MARKER).exists()


def test_samples_of_different_kinds_stay_beside_each_other(tmp_path: Path, small: Tables) -> None:
    write_files(
        tmp_path, {"attainment/2026/results.csv": b"a", "attainment/2025/results.csv": b"b"}
    )
    write_sample(tmp_path, small)
    write_files(tmp_path, {"attainment/2026/results.csv": b"c"})
    assert not (tmp_path / "attainment" / "2025" / "results.csv").exists()
    marked = json.loads((tmp_path / SAMPLE_MARKER).read_text())["files"]
    assert marked == [*(f"school/{table}.csv" for table in small), "attainment/2026/results.csv"]
    assert len(clear_sample(tmp_path)) == len(small) + 2


def test_real_exports_are_never_mixed_with_a_sample(tmp_path: Path, small: Tables) -> None:
    real = tmp_path / "school" / "pupils.csv"
    real.parent.mkdir()
    real.write_text("student_id\n1\n")
    with pytest.raises(SampleError, match=r"school/pupils\.csv.*another home"):
        write_sample(tmp_path, small)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [real]


def test_a_file_that_came_after_the_sample_stops_the_next_one(
    tmp_path: Path, small: Tables
) -> None:
    write_sample(tmp_path, small)
    (tmp_path / "results.csv").write_text("x\n")
    with pytest.raises(SampleError, match=r"results\.csv"):
        write_sample(tmp_path, small)


def test_a_readme_and_an_earlier_sample_are_no_obstacle(tmp_path: Path, small: Tables) -> None:
    (tmp_path / "README.md").write_text("Exports go here.\n")
    write_sample(tmp_path, small)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write_sample(tmp_path, small)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_an_earlier_sample_had_and_a_new_one_lacks_is_removed(
    tmp_path: Path, small: Tables
) -> None:
    write_sample(tmp_path, small)
    write_sample(tmp_path, {"students": small["students"]})
    assert [path.name for path in (tmp_path / "school").iterdir()] == ["students.csv"]


def test_clearing_removes_the_sample_and_leaves_everything_else(
    tmp_path: Path, small: Tables
) -> None:
    written = write_sample(tmp_path, small)
    real = tmp_path / "school" / "results.csv"
    real.write_text("x\n")
    assert clear_sample(tmp_path) == [*written, tmp_path / SAMPLE_MARKER]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [real]
    assert clear_sample(tmp_path) == []


def test_clearing_reports_only_what_was_still_there(tmp_path: Path, small: Tables) -> None:
    written = write_sample(tmp_path, small)
    written[0].unlink()
    assert clear_sample(tmp_path) == [*written[1:], tmp_path / SAMPLE_MARKER]


@pytest.mark.parametrize(
    "name", ["../real.csv", "school/../../real.csv", "{absolute}", "link/real.csv"]
)
def test_a_marker_that_points_outside_removes_nothing(tmp_path: Path, name: str) -> None:
    landing, real = tmp_path / "landing", tmp_path / "real.csv"
    (landing / "school").mkdir(parents=True)
    (landing / "link").symlink_to(tmp_path)
    inside = landing / "school" / "students.csv"
    for path in (inside, real):
        path.write_text("x\n")
    files = ["school/students.csv", name.format(absolute=real)]
    (landing / SAMPLE_MARKER).write_text(json.dumps({"files": files}))
    for act in (clear_sample, lambda folder: write_sample(folder, {})):
        with pytest.raises(SampleError, match="outside"):
            act(landing)
    assert real.exists()
    assert inside.exists()


@pytest.mark.parametrize("content", ["not json", "[]", "{}", '{"files": [1]}'])
def test_a_marker_of_another_kind_is_refused_with_advice(tmp_path: Path, content: str) -> None:
    (tmp_path / SAMPLE_MARKER).write_text(content)
    with pytest.raises(SampleError, match="by hand"):
        clear_sample(tmp_path)
    assert (tmp_path / SAMPLE_MARKER).exists()


# The examples in the documentation


def test_the_documented_examples_have_the_columns_of_the_sample(small: Tables) -> None:
    examples = {path.stem: path for path in DOCS.glob("*.csv")}
    headers = {
        name: pl.read_csv(path, infer_schema=False).columns for name, path in examples.items()
    }
    attendance = small["attendance"].columns
    expected = {table: frame.columns for table, frame in small.items() if table != "attendance"}
    assert headers == expected | {
        "attendance_daily": attendance,
        "attendance_exceptions": attendance,
    }
