# The environment is made once and again only when pyproject.toml changes. VENV=DIR uses another one.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs ci clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

# A stamp a set of extras; it is written last, so an installation cut short is done again.
$(VENV)/.installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "attn-i2i needs Python 3.11 or newer: make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

demo: $(VENV)/.installed-train  ## install and run the demo
	$(BIN)/attn-i2i demo --force

test: $(VENV)/.installed-test  ## install and run the tests, one worker a core
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.installed-dev  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(VENV)/.installed-dev  ## build the documentation into site/, strictly
	$(BIN)/mkdocs build --strict

ci:  ## everything, in a fresh environment
	.ci/run

clean:  ## remove what the other targets made
	rm -rf .venv build dist site demo-out
