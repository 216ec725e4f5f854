"""What of a cohort's tables may leave the circle of those who teach it.

No row of a student and no name of a colleague; numbers of few people are left out, and so is what
gives them away. What is published makes small tables that share nothing but their totals, so that
each can be judged by itself: no sums over subjects are given, and means only to a tenth of a grade,
so that a single student does not follow from two groups that differ by one.
"""

import re
from collections.abc import Sequence

import polars as pl

from edu_pipeline.attainment.groups import GROUP
from edu_pipeline.attainment.matrix import protected_matrix
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.outcomes import BELOW, COHORT, EXCEEDED, MET, SUBJECT
from edu_pipeline.attainment_settings import Attainment
from edu_pipeline.disclosure import ALL as MARGIN
from edu_pipeline.disclosure import suppressed
from edu_pipeline.model.attainment import ALL, INCLUDED

SHAREABLE_COLUMNS = frozenset(
    {
        "gender",
        "sex",
        "pp",
        "ppi",
        "pupilpremium",
        "disadvantaged",
        "fsm",
        "fsm6",
        "everfsm",
        "freeschoolmeals",
        "sen",
        "senstatus",
        "send",
        "eal",
        "ethnicity",
        "lac",
        "cla",
        "yeargroup",
        "priorattainment",
        "band",
        "house",
    }
)
"""Columns whose values name nobody, in small letters without spaces; a class or a tutor may."""
_DECIMALS = 1
_INSIDE = "·"
"""Before the names inside a table of counts, so that none is taken for its margin."""
OUTCOME_COUNTS = (BELOW, MET, EXCEEDED)
COUNTS = (
    "n",
    "students",
    "absent",
    *OUTCOME_COUNTS,
    "n_residual",
    "row_n",
    "both_4",
    "both_5",
    "identified",
    "in_small",
)
"""Columns with numbers of people."""
_GRADES = ("baseline_grade", "final_grade")
_LEVELS = ("below 4", "4 only", "5 or better")


def shareable(tables: Tables, attainment: Attainment) -> Tables:
    """The tables of the edition for people who do not teach the cohort.

    Where a number is left out, the cell is empty; a group of few has its row, with nothing in it.

    Args:
        tables: `metrics.cohort_tables`.
        attainment: The settings, with `fewest`.
    """
    fewest = attainment.fewest
    progress = _progress(_of_everybodys_kind(tables.attainment_progress), fewest)
    return Tables(
        attainment_outcomes=tables.attainment_outcomes.clear(),
        attainment_subjects=_subjects(_of_everybodys_kind(tables.attainment_subjects), fewest),
        attainment_progress=progress,
        attainment_transitions=_transitions(tables.attainment_transitions, progress, fewest),
        # its columns are those of the transitions: what one leaves out the other would tell
        mock_calibration=tables.mock_calibration.clear(),
        attainment_headlines=_headlines(_of_everybodys_kind(tables.attainment_headlines), fewest),
        attainment_left_out=tables.attainment_left_out.clear(),
        attainment_exclusions=_exclusions(tables.attainment_exclusions, fewest),
        attainment_uniqueness=tables.attainment_uniqueness.clear(),
        attainment_disagreements=tables.attainment_disagreements.clear(),
    )


def _of_everybodys_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of everybody and of groups by columns that name no colleague."""
    columns = rows["group_column"].unique().to_list()
    kept = [name for name in columns if re.sub(r"[\W_]+", "", name.lower()) in SHAREABLE_COLUMNS]
    return rows.filter(pl.col("group_column").is_in([ALL, *kept]))


def _small_groups(rows: pl.DataFrame, keys: Sequence[str], value: str, fewest: int) -> pl.DataFrame:
    """Keys and groups whose number is left out: of few, or giving the few of another group away."""
    out = [rows.filter(pl.col(value) < fewest).select(*keys, *GROUP)]
    groups = rows.filter(pl.col("group_column") != ALL)
    for _, part in groups.group_by(*keys, "group_column"):
        shown = suppressed(
            part.select(pl.lit("").alias("row"), (_INSIDE + pl.col("group")).alias("group"), value),
            "row",
            "group",
            value,
            fewest,
        ).filter(pl.col("row") != MARGIN, pl.col(value).is_not_null())
        shown_groups = shown["group"].str.strip_prefix(_INSIDE)
        out.append(
            part.filter(~pl.col("group").is_in(shown_groups.implode())).select(*keys, *GROUP)
        )
    return pl.concat(out).unique()


def _emptied(rows: pl.DataFrame, hidden: pl.DataFrame, numbers: Sequence[str]) -> pl.DataFrame:
    """Rows without the numbers of those hidden."""
    keys = hidden.columns
    marked = rows.join(
        hidden.with_columns(hidden=pl.lit(value=True)), on=keys, how="left", maintain_order="left"
    )
    shown = pl.col("hidden").is_null()
    return marked.with_columns(pl.when(shown).then(pl.col(name)) for name in numbers).drop("hidden")


def _tenths(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    # adding 0 takes the sign from a negative zero
    return rows.with_columns(pl.col(names).round(_DECIMALS) + 0.0)


def _subjects(rows: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Without the lowest and the highest, who are one student each, and the few who were absent."""
    keys = [COHORT, SUBJECT, "series"]
    hidden = _small_groups(rows, keys, "n", fewest)
    rows = _emptied(rows, hidden, ["n", "q1", "median", "q3", "mean"])
    return _tenths(rows, ["mean"]).with_columns(
        pl.lit(None).cast(rows.schema[name]).alias(name) for name in ("absent", "lowest", "highest")
    )


def _progress(rows: pl.DataFrame, fewest: int) -> pl.DataFrame:
    means = ["mean_difference", "low", "high", "shrunk"]
    residuals = ["residual", "residual_low", "residual_high", "n_residual"]
    hidden = _small_groups(rows, [COHORT, SUBJECT], "students", fewest)
    rows = _tenths(rows, [*means, *residuals[:3]])
    rows = _emptied(rows, hidden, ["n", "students", *means, *residuals])
    rows = rows.with_columns(
        pl.when(pl.col("n_residual") >= fewest).then(pl.col(name)) for name in residuals
    )
    # a sum over subjects would tie their tables together
    rows = rows.with_columns(n=pl.when(pl.col(SUBJECT) != ALL).then(pl.col("n")))
    return _outcome_counts(rows, fewest)


def _outcome_counts(rows: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """below, met and exceeded of each subject; not of groups, nor of all subjects together."""
    counted = (pl.col("group_column") == ALL) & (pl.col(SUBJECT) != ALL) & pl.col("n").is_not_null()
    hidden = []
    for row in rows.filter(counted).iter_rows(named=True):
        one = pl.DataFrame(
            [("", name, row[name]) for name in OUTCOME_COUNTS],
            schema={"row": pl.String, "outcome": pl.String, "n": pl.Int64},
            orient="row",
        )
        shown = suppressed(one, "row", "outcome", "n", fewest).filter(pl.col("row") != MARGIN)
        hidden += [
            (row[COHORT], row[SUBJECT], name)
            for name in shown.filter(pl.col("n").is_null())["outcome"]
        ]
    out = pl.DataFrame(
        hidden, schema={COHORT: pl.String, SUBJECT: pl.String, "outcome": pl.String}, orient="row"
    )
    for name in OUTCOME_COUNTS:
        rows = _emptied(rows, out.filter(pl.col("outcome") == name).select(COHORT, SUBJECT), [name])
    return rows.with_columns(pl.when(counted).then(pl.col(name)) for name in OUTCOME_COUNTS)


def _transitions(rows: pl.DataFrame, progress: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Matrices of everybody in one subject; of which below, met and exceeded tell as well."""
    parts = [rows.clear()]
    everybody = rows.filter(pl.col("group_column") == ALL, pl.col(SUBJECT) != ALL)
    told = progress.filter(pl.col("group_column") == ALL)
    for (cohort, subject), part in everybody.group_by(COHORT, SUBJECT, maintain_order=True):
        known = told.row(
            by_predicate=(pl.col(COHORT) == cohort) & (pl.col(SUBJECT) == subject), named=True
        )
        hidden_outcomes = {
            sign
            for sign, name in zip((-1, 0, 1), OUTCOME_COUNTS, strict=True)
            if known[name] is None
        }
        cells = {(base, final): n for base, final, n in part.select(*_GRADES, "n").iter_rows()}
        shown = protected_matrix(cells, hidden_outcomes, fewest)
        matrix = pl.DataFrame(
            [(*place, *counts) for place, counts in shown.items()],
            schema=dict.fromkeys((*_GRADES, "n", "row_n"), pl.Int64),
            orient="row",
        )
        one = part.select(COHORT, SUBJECT, *GROUP, "compared").head(1)
        parts.append(one.join(matrix, how="cross").select(rows.columns))
    return pl.concat(parts)


def _headlines(rows: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """4 or better and 5 or better, where neither tells of a few; `students` would, with `n`."""
    both_4, both_5 = ["both_4"], ["both_5"]
    for names in (both_4, both_5):
        names += [f"{names[0]}_{end}" for end in ("share", "low", "high")]
    known: set[tuple[str, ...]] = set()
    for (cohort, column), part in rows.group_by(COHORT, "group_column"):
        cells = [
            (_INSIDE + row["group"], level, count)
            for row in part.iter_rows(named=True)
            for level, count in zip(
                _LEVELS,
                (row["n"] - row["both_4"], row["both_4"] - row["both_5"], row["both_5"]),
                strict=True,
            )
        ]
        counts = pl.DataFrame(
            cells, schema={"group": pl.String, "level": pl.String, "n": pl.Int64}, orient="row"
        )
        shown = suppressed(counts, "group", "level", "n", fewest)
        of_all = shown.filter(pl.col("group") == MARGIN)
        if column != ALL and of_all["n"].null_count():
            continue
        known |= {
            (str(cohort), str(column), group.removeprefix(_INSIDE), level)
            for group, level, n in shown.iter_rows()
            if n is not None and group != MARGIN
        }
    places = pl.DataFrame(
        list(known),
        schema={COHORT: pl.String, **dict.fromkeys(GROUP, pl.String), "level": pl.String},
        orient="row",
    )
    keys = [COHORT, *GROUP]
    counted = places.filter(pl.col("level") == MARGIN).select(keys)
    for names, level in ((["n"], MARGIN), (both_4, _LEVELS[0]), (both_5, _LEVELS[2])):
        # a share of nobody knows how many tells how many by its interval
        shown = places.filter(pl.col("level") == level).join(counted, on=keys, how="semi")
        shown = shown.select(keys)
        hidden = rows.select(COHORT, *GROUP).join(shown, on=[COHORT, *GROUP], how="anti")
        rows = _emptied(rows, hidden, names)
    return rows.with_columns(pl.lit(None).cast(pl.Int64).alias("students"))


def _exclusions(rows: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """How many are left out for which reason, where they are many; who is in it is told elsewhere."""
    many = pl.when(pl.col("students") >= fewest).then(pl.col("students"))
    return rows.filter(pl.col("reason") != INCLUDED).with_columns(students=many)


def small_numbers(tables: Tables, fewest: int) -> int:
    """How many numbers of few people stand in these tables: none, in a shareable edition."""
    return sum(
        int(((table[name] > 0) & (table[name] < fewest)).sum())
        for table in tables.named().values()
        for name in COUNTS
        if table.schema.get(name) == pl.Int64
    )
