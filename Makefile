# On a machine with Python 3.10-3.12 and nothing else:
#   make demo    make the environment, find the teeth in the sample scan (no screen needed)
#   make test    lint, types and tests, the last in two processes
# Both work offline once the environment is made. PYTHON=... chooses the interpreter.
#   make test-extras    the tests that need the extras openvino, physics and dask (1.7 GB more)
#   make lint    what `make test` begins with: ruff and mypy
#   make format  the code as ruff has it
#   make lock    write requirements-ci.txt anew, after a change of constraints.txt (asks for uv)
#   make clean   remove the environment, the demo's results and all caches

SHELL := /bin/bash
# Not ?=: a VENV or OUTPUT that the shell exports is some other program's.
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.toothseg-installed
EXTRAS := $(VENV)/.toothseg-extras
SAMPLE := Resources/Samples/sample-cbct.nrrd
OUTPUT := demo-output

.PHONY: demo test test-extras lint format lock clean

demo: $(INSTALLED)
	$(BIN)/toothseg segment $(SAMPLE) -o $(OUTPUT) --overwrite

# Each process takes half of the files, one after the other; whoever is done first takes over some of
# the other's. What a file's tests share is so made once in nearly all of them. Many tests start a Python
# of their own, which would compile everything anew where the shell forbids it to keep byte code.
test: lint
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# Files with tests that `make test` skips where an extra is missing. Here a skip is a failure.
test-extras: $(EXTRAS)
	PYTHONPATH=Testing $(BIN)/python -m pytest -p no_skips Testing/test_batch_dask.py \
	  Testing/test_bundle_kinds.py Testing/test_conebeam.py Testing/test_openvino.py \
	  Testing/test_openvino_threads.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# By name, and not by what VENV or OUTPUT may be: nothing outside of this folder goes.
clean:
	rm -rf .venv demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment for everything, so that the tests need no network after a demo. pip compares hashes
# for all files of a call or for none, and torch is another file from each index (with CUDA, without,
# a wheel on disk): it comes by its version alone, and so do the CUDA libraries that it may ask for.
# Nothing else is left to fetch, which the last line shows.
$(INSTALLED): pyproject.toml constraints.txt requirements-ci.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements-ci.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

# The extras come by their versions, and what they ask for in turn as pip chooses it.
$(EXTRAS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation \
	  --editable ".[openvino,physics,dask]"
	@touch $@

# What torch asks for on a machine with CUDA, and torch.
UNLOCKED := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas \
  nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft \
  nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 \
  nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx

lock:
	uv pip compile pyproject.toml --extra dev --constraints constraints.txt --universal \
	  --python-version 3.10 --generate-hashes $(UNLOCKED:%=--no-emit-package %) \
	  --custom-compile-command 'make lock' --quiet --output-file requirements-ci.txt

$(BIN)/python:
	@for python in $(PYTHON) python3.12 python3.11 python3.10 python3 python; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
	      2>/dev/null; then \
	    echo "making $(VENV) with $$python"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "no Python 3.10, 3.11 or 3.12 with venv was found (python3 may be newer): give one by" \
	  "PYTHON=..., e.g. of 'uv python install 3.12'; on a Debian that has one: apt install" \
	  "python3-venv" >&2; \
	exit 1
