from pathlib import Path

from edu_pipeline.ground.templates import environment, render_text


def test_a_template_that_was_changed_is_used_as_it_is_now(tmp_path: Path) -> None:
    for words in ("before", "after"):
        (tmp_path / "letter.txt.j2").write_text(words, encoding="utf-8")
        assert render_text(environment([tmp_path]), "letter.txt.j2", {}) == words
