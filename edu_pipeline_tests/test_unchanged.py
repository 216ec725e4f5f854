"""Every change that a round rests on is seen; what changes nothing is not."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from edu_pipeline.mail.ledger.reading import Release
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring import unchanged
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import CODES, make_home

Change = Callable[[Home], None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which a round has just ended."""
    home = make_home(tmp_path / "home", {"students.csv": "student_id\n1\n"})
    home.warehouse.write_text("tables")
    (home.root / "templates" / "letters").mkdir(parents=True)
    room = mail_room(home)
    unchanged.end(room, unchanged.begin(room))
    return home


def seen(home: Home) -> bool:
    return unchanged.last_round(mail_room(home)) is None


def test_a_home_that_is_as_its_last_round_left_it_needs_no_other(home: Home) -> None:
    assert not seen(home)


def test_a_file_that_was_only_touched_is_no_change(home: Home) -> None:
    os.utime(home.data / "landing" / "school" / "students.csv", (1, 1))
    assert not seen(home)


def lands(home: Home) -> None:
    (home.data / "landing" / "attainment").mkdir()
    (home.data / "landing" / "attainment" / "results.csv").write_text("name\n")


def one_cell_of_the_same_length(home: Home) -> None:
    (home.data / "landing" / "school" / "students.csv").write_text("student_id\n2\n")


def export_taken_away(home: Home) -> None:
    (home.data / "landing" / "school" / "students.csv").unlink()


def setting(home: Home) -> None:
    home.config.write_text(CODES + 'L = "tardy"\n', encoding="utf-8")


def template(home: Home) -> None:
    (home.templates / "letters" / "words.txt.j2").write_text("Dear")


def released_problem(home: Home) -> None:
    with mail_room(home).open_ledger() as ledger:
        ledger.release(Release("p1", "it is right", "somebody", datetime(2026, 9, 1, tzinfo=UTC)))


def warehouse_written_by_another_run(home: Home) -> None:
    home.warehouse.write_text("tables of another run")


def page_taken_away(home: Home) -> None:
    home.site.mkdir()
    (home.site / "index.html").write_text("<p>")
    room = mail_room(home)
    unchanged.end(room, unchanged.begin(room))
    (home.site / "index.html").unlink()


def round_that_did_not_end(home: Home) -> None:
    unchanged.begin(mail_room(home))


def note_cut_short(home: Home) -> None:
    note = home.data / "last-round.json"
    note.write_text(note.read_text()[:20])


@pytest.mark.parametrize(
    "change",
    [
        lands,
        one_cell_of_the_same_length,
        export_taken_away,
        setting,
        template,
        released_problem,
        warehouse_written_by_another_run,
        page_taken_away,
        round_that_did_not_end,
        note_cut_short,
    ],
    ids=lambda change: change.__name__,
)
def test_whatever_a_round_rests_on_is_seen_to_have_changed(home: Home, change: Change) -> None:
    change(home)
    assert seen(home)


def test_another_day_or_another_version_of_the_code_or_a_library_is_a_change(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "code").mkdir()
    for name, other in {
        "_today": lambda _: date(2026, 9, 2),
        "_CODE": tmp_path / "code",
        "version": lambda _: "0.0",
    }.items():
        with monkeypatch.context() as patch:
            patch.setattr(unchanged, name, other)
            assert seen(home), name
    assert not seen(home)


def test_with_a_carrier_whose_reports_cannot_be_seen_there_is_a_round_each_time(
    home: Home,
) -> None:
    room = mail_room(home)
    mail = room.settings.mail.model_copy(update={"mode": "live", "transport": "sendgrid"})
    live = MailRoom(room.home, room.settings.model_copy(update={"mail": mail}), room.secrets)
    unchanged.end(live, unchanged.begin(live))
    assert unchanged.last_round(live) is None
    assert json.loads((home.data / "last-round.json").read_text())["rest"]
