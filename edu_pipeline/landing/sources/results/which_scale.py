"""On what scale grades stand: those of GCSEs, of another qualification, or none because they are marks. Pure."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import polars as pl

from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.sources.results.asking import FEW, SHOWN, Note, by_cohort, quoted
from edu_pipeline.landing.sources.results.header import normal
from edu_pipeline.landing.sources.results.result_tables import Table, paste
from edu_pipeline.landing.sources.results.series import reference_role
from edu_pipeline.model.grades import (
    GCSE,
    HIGHEST,
    KS4,
    LETTERS,
    POST_16,
    SCALES,
    STAGES,
    is_absent,
    is_fine,
    points_of,
    speaks_of_vocation,
    without_thirds,
)
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.qualifications import kind_of_number
from edu_pipeline.model.subjects import is_double, subject_key
from edu_pipeline.settings.attainment import Attainment

_MARKS = 0.05
"""Share of numbers above the highest grade from which on a column has marks."""
SUBJECT = "subject"
_SHORT = 3
"""Characters of a grade that a sentence shows; what is longer may be anything."""
_AS_LEVEL = r"as[ -]?levels?|gce[ /]?as|advanced subsidiary"
_A_LEVEL = rf"{_AS_LEVEL}|a[ -]?levels?(?! ?[12])|gce|a2"
_OTHER = re.compile(
    r"\b(entry level|el ?[123]|t[ -]?levels?|ib|international baccalaureate)\b", re.IGNORECASE
)
_LEVEL_3 = re.compile(
    rf"\b({_A_LEVEL}|(?:level|lev|l) ?3|ks ?5|key stage 5|sixth form|y(?:ea)?r? ?1[23])\b",
    re.IGNORECASE,
)
_LEVEL_1 = re.compile(
    r"\b(?:level|lev|l) ?1\b(?!\s*(?:/|&|-|and|or)\s*(?:level|l)? ?2)", re.IGNORECASE
)
_LEVEL_2 = re.compile(
    r"\b(gcses?|igcses?|ks ?4|key stage 4|(?:level|lev|l) ?(?:1 ?/ ?)?2)\b", re.IGNORECASE
)
_AWARD = re.compile(
    r"\b(btec|ctec|ncfe|vcert|cache|nvq|cambridge (?:technical|national)s?|(?:extended )?(?:diploma|certificate)|"
    r"applied general|tech(?:nical)? award)\b",
    re.IGNORECASE,
)
"""Words of qualifications that end in distinction, merit and pass."""
_ANY = "*"
"""In `[attainment.qualifications]`: whatever nothing else is said of."""
OTHER, LEVEL_3, AWARD = "other", "level 3", "award"
"""Kinds of qualifications besides the scales': of none that we know; of 16 to 18, whichever it is; one that ends in distinction, merit and pass, of a level that is not said."""
_OF_POST_16 = ("a_level", "as_level", "level_3", LEVEL_3)
_SAID: Mapping[str, str] = {
    "GCSE": GCSE,
    "A level": "a_level",
    "AS level": "as_level",
    "Level 1": "level_1",
    "Level 2": "level_2",
    "Level 3": "level_3",
}
"""What the settings may say of a subject."""


def kind_of(text: str) -> str | None:
    """What kind of qualification a text says: a key of `SCALES`, `OTHER`, `LEVEL_3`, `AWARD`; None: none."""
    spelt = text.replace("_", " ")
    if _OTHER.search(spelt):
        return OTHER
    if _LEVEL_3.search(spelt):
        for kind, words in (("as_level", _AS_LEVEL), ("a_level", _A_LEVEL)):
            if re.search(rf"\b({words})\b", spelt, re.IGNORECASE):
                return kind
        return "level_3" if _AWARD.search(spelt) else LEVEL_3
    if _LEVEL_1.search(spelt):
        return "level_1"
    if _LEVEL_2.search(spelt):
        return "level_2" if _AWARD.search(spelt) else GCSE
    return AWARD if _AWARD.search(spelt) else None


def with_scales(cells: pl.DataFrame, tables: Sequence[Table], settings: Attainment) -> pl.DataFrame:
    """Cells with `kind`, of qualification, and `scale`: a key of `SCALES`; empty where there is none.

    What the settings say wins, then the subject's own name or number, a column of qualifications, the name
    of the final, and those of the series, the sheet and the file, which only say what letters are.

    Args:
        cells: `cohort`, `table`, `row`, `subject`, `series`, `baseline`, `grade`, `spelt` (the subject as
            received) and `received` (the series).
        tables: Of all cohorts.
        settings: The section of `pipeline.toml`.
    """
    kinds = _apart(_with_kinds(cells, tables, settings))
    key = ["cohort", "subject", "kind"]
    grades = _of_exams(kinds, settings).group_by(key).agg(pl.col("plain").unique())
    rows = [(*row[:3], _scale_of(row[2], row[3])) for row in grades.iter_rows()]
    schema = dict.fromkeys([*key, "scale"], pl.String)
    scales = pl.DataFrame(rows, schema=schema, orient="row")
    own = [normal_grade(grade) for grade in settings.grades]
    found = kinds.join(scales, on=key, how="left", nulls_equal=True, maintain_order="left")
    # who has nothing but a baseline in a subject has it on the scale of the others
    of_others = pl.col("scale").drop_nulls().mode().sort().first().over("cohort", "subject")
    filled = (
        pl.when(_held_against(settings))
        .then(pl.coalesce("scale", of_others, pl.lit(GCSE)))
        .otherwise("scale")
    )
    worth = pl.col("plain").is_in(own)
    return found.with_columns(scale=pl.when(worth).then(pl.lit(GCSE)).otherwise(filled))


def _apart(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells with AS levels told from A levels of the same subject."""
    of_as = pl.col("kind") == "as_level"
    both = of_as & (~of_as).any().over("cohort", "subject")
    name = pl.when(both).then(pl.format("{} (AS)", "subject")).otherwise("subject")
    return cells.with_columns(subject=name)


def _of_exams(cells: pl.DataFrame, settings: Attainment) -> pl.DataFrame:
    return cells.filter(~_held_against(settings))


def _held_against(settings: Attainment) -> pl.Expr:
    """Whether a cell is a baseline, a target or a prediction, which nobody sat."""
    expected = _each("series", reference_role).is_not_null()
    return pl.col("baseline") | (pl.col("series") == settings.baseline) | expected


def _with_kinds(cells: pl.DataFrame, tables: Sequence[Table], settings: Attainment) -> pl.DataFrame:
    """Cells with `kind` and `plain`, the grade without what spellings differ in."""
    schema = {
        **dict.fromkeys(("table", "row"), pl.Int64),
        **dict.fromkeys(("said", "title"), pl.String),
    }
    rows: list[tuple[int, int, str | None, str | None]] = []
    for number, table in enumerate(tables):
        titles = [table.sheet.name or "", table.sheet.path.rpartition("/")[2]]
        title = next((kind for text in titles if (kind := kind_of(text)) is not None), None)
        said = _said_in_a_column(table)
        rows += [(number, place, kind, title) for place, kind in enumerate(said)]
    found = cells.join(
        pl.DataFrame(rows, schema=schema, orient="row"),
        on=["table", "row"],
        how="left",
        maintain_order="left",
    ).with_columns(plain=_each("grade", normal_grade))
    own = {subject_key(name): _SAID[kind] for name, kind in settings.qualifications.items()}
    letters = ~pl.col("plain").str.contains(r"^[0-9]")  # a year group says nothing of numbers
    # a final that is called GCSE may be one in which nothing but its column says so
    of_final = kind_of(settings.final)
    final = pl.lit(None if of_final == GCSE else of_final, pl.String)
    around = pl.when(letters).then(pl.coalesce(final, _each("received", kind_of), "title"))
    entry = ["cohort", "student_id", "subject"]
    # a baseline has no column that says it, and a student's exams in a subject are of one kind
    of_entry = pl.col("around").drop_nulls().mode().sort().first().over(entry)
    found = found.with_columns(of_others=around, around=pl.coalesce("said", around))
    told = pl.coalesce(
        _each("subject", lambda subject: own.get(subject_key(subject), own.get(_ANY))),
        _each("spelt", lambda text: kind_of_number(text) or kind_of(text)),
        of_entry,
    )
    of_level_3 = (told == AWARD) & pl.col("of_others").is_in(_OF_POST_16)
    return found.with_columns(
        kind=pl.when(of_level_3).then(pl.lit("level_3")).otherwise(told)
    ).drop("said", "title", "around", "of_others")


def _each(column: str, meaning: Callable[[str], str | None]) -> pl.Expr:
    """What each text of a column means; every text is looked at once."""

    def of(texts: pl.Series) -> pl.Series:
        known = {text: meaning(text) for text in texts.drop_nulls().unique()}
        return texts.replace_strict(known, default=None, return_dtype=pl.String)

    return pl.col(column).map_batches(of, return_dtype=pl.String)


def _said_in_a_column(table: Table) -> Sequence[str | None]:
    for place in table.columns.groups:
        texts = table.texts(place)
        known = {text: kind_of_number(text) or kind_of(text) for text in set(texts) if text}
        if sum(kind is not None for kind in known.values()) * 2 > len(known):
            return [known.get(text or "") for text in texts]
    return [None] * len(table.sheet.rows)


def _scale_of(kind: str | None, grades: Collection[str]) -> str | None:
    """The scale on which a subject's grades stand that are said to be of a kind."""
    grades = {without_thirds(grade) for grade in grades}
    vocational = any(map(speaks_of_vocation, grades))
    if kind == LEVEL_3:  # whose D it is, only other grades say
        by_letter = not {"A*", "A", "B", "C", "E"}.isdisjoint(grades)
        return None if by_letter == vocational else "a_level" if by_letter else "level_3"
    if kind in {OTHER, "a_level", "as_level", "level_1", "level_3"}:
        return None if kind == OTHER else kind
    of_letters = not {"A*", "A", "B", "C", "E", "F", "G"}.isdisjoint(grades)
    numbers = any(grade[:1].isdigit() for grade in grades)
    if not of_letters and (vocational or (kind == AWARD and not numbers)):
        return "level_2"
    exams = {grade for grade in grades if points_of(grade) and not is_absent(grade)}
    return "letters" if exams and exams <= set(LETTERS) else GCSE


def other_scales(
    cells: pl.DataFrame, settings: Attainment
) -> tuple[pl.DataFrame, pl.DataFrame, list[Note]]:
    """Grades that are on no scale that we know, or on that of another stage than their cohort's.

    Args:
        cells: `with_scales`.
        settings: The section of `pipeline.toml`.

    Returns:
        The cells on scales of their cohort's stage, those that are not, and the questions.
    """
    stages = {key: scale.stage for key, scale in SCALES.items()}
    stage = pl.col("scale").replace_strict(stages, default=None, return_dtype=pl.String)
    cells = cells.with_columns(stage=stage)
    exams = _of_exams(cells, settings).drop_nulls("subject")
    main = (
        exams.drop_nulls("stage")
        .group_by("cohort", "stage")
        .len()
        .sort("cohort", "len", "stage", descending=[False, True, False])
        .unique("cohort", keep="first", maintain_order=True)
        .select("cohort", main="stage")
    )
    cells = cells.join(main, on="cohort", how="left", maintain_order="left")
    unread = (pl.col("stage") == POST_16) & pl.col("plain").str.contains(r"^[0-9.,]+$")
    main_stage = pl.coalesce("main", "stage")  # of targets without an exam there is no other
    fits = (pl.col("stage") == main_stage).fill_null(value=False) & ~unread
    good, bad = cells.filter(fits), cells.filter(~fits)
    questions: list[Note] = []
    for cohort, of in by_cohort(_of_exams(bad, settings).drop_nulls("subject")):
        questions += _of_other_scales(cohort, of, exams.filter(cohort=cohort))
    for cohort, of in by_cohort(bad.filter(unread & _held_against(settings))):
        questions.append(_numbers(cohort, of.height))
    for cohort, of in by_cohort(_of_exams(good, settings)):
        questions += _letters_of_nothing(cohort, of, settings)
        questions += _letters_beside_numbers(cohort, of, settings)
    return good.drop("stage", "main"), bad.drop("stage", "main"), questions


def _of_other_scales(cohort: str, found: pl.DataFrame, exams: pl.DataFrame) -> Iterator[Note]:
    what = pl.coalesce(
        pl.when(pl.col("kind") == OTHER).then(
            pl.lit("of qualifications whose grades we do not know")
        ),
        pl.when(pl.col("stage").is_null()).then(
            pl.lit("of level 3, and their grades do not say of which kind")
        ),
        pl.when(pl.col("kind").is_null() & (pl.col("scale") != GCSE)).then(
            pl.lit("letters of which nothing says whether they are of A levels")
        ),
        pl.when(pl.col("stage") == KS4).then(pl.lit("of GCSEs and the like")),
        pl.lit("of A levels and the like"),
    )
    whole = set(found["subject"]) >= set(exams["subject"])
    for (said,), of in (
        found.with_columns(what=what).sort("what").group_by("what", maintain_order=True)
    ):
        subjects = sorted(of["subject"].unique())
        beside = "" if whole else ", beside results on another scale"
        one, worth = of.height == 1, _worth(of["plain"])
        message = (
            f"{cohort}: {counted(of.height, 'grade')} in {quoted(subjects)} {'is' if one else 'are'} {said}"
            f"{beside}. {'It is' if one else 'They are'} not shown. Take {'it' if one else 'them'} out of the "
            "file, or into one of a cohort of its own; say in pipeline.toml what "
            f"{'it is' if one else 'they are'}, one of {listed(list(_SAID))}: "
            f"{paste('attainment.qualifications', dict.fromkeys(subjects[:SHOWN], '…'))}"
            f"{f'{chr(10)}or how many points each is worth: {worth}' if worth else ''}"
        )
        for subject in [None] if whole else subjects:
            yield Note("which_scale", cohort, message, of.height, subject, holds=True)


def own_finals(results: pl.DataFrame, settings: Attainment) -> Mapping[str, str]:
    """Cohort → what its final is called, of cohorts of 16 to 18, where nobody sits a GCSE.

    Args:
        results: `cohort`, `scale`.
        settings: The section of `pipeline.toml`; a final that it names otherwise keeps its name.
    """
    if "gcse" not in normal(settings.final):
        return {}
    found = results.filter(pl.col("scale").is_in(STAGES[POST_16])).group_by("cohort")
    scales = dict(found.agg(pl.col("scale").unique().sort()).iter_rows())
    return {cohort: "A LEVEL" if of == ["a_level"] else "FINAL" for cohort, of in scales.items()}


def _numbers(cohort: str, number: int) -> Note:
    """Baselines of another scale than that of the results, such as the mean of somebody's GCSEs."""
    message = (
        f"{cohort}: {counted(number, 'baseline')} {'is a number' if number == 1 else 'are numbers'} beside grades "
        "of A levels and the like, such as the mean of a student's GCSEs. They are on another scale, so nothing "
        "is held against them. Put expected grades there, or say how many points each grade is worth, in "
        "[attainment.grades]."
    )
    return Note("which_baseline", cohort, message, number)


def _letters_of_nothing(cohort: str, cells: pl.DataFrame, settings: Attainment) -> Iterator[Note]:
    """Where all are letters, and nothing says whether they are those of A levels or of old GCSEs."""
    letters = list(LETTERS)
    own = [normal_grade(grade) for grade in settings.grades]
    plain = cells.filter(~pl.col("plain").is_in(own))
    if (
        plain.is_empty()
        or plain["kind"].null_count() < plain.height
        or not plain["plain"].is_in([*letters, "U", "X"]).all()
        or not plain["plain"].is_in(letters[:6]).any()
        or settings.final != "GCSE"
        or any("gcse" in normal(text) for text in plain["received"].drop_nulls().unique())
    ):
        return
    line = paste("attainment.qualifications", {_ANY: "A level"})
    yield Note(
        "which_scale",
        cohort,
        f"{cohort}: all grades are letters, {quoted(sorted(plain['plain'].unique()))}, and nothing says whether "
        f"they are those of A levels or of old GCSEs. No figure is shown. Say it in pipeline.toml: {line}\n"
        f"or: {paste('attainment.qualifications', {_ANY: 'GCSE'})}",
        plain.height,
        holds=True,
    )


def _letters_beside_numbers(
    cohort: str, cells: pl.DataFrame, settings: Attainment
) -> Iterator[Note]:
    """Subjects with letters of old GCSEs and with numbers: the letters may be the school's own."""
    own = [normal_grade(grade) for grade in settings.grades]
    plain = cells.filter(~pl.col("plain").is_in(own))
    letters = _each("plain", without_thirds).is_in(list(LETTERS))
    numbers = pl.col("plain").str.contains(r"^[1-9]")
    both = plain.with_columns(letters=letters).filter(
        pl.col("scale") == GCSE, pl.col("letters").any().over(SUBJECT), numbers.any().over(SUBJECT)
    )
    found = both.filter("letters")
    if not found.is_empty():
        yield Note(
            "which_scale",
            cohort,
            f"{cohort}: {counted(found.height, 'grade')} in {quoted(sorted(found[SUBJECT].unique()))} "
            f"{'is a letter' if found.height == 1 else 'are letters'} beside numbers, and count as those of old "
            f"GCSEs, where an A is a 7. If they are others, say what each is worth: {_worth(found['plain'])}",
            found.height,
        )


def fine_grades(cells: pl.DataFrame) -> Iterator[Note]:
    """What grades that are cut finer than exam boards cut them were taken for."""
    fine = [text for text in cells["plain"].unique() if is_fine(text)]
    for cohort, of in by_cohort(cells.filter(pl.col("plain").is_in(fine))):
        texts = sorted(of["grade"].unique())
        message = (
            f"{cohort}: {quoted(texts)} are read as thirds of a grade: 5+ is a third above 5, 5- a third below, and "
            "each is a 5 where whole grades are counted. If that is wrong, say in [attainment.grades] what each is worth."
        )
        yield Note("taken_for", cohort, message, of.height)


def _worth(grades: pl.Series) -> str:
    short = [grade for grade in sorted(grades.unique()) if len(grade) <= _SHORT]
    return (
        "\n".join(["[attainment.grades]", *(f'"{g}" = …' for g in short[:SHOWN])]) if short else ""
    )


def columns_of_marks(
    cells: pl.DataFrame, tables: Sequence[Table], settings: Attainment
) -> tuple[pl.DataFrame, list[Note]]:
    """Columns in which marks stand: also what could be a grade there is none.

    Args:
        cells: `table`, `place`, `received`, `series`, `cohort`, `grade`, `points`, `absent`, `spelt`.
        tables: Of all cohorts.
        settings: The section of `pipeline.toml`.

    Returns:
        `table`, `place` and `series` of marks, and the questions.
    """
    exams = cells.filter(~pl.col("baseline"), pl.col("series") != settings.baseline)
    key = ["table", "place", "series"]
    texts = exams.select("grade", "spelt").unique()
    high = texts.with_columns(high=pl.struct("grade", "spelt").map_elements(_is_high, pl.Boolean))
    counts = (
        exams.join(high, on=["grade", "spelt"], how="left", nulls_equal=True, maintain_order="left")
        .group_by("cohort", *key, maintain_order=True)
        .agg(
            n=pl.len(),
            high=pl.col("high").sum(),
            numbers=pl.col("grade").str.strip_chars().str.contains(r"^\d$").all(),
        )
    )
    bad, questions = [pl.DataFrame(schema={name: cells.schema[name] for name in key})], []
    for (cohort, number, place), found in counts.group_by(
        "cohort", "table", "place", maintain_order=True
    ):
        file, header = tables[number].sheet.file, tables[number].sheet.header[place]
        called = _called_marks(header, settings)
        marks = found.filter(pl.col("high") >= FEW, pl.col("high") >= _MARKS * pl.col("n"))
        if called and found["high"].sum() > 0:
            marks = found
        if marks.height:
            bad.append(marks.select(key))
            of, series = int(marks["n"].sum()), sorted(set(marks["series"]))
            message = (
                f"{file}: “{header}” has marks, or scores, and no grades: {marks['high'].sum()} of "
                f"{of} in {listed(series)} are above 9. Nobody but the school knows the "
                "boundaries, so none of them counts, whatever it is. Put grades there."
            )
        elif called and found["numbers"].all():
            of = int(found["n"].sum())
            message = (
                f"{file}: “{header}” may have marks, or grades from 1 to 9. No figure is shown. If they "
                f"are grades, add to pipeline.toml: {paste('attainment.columns', {'grade': header})}"
            )
        else:
            continue
        questions.append(Note("which_scale", str(cohort), message, of, holds=True))
    return pl.concat(bad), questions


def _called_marks(header: str, settings: Attainment) -> bool:
    if normal(settings.columns.get("grade", "")) == normal(header):
        return False
    words = set(normal(header).split())
    return "%" in header or not words.isdisjoint({"mark", "marks", "raw", "percent", "percentage"})


def _is_high(cell: Mapping[str, str | None]) -> bool:
    """Whether a number is above the highest grade, and no double award."""
    grade = normal_grade(cell["grade"] or "").rstrip("% ")
    try:
        number = float(grade.replace(",", "."))
    except ValueError:
        return re.fullmatch(r"\d+ ?/ ?\d\d+", grade) is not None
    double = is_double(cell["spelt"] or "") and points_of(grade) is not None
    return number > HIGHEST and not double
