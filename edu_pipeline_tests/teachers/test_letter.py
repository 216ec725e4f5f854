import html as markup
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import TemplateError, environment
from edu_pipeline.mail.letter import Figure
from edu_pipeline.mail.render import lint
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.letters import Cutoffs, Faces, Letters, Notice, Targets
from edu_pipeline.teachers.charts import Drawing, chart_specs
from edu_pipeline.teachers.letter import (
    ClassView,
    Edition,
    LetterContent,
    SchoolWeek,
    Source,
    Standing,
    Teacher,
    class_view,
    compose,
    standing,
    subject_of,
)
from edu_pipeline.teachers.students import ClassNotes, Kind, Reason, StudentNote
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY, HistoryMaker

TEACHER = Teacher("0042", "Ada", "Moss", "ada.moss@riverside.example")
PNG = b"\x89PNG"
SHIPPED = environment([shipped("templates")])
SETTINGS = Settings()

WITHIN = {
    f"{rate}_{column}": value
    for rate in ("attendance_rate", "homework_rate")
    for column, value in {"verdict": "within", "usual_low": 0.7, "usual_high": 0.99}.items()
}
BELOW = WITHIN | {
    "attendance_rate_verdict": "below",
    "attendance_rate_usual_low": 0.887,
    "attendance_rate_usual_high": 0.972,
}
NEWS = (
    StudentNote("1", "Zoë O'Brien", (Reason(Kind.back, 3, 5),)),
    StudentNote("2", "Mia Fox", (Reason(Kind.caught_up, 5, 8),)),
)
TO_NOTICE = (
    StudentNote("3", "Tom Lee", (Reason(Kind.absent, 3, 5, 1), Reason(Kind.homework, 5, 8))),
    StudentNote("4", "Ivo Král", (Reason(Kind.close, 8, 100, more=3),)),
    StudentNote("5", "Ben Okafor", (Reason(Kind.missed, 15.5, 130, 4),)),
)
EXCUSED = (StudentNote("6", "Lia Roth", (Reason(Kind.excused, 3, 5, 2),)),)
NOBODY = ClassNotes()
NOTES = ClassNotes(NEWS, TO_NOTICE, EXCUSED)
STUDENTS = [note.name for note in (*NEWS, *TO_NOTICE, *EXCUSED)]


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("&nbsp;", " ")


def ordinary(start: date, previous: date | None = None) -> SchoolWeek:
    """A full week of which all is in, after one that was the same."""
    days = [start + timedelta(days=n) for n in range(5)]
    return SchoolWeek(
        start=start,
        previous=previous or start - timedelta(weeks=1),
        first_full=FIRST_MONDAY,
        days=days,
        full_days=5,
        through=days[-1],
    )


def view_of(
    history: pl.DataFrame,
    notes: ClassNotes = NOBODY,
    *,
    week: SchoolWeek | None = None,
    said: Mapping[str, tuple[date, float, float]] | None = None,
    targets: Targets = SETTINGS.targets,
    letters: Letters = SETTINGS.letters,
) -> ClassView:
    starts = history["week_start"]
    week = week or ordinary(starts[-1], starts[-2] if starts.len() > 1 else None)
    return class_view(history, week, targets, letters, notes, said or {})


def edition_of(
    week: date,
    letters: Letters = SETTINGS.letters,
    notice: Notice = SETTINGS.notice,
    templates: Path | None = None,
) -> Edition:
    return Edition(
        school="Riverside Middle School",
        week=week,
        schools={},
        letters=letters,
        notice=notice,
        targets=SETTINGS.targets,
        definitions=definitions(SETTINGS),
        sources=[Source("attendance", date(2026, 9, 18)), Source("homework", date(2026, 9, 17))],
        env=environment([templates, shipped("templates")]) if templates else SHIPPED,
    )


def letter(
    *views: ClassView,
    letters: Letters = SETTINGS.letters,
    notice: Notice = SETTINGS.notice,
    templates: Path | None = None,
) -> LetterContent:
    pictures = {
        (subject, kind): Drawing(PNG, f"{kind} chart", "")
        for subject in [f"staff:{TEACHER.staff_id}", *(f"class:{v.class_id}" for v in views)]
        for kind in ("attendance", "homework")
        if subject.startswith("class:") or kind == "homework"
        if "charts" in letters.blocks
    }
    edition = edition_of(views[0].week.start, letters, notice, templates)
    return compose(TEACHER, views, pictures, edition)


def say(macro: str, *about: object) -> str:
    return plain(edition_of(FIRST_MONDAY).words(macro, *about))


def seen(content: LetterContent) -> str:
    """All that a recipient can read in the HTML, on one line, with what alt texts and links say."""
    body = content.html[content.html.index("<body") :]
    alts = re.findall(r'alt="([^"]*)"', body)
    words = re.sub(r"<[^>]+>", " ", re.sub(r"</?(span|a|b)\b[^>]*>", "", body))
    return re.sub(r"\s+", " ", plain(markup.unescape(" ".join([words, *alts]))))


def both(content: LetterContent) -> tuple[str, str]:
    return seen(content), re.sub(r"\s+", " ", plain(content.text))


# ---- rates and targets -------------------------------------------------------------------------


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

    rate = view_of(make_history([0.91]), targets=targets).attendance

    assert (rate.standing, rate.target) == (Standing.met, 0.9)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.96, "+ on target"), (0.93, "= close to target"), (0.5, "- below target")],
)
def test_the_face_is_the_settings_and_never_without_its_words(
    make_history: HistoryMaker, share: float, words: str
) -> None:
    letters = Letters(faces=Faces(met="+", near="=", below="-"))

    for text in both(letter(view_of(make_history([share], [None]), letters=letters))):
        assert words in text


# ---- the sentence about a class ----------------------------------------------------------------


def test_both_rates_within_their_ranges_are_one_sentence(make_history: HistoryMaker) -> None:
    view = view_of(make_history([0.945, 0.933], [0.8, 0.85], **WITHIN))

    assert say("sentence", view) == (
        "Attendance in 7B was 93.3 % and 85.0 % of homework was handed in, "
        "both within their usual range."
    )


def test_a_rate_outside_its_range_is_told_with_the_range_and_last_week(
    make_history: HistoryMaker,
) -> None:
    above = BELOW | {"attendance_rate_verdict": "above"}

    low = view_of(make_history([0.929, 0.83], **BELOW))
    high = view_of(make_history([0.929, 0.98], **above))

    assert say("sentence", low) == (
        "Attendance in 7B was 83.0 %, below its usual range of 88.7 to 97.2 % (last week 92.9 %). "
        "80.0 % of homework was handed in, within its usual range."
    )
    assert say("sentence", high).startswith(
        "Attendance in 7B was 98.0 %, above its usual range of 88.7 to 97.2 % (last week 92.9 %)."
    )


def test_with_too_few_weeks_there_are_figures_and_no_verdict(make_history: HistoryMaker) -> None:
    view = view_of(make_history([0.95, 0.83], [0.8, 0.6]))

    assert say("sentence", view) == (
        "Attendance in 7B was 83.0 % (last week 95.0 %). "
        "60.0 % of homework was handed in (last week 80.0 %)."
    )
    for text in both(letter(view)):
        assert "too few weeks for a usual range" in text
        assert "its usual range" not in text


def test_after_a_break_last_week_is_called_what_it_is(make_history: HistoryMaker) -> None:
    view = view_of(make_history([0.945, 0.833], weeks=[0, 2], **BELOW))

    assert "(the last school week 94.5 %)" in say("sentence", view)
    assert "Last school week 31 Aug" in seen(letter(view))


def test_after_a_week_that_was_odd_itself_the_year_so_far_says_more(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.95, 0.80, 0.82], **BELOW).with_columns(
        attendance_rate_verdict=pl.Series([*["within"] * 2, "below", "below"])
    )

    assert say("sentence", view_of(history)).startswith(
        "Attendance in 7B was 82.0 %, below its usual range of 88.7 to 97.2 % (year so far 88.0 %). "
    )


Phase = dict[str, Any]


def of_phase(kind: str, start: int, first: float, last: float, before: float | None) -> Phase:
    return {
        "": kind,
        "_start": FIRST_MONDAY + timedelta(weeks=start),
        "_first": first,
        "_last": last,
        "_before": before,
    }


def with_phase(history: pl.DataFrame, phase: Phase, rate: str = "homework_rate") -> pl.DataFrame:
    """A history in which the last week is in a phase."""
    return history.with_columns(
        pl.lit(value, history.schema[f"{rate}_phase{part}"]).alias(f"{rate}_phase{part}")
        for part, value in phase.items()
    )


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        (
            of_phase("climbing", 0, 0.661, 0.824, None),
            "82.0 % of homework was handed in, within its usual range; climbing since the start of "
            "the year, from about 66 %.",
        ),
        (
            of_phase("falling", 5, 0.90, 0.80, 0.91),
            "82.0 % of homework was handed in, within its usual range; falling since October, from "
            "about 90 %.",
        ),
        (
            of_phase("level", 9, 0.81, 0.81, 0.662),
            "82.0 % of homework was handed in, within its usual range; up to 81 % on average since "
            "November, from 66 %.",
        ),
        (
            of_phase("level", 9, 0.83, 0.83, 0.91),
            "82.0 % of homework was handed in, within its usual range; down to 83 % on average "
            "since November, from 91 %.",
        ),
    ],
    ids=["climb", "fall", "up", "down"],
)
def test_a_climb_a_fall_and_a_new_level_are_said_with_their_start(
    make_history: HistoryMaker, phase: Phase, said: str
) -> None:
    view = view_of(with_phase(make_history([0.95] * 18, [0.82] * 18, **WITHIN), phase))

    assert say("sentence", view) == (f"Attendance in 7B was 95.0 %, within its usual range. {said}")
    assert not view.quiet
    for text in both(letter(view)):
        assert said in text
        assert "Climbing, falling, a new level" in text


@pytest.mark.parametrize(
    "phase",
    [
        of_phase("level", 0, 0.8, 0.8, None),
        of_phase("climbing", 0, 0.816, 0.823, None),  # 82 % both
        of_phase("level", 1, 0.81, 0.81, 0.66),  # for 17 weeks
        of_phase("level", 9, 0.73, 0.73, 0.83),  # and the later weeks are at 82 %
    ],
    ids=["the year's first level", "less than a point", "known for long", "over already"],
)
def test_what_is_no_news_is_not_said(make_history: HistoryMaker, phase: Phase) -> None:
    view = view_of(with_phase(make_history([0.95] * 18, [0.82] * 18, **WITHIN), phase))

    assert say("sentence", view).endswith("both within their usual range.")
    assert view.quiet


def test_of_a_class_taught_a_climb_is_said_too(make_history: HistoryMaker) -> None:
    climb = of_phase("climbing", 0, 0.66, 0.82, None)
    history = make_history(
        [0.95] * 18, [0.82] * 18, class_type="scheduled", class_name="Maths 7", **WITHIN
    )

    assert say("taught_sentence", view_of(with_phase(history, climb))) == (
        "In Maths 7, 82.0 % of homework was handed in, within its usual range; climbing since the "
        "start of the year, from about 66 %."
    )


MOVED = re.compile(
    r"\b(up|down|by) \d|▲|▼|(above|below) its|\b(rose|rise|fell|fall|drop|improv|declin|better|worse)"
    r"|points|change|trend",
    re.IGNORECASE,
)


def everything_said(history: pl.DataFrame) -> str:
    """Letter, its notes and its charts."""
    edition = edition_of(history["week_start"][-1])
    specs = chart_specs(history, SETTINGS.targets, edition.words)
    pictures = {
        ("class:c1", kind): Drawing(PNG, chart.alt, chart.shows) for kind, chart in specs.items()
    }
    # somebody to notice, so that the letter has everything that a letter can have
    made = compose(TEACHER, [view_of(history, NOTES)], pictures, edition)
    titles = [" ".join(lines) for chart in specs.values() for lines in chart.spec["title"].values()]
    shown = seen(made).split("Figures up to")[0]  # below that the glossary explains the words
    alts = [chart.alt for chart in specs.values()]
    text = made.text.split("Figures up to")[0]
    return " ".join([made.subject, shown, text, *made.notes, *titles, *alts])


def test_five_points_within_the_usual_range_are_nowhere_called_a_change(
    make_history: HistoryMaker,
) -> None:
    words = everything_said(make_history([0.95, 0.90], [0.80, 0.85], **WITHIN))

    assert MOVED.findall(words) == []
    assert plain(words).count("within its usual range") >= 4  # title and alt of each chart


def test_what_is_outside_is_called_so_in_letter_title_and_alternative_text(
    make_history: HistoryMaker,
) -> None:
    words = everything_said(make_history([0.95, 0.83], **BELOW))

    # sentence as HTML and text, note for the proofs, title and alt of the chart
    assert plain(words).count("below its usual range") == 5


def test_without_a_register_the_last_known_figure_is_given_with_its_week(
    make_history: HistoryMaker,
) -> None:
    view = view_of(make_history([0.95, 0.94, None]))

    assert say("sentence", view) == (
        "No register was taken in 7B this week (last known: 94.0 %, week of 7 September). "
        "80.0 % of homework was handed in (last week 80.0 %)."
    )


def test_registers_without_anybody_expected_are_not_called_missing(
    make_history: HistoryMaker,
) -> None:
    view = view_of(make_history([None], days_submitted=5))

    assert say("sentence", view).startswith("No student was expected in 7B this week.")
    assert "Registers" not in say("sentence", view)


def test_registers_that_are_partly_missing_are_counted(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.94], days_submitted=3, **WITHIN)
    thursday = replace(ordinary(FIRST_MONDAY + timedelta(weeks=1)), through=date(2026, 9, 10))

    assert say("sentence", view_of(history)).endswith(" Registers are in for 3 of 5 days.")
    assert say("sentence", view_of(history, week=thursday)).endswith(" in for 3 of 4 days.")


def test_days_after_the_last_that_counts_are_not_missing_registers(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.94], days_submitted=4, **WITHIN)
    thursday = replace(ordinary(FIRST_MONDAY + timedelta(weeks=1)), through=date(2026, 9, 10))

    assert "Registers" not in say("sentence", view_of(history, week=thursday))


def test_homework_that_never_was_is_told_from_homework_not_known_this_week(
    make_history: HistoryMaker,
) -> None:
    never = view_of(make_history([0.95, 0.95], [None, None]))
    not_now = view_of(make_history([0.95, 0.95], [0.8, None]))

    assert say("sentence", never).endswith(". No homework has been recorded this school year.")
    assert say("sentence", not_now).endswith(
        ". No homework results are known for this week (last known: 80.0 %, week of 31 August)."
    )


# ---- the grade team ----------------------------------------------------------------------------


def differences(history: pl.DataFrame) -> list[str]:
    view = view_of(history)
    found = [say("difference", view, rate) for rate in view.rates]
    for text in both(letter(view)):
        assert all(sentence in text for sentence in found)
    return [sentence for sentence in found if sentence]


def test_a_difference_from_the_team_is_told_only_where_a_verdict_says_so(
    make_history: HistoryMaker,
) -> None:
    # 94.5 less 83.0 is 11.5 points
    figures = {"attendance": [0.93, 0.83], "team": [0.945, 0.945]}
    outside = make_history(**figures, attendance_rate_team_verdict="below")

    assert differences(make_history(**figures)) == []
    assert differences(outside) == [
        "This week attendance in 7B was 11.5 points below Grade 7, more than chance explains."
    ]


def test_the_year_to_date_is_told_before_the_week(make_history: HistoryMaker) -> None:
    history = make_history(
        [0.93, 0.83],
        homework_rate_team_verdict="above",
        homework_rate_team_verdict_to_date="above",
        homework_rate_to_date=0.88,
        homework_rate_team_to_date=0.84,
    )

    assert differences(history) == [
        "Since the start of the year, homework in 7B is 4.0 points above Grade 7, more than chance "
        "explains."
    ]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (
            ("within", "within"),
            "The differences from Grade 7 in attendance and homework could be chance.",
        ),
        (("below", "within"), "The difference from Grade 7 in homework could be chance."),
        ((None, "within"), "The difference from Grade 7 in homework could be chance."),
        (("below", "above"), None),
        ((None, None), None),
    ],
)
def test_a_difference_that_chance_explains_is_called_that_under_the_table(
    make_history: HistoryMaker, verdicts: tuple[str | None, str | None], said: str | None
) -> None:
    attendance, homework = verdicts
    history = make_history(
        [0.95, 0.83],
        **BELOW,
        attendance_rate_team_verdict=attendance,
        homework_rate_team_verdict=homework,
    )

    for text in both(letter(view_of(history))):
        assert (said in text) if said else ("could be chance" not in text)


def test_nobody_is_ranked(make_history: HistoryMaker) -> None:
    view = view_of(make_history([0.95, 0.83], **BELOW), NOTES)

    for text in both(letter(view)):
        assert not re.search(r"\b(rank|best|worst|\d+(st|nd|rd|th))\b", text, re.IGNORECASE)


# ---- what kind of week it was ------------------------------------------------------------------

TUESDAY, WEDNESDAY, THURSDAY = (FIRST_MONDAY + timedelta(weeks=1, days=n) for n in (1, 2, 3))
WEEK = ordinary(FIRST_MONDAY + timedelta(weeks=1))
SHORT = "It was a short week, with 3 days of school, so one absence counts for more than usual."
EARLY = "The figures end with Thursday; Friday is not in them."
FIRST = "This is the first week of the school year, so there is nothing to compare with yet."
BREAK = "This is the first week after a break; the school week before began on 24 August."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"through": THURSDAY}, EARLY),
        (
            {"through": WEDNESDAY},
            "The figures end with Wednesday; what came later is not in them.",
        ),
        ({"days": WEEK.days[:3], "through": WEDNESDAY}, SHORT),
        (
            {"days": WEEK.days[:1], "through": WEEK.start},
            SHORT.replace("3 days", "1 day"),
        ),
        ({"previous": date(2026, 8, 24)}, BREAK),
        ({"previous": None}, FIRST),
        ({"previous": None, "days": WEEK.days[2:]}, f"{FIRST} {SHORT}"),
        (
            {"previous": date(2026, 8, 24), "days": WEEK.days[2:], "through": THURSDAY},
            f"{BREAK} {SHORT} {EARLY}",
        ),
    ],
)
def test_only_what_is_particular_about_a_week_is_said(
    make_history: HistoryMaker, changes: Mapping[str, Any], said: str
) -> None:
    week = replace(WEEK, **changes)
    made = letter(view_of(make_history([0.95, 0.94]), week=week))

    assert say("occasion", week) == said
    for text in both(made):
        assert f"Hello Ada, {said}".strip() in text


@pytest.mark.parametrize(
    ("days", "through", "expected"),
    [
        (5, 4, "5 of 5 days, 20 students."),
        (4, 3, "4 of 5 days, 20 students."),
        (1, 0, "1 of 5 days, 20 students."),
    ],
)
def test_the_basis_counts_the_days_that_are_in_of_those_of_the_week(
    make_history: HistoryMaker, days: int, through: int, expected: str
) -> None:
    week = replace(WEEK, through=WEEK.days[through])
    view = view_of(make_history([0.95, 0.94], days_submitted=days), week=week)

    assert say("basis", view).startswith(expected)


def test_the_letter_ends_with_counts_date_exports_and_reason(make_history: HistoryMaker) -> None:
    made = letter(view_of(make_history([0.95, 0.945])))

    for text in both(made):
        assert (
            "5 of 5 days, 20 students. Attendance: 94.5 of 100 student-days. "
            "Homework: 32 of 40 pieces handed in."
        ) in text
        assert (
            "Figures up to Friday 11 September 2026, from the exports of "
            "18 September (attendance), 17 September (homework)."
        ) in text
        assert "You get this letter because you teach 7B." in text


# ---- corrections -------------------------------------------------------------------------------

LAST_MONDAY = FIRST_MONDAY + timedelta(weeks=1)


def corrections(
    history: pl.DataFrame, subject: str, about: date, numerator: float, denominator: float
) -> list[str]:
    view = view_of(history, said={subject: (about, numerator, denominator)})
    found = [say("correction", correction) for correction in view.corrections]
    for text in both(letter(view)):
        assert all(sentence in text for sentence in found)
        assert (" is now " in text) == bool(found)
    return found


@pytest.mark.parametrize(
    ("denominator", "why"),
    [
        (86, "14 student-days are in now that were not then."),
        (99, "1 student-day is in now that was not then."),
        (99.5, "0.5 student-days are in now that were not then."),
        (100, "entries were corrected."),
        (101, "1 student-day no longer counts."),
        (110, "10 student-days no longer count."),
    ],
)
def test_what_last_weeks_letter_said_is_corrected_in_a_line(
    make_history: HistoryMaker, denominator: float, why: str
) -> None:
    history = make_history([0.95, 0.914, 0.93])
    said = (LAST_MONDAY, 0.921 * denominator, denominator)

    assert corrections(history, subject_of("c1", "attendance_rate"), *said) == [
        f"Last week’s 92.1 % attendance in 7B is now 91.4 %: {why}"
    ]


def test_homework_is_corrected_in_pieces(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.95, 0.95], [0.8, 0.75, 0.8])

    assert corrections(history, subject_of("c1", "homework_rate"), LAST_MONDAY, 28, 35) == [
        "Last week’s 80.0 % homework in 7B is now 75.0 %: 5 pieces of homework are in now that were not then."
    ]


def test_what_would_be_printed_the_same_is_not_corrected(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.914, 0.93])

    assert corrections(history, subject_of("c1", "attendance_rate"), LAST_MONDAY, 914.4, 1000) == []


def test_an_older_letter_is_named_by_its_week(make_history: HistoryMaker) -> None:
    history = make_history([0.914, 0.95, 0.93])

    assert corrections(history, subject_of("c1", "attendance_rate"), FIRST_MONDAY, 92.1, 100) == [
        "The 31 August letter’s 92.1 % attendance in 7B is now 91.4 %: entries were corrected."
    ]


@pytest.mark.parametrize(
    ("subject", "week"),
    [
        (subject_of("c1", "attendance_rate"), 2),  # the same letter, made again
        (subject_of("c1", "attendance_rate"), 3),  # a later one
        (subject_of("c1", "attendance_rate"), -4),  # a week that is not in this school year
        (subject_of("c2", "attendance_rate"), 1),
    ],
)
def test_only_earlier_figures_of_the_same_class_are_corrected(
    make_history: HistoryMaker, subject: str, week: int
) -> None:
    history = make_history([0.95, 0.914, 0.93])

    assert corrections(history, subject, FIRST_MONDAY + timedelta(weeks=week), 50, 100) == []


def test_a_figure_that_is_gone_is_not_corrected(make_history: HistoryMaker) -> None:
    history = make_history([0.95, None, 0.93])

    assert corrections(history, subject_of("c1", "attendance_rate"), LAST_MONDAY, 50, 100) == []


# ---- students ----------------------------------------------------------------------------------


def test_good_news_then_students_to_notice_then_apart_those_excused(
    make_history: HistoryMaker,
) -> None:
    made = letter(view_of(make_history([0.95, 0.94], **WITHIN), NOTES))

    assert (
        "Good news\n"
        "- Zoë O'Brien: here every day, after 3 days absent last week\n"
        "- Mia Fox: all 8 pieces of homework handed in, after 5 missing last week\n"
        "\n"
        "To notice\n"
        "- Tom Lee: absent 3 of 5 days (1 excused); 5 of 8 homework missing\n"
        "- Ivo Král: 3 more absences before 10 % of days are missed\n"
        "- Ben Okafor: has missed 15.5 of 130 days this year, 11.9 % (4 excused)\n"
        "\n"
        "Absent with an excuse\n"
        "- Lia Roth: 3 of 5 days\n"
    ) in plain(made.text)
    assert (
        "Good news Zoë O'Brien – here every day, after 3 days absent last week "
        "Mia Fox – all 8 pieces of homework handed in, after 5 missing last week "
        "To notice Tom Lee – absent 3 of 5 days (1 excused); 5 of 8 homework missing "
        "Ivo Král – 3 more absences before 10 % of days are missed "
        "Ben Okafor – has missed 15.5 of 130 days this year, 11.9 % (4 excused) "
        "Absent with an excuse Lia Roth – 3 of 5 days Not your student? Tell us"
    ) in seen(made)
    assert made.names == set(STUDENTS)


def test_where_no_student_is_named_they_are_counted(make_history: HistoryMaker) -> None:
    letters = Letters(students="none")
    made = letter(view_of(make_history([0.95, 0.94], **WITHIN), NOTES), letters=letters)

    assert (
        "Good news\n"
        "- 1 student here every day after 2 days or more absent last week\n"
        "- 1 student with all homework handed in after 50 % or more of it was missing last week\n"
        "\n"
        "To notice\n"
        "- 1 student absent 2 days or more\n"
        "- 1 student who has missed 10 % or more of days this year\n"
        "- 1 student with at most 3 more absences before 10 % of days are missed\n"
        "- 1 student with 50 % or more of the homework missing\n"
        "\n"
        "Absent with an excuse\n"
        "- 1 student, 2 days or more\n"
    ) in plain(made.text)
    everything = markup.unescape(" ".join([made.subject, made.html, made.text, *made.notes]))
    assert not any(part in everything for name in STUDENTS for part in name.split())
    assert "Not your student" not in everything
    assert made.names == frozenset()
    assert "To notice 1 student absent 2 days or more" in seen(made)


def test_several_students_are_counted_in_the_plural(make_history: HistoryMaker) -> None:
    notes = ClassNotes(notice=(*TO_NOTICE, replace(TO_NOTICE[2], student_id="7")))
    made = letter(view_of(make_history([0.95]), notes), letters=Letters(students="none"))

    assert "2 students who have missed 10 % or more of days this year" in plain(made.text)


@pytest.mark.parametrize("style", ["full", "none"])
def test_a_class_taught_lists_its_students_under_its_name(
    make_history: HistoryMaker, style: str
) -> None:
    history = make_history([0.95, 0.94], class_type="scheduled", class_name="Maths 7")
    notes = ClassNotes(NEWS[1:], TO_NOTICE[:1])
    made = letter(view_of(history, notes), letters=Letters.model_validate({"students": style}))

    assert "Maths 7 – good news\n- " in made.text
    assert "Maths 7 – to notice\n- " in made.text
    assert ("Tom Lee" in made.text) == ("Tom Lee" in made.html) == (style == "full")
    assert made.names == ({"Mia Fox", "Tom Lee"} if style == "full" else set())


@pytest.mark.parametrize(("students", "named", "more"), [(3, 3, None), (4, 2, "and 2 more")])
def test_a_list_is_cut_at_what_the_settings_say_but_not_for_one_line(
    make_history: HistoryMaker, students: int, named: int, more: str | None
) -> None:
    notes = ClassNotes(
        notice=tuple(
            StudentNote(str(n), f"Kim{n}", (Reason(Kind.absent, 3, 5),)) for n in range(students)
        )
    )
    made = letter(view_of(make_history([0.95]), notes), notice=Notice(most=2))

    for text in both(made):
        assert len(re.findall(r"Kim\d", text)) == named
        assert (more in text) if more else not re.search(r"and \d+ more", text)


def test_names_keep_their_direction_and_markup_stays_text(make_history: HistoryMaker) -> None:
    reasons = (Reason(Kind.absent, 3, 5),)
    notes = ClassNotes(
        notice=(
            StudentNote("1", "ليلى الحداد", reasons),
            StudentNote("2", '<b>Bo</b> & "Jo"', reasons),
        )
    )
    made = letter(view_of(make_history([0.95], class_name='<i>7B</i> & "co"\n'), notes))

    assert re.search(r'<span[^>]* dir="auto"[^>]*>ليلى الحداد</span>', made.html)
    assert "<b>Bo" not in made.html
    assert "<i>7B" not in made.html
    assert '<b>Bo</b> & "Jo" – absent' in seen(made)
    assert '- <b>Bo</b> & "Jo": absent' in made.text
    assert made.subject.startswith('<i>7B</i> & "co", week of')
    assert lint(made.html) == []


def test_not_my_student_starts_an_answer_that_names_no_student(make_history: HistoryMaker) -> None:
    letters = Letters(reply_to="office@riverside.example")
    made = letter(view_of(make_history([0.95, 0.94]), NOTES), letters=letters)
    (link,) = re.findall(r'href="([^"]+)"', made.html)
    parts = urlsplit(markup.unescape(link))
    query = parse_qs(parts.query)

    assert (parts.scheme, parts.path) == ("mailto", "office@riverside.example")
    assert query == {
        "subject": ["Not my student (7B, 2026-W37)"],
        "body": ["This student is in my letter of 2026-W37 about 7B, but not in my class:"],
    }


def test_without_reply_to_answers_go_to_the_sender(make_history: HistoryMaker) -> None:
    made = letter(
        view_of(make_history([0.95]), NOTES), letters=Letters(from_email="data@riverside.example")
    )

    assert 'href="mailto:data@riverside.example?' in made.html


# ---- short and long ----------------------------------------------------------------------------


def explained(content: LetterContent) -> list[str]:
    titles = [title for title, _ in definitions(SETTINGS).values()]
    found = [
        title
        for title in titles
        if re.search(rf"^{re.escape(title)}: ", content.text, re.MULTILINE)
    ]
    assert [title for title in titles if f"<b>{title}:</b> " in content.html] == found
    return found


def test_a_letter_with_nothing_to_say_is_short(make_history: HistoryMaker) -> None:
    made = letter(view_of(make_history([0.95, 0.94], **WITHIN)))

    assert "<img" not in made.html
    assert made.images == ()
    assert "Start of year" not in made.html + made.text
    assert explained(made) == ["Attendance", "Homework", "Usual range"]
    assert len(made.html.encode()) < 10_000
    assert len(made.text.splitlines()) < 25
    assert "both within their usual range" in made.text


def test_a_correction_does_not_make_a_quiet_letter_long(make_history: HistoryMaker) -> None:
    said = {subject_of("c1", "attendance_rate"): (FIRST_MONDAY, 90.0, 100.0)}
    made = letter(view_of(make_history([0.95, 0.94], **WITHIN), said=said))

    assert "is now" in made.text
    assert "<img" not in made.html
    assert "Start of year" not in made.html + made.text


@pytest.mark.parametrize(
    ("columns", "notes"),
    [
        (BELOW, NOBODY),
        (WITHIN, ClassNotes(news=NEWS)),
        (WITHIN, ClassNotes(excused=EXCUSED)),
        (WITHIN | {"attendance_rate_team_verdict_to_date": "below"}, NOBODY),
        (WITHIN | {"days_submitted": 4}, NOBODY),
    ],
)
def test_a_letter_with_something_to_say_has_charts_and_comparisons(
    make_history: HistoryMaker, columns: Mapping[str, Any], notes: ClassNotes
) -> None:
    made = letter(view_of(make_history([0.95, 0.94], **columns), notes))

    assert [image.name for image in made.images] == ["attendance-1", "homework-2"]
    assert re.findall(r'src="cid:([^"]+)"', made.html) == ["attendance-1", "homework-2"]
    assert "Start of year" in made.text
    assert explained(made) == [
        "Attendance",
        "Homework",
        "Last week",
        "Start of year",
        "Grade team",
        "School",
        *[title for title in explained(made) if title.startswith("Year")],
        "Usual range",
        "Different from the grade team",
    ]
    assert lint(made.html) == []


def test_the_share_of_days_missed_is_explained_where_it_is_used(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.94])
    near = ClassNotes(notice=TO_NOTICE[1:2])

    assert "Too many days missed" in explained(letter(view_of(history, near)))
    assert "Too many days missed" not in explained(letter(view_of(history, ClassNotes(NEWS))))


# ---- tables ------------------------------------------------------------------------------------


def test_the_table_takes_team_and_school_from_last_weeks_and_the_first_full_weeks_rows(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.9, 0.95, 0.93], team=[0.91, 0.92, 0.94], school=[0.81, 0.82, 0.84])
    # the first week was short, so the year starts with the second
    week = replace(
        ordinary(FIRST_MONDAY + timedelta(weeks=2)), first_full=FIRST_MONDAY + timedelta(weeks=1)
    )
    history = history.with_columns(attendance_rate_to_date=pl.lit(0.925))

    view = view_of(history, NOTES, week=week)

    assert [
        (r.label, r.this_week, r.last_week, r.start, r.to_date) for r in view.attendance.rows
    ] == [
        ("7B", 0.93, 0.95, 0.95, 0.925),
        ("Grade 7", 0.94, 0.92, 0.92, 0.94),
        ("School", 0.84, 0.82, 0.82, 0.93),
    ]
    made = letter(view)
    assert re.search(r"7B +93\.0 % +95\.0 % +95\.0 % +92\.5 %\n", plain(made.text))
    assert "7B 93.0 % 95.0 % 95.0 % 92.5 % Grade 7 94.0 % 92.0 % 92.0 % 94.0 %" in seen(made)


def test_a_week_without_a_row_of_the_class_is_not_shown_as_last_week(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.93], weeks=[0, 2])  # a school week lies between

    view = view_of(history, week=ordinary(FIRST_MONDAY + timedelta(weeks=2)))

    assert [row.last_week for row in view.attendance.rows] == [None, None, None]


# ---- blocks and templates ----------------------------------------------------------------------

MARKS = {
    "figures": ">target 95 %<",
    "news": ">Good news<",
    "notice": ">To notice<",
    "charts": "cid:attendance-1",
    "table": ">Start of year<",
}


@pytest.mark.parametrize(
    "blocks",
    [
        ("figures", "news", "notice", "charts", "table"),
        ("table", "charts", "notice", "news", "figures"),
        ("notice", "figures"),
        ("charts",),
        (),
    ],
)
def test_blocks_stand_in_the_settings_order_and_others_are_left_out(
    make_history: HistoryMaker, blocks: Sequence[str]
) -> None:
    letters = Letters.model_validate({"blocks": blocks})
    made = letter(view_of(make_history([0.95, 0.94], **BELOW), NOTES), letters=letters)
    html = plain(made.html)

    there = sorted((html.index(mark), block) for block, mark in MARKS.items() if mark in html)
    assert [block for _, block in there] == list(blocks)
    words = {
        "figures": "(target 95 %",
        "news": "Good news",
        "notice": "To notice",
        "table": "Year so far",
    }
    text = plain(made.text)
    found = sorted((text.index(word), block) for block, word in words.items() if word in text)
    assert [block for _, block in found] == [block for block in blocks if block != "charts"]
    assert lint(made.html) == []


def test_a_class_taught_has_no_heading_over_lists_that_are_left_out(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.94], class_type="scheduled", class_name="Maths 7")
    view = view_of(history, ClassNotes(notice=TO_NOTICE))

    made = letter(view, letters=Letters(blocks=("news",)))

    assert ">Maths 7</p>" not in made.html
    assert "Tom Lee" not in made.html + made.text


def own(folder: Path, name: str, text: str) -> Path:
    (folder / "letters" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "letters" / name).write_text(text, encoding="utf-8")
    return folder


def test_a_homes_own_words_are_said_in_letter_and_subject(
    make_history: HistoryMaker, tmp_path: Path
) -> None:
    shipped_words = (shipped("templates") / "letters" / "words.txt.j2").read_text(encoding="utf-8")
    changed = shipped_words.replace("Good news", "Hurray").replace(", week of {{", ", {{")
    templates = own(tmp_path, "words.txt.j2", changed)

    made = letter(view_of(make_history([0.95, 0.94]), NOTES), templates=templates)

    assert made.subject.startswith("7B, 7 September: attendance")
    for text in both(made):
        assert "Hurray" in text
        assert "Good news" not in text


def test_a_homes_own_letter_or_block_wins_and_the_rest_is_the_shipped_one(
    make_history: HistoryMaker, tmp_path: Path
) -> None:
    view = view_of(make_history([0.95, 0.94]), NOTES)
    block = own(tmp_path / "a", "blocks/news.html.j2", "<tr><td>{{ view.name }}: ours</td></tr>")
    whole = own(tmp_path / "b", "teacher.html.j2", "<p>{{ given_name }} of {{ school }}</p>")

    with_block, with_letter = letter(view, templates=block), letter(view, templates=whole)

    assert "7B: ours" in with_block.html
    assert "To notice" in with_block.html
    assert "Good news" not in with_block.html
    assert "<p>Ada of Riverside Middle School</p>" in with_letter.html
    assert "Good news" in with_letter.text


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("words.txt.j2", "\n\n{% macro %}", "letters/words.txt.j2, line 3"),
        (
            "words.txt.j2",
            "{% macro subject(a, b) %}{% endmacro %}",
            "letters/words.txt.j2 has no macro",
        ),
        ("teacher.html.j2", "<p>\n{% if %}", "letters/teacher.html.j2, line 2"),
        ("teacher.txt.j2", "{{ pupil }}", "letters/teacher.txt.j2, line 1, uses something"),
        ("blocks/news.html.j2", "{{ a | nicely }}", "letters/blocks/news.html.j2, line 1"),
    ],
)
def test_a_homes_own_template_that_is_broken_is_named_with_its_line(
    make_history: HistoryMaker, tmp_path: Path, name: str, text: str, said: str
) -> None:
    view = view_of(make_history([0.95, 0.94]), NOTES)

    with pytest.raises(TemplateError, match=re.escape(said)):
        letter(view, templates=own(tmp_path, name, text))


# ---- the envelope and the proofs ---------------------------------------------------------------


def test_the_subject_has_figures_and_nobodys_name(make_history: HistoryMaker) -> None:
    view = view_of(make_history([0.933], [0.81]))
    other = replace(view, class_id="c2", name="8A")
    nothing = view_of(make_history([None], [None]))
    maths = replace(view, homeroom=False, name="Maths 7")

    def subject(*views: ClassView) -> str:
        return letter(*views).subject

    assert subject(view) == "7B, week of 31 August: attendance 93.3 %, homework 81.0 %"
    assert subject(view, maths) == subject(view)
    assert subject(view, other) == (
        "7B and 8A, week of 31 August: attendance 93.3 % in 7B, 93.3 % in 8A"
    )
    assert subject(maths, replace(maths, name="Art 7", homework=nothing.homework)) == (
        "Maths 7 and Art 7, week of 31 August: homework 81.0 % in Maths 7"
    )
    assert subject(nothing) == "7B, week of 31 August: no figures this week"
    assert subject(nothing, nothing) == "7B and 7B, week of 31 August: no figures this week"
    assert subject(*[maths] * 4) == "Your 4 classes, week of 31 August"


def test_the_preheader_says_how_the_homerooms_stand_to_their_targets(
    make_history: HistoryMaker,
) -> None:
    view = view_of(make_history([0.933], [0.9]))
    silent = view_of(make_history([None], [None]))
    maths = replace(view, homeroom=False, name="Maths 7")

    assert (
        say("preheader", [view]) == "Attendance close to target (95 %). Homework on target (85 %)."
    )
    assert say("preheader", [view, maths]) == (
        "7B: Attendance close to target (95 %). Homework on target (85 %)."
    )
    assert say("preheader", [maths, maths]) == "Homework and attendance in your classes."
    assert say("preheader", [silent]) == ""


def test_notes_tell_the_proof_reader_what_is_unusual(make_history: HistoryMaker) -> None:
    def notes(history: pl.DataFrame) -> list[str]:
        return [plain(note) for note in letter(view_of(history, NOTES)).notes]

    assert notes(make_history([0.949, 0.83], students=1, **BELOW)) == [
        "7B: attendance 83.0 %, below its usual range",
        "7B: one student only",
    ]
    assert notes(make_history([0.79])) == ["7B: attendance 79.0 %"]
    assert notes(make_history([None], [None])) == [
        "7B: no register was taken",
        "7B: no homework recorded this year",
    ]
    assert notes(make_history([0.9, 0.949], **WITHIN)) == []


def test_figures_are_kept_with_what_they_are_made_of(make_history: HistoryMaker) -> None:
    view = view_of(make_history([0.95, 0.83], [0.8, None], **BELOW))

    (figure,) = letter(view).figures

    assert figure.change == pytest.approx(-0.12)
    assert replace(figure, change=None) == Figure(
        subject_of("c1", "attendance_rate"),
        "7B attendance",
        numerator=83.0,
        denominator=100.0,
        unusual=True,
    )


def test_the_letter_shows_neither_family_name_nor_address_of_the_teacher(
    make_history: HistoryMaker,
) -> None:
    made = letter(view_of(make_history([0.95]), NOTES))

    assert "Hello Ada," in made.text
    assert "Moss" not in made.html + made.text + made.subject
    assert TEACHER.email not in made.html + made.text


def test_a_teacher_without_a_given_name_is_greeted_all_the_same(
    make_history: HistoryMaker,
) -> None:
    edition = edition_of(FIRST_MONDAY)
    made = compose(replace(TEACHER, given_name=None), [view_of(make_history([0.95]))], {}, edition)

    for text in both(made):
        assert "Hello, " in text


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
@pytest.mark.parametrize("kind", ["homeroom", "scheduled"])
def test_missing_figures_never_show_as_none_or_nan(
    make_history: HistoryMaker,
    attendance: list[float | None],
    homework: list[float | None],
    kind: str,
) -> None:
    history = make_history(attendance, homework, grade=None, class_type=kind)

    made = compose(TEACHER, [view_of(history, NOTES)], {}, edition_of(FIRST_MONDAY))

    for part in (made.subject, made.html, made.text, *made.notes):
        assert not re.search(r"\b(None|nan|null)\b", part)
    assert "<img" not in made.html
    assert lint(made.html) == []


def test_a_homeroom_without_any_figure_has_sentences_instead_of_a_table(
    make_history: HistoryMaker,
) -> None:
    made = letter(view_of(make_history([None], [None])))

    assert ">Start of year<" not in made.html
    assert "Year so far" not in made.text
    assert (
        "No register was taken in 7B this week. No homework has been recorded this school year."
    ) in made.text


# ---- several classes ---------------------------------------------------------------------------


def test_two_homerooms_have_a_block_and_images_each(make_history: HistoryMaker) -> None:
    one = view_of(make_history([0.95], **BELOW))
    two = view_of(make_history([0.9], class_name="8A", class_id="ü/8 a", **BELOW))

    made = letter(one, two)

    assert [image.name for image in made.images] == [
        "attendance-1",
        "homework-2",
        "attendance-3",
        "homework-4",
    ]
    assert re.findall(r'src="cid:([^"]+)"', made.html) == [image.name for image in made.images]
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", made.html) == ["7B", "8A"]
    assert made.text.index("Attendance in 7B was") < made.text.index("Attendance in 8A was")
    assert "because you teach 7B and 8A." in made.text


def test_the_homeroom_comes_first_and_the_classes_have_one_table_and_chart(
    make_history: HistoryMaker,
) -> None:
    homeroom = view_of(make_history([0.95, 0.94], **BELOW))
    above = WITHIN | {"homework_rate_verdict": "above"}
    maths = {"class_type": "scheduled", "class_id": "m", "class_name": "Maths 7"}
    art = {"class_type": "scheduled", "class_id": "a", "class_name": "Art 7"}

    made = letter(
        homeroom,
        view_of(make_history([0.95, 0.94], [0.8, 1.0], **above, **maths)),
        view_of(make_history([0.95, 0.94], [0.8, 0.75], **WITHIN, **art)),
    )

    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", made.html) == ["7B", "Your classes"]
    assert [image.name for image in made.images] == ["attendance-1", "homework-2", "homework-3"]
    for text in both(made):
        assert text.index("Attendance in 7B was") < text.index("Your classes")
        assert (
            "In Maths 7, 100 % of homework was handed in, above its usual range of 70.0 to 99.0 % "
            "(last week 80.0 %)."
        ) in text
        assert "In Art 7" not in text
    assert "Maths 7 100 % ▲ 80.0 % 90.0 % 94.0 % Art 7 75.0 % 80.0 % 77.5 % 94.0 %" in seen(made)
    assert "▲ above and ▼ below what is usual for the class." in seen(made)
    assert re.search(r"Art 7 +75\.0 % +80\.0 % +77\.5 % +94\.0 %\n", plain(made.text))
    assert lint(made.html) == []


def test_only_classes_taught_need_no_homeroom(make_history: HistoryMaker) -> None:
    maths = {"class_type": "scheduled", "class_id": "m", "class_name": "Maths 7"}
    quiet = letter(view_of(make_history([0.95, 0.94], **WITHIN, **maths)))
    low = BELOW | {"days_submitted": 4}
    loud = letter(view_of(make_history([0.95, 0.83], **low, **maths)))

    assert quiet.images == ()
    assert "All figures are within the usual range of the class." in quiet.text
    assert explained(quiet)[:3] == ["Attendance", "Homework", "Last week"]
    assert "Grade team" not in explained(quiet) + explained(loud)
    assert [image.name for image in loud.images] == ["homework-1"]
    for text in both(loud):
        assert (
            "Attendance of the students in Maths 7 was 83.0 %, below its usual range of "
            "88.7 to 97.2 % (last week 95.0 %). "
            "Registers of the students in Maths 7 are in for 4 of 5 days."
        ) in text
    assert "<h2" not in loud.html


def test_a_letter_says_that_a_figure_is_of_the_lessons_and_which_are_of_whole_days(
    make_history: HistoryMaker,
) -> None:
    maths = {"class_type": "scheduled", "class_id": "m", "class_name": "Maths 7", "lessons": 4}
    art = {"class_type": "scheduled", "class_id": "a", "class_name": "Art 7"}
    low = view_of(make_history([0.95, 0.83], **BELOW, **maths))
    days = view_of(make_history([0.95, 0.94], **WITHIN, **art))
    alone, mixed = letter(low), letter(low, days)

    assert "Attendance in your lessons" in explained(alone)
    assert "Attendance in your lessons" not in explained(letter(days))
    for text in both(alone):
        assert "Attendance in your lessons in Maths 7 was 83.0 %, below its usual range" in text
    for text in both(mixed):
        assert (
            "Attendance in Maths 7 is that of your lessons; in Art 7, of the whole days of the students."
        ) in text
    assert "attendance in your lessons 83.0 %" in alone.subject


def test_how_a_class_taught_differs_from_the_team_is_not_the_subjects_business(
    make_history: HistoryMaker,
) -> None:
    apart = WITHIN | {"class_type": "scheduled", "attendance_rate_team_verdict_to_date": "below"}
    made = letter(view_of(make_history([0.95, 0.94], **apart)))

    assert made.images == ()
    for text in both(made):
        assert "more than chance" not in text


def test_of_classes_taught_nothing_is_called_usual_before_it_can_be(
    make_history: HistoryMaker,
) -> None:
    maths = {"class_type": "scheduled", "class_name": "Maths 7"}
    judged = view_of(make_history([0.95, 0.94], **WITHIN, **maths))
    young = view_of(make_history([0.95, 0.94], **maths))

    assert say("taught_quiet", [judged, judged]) == (
        "All figures are within the usual range of each class."
    )
    assert say("taught_quiet", [judged, young]) == ""
    for text in both(letter(young)):
        assert "within" not in text.split("Figures up to")[0]


def test_the_same_week_makes_the_same_letter(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.93], **BELOW)

    assert letter(view_of(history, NOTES)) == letter(view_of(history, NOTES))


def test_a_subject_has_no_figures_of_a_class_so_small_that_they_are_about_a_student(
    make_history: HistoryMaker,
) -> None:
    made = letter(view_of(make_history([0.9, 0.8], students=4)))

    assert made.subject == "7B, week of 7 September"
    assert "80.0" not in made.subject


def test_a_school_that_exports_no_homework_reads_nothing_about_it(
    make_history: HistoryMaker,
) -> None:
    homeroom = replace(view_of(make_history([0.95, 0.94], [None, None])), tells_homework=False)
    maths = replace(
        view_of(make_history([0.9, 0.8], [None, None], class_name="Maths 7", class_id="m")),
        homeroom=False,
        tells_homework=False,
    )

    made = letter(homeroom, maths)

    for text in (made.subject, made.text, seen(made)):
        assert "omework" not in text.replace("(homework)", "")  # the export, in the sources
    assert [figure.label for figure in made.figures] == ["7B attendance", "Maths 7 attendance"]
