import random

import numpy as np
import pytest
from scipy.optimize import linprog

from edu_pipeline.attainment.matrix import protected_matrix

GRADES = range(10)
FEWEST = 10
Cell = tuple[int, int]


def outcome(cell: Cell) -> int:
    base, final = cell
    return (final > base) - (final < base)


def shown(counts: dict[Cell, int], *hidden_outcomes: int) -> dict[Cell, int | None]:
    return {cell: n for cell, (n, _) in protected_matrix(counts, hidden_outcomes, FEWEST).items()}


def test_large_cells_are_shown_with_the_sums_of_their_rows() -> None:
    counts = {(4, 4): 20, (4, 5): 15, (5, 4): 12, (5, 5): 30}

    assert protected_matrix(counts, (), FEWEST) == {
        (4, 4): (20, 35),
        (4, 5): (15, 35),
        (5, 4): (12, 42),
        (5, 5): (30, 42),
    }


SQUARE = {(base, final): 60 for base in (4, 5, 6) for final in (4, 5, 6)}


def test_a_small_cell_takes_as_many_others_as_its_row_column_and_outcome_need() -> None:
    # 4-4 and 5-5 against each other on the diagonal; then 4-6 and 5-6 above it, 6-4 and 6-5 below:
    # with fewer, what is left out of a row, a column or an outcome is one cell
    found = shown(SQUARE | {(4, 4): 4, (6, 6): 90})

    hidden = {cell for cell, n in found.items() if n is None}
    assert (4, 4) in hidden
    for sign in (-1, 0, 1):
        assert len([cell for cell in hidden if outcome(cell) == sign]) != 1
    assert len(hidden) < len(SQUARE)


def test_where_no_others_would_hide_it_there_is_no_matrix() -> None:
    # below is 5-4 alone, so it is known, and with it 4-4, 5-5 and 4-5
    assert shown({(4, 4): 20, (4, 5): 3, (4, 6): 15, (5, 4): 12, (5, 5): 30, (5, 6): 40}) == {}


def test_few_people_have_no_matrix() -> None:
    assert shown({(4, 4): 4, (4, 5): 5}) == {}
    assert shown({}) == {}


def bounds(
    counts: dict[Cell, int], hidden_outcomes: tuple[int, ...], wanted: Cell
) -> tuple[float, float]:
    """What somebody can tell of a cell who sees the matrix and the outcomes that are not hidden."""
    found = protected_matrix(counts, hidden_outcomes, FEWEST)
    bases, finals = ({cell[side] for cell in counts} for side in (0, 1))
    cells = [(base, final) for base in bases for final in finals]
    unknown = [cell for cell in cells if cell in found and found[cell][0] is None]
    equations: list[list[bool]] = []
    known: list[int] = []

    def tell(line: list[Cell]) -> None:
        equations.append([cell in line for cell in unknown])
        known.append(sum(counts.get(cell, 0) for cell in line if cell in unknown))

    tell(cells)
    for base in bases:
        row = [(base, final) for final in finals]
        if any(cell in found and found[cell][1] is not None for cell in row):
            tell(row)
    for sign in {-1, 0, 1} - {*hidden_outcomes}:
        tell([cell for cell in cells if outcome(cell) == sign])
    aim = np.array([cell == wanted for cell in unknown], dtype=float)
    least = linprog(aim, A_eq=equations, b_eq=known, bounds=(0, None)).fun
    most = linprog(-aim, A_eq=equations, b_eq=known, bounds=(0, None)).fun
    assert least is not None
    assert most is not None
    return least, -most


@pytest.mark.parametrize("hidden_outcomes", [(), (0, 1)], ids=["outcomes shown", "two hidden"])
@pytest.mark.parametrize("seed", range(10))
def test_no_small_cell_can_be_solved_for(seed: int, hidden_outcomes: tuple[int, ...]) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    counts: dict[Cell, int] = {}
    for _ in range(100 + 60 * seed):
        base = draw.choice([3, 4, 4, 5, 5, 5, 6])
        final = base + draw.choice([-2, -1, -1, 0, 0, 0, 1, 1])
        counts[base, final] = counts.get((base, final), 0) + 1
    found = shown(counts, *hidden_outcomes)

    assert all(n is None or n >= FEWEST for n in found.values())
    assert not found or set(found) >= set(counts)
    for cell, n in counts.items():
        if found and n < FEWEST:
            least, most = bounds(counts, hidden_outcomes, cell)
            assert most - least >= 1, cell
