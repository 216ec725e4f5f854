from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from edu_pipeline.mail.frames import SCHEMA, letters_frame, letters_from
from edu_pipeline.mail.letter import Address, Figure, Image
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.letters import PNG

WEEK = date(2026, 9, 28)


def test_letters_come_back_from_a_frame_as_they_were(make_letter: LetterMaker) -> None:
    letters = [
        make_letter(
            "t_1",
            notes=("No register was taken.",),
            hold="Map QT.",
            names=frozenset({"Ada", "Moss"}),
            images=(Image("attendance", PNG), Image("homework", PNG)),
            figures=(
                Figure("HR-7B/attendance_rate", "7B attendance", 93.5, 100.0, -0.02, unusual=True),
                Figure("HR-7B/homework_rate", "7B homework", 40.0, 50.0),
            ),
        ),
        make_letter("t_2", sender=Address("reports@riverside.example"), images=()),
    ]

    frame = letters_frame(letters, WEEK)

    assert [*letters_from(frame)] == letters
    assert [letter.digest for letter in letters_from(frame)] == [one.digest for one in letters]
    assert frame["week_start"].to_list() == [WEEK, WEEK]


def test_a_moment_keeps_its_place_in_time_whatever_its_zone(make_letter: LetterMaker) -> None:
    noon = datetime(2026, 10, 2, 12, tzinfo=ZoneInfo("America/New_York"))

    (letter,) = letters_from(letters_frame([make_letter(not_after=noon)], WEEK))

    assert letter.not_after == noon
    assert letter.not_after.utcoffset() == timedelta(0)


def test_a_week_without_letters_is_an_empty_frame_of_the_same_columns() -> None:
    assert letters_frame([], WEEK).schema == SCHEMA
    assert [*letters_from(letters_frame([], WEEK))] == []
