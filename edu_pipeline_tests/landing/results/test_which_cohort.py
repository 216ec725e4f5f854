"""Whether the students of a cohort are of one year, whatever says the year."""

from collections.abc import Mapping, Sequence

import pytest

from edu_pipeline.landing.sources.results.result_reading import Landed
from edu_pipeline_tests.landing.results.conftest import Read, held, kinds, workbook

ONE, OTHER = ("A1", "A2"), ("B1", "B2")
Files = Mapping[str, str | bytes]


def table(header: str, students: Sequence[str], *cells: str) -> str:
    """A row per student, with these cells."""
    return "\n".join([f"UPN,{header}", *(",".join([who, *cells]) for who in students)])


def sheets(*names: str) -> bytes:
    """A sheet of other students under each of these names."""
    header = ["UPN", "Subject", "GCSE"]
    students = zip(names, (ONE, OTHER), strict=True)
    return workbook({name: [header, *([who, "Maths", "5"] for who in of)] for name, of in students})


def said(landed: Landed) -> str:
    """The question which cohort it is."""
    (message,) = landed.notes.filter(kind="which_cohort")["message"]
    return str(message)


SPLIT: Mapping[str, tuple[Files, str]] = {
    "series": (
        {
            "all/r.csv": table("Subject,Season,Grade", ONE, "Maths,Summer 2024,5")
            + "\n"
            + "\n".join(f"{who},Maths,Summer 2025,6" for who in OTHER)
        },
        "2024 (2) and 2025 (2)",
    ),
    "sheets of years": ({"r.xlsx": sheets("Class of 2024", "Class of 2025")}, "2024 (2) and 2025"),
    "sheets of forms": ({"r.xlsx": sheets("10A", "11B")}, "Year 10 (2) and Year 11 (2)"),
    "files of years": (
        {
            f"gcse/GCSE {year}.csv": table("Maths", of, "5")
            for year, of in ((2024, ONE), (2025, OTHER))
        },
        "2024 (2) and 2025 (2)",
    ),
    "files of year groups": (
        {f"26/Y{n} Mock 1.csv": table("Maths", of, "5") for n, of in ((10, ONE), (11, OTHER))},
        "Year 10 (2) and Year 11 (2)",
    ),
    "folders below": (
        {f"26/Year {n}/Mock 1.csv": table("Maths", of, "5") for n, of in ((10, ONE), (11, OTHER))},
        "Year 10 (2) and Year 11 (2)",
    ),
    "forms with a letter in front": (
        {
            "26/r.csv": table("Tutor Group,Maths Mock 1", ONE, "Y10-Oak,5")
            + "\n"
            + "\n".join(f"{who},Y11-Elm,6" for who in OTHER)
        },
        "Year 10 (2) and Year 11 (2)",
    ),
}


@pytest.mark.parametrize("place", SPLIT)
def test_students_of_several_years_are_no_cohort_whatever_says_their_year(
    read: Read, place: str
) -> None:
    files, which = SPLIT[place]
    landed = read(files)
    assert held(landed)
    assert which in said(landed)


def test_what_the_same_students_sat_in_several_years_is_one_cohort(read: Read) -> None:
    files = {
        "all/Mocks Nov 2023.csv": table("Maths Mock 1", ONE, "4"),
        "all/Y10 Mock 2 2024.csv": table("Maths Mock 2", ONE, "4"),
        "all/Y11 GCSE 2025.csv": table("Maths GCSE", ONE, "5"),
    }
    assert "which_cohort" not in kinds(read(files))


@pytest.mark.parametrize("autumn", ["Mock 1 Nov 2024", "Mock 1 2024-25", "Mock 1 2024–2025"])
def test_a_school_year_has_two_calendar_years(read: Read, autumn: str) -> None:
    files = {
        f"all/{autumn}.csv": table("Maths", ONE, "4"),
        "all/Mock 1 Jan 2025.csv": table("Maths", OTHER, "4"),
    }
    assert "which_cohort" not in kinds(read(files))


def test_of_a_file_without_rows_nothing_is_said(read: Read) -> None:
    assert not kinds(read({"2026/GCSE.csv": table("Year Group,Tutor Group,Maths", ())}))


BY_COLUMN = "UPN,Year Group,Maths GCSE\nA1,11,5\nA2,11,6"
BY_NAME = "UPN,Maths GCSE\nB1,5\nB2,6"
SAID = {"columns": {"cohort": "Year Group"}}


def test_years_that_a_column_and_a_name_say_are_held_against_each_other(read: Read) -> None:
    landed = read({"26/all.csv": BY_COLUMN, "26/Year 10.csv": BY_NAME.replace("GCSE", "Mock 1")})
    assert held(landed) == [("26", "")]
    assert "Year 10 (2) and Year 11 (2)" in said(landed)
    # the same year group by both is one cohort
    assert not kinds(read({"26/all.csv": BY_COLUMN, "26/Y11 results.csv": BY_NAME}))
    # and so is a file of last year about students whose year a column says
    earlier = BY_NAME.replace("B", "A").replace("GCSE", "Mock 1")
    assert not kinds(read({"26/all.csv": BY_COLUMN, "26/Y10 Mock 1.csv": earlier}))


@pytest.mark.parametrize(
    ("files", "settings", "cohorts"),
    [
        (("all.csv", "Y11 results.csv"), {}, ["Y11 results", "all"]),
        (("all.csv", "Y11 results.csv"), SAID, ["11", "Y11 results"]),
        (("26/all.csv", "26/Y11 results.csv"), SAID, ["11", "26"]),
        # two years, a folder for each
        (("2025/all.csv", "2026/Y11 results.csv"), {}, []),
        (("all 2025.csv", "Y11 results 2026.csv"), {}, []),
        (("all.csv", "Y12 results.csv"), {}, []),
    ],
)
def test_a_year_group_that_a_column_and_a_name_say_is_one_cohort_or_a_question(
    read: Read, files: Sequence[str], settings: Mapping[str, object], cohorts: Sequence[str]
) -> None:
    landed = read(dict(zip(files, (BY_COLUMN, BY_NAME), strict=True)), settings)
    assert sorted(str(cohort) for cohort, _ in held(landed)) == cohorts
