"""Links by which a recipient stops letters."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from itsdangerous import URLSafeSerializer

from edu_pipeline.mail.links import (
    Subscription,
    opt_out_headers,
    opt_out_url,
    read_token,
    token,
)

KEY = "5d41402abc4b2a76b9719d911017c592"
MINE = Subscription("teachers", "t_3f9a0c51d2e4")


def test_a_token_names_whose_letters_of_which_campaign() -> None:
    assert read_token(KEY, token(KEY, "teachers", "t_3f9a0c51d2e4")) == MINE


def test_a_token_is_the_same_for_every_letter_and_holds_nothing_that_runs_out() -> None:
    assert token(KEY, "teachers", "t_1") == token(KEY, "teachers", "t_1")


def test_a_token_can_stand_in_an_url_as_it_is() -> None:
    made = token(KEY, "teachers", "t_3f9a0c51d2e4")
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert len(made) < 100


def test_a_token_with_one_character_changed_names_nobody() -> None:
    made = token(KEY, "teachers", "t_3f9a0c51d2e4")
    for place in range(len(made) - 1):  # the last one has bits that base64 does not use
        changed = made[:place] + ("A" if made[place] != "A" else "B") + made[place + 1 :]
        assert read_token(KEY, changed) is None


def test_a_token_of_another_ledger_names_nobody() -> None:
    assert read_token("another key", token(KEY, "teachers", "t_1")) is None


@pytest.mark.parametrize("text", ["", ".", "a.b", "é", "\x00", "x" * 100_000, "../../etc/passwd"])
def test_what_is_no_token_names_nobody(text: str) -> None:
    assert read_token(KEY, text) is None


@pytest.mark.parametrize("value", [None, 7, "teachers", ["teachers"], ["a", "b", "c"]])
def test_something_else_signed_with_the_key_names_nobody(value: object) -> None:
    other = URLSafeSerializer(KEY, salt="edu-pipeline.out.1").dumps(value)
    assert read_token(KEY, str(other)) is None


def test_a_token_signed_for_another_purpose_names_nobody() -> None:
    other = URLSafeSerializer(KEY, salt="another").dumps(["teachers", "t_1"])
    assert read_token(KEY, str(other)) is None


def test_the_page_is_below_the_public_address_with_or_without_a_slash() -> None:
    for base in ("https://letters.school.example", "https://letters.school.example/"):
        assert opt_out_url(base, "abc") == "https://letters.school.example/out/abc"


def test_mail_programs_find_both_ways_out_and_may_use_one_click() -> None:
    headers = opt_out_headers("https://letters.school.example/out/abc", "office@school.example")
    assert headers == {
        "List-Unsubscribe": (
            "<https://letters.school.example/out/abc>, "
            "<mailto:office@school.example?subject=unsubscribe>"
        ),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_the_headers_survive_a_real_message() -> None:
    url = opt_out_url("https://letters.school.example", token(KEY, "teachers", "t_3f9a0c51d2e4"))
    message = EmailMessage(policy=SMTP)
    for name, value in opt_out_headers(url, "office@school.example").items():
        message[name] = value
    read = message_from_bytes(message.as_bytes(), policy=SMTP)
    assert f"<{url}>" in read["List-Unsubscribe"].replace("\r\n", "").replace(" ", "")
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_address_cannot_smuggle_in_a_header() -> None:
    headers = opt_out_headers("https://x.example/out/abc", "a@x.example\r\nBcc: b@x.example, <c>")
    for value in headers.values():
        assert "\r" not in value
        assert "\n" not in value
        assert value.count("<") <= 2


def test_a_link_that_is_not_https_is_refused_with_what_to_set() -> None:
    with pytest.raises(ValueError, match=r"mail\.public_url"):
        opt_out_headers("http://letters.school.example/out/abc", "office@school.example")
