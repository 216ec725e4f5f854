"""Letters to learners as they are seen: every kind, on a computer and on telephones, light and dark."""

from collections.abc import Mapping

from edu_pipeline.mail.render import lint
from edu_pipeline.programmes.letter import nudge_letter
from edu_pipeline_tests.browser.conftest import Opener, barriers, out_of_place
from edu_pipeline_tests.programmes.test_nudge_letter import (
    EVERY_KIND,
    GO_ON,
    MORE_RUNS,
    PATHWAY,
    PROGRAMME,
    SELF_PACED,
    edition,
    row,
)

WIDTHS = (900, 375, 320)
LONG = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunter"


@EVERY_KIND
def test_everything_has_its_place_and_can_be_read(
    about: Mapping[str, object], open_page: Opener
) -> None:
    leading = PROGRAMME.model_copy(update={"pathway": PATHWAY, "title": f"Leading {LONG}"})
    beside = {"other_run": SELF_PACED} if about is GO_ON else {}
    letter = nudge_letter(row(**about, **beside), edition(programme=leading, runs=MORE_RUNS))
    assert lint(letter.html) == []

    page = open_page(letter.html)
    assert [each for width in WIDTHS for each in out_of_place(page, width)] == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme
    assert barriers(page) == []
