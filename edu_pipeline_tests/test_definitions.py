from pathlib import Path

import dagster as dg
import pytest

from edu_pipeline.definitions import build_definitions
from edu_pipeline.ground.shipped import PROJECT
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import home_from_environment, mail_room
from edu_pipeline_tests.conftest import CODES, make_home

GROUPS = {"ledger", "landing", "facts", "teachers", "attainment", "mail", "programmes", "site"}


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
    assert "send_nudges" not in {job.name for job in school.jobs or []}
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
    assert len(raw) == 15
    assert all(spec.freshness_policy for spec in raw)


def assets_of(definitions: dg.Definitions, job: str) -> set[str]:
    keys = definitions.resolve_job_def(job).asset_layer.executable_asset_keys
    return {key.path[-1] for key in keys}


AFTER_MAIL = {"ledger_letters", "campaign_engagement", "letters_page", "home_page"}
"""How letters stand may change in every job."""


def test_every_run_makes_a_table_after_all_that_it_reads(
    definitions: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the lines that are drawn are fewer than what is read
    monkeypatch.setattr("edu_pipeline.definitions.thinned", list)
    home = make_home(tmp_path / "home", {}, CODES + PROGRAMME)
    read = build_definitions(mail_room(home)).resolve_asset_graph()
    drawn = definitions.resolve_asset_graph()
    lines = [
        sum(len(graph.get(key).parent_keys) for key in graph.get_all_asset_keys())
        for graph in (drawn, read)
    ]
    assert lines[0] < 0.7 * lines[1]
    for job in definitions.jobs or []:
        layer = definitions.resolve_job_def(job.name).asset_layer
        made = set(layer.executable_asset_keys)
        before: dict[dg.AssetKey, set[dg.AssetKey]] = {}
        for key in drawn.toposorted_asset_keys:
            parents = made & set(drawn.get(key).parent_keys)
            before[key] = parents.union(*(before[each] for each in parents))
            if key in made:
                assert made & set(read.get(key).parent_keys) <= before[key], (job.name, key)


def test_refreshing_and_sending_share_the_assets_between_them(definitions: dg.Definitions) -> None:
    refresh, letters, nudges = (
        assets_of(definitions, job) for job in ("refresh", "send_letters", "send_nudges")
    )
    everything = {spec.key.path[-1] for spec in definitions.resolve_all_asset_specs()}
    assert refresh | letters | nudges == everything
    assert refresh & letters == refresh & nudges == letters & nudges == AFTER_MAIL


def test_a_nudge_is_sent_by_the_programme_and_the_week(definitions: dg.Definitions) -> None:
    assert assets_of(definitions, "send_nudges") - AFTER_MAIL == {
        "queued_nudges",
        "delivered_nudges",
    }
    for job in ("send_nudges", "deliver_nudges", "approve_nudges"):
        partitions = definitions.resolve_job_def(job).partitions_def
        assert partitions
        assert partitions.has_partition_key("buslead|2026-09-28")
        assert not partitions.has_partition_key("corpinn|2026-09-28")


@pytest.mark.parametrize("noun", ["letters", "nudges"])
def test_delivering_writes_no_letter_anew(definitions: dg.Definitions, noun: str) -> None:
    assert assets_of(definitions, f"deliver_{noun}") == {f"delivered_{noun}", *AFTER_MAIL}


def test_every_job_sensor_and_schedule_says_what_it_does(definitions: dg.Definitions) -> None:
    named = {
        "refresh",
        *(f"refresh_{what}" for what in ("school", "programmes", "results", "letters")),
        *(
            f"{verb}_{noun}"
            for verb in ("send", "approve", "deliver")
            for noun in ("letters", "nudges")
        ),
    }
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
