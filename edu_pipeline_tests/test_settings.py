"""`pipeline.toml`: what codes mean, and what is said when it cannot be used."""

from pathlib import Path
from string import ascii_uppercase

import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.settings.home import Home, Settings, SettingsError, load_settings
from edu_pipeline.settings.landing import TableExport
from edu_pipeline.settings.letters import Target
from edu_pipeline.settings.marks import MARKS, Attendance, Homework, Mark


def written(tmp_path: Path, text: str | bytes) -> Home:
    home = Home(tmp_path)
    home.config.write_bytes(text.encode() if isinstance(text, str) else text)
    return home


def test_a_code_is_understood_as_written_else_in_any_case_else_by_default() -> None:
    codes = Attendance(codes={"L": "tardy", "l": "absent", "P": "present", "Late": "excused"})
    assert codes.mark("L") == MARKS["tardy"]
    assert codes.mark("l") == MARKS["absent"]
    assert codes.mark("p") == MARKS["present"]
    assert codes.mark("Unexcused Absence") == MARKS["unexcused"]
    assert codes.mark("QT") is None


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("X (absent)", "absent"),
        ("(present)", "present"),
        ("K (present)", None),  # tardy, or not?
        ("T (present)", "tardy"),
        ("E (absent)", "excused"),
        ("E (present)", None),  # another school's, or another year's
        ("T (absent)", "absent"),
    ],
)
def test_what_the_system_says_of_presence_goes_with_what_the_school_says(
    code: str, meaning: str | None
) -> None:
    said = Attendance(codes={"T": "tardy", "E": "excused"})
    assert said.mark(code) == (meaning and MARKS[meaning])


def test_what_the_school_says_wins_over_the_default_in_any_case() -> None:
    assert Attendance(codes={"Late": "excused"}).mark("late") == MARKS["excused"]
    assert Homework(codes={"GRADED": "missing"}).status("graded") == "missing"


def test_what_a_single_letter_means_is_for_the_school_to_say() -> None:
    assert [
        code for code in ascii_uppercase if Attendance().mark(code) or Homework().status(code)
    ] == []


def test_an_empty_code_is_a_register_not_taken_unless_the_school_says_otherwise() -> None:
    assert Attendance().mark("") == MARKS["not_taken"]
    assert Attendance(codes={"": "present"}).mark("") == MARKS["present"]
    assert Homework().status("") == "unknown"


def test_tardy_is_present_and_not_expected_is_neither() -> None:
    assert (MARKS["tardy"].attended, MARKS["tardy"].possible) == (1, 1)
    assert (MARKS["not_expected"].attended, MARKS["not_expected"].possible) == (0, 0)
    assert MARKS["not_taken"].submitted is False


def test_a_code_may_be_a_mark_of_its_own() -> None:
    mark = Attendance.model_validate({"codes": {"Q": {"attended": 0.25, "excused": True}}})
    assert mark.mark("q") == Mark(attended=0.25, excused=True)


def test_nobody_attends_more_than_was_possible() -> None:
    with pytest.raises(ValueError, match="attended cannot be more than possible"):
        Mark(possible=0.5, attended=1)


def test_a_grade_has_its_own_cut_offs_or_the_schools() -> None:
    target = Target.model_validate(
        {"met": 0.95, "near": 0.9, "grades": {"12": {"met": 0.8, "near": 0.7}}}
    )
    assert target.for_grade("12").met == 0.8
    assert target.for_grade("7").met == target.for_grade(None).met == 0.95


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%y", "%d %b %Y AM", "%Y-%m-%dT%H:%M:%S.000Z"])
def test_date_formats_that_are_read_are_accepted(form: str) -> None:
    assert TableExport(date_formats=(form,)).date_formats == (form,)


@pytest.mark.parametrize("form", ["%Q", "%Y-%m-%", "yyyy-mm-dd", "%m/%d", "…"])
def test_what_is_no_date_format_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="is no date format; write one such as %Y-%m-%d"):
        TableExport(date_formats=(form,))


@pytest.mark.parametrize(
    "forms", [("%m/%d/%Y", "%d/%m/%Y"), ("%-d.%-m.%y", "%Y-%m-%d", "%m.%d.%y")]
)
def test_formats_that_would_swap_day_and_month_are_refused(forms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="differ only in the order of day and month; keep one"):
        TableExport(date_formats=forms)


def test_both_orders_are_accepted_where_the_separator_or_the_year_tells_them_apart() -> None:
    forms = ("%m/%d/%Y", "%d.%m.%Y", "%d/%m/%y", "%-m/%-d/%Y")
    assert TableExport(date_formats=forms).date_formats == forms


def test_a_delimiter_is_one_character() -> None:
    with pytest.raises(ValueError, match="at most 1 character"):
        TableExport(delimiter="||")


def test_settings_are_read_also_behind_a_byte_order_mark(tmp_path: Path) -> None:
    home = written(tmp_path, "\ufeff[school]\nname = 'École'")
    assert load_settings(home).school.name == "École"


def test_nothing_written_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "")) == Settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[school]\nname = Riverside", "is not valid TOML: "),
        (b"[school]\nname = '\xc9cole'", "is not UTF-8. Save it as UTF-8."),
        ("[school]\nnome = 'x'", "school.nome: there is no such key"),
        ("[school]\ntime_zone = 'Mars/Base'", "'Mars/Base' is no IANA time zone"),
        ("[attendance.codes]\nP = 'here'", r"attendance.codes.P"),
        ('[mail]\nmode = "redirect"\nredirect_to = "Kim"', "mail.redirect_to: "),
        ('[mail]\noperator = "kim@riverside,example"', "mail.operator: "),
        (
            '[mail]\ntransport = "smtp"\nallowed = ["school.org"]',
            "fill in [school] time_zone and [letters] from_email first",
        ),
        ("[targets.homework]\nmet = 0.7\nnear = 0.8", "near must not be above met"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_the_place(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(written(tmp_path, text))
    assert told in str(error.value)
    assert "pipeline.toml" in str(error.value)


def test_a_new_home_says_nothing_that_only_the_school_can_know(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, shipped("pipeline.toml").read_bytes()))
    assert settings == Settings()
    assert settings.school.time_zone == settings.school.name == ""
    assert settings.letters.sender == ("sender-not-set@school.example", "Sender not set")


def test_a_folder_without_settings_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"There is no pipeline\.toml .* edu-pipeline init"):
        load_settings(Home(tmp_path))


def test_the_landing_zone_is_a_folder_of_the_home_or_a_bucket(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.landing_url(Settings()) == (tmp_path / "data" / "landing").resolve().as_uri()
    bucket = Settings.model_validate({"landing": {"url": "s3://exports/school"}})
    assert home.landing_url(bucket) == "s3://exports/school"
