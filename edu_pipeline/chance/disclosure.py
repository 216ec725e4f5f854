"""Small numbers: what must be left out of a table of counts so that nobody can be told from it.

Pure functions on frames; what is shown to whom is decided where it is shown.
"""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

FEWEST_SHOWN = 10
"""People below whom a count by where somebody lives, or the like, is not shown (NCES 2011-603: the
usual minimum of published tables)."""
ALL = "all"
"""What the margins of a table are called."""

Cell = tuple[str, str]
Node = tuple[int, str]
"""0 and a row's name, or 1 and a column's."""


def suppressed(
    counts: pl.DataFrame, row: str, column: str, value: str, fewest: int = FEWEST_SHOWN
) -> pl.DataFrame:
    """A table of counts with its margins, without cells that are small or give small ones away.

    A cell of 1 to `fewest` - 1 people is left out, wherever it stands, and so are as many others as
    it takes that no cell left out follows from those shown by adding and subtracting, and that those
    left out of a row or column whose sum is shown are `fewest` people or more. The total of
    everything is always shown; where it is small itself, nothing else is.

    A table of counts is a graph: rows and columns are its nodes, cells its edges. A cell left out
    follows from the others exactly if it is the only way in the graph of such cells from its row to
    its column, a bridge (Gusfield 1988, SIAM Journal on Computing 17(3)).

    Args:
        counts: One row per cell that is not zero.
        row: Name of the column with the rows' names.
        column: Name of the column with the columns' names.
        value: Name of the column with counts.
        fewest: People below whom a count is small.

    Returns:
        Every row, also `all`, × every column, also `all`; `value` is empty where it is left out.
    """
    cells = {(r, c): n for r, c, n in counts.select(row, column, value).iter_rows()}
    total = sum(cells.values())
    schema = {row: pl.String, column: pl.String, value: pl.Int64}
    if total < fewest:
        return pl.DataFrame([(ALL, ALL, total)], schema=schema, orient="row")
    rows = sorted({r for r, _ in cells})
    columns = sorted({c for _, c in cells})
    table = {(r, c): cells.get((r, c), 0) for r in rows for c in columns}
    table |= {(r, ALL): sum(table[r, c] for c in columns) for r in rows}
    table |= {(ALL, c): sum(table[r, c] for r in rows) for c in columns}
    out = _left_out(table, fewest)
    return pl.DataFrame(
        [
            (r, c, total if (r, c) == (ALL, ALL) else None if (r, c) in out else table[r, c])
            for r in (*rows, ALL)
            for c in (*columns, ALL)
        ],
        schema=schema,
        orient="row",
    )


def _left_out(table: Mapping[Cell, int], fewest: int) -> set[Cell]:
    """The cells to leave out of a table with margins and without its total."""
    lines: dict[Node, list[Cell]] = {}
    for cell in table:
        for node in enumerate(cell):
            lines.setdefault(node, []).append(cell)
    out = {cell for cell, people in table.items() if 0 < people < fewest}
    while weak := next(_weak_lines(table, lines, out, fewest), None):
        # the fewest people lost; inside the table before margins; zeros last, they hide nobody
        out.add(min(weak - out, key=lambda cell: (not table[cell], ALL in cell, table[cell], cell)))
    return out


def _weak_lines(
    table: Mapping[Cell, int], lines: Mapping[Node, Sequence[Cell]], out: set[Cell], fewest: int
) -> Iterator[set[Cell]]:
    """Lines in which another cell must be left out, and can be."""
    for (_, name), cells in lines.items():
        hidden = out.intersection(cells)
        sum_shown = name == ALL or not any(ALL in cell for cell in hidden)
        small = sum_shown and 0 < sum(table[cell] for cell in hidden) < fewest
        if hidden and len(hidden) < len(cells) and (len(hidden) == 1 or small):
            yield set(cells)
    for cell in _bridges(out):
        for node in enumerate(cell):
            if not out.issuperset(lines[node]):
                yield set(lines[node])


def _bridges(cells: set[Cell]) -> list[Cell]:
    """Cells without which their row and their column are not connected (Tarjan 1974)."""
    found: list[Cell] = []
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    ways: dict[Node, list[tuple[Cell, Node]]] = {}
    for cell in sorted(cells):
        row, column = enumerate(cell)
        ways.setdefault(row, []).append((cell, column))
        ways.setdefault(column, []).append((cell, row))

    def visit(node: Node, came_by: Cell | None) -> None:
        # as deep as twice the shorter side of the table
        order[node] = low[node] = len(order)
        for cell, other in ways[node]:
            if cell == came_by:
                continue
            if other in order:
                low[node] = min(low[node], order[other])
                continue
            visit(other, cell)
            low[node] = min(low[node], low[other])
            if low[other] > order[node]:
                found.append(cell)

    for node in ways:
        if node not in order:
            visit(node, None)
    return found
