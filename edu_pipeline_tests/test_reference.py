from pathlib import Path

from edu_pipeline.glossary.pages import pages

DOCS = Path(__file__).parents[1] / "docs"


def test_the_generated_pages_are_up_to_date() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_every_setting_says_what_it_does() -> None:
    rows = [line for line in pages()["configuration.md"].splitlines() if line.startswith("| `")]
    unexplained = [row for row in rows if row.count(" | ") >= 3 and row.rstrip().endswith("|  |")]
    assert rows
    assert not unexplained
