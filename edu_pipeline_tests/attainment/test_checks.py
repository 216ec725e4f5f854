from dataclasses import replace

from edu_pipeline.attainment.checks import agreement, anonymity, whole_grades
from edu_pipeline.attainment.shareable import shareable
from edu_pipeline_tests.attainment.conftest import (
    NOTHING_STATED,
    Entry,
    settings,
    stated,
    tables,
)

ENTRIES: list[Entry] = [
    ("ana secret", "Maths", [None, None, 5, 4]),
    ("bo secret", "Maths", [None, None, 5, 4.5]),
    ("cy secret", "Art", [None, None, 5, 4]),
]


def test_differences_that_agree_need_nothing() -> None:
    differences = stated({("ana secret", "Maths"): 1.0, ("bo secret", "Maths"): 0.5})

    for given in (differences, NOTHING_STATED):
        found = tables(ENTRIES, differences=given).attainment_disagreements
        assert agreement(found, given) == (True, [])


def test_differences_that_disagree_are_counted_and_nobody_is_named() -> None:
    differences = stated({("ana secret", "Maths"): 2.0, ("bo secret", "Maths"): 0.5})

    found = tables(ENTRIES, differences=differences).attainment_disagreements
    assert agreement(found, differences) == (
        False,
        [
            "2026: of 2 differences that the export states, 1 is not what is computed here. Whose and "
            "in what is on the staff page, “How to read it”, and in attainment_disagreements."
        ],
    )


def test_an_export_that_subtracts_the_other_way_round_is_told_so() -> None:
    differences = stated({("ana secret", "Maths"): -1.0, ("bo secret", "Maths"): -0.5})

    found = tables(ENTRIES, differences=differences).attainment_disagreements
    _, sentences = agreement(found, differences)
    assert "the export subtracts the result from the baseline" in sentences[0]


def test_baselines_between_grades_ask_for_a_decision() -> None:
    passed, sentences = whole_grades(tables(ENTRIES), settings())

    assert not passed
    assert sentences[0].startswith(
        "2026: 33\u00a0% of baselines are not whole grades; none of these"
    )
    assert "baseline_rounding" in sentences[0]
    for changes in ({"tolerance": 0.5}, {"baseline_rounding": "down"}):
        assert whole_grades(tables(ENTRIES, **changes), settings(**changes)) == (True, [])
    assert whole_grades(tables(ENTRIES[:1]), settings()) == (True, [])


def test_how_many_their_subjects_would_identify_is_said_without_failing() -> None:
    found = tables(ENTRIES)

    passed, sentences = anonymity(found, shareable(found, settings()), settings())
    assert passed
    assert sentences[0].startswith(
        "2026: 1 of 3 students are the only one with their set of subjects, and 3 share it with "
        "fewer than 10 in all."
    )
    assert not any("secret" in sentence for sentence in sentences)


def test_a_small_number_in_the_shareable_edition_fails() -> None:
    found = tables(ENTRIES)
    leaky = replace(shareable(found, settings()), attainment_progress=found.attainment_progress)

    passed, sentences = anonymity(found, leaky, settings())
    assert not passed
    assert "Do not pass it on" in sentences[-1]
