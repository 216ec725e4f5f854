import polars as pl

from edu_pipeline.attainment.groups import by_group, group_columns
from edu_pipeline_tests.attainment.conftest import COHORT, NO_GROUPS, by_subject, grouped

ROWS = pl.DataFrame(
    [
        (COHORT, student, subject)
        for student in ("ana", "bo", "cy", "di")
        for subject in ("Art", "Maths")
    ],
    schema=["cohort", "student_id", "subject"],
    orient="row",
)
GENDER = grouped("Gender", {"ana": "F", "bo": "M", "cy": "F", "di": "M"})


def in_groups(groups: pl.DataFrame, rows: pl.DataFrame = ROWS) -> dict[tuple[str, str], list[str]]:
    """(column, group) → students, each as often as they have rows in it."""
    found = by_group(rows, groups).group_by("group_column", "group", maintain_order=True)
    return {
        (str(column), str(group)): part["student_id"].to_list() for (column, group), part in found
    }


def test_everybody_is_there_once_and_once_more_in_their_group() -> None:
    assert in_groups(GENDER) == {
        ("all", "all"): ["ana", "ana", "bo", "bo", "cy", "cy", "di", "di"],
        ("Gender", "F"): ["ana", "ana", "cy", "cy"],
        ("Gender", "M"): ["bo", "bo", "di", "di"],
    }


def test_whom_the_export_says_nothing_of_makes_a_group() -> None:
    found = in_groups(grouped("PP", {"ana": "Y", "bo": "Y", "cy": ""}))

    assert found["PP", "Y"] == ["ana", "ana", "bo", "bo"]
    assert found["PP", "not stated"] == ["cy", "cy", "di", "di"]


def test_a_class_groups_only_the_subject_that_it_is_of() -> None:
    classes = {
        ("ana", "Maths"): "1",
        ("bo", "Maths"): "1",
        ("cy", "Maths"): "2",
        ("di", "Maths"): "2",
    }
    groups = pl.concat([by_subject("Class", classes), GENDER])
    found = in_groups(groups)

    assert found["Class", "1"] == ["ana", "bo"]
    assert ("Class", "not stated") not in found
    students = ROWS.select("cohort", "student_id").unique()
    assert {column for column, _ in in_groups(groups, students)} == {"all", "Gender"}


def test_a_column_that_everybody_has_for_themselves_makes_no_groups() -> None:
    numbers = grouped("Candidate", {"ana": "1", "bo": "2", "cy": "3", "di": "3"})
    birthdays = grouped("Born", {"ana": "1", "bo": "2", "cy": "3", "di": "4"})

    assert group_columns(pl.concat([numbers, birthdays]))["column"].to_list() == ["Candidate"]


def test_scores_make_no_groups_and_a_few_numbers_or_many_names_do() -> None:
    scores = {f"s{n}": f"{70 + n % 13}.5" for n in range(60)}
    sets = {f"s{n}": str(1 + n % 12) for n in range(60)}
    tutors = {f"s{n}": f"11{chr(65 + n % 15)}" for n in range(60)}
    columns = {"YELLIS Score": scores, "Set": sets, "Tutor": tutors}
    groups = pl.concat([grouped(name, values) for name, values in columns.items()])

    assert group_columns(groups)["column"].to_list() == ["Set", "Tutor"]


def test_a_column_that_says_the_same_of_everybody_makes_no_groups() -> None:
    same = grouped("School", dict.fromkeys(("ana", "bo", "cy", "di"), "Hill"))

    assert set(in_groups(same)) == {("all", "all")}


def test_without_groups_there_is_everybody() -> None:
    assert set(in_groups(NO_GROUPS)) == {("all", "all")}
