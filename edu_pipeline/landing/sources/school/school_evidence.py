"""What the cells of exports give reason to write into `pipeline.toml`.

Every step takes the exports as they are read so far and gives lines; the next one reads by them.
What a code means is never concluded from anything.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial

from edu_pipeline.ground.sql import quoted
from edu_pipeline.ground.wording import counted, rounded_percent
from edu_pipeline.landing.sources.school.canonical import CODES, unread_names
from edu_pipeline.landing.sources.school.code_sets import (
    likely_set,
    meanings_shown,
    said_in_words,
)
from edu_pipeline.landing.sources.school.fields import DATES, FIELDS, WORDS
from edu_pipeline.landing.sources.school.lessons import DAILY, DAILY_COLUMNS
from edu_pipeline.landing.sources.school.manifest import SCHOOL_FOLDER
from edu_pipeline.landing.sources.school.parts_of_day import (
    MOST_SESSIONS,
    are_called_sessions,
    parts_of_day,
    sessions_likely,
)
from edu_pipeline.landing.sources.school.placing import SAID_ONCE
from edu_pipeline.landing.sources.school.school_problems import (
    ENOUGH_MARKS,
    FEW_PRESENT,
    MANY_CODES,
    MEANINGS,
)
from edu_pipeline.landing.sources.school.school_reading import (
    LINKS,
    Reading,
    WordSeen,
    codes_seen,
    texts_of,
    word_meaning,
)
from edu_pipeline.landing.sources.school.stage_facts import sessions_in_turn
from edu_pipeline.landing.sources.school.suggestions import OPEN, Line, format_lines, join_lines
from edu_pipeline.landing.sources.school.telling_apart import SOURCES
from edu_pipeline.landing.sources.school.unread import few_cells, words_of
from edu_pipeline.landing.tables.date_order import date_orders, is_date, unread
from edu_pipeline.landing.tables.headers import normal, word_set
from edu_pipeline.landing.versions import pattern_of
from edu_pipeline.landing.zone import is_like
from edu_pipeline.settings.landing import SCHOOL_TABLES
from edu_pipeline.settings.marks import CODE_SETS, DISMISSED

ENOUGH = 0.9
"""Share of ids that must be found in another export before something is concluded from it."""

FEW = 0.1
"""Share of ids below which the others are taken for chance."""

NAMES = re.compile(r"[^\W\d_].*[, ].*[^\W\d_]")
"""What names are like, and ids are not."""

FEW_DAYS = 0.5
"""Share of the days on which its students have a row, below which an export is exceptions only."""

VERSIONS = SOURCES | word_set("version revision attempt copy entry sequence seq type kind category")
"""What headers say that hold which of several rows about one thing a row is."""

SOME_DAYS = 5
"""Days that an export must have before its shape is concluded from them."""


def _people_lines(read: Reading) -> list[Line]:
    """One file of students and staff: which rows are whose."""
    lines = []
    unsaid = {
        table: {
            path
            for path, form in read.files.filter(table=table).select("path", "format").iter_rows()
            if form is None  # which says it itself
        }
        for table in ("students", "staff")
    }
    both = unsaid["students"] & unsaid["staff"]
    for table, role in (("students", "student"), ("staff", "teacher")):
        role_header = next((name for name in read.headers(table) if normal(name) == "role"), None)
        if not both or not role_header or read.settings.landing.export(table).where:
            continue
        words = WORDS["enrollments", "role"]
        kept = tuple(
            word
            for word in read.raw_counts(table, role_header)
            if words.get(word.casefold()) == role
        )
        if kept:
            why = f"the file holds students and staff; its {role_header} tells them apart"
            lines.append(Line(("landing", table, "where"), role_header, kept, why))
    return lines


def _daily_lines(read: Reading) -> list[Line]:
    """Rows about whole days and rows about classes in one attendance export: the days count."""
    if read.settings.landing.attendance.where or not read.lacks("attendance", "class_id"):
        return []
    for header in read.headers("attendance"):
        if normal(header) in DAILY_COLUMNS:
            words = {word.casefold(): word for word in read.raw_counts("attendance", header)}
            for daily, section in DAILY.items():
                if daily in words and section in words:
                    why = f"rows of “{words[section]}” are about single classes"
                    where = ("landing", "attendance", "where")
                    return [Line(where, header, (words[daily],), why)]
    return []


def _missing_lines(read: Reading) -> list[Line]:
    """Required columns that no header names, where the cells of one column only can be it."""
    lines = []
    for table in SCHOOL_TABLES:
        for ours in FIELDS[table]:
            if not ours.required or ours.name in SAID_ONCE or not read.lacks(table, ours.name):
                continue
            fits = [
                header for header in read.headers(table) if _fits(read, table, ours.name, header)
            ]
            section = ("landing", table, "columns")
            if len(fits) == 1:
                lines.append(Line(section, ours.name, fits[0], "its cells are of this kind"))
            else:
                taken = {name for each in read.resolved(table) for name in each.headers.values()}
                free = [name for name in read.headers(table) if name not in taken]
                why = f"say which column it is: {', '.join(fits or free)}"
                lines.append(Line(section, ours.name, OPEN, why, certain=False))
    return lines


def _fits(read: Reading, table: str, column: str, header: str) -> bool:
    """Whether the cells of a header are of the kind that a column holds."""
    cells = read.raw_counts(table, header)
    if column == "email":
        return sum("@" in cell for cell in cells) >= ENOUGH * len(cells) > 0
    if column in DATES.get(table, ()):
        return bool(cells) and sum(is_date(cell) for cell in cells) >= ENOUGH * len(cells)
    targets = next((to for name, ours, to in LINKS if (name, ours) == (table, column)), ())
    return bool(cells) and _share(cells, read.sources(targets)) >= ENOUGH


def _date_lines(read: Reading) -> list[Line]:
    probing = read.with_placeholders()
    bad: dict[str, Counter[str]] = {table: Counter() for table in DATES}
    for table, columns in DATES.items():
        formats = read.settings.landing.export(table).date_formats
        for column in columns:
            bad[table].update(unread(texts_of(probing, table, column), formats))
    orders = {table: date_orders(texts) for table, texts in bad.items() if texts}
    return format_lines(orders, read.settings, {table: bad[table].total() for table in orders})


def _share(ids: Collection[str], known: Collection[str]) -> float:
    return sum(each in known for each in ids) / len(ids) if ids else 0.0


def _link_lines(
    read: Reading, table: str, column: str, targets: tuple[tuple[str, str], ...]
) -> list[Line]:
    """Zeros that one export lost, or another column that holds the ids."""
    probing = read.with_placeholders()
    ids, known = probing.ids(table, column), probing.sources(targets)
    now = _share(ids, known)
    if not ids or not known or now >= ENOUGH:
        return []
    for (padded, name), short, long in (
        ((table, column), ids, known),
        (targets[0], known, ids),
    ):
        digits = _digits(short, long)
        if digits and _share(ids, known | {each.zfill(digits) for each in known}) < ENOUGH > _share(
            {each.zfill(digits) for each in ids}, known
        ):
            continue
        if digits:
            why = f"{rounded_percent(now)} of the ids of {table} are known as they are, nearly all with zeros"
            return [Line(("landing", padded, "width"), name, digits, why)]
    why = (
        f"{rounded_percent(now)} of the ids of {table} are known as they are, nearly all with this"
    )
    for other, name, wanted in ((table, column, known), (*targets[0], ids)):
        fits = _better_columns(probing, other, name, wanted)
        if other == targets[0][0]:
            fits = [each for each in fits if probing.tells_apart(other, name, each)]
            known_so = _is_named_by_others(probing, table, targets) or _are_names(ids)
            if len(fits) == 1 and known_so:
                joined = _joined_lines(read, table, column, targets[0], fits[0], why)
                return joined if now < FEW else []
        if len(fits) == 1:
            return [Line(("landing", other, "columns"), name, fits[0], why)]
        if fits:
            why = f"{why}: say which it is, {' or '.join(fits)}"
            return [Line(("landing", other, "columns"), name, OPEN, why, certain=False)]
    return []


def _are_names(ids: Collection[str]) -> bool:
    return sum(NAMES.search(each) is not None for each in ids) > len(ids) / 2


def _is_named_by_others(read: Reading, table: str, targets: tuple[tuple[str, str], ...]) -> bool:
    """Whether exports other than this one have the ids of a target as they are."""
    return any(
        _share(read.ids(other, column), read.sources(to)) >= ENOUGH
        for other, column, to in LINKS
        if other != table and to[0] == targets[0]
    )


def _joined_lines(
    read: Reading, table: str, column: str, target: tuple[str, str], key: str, why: str
) -> list[Line]:
    """What finds the ids that others have by a further column, which this export has: a join."""
    ours = {found.headers.get(column) for found in read.resolved(table)}
    theirs = {found.headers.get(target[1]) for found in read.resolved(target[0])}
    if len(ours) != 1 or len(theirs) != 1:
        return []
    (on,), (their_id,) = ours, theirs
    if on is None or their_id is None or on.startswith(f"{target[0]}."):
        return []
    current = read.files.filter("current")
    others = tuple(map(pattern_of, current.filter(table=target[0])["path"]))
    named = read.settings.landing.export(table).files or (f"{SCHOOL_FOLDER}{table}*",)
    lines = []
    # the files of a published format have names of their own
    for pattern in dict.fromkeys(
        next((each for each in named if is_like(path, (each,))), pattern_of(path))
        for path in current.filter(table=table)["path"]
    ):
        part = ("landing", table, "parts", pattern)
        lines += join_lines(part, column, (target[0], their_id), others, (on, key), why)
    return lines


def _digits(short: Collection[str], long: Collection[str]) -> int | None:
    """The one length of ids that others reach with leading zeros."""
    lengths = Counter(len(each) for each in long if each.isascii() and each.isdigit())
    if not lengths:
        return None
    digits, _ = lengths.most_common(1)[0]
    shorter = [each for each in short if each.isascii() and each.isdigit() and len(each) < digits]
    padded = {each.zfill(digits) for each in shorter}
    return digits if padded and _share(padded, set(long)) >= FEW else None


def _better_columns(read: Reading, table: str, column: str, wanted: set[str]) -> list[str]:
    """Other headers whose cells are the ids that the column should hold."""
    if column in read.settings.landing.export(table).columns:
        return []
    now = {found.headers.get(column) for found in read.resolved(table)}
    fits = []
    for header in read.headers(table):
        cells = read.raw_counts(table, header)
        common = wanted.intersection(cells)
        if header not in now and len(common) >= ENOUGH * min(len(wanted), len(cells)) and common:
            fits.append(header)
    return fits


def _constant_lines(read: Reading) -> list[Line]:
    """`class_type` and `role` where no column has them and the ids decide."""
    probing = read.with_placeholders()
    lines = []
    if read.lacks("classes", "class_type"):
        classes = probing.ids("classes", "class_id")
        meaning, why = _class_type(probing, classes)
        section = ("landing", "classes", "constants")
        lines.append(
            _decided(section, "class_type", meaning, why, MEANINGS["classes", "class_type"])
        )
    if read.lacks("enrollments", "role"):
        people = probing.ids("enrollments", "person_id")
        meaning, why = _role(probing, people)
        section = ("landing", "enrollments", "constants")
        lines.append(_decided(section, "role", meaning, why, ("student", "teacher")))
    return lines


def _decided(
    section: tuple[str, ...], key: str, meaning: str | None, why: str, ours: Sequence[str]
) -> Line:
    if meaning:
        return Line(section, key, meaning, why)
    return Line(section, key, OPEN, f"{why}: say which, {' or '.join(ours)}", certain=False)


def _role(read: Reading, people: Collection[str]) -> tuple[str | None, str]:
    students = _share(people, read.ids("students", "student_id"))
    staff = _share(people, read.ids("staff", "staff_id"))
    if students >= ENOUGH and staff <= FEW:
        return "student", f"{rounded_percent(students)} of the ids are students'"
    if staff >= ENOUGH and students <= FEW:
        return "teacher", f"{rounded_percent(staff)} of the ids are staff's"
    return (
        None,
        f"{rounded_percent(students)} of the ids are students', {rounded_percent(staff)} staff's",
    )


def _class_type(read: Reading, classes: Collection[str]) -> tuple[str | None, str]:
    homerooms = read.ids("students", "homeroom_id")
    if homerooms and classes:
        inside = _share(classes, homerooms)
        if inside >= ENOUGH:
            return "homeroom", "they are the homerooms that the students export names"
        if inside <= FEW:
            return "scheduled", "none is a homeroom that the students export names"
    students = read.ids("students", "student_id")
    per_student = Counter(
        person
        for class_id, person, _ in read.counts("enrollments", "class_id", "person_id")
        if class_id in classes and person in students
    )
    if not per_student:
        return None, "nobody is enrolled in them"
    single = sum(n == 1 for n in per_student.values()) / len(per_student)
    everybody = len(per_student) >= ENOUGH * len(students)
    if everybody and single >= ENOUGH:
        return "homeroom", "every student is in exactly one of them"
    if not everybody and single >= ENOUGH:
        return None, "students are in one of them at most, but not all are"
    return None, "students are in several of them"


def _role_lines(read: Reading) -> list[Line]:
    """Words of `role`, `class_type` and `in_session` that the ids explain; the others are asked for."""
    lines = []
    probing = read.with_placeholders()
    for (table, column), ours in MEANINGS.items():
        words = {
            word: rows
            for word, rows in texts_of(probing, table, column).items()
            if word_meaning(read.settings, table, column, word) is None
        }
        if len(words) > MANY_CODES:
            continue
        identifier = {"role": "person_id", "class_type": "class_id"}.get(column)
        ids_of: dict[str, set[str]] = {}
        if identifier and words:
            for word, found, _ in probing.counts(table, column, identifier):
                ids_of.setdefault(str(word), set()).add(str(found))
        for word, rows in words.items():
            ids = ids_of.get(word, set())
            meaning, why = None, ""
            if column == "role":
                meaning, why = _role(probing, ids)
            elif column == "class_type":
                meaning, why = _class_type(probing, ids)
            reason = f"{counted(rows, 'row')}{f', {why}' if why else ''}"
            section = ("landing", table, "values", column)
            lines.append(_decided(section, word, meaning, reason, ours[:2]))
    return lines


def _shape_lines(read: Reading) -> list[Line]:
    """An attendance export that has rows for few of the students' days holds exceptions only.

    Where the days are too few to tell, a person is asked if hardly any mark is present.
    """
    if "shape" in read.settings.landing.attendance.model_fields_set:
        return []
    marks, students, days = read.con.execute(
        "select count(distinct (student_id, date)), count(distinct student_id), "
        f"count(distinct date) from {read.rows('attendance')}"
    ).fetchall()[0]
    codes = [
        (read.settings.attendance.mark(str(code)), int(rows))
        for code, rows in read.counts("attendance", "code")
        if not str(code).startswith(DISMISSED)
    ]
    counted = [
        (mark, rows) for mark, rows in codes if not mark or (mark.submitted and mark.possible)
    ]
    of = sum(rows for _, rows in counted)
    present = sum(
        rows for mark, rows in counted if mark and mark.attended == mark.possible and not mark.tardy
    )
    if of and present / of >= FEW_PRESENT:
        return []
    section = ("landing", "attendance")
    if days >= SOME_DAYS and marks < FEW_DAYS * students * days:
        # of the students who are in it: the export may be one year group's
        share = rounded_percent(marks / (students * days))
        why = f"its students have a row on {share} of its days only, so no row means present"
        return [Line(section, "shape", "exceptions", why)]
    if of < ENOUGH_MARKS or not all(mark for mark, _ in codes):
        return []
    why = f"{present:,} of {of:,} marks are present: say so if nobody present has a row"
    return [Line(section, "shape", "exceptions", why, certain=False)]


def _session_column_lines(read: Reading) -> list[Line]:
    """The column of the session, where nobody knows its header and no other one can be it."""
    if read.settings.landing.attendance.shape != "daily" or not all(
        read.lacks("attendance", ours) for ours in ("session", "class_id")
    ):
        return []
    found = [
        name
        for name in unread_names(
            read.con, "attendance", read.files, read.settings.landing.attendance
        )
        if not words_of(name) & VERSIONS and _has_all_sessions(read, name)
    ]
    if len(found) != 1:
        return []
    why = "each mark of a student on a day has another one, and nearly all students have all of the day's"
    return [Line(("landing", "attendance", "columns"), "session", found[0], why)]


def _has_all_sessions(read: Reading, name: str) -> bool:
    """Whether a column tells marks of a day apart, and nearly everybody has one for each of its values.

    Of corrections, and of a second system's marks, there are fewer.
    """
    sessions = few_cells(read.con, "attendance", name, MOST_SESSIONS)
    if not sessions or not are_called_sessions(sessions):
        return False
    ((rows, different, of, fewest),) = read.con.execute(
        f"""
        with marks as (
          select parsed.student_id, parsed.date, trim(raw.{quoted(name)}) as session
          from {read.rows("attendance")} as parsed join raw_attendance as raw using (_file, _line)
          where _rule is null
        ),
        days as (
          select count(*) as rows, count(distinct (student_id, session)) as different,
                 count(distinct student_id) * count(distinct session) as of,
                 count(distinct nullif(session, '')) as sessions
          from marks group by date
        )
        select sum(rows), sum(different), sum(of), min(sessions) from days
        """
    ).fetchall()
    return bool(rows and rows == different >= ENOUGH * of and fewest > 1)


def _session_lines(read: Reading) -> list[Line]:
    """How many marks make a day."""
    export = read.settings.landing.attendance
    exceptions = export.shape == "exceptions"
    names = [str(name or "") for name, _ in read.counts("attendance", "session")]
    parts = parts_of_day(names, export, lessons=bool(read.ids("attendance", "class_id")))
    if parts.by_day or parts.per_day > export.sessions_per_day:
        return []
    if exceptions:
        most = sessions_likely(names)
        why = "absences are about single sessions: say how many a full day has"
    else:
        most = read.con.execute(
            # some write the session beside the date: `21 Sep 2026 AM`
            "select coalesce(max(marks), 0) from (select count(distinct (coalesce(session, ''), date)) as marks "
            f"from {read.rows('attendance')} "
            r"group by student_id, regexp_replace(date, '\s+[AP]M$', '', 'i'))"
        ).fetchall()[0][0]
        why = f"a student has up to {most} marks on one day"
    in_turn = exceptions and sessions_in_turn(
        read.con, read.rows("attendance"), export.sessions_per_day
    )
    if most <= export.sessions_per_day or in_turn:
        return []
    section = ("landing", "attendance")
    return [Line(section, "sessions_per_day", most, why, certain=not exceptions)]


def _set_line(read: Reading, unknown: Sequence[WordSeen]) -> Line | None:
    """The published set that codes may be of; certain where a column says of each what it means there."""
    name = likely_set({word.text: word.last for word in unknown})
    if name is None:
        return None
    title = CODE_SETS[name].title
    theirs = [word.text for word in unknown if word.text in CODE_SETS[name].codes]
    for header in read.headers("attendance"):
        if said_in_words(theirs, read.beside("attendance", "code", header)):
            why = f"{header} says of each code what it means among {title}"
            return Line(("attendance",), "code_set", name, why)
    why = (
        f"{counted(len(theirs), 'code')} are among {title}: {meanings_shown(name, theirs)}; say so, or else "
        "what each means at this school in [attendance.codes]"
    )
    return Line(("attendance",), "code_set", name, why, certain=False)


def _code_lines(read: Reading) -> list[Line]:
    """Codes that nobody has given a meaning. What they mean is never guessed."""
    lines = []
    for table in CODES:
        unknown = [word for word in codes_seen(read, table) if word.meaning is None]
        if table == "attendance" and (of_set := _set_line(read, unknown)):
            lines.append(of_set)
            theirs = CODE_SETS[str(of_set.value)].codes
            unknown = [word for word in unknown if word.text not in theirs]
        if len(unknown) > MANY_CODES:
            continue
        lines += [
            Line(
                (table, "codes"),
                word.text,
                OPEN,
                f"{_rows(word)}: say what it means",
                certain=False,
            )
            for word in unknown
        ]
    return lines


def _rows(word: WordSeen) -> str:
    rows = counted(word.rows, "row")
    if word.first is None:
        return rows
    return f"{rows}, {word.first}" + (f" to {word.last}" if word.last != word.first else "")


Step = Callable[[Reading], list[Line]]
STEPS: Sequence[Step] = (
    _people_lines,
    _daily_lines,
    _missing_lines,
    _date_lines,
    *(partial(_link_lines, table=table, column=column, targets=to) for table, column, to in LINKS),
    _constant_lines,
    _role_lines,
    _shape_lines,
    _session_column_lines,
    _session_lines,
    _code_lines,
)
"""In the order in which they rest on each other."""
