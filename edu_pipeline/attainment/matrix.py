"""A matrix from baseline to result without what tells of few people.

Its rows and columns add up, and so do the cells below, on and above its diagonal: how many are
below, met and exceeded is known from elsewhere. Pure arithmetic on counts.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl

from edu_pipeline.chance.disclosure import ALL as MARGIN
from edu_pipeline.chance.disclosure import suppressed

Cell = tuple[int, int]
"""Grade of the baseline, grade of the result."""
Place = tuple[str, int, int]
"""A cell, or a sum of cells."""
Line = tuple[Place, Sequence[Place]]
"""A sum, and what it is made of."""
_ZERO = 1e-9


def protected_matrix(
    counts: Mapping[Cell, int], hidden_outcomes: Collection[int], fewest: int
) -> Mapping[Cell, tuple[int | None, int | None]]:
    """The cells that are not zero, or may be for all that is shown, with the sums of their rows.

    Left out are numbers of 1 to `fewest` - 1 people and as many others as it takes that none of
    those follows from what is shown by adding and subtracting (the unit vector of an unknown in the
    row space of the equations), and that those left out of a known sum are `fewest` or more.

    Args:
        counts: Cells that are not zero.
        hidden_outcomes: Which of the numbers below (-1), met (0) and exceeded (1) are not shown.
        fewest: People below whom a count is small.

    Returns:
        Number and row's number, None where left out; nothing where no cell can be shown.
    """
    table = _first(counts, fewest)
    cells = [place for place in table if place[0] == "cell"]
    lines = _lines(cells)
    true = {place: counts.get(place[1:], 0) for place in cells}
    for total, parts in lines:
        true.setdefault(total, sum(true[each] for each in parts))
    out = {place for place, shown in table.items() if not shown}
    out |= {("outcome", sign, 0) for sign in hidden_outcomes} & set(true)
    while beside := _beside_given_away(lines, true, out, fewest):
        shown = [place for place in cells if true[place] and place not in out]
        if not shown:
            return {}
        out.add(min(beside.intersection(shown) or shown, key=lambda place: (true[place], place)))
    # some that went early are not needed any more; the largest come back first
    for place in sorted(out.intersection(cells), key=lambda place: (-true[place], place)):
        large = not 0 < true[place] < fewest
        if large and not _beside_given_away(lines, true, out - {place}, fewest):
            out.remove(place)
    if all(place in out or not true[place] for place in cells):
        return {}
    return {
        (base, final): (
            None if ("cell", base, final) in out else true["cell", base, final],
            None if ("base", base, 0) in out else true["base", base, 0],
        )
        for _, base, final in cells
        if ("cell", base, final) in out or true["cell", base, final]
    }


def _first(counts: Mapping[Cell, int], fewest: int) -> Mapping[Place, bool]:
    """Whether each cell and margin would be shown if the matrix were all there is."""
    names = pl.DataFrame(
        [(str(base), str(final), n) for (base, final), n in counts.items()],
        schema={"base": pl.String, "final": pl.String, "n": pl.Int64},
        orient="row",
    )
    found: dict[Place, bool] = {}
    for base, final, n in suppressed(names, "base", "final", "n", fewest).iter_rows():
        if MARGIN not in (base, final):
            found["cell", int(base), int(final)] = n is not None
        elif base != MARGIN:
            found["base", int(base), 0] = n is not None
        elif final != MARGIN:
            found["final", int(final), 0] = n is not None
    return found


def _lines(cells: Sequence[Place]) -> Sequence[Line]:
    """What adds up: cells to rows, columns and outcomes, and each of these kinds to the total."""
    lines: dict[Place, list[Place]] = {}
    for cell in cells:
        _, base, final = cell
        outcome = (final > base) - (final < base)
        for total in (("base", base, 0), ("final", final, 0), ("outcome", outcome, 0)):
            lines.setdefault(total, []).append(cell)
    totals: dict[Place, list[Place]] = {}
    for place in lines:
        totals.setdefault((f"total by {place[0]}", 0, 0), []).append(place)
    return [*lines.items(), *totals.items()]


def _beside_given_away(
    lines: Sequence[Line], true: Mapping[Place, int], out: Collection[Place], fewest: int
) -> set[Place]:
    """Places on the lines of what is known though it is small, of which one more must be left out."""
    unknown = sorted(out)
    if not unknown:
        return set()
    equations = [
        [float(place in parts) - float(place == total) for place in unknown]
        for total, parts in lines
    ]
    _, strengths, directions = np.linalg.svd(np.array(equations))
    free = directions[np.count_nonzero(strengths > _ZERO) :]
    solved = np.abs(free).max(axis=0, initial=0.0) < _ZERO
    small = {
        place
        for place, known in zip(unknown, solved, strict=True)
        if known and 0 < true[place] < fewest
    }
    beside = set()
    for total, parts in lines:
        together = sum(true[each] for each in parts if each in out)
        if small & {total, *parts} or (total not in out and 0 < together < fewest):
            beside |= set(parts)
    return beside
