from pathlib import Path

import pytest

from edu_pipeline.mail.render import (
    TemplateError,
    environment,
    lint,
    render_html,
    render_text,
)
from edu_pipeline.shipped import shipped

GOOD = (
    '<html lang="en"><head><title>Your week</title></head><body>'
    '<img src="cid:attendance-1" width="552" style="width: 552px; height: auto" alt="A chart">'
    "</body></html>"
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
        ("{{ students }}", "a.txt.j2 uses something that letters do not have: 'students'"),
        ("Hi\n{% if %}", "a.txt.j2, line 2"),
        ("{% include 'gone.j2' %}", "no template gone.j2"),
    ],
)
def test_a_broken_template_is_named_with_its_fault(
    tmp_path: Path, template: str, said: str
) -> None:
    env = environment([write(tmp_path, "a.txt.j2", template)])

    with pytest.raises(TemplateError, match=said):
        render_text(env, "a.txt.j2", {})


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
        ("</body>", "<svg></svg></body>", "<svg> is removed"),
        ("</body>", "<script>1</script></body>", "<script> is removed"),
        ("</body>", "ä" * 45_000 + "</body>", "Gmail cuts it"),
    ],
)
def test_the_lint_finds_each_defect_and_only_that(good: str, bad: str, said: str) -> None:
    problems = lint(GOOD.replace(good, bad))

    assert len(problems) == 1
    assert said in problems[0]
