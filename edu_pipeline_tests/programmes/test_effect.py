"""What letters are good for, by a lot that is drawn here as there."""

from datetime import date

import duckdb
import polars as pl
import pytest

from edu_pipeline.facts.effect import followed_passes
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.programmes.effect import Effect, effect, effect_words, span
from edu_pipeline.programmes.nudges import is_held_out
from edu_pipeline_tests.programmes.conftest import programme


def test_learners_are_compared_as_the_lot_drew_them_whatever_they_got() -> None:
    lead = programme(held_out=0.5)
    people = [f"l{n}@learners.example" for n in range(200)]
    out = [each for each in people if is_held_out("lead", each, 0.5, "pepper")]
    rest = [each for each in people if each not in out]
    began = {*out[:30], *rest[:60]}
    addresses = [[each] for each in people]
    followed = pl.DataFrame({"addresses": addresses, "began": [each in began for each in people]})
    assert effect(followed, lead, "pepper") == Effect(
        written=(60, len(rest)), held_out=(30, len(out))
    )


def test_who_was_drawn_into_both_arms_by_two_accounts_is_in_none() -> None:
    lead = programme(held_out=0.5)
    out = next(a for a in "abcdefgh" if is_held_out("lead", a, 0.5, "pepper"))
    rest = next(a for a in "abcdefgh" if not is_held_out("lead", a, 0.5, "pepper"))
    followed = pl.DataFrame({"addresses": [[out, rest], [rest], [out]], "began": [True] * 3})
    assert effect(followed, lead, "pepper") == Effect(written=(1, 1), held_out=(1, 1))


def test_the_difference_stands_with_its_interval() -> None:
    # Newcombe 1998, table II (a), method 10: 56/70 and 48/80 differ by 0.2, from 0.0524 to 0.3339
    told = effect_words(Effect((56, 70), (48, 80))).replace("\u00a0", " ")
    assert told == (
        "Of 70 learners who may be written to, 80.0 % began another course within 26 weeks of a pass; of "
        "80 held out by lot, 60.0 %. The difference is +20.0 points (95 % interval +5.2 points to "
        "+33.4 points), more than luck alone would make."
    )
    assert "may be luck" in effect_words(Effect((30, 70), (30, 80)))


@pytest.mark.parametrize(
    "found",
    [
        Effect((15, 100), (0, 19)),
        Effect((0, 19), (15, 100)),
        Effect((9, 100), (20, 40)),
        Effect((50, 100), (31, 40)),
    ],
    ids=["few held out", "few others", "few began", "few did not"],
)
def test_small_numbers_say_nothing_and_are_not_shown(found: Effect) -> None:
    told = effect_words(found)
    assert told.startswith("What the letters are good for cannot be said yet")
    assert "15" not in told


def test_without_a_lot_or_a_first_day_there_is_nothing_to_compare() -> None:
    since = date(2026, 1, 1)
    assert span(programme(nudges_since=since), date(2026, 12, 2)) is None
    assert span(programme(held_out=0.1), date(2026, 12, 2)) is None
    whole = programme(held_out=0.1, nudges_since=since)
    assert span(whole, date(2026, 12, 2)) == (since, date(2026, 6, 3))


def test_a_learner_is_followed_from_the_first_pass_for_so_many_days(
    con: duckdb.DuckDBPyConnection,
) -> None:
    runs = [
        ("a", "a1", date(2026, 1, 5), date(2026, 3, 1)),
        ("b", "b0", date(2026, 2, 1), date(2026, 4, 1)),
        ("b", "b1", date(2026, 4, 1), date(2026, 6, 1)),
        ("b", "b2", date(2026, 9, 1), date(2026, 11, 1)),
        ("b", "b3", None, None),
        ("c", "c1", date(2026, 3, 31), date(2026, 5, 1)),
    ]
    names = ["course_id", "run", "starts", "ends"]
    write_table(
        con,
        "programme_runs",
        pl.DataFrame(runs, schema=names, orient="row").with_columns(programme_id=pl.lit("lead")),
    )
    done = [
        ("1", "a", "a1", "a1"),  # nothing after it
        ("2", "a", "a1", "a1"),
        ("2", "b", "b1", None),  # a month later
        ("3", "a", "a1", "a1"),
        ("3", "b", "b2", None),  # half a year later
        ("4", "a", "a1", "a1"),
        ("4", "b", "b3", None),  # nobody knows when
        ("5", "a", "a1", "a1"),
        ("5", "b", "b0", None),  # both others were begun, or are begun soon
        ("5", "c", "c1", None),
        ("6", "a", "a1", None),  # did not pass
        ("7", "a", "a1", "a1"),  # the same person as 8
        ("8", "b", "b1", None),
        ("9", "a", "a1", "a1"),  # without an address
    ]
    write_table(con, "course_completion", completion(done))
    # what both accounts of one person hold together, by the lower number
    write_table(
        con, "person_completion", completion([("7", "a", "a1", "a1"), ("7", "b", "b1", None)])
    )
    write_table(
        con, "stg_people", pl.DataFrame({"learner_id": ["7", "8"], "person_id": ["7", "7"]})
    )
    addresses = {str(n): f"L{n}@x.example" for n in range(1, 8)} | {"8": " Two@X.example ", "9": ""}
    people = {"learner_id": list(addresses), "email": list(addresses.values())}
    write_table(con, "stg_learners", pl.DataFrame(people))
    march = date(2026, 3, 1)
    found = followed_passes(con, "lead", march, march, days=60)
    assert [(sorted(each), began) for each, began in found.iter_rows()] == [
        (["l1@x.example"], False),
        (["l2@x.example"], True),
        (["l3@x.example"], False),
        (["l5@x.example"], True),
        (["l7@x.example", "two@x.example"], True),
    ]
    assert followed_passes(con, "lead", date(2026, 3, 2), date(2026, 12, 1), 60).is_empty()


def completion(rows: list[tuple[str, str, str, str | None]]) -> pl.DataFrame:
    names = ["learner_id", "course_id", "first_run", "first_passed_run"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").with_columns(
        programme_id=pl.lit("lead")
    )
