"""An invented school's exports: its people and classes, and all its tables together.

Not here: what happens on a day (attendance, homework), and files.
"""

from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from edu_pipeline.sample.plan import (
    CO_TAUGHT,
    OPEN,
    SHARED_TEACHER,
    SUBJECTS,
    TEACHER_CHANGES,
    TERM_STARTS,
    Roster,
    SchoolYear,
    iso_dates,
    plan_classes,
    plan_homerooms,
    plan_roster,
    school_year,
)
from edu_pipeline.sample.records import attendance, homework
from edu_pipeline.settings.letters import SAMPLE_DOMAIN

_GIVEN_NAMES = (
    "Ada, Aisha, Aleksander, Amara, Amélie, Ana, Arjun, Astrid, Benedikt, Bilal, Bronwen, Camila, "
    "Chiara, Chidi, Daniel, Dario, Deepa, Dilan, Eilidh, Elif, Emeka, Esther, Fatima, Felix, "
    "Freya, Gabriel, Grace, Hana, Hiroshi, Ibrahim, Ines, Isaac, Jamal, Jean-Luc, João, Jonah, "
    "Kateryna, Kofi, Lars, Leila, Linh, Lucía, Mateo, Maya, Mei-Ling, Minh, Mira, Nadia, Nia, "
    "Noah, Oksana, Oluwaseun, Omar, Paloma, Priya, Quentin, Rafael, Rosa, Ruth, Sana, Siân, "
    "Sofia, Søren, Tariq, Teresa, Thabo, Tomás, Uma, Viktor, Wen, Ximena, Yara, Yusuf, Zoë"
)
_FAMILY_NAMES = (
    "Abd-El-Rahman, Acheampong, Ahmed, Álvarez, Andersen, Baptiste, Begum, Bianchi, Campbell, "
    "Chanda, Chen, Cohen, D'Angelo, De la Cruz, Demir, Diallo, Dubois, Edwards, Eze, Fernández, "
    "Fischer, García-Ortiz, Ghosh, Haddad, Hansen, Hughes, Ito, Ivanova, Jansen, Jones, Kamau, "
    "Kaur, Kim, Kowalska, Lindqvist, Lopes, MacLeod, Mahmoud, Mbeki, Mensah, Moreau, Murphy, "
    "Müller, Nakamura, Ng, Nguyễn, Novák, Núñez, O'Brien, O'Neill, Okafor, Olsen, Osei, Park, "
    "Patel, Pereira, Petrov, Popescu, Quispe, Rao, Reyes, Rossi, Sánchez, Sato, Schmidt, "
    "Shevchenko, Silva, Singh, Smith-Jones, St. Clair, Suzuki, Tanaka, Thapa, Torres, Tran, "
    "Van Dijk, Vargas, Williams, Wójcik, Yılmaz, Young, Zhang"
)


def make_school(
    *,
    through: date,
    students: int = 660,
    seed: int = 20,
    shape: Literal["daily", "exceptions"] = "daily",
) -> dict[str, pl.DataFrame]:
    """Invent one school (or a district of them) from the start of its year to one day.

    The year starts on the Monday 36 weeks before the week of `through`, with a short first week
    (Wednesday to Friday), so the first full week is the second one. The same arguments give the
    same frames.

    Args:
        through: The last day with attendance and homework.
        students: How many to invent; above 750 they are spread over several schools, and from
            132 on all the homerooms named in `plan` exist.
        seed: Another seed gives other people and another year.
        shape: `daily` has an attendance row for every student-day, `exceptions` lacks those with
            code P and is otherwise identical.

    Returns:
        The tables students, staff, classes, enrollments, attendance, homework and calendar by
        name. Every column is text, as in a CSV, and a blank cell is null. Three rows of
        attendance, two of homework and one of enrollments refer to people, classes or days that
        do not exist, and one attendance row is corrected by the last row of the file.

    Raises:
        ValueError: `students` is below 1.
    """
    if students < 1:
        raise ValueError("A sample needs at least one student; ask for 1 or more.")
    year = school_year(through)
    homerooms = plan_homerooms(students)
    classes = plan_classes(homerooms)
    roster = plan_roster(students, homerooms, np.random.default_rng([seed, 0]))
    return {
        "students": _students(roster, homerooms, np.random.default_rng([seed, 1])),
        "staff": _staff(homerooms, np.random.default_rng([seed, 2])),
        "classes": classes.select(
            "class_id", "class_name", "class_type", "grade", "team", "school_id"
        ),
        "enrollments": _enrollments(year, roster, homerooms, classes),
        "attendance": attendance(year, roster, homerooms, shape, np.random.default_rng([seed, 3])),
        "homework": homework(year, roster, classes, np.random.default_rng([seed, 4])),
        "calendar": _calendar(year, homerooms),
    }


def _calendar(year: SchoolYear, homerooms: pl.DataFrame) -> pl.DataFrame:
    schools = homerooms.select(pl.col("school_id").unique(maintain_order=True))
    return schools.join(year.calendar, how="cross", maintain_order="left_right").select(
        "date", "school_id", "in_session", "term", "note"
    )


def _names(size: int, rng: np.random.Generator) -> list[pl.Series]:
    lists = {"given_name": _GIVEN_NAMES, "family_name": _FAMILY_NAMES}
    columns = {column: pl.Series(column, text.split(", ")) for column, text in lists.items()}
    return [names.gather(rng.integers(0, len(names), size)) for names in columns.values()]


def _students(roster: Roster, homerooms: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    home = homerooms[roster.homeroom]
    return pl.DataFrame(
        [
            roster.student_id.alias("student_id"),
            *_names(len(roster.student_id), rng),
            home["grade"],
            home["school_id"],
        ]
    )


def _staff_numbers(homerooms: pl.DataFrame) -> tuple[int, int]:
    """Homerooms and staff of one school: a teacher per homeroom, some for subjects only, a head.

    The number of subject teachers is such that every subject has at least one of them.
    """
    rooms = homerooms.filter(pl.col("school_id") == "1").height
    return rooms, rooms + max(len(SUBJECTS), rooms // 4) + 1


def _staff_id(number: int) -> str:
    return f"T{number + 1:05}"


def _staff(homerooms: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rooms, staff_per_school = _staff_numbers(homerooms)
    size = homerooms.height // rooms * staff_per_school
    staff_ids = [_staff_id(number) for number in range(size)]
    return pl.DataFrame(
        [
            pl.Series("staff_id", staff_ids),
            *_names(size, rng),
            pl.Series("email", [f"{staff.lower()}@{SAMPLE_DOMAIN}" for staff in staff_ids]),
            pl.Series("school_id", [str(n // staff_per_school + 1) for n in range(size)]),
        ]
    )


def _teaching(homerooms: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """One row per teacher and class: class, person_id, begins, ends.

    In each school teacher n has homeroom n and subject n modulo 4; the last subject teachers have
    no homeroom of their own, so one of them joins or takes over where a homeroom needs it.
    """
    rooms, staff_per_school = _staff_numbers(homerooms)
    subjects = list(SUBJECTS.values())
    change = 7 * list(TERM_STARTS)[1]  # the second term's first day
    homeroom_of = dict(zip(classes["class_id"], classes["homeroom"], strict=True))
    rows: list[tuple[int, str, int, int]] = []
    for number, class_id, homeroom, subject in classes.select(
        "class", "class_id", "homeroom", "subject"
    ).iter_rows():
        school, room = divmod(homeroom, rooms)
        first = school * staff_per_school
        spare = first + staff_per_school - 2
        if subject is None:
            shared = class_id == SHARED_TEACHER[1]
            teacher = first + (homeroom_of[SHARED_TEACHER[0]] if shared else room)
            end = change if class_id == TEACHER_CHANGES else OPEN
            rows.append((number, _staff_id(teacher), 0, end))
            if class_id == CO_TAUGHT:
                rows.append((number, _staff_id(spare), 0, OPEN))
            if class_id == TEACHER_CHANGES:
                rows.append((number, _staff_id(spare - 1), change, OPEN))
        else:
            pool = range(subjects.index(subject), staff_per_school - 1, len(subjects))
            rows.append((number, _staff_id(first + pool[room % len(pool)]), 0, OPEN))
    return pl.DataFrame(
        rows,
        schema={"class": pl.Int64, "person_id": pl.String, "begins": pl.Int64, "ends": pl.Int64},
        orient="row",
    )


def _enrollments(
    year: SchoolYear, roster: Roster, homerooms: pl.DataFrame, classes: pl.DataFrame
) -> pl.DataFrame:
    teachers = _teaching(homerooms, classes).with_columns(role=pl.lit("teacher"))
    students = (
        roster.spells.join(classes.select("class", "homeroom"), on="homeroom")
        .sort("class", "student")
        .select("class", "student", "begins", "ends", role=pl.lit("student"))
    )
    people = students.with_columns(person_id=roster.student_id.gather(students["student"])).select(
        teachers.columns
    )
    rows = pl.concat([teachers, people]).sort("class", maintain_order=True)
    frame = rows.select(
        classes["class_id"].gather(rows["class"]).alias("class_id"),
        "person_id",
        "role",
        iso_dates(rows["begins"], year.start).alias("begin_date"),
        iso_dates(rows["ends"], year.start).alias("end_date"),
    )
    nobody = frame.head(1).with_columns(person_id=pl.lit(roster.unknown_id), role=pl.lit("student"))
    return pl.concat([frame, nobody])
