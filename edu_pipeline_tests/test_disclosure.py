import random

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from edu_pipeline.chance.disclosure import ALL, FEWEST_SHOWN, suppressed


def counts(table: dict[tuple[str, str], int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(row, column, people) for (row, column), people in table.items() if people],
        schema={"country": pl.String, "year": pl.String, "people": pl.Int64},
        orient="row",
    )


def shown(table: dict[tuple[str, str], int]) -> dict[tuple[str, str], int | None]:
    rows = suppressed(counts(table), "country", "year", "people").iter_rows()
    return {(row, column): people for row, column, people in rows}


def bounds(seen: dict[tuple[str, str], int | None], cell: tuple[str, str]) -> tuple[float, float]:
    """What somebody who has only what is shown can tell of a cell: linear programming."""
    unknown = [each for each, people in seen.items() if people is None]
    equations, known = [], []
    for side in (0, 1):
        for name in {each[side] for each in seen}:
            line = [each for each in seen if each[side] == name]
            signs = {each: -1 if each[1 - side] == ALL else 1 for each in line}
            equations.append([signs.get(each, 0) for each in unknown])
            known.append(-sum(signs[each] * (seen[each] or 0) for each in line))
    aim = np.array([each == cell for each in unknown], dtype=float)
    least = linprog(aim, A_eq=equations, b_eq=known, bounds=(0, None))
    most = linprog(-aim, A_eq=equations, b_eq=known, bounds=(0, None))
    assert least.fun is not None
    return least.fun, np.inf if most.fun is None else -most.fun


def test_large_cells_and_zeros_are_shown_with_their_margins() -> None:
    assert shown({("AU", "2025"): 30, ("AU", "2026"): 20, ("IN", "2025"): 12}) == {
        ("AU", "2025"): 30,
        ("AU", "2026"): 20,
        ("AU", ALL): 50,
        ("IN", "2025"): 12,
        ("IN", "2026"): 0,
        ("IN", ALL): 12,
        (ALL, "2025"): 42,
        (ALL, "2026"): 20,
        (ALL, ALL): 62,
    }


def test_a_small_cell_takes_others_with_it_that_would_give_it_away() -> None:
    seen = shown(
        {
            ("AU", "2025"): 30,
            ("AU", "2026"): 3,
            ("IN", "2025"): 12,
            ("IN", "2026"): 40,
            ("US", "2025"): 90,
            ("US", "2026"): 80,
        }
    )

    left_out = {cell for cell, people in seen.items() if people is None}
    assert left_out == {("AU", "2025"), ("AU", "2026"), ("IN", "2025"), ("IN", "2026")}


def test_a_small_country_is_hidden_in_its_total_too() -> None:
    seen = shown({("AU", "2025"): 30, ("IN", "2025"): 12, ("NZ", "2025"): 4, ("AU", "2026"): 11})

    assert seen["NZ", ALL] is None
    assert seen["NZ", "2025"] is None
    assert seen["NZ", "2026"] == 0


def test_two_small_cells_are_not_enough_where_their_sum_is_small() -> None:
    seen = shown({("AU", "2025"): 4, ("IN", "2025"): 5, ("US", "2025"): 50, ("CA", "2025"): 60})

    hidden = {row for (row, column), people in seen.items() if people is None and column == ALL}
    assert hidden == {"AU", "IN", "US"}


def test_of_few_people_only_the_total_is_told() -> None:
    assert shown({("AU", "2025"): 4, ("IN", "2026"): 5}) == {(ALL, ALL): 9}


def test_nothing_is_told_of_an_empty_table_but_that() -> None:
    assert shown({}) == {(ALL, ALL): 0}


def test_a_small_cell_between_two_groups_of_cells_left_out_cannot_be_solved_for() -> None:
    # every line has two cells left out; yet what the first two columns hide of the first two rows
    # is known together, and so would the 4 be
    hidden = {"r1": [5, 6, 50, 50], "r2": [6, 5, 4, 50], "r3": [50, 50, 6, 5], "r4": [50, 50, 5, 6]}
    seen = shown(
        {(row, f"c{n}"): people for row, cells in hidden.items() for n, people in enumerate(cells)}
    )

    least, most = bounds(seen, ("r2", "c2"))
    assert most - least >= 1


@pytest.mark.parametrize("seed", range(12))
def test_no_small_number_can_be_solved_for(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    sizes = [0, 0, 1, 2, 5, 9, 12, 40, 300]
    table = {
        (f"country{row}", f"year{column}"): draw.choice(sizes)
        for row in range(draw.randint(2, 7))
        for column in range(draw.randint(2, 5))
    }
    seen = shown(table)

    small = [cell for cell, people in table.items() if 0 < people < FEWEST_SHOWN]
    assert (ALL, ALL) in seen
    for cell in small:
        if cell in seen:
            assert seen[cell] is None
            least, most = bounds(seen, cell)
            assert most - least >= 1, cell
