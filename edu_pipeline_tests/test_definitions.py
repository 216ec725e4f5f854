from pathlib import Path

import dagster as dg
import pytest

from edu_pipeline.automation import DELIVER, REFRESH, SEND
from edu_pipeline.definitions import build_definitions
from edu_pipeline.environment import home_from_environment, mail_room
from edu_pipeline.settings import Home
from edu_pipeline.shipped import PROJECT
from edu_pipeline_tests.conftest import CODES, make_home

GROUPS = {"ledger", "landing", "facts", "teachers", "mail", "programmes", "site"}


PROGRAMME = """
[[programmes]]
id = "buslead"
title = "Business Leadership"
[[programmes.courses]]
id = "buslead1x"
title = "UQx_BUSLEAD1x"
pass_mark = 0.65
"""


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Of a home with a school and a programme."""
    home = make_home(tmp_path_factory.mktemp("home"), {}, CODES + PROGRAMME)
    return build_definitions(mail_room(home))


def test_a_school_without_programmes_has_none_of_their_tables(tmp_path: Path) -> None:
    school = build_definitions(mail_room(make_home(tmp_path / "home", {})))
    groups = {spec.group_name for spec in school.resolve_all_asset_specs()}
    assert groups == GROUPS - {"programmes"}
    assert "raw_grade_reports" not in assets_of(school, "refresh")


def test_the_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_asset_is_explained_owned_grouped_and_says_what_personal_data_it_has(
    definitions: dg.Definitions,
) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.group_name in GROUPS, spec.key
        assert spec.kinds, spec.key
        assert spec.tags.get("pii") in {"none", "groups", "ids", "names"}, spec.key


def test_raw_tables_say_how_fresh_they_must_be(definitions: dg.Definitions) -> None:
    raw = [
        spec
        for spec in definitions.resolve_all_asset_specs()
        if spec.key.path[-1].startswith("raw_")
    ]
    assert len(raw) == 10
    assert all(spec.freshness_policy for spec in raw)


def assets_of(definitions: dg.Definitions, job: str) -> set[str]:
    keys = definitions.resolve_job_def(job).asset_layer.executable_asset_keys
    return {key.path[-1] for key in keys}


def test_the_two_jobs_share_the_assets_between_them(definitions: dg.Definitions) -> None:
    refresh, send = (assets_of(definitions, job.name) for job in (REFRESH, SEND))
    everything = {spec.key.path[-1] for spec in definitions.resolve_all_asset_specs()}
    assert refresh | send == everything
    # how letters stand may change in both
    assert refresh & send == {"ledger_letters", "campaign_engagement", "letters_page"}


def test_delivering_writes_no_letter_anew(definitions: dg.Definitions) -> None:
    after = {"ledger_letters", "campaign_engagement", "letters_page"}
    assert assets_of(definitions, DELIVER.name) == {"delivered_letters", *after}


def test_every_job_sensor_and_schedule_says_what_it_does(definitions: dg.Definitions) -> None:
    named = {"refresh", "send_letters", "approve_letters", "deliver_letters"}
    assert {job.name for job in definitions.jobs or []} == named
    for name in named:
        assert definitions.resolve_job_def(name).description, name
    for each in [*(definitions.sensors or []), *(definitions.schedules or [])]:
        assert each.description, each.name


def test_the_home_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("EDU_PIPELINE_HOME", str(folder))
    assert home_from_environment() == Home(folder)


def test_without_a_word_the_home_is_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDU_PIPELINE_HOME", raising=False)
    assert home_from_environment() == Home(PROJECT)
