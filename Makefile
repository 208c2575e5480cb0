# Everything a newcomer needs. Python 3.11 or newer is the only thing that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
JOBS ?= 2

.PHONY: demo test test-long check bench lock clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(DEV): requirements-dev.lock $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

demo: $(STAMP)            ## Make .venv, install, and run the main job on a made-up organisation
	$(BIN)/hakyu --case demo.hakyu demo demo

test: $(DEV)              ## All tests but the long ones
	$(BIN)/python -m pytest -n $(JOBS) -q

test-long: $(DEV)         ## Property tests over tens of thousands of graphs, and fuzzing
	$(BIN)/python -m pytest -n $(JOBS) -q -m long

check: $(DEV)             ## Style, types, import contracts, generated docs
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docs --check

bench: $(DEV)             ## Measurements; see benchmarks/README.md
	$(BIN)/python -m benchmarks.reach
	$(BIN)/python -m benchmarks.reach --growth
	$(BIN)/python -m benchmarks.table
	$(BIN)/python -m benchmarks.store
	$(BIN)/python -m benchmarks.loaders

lock: | $(BIN)/python     ## Renew the lock files (hashes, no hosts)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --extra notebook --extra outlook --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet -o requirements-dev.lock

clean:
	rm -rf $(VENV) demo demo.hakyu
