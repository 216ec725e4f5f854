"""What is there and what is not, in the edition to share, tells of nobody: tables, page and pictures."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from hypothesis import Phase, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.page import Cohort, Frame, cohort_page
from edu_pipeline.attainment.pictures import pictures
from edu_pipeline.attainment.scripts import scripts_beside
from edu_pipeline.attainment.shareable import shareable, small_numbers
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.model.attainment import AttainmentNotes
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.attainment.conftest import (
    COHORT,
    Entry,
    grouped,
    landed,
    students_of,
    tables,
)

FEWEST = 3
STUDENTS = [f"s{n}" for n in range(24)]
ART = STUDENTS[:10]
SETTINGS = Settings.model_validate({"attainment": {"fewest": FEWEST}})
FRAME = Frame(environment([shipped("templates")]), SETTINGS, scripts_beside("../"))
Values = Mapping[str, str]


def entries(of_few: Sequence[Entry] = ()) -> list[Entry]:
    """Everybody in English and maths, ten in Art, and these."""
    found: list[Entry] = [
        (
            student,
            subject,
            [3 + (n + at) % 4, 4 + n % 3, 3 + (3 * n + n // 4 + at) % 5, 4 + (n // 2 + at) % 3],
        )
        for at, subject in enumerate(("English", "Maths", "Art"))
        for n, student in enumerate(STUDENTS)
        if subject != "Art" or student in ART
    ]
    return [*found, *of_few]


def edition(of: Sequence[Entry], sen: Values) -> Tables:
    genders = {student: "FM"[n // 3 % 2] for n, student in enumerate(STUDENTS)}
    groups = pl.concat([grouped("Gender", genders), grouped("SEN", dict(sen))])
    return shareable(tables(of, groups, fewest=FEWEST), SETTINGS.attainment)


SEN = {student: "YN"[n % 2] for n, student in enumerate(STUDENTS)}


def there(found: Tables) -> Mapping[str, list[tuple[object, ...]]]:
    """Table → its rows, without what numbers they hold."""
    return {
        name: table.select(
            pl.col(each) if dtype == pl.String else pl.col(each).is_not_null()
            for each, dtype in table.schema.items()
        ).rows()
        for name, table in found.named().items()
    }


def published(found: Tables, of: Sequence[Entry]) -> str:
    """The page and the specifications of its pictures, with # for every number."""
    results = landed(of)
    nothing = pl.DataFrame(schema=dtypes(AttainmentNotes))
    cohort = Cohort(
        COHORT,
        SETTINGS.attainment,
        results,
        students_of(results),
        grouped("SEN", {}),
        nothing,
        found,
        date(2026, 9, 1),
    )
    page = cohort_page(FRAME, cohort, "shareable")
    drawn = dict(pictures(cohort, "shareable"))
    numbers = re.sub(r"[-−+]?\d+(\.\d+)?", "#", page + json.dumps(drawn))
    # on which side of its dot a name stands follows from the numbers
    return re.sub(r'"(wide|narrow|side)": ?"\w*"', "", numbers)


def of_subject(found: Tables, subject: str) -> list[pl.DataFrame]:
    return [
        table.filter(pl.col("subject") == subject)
        for table in found.named().values()
        if "subject" in table.columns
    ]


grades = st.integers(0, 9)
few = st.lists(
    st.tuples(st.sampled_from(STUDENTS), grades, st.none() | grades, st.none() | grades),
    max_size=FEWEST - 1,
    unique_by=lambda entry: entry[0],
)


@given(few)
@given_settings(max_examples=5, deadline=None, phases=[Phase.generate])
def test_who_and_whether_anybody_takes_a_subject_of_few_cannot_be_seen(
    of_few: list[tuple[str, int, int | None, int | None]],
) -> None:
    latin: list[Entry] = [
        (student, "Latin", [mock, None, final, base]) for student, mock, final, base in of_few
    ]
    without, found = edition(entries(), SEN), edition(entries(latin), SEN)

    assert there(found) == there(without)
    assert published(found, entries(latin)) == published(without, entries())
    assert small_numbers(found, FEWEST) == 0


@given(st.sets(st.sampled_from(ART), max_size=FEWEST - 1), st.sampled_from("YN"))
@given_settings(max_examples=5, deadline=None, phases=[Phase.generate])
def test_who_of_a_subject_has_what_nearly_nobody_or_nearly_everybody_has_cannot_be_seen(
    others: set[str], of_most: str
) -> None:
    of_others = "YN"[of_most == "Y"]
    changed = SEN | {student: of_others if student in others else of_most for student in ART}
    everybody = edition(entries(), SEN | dict.fromkeys(ART, "Y"))
    found = edition(entries(), changed)

    assert there(found) == there(everybody)
    assert published(found, entries()) == published(everybody, entries())
    for rows, same in zip(of_subject(found, "Art"), of_subject(everybody, "Art"), strict=True):
        assert rows.equals(same)
        assert "SEN" not in rows.write_csv()
    # in the subjects that everybody takes it is told, and Art is there
    told = found.attainment_progress.filter(pl.col("group_column") == "SEN")
    assert {"English", "Maths"} <= set(told["subject"])
    art = pl.col("subject") == "Art", pl.col("group_column") == "all"
    assert found.attainment_progress.filter(*art)["n"].item() == len(ART)


@given(st.sets(st.sampled_from(STUDENTS), min_size=1, max_size=FEWEST - 1))
@given_settings(max_examples=4, deadline=None, phases=[Phase.generate])
def test_who_has_a_value_that_few_have_cannot_be_seen(of_few: set[str]) -> None:
    found = edition(entries(), SEN | dict.fromkeys(of_few, "EHCP"))
    other = edition(entries(), SEN | {"s0": "EHCP"})

    assert all(rows.equals(other.named()[name]) for name, rows in found.named().items())
    assert published(found, entries()) == published(other, entries())


def test_who_alone_takes_no_maths_cannot_be_told_by_what_is_beside_it() -> None:
    """Three of English have a value: with the one who takes no maths, or without."""
    lone = STUDENTS[20]
    of = [entry for entry in entries() if entry[:2] != (lone, "Maths")]
    nobody = dict.fromkeys(STUDENTS, "N")

    for others in (2, 3, 4):
        few = nobody | dict.fromkeys(STUDENTS[12 : 12 + others], "Y")
        with_, without = (edition(of, few | {lone: value}) for value in "YN")
        for found in (with_, without):
            by_sen = found.attainment_progress.filter(pl.col("group_column") == "SEN")
            assert set(by_sen["subject"]) in ({"all", "English", "Maths"}, set())
            assert by_sen["n"].null_count() == by_sen["students"].null_count() == by_sen.height
        assert there(with_) == there(without), others


def counted(of: Sequence[Entry], sen: Values) -> frozenset[tuple[object, ...]]:
    """Which numbers of people by SEN are those of many."""
    by_sen = pl.DataFrame({"student_id": list(sen), "value": list(sen.values())})
    rows = landed(of).filter(pl.col("points").is_not_null()).join(by_sen, on="student_id")
    many = rows.group_by("subject", "series", "value").len().filter(pl.col("len") >= FEWEST)
    return frozenset(many.select("subject", "series", "value").rows())


def test_what_is_there_changes_with_nobodys_value_unless_few_become_many() -> None:
    before = there(edition(entries(), SEN))
    flips = 0
    for student in STUDENTS:
        flipped = SEN | {student: "YN"[SEN[student] == "Y"]}
        if counted(entries(), flipped) == counted(entries(), SEN):
            flips += 1
            assert there(edition(entries(), flipped)) == before, student

    assert flips >= len(STUDENTS) // 2
