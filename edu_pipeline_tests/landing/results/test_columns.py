"""How each column is read: what is told of it, and that what is advised works when it is followed."""

import tomllib
from collections.abc import Mapping
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edu_pipeline.landing.sources.results.result_reading import Landed, read_cohort
from edu_pipeline.model.attainment import QUESTIONS, read_as
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline_tests.landing.results.conftest import Read, held, kinds, problems

WHO = (("A0", "Ada Quill"), ("A1", "Bo Larch"), ("A2", "Cy Moss"), ("A3", "Di Oak"))


def wide(**columns: str) -> str:
    """A row per student with these columns; `__` in a name is a space."""
    header = ",".join(["UPN", "Name", *(name.replace("__", " ") for name in columns)])
    cells = zip(WHO, *(each.split() for each in columns.values()), strict=True)
    return "\n".join([header, *(",".join([*who, *row]) for who, *row in cells)])


def table(header: str, *columns: str) -> str:
    """The same in maths, with a column per series."""
    cells = zip(WHO, *(each.split() for each in columns), strict=True)
    rows = [",".join([*who, "Maths", *row]) for who, *row in cells]
    return "\n".join([f"UPN,Name,Subject,{header}", *rows])


def roles(landed: Landed) -> dict[str, str]:
    """Header → what it was taken for."""
    return dict(landed.columns.select("column", "role").iter_rows())


def test_every_column_has_a_role_with_evidence_and_no_cell_is_shown(read: Read) -> None:
    text = table(
        "Set,Nov Mock,Target,GCSE,Colour", *["1 2 1 2", "4 5 4 5", "6 6 7 7", "5 5 5 6", "q q z z"]
    )
    landed = read({"2026/r.csv": text})
    assert roles(landed) == {
        "UPN": "UPN",
        "Name": "name",
        "Subject": "subject",
        "Set": "group",
        "Nov Mock": "sat",
        "Target": "target",
        "GCSE": "final",
        "Colour": "group",
    }
    mock = landed.columns.row(by_predicate=pl.col("column") == "Nov Mock", named=True)
    assert mock["series"] == "MOCK 1"
    assert "by its order in the school year" in mock["evidence"]
    target = landed.columns.row(by_predicate=pl.col("column") == "Target", named=True)
    assert (target["otherwise"], target["lines"]) == (
        "BASELINE",
        '[attainment.series_names]\n"Target" = "BASELINE"',
    )
    shown = " ".join(map(str, landed.columns.drop("place").rows()))
    assert not any(name in shown for _, names in WHO for name in names.split())


def test_columns_of_one_kind_stand_in_one_line(read: Read) -> None:
    text = wide(Ma__Mock__1="1 2 3 4", En__Mock__1="4 5 6 7", Ma__Set="a b a b")
    lines = read_as(read({"2026/r.csv": text}).columns).select("columns", "role", "subjects").rows()
    assert (["Ma Mock 1", "En Mock 1"], "sat", ["Ma", "En"]) in lines
    assert (["Ma Set"], "group Set", ["Ma"]) in lines


def test_a_class_of_one_subject_is_that_subjects_and_no_filter_of_the_cohort(read: Read) -> None:
    text = wide(Maths_Class="a b a b", Maths="1 2 3 4", En__Teacher="x y x y", Art__Set="1 2 1 2")
    groups = read({"GCSE.csv": text}).groups
    found = groups.select("subject", "column").unique().sort("column").rows()
    # of art and English nobody has a result
    assert found == [(None, "Art Set"), ("Maths", "Class"), (None, "En Teacher")]


@pytest.mark.parametrize(
    ("text", "settings_of"),
    [
        (table("DC1,Autumn", "1 2 3 4", "2 3 4 5"), None),
        (table("Autumn,Spring,Summer", "1 2 3 4", "2 3 4 5", "5 5 5 5"), None),
        (table("FFT20,FFT50,GCSE", "1 2 3 4", "2 3 4 5", "5 5 5 5"), None),
        (table("GCSE,Final", "1 2 3 4", "2 3 4 5"), None),
        (table("Mock 1,Sitting B", "1 2 3 4", "2 3 4 5"), {"Sitting B": "GCSE"}),
        (
            table("Series,Grade", "Alpha Alpha Alpha Alpha", "2 3 4 5"),
            {"Alpha": "GCSE"},
        ),
        (table("Year Group,GCSE", "10 10 11 11", "2 3 4 5"), None),
        (table("School,GCSE", "Fern Fern Oak Oak", "2 3 4 5"), None),
        (table("Final,Form", "2 3 4 5", "10A 10B 10A 10B"), None),
        (table("Mock 1,Summer 2025", "2 3 4 5", "3 4 5 6"), None),
        (wide(Maths="1 2 3 4", Zulu="1 2 3 4", History="2 3 4 5"), None),
        (wide(Maths__Mock__1="1 2 3 4", Maths__WAG="1 2 3 4"), {"WAG": "GCSE"}),
        (wide(Maths="1 2 3 4", English="2 3 4 5"), None),
    ],
)
@pytest.mark.parametrize("path", ["r.csv", "2026/r.csv"])
def test_the_lines_that_a_question_prints_answer_it(
    text: str, settings_of: Mapping[str, str] | None, path: str
) -> None:
    path = path if "Summer 2025" not in text else "r.csv"
    name = path.replace("r.csv", "GCSE r.csv") if "Zulu" in text else path
    content = {name: text.encode()}
    before = read_cohort(content, Attainment())
    questions = before.notes.filter(pl.col("kind").is_in([*QUESTIONS, "unknown_series"]))
    assert questions.height
    for message in questions["message"]:
        for own in _answers(message, settings_of or {}):
            after = read_cohort(content, Attainment.model_validate(own))
            assert message not in set(after.notes["message"])
            assert not after.results.is_empty() or "ignore" in own


def _answers(message: str, settings_of: Mapping[str, str]) -> list[dict[str, object]]:
    """What a message says to put into pipeline.toml, each way of answering alone; `…` filled in."""
    found: list[dict[str, object]] = []
    section, lines = "", list[str]()
    for line in [*message.splitlines(), "[end]"]:
        if "[" in line and line.rstrip().endswith("]") and "=" not in line:
            if section and lines:
                body = tomllib.loads("\n".join([section, *lines]))
                found.append(body["attainment"])
            section, lines = line[line.rindex("[") :], []
        elif section and "=" in line:
            key = line.split("=")[0].strip().strip('"')
            lines.append(line.replace("…", settings_of.get(key, "MOCK 1")))
    return found


def test_papers_and_key_stage_2_are_said_to_be_unused_and_make_no_groups(read: Read) -> None:
    columns = (
        "1 2 3 4",
        "2 3 4 5",
        "61 62 63 64",
        "104 99 110 108",
        "Low Low High High",
        "44 45 46 47",
    )
    text = table("GCSE,KS2 Prior,P2 mark,KS2 Maths,KS2 band,Paper_1 score", *columns)
    landed = read({"2026/r.csv": text})
    found = {name: role for name, role in roles(landed).items() if name not in ("UPN", "Name")}
    assert found == {
        "Subject": "subject",
        "GCSE": "final",
        "KS2 Prior": "not used",
        "P2 mark": "not used",
        "KS2 Maths": "not used",
        "KS2 band": "group",
        "Paper_1 score": "not used",
    }
    why = dict(landed.columns.filter(role="not used").select("column", "evidence").iter_rows())
    assert "one paper" in why["P2 mark"]
    assert "key stage 2" in why["KS2 Maths"]
    assert set(landed.groups["column"]) == {"KS2 band"}
    # what has grades may be the baseline, and the line that is printed makes it that
    prior = landed.columns.row(by_predicate=pl.col("column") == "KS2 Prior", named=True)
    own = tomllib.loads(str(prior["lines"]))["attainment"]
    told = read({"2026/r.csv": text}, own)
    assert roles(told)["KS2 Prior"] == "baseline"
    assert told.results.filter(series="BASELINE")["points"].to_list() == [2, 3, 4, 5]


def test_another_reading_is_offered_only_where_something_speaks_for_it(read: Read) -> None:
    text = table(
        "Series,Grade,Colour,Band,Target,Baseline,Diff",
        *("GCSE GCSE GCSE GCSE", "5 5 5 6", "q q z z", "1 2 1 2", "6 6 7 7", "4 5 5 6", "1 0 0 0"),
    )
    landed = read({"2026/r.csv": text})
    offered = landed.columns.drop_nulls("otherwise").select("column", "otherwise").rows()
    # there is a baseline; what has two numbers may be grades
    assert offered == [("Band", "a series")]
    alone = read({"2026/r.csv": table("GCSE,Target", "5 5 5 6", "6 6 7 7")})
    assert alone.columns.drop_nulls("otherwise")["column"].to_list() == ["Target"]


def test_a_cohort_of_targets_alone_has_no_result_and_says_so(read: Read) -> None:
    landed = read({"2026/r.csv": table("Target,Prediction", "5 5 6 6", "4 4 4 4")})
    assert set(landed.series.filter(role="sat")["series"]).isdisjoint(landed.results["series"])
    (message,) = problems(landed, "not_understood")["message"]
    assert "there is no grade of an exam" in message


@pytest.mark.parametrize(
    "subject", ["Attendance", "Behaviour Points", "Average Grade", "EBacc APS", "Detentions"]
)
def test_what_stands_among_subjects_and_is_none_makes_no_result(read: Read, subject: str) -> None:
    rows = [
        f"{who},{name},{of},{n}" for who, name in WHO for of, n in (("Maths", 5), (subject, 96))
    ]
    files = {"GCSE.csv": "\n".join(["UPN,Name,Subject,Grade", *rows])}
    landed = read(files)
    assert set(landed.results["subject"]) == {"Maths"}
    assert kinds(landed) == {"which_column"}
    assert not held(landed)
    assert not kinds(read(files, {"ignore": [subject]}))


def test_a_column_beside_several_subjects_is_of_a_kind_and_no_subject(read: Read) -> None:
    text = wide(
        Maths__CWAG="1 2 3 4", Art__CWAG="1 2 3 4", Maths__Mock__1="1 2 3 4", Art__Mock__1="1 2 3 4"
    )
    landed = read({"2026/r.csv": text})
    assert set(landed.results["subject"]) == {"Maths", "Art"}
    (message,) = problems(landed, "which_column")["message"]
    assert "“CWAG” is no series that we know" in message


def test_an_exam_that_nobody_can_read_is_a_problem_and_no_group(read: Read) -> None:
    landed = read({"Year 10/r.csv": table("Autumn,Spring", "Sec Em Sec Mast", "4 5 6 7")})
    assert landed.groups.is_empty()
    assert "4 of 4 results of AUTUMN are not sure" in " ".join(landed.notes["message"])
    comments = "revise_the_whole_of_it " * 4
    assert not kinds(read({"Year 10/r.csv": table("Autumn,Spring", comments, "4 5 6 7")}))


def test_series_that_say_nothing_are_told_by_dates_that_do_not_overlap(read: Read) -> None:
    def export(first: str, second: str) -> str:
        rows = [
            f"{who},Maths,{series},{day},{n}"
            for who, _ in WHO
            for n, (series, day) in ((4, ("Paper set A", first)), (6, ("Autumn", second)))
        ]
        return "\n".join(["UPN,Subject,Assessment,Date,Grade", *rows])

    landed = read({"2026/r.csv": export("14/01/2026", "27/11/2025")})
    there = landed.series.filter(pl.col("series").is_in(landed.results["series"].implode()))
    assert there.sort("place")["series"].to_list() == ["AUTUMN", "PAPER SET A"]
    assert not kinds(landed)
    either = read(
        {"2026/r.csv": export("02/01/2026", "03/11/2025")}
    )  # February, or the 2nd of January?
    assert kinds(either) == {"unknown_series"}


def test_a_school_without_english_or_maths_says_why_there_is_no_headline(read: Read) -> None:
    text = wide(
        Numeracy="1 2 3 4", History="1 2 3 4", French="1 2 3 4", Art="4 4 4 4", Music="4 4 4 4"
    )
    landed = read({"GCSE.csv": text}, {"subjects": {"Numeracy": "Numeracy"}})
    said = " ".join(problems(landed, "not_read")["message"])
    assert "no subject is taken for English" in said
    assert "no subject is taken for maths" in said
    assert "“" not in " ".join(kinds(read({"GCSE.csv": text}, {"subjects": {"Numeracy": "Maths"}})))


# No name and no order of a column or a row changes a figure without a word

HEADERS = ("Mock 1", "Mock 2", "GCSE", "Baseline", "Target", "Y10 Summer", "Autumn", "FFT20", "Set")


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of a tracker in maths."""
    headers = draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=5, unique=True))
    grade = st.integers(2, 9).map(str)
    rows = [[who, name, *(draw(grade) for _ in headers)] for who, name in WHO]
    return ["UPN", "Name", *headers], rows


def told(headers: list[str], rows: list[list[str]]) -> tuple[dict[tuple[str, ...], float], Landed]:
    """Points of every student in every series."""
    lines = [",".join(row) for row in [[*headers, "Subject"], *([*row, "Maths"] for row in rows)]]
    landed = read_cohort({"2026/r.csv": "\n".join(lines).encode()}, Attainment())
    columns = ["student_id", "series", "points"]
    return {
        (who, name): points for who, name, points in landed.results.select(columns).rows()
    }, landed


@settings(max_examples=25, deadline=None)
@given(exports(), st.randoms(use_true_random=False))
def test_the_order_of_columns_and_rows_changes_nothing(
    export: tuple[list[str], list[list[str]]], random: Random
) -> None:
    headers, rows = export
    before, landed = told(headers, rows)
    places = random.sample(range(len(headers)), len(headers))
    below = random.sample(rows, len(rows))
    after, again = told([headers[n] for n in places], [[row[n] for n in places] for row in below])
    assert after == before
    assert sorted(again.notes["message"]) == sorted(landed.notes["message"])
    assert again.series.rows() == landed.series.rows()


@settings(max_examples=25, deadline=None)
@given(exports(), st.data())
def test_a_column_under_an_unknown_name_changes_nothing_without_a_word(
    export: tuple[list[str], list[list[str]]], data: st.DataObject
) -> None:
    headers, rows = export
    before, landed = told(headers, rows)
    place = data.draw(st.integers(2, len(headers) - 1))
    renamed = [*headers[:place], "Quux", *headers[place + 1 :]]
    after, again = told(renamed, rows)
    # one of two rivals less may leave the other, and then nobody asks which
    assert all(before.get(entry, points) == points for entry, points in after.items())
    assert after == before or set(again.notes["message"]) - set(landed.notes["message"])
