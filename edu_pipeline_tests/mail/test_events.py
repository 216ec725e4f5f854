"""SendGrid's event webhook, read and folded."""

import json
import random
from datetime import UTC, datetime
from itertools import permutations
from typing import Any, get_args

import pytest

from edu_pipeline.mail.events import Kind, MailEvent, fold, parse
from edu_pipeline.mail.states import State

AT = 1_790_000_000


def item(event: Any = "delivered", **fields: Any) -> dict[str, Any]:
    return {
        "email": "ada.moss@riverside.example",
        "event": event,
        "timestamp": AT,
        "sg_event_id": f"id-{event}",
        "sg_message_id": "LRzXl.filter-1.0",
        "ip": "203.0.113.7",
        "useragent": "Mail/1.0",
        "category": ["edu_teachers", "edu_0a1b2c3d_teachers_2026-W40"],
        "edu_letter": "teachers:2026-W40:t_1",
        "edu_ledger": "0a1b2c3d",
    } | fields


def read(*items: Any) -> tuple[MailEvent, ...]:
    parsed = parse(json.dumps(items).encode())
    assert (parsed.malformed, parsed.ignored) == (0, 0)
    return parsed.events


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("processed", "processed"),
        ("deferred", "deferred"),
        ("delivered", "delivered"),
        ("bounce", "bounced"),
        ("dropped", "dropped"),
        ("open", "opened"),
        ("click", "clicked"),
        ("spamreport", "complained"),
        ("unsubscribe", "unsubscribed"),
        ("group_unsubscribe", "unsubscribed"),
    ],
)
def test_every_event_of_a_letter_is_read(name: str, kind: Kind) -> None:
    (event,) = read(item(name))
    assert event.kind == kind
    assert event.letter_key == "teachers:2026-W40:t_1"
    assert event.ledger_id == "0a1b2c3d"
    assert event.event_id == f"id-{name}"
    assert event.at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["blocked", "expired"])
def test_a_bounce_that_says_nothing_about_the_address_is_only_blocked(kind: str) -> None:
    (event,) = read(item("bounce", type=kind))
    assert event.kind == "blocked"
    assert event.suppresses is None


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("bounce", {"type": "bounce"}, "bounce"),
        ("spamreport", {}, "complaint"),
        ("unsubscribe", {}, "unsubscribe"),
        ("dropped", {"reason": "Bounced Address"}, "bounce"),
        ("dropped", {"reason": "Spam Reporting Address"}, "complaint"),
        ("dropped", {"reason": "Unsubscribed Address"}, "unsubscribe"),
        ("dropped", {"reason": "Invalid"}, "invalid"),
        ("dropped", {"reason": "Spam Content"}, None),
        ("delivered", {}, None),
        ("click", {}, None),
    ],
)
def test_only_events_about_the_address_suppress_it(
    name: str, fields: dict[str, str], reason: str | None
) -> None:
    (event,) = read(item(name, email=" Ada.Moss@Riverside.example", **fields))
    assert event.suppresses == reason


def test_an_event_knows_to_whom_it_went_and_does_not_show_it() -> None:
    (event,) = read(item("delivered", email=" Ada.Moss@Riverside.example"))
    assert event.email == "ada.moss@riverside.example"
    assert "riverside" not in repr(event)


def test_opens_by_programs_are_told_from_opens_by_people() -> None:
    by_person, by_program, older = read(
        item("open", sg_machine_open=False), item("open", sg_machine_open=True), item("open")
    )
    assert [by_person.machine, by_program.machine, older.machine] == [False, True, False]


def test_nothing_is_kept_of_where_and_with_what_a_letter_was_opened() -> None:
    (event,) = read(item("click", url="https://riverside.example/secret"))
    told = repr(event)
    for part in ("203.0.113.7", "Mail/1.0", "secret", "ada.moss"):
        assert part not in told


def test_what_a_mail_server_wrote_is_kept_as_codes_only() -> None:
    said = "550 5.1.1 <ada.moss@riverside.example>: Ada Moss does not work here"
    (bounce,) = read(
        item("bounce", reason=said, status="5.1.1", bounce_classification="Invalid Address")
    )
    assert bounce.detail == "5.1.1 Invalid Address"
    (bounce,) = read(item("bounce", reason=said, bounce_classification="Ada Moss"))
    assert bounce.detail == "5.1.1"
    (deferred,) = read(item("deferred", response="451 4.3.0 <ada.moss@riverside.example> later"))
    assert deferred.detail == "451"
    (dropped,) = read(item("dropped", reason="Bounced Address"))
    assert dropped.detail == "Bounced Address"
    (dropped,) = read(item("dropped", reason="Ada Moss is not wanted"))
    assert dropped.detail == ""


@pytest.mark.parametrize("category", ["edu_0a1b2c3d_teachers_2026-W40", ["x", "edu_0a1b2c3d_a_b"]])
def test_the_ledger_is_also_known_from_one_category_or_several(category: object) -> None:
    late = item("bounce", category=category)
    del late["edu_letter"], late["edu_ledger"]
    (event,) = read(late)
    assert event.letter_key is None
    assert event.ledger_id == "0a1b2c3d"


@pytest.mark.parametrize(
    "rehearsal",
    [
        item(edu_test="1"),
        item(category="edu_test"),
        item("group_resubscribe"),
        item("account_status_change"),
    ],
)
def test_rehearsals_and_news_of_the_account_are_counted_and_left_out(
    rehearsal: dict[str, Any],
) -> None:
    parsed = parse(json.dumps([rehearsal, item()]).encode())
    assert (len(parsed.events), parsed.malformed, parsed.ignored) == (1, 0, 1)


def test_an_event_without_an_id_counts_by_its_fingerprint() -> None:
    without = item("unsubscribe")
    del without["sg_event_id"]
    (event,) = read(without)
    assert event.event_id == event.fingerprint


def test_a_repeated_event_has_the_same_fingerprint_under_a_new_id() -> None:
    first, again = read(item(sg_event_id="one"), item(sg_event_id="two"))
    assert first.event_id != again.event_id
    assert first.fingerprint == again.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"sg_message_id": "other.filter-1.0"},
        {"event": "open"},
        {"timestamp": AT + 1},
        {"url": "https://riverside.example/a"},
        {"ip": "203.0.113.8"},
    ],
)
def test_different_events_have_different_fingerprints(other: dict[str, Any]) -> None:
    first, second = read(item("click"), item("click") | other)
    assert first.fingerprint != second.fingerprint


def test_late_bounces_of_two_people_are_two_events() -> None:
    late = {"event": "bounce", "timestamp": AT}
    first, second = read({**late, "email": "a@x.example"}, {**late, "email": "b@x.example"})
    assert first.fingerprint != second.fingerprint


ODD_ITEMS: list[Any] = [
    None,
    7,
    "delivered",
    [],
    {},
    item(timestamp=None),
    item(timestamp="soon"),
    item(timestamp=True),
    item(timestamp=1e300),
    item(timestamp=-(10**18)),
    item(timestamp=[AT]),
    item(event=None),
    item(event=["open"]),
    item(event={"open": 1}),
    item(event="delivered\u0000"),
]


@pytest.mark.parametrize("odd", ODD_ITEMS)
def test_a_malformed_item_is_counted_and_the_others_are_taken(odd: Any) -> None:
    parsed = parse(json.dumps([item("open"), odd, item("click")]).encode())
    assert [event.kind for event in parsed.events] == ["opened", "clicked"]
    assert (parsed.malformed, parsed.ignored) == (1, 0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"delivered",
        b"\xff\xfe[",
        b"[" * 100_000,
        b"[NaN",
        b"null",
        b"7",
        b'"x"',
        b"\x00",
        b"[1" + b"0" * 5000 + b"]",
    ],
)
def test_a_payload_that_is_no_json_is_one_malformed_item(payload: bytes) -> None:
    parsed = parse(payload)
    assert (parsed.events, parsed.malformed, parsed.ignored) == ((), 1, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"edu_letter": "x\u0000y"},
        {"edu_letter": "t_1 <script>"},
        {"edu_letter": ["a"]},
        {"edu_letter": "\ud800"},
        {"edu_ledger": "nobody's"},
        {"sg_event_id": "\ud800\u0000"},
        {"sg_message_id": "\ud800"},
        {"sg_machine_open": [True]},
        {"category": {"a": ["b"]}},
        {"category": [None, 3, ["x"]]},
        {"type": ["blocked"]},
        {"reason": {"a": 1}},
        {"email": 4},
    ],
)
def test_odd_values_beside_what_matters_do_no_harm(fields: dict[str, Any]) -> None:
    odd = json.dumps([item("dropped", **fields), item("bounce", **fields)]).encode()
    dropped, bounced = parse(odd).events
    for event in (dropped, bounced):
        assert "\x00" not in repr(event)
        for value in (event.event_id, event.fingerprint, event.letter_key or "", event.email or ""):
            value.encode()  # what a database can hold
    assert bounced.kind == "bounced"


def test_one_event_that_is_no_array_is_read_as_well() -> None:
    assert len(parse(json.dumps(item()).encode() + b"\r\n").events) == 1


def test_times_are_read_as_numbers_or_digits() -> None:
    (event,) = read(item(timestamp=str(AT)))
    assert event.at.timestamp() == AT


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([], None),
        (["processed"], State.sent),
        (["deferred", "processed"], State.sent),
        (["delivered", "processed"], State.delivered),
        (["opened"], State.delivered),
        (["clicked"], State.delivered),
        (["unsubscribed"], State.delivered),
        (["processed", "dropped"], State.dropped),
        (["delivered", "bounced"], State.bounced),
        (["deferred", "blocked"], State.bounced),
        (["delivered", "complained", "bounced"], State.complained),
    ],
)
def test_what_proves_most_decides_where_a_letter_stands(
    kinds: list[Kind], state: State | None
) -> None:
    assert fold(kinds) is state


def test_every_order_and_repetition_gives_the_same_state() -> None:
    chance = random.Random(4)  # noqa: S311 - no secret, a seed
    for _ in range(40):
        kinds = chance.sample(get_args(Kind), chance.randint(1, 5))
        for order in permutations(kinds):
            repeated = [kind for kind in order for _ in range(chance.randint(1, 3))]
            assert fold(order) is fold(repeated) is fold(kinds)


def test_more_events_never_prove_less() -> None:
    ranks = [None, State.sent, State.delivered, State.dropped, State.bounced, State.complained]
    for kinds in permutations(get_args(Kind), 3):
        before = ranks.index(fold(kinds[:2]))
        assert ranks.index(fold(kinds)) >= before
