"""What is said where a school's facts disagree: counts in, sentences and the line to paste out.

Pure. The counts are those of `agreement`; what is wrong with the exports themselves, file by file,
stands in `school_problems`.
"""

from collections.abc import Collection, Sequence
from datetime import date
from itertools import pairwise

import polars as pl

from edu_pipeline.ground.toml import toml_key, toml_list, toml_text
from edu_pipeline.ground.wording import counted, day_month, listed, percent
from edu_pipeline.landing.sources.school.school_problems import NAMED, between, few, school_problem
from edu_pipeline.landing.sources.school.stage_roster import LONG_AGO_DAYS
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.model.problems import Problem
from edu_pipeline.model.school_calendar import LONG_GAP_DAYS, SUNDAYS, proven_week_begins
from edu_pipeline.settings.home import School
from edu_pipeline.settings.landing import Landing

FEW_OUTSIDE = 0.05
"""Share of a class's marks in a week below which it is ordinary that some are of students who have
left, or not come yet: one student of a class."""
MANY_OUTSIDE = 0.2
"""Share from which the class's figure depends on it."""
FEW_UNMARKED = 0.2
"""Share of a class's students for whom it is ordinary that a whole week has no mark."""
FEW_MISSING = 0.1
"""Share of a class's student-days in a week without a mark, by which its rate may be wrong unseen."""
A_FEW_DAYS = 2
"""Student-days without a mark that are ordinary in the smallest class."""
FEW_MARKED = 0.5
"""Share of a class's students who are marked, below which a register was not taken."""
MOST = 0.5
MANY_CLOSED = 0.2
"""Share of days with school from which closed days with marks are no accident."""
RIVAL_GAP_DAYS = (24, LONG_GAP_DAYS)
"""Days without school that may be a summer or a break."""
LONGEST_YEAR_DAYS = 345
"""From the first to the last day of a school year, of a school without a long summer."""
SPRING = ("03-20", "04-20")
"""First days of school years that have their summer's break in the middle."""
LONGEST_WINTER_BREAK = 31
"""Days from the last of four weeks' holidays' school to the first; in the south summers are longer."""
WEEKENDS = 0.1
MONDAY_TO_FRIDAY = 5
LONELY_DAYS = 10
ENOUGH_LONELY = 3


def outside_problems(
    outside: pl.DataFrame, marked: int, enrolled: int, first: str | None, end: str | None
) -> list[Problem]:
    """Marks of students who are in no class on the day.

    Args:
        outside: `agreement.marks_outside`.
        marked: Days with a mark.
        enrolled: Of these, of students in a class.
        first: First day that anybody is enrolled.
        end: Last day that anybody is.
    """
    if first is None:  # nobody is in a class, so no figure is claimed
        return []
    if marked and not enrolled:
        message = (
            f"None of {marked:,} student-days with a mark falls into an enrollment: students are "
            f"enrolled from {first} to {end}. Export the enrollments of this school year."
        )
        return [school_problem("enrollments", "none_enrolled", "begin_date", message, marked)]
    odd = outside.filter(
        (pl.col("outside") > 1) & (pl.col("outside") > FEW_OUTSIDE * pl.col("marked"))
    )
    problems = []
    for held in (True, False):
        many = pl.col("outside") >= MANY_OUTSIDE * pl.col("marked")
        found = odd.filter(many == held)
        if found.is_empty():
            continue
        rows = int(found["outside"].sum())
        ids = found["class_id"].drop_nulls().unique().sort().to_list()
        before, after = int(found["before"].sum()), int(found["after"].sum())
        parts = [
            text
            for count, text in (
                (before, f"{before:,} before their first enrollment begins"),
                (after, f"{after:,} after their last one has ended"),
            )
            if count
        ]
        when = between(found["first_date"].min(), found["last_date"].max())
        message = (
            f"{rows:,} student-days with a mark{when} are outside every enrollment, so they count "
            f"nowhere{': ' if parts else ''}{' and '.join(parts)}"
            f"{f' (classes {few(ids)})' if ids else ', of students in no class'}. Either the marks "
            "or the dates of the enrollments are wrong: correct begin_date and end_date."
        )
        for class_id in ids or [None]:
            problem = school_problem(
                "enrollments",
                "marks_outside",
                ", ".join(ids[:NAMED]) or "no class",
                message,
                rows,
                holds=held,
                first=found["first_date"].min(),
                last=found["last_date"].max(),
                class_id=class_id,
            )
            problems.append(problem.releasable("If the enrollments are right"))
    return problems


def homework_outside_problems(outside: pl.DataFrame) -> list[Problem]:
    """Homework of a class that is, for a good part, of students who are in other classes on the day.

    Args:
        outside: `agreement.homework_outside`.
    """
    odd = outside.filter(
        (pl.col("outside") > 1) & (pl.col("outside") >= MANY_OUTSIDE * pl.col("pieces"))
    )
    problems = []
    for (class_id,), weeks in odd.group_by("class_id", maintain_order=True):
        rows, of = int(weeks["outside"].sum()), int(weeks["pieces"].sum())
        first, last = weeks["first_date"].min(), weeks["last_date"].max()
        message = (
            f"{rows:,} of {of:,} pieces of homework of class {class_id}"
            f"{between(first, last)} are of students who are not enrolled in it on the day they were "
            "due, but in others, so they count nowhere. Either homework names another class than the "
            "enrollments, or these begin too late: export both with the same classes, or correct "
            "begin_date."
        )
        problem = school_problem(
            "homework", "homework_outside", str(class_id), message, rows, first=first, last=last
        )
        problems.append(problem.releasable("If it is right that they do not count"))
    return problems


def end_date_problems(
    ends: int, on: int, after: int, classes: Sequence[str], landing: Landing
) -> list[Problem]:
    """End dates on which nearly every student who left still has a mark.

    Args:
        ends: As `agreement.marks_on_end_dates` has them.
        on: Of these, with a mark on the end date.
        after: With a mark after it.
        classes: Of the second, those that they left: the figures of others do not depend on it.
        landing: The section of `pipeline.toml`.
    """
    if landing.enrollments.end_date == "inclusive" or not on:
        return []
    if on < (1 - WEEKENDS) * ends or after > MOST * on:
        return []
    message = (
        f"On {on} of {counted(ends, 'end date')} of enrollments the student who left has a mark, as if it were "
        "the last day in the class; it counts nowhere. If they still belonged to it, add to "
        '[landing.enrollments]: end_date = "inclusive".'
    )
    return [
        school_problem(
            "enrollments",
            "marks_on_end_dates",
            "end_date",
            message,
            on,
            class_id=class_id,
            known_as="end dates with marks",
        ).releasable("If they had left before")
        for class_id in classes
    ]


def term_problems(terms: pl.DataFrame, landing: Landing) -> list[Problem]:
    """End dates of terms on which there was school, where nobody but a specification says whose day that is.

    Args:
        terms: `agreement.terms_that_end_in_school`.
        landing: The section of `pipeline.toml`, with what formats say.
    """
    if terms.is_empty():
        return []
    first = terms.row(0, named=True)
    more = f", and {counted(terms.height - 1, 'other')} like it" if terms.height > 1 else ""
    is_read, other = "the first day no longer", "inclusive"
    if landing.terms.end_date == "inclusive":
        is_read, other = "its last day", "exclusive"
    message = (
        f"Term {first['term_id']} ends on {first['day']}{more}, "
        f"and there was school on that day. It is read as {is_read}; systems differ, and figures of the "
        f'classes of that term depend on it. Add to [landing.terms]: end_date = "{other}"  # or '
        f'"{landing.terms.end_date}", if it is right as it is read'
    )
    return [
        school_problem(
            "terms",
            "end_in_school",
            "end_date",
            message,
            first=first["day"],
            class_id=class_id,
            known_as="end dates of terms",
        )
        for class_id in sorted({*terms["class_ids"].explode()})
    ]


def move_problems(apart: int, at_once: int, classes: Sequence[str]) -> list[Problem]:
    """End dates on the day before the next class begins, where who has no row of attendance was present.

    Args:
        apart: As `agreement.moves_apart` has them.
        at_once: Moves without a day between.
        classes: Those that the first left.
    """
    message = (
        f"{counted(apart, 'student')} who moved to another class {'is' if apart == 1 else 'are'} in none on the "
        "school day between, which is the end date of the first and counts nowhere, as if it were the last day in "
        'the class. If so, add to [landing.enrollments]: end_date = "inclusive".'
    )
    return [
        school_problem(
            "enrollments",
            "moves_apart",
            "end_date",
            message,
            apart,
            class_id=class_id,
            known_as="end dates on the day before the next begin",
        ).releasable("If they were in none on that day")
        for class_id in (classes if apart > at_once else ())
    ]


def register_problems(registers: pl.DataFrame) -> list[Problem]:
    """Weeks in which many students of a class have no mark though others have.

    Args:
        registers: `agreement.registers`.
    """
    # nobody at all came in the week
    registers = registers.with_columns(ahead=(pl.col("came") == 0).all().over("week_start"))
    silent = registers.filter(
        (pl.col("unmarked") > 1) & (pl.col("unmarked") > FEW_UNMARKED * pl.col("students"))
    )
    came = pl.col("came") > 0
    absences = ~came & (pl.col("fewest") < 1) & came.any().over("week_start")
    partial = registers.filter((pl.col("fewest") < FEW_MARKED) & ~absences)
    told = pl.concat([silent, partial])
    lacking = pl.col("expected") - pl.col("marked")
    missing = registers.filter(
        ~absences & (lacking > A_FEW_DAYS) & (lacking > FEW_MISSING * pl.col("expected"))
    ).join(told, on=["class_id", "week_start"], how="anti")
    problems = []
    for kind, found, what in (
        (
            "students_without_marks",
            silent,
            "many students have no mark all week{}, though others have",
        ),
        ("registers_in_part", partial, "most students have no mark on a day, though others have"),
        (
            "marks_missing",
            missing,
            "many student-days have no mark{}, though others of the same days have",
        ),
        (
            "only_absences",
            registers.filter(absences),
            "only absences are marked, and the others have no mark",
        ),
    ):
        for (class_id,), weeks in found.group_by("class_id", maintain_order=True):
            named = [day_month(week) for week in weeks["week_start"].head(NAMED)]
            more = " and others" if weeks.height > NAMED else ""
            count = ""
            if kind == "students_without_marks":
                count = f", {int(weeks['unmarked'].max())} of {int(weeks['students'].max())}"  # type: ignore[arg-type]
            elif kind == "marks_missing":
                count = f", {(weeks['expected'] - weeks['marked']).sum():,} of {weeks['expected'].sum():,}"
            advice = "or they have left: export attendance again, or end their enrollments."
            if weeks["ahead"].all():
                advice = (
                    "or these are absences of days to come: export attendance again, and write the day "
                    "of the export into the name of the file, so that later days do not count yet."
                )
            message = (
                f"In class {class_id}, {what.format(count)}, in the week of "
                f"{listed(named)}{more}. The register is not complete, {advice}"
            )
            problem = school_problem(
                "attendance",
                kind,
                str(class_id),
                message,
                holds=True,
                first=weeks["week_start"].min(),
                last=weeks["week_start"].max(),
                class_id=str(class_id),
            )
            problems.append(problem.releasable("If that is right"))
    return problems


def days_problems(
    schools: pl.DataFrame, known: Sequence[str], ours: Sequence[str], landed: bool
) -> list[Problem]:
    """Schools with students and no day in session: their classes would not be there.

    Args:
        schools: `agreement.schools_without_days`.
        known: Schools that have days.
        ours: Schools that students are of.
        landed: Whether there is a calendar.
    """
    problems = []
    if not known:  # without any day there is no calendar and no attendance, which is told already
        return []
    for school, students, class_ids in schools.iter_rows():
        digits = max((len(one) for one in known if one.isdigit()), default=0)
        same = school.isdigit() and any(
            one.isdigit() and one.lstrip("0") == school.lstrip("0") for one in known
        )
        source = "the calendar has no day in session" if landed else "there is no mark on any day"
        theirs = [one for one in known if one not in ours] if landed else []
        school_ids = (toml_text(school), "") if schools.height == 1 else ('"…"', "  # its school")
        advice = (
            f"The calendar writes schools otherwise: {few(theirs)}. Add to "
            f"[landing.calendar.values.school_id]: {toml_key(theirs[0])} = {''.join(school_ids)}"
            if theirs and not (same and digits > len(school))
            else f"Others write it otherwise: add to [landing.classes.width]: school_id = {digits}"
            if same and digits > len(school)
            else "Schools with days are "
            f"{few(list(known))}: export the calendar with it, write the school in all "
            "exports alike, or, if there is one school only, say its id in "
            f"[landing.classes.constants]: school_id = {toml_text(known[0])}"
        )
        message = (
            f"For school {school} {source}, so {students} students"
            f"{f' of classes {few(class_ids)}' if class_ids else ''} count nowhere. {advice}"
        )
        problems += [
            school_problem(
                "calendar", "school_without_days", school, message, students, class_id=class_id
            )
            for class_id in class_ids or [None]
        ]
    return problems


def closed_problems(closed: pl.DataFrame, landing: Landing) -> list[Problem]:
    """Marks on closed days that say the calendar is wrong.

    A few are right and count nowhere: a day of snow for which everybody had been marked before, a
    detention on a Saturday.

    Args:
        closed: `agreement.marks_on_closed_days`.
        landing: The section of `pipeline.toml`.
    """
    daily = landing.attendance.shape == "daily"
    week = pl.col("date").dt.truncate("1w")
    whole = pl.col("marks") >= MOST * pl.col("usual")
    register = (pl.col("missed") > 0) & whole & daily
    beyond = pl.col("ahead") & (whole | (not daily))
    closed_days = pl.len().over("school_id")
    odd = closed.with_columns(
        many=(closed_days > MANY_CLOSED * (closed_days + pl.col("open")))
        & ((closed_days > 1) | (pl.col("open") == 0)),
        week=pl.col("alone") & (pl.len().over("school_id", week) > 1),
    ).filter(pl.col("many") | pl.col("week") | beyond | register)
    problems = []
    for (school,), days in odd.group_by("school_id", maintain_order=True):
        first = days.row(0, named=True)
        dates = [f"{day_month(day)} {day.year}" for day in days["date"].head(NAMED)]
        marks = int(days["marks"].sum())
        of = f" of school {school}" if closed["school_id"].n_unique() > 1 else ""
        message = (
            f"The calendar{of} has no school on {listed(dates)}"
            f"{' and other days' if days.height > NAMED else ''}, and there "
            f"{'is' if marks == 1 else 'are'} {counted(marks, 'mark')} of attendance on "
            f"{'it' if days.height == 1 else 'them'} ({first['file']}, line {first['line']}), which "
            f"{'counts' if marks == 1 else 'count'} nowhere. If there was school, export the calendar "
            "again with these days in session."
        )
        problem = school_problem(
            "calendar",
            "marks_on_closed_days",
            str(school),
            message,
            marks,
            first=first["date"],
            known_as=f"School {school} has marks on days without school from {first['date']}.",
        )
        problems.append(problem.releasable("If there was none"))
    return problems


def homeroom_problems(pairs: pl.DataFrame) -> list[Problem]:
    """Homerooms that students are in at once, as no student is who only moved within a school.

    Args:
        pairs: `agreement.homerooms_at_once`.
    """
    odd = pairs.filter(
        pl.col("apart")
        | (pl.col("together") > 0)
        | ((pl.col("shared") > 1) & (pl.col("shared") > MOST * pl.col("smaller")))
    )
    if odd.is_empty():
        return []
    one, other, shared, _, _, one_began, other_began, apart = odd.row(0)
    more = f", and in {odd.height - 1} other pairs of homerooms" if odd.height > 1 else ""
    (began, old), (later, _) = sorted([(one_began, one), (other_began, other)])
    over = "end the enrollments that are over."
    if (later - began).days > LONG_AGO_DAYS:
        over = (
            f"end the enrollments that are over: {old} began on {day_month(began)} {began.year}, and "
            "nothing says that it has ended."
        )
    message = (
        f"{counted(shared, 'student')} {'is' if shared == 1 else 'are'} in two homerooms at once, {one} and "
        f"{other}{' of another school' if apart else ''}{more}; each counts in one only. "
        + (
            f"Keep the homeroom of the school where they are marked, and {over}"
            if apart
            else "Say which kind is none, such as an advisory, in [landing.classes.values.class_type]: "
            f'advisory = "scheduled", or {over}'
        )
    )
    subject, rows = f"{one} {other}", int(odd["shared"].sum())
    problems = [
        school_problem("classes", "two_homerooms", subject, message, rows, class_id=class_id)
        for class_id in sorted({*odd["one"], *odd["other"]})
    ]
    if odd["together"].sum():  # nothing says which of them counts
        return problems
    later_counts = "If the one counts that began later"
    return [problem.releasable(later_counts) for problem in problems]


def calendar_problems(differ: pl.DataFrame, telling: Sequence[str]) -> list[Problem]:
    """Several rows of the calendar for one date and school that contradict each other.

    Args:
        differ: `days_that_differ`.
        telling: Columns that tell them apart.
    """
    if differ.is_empty():
        return []
    days = differ.select("date", "school_id").unique().height
    first = differ.sort("_file", "_line").row(0, named=True)
    column = f"by {listed(list(telling))}" if telling else "by no column"
    name = telling[0] if telling else "…"
    message = (
        f"The calendar has several rows per date and school, and on {days} "
        f"{'date' if days == 1 else 'dates'} ({first['date']}: {first['_file']}, line "
        f"{first['_line']}) they differ in whether school is in session; they are told apart {column}. "
        "If these are calendars per grade, track or class, say in [landing.calendar.columns] which: "
        f"grade = {toml_text(name)}  # or track, of which students have a column as well, or class_id. Else "
        f'keep the rows that are true for all in [landing.calendar.where]: {toml_key(name)} = ["…"]'
    )
    problem = school_problem(
        "calendar", "days_differ", name, message, differ.height, first=differ["date"].min()
    )
    return [problem.releasable("If a day counts that is in session for some")]


def group_problems(without: pl.DataFrame) -> list[Problem]:
    """Students of whom the calendar has no days, though it has days of its own for others.

    Args:
        without: `agreement.without_a_calendar`.
    """
    problems = []
    for row in without.iter_rows(named=True):
        kind, theirs, strange, students = (
            row[name] for name in ("kind", "theirs", "strange", "students")
        )
        of = "class" if kind == "class_id" else kind
        if not theirs and kind != "class_id":
            advice = f'Add to [landing.students.columns]: {kind} = "…"  # the column that holds it'
        elif theirs and strange:
            advice = (
                f"Add to [landing.calendar.values.{kind}]: {toml_key(strange[0])} = "
                f"{toml_text(theirs[0])}  # if the one is the other"
            )
        else:
            advice = f"Export days of every {of}, or rows without any, which are everybody's."
        message = (
            f"School {row['school_id']} is not in session on the same days for all: the calendar has days "
            f"of {of} {few(row['known'])}, and {counted(students, 'student')} "
            f"{'is' if students == 1 else 'are'} in none of them{f' ({of} {few(theirs)})' if theirs else ''}, "
            f"so nobody knows on which days they were expected. {advice}"
        )
        problems += [
            school_problem(
                "calendar",
                "students_without_calendar",
                kind,
                message,
                students,
                class_id=class_id,
            )
            for class_id in row["class_ids"]
        ]
    return problems


def name_problems(names: pl.DataFrame) -> list[Problem]:
    """Names where ids should be.

    Args:
        names: `agreement.names_for_ids`.
    """
    problems = []
    for table, header, file, ids, count, line in names.iter_rows():
        column = "person_id" if table == "enrollments" else "student_id"
        message = (
            f"The column {header} of {file}, taken for {column}, holds names in {count} of {ids} "
            "different cells, and names are no ids: two students may share one. Export it with ids "
            f'and say in [landing.{table}.columns]: {column} = "…"'
            + (f"; or, as no two students have one of these names: {line}" if line else "")
        )
        problem = school_problem(
            table, "names_for_ids", header, message, count, known_as=f"{file} {header}"
        )
        problems.append(problem.releasable("If no two students ever share a name"))
    return problems


def part_problems(repeats: pl.DataFrame, files: pl.DataFrame) -> list[Problem]:
    """Files that are taken for parts of an export, though one repeats most of another.

    Args:
        repeats: `agreement.parts_that_repeat`.
        files: `LandingFiles`.
    """
    formats = dict(files.select("path", "format").iter_rows())
    problems: dict[str, Problem] = {}
    for table, one, other, rows, shared in repeats.filter(
        pl.col("shared") > MOST * pl.col("rows")
    ).iter_rows():
        of = [formats[path] for path in (one, other)]
        if table in ROSTER and all(of) and len({*of}) > 1:
            problem = _rosters_of_two(table, {*of}, shared, files)
            problems.setdefault(problem.subject, problem.releasable("If both count"))
            continue
        message = (
            f"{one} and {other} would be added up, but {shared} of {rows} rows ({percent(shared / rows)}) "
            "of the smaller are about the same things in the other, as in two versions of one export. "
            f"Leave only the newer, or write the day of the export into the names, such as "
            f"{table}_2026-09-18.csv."
        )
        subject = f"{one} {other}"
        problem = school_problem(
            table, "parts_repeat", subject, message, shared, known_as=one + other
        )
        problems[f"{table} {subject}"] = problem.releasable("If both count")
    return list(problems.values())


ROSTER = ("students", "staff", "classes", "enrollments", "terms")
"""Exports of which a system has all or none."""


def _rosters_of_two(
    table: str, formats: Collection[str], shared: int, files: pl.DataFrame
) -> Problem:
    """One roster as two systems export it; who has the attendance, too, is likely the one."""
    theirs = files.filter(pl.col("format").is_in([*formats]) & pl.col("current"))
    marks = set(theirs.filter(table="attendance")["format"])
    systems = sorted(formats, key=lambda each: (each not in marks, each))
    shown = [f"{each} ({theirs.filter(format=each, table=table)['path'][0]})" for each in systems]
    left = theirs.filter(pl.col("table").is_in(ROSTER), format=systems[1])["path"].unique().sort()
    message = (
        f"{listed(shown)} have {shared:,} {table} in common, so that a row of one replaces that of the other, and "
        f"nobody has said which counts. Leave one of the two out, such as {systems[1]}: "
        f"[landing] ignore = {toml_list(left)}."
    )
    subject = " ".join(systems)
    return school_problem("students", "two_rosters", subject, message, shared, known_as=subject)


def school_in_two_sets(schools: pl.DataFrame) -> list[Problem]:
    """Schools whose students would be added up from several sets: of two districts, or two years?

    Args:
        schools: `agreement.schools_of_sets`.
    """
    problems = []
    for school_id, form, paths in schools.iter_rows():
        message = (
            f"{listed(paths)} are of {len(paths)} sets of {form}, and all have students of a school "
            f"{school_id}, who would be added up. If they are schools of two districts, keep these in two homes; "
            "if it is one school in two years, leave only the newer set."
        )
        problem = school_problem("students", "school_in_two_sets", school_id, message)
        problems.append(problem.releasable("If it is one school"))
    return problems


def staff_problems(named: int, unknown: int, files: Sequence[str]) -> list[Problem]:
    """Classes whose teachers are in no export of staff.

    Args:
        named: As `agreement.teachers_unknown` has them.
        unknown: Of these, of unknown teachers.
        files: What is read as staff.
    """
    if not files or unknown <= MOST * named:
        return []
    message = (
        f"{unknown} of {named} classes have a teacher who is not in {listed(list(files))}, so "
        "nobody would get their letters. Say where the teachers are in [landing.staff]: "
        'files = ["school/teachers*"]'
    )
    return [school_problem("classes", "unknown_teachers", "teacher_id", message, unknown)]


def login_problems(logins: int, of: int) -> list[Problem]:
    """Addresses that are none, as systems write logins that are addresses of one domain.

    Args:
        logins: As `agreement.without_a_domain` has them.
        of: All addresses.
    """
    if logins <= MOST * of:
        return []
    message = (
        f"{logins:,} of {of:,} addresses of staff have no @, as logins have none, so no letter would reach "
        'them. If they are addresses of one domain, add to [landing.staff]: email_domain = "…"  # such as '
        "school.org; else name the column that holds addresses in [landing.staff.columns]."
    )
    return [school_problem("staff", "logins_for_addresses", "email", message, logins)]


def week_problems(days: pl.DataFrame, school: School) -> list[Problem]:
    """School on Sundays and hardly on Fridays, where nothing says when the week begins.

    With school on Saturdays too the week begins with them.

    Args:
        days: `SchoolDays`.
        school: Of the settings.
    """
    weekday = pl.col("date").dt.weekday()
    counts = (
        days.filter("in_session")
        .group_by("school_id")
        .agg(
            fridays=(weekday == 5).sum(),  # noqa: PLR2004
            saturdays=(weekday == 6).sum(),  # noqa: PLR2004
            sundays=(weekday == 7).sum(),  # noqa: PLR2004
        )
        .filter((pl.col("sundays") >= SUNDAYS) & (pl.col("sundays") > pl.col("fridays")))
        .sort("school_id")
    )
    if school.week_begins is not None or counts.is_empty() or proven_week_begins(days):
        return []
    early = counts.filter(
        (pl.col("saturdays") >= SUNDAYS) & (pl.col("saturdays") > pl.col("fridays"))
    )
    first, on = ("sunday", "Sundays") if early.is_empty() else ("saturday", "Saturdays and Sundays")
    message = (
        f"School {few(counts['school_id'].to_list())} is in session on {on} and hardly on Fridays, "
        f'but weeks are counted from Monday. Add to [school]: week_begins = "{first}"  # or monday'
    )
    return [school_problem("calendar", "week_begins", "week_begins", message)]


def year_problems(
    days: pl.DataFrame, through: date | None, school: School, named: bool
) -> list[Problem]:
    """Breaks in the running school year that may be a summer, and a summer that may be a break in it.

    Args:
        days: `SchoolDays`.
        through: The last day that has marks.
        school: Of the settings.
        named: Whether the calendar says which school year a day is of.
    """
    if school.year_begins is not None or named or through is None:
        return []
    session = (
        days.filter(pl.col("in_session") & (pl.col("date") <= through))
        .sort("school_id", "date")
        .with_columns(
            gap=(pl.col("date") - pl.col("date").shift(1).over("school_id")).dt.total_days(),
            first=pl.col("date").min().over("school_id"),
        )
        .filter(pl.col("year_start") == pl.col("year_start").max().over("school_id"))
    )
    back = pl.col("date")
    breaks = session.filter(
        pl.col("gap").is_between(*RIVAL_GAP_DAYS) & ~_of_winter(back, pl.col("gap"))
    )
    if not breaks.is_empty():
        day, gap, start = breaks.select("date", "gap", "year_start").row(-1)
        message = (
            f"School begins again on {day}, after {gap} days without school: that may be a new school "
            f"year after a summer, or a break in the one that began on {start}, and figures of the school "
            f'year depend on it. Add to [school]: year_begins = "{day:%m}-01"  # or "{start:%m}-01"'
        )
        return [school_problem("calendar", "year_begins", "year_begins", message, first=day)]
    spring = pl.col("first").dt.to_string("%m-%d").is_between(pl.lit(SPRING[0]), pl.lit(SPRING[1]))
    summers = session.filter(spring & (back == pl.col("year_start")) & (pl.col("first") < back))
    if not summers.is_empty():
        day, gap, first = summers.select("date", "gap", "first").row(-1)
        message = (
            f"School begins again on {day}, after {gap} days without school: that may be a new school "
            f"year, or, as the calendar begins on {first}, the summer of one that begins in spring, and "
            f'figures of the school year depend on it. Add to [school]: year_begins = "{day:%m}-01"  '
            f'# or "{first:%m}-01"'
        )
        return [school_problem("calendar", "year_begins", "year_begins", message, first=day)]
    longest = session.filter((back - pl.col("year_start")).dt.total_days() > LONGEST_YEAR_DAYS)
    if longest.is_empty():
        return []
    start = longest["year_start"][0]
    message = (
        f"The calendar has no break of more than {LONG_GAP_DAYS} days since {start}, as if the school year "
        f"that began then were still going on on {through}, and figures of the school year depend on "
        'it. Add to [school]: year_begins = "…"  # month and day, such as 08-15'
    )
    return [school_problem("calendar", "year_begins", "year_begins", message, first=start)]


def apart_problems(days: Sequence[date], landing: Landing) -> list[Problem]:
    """Single days with marks, weeks from any other: dates whose day and month were swapped.

    Args:
        days: Days of marks, also of those that count nowhere, in order.
        landing: The section of `pipeline.toml`.
    """
    if landing.attendance.shape != "daily":
        return []
    between_them = [(later - day).days for day, later in pairwise(days)]
    gaps = [LONELY_DAYS, *between_them, LONELY_DAYS]
    lonely = [
        day
        for day, before, after in zip(days, gaps, gaps[1:], strict=False)
        if min(before, after) >= LONELY_DAYS
    ]
    if len(lonely) < ENOUGH_LONELY or len(lonely) == len(days):
        return []
    shown = [f"{day_month(day)} {day.year}" for day in lonely[:NAMED]]
    message = (
        f"{len(lonely)} days with marks of attendance, such as {listed(shown)}, are weeks away from any "
        "other, as if day and month were the wrong way round in some dates: two offices may write them in "
        "two ways, or Excel may have swapped them. Export attendance again with dates such as 2026-09-18."
    )
    problem = school_problem(
        "attendance", "lonely_days", "date", message, first=lonely[0], known_as="lonely days"
    )
    return [problem.releasable("If there was school on these days")]


def _of_winter(back: pl.Expr, gap: pl.Expr) -> pl.Expr:
    """Whether school begins again in January after Christmas and not much more: no summer is so short."""
    christmas = pl.date(back.dt.year() - 1, 12, 25)
    return (
        (back.dt.month() == 1)
        & (back - pl.duration(days=gap) < christmas)
        & (gap <= LONGEST_WINTER_BREAK)
    )


def date_order_problems(table: str, texts: pl.Series, landing: Landing) -> list[Problem]:
    """Dates that fall on week-ends as they are read, and never with day and month swapped.

    Args:
        table: The export.
        texts: Its different dates, as received.
        landing: The section of `pipeline.toml`.
    """
    formats = landing.export(table).date_formats
    if not formats:
        return []
    swapped = [form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m") for form in formats]
    frame = pl.DataFrame({"text": texts}).select(
        said=parsed_date(pl.col("text"), formats), other=parsed_date(pl.col("text"), swapped)
    )
    odd = frame.filter((pl.col("said") != pl.col("other")).fill_null(value=False))
    unread = frame["other"].null_count() > frame["said"].null_count()
    if unread or odd.height < MONDAY_TO_FRIDAY:
        return []

    def weekends(column: str) -> int:
        return int((frame[column].dt.weekday() > MONDAY_TO_FRIDAY).sum())

    if weekends("said") < WEEKENDS * frame.height or weekends("other"):
        return []
    message = (
        f"{weekends('said')} of {frame.height} dates of {table} are at week-ends, read as "
        f"[landing.{table}] says, and none is with day and month the other way round. Likely, in "
        f"[landing.{table}]: date_formats = {toml_list(swapped)}"
    )
    problem = school_problem(
        table, "date_order", "date_formats", message, known_as="dates at week-ends"
    )
    return [problem.releasable("If school is at week-ends")]
