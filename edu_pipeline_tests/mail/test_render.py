from pathlib import Path

import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import TemplateError, environment, phrase, render_text
from edu_pipeline.mail.render import NOTE, lint, render_html, with_note

GOOD = (
    '<html lang="en"><head><title>Your week</title></head><body>'
    '<img src="cid:attendance-1" width="552" style="width: 552px; height: auto" alt="A chart">'
    '<table role="presentation"><tr><td>'
    '<table><tr><th>&nbsp;</th><th scope="col">This week</th></tr>'
    '<tr><th scope="row">7B</th><td style="padding: 0">93.3 %</td></tr></table></td></tr></table>'
    '<a href="https://riverside.example/help">Help</a>'
    '<a href="mailto:office@riverside.example">Reply</a></body></html>'
)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_homes_template_wins_over_the_shipped_one(tmp_path: Path) -> None:
    home = write(tmp_path / "home", "a.txt.j2", "home")
    shipped = write(write(tmp_path / "shipped", "a.txt.j2", "shipped"), "b.txt.j2", "shipped")
    env = environment([home, shipped])

    assert render_text(env, "a.txt.j2", {}) == "home"
    assert render_text(env, "b.txt.j2", {}) == "shipped"


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    write(write(tmp_path, "a.html.j2", "<p>{{ name }}</p>"), "a.txt.j2", "{{ name }}")
    env = environment([tmp_path])

    assert "<p>&lt;b&gt;7B</p>" in render_html(env, "a.html.j2", {"name": "<b>7B"})
    assert render_text(env, "a.txt.j2", {"name": "<b>7B"}) == "<b>7B"


def test_css_is_inlined_and_media_rules_are_kept(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.html.j2",
        "<html><head><style>p { color: #123456 }</style><style data-css-inline='keep'>"
        "@media (prefers-color-scheme: dark) { p { color: white } }</style>"
        "<link rel='stylesheet' href='https://styles.example/a.css'></head><body><p>Hi</p></body></html>",
    )

    html = render_html(environment([tmp_path]), "a.html.j2", {})

    assert '<p style="color: #123456' in html
    assert "@media (prefers-color-scheme: dark)" in html


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ students }}", "line 1, uses something that letters do not have: 'students'. Correct"),
        ("Hi\n\n{{ nobody.upper() }}", "line 3, uses something that letters do not have: 'upper'."),
        ("Hi\n{{ name + 1 }}", r"line 2, cannot be filled \(TypeError\)."),
        ("Hi\n{{ names[name] }}", r"line 2, cannot be filled \(UndefinedError\)."),
        ("{{ 1 / 0 }}", r"line 1, cannot be filled \(ZeroDivisionError\)."),
        ("{{ name | percent }}", r"line 1, cannot be filled \(TypeError\)."),
        ("{% include 'letters/a.txt.j2' %}", r"line 1, cannot be filled \(RecursionError\)."),
        ("Hi\n{% if %}", "line 2: "),
        ("{{ name | backwards }}", "line 1: No filter named 'backwards'"),
    ],
)
def test_a_broken_template_is_named_with_its_fault_and_without_what_it_says_of_people(
    tmp_path: Path, template: str, said: str
) -> None:
    env = environment([write(tmp_path, "letters/a.txt.j2", template)])

    with pytest.raises(TemplateError, match=f"^Template letters/a.txt.j2, {said}") as caught:
        render_text(env, "letters/a.txt.j2", {"name": "Ada Moss", "names": {}, "nobody": None})

    chain = f"{caught.value} {caught.value.__cause__}"
    assert "Moss" not in chain
    assert caught.value.__suppress_context__


def test_an_error_in_an_imported_macro_is_told_where_it_is(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "letters/words.txt.j2",
        "{% macro hi(n) %}\n{{ n.a.b }}{% endmacro %}",
    )
    write(folder, "letters/a.txt.j2", "{% from 'letters/words.txt.j2' import hi %}{{ hi('Ada') }}")
    env = environment([folder])

    where = r"letters/words\.txt\.j2, line 2, .*: 'a'"
    with pytest.raises(TemplateError, match=where):
        render_text(env, "letters/a.txt.j2", {})
    with pytest.raises(TemplateError, match=where):
        phrase(env, "letters/words.txt.j2", "hi", "Ada")


def test_a_template_or_macro_that_is_not_there_is_named(tmp_path: Path) -> None:
    env = environment([write(tmp_path, "a.txt.j2", "{% include 'gone.j2' %}")])

    with pytest.raises(TemplateError, match=r"no template gone\.j2"):
        render_text(env, "a.txt.j2", {})
    with pytest.raises(TemplateError, match=r"no template gone\.j2"):
        phrase(env, "gone.j2", "hi")
    env = environment([write(tmp_path, "a.txt.j2", "")])
    with pytest.raises(TemplateError, match=r"a\.txt\.j2 has no macro hi. Add it,"):
        phrase(env, "a.txt.j2", "hi")
    env = environment([write(tmp_path, "a.txt.j2", "{% macro hi(name) %}{% endmacro %}")])
    with pytest.raises(TemplateError, match=r"a\.txt\.j2, macro hi, cannot be filled"):
        phrase(env, "a.txt.j2", "hi", "Ada", "Moss")


NOTED = GOOD.replace("<body>", f'<body class="x"><div>preview</div>\n{NOTE}\n')


def test_a_note_stands_at_the_marker_which_stays_and_on_top_of_the_text() -> None:
    html, text = with_note(NOTED, "Hello", "Corrected: a & b.")

    before, after = html.split(NOTE)
    assert before.startswith(NOTED.partition(NOTE)[0])
    assert "Corrected: a &amp; b.</p>" in before
    assert after == NOTED.partition(NOTE)[2]
    assert text == "Corrected: a & b.\n\nHello"
    assert lint(html) == []


def test_a_letter_without_the_marker_has_the_note_first_in_its_body() -> None:
    for body in ("<body>", '<BODY style="margin: 0">'):
        html, _ = with_note(GOOD.replace("<body>", body), "", "Only a test.")
        start, _, rest = html.partition(body)
        assert start == GOOD.partition("<body>")[0]
        assert rest.startswith("<table")
        assert rest.index("Only a test.") < rest.index("<img")
        assert lint(html) == []
    assert with_note("<p>Hi</p>", "", "Only a test.")[0].endswith("<p>Hi</p>")


def test_two_notes_are_both_there_the_first_one_first() -> None:
    html, text = with_note(*with_note(NOTED, "Hello", "One."), "Two.")

    assert html.index("One.") < html.index("Two.") < html.index(NOTE)
    assert text == "Two.\n\nOne.\n\nHello"


def test_the_marker_survives_inlining_in_the_frame_of_all_letters(tmp_path: Path) -> None:
    write(tmp_path, "a.html.j2", "{% extends 'letters/_frame.html.j2' %}")
    env = environment([tmp_path, shipped("templates")])

    html = render_html(env, "a.html.j2", {"subject": "Your week", "preheader": "Soon"})

    assert html.count(NOTE) == 1
    assert html.index("Soon") < html.index(NOTE) < html.index("<table")


def test_css_that_only_looks_like_a_defect_is_none() -> None:
    kept = (
        "<style>/* display: flex; position: fixed */ @media (max-width: 620px) "
        "{ a:hover { background-position: 0 0; background: #fff; display: block } }</style></head>"
    )
    assert lint(GOOD.replace("</head>", kept)) == []


def test_a_defect_that_is_there_twice_is_said_once_and_without_what_it_says_of_people() -> None:
    link = '<a href="http://riverside.example/ada-moss">Ada Moss</a>'
    heading = "<tr><th>Ada Moss</th></tr></table></td>"
    problems = lint(
        GOOD.replace("</body>", f"{link}{link}</body>").replace("</table></td>", heading)
    )

    assert len(problems) == 2
    assert "moss" not in " ".join(problems).casefold()


def test_the_shipped_templates_are_found() -> None:
    assert (shipped("templates") / "letters" / "teacher.html.j2").is_file()


def test_a_good_letter_has_no_problems() -> None:
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('lang="en"', "", "no lang"),
        ("Your week", " ", "no <title>"),
        ('alt="A chart"', "", "no alt text"),
        ('width="552"', "", "its width both"),
        ("width: 552px;", "max-width: 552px;", "its width both"),
        ("cid:attendance-1", "data:image/png;base64,AAAA", "not shown by Gmail"),
        ("cid:attendance-1", "https://riverside.example/a.SVG?v=1", "use PNG"),
        ("cid:attendance-1", "https://riverside.example/a.webp", "use PNG"),
        ('width="552"', 'width="100%"', "its width both"),
        ("cid:attendance-1", "http://riverside.example/a.png", "a whole https: address"),
        ("cid:attendance-1", "attendance.png", "a whole https: address"),
        ("https://riverside.example/help", "http://riverside.example/help", "goes to http:;"),
        ("https://riverside.example/help", "JavaScript:alert(1)", "goes to JavaScript:;"),
        ("https://riverside.example/help", "help.html", "not a whole address"),
        ("https://riverside.example/help", "#top", "not a whole address"),
        ("https://riverside.example/help", "//riverside.example", "not a whole address"),
        (' role="presentation"', "", "neither role"),
        (' scope="row"', "", "no scope"),
        ("<td><table>", '<td><table role="presentation">', "make it a <td>"),
        ("padding: 0", "display: inline-flex", "use tables"),
        ("padding: 0", "display:grid !important", "use tables"),
        ("padding: 0", "flex-wrap: wrap", "use tables"),
        ("padding: 0", "Position:absolute", "CSS position"),
        ("padding: 0", "color: var(--ink)", "CSS var()"),
        ("padding: 0", "background: #fff url(https://riverside.example/a.png)", "use <img>"),
        ("<td style", '<td background="a.png" style', "use <img>"),
        ("</head>", "<style>@media print { p { display: flex } }</style></head>", "use tables"),
        ("</head>", "<style>@import 'a.css';</style></head>", "@import is blocked"),
        ("</head>", "<style>@font-face { src: local(a) }</style></head>", "@font-face is blocked"),
        ("</head>", '<link rel="stylesheet" href="https://a.example/a.css"></head>', "<link>"),
        ("</body>", "<style>p { color: red }</style></body>", "only in <head>"),
        *(
            ("</body>", f"<{tag}></{tag}></body>", f"<{tag}> is removed")
            for tag in ("svg", "script", "meter", "progress", "form", "video", "iframe")
        ),
        ("</body>", "ä" * 45_000 + "</body>", "Gmail cuts it"),
    ],
)
def test_the_lint_finds_each_defect_and_only_that(good: str, bad: str, said: str) -> None:
    problems = lint(GOOD.replace(good, bad))

    assert len(problems) == 1
    assert said in problems[0]
