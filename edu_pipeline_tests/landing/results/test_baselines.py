"""Baselines that come in a file of their own: other names, other subjects, half grades."""

from edu_pipeline_tests.landing.results.conftest import (
    Read,
    kinds,
    problems,
    rejected,
    results,
)

RESULTS = (
    "UPN,Name,Subject,Series,Grade\n"
    "A1,Zoë O'Brien,Maths,GCSE,5\n"
    "A1,Zoë O'Brien,Eng Lang,GCSE,6\n"
    "A2,Bo Li,Maths,GCSE,4\n"
    "A3,Cy Day-Lewis,Maths,GCSE,3\n"
)


def baselines(landed: object) -> list[tuple[object, ...]]:
    return [row for row in results(landed) if row[2] == "BASELINE"]  # type: ignore[arg-type]


def test_names_match_by_case_accents_punctuation_order_and_spaces(read: Read) -> None:
    landed = read(
        {
            "2026/results.csv": RESULTS,
            "2026/Yellis 2024.csv": (
                "Student;Score;Band;Mathematics;English Language;German;Overall\n"
                "OBRIEN, Zoe;112;A;5,5;6,2;5;5,8\n"
                "bo   LI;90;C;3.4;3.1;3;3.3\n"
                "Day Lewis,  Cy;80;D;2.9;;;2.7\n"
            ),
        }
    )
    assert baselines(landed) == [
        ("A1", "Eng Lang", "BASELINE", 6.2),
        ("A1", "Maths", "BASELINE", 5.5),
        ("A2", "Maths", "BASELINE", 3.4),
        ("A3", "Maths", "BASELINE", 2.9),
    ]
    assert landed.students["in_baseline"].all()
    assert kinds(landed) == {"not_read"}
    assert problems(landed, "not_read")["message"].to_list() == [
        "2026/Yellis 2024.csv: 3 baselines are not used, of subjects that the student does not take."
    ]
    assert ("2026", "A1", None, "Band", "A") in landed.groups.rows()


def test_who_is_unmatched_is_counted_named_aside_and_never_guessed(read: Read) -> None:
    landed = read(
        {
            "2026/results.csv": RESULTS,
            "2026/baseline.csv": "Name,Maths\nZoe O'Brian,5.5\nBo Li,4\nBo-Anne Li,3\n",
        }
    )
    assert baselines(landed) == [("A2", "Maths", "BASELINE", 4.0)]
    (row,) = problems(landed, "unmatched_baseline").rows(named=True)
    assert row["number"] == 2
    assert row["message"].startswith("2026/baseline.csv: 2 of 3 unmatched: in no result of 2026.")
    assert row["who"] == "Bo-Anne Li; Zoe O'Brian"
    assert "Zoe" not in row["message"]
    assert rejected(landed) == [(2, "unmatched_baseline", None), (4, "unmatched_baseline", None)]
    assert landed.students.filter("in_baseline")["student_id"].to_list() == ["A2"]


def test_two_of_one_name_are_ambiguous_in_results_and_in_baselines(read: Read) -> None:
    twins = RESULTS + "A4,Bo Lí,Maths,GCSE,2\n"
    landed = read({"2026/r.csv": twins, "2026/fft.csv": "Name,Maths\nBo Li,4\nCy Day-Lewis,3\n"})
    assert baselines(landed) == [("A3", "Maths", "BASELINE", 3.0)]
    (row,) = problems(landed, "unmatched_baseline").rows(named=True)
    assert "1 of 2 unmatched: of a name that several have" in row["message"]
    landed = read(
        {"2026/r.csv": RESULTS, "2026/fft.csv": "MIS ID,Name,Maths\n71,Bo Li,4\n72,Bo Li,5\n"}
    )
    assert baselines(landed) == []
    assert problems(landed, "unmatched_baseline")["number"].to_list() == [1]


def test_of_one_name_and_different_ids_of_a_kind_are_two_and_that_is_said(read: Read) -> None:
    landed = read(
        {
            "2026/r.csv": "UPN,Adno,Name,Maths GCSE\nA1,7,Ada Moss,5\n,8,Bo Li,4\nA3,9,Cy Day,3\n",
            "2026/yellis.csv": "UPN,Name,Maths\nB9,Ada Moss,8.5\nB8,Bo Li,4.5\nB7,Di Ash,2\n",
        }
    )
    # Bo has no UPN in the results that could be another
    assert baselines(landed) == [("8", "Maths", "BASELINE", 4.5)]
    (row,) = problems(landed, "unmatched_baseline").rows(named=True)
    assert row["number"] == 2
    assert row["who"] == "Ada Moss (another id in the results); Di Ash"
    assert row["message"].startswith(
        "2026/yellis.csv: 2 of 3 unmatched: 1 in no result of 2026, 1 with another id in the results."
    )
    assert (
        "if its ids are the school's own, correct them; else take their column out"
        in row["message"]
    )
    assert rejected(landed) == [(2, "unmatched_baseline", None), (4, "unmatched_baseline", None)]


def test_ids_that_nobody_says_the_kind_of_contradict_only_where_files_share_some(
    read: Read,
) -> None:
    files = {
        "2026/r.csv": "Student ID,Name,Maths GCSE\n1001,Ada Moss,5\n1002,Bo Li,4\n",
        "2026/yellis.csv": "ID,Name,Maths\n1,Ada Moss,5.5\n2,Bo Li,4.5\n",
    }
    assert baselines(read(files)) == [
        ("1001", "Maths", "BASELINE", 5.5),
        ("1002", "Maths", "BASELINE", 4.5),
    ]
    files["2026/yellis.csv"] = "ID,Name,Maths\n1,Ada Moss,5.5\n1002,Bo Li,4.5\n"
    assert baselines(read(files)) == [("1002", "Maths", "BASELINE", 4.5)]


def test_an_id_that_two_share_is_told_by_their_names(read: Read) -> None:
    landed = read(
        {
            "2026/r.csv": "UPN,ULN,Name,Maths GCSE\nA1,5,Ada Moss,5\nA2,5,Bo Li,4\n",
            "2026/yellis.csv": "ULN,Name,Maths\n5,Bo Li,4.5\n",
        }
    )
    assert baselines(landed) == [("A2", "Maths", "BASELINE", 4.5)]


def test_an_id_wins_over_a_name_and_zeros_that_excel_took_do_not_matter(read: Read) -> None:
    landed = read(
        {
            "2026/r.csv": "Adno,Name,Maths GCSE\n0071,Ada Moss,5\n0072,Bo Li,4\n",
            "2026/midyis.csv": "Admission Number,Name,Maths\n71,Ada Married,5.5\n72,Bo Li,4.5\n",
        }
    )
    assert baselines(landed) == [
        ("0071", "Maths", "BASELINE", 5.5),
        ("0072", "Maths", "BASELINE", 4.5),
    ]


def test_subjects_match_by_known_spellings_and_by_the_settings(read: Read) -> None:
    files = {
        "2026/r.csv": "UPN,Subject,Series,Grade\nA1,Maths,GCSE,5\nA1,World Views,GCSE,4\n",
        "2026/cat4.csv": "UPN,Subject,Predicted Grade\nA1,Mathematics,5.5\nA1,RS,4.5\n",
    }
    landed = read(files)
    assert baselines(landed) == [("A1", "Maths", "BASELINE", 5.5)]
    (message,) = problems(landed, "unknown_subject")["message"]
    assert "2026/cat4.csv has no baseline for World Views (1 entry), and has RS" in message
    assert message.endswith('[attainment.subjects]\n"RS" = "…"')
    known = read(files, {"subjects": {"RS": "World Views"}})
    assert baselines(known) == [
        ("A1", "Maths", "BASELINE", 5.5),
        ("A1", "World Views", "BASELINE", 4.5),
    ]
    assert not kinds(known)


def test_one_figure_per_student_counts_for_all_subjects_only_where_the_settings_say_so(
    read: Read,
) -> None:
    files = {
        "2026/r.csv": RESULTS,
        "2026/cat4.csv": "UPN,Verbal SAS,Mean SAS,GCSE indicator\nA1,112,110,5.5\nA2,88,90,4\n",
    }
    landed = read(files)
    assert baselines(landed) == []
    (message,) = problems(landed, "overall_baseline")["message"]
    assert message.endswith('[attainment]\noverall_baseline = "every_subject"')
    used = read(files, {"overall_baseline": "every_subject"})
    assert baselines(used) == [
        ("A1", "Eng Lang", "BASELINE", 5.5),
        ("A1", "Maths", "BASELINE", 5.5),
        ("A2", "Maths", "BASELINE", 4.0),
    ]


def test_standardised_scores_are_not_taken_for_grades(read: Read) -> None:
    landed = read(
        {"2026/r.csv": RESULTS, "2026/cat4.csv": "UPN,Maths\nA1,112\nA2,88\n"},
        {"overall_baseline": "every_subject"},
    )
    assert baselines(landed) == []
    assert kinds(landed) & {"unknown_grade", "not_understood"}


def test_a_loose_baseline_is_of_the_only_cohort_or_says_what_to_do(read: Read) -> None:
    yellis = "Name,Maths\nBo Li,4.5\n"
    landed = read({"y11.csv": RESULTS, "yellis.csv": yellis})
    assert baselines(landed) == [("A2", "Maths", "BASELINE", 4.5)]
    assert set(landed.results["cohort"]) == {"y11"}
    landed = read({"y11.csv": RESULTS, "y10.csv": RESULTS, "yellis.csv": yellis})
    assert baselines(landed) == []
    (message,) = problems(landed, "no_cohort")["message"]
    assert "there are 2 cohorts that it may be of (y10 and y11)" in message
    assert "attainment/y10/" in message
    landed = read({"yellis.csv": yellis})
    assert "there are no results that it may be of" in landed.notes["message"].item()


def test_a_file_that_is_said_to_be_a_baseline_is_one_whatever_it_is_called(read: Read) -> None:
    files = {"r.csv": RESULTS, "predictions.csv": "UPN,Maths\nA1,5.5\nA2,4.5\n"}
    landed = read(files, baselines=["predictions.csv"], cohort="2026")
    assert baselines(landed) == [
        ("A1", "Maths", "BASELINE", 5.5),
        ("A2", "Maths", "BASELINE", 4.5),
    ]


def test_a_mock_is_no_baseline_even_in_a_file_called_so_and_baselines_of_two_kinds_must_agree(
    read: Read,
) -> None:
    landed = read(
        {
            "2026/r.csv": RESULTS + "A1,Zoë O'Brien,Maths,BASELINE,5\n",
            "2026/yellis.csv": "UPN,Maths\nA1,5.5\nA2,4.5\n",
        }
    )
    assert baselines(landed) == [("A2", "Maths", "BASELINE", 4.5)]
    (row,) = problems(landed, "duplicate_result").rows(named=True)
    assert row["number"] == 1
    assert row["message"].startswith(
        "2026: two baselines given, in 2026/r.csv and 2026/yellis.csv, and they differ for 1 entry"
    )
    assert row["who"] == "Zoë O'Brien (Maths)"
