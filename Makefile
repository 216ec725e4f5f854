# The commands of this project. On a fresh machine only Python 3.11-3.13 and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
# uv from the path, else fetched by pip into .uv, which touches nothing outside this folder
UV := $(shell command -v uv 2>/dev/null || echo PYTHONPATH=.uv $(PYTHON) -m uv)

# for the scripts of pages; what it keeps lies in the environment, and it asks the network for nothing
export DENO_DIR := $(CURDIR)/$(VENV)/deno
export DENO_NO_UPDATE_CHECK := 1
PAGES := templates/site/attainment

# each process of the tests would compile the program again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo run test ui lint types unit format bench lock docs clean

help: ## Show the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/' | expand -t 16

demo: $(VENV)/.ready ## Everything once, with a made-up school if nothing has landed yet
	@$(BIN)/edu-pipeline demo

run: $(VENV)/.ready ## Refresh from what has landed and deliver the newest due week's letters
	@$(BIN)/edu-pipeline run

ui: $(VENV)/.ready ## Dagster's web UI on 127.0.0.1:3000
	@$(BIN)/edu-pipeline ui

test: lint types unit ## Linters, types and the whole test suite

lint: $(VENV)/.ready ## Style, formatting, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/deno lint --quiet
	$(BIN)/deno fmt --check --quiet

types: $(VENV)/.ready ## The strict type checkers
	$(BIN)/mypy
	$(BIN)/deno check --quiet --no-remote --no-npm $(PAGES)/app.js

unit: $(VENV)/.ready ## The tests
	$(BIN)/python -m pytest -n auto --dist worksteal

format: $(VENV)/.ready ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/deno fmt --quiet

docs: $(VENV)/.ready ## Write the generated pages of docs/ again
	$(BIN)/python -m edu_pipeline.glossary.pages

bench: $(VENV)/.ready .bench/.ready ## How fast everything is, against what is not ours: docs/performance.md
	$(BIN)/python benchmarks/bench.py --script .bench/$(notdir $(BIN))/python $(SIZES)

lock: ## Resolve the dependencies again
	$(UV) pip compile --quiet --universal --generate-hashes --upgrade --python-version 3.11 \
	  --all-extras pyproject.toml --output-file requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --upgrade --python-version 3.11 \
	  --group script --output-file benchmarks/requirements.lock

clean: ## Remove the environment and everything generated; landed exports and the ledger stay
	rm -rf $(VENV) .bench .uv .mypy_cache .ruff_cache data/warehouse.duckdb data/dagster

.bench/.ready: benchmarks/requirements.lock
	@test -d .bench || $(UV) venv --quiet --python '>=3.11,<3.14' .bench
	@$(UV) pip sync --quiet --compile-bytecode --python .bench --require-hashes benchmarks/requirements.lock
	@touch $@

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "Preparing the environment (once) ..."
	@command -v uv >/dev/null 2>&1 || $(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .uv uv
	@test -d $(VENV) || $(UV) venv --quiet --python '>=3.11,<3.14' $(VENV)
	@$(UV) pip sync --quiet --compile-bytecode --python $(VENV) --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(VENV) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q edu_pipeline
	@touch $@
