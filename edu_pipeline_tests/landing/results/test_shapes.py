"""Exports of every shape, read without a word of configuration."""

import pytest

from edu_pipeline_tests.landing.results.conftest import (
    Read,
    held,
    kinds,
    problems,
    rejected,
    results,
    workbook,
)

ADA_AND_BO = [
    ("ada moss", "English Lit.", "GCSE", 6.0),
    ("ada moss", "Maths", "GCSE", 5.0),
    ("ada moss", "Maths", "MOCK 1", 4.0),
    ("bo li", "Maths", "GCSE", 3.0),
    ("bo li", "Maths", "MOCK 1", 2.0),
]


def test_a_long_export_has_a_row_per_student_subject_and_series(read: Read) -> None:
    landed = read(
        {
            "cohort_a.csv": (
                "Student,Gender,Subject,Exam_Series,Score,Yellis_GCSE_Diff,colour\n"
                "Ada Moss,F,Maths,MOCK 1,4,-0.5,red\n"
                "Ada Moss,F,Maths,GCSE,5,-0.5,red\n"
                "Ada Moss,F,Maths,BASELINE,5.5,-0.5,red\n"
                "Bo Li,M,Maths,GCSE,0,-3,red\n"
            )
        }
    )
    assert results(landed) == [
        ("ada moss", "Maths", "BASELINE", 5.5),
        ("ada moss", "Maths", "GCSE", 5.0),
        ("ada moss", "Maths", "MOCK 1", 4.0),
        ("bo li", "Maths", "GCSE", 0.0),
    ]
    assert set(landed.results["cohort"]) == {"cohort_a"}
    assert landed.results.select("file", "line").row(0) == ("attainment/cohort_a.csv", 4)
    assert landed.differences.rows() == [
        ("cohort_a", "ada moss", "Maths", -0.5),
        ("cohort_a", "bo li", "Maths", -3.0),
    ]
    assert landed.files["shape"].item() == "a student in a subject and a series"
    assert landed.rejected.is_empty()


def test_an_export_with_yellis_in_its_name_is_no_baseline_if_it_has_mocks(read: Read) -> None:
    landed = read(
        {
            "merged_yellis_diff_with_exams.csv": (
                "Student,Subject,Exam_Series,Score\nAda Moss,Maths,MOCK 1,4\nAda Moss,Maths,BASELINE,5\n"
            )
        }
    )
    assert landed.files.select("kind", "cohort").row(0) == (
        "results",
        "merged_yellis_diff_with_exams",
    )
    assert landed.results.height == 2


@pytest.mark.parametrize(
    "text",
    [
        "Student,Subject,Mock 1,GCSE\nAda Moss,Maths,4,5\nAda Moss,English Lit.,,6\nBo Li,Maths,2,3\n",
        "Student,Maths Mock 1,Maths GCSE,English Lit. GCSE\nAda Moss,4,5,6\nBo Li,2,3,\n",
        "Student,MOCK 1 - Maths,GCSE: Maths,GCSE (English Lit.)\nAda Moss,4,5,6\nBo Li,2,3,-\n",
        "Student,Maths,,English Lit.\n,Mock 1,GCSE,GCSE\nAda Moss,4,5,6\nBo Li,2,3,\n",
        ",Maths,,English Lit.\nStudent,Mock 1,GCSE,GCSE\nAda Moss,4,5,6\nBo Li,2,3,\n",
        (
            "Year 11 tracking\n\nStudent,Exam_Series,Maths,English Lit.\n"
            "Ada Moss,MOCK 1,4,\nAda Moss,GCSE,5,6\nBo Li,MOCK 1,2,\nBo Li,GCSE,3,\n"
        ),
    ],
    ids=[
        "a column per series",
        "a column per subject and series",
        "series first, with marks between",
        "series in a second header line",
        "subjects in the line above the header",
        "a column per subject, below a title",
    ],
)
def test_wide_exports_say_the_same_as_long_ones(read: Read, text: str) -> None:
    landed = read({"y11.csv": text})
    assert results(landed) == ADA_AND_BO
    assert kinds(landed) == {"id_is_name"}


@pytest.mark.parametrize(
    "names",
    [
        ("2026/Mock 1.csv", "2026/GCSE results.csv"),
        ("2026_mock1.csv", "2026_gcse.csv"),
        ("MOCK 1 2026.csv", "Summer 2026.csv"),
    ],
)
def test_the_series_may_be_the_name_of_the_file(read: Read, names: tuple[str, str]) -> None:
    mock, final = names
    landed = read(
        {
            mock: "Student,Maths,English Lit.\nAda Moss,4,\nBo Li,2,\n",
            final: "Student,Maths,English Lit.\nAda Moss,5,6\nBo Li,3,\n",
        }
    )
    assert results(landed) == ADA_AND_BO
    assert set(landed.results["cohort"]) == {"2026"}


def test_a_workbook_has_a_sheet_per_series_or_per_subject(read: Read) -> None:
    per_series = workbook(
        {
            "Notes": [["Ask the exams office"]],
            "Mock 1": [["Student", "Maths", "English Lit."], ["Ada Moss", 4, ""], ["Bo Li", 2, ""]],
            "GCSE": [["Student", "Maths", "English Lit."], ["Ada Moss", 5, 6], ["Bo Li", 3, ""]],
            "Old": [["Student", "Maths", "English Lit."], ["Ada Moss", 9, 9]],
        },
        hidden=["Old"],
    )
    per_subject = workbook(
        {
            "Maths": [["Student", "Mock 1", "GCSE"], ["Ada Moss", 4, 5], ["Bo Li", 2, 3]],
            "English Lit.": [["Student", "Mock 1", "GCSE"], ["Ada Moss", "", 6]],
        }
    )
    for book in (per_series, per_subject):
        landed = read({"2026/results.xlsx": book})
        assert results(landed) == ADA_AND_BO
    landed = read({"2026/results.xlsx": per_series})
    assert set(landed.results["file"]) == {
        "attainment/2026/results.xlsx#Mock 1",
        "attainment/2026/results.xlsx#GCSE",
    }
    (note,) = problems(landed, "not_read")["message"]
    assert "sheet “Notes” is not read" in note


def test_two_headers_of_one_file_in_any_encoding_and_delimiter(read: Read) -> None:
    text = "Élève;x\nNo.;Surname;Forename;Subject;Series;Grade\n007;Müller;Zoë;Maths;GCSE;5\n"
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        for delimiter in (";", "\t", ","):
            content = text.replace(";", delimiter).encode(encoding)
            landed = read({"r.csv": content}, {"columns": {"student_id": "No."}})
            assert results(landed) == [("007", "Maths", "GCSE", 5.0)]
            assert landed.students["name"].to_list() == ["Zoë Müller"]


def test_a_baseline_column_counts_beside_a_column_of_scores(read: Read) -> None:
    landed = read(
        {
            "r.csv": (
                "UPN,Subject,Exam Series,Grade,Baseline\n"
                "A1,Maths,MOCK 1,4,5.5\nA1,Maths,GCSE,5,5.5\n"
            )
        }
    )
    assert results(landed) == [
        ("A1", "Maths", "BASELINE", 5.5),
        ("A1", "Maths", "GCSE", 5.0),
        ("A1", "Maths", "MOCK 1", 4.0),
    ]


def test_beside_columns_per_series_a_score_of_no_series_is_no_result(read: Read) -> None:
    landed = read({"r.csv": "UPN,Subject,Mock 1,GCSE,Points\nA1,Maths,4,5,5.3\nA2,Maths,3,4,4.1\n"})
    assert results(landed, "series", "points") == [
        *(("GCSE", 5.0), ("MOCK 1", 4.0), ("GCSE", 4.0), ("MOCK 1", 3.0)),
    ]
    assert not kinds(landed) - {"taken_for"}


def test_where_columns_per_series_have_no_final_a_grade_of_no_series_may_be_it_and_holds(
    read: Read,
) -> None:
    text = "UPN,Subject,DC1 Grade,DC2 Grade,Exam Grade\nA1,Maths,4,5,6\nA2,Maths,3,4,4\n"
    landed = read({"r.csv": text})
    assert held(landed)
    (message,) = problems(landed, "which_column")["message"]
    assert "“Exam Grade” is no series that we know" in message
    told = read({"r.csv": text}, {"series_names": {"Exam Grade": "GCSE"}})
    assert not held(told)
    assert [points for series, points in results(told, "series", "points") if series == "GCSE"] == [
        6.0,
        4.0,
    ]


def test_a_file_without_series_holds_the_page_until_its_name_or_the_settings_say_one(
    read: Read,
) -> None:
    text = "UPN,Subject,Grade\nA1,Maths,5\n"
    landed = read({"2026/results.csv": text})
    assert held(landed) == [("2026", "")]
    (message,) = problems(landed, "which_series")["message"]
    assert message.startswith("2026/results.csv says no series")
    assert message.endswith('[attainment.series_names]\n"results" = "GCSE"')
    assert not kinds(read({"2026/GCSE results.csv": text}))
    mock = read({"2026/results.csv": text}, {"series_names": {"results": "MOCK 1"}})
    assert results(mock, "series", "points") == [("MOCK 1", 5.0)]
    assert not kinds(mock)


def test_further_columns_are_kept_once_per_student_or_per_subject(read: Read) -> None:
    landed = read(
        {
            "r.csv": (
                "UPN,Name,Gender,DOB,Email,Teacher,Subject,Series,Grade\n"
                "A1,Ada Moss,F,2010-01-01,a@x.example,Mr X,Maths,MOCK 1,4\n"
                "A1,Ada Moss,F,2010-01-01,a@x.example,Ms Y,Maths,GCSE,5\n"
                "A1,Ada Moss,M,2010-01-01,a@x.example,Ms Z,Art,GCSE,5\n"
            )
        }
    )
    # whoever teaches it last counts; of a student's own data what most rows say
    assert landed.groups.rows() == [
        ("r", "A1", "Art", "Teacher", "Ms Z"),
        ("r", "A1", "Maths", "Teacher", "Ms Y"),
        ("r", "A1", None, "Gender", "F"),
    ]


def test_a_column_that_says_again_how_a_result_compares_makes_no_groups_and_that_is_said(
    read: Read,
) -> None:
    lines = ["UPN,Gender,Subject,GCSE,BASELINE,Progress,Teacher,RAG"]
    for n in range(24):
        final, word = ((4, "under"), (5, "on"), (6, "over"))[n % 3]
        lines.append(
            f"A{n % 12},{'FM'[n % 2]},{('Maths', 'Art')[n // 12]},{final},5,{word},Mx {n % 5},-"
        )
    landed = read({"2026/r.csv": "\n".join(lines)})
    assert landed.groups["column"].unique().sort().to_list() == ["Gender", "Teacher"]
    (message,) = problems(landed, "not_read")["message"]
    assert message.startswith(
        "2026: “Progress” and “RAG” say again how results differ from baselines"
    )


def test_a_text_file_that_is_called_a_workbook_is_read(read: Read) -> None:
    landed = read({"2026/r.xls": "UPN\tName\tMaths\nA1\tZoë\t5\n".encode("cp1252")})
    assert landed.results.height == 1


def test_a_number_of_the_row_is_no_student(read: Read) -> None:
    landed = read(
        {
            "r.csv": (
                ",id,Student Name,Subject,Series,Grade\n0,1,Ada Moss,Maths,GCSE,5\n"
                "1,2,Ada Moss,Art,GCSE,6\n2,3,Bo Li,Maths,GCSE,4\n3,4,Bo Li,Art,GCSE,4\n"
            )
        }
    )
    assert landed.students["student_id"].to_list() == ["ada moss", "bo li"]
    assert landed.groups.is_empty()


def test_a_column_called_student_may_hold_ids(read: Read) -> None:
    landed = read({"r.csv": "Student,Subject,Series,Grade\n1001,Maths,GCSE,5\n1002,Maths,GCSE,5\n"})
    assert landed.students.select("student_id", "name", "by_name").rows() == [
        ("1001", None, False),
        ("1002", None, False),
    ]
    assert not kinds(landed)


def test_columns_about_a_subject_are_none(read: Read) -> None:
    landed = read(
        {
            "GCSE.csv": (
                "UPN,Maths,Maths Set,Maths Teacher,English Target,History,Set,Year\n"
                "A1,5,1,AB,7,6,2,11\nA2,4,2,AB,6,5,3,11\n"
            )
        }
    )
    exams = landed.results.filter(series="GCSE")
    assert set(exams["subject"]) == {"Maths", "History"}
    assert landed.results.filter(series="Target").select("subject", "points").rows() == [
        ("English", 7),
        ("English", 6),
    ]


def test_an_unknown_header_among_subjects_is_asked_about_and_no_figure_is_made_of_it(
    read: Read,
) -> None:
    text = (
        "UPN,Maths,History,Zulu,Detentions,HPA,Attendance\n"
        "A1,5,6,7,0,1,95.2\nA2,4,4,4,3,0,90\nA3,4,4,5,2,0,90\n"
    )
    landed = read({"GCSE.csv": text})
    assert {subject for (subject,) in results(landed, "subject")} == {"Maths", "History"}
    (message,) = problems(landed, "which_column")["message"]
    assert "“Zulu” and “Detentions” are no subject that we know" in message
    assert '"Zulu" = "Zulu"\n"Detentions" = "Detentions"\n' in message
    assert set(landed.groups["column"]) == {"HPA", "Attendance"}  # yes or no, and no grade
    said = read({"GCSE.csv": text}, {"subjects": {"Zulu": "Zulu"}, "ignore": ["detentions"]})
    assert ("A1", "Zulu", "GCSE", 7.0) in results(said)
    assert not kinds(said)


def test_lines_that_are_no_data_are_set_apart(read: Read) -> None:
    landed = read(
        {
            "r.csv": (
                "UPN,Name,Subject,Series,Grade\n"
                "A1,Ada Moss,Maths,GCSE,5\n"
                "UPN,Name,Subject,Series,Grade\n"
                ",Average,,,5\n"
                ",,Maths,GCSE,4\n"
                "A2,Bo Li,,GCSE,4\n"
                "A3,Cy Day,Maths,,4\n"
                "A4,Di Ash,Maths,GCSE,4,5,6\n"
                " , ,,,\n"
            )
        }
    )
    assert landed.results.height == 1
    assert rejected(landed) == [
        (3, "repeated_header", "UPN Name"),
        (4, "totals_row", "Average"),
        (5, "no_student", None),
        (6, "no_subject", None),
        (7, "no_series", None),
        (8, "too_many_cells", None),
    ]
    assert problems(landed, "rejected_rows")["number"].to_list() == [1, 1, 1, 1]


def test_what_is_not_understood_is_said_with_what_to_do(read: Read) -> None:
    landed = read(
        {
            "a.csv": "Subject,Series,Grade\nMaths,GCSE,5\n",
            "b.csv": "UPN,Name,Form\nA1,Ada Moss,11A\n",
            "c.csv": "UPN,Mock 1,GCSE\nA1,4,5\n",
            "d.csv": "Ada Moss,11A,nobody\nBo Li,11B,nobody\n",
            "h.csv": "Ada Moss,Maths,MOCK 1,5\nBo Li,Maths,MOCK 1,5\n",
            "e.csv": "",
            "f.pdf": b"%PDF",
            "g.xlsx": b"PK\x03\x04 broken",
            "i.xlsx": bytes(range(256)),
        }
    )
    assert landed.results.is_empty()
    said = dict(zip((m[:5] for m in landed.notes["message"]), landed.notes["message"], strict=True))
    assert 'Add to [attainment.columns]: name = "…"' in said["a.csv"]
    assert "no column has grades" in said["b.csv"]
    assert "no column says the subject" in said["c.csv"]
    assert "Ada" not in said["d.csv"]
    assert "Of its columns we know Maths and MOCK 1; there are 2 more." in said["h.csv"]
    assert "the file is empty" in said["e.csv"]
    assert "Save it as one of these" in said["f.pdf"]
    assert "cannot be opened" in said["g.xls"]
    assert "is called a workbook and is none" in said["i.xls"]
    assert set(landed.files["kind"]) == {"not_read"}


def test_a_header_of_students_is_counted_and_not_shown(read: Read) -> None:
    landed = read(
        {
            "a.csv": "Subject,Ada Moss,Bo Li\nMaths,5,6\nArt,4,5\n",
            "b.csv": "Name,Ada Moss,Bo Li\nMaths,x,y\n",
            "c.csv": "UPN,GCSE,Ada Moss\nA1,5,5\nA2,5,5\n",
            "d.csv": "UPN,Name\nA1,Ada Moss\n",
        }
    )
    said = dict(zip((m[:5] for m in landed.notes["message"]), landed.notes["message"], strict=True))
    assert "Of its columns we know Subject; there are 2 more." in said["a.csv"]
    assert "Of its columns we know Name; there are 2 more." in said["b.csv"]
    assert "Of its columns we know GCSE and UPN; there is 1 more." in said["c.csv"]
    assert "Of its columns we know Name and UPN." in said["d.csv"]
    for name in ("Ada", "Moss", "Bo", "Li"):
        assert not any(name in message.split() for message in said.values())


def test_a_subject_or_a_column_called_all_is_one_and_not_all_of_them(read: Read) -> None:
    text = "UPN,all,Subject,Series,Grade\nA1,x,all,GCSE,5\nA1,x,Maths,GCSE,4\n"
    landed = read({"r.csv": text})
    assert results(landed, "subject", "points") == [("Maths", 4.0), ("“all”", 5.0)]
    assert landed.groups.rows() == [("r", "A1", None, "“all”", "x")]
    landed = read({"r.csv": text}, {"subjects": {"Maths": "all", "all": "Art"}})
    assert results(landed, "subject", "points") == [("Art", 5.0), ("“all”", 4.0)]


def test_the_settings_name_columns_that_are_not_found(read: Read) -> None:
    text = "Nr,Wer,Fach,Wann,Note\n1,Ada Moss,Maths,GCSE,5\n"
    columns = {
        "student_id": "Nr",
        "name": "wer",
        "subject": "Fach",
        "series": "Wann",
        "grade": "Note",
    }
    landed = read({"r.csv": text}, {"columns": columns})
    assert results(landed) == [("1", "Maths", "GCSE", 5.0)]


def test_of_exports_that_differ_in_a_date_the_newest_counts(read: Read) -> None:
    landed = read(
        {
            "2026/results_2026-08-20.csv": "UPN,Subject,Series,Grade\nA1,Maths,GCSE,5\n",
            "2026/results_2026-09-30.csv": "UPN,Subject,Series,Grade\nA1,Maths,GCSE,6\n",
        }
    )
    assert results(landed) == [("A1", "Maths", "GCSE", 6.0)]
    assert problems(landed, "replaced")["message"].to_list() == [
        "2026/results_2026-08-20.csv is not read: 2026/results_2026-09-30.csv is a newer export of "
        "the same."
    ]


def test_cohorts_are_folders_else_a_column_else_files(read: Read) -> None:
    row = "UPN,Subject,Series,Grade\nA1,Maths,GCSE,5\n"
    landed = read(
        {
            "2025/any.csv": row,
            "leavers.csv": row,
            "all.csv": "UPN,Cohort,Subject,Series,Grade\nA1,2023,Maths,GCSE,5\nA1,2024,Maths,GCSE,6\n",
        }
    )
    assert landed.results["cohort"].to_list() == ["2023", "2024", "2025", "leavers"]
    assert landed.results["points"].to_list() == [5, 6, 5, 5]
    one = read({"a.csv": row, "b.csv": row}, cohort="Year 11")
    assert one.results["cohort"].to_list() == ["Year 11"]


def test_nothing_landed_is_nothing(read: Read) -> None:
    landed = read({})
    assert landed.results.is_empty()
    assert landed.notes.is_empty()
    assert landed.groups.is_empty()
    assert landed.students.is_empty()
