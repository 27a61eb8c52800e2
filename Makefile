# The few commands there are; .ci/run calls the same. A fresh machine needs Python 3.10+, make and a package index.
#
#   make lab            JupyterLab on the tour, with the sandbox inside: no account needed
#   make test           lint, types, layers and all tests but the vendors'
#   make test-vendors   the vendors' own SDKs against the sandbox, each in an environment of its own
#   make check          lint, types and layers alone
#   make bench          timings, printed as ratios measured in one run
#   make docs           the user guide as a site

PYTHON ?= python3
LAB ?=  # more for "swnb lab", such as LAB=--no-browser
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
MINOR := $(shell $(PYTHON) -c 'import sys; print("3.10" if sys.version_info[:2] == (3, 10) else "3.11" if sys.version_info >= (3, 11) else "old")')
PINS := constraints/py$(MINOR).txt
PYTEST := $(BIN)/python -m pytest

.PHONY: lab test test-vendors check format bench docs clean

lab: $(VENV)/.lab
	$(BIN)/swnb lab $(LAB)

test: $(VENV)/.dev check
	tools/chromium
	$(PYTEST) --ignore=tests/vendors

test-vendors: $(VENV)/.dev
	$(PYTEST) tests/vendors --timeout=900

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python tests/bench

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
ifeq ($(MINOR),old)
	$(error swnb needs Python 3.10 or later; $(PYTHON) is older. Say make PYTHON=python3.11 …)
endif
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: $(VENV)/bin/python pyproject.toml $(PINS)
	$(PIP) install -c $(PINS) -e '.[lab]'
	touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml $(PINS)
	$(PIP) install -c $(PINS) -e '.[dev]'
	touch $@ $(VENV)/.lab

$(VENV)/.docs: $(VENV)/bin/python pyproject.toml $(PINS)
	$(PIP) install -c $(PINS) -e '.[docs]'
	touch $@
