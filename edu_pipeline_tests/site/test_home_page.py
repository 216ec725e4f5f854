from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.states import State
from edu_pipeline.mail.status import Opened, Standing, Status, ToDo
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.data_page import Landed
from edu_pipeline.site.home_page import Way, ways, write_home_page
from edu_pipeline_tests.browser.letters import ENV
from edu_pipeline_tests.browser.programmes import ORDINARY, programme

NOBODY_COUNTS = Opened("off", 0, None, None, None, None, None, None)
READY = {
    "school": {"time_zone": "UTC"},
    "letters": {"from_email": "reports@lake.example"},
}
LIVE = {
    "transport": "smtp",
    "allowed": ["riverside.example"],
    "smtp": {"host": "mail.riverside.example"},
}


def period(**other: Any) -> Period:
    week: dict[str, Any] = {
        "campaign": "teachers",
        "period": "2026-W48",
        "partition": "2026-11-23",
        "last_day": date(2026, 11, 27),
        "complete": True,
        "held": None,
    }
    return Period(**(week | other))


def way(
    counts: Mapping[State, int],
    *,
    of: Period | None = None,
    mail: Mapping[str, Any] | None = None,
    to_do: ToDo | None = None,
    opened: Opened = NOBODY_COUNTS,
) -> Way:
    standings = [Standing("teachers", "2026-W48", counts, None, opened)] if counts else []
    status = Status([to_do] if to_do else [], {"teachers": standings} if counts else {})
    (found,) = ways(
        [of or period()], status, Settings.model_validate({**READY, "mail": mail or {}}), []
    )
    return found


def stages(found: Way) -> list[str]:
    return [f"{each.look.symbol} {each.name}" for each in found.stages]


def test_a_week_that_is_over_is_done_at_every_stage_and_leaves_nothing_to_do() -> None:
    found = way({State.delivered: 36, State.sent: 1}, mail=LIVE)
    assert found.title == "Letters to teachers"
    assert found.about == "about 23 to 27\u00a0November"
    assert stages(found) == [
        *("✓ Landed", "✓ Checked", "✓ Written", "✓ Approved", "✓ Sent", "– Opened")
    ]
    assert (found.sentence, found.step) == ("37 letters are out.", None)


def test_a_week_without_letters_says_how_they_are_written() -> None:
    found = way({}, of=period(complete=False))
    assert stages(found)[0] == "○ Landed"
    assert found.step == "edu-pipeline run"


def test_letters_to_be_approved_are_the_next_step() -> None:
    drafts = ToDo(
        "teachers", "2026-W48", State.draft, 37, "They wait.", "mail approve --week 2026-W48"
    )
    found = way({State.draft: 37}, mail=LIVE, to_do=drafts)
    assert "○ Approved" in stages(found)
    assert found.step == "edu-pipeline mail approve --week 2026-W48"


def test_a_week_that_the_gate_holds_says_so_before_all_else() -> None:
    drafts = ToDo("teachers", "2026-W48", State.draft, 37, "They wait.")
    found = way({State.draft: 37}, of=period(held="A file is odd."), to_do=drafts)
    assert "‖ Checked" in stages(found)
    assert found.step == "edu-pipeline gate show"


def test_letters_in_the_folder_are_not_called_sent() -> None:
    assert "✓ In the folder" in stages(way({State.sent: 3}))


def test_letters_in_doubt_are_no_good_end() -> None:
    doubt = ToDo("teachers", "2026-W48", State.unknown, 1, "It may have gone out.")
    found = way({State.sent: 3, State.unknown: 1}, mail=LIVE, to_do=doubt)
    assert "‖ Sent" in stages(found)
    assert found.sentence == "1 letter unknown. It may have gone out."


def test_letters_that_came_back_are_counted() -> None:
    back = ToDo("teachers", "2026-W48", State.bounced, 2, "Correct the addresses.")
    found = way({State.delivered: 34, State.bounced: 2}, mail=LIVE, to_do=back)
    assert found.sentence == "2 letters bounced. Correct the addresses."


def test_the_newest_week_of_every_campaign_stands_there_the_teachers_first() -> None:
    settings = Settings(programmes=(ORDINARY,))
    periods = [
        period(period="2026-W47", partition="2026-11-16"),
        period(campaign=f"nudges.{ORDINARY.id}", partition=f"{ORDINARY.id}|2026-11-30"),
        period(),
    ]
    problems = [{"source": "edx"}, {"source": "results"}]
    teachers, learners = ways(periods, Status([], {}), settings, problems)
    assert teachers.about == "about 23 to 27\u00a0November"
    assert learners.title == f"Letters to learners of {ORDINARY.title}"
    assert learners.about == "in the week of 30\u00a0November"
    checked = [each.told for found in (teachers, learners) for each in found.stages[:2]]
    assert "Nothing holds them." in checked
    assert "1 thing to look at; they hold no letter." in checked


@pytest.mark.parametrize(
    ("opened", "told"),
    [
        (Opened("individual", 30, 12, 3, 1, None, None, (0.4, 0.5)), "40 to 50\u00a0%."),
        (Opened("individual", 5, 2, 0, 0, None, None, None), "Too early, or too few, to tell."),
        (NOBODY_COUNTS, "Nobody counts."),
    ],
)
def test_how_many_were_opened_is_told_where_enough_are_known(opened: Opened, told: str) -> None:
    assert way({State.delivered: 30}, opened=opened).stages[-1].told == told


def test_a_home_of_programmes_only_is_told_of_no_weeks_of_a_school(tmp_path: Path) -> None:
    home, nothing = Home(tmp_path), Landed(None, (), (), (), {}, ())
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        pages = [
            write_home_page(home, settings, ledger, nothing, ENV).read_text(encoding="utf-8")
            for settings in (Settings(programmes=(programme(),)), Settings())
        ]
    assert ["no week with figures" in page for page in pages] == [False, True]
    assert f"edu-pipeline --home {tmp_path} programmes summary" in pages[0]
