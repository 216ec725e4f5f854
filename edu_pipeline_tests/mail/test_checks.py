from dataclasses import replace
from typing import Any

import pytest

from edu_pipeline.mail.checks import is_allowed
from edu_pipeline.mail.letter import Address, Image, Letter
from edu_pipeline.mail.links import opt_out_headers
from edu_pipeline.settings.letters import Letters
from edu_pipeline.settings.mail import Mail
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.holding import hold_reasons

HTML = '<html lang="en"><head><title>Your week</title></head><body><p>{}</p></body></html>'
LIVE = Mail(transport="smtp", allowed=("riverside.example",))
OUT = "https://letters.riverside.example/out/abc"


def good(make_letter: LetterMaker, key: str = "t_1", says: str = "Hello", **fields: Any) -> Letter:
    return replace(make_letter(key, html=HTML.format(says), text=says), **fields)


def to(email: str, name: str = "Ada Moss") -> dict[str, Any]:
    return {"recipient": Address(email, name)}


def why(letter: Letter, *known: str, mail: Mail | None = None) -> str:
    return hold_reasons([letter], known, mail or Mail()).get(letter.key, "")


def test_a_good_letter_goes_out(make_letter: LetterMaker) -> None:
    assert why(good(make_letter), "Ada Moss", "Ben Carter", mail=LIVE) == ""


def test_what_a_letter_was_held_for_already_comes_first(make_letter: LetterMaker) -> None:
    assert why(good(make_letter, hold="Map QT.")) == "Map QT."
    both = good(make_letter, hold="Map QT.", **to(""))
    assert why(both) == "Map QT. The recipient has no e-mail address. Add it in the source data."


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("", "The recipient has no e-mail address. Add it in the source data."),
        *(
            (email, "The recipient's e-mail address is not valid. Correct it in the source data.")
            for email in (
                "moss(at)riverside",
                "moss@riverside",
                "a..b@riverside.example",
                "moss@riverside.example, fox@riverside.example",
                "Ada Moss <moss@riverside.example>",
                " moss@riverside.example",
                "moss@riverside.example\nBcc: fox@riverside.example",
                "möss@riverside.example",
                "moss@rivérside.example",
            )
        ),
    ],
)
def test_a_letter_without_a_usable_address_waits(
    make_letter: LetterMaker, email: str, reason: str
) -> None:
    assert why(good(make_letter, **to(email))) == reason


def test_both_letters_to_one_address_wait_and_others_do_not(make_letter: LetterMaker) -> None:
    letters = [
        good(make_letter, "t_1", **to("office@riverside.example")),
        good(make_letter, "t_2", **to("Office@Riverside.example")),
        good(make_letter, "t_3"),
        good(make_letter, "t_4", period="2026-W41", **to("office@riverside.example")),
        *(good(make_letter, key, **to("")) for key in ("t_5", "t_6")),
    ]

    reasons = hold_reasons(letters, [], Mail())

    shared = "Another letter of the same period goes to the same address. Give each person their own in the source data."
    nowhere = "The recipient has no e-mail address. Add it in the source data."
    assert reasons == {
        "teachers:2026-W40:t_1": shared,
        "teachers:2026-W40:t_2": shared,
        "teachers:2026-W40:t_5": nowhere,
        "teachers:2026-W40:t_6": nowhere,
    }


@pytest.mark.parametrize(
    ("email", "allowed", "expected"),
    [
        ("moss@school.org", ("school.org",), True),
        ("Moss@School.ORG", ("@school.org",), True),
        ("moss@school.org", ("fox@school.org", "moss@school.org"), True),
        ("moss@mail.school.org", ("school.org",), False),
        ("moss@notschool.org", ("school.org",), False),
        ("moss@school.org", ("fox@school.org",), False),
        ("moss@school.org", (), False),
        ("school.org@evil.example", ("school.org",), False),
    ],
)
def test_who_may_be_written_to(email: str, allowed: tuple[str, ...], *, expected: bool) -> None:
    assert is_allowed(email, allowed) is expected


@pytest.mark.parametrize(
    ("mail", "waits"),
    [
        (LIVE, True),
        (Mail(allowed=("riverside.example",)), False),
        (Mail(transport="smtp", mode="redirect", redirect_to="me@riverside.example"), False),
    ],
)
def test_the_allow_list_is_for_letters_that_leave_the_machine(
    make_letter: LetterMaker, mail: Mail, *, waits: bool
) -> None:
    letter = good(make_letter, **to("moss@elsewhere.example"))

    assert ("outside [mail] allowed in pipeline.toml" in why(letter, mail=mail)) is waits


@pytest.mark.parametrize(
    ("sender", "waits"),
    [
        (Address("reports@riverside.example", "Hill School"), True),
        (Address("Reports@Riverside.example "), True),
        (Address("reports@school.org", "Riverside School data"), True),
        (Address(*Letters().sender), True),
        (Address("reports@school.org", "Riverside High School"), False),
    ],
)
def test_what_leaves_the_machine_comes_from_somebody_real(
    make_letter: LetterMaker, sender: Address, *, waits: bool
) -> None:
    letter = good(make_letter, sender=sender)
    assert ("made-up sample's sender" in why(letter, mail=LIVE)) is waits
    assert "made-up" not in why(letter, mail=Mail())


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\x00", "\x0b", "\x85", "\u2028"])
def test_a_name_or_subject_that_would_forge_a_header_waits(
    make_letter: LetterMaker, sign: str
) -> None:
    forged = f"Ada{sign}Bcc: fox@riverside.example"
    for fields in (
        to("moss@riverside.example", forged),
        {"subject": forged},
        {"sender": Address("reports@riverside.example", forged)},
        {"headers": {"X-Class": forged}},
    ):
        reason = why(good(make_letter, **fields))
        assert "headers can be forged" in reason
        assert "fox" not in reason


@pytest.mark.parametrize("part", ["html", "text"])
def test_a_letter_with_a_nul_waits_and_the_others_do_not(
    make_letter: LetterMaker, part: str
) -> None:
    odd = good(make_letter, "t_1")
    odd = replace(odd, **{part: getattr(odd, part).replace("Hello", "Hel\x00lo")})
    reasons = hold_reasons([odd, good(make_letter, "t_2")], [], Mail())
    assert list(reasons) == [odd.key]
    assert "(NUL)" in reasons[odd.key]


def test_a_recipient_of_whom_a_job_knows_no_address_or_name_waits(
    make_letter: LetterMaker,
) -> None:
    nobody: Any = None
    letters = [
        good(make_letter, "t_1", recipient=Address(nobody)),
        good(make_letter, "t_2", recipient=Address(nobody, nobody)),
        good(make_letter, "t_3"),
    ]
    assert hold_reasons(letters, ["Ben Carter"], LIVE) == dict.fromkeys(
        ["teachers:2026-W40:t_1", "teachers:2026-W40:t_2"],
        "The recipient has no e-mail address. Add it in the source data.",
    )


def test_a_sender_who_cannot_be_written_to_is_found(make_letter: LetterMaker) -> None:
    assert why(good(make_letter, reply_to="office")) == (
        "The reply-to address is not valid. Correct it in pipeline.toml."
    )


def test_a_message_that_carriers_refuse_waits(make_letter: LetterMaker) -> None:
    def with_image(size: int) -> Letter:
        return good(make_letter, images=(Image("attendance", bytes(size)),))

    assert why(with_image(21_000_000)) == ""
    assert why(with_image(35_000_000)) == (
        "The message has 48 MB with its images; keep it below 30 MB, or it is refused. "
        "Use fewer or smaller images."
    )


def test_a_letter_that_gmail_would_cut_waits(make_letter: LetterMaker) -> None:
    link = '<a href="https://riverside.example/0123456789">x</a>'
    # 80 links: 4 kB of HTML, and 80 kB when each of them is one that counts clicks
    assert "with what counting opens and clicks may add" in why(good(make_letter, says=link * 85))
    assert why(good(make_letter, says=link * 75)) == ""
    assert why(good(make_letter, says="x" * 87_000)) == ""
    assert "Gmail cuts it" in why(good(make_letter, says="x" * 88_000))


def test_what_the_lint_finds_holds_the_letter(make_letter: LetterMaker) -> None:
    assert why(good(make_letter, says="<svg></svg>")) == (
        "<svg> is removed by mail clients; do without."
    )


def test_a_letter_that_names_somebody_else_waits_and_one_with_a_namesake_does_not(
    make_letter: LetterMaker,
) -> None:
    leak = good(make_letter, says="Dora Moss: absent", names=frozenset({"Ben Carter"}))
    namesake = good(make_letter, says="Dora Moss: absent", names=frozenset({"Dora Moss"}))

    assert why(leak, "Dora Moss", "Ben Carter") == (
        "It shows the full name of 1 person whom this letter may not name. Look for it in the "
        "letter's proof, and correct the template that puts it there."
    )
    assert why(namesake, "Dora Moss", "Ben Carter") == ""


def nudge(make_letter: LetterMaker, **fields: Any) -> Letter:
    says = f"Hello {OUT} 1 High St &amp; Co, Riverside"
    headers = opt_out_headers(OUT, "office@riverside.example")
    words: dict[str, Any] = {
        "text": says.replace("&amp;", "&"),
        "headers": headers,
        "opt_out": True,
    }
    return good(make_letter, says=says, **words | fields)


def test_a_letter_that_needs_a_way_out_waits_without_one(make_letter: LetterMaker) -> None:
    mail = Mail(postal_address="1 High St & Co,\nRiverside")
    complete = nudge(make_letter)

    assert why(complete, mail=mail) == ""
    lacking: list[dict[str, Any]] = [
        {"headers": {}},
        {"headers": {"List-Unsubscribe": f"<{OUT}>"}},
        {"html": HTML.format("Hello 1 High St &amp; Co, Riverside")},
        {"text": "Hello 1 High St & Co, Riverside"},
    ]
    for fields in lacking:
        assert "no way to stop these letters" in why(nudge(make_letter, **fields), mail=mail)
    assert "no postal address" in why(nudge(make_letter, text=f"Hello {OUT}"), mail=mail)
    hidden = nudge(make_letter, html=HTML.format(f"Hello {OUT}"))
    assert "no postal address" in why(hidden, mail=mail)
    assert "no postal address" in why(complete)
    assert why(nudge(make_letter, headers={}, text="Hello", opt_out=False)) == ""


def test_no_reason_quotes_a_name_an_address_or_a_subject(make_letter: LetterMaker) -> None:
    bad = good(
        make_letter,
        says="<svg>Dora Moss</svg>",
        **to("sadie@", "Sadie\nFox"),
        subject="Sadie\n",
        reply_to="sadie@",
        headers={"X-Class": "Sadie\n"},
        images=(Image("attendance", bytes(35_000_000)),),
        opt_out=True,
    )

    reason = why(bad, "Dora Moss")

    assert reason.count(". ") > 8
    assert not {"sadie", "fox", "dora", "moss"} & set(reason.casefold().replace("@", " ").split())
