# On a machine with Python 3.10-3.12 and nothing else:
#   make demo    make the environment, find the teeth in the sample scan (no screen needed)
#   make test    lint, types and tests
# Both work offline once the environment is made. PYTHON=... chooses the interpreter.

SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.toothseg-installed
SAMPLE := Resources/Samples/sample-cbct.nrrd
OUTPUT ?= demo-output

.PHONY: demo test lint format clean

demo: $(INSTALLED)
	$(BIN)/toothseg segment $(SAMPLE) -o $(OUTPUT)

test: lint
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(OUTPUT) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment for everything, so that the tests need no network after a demo.
$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(BIN)/python:
	@for python in $(PYTHON) python3.12 python3.11 python3.10 python3 python; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
	      2>/dev/null; then \
	    echo "making $(VENV) with $$python"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "no Python 3.10-3.12 with venv was found; install one (on Debian: apt install python3-venv)" >&2; \
	exit 1
