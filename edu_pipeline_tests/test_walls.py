"""Who may import whom: the walls of the house."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edu_pipeline"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
JOBS = ("teachers", "attainment", "programmes")
DAGSTER_ROOMS = (
    "definitions.py",
    "wiring/automation.py",
    "wiring/runs.py",
    "ground/warehouse.py",
    "ground/one_run.py",
)


@functools.cache
def imports_of(module: str) -> set[str]:
    """Dotted names that a module imports, `from a import b` as `a.b` and as `a`."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    return set(_names(tree))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_used(module: str) -> set[str]:
    """The rooms (folders or single modules) of this package that a module imports from."""
    return {
        name.split(".")[1]
        for name in imports_of(module)
        if name.startswith("edu_pipeline.") and len(name.split(".")) > 1
    }


def libraries_used(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports_of(module)}


def in_room(room: str) -> list[str]:
    return [module for module in MODULES if module.startswith(f"{room}/")]


@pytest.mark.parametrize("module", MODULES)
def test_only_the_edges_import_dagster(module: str) -> None:
    if module not in DAGSTER_ROOMS and not module.endswith("/assets.py"):
        assert "dagster" not in libraries_used(module)


@pytest.mark.parametrize("module", MODULES)
def test_warehouse_sql_lives_in_the_warehouse_landing_and_facts(module: str) -> None:
    if module != "ground/warehouse.py" and not module.startswith(("landing/", "facts/")):
        assert "duckdb" not in libraries_used(module)
        if not module.startswith("mail/"):  # the ledger's SQL is SQLAlchemy's
            source = (PACKAGE / module).read_text(encoding="utf-8")
            assert '.execute("' not in source
            assert '.execute(f"' not in source
            assert ".sql(" not in source


@pytest.mark.parametrize("module", MODULES)
def test_only_the_ledger_speaks_sqlalchemy(module: str) -> None:
    if not module.startswith("mail/ledger/"):
        assert "sqlalchemy" not in libraries_used(module)


@pytest.mark.parametrize("module", MODULES)
def test_the_environment_is_read_at_the_edge(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if module not in ("wiring/environment.py", "wiring/runs.py"):
        assert not attributes & {"environ", "getenv"}


@pytest.mark.parametrize("module", in_room("model"))
def test_the_model_knows_nothing_but_itself(module: str) -> None:
    assert rooms_used(module) <= {"model"}


@pytest.mark.parametrize("module", in_room("landing"))
def test_landing_knows_no_job_and_no_mail(module: str) -> None:
    assert not rooms_used(module) & {*JOBS, "mail", "facts", "charting", "glossary", "sample"}


@pytest.mark.parametrize("module", in_room("facts"))
def test_facts_know_no_job_no_mail_and_no_landing(module: str) -> None:
    assert not rooms_used(module) & {*JOBS, "mail", "landing", "charting", "sample"}


@pytest.mark.parametrize("module", in_room("mail"))
def test_mail_knows_nothing_about_schools(module: str) -> None:
    allowed = {"mail", "ground", "settings"}
    assert rooms_used(module) <= allowed


@pytest.mark.parametrize("module", in_room("charting"))
def test_charting_serves_every_job_and_knows_none(module: str) -> None:
    assert rooms_used(module) <= {"charting"}


@pytest.mark.parametrize("module", in_room("site"))
def test_pages_compute_nothing_and_know_no_source(module: str) -> None:
    assert not rooms_used(module) & {"landing", "facts", "sample", "definitions", "wiring"}


@pytest.mark.parametrize("module", MODULES)
def test_only_what_runs_the_whole_house_rests_on_pages(module: str) -> None:
    if module not in ("definitions.py", "wiring/forget.py") and not module.startswith(
        ("site/", "commands/")
    ):
        assert "site" not in rooms_used(module)


@pytest.mark.parametrize("job", JOBS)
def test_jobs_import_neither_each_other_nor_landing(job: str) -> None:
    for module in in_room(job):
        others = {*JOBS} - {job}
        assert not rooms_used(module) & {*others, "landing", "sample", "definitions", "wiring"}


@pytest.mark.parametrize("module", in_room("sample"))
def test_the_sample_makes_files_and_knows_nothing_else(module: str) -> None:
    assert rooms_used(module) <= {"sample"}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_belongs_in_it(module: str) -> None:
    docstring = ast.get_docstring(ast.parse((PACKAGE / module).read_text(encoding="utf-8")))
    assert docstring
