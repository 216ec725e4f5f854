import re
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from edu_pipeline.mail.render import environment, lint
from edu_pipeline.settings import Cutoffs, Targets
from edu_pipeline.shipped import shipped
from edu_pipeline.teachers.letter import (
    Edition,
    HomeroomWeek,
    LetterContent,
    LetterWeek,
    Standing,
    Teacher,
    basis,
    compose,
    days_counted,
    homeroom_week,
    notes,
    sentence,
    standing,
    subject,
)
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY, HistoryMaker

TEACHER = Teacher("0042", "Ada", "Moss", "ada.moss@riverside.example")
WEEK = LetterWeek(date(2026, 9, 14), date(2026, 9, 20))
PNG = b"\x89PNG"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("&nbsp;", " ")


def week_of(history: pl.DataFrame) -> HomeroomWeek:
    return homeroom_week(history, Targets())


def letter(*homerooms: HomeroomWeek, charts: tuple[str, ...] = ("attendance",)) -> LetterContent:
    edition = Edition(
        WEEK,
        "Riverside Middle School",
        [("Attendance", "Days attended as a share of days expected.")],
        environment([shipped("templates")]),
    )
    pictures = {(h.class_id, kind): (PNG, f"{kind} chart") for h in homerooms for kind in charts}
    return compose(TEACHER, homerooms, pictures, edition)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (1.0, Standing.met),
        (0.95, Standing.met),
        (19 / 20, Standing.met),
        (0.9495, Standing.met),
        (0.9494, Standing.near),
        (0.92, Standing.near),
        (0.9194, Standing.below),
        (0.0, Standing.below),
    ],
)
def test_a_rate_is_judged_as_it_is_printed(rate: float, expected: Standing) -> None:
    assert standing(rate, Cutoffs(met=0.95, near=0.92)) is expected


def test_a_cut_off_finer_than_the_print_is_met_exactly() -> None:
    assert standing(0.9533, Cutoffs(met=0.9533, near=0.9)) is Standing.met


def test_the_grades_own_cut_offs_win(make_history: HistoryMaker) -> None:
    targets = Targets.model_validate(
        {"attendance": {"met": 0.95, "near": 0.92, "grades": {"7": {"met": 0.9, "near": 0.8}}}}
    )

    seen = homeroom_week(make_history([0.91]), targets).attendance

    assert (seen.standing, seen.target) == (Standing.met, 0.9)


@pytest.mark.parametrize(("standing_", "face"), [("met", "🙂"), ("near", "😐"), ("below", "🙁")])
def test_every_face_has_its_own_words(standing_: str, face: str) -> None:
    assert Standing[standing_].face == face


def test_the_sentence_states_figures_and_changes(make_history: HistoryMaker) -> None:
    seen = week_of(make_history([0.945, 0.933], [0.8, 0.85]))

    assert plain(sentence(seen)) == (
        "Attendance in 7B was 93.3 % this week, down 1.2 points on last week; "
        "85.0 % of homework was handed in, up 5.0 points on last week."
    )


def test_a_change_below_half_a_point_is_not_called_one(make_history: HistoryMaker) -> None:
    seen = week_of(make_history([0.9304, 0.9344], [0.8, 0.805]))

    assert plain(sentence(seen)) == (
        "Attendance in 7B was 93.4 % this week, about the same as last week; "
        "80.5 % of homework was handed in, up 0.5 points on last week."
    )


def test_after_a_break_last_week_is_called_what_it_is(make_history: HistoryMaker) -> None:
    seen = week_of(make_history([0.945, 0.933], weeks=[0, 2]))

    assert "down 1.2 points on the last school week;" in plain(sentence(seen))
    assert seen.last_week_title == "Last school week"


def test_without_a_register_the_last_known_figure_is_given_with_its_week(
    make_history: HistoryMaker,
) -> None:
    seen = week_of(make_history([0.95, 0.94, None]))

    assert plain(sentence(seen)) == (
        "No register was taken in 7B this week (last known: 94.0 %, week of 7 September); "
        "80.0 % of homework was handed in, about the same as last week."
    )


def test_registers_without_anybody_expected_are_not_called_missing(
    make_history: HistoryMaker,
) -> None:
    seen = week_of(make_history([None], days_submitted=5))

    assert sentence(seen).startswith("No student was expected in 7B this week;")


def test_homework_that_never_was_is_told_from_homework_not_known_this_week(
    make_history: HistoryMaker,
) -> None:
    never = week_of(make_history([0.95, 0.95], [None, None]))
    not_now = week_of(make_history([0.95, 0.95], [0.8, None]))

    assert sentence(never).endswith("; no homework has been recorded this school year.")
    assert plain(sentence(not_now)).endswith(
        "; no homework results are known for this week (last known: 80.0 %, week of 31 August)."
    )


def test_the_table_takes_team_and_school_from_last_weeks_and_the_first_full_weeks_rows(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.9, 0.95, 0.93], team=[0.91, 0.92, 0.94], school=[0.81, 0.82, 0.84])
    # the first week had three days, so the year starts with the second
    history = history.with_columns(
        days_in_session=pl.Series([3, 5, 5]), attendance_rate_start=pl.lit(0.95)
    )

    seen = week_of(history)

    assert [(r.label, r.this_week, r.last_week, r.start) for r in seen.attendance.rows] == [
        ("7B", 0.93, 0.95, 0.95),
        ("Grade 7", 0.94, 0.92, 0.92),
        ("School", 0.84, 0.82, 0.82),
    ]
    assert seen.start_week == FIRST_MONDAY + timedelta(weeks=1)


def test_the_start_of_the_year_is_the_full_week_where_a_short_one_had_the_same_rate(
    make_history: HistoryMaker,
) -> None:
    history = make_history([1.0, 1.0, 0.93], school=[0.81, 0.82, 0.84]).with_columns(
        days_in_session=pl.Series([3, 5, 5])
    )

    assert week_of(history).attendance.rows[2].start == 0.82


def test_a_week_in_which_the_class_had_no_students_is_not_shown_as_last_week(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.93]).with_columns(
        attendance_rate_previous=pl.lit(None, pl.Float64),
        attendance_rate_change_previous=pl.lit(None, pl.Float64),
    )

    assert [row.last_week for row in week_of(history).attendance.rows] == [None, None, None]


@pytest.mark.parametrize(
    ("submitted", "in_session", "through", "expected"),
    [
        (5, 5, 20, "5 of 5 days"),
        (4, 5, 17, "Mon–Thu, 4 of 5 days"),
        (4, 5, 18, "4 of 5 days"),
        (1, 1, 18, "1 of 1 day"),
        (1, 5, 14, "Mon, 1 of 5 days"),
    ],
)
def test_the_letter_says_how_much_of_the_week_is_in_it(
    make_history: HistoryMaker, submitted: int, in_session: int, through: int, expected: str
) -> None:
    seen = week_of(make_history([0.95], days_submitted=submitted, days_in_session=in_session))

    assert days_counted(seen, LetterWeek(WEEK.start, date(2026, 9, through))) == expected


def test_the_basis_names_days_students_counts_and_date(make_history: HistoryMaker) -> None:
    seen = week_of(make_history([0.945]))

    assert plain(basis(seen, LetterWeek(WEEK.start, date(2026, 9, 17)))) == (
        "Mon–Thu, 5 of 5 days, 20 students. Attendance: 94.5 of 100 student-days. "
        "Homework: 32 of 40 pieces handed in. Figures up to Thursday 17 September 2026."
    )


def test_the_subject_has_figures_and_nobodys_name(make_history: HistoryMaker) -> None:
    seen = week_of(make_history([0.933], [0.81]))
    other = replace(seen, class_id="c2", name="8A")
    nothing = week_of(make_history([None], [None]))

    assert subject([seen], WEEK) == "7B, week of 14 September: attendance 93.3 %, homework 81.0 %"
    assert subject([seen, other], WEEK) == (
        "7B and 8A, week of 14 September: attendance 93.3 % in 7B and 93.3 % in 8A"
    )
    assert subject([nothing], WEEK) == "7B, week of 14 September: no figures this week"


def test_notes_tell_the_proof_reader_what_is_unusual(make_history: HistoryMaker) -> None:
    low = week_of(make_history([0.849, 0.799], students=1))
    silent = week_of(make_history([None], [None]))
    usual = week_of(make_history([0.9, 0.949]))

    assert [plain(note) for note in notes(low)] == [
        "7B: attendance down 5.0 points on last week",
        "7B: attendance below 80 %",
        "7B: one student only",
    ]
    assert notes(silent) == [
        "7B: no register was taken",
        "7B: no homework has been recorded this school year",
    ]
    assert notes(usual) == []


def test_the_letter_greets_judges_compares_and_defines(make_history: HistoryMaker) -> None:
    made = letter(week_of(make_history([0.945, 0.933], [0.8, 0.85])))
    html, text = plain(made.html), plain(made.text)

    for said in ("Hello Ada,", "93.3 %", "close to target", "on target", "😐", "🙂"):
        assert said in html
        assert said in text
    assert "Days attended as a share of days expected." in html
    assert "Days attended as a share of days expected." in text
    assert re.search(r"7B +93\.3 % +94\.5 % +94\.5 %", text)
    assert re.search(r"School +93\.0 % +93\.0 % +93\.0 %", text)
    assert "Moss" not in html + text + made.subject
    assert TEACHER.email not in html + text
    assert lint(made.html) == []


@pytest.mark.parametrize(
    ("attendance", "homework"),
    [
        ([None], [None]),
        ([0.95, None], [None, None]),
        ([None, 0.95], [None, 0.8]),
        ([0.0], [0.0]),
        ([1.0, 1.0], [1.0, 1.0]),
    ],
)
def test_missing_figures_never_show_as_none_or_nan(
    make_history: HistoryMaker, attendance: list[float | None], homework: list[float | None]
) -> None:
    history = make_history(attendance, homework, grade=None)

    made = letter(week_of(history), charts=())

    for part in (made.subject, made.html, made.text):
        assert not re.search(r"\b(None|nan|null)\b", part)
    assert "<img" not in made.html
    assert lint(made.html) == []


def test_a_homeroom_without_any_figure_has_sentences_instead_of_a_table(
    make_history: HistoryMaker,
) -> None:
    made = letter(week_of(make_history([None], [None])), charts=())

    assert "Start of year" not in made.html + made.text
    assert "No register was taken in 7B this week; no homework has been recorded" in made.text


def test_two_homerooms_have_a_block_and_images_each(make_history: HistoryMaker) -> None:
    first = week_of(make_history([0.95]))
    second = week_of(make_history([0.9], class_name="8A", class_id="ü/8 a"))

    made = letter(first, second, charts=("attendance", "homework"))

    assert [image.name for image in made.images] == [
        "attendance-1",
        "homework-1",
        "attendance-2",
        "homework-2",
    ]
    assert re.findall(r'src="cid:([^"]+)"', made.html) == [image.name for image in made.images]
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", made.html) == ["7B", "8A"]
    assert made.text.index("Attendance in 7B was") < made.text.index("Attendance in 8A was")


def test_markup_in_a_class_name_stays_text(make_history: HistoryMaker) -> None:
    made = letter(week_of(make_history([0.95], class_name='<b>7B</b> & "co"\n')))

    assert "<b>7B" not in made.html
    assert "&lt;b&gt;7B&lt;/b&gt; &amp;" in made.html
    assert made.subject.startswith('<b>7B</b> & "co", week of')
    assert "\n" not in made.subject


def test_a_teacher_without_a_given_name_is_greeted_all_the_same(
    make_history: HistoryMaker,
) -> None:
    edition = Edition(WEEK, "Riverside", [], environment([shipped("templates")]))

    made = compose(replace(TEACHER, given_name=None), [week_of(make_history([0.95]))], {}, edition)

    assert made.text.startswith("Hello,\n")


def test_the_same_week_makes_the_same_letter(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.93])

    assert letter(week_of(history)) == letter(week_of(history))
