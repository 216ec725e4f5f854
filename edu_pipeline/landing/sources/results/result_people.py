"""Who the rows of a cohort's exports are about: by id, else by name; never by likeness."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import polars as pl

from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.sources.results.asking import FEW, Note, ignoring, some
from edu_pipeline.landing.sources.results.header import IDS, STUDENT_ID
from edu_pipeline.landing.sources.results.names import match_key, normal_name

Kind = Literal["id", "name", "unknown", "nobody", "ambiguous", "other_id"]


@dataclass(frozen=True)
class Person:
    """Somebody as one row of an export says it."""

    ids: tuple[tuple[str, str], ...] = ()
    """Kind and id, the kind that wins first."""
    name: str | None = None

    @property
    def key(self) -> str:
        """Of the name; nothing where there is none."""
        return match_key(self.name) if self.name else ""


@dataclass(frozen=True)
class Resolved:
    """Whom a row is about."""

    kind: Kind
    """How that is known: by `id` or `name`; or `unknown`, `nobody` (an average, it seems), `ambiguous`,
    or of the name of somebody with an `other_id`."""
    student_id: str | None = None
    namesake: str | None = None
    """Who has the other id."""


class People:
    """The students of a cohort, as its exports of results have them."""

    def __init__(self, rows: Iterable[Person]) -> None:
        persons = list(dict.fromkeys(rows))
        self.by_name: set[str] = set()
        self._students: set[str] = set()
        self._alike: dict[tuple[str, str, str], str] = {}
        self._owners: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._by_key: dict[str, set[str]] = defaultdict(set)
        identified = sorted((person for person in persons if person.ids), key=_rank)
        for person in identified:
            student = self._owner(person, highest=_rank(identified[0])[0])
            self._students.add(student)
            for each in person.ids:
                self._owners[each].add(student)
                self._alike.setdefault((*_bare_id(each), person.key), student)
            if person.key:
                self._by_key[person.key].add(student)
        known_names = set(self._by_key)
        for person in sorted(persons, key=lambda each: each.name or ""):
            if not person.ids and person.key and person.key not in known_names:
                student = min(self._by_key[person.key], default=normal_name(person.name or ""))
                self._by_key[person.key] = {student}
                self.by_name.add(student)
        bare: dict[str, set[str]] = defaultdict(set)
        for (_, value), students in self._owners.items():
            bare[_bare(value)] |= students
        self._bare = bare
        self._kinds = {kind for kind, _ in self._owners}
        self._ids: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for each, students in self._owners.items():
            for student in students:
                self._ids[student].add(_bare_id(each))

    def _owner(self, person: Person, highest: int) -> str:
        """Whose ids these are.

        A row without the kind that most have may share another with one; and 7 is 007, where the name
        is the same.
        """
        kind, value = person.ids[0]
        if _rank(person)[0] > highest:
            owners = set().union(*(self._owners.get(each, ()) for each in person.ids))
            if len(owners) == 1:
                return next(iter(owners))
        for each in person.ids:
            if person.key and (*_bare_id(each), person.key) in self._alike:
                return self._alike[*_bare_id(each), person.key]
        taken = _rank(person)[0] > highest and value in self._students
        return f"{kind} {value}" if taken else value

    def comparable(self, persons: Iterable[Person]) -> set[str]:
        """Kinds of ids that tell people of a file apart from students of its name.

        What is only called a student id may be of another system, unless a student has one of them.
        """
        ours = set().union(*self._ids.values())
        said = {each for person in persons for each in person.ids}
        return {each[0] for each in said if each[0] != STUDENT_ID or _bare_id(each) in ours}

    def find(self, person: Person, comparable: Collection[str]) -> Resolved:
        """The student whom a row is about.

        By an id of the same kind; else, where only one of two exports says what kind its ids are, by
        an id that nobody else has; else by the name, if nobody else has it and the student's ids do
        not say otherwise. Zeros before a number do not count.

        Args:
            person: Whom the row says.
            comparable: Kinds of ids of which two are two people.
        """
        for kind, value in person.ids:
            alike = kind in self._kinds or STUDENT_ID in {kind, *self._kinds}
            for owners in (
                self._owners.get((kind, value), set()),
                self._bare.get(_bare(value), set()) if alike else set(),
            ):
                if len(owners) == 1:
                    return Resolved("id", next(iter(owners)))
        found = self._by_key.get(person.key, set()) if person.key else set()
        match len(found):
            case 0:
                return Resolved("unknown")
            case 1:
                student = next(iter(found))
                theirs = self._ids[student]
                of_kinds = {kind for kind, _ in theirs}.intersection(comparable)
                if any(each[0] in of_kinds and _bare_id(each) not in theirs for each in person.ids):
                    return Resolved("other_id", namesake=student)
                return Resolved("name", student)
            case _:
                return Resolved("ambiguous")


def _rank(person: Person) -> tuple[int, str]:
    kind, value = person.ids[0]
    return list(IDS).index(kind), value


def _bare_id(each: tuple[str, str]) -> tuple[str, str]:
    return each[0], _bare(each[1])


def _bare(value: str) -> str:
    """An id without the zeros that Excel takes away."""
    return value.lstrip("0") or value if value.isdigit() else value.casefold()


def shared_names(persons: Iterable[Person]) -> set[str]:
    """Keys of names that people with different ids have."""
    ids: dict[str, set[tuple[tuple[str, str], ...]]] = defaultdict(set)
    for person in persons:
        if person.key and person.ids:
            ids[person.key].add(person.ids)
    return {key for key, those in ids.items() if len(those) > 1}


def unlike_names(rows: pl.DataFrame, headers: Mapping[str, str]) -> Iterator[Note]:
    """Ids under which names stand that share no word: they are of two people.

    Who changes one name keeps another. In one file an id was copied; between two, what is called so is
    of two kinds, such as the number of a row. Of a single student it may be a name that was changed.

    Args:
        rows: `cohort`, `file`, `student_id`, `how`, `name` of every row.
        headers: File → the header of its ids.
    """
    named = (
        rows.filter(how="id").select("cohort", "student_id", "file", "name").drop_nulls().unique()
    )
    several = named.filter(pl.col("name").n_unique().over("cohort", "student_id") > 1).sort(
        pl.all()
    )
    found: dict[tuple[str, bool], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for (cohort, student), of in several.group_by("cohort", "student_id", maintain_order=True):
        for (file, name), (other, another) in combinations(of.select("file", "name").rows(), 2):
            if set(normal_name(name).split()).isdisjoint(normal_name(another).split()):
                files, students = found[cohort, file == other]
                files |= {file, other}
                students.add(student)
    for (cohort, inside), (files, students) in found.items():
        message = (
            f"{cohort}: in {some(sorted(files))}{'' if inside else ' together'}, names that share no word have one id "
            f"({counted(len(students), 'such id')}), so the rows of two students count as one's. "
        )
        if inside:
            message += "Correct the id."
        else:
            message += (
                "Correct the ids; or, if they are of two kinds or numbers of rows, leave them out, and "
                f"students are told by name: {ignoring(sorted({headers[file] for file in files}))}"
            )
        holds = inside or len(students) >= FEW
        yield Note("ambiguous_name", cohort, message, len(students), holds=holds)
