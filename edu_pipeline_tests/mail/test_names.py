import pytest

from edu_pipeline.mail.names import Names, foreign_names
from edu_pipeline_tests.mail.conftest import LetterMaker

KNOWN = Names(
    [
        "Dora Moss",
        "Ben Carter",
        "Dora Carter",
        "José Núñez",
        "Mary-Jane O'Neil",
        "Ana María de la Cruz",
        "J. K. Rowan",
        "Suharto",
        "小明 王",
        "🦊🦊 Fox",
        "Ben Carter Lee",
    ]
)


def named(make_letter: LetterMaker, words: str = "", *allowed: str, **fields: object) -> int:
    """People whom a letter that says this names although it may not."""
    html = f'<html lang="en"><body><p>{words}</p></body></html>'
    content = {"html": html, "text": words, "subject": "Your week"} | fields
    return foreign_names(make_letter(names=frozenset(allowed), **content), KNOWN)


@pytest.mark.parametrize(
    "words",
    [
        "Dora Moss: absent 3 of 5 days",
        "Absent: Moss, Dora.",
        "DORA MOSS",
        "Dora\u00a0Moss",
        "\u2068Dora\u2069 Moss",
        "Dora\nMoss",
        "jose nunez",
        "José Núñez",  # accents as characters of their own
        "Núñez,José",
        "Ｄｏｒａ　Ｍｏｓｓ",
        "Mary-Jane O’Neil",
        "Mary-Jane OʼNeil",  # with an apostrophe that is a letter
        "O'Neil, Mary Jane",
        "ana maria de la cruz’s homework",
        "de la Cruz, Ana María",
        "J.K. Rowan",
        "Write to dora.moss@riverside.example",
        "- Suharto: absent",
        "小明 王",
        "🦊🦊 Fox",
    ],
)
def test_a_name_is_found_however_it_is_written(make_letter: LetterMaker, words: str) -> None:
    assert named(make_letter, words) == 1


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Dora",
        "D. M.",
        "Moss Dora",
        "Dora. Mossy places",
        "Hello Dora,\n\nMoss grows.",
        "Dora: Moss",
        "Dora – Moss",
        "- Dora\n- Moss",
        "Dora Ann Moss",
        "Dora Mosses",
        "Suharto Street",
    ],
)
def test_what_only_resembles_a_name_is_none(make_letter: LetterMaker, words: str) -> None:
    assert named(make_letter, words) == 0


@pytest.mark.parametrize(
    "html",
    [
        '<img alt="Attendance of Dora Moss">',
        "<p title='Moss, Dora'>7B</p>",
        '<td aria-label="Dora Moss">7B</td>',
        "<!-- Dora Moss -->",
        "<!--[if mso]><td>Dora</td><td>Moss</td><![endif]-->",
        '<a href="mailto:a@b.example?subject=Dora%20Moss">Not mine</a>',
        "<p>Dora <b>Mo</b>ss</p>",
        "<p>Dora\n  Moss</p>",
        "<p>Dora<br>Moss</p>",
        "<p>Dora&nbsp;M&#111;ss</p>",
        "<tr><td><p>Dora</p></td> <td>Moss</td></tr>",
        "<tr><td>Moss</td><td>Dora</td></tr>",
        '<div style="display: none">Dora Moss</div>',
    ],
)
def test_a_name_is_found_wherever_the_html_hides_it(make_letter: LetterMaker, html: str) -> None:
    assert named(make_letter, html=f"<body>{html}</body>") == 1


@pytest.mark.parametrize(
    "html",
    [
        "<p>Dora</p><p>Moss</p>",
        "<p>Dora<br><br>Moss</p>",
        "<tr><td>Dora</td></tr><tr><td>Moss</td></tr>",
        '<p class="Dora Moss" style="font-family: Dora Moss">7B</p>',
        '<table lang="Suharto" role="Suharto"><tr><td valign="Suharto" colspan="Suharto">7B</table>',
    ],
)
def test_parts_of_html_that_nobody_reads_together_make_no_name(
    make_letter: LetterMaker, html: str
) -> None:
    assert named(make_letter, html=f"<body>{html}</body>") == 0


def test_the_subject_and_the_text_are_read_too(make_letter: LetterMaker) -> None:
    assert named(make_letter, subject="Dora Moss was absent") == 1
    assert named(make_letter, text="Dora Moss was absent") == 1


def test_people_are_counted_once(make_letter: LetterMaker) -> None:
    assert named(make_letter, "Dora Moss; José Núñez; Moss, Dora") == 2


def test_a_letter_may_name_its_own_people_and_their_namesakes(make_letter: LetterMaker) -> None:
    assert named(make_letter, "Dora Moss", "Dora Moss") == 0
    assert named(make_letter, "dora moss", "Dóra Moss") == 0
    assert named(make_letter, "Dora Moss and José Núñez", "Dora Moss") == 1


def test_neighbours_in_a_list_make_no_third_name(make_letter: LetterMaker) -> None:
    both = ("Ben Carter", "Dora Moss")

    assert named(make_letter, "Ben Carter, Dora Moss", *both) == 0
    assert named(make_letter, "", *both, html="<td>Ben Carter</td><td>Dora Moss</td>") == 0
    assert named(make_letter, "Carter, Dora", *both) == 1


def test_a_longer_name_around_an_allowed_one_is_somebody_elses(make_letter: LetterMaker) -> None:
    assert named(make_letter, "Ben Carter", "Ben Carter") == 0
    assert named(make_letter, "Ben Carter Lee", "Ben Carter") == 1
    assert named(make_letter, "Dora Moss", "Dora") == 1


def test_a_shorter_name_in_an_allowed_one_is_not_somebody_elses(make_letter: LetterMaker) -> None:
    assert named(make_letter, "Ben Carter-Hill", "Ben Carter-Hill") == 0
    assert named(make_letter, "Class of Ben Carter", "Class of Ben Carter") == 0


def test_the_letters_own_addresses_name_nobody(make_letter: LetterMaker) -> None:
    link = '<a href="mailto:Ben.Carter@riverside.example">Reply</a>'

    assert named(make_letter, html=link, reply_to="ben.carter@riverside.example") == 0
    assert named(make_letter, html=link) == 1
    assert named(make_letter, "Hello Dora Moss", name="Dora Moss") == 0
