import re
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, compat32

import pytest

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.letter import Address, Image
from edu_pipeline.mail.mime import UnsendableError, content_ids, to_message
from edu_pipeline_tests.mail.letters import NOW, frozen_letter


def parsed(letter: FrozenLetter, now: datetime = NOW) -> EmailMessage:
    message = message_from_bytes(to_message(letter, now).as_bytes(), policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_the_message_says_who_writes_to_whom() -> None:
    message = parsed(frozen_letter(subject="Your week: 7B — 94 %", name="Zoë Ångström"))
    assert str(message["From"]) == "Riverside School <reports@riverside.example>"
    assert message["To"].addresses[0].display_name == "Zoë Ångström"
    assert message["To"].addresses[0].addr_spec == "t_1@riverside.example"
    assert message["Reply-To"] == "office@riverside.example"
    assert message["Subject"] == "Your week: 7B — 94 %"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"


def test_text_comes_before_html_and_images_belong_to_the_html() -> None:
    message = parsed(frozen_letter())
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


def test_a_letter_without_images_has_two_plain_alternatives() -> None:
    message = parsed(frozen_letter(html="<p>Grüße</p>", images=()))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_the_same_letter_gives_the_same_bytes_but_for_the_date() -> None:
    letter = frozen_letter()
    later = NOW + timedelta(days=1)
    first, second = (to_message(letter, at).as_bytes() for at in (NOW, later))
    assert first == to_message(letter, NOW).as_bytes()
    without_date = [re.sub(rb"Date: [^\r]*\r\n", b"", content) for content in (first, second)]
    assert without_date[0] == without_date[1]
    assert first != second


def test_no_two_letters_share_an_id() -> None:
    letters = [frozen_letter(recipient_key="t_1"), frozen_letter(recipient_key="t_2")]
    letters.append(replace(letters[0], digest="0" * 64))
    messages = [parsed(letter) for letter in letters]
    assert len({message["Message-ID"] for message in messages}) == 3
    cids = {part["Content-ID"] for message in messages for part in message.walk()} - {None}
    assert len(cids) == 3


def test_two_images_of_a_letter_have_their_own_ids() -> None:
    html = "<img src='cid:a'><img src=\"cid:b\">"
    message = parsed(frozen_letter(html=html, images=(Image("a", b"1"), Image("b", b"2"))))
    images = {
        p["Content-ID"].strip("<>"): p.get_content() for p in message.walk() if p["Content-ID"]
    }
    [shown] = [p.get_content() for p in message.walk() if p.get_content_type() == "text/html"]
    assert [images[cid] for cid in re.findall(r"cid:([^\"']+)", shown)] == [b"1", b"2"]


@pytest.mark.parametrize(
    "address", ["reports@riverside.example", f"reports@{'long-' * 12}school.riverside.example"]
)
def test_no_line_is_too_long_for_smtp_and_every_line_ends_in_crlf(address: str) -> None:
    letter = frozen_letter(
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
    fields: dict[str, str], part: str
) -> None:
    with pytest.raises(UnsendableError, match=f"The {part} holds a line break") as refused:
        to_message(frozen_letter(**fields), NOW)
    assert "riverside" not in str(refused.value)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@riverside.example", "a b@riverside.example", "a@b@c", "ä@x.example"],
)
def test_a_malformed_address_is_refused_without_repeating_it(email: str) -> None:
    letter = replace(frozen_letter(), recipient=Address(email, "Ada Moss"))
    with pytest.raises(UnsendableError, match="recipient's address is not") as refused:
        to_message(letter, NOW)
    assert "Moss" not in str(refused.value)
    assert not email or email not in str(refused.value)


def test_an_image_that_the_letter_does_not_carry_is_refused() -> None:
    with pytest.raises(UnsendableError, match="'homework', which is not in the letter"):
        to_message(frozen_letter(html='<img src="cid:homework">'), NOW)


LONG_URL = "https://letters.riverside.example/out/" + "eyJ" * 50


def test_a_way_out_stands_in_the_headers_unencoded_however_long_it_is() -> None:
    headers = {
        "List-Unsubscribe": f"<{LONG_URL}>, <mailto:stop@riverside.example?subject=stop>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    content = to_message(frozen_letter(headers=headers), NOW).as_bytes()
    assert f"List-Unsubscribe: <{LONG_URL}>,\r\n <mailto:stop@".encode() in content
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content
    message = message_from_bytes(content, policy=SMTP)
    assert message["List-Unsubscribe"] == headers["List-Unsubscribe"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Bcc": "all@riverside.example"},
        {"message-id": "<1@riverside.example>"},
        {"Content-Type": "text/html"},
        {"X-SG-EID": "1"},
        {"DKIM-Signature": "v=1"},
        {"X Y": "1"},
        {"List-Unsubscribe": "<https://riverside.example/ä>"},
        {"List-Unsubscribe": "<https://riverside.example/" + "a" * 600 + ">"},
        {"List-Unsubscribe": "<https://riverside.example>\r\nBcc: all@riverside.example"},
    ],
)
def test_a_header_that_is_not_free_or_not_plain_is_refused_without_repeating_it(
    headers: dict[str, str],
) -> None:
    with pytest.raises(UnsendableError) as refused:
        to_message(frozen_letter(headers=headers), NOW)
    assert "riverside" not in str(refused.value)


def test_a_rehearsal_is_a_message_like_any_other_with_ids_of_its_own() -> None:
    letter = frozen_letter()
    rehearsal = replace(letter, key=f"test:{letter.key}", subject="[TEST] Your week")
    assert parsed(rehearsal)["Subject"] == "[TEST] Your week"
    assert parsed(rehearsal)["Message-ID"] != parsed(letter)["Message-ID"]
    assert content_ids(rehearsal) != content_ids(letter)
