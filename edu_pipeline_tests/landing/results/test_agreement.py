"""What is asked before a figure is made: which series, which baseline, which cohort, what scale."""

import csv
import io
import tomllib
from random import Random

import polars as pl
import pytest

from edu_pipeline.landing.sources.results.result_reading import Landed
from edu_pipeline.landing.sources.results.which_scale import kind_of
from edu_pipeline_tests.landing.results.conftest import Read, held, kinds, problems

STUDENTS = tuple(f"A{n}" for n in range(1, 7))


def table(header: str, *columns: str) -> str:
    """A row per student in maths, with these columns; a column is the cells of all of them."""
    cells = zip(STUDENTS, *(column.split() for column in columns), strict=False)
    rows = [",".join([who, "Maths", *row]) for who, *row in cells]
    return "\n".join([f"UPN,Subject,{header}", *rows])


def sums(landed: Landed) -> dict[str, float]:
    """Points in each series, added up."""
    return dict(landed.results.group_by("series").agg(pl.col("points").sum()).iter_rows())


def order(landed: Landed) -> list[str]:
    """Series of the only cohort, as they are drawn."""
    return landed.series.sort("place")["series"].to_list()


def message(landed: Landed, kind: str) -> str:
    (said,) = problems(landed, kind)["message"]
    return str(said)


# Series


@pytest.mark.parametrize("header", ["Y10 Summer", "Year 10 Final", "Yr 9 Mock 1", "Y10 GCSE"])
def test_an_exam_of_an_earlier_year_was_sat_before_and_is_never_the_final(
    read: Read, header: str
) -> None:
    own = header.upper()
    landed = read({"2026/r.csv": table(f"Nov Mock,{header},Baseline", "4 5 6", "8 8 8", "5 5 5")})
    assert sums(landed) == {own: 24, "MOCK 1": 15, "BASELINE": 15}
    assert order(landed) == [own, "MOCK 1", "MOCK 2", "GCSE", "BASELINE"]
    assert kinds(landed) == {"taken_for"}  # a mock without a number is the first
    beside = read({"2026/r.csv": table(f"{header},GCSE", "8 8 8", "4 5 6")})
    assert sums(beside) == {own: 24, "GCSE": 15}
    assert not kinds(beside)


@pytest.mark.parametrize(
    ("headers", "right"),
    [
        ("Mock 3,Mock 1,GCSE", "MOCK 1,MOCK 2,MOCK 3,GCSE"),
        ("Mock 4,Mock 3,Mock 2,Mock 1", "MOCK 1,MOCK 2,MOCK 3,MOCK 4,GCSE"),
        ("DC3,DC1,DC2", "DC1,DC2,DC3,GCSE"),
        ("Assessment 2,Assessment 1", "ASSESSMENT 1,ASSESSMENT 2,GCSE"),
        ("Y11 DC1,Y10 DC2,Y10 DC1", "Y10 DC1,Y10 DC2,Y11 DC1,GCSE"),
        ("Spring,Autumn", "AUTUMN,SPRING,GCSE"),
        ("Y10 Summer,Y10 Autumn,Y10 Spring", "Y10 AUTUMN,Y10 SPRING,Y10 SUMMER,GCSE"),
        ("Spring 1,Autumn 2,Autumn 1", "AUTUMN 1,AUTUMN 2,SPRING 1,GCSE"),
        ("Nov 2025,May 2025,Mar 2026", "MAY 2025,NOV 2025,MAR 2026,GCSE"),
        ("Spring 24/25,Autumn 25/26,Autumn 24/25", "AUTUMN 24/25,SPRING 24/25,AUTUMN 25/26,GCSE"),
        ("March Mock,Nov Mock,Jan Mock", "MOCK 1,MOCK 2,MOCK 3,GCSE"),
        ("Y10 Mock,Mock 2,Mock 1", "Y10 MOCK,MOCK 1,MOCK 2,GCSE"),
    ],
)
def test_series_stand_in_the_order_that_their_names_prove(
    read: Read, headers: str, right: str
) -> None:
    columns = [f"{n} {n} {n}" for n in range(1, headers.count(",") + 2)]
    landed = read({"2026/r.csv": table(headers, *columns)})
    there = {*landed.results["series"], "GCSE"}
    wanted = [name for name in right.split(",") if name in there]
    assert [name for name in order(landed) if name in there] == wanted
    assert kinds(landed) <= {"taken_for"}
    assert len(sums(landed)) == len(columns)


@pytest.mark.parametrize(
    "headers",
    [
        "Mock 1,Autumn",  # a mock may be of any term
        "DC1,Autumn,Spring",
        "Y10 DC1,DC2",  # of Year 10, too?
        "Y10 Summer,Autumn",
        "Summer,Spring",  # of this year, or of the one before; or the exams
        "June 1,Nov 1",
        "DC1,HT1",
    ],
)
def test_where_two_orders_fit_it_is_a_question_whatever_the_order_of_columns(
    read: Read, headers: str
) -> None:
    names = headers.split(",")
    for each in (names, names[::-1]):
        landed = read({"2026/r.csv": table(",".join(each), *("4 5 6" for _ in each))})
        assert held(landed) == [("2026", "")]
        said = message(landed, "which_series")
        settings = {"series": _pasted(said)}
        after = read({"2026/r.csv": table(",".join(each), *("4 5 6" for _ in each))}, settings)
        assert not kinds(after)
        assert len(sums(after)) == len(names)


def _pasted(message: str) -> list[str]:
    """What a message says to put into `series`."""
    (line,) = [line for line in message.splitlines() if line.startswith("series = ")]
    found = tomllib.loads(line)["series"]
    assert isinstance(found, list)
    return found


def test_terms_are_those_of_the_year_group_that_an_export_says(read: Read) -> None:
    text = table("Spring,Autumn,Summer,Target", "1 2", "3 4", "5 6", "7 7")
    for files in (
        {"2027/Year 10 tracking.csv": text},
        {"2027/r.csv": table("Form,Summer,Autumn", "10A 10B", "5 6", "3 4")},
    ):
        landed = read(files)
        there = set(sums(landed))
        assert [name for name in order(landed) if name in there] == [
            name for name in ("AUTUMN", "SPRING", "SUMMER", "Target") if name in there
        ]
        assert kinds(landed) <= {"taken_for"}
    assert order(read({"2027/Year 10 tracking.csv": text}))[-1] == "Target"


def test_a_summer_that_may_be_the_final_waits_in_columns_and_in_a_column(read: Read) -> None:
    wide = read({"2026/r.csv": table("Autumn,Spring,Summer", "1 2", "3 4", "5 6")})
    assert sums(wide) == {"AUTUMN": 3, "SPRING": 7}
    long = read({"2026/r.csv": table("Term,Grade", "Autumn Summer", "5 6")})
    for landed in (wide, long):
        assert held(landed) == [("2026", "")]
        assert "“Summer”" in " ".join(landed.notes["message"])
    said = {"series_names": {"Summer": "GCSE"}}
    text = table("Autumn,Spring,Summer", "1 2", "3 4", "5 6")
    final = read({"2026/r.csv": text}, said)
    assert sums(final) == {"AUTUMN": 3, "SPRING": 7, "GCSE": 11}
    assert not kinds(final)


def test_what_tells_a_students_rows_apart_is_a_series_whatever_it_says(read: Read) -> None:
    rows = [
        f"{who},Maths,{drop},{n}" for who in STUDENTS for n, drop in ((4, "Alpha"), (5, "Beta"))
    ]
    text = "\n".join(["UPN,Subject,Data Collection,Grade", *rows])
    landed = read({"2026/GCSE.csv": text})
    assert landed.results.is_empty()
    assert held(landed) == [("2026", "")]
    assert "“Alpha” (6) and “Beta” (6)" in message(landed, "unknown_series")
    known = read({"2026/GCSE.csv": text}, {"series_names": {"Alpha": "MOCK 1", "Beta": "MOCK 2"}})
    assert sums(known) == {"MOCK 1": 24, "MOCK 2": 30}


def test_a_year_group_that_sits_no_final_makes_one_doubtful(read: Read) -> None:
    text = table("Final,Form", "5 6 7", "10A 10B 10A")
    assert held(read({"2027/r.csv": text})) == [("2027", "")]
    assert held(read({"2027/Year 10.csv": table("Final", "5 6 7")})) == [("2027", "")]
    assert not held(read({"2027/r.csv": table("Final,Form", "5 6 7", "11A 11B 11A")}))
    assert not held(read({"2027/r.csv": text}, {"series_names": {"Final": "GCSE"}}))


def test_last_summer_is_another_cohorts_final(read: Read) -> None:
    text = table("Summer 2026", "5 6 7")
    assert not kinds(read({"2026/r.csv": text}))
    assert held(read({"2027/r.csv": text})) == [("2027", "")]


def test_a_mock_in_june_may_be_of_the_year_before(read: Read) -> None:
    landed = read({"2026/r.csv": table("June Mock,November Mock", "3 4", "5 6")})
    assert landed.results.is_empty()
    assert held(landed) == [("2026", "")]


@pytest.mark.parametrize(
    "header", ["Expected Grade", "Target", "Teacher Prediction", "MEG", "Pred"]
)
def test_what_somebody_expects_is_no_result_and_no_baseline_unless_said(
    read: Read, header: str
) -> None:
    files = {"2026/r.csv": table(f"Mock 1,{header},GCSE", "1 2", "9 9", "5 6")}
    landed = read(files)
    assert sums(landed) == {"MOCK 1": 3, "GCSE": 11, header: 18}
    (role,) = landed.series.filter(series=header)["role"]
    assert role == ("target" if header in ("Target", "MEG") else "prediction")
    assert kinds(landed) == {"taken_for"}  # is said, and asks for nothing
    assert f'"{header}" = "BASELINE"' in message(landed, "taken_for")
    assert not kinds(read(files, {"ignore": [header]}))
    beside = {"2026/r.csv": table(f"GCSE,{header},Yellis", "5 6", "9 9", "4 4")}
    assert sums(read(beside)) == {"GCSE": 11, header: 18, "BASELINE": 8}
    said = read(files, {"series_names": {header: "BASELINE"}})
    assert sums(said) == {"MOCK 1": 3, "GCSE": 11, "BASELINE": 18}


def test_a_prediction_of_each_subject_is_no_subject(read: Read) -> None:
    text = "UPN,Ma Mock 1,Ma Pred,En Mock 1,En Pred\nA1,3,9,4,9\nA2,4,9,5,9\n"
    landed = read({"2026/r.csv": text})
    assert sums(landed) == {"MOCK 1": 16, "Pred": 36}
    assert kinds(landed) == {"taken_for"}


# Baselines


@pytest.mark.parametrize("order", [("FFT50", "FFT20"), ("FFT20", "FFT50")])
def test_of_two_estimates_none_counts_until_one_is_said_whatever_their_order(
    read: Read, order: tuple[str, str]
) -> None:
    points = {"FFT50": "4 5", "FFT20": "5 6"}
    beside = {
        "2026/r.csv": table(",".join((*order, "GCSE")), *(points[name] for name in order), "5 6")
    }
    own = table(",".join(order), *(points[name] for name in order)).replace("Subject,", "Year,")
    apart = {
        "2026/r.csv": table("GCSE", "5 6"),
        "2026/estimates fft.csv": own.replace("Maths", "11"),
    }
    apart["2026/estimates fft.csv"] = apart["2026/estimates fft.csv"].replace("FFT", "Maths FFT")
    for files in (beside, apart):
        landed = read(files)
        assert sums(landed) == {"GCSE": 11}
        said = message(landed, "which_baseline")
        assert "“FFT20” and “FFT50” may each be the baseline" in said
        chosen = read(files, {"series_names": {"FFT20": "BASELINE"}})
        assert sums(chosen) == {"GCSE": 11, "BASELINE": 11}
        assert not kinds(chosen)


def test_of_points_and_grades_of_one_estimate_the_finer_counts_in_any_order(read: Read) -> None:
    rows = {"Maths Points": ("5.4", "6.6"), "Maths Grade": ("5", "7")}
    for names in (list(rows), list(rows)[::-1]):
        lines = [
            ",".join(("UPN", *names)),
            *(f"A{n + 1},{rows[names[0]][n]},{rows[names[1]][n]}" for n in (0, 1)),
        ]
        landed = read({"2026/r.csv": table("GCSE", "5 6"), "2026/yellis.csv": "\n".join(lines)})
        assert sums(landed) == {"GCSE": 11, "BASELINE": 12}
        assert not kinds(landed)


def test_two_columns_of_one_final_hold_the_page_unless_they_say_the_same(read: Read) -> None:
    landed = read({"2026/r.csv": table("GCSE,Final,Mock 1", "5 6", "5 7", "3 4")})
    assert sums(landed) == {"MOCK 1": 7}
    assert held(landed) == [("2026", "")]
    assert "“Final” and “GCSE” may each be “GCSE”, and they differ in 1 row" in message(
        landed, "which_series"
    )
    assert not kinds(read({"2026/r.csv": table("GCSE,Final", "5 6", "5 6")}))


def test_two_columns_of_one_name_that_differ_are_a_question(read: Read) -> None:
    landed = read({"2026/r.csv": table("GCSE,GCSE", "5 6", "5 7")})
    assert landed.results.is_empty()
    assert "two columns are called “GCSE”" in message(landed, "which_series")


# Cohorts


@pytest.mark.parametrize(
    ("header", "years"),
    [
        ("Academic Year", "2023/24 2023/24 2023/24 2024/25 2024/25 2024/25"),
        ("Leaving Year", "2024 2024 2024 2025 2025 2025"),
        ("Year Group", "7 8 9 10 11 11"),
        ("NC Year", "Y10 Y10 Y10 Y11 Y11 Y11"),
        ("Reg", "10A 10B 10A 11A 11B 11A"),
    ],
)
def test_students_of_several_years_are_no_cohort(read: Read, header: str, years: str) -> None:
    files = {"leavers/r.csv": table(f"{header},GCSE", years, "1 2 3 4 5 6")}
    landed = read(files)
    assert held(landed) == [("leavers", "")]
    assert f"“{header}” says students of" in message(landed, "which_cohort")
    assert not held(read(files, {"ignore": [header]}))
    if header != "Reg":
        apart = read(files, {"columns": {"cohort": header}})
        assert set(apart.results["cohort"]) == set(years.split())
        assert not problems(apart, "which_cohort").height


def test_one_student_of_another_year_is_said_and_a_set_or_a_birthday_is_no_year(read: Read) -> None:
    years = " ".join(["11"] * 5 + ["10"])
    landed = read({"2026/r.csv": table("Year,GCSE", years, "1 2 3 4 5 6")})
    assert kinds(landed) == {"which_cohort"}
    assert not held(landed)
    for header, values in (
        ("Set", "7 8 9 7 8 9"),
        ("Year of Birth", "2009 2010 2009 2010 2009 2010"),
    ):
        assert not kinds(read({"2026/r.csv": table(f"{header},GCSE", values, "1 2 3 4 5 6")}))


# Scale


def scales(landed: Landed) -> dict[str, str]:
    """Subject → scale."""
    return dict(landed.results.select("subject", "scale").unique().iter_rows())


def test_a_levels_have_a_scale_and_a_final_of_their_own(read: Read) -> None:
    columns = ("A.level A.level A.level", "A B A*", "B C U", "B B B")
    files = {"2026/r.csv": table("Qualification,Mock 1,Final,FFT", *columns).replace(".", " ")}
    landed = read(files)
    assert sums(landed) == {"MOCK 1": 15, "A LEVEL": 7, "BASELINE": 12}
    assert scales(landed) == {"Maths": "a_level"}
    for told in (landed.series, landed.columns):
        assert told.filter(role="final")["series"].to_list() == ["A LEVEL"]
    assert not kinds(landed)
    worth = read(files, {"grades": {"A*": 9, "A": 8, "B": 7, "C": 5}})
    assert sums(worth) == {"MOCK 1": 24, "GCSE": 12, "BASELINE": 21}


def test_awards_of_level_3_are_worth_the_mean_of_their_grades(read: Read) -> None:
    text = "UPN,Subject,Final\nA1,BTEC L3 Sport,D*D\nA2,BTEC L3 Sport,MPP\nA1,A level Art,A\n"
    landed = read({"2026/r.csv": text})
    assert scales(landed) == {"BTEC L3 Sport": "level_3", "A level Art": "a_level"}
    assert sums(landed) == {"FINAL": pytest.approx(4.25 + 11 / 6 + 5, abs=1e-6)}
    assert not kinds(landed)


def test_an_as_level_is_no_a_level_of_its_subject(read: Read) -> None:
    text = (
        "UPN,Qualification,Subject,Final\nA1,GCE/A,Maths,A\nA2,GCE/AS,Maths,B\nA3,GCE/A,Maths,C\n"
    )
    landed = read({"2026/r.csv": text})
    assert scales(landed) == {"Maths": "a_level", "Maths (AS)": "as_level"}
    assert not kinds(landed)


def test_fine_grades_of_16_to_18_say_what_they_are(read: Read) -> None:
    landed = read({"2026/Y13.csv": table("Mock 1,A level", "B+ A- B+", "B A A")})
    assert scales(landed) == {"Maths": "a_level"}
    assert sums(landed) == {"MOCK 1": pytest.approx(13 + 1 / 3, abs=1e-5), "A LEVEL": 14}


def test_a_year_group_in_the_name_says_what_letters_are_and_nothing_of_numbers(read: Read) -> None:
    assert scales(read({"2026/Y13 results.csv": table("Final", "A B C")})) == {"Maths": "a_level"}
    assert scales(read({"2026/Y13 results.csv": table("Final", "M P D*")})) == {"Maths": "level_3"}
    assert not kinds(read({"2026/Y13 resits.csv": table("GCSE", "4 5 6")}))
    # whose D it is, nothing says
    unclear = read({"2026/Y13 results.csv": table("Final", "D D D")})
    assert held(unclear) == [("2026", "")]
    assert "do not say of which kind" in message(unclear, "which_scale")
    said = {"qualifications": {"maths": "Level 3"}}
    assert sums(read({"2026/Y13 results.csv": table("Final", "D D D")}, said)) == {"FINAL": 10.5}


def test_the_mean_of_somebodys_gcses_is_no_baseline_of_an_a_level(read: Read) -> None:
    landed = read({"2026/Y13.csv": table("Final,Baseline", "A B C", "6.2 5.1 4.9")})
    assert sums(landed) == {"A LEVEL": 12}
    assert "3 baselines are numbers" in message(landed, "which_baseline")


def test_qualification_numbers_are_known_by_subject_and_kind(read: Read) -> None:
    text = "UPN,Subject,GCSE\nA1,601/4608/4,5\nA1,60142923,6\n"
    assert scales(read({"2026/r.csv": text})) == {"Mathematics": "gcse", "English Language": "gcse"}


def test_a_subject_of_passes_and_merits_has_their_scale_and_old_letters_theirs(read: Read) -> None:
    text = "UPN,Subject,GCSE\nA1,Sport,D\nA2,Sport,M\nA1,Art,D\nA2,Art,B\nA1,Maths,4\nA2,Maths,C\n"
    landed = read({"2026/r.csv": text})
    assert scales(landed) == {"Sport": "level_2", "Art": "letters", "Maths": "gcse"}
    assert dict(landed.results.group_by("subject").agg(pl.col("points").sum()).iter_rows()) == {
        "Sport": 12.5,
        "Art": 8.5,
        "Maths": 8,
    }


def test_only_the_subjects_on_another_scale_wait(read: Read) -> None:
    text = "UPN,Subject,GCSE\nA1,Maths,5\nA1,A level Maths,A\nA2,Maths,6\n"
    landed = read({"2026/r.csv": text})
    assert held(landed) == [("2026", "A level Maths")]
    assert sums(landed) == {"GCSE": 11}


def test_letters_alone_are_old_gcses_only_where_something_says_so(read: Read) -> None:
    assert held(read({"2016/r.csv": table("Final", "A B C")})) == [("2016", "")]
    assert sums(read({"2016/r.csv": table("GCSE", "A B C")})) == {"GCSE": 16.5}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("BTEC L1 Sport", "level_1"),
        ("NCFE Level 1 Award", "level_1"),
        ("OCR Level 1/2 Cambridge National Sport", "level_2"),
        ("BTEC Level 3 Extended Diploma", "level_3"),
        ("GCE A Level", "a_level"),
        ("GCE/AS", "as_level"),
        ("Y13 Maths", "level 3"),
        ("T Level Digital", "other"),
        ("Entry Level Maths", "other"),
        ("GCSE Maths", "gcse"),
        ("Maths", None),
    ],
)
def test_kinds_are_read_off_a_qualifications_name(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind


def test_a_level_1_distinction_is_worth_less_than_a_grade_4(read: Read) -> None:
    text = "UPN,Subject,GCSE\nA1,BTEC L1 Sport,Distinction\nA2,BTEC L1 Sport,M\nA3,BTEC L1 Sport,Pass\n"
    landed = read({"2026/r.csv": text})
    assert sorted(landed.results["points"]) == [1.25, 2, 3]
    assert not kinds(landed)


def test_a_column_of_marks_makes_no_result_even_of_marks_up_to_nine(read: Read) -> None:
    landed = read({"2026/r.csv": table("Exam Series,Mark", "GCSE " * 6, "4 5 9 13 17 20")})
    assert landed.results.is_empty()
    assert held(landed) == [("2026", "")]
    assert "“Mark” has marks" in message(landed, "which_scale")
    low = {"2026/r.csv": table("Exam Series,Mark", "GCSE " * 6, "4 5 9 3 7 2")}
    assert held(read(low)) == [("2026", "")]
    assert not kinds(read(low, {"columns": {"grade": "Mark"}}))


def test_marks_of_a_mock_leave_grades_of_the_final_alone(read: Read) -> None:
    landed = read({"2026/r.csv": table("Mock 1,GCSE", "38 52 61 9 70 4", "4 5 6 5 6 4")})
    assert sums(landed) == {"GCSE": 30}


# What is unsure


def test_fine_grades_are_thirds_of_a_grade_and_the_whole_grade_that_they_name(read: Read) -> None:
    landed = read({"2026/r.csv": table("Mock 1,GCSE", "5+ 5= 5- 4a 4b 4c", "4 5 6 5 6 4")})
    mock = landed.results.filter(series="MOCK 1")
    third = 1 / 3
    assert mock["points"].to_list() == pytest.approx(
        [5 + third, 5, 5 - third, 4 + third, 4, 4 - third], abs=1e-6
    )
    assert mock["whole"].to_list() == [5, 5, 5, 4, 4, 4]
    assert kinds(landed) == {"taken_for"}
    worth = {"grades": {"5+": 5.5, "5=": 5.2, "5-": 5}}
    own = read({"2026/r.csv": table("Mock 1", "5+ 5= 5-")}, worth)
    assert sums(own) == {"MOCK 1": pytest.approx(15.7)}


def test_a_file_that_is_called_like_a_baseline_and_has_the_final_holds_results(read: Read) -> None:
    files = {"fft.csv": table("FFT50,FFT20,GCSE", "4 5 6", "5 6 7", "5 5 6")}
    assert sums(read(files)) == {"GCSE": 16}
    answered = read(files, {"series_names": {"FFT50": "BASELINE"}})
    assert sums(answered) == {"GCSE": 16, "BASELINE": 15}


def test_a_subject_of_two_words_is_not_cut_through(read: Read) -> None:
    text = "UPN,Maths Target,Maths Mock 1,Combined Science Target,Combined Science Mock 1\nA1,5,4,6-6,5-5\n"
    landed = read({"2026/r.csv": text})
    assert set(landed.results.select("subject", "series").rows()) == {
        (subject, series)
        for subject in ("Maths", "Combined Science")
        for series in ("Target", "MOCK 1")
    }


def test_letters_beside_the_numbers_of_a_subject_are_told(read: Read) -> None:
    landed = read({"2026/r.csv": table("Mock 1,GCSE", "A B U", "7 5 4")})
    assert sums(landed) == {"MOCK 1": 12.5, "GCSE": 16}
    assert message(landed, "which_scale").startswith("2026: 2 grades in “Maths” are letters beside")
    assert not held(landed)
    worth = {"grades": {"A": 8, "B": 6}}
    assert not kinds(read({"2026/r.csv": table("Mock 1,GCSE", "A B U", "7 5 4")}, worth))


def test_a_class_is_no_fine_grade(read: Read) -> None:
    landed = read({"2026/r.csv": table("Set,GCSE", "5a 5b 5c 5a 5b 5c", "4 5 6 5 6 4")})
    assert sums(landed) == {"GCSE": 30}
    assert not kinds(landed)


def test_a_subject_of_which_many_results_are_unsure_waits_and_one_slip_does_not(read: Read) -> None:
    rows = table("GCSE", "1 2 3 4 5 6")
    twice = "A1,Maths,9\nA2,Maths,9"
    landed = read({"2026/r.csv": f"{rows}\n{twice}\nA1,Art,5\nA2,Art,5"})
    assert held(landed) == [("2026", "Maths")]
    assert "2 of 6 results of GCSE are not sure" in message(landed, "too_much_unsure")
    assert not held(read({"2026/r.csv": f"{rows}\nA1,Maths,9"}))


# All of it


def test_no_order_of_rows_or_columns_changes_a_figure(read: Read) -> None:
    text = (
        "UPN,Subject,Y10 Summer,FFT20,FFT50,Nov Mock,March Mock,Target,Set\n"
        "A1,Maths,5,6,5,4,5,7,1\nA2,Maths,4,5,4,3,4,6,2\nA3,Maths,3,4,3,2,2,5,1\n"
        "A1,Art,6,6,5,5,5+,7,1\nA2,Art,5,5,4,6,4-,6,2\nA3,Art,4,4,3,5,4=,5,1\n"
    )
    rows = list(csv.reader(io.StringIO(text)))
    expected = _told(read({"2026/r.csv": text}))
    rng = Random(3)  # noqa: S311 - an order
    for _ in range(20):
        places = rng.sample(range(len(rows[0])), len(rows[0]))
        below = rng.sample(rows[1:], len(rows) - 1)
        shuffled = "\n".join(",".join(row[n] for n in places) for row in [rows[0], *below])
        assert _told(read({"2026/r.csv": shuffled})) == expected


def _told(landed: Landed) -> tuple[object, ...]:
    columns = ["student_id", "subject", "series", "points"]
    return landed.results.select(columns).rows(), kinds(landed), held(landed)


@pytest.mark.parametrize("name", ["Mock 1", "Mock 2", "GCSE", "Baseline", "Subject", "UPN"])
def test_a_column_under_an_unknown_name_changes_no_figure_without_a_message(
    read: Read, name: str
) -> None:
    text = table("Mock 1,Mock 2,GCSE,Baseline", "1 2 3", "2 3 4", "3 4 5", "4 4 4")
    before = sums(read({"2026/r.csv": text}))
    landed = read({"2026/r.csv": text.replace(name, "Quux", 1)})
    after = sums(landed)
    assert all(after[series] == before[series] for series in after)
    assert after == before or kinds(landed)


def test_every_row_has_one_fate_and_a_files_fates_add_up(read: Read) -> None:
    text = (
        "UPN,Subject,Series,Grade\n"
        "A1,Maths,GCSE,5\nA1,Maths,GCSE,5\nA2,Maths,GCSE,\nA2,Maths,GCSE,zz\nAverage,,,5\n"
        "A3,Maths,GCSE,4\nA3,Maths,GCSE,6\nA4,Attendance,GCSE,9\nA5,Maths,Sitting B,4\n"
    )
    landed = read(
        {
            "2026/r_2026-09-01.csv": text,
            "2026/r_2026-08-01.csv": "UPN,Subject,Series,Grade\nA1,Maths,GCSE,5\nA2,Maths,GCSE,5\n",
            "2026/yellis.csv": "UPN,Maths,Latin\nA1,5.5,5\nA3,,4\nB9,3,3\n",
            "2026/notes.csv": "Dear,all\nplease,see\n",
        },
        {"ignore": ["attendance"]},
    )
    assert landed.fates.select("file", "fate", "rule", "rows").rows() == [
        ("attainment/2026/notes.csv", "not_read", "not_understood", 1),
        ("attainment/2026/r_2026-08-01.csv", "superseded", "newer_file", 2),
        ("attainment/2026/r_2026-09-01.csv", "counted", "", 1),
        ("attainment/2026/r_2026-09-01.csv", "not_read", "ignored", 1),
        ("attainment/2026/r_2026-09-01.csv", "not_read", "totals_row", 1),
        ("attainment/2026/r_2026-09-01.csv", "outside", "no_grade", 1),
        ("attainment/2026/r_2026-09-01.csv", "rejected", "different_results_for_one_series", 2),
        ("attainment/2026/r_2026-09-01.csv", "rejected", "unknown_grade", 1),
        ("attainment/2026/r_2026-09-01.csv", "rejected", "unknown_series", 1),
        ("attainment/2026/r_2026-09-01.csv", "same", "same_grade", 1),
        ("attainment/2026/yellis.csv", "counted", "", 1),
        ("attainment/2026/yellis.csv", "outside", "subject_not_taken", 1),
        ("attainment/2026/yellis.csv", "rejected", "unmatched_baseline", 1),
    ]
    added = landed.fates.group_by("file").agg(pl.col("rows").sum()).sort("file")
    assert added.rows() == landed.files.select("file", "rows").sort("file").rows()


# Rivals in rows, bands


def test_rivals_in_rows_are_named_as_rivals_in_columns_are(read: Read) -> None:
    rows = [
        f"{who},Maths,{series},{n}"
        for who in STUDENTS
        for series, n in (("FFT50", 5), ("FFT20", 6), ("GCSE", 4))
    ]
    files = {"2026/r.csv": "\n".join(["UPN,Subject,Result Set,Grade", *rows])}
    landed = read(files)
    assert sums(landed) == {"GCSE": 24}
    assert kinds(landed) == {"which_baseline"}
    assert "“FFT20” and “FFT50” may each be the baseline" in message(landed, "which_baseline")
    chosen = read(files, {"series_names": {"FFT20": "BASELINE"}})
    assert sums(chosen) == {"GCSE": 24, "BASELINE": 36}
    assert not kinds(chosen)


def test_letters_of_a_baseline_beside_numbers_may_be_bands(read: Read) -> None:
    files = {"2026/r.csv": table("YELLIS,GCSE", "A B C D A B", "4 5 6 5 6 4")}
    landed = read(files)
    assert sums(landed) == {"GCSE": 30}
    assert kinds(landed) == {"which_baseline"}
    worth = {"grades": {"A": 7, "B": 6, "C": 5, "D": 4}}
    assert sums(read(files, worth)) == {"GCSE": 30, "BASELINE": 35}


def test_a_term_of_several_years_is_told_by_the_column_of_the_year(read: Read) -> None:
    rows = [
        f"{who},Maths,{year},{term},{n}"
        for who in STUDENTS
        for n, (year, term) in enumerate(
            (("2024/25", "Spring"), ("2023/24", "Autumn"), ("2024/25", "Autumn")), start=3
        )
    ]
    landed = read({"2026/r.csv": "\n".join(["UPN,Subject,Academic Year,Term,Grade", *rows])})
    there = [name for name in order(landed) if name in sums(landed)]
    assert there == ["AUTUMN 2023/24", "AUTUMN 2024/25", "SPRING 2024/25"]
    assert not kinds(landed)


def test_a_summer_with_a_year_beside_mocks_is_the_final_only_where_the_cohort_leaves_then(
    read: Read,
) -> None:
    text = table("Mock 1,Summer 2025", "1 2 3", "2 3 4")
    assert held(read({"r.csv": text})) == [("r", "")]
    assert not kinds(read({"2025/r.csv": text}))
    assert not kinds(read({"Leavers 2025.csv": text}))
    dated = table("Nov 2024 Mock,Summer 2025", "1 2 3", "2 3 4")
    assert kinds(read({"r.csv": dated})) == {"taken_for"}  # only which mock it is


def test_numbers_that_contradict_months_are_a_question(read: Read) -> None:
    assert held(read({"2026/r.csv": table("DC1 (Jan),DC2 (Oct)", "1 2 3", "2 3 4")})) == [
        ("2026", "")
    ]
    fine = read({"2026/r.csv": table("DC2 (Jan),DC1 (Oct)", "1 2 3", "2 3 4")})
    assert [name for name in order(fine) if name in sums(fine)] == ["DC1 (OCT)", "DC2 (JAN)"]


def test_a_target_of_the_final_is_no_rival_of_it(read: Read) -> None:
    landed = read({"2026/r.csv": table("GCSE Target,GCSE,GCSE Prediction", "7 7", "5 6", "6 6")})
    assert sums(landed) == {"GCSE": 11, "GCSE Target": 14, "GCSE Prediction": 12}
    assert not held(landed)


def test_the_grade_beside_its_points_is_the_subjects_grade(read: Read) -> None:
    text = "UPN,Sport Grade,Sport Points,Art Grade,Art Points\nA1,M,5.5,6,6\nA2,P,4,5,5\n"
    landed = read({"GCSE.csv": text})
    assert sums(landed) == {"GCSE": 20.5}
    assert set(landed.results["subject"]) == {"Sport", "Art"}


@pytest.mark.parametrize("header", ["School", "Academy", "Centre Name"])
def test_several_schools_are_no_cohort(read: Read, header: str) -> None:
    files = {"2026/r.csv": table(f"{header},GCSE", "Fern Fern Fern Oak Oak Oak", "1 2 3 4 5 6")}
    assert held(read(files)) == [("2026", "")]
    assert not held(read({"2026/r.csv": table(f"{header},GCSE", "Fern " * 6, "1 2 3 4 5 6")}))
