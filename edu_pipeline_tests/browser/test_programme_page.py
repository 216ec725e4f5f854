"""The page of a programme, as it is seen."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest

from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.programmes.effect import Effect, effect_words
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.data_page import Landed
from edu_pipeline.site.home_page import write_home_page
from edu_pipeline.site.programme_page import write_programme_page
from edu_pipeline_tests.browser.conftest import Opener, out_of_place
from edu_pipeline_tests.browser.letters import ENV
from edu_pipeline_tests.browser.programmes import ORDINARY, PROGRAMMES

Written = Callable[[str], Path]
every_programme = pytest.mark.parametrize("name", PROGRAMMES)
MEDIA: Sequence[tuple[Literal["screen", "print"], Literal["light", "dark"]]] = (
    ("screen", "light"),
    ("screen", "dark"),
    ("print", "dark"),
)
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
LEFT_PICTURE = """() => [...document.querySelectorAll('svg')].filter((svg) => svg.checkVisibility())
  .flatMap((svg) => [...svg.querySelectorAll('text')].map((text) => [svg, text]))
  .filter(([svg, text]) => {
    const [out, own] = [svg.getBoundingClientRect(), text.getBoundingClientRect()];
    return own.width && (own.left < out.left - 0.5 || own.right > out.right + 0.5
      || own.top < out.top - 0.5 || own.bottom > out.bottom + 0.5);
  }).map(([, text]) => text.textContent)"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    made: dict[str, Path] = {}

    def write(name: str) -> Path:
        if name not in made:
            home, (programme, tables) = Home(tmp_path_factory.mktemp("home")), PROGRAMMES[name]()
            settings = Settings(programmes=(programme,))
            made[name] = write_programme_page(
                home,
                settings,
                programme,
                tables,
                ENV,
                held="The audience of lead moved.",
                effect=effect_words(Effect((56, 70), (48, 80))),
            )
            with Ledger(f"sqlite:///{home.root / 'ledger.db'}") as ledger:
                nothing = Landed(None, (), (), (), {}, ())
                write_home_page(home, settings, ledger, nothing, ENV)
        return made[name]

    return write


@every_programme
def test_everything_has_its_place_at_every_width(
    name: str, written: Written, open_page: Opener
) -> None:
    page = open_page(written(name))
    page.evaluate(UNFOLD)
    for width in (375, 800, 1200):
        assert out_of_place(page, width) == [], width
        assert page.evaluate(LEFT_PICTURE) == [], width


@every_programme
def test_every_text_stands_out_in_light_and_dark_and_on_paper(
    name: str, written: Written, open_page: Opener
) -> None:
    page = open_page(written(name))
    page.evaluate(UNFOLD)
    for media, scheme in MEDIA:
        page.emulate_media(media=media, color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], (media, scheme)


def test_the_page_says_what_is_missing_first_and_what_every_figure_means(
    written: Written, open_page: Opener
) -> None:
    page = open_page(written("an ordinary programme"), width=1200)
    text = page.inner_text("body")
    assert "133 learners have completed the core, 75 of them with the capstone" in text
    assert "Old rule 172; new 133; 39 were audit passes." in text
    assert "b2/3T2026: profile missing; grade report 41 days old" in text
    assert text.index("b2/3T2026") < text.index("How far learners get")
    assert "They agree for 311 of 324 results" in text
    assert "21 more are eligible in runs whose certificates are not available yet." in text
    assert "Held. The audience of lead moved." in text
    assert "0 learners would get one; 460 accounts get none." in text
    assert "10 accounts for 2 other reasons, each of fewer than 10 accounts." in text
    for reason_of_few in ("3 October", "staff"):
        assert reason_of_few not in page.content()
    assert "How long it takes to begin any other course, not only the next" in text
    assert "3 learners: too few to draw." in text
    assert text.index("412 get no letter") < text.index("38 are told")
    for defined in ("Core complete", "Certificate", "Went on to the next course"):
        assert defined in text
    for shut in page.locator("details").all():
        assert shut.get_attribute("open") is None


def test_small_numbers_of_completions_are_not_shown_and_never_blank(
    written: Written, open_page: Opener
) -> None:
    page = open_page(written("an ordinary programme"), width=1200)
    page.evaluate(UNFOLD)
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator(".grid tbody tr").all()
        if row.locator("td[data-name='all years']").count()
    }
    assert set(rows) == {"AU", "IN", "NZ", "unknown", "all countries"}
    numbers = {int(n) for cells in rows.values() for n in cells if n not in ("not shown", "0")}
    assert min(numbers) >= 10
    assert "" not in {cell for cells in rows.values() for cell in cells}
    assert "fewer than 10 learners" in page.inner_text("body")


def test_the_index_leads_to_the_page_and_back(written: Written, open_page: Opener) -> None:
    index = written("an ordinary programme").parents[2] / "index.html"
    page = open_page(index, width=375)
    assert page.evaluate("looks.sideways()") == []
    page.click(f"text={ORDINARY.title}")
    assert page.inner_text("h1") == ORDINARY.title
    page.click(".trail a")
    assert Path(page.url.removeprefix("file://")) == index
