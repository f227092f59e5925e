# What a person and CI do here, one target each. Taken for granted: Python >= 3.11, git, make.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# A name on the PATH proves nothing (version managers leave shims), so each candidate is started.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	if $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$name; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python $(VENV)
LOCKED := --require-hashes --compile-bytecode
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
LOCKS := bootstrap base run demo dev mlmd cloud airflow3 airflow2 bigquery
WORKERS ?= 2
# Real servers on a busy machine: what fails is tried once more, and the summary lists every test that needed it. Files
# keep the order of tests/integration/conftest.py, the longest first.
ENGINES := -m "not soak" -n $(WORKERS) --dist loadfile --no-loadscope-reorder --timeout 600 --reruns 1 --reruns-delay 5 -raR

.PHONY: help demo test lint types test-unit test-integration test-cloud soak bench lock upgrade generate picture wheel clean dev

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26

demo: $(VENV)/.demo ## penguins: validated, planned, trained, gated, served, asked
	@$(BIN)/python scripts/demo.py

dev: $(VENV)/.dev ## the development environment in .venv

test: lint test-unit test-integration test-cloud ## everything that must be green

lint: $(VENV)/.dev ## style, types, layers, workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/zizmor --offline --quiet --no-progress --persona auditor .github/workflows
	$(BIN)/actionlint -shellcheck= -pyflakes=

test-unit: $(VENV)/.dev ## seconds; no network, no home folder
	$(BIN)/python -m pytest tests/unit -n $(WORKERS)

test-integration: $(VENV)/.dev mlmd cloud airflow3 airflow2 ## real processes, servers and loopback
	@bash scripts/postgres.sh
	@bash scripts/chromium.sh
	$(BIN)/python -m pytest tests/integration --ignore tests/integration/cloud $(ENGINES)

test-cloud: $(VENV)/.dev cloud bigquery ## the clients of clouds and clusters, against doubles and emulators on loopback
	@bash scripts/postgres.sh
	@bash scripts/containers.sh
	.venvs/cloud/bin/python -m pytest tests/integration/cloud $(ENGINES)

soak: $(VENV)/.dev cloud airflow3 airflow2 ## minutes of repetition, and the longest stories
	$(BIN)/python -m pytest tests/soak tests/integration --ignore tests/integration/cloud -m soak --timeout 3600
	.venvs/cloud/bin/python -m pytest tests/integration/cloud -m soak --timeout 3600

bench: $(VENV)/.dev ## the speed promises, measured
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file; done

# Environments. Each stamp says which lock file the environment was filled from.

$(BIN)/uv: requirements/bootstrap.txt
	@if [ -z "$(PYTHON)" ]; then echo 'No Python >= 3.11 with venv found; say which: make PYTHON=/path/to/python' >&2; exit 1; fi
	@echo "Making $(VENV) with $(PYTHON)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.demo: requirements/demo.txt pyproject.toml $(BIN)/uv
	@echo "Installing mlopsctl with [run] into $(VENV) (a minute or two the first time)"
	@$(INSTALL) $(LOCKED) -r requirements/demo.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q mlopsctl
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.demo
	@echo "Installing the development tools into $(VENV)"
	@$(INSTALL) $(LOCKED) -r requirements/dev.txt
	@touch $@

# What cannot live beside the rest lives alone: Google's ml-metadata client needs libraries that ours exclude, kfp pins
# versions that others exclude, Airflow and the emulator of BigQuery bring their own worlds.
MLMD_FITS := import sys, platform; sys.exit(not (sys.version_info < (3, 13) and (sys.platform, platform.machine()) == ("linux", "x86_64")))
.PHONY: mlmd cloud airflow3 airflow2 bigquery

mlmd: $(BIN)/uv ## Google's own client, to read what we write
	@if ! $(BIN)/python -c '$(MLMD_FITS)'; then \
	  echo "skipped: ml-metadata has no wheel for this Python and machine"; \
	else $(call alone,mlmd); fi

cloud: $(VENV)/.demo ## the SDKs of Kubeflow Pipelines and Google Cloud, with mlopsctl
	@$(call alone,cloud)
	@$(UV) pip install --quiet --python .venvs/cloud --no-deps --no-build-isolation -e .

airflow3 airflow2 bigquery: $(BIN)/uv ## Airflow 3, Airflow 2, an emulator of BigQuery
	@$(call alone,$@)

# An environment of its own under .venvs, filled from the lock file of its name unless it is newer.
alone = if [ ! .venvs/$(1)/.ready -nt requirements/$(1).txt ]; then \
  echo "Making .venvs/$(1)"; \
  $(UV) venv --quiet --clear --python $(BIN)/python .venvs/$(1) && \
  $(UV) pip install --quiet --python .venvs/$(1) $(LOCKED) -r requirements/$(1).txt && \
  touch .venvs/$(1)/.ready; fi

# Generated files.

lock: $(BIN)/uv ## requirements/*.txt again from requirements/*.in, keeping versions that still fit
	for name in $(LOCKS); do $(COMPILE) requirements/$$name.in -o requirements/$$name.txt; done

upgrade: $(BIN)/uv ## the same with the newest versions
	for name in $(LOCKS); do $(COMPILE) --upgrade requirements/$$name.in -o requirements/$$name.txt; done

generate: $(VENV)/.dev ## schemas/, docs/reference.md and the template's rows, from their sources
	$(BIN)/mlopsctl schema > schemas/mlops.schema.json.new
	mv schemas/mlops.schema.json.new schemas/mlops.schema.json
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/template_data.py

picture: $(VENV)/.demo ## docs/demo.svg, drawn from a real run
	$(BIN)/python scripts/picture.py

wheel: $(VENV)/.dev ## dist/*.whl
	$(BIN)/python -m build --no-isolation --outdir dist .

clean: ## what make and the tests leave; the environments stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
