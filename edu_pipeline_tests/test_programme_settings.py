"""`[[programmes]]` as a person writes it, and what is said when it is wrong."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from edu_pipeline.ground.shipped import PROJECT
from edu_pipeline.model.course_keys import course_of
from edu_pipeline.settings.home import Home, Settings, SettingsError, load_settings
from edu_pipeline.settings.post import Post
from edu_pipeline.settings.programmes import Programme, Requirement

COURSES = """
[[programmes.courses]]
id = "a1"
title = "UQx_A1"
pass_mark = 0.65
[[programmes.courses]]
id = "a2"
title = "Second"
key = "course-v1:UQx+A2"
pass_mark = 0.65
[[programmes.courses]]
id = "a3"
title = "UQx/A3"
pass_mark = 0.5
"""


def toml(keys: str = "", more: str = "", courses: str = COURSES) -> str:
    return f'[[programmes]]\nid = "a"\ntitle = "A"\n{keys}\n{courses}\n{more}'


def programme(keys: str = "", more: str = "") -> Programme:
    return Settings.model_validate(tomllib.loads(toml(keys, more))).programmes[0]


def run(course: str, name: str, more: str = "") -> str:
    return f'[[programmes.runs]]\ncourse = "{course}"\nrun = "{name}"\n{more}\n'


def test_a_home_with_programmes_without_a_name_is_called_neither_a_school_nor_programmes() -> None:
    assert Settings().called == "Our school"
    assert Settings.model_validate(tomllib.loads(toml())).called == "Our organisation"
    named = f'[school]\nname = "UQx"\n{toml()}'
    assert Settings.model_validate(tomllib.loads(named)).called == "UQx"


def test_a_course_without_a_key_has_its_title_for_one() -> None:
    assert programme().course_keys == {"a1": ("UQx_A1",), "a2": ("UQx_A2",), "a3": ("UQx_A3",)}


def test_of_keys_that_begin_alike_the_longest_has_the_run() -> None:
    text = toml(courses=COURSES.replace("UQx/A3", "UQx/A1/x"), more=run("a1", "1T2027"))
    (found,) = Settings.model_validate(tomllib.loads(text)).programmes
    assert course_of("UQx_A1_x_1T2027", found.course_keys) == ("a3", "1T2027")
    assert course_of("UQx_A1_1T2027", found.course_keys) == ("a1", "1T2027")


def test_without_a_requirement_all_courses_but_the_capstone_are_required() -> None:
    assert list(programme().requirement.courses()) == ["a1", "a2", "a3"]
    assert list(programme('capstone = "a3"').requirement.courses()) == ["a1", "a2"]


def test_a_requirement_may_be_nested() -> None:
    tree = 'requirement = { all_of = ["a1", { min_number_of = 1, of = ["a2", "a3"] }] }'
    requirement = programme(tree).requirement
    assert not requirement.complete({"a1"})
    assert not requirement.complete({"a2", "a3"})
    assert requirement.complete({"a1", "a3"})


def test_an_empty_node_is_never_complete() -> None:
    for empty in (
        Requirement.model_construct(all_of=()),
        Requirement.model_construct(min_number_of=0, of=()),
        Requirement.model_construct(),
    ):
        assert not empty.complete({"a1", "a2", "a3"})


def test_any_spelling_of_a_run_is_the_same_run() -> None:
    runs = programme(
        more=run("a2", "1T2027") + run("a1", "course-v1:UQx+A1+1T2027") + run("a3", "UQx/A3/2_b")
    )
    assert [runs.run_key(each) for each in runs.runs] == [
        "UQx_A2_1T2027",
        "UQx_A1_1T2027",
        "UQx_A3_2_b",
    ]


def test_nudges_are_for_everybody_unless_the_settings_say_otherwise() -> None:
    plain = programme()
    assert (plain.nudges_since, plain.held_out, plain.staff) == (None, 0, ())
    assert (plain.letters_per_month, plain.opt_in_required) == (2, False)
    assert programme('staff = ["tutor", "d@uq.example", "@uq.example"]').staff[2] == "@uq.example"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (toml() + toml(), "two programmes have the id 'a'; give each its own"),
        (toml(courses=COURSES + COURSES), "two courses have the id 'a1'; give each its own"),
        (toml('capstone = "a9"'), "capstone names the course 'a9', which is none of a1, a2, a3"),
        (toml('requirement = { all_of = ["a9"] }'), "requirement names the course 'a9'"),
        (toml(more=run("a9", "1T2027")), "run '1T2027' names the course 'a9'"),
        (
            toml('capstone = "a3"\nrequirement = { all_of = ["a1", "a3"] }'),
            "the capstone 'a3' is a node of its own; take it out of the requirement",
        ),
        (toml("requirement = { all_of = [] }"), "without a course it would be complete for"),
        (
            toml('requirement = { min_number_of = 3, of = ["a1", "a2"] }'),
            "min_number_of = 3 of 2 can never be complete",
        ),
        (toml('requirement = { of = ["a1"] }'), "min_number_of and of belong together"),
        (
            toml('requirement = { all_of = ["a1"], min_number_of = 1, of = ["a2"] }'),
            "write a course's id, { all_of = […] } or { min_number_of = 1, of = […] }",
        ),
        (
            toml(more=run("a1", "UQx/A2/1T2027")),
            "run 'UQx/A2/1T2027' is not of a1, whose key is 'UQx_A1', but of a2",
        ),
        (
            toml(more=run("a1", "course-v1:UQx+B1+1T2027")),
            "run 'course-v1:UQx+B1+1T2027' is not of a1",
        ),
        (
            toml(more=run("a1", "1T2027") + run("a1", "UQx/A1/1t2027")),
            "run 'UQx/A1/1t2027' of a1 stands there twice; keep one",
        ),
        (
            toml(more=run("a1", "1T2027", "starts = 2027-02-01\nends = 2027-01-01")),
            "ends (2027-01-01) is before starts (2027-02-01)",
        ),
        (
            toml(courses=COURSES.replace("UQx/A3", "UQx/a1")),
            "a3 and a1 have one key, 'UQx_a1': its runs could be of either",
        ),
        (
            toml(courses=COURSES.replace("UQx/A3", "UQx/A1/x"), more=run("a1", "x_1T2027")),
            "run 'x_1T2027' is not of a1, whose key is 'UQx_A1', but of a3",
        ),
        (
            toml(courses=COURSES.replace("UQx/A3", "Statistics")),
            "'Statistics' names no organisation",
        ),
        (toml(courses=COURSES.replace("0.5", "50")), "pass_mark: Input should be less than"),
        (toml(more=run("a1", "1T2027", "edns = 2027-02-01")), "edns: there is no such key"),
        (toml('staff = ["Dr Who"]'), "'Dr Who' is no username, no address and no @domain"),
        (toml("held_out = 1.0"), "held_out: Input should be less than 1"),
        (toml("letters_per_month = 0"), "letters_per_month: Input should be greater than or equal"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "pipeline.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as told:
        load_settings(Home(tmp_path))
    assert sentence in str(told.value)


def test_dates_are_dates() -> None:
    listed = programme(more=run("a1", "1T2027", "starts = 2027-02-01")).runs[0]
    assert listed.starts == date(2027, 2, 1)
    assert listed.upgrade_deadline is None


def test_the_documented_programmes_can_be_used() -> None:
    text = (PROJECT / "docs" / "examples" / "programmes.toml").read_text(encoding="utf-8")
    found = {each.id: each for each in Settings.model_validate(tomllib.loads(text)).programmes}
    assert list(found) == ["buslead", "corpinn", "engy", "lgdm"]
    assert {each.capstone for each in found.values()} == {
        "buslead5x",
        "corpinn5x",
        "engycapx",
        "lgdm5x",
    }
    for each in found.values():
        assert len(list(each.requirement.courses())) == 4
    marks = {
        course.id: course.pass_mark
        for each in (found["corpinn"], found["lgdm"])
        for course in each.courses
    }
    assert (marks["corpinn4x"], marks["corpinn5x"], marks["lgdm5x"]) == (0.70, 0.50, 0.65)
    engy = found["engy"].course_keys
    assert engy["engy0x"] == ("UQx_ENGY0x",)
    assert engy["engycapx"] == ("UQx_ENGYCAPx",)


OFFICE = """
[school]
time_zone = "UTC"
[letters]
from_name = "The university"
from_email = "office@uq.example"
reply_to = "desk@uq.example"
[mail]
postal_address = "1 Main Road"
"""


def post(own: str = "", office: str = OFFICE) -> Post:
    return Settings.model_validate(tomllib.loads(f"{office}\n{toml(more=own)}")).post("nudges.a")


def test_letters_of_a_programme_are_as_all_letters_unless_it_has_a_post_of_its_own() -> None:
    shared = post()
    assert shared.sender == ("office@uq.example", "The university")
    assert (shared.answers_to, shared.postal_address, shared.allowed) == (
        "desk@uq.example",
        "1 Main Road",
        (),
    )
    own = post(
        '[programmes.post]\nfrom_name = "A team"\nfrom_email = "a@uq.example"\n'
        'postal_address = "2 Side Road"\nallowed = "learners"'
    )
    assert own.sender == ("a@uq.example", "A team")
    assert (own.answers_to, own.postal_address, own.allowed) == (
        "a@uq.example",
        "2 Side Road",
        "learners",
    )
    assert post('[programmes.post]\nfrom_name = "A team"').sender[0] == "office@uq.example"


def test_a_post_is_for_the_letters_of_its_programme_alone() -> None:
    own = toml(more='[programmes.post]\nfrom_email = "a@uq.example"')
    text = f"{OFFICE}\n{own}"
    settings = Settings.model_validate(tomllib.loads(text))
    for campaign in ("teachers", "nudges", "nudges.b"):
        assert settings.post(campaign).from_email == "office@uq.example"


def test_letters_may_leave_where_a_programme_alone_says_to_whom() -> None:
    leaving = f'{OFFICE}transport = "smtp"\n'
    with pytest.raises(ValueError, match=r"\[programmes.post\] may say"):
        post(office=leaving)
    assert post('[programmes.post]\nallowed = "learners"', leaving).allowed == "learners"


@pytest.mark.parametrize("folder", ["/etc", "../other", "C:/templates", ""])
def test_a_posts_templates_are_in_the_home(folder: str) -> None:
    with pytest.raises(ValueError, match="templates"):
        post(f'[programmes.post]\ntemplates = "{folder}"')


def test_a_posts_templates_come_before_the_homes_and_must_be_there(tmp_path: Path) -> None:
    home, own = Home(tmp_path), post('[programmes.post]\ntemplates = "letters-a"')
    with pytest.raises(SettingsError, match=r"\[programmes.post\] templates: there is no folder"):
        home.templates_for(own)
    (tmp_path / "letters-a").mkdir()
    assert home.templates_for(own) == (tmp_path / "letters-a", tmp_path / "templates")
    with pytest.raises(SettingsError, match=r'no folder .*letters-a/es with templates in "es"'):
        home.templates_for(own, "es")
    (tmp_path / "templates/es").mkdir(parents=True)
    assert home.templates_for(own, "es") == (
        tmp_path / "templates/es",
        tmp_path / "letters-a",
        tmp_path / "templates",
    )
    assert home.templates_for(post()) == (tmp_path / "templates",)
