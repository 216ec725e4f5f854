"""Against the fake SendGrid: a process of its own on loopback, which breaks when asked."""

import base64
import contextlib
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from edu_pipeline.mail.delivery import DeliveryReport, deliver
from edu_pipeline.mail.evidence import outcome_of
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Address, Image
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.states import State
from edu_pipeline.mail.suppressed import Suppressed
from edu_pipeline.mail.transports import sendgrid_api
from edu_pipeline.mail.transports.protocol import (
    AskedTooOftenError,
    CarrierError,
    Outcome,
    group,
)
from edu_pipeline.mail.transports.sendgrid import SendGridTransport, payload
from edu_pipeline.mail.transports.sendgrid_api import (
    SendGridApi,
    SendGridError,
    reset_after,
    said_at,
)
from edu_pipeline.settings.mail import Mail, SendGrid
from edu_pipeline_tests.fake_sendgrid.faults import Fault
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.mail.letters import NOW, frozen_letter, letter

LETTER = frozen_letter()
GROUP = "edu_5f0c11aa_teachers_2026-W40"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSendGrid]:
    with FakeSendGrid(tmp_path_factory.mktemp("sendgrid")) as fake:
        yield fake


@pytest.fixture
def fake(running: FakeSendGrid) -> FakeSendGrid:
    """It is Friday, 2 October 2026, there too, and no mail was sent yet."""
    running.reset()
    running.set(clock=NOW)
    return running


@contextlib.contextmanager
def transport_to(
    url: str,
    *,
    key: str,
    sandbox: bool = False,
    ask_logs: bool = True,
    timeout: float = 5,
    **mail: Any,
) -> Iterator[SendGridTransport]:
    settings = Mail(
        sendgrid=SendGrid(url=url, sandbox=sandbox, ask_logs=ask_logs, timeout_seconds=timeout),
        **mail,
    )
    transport = SendGridTransport(key, settings, clock=lambda: NOW)
    with contextlib.closing(transport):
        yield transport


@pytest.fixture
def transport(fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch) -> Iterator[SendGridTransport]:
    monkeypatch.setattr(sendgrid_api, "_PAUSES", (0, 0))
    monkeypatch.setattr(sendgrid_api, "_MINUTE", 0.0)
    with transport_to(fake.url, key=fake.key) as opened:
        yield opened


def find(transport: SendGridTransport, letter: FrozenLetter) -> Outcome:
    """What the logs say of one letter in doubt, as a delivery understands them."""
    log = transport.log(group(letter))
    assert log
    told = {line: transport.letter_key(line) for line in log.lines}
    return outcome_of(letter, told, log, {letter.recipient.email.lower()}, "sendgrid")


def logged(transport: SendGridTransport) -> set[tuple[str, str | None]]:
    """Ids and keys of the letters that the logs have of `GROUP`."""
    log = transport.log(GROUP)
    assert log
    return {(line.transport_id, transport.letter_key(line)) for line in log.lines}


def sent_payload(letter: Any = LETTER, *, tracked: bool = False, sandbox: bool = False) -> Any:
    return json.loads(payload(letter, tracked=tracked, sandbox=sandbox))


# What is sent


def test_the_payload_is_exactly_this() -> None:
    letter = frozen_letter(
        html='<body class="x"><!-- edu:note --><p>Hello</p><img src="cid:attendance"></body>',
        headers={"List-Unsubscribe": "<https://riverside.example/out/token>"},
    )
    body = sent_payload(letter)
    content_id = body["attachments"][0]["content_id"]
    assert re.fullmatch(r"[0-9a-f]{16}\.[0-9a-f]{16}@riverside\.example", content_id)
    assert body == {
        "from": {"email": "reports@riverside.example", "name": "Riverside School"},
        "reply_to": {"email": "office@riverside.example"},
        "personalizations": [{"to": [{"email": "t_1@riverside.example", "name": "Ada Moss"}]}],
        "subject": "Your week",
        "content": [
            {"type": "text/plain", "value": "Hello\n"},
            {
                "type": "text/html",
                "value": '<body class="x"><!-- edu:note --><p>Hello</p>'
                f'<img src="cid:{content_id}"></body>',
            },
        ],
        "attachments": [
            {
                "content": base64.b64encode(letter.images[0].png).decode(),
                "type": "image/png",
                "filename": "attendance.png",
                "disposition": "inline",
                "content_id": content_id,
            }
        ],
        "headers": {
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": "<https://riverside.example/out/token>",
        },
        "categories": ["edu_teachers", GROUP],
        "custom_args": {
            "edu_letter": "teachers:2026-W40:t_1",
            "edu_ledger": "5f0c11aa",
            "edu_campaign": "teachers",
            "edu_period": "2026-W40",
        },
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }


def test_images_are_attached_in_the_letters_order() -> None:
    html = "<img src='cid:a'><img src='cid:b'>"
    body = sent_payload(frozen_letter(html=html, images=(Image("a", b"1"), Image("b", b"2"))))
    assert [attached["filename"] for attached in body["attachments"]] == ["a.png", "b.png"]


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert payload(LETTER, tracked=True, sandbox=False) == payload(
        LETTER, tracked=True, sandbox=False
    )


def test_nothing_that_sendgrid_keeps_as_not_personal_is_personal() -> None:
    body = sent_payload(frozen_letter(name="Ada Moss", subject="7B and Ada Moss"))
    kept = json.dumps([body["custom_args"], body["categories"], body["headers"]])
    kept += json.dumps([attachment["filename"] for attachment in body["attachments"]])
    kept += body["attachments"][0]["content_id"].split("@")[0]
    for personal in ("Ada", "Moss", "7B", "t_1@", "@riverside"):
        assert personal not in kept


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (
            "<body><!-- edu:note --><p>Hello</p></body>",
            "<body><!-- edu:note -->%edu_open%<p>Hello</p></body>",
        ),
        ('<BODY class="a"><p>Hello</p>', '<BODY class="a">%edu_open%<p>Hello</p>'),
        ("<p>Hello</p>", "%edu_open%<p>Hello</p>"),
    ],
)
def test_opens_are_counted_near_the_top_where_they_are_counted(html: str, shown: str) -> None:
    letter = frozen_letter(html=html, images=())
    body = sent_payload(letter, tracked=True)
    assert body["content"][1]["value"] == shown
    assert body["tracking_settings"]["open_tracking"] == {
        "enable": True,
        "substitution_tag": "%edu_open%",
    }
    assert body["tracking_settings"]["click_tracking"] == {"enable": True, "enable_text": False}
    assert sent_payload(letter)["content"][1]["value"] == html


@pytest.mark.parametrize("tracking", ["off", "aggregate", "individual"])
def test_tracking_is_as_the_settings_say(fake: FakeSendGrid, tracking: str) -> None:
    with transport_to(fake.url, key=fake.key, tracking=tracking) as transport:
        transport.send(LETTER, NOW)
    [mail] = fake.accepted()
    assert ("%edu_open%" in mail.html) == (tracking != "off")


def test_a_rehearsal_cannot_be_counted_as_the_letter(fake: FakeSendGrid) -> None:
    rehearsal = replace(LETTER, key=f"test:{LETTER.key}")
    body = sent_payload(rehearsal)
    assert body["categories"] == ["edu_test"]
    assert body["custom_args"] == {"edu_test": "1"}
    with transport_to(fake.url, key=fake.key) as transport:
        assert transport.send(rehearsal, NOW).state is State.sent
        assert logged(transport) == set()
    assert fake.counts() == {}


@pytest.mark.parametrize(
    "letter",
    [
        frozen_letter(name="Moss, Ada; head of 7B"),
        frozen_letter(name="👩‍🏫" * 40),
        frozen_letter(name=""),
        frozen_letter(name='Ada "Ace" <b>Moss</b>', subject="Grüße <script>"),
        frozen_letter(images=(), html="<p>no picture</p>"),
        frozen_letter(html="<img src='cid:a'><img src='cid:b'>", images=(Image("a", b"1"), Image("b", b"2"))),
        frozen_letter(email="o'brien@riverside.example"),
        frozen_letter(headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}),
        frozen_letter(sender=Address("a@riverside.example", "Riverside, School")),
    ],
)  # fmt: skip
def test_what_is_sent_is_valid_by_sendgrids_rules(
    fake: FakeSendGrid, transport: SendGridTransport, letter: Any
) -> None:
    outcome = transport.send(letter, NOW)
    [mail] = fake.accepted()
    assert (outcome.state, outcome.transport_id) == (State.sent, mail.message_id)
    assert mail.letter == letter.key
    assert mail.email == letter.recipient.email
    shown = re.findall(r"cid:([^\"']+)", mail.html)
    attached = {a["content_id"]: a["content"] for a in mail.payload.get("attachments", [])}
    assert [base64.b64decode(attached[cid]) for cid in shown] == [i.png for i in letter.images]


def test_names_lose_the_signs_that_sendgrid_does_not_take() -> None:
    body = sent_payload(frozen_letter(name="Moss, Ada; head"))
    assert body["personalizations"][0]["to"][0]["name"] == "Moss Ada head"
    assert "name" not in sent_payload(frozen_letter(name=""))["personalizations"][0]["to"][0]


@pytest.mark.parametrize(
    "letter",
    [
        frozen_letter(subject="Hi\r\nBcc: all@riverside.example"),
        frozen_letter(name="Ada\nMoss"),
        frozen_letter(email="ada"),
        frozen_letter(headers={"Bcc": "all@riverside.example"}),
        frozen_letter(html='<img src="cid:homework">'),
        frozen_letter(images=(Image("attendance", b"\x00" * 35_000_000),)),
    ],
)
def test_a_letter_that_cannot_be_sent_is_refused_before_anything_leaves(
    fake: FakeSendGrid, transport: SendGridTransport, letter: Any
) -> None:
    outcome = transport.send(letter, NOW)
    assert outcome.state is State.failed
    assert not outcome.stops
    assert "riverside" not in outcome.detail
    assert fake.requests() == []


def test_in_the_sandbox_nothing_counts_as_sent(fake: FakeSendGrid) -> None:
    with transport_to(fake.url, key=fake.key, sandbox=True) as transport:
        outcome = transport.send(LETTER, NOW)
    assert (outcome.state, outcome.checked, outcome.stops) == (State.pending, True, False)
    assert "sandbox" in outcome.detail
    assert fake.accepted() == []
    assert [request.status for request in fake.requests()] == [200]


def deliver_week(ledger: Ledger, transport: SendGridTransport) -> DeliveryReport:
    return deliver(
        ledger,
        transport,
        campaign="teachers",
        period="2026-W40",
        now=lambda: NOW,
        owner="test",
        rules=Rules(stop_after=2),
    )


def test_letters_that_the_sandbox_checked_go_out_once_it_is_off(
    fake: FakeSendGrid, ledger: Ledger
) -> None:
    ledger.queue([letter("t_1"), letter("t_2"), letter("t_3")], now=NOW, by="test")
    with transport_to(fake.url, key=fake.key, sandbox=True) as transport:
        report = deliver_week(ledger, transport)
    assert (report.not_sent, report.sent, report.failed, report.stopped) == (3, 0, 0, None)
    assert report.counts == {State.pending: 3}
    with transport_to(fake.url, key=fake.key) as transport:
        assert deliver_week(ledger, transport).sent == 3
    assert len(fake.accepted()) == 3


# What each fault means: the table in the domain notes


@pytest.mark.parametrize(
    ("fault", "becomes", "taken"),
    [
        ("reset_before_body", State.unknown, 0),
        ("reset_after_body", State.unknown, 1),
        ("close_after_body", State.unknown, 1),
        ("hang", State.unknown, 1),
        ("hang_before", State.unknown, 0),
        ("error_500_before", State.unknown, 0),
        ("error_500_after", State.unknown, 1),
        ("error_503_after", State.unknown, 1),
        ("portal", State.unknown, 0),
        ("cut_body", State.sent, 1),
        ("no_message_id", State.sent, 1),
        ("bad_request", State.failed, 0),
        ("too_large", State.failed, 0),
        ("rate_limited", State.pending, 0),
        ("redirect", State.pending, 0),
        ("unauthorized", State.pending, 0),
        ("forbidden", State.pending, 0),
        ("not_found", State.pending, 0),
    ],
)
def test_a_fault_leaves_the_letter_in_the_state_that_is_known(
    fake: FakeSendGrid, fault: Fault, becomes: State, taken: int
) -> None:
    fake.faults(fault, elsewhere=fake.url)
    with transport_to(fake.url, key=fake.key, timeout=0.3) as transport:
        outcome = transport.send(LETTER, NOW)
        assert outcome.state is becomes
        assert fake.counts()[LETTER.key] == taken
        stops = {"redirect", "unauthorized", "forbidden", "not_found"}
        assert outcome.stops == (fault in stops)
        assert "riverside" not in outcome.detail
        assert fake.key not in outcome.detail
        assert transport.send(frozen_letter("t_2"), NOW).state is State.sent


def test_the_id_is_empty_where_sendgrid_gave_none(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.faults("no_message_id")
    assert transport.send(LETTER, NOW).transport_id == ""


def test_the_id_is_known_from_the_status_line_even_if_the_answer_is_cut(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.faults("cut_body")
    assert transport.send(LETTER, NOW).transport_id == fake.accepted()[0].message_id


def test_a_refusal_names_the_fields_and_not_what_was_in_them(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.faults("bad_request")
    outcome = transport.send(LETTER, NOW)
    assert outcome.detail == ("SendGrid refuses the letter (400, personalizations.0.to.0.email).")


def test_too_many_requests_say_when_to_go_on(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.faults("rate_limited", reset_after_seconds=40)
    assert transport.send(LETTER, NOW).retry_after == timedelta(seconds=40)


def reset_header(value: str | None) -> httpx.Headers:
    date = {"Date": format_datetime(NOW, usegmt=True)}
    return httpx.Headers(date if value is None else date | {"X-RateLimit-Reset": value})


def test_a_reset_in_milliseconds_is_understood_and_an_absurd_one_puts_nothing_in_doubt() -> None:
    moment = NOW + timedelta(seconds=30)
    header = reset_header(str(int(moment.timestamp() * 1000)))
    assert reset_after(header) == timedelta(seconds=30)
    assert reset_after(reset_header("9" * 30)) == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("header", "seconds"), [("17", 17), ("0", 1), (None, 60), ("soon", 60), ("1000000000", 1)]
)
def test_a_reset_that_is_odd_still_gives_a_moment_ahead(header: str | None, seconds: int) -> None:
    assert reset_after(reset_header(header)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Fri, 02 Oct 2026 15:00:00 GMT", datetime(2026, 10, 2, 15, tzinfo=UTC)),
        ("Fri, 02 Oct 2026 15:00:00 -0000", datetime(2026, 10, 2, 15, tzinfo=UTC)),
        ("Friday", None),
        (None, None),
    ],
)
def test_the_carriers_time_is_that_of_its_date_header(
    date: str | None, at: datetime | None
) -> None:
    assert said_at(httpx.Headers({} if date is None else {"Date": date})) == at


def test_a_redirect_is_not_followed_with_the_key(fake: FakeSendGrid) -> None:
    fake.faults("redirect", reads=["redirect"], elsewhere=fake.url)
    with transport_to(fake.url, key=fake.key) as transport:
        transport.send(LETTER, NOW)
        with pytest.raises(CarrierError):
            transport.log(GROUP)
    assert [(request.path, request.status) for request in fake.requests()] == [
        ("/v3/mail/send", 302),
        ("/v3/logs", 302),
    ]


def test_a_server_that_is_not_there_leaves_the_letter_pending() -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with transport_to(f"http://127.0.0.1:{taken.getsockname()[1]}", key="SG.a.b") as transport:
            outcome = transport.send(LETTER, NOW)
    assert (outcome.state, outcome.stops) == (State.pending, False)


def test_a_connection_that_is_not_made_in_time_leaves_the_letter_pending() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody accepts, so further connections wait
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        with transport_to(url, key="SG.a.b", timeout=0.2) as transport:
            assert transport.send(LETTER, NOW).state is State.pending


def test_a_certificate_that_nobody_vouches_for_leaves_the_letter_pending() -> None:
    import trustme  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            with contextlib.suppress(ssl.SSLError, OSError), connection:
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"https://localhost:{listening.getsockname()[1]}"
        with transport_to(url, key="SG.a.b") as transport:
            outcome = transport.send(LETTER, NOW)
        thread.join()
    assert (outcome.state, outcome.stops) == (State.pending, False)


def test_letters_sent_from_several_threads_arrive_once_each(fake: FakeSendGrid) -> None:
    letters = [frozen_letter(f"t_{n}") for n in range(24)]
    with (
        transport_to(fake.url, key=fake.key, connections=4) as transport,
        ThreadPoolExecutor(4) as pool,
    ):
        outcomes = list(pool.map(lambda letter: transport.send(letter, NOW), letters))
    assert {outcome.state for outcome in outcomes} == {State.sent}
    assert fake.counts() == {letter.key: 1 for letter in letters}
    ids = {mail.letter: mail.message_id for mail in fake.accepted()}
    assert [ids[letter.key] for letter in letters] == [o.transport_id for o in outcomes]


# Finding what became of a letter


def test_a_letter_whose_answer_was_lost_is_found_in_the_logs(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.faults("reset_after_body")
    assert transport.send(LETTER, NOW).state is State.unknown
    found = find(transport, LETTER)
    assert (found.state, found.transport_id) == (State.sent, fake.accepted()[0].message_id)


def test_a_letter_that_never_got_there_is_absent_which_is_no_proof_by_itself(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.faults("reset_before_body")
    transport.send(LETTER, NOW)
    found = find(transport, LETTER)
    assert (found.state, found.absent) == (State.unknown, True)
    assert found.asked_at is not None
    assert abs(found.asked_at - NOW) < timedelta(minutes=1)


def test_a_letter_is_absent_until_the_logs_have_it(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    fake.set(log_delay=3600, clock=NOW)
    transport.send(LETTER, NOW)
    assert find(transport, LETTER).absent
    fake.set(log_delay=3600, clock=NOW + timedelta(hours=2))
    assert find(transport, LETTER).state is State.sent


@pytest.mark.parametrize(
    "other",
    [
        replace(LETTER, key=f"{LETTER.key}:2", revision=2),
        replace(LETTER, ledger_id="0000aaaa"),
        replace(LETTER, key=f"test:{LETTER.key}"),
        replace(LETTER, key="teachers:2026-W39:t_1", period="2026-W39"),
        frozen_letter("t_2"),
    ],
)
def test_another_letter_to_the_same_person_or_of_the_same_week_is_not_taken_for_it(
    transport: SendGridTransport, other: Any
) -> None:
    transport.send(other, NOW)
    found = find(transport, LETTER)
    assert (found.state, found.absent) == (State.unknown, True)


@pytest.mark.parametrize("ahead", [timedelta(days=-20), timedelta(hours=2), timedelta(days=25)])
def test_a_letter_that_was_claimed_by_a_wrong_clock_is_found(
    transport: SendGridTransport, ahead: timedelta
) -> None:
    transport.send(LETTER, NOW)
    assert find(transport, replace(LETTER, claimed_at=NOW + ahead)).state is State.sent


@pytest.mark.parametrize("email", ["o'brien@riverside.example", "T_1@Riverside.example"])
def test_a_letter_is_found_however_the_logs_write_the_address(
    fake: FakeSendGrid, transport: SendGridTransport, email: str
) -> None:
    transport.send(frozen_letter(email=email.lower()), NOW)
    assert find(transport, frozen_letter(email=email)).state is State.sent
    assert {request.status for request in fake.requests()} == {200, 202}


@pytest.mark.parametrize("answers", [("error_500_before",) * 3, ("forbidden",), ("portal",)])
def test_logs_that_cannot_be_asked_are_no_evidence(
    fake: FakeSendGrid, transport: SendGridTransport, answers: tuple[Fault, ...]
) -> None:
    transport.send(LETTER, NOW)
    fake.faults(reads=answers)
    with pytest.raises(CarrierError) as caught:
        find(transport, LETTER)
    assert "riverside" not in str(caught.value)


def test_a_passing_fault_of_the_logs_is_asked_over(
    fake: FakeSendGrid, transport: SendGridTransport
) -> None:
    transport.send(LETTER, NOW)
    fake.faults(reads=["error_500_before", "rate_limited"])
    assert find(transport, LETTER).state is State.sent


# Accounts without Email Logs


def test_without_asking_the_logs_letters_go_out_where_nobody_may_read_them(
    fake: FakeSendGrid, ledger: Ledger
) -> None:
    fake.faults(reads=["forbidden"] * 9)
    ledger.queue([letter("t_1")], now=NOW, by="test")
    with transport_to(fake.url, key=fake.key, ask_logs=False) as transport:
        assert deliver_week(ledger, transport).sent == 1
        assert transport.log(GROUP) is None
    assert [request.path for request in fake.requests()] == ["/v3/mail/send"]


def test_without_asking_the_logs_a_letter_in_doubt_stays_so(fake: FakeSendGrid) -> None:
    fake.faults("reset_after_body")
    with transport_to(fake.url, key=fake.key, ask_logs=False) as transport:
        transport.send(LETTER, NOW)
        found = transport.find(LETTER)
    assert (found.state, found.absent) == (State.unknown, False)
    assert "ask_logs = false" in found.detail


def test_where_nobody_may_read_the_logs_the_setting_is_named_and_nothing_is_sent(
    fake: FakeSendGrid, transport: SendGridTransport, ledger: Ledger
) -> None:
    fake.faults(reads=["forbidden"] * 2)
    with pytest.raises(CarrierError, match=r"ask_logs = false in \[mail.sendgrid\]"):
        transport.log(GROUP)
    ledger.queue([letter("t_1")], now=NOW, by="test")
    report = deliver_week(ledger, transport)
    assert fake.accepted() == []
    assert "ask_logs = false" in (report.stopped or "")


def test_a_letter_older_than_the_logs_is_never_called_absent(transport: SendGridTransport) -> None:
    old = replace(LETTER, claimed_at=NOW - timedelta(days=31))
    found = find(transport, old)
    assert (found.state, found.absent) == (State.unknown, False)


def test_the_logs_of_a_group_are_complete_even_if_one_search_is_not(
    fake: FakeSendGrid, transport: SendGridTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendgrid_api, "LOG_LIMIT", 3)
    expected = []
    for number in range(8):
        moment = NOW + timedelta(seconds=10 * number)
        fake.set(clock=moment, most_logs=3)
        letter = frozen_letter(f"t_{number}")
        expected.append((transport.send(letter, NOW).transport_id, letter.key))
    transport.send(replace(LETTER, ledger_id="0000aaaa"), NOW)
    assert logged(transport) == set(expected)


def test_a_large_week_is_searched_where_its_letters_are(
    fake: FakeSendGrid, transport: SendGridTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty days in halves down to some minutes would take 31 searches."""
    monkeypatch.setattr(sendgrid_api, "LOG_LIMIT", 10)
    fake.set(most_logs=10)
    for number in range(24):
        fake.set(clock=NOW + timedelta(seconds=10 * number))
        transport.send(frozen_letter(f"t_{number}"), NOW)
    log = transport.log(GROUP)
    assert log
    assert len({line.transport_id for line in log.lines}) == 24
    searches = [each for each in fake.requests() if each.path == "/v3/logs"]
    assert len(searches) <= 9


def test_more_mails_in_a_second_than_a_search_gives_are_an_error_not_a_silence(
    fake: FakeSendGrid, transport: SendGridTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendgrid_api, "LOG_LIMIT", 1)
    for number in range(3):
        fake.set(clock=NOW, most_logs=1)
        transport.send(frozen_letter(f"t_{number}"), NOW)
    with pytest.raises(SendGridError, match="in one second"):
        transport.log(GROUP)


@dataclass
class Ticking:
    """A clock that goes on only while somebody sleeps."""

    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return sum(self.slept)


def test_the_logs_are_asked_no_more_often_than_they_may_be(fake: FakeSendGrid) -> None:
    clock = Ticking()
    api = SendGridApi(fake.key, SendGrid(url=fake.url), pause=clock.slept.append, monotonic=clock)
    with contextlib.closing(api):
        api.mails(GROUP, NOW)
        for _ in range(5):
            assert api.custom_args("none") is None
        with pytest.raises(AskedTooOftenError) as caught:
            api.custom_args("none")
        assert (caught.value.seconds, len(fake.requests())) == (60, 6)
        assert clock.slept == []
        clock.slept.append(60)
        fake.faults(reads=["rate_limited"], reset_after_seconds=20)
        with pytest.raises(AskedTooOftenError) as caught:
            api.custom_args("none")
        assert caught.value.seconds == pytest.approx(20, abs=1)


def test_a_search_that_comes_too_early_waits_as_long_as_sendgrid_says(fake: FakeSendGrid) -> None:
    clock = Ticking()
    api = SendGridApi(fake.key, SendGrid(url=fake.url), pause=clock.slept.append, monotonic=clock)
    fake.faults(reads=["rate_limited"], reset_after_seconds=20)
    with contextlib.closing(api):
        assert api.mails(GROUP, NOW).mails == []
    assert clock.slept == [pytest.approx(20, abs=1)]


# Suppressions and erasing


@pytest.fixture
def api(fake: FakeSendGrid) -> Iterator[SendGridApi]:
    api = SendGridApi(fake.key, SendGrid(url=fake.url), pause=lambda _: None)
    with contextlib.closing(api):
        yield api


def test_every_list_of_suppressions_is_read_to_its_end(
    fake: FakeSendGrid, api: SendGridApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendgrid_api, "_SUPPRESSION_PAGE", 2)
    at = datetime(2026, 9, 1, 8, tzinfo=UTC)
    for number in range(5):
        fake.suppress("bounces", f"t_{number}@riverside.example", at)
    lists = {
        "blocks": "block",
        "spam_reports": "complaint",
        "invalid_emails": "invalid",
        "unsubscribes": "unsubscribe",
    }
    for name in lists:
        fake.suppress(name, "t_9@riverside.example", at)
    found = api.suppressions()
    assert found[:5] == [Suppressed(f"t_{n}@riverside.example", "bounce", at) for n in range(5)]
    assert [mail.reason for mail in found[5:]] == list(lists.values())


def test_erasing_asks_for_every_address_once(
    fake: FakeSendGrid, api: SendGridApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendgrid_api, "_ERASE_AT_ONCE", 2)
    jobs = api.erase([f"t_{n}@riverside.example" for n in (1, 2, 3, 1)])
    assert len(set(jobs)) == 2
    assert sorted(fake.erased()) == [f"t_{n}@riverside.example" for n in (1, 2, 3)]


def test_a_refused_erasure_does_not_repeat_the_address(
    fake: FakeSendGrid, api: SendGridApi
) -> None:
    del fake
    with pytest.raises(SendGridError) as refused:
        api.erase(["not an address of Ada Moss"])
    assert "Moss" not in str(refused.value)


# The key


def test_the_key_is_not_shown_by_anything(
    fake: FakeSendGrid, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "python_http_client"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
    fake.faults(None, "unauthorized", "reset_after_body", "bad_request")
    with transport_to(fake.url, key=fake.key) as transport:
        outcomes = [transport.send(LETTER, NOW) for _ in range(4)]
        find(transport, LETTER)
        shown = [transport, vars(transport), vars(transport.api), *outcomes, caplog.text]
    text = " ".join(map(repr, shown))
    assert fake.key not in text
    assert "riverside" not in caplog.text


@pytest.mark.parametrize("key", ["SG.one two", "SG.one\nSG.two", "", "SG.schlüssel"])
def test_a_key_with_odd_characters_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(SendGridError, match="SENDGRID_API_KEY") as refused:
        SendGridApi(key, SendGrid())
    assert not key or key not in str(refused.value)


def test_a_line_break_after_the_key_does_no_harm(fake: FakeSendGrid) -> None:
    with transport_to(fake.url, key=f"{fake.key}\n") as transport:
        assert transport.send(LETTER, NOW).state is State.sent


@pytest.mark.parametrize("url", ["http://api.sendgrid.com", "api.sendgrid.com", "https://", ""])
def test_the_key_goes_over_https_only(url: str) -> None:
    with pytest.raises(SendGridError, match="https only"):
        SendGridApi("SG.a.b", SendGrid(url=url))


def test_a_wrong_key_ends_the_run(fake: FakeSendGrid) -> None:
    with transport_to(fake.url, key="SG.another.key") as transport:
        outcome = transport.send(LETTER, NOW)
    assert (outcome.state, outcome.stops) == (State.pending, True)
    assert fake.accepted() == []


def test_no_proxy_of_the_environment_sees_the_letter(
    fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with transport_to(fake.url, key=fake.key) as transport:
        assert transport.send(LETTER, NOW).state is State.sent
