"""Forgetting a person: finding all that a home has of them, and erasing it.

One module, because it is one story over rooms that do not know each other: exports and warehouse
know people by id, the ledger by address and opaque key, letters and pages by name. What a room
erases of its own stands there (`mail.ledger.forgetting`, `landing.forgotten`, `landing.changes`,
`warehouse`); in which order, and what is left for a person to do, stands here. What is found by
name goes first and the warehouse, which knows the names, last: if it breaks off, it is done again.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from edu_pipeline.facts.audience import ACCEPTED as AUDIENCE
from edu_pipeline.facts.hashed import forget_keys
from edu_pipeline.facts.newcomers import TABLE as COMPLETERS
from edu_pipeline.ground.addresses import is_address, same_address
from edu_pipeline.ground.warehouse import open_warehouse, read_table, rewrite, tables, texts_with
from edu_pipeline.landing.sightings import PersonSeen, find_person, folded, learners_among
from edu_pipeline.landing.sources.edx.edx_people import related_learners
from edu_pipeline.landing.sources.edx.edx_versions import ACCEPTED, OF_ACCEPTED
from edu_pipeline.landing.sources.edx.lists import LANDED_LISTS
from edu_pipeline.landing.sources.edx.report_history import HISTORY, VERSIONS, forget_reported
from edu_pipeline.landing.sources.school.changes import forget_accepted
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail.ledger.forgetting import (
    Person,
    Traces,
    as_known,
    compact,
    copies,
    erase,
    traces,
)
from edu_pipeline.mail.ledger.remembered import tombstones_frame
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tombstones import is_forgotten
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.settings.home import Home
from edu_pipeline.settings.landing import SCHOOL_TABLES
from edu_pipeline.site.letters_pages import reached_mark
from edu_pipeline.site.mail_page import mail_page, with_sheets, write_mail_pages
from edu_pipeline.wiring.environment import landing_zone

KINDS = ("student", "staff", "learner")
RECIPIENTS = {"student": (), "staff": ("teacher",), "learner": ("learner",)}
"""Kind of person → as what they get letters."""
REMEMBERED = (
    "accepted_exports",
    *(f"accepted_{table}" for table in SCHOOL_TABLES),
    AUDIENCE,
    ACCEPTED,
    OF_ACCEPTED,
    HISTORY,
    VERSIONS,
    LANDED_LISTS,
    COMPLETERS,
    "landing_problems",
    "nudge_problems",
)
"""Tables of the warehouse that a refresh compares with; of people they hold hashes, or ids that are taken
out."""

_CALLED = {"student": "a student", "staff": "a member of staff", "learner": "a learner"}

_NAMES = {("raw_profiles", "name"), ("stg_learners", "name")}
"""Columns with full names of learners: whose name is still there is a namesake."""
PersonId = tuple[str, str]
"""Kind and id."""


class ForgetError(Exception):
    """Who is meant cannot be told; the message says what to do."""


@dataclass(frozen=True)
class Found:
    """What a home has of somebody, before anything is erased."""

    kind: str | None
    """One of `KINDS`; none where only an address is known."""
    person: Person
    traces: Traces
    pages: tuple[Path, ...]
    """Files of the outbox, the previews and the site."""
    reports: tuple[Path, ...]
    """Tables as files, which the refresh makes anew."""
    copies: tuple[Path, ...]
    """Of the ledger, from before an upgrade."""
    exports: tuple[str, ...]
    """Files of the landing zone with rows about them."""
    others: tuple[str, ...]
    """Other files of the landing zone that name them or have their address."""
    unread: tuple[str, ...]
    """Exports that cannot be read."""
    namesakes: int
    """Others with the same name."""
    shared: bool
    """Whether somebody else has the same address, which then stays."""
    before: bool
    """Whether they were forgotten before."""


def find(
    room: MailRoom, ledger: Ledger, who: str, *, kind: str | None = None, names: Iterable[str] = ()
) -> Found:
    """Look somebody up in the exports, the warehouse, the ledger, the outbox and the site.

    Args:
        room: The home's.
        ledger: Its ledger, open.
        who: An id or an address.
        kind: One of `KINDS`, where an id is a student's as well as a member of staff's, or is no
            longer in any export.
        names: Further full names, such as one that no export has any more.

    Raises:
        ForgetError: Nobody or more than one person is meant.
        LandingError: The landing zone cannot be listed.
    """
    zone = landing_zone(room)
    seen = find_person(zone, room.settings, who)
    rosters = seen.rosters | _in_warehouse(room.home, who, seen.rosters)
    ids = {(of, found) for of, found, _ in seen.files} | _ids(who, rosters)
    with ledger.connect() as connection:
        buried = {(of, who) for of in KINDS if is_forgotten(connection, f"{of}:{who}")}
        before = bool(buried) or is_forgotten(connection, same_address(who))
    ids |= {
        (of, who)
        for of, recipients in RECIPIENTS.items()
        for recipient in recipients
        if ledger.letters_to(opaque_key(recipient, who, ledger.salt))
    }
    chosen = _one_of(who, ids or buried, kind)
    theirs = [person for person in rosters if (person.kind, person.id) == chosen]
    everybody_else = [person for person in rosters if (person.kind, person.id) != chosen]
    addresses = {same_address(person.email) for person in theirs if person.email}
    addresses |= {same_address(who)} if is_address(who) else set()
    taken = {same_address(person.email) for person in everybody_else if person.email}
    called = {person.name for person in theirs} | set(names)
    of, person_id = chosen or (None, who)
    person = as_known(
        ledger,
        Person(
            identifiers=frozenset(_identifiers(of, person_id, theirs)),
            recipient_keys=frozenset(
                opaque_key(recipient, person_id, salt)
                for recipient in RECIPIENTS.get(of or "", ())
                for salt in ("", ledger.salt)
            ),
            addresses=frozenset(filter(is_address, addresses - taken)),
            names=frozenset(_shown(called, of, person_id, room.settings.letters.students)),
        ),
        taken=taken,
    )
    alike = {name.casefold() for name in person.names}
    return Found(
        kind=of,
        person=person,
        traces=traces(ledger, person),
        pages=tuple(_pages(room.home, person)),
        reports=tuple(_reports(room.home)),
        copies=tuple(copies(ledger)),
        exports=tuple(sorted({path for *key, path in seen.files if tuple(key) == chosen})),
        others=tuple(_other_files(zone, seen.read, person)),
        unread=tuple(sorted(seen.unread)),
        namesakes=len({(p.kind, p.id) for p in everybody_else if p.name.casefold() in alike}),
        shared=bool(addresses & taken),
        before=before,
    )


def forget(room: MailRoom, ledger: Ledger, person: Person, *, now: datetime, by: str) -> bool:
    """Erase somebody everywhere but from the exports; a refresh must follow.

    Call it while the home's lock is held. Done again, it changes nothing.

    Returns:
        False where another program reads the ledger, so that its bytes are still in SQLite's log.

    Raises:
        LedgerError: A letter that names the person may or may not have gone out.
        SenderBusyError: Letters are being delivered.
        WarehouseBusyError: Another program has the warehouse open.
    """
    home = room.home
    if home.warehouse.exists():
        with open_warehouse(home.warehouse):
            pass  # if it is busy, that is to be known before anything is erased
    pages = list(_pages(home, person))
    known = erase(ledger, person, now=now, by=by)
    _erase_pages(room, ledger, pages, known.periods)
    for report in _reports(home):
        report.unlink(missing_ok=True)
    for copy in copies(ledger):
        copy.unlink(missing_ok=True)
    gone = compact(ledger)
    if home.warehouse.exists():
        with open_warehouse(home.warehouse) as con:
            forget_accepted(con, room.settings, tombstones_frame(ledger))
            learners = [
                each.removeprefix("learner:")
                for each in person.identifiers
                if each.startswith("learner:")
            ]
            forget_reported(con, learners)
            forget_keys(con, (AUDIENCE, COMPLETERS), learners)
        rewrite(home.warehouse, REMEMBERED)
    return gone


def left_over(home: Home, person: Person) -> list[tuple[str, str, int]]:
    """Columns of the warehouse that still name the person, after a refresh: table, column, rows.

    They are about something else, such as a class that is called like its teacher.
    """
    if not home.warehouse.exists():
        return []
    with open_warehouse(home.warehouse) as con:
        found = texts_with(con, [*person.addresses, *_spellings(person.names)])
    return [each for each in found if each[:2] not in _NAMES]


def _one_of(who: str, ids: Collection[PersonId], kind: str | None) -> PersonId | None:
    found = sorted(
        (one for one in ids if kind in (None, one[0])), key=lambda one: (KINDS.index(one[0]), one)
    )
    match found:
        case [one]:
            return one
        case []:
            if is_address(who):
                return None
            if kind:
                return kind, who
            raise ForgetError(
                f"{who} is no id in the exports, the warehouse or the ledger. If they have left the "
                "exports long ago, say what they were and what letters called them: "
                f'--kind student --name "Given Family"'
            )
        case _ if len({one[1] for one in found}) == 1:
            kinds = [one[0] for one in found]
            raise ForgetError(
                f"{who} is the id of more than one: {' and '.join(map(_CALLED.__getitem__, kinds))}. "
                f"Say whom you mean: {', or '.join(f'--kind {kind}' for kind in kinds)}"
            )
        case _:
            listed = ", ".join(one[1] for one in found)
            raise ForgetError(
                f"{len(found)} people have this address. Say one of the ids: {listed}"
            )


def _in_warehouse(home: Home, who: str, seen: Iterable[PersonSeen]) -> frozenset[PersonSeen]:
    """The people of the last refresh, who may have left the exports since.

    Of learners, who are many, only who is meant and who shares an address or a name with them.
    """
    if not home.warehouse.exists():
        return frozenset()
    with open_warehouse(home.warehouse) as con:
        there = tables(con)
        school = {
            PersonSeen(kind, row[column], row["given_name"], row["family_name"], row.get("email"))
            for kind, table, column in (
                ("student", "stg_students", "student_id"),
                ("staff", "stg_staff", "staff_id"),
            )
            if table in there
            for row in read_table(con, table).iter_rows(named=True)
        }
        if "stg_learners" not in there:
            return frozenset(school)
        meant = {person for person in school.union(seen) if person.is_meant_by(who)}
        learners = related_learners(
            con,
            "stg_learners",
            who,
            addresses={folded(person.email) for person in meant if person.email},
            names={person.name.lower() for person in meant if person.name},
        )
        return frozenset(school) | learners_among(learners)


def _ids(who: str, rosters: Iterable[PersonSeen]) -> set[PersonId]:
    return {(person.kind, person.id) for person in rosters if person.is_meant_by(who)}


def _identifiers(kind: str | None, person_id: str, theirs: Iterable[PersonSeen]) -> Iterator[str]:
    """For tombstones; old exports have a learner by username only."""
    if kind:
        yield f"{kind}:{person_id}"
    yield from (f"learner:u:{person.username}" for person in theirs if person.username)


def _shown(names: Iterable[str], kind: str | None, person_id: str, style: str) -> Iterator[str]:
    """What letters may call the person: as `teachers.students.shown_names` does."""
    for name in names:
        if name:
            yield name
        elif kind == "student":
            yield f"student {person_id}"
        if style == "initials" and name and kind != "learner":
            yield " ".join(f"{word[0]}." for word in name.split())


def _spellings(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        words = name.split()
        for turn in range(1, len(words)):
            yield name.lower()
            for between in (", ", ",", " "):
                first, last = " ".join(words[turn:]), " ".join(words[:turn])
                yield f"{first}{between}{last}".lower()


# Letters, pages and tables as files


def _reports(home: Home) -> Iterator[Path]:
    """Tables as files; they are not searched, for the refresh makes all of them anew."""
    yield from sorted(path for path in home.reports.rglob("*") if path.is_file())


def _pages(home: Home, person: Person) -> Iterator[Path]:
    """Files of the outbox, the previews and the site that are the person's letters, or name them."""
    for folder in (home.outbox, home.preview, home.site):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if re.split(r"[.~]", path.name)[0] in person.recipient_keys or _mentions(path, person):
                yield path


def _mentions(path: Path, person: Person) -> bool:
    content = path.read_bytes()
    if path.suffix != ".eml":
        text = content.decode(errors="replace")
        return person.named_in(html=text) if path.suffix == ".html" else person.named_in(text)
    message = message_from_bytes(content, policy=policy.default)
    parts = {
        part.get_content_subtype(): part.get_content()
        for part in message.walk()
        if part.get_content_maintype() == "text"
    }
    headers = [str(value) for value in message.values()]
    return person.named_in(parts.get("plain", ""), *headers, html=parts.get("html", ""))


def _erase_pages(
    room: MailRoom, ledger: Ledger, pages: Iterable[Path], periods: Iterable[tuple[str, str]]
) -> None:
    """Take files away, and write again the pages that show the letters of these periods."""
    home = room.home
    proofs = with_sheets(home, sorted(periods))
    has_page = mail_page(home).exists()
    for page in pages:
        page.unlink(missing_ok=True)
    if has_page:
        reached_mark(home).unlink(missing_ok=True)  # the pages may quote what was erased
        write_mail_pages(home, room.settings, ledger, *proofs)


def _other_files(zone: Zone, read: Collection[str], person: Person) -> Iterator[str]:
    """Files of the landing zone that are no exports, such as a carrier's events."""
    for file in zone.list():
        if file.path not in read:
            with zone.local(file.path) as path:
                if _mentions(path, person):
                    yield file.path
