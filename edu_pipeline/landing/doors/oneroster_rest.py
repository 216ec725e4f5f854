"""OneRoster's REST interface, 1.1 and 1.2, as the files of its CSV binding.

What the interface nests, the files have as ids; what it calls otherwise, is in `_OTHERWISE`. Passwords
and what nobody needs of people are not asked to land, though a system may send them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from edu_pipeline.landing.doors.rest import Object, Rest
from edu_pipeline.settings.sources import Fetched

_START = "sourcedId status dateLastModified "
_ROSTERING: Mapping[str, str] = {
    "academicSessions": "title type startDate endDate parentSourcedId schoolYear",
    "orgs": "name type identifier parentSourcedId",
    "courses": "schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes",
    "classes": "title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds "
    "subjects subjectCodes periods",
    "enrollments": "classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
}
_USERS: Mapping[str, str] = {
    "1.1": "enabledUser orgSourcedIds role username userIds givenName familyName middleName identifier "
    "email sms phone agentSourcedIds grades password",
    "1.2": "enabledUser username userIds givenName familyName middleName identifier email sms phone "
    "agentSourcedIds grades password userMasterIdentifier preferredGivenName preferredMiddleName "
    "preferredFamilyName primaryOrgSourcedId pronouns",
}
_ROLES = "userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId"
_GRADEBOOK: Mapping[str, Mapping[str, str]] = {
    "1.1": {
        "categories": "title",
        "lineItems": "title description assignDate dueDate classSourcedId categorySourcedId "
        "gradingPeriodSourcedId resultValueMin resultValueMax",
        "results": "lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment",
    },
    "1.2": {
        "categories": "title weight",
        "lineItems": "title description assignDate dueDate classSourcedId categorySourcedId "
        "academicSessionSourcedId resultValueMin resultValueMax schoolSourcedId",
        "results": "lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment textScore "
        "classSourcedId inProgress incomplete late missing",
    },
}
_ABSENT: Mapping[str, Sequence[str]] = {
    "1.1": ("classResources", "courseResources", "demographics", "resources"),
    "1.2": ("classResources", "courseResources", "demographics", "resources", "userProfiles"),
}
_NOT_LANDED = frozenset({"password", "sms", "phone", "comment", "agentSourcedIds"})
"""Columns of the files that stay empty: no figure needs them."""
_OTHERWISE: Mapping[str, str] = {
    "preferredGivenName": "preferredFirstName",
    "preferredFamilyName": "preferredLastName",
}
"""The files' column → what the interface calls it."""
_ID, _IDS = "SourcedId", "SourcedIds"
_MOMENTS = frozenset({"assignDate", "dueDate"})
"""Dates in the files that the interface has as moments."""
_SCOPES = {
    "rostering": "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly",
    "gradebook": "https://purl.imsglobal.org/spec/or/v1p2/scope/gradebook.readonly",
    "1.1": "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly",
}
Rows = Iterator[Sequence[str]]
"""A table: its columns, then its rows."""


def scope_of(source: Fetched) -> str:
    """What to ask for: as the settings say, else as the specification has it."""
    if source.scope or source.version == "1.1":
        return source.scope or _SCOPES["1.1"]
    return " ".join((_SCOPES["rostering"], *([_SCOPES["gradebook"]] if source.gradebook else [])))


def tables_of(rest: Rest, source: Fetched, zone: tzinfo | None) -> Iterator[tuple[str, Rows]]:
    """Name of a file → its rows, in the order in which they are to be asked for, one after the other.

    Args:
        rest: The system.
        source: Where it is and what is wanted.
        zone: The school's time zone, by which a moment has a day; None: days are as they are written.

    Raises:
        LandingError: While rows are taken: the system does not give them whole.
    """
    old = source.version == "1.1"
    roster = f"{source.url}/v1p1" if old else f"{source.url}/rostering/v1p2"
    grades = f"{source.url}/v1p1" if old else f"{source.url}/gradebook/v1p2"
    roles: list[Sequence[str]] = []
    for name, columns in _ROSTERING.items():
        yield name, _rows(rest, f"{roster}/{name}", name, columns, zone)
    yield (
        "users",
        _with_roles(rest, f"{roster}/users", _USERS[source.version], roles if not old else None),
    )
    if not old:
        yield "roles", iter([(_START + _ROLES).split(), *roles])
    for name, columns in _GRADEBOOK[source.version].items() if source.gradebook else ():
        yield name, _rows(rest, f"{grades}/{name}", name, columns, zone)
    yield "manifest", iter([("propertyName", "value"), *_manifest(source)])


def _manifest(source: Fetched) -> Iterator[Sequence[str]]:
    there = {*_ROSTERING, "users", *(["roles"] if source.version == "1.2" else [])}
    gradebook = set(_GRADEBOOK[source.version])
    there |= gradebook if source.gradebook else set()
    yield "manifest.version", "1.0"
    yield "oneroster.version", source.version
    for name in sorted(there | gradebook | set(_ABSENT[source.version])):
        yield f"file.{name}", "bulk" if name in there else "absent"
    yield "source.systemName", source.name
    yield "source.systemCode", source.name


def _rows(rest: Rest, url: str, key: str, columns: str, zone: tzinfo | None) -> Rows:
    header = (_START + columns).split()
    yield header
    for page in rest.pages(url, key):
        for found in page:
            yield [_cell(found, column, zone) for column in header]


def _with_roles(rest: Rest, url: str, columns: str, roles: list[Sequence[str]] | None) -> Rows:
    """Users; their roles, which are a file of their own in 1.2, are put into `roles`."""
    header = (_START + columns).split()
    yield header
    for page in rest.pages(url, "users"):
        for user in page:
            yield [_cell(user, column, None) for column in header]
            if roles is None:
                continue
            of_user = [each for each in user.get("roles") or () if isinstance(each, Mapping)]
            for number, role in enumerate(of_user, start=1):
                said = {**role, "user": user, "sourcedId": f"{user['sourcedId']}-{number}"}
                said |= {"status": user.get("status"), "dateLastModified": None}
                roles.append([_cell(said, each, None) for each in (_START + _ROLES).split()])


def _cell(found: Object, column: str, zone: tzinfo | None) -> str:
    """What a file has in a column of an object of the interface."""
    if column in _NOT_LANDED:
        return ""
    if column.endswith(_IDS):
        return ",".join(map(_id, found.get(f"{column.removesuffix(_IDS)}s") or ()))
    if column.endswith(_ID) and column != "sourcedId":
        return _id(found.get(column.removesuffix(_ID)))
    text = _text(found.get(_OTHERWISE.get(column, column)))
    return _day(text, zone) if column in _MOMENTS else text


def _id(reference: object) -> str:
    return _text(reference.get("sourcedId")) if isinstance(reference, Mapping) else ""


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON has
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case {"type": kind, "identifier": identifier}:  # of `userIds`
            return f"{{{kind}:{identifier}}}"
        case list():
            return ",".join(map(_text, value))
        case _:
            return str(value)


def _day(moment: str, zone: tzinfo | None) -> str:
    """The school's day of a moment; midnight UTC is how systems write a day without an hour."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    if at.tzinfo is None or zone is None or (at.hour, at.minute, at.second) == (0, 0, 0):
        return at.date().isoformat()
    return at.astimezone(zone).date().isoformat()
