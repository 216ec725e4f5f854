import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, compat32
from pathlib import Path

import pytest

from edu_pipeline.mail.ledger import FrozenLetter, Ledger
from edu_pipeline.mail.ledger_tables import State
from edu_pipeline.mail.letter import Address, Image, Letter
from edu_pipeline.mail.mime import UnsendableError, to_message
from edu_pipeline.mail.transports.folder import FolderTransport

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)

LetterMaker = Callable[..., Letter]
Freezer = Callable[..., FrozenLetter]


@pytest.fixture
def freeze(ledger: Ledger, make_letter: LetterMaker) -> Freezer:
    def frozen(**fields: object) -> FrozenLetter:
        letter = make_letter(**fields)
        ledger.queue([letter], now=NOW, by="test")
        return ledger.letter(letter.key)

    return frozen


def parsed(letter: FrozenLetter, now: datetime = NOW) -> EmailMessage:
    message = message_from_bytes(to_message(letter, now).as_bytes(), policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_the_message_says_who_writes_to_whom(freeze: Freezer) -> None:
    message = parsed(freeze(subject="Your week: 7B — 94 %", name="Zoë Ångström"))
    assert str(message["From"]) == "Riverside School <reports@riverside.example>"
    assert message["To"].addresses[0].display_name == "Zoë Ångström"
    assert message["To"].addresses[0].addr_spec == "t_1@riverside.example"
    assert message["Reply-To"] == "office@riverside.example"
    assert message["Subject"] == "Your week: 7B — 94 %"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"


def test_text_comes_before_html_and_images_belong_to_the_html(freeze: Freezer) -> None:
    message = parsed(freeze())
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    [image] = [p for p in message.walk() if p.get_content_maintype() == "image"]
    assert image.get_content_disposition() == "inline"
    [html] = [p for p in message.walk() if p.get_content_type() == "text/html"]
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in html.get_content()


def test_a_letter_without_images_has_two_plain_alternatives(freeze: Freezer) -> None:
    message = parsed(freeze(html="<p>Grüße</p>", images=()))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_the_same_letter_gives_the_same_bytes_but_for_the_date(freeze: Freezer) -> None:
    letter = freeze()
    later = NOW + timedelta(days=1)
    first, second = (to_message(letter, at).as_bytes() for at in (NOW, later))
    assert first == to_message(letter, NOW).as_bytes()
    without_date = [re.sub(rb"Date: [^\r]*\r\n", b"", content) for content in (first, second)]
    assert without_date[0] == without_date[1]
    assert first != second


def test_no_two_letters_share_an_id(freeze: Freezer) -> None:
    letters = [freeze(recipient_key="t_1"), freeze(recipient_key="t_2")]
    letters.append(replace(letters[0], digest="0" * 64))
    messages = [parsed(letter) for letter in letters]
    assert len({message["Message-ID"] for message in messages}) == 3
    cids = {part["Content-ID"] for message in messages for part in message.walk()} - {None}
    assert len(cids) == 3


def test_two_images_of_a_letter_have_their_own_ids(freeze: Freezer) -> None:
    html = "<img src='cid:a'><img src=\"cid:b\">"
    message = parsed(freeze(html=html, images=(Image("a", b"1"), Image("b", b"2"))))
    images = {
        p["Content-ID"].strip("<>"): p.get_content() for p in message.walk() if p["Content-ID"]
    }
    [shown] = [p.get_content() for p in message.walk() if p.get_content_type() == "text/html"]
    assert [images[cid] for cid in re.findall(r"cid:([^\"']+)", shown)] == [b"1", b"2"]


@pytest.mark.parametrize(
    "address", ["reports@riverside.example", f"reports@{'long-' * 12}school.riverside.example"]
)
def test_no_line_is_too_long_for_smtp_and_every_line_ends_in_crlf(
    freeze: Freezer, address: str
) -> None:
    letter = freeze(
        html="<p>" + "no break " * 2000 + '</p><img src="cid:attendance">',
        text="ä" * 3000,
        subject="Ihre Woche – " * 20,
        name="👩‍🏫" * 40,
        sender=Address(address, "Riverside School"),
    )
    content = to_message(letter, NOW).as_bytes()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = parsed(letter)
    raw = BytesHeaderParser(policy=compat32).parsebytes(content)["To"]
    assert str(make_header(decode_header(raw))) == "👩‍🏫" * 40 + " <t_1@riverside.example>"
    assert message["Message-ID"].endswith(f"@{address.split('@')[1]}>")
    [image] = [p for p in message.walk() if p.get_content_maintype() == "image"]
    assert re.fullmatch(r"<[0-9a-f]{16}\.[0-9a-f]{16}@[a-z.-]+>", image["Content-ID"])


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"subject": "Hi\r\nBcc: all@riverside.example"}, "subject"),
        ({"name": "Ada\nBcc: all@riverside.example"}, "recipient's name"),
        ({"email": "ada@riverside.example\r\nBcc: x@riverside.example"}, "recipient's address"),
        ({"reply_to": "a@riverside.example\n"}, "reply-to's address"),
    ],
)
def test_a_line_break_in_a_header_is_refused_without_repeating_it(
    freeze: Freezer, fields: dict[str, str], part: str
) -> None:
    with pytest.raises(UnsendableError, match=f"The {part} holds a line break") as refused:
        to_message(freeze(**fields), NOW)
    assert "riverside" not in str(refused.value)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@riverside.example", "a b@riverside.example", "a@b@c", "ä@x.example"],
)
def test_a_malformed_address_is_refused_without_repeating_it(freeze: Freezer, email: str) -> None:
    letter = replace(freeze(), recipient=Address(email, "Ada Moss"))
    with pytest.raises(UnsendableError, match="recipient's address is not") as refused:
        to_message(letter, NOW)
    assert "Moss" not in str(refused.value)
    assert not email or email not in str(refused.value)


def test_an_image_that_the_letter_does_not_carry_is_refused(freeze: Freezer) -> None:
    with pytest.raises(UnsendableError, match="'homework', which is not in the letter"):
        to_message(freeze(html='<img src="cid:homework">'), NOW)


def test_a_letter_arrives_as_three_files_of_which_the_html_opens_by_itself(
    freeze: Freezer, tmp_path: Path
) -> None:
    letter = freeze()
    outcome = FolderTransport(tmp_path).send(letter, NOW)
    folder = tmp_path / "teachers" / "2026-W40"
    assert outcome.state is State.sent
    assert sorted(path.name for path in folder.iterdir()) == ["t_1.eml", "t_1.html", "t_1.txt"]
    assert (folder / "t_1.eml").read_bytes() == to_message(letter, NOW).as_bytes()
    assert (folder / "t_1.txt").read_text() == "Hello\n"
    shown = base64.b64encode(letter.images[0].png).decode()
    assert f'src="data:image/png;base64,{shown}"' in (folder / "t_1.html").read_text()


def test_a_delivered_letter_is_found_by_its_message_id(freeze: Freezer, tmp_path: Path) -> None:
    letter, transport = freeze(), FolderTransport(tmp_path)
    assert transport.find(letter).state is State.pending
    sent = transport.send(letter, NOW)
    found = transport.find(letter)
    assert (found.state, found.transport_id) == (State.sent, sent.transport_id)


def test_an_older_letter_in_the_outbox_is_no_proof(freeze: Freezer, tmp_path: Path) -> None:
    letter, transport = freeze(), FolderTransport(tmp_path)
    transport.send(letter, NOW)
    assert transport.find(replace(letter, digest="0" * 64)).state is State.pending


def test_html_and_text_without_the_eml_are_no_proof(freeze: Freezer, tmp_path: Path) -> None:
    letter, transport = freeze(), FolderTransport(tmp_path)
    transport.send(letter, NOW)
    (tmp_path / "teachers" / "2026-W40" / "t_1.eml").unlink()
    assert transport.find(letter).state is State.pending


def test_a_letter_that_cannot_become_a_message_is_refused_and_leaves_no_file(
    freeze: Freezer, tmp_path: Path
) -> None:
    outcome = FolderTransport(tmp_path).send(replace(freeze(), subject="a\nb"), NOW)
    assert outcome.state is State.failed
    assert not (tmp_path / "teachers").exists()


def test_an_outbox_that_cannot_be_written_leaves_the_letter_pending(
    freeze: Freezer, tmp_path: Path
) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    outcome = FolderTransport(tmp_path / "outbox").send(freeze(), NOW)
    assert outcome.state is State.pending
    assert "The outbox cannot be written" in outcome.detail
