import dagster as dg
import pytest

from edu_pipeline.automation import REFRESH, SEND
from edu_pipeline.definitions import build_definitions, home_from_environment
from edu_pipeline.settings import Home, load_settings
from edu_pipeline.shipped import PROJECT
from edu_pipeline_tests.conftest import make_home


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = make_home(tmp_path_factory.mktemp("home"), {})
    return build_definitions(home, load_settings(home))


def test_the_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_asset_is_explained_owned_grouped_and_says_what_personal_data_it_has(
    definitions: dg.Definitions,
) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.group_name in {"ledger", "landing", "facts", "teachers", "mail"}, spec.key
        assert spec.kinds, spec.key
        assert spec.tags.get("pii") in {"none", "groups", "ids", "names"}, spec.key


def test_raw_tables_say_how_fresh_they_must_be(definitions: dg.Definitions) -> None:
    raw = [
        spec
        for spec in definitions.resolve_all_asset_specs()
        if spec.key.path[-1].startswith("raw_")
    ]
    assert len(raw) == 7
    assert all(spec.freshness_policy for spec in raw)


def test_the_two_jobs_share_the_assets_between_them(definitions: dg.Definitions) -> None:
    refresh = set(definitions.resolve_job_def(REFRESH.name).asset_layer.executable_asset_keys)
    send = set(definitions.resolve_job_def(SEND.name).asset_layer.executable_asset_keys)
    everything = {spec.key for spec in definitions.resolve_all_asset_specs()}
    assert refresh | send == everything
    assert not refresh & send


def test_the_home_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("EDU_PIPELINE_HOME", str(folder))
    assert home_from_environment() == Home(folder)


def test_without_a_word_the_home_is_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDU_PIPELINE_HOME", raising=False)
    assert home_from_environment() == Home(PROJECT)
