"""Which weeks' letters a problem holds."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from edu_pipeline.landing.sources.school.school_problems import shape_problems
from edu_pipeline.landing.zone import fingerprint
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.gate import holds, mail_gate, standing
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.settings.landing import Landing

SINCE = datetime(2026, 9, 20, 8, 30, tzinfo=UTC)
FIRST, SECOND, THIRD = date(2026, 9, 7), date(2026, 9, 14), date(2026, 9, 21)


def problem(message: str, first: date | None = None, class_id: str | None = None) -> pl.DataFrame:
    row = {
        "id": message,
        "holds": "letters",
        "message": message,
        "first_date": first,
        "class_id": class_id,
        "rows": 1,
        "table": "attendance",
        "since": SINCE.replace(tzinfo=None),
    }
    return pl.DataFrame([row], schema=dtypes(LandingProblems))


def gate_of(
    *problems: pl.DataFrame,
    on_problem: Literal["hold", "hold_affected"] = "hold",
    released: tuple[str, ...] = (),
    at: datetime = SINCE,
) -> pl.DataFrame:
    frame = pl.concat([LandingProblems.create_empty(), *problems])
    weeks = [FIRST, SECOND, THIRD]
    releases = pl.DataFrame(
        [(name, at) for name in released],
        schema={"id": pl.String, "at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    return mail_gate(frame, weeks, "f", on_problem=on_problem, releases=releases)


def held(gate: pl.DataFrame, *class_ids: str) -> list[str | None]:
    return [holds(gate, week, class_ids) for week in (FIRST, SECOND, THIRD)]


def test_without_problems_every_week_is_open() -> None:
    gate = gate_of()
    assert gate["open"].to_list() == [True, True, True]
    assert held(gate, "7A") == [None, None, None]


def test_a_problem_without_a_date_holds_every_week() -> None:
    assert held(gate_of(problem("No staff.")), "7A") == ["No staff."] * 3


def test_a_dated_problem_holds_its_week_and_those_after() -> None:
    gate = gate_of(problem("QT?", date(2026, 9, 20)))
    assert held(gate, "7A") == [None, "QT?", "QT?"]


def test_a_problem_of_the_next_monday_does_not_hold_the_week_before() -> None:
    assert held(gate_of(problem("QT?", THIRD)), "7A") == [None, None, "QT?"]


def test_hold_holds_every_class_and_hold_affected_only_those_concerned() -> None:
    concerned = problem("QT?", SECOND, "7A")
    assert held(gate_of(concerned), "7B") == [None, "QT?", "QT?"]
    affected = gate_of(concerned, on_problem="hold_affected")
    assert held(affected, "7B") == [None, None, None]
    assert held(affected, "7B", "7A") == [None, "QT?", "QT?"]


def test_a_problem_of_no_class_in_particular_holds_all_under_hold_affected_too() -> None:
    gate = gate_of(problem("No staff."), on_problem="hold_affected")
    assert held(gate, "7B") == ["No staff."] * 3


def test_absences_alone_read_as_all_marks_hold_every_class_and_week() -> None:
    found = problems_frame(shape_problems(500, 0, Landing()))
    gate = gate_of(found, on_problem="hold_affected")
    assert held(gate, "7A") == [found["message"].item()] * 3


def test_a_message_about_several_classes_is_told_once() -> None:
    two = (problem("QT?", FIRST, "7A"), problem("QT?", FIRST, "7B"))
    assert held(gate_of(*two), "7A", "7B") == ["QT?"] * 3
    assert held(gate_of(*two, on_problem="hold_affected"), "7A", "7B") == ["QT?"] * 3
    assert gate_of(*two).height == 3


def test_several_problems_are_all_told() -> None:
    assert held(gate_of(problem("One."), problem("Two.", SECOND)), "7A") == [
        "One.",
        "One. Two.",
        "One. Two.",
    ]


def test_a_released_problem_holds_nothing_and_the_others_go_on_holding() -> None:
    problems = (problem("One."), problem("Two.", SECOND))
    assert held(gate_of(*problems, released=("One.",)), "7A") == [None, "Two.", "Two."]
    assert held(gate_of(*problems, released=("One.", "Two.")), "7A") == [None] * 3
    assert held(gate_of(*problems, released=("Three.",)), "7A")[0] == "One."


def test_a_release_counts_only_as_long_as_the_problem_never_went_away() -> None:
    # released at half past eight; a refresh found the problem anew a second later
    earlier = SINCE - timedelta(seconds=1)
    assert held(gate_of(problem("One."), released=("One.",), at=earlier), "7A") == ["One."] * 3


def test_a_problem_stands_once_with_all_its_classes() -> None:
    frame = pl.concat(
        [problem("QT?", SECOND, "7B"), problem("QT?", SECOND, "7A"), problem("No staff.")]
    )
    assert standing(frame).select("id", "first_date", "class_ids").rows() == [
        ("QT?", SECOND, ["7A", "7B"]),
        ("No staff.", None, []),
    ]


def test_a_week_that_no_refresh_has_looked_at_is_held() -> None:
    told = holds(gate_of(), date(2026, 9, 28), ["7A"])
    assert told == "No refresh has looked at this week yet. Run one, then send."


def test_the_gate_names_what_it_rests_on() -> None:
    assert gate_of(problem("One."))["refresh"].unique().to_list() == ["f"]


def test_fingerprints_are_equal_exactly_when_the_files_are() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    others = [{"a": "1"}, {"a": "2", "b": "1"}, {"a": "1", "c": "2"}, {}]
    assert len({fingerprint(files) for files in [*others, {"a": "1", "b": "2"}]}) == 5
