"""Programme certificates that edX issued, beside who is complete: every way in which they may differ."""

from datetime import date

from edu_pipeline.facts.certificates_issued import certificates_issued
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import ProgrammeCertificates
from edu_pipeline_tests.programmes.conftest import Build, Row, certified, frame, run_of

ENDED = {"ends": date(2025, 6, 1)}
RUNS = [run_of(course, "1T2025", **ENDED) for course in "abcz"]


def whole(learner: str) -> list[Row]:
    return [certified(learner, course) for course in "abcz"]


def listed(learner: str, day: date | None, *, issued: bool = True) -> dict[str, object]:
    return {
        "programme_id": "lead",
        "learner_id": learner,
        "issued": issued,
        "issued_on": day,
        "listed_on": date(2025, 7, 1),
        "file": "micromasters/lead/program_certificates.csv",
        "line": 2,
    }


def test_both_ways_have_their_reasons(build: Build) -> None:
    tables = build(
        [*whole("1"), *whole("2"), certified("3", "a"), certified("3", "z"), certified("5", "a")],
        RUNS,
    )
    day = date(2025, 6, 20)
    rows = [listed("1", day), listed("3", day), listed("4", None), listed("5", None, issued=False)]
    write_table(
        tables.con, "stg_programme_certificates", frame(rows, dtypes(ProgrammeCertificates))
    )
    found = certificates_issued(tables.con, tables.programmes)
    assert found.select("learner_id", "issued", "complete", "reason", "missing").rows() == [
        ("1", True, True, "issued, and complete", None),
        ("2", False, True, "complete, and none issued", None),
        ("3", True, False, "issued, and not complete by the exports", "b, c"),
        ("4", True, False, "issued, and no export of a run has the learner", None),
    ]


def test_without_a_list_there_is_nothing_to_compare(build: Build) -> None:
    tables = build(whole("1"), RUNS)
    write_table(tables.con, "stg_programme_certificates", ProgrammeCertificates.create_empty())
    assert certificates_issued(tables.con, tables.programmes).is_empty()


def test_who_completed_after_the_list_was_made_is_no_difference(build: Build) -> None:
    late = [run_of(course, "1T2025", ends=date(2025, 8, 1)) for course in "abcz"]
    tables = build([*whole("1")], late)
    rows = [listed("9", None)]
    write_table(
        tables.con, "stg_programme_certificates", frame(rows, dtypes(ProgrammeCertificates))
    )
    found = certificates_issued(tables.con, tables.programmes)
    assert dict(found.select("learner_id", "reason").iter_rows())["1"] == (
        "complete since the list was made"
    )
