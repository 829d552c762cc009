# Everything works from a fresh clone: each target first installs what is missing.
# DATABASE_URL in the environment points them at an existing server instead of a private one.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
BOOTSTRAP := $(PYTHON) -m service.local.bootstrap
CLUSTER := $(BIN)/python -m service.local.cluster
RUN := $(BIN)/python -m service.local.run --

.PHONY: help setup demo test check bench lock openapi format start stop clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Python packages, PostgreSQL with PostGIS
	@$(BOOTSTRAP)

demo: setup ## load county 511723, play one incident's life over HTTP, serve until Ctrl-C
	@$(RUN) gridward demo $(ARGS)

test: setup ## the whole test suite, in parallel (ARGS="-k name" for a part)
	@$(RUN) python -m pytest -n $(WORKERS) --dist loadfile --ignore=tests/bench $(ARGS)

check: setup ## format, lint, types, import contract, dependencies, OpenAPI drift
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@$(BIN)/gridward openapi --check

bench: ## the speed figures, each with its ratio to the same SQL under pgbench
	@$(BOOTSTRAP) --with wrk
	@$(RUN) python -m tests.bench $(ARGS)

lock: ## write the lock files anew (ARGS=--upgrade for the newest versions)
	@$(BOOTSTRAP) --lock $(ARGS)

openapi: setup ## write openapi/openapi.json anew
	@$(BIN)/gridward openapi

format: setup ## put the code into its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

start: setup ## start the private database server and leave it running
	@$(CLUSTER) start

stop: ## stop the private database server
	@if [ -x $(BIN)/python ]; then $(CLUSTER) stop; fi

clean: ## delete the private database with its data, and everything installed in here
	@if [ -x $(BIN)/python ]; then $(CLUSTER) remove; fi
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .deptry_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
