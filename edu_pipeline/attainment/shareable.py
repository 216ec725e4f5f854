"""What of a cohort's tables may leave the circle of those who teach it.

No row of a student, no name of a colleague, no number of few people, and nothing from which one
follows, also not by a row that is there or missing. So that this can be seen without solving anything,
there is

- one number of people per subject, wherever it stands: those compared. Of others (with a grade in a
  mock, with other subjects, in English and maths, in any subject) there is none, because their
  difference from it would be the few who are missing; and none of a group, because in a subject that
  one student less takes it would tell which group that is;
- no row of a subject that few take: it might as well be taken by nobody;
- one decision per subject and column of the export: all groups of the column that the cohort has are
  there in all tables, or none of them. None, where one of them is of few or nobody in this subject, or
  in one that nearly the same students take, or where all of one have the same grade;
- no share of nearly nobody or nearly everybody, which would tell of each of them.

Means are to a tenth of a grade, so that a student does not follow from groups that differ by one.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

import polars as pl

from edu_pipeline.attainment.groups import GROUP
from edu_pipeline.attainment.matrix import protected_matrix
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.outcomes import (
    AND,
    BELOW,
    COHORT,
    EXCEEDED,
    MET,
    STUDENT,
    SUBJECT,
)
from edu_pipeline.model.attainment import ALL, INCLUDED
from edu_pipeline.model.grades import HIGHEST, U
from edu_pipeline.settings.attainment import Attainment

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
SHARED = (
    "attainment_subjects",
    "attainment_progress",
    "attainment_transitions",
    "attainment_headlines",
    "attainment_exclusions",
)
"""Tables of which some may leave; the others are of students, or the two of a kind tell of few: the
calibration has the columns of the transitions, measures and forecasts count nearly those of headlines."""
_DECIMALS = 1
NEARLY_NOBODY = 0.05
"""A share up to this, or from all but this, is not told (NCES 2012-151 masks the ends likewise)."""
_STEPS = (0.01, 0.02, 0.05)
"""To which headline shares are rounded."""
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
_COLUMN = (COHORT, SUBJECT, "group_column")
_ROW = (COHORT, SUBJECT, *GROUP)


def shareable(tables: Tables, attainment: Attainment) -> Tables:
    """The tables of the edition for people who do not teach the cohort.

    What is not decided here to be told is left out. A number that is left out beside others is empty.

    Args:
        tables: `metrics.cohort_tables`.
        attainment: The settings, with `fewest`.
    """
    fewest = attainment.fewest
    subjects, progress = map(
        _of_everybodys_kind, (tables.attainment_subjects, tables.attainment_progress)
    )
    together = _taken_together(tables.attainment_outcomes, fewest)
    kept = _kept(subjects, progress, together, fewest)
    to_share = _progress(progress, kept, fewest)
    told = (
        _subjects(subjects, progress, kept, fewest),
        to_share,
        _transitions(tables.attainment_transitions, progress, to_share, fewest),
        _headlines(_of_everybodys_kind(tables.attainment_headlines), fewest),
        _exclusions(tables.attainment_exclusions, kept, fewest),
    )
    nothing = {name: table.clear() for name, table in tables.named().items()}
    return Tables(**(nothing | dict(zip(SHARED, told, strict=True))))


def _of_everybodys_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of everybody and of groups by columns that name no colleague."""
    columns = rows["group_column"].unique().to_list()
    kept = [name for name in columns if re.sub(r"[\W_]+", "", name.lower()) in SHAREABLE_COLUMNS]
    return rows.filter(pl.col("group_column").is_in([ALL, *kept]))


def _few(number: pl.Expr, fewest: int) -> pl.Expr:
    return (number > 0) & (number < fewest)


def _kept(
    subjects: pl.DataFrame, progress: pl.DataFrame, together: pl.DataFrame, fewest: int
) -> pl.DataFrame:
    """cohort, subject, column and group of which there are rows: in all tables, or in none.

    A group that is of many wherever everybody is (with a grade in a series, compared, with another
    subject), and of whom not all are alike. All groups that a column has in the cohort are, or none
    is: one that nobody or few of a subject are in would tell of the others. And all subjects that nearly the
    same students take, or none: who takes one only would be told by the difference.
    """
    n, alike = pl.col("n"), pl.lit(value=False)
    the_same = (pl.col("lowest") == pl.col("highest")) & (n > 1)
    at_an_end = pl.col("mean").round(_DECIMALS).is_in([U, HIGHEST])
    measured = [
        subjects.select(*_ROW, "n", of="series", alike=the_same | at_an_end),
        progress.select(*_ROW, n="students", of=pl.lit(""), alike=pl.col("low") == pl.col("high")),
        progress.select(*_ROW, n="n_residual", of=pl.lit(" residual"), alike=alike),
    ]
    found = pl.concat(
        rows.with_columns(pl.col("alike").fill_null(value=False)) for rows in measured
    )
    everybody = pl.col("group_column") == ALL
    of_many = found.filter(everybody, n >= fewest).select(COHORT, SUBJECT, "of")
    groups = found.select(COHORT, *GROUP).unique()
    every = of_many.join(groups, on=COHORT).join(found, on=[*_ROW, "of"], how="left")
    every = every.join(together, on=[COHORT, SUBJECT], how="left")
    fine = (n.fill_null(0) >= fewest) & ~pl.col("alike").fill_null(value=True)
    alone, beside = fine.all().over(_COLUMN), fine.all().over(COHORT, "together", "group_column")
    return (
        every.filter(pl.when(everybody).then(alone).otherwise(beside))
        .select(_ROW)
        .unique()
        .sort(_ROW)
    )


def _taken_together(outcomes: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """cohort, subject and `together`: the same name for subjects that nearly the same students take.

    Nearly: fewer than `fewest` take but one of two; and what is nearly the same as a third is so too.
    """
    rows = outcomes.filter(pl.col("result").is_not_null()).select(COHORT, STUDENT, SUBJECT)
    found = []
    for (cohort,), part in pl.concat(
        [rows, rows.with_columns(pl.lit(ALL).alias(SUBJECT)).unique()]
    ).group_by(COHORT, maintain_order=True):
        takers = {
            str(subject): set(of[STUDENT])
            for (subject,), of in part.sort(SUBJECT).group_by(SUBJECT)
        }
        named = {subject: subject for subject in takers}
        for one, other in combinations(sorted(takers), 2):
            if len(takers[one] ^ takers[other]) < fewest:
                old, new = named[other], named[one]
                named = {subject: new if at == old else at for subject, at in named.items()}
        found += [(cohort, subject, at) for subject, at in named.items()]
    schema = dict.fromkeys((COHORT, SUBJECT, "together"), pl.String)
    return pl.DataFrame(found, schema=schema, orient="row")


def _only_where(told: pl.Expr, names: Sequence[str]) -> Sequence[pl.Expr]:
    return [pl.when(told).then(pl.col(name)).alias(name) for name in names]


def _tenths(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    # adding 0 takes the sign from a negative zero
    return rows.with_columns(pl.col(names).round(_DECIMALS) + 0.0)


def _subjects(
    rows: pl.DataFrame, progress: pl.DataFrame, kept: pl.DataFrame, fewest: int
) -> pl.DataFrame:
    """Boxes without the ends, who are one student each, and without the few who were absent.

    Every group has a row for every series that many of the cohort have in some subject. `n` is told
    of everybody, of series that exactly as many have as are compared; where nobody has a baseline, as
    have the result.
    """
    columns, by_subject = rows.columns, (COHORT, SUBJECT)
    n, students = pl.col("n"), pl.col("students")
    people = progress.select(*_ROW, "compared", "students")
    rows = rows.join(kept, on=_ROW, how="semi").join(people, on=_ROW, how="left")
    of_result = n.filter(pl.col("series") == pl.col("compared")).max().over(_ROW)
    one = pl.when((students > 0).any().over(by_subject)).then(students).otherwise(of_result)
    same = (n == one).fill_null(value=False) & (pl.col("group_column") == ALL)
    # where many of everybody have a series, many of every group have that is kept
    rows = rows.with_columns(same=same).filter(n.max().over(*by_subject, "series") >= fewest)
    every = kept.filter(pl.col(SUBJECT) != ALL).join(
        rows.select(COHORT, "series").unique(), on=COHORT
    )
    rows = every.join(rows, on=[*_ROW, "series"], how="left").with_columns(
        *_only_where(pl.col("same"), ["n"]),
        scale=pl.col("scale").drop_nulls().first().over(by_subject),
    )
    ends = [pl.lit(None, rows.schema[name]).alias(name) for name in ("absent", "lowest", "highest")]
    return _tenths(rows.with_columns(ends), ["mean"]).select(columns).sort(*_ROW, "series")


def _progress(rows: pl.DataFrame, kept: pl.DataFrame, fewest: int) -> pl.DataFrame:
    means = ["mean_difference", "low", "high", "shrunk"]
    residuals = ["residual", "residual_low", "residual_high"]
    rows = _tenths(rows.join(kept, on=_ROW, how="semi", maintain_order="left"), means + residuals)
    told = pl.col("students") >= fewest
    # with those who are in any subject, the few without this one would be told
    counted = told & (pl.col(SUBJECT) != ALL) & (pl.col("group_column") == ALL)
    # what subjects are compared in that are not there is not said either
    there = {
        str(cohort): set(part["compared"])
        for (cohort,), part in rows.filter(pl.col(SUBJECT) != ALL).group_by(COHORT)
    }
    in_all = pl.struct(COHORT, "compared").map_elements(
        lambda row: AND.join(
            name
            for name in (row["compared"] or "").split(AND)
            if name in there.get(row[COHORT], ())
        ),
        pl.String,
    )
    return rows.with_columns(
        *_only_where(told, means),
        *_only_where(told & (pl.col("n_residual") >= fewest), residuals),
        *_only_where(counted & _outcomes_told(fewest), OUTCOME_COUNTS),
        *_only_where(counted, ["n", "students"]),
        compared=pl.when(pl.col(SUBJECT) == ALL).then(in_all).otherwise("compared"),
        n_residual=pl.lit(None, pl.Int64),
    )


def _outcomes_told(fewest: int) -> pl.Expr:
    """Of everybody, where many are below and many above; that nobody met a decimal tells nothing."""
    many = pl.max_horizontal(NEARLY_NOBODY * pl.col("n"), pl.lit(fewest - 1)).alias("many")
    below, met, exceeded = (pl.col(name) for name in OUTCOME_COUNTS)
    return (
        (pl.col("group_column") == ALL)
        & (below > many)
        & (exceeded > many)
        & ((met == 0) | (met > many))
    )


def _transitions(
    rows: pl.DataFrame, progress: pl.DataFrame, to_share: pl.DataFrame, fewest: int
) -> pl.DataFrame:
    """Matrices of everybody in one subject, in rows of many; a cell that is not there is of nobody or few.

    Of a row whose sum is left out, its cells alone would say where its few are. Where (nearly) all
    of a row, or of a subject, fared alike, there is no matrix.
    """
    parts = [rows.clear()]
    everybody = pl.col("group_column") == ALL, pl.col(SUBJECT) != ALL
    told = to_share.filter(*everybody, pl.col("n").is_not_null())
    for row in told.select(COHORT, SUBJECT, outcomes=pl.col(BELOW).is_not_null()).iter_rows():
        cohort, subject, outcomes = row
        of = (pl.col(COHORT) == cohort, pl.col(SUBJECT) == subject)
        part, counts = rows.filter(*everybody, *of), progress.filter(*everybody, *of)
        alike = counts.select(pl.max_horizontal(OUTCOME_COUNTS) / pl.col("n")).item()
        in_row = (
            part.filter(pl.col("row_n") >= fewest)["n"]
            / part.filter(pl.col("row_n") >= fewest)["row_n"]
        )
        if max([alike, *in_row]) >= 1 - NEARLY_NOBODY:
            continue
        cells = {(base, final): n for base, final, n in part.select(*_GRADES, "n").iter_rows()}
        shown = protected_matrix(cells, () if outcomes else (-1, 0, 1), fewest)
        matrix = pl.DataFrame(
            [(*place, n, row_n) for place, (n, row_n) in shown.items() if n and row_n is not None],
            schema=dict.fromkeys((*_GRADES, "n", "row_n"), pl.Int64),
            orient="row",
        )
        one = part.select(COHORT, SUBJECT, *GROUP, "compared").head(1)
        parts.append(one.join(matrix, how="cross").select(rows.columns))
    return pl.concat(parts)


def _headlines(rows: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Shares of 4 or better and of 5 or better, as coarse as any number of students could have them.

    Columns of which no share is told have no rows: which groups there are would be told.
    How many have both, beside those compared in English or in maths, would tell the few who have one
    only; so would a count, an interval or a fine share. A share to 2 % fits any 50 students or more.
    """
    n, columns = pl.col("n"), rows.columns
    step = pl.coalesce(pl.when(n * size >= 1).then(pl.lit(size)) for size in _STEPS)
    rows = rows.with_columns(step=step)
    by_column = (COHORT, "group_column")
    only_4 = pl.col("both_4") - pl.col("both_5")
    many = pl.col("step").is_not_null() & (n >= fewest)
    for name, others in (("both_4", pl.lit(0)), ("both_5", only_4)):
        reached, share = pl.col(name), f"{name}_share"
        missed = n - reached
        told = (
            many
            & (reached >= fewest)
            & (missed >= fewest)
            & (pl.min_horizontal(reached, missed) > NEARLY_NOBODY * n)
            & ~_few(others, fewest)
        )
        rounded = ((reached / n / pl.col("step")).round() * pl.col("step")).round(2)
        ends = (rounded > NEARLY_NOBODY) & (rounded < 1 - NEARLY_NOBODY)
        told = (told & ends).fill_null(value=False).all().over(by_column)
        rows = rows.with_columns(pl.when(told).then(rounded).alias(f"{share} told"))
    names = [f"{name}_share" for name in ("both_4", "both_5")]
    kept = {COHORT, *GROUP, "compared"}
    some = pl.any_horizontal(pl.col(f"{name} told").is_not_null().any() for name in names)
    return (
        rows.filter(some.over(by_column))
        .with_columns(
            pl.col(f"{name} told").alias(name) if name in names else pl.lit(None, dtype).alias(name)
            for name, dtype in rows.select(columns).schema.items()
            if name not in kept
        )
        .select(columns)
    )


def _exclusions(rows: pl.DataFrame, kept: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """How many are not compared for which reason, where they are many.

    Of the other figures nothing: they count nearly the same people, and reasons would follow.
    """
    return rows.filter(
        pl.col("figure") == "progress",
        pl.col("reason") != INCLUDED,
        pl.col("students") >= fewest,
    ).join(kept, on=[COHORT, SUBJECT], how="semi", maintain_order="left")


def small_numbers(tables: Tables, fewest: int) -> int:
    """How much in these tables tells of few people: nothing, in a shareable edition.

    Numbers of few, differences of few between two numbers of the same group, wherever they stand, or
    between everybody and the groups that are there, or between a sum and its parts; rows of a matrix
    with one cell only, or without a sum; shares of nearly nobody or everybody; and rows that tell by
    being there, or by not being there beside others.
    """
    of_few = sum(
        table.filter(_few(pl.col(name), fewest)).height
        for table in tables.named().values()
        for name in COUNTS
        if table.schema.get(name) == pl.Int64
    )
    return (
        of_few
        + sum(_few_between(tables, fewest))
        + _telling_rows(tables)
        + _ends(tables)
        + sum(_missing_beside_others(tables))
    )


def _missing_beside_others(tables: Tables) -> Iterator[int]:
    """How many rows say by what is empty or absent that somewhere is nobody, or few.

    Rows with nothing in them; groups that a column has in one place and not in another; series that
    one group has and another does not.
    """
    figures = {
        "attainment_subjects": ("median", "n"),
        "attainment_progress": ("mean_difference", "residual"),
        "attainment_headlines": ("both_4_share", "both_5_share"),
        "attainment_exclusions": ("students",),
        "attainment_transitions": ("n",),
    }
    # boxes have a row for each series, told or not, alike for all
    for name, columns in figures.items():
        table = tables.named()[name]
        keys = [*_ROW] if name == "attainment_subjects" else table.columns
        empty = pl.all_horizontal(pl.col(columns).is_null())
        yield table.filter(empty.all().over(keys)).height
    places = [
        rows.select(COHORT, *GROUP, place=pl.format(f"{name} {{}}", place))
        for name, place in (
            ("attainment_subjects", pl.concat_str(SUBJECT, pl.lit(" "), "series")),
            ("attainment_progress", pl.col(SUBJECT)),
            ("attainment_headlines", pl.lit("")),
        )
        for rows in [tables.named()[name]]
    ]
    told = pl.concat(places).unique()
    of_column, of_place = [COHORT, "group_column"], [COHORT, "group_column", "place"]
    groups = pl.col("group").n_unique()
    yield told.filter(groups.over(of_place) != groups.over(of_column)).height
    one = groups.over(of_column) == 1
    yield told.filter(one, pl.col("group_column") != ALL).height


def _few_between(tables: Tables, fewest: int) -> Iterator[int]:
    """How many differences are of few people."""
    headlines = tables.attainment_headlines.with_columns(pl.lit(ALL).alias(SUBJECT))
    numbers = [
        (tables.attainment_subjects, "n"),
        *((tables.attainment_progress, name) for name in ("n", "students", "n_residual")),
        *((headlines, name) for name in ("n", "students")),
    ]
    # entries of all subjects are no people
    told = pl.concat(
        rows.filter((pl.col(SUBJECT) != ALL) | pl.lit(name == "students" or rows is headlines))
        .select(*_ROW, n=pl.col(name).cast(pl.Int64))
        .drop_nulls("n")
        for rows, name in numbers
    ).unique()
    pairs = told.join(told, on=_ROW)
    yield pairs.filter(_few(pl.col("n") - pl.col("n_right"), fewest)).height
    groups = (
        told.filter(pl.col("group_column") != ALL)
        .group_by(_ROW)
        .agg(pl.col("n").max())
        .group_by(_COLUMN)
        .agg(together=pl.col("n").sum())
    )
    everybody = told.filter(pl.col("group_column") == ALL).select(COHORT, SUBJECT, "n")
    sums = everybody.join(groups, on=[COHORT, SUBJECT])
    yield sums.filter(_few(pl.col("n") - pl.col("together"), fewest)).height
    rest = pl.col("n") - pl.sum_horizontal(OUTCOME_COUNTS)
    some = pl.any_horizontal(pl.col(name).is_not_null() for name in OUTCOME_COUNTS)
    yield tables.attainment_progress.filter(some, _few(rest, fewest)).height
    rows = tables.attainment_transitions.group_by(*_ROW, _GRADES[0]).agg(
        pl.col("n").sum(), pl.col("row_n").first()
    )
    yield rows.filter(_few(pl.col("row_n") - pl.col("n"), fewest)).height
    matrices = rows.filter(pl.col(SUBJECT) != ALL).group_by(_ROW).agg(pl.col("row_n").sum())
    whole = matrices.join(told, on=_ROW)
    yield whole.filter(_few(pl.col("n") - pl.col("row_n"), fewest)).height


def _telling_rows(tables: Tables) -> int:
    """Rows of matrices that say by themselves, or by what is not there, where their people are."""
    rows = tables.attainment_transitions.group_by(*_ROW, _GRADES[0]).agg(
        pl.col("n").max(), pl.col("row_n").first()
    )
    most = pl.col("n") >= (1 - NEARLY_NOBODY) * pl.col("row_n")
    return rows.filter(pl.col("row_n").is_null() | most).height


def _ends(tables: Tables) -> int:
    """Shares of nearly nobody or nearly everybody."""
    shares = tables.attainment_headlines.select("both_4_share", "both_5_share")
    return int(
        shares.select(
            ((pl.all() <= NEARLY_NOBODY) | (pl.all() >= 1 - NEARLY_NOBODY)).sum()
        ).sum_horizontal()[0]
    )
