"""What a nudge says, from one row of `Nudges`."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import TemplateError, environment
from edu_pipeline.mail.letter import Figure, Letter
from edu_pipeline.programmes.letter import Edition, RunDates, nudge_letter, nudge_letters
from edu_pipeline.programmes.nudges import UnknownCourseError
from edu_pipeline.settings.mail import Mail
from edu_pipeline.settings.post import Post
from edu_pipeline.settings.programmes import Course, Pathway, Programme
from edu_pipeline_tests.mail.holding import hold_reasons

ADDRESS = "Lumen University, 1 Main Road, Town 4000"
URL = "https://letters.lumen.example"
PROGRAMME = Programme(
    id="lead",
    title="Leading Change",
    courses=(
        Course(
            id="lead1x",
            title="Teams that Last",
            key="Lumen_LEAD1x",
            pass_mark=0.65,
            link="https://courses.example/lead1x?run=1&x=2",
        ),
        Course(
            id="lead2x",
            title="Money & People",
            key="Lumen_LEAD2x",
            pass_mark=0.7,
            link="https://courses.example/lead2x",
        ),
    ),
)
RUN, NEXT_RUN = "Lumen_LEAD1x_1T2027", "Lumen_LEAD2x_2T2027"
RUNS = {
    RUN: RunDates(date(2027, 1, 11), date(2027, 3, 19), exported=date(2027, 3, 1)),
    NEXT_RUN: RunDates(date(2027, 4, 5), date(2027, 4, 26), exported=date(2027, 3, 6)),
}
WEEK_ENDS = datetime(2027, 3, 13, tzinfo=UTC)


POST = Post(from_name="Lumen Online", from_email="hello@lumen.example", postal_address=ADDRESS)


def edition(**changes: object) -> Edition:
    fields: dict[str, Any] = {
        "programme": PROGRAMME,
        "period": "2027-W10",
        "runs": RUNS,
        "post": POST,
        "env": environment([shipped("templates")]),
        "salt": "pepper",
        "opt_out_url": lambda key: f"{URL}/out/{key}",
        "not_after": WEEK_ENDS,
        "zone": ZoneInfo("Australia/Brisbane"),
    }
    return Edition(**{**fields, **changes})


def row(**changes: object) -> dict[str, Any]:
    """Somebody who passed lead1x on audit, may upgrade, and could go on with lead2x."""
    return {
        "programme_id": "lead",
        "learner_id": "100007",
        "decision": "letter",
        "group": "verify",
        "about": f"verify/{RUN}",
        "course_id": "lead1x",
        "run": RUN,
        "grade": 0.7249,
        "next_course": "lead2x",
        "next_run": NEXT_RUN,
        "other_run": None,
        "next_again": False,
        "until": date(2027, 3, 19),
        "certificates": 0,
        "needed": 2,
        "complete": False,
        "reason": "passed",
        "as_of": date(2027, 3, 8),
        "name": "Ada Moss",
        "email": "ada@learners.example",
        "language": None,
        **changes,
    }


GO_ON: Mapping[str, object] = {
    "group": "next_course",
    "about": f"next_course/{RUN}/lead2x@{NEXT_RUN}",
    "until": date(2027, 4, 26),
    "certificates": 1,
}
IDENTITY: Mapping[str, object] = {"group": "identity", "about": f"identity/{RUN}"}
COMPLETE: Mapping[str, object] = {
    "group": "congratulation",
    "about": "congratulation/lead/programme",
    **dict.fromkeys(
        ("course_id", "run", "grade", "next_course", "next_run", "next_again", "until")
    ),
    "certificates": 2,
    "complete": True,
}
CORE: Mapping[str, object] = {
    **COMPLETE,
    "about": f"congratulation/lead/core@{NEXT_RUN}",
    "certificates": 1,
    "complete": False,
    "next_course": "lead2x",
    "next_run": NEXT_RUN,
    "next_again": False,
}
EVERY_KIND = pytest.mark.parametrize("about", [{}, GO_ON, IDENTITY, COMPLETE, CORE])


def shown(letter: Letter) -> str:
    """The words of the HTML, on one line."""
    body = re.sub(r"<style.*?</style>|<head>.*?</head>", " ", letter.html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split()).replace(" ,", ",")


def said(letter: Letter) -> str:
    return " ".join(letter.text.split())


def test_a_letter_about_an_upgrade_says_what_was_passed_until_when_and_what_comes_after() -> None:
    letter = nudge_letter(row(), edition())
    assert letter.subject == "Teams that Last: you can upgrade until 19 March"
    for words in (shown(letter), said(letter)):
        assert "Hello Ada Moss," in words
        assert "You passed Teams that Last with 72.5 % on a free track." in words
        assert "until Friday 19 March 2027" in words
        assert "pass mark 65 %" in words
        assert "0 of 2 needed for Leading Change" in words
        assert (
            "The next course of Leading Change for you is Money & People. It starts on Monday 5 "
            "April 2027, and you can join until Monday 26 April 2027."
        ) in words
        assert "Your results are as of Monday 1 March 2027. If you have upgraded already" in words
        assert ADDRESS in words
    assert "https://courses.example/lead1x?run=1&x=2" in letter.text
    assert 'href="https://courses.example/lead1x?run=1&amp;x=2"' in letter.html


def test_a_letter_about_the_next_course_names_it_when_it_starts_and_until_when_to_join() -> None:
    letter = nudge_letter(row(**GO_ON), edition())
    assert letter.subject == "Next after Teams that Last: Money & People"
    for words in (shown(letter), said(letter)):
        assert "You passed Teams that Last with 72.5 %." in words
        assert "The next course of Leading Change for you is Money & People." in words
        assert "It starts on Monday 5 April 2027, and you can join until Monday 26 April" in words
        assert "1 of 2 needed for Leading Change" in words
        assert "Your results are as of Saturday 6 March 2027. If you have joined already" in words
        assert "audit" not in words
        assert "upgrade" not in words
    assert "https://courses.example/lead2x" in letter.text
    assert "lead1x" not in letter.text


def test_a_letter_about_an_identity_says_what_waits_for_it_and_until_when() -> None:
    letter = nudge_letter(row(**IDENTITY), edition())
    assert letter.subject == "Teams that Last: verify your identity until 19 March"
    for words in (shown(letter), said(letter)):
        assert (
            "You passed Teams that Last with 72.5 %. Your certificate of it needs one more" in words
        )
        assert "edX has not verified yet who you are" in words
        assert "until Friday 19 March 2027, with a photo of yourself" in words
        assert "The next course of Leading Change for you is Money & People." in words
        assert "Your results are as of Monday 1 March 2027. If you have verified your" in words
        assert "audit" not in words
        assert "upgrade" not in words
    assert "Go to the course: https://courses.example/lead1x?run=1&x=2" in letter.text
    assert letter.figures == (
        Figure(f"identity/{RUN}", "certificates in Leading Change", 0.0, 2.0),
    )
    alone = nudge_letter(row(**IDENTITY, next_course=None, next_run=None), edition())
    assert "Money" not in said(alone)


PATHWAY = Pathway(text="It counts towards the Master of Change.", link="https://lumen.example/m")


def test_a_congratulation_says_what_happens_now_where_the_certificate_is_and_where_it_leads() -> (
    None
):
    leading = PROGRAMME.model_copy(update={"pathway": PATHWAY})
    letter = nudge_letter(row(**COMPLETE), edition(programme=leading))
    assert letter.subject == "You have completed Leading Change"
    for words in (shown(letter), said(letter)):
        assert "Congratulations! You have completed Leading Change." in words
        assert "there is nothing more to do for it. The certificate of the programme comes" in words
        assert "If you do not find it, just reply. It counts towards the Master of Change." in words
        assert "2 of 2 needed for Leading Change" in words
        assert (
            "as of Saturday 6 March 2027. You get this letter because you took the courses" in words
        )
        assert "grade" not in words
        assert "already" not in words
    assert "Read more: https://lumen.example/m" in letter.text
    assert 'href="https://lumen.example/m"' in letter.html
    assert letter.not_after == WEEK_ENDS

    bare = nudge_letter(row(**COMPLETE), edition())
    assert "Master" not in said(bare)
    assert "Read more" not in said(bare)


def test_a_congratulation_on_the_core_leads_to_the_capstone() -> None:
    leading = PROGRAMME.model_copy(update={"pathway": PATHWAY, "capstone": "lead2x"})
    letter = nudge_letter(row(**CORE), edition(programme=leading))
    assert letter.subject == "Leading Change: one course to go"
    for words in (shown(letter), said(letter)):
        assert "You have completed the courses of Leading Change; the capstone is what" in words
        assert "Money & People. It starts on Monday 5 April 2027, and you can join until" in words
        assert "That of the programme comes after the capstone." in words
        assert "Master" not in words
    assert "Look at the capstone: https://courses.example/lead2x" in letter.text
    nowhere = nudge_letter(row(**{**CORE, "next_course": None, "next_run": None}), edition())
    assert "you can join its next one when it opens" in said(nowhere)
    assert "https://courses" not in nowhere.text


def test_a_pass_below_the_mark_is_not_given_its_grade() -> None:
    for grade, number in ((0.65, "65.0 %"), (0.6499, None), (0.1, None)):
        letter = nudge_letter(row(**GO_ON, grade=grade), edition())
        for words in (shown(letter), said(letter)):
            assert ("Your grade" in words) is (number is not None)
            assert f"You passed Teams that Last{f' with {number}' if number else ''}." in words


SELF_PACED = "Lumen_LEAD2x_ANYTIME"
JUST_BEGUN = "Lumen_LEAD2x_1T2027"
MORE_RUNS = {
    **RUNS,
    SELF_PACED: RunDates(date(2026, 1, 5), date(2027, 12, 1), None, self_paced=True),
    JUST_BEGUN: RunDates(date(2027, 3, 1), date(2027, 3, 15), None),
}


@pytest.mark.parametrize(
    ("following", "beside", "words"),
    [
        (
            NEXT_RUN,
            SELF_PACED,
            "until Monday 26 April 2027. If you would rather begin now, there is a run that you take "
            "at your own pace and can join until Wednesday 1 December 2027.",
        ),
        (
            NEXT_RUN,
            JUST_BEGUN,
            "If you would rather begin now, there is one that started on Monday 1 March 2027 and can "
            "be joined until Monday 15 March 2027.",
        ),
        (
            SELF_PACED,
            None,
            "Money & People. You can begin at any time, and join until Wednesday 1 December 2027.",
        ),
    ],
)
def test_a_run_that_can_be_begun_at_once_is_named_with_its_last_day(
    following: str, beside: str | None, words: str
) -> None:
    letter = nudge_letter(
        row(**GO_ON, next_run=following, other_run=beside), edition(runs=MORE_RUNS)
    )
    assert words in shown(letter)
    assert words in said(letter)


@EVERY_KIND
def test_letters_of_every_kind_pass_every_check(about: Mapping[str, object]) -> None:
    letter = nudge_letter(row(**about), edition())
    assert hold_reasons([letter], ["Ada Moss"], LIVE) == {}
    assert f"{URL}/out/{letter.recipient_key}" in letter.text
    for words in (shown(letter), said(letter)):
        assert "None" not in words
        assert ADDRESS in words


@pytest.mark.parametrize("about", [{}, GO_ON, IDENTITY])
def test_no_letter_speaks_of_causes_or_boasts(about: Mapping[str, object]) -> None:
    words = said(nudge_letter(row(**about), edition())).casefold()
    for word in ("because of", "thanks to", "boost", "improve", "amazing", "congratulations", "!"):
        assert word not in words


def test_without_a_next_course_a_letter_about_an_upgrade_says_nothing_of_one() -> None:
    letter = nudge_letter(row(next_course=None, next_run=None), edition())
    for words in (shown(letter), said(letter)):
        assert "next course" not in words
        assert "Money" not in words
        assert "None" not in words


def test_a_course_that_has_begun_started_and_one_without_dates_has_none() -> None:
    begun = {**RUNS, NEXT_RUN: RunDates(date(2027, 3, 1), date(2027, 3, 20), None)}
    assert "It started on Monday 1 March 2027, and" in said(
        nudge_letter(row(**GO_ON), edition(runs=begun))
    )
    undated = {NEXT_RUN: RunDates(None, date(2027, 4, 26), None)}
    words = said(nudge_letter(row(**GO_ON), edition(runs=undated)))
    assert "Money & People. You can join until Monday 26 April 2027." in words
    assert "as of" not in words


def test_without_a_grade_and_a_link_neither_is_shown() -> None:
    bare = PROGRAMME.model_copy(
        update={"courses": tuple(c.model_copy(update={"link": None}) for c in PROGRAMME.courses)}
    )
    letter = nudge_letter(row(**GO_ON, grade=None, name=None), edition(programme=bare))
    for words in (shown(letter), said(letter)):
        assert "Hello, " in words
        assert "You passed Teams that Last." in words
        assert "%" not in words
        assert "Look at the course" not in words


def test_a_letter_states_one_figure_by_which_it_is_known_that_it_was_said() -> None:
    assert nudge_letter(row(), edition()).figures == (
        Figure(f"verify/{RUN}", "grade in Teams that Last", 0.7249, 1.0),
    )
    assert nudge_letter(row(**GO_ON), edition()).figures == (
        Figure(f"next_course/{RUN}/lead2x@{NEXT_RUN}", "certificates in Leading Change", 1.0, 2.0),
    )


def test_a_letter_is_news_until_the_day_it_names_is_over_or_the_week_is() -> None:
    last_day = date(2027, 3, 9)  # over at 14:00 UTC in Brisbane
    assert nudge_letter(row(until=last_day), edition()).not_after == datetime(
        2027, 3, 9, 14, tzinfo=UTC
    )
    assert nudge_letter(row(), edition()).not_after == WEEK_ENDS


def test_the_key_shows_no_id_and_depends_on_the_ledger() -> None:
    ours, theirs = (nudge_letter(row(), edition(salt=salt)) for salt in ("pepper", "salt"))
    assert ours.recipient_key != theirs.recipient_key
    assert "100007" not in ours.key
    assert ours.campaign == "nudges.lead"
    assert ours.period == "2027-W10"


LIVE = Mail(transport="smtp", allowed=("learners.example",), postal_address=ADDRESS, public_url=URL)


def test_a_letter_passes_every_check_and_offers_a_way_out() -> None:
    letter = nudge_letter(row(), edition())
    assert hold_reasons([letter], ["Ada Moss"], LIVE) == {}
    link = f"{URL}/out/{letter.recipient_key}"
    assert letter.headers == {
        "List-Unsubscribe": f"<{link}>, <mailto:hello@lumen.example?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert link in letter.html
    assert link in letter.text


def test_without_a_way_out_and_a_postal_address_a_letter_waits_and_says_what_to_set() -> None:
    letter = nudge_letter(
        row(), edition(opt_out_url=None, post=POST.model_copy(update={"postal_address": None}))
    )
    (why,) = hold_reasons(
        [letter], ["Ada Moss"], LIVE.model_copy(update={"postal_address": None})
    ).values()
    assert "Set [mail] public_url in pipeline.toml" in why
    assert "Set [mail] postal_address in pipeline.toml" in why


def test_a_letter_that_names_another_learner_is_held() -> None:
    letter = nudge_letter(
        row(), edition(post=POST.model_copy(update={"postal_address": "Ben Reed"}))
    )
    assert "1 person" in hold_reasons([letter], ["Ada Moss", "Ben Reed"], LIVE)[letter.key]


def test_a_learner_who_is_called_like_a_course_keeps_no_letter_back() -> None:
    letter = nudge_letter(row(**GO_ON), edition())
    known = ["Ada Moss", "Leading Change", "Money & People"]
    assert hold_reasons([letter], known, LIVE) == {}


def test_a_letter_from_newer_exports_that_says_the_same_is_the_same_letter() -> None:
    later = {**RUNS, RUN: RunDates(date(2027, 1, 11), date(2027, 3, 19), date(2027, 3, 5))}
    first, second = (nudge_letter(row(), edition(runs=runs)) for runs in (RUNS, later))
    assert first.digest != second.digest
    assert first.substance == second.substance
    assert nudge_letter(row(grade=0.9), edition()).substance != first.substance


def test_a_name_is_shown_as_it_is_and_does_nothing_else() -> None:
    letter = nudge_letter(row(name='Zoë <b>van "Pat"</b>\n\tDijk'), edition())
    assert 'Hello Zoë <b>van "Pat"</b> Dijk,' in letter.text
    assert "&lt;b&gt;van" in letter.html
    assert letter.recipient.name == 'Zoë <b>van "Pat"</b> Dijk'


def test_a_programmes_own_template_wins_over_the_shared_one(tmp_path: Path) -> None:
    own = tmp_path / "letters" / "nudges" / "lead.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<html lang='en'><title>x</title><body>Our own, {{ name }}</body></html>")
    env = environment([tmp_path, shipped("templates")])
    letter = nudge_letter(row(), edition(env=env))
    assert "Our own, Ada Moss" in letter.html
    assert "You passed Teams that Last" in letter.text
    other = PROGRAMME.model_copy(update={"id": "other"})
    assert "Our own" not in nudge_letter(row(), edition(env=env, programme=other)).html


def test_a_programmes_own_letter_is_no_congratulation(tmp_path: Path) -> None:
    folder = tmp_path / "letters" / "nudges"
    folder.mkdir(parents=True)
    (folder / "lead.txt.j2").write_text("Our letter")
    env = environment([tmp_path, shipped("templates")])
    assert nudge_letter(row(**IDENTITY), edition(env=env)).text == "Our letter"
    assert "Congratulations!" in nudge_letter(row(**COMPLETE), edition(env=env)).text
    (folder / "lead.congratulation.txt.j2").write_text("Our congratulation")
    assert nudge_letter(row(**COMPLETE), edition(env=env)).text == "Our congratulation"


def test_words_of_a_home_that_know_nothing_of_a_kind_hold_it(tmp_path: Path) -> None:
    words = (shipped("templates") / "letters" / "nudge_words.txt.j2").read_text(encoding="utf-8")
    own = tmp_path / "letters" / "nudge_words.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text(words.replace("identity_", "other_"), encoding="utf-8")
    old = edition(env=environment([tmp_path, shipped("templates")]))
    assert "has no macro identity_subject" in (nudge_letter(row(**IDENTITY), old).hold or "")
    assert nudge_letter(row(**GO_ON), old).hold is None


def test_a_letter_whose_template_fails_is_held_and_the_others_are_written(tmp_path: Path) -> None:
    own = tmp_path / "letters" / "nudges" / "lead.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text("{{ nudge.next.course.title }}")
    broken = edition(env=environment([tmp_path, shipped("templates")]))
    alone = row(next_course=None, next_run=None, learner_id="100008")
    good, held = nudge_letters([row(), alone], broken)
    assert good.hold is None
    assert "letters/nudges/lead.txt.j2, line 1" in (held.hold or "")
    assert "Ada" not in held.text
    assert held.figures
    assert [letter.hold for letter in nudge_letters([alone, row()], broken)] == [held.hold, None]
    with pytest.raises(TemplateError, match=r"lead\.txt\.j2"):
        next(nudge_letters([alone, alone], broken))


@pytest.mark.parametrize("column", ["course_id", "next_course"])
def test_a_course_that_was_renamed_after_the_refresh_is_named(column: str) -> None:
    with pytest.raises(
        UnknownCourseError, match="no course lead9x in lead, which the last refresh"
    ):
        list(nudge_letters([row(**{column: "lead9x"})], edition()))


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        (
            "lead1x",
            "That was on a free track, which gives no certificate that counts for Leading Change.",
        ),
        (
            "lead2x",
            "You passed Money & People on a free track, which gives no certificate that counts for "
            "Leading Change.",
        ),
    ],
)
def test_a_course_to_take_again_is_not_called_the_next_after_itself(
    course: str, sentence: str
) -> None:
    letter = nudge_letter(row(**GO_ON, next_course=course, next_again=True), edition())
    title = {"lead1x": "Teams that Last", "lead2x": "Money & People"}[course]
    assert letter.subject == f"{title} again, for its certificate"
    for words in (shown(letter), said(letter)):
        assert (
            f"{sentence} The next step in Leading Change for you is to take {title} again, on"
            in (words)
        )
        assert "on the verified track. It starts on Monday 5 April 2027" in words


@pytest.mark.parametrize("language", ["es", "es-419", " ES "])
def test_a_learner_gets_the_language_of_the_profile_where_there_are_templates_in_it(
    tmp_path: Path, language: str
) -> None:
    words = shipped("templates") / "letters/nudge_words.txt.j2"
    own = tmp_path / "es/letters/nudge_words.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text(words.read_text().replace("you can upgrade until", "puede pagar hasta"))
    spoken = edition(languages={"es": environment([tmp_path / "es", shipped("templates")])})

    letter = nudge_letter(row(language=language), spoken)
    assert letter.subject == "Teams that Last: puede pagar hasta 19 March"
    for other in ("pt", "English", "", None):
        assert "you can upgrade" in nudge_letter(row(language=other), spoken).subject


def test_a_wrong_template_of_one_language_holds_the_letters_in_it_only(tmp_path: Path) -> None:
    own = tmp_path / "letters/nudge_words.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text("{% macro verify_subject(nudge) %}{{ nudge.nothing }}{% endmacro %}")
    spoken = edition(languages={"es": environment([tmp_path, shipped("templates")])})
    found = list(nudge_letters([row(language="es"), row(learner_id="8")], spoken))
    assert [letter.hold is None for letter in found] == [False, True]
