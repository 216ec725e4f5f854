"""Who gets which nudge and why, on hand-written results; the day is 1 October 2026, a Thursday."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from edu_pipeline.facts.nudges import (
    at_current_addresses,
    certificates_seen,
    nudge_counts,
    passes,
    people,
    standings,
)
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.mail.ledger.remembered import OPTED_OUT, TOLD_BEFORE
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.model.nudges import Nudges, NudgeSummary
from edu_pipeline.programmes.nudges import (
    Remembered,
    campaign_of,
    considered,
    is_held_out,
    news,
    nudge_summary,
    nudges,
    recipient_key,
    still_to_tell,
)
from edu_pipeline.settings.programmes import Programme
from edu_pipeline_tests.programmes.conftest import (
    TODAY,
    Build,
    Row,
    Tables,
    at,
    certified,
    frame,
    key,
    programme,
    result,
    run_of,
)
from edu_pipeline_tests.programmes.test_completion import some_results

SALT = "pepper"
WEEK = "2026-W40"
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
LONG_AGO = date(2026, 1, 15)
OPEN = {"starts": date(2027, 2, 1), "enrolment_closes": date(2027, 2, 14)}
"""A run that can be joined."""
NEXT = [run_of(course, "1T2027", **OPEN) for course in "abcz"]
OPT_INS = {
    "programme_id": pl.String,
    "learner_id": pl.String,
    "email": pl.String,
    "opted_in": pl.Boolean,
    "set_at": pl.Datetime,
}


def going_on(course: str, run: str, following: str, offered: str = "1T2027") -> str:
    """What a letter to go on is about."""
    return f"next_course/{key(course, run)}/{following}@{key(following, offered)}"


def person(learner: str, **cells: Any) -> Row:
    return {
        "learner_id": learner,
        "username": f"user{learner}",
        "email": f"l{learner}@example.org",
    } | cells


def told(
    learner: str | None = None,
    about: str | None = None,
    sent_on: date = LONG_AGO,
    period: str = "2026-W03",
    email: str | None = None,
    of: str = "lead",
) -> Row:
    """A letter of the ledger by learner, or a line of imported history by address."""
    return {
        "campaign": campaign_of(of),
        "period": period,
        "recipient_key": recipient_key(learner, SALT) if learner else None,
        "email": email,
        "about": about,
        "sent_on": sent_on,
    }


def decide(
    tables: Tables,
    *,
    told_before: Sequence[Row] = (),
    opted_out: Sequence[Row] = (),
    opt_ins: Sequence[Row] = (),
    today: date = TODAY,
) -> pl.DataFrame:
    runs = tables.read("programme_runs")
    parts = []
    for each in tables.programmes:
        meaning = news(each, runs, today)
        found = passes(tables.con, each.id, meaning)
        seen = certificates_seen(tables.con, each.id, [course.id for course in each.courses])
        parts.append(considered(each, standings(tables.con, each.id), found, meaning, runs, seen))
    known = people(tables.con, [part.reasons["learner_id"] for part in parts])
    remembered = Remembered(
        opt_ins=pl.DataFrame(opt_ins, schema=OPT_INS),
        opted_out=pl.DataFrame(opted_out, schema=OPTED_OUT),
        told_before=pl.DataFrame(told_before, schema=TOLD_BEFORE),
        salt=SALT,
    )
    return Nudges.validate(nudges(parts, known, remembered, today))


class Decide:
    """Decides about results of the programme `lead`; the tables are built anew only for others."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.asked: object = None

    def __call__(
        self,
        results: list[Row],
        runs: list[Row],
        *,
        learners: Sequence[Row] = (),
        programmes: Sequence[Programme] = (),
        today: date = TODAY,
        **remembered: Any,
    ) -> pl.DataFrame:
        said = {row["learner_id"] for row in learners}
        others = sorted({row["learner_id"] for row in results} - said)
        asked = {
            "results": results,
            "runs": runs,
            "programmes": tuple(programmes) or (programme(),),
            "learners": [*learners, *map(person, others)],
            "today": today,
        }
        if asked != self.asked:
            self.asked, self.tables = asked, self.build(**asked)
        return decide(self.tables, today=today, **remembered)


@pytest.fixture
def decided(build: Build) -> Decide:
    return Decide(build)


def one(rows: pl.DataFrame, learner: str = "1", of: str = "lead") -> Row:
    return rows.filter(learner_id=learner, programme_id=of).row(0, named=True)


def why(rows: pl.DataFrame, learner: str = "1", of: str = "lead") -> tuple[str, str]:
    row = one(rows, learner, of)
    return row["decision"], row["reason"]


def upgradable(course: str = "a", run: str = "3T2026", **dates: date | None) -> Row:
    """A run under way whose upgrade is open until 20 October."""
    return run_of(
        course,
        run,
        **{
            "starts": date(2026, 9, 1),
            "upgrade_deadline": date(2026, 10, 20),
            "ends": date(2026, 12, 1),
        }
        | dates,
    )


def over(course: str = "a", run: str = "1T2026", **dates: date | None) -> Row:
    """A run that is over, its upgrade closed and its certificates there since summer."""
    return run_of(
        course,
        run,
        **{
            "starts": date(2026, 2, 1),
            "upgrade_deadline": date(2026, 4, 20),
            "ends": date(2026, 6, 1),
            "certificates_available": date(2026, 6, 15),
        }
        | dates,
    )


def passed(learner: str, course: str, run: str, **cells: Any) -> Row:
    return result(learner, course, run, **{"grade": 0.9} | cells)


VERIFIER = [passed("1", "a", "3T2026")]
"""Has a reason to verify in `upgradable()`."""
GOER = [certified("1", "a", "1T2026")]
"""Has a reason to go on after `over()`."""


# Verify


def test_an_audit_learner_at_the_pass_mark_is_told_to_verify_before_the_run_ends(
    decided: Decide,
) -> None:
    rows = decided(
        [passed("1", "a", "3T2026", grade=0.65), passed("2", "a", "3T2026", grade=0.64)],
        [upgradable(), *NEXT],
    )

    row = one(rows)
    assert (row["decision"], row["group"]) == ("letter", "verify")
    assert row["about"] == f"verify/{key('a', '3T2026')}"
    assert (row["course_id"], row["run"], row["grade"]) == ("a", key("a", "3T2026"), 0.65)
    assert row["until"] == date(2026, 10, 20)
    assert (row["next_course"], row["next_run"]) == ("b", key("b", "1T2027"))
    assert row["reason"] == "passed a/3T2026 on audit; the upgrade is open until 2026-10-20"
    assert why(rows, "2") == ("none", "no run passed")


@pytest.mark.parametrize(
    ("deadline", "group"), [(TOMORROW, "verify"), (TODAY, "verify"), (YESTERDAY, "next_course")]
)
def test_the_upgrade_is_open_on_its_last_day_and_not_on_the_day_after(
    decided: Decide, deadline: date, group: str
) -> None:
    rows = decided(VERIFIER, [upgradable(upgrade_deadline=deadline), *NEXT])
    assert one(rows)["group"] == group


@pytest.mark.parametrize("track", ["audit", "honor"])
def test_every_free_track_can_be_verified(decided: Decide, track: str) -> None:
    rows = decided([passed("1", "a", "3T2026", track=track)], [upgradable(), *NEXT])
    assert one(rows)["group"] == "verify"


def test_whoever_pays_already_is_not_told_to_verify(decided: Decide) -> None:
    rows = decided([passed("1", "a", "3T2026", track="verified")], [upgradable(), *NEXT])
    assert why(rows) == ("none", "passed a/3T2026 on a paid track and has no certificate of it")


def test_whoever_has_left_the_run_cannot_upgrade_in_it(decided: Decide) -> None:
    rows = decided([passed("1", "a", "3T2026", enrolled=False)], [upgradable(), *NEXT])
    assert why(rows) == ("none", "passed a/3T2026 on audit and left the run")


def test_whoever_has_the_certificate_from_another_run_need_not_verify(decided: Decide) -> None:
    rows = decided(
        [passed("1", "a", "3T2026"), certified("1", "a", "1T2020")], [upgradable(), *NEXT]
    )
    assert why(rows) == ("none", "passed a/3T2026, with a certificate of another run")


def test_a_run_without_an_upgrade_deadline_is_named_and_counted(decided: Decide) -> None:
    rows = decided(
        [passed(str(n), "c", "1T2027") for n in range(412)],
        [run_of("c", "1T2027", starts=date(2026, 9, 1), ends=date(2026, 12, 1))],
    )
    counts = rows.group_by("programme_id", "decision", "reason").agg(learners=pl.len())
    summary = nudge_summary(counts)

    assert summary["sentence"].to_list() == ["412 get no letter: c/1T2027 has no upgrade_deadline"]


def test_a_run_without_the_day_of_its_certificates_is_named(decided: Decide) -> None:
    rows = decided(GOER, [over(certificates_available=None), *NEXT])
    assert why(rows) == ("none", "a/1T2026 has no certificates_available")


def test_a_run_that_the_settings_do_not_list_has_no_dates_and_that_is_said(decided: Decide) -> None:
    rows = decided([passed("1", "a", "2T2018")], NEXT)
    assert why(rows) == (
        "none",
        "a/2T2018 has no upgrade_deadline: pipeline.toml does not list the run",
    )


def test_a_date_that_is_missing_is_said_before_what_must_be_waited_for(decided: Decide) -> None:
    rows = decided(
        [passed("1", "c", "3T2026"), certified("1", "a", "1T2026")],
        [
            upgradable("c", upgrade_deadline=None),
            over(certificates_available=TOMORROW),
            *NEXT,
        ],
    )
    assert why(rows)[1] == "c/3T2026 has no upgrade_deadline"


def test_a_missing_date_does_not_keep_another_run_from_being_told(decided: Decide) -> None:
    rows = decided(
        [passed("1", "c", "3T2026"), certified("1", "a", "1T2026")],
        [upgradable("c", upgrade_deadline=None), over(), *NEXT],
    )
    assert one(rows)["about"] == going_on("a", "1T2026", "b")


def test_a_learner_whom_edx_could_not_grade_has_no_reason_and_has_not_failed(
    decided: Decide,
) -> None:
    rows = decided([result("1", "a", "3T2026", has_error=True)], [upgradable(), *NEXT])
    assert why(rows) == ("none", "no run passed")


def test_a_track_that_no_export_tells_is_no_audit(decided: Decide) -> None:
    rows = decided([passed("1", "a", "3T2026", track=None)], [upgradable(), *NEXT])
    assert why(rows) == (
        "none",
        "passed a/3T2026 on a track that no export or no list of tracks tells",
    )


# Next course


def test_a_certificate_is_a_reason_to_go_on_from_the_day_that_it_can_be_had(
    decided: Decide,
) -> None:
    runs = [over(certificates_available=TODAY), *NEXT]
    row = one(decided(GOER, runs))

    assert (row["decision"], row["group"]) == ("letter", "next_course")
    assert row["about"] == going_on("a", "1T2026", "b")
    assert (row["next_course"], row["next_run"]) == ("b", key("b", "1T2027"))
    assert row["until"] == date(2027, 2, 14)
    assert (row["certificates"], row["needed"], row["complete"]) == (1, 4, False)
    assert row["reason"] == "has a certificate of a/1T2026; next is b"
    assert why(decided(GOER, runs, today=YESTERDAY)) == (
        "none",
        "certificates of a/1T2026 are available from 2026-10-01",
    )


def test_a_certificate_counts_without_a_grade(decided: Decide) -> None:
    rows = decided([certified("1", "a", "1T2026", grade=None)], [over(), *NEXT])
    assert (why(rows)[0], one(rows)["grade"]) == ("letter", None)


def test_an_audit_pass_is_a_reason_to_go_on_once_the_upgrade_has_closed(decided: Decide) -> None:
    rows = decided(
        [passed("1", "b", "1T2026"), certified("1", "a", "1T2026")],
        [over("b"), over(upgrade_deadline=None, certificates_available=None), *NEXT],
    )
    assert one(rows)["about"] == going_on("b", "1T2026", "b")
    assert (
        why(rows)[1]
        == "passed b/1T2026 on audit; the upgrade closed after 2026-04-20; next is b again"
    )


def test_an_old_report_that_calls_an_audit_pass_eligible_makes_no_certificate_of_it(
    decided: Decide,
) -> None:
    rows = decided([passed("1", "a", "3T2026", certificate_eligible=True)], [upgradable(), *NEXT])
    assert one(rows)["group"] == "verify"


def test_who_left_after_passing_still_goes_on(decided: Decide) -> None:
    rows = decided([certified("1", "a", "1T2026", enrolled=False)], [over(), *NEXT])
    assert why(rows)[0] == "letter"


def test_a_course_in_progress_is_not_suggested(decided: Decide) -> None:
    rows = decided([*GOER, result("1", "b", "3T2026")], [over(), upgradable("b"), *NEXT])
    assert one(rows)["next_course"] == "c"


def test_of_several_runs_passed_the_one_that_is_news_last_is_the_reason(decided: Decide) -> None:
    runs = [over(), over("b", "2T2026", certificates_available=date(2026, 9, 1)), *NEXT]
    rows = decided([*GOER, certified("1", "b", "2T2026")], runs)
    assert one(rows)["about"] == going_on("b", "2T2026", "c")


def test_after_the_newest_run_was_told_older_ones_are_no_news(decided: Decide) -> None:
    runs = [over(), over("b", "2T2026", certificates_available=date(2026, 9, 1)), *NEXT]
    about = going_on("b", "2T2026", "c")
    rows = decided([*GOER, certified("1", "b", "2T2026")], runs, told_before=[told("1", about)])
    assert why(rows) == ("none", "told before what comes after b/2T2026")


def test_to_verify_comes_before_a_next_course_that_closes_sooner(decided: Decide) -> None:
    soon = run_of("b", "4T2026", starts=date(2026, 10, 9), enrolment_closes=date(2026, 10, 9))
    results = [passed("1", "c", "3T2026"), certified("1", "a", "1T2026")]
    assert one(decided(results, [upgradable("c"), over(), soon]))["group"] == "verify"


def test_a_next_course_that_was_passed_on_audit_is_to_be_taken_again(decided: Decide) -> None:
    results = [*GOER, passed("1", "b", "2T2018"), certified("2", "a", "1T2026")]
    rows = decided(results, [over(), *NEXT])

    assert (one(rows)["next_course"], one(rows)["next_again"]) == ("b", True)
    assert why(rows)[1] == "has a certificate of a/1T2026; next is b again"
    assert (one(rows, "2")["next_course"], one(rows, "2")["next_again"]) == ("b", False)


def test_without_a_next_course_nothing_is_to_be_taken_again(decided: Decide) -> None:
    assert one(decided(VERIFIER, [upgradable()]))["next_again"] is None


# Verify the identity


UNVERIFIED: Row = {
    "verification": "Not ID Verified",
    "certificate_delivered": False,
    "certificate_type": "N/A",
}
DEADLINE = date(2026, 10, 10)


def test_who_passed_and_paid_is_told_to_verify_their_identity_until_the_last_day(
    decided: Decide,
) -> None:
    runs = [over(verification_deadline=DEADLINE), *NEXT]
    results = [certified("1", "a", "1T2026", **UNVERIFIED)]
    row = one(decided(results, runs))

    assert (row["decision"], row["group"]) == ("letter", "identity")
    assert row["about"] == f"identity/{key('a', '1T2026')}"
    assert (row["course_id"], row["run"], row["until"]) == ("a", key("a", "1T2026"), DEADLINE)
    assert (row["next_course"], row["certificates"]) == ("b", 0)
    assert row["reason"] == (
        "passed a/1T2026 on a paid track; the identity is not verified, which can be done until "
        "2026-10-10"
    )
    assert one(decided(results, runs, today=DEADLINE))["group"] == "identity"
    late = decided(results, runs, today=DEADLINE + timedelta(days=1))
    assert why(late) == (
        "none",
        "passed a/1T2026 on a paid track; the identity was not verified by 2026-10-10",
    )


def test_without_the_last_day_nobody_is_reminded_and_the_date_is_asked_for(decided: Decide) -> None:
    rows = decided(
        [
            certified("1", "a", "1T2026", **UNVERIFIED),
            certified("2", "a", "1T2020", **UNVERIFIED),
        ],
        [over(), *NEXT],
    )
    assert why(rows) == ("none", "a/1T2026 has no verification_deadline")
    assert why(rows, "2") == (
        "none",
        "a/1T2020 has no verification_deadline: pipeline.toml does not list the run",
    )


def test_an_identity_is_not_asked_for_where_another_run_has_the_certificate(
    decided: Decide,
) -> None:
    rows = decided(
        [certified("1", "a", "1T2026", **UNVERIFIED), certified("1", "a", "1T2020")],
        [over(verification_deadline=DEADLINE), over(run="1T2020"), *NEXT],
    )
    assert one(rows)["about"] == going_on("a", "1T2020", "b")


def test_an_identity_comes_before_an_upgrade_that_closes_sooner_and_gives_way_once_told(
    decided: Decide,
) -> None:
    results = [certified("1", "a", "1T2026", **UNVERIFIED), passed("1", "b", "3T2026")]
    runs = [
        over(verification_deadline=date(2026, 11, 1)),
        upgradable("b", upgrade_deadline=date(2026, 10, 5)),
        *NEXT,
    ]
    about = f"identity/{key('a', '1T2026')}"
    assert one(decided(results, runs))["about"] == about
    after = decided(results, runs, told_before=[told("1", about)])
    assert one(after)["about"] == f"verify/{key('b', '3T2026')}"
    alone = decided(results[:1], runs, told_before=[told("1", about)])
    assert why(alone) == ("none", "told before to verify the identity for a/1T2026")


# Congratulations


WHOLE = [certified("1", course, "1T2026") for course in "abcz"]
CORE = WHOLE[:3]
OVER = [over(course) for course in "abcz"]


def test_whoever_completed_the_programme_is_congratulated_once(decided: Decide) -> None:
    about = "congratulation/lead/programme"
    row = one(decided(WHOLE, [*OVER, *NEXT]))

    assert (row["decision"], row["group"], row["about"]) == ("letter", "congratulation", about)
    assert (row["certificates"], row["needed"], row["complete"]) == (4, 4, True)
    empty = ("course_id", "run", "grade", "next_course", "next_run", "until")
    assert [row[name] for name in empty] == [None] * 6
    assert row["reason"] == "completed the programme"
    again = decided(WHOLE, [*OVER, *NEXT], told_before=[told("1", about)])
    assert why(again) == ("none", "congratulated before on lead")


def test_before_a_capstone_the_core_is_a_milestone_and_the_letter_tells_of_the_capstone(
    decided: Decide,
) -> None:
    runs = [*OVER, *NEXT]
    about = f"congratulation/lead/core@{key('z', '1T2027')}"
    row = one(decided(CORE, runs))

    assert (row["about"], row["next_course"]) == (about, "z")
    assert row["reason"] == "completed the core; next is z"
    told_once = decided(CORE, runs, told_before=[told("1", about)])
    assert why(told_once) == ("none", "congratulated before on the core")
    # the same milestone, and a run of the capstone that nobody was told of
    later = [*OVER, *NEXT[:3], run_of("z", "2T2027", **OPEN)]
    row = one(decided(CORE, later, told_before=[told("1", about)]))
    assert row["about"] == going_on("c", "1T2026", "z", "2T2027")


def test_without_a_capstone_the_core_is_the_programme(decided: Decide) -> None:
    whole = programme(capstone=None, requirement={"all_of": ["a", "b"]})
    row = one(decided(CORE[:2], OVER, programmes=[whole]))
    assert row["about"] == "congratulation/lead/programme"


def test_who_has_not_the_whole_core_is_not_congratulated(decided: Decide) -> None:
    results = [*CORE[:2], certified("1", "z", "1T2026")]
    assert one(decided(results, [*OVER, *NEXT]))["group"] == "next_course"
    due = certified("1", "c", "1T2026", certificate_delivered=False)
    assert why(decided([*CORE[:2], due], OVER)) == (
        "none",
        "no course to suggest: passed c/1T2026 on a paid track and has no certificate of it",
    )


@pytest.mark.parametrize(
    ("available", "seen_without", "told_of"),
    [
        (date(2026, 9, 15), None, True),
        (date(2026, 9, 14), None, False),
        # a report after that day still had none
        (date(2026, 9, 14), datetime(2026, 9, 16, 3), True),  # noqa: DTZ001 - UTC
        (date(2026, 6, 1), datetime(2026, 8, 1, 3), False),  # noqa: DTZ001 - UTC
        (None, datetime(2026, 9, 16, 3), True),  # noqa: DTZ001 - UTC
        (None, None, False),
    ],
)
def test_only_a_milestone_that_cannot_have_been_reached_before_nudges_since_is_news(
    build: Build, available: date | None, seen_without: datetime | None, told_of: bool
) -> None:
    last = certified("1", "z", "1T2026", stamp=datetime(2026, 9, 20, 3))  # noqa: DTZ001 - UTC
    before = {"grade": 0.8, "certificate_delivered": False, "certificate_type": "N/A"}
    tables = build(
        [*CORE, last],
        [*OVER[:3], over("z", certificates_available=available, ends=None)],
        programmes=(programme(nudges_since=date(2026, 9, 15)),),
        learners=[person("1")],
        earlier=[{**last, **before, "stamp": seen_without}] if seen_without else [],
    )
    row = one(decide(tables))
    assert row["group"] == ("congratulation" if told_of else None)
    if not told_of:
        assert row["reason"].endswith("and may have been before nudges_since (2026-09-15)")


@pytest.mark.parametrize(("has_it", "told_of"), [(10, False), (16, True)])
def test_a_report_that_has_a_certificate_before_the_day_of_its_run_is_believed(
    build: Build, has_it: int, told_of: bool
) -> None:
    last = certified("1", "z", "1T2026", stamp=datetime(2026, 9, has_it, 3))  # noqa: DTZ001 - UTC
    tables = build(
        [*CORE, last],
        [*OVER[:3], over("z", certificates_available=date(2026, 9, 20), ends=None)],
        programmes=(programme(nudges_since=date(2026, 9, 15)),),
        learners=[person("1")],
    )
    assert (one(decide(tables))["group"] == "congratulation") is told_of


def test_a_congratulation_gives_way_to_a_deadline_and_comes_before_the_next_course(
    decided: Decide,
) -> None:
    results = [*CORE, passed("1", "z", "3T2026")]
    runs = [*OVER[:3], upgradable("z"), *NEXT]
    verify = f"verify/{key('z', '3T2026')}"
    assert one(decided(results, runs))["about"] == verify
    week_before = told("1", verify, date(2026, 9, 24), "2026-W39")
    assert one(decided(results, runs, told_before=[week_before]))["group"] == "congratulation"
    capped = [*(told("1", f"verify/{n}", YESTERDAY, f"2026-W3{n}") for n in "78"), week_before]
    assert why(decided(results, runs, told_before=capped)) == (
        "none",
        "has had 2 letters or more in the last 30 days",
    )


def test_a_congratulation_waits_while_something_is_in_doubt(decided: Decide) -> None:
    owed = certified("1", "z", "1T2026", certificate_delivered=False)
    gone = "passed on a paid track; certificates are out, and none was delivered"
    assert why(decided([*CORE, owed], OVER)) == ("none", f"the congratulation waits: {gone}")


def test_a_congratulation_waits_where_an_older_certificate_of_the_course_is_missing(
    build: Build,
) -> None:
    lost = certified("1", "a", "1T2024", stamp=at(2026, 7, 1))
    missing = {"certificate_delivered": None, "enrolled": False, "missing": True, "grade": None}
    tables = build(
        [*WHOLE, {**lost, "stamp": at(2026, 9, 1), **missing}],
        [*OVER, over("a", run="1T2024")],
        learners=[person("1")],
        earlier=[lost],
    )
    assert tables.state("1", "a", "1T2024") == ("revoked", date(2026, 9, 1))
    words = "it was taken back, or they are missing in the newest report"
    assert why(decide(tables))[1].endswith(words)


@pytest.mark.parametrize("state", ["due", "expected"])
def test_who_completed_all_is_congratulated_though_a_certificate_that_is_not_needed_never_comes(
    build: Build, state: str
) -> None:
    without_z = programme(capstone=None, requirement={"all_of": ["a", "b", "c"]})
    never = certified("1", "z", "1T2026", certificate_delivered=False)
    to_come: dict[str, Any] = (
        {} if state == "due" else {"ends": None, "certificates_available": date(2026, 12, 1)}
    )
    tables = build(
        [*CORE, never],
        [*OVER[:3], over("z", **to_come)],
        programmes=(without_z,),
        learners=[person("1")],
    )
    assert tables.state("1", "z", "1T2026")[0] == state
    row = one(decide(tables))
    assert (row["decision"], row["about"]) == ("letter", "congratulation/lead/programme")


def test_who_completes_by_two_accounts_only_is_not_congratulated(build: Build) -> None:
    both = [*CORE[:2], certified("2", "c", "1T2026")]
    tables = build(both, OVER, learners=[person("1"), person("2")], people={"1": "1", "2": "1"})
    apart = "completed by several accounts together, which edX counts apart"
    assert why(decide(tables)) == ("none", f"the congratulation waits: {apart}")
    alone = [*CORE, certified("2", "c", "1T2026")]
    tables = build(alone, OVER, learners=[person("1"), person("2")], people={"1": "1", "2": "1"})
    assert one(decide(tables))["group"] == "congratulation"


def test_each_programme_has_its_own_milestones(decided: Decide) -> None:
    other = {**certified("1", "a", "1T2026"), **OF_OTHER, "run": key("o", "1T2026")}
    runs = [*OVER, {**over(), **OF_OTHER, "run": key("o", "1T2026")}]
    before = [told("1", CONGRATULATED)]
    rows = decided([*WHOLE, other], runs, programmes=[programme(), OTHER], told_before=before)
    assert why(rows)[0] == "none"
    assert one(rows, of="other")["about"] == "congratulation/other/programme"
    assert why(rows, of="other")[0] == "letter"


CONGRATULATED = "congratulation/lead/programme"


# Another run of the next course


def test_a_later_run_is_news_where_the_one_that_was_told_was_not_taken_up(
    decided: Decide,
) -> None:
    before = [told("1", going_on("a", "1T2026", "b", "3T2026"))]
    runs = [over(), over("b", "3T2026"), *NEXT]
    row = one(decided(GOER, runs, told_before=before))
    assert (row["decision"], row["about"]) == ("letter", going_on("a", "1T2026", "b"))

    before.append(told("1", row["about"]))
    assert why(decided(GOER, runs, told_before=before)) == (
        "none",
        "told before what comes after a/1T2026",
    )


def test_who_took_up_the_run_that_was_told_is_not_told_of_another(decided: Decide) -> None:
    before = [told("1", going_on("a", "1T2026", "b", "3T2026"))]
    failed = result("1", "b", "3T2026", grade=0.2)
    rows = decided([*GOER, failed], [over(), over("b", "3T2026"), *NEXT], told_before=before)
    assert why(rows) == ("none", "told before what comes after a/1T2026")


def test_a_letter_that_does_not_say_which_run_it_offered_told_of_all(decided: Decide) -> None:
    before = [told("1", f"next_course/{key('a', '1T2026')}/b")]
    rows = decided(GOER, [over(), *NEXT], told_before=before)
    assert why(rows) == ("none", "told before what comes after a/1T2026")


def test_a_run_that_can_be_begun_at_once_is_named_beside_the_one_that_begins_next(
    decided: Decide,
) -> None:
    at_any_time = run_of("b", "self", ends=date(2027, 12, 1), self_paced=True)
    row = one(decided(GOER, [over(), at_any_time, *NEXT]))
    assert (row["next_run"], row["other_run"]) == (key("b", "1T2027"), key("b", "self"))
    assert row["until"] == date(2027, 2, 14)


def test_a_certificate_that_is_awaited_is_the_reason_that_nothing_is_suggested(
    decided: Decide,
) -> None:
    due = certified("1", "b", "1T2026", certificate_delivered=False, certificate_type="N/A")
    rows = decided([*GOER, due], [over(), over("b"), *NEXT[:2]])
    assert why(rows) == (
        "none",
        "no course to suggest: passed b/1T2026 on a paid track and has no certificate of it",
    )


# The defects of the notebooks


def test_a_run_under_anothers_courses_name_congratulates_nobody(decided: Decide) -> None:
    """1: runs belong to the course whose key they begin with, in any spelling."""
    with pytest.raises(ValueError, match="but of a"):
        programme(runs=[{"course": "b", "run": "course-v1:UQx+A+3T2026"}])

    rows = decided(VERIFIER, [upgradable(run="3T2026"), *NEXT])
    assert one(rows)["course_id"] == "a"


@pytest.mark.parametrize("period", ["UQx_A_3T2026", "course-v1_UQx_A_3T2026", "uqx_a_3t2026"])
def test_a_run_is_the_same_in_any_spelling_of_an_earlier_mailing(
    decided: Decide, period: str
) -> None:
    """1: `course-v1:…` never equalled `Org_Course_Run`."""
    earlier = told(email="L1@example.org", period=period)
    rows = decided(VERIFIER, [upgradable(), *NEXT], told_before=[earlier])
    assert why(rows) == ("none", "told before to verify a/3T2026")


def test_the_capstone_does_not_make_three_courses_four_of_four(decided: Decide) -> None:
    """2."""
    rows = decided(
        [certified("1", course, "1T2026") for course in "abz"],
        [*(over(course) for course in "abz"), *NEXT],
    )
    row = one(rows)
    assert (row["certificates"], row["needed"], row["complete"]) == (3, 4, False)
    assert row["next_course"] == "c"


def test_an_audit_passer_with_three_certificates_is_told_a_course_and_no_empty_name(
    decided: Decide,
) -> None:
    """3: `successfully complete () as a verified learner`."""
    rows = decided(
        [*(certified("1", course, "1T2025") for course in "abc"), passed("1", "z", "3T2026")],
        [upgradable("z"), *NEXT],
    )
    row = one(rows)
    assert (row["decision"], row["group"], row["course_id"]) == ("letter", "verify", "z")
    assert (row["next_course"], row["next_run"]) == (None, None)


def test_a_letter_to_verify_never_calls_the_course_itself_the_next(decided: Decide) -> None:
    rows = decided(VERIFIER, [upgradable(ends=date(2026, 9, 20)), *NEXT])
    row = one(rows)
    assert (row["group"], row["next_course"], row["next_run"]) == ("verify", None, None)


def test_with_nothing_to_suggest_there_is_no_letter(decided: Decide) -> None:
    """3."""
    rows = decided(GOER, [over()])
    assert why(rows) == (
        "none",
        "no course to suggest: each that is still needed is in progress, awaits its certificate, or "
        "has no run that can be joined",
    )


def test_whoever_completed_the_programme_is_not_told_to_go_on(decided: Decide) -> None:
    rows = decided(
        [certified("1", course, "1T2026") for course in "abcz"],
        [*(over(course) for course in "abcz"), *NEXT],
        programmes=[programme(nudges_since=date(2026, 9, 15))],
    )
    assert why(rows) == (
        "none",
        "the programme is complete, and may have been before nudges_since (2026-09-15)",
    )


def test_no_letter_to_go_on_is_without_a_course_and_a_run(build: Build) -> None:
    """3, on results drawn by lot."""
    runs = [over(course, run) for course in "abcz" for run in ("1T2024", "2T2024", "1T2025")]
    rows = decide(build(some_results(5), [*runs, *NEXT[:2]]))
    going_on = rows.filter(pl.col("about").is_not_null(), group="next_course")

    assert going_on.height > 5
    assert going_on.select("next_course", "next_run", "until").null_count().row(0) == (0, 0, 0)


def test_a_later_run_that_was_failed_does_not_hide_an_earlier_pass(decided: Decide) -> None:
    """4: without a certificate the latest run won."""
    rows = decided(
        [passed("1", "a", "2T2026", grade=0.8), result("1", "a", "3T2026", grade=0.1)],
        [upgradable(run="2T2026", starts=date(2026, 7, 1)), upgradable(), *NEXT],
    )
    row = one(rows)
    assert (row["about"], row["grade"]) == (f"verify/{key('a', '2T2026')}", 0.8)


def test_decided_again_after_it_went_out_the_week_is_the_same_and_later_there_is_nothing(
    decided: Decide,
) -> None:
    """5: run twice, everything was sent twice."""
    runs = [upgradable(), *NEXT]
    first = decided(VERIFIER, runs)
    sent = told("1", one(first)["about"], TODAY, WEEK)

    assert_frame_equal(decided(VERIFIER, runs, told_before=[sent]), first)
    later = decided(VERIFIER, runs, told_before=[sent], today=TODAY + timedelta(days=7))
    assert why(later) == ("none", "told before to verify a/3T2026")


def test_there_is_one_letter_per_learner_and_week_about_the_nearest_deadline(
    decided: Decide,
) -> None:
    """5: several mails per learner and run."""
    rows = decided(
        [passed("1", "a", "3T2026"), passed("1", "b", "3T2026"), certified("1", "c", "1T2026")],
        [upgradable(), upgradable("b", upgrade_deadline=date(2026, 10, 5)), over("c"), *NEXT],
    )
    assert rows.height == 1
    assert one(rows)["about"] == f"verify/{key('b', '3T2026')}"


def test_apostrophes_stay_in_addresses(decided: Decide) -> None:
    """6."""
    irish = person("1", email="s.o'hara@example.org", username="o'hara")
    assert why(decided(VERIFIER, [upgradable()], learners=[irish]))[0] == "letter"


# Gates


def test_some_accounts_are_not_written_to(decided: Decide) -> None:
    staffed = programme(staff=["tutor1", "dean@elsewhere.example", "@uq.example"])
    expected: list[tuple[dict[str, str | None], str]] = [
        ({"email": None}, "no export has an e-mail address"),
        ({"email": "  "}, "no export has an e-mail address"),
        ({"email": "retired__user_ab12@retired.invalid"}, "the account is deleted"),
        ({"email": "ana.example.org"}, "the e-mail address is not valid"),
        ({"email": "ana@example.org, bo@example.org"}, "the e-mail address is not valid"),
        ({"email": "josé@example.org"}, "the e-mail address is not valid"),
        ({"username": "Tutor1"}, "on the programme's staff"),
        ({"email": "Dean@Elsewhere.example"}, "on the programme's staff"),
        ({"email": "x@UQ.example"}, "on the programme's staff"),
    ]
    names = [str(number) for number in range(len(expected))]
    rows = decided(
        [passed(name, "a", "3T2026") for name in names],
        [upgradable()],
        learners=[person(name, **cells) for name, (cells, _) in zip(names, expected, strict=True)],
        programmes=[staffed],
    )
    for name, (cells, reason) in zip(names, expected, strict=True):
        assert why(rows, name) == ("none", reason), cells
        assert one(rows, name)["about"] is not None


def test_a_domain_of_staff_is_that_domain_only(decided: Decide) -> None:
    student = person("1", email="x@student.uq.example")
    staffed = programme(staff=["@uq.example"])
    rows = decided(VERIFIER, [upgradable()], learners=[student], programmes=[staffed])
    assert why(rows)[0] == "letter"


def test_who_unsubscribed_is_not_written_to(decided: Decide) -> None:
    for line, stops in (
        ({"scope": "*", "email": "l1@example.org"}, True),
        ({"scope": "nudges.lead", "email": "l1@example.org"}, True),
        ({"scope": "nudges.lead", "recipient_key": recipient_key("1", SALT)}, True),
        ({"scope": "nudges.other", "email": "l1@example.org"}, False),
        ({"scope": "*", "email": "l2@example.org"}, False),
    ):
        row = {"recipient_key": None, "email": None, "reason": "unsubscribe"} | line
        found = why(decided(VERIFIER, [upgradable()], opted_out=[row]))
        assert (found == ("none", "unsubscribed, complained, or letters came back")) is stops, line
        assert (found[0] == "letter") is not stops, line


def preference(opted_in: bool, *, of: str = "lead", day: int = 1, **who: str) -> Row:
    return {
        "programme_id": of,
        "learner_id": None,
        "email": None,
        "opted_in": opted_in,
        "set_at": datetime(2026, 9, day),  # noqa: DTZ001 - UTC, as staging has it
    } | who


def test_the_newest_preference_at_edx_counts(decided: Decide) -> None:
    cases: list[tuple[list[Row], str | None]] = [
        ([preference(False, learner_id="1")], "opted out at edX"),
        ([preference(False, email="l1@example.org")], "opted out at edX"),
        (
            [preference(False, learner_id="1"), preference(True, day=2, email="l1@example.org")],
            None,
        ),
        (
            [preference(True, learner_id="1"), preference(False, email="l1@example.org")],
            "opted out at edX",
        ),
        ([preference(False, learner_id="2")], None),
        ([preference(False, of="other", learner_id="1")], None),
        ([], None),
    ]
    for lines, reason in cases:
        found = why(decided(VERIFIER, [upgradable()], opt_ins=lines))
        assert found == ("none", reason) if reason else found[0] == "letter", lines


def test_where_consent_is_required_silence_is_none(decided: Decide) -> None:
    strict = programme(opt_in_required=True, opt_in="*.csv")
    results = [*VERIFIER, passed("2", "a", "3T2026")]
    lines = [preference(True, learner_id="2")]
    rows = decided(results, [upgradable()], programmes=[strict], opt_ins=lines)

    assert why(rows) == ("none", "not on edX's opt-in list, which opt_in_required asks for")
    assert why(rows, "2")[0] == "letter"


def test_what_was_told_about_a_run_is_not_told_again(decided: Decide) -> None:
    for letter, again in (
        (told("1", f"verify/{key('a', '3T2026')}"), False),
        (told(email="l1@example.org", about=f"verify/{key('a', '3T2026')}"), False),
        (told(email="l1@example.org", about="verify/course-v1:UQx+A+3T2026"), False),
        (told(email="l1@example.org", period="UQx_A_3T2026"), False),
        (told("1", f"verify/{key('b', '3T2026')}"), True),
        (told("1", f"next_course/{key('a', '3T2026')}/b"), True),
        (told(email="l1@example.org", period="UQx_A_2T2026"), True),
        (told("2", f"verify/{key('a', '3T2026')}"), True),
    ):
        rows = decided(VERIFIER, [upgradable()], told_before=[letter])
        assert why(rows)[0] == ("letter" if again else "none"), letter


def test_another_next_course_of_the_same_run_is_no_news(decided: Decide) -> None:
    before = told("1", f"next_course/{key('a', '1T2026')}/b")
    rows = decided(
        [*GOER, result("1", "b", "3T2026")], [over(), upgradable("b"), *NEXT], told_before=[before]
    )
    assert why(rows) == ("none", "told before what comes after a/1T2026")


def test_a_reason_that_was_told_gives_way_to_one_that_was_not(decided: Decide) -> None:
    rows = decided(
        [passed("1", "a", "3T2026"), passed("1", "b", "3T2026")],
        [upgradable(), upgradable("b", upgrade_deadline=date(2026, 10, 5)), *NEXT],
        told_before=[told("1", f"verify/{key('b', '3T2026')}")],
    )
    assert one(rows)["about"] == f"verify/{key('a', '3T2026')}"


@pytest.mark.parametrize(
    ("available", "reason"),
    [
        (date(2026, 9, 15), "has a certificate of a/1T2026; next is b"),
        (date(2026, 9, 14), "no news since nudges_since (2026-09-15)"),
    ],
)
def test_what_became_news_before_nudges_since_is_not_told(
    decided: Decide, available: date, reason: str
) -> None:
    rows = decided(
        GOER,
        [over(certificates_available=available), *NEXT],
        programmes=[programme(nudges_since=date(2026, 9, 15))],
    )
    assert one(rows)["reason"] == reason


def test_an_upgrade_that_is_open_is_news_however_long_ago_the_run_began(decided: Decide) -> None:
    rows = decided(VERIFIER, [upgradable()], programmes=[programme(nudges_since=TODAY)])
    assert why(rows)[0] == "letter"


def test_before_nudges_since_nobody_is_written_to(decided: Decide) -> None:
    rows = decided(VERIFIER, [upgradable()], programmes=[programme(nudges_since=TOMORROW)])
    assert why(rows) == ("none", "nudges begin on 2026-10-02")


@pytest.mark.parametrize(
    ("second", "decision"), [(date(2026, 9, 2), "none"), (date(2026, 9, 1), "letter")]
)
def test_nobody_gets_more_letters_than_the_cap_in_thirty_days_whatever_the_programme(
    decided: Decide, second: date, decision: str
) -> None:
    before = [
        told("1", "verify/UQx_B_1", date(2026, 9, 30), "2026-W39", of="other"),
        told(None, "verify/UQx_C_1", second, "2026-W36", email="l1@example.org"),
    ]
    rows = decided(VERIFIER, [upgradable()], told_before=before)
    assert why(rows)[0] == decision
    if decision == "none":
        assert why(rows)[1] == "has had 2 letters or more in the last 30 days"


def test_a_letter_in_ledger_and_history_counts_once(decided: Decide) -> None:
    letter = told("1", "verify/UQx_B_1", YESTERDAY, "2026-W39")
    line = {**letter, "recipient_key": None, "email": "l1@example.org"}
    rows = decided(VERIFIER, [upgradable()], told_before=[letter, line])
    assert why(rows)[0] == "letter"


def test_another_letter_of_the_week_leaves_no_room_for_this_one(decided: Decide) -> None:
    out = told("1", "verify/UQx_X_1", TODAY, WEEK, of="other")
    rows = decided(VERIFIER, [upgradable()], told_before=[out])
    assert why(rows) == ("none", "has another letter of this week already")


def test_another_programmes_letter_of_the_week_about_the_same_run_is_not_this_ones(
    decided: Decide,
) -> None:
    out = told("1", f"verify/{key('a', '3T2026')}", TODAY, WEEK, of="other")
    rows = decided(VERIFIER, [upgradable()], told_before=[out])
    assert why(rows) == ("none", "has another letter of this week already")


def test_this_weeks_letter_stays_when_a_stronger_reason_comes(decided: Decide) -> None:
    out = told("1", going_on("c", "1T2026", "b"), TODAY, WEEK)
    results = [*VERIFIER, certified("1", "c", "1T2026")]
    rows = decided(results, [upgradable(), over("c"), *NEXT], told_before=[out])
    assert (why(rows)[0], one(rows)["about"]) == ("letter", out["about"])


def test_two_accounts_with_one_address_get_one_letter(decided: Decide) -> None:
    rows = decided(
        [passed("1", "a", "3T2026"), passed("2", "b", "3T2026")],
        [upgradable(), upgradable("b", upgrade_deadline=date(2026, 10, 5)), *NEXT],
        learners=[person("1", email="same@example.org"), person("2", email=" Same@Example.org")],
    )
    assert why(rows, "1") == ("none", "another account with the same address comes first")
    assert why(rows, "2")[0] == "letter"


def test_what_one_account_was_told_this_week_holds_for_its_twin(decided: Decide) -> None:
    twins = [person("1", email="same@example.org"), person("2", email="same@example.org")]
    out = told("1", f"verify/{key('b', '3T2026')}", TODAY, WEEK)
    results = [passed("2", "a", "3T2026"), result("1", "b", "3T2026", grade=0.1)]
    rows = decided(results, [upgradable(), upgradable("b")], learners=twins, told_before=[out])
    assert why(rows, "2") == ("none", "has another letter of this week already")


OTHER = programme(
    id="other",
    courses=[{"id": "o", "title": "UQx_O", "pass_mark": 0.65}],
    capstone=None,
)
OF_OTHER = {
    "programme_id": "other",
    "course_id": "o",
    "position": 1,
    "run": key("o", "3T2026"),
}


def in_both(decided: Decide, deadline: date, **options: Any) -> pl.DataFrame:
    """A learner with a reason in two programmes, `lead` until 20 October."""
    run = {**upgradable(upgrade_deadline=deadline), **OF_OTHER}
    return decided(
        [passed("1", "a", "3T2026"), {**passed("1", "a", "3T2026"), **OF_OTHER}],
        [upgradable(), run],
        **{"programmes": [programme(), OTHER]} | options,
    )


@pytest.mark.parametrize(
    ("deadline", "winner", "loser"),
    [(date(2026, 10, 5), "other", "lead"), (date(2026, 10, 20), "lead", "other")],
)
def test_of_two_programmes_the_stronger_reason_wins_then_the_order_of_the_settings(
    decided: Decide, deadline: date, winner: str, loser: str
) -> None:
    rows = in_both(decided, deadline)
    assert why(rows, of=winner)[0] == "letter"
    assert why(rows, of=loser) == ("none", f"the letter of {winner} comes first this week")


def test_of_equal_reasons_the_first_programme_wins_whatever_the_accounts(decided: Decide) -> None:
    same = [person(learner, email="same@example.org") for learner in "12"]
    rows = decided(
        [passed("2", "a", "3T2026"), {**passed("1", "a", "3T2026"), **OF_OTHER}],
        [upgradable(), {**upgradable(), **OF_OTHER}],
        learners=same,
        programmes=[programme(), OTHER],
    )
    assert why(rows, "2")[0] == "letter"
    assert why(rows, "1", "other") == ("none", "the letter of lead comes first this week")


def test_without_a_capstone_the_courses_are_all_that_is_needed(decided: Decide) -> None:
    row = one(in_both(decided, TOMORROW), of="other")
    assert (row["certificates"], row["needed"]) == (0, 1)


def test_whoever_a_programme_holds_out_may_get_anothers_letter(decided: Decide) -> None:
    learner = held_out()
    rows = decided(
        [passed(learner, "a", "3T2026"), {**passed(learner, "a", "3T2026"), **OF_OTHER}],
        [upgradable(), {**upgradable(), **OF_OTHER}],
        programmes=[programme(held_out=0.5), OTHER],
    )
    assert (why(rows, learner)[0], why(rows, learner, "other")[0]) == ("held_out", "letter")


def test_the_lot_is_the_same_every_week_and_near_the_share() -> None:
    ids = [str(n) for n in range(4000)]
    some = {n for n in ids if is_held_out("lead", n, 0.1, SALT)}
    more = {n for n in ids if is_held_out("lead", n, 0.2, SALT)}
    elsewhere = {n for n in ids if is_held_out("other", n, 0.1, SALT)}

    assert 320 < len(some) < 480  # 400 ± 4 standard deviations
    assert some < more
    assert some != elsewhere
    assert not any(is_held_out("lead", n, 0, SALT) for n in ids)
    assert some == {n for n in ids if is_held_out("lead", n, 0.1, SALT)}


def held_out(share: float = 0.5) -> str:
    """A learner whom the lot holds out of `lead`, by the address that `person` has."""
    addresses = {str(n): person(str(n))["email"] for n in range(99)}
    return next(n for n, of in addresses.items() if is_held_out("lead", of, share, SALT))


def test_who_is_held_out_gets_no_letter_and_has_a_reason_for_one(decided: Decide) -> None:
    learner = held_out()
    rows = decided(
        [passed(learner, "a", "3T2026")], [upgradable()], programmes=[programme(held_out=0.5)]
    )
    row = one(rows, learner)
    assert row["decision"] == "held_out"
    assert row["about"] == f"verify/{key('a', '3T2026')}"
    assert row["reason"] == (
        "drawn to get none, so that the effect can be measured; else: passed a/3T2026 on audit; the "
        "upgrade is open until 2026-10-20"
    )


def test_only_those_who_would_get_a_letter_are_held_out(decided: Decide) -> None:
    learner = held_out()
    rows = decided(
        [passed(learner, "a", "3T2026")],
        [upgradable()],
        programmes=[programme(held_out=0.5)],
        learners=[person(learner, email=None)],
    )
    assert why(rows, learner) == ("none", "no export has an e-mail address")


def test_a_twin_of_who_is_held_out_gets_no_letter_either(decided: Decide) -> None:
    learner, twin = held_out(), "100"
    address = person(learner)["email"]
    same = [person(learner), person(twin, email=f" {address.upper()}")]
    rows = decided(
        [passed(learner, "a", "3T2026"), passed(twin, "a", "3T2026")],
        [upgradable()],
        programmes=[programme(held_out=0.5)],
        learners=same,
    )
    assert (why(rows, learner)[0], why(rows, twin)[0]) == ("held_out", "none")


def test_a_person_with_two_accounts_is_one_draw(decided: Decide) -> None:
    """Else the account that comes first in a week, and so the lot, would change with the runs."""
    addresses = [f"l{n}@example.org" for n in range(40)]
    twins = [person(f"{n}", email=of) for n, of in enumerate(addresses)]
    twins += [person(f"{n + 100}", email=of) for n, of in enumerate(addresses)]

    def drawn(*first: int) -> set[str]:
        rows = decided(
            [passed(f"{n + account}", "a", "3T2026") for n in range(40) for account in first],
            [upgradable()],
            programmes=[programme(held_out=0.5)],
            learners=twins,
        )
        return {str(int(n) % 100) for n in rows.filter(decision="held_out")["learner_id"]}

    assert drawn(0) == drawn(100) == drawn(0, 100) != set()


def test_a_million_learners_have_keys_of_their_own_and_teachers_keep_theirs() -> None:
    """80 bits: a chance of one in a million million that two of a million are the same."""
    key_of_one = recipient_key("100234", SALT)
    assert (key_of_one[:2], len(key_of_one)) == ("l_", 22)
    assert opaque_key("teacher", "0042") == "t_" + hashlib.sha256(b"teacher:0042").hexdigest()[:12]


# What went out since


def to_tell(letter: Row | None = None, unwanted: Row | None = None) -> list[str]:
    """Learners 1 and 2, both with a letter to verify, as far as nobody has written since."""
    run = key("a", "3T2026")
    about = {"about": f"verify/{run}", "group": "verify", "as_of": TODAY, "programme_id": "lead"}
    rows = [{**person(n), **about} for n in "12"]
    found = still_to_tell(
        pl.DataFrame(rows),
        frame([letter] if letter else [], TOLD_BEFORE),
        frame([unwanted] if unwanted else [], OPTED_OUT),
        SALT,
    )
    return found["learner_id"].to_list()


@pytest.mark.parametrize(
    ("letter", "left"),
    [
        (None, ["1", "2"]),
        (told("1", f"verify/{key('a', '3T2026')}", TODAY, WEEK), ["2"]),
        (told("1", "verify/UQx_X_1", TODAY, WEEK, of="other"), ["2"]),
        (told(about=None, email="l2@example.org", sent_on=TODAY, period=WEEK), ["1"]),
        (told(about=f"verify/{key('a', '3T2026')}", email="l2@example.org"), ["1"]),
        (told("2", "verify/UQx_X_1"), ["1", "2"]),
    ],
)
def test_another_mailer_is_not_given_those_who_have_been_told(
    letter: Row | None, left: list[str]
) -> None:
    assert to_tell(letter) == left


def test_another_mailer_is_not_given_those_who_unsubscribed_since() -> None:
    row = {"scope": "*", "reason": "unsubscribe"}
    assert to_tell(unwanted={**row, "email": "l1@example.org"}) == ["2"]
    assert to_tell(unwanted={**row, "recipient_key": recipient_key("2", SALT)}) == ["1"]
    assert to_tell(unwanted={**row, "scope": "nudges.other", "email": "l1@example.org"}) == [
        *"12",
    ]


# The whole table


def test_every_learner_of_a_programme_has_a_row_with_a_reason(build: Build) -> None:
    tables = build(some_results(3), [over("a", "1T2024"), *NEXT])
    rows = decide(tables)

    everybody = tables.read("programme_progress")["learner_id"]
    assert set(rows["learner_id"]) == set(everybody)
    assert (rows["reason"].str.len_chars() > 3).all()


def test_the_order_of_rows_does_not_matter(build: Build) -> None:
    results = some_results(4)
    runs = [over(course, run) for course in "abcz" for run in ("1T2024", "1T2025")]

    def whole(rows: list[Row]) -> pl.DataFrame:
        return decide(build(rows, [*runs, *NEXT])).sort("learner_id")

    assert_frame_equal(whole(results), whole(results[::-1]))


def test_without_learners_or_programmes_the_table_is_empty(build: Build) -> None:
    assert decide(build([])).is_empty()
    tables = build([])
    tables.programmes = ()
    nothing = Remembered(
        pl.DataFrame(schema=OPT_INS),
        pl.DataFrame(schema=OPTED_OUT),
        pl.DataFrame(schema=TOLD_BEFORE),
        SALT,
    )
    assert nudges([], people(tables.con, []), nothing, TODAY).is_empty()


def test_the_summary_counts_everybody_once_letters_first(build: Build) -> None:
    tables = build(
        [passed("1", "a", "3T2026"), *(passed(n, "b", "3T2026") for n in "234"), result("5", "a")],
        [upgradable(), upgradable("b", upgrade_deadline=None)],
        learners=[person(n) for n in "12345"],
    )
    write_table(tables.con, "nudges", decide(tables))
    summary = NudgeSummary.validate(nudge_summary(nudge_counts(tables.con)))

    assert summary["sentence"].to_list() == [
        "1 gets a letter: passed a/3T2026 on audit; the upgrade is open until 2026-10-20",
        "3 get no letter: b/3T2026 has no upgrade_deadline",
        "1 gets no letter: no run passed",
    ]


def test_what_is_remembered_of_an_address_follows_the_learner_to_their_new_one(
    build: Build,
) -> None:
    people = [person("1", email=" New@example.org"), person("2", email=None), person("3")]
    con = build([result(one, "a") for one in "123"], learners=people).con
    former = [("1", "old@example.org"), ("2", "old@example.org"), ("3", "older@example.org")]
    write_table(
        con, "stg_former_addresses", pl.DataFrame(former, ["learner_id", "address"], orient="row")
    )
    out = [
        {"scope": "*", "recipient_key": None, "email": "old@example.org", "reason": "unsubscribe"},
        {"scope": "*", "recipient_key": "l_1", "email": None, "reason": "complaint"},
    ]
    found = at_current_addresses(con, pl.DataFrame(out, schema=OPTED_OUT))
    assert found.schema == OPTED_OUT
    assert found.select("recipient_key", "email").sort("email", nulls_last=True).rows() == [
        (None, "new@example.org"),
        (None, "old@example.org"),
        ("l_1", None),
    ]
