"""What is wrong or odd in exports that people really have, a test each."""

import hashlib
import tomllib

import polars as pl
import pytest

from edu_pipeline.landing.sources.edx.exports import course_runs
from edu_pipeline.landing.tables import cells
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, Land, Landed

ERA_D = (
    'Student ID,Email,Username,Grade,"Quiz 1: a","Quiz 2: b","Quiz (Avg)","Lab (Avg)",Enrollment Track,'
    "Verification Status,Certificate Eligible,Certificate Delivered,Certificate Type,"
    "Enrollment Status"
)
ADA = (
    "11,ada@x.example,ada,0.9,1.0,Not Attempted,0.5,0.0,verified,ID Verified,Y,Y,verified,enrolled"
)
BEN = "12,ben@x.example,ben,0.7,1.0,1.0,1.0,0.0,audit,N/A,N,N,N/A,unenrolled"
CHO = "13,cho@x.example,cho,0.2,0.0,0.0,0.0,0.0,audit,N/A,N,N,N/A,enrolled"
RUN = "UQx_BUSLEAD1x_1T2024"
GRADES = f"{RUN}_grade_report_2024-08-01-0900.csv"
PROFILE = f"{RUN}_student_profile_info_2024-08-01-0901.csv"
ERRORS = f"{RUN}_grade_report_err_2024-08-01-0900.csv"
PEOPLE = "id,username,name,email,country\n"
TAIL = (
    "learner_id",
    "track",
    "verification",
    "certificate_eligible",
    "certificate_delivered",
    "certificate_type",
    "enrolled",
)


def report(*rows: str, header: str = ERA_D, newline: str = "\r\n") -> str:
    return newline.join([header, *rows]) + newline


@pytest.fixture(params=["by DuckDB", "record by record"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both readers of a file must agree."""
    if request.param == "record by record":
        monkeypatch.setattr(cells, "_view", lambda *_: False)
    else:

        def not_needed(*_: object) -> None:
            raise AssertionError("DuckDB could not read the file")

        monkeypatch.setattr(cells, "records", not_needed)


@pytest.mark.usefixtures("either_way")
def test_a_row_one_cell_short_does_not_shift_the_certificate(land_files: Land) -> None:
    short = (
        "11,ada@x.example,ada,0.9,1.0,Not Attempted,0.5,verified,ID Verified,Y,Y,verified,enrolled"
    )
    shorter = "14,dee@x.example,dee,0.4,0.4,0.4,verified,ID Verified,N,N,N/A,enrolled"
    landed = land_files({GRADES: report(short, BEN, shorter)})
    assert landed.results.select(TAIL).rows() == [
        ("11", "verified", "ID Verified", True, True, "verified", True),
        ("12", "audit", "N/A", False, False, "N/A", False),
        ("14", "verified", "ID Verified", False, False, "N/A", True),
    ]
    assert landed.grades() == {"11": 0.9, "12": 0.7, "14": 0.4}
    assert landed.rejected() == []


@pytest.mark.usefixtures("either_way")
def test_an_empty_cell_is_no_missing_cell(land_files: Land) -> None:
    landed = land_files({GRADES: report("11,ada@x.example,ada,0.9,,,,,,,,,,", BEN)})
    assert landed.results.select(TAIL).rows()[0] == ("11", None, None, None, None, None, None)
    assert landed.grades() == {"11": 0.9, "12": 0.7}


@pytest.mark.usefixtures("either_way")
def test_a_row_that_is_cut_off_is_rejected(land_files: Land) -> None:
    # more is missing than the four grades of assignments have
    landed = land_files({GRADES: report(ADA, "12,ben@x.example,ben,0.7,1.0,1.0,1.0")})
    assert landed.grades() == {"11": 0.9}
    assert landed.rejected() == [("grade_reports", 3, "too_few_cells", None)]


@pytest.mark.usefixtures("either_way")
def test_a_row_of_which_the_end_is_missing_is_no_row_without_an_average(land_files: Land) -> None:
    cut = "12,ben@x.example,ben,0.7,1.0,1.0,1.0,0.0,audit,N/A,N,N"
    landed = land_files({GRADES: report(ADA, cut)})
    assert landed.grades() == {"11": 0.9}
    # counted from the right, audit would say whether a certificate can be had
    assert landed.rejected() == [("grade_reports", 3, "columns_do_not_fit", "audit")]


def test_a_row_with_too_many_cells_is_rejected(land_files: Land) -> None:
    landed = land_files({GRADES: report(f"{ADA},surplus", BEN)})
    assert landed.grades() == {"12": 0.7}
    assert landed.rejected() == [("grade_reports", 2, "too_many_cells", None)]


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_semicolons_a_byte_order_mark_and_either_line_ending_are_read(
    land_files: Land, newline: str
) -> None:
    text = report(ADA, BEN, newline=newline).replace(",", ";")
    landed = land_files({GRADES: b"\xef\xbb\xbf" + text.encode()})
    assert landed.results.select("learner_id", "grade", "track").rows() == [
        ("11", 0.9, "verified"),
        ("12", 0.7, "audit"),
    ]


def test_columns_that_a_plugin_puts_in_front_do_not_matter(land_files: Land) -> None:
    front = "org_id,course_id,course_run,anonymous_user_id,"
    landed = land_files(
        {GRADES: report(f"UQx,BUSLEAD1x,1T2024,0a1b,{ADA}", header=f"{front}{ERA_D}")}
    )
    assert landed.results.select(TAIL).rows() == [
        ("11", "verified", "ID Verified", True, True, "verified", True)
    ]


def test_two_subsections_of_one_name_are_two_columns(land_files: Land) -> None:
    twice = ERA_D.replace('"Quiz 2: b"', '"Quiz 1: a"')
    assert land_files({GRADES: report(ADA, header=twice)}).grades() == {"11": 0.9}


def test_the_problem_grade_report_is_not_taken_for_the_grade_report(land_files: Land) -> None:
    problems = "Student ID,Email,Username,Enrollment Status,Grade,P (Earned),P (Possible)\r\n"
    landed = land_files(
        {
            GRADES: report(ADA),
            GRADES.replace("grade_report_2024", "problem_grade_report_2025"): (
                f"{problems}11,ada@x.example,ada,enrolled,0.1,Not Attempted,1\r\n"
            ),
        }
    )
    assert landed.grades() == {"11": 0.9}
    assert landed.exports.height == 1
    assert landed.problems.is_empty()


def test_who_could_not_be_graded_has_no_grade_and_has_not_failed(land_files: Land) -> None:
    landed = land_files(
        {
            GRADES: report(ADA, BEN),
            ERRORS: "Student ID,Username,Error\r\n12,ben,ValueError\r\n15,eve,KeyError\r\n",
        }
    )
    assert landed.results.select("learner_id", "grade", "has_error").rows() == [
        ("11", 0.9, False),
        ("12", None, True),
        ("15", None, True),
    ]


def test_a_learner_of_whom_only_the_id_is_known_is_a_learner(land_files: Land) -> None:
    landed = land_files({GRADES: report(ADA), ERRORS: "Student ID,Username,Error\r\n16,,boom\r\n"})
    assert landed.learners.select("learner_id", "username", "email").rows() == [
        ("11", "ada", "ada@x.example"),
        ("16", None, None),
    ]


def test_an_old_error_is_settled_by_a_newer_grade_report(land_files: Land) -> None:
    old = ERRORS.replace("2024-08-01", "2024-07-01")
    landed = land_files({GRADES: report(ADA), old: "id,username,error_msg\r\n11,ada,boom\r\n"})
    assert landed.results.select("grade", "has_error").rows() == [(0.9, False)]
    assert landed.exports.filter(kind="grade_errors")["current"].to_list() == [False]


def test_learners_whom_only_the_grade_report_has_are_kept(land_files: Land) -> None:
    landed = land_files({GRADES: report(ADA, BEN), PROFILE: f"{PEOPLE}11,ada,Ada,a@x.example,AU\n"})
    assert landed.grades() == {"11": 0.9, "12": 0.7}
    assert landed.learners.select("learner_id", "email", "name").rows() == [
        ("11", "a@x.example", "Ada"),
        ("12", "ben@x.example", None),
    ]


def test_the_latest_stamp_of_a_run_and_kind_counts(land_files: Land) -> None:
    later = GRADES.replace("2024-08-01-0900", "2025-02-12-2116")
    landed = land_files({GRADES: report(ADA, BEN), later: report(ADA.replace("0.9", "0.95"), CHO)})
    assert landed.grades() == {"11": 0.95, "13": 0.2}
    assert landed.exports.select("path", "current", "rows").rows() == [
        (f"micromasters/buslead/{GRADES}", False, 2),
        (f"micromasters/buslead/{later}", True, 2),
    ]


def test_runs_in_other_spellings_are_one_run(land_files: Land) -> None:
    quoted = "course-v1%3AUQx%2BBUSLEAD1x%2B1T2024_grade_report_2024-09-01-0900.csv"
    listed = (
        f'{PROGRAMME}\n[[programmes.runs]]\ncourse = "buslead1x"\nrun = "UQx/buslead1x/1t2024"\n'
    )
    landed = land_files({GRADES: report(CHO), quoted: report(BEN)}, listed)
    assert landed.results.select("run", "learner_id").rows() == [("UQx_buslead1x_1t2024", "12")]
    assert landed.problems.is_empty()


def test_the_newest_address_and_name_win_over_all_runs(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2023_student_profile_info_2024-09-01-0900.csv": (
                f"{PEOPLE}11,ada,Ada Oak,ada.oak@x.example,\n"
            ),
            "UQx_BUSLEAD5x_1T2024_student_profile_info_2024-01-01-0900.csv": (
                f"{PEOPLE}11,ada,Ada Moss,ada.moss@x.example,AU\n"
            ),
            "UQx_BUSLEAD5x_1T2024_grade_report_2024-10-01-0900.csv": report(
                ADA.replace("ada@x.example", "ada.new@x.example")
            ),
        }
    )
    assert landed.learners.drop("stamp").rows() == [
        ("11", "ada", "ada.new@x.example", "Ada Oak", "AU", None)
    ]


def test_of_the_same_minute_the_profile_knows_best(land_files: Land) -> None:
    same = PROFILE.replace("0901", "0900")
    landed = land_files({GRADES: report(ADA), same: f"{PEOPLE}11,ada,Ada,profile@x.example,AU\n"})
    assert landed.learners["email"].to_list() == ["profile@x.example"]


def test_names_keep_apostrophes_accents_quotes_and_colons(land_files: Land) -> None:
    rows = (
        "11,o'neil,Sinéad O'Neil,o'neil@x.example,IE\n"
        '12,munoz,"Muñoz: ""Pepe"", José",pepe@x.example,ES\n'
        "13,nan_,Nan None,nan@x.example,NA\n"
        "14,x,None,None,nan\n"
    )
    landed = land_files({PROFILE: PEOPLE + rows})
    assert landed.learners.select("username", "name", "email", "country").rows() == [
        ("o'neil", "Sinéad O'Neil", "o'neil@x.example", "IE"),
        ("munoz", 'Muñoz: "Pepe", José', "pepe@x.example", "ES"),
        ("nan_", "Nan None", "nan@x.example", "NA"),
        ("x", None, None, None),
    ]


@pytest.mark.usefixtures("either_way")
def test_line_breaks_and_commas_in_profiles_move_no_line(land_files: Land) -> None:
    header = "id,username,name,email,mailing_address,goals,country\r\n"
    first = (
        '11,ada,Ada,ada@x.example,"1 Road\n2nd floor\r\nPerth, WA","to ""learn""\n\nmore",AU\r\n'
    )
    landed = land_files({PROFILE: f"{header}{first}12,ben,Ben,ben@x.example,,,AU\r\n"})
    assert landed.results.select("learner_id", "line").rows() == [("11", 2), ("12", 7)]
    assert landed.learners["country"].to_list() == ["AU", "AU"]


def test_blank_lines_move_no_line(land_files: Land) -> None:
    landed = land_files({GRADES: f"{ERA_D}\r\n{ADA}\r\n\r\n{BEN}\r\n\r\n\r\n"})
    assert landed.results.select("learner_id", "line").rows() == [("11", 2), ("12", 4)]


def test_a_learner_without_an_id_is_found_by_username_in_other_exports(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2013_student_profile_info_2013-08-01-0901.csv": (
                "username,name,email\nada,Ada,old@x.example\nzoe,Zoe,zoe@x.example\n"
            ),
            GRADES: report(ADA),
        }
    )
    assert landed.results.select("run", "learner_id").rows() == [
        ("UQx_BUSLEAD1x_1T2013", "11"),
        ("UQx_BUSLEAD1x_1T2013", "u:zoe"),
        (RUN, "11"),
    ]
    assert landed.learners.select("learner_id", "name", "email").rows() == [
        ("11", "Ada", "ada@x.example"),
        ("u:zoe", "Zoe", "zoe@x.example"),
    ]


def test_an_id_that_pandas_made_a_float_is_the_id(land_files: Land) -> None:
    assert land_files({GRADES: report(ADA.replace("11,", "11.0,"))}).grades() == {"11": 0.9}


def test_rows_that_cannot_be_right_are_rejected_and_the_others_count(land_files: Land) -> None:
    rows = (
        ADA,  # line 2
        "12,ben@x.example,ben,good,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
        "13,cho@x.example,cho,85,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
        "14,dee@x.example,dee,-0.1,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
        ",nobody@x.example,,0.5,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
        "id-15,eve@x.example,eve,0.5,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
        "16,fay@x.example,fay,0.5,1,1,1,1,audit,N/A,maybe,N,N/A,enrolled",
        "17,gus@x.example,gus,nan,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
        "11,ada@x.example,ada,0.8,1,1,1,1,verified,ID Verified,Y,Y,verified,enrolled",
    )
    landed = land_files({GRADES: report(*rows)})
    assert landed.grades() == {"11": 0.8, "17": None}
    assert landed.rejected() == [
        ("grade_reports", 2, "another_row_of_the_learner_differs", None),
        ("grade_reports", 3, "unparseable_grade", "good"),
        ("grade_reports", 4, "grade_not_between_0_and_1", "85"),
        ("grade_reports", 5, "grade_not_between_0_and_1", "-0.1"),
        ("grade_reports", 6, "missing_id", None),
        ("grade_reports", 7, "id_is_no_number", "id-15"),
        ("grade_reports", 8, "columns_do_not_fit", "maybe"),
    ]
    # who is only in rejected rows is no learner
    assert landed.learners["learner_id"].to_list() == ["11", "17"]
    (problem,) = landed.problems.filter(kind="many_rejected")["message"]
    assert (
        "6 of 9 rows (66.7\u00a0%) are not counted: unparseable grade 1, grade not between 0 and 1 2, "
        "missing id 1," in problem
    )
    assert "columns do not fit 1, first in line 3." in problem
    assert "ben" not in problem.replace(GRADES, "")


def test_a_track_that_is_neither_paid_nor_free_to_us_is_told_and_what_is_no_word_is_not_shown(
    land_files: Land,
) -> None:
    rows = [
        ADA.replace("verified,ID", f"{track},ID")
        .replace("11,", f"{11 + n},")
        .replace("ada", f"u{n}")
        for n, track in enumerate(
            ["Golden", "golden", "Paid-Bootcamp", "unpaid-executive-education", "None", "Dora Moss"]
        )
    ]
    found = land_files({GRADES: report(*rows)}).problems

    assert found.select("kind", "subject", "rows").rows() == [
        ("unknown_track", "(no word)", 1),
        ("unknown_track", "golden", 2),
    ]
    assert (
        '"paid-bootcamp", "golden"]; if it costs nothing: free_tracks = ["audit",'
        in found["message"][1]
    )
    assert "download the report again" in found["message"][0]
    assert "paste" not in found["message"][0]
    assert "dora" not in found["message"].str.to_lowercase().str.join(" ").item()


def test_a_file_that_cannot_be_read_leaves_the_one_before_in_force(land_files: Land) -> None:
    later = GRADES.replace("2024-08-01-0900", "2025-02-12-2116")
    landed = land_files(
        {GRADES: report(ADA), later: "Student ID,Email,Username\n11,a@x.example,ada\n"}
    )
    assert landed.grades() == {"11": 0.9}
    (message,) = landed.problems["message"]
    assert message.startswith(
        f"micromasters/buslead/{later}: it has no column of grade. Download it again from the "
        "instructor dashboard; or, if it has them under other names, `edu-pipeline landing inspect` prints "
        f"the lines that say so. Until then micromasters/buslead/{GRADES} counts. Or, if nudges may rest"
    )


def test_an_empty_file_is_told(land_files: Land) -> None:
    landed = land_files({GRADES: "", PROFILE: PEOPLE})
    assert landed.problems["kind"].to_list() == ["unreadable_file"]
    assert landed.results.is_empty()


def test_what_no_course_claims_is_told_and_stops_nothing_else(land_files: Land) -> None:
    other = GRADES.replace("BUSLEAD1x", "LGDM1x")
    longer = GRADES.replace("BUSLEAD1x", "BUSLEAD1xx")
    landed = land_files({GRADES: report(ADA), other: report(BEN), longer: report(BEN)})
    assert landed.grades() == {"11": 0.9}
    assert landed.problems.select("kind", "subject").rows() == [
        ("unclaimed_export", "UQx_BUSLEAD1xx_1T2024"),
        ("unclaimed_export", "UQx_LGDM1x_1T2024"),
    ]
    assert "no course of buslead has a key" in landed.problems["message"][1]


def test_files_that_edx_did_not_name_and_folders_of_no_programme_are_told(land_files: Land) -> None:
    landed = land_files(
        {
            GRADES: report(ADA),
            "notes.txt": "remember",
            "micromasters/loose.csv": "a,b\n",
            f"micromasters/buslaed/{GRADES}": report(BEN),
        }
    )
    assert landed.grades() == {"11": 0.9}
    assert landed.problems.select("part", "kind", "subject").rows() == [
        ("buslead", "unknown_file", "micromasters/buslead/notes.txt"),
        (None, "unknown_folder", "buslaed"),
        (None, "unknown_folder", "micromasters/"),
    ]
    assert 'id = "buslaed"' in landed.problems["message"][1]


def runs(*lines: str) -> str:
    return PROGRAMME + "".join(
        f'\n[[programmes.runs]]\ncourse = "buslead1x"\n{each}' for each in lines
    )


def runs_of(settings: str, landed: Landed) -> pl.DataFrame:
    programmes = Settings.model_validate(tomllib.loads(settings)).programmes
    return course_runs(programmes, landed.exports)


def test_a_listed_run_that_no_export_mentions_is_told(land_files: Land) -> None:
    settings = runs(
        'run = "1T2024"',
        'run = "2T2042"',  # a typing error
        'run = "1T2025"\nstarts = 2025-02-01',  # after the newest export: not yet
        'run = "2T2023"\nstarts = 2023-07-01',
    )
    landed = land_files({GRADES: report(ADA)}, settings)
    assert landed.problems.select("kind", "subject").rows() == [
        ("run_without_export", "UQx_BUSLEAD1x_2T2042"),
        ("run_without_export", "UQx_BUSLEAD1x_2T2023"),
    ]
    assert "buslead1x/2T2042 is listed in pipeline.toml" in landed.problems["message"][0]
    unknown = {"UQx_BUSLEAD1x_2T2042", "UQx_BUSLEAD1x_2T2023"}
    assert set(runs_of(settings, landed).filter("unknown")["run"]) == unknown


def test_a_run_to_come_that_an_export_has_under_another_spelling_is_not_offered(
    land_files: Land,
) -> None:
    settings = runs('run = "1T_2024"\nstarts = 2024-09-01', 'run = "1T2025"\nstarts = 2025-02-01')
    landed = land_files({GRADES: report(ADA)}, settings)
    (problem,) = landed.problems.rows(named=True)
    assert (problem["kind"], problem["subject"]) == (
        "run_spelled_otherwise",
        "UQx_BUSLEAD1x_1T_2024",
    )
    assert 'run = "UQx_BUSLEAD1x_1T2024"' in problem["message"]
    # of the other one only the year is alike: it is another run, and not there yet
    assert runs_of(settings, landed).filter("unknown")["run"].to_list() == ["UQx_BUSLEAD1x_1T_2024"]


def test_a_programme_without_any_export_is_told_once(land_files: Land) -> None:
    landed = land_files({}, runs('run = "1T2024"'))
    assert landed.problems["kind"].to_list() == ["no_exports"]


def test_without_programmes_the_tables_are_there_and_empty(land_files: Land) -> None:
    landed = land_files({}, "")
    for table in ("stg_learners", "stg_run_results", "raw_profiles", "rejected_grade_reports"):
        assert landed.table(table).is_empty()
    assert landed.problems.is_empty()


def test_runs_that_are_not_listed_count_too(land_files: Land) -> None:
    settings = runs('run = "1T2025"\nstarts = 2025-02-01', 'run = "2T2025"')
    landed = land_files({GRADES: report(ADA)}, settings)
    found = runs_of(settings, landed)
    assert found.select("run", "position", "run_position", "listed", "pass_mark").rows() == [
        ("UQx_BUSLEAD5x_1T2099", 2, 1, True, 0.65),
        ("UQx_BUSLEAD1x_1T2025", 1, 2, True, 0.65),
        ("UQx_BUSLEAD1x_2T2025", 1, 3, True, 0.65),
        (RUN, 1, None, False, 0.65),
    ]


@pytest.mark.parametrize("identifier", ["learner:11", "learner:u:ada", "address:ada@x.example"])
def test_who_was_forgotten_does_not_come_in_again(land_files: Land, identifier: str) -> None:
    known = identifier.removeprefix("address:")
    stone = hashlib.sha256(f"5a17:{known}".encode()).hexdigest()
    forgotten = pl.DataFrame({"hash": [stone], "salt": ["5a17"]})
    files = {GRADES: report(ADA.replace("ada@", "Ada@"), BEN)}
    landed = land_files(files, forgotten=forgotten)
    assert landed.grades() == {"12": 0.7}
    assert landed.table("raw_grade_reports")["username"].to_list() == ["ben"]


def test_who_was_forgotten_does_not_come_in_from_exports_without_ids_or_changed_by_a_program(
    land_files: Land,
) -> None:
    stones = [
        hashlib.sha256(f"5a17:{known}".encode()).hexdigest()
        for known in ("learner:11", "learner:u:ada")
    ]
    forgotten = pl.DataFrame({"hash": stones, "salt": "5a17"})
    old = "username,name,email\nada,Ada Byron,ada@old.example\nben,Ben,ben@x.example\n"
    changed = report(ADA.replace("11,", "11.0,").replace(",ada,", ",,"), BEN)
    landed = land_files({PROFILE: old, GRADES: changed}, forgotten=forgotten)
    assert landed.learners["learner_id"].to_list() == ["12"]


@pytest.mark.parametrize(
    ("files", "kind", "holds"),
    [
        ({GRADES: b"PK\x03\x04"}, "unreadable_file", "nudges"),
        ({"UQx_ELSE1x_1T2027_grade_report_2027-05-01-0930.csv": ""}, "unclaimed_export", "nudges"),
        ({"notes.txt": "remember"}, "unknown_file", None),
    ],
)
def test_nudges_do_not_rest_on_exports_that_are_not_understood(
    land_files: Land, files: dict[str, str | bytes], kind: str, holds: str | None
) -> None:
    (problem,) = land_files(files).problems.filter(kind=kind).rows(named=True)
    assert (problem["part"], problem["holds"]) == ("buslead", holds)
    release = f"nudges may rest on it as it is: edu-pipeline gate release {problem['id']} --reason"
    assert (release in problem["message"]) == (holds is not None)
