"""Attainment 8, EBacc entry and EBacc average point score, by student and by group.

By the rules of the Department for Education for key stage 4 in 2024/25 ("Secondary accountability
measures: 2025 guidance for maintained secondary schools, academies and free schools", 16 October 2025).
What they ask for and no export says is not made up: which entries discount each other, which was the
first, and which qualifications besides GCSEs are approved; `[attainment] uncounted` takes out what does
not count. There is no Progress 8 for 2024/25 and 2025/26, whose students have no results of key stage 2.
Pure.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from edu_pipeline.attainment.groups import GROUP, by_group
from edu_pipeline.attainment.outcomes import (
    COHORT,
    STUDENT,
    SUBJECT,
    as_table,
    scale_by_subject,
    series_compared,
)
from edu_pipeline.chance.noise import t_half_width, wilson
from edu_pipeline.model.attainment import ALL, AttainmentMeasures, AttainmentPerformance
from edu_pipeline.model.grades import HIGHEST, KS4, SCALES, STAGES, VOCATIONAL
from edu_pipeline.model.subjects import subject_key
from edu_pipeline.settings.attainment import Attainment

RULES = "2024/25"
_LANGUAGE, _LITERATURE, _UNSURE = "english language", "english literature", "english"
_KINDS: Mapping[str, str] = {
    **dict.fromkeys((_LANGUAGE, _LITERATURE, _UNSURE), "english"),
    # since 2018 the only GCSE that is called Science is the combined one, of two grades
    **dict.fromkeys(("combined science", "science"), "combined"),
    **dict.fromkeys(("biology", "chemistry", "physics", "computer science"), "single"),
    **dict.fromkeys(("geography", "history", "ancient history"), "humanity"),
    **dict.fromkeys(
        (
            *("french", "german", "spanish", "italian", "mandarin", "latin", "greek", "hebrew"),
            *("arabic", "urdu", "polish", "russian", "portuguese", "japanese", "turkish", "dutch"),
            *("panjabi", "bengali", "gujarati", "persian"),
        ),
        "language",
    ),
}
"""Subject → what it is in the EBacc; any other is open."""
_NO_GCSE = frozenset(
    {
        *("creative imedia", "enterprise", "hospitality and catering", "health and social care"),
        *("child development", "travel and tourism", "information technology", "animal care"),
        *("sport", "public services", "hair and beauty", "performing arts", "extended project"),
        *("construction", "further mathematics", "additional mathematics", "music technology"),
    }
)
"""Subjects in which there is no GCSE from 9 to 1."""
_OF_OTHERS = ("btec", "cambridge nat", "cnat", "ncfe", "vcert", "v cert", "level", "vocational")
"""What the names of other qualifications have."""
_NEVER = ("short course", "entry level")
_SLOTS, _OF_A_KIND, _EBACC = 10, 3, 6
_SINGLES = 3
"""Of the four single sciences, so many make the science of the EBacc, by the best two."""
UNSURE_ENGLISH = "English is language, literature or both: not said"
NO_RESULT = "no result in any subject"
PART_OF_A_FILE = "few students of the file have results for six of the eight slots"
_ENOUGH = 6
"""Of English, maths and the three and three others: who fills fewer has other subjects elsewhere."""


def kinds(scales: Mapping[str, str], attainment: Attainment) -> Mapping[str, str]:
    """Subject of a cohort → what it is for the measures.

    That is english language, english literature, english (it is not said which), maths, combined, single,
    humanity, language, open, or none: it does not count. Where literature is a subject of its own and
    language is none, English is language. Awards that are no GCSEs are open, whatever their subject.

    Args:
        scales: Subject → its scale.
        attainment: The cohort's settings.
    """
    keys = {name: subject_key(name) for name in scales}
    maths = set(map(subject_key, attainment.maths))
    english = set(map(subject_key, attainment.english)) | {_UNSURE}
    uncounted = set(map(subject_key, attainment.uncounted))
    plain = _UNSURE if _LITERATURE not in keys.values() or _LANGUAGE in keys.values() else _LANGUAGE
    found = {}
    for name, key in keys.items():
        if key in uncounted or any(words in name.casefold() for words in _NEVER):
            found[name] = "none"
        elif scales[name] in VOCATIONAL:
            found[name] = "open"
        elif key in (_LANGUAGE, _LITERATURE):
            found[name] = key
        elif key in maths:
            found[name] = "maths"
        else:
            found[name] = plain if key in english else _KINDS.get(key, "open")
    return found


def taken_for_approved(scales: Mapping[str, str], attainment: Attainment) -> Sequence[str]:
    """Subjects that are counted as approved technical awards, because no export says whether they are."""
    counted = [name for name, kind in kinds(scales, attainment).items() if kind == "open"]
    return sorted(
        name
        for name in counted
        if scales[name] in VOCATIONAL
        or subject_key(name) in _NO_GCSE
        or any(words in name.casefold() for words in _OF_OTHERS)
    )


def _grades(points: pl.Expr) -> pl.Expr:
    """Points of grades that boards give: a fine one, such as 5+, counts as the whole one."""
    given = {value for scale in SCALES.values() for value in scale.grades.values()}
    of_a_board = (2 * points == (2 * points).floor()) | points.is_in(sorted(given))
    return pl.when(of_a_board).then(points).otherwise("whole")


def attainment_measures(
    outcomes: pl.DataFrame, students: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """The measures of every student, of the results that stand against the baseline.

    English is the better of language and literature, doubled where both have a result; maths is doubled;
    three slots are for EBacc subjects, three for what is left. Combined science is two grades, of which
    each may be anywhere. A slot of nothing is 0, and so is a U.

    Args:
        outcomes: `attainment_outcomes` of one cohort.
        students: `CohortStudents` of it.
        attainment: Its settings.

    Returns:
        `AttainmentMeasures`; nothing of a cohort of 16 to 18.
    """
    of, kind, points = [COHORT, STUDENT], pl.col("kind"), pl.col("result")
    outcomes = outcomes.filter(pl.col("scale").is_in(STAGES[KS4]))
    known = kinds(scale_by_subject(outcomes), attainment)
    entries = (
        outcomes.filter(points.is_not_null())
        .with_columns(result=_grades(points))
        .select(
            *of,
            SUBJECT,
            "result",
            "provisional",
            kind=pl.col(SUBJECT).replace_strict(known, return_dtype=pl.String),
        )
        .filter(kind != "none")
        # the best of a student come first, and of equal ones always the same
        .sort(*of, points, SUBJECT, descending=[False, False, True, False])
    )
    english = entries.filter(kind.is_in([_LANGUAGE, _LITERATURE, _UNSURE]))
    pool = entries.filter(kind.is_in(["combined", "single", "humanity", "language"]))
    twice = pl.concat([pool, pool.filter(kind == "combined")])
    ebacc, left = _best(twice, of)
    lower = english.filter(pl.int_range(pl.len()).over(of) > 0)
    open_, _ = _best(pl.concat([left, lower, entries.filter(kind == "open")]), of)
    singles = pool.filter(kind == "single", (kind == "single").sum().over(of) >= _SINGLES)
    parts = [
        entries.group_by(of).agg(
            provisional=pl.col("provisional").any(),
            unsure=(kind == _UNSURE).any(),
            english=points.filter(kind.is_in([_LANGUAGE, _LITERATURE])).max(),
            english_doubled=kind.is_in([_LANGUAGE]).any() & kind.is_in([_LITERATURE]).any(),
            **{
                name: points.filter(kind == name).max()
                for name in ("maths", "humanity", "language")
            },
            combined=2 * points.filter(kind == "combined").max(),
        ),
        _bucket(ebacc, of, "ebacc"),
        _bucket(open_, of, "open"),
        singles.group_by(of, maintain_order=True).agg(two_singles=points.head(2).sum()),
    ]
    found = students.filter("in_results").select(of).join(outcomes, on=COHORT, how="semi")
    for part in parts:
        found = found.join(part, on=of, how="left")
    both, unsure = (pl.col(name).fill_null(value=False) for name in ("english_doubled", "unsure"))
    sure = pl.col("why_not").is_null()
    zero = {name: pl.col(name).fill_null(0) for name in ("english", "maths", "ebacc", "open")}
    pillars = [
        pl.when(both).then("english"),
        pl.col("maths"),
        pl.max_horizontal("combined", "two_singles"),
        pl.col("humanity"),
        pl.col("language"),
    ]
    total = zero["english"] * pl.when(both).then(2).otherwise(1) + 2 * zero["maths"]
    return as_table(
        AttainmentMeasures,
        found.with_columns(
            why_not=pl.when(pl.col("provisional").is_null())
            .then(pl.lit(NO_RESULT))
            .when(unsure)
            .then(pl.lit(UNSURE_ENGLISH))
        )
        .with_columns(
            rules=pl.lit(RULES),
            provisional=pl.col("provisional").fill_null(value=False),
            english_doubled=both,
            attainment_8=pl.when(sure).then(total + zero["ebacc"] + zero["open"]),
            ebacc_entered=pl.when(sure).then(pl.all_horizontal(p.is_not_null() for p in pillars)),
            ebacc_points=pl.when(sure).then(pl.sum_horizontal(pillars) / _EBACC),
            **{
                name: pl.when(sure).then(pl.col(name).fill_null(0))
                for name in ("ebacc", "ebacc_filled", "open", "open_filled")
            },
        )
        .with_columns(average_grade=pl.col("attainment_8") / _SLOTS),
    )


def of_whole_files(measures: pl.DataFrame) -> pl.DataFrame:
    """Measures without those of cohorts whose files have but a part of what students take.

    Where not half of the students fill six of the eight slots, nobody can say which others are empty.

    Args:
        measures: `AttainmentMeasures`.
    """
    known = pl.col("attainment_8").is_not_null()
    filled = (
        pl.col("english").is_not_null().cast(pl.Int64)
        + pl.col("maths").is_not_null().cast(pl.Int64)
        + pl.col("ebacc_filled")
        + pl.col("open_filled")
    )
    whole = (known & (filled >= _ENOUGH)).sum().over(COHORT)
    held = known & (2 * whole < known.sum().over(COHORT))
    figures = (
        *("attainment_8", "average_grade", "ebacc_entered", "ebacc_points"),
        *("ebacc", "ebacc_filled", "open", "open_filled"),
    )
    return measures.with_columns(
        *(pl.when(~held).then(pl.col(name)).alias(name) for name in figures),
        why_not=pl.when(held).then(pl.lit(PART_OF_A_FILE)).otherwise("why_not"),
    )


def _best(entries: pl.DataFrame, of: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each student's best three, and the others."""
    ranked = entries.sort(*of, "result", SUBJECT, descending=[False, False, True, False])
    best = pl.int_range(pl.len()).over(of) < _OF_A_KIND
    return ranked.filter(best), ranked.filter(~best)


def _bucket(entries: pl.DataFrame, of: Sequence[str], name: str) -> pl.DataFrame:
    """Points, how many slots are filled, and from what in words."""
    return entries.group_by(of, maintain_order=True).agg(
        pl.col("result").sum().alias(name),
        pl.len().cast(pl.Int64).alias(f"{name}_filled"),
        pl.col(SUBJECT).str.join(", ").alias(f"{name}_from"),
    )


def attainment_performance(
    measures: pl.DataFrame, outcomes: pl.DataFrame, groups: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """Means of the measures with intervals, and shares who entered the EBacc.

    Args:
        measures: `AttainmentMeasures` of one cohort, `of_whole_files`.
        outcomes: `attainment_outcomes` of it.
        groups: `ResultGroups` of it; only columns that are the same over a student's subjects.
        attainment: Its settings.

    Returns:
        `AttainmentPerformance`; nothing where the file has but a part of what students take.
    """
    keys = [COHORT, *GROUP]
    if (measures["why_not"] == PART_OF_A_FILE).any():
        measures = measures.clear()
    rows = by_group(measures, groups)
    doubled = pl.when(pl.col("english_doubled")).then(2).otherwise(1)
    found = rows.group_by(keys, maintain_order=True).agg(
        students=pl.len(),
        n=pl.col("attainment_8").count(),
        provisional=pl.col("provisional").sum(),
        **{
            f"mean_{name}": value.filter(pl.col("attainment_8").is_not_null()).mean()
            for name, value in {
                "english": pl.col("english").fill_null(0) * doubled,
                "maths": 2 * pl.col("maths").fill_null(0),
                **{name: pl.col(name) for name in ("ebacc", "ebacc_filled", "open", "open_filled")},
            }.items()
        },
        **{name: pl.col(name).mean() for name in ("attainment_8", "ebacc_points")},
        **{f"{name}_sd": pl.col(name).std() for name in ("attainment_8", "ebacc_points")},
        ebacc_entered=pl.col("ebacc_entered").sum(),
    )
    n = found["n"].cast(pl.Float64).to_numpy()
    for name, most in (("attainment_8", _SLOTS * HIGHEST), ("ebacc_points", HIGHEST)):
        error = found.select(pl.col(f"{name}_sd") / pl.col("n").sqrt()).to_series().fill_null(0)
        half = pl.Series(t_half_width(error.to_numpy(), n - 1)).fill_nan(None)
        ends = {"low": pl.col(name) - half, "high": pl.col(name) + half}
        found = found.with_columns(
            end.clip(0, most).alias(f"{name}_{which}") for which, end in ends.items()
        )
    low, high = wilson(found["ebacc_entered"].cast(pl.Float64).to_numpy(), n)
    there = outcomes.filter(pl.col("result").is_not_null()).with_columns(pl.lit(ALL).alias(SUBJECT))
    compared = series_compared(there, attainment).drop(SUBJECT)
    return as_table(
        AttainmentPerformance,
        found.with_columns(
            rules=pl.lit(RULES),
            ebacc_entered_share=(pl.col("ebacc_entered") / pl.col("n")).fill_nan(None),
            ebacc_entered_low=pl.Series(low).fill_nan(None),
            ebacc_entered_high=pl.Series(high).fill_nan(None),
        ).join(compared, on=COHORT, how="left"),
    )
