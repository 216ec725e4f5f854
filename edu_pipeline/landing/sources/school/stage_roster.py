"""Students, staff, classes, enrollments and the calendar: from text to checked tables.

Parsing comes before checking and keeps what it parsed. Small tables only; attendance and homework
are done in SQL. Every function is frames in, frames out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import dataframely as dy
import polars as pl

from edu_pipeline.landing.rules import ELSEWHERE, OUT_OF_TERM, SUPERSEDED, UNKNOWN, UNPARSEABLE
from edu_pipeline.landing.sources.school.fields import (
    CO_TEACHERS,
    KEYS,
    MISSING,
    OTHER_ROLES,
    WORDS,
)
from edu_pipeline.landing.sources.school.parts_of_day import MOST_SESSIONS
from edu_pipeline.landing.tables.csvfile import LISTED
from edu_pipeline.landing.tables.date_order import with_proven
from edu_pipeline.landing.tables.dates import days_read
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.roster import (
    DEFAULT_SCHOOL,
    OPEN_BEGIN,
    OPEN_END,
    CalendarDays,
    Classes,
    Enrollments,
    SchoolDays,
    Staff,
    Students,
    Terms,
)
from edu_pipeline.model.school_calendar import proven_week_begins, with_weeks, years_are_named
from edu_pipeline.settings.home import School
from edu_pipeline.settings.landing import EnrollmentsExport, TableExport, TermsExport

_SUFFIX = "jr|sr|i{2,3}|iv"
"""What stands behind a family name, and is part of neither name."""
NO_DATE = r"^[0\s./:T-]+$"
"""What some systems write where there is no date, such as 0000-00-00."""
LONG_AGO = 1971
"""An end before it is none: 1900-01-01 and 1970-01-01 stand for no date."""
HOMEROOMS = frozenset({"homeroom", "home room", "hr"})
"""What a class is called that is a homeroom whatever else its students are in."""
LONG_AGO_DAYS = 180
"""Days after which one homeroom is likely of the school year before another."""
MOST = 0.5
"""Share of an advisory's students whose homeroom makes it one beside homerooms."""
STRETCH = pl.Schema({"id": pl.String, "first": pl.Date, "end": pl.Date})
"""First day, and first day no longer, of what has an id; empty: open."""
REJECTED_SCHEMA = pl.Schema(
    {
        "table": pl.String,
        "file": pl.String,
        "line": pl.Int64,
        "rule": pl.String,
        "value": pl.String,
    }
)
"""A rejected row before the row itself is fetched from raw."""


class Staged(NamedTuple):
    """A table that passed its checks, and the rows that did not."""

    good: pl.DataFrame
    rejected: pl.DataFrame
    """`REJECTED_SCHEMA`, one row per rejected row and rule."""


def stage_students(
    rows: pl.DataFrame, export: TableExport, homerooms: Collection[str] = ()
) -> Staged:
    """Students, one each.

    Args:
        rows: `read_students`.
        export: Their section of `pipeline.toml`.
        homerooms: Ids of classes. One that is called NA is a homeroom; else NA is none.
    """
    homeroom = pl.col("homeroom_id")
    rows = rows.with_columns(
        homeroom_id=pl.when(~homeroom.is_in(MISSING) | homeroom.is_in(list(homerooms))).then(
            homeroom.replace(one_spelling(rows["homeroom_id"], homerooms))
        )
    )
    rows, undated = _with_dates(rows, "students", ("entry_date", "exit_date"), export)
    staged = _stage_people("students", rows, Students, export)
    return Staged(staged.good, pl.concat([undated, staged.rejected]))


def stage_staff(rows: pl.DataFrame, export: TableExport) -> Staged:
    """Staff, one each; who is listed once per school keeps the last."""
    return _stage_people("staff", rows, Staff, export)


def _stage_people(
    table: str, rows: pl.DataFrame, schema: type[dy.Schema], export: TableExport
) -> Staged:
    rows, apart = _data(table, rows)
    named = _named(rows).with_columns(pl.col("school_id").fill_null(DEFAULT_SCHOOL))
    staged = _checked(table, named, schema, export)
    return Staged(staged.good, pl.concat([apart, staged.rejected]))


def stage_classes(
    rows: pl.DataFrame,
    students: pl.DataFrame,
    export: TableExport,
    calendar_schools: Iterable[str | None] = (),
    members: pl.DataFrame | None = None,
) -> Staged:
    """Classes of the export, and the homerooms that only stand in a column of the students.

    Args:
        rows: `read_classes`.
        students: `Students`.
        export: Their section of `pipeline.toml`.
        calendar_schools: Schools as the calendar writes them.
        members: `members_of` the enrollments; a class that names no school has that of most of its
            students, and an advisory whose students have a homeroom beside it is scheduled.
    """
    homerooms = (
        students.filter(pl.col("homeroom_id").is_not_null())
        .group_by(class_id="homeroom_id")
        .agg(
            students_grade=pl.col("grade").drop_nulls().mode().sort().first(),
            students_school=pl.col("school_id").mode().sort().first(),
        )
        .sort("class_id")
    )
    enrolled = (
        pl.DataFrame(schema={"class_id": pl.String, "members_school": pl.String})
        if members is None
        else members.join(students, left_on="person_id", right_on="student_id")
        .group_by("class_id")
        .agg(members_school=pl.col("school_id").mode().sort().first())
    )
    rows, apart = _data("classes", rows)
    rows, undated = _with_dates(rows, "classes", ("first_day", "last_day"), export)
    spelling = one_spelling(rows["school_id"], students["school_id"], calendar_schools)
    if members is not None:
        rows = _beside_homerooms(rows, students, members, export)
    rows = (
        _translated(rows, "classes", "class_type", export)
        .join(homerooms, on="class_id", how="left", maintain_order="left")
        .join(enrolled, on="class_id", how="left", maintain_order="left")
        .with_columns(
            class_name=pl.coalesce(_told_apart(pl.col("class_name")), "class_id"),
            grade=pl.coalesce("grade", "students_grade"),
            school_id=pl.coalesce(
                pl.col("school_id").replace(spelling),
                "students_school",
                "members_school",
                pl.lit(DEFAULT_SCHOOL),
            ),
        )
        .with_columns(team=pl.coalesce("team", "grade", "school_id"))
    )
    staged = _checked("classes", rows, Classes, export)
    named = homerooms.join(staged.good, on="class_id", how="anti").select(
        "class_id",
        class_name="class_id",
        class_type=pl.lit("homeroom"),
        grade="students_grade",
        team=pl.coalesce("students_grade", "students_school"),
        school_id="students_school",
        teacher_id=pl.lit(None, pl.String),
    )
    return Staged(
        pl.concat([staged.good, named.select(staged.good.columns)]),
        pl.concat([apart, undated, staged.rejected]),
    )


def _told_apart(name: pl.Expr) -> pl.Expr:
    """A class's name, with its period where the same name is taught in several."""
    several = pl.col("period").n_unique().over("class_name", "school_id") > 1
    return (
        pl.when(several)
        .then(pl.format("{}, period {}", name, pl.col("period").fill_null("?")))
        .otherwise(name)
    )


def members_of(rows: pl.DataFrame, export: EnrollmentsExport) -> pl.DataFrame:
    """Who is in which class and when: `class_id`, `person_id`, `begin_date`, `end_date`.

    Args:
        rows: `read_enrollments`.
        export: Their section of `pipeline.toml`.
    """
    columns = ("begin_date", "end_date")
    rows, _ = _with_dates(_data("enrollments", rows)[0], "enrollments", columns, export)
    return rows.select("class_id", "person_id", *columns)


def _beside_homerooms(
    rows: pl.DataFrame, students: pl.DataFrame, members: pl.DataFrame, export: TableExport
) -> pl.DataFrame:
    """Rows of classes in which an advisory is scheduled whose students have a homeroom beside it.

    An export that calls one class a homeroom and another of the same students an advisory says which is
    which. One that began long before, or has ended, is not beside it.
    """
    said = {word.casefold() for word in export.values.get("class_type", {})}
    words = WORDS["classes", "class_type"]
    advisories = {word for word, ours in words.items() if ours == "homeroom"} - HOMEROOMS - said
    word = pl.col("class_type").str.to_lowercase()
    kinds = rows.select("class_id", home=word.is_in(HOMEROOMS), other=word.is_in(advisories))
    spells = members.join(students, left_on="person_id", right_on="student_id", how="semi")
    column = students.select(
        class_id="homeroom_id",
        person_id="student_id",
        begin_date=pl.lit(None, pl.Date),
        end_date=pl.lit(None, pl.Date),
    )
    homes = pl.concat([spells, column]).join(kinds.filter("home"), on="class_id", how="semi")
    beside = (
        (pl.col("begin_date") - pl.col("begin_date_right")).dt.total_days().abs() <= LONG_AGO_DAYS
    ) & (pl.col("end_date") > pl.col("begin_date_right"))
    beside &= pl.col("end_date_right") > pl.col("begin_date")
    shares = (
        spells.join(kinds.filter("other"), on="class_id", how="semi")
        .join(homes, on="person_id", how="left")
        .group_by("class_id", "person_id")
        .agg(both=(pl.col("class_id_right").is_not_null() & beside.fill_null(value=True)).any())
        .group_by("class_id")
        .agg(pl.col("both").mean())
        .filter(pl.col("both") > MOST)
    )
    scheduled = pl.col("class_id").is_in(shares["class_id"].to_list())
    return rows.with_columns(
        class_type=pl.when(scheduled).then(pl.lit("scheduled")).otherwise("class_type")
    )


def one_spelling(
    ids: Iterable[str | None], known: Iterable[str | None], others: Iterable[str | None] = ()
) -> Mapping[str, str]:
    """Ids that are known by another spelling: `001` is 1 where there is a 1 and no other 001.

    Args:
        ids: As one export writes them.
        known: As they are to be written.
        others: As further exports write them: an id that two of them tell apart is another one.
    """

    def plain(text: str) -> str:
        return text.strip().casefold().lstrip("0") or "0"

    spelt: dict[str, set[str]] = {}
    ours = {text for text in known if text}
    apart = {text for text in others if text}
    for text in ours:
        spelt.setdefault(plain(text), set()).add(text)
    found = {text: spelt.get(plain(text), set()) for text in {*ids} if text and text not in ours}
    return {
        text: next(iter(same))
        for text, same in found.items()
        if len(same) == 1 and not {text, *same} <= apart
    }


def stage_enrollments(
    rows: pl.DataFrame,
    classes: pl.DataFrame,
    students: pl.DataFrame,
    staff: pl.DataFrame,
    export: EnrollmentsExport,
    *,
    stays: pl.DataFrame | None = None,
    terms: pl.DataFrame | None = None,
    co_teachers: pl.DataFrame | None = None,
    left_out: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> Staged:
    """Spells of people in classes, from the export and from the columns that imply them.

    A student's `homeroom_id` counts for a student whom the export enrolls in no homeroom; a class's
    `teacher_id`, and who teaches beside, for a class to which it enrolls no teacher. What has no first
    or last day has that of the student's stay at the school, and nobody is in a class before its term or after it.

    Args:
        rows: `read_enrollments`.
        classes: `Classes`.
        students: `Students`.
        staff: `Staff`.
        export: Their section of `pipeline.toml`.
        stays: `stays_of` the students.
        terms: `terms_of` the classes.
        co_teachers: `co_teachers_of` the classes.
        left_out: `ids_left_out` of classes and students.
    """
    within = pl.concat(
        [
            frame.with_columns(pl.lit(kind).alias("of"))
            for kind, frame in (("person", stays), ("class", terms))
            if frame is not None
        ]
        or [STRETCH.to_frame().with_columns(pl.lit("class").alias("of"))]
    )
    rows, apart = _data("enrollments", rows)
    rows = _translated(rows, "enrollments", "role", export).filter(
        ~pl.col("role").is_in(OTHER_ROLES).fill_null(value=False)
    )
    rows, undated = _with_dates(rows, "enrollments", ("begin_date", "end_date"), export)
    rows = _bounded(rows.with_columns(end_date=_end("end_date", export)), within)
    over = _rejects("enrollments", rows.filter("is_over"), OUT_OF_TERM, "begin_date")
    rows = rows.filter(~pl.col("is_over"))
    staged = _checked("enrollments", rows, Enrollments, export)
    good, strangers = _resolved(staged.good, rows, classes, students, staff, left_out)
    implied = _implied(good, classes, students, staff, co_teachers)
    implied = _bounded(implied, within).filter(
        (pl.col("begin_date") < pl.col("end_date")) & ~pl.col("is_over")
    )
    return Staged(
        pl.concat([good, implied.select(good.columns)]).sort(KEYS["enrollments"]),
        pl.concat([apart, undated, over, staged.rejected, strangers]),
    )


def stage_terms(rows: pl.DataFrame, export: TermsExport) -> Staged:
    """Terms, one each, with the last day that belongs to them.

    Args:
        rows: `read_terms`.
        export: Their section of `pipeline.toml`.
    """
    rows, apart = _data("terms", rows)
    rows, undated = _with_dates(rows, "terms", ("first_day", "last_day"), export)
    if export.end_date == "exclusive":
        rows = rows.with_columns(pl.col("last_day") - pl.duration(days=1))
    staged = _checked("terms", rows, Terms, export)
    return Staged(staged.good, pl.concat([apart, undated, staged.rejected]))


def stage_calendar(rows: pl.DataFrame, schools: Sequence[str], export: TableExport) -> Staged:
    """The calendar: a date without a school is every school's, one without a mark is in session.

    Of rows of a snapshot about one date of the same that differ, a day in session counts; see
    `days_that_differ`.

    Args:
        rows: `read_calendar`.
        schools: Ids of the schools that there are.
        export: Its section of `pipeline.toml`.

    Returns:
        `CalendarDays`.
    """
    rows, undated, wrong, apart = _days(rows, schools, export)
    if export.export == "snapshot":
        rows = rows.with_columns(pl.col("in_session").any().over(KEYS["calendar"]))
    staged = _checked("calendar", rows, CalendarDays, export)
    return Staged(staged.good, pl.concat([apart, undated, wrong, staged.rejected]))


def school_days(calendar: pl.DataFrame, school: School | None = None) -> pl.DataFrame:
    """`SchoolDays` of `CalendarDays`: school is in session where it is for anybody.

    Args:
        calendar: `CalendarDays`.
        school: When school weeks and years begin.
    """
    days = calendar.group_by("date", "school_id").agg(
        pl.col("in_session").any(), pl.col("term", "school_year").drop_nulls().last()
    )
    return _placed(days, school)


def days_that_differ(
    rows: pl.DataFrame, schools: Sequence[str], export: TableExport
) -> pl.DataFrame:
    """Rows of the calendar about one date of the same school, grade, track and class that differ.

    In a delta the later one corrects the earlier.

    Args:
        rows: `read_calendar`.
        schools: Ids of the schools that there are.
        export: Its section of `pipeline.toml`.

    Returns:
        `date`, `school_id`, `in_session`, `_file`, `_line`.
    """
    rows, *_ = _days(rows, schools, export)
    differ = pl.col("in_session").n_unique().over(KEYS["calendar"]) > 1
    return rows.filter(differ & pl.lit(export.export == "snapshot")).select(
        "date", "school_id", "in_session", "_file", "_line"
    )


def day_lengths(
    rows: pl.DataFrame, schools: Sequence[str], export: TableExport
) -> pl.DataFrame | None:
    """How many periods each day in session has, where the calendar says it of all of them.

    Args:
        rows: `read_calendar`.
        schools: Ids of the schools that there are.
        export: Its section of `pipeline.toml`.

    Returns:
        date × school: `periods`; None where the calendar does not say, or says something else.
    """
    if rows["periods"].null_count() == rows.height:
        return None
    days = _days(rows, schools, export)[0].filter("in_session")
    days = days.select("date", "school_id", pl.col("periods").cast(pl.Int64, strict=False))
    said = days.unique()
    plain = said["periods"].is_between(1, MOST_SESSIONS).fill_null(value=False).all()
    return said if plain and not said.select("date", "school_id").is_duplicated().any() else None


def names_years(rows: pl.DataFrame, schools: Sequence[str], export: TableExport) -> bool:
    """Whether the calendar says of every day in session which school year it is of.

    Args:
        rows: `read_calendar`.
        schools: Ids of the schools that there are.
        export: Its section of `pipeline.toml`.
    """
    return years_are_named(_days(rows, schools, export)[0])


def _days(
    rows: pl.DataFrame, schools: Sequence[str], export: TableExport
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows of the calendar, read; and rejected ones: undated, with an unknown word, set apart before."""
    rows, apart = _data("calendar", rows)
    rows = _translated(rows, "calendar", "in_session", export)
    rows, undated = _with_dates(rows, "calendar", ("date",), export)
    unknown = pl.col("in_session").is_not_null() & ~pl.col("in_session").is_in(["true", "false"])
    wrong = _rejects("calendar", rows.filter(unknown), f"{UNKNOWN}in_session", "in_session")
    spelling = one_spelling(rows["school_id"], schools, rows["school_id"])
    rows = rows.with_columns(
        pl.col("school_id").replace(spelling),
        pl.col("grade").str.split(","),
        pl.col("track", "class_id").fill_null(""),
    ).explode("grade")
    # whoever is in a class has its days, whatever their grade
    whole = pl.col("class_id") == ""
    rows = rows.with_columns(
        grade=pl.when(whole).then(pl.col("grade").str.strip_chars()).fill_null(""),
        track=pl.when(whole).then("track").otherwise(pl.lit("")),
    )
    everyone = pl.DataFrame({"every_school": list(schools) or [DEFAULT_SCHOOL]})
    blank = export.values.get("in_session", {}).get("", "true")
    rows = rows.filter(~unknown).with_columns(
        in_session=pl.col("in_session").fill_null(blank) == "true"
    )
    rows = pl.concat(
        [
            rows.filter(pl.col("school_id").is_not_null()),
            rows.filter(pl.col("school_id").is_null())
            .join(everyone, how="cross")
            .with_columns(school_id="every_school")
            .drop("every_school"),
        ]
    )
    return rows, undated, wrong, apart


def school_days_seen(dates: pl.DataFrame, school: School | None = None) -> pl.DataFrame:
    """`SchoolDays` from the dates on which attendance was taken, where there is no calendar.

    Args:
        dates: date × school, all in session.
        school: When school weeks and years begin.
    """
    days = dates.with_columns(in_session=pl.lit(value=True), term=pl.lit(None, pl.String))
    return _placed(days, school)


def _placed(days: pl.DataFrame, school: School | None) -> pl.DataFrame:
    """Checked days in their weeks and school years."""
    said = school.week_begins if school else None
    days = with_weeks(
        days.drop("week_start", "year_start", strict=False),
        week_begins=said or proven_week_begins(days),
        year_begins=school.year_begins if school else None,
    )
    return SchoolDays.validate(
        days.select(SchoolDays.column_names()).sort("date", "school_id").cast(dtypes(SchoolDays))
    )


def _data(table: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that are rows, and those that the canonical query set apart by a rule."""
    apart = rows.filter(pl.col("_rule").is_not_null()).select(
        table=pl.lit(table), file="_file", line="_line", rule="_rule", value="_value"
    )
    return rows.filter(pl.col("_rule").is_null()), apart.cast(REJECTED_SCHEMA)


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """`Last, First` split where given and family name have no cells of their own.

    Without a comma two words are taken for given and family name in the order in which they stand;
    more cannot be told apart and stay together.
    """
    whole = pl.col("full_name").str.replace_all(r"\s+", " ")
    words = whole.str.split(" ")
    whole = whole.str.replace(rf"(?i),\s*({_SUFFIX})\b\.?\s*,", " ${1},").str.replace(
        rf"(?i)^([^,]+),\s*([^,]+?),?\s+({_SUFFIX})\.?$", "${1} ${3}, ${2}"
    )
    comma, two = whole.str.contains(",", literal=True), words.list.len() == 2  # noqa: PLR2004
    last_first = whole.str.splitn(",", 2)
    family = (
        pl.when(comma)
        .then(last_first.struct[0].str.strip_chars())
        .when(two)
        .then(words.list.last())
    )
    given = (
        pl.when(comma)
        .then(last_first.struct[1].str.strip_chars())
        .when(two)
        .then(words.list.first())
        .otherwise(whole)
        .replace("", None)
    )
    unnamed = pl.col("given_name").is_null() & pl.col("family_name").is_null()
    return rows.with_columns(
        given_name=pl.coalesce(
            _called(), pl.when(unnamed).then(given).otherwise(pl.col("given_name"))
        ),
        family_name=pl.concat_str(
            pl.when(unnamed).then(family).otherwise("family_name"),
            "suffix",
            separator=" ",
            ignore_nulls=True,
        ).replace("", None),
    )


def _called() -> pl.Expr:
    """The given name that somebody goes by, without the family name where it stands there as well."""
    words = pl.col("preferred_name").str.replace_all(r"\s+", " ")
    family = pl.concat_str(pl.lit(" "), pl.col("family_name").fill_null(""))
    return words.str.strip_suffix(pl.when(family != " ").then(family).otherwise(pl.lit(" ")))


def _with_dates(
    rows: pl.DataFrame, table: str, columns: Sequence[str], export: TableExport
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with dates parsed, and those with a date that neither the settings nor the others tell how to read."""
    rows = rows.with_columns(
        pl.when(~pl.col(name).str.contains(NO_DATE)).then(name).alias(name) for name in columns
    )
    texts = pl.concat([rows[name].alias("text") for name in columns]).drop_nulls().unique().sort()
    formats = with_proven(texts, export.date_formats)
    parsed, rejected = rows, []
    for name in columns:
        days = days_read(parsed[name], formats).rename({"text": name, "day": f"_{name}"})
        parsed = parsed.join(days, on=name, how="left", maintain_order="left")
        bad = pl.col(name).is_not_null() & pl.col(f"_{name}").is_null()
        rejected.append(_rejects(table, parsed.filter(bad), f"{UNPARSEABLE}{name}", name))
        parsed = parsed.filter(~bad)
    read = {name: f"_{name}" for name in columns}
    return parsed.with_columns(**read).drop(read.values()), pl.concat(rejected)


def _translated(rows: pl.DataFrame, table: str, column: str, export: TableExport) -> pl.DataFrame:
    """Their words replaced by ours, in any case; an unknown word stays, for the checks to find.

    Of several in one cell that mean the same, such as two events of a day, that is what it means.
    """
    words = dict(WORDS[table, column])
    words |= {their.casefold(): our for their, our in export.values.get(column, {}).items()}
    cell = pl.col(column).str.to_lowercase()
    each = cell.str.split(LISTED).list.eval(pl.element().str.strip_chars().replace(words).unique())
    said = pl.when(each.list.len() == 1).then(each.list.first()).otherwise(cell.replace(words))
    return rows.with_columns(said.alias(column))


def _checked(
    table: str, rows: pl.DataFrame, schema: type[dy.Schema], export: TableExport
) -> Staged:
    """Missing keys, superseded rows and broken rules set apart, in this order."""
    key = list(KEYS[table])
    names = schema.column_names()
    rejected = []
    for name in key:
        rejected.append(
            _rejects(table, rows.filter(pl.col(name).is_null()), f"missing_{name}", name)
        )
        rows = rows.filter(pl.col(name).is_not_null())
    ordered = rows.sort("_version", "_file", "_line")
    latest = ordered.unique(key, keep="last", maintain_order=True)
    if export.export == "snapshot":
        replaced = ordered.join(latest.select("_file", "_line"), on=["_file", "_line"], how="anti")
        same = replaced.join(latest.select(names), on=names, how="semi", nulls_equal=True)
        differing = replaced.join(same.select("_file", "_line"), on=["_file", "_line"], how="anti")
        rejected.append(_rejects(table, differing, SUPERSEDED, key[0]))
    good, failure = schema.filter(latest.select(names).cast(dtypes(schema)))
    broken = latest.join(good.select(key), on=key, how="anti")
    if not broken.is_empty():
        rejected.append(_broken_rules(table, broken, failure.details(), key))
    return Staged(good.sort(key), pl.concat(rejected))


def _broken_rules(
    table: str, broken: pl.DataFrame, details: pl.DataFrame, key: Sequence[str]
) -> pl.DataFrame:
    rules = [name for name in details.columns if name not in broken.columns]
    long = details.unpivot(on=rules, index=list(key), variable_name="rule").filter(
        pl.col("value") == "invalid"
    )
    return (
        broken.join(long.drop("value"), on=list(key))
        .select(
            table=pl.lit(table),
            file="_file",
            line="_line",
            rule=pl.col("rule").str.replace("|", ": ", literal=True),
            value=pl.lit(None, pl.String),
        )
        .cast(REJECTED_SCHEMA)
    )


def _rejects(table: str, rows: pl.DataFrame, rule: str, column: str) -> pl.DataFrame:
    return rows.select(
        table=pl.lit(table),
        file="_file",
        line="_line",
        rule=pl.lit(rule),
        value=pl.col(column).cast(pl.String),
    ).cast(REJECTED_SCHEMA)


def _resolved(
    spells: pl.DataFrame,
    rows: pl.DataFrame,
    classes: pl.DataFrame,
    students: pl.DataFrame,
    staff: pl.DataFrame,
    left_out: Mapping[str, Iterable[str]],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Spells whose class and person exist, and the others as rejected rows."""
    told = {
        "class_id": pl.col("class_id").is_in([*left_out.get("classes", ())]),
        "person_id": (pl.col("role") == "student")
        & pl.col("person_id").is_in([*left_out.get("students", ())]),
    }
    people = pl.concat(
        [
            students.select(person_id="student_id", role=pl.lit("student")),
            staff.select(person_id="staff_id", role=pl.lit("teacher")),
        ]
    )
    no_class = spells.join(classes, on="class_id", how="anti")
    no_person = spells.join(people, on=["person_id", "role"], how="anti").join(
        no_class, on=list(KEYS["enrollments"]), how="anti"
    )
    lines = (
        rows.sort("_version", "_file", "_line")
        .select(*KEYS["enrollments"], "_file", "_line")
        .unique(KEYS["enrollments"], keep="last", maintain_order=True)
    )
    rejected = [
        _rejects(
            "enrollments",
            bad.filter(which).join(lines, on=list(KEYS["enrollments"])),
            rule,
            column,
        )
        for bad, column in ((no_class, "class_id"), (no_person, "person_id"))
        for which, rule in ((told[column], ELSEWHERE), (~told[column], f"{UNKNOWN}{column}"))
    ]
    good = spells.join(pl.concat([no_class, no_person]), on=list(KEYS["enrollments"]), how="anti")
    return good, pl.concat(rejected)


def _implied(
    spells: pl.DataFrame,
    classes: pl.DataFrame,
    students: pl.DataFrame,
    staff: pl.DataFrame,
    co_teachers: pl.DataFrame | None,
) -> pl.DataFrame:
    homerooms = classes.filter(pl.col("class_type") == "homeroom").select("class_id")
    placed = spells.filter(pl.col("role") == "student").join(homerooms, on="class_id")
    taught = spells.filter(pl.col("role") == "teacher")
    from_students = (
        students.filter(pl.col("homeroom_id").is_not_null())
        .join(placed, left_on="student_id", right_on="person_id", how="anti")
        .join(homerooms, left_on="homeroom_id", right_on="class_id", how="semi")
        .select(class_id="homeroom_id", person_id="student_id", role=pl.lit("student"))
    )
    teachers = classes.select("class_id", "teacher_id")
    if co_teachers is not None:
        more = co_teachers.join(classes, on="class_id", how="semi")
        teachers = pl.concat([teachers, more.select("class_id", "teacher_id")]).unique()
    from_classes = (
        teachers.join(taught, on="class_id", how="anti")
        .join(staff, left_on="teacher_id", right_on="staff_id", how="semi")
        .select(class_id="class_id", person_id="teacher_id", role=pl.lit("teacher"))
    )
    return pl.concat([from_students, from_classes]).with_columns(
        begin_date=pl.lit(None, pl.Date), end_date=pl.lit(None, pl.Date)
    )


def stays_of(
    rows: pl.DataFrame, export: TableExport, enrollments: EnrollmentsExport
) -> pl.DataFrame:
    """When students were at the school, where their export says it.

    Args:
        rows: `read_students`.
        export: Their section of `pipeline.toml`.
        enrollments: Whether an end date is the last day, as of enrollments.

    Returns:
        `STRETCH`, one per student.
    """
    return _days_of(
        "students", rows, ("student_id", "entry_date", "exit_date"), export, enrollments
    )


def tracks_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The tracks, or codes of calendars, that students are on.

    Args:
        rows: `read_students`.

    Returns:
        `student_id`, `track`, one row per student who is on one.
    """
    return (
        _latest(_data("students", rows)[0], "student_id").select("student_id", "track").drop_nulls()
    )


def co_teachers_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Who teaches beside the `teacher_id` of a class.

    Args:
        rows: `read_classes`.

    Returns:
        `class_id`, `teacher_id`.
    """
    return (
        _latest(_data("classes", rows)[0], "class_id")
        .select("class_id", *CO_TEACHERS)
        .unpivot(index="class_id", value_name="teacher_id")
        .select("class_id", "teacher_id")
        .drop_nulls()
    )


def terms_of(rows: pl.DataFrame, export: TableExport, terms: pl.DataFrame) -> pl.DataFrame:
    """When each class is on, as it says itself, else by its terms: the last day belongs to it.

    One term without a day, or that is not known, leaves that end open.

    Args:
        rows: `read_classes`.
        export: Their section of `pipeline.toml`.
        terms: `Terms`.

    Returns:
        `STRETCH`, one per class.
    """
    inclusive = EnrollmentsExport(end_date="inclusive")
    own = _days_of("classes", rows, ("class_id", "first_day", "last_day"), export, inclusive)
    by_terms = (
        _latest(_data("classes", rows)[0], "class_id")
        .select(id="class_id", term_id=pl.col("term_ids").str.split(","))
        .explode("term_id")
        .with_columns(pl.col("term_id").str.strip_chars())
        .join(
            terms.select("term_id", begin="first_day", over=_end("last_day", inclusive)),
            on="term_id",
            how="left",
        )
        .group_by("id")
        .agg(
            begin=pl.when(~pl.col("begin").has_nulls()).then(pl.col("begin").min()),
            over=pl.when(~pl.col("over").has_nulls()).then(pl.col("over").max()),
        )
    )
    return own.join(by_terms, on="id", how="left", maintain_order="left").select(
        "id", pl.coalesce("first", "begin"), pl.coalesce("end", "over")
    )


def _days_of(
    table: str,
    rows: pl.DataFrame,
    columns: tuple[str, str, str],
    export: TableExport,
    ends: EnrollmentsExport,
) -> pl.DataFrame:
    """From the first day of all rows of an id in its newest file to the last; open where one is."""
    name, first, end = columns
    rows, _ = _with_dates(_data(table, rows)[0], table, (first, end), export)
    newest = _latest(rows, name).select(name, "_version", "_file")
    begin, over = pl.col(first), _end(end, ends)
    return (
        rows.join(newest, on=[name, "_version", "_file"], maintain_order="left")
        .group_by(id=name, maintain_order=True)
        .agg(
            first=pl.when(~begin.has_nulls()).then(begin.min()),
            end=pl.when(~over.has_nulls()).then(over.max()),
        )
        .cast(STRETCH)
    )


def _latest(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The last row of each id."""
    return (
        rows.filter(pl.col(name).is_not_null())
        .sort("_version", "_file", "_line")
        .unique(name, keep="last", maintain_order=True)
    )


def _end(column: str, export: EnrollmentsExport) -> pl.Expr:
    """The first day no longer, from an end date; empty where it is open."""
    end = pl.col(column)
    after = end + pl.duration(days=1 if export.end_date == "inclusive" else 0)
    return pl.when(end.dt.year() >= LONG_AGO).then(pl.min_horizontal(after, pl.lit(OPEN_END)))


def _bounded(spells: pl.DataFrame, within: pl.DataFrame) -> pl.DataFrame:
    """Spells whose open days are those of the class's term and the student's stay, and lie in the term.

    None goes on after its student has left school, whatever its own end date says.

    A spell that `is_over` has no day in it. A term that ends before it begins bounds no other days.
    """
    terms = within.filter(of="class").select(class_id="id", term_first="first", term_end="end")
    stays = within.filter(of="person").select(
        person_id="id", role=pl.lit("student"), stay_first="first", stay_end="end"
    )
    begin = pl.coalesce("begin_date", "stay_first", pl.lit(OPEN_BEGIN))
    # a class's end date may be its term's, and whoever has left the school left the class
    left = pl.when(
        begin < pl.col("stay_end"),
        pl.col("stay_first").is_null() | (pl.col("stay_first") < pl.col("stay_end")),
    ).then("stay_end")
    end = pl.coalesce(pl.min_horizontal("end_date", left), "stay_end", pl.lit(OPEN_END))
    first, last = pl.max_horizontal(begin, "term_first"), pl.min_horizontal(end, "term_end")
    is_term = (pl.col("term_first") < pl.col("term_end")).fill_null(value=True)
    return (
        spells.join(terms, on="class_id", how="left", maintain_order="left")
        .join(stays, on=["person_id", "role"], how="left", maintain_order="left")
        .with_columns(
            is_over=is_term & (begin < end) & (first >= last),
            begin_date=pl.when(is_term | pl.col("begin_date").is_null())
            .then(first)
            .otherwise(begin),
            end_date=pl.when(is_term | pl.col("end_date").is_null()).then(last).otherwise(end),
        )
        .drop("term_first", "term_end", "stay_first", "stay_end")
    )


def words_unknown(
    table: str, column: str, rows: pl.DataFrame, allowed: Sequence[str], export: TableExport
) -> Mapping[str, int]:
    """Words of a column that nobody mapped → how many rows have them."""
    rows, _ = _data(table, rows)
    translated = _translated(rows, table, column, export)
    pairs = rows.select(their=column).with_columns(our=translated[column])
    unknown = pairs.filter(pl.col("our").is_not_null() & ~pl.col("our").is_in(list(allowed)))
    return dict(unknown.group_by("their").len().sort("their").iter_rows())
