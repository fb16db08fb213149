# make demo | test | test-long | check | bench | eval
# The first target that runs makes .venv and installs into it what constraints.txt pins.
PYTHON ?= python3
SEED ?= 3
SEEDS ?= 0-19
WORKERS ?= 2
BENCHMARKS ?= benchmarks/*.py
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
LINKS := .types/knothole

.PHONY: help demo test test-long check format bench eval clean

help:
	@echo "make demo       run tidy_table in simulation        (SEED=$(SEED))"
	@echo "make test       all tests but the long ones"
	@echo "make test-long  the long ones: trees in physics, many seeds"
	@echo "make check      ruff, strict mypy, layers"
	@echo "make bench      measured costs                      (BENCHMARKS=$(BENCHMARKS))"
	@echo "make eval       success rates on scene truth        (SEEDS=$(SEEDS) WORKERS=$(WORKERS))"

demo: $(VENV)/.installed
	$(BIN)/knothole run tidy_table --seed $(SEED)

# One thread per process: two test workers on two cores gain nothing from more.
test test-long bench eval: export OMP_NUM_THREADS ?= 1
# Where compiled modules are not kept, each process that the tests start takes half as long again.
test test-long: export PYTHONDONTWRITEBYTECODE =

# Neighbours stay on one worker, as they share fixtures; who is done first takes from the rest of the other.
test: $(VENV)/.installed-dev .node/.installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long" --durations=15

# Files stay whole, as a server is started once, and the costliest begins (tests/conftest.py): the evaluations, which
# have two processes of their own and so fill both cores to the end.
test-long: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m long --durations=15

check: $(VENV)/.installed-dev $(LINKS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev
	@missed=; for file in $(BENCHMARKS); do echo "== $$file"; $(BIN)/python $$file || missed="$$missed $$file"; done; \
		[ -z "$$missed" ] || { echo "missed or failed:$$missed"; exit 1; }

eval: $(VENV)/.installed
	$(BIN)/knothole eval tidy_table --seeds $(SEEDS) --vlm oracle --workers $(WORKERS)
	$(BIN)/knothole eval tidy_table --seeds $(SEEDS) --vlm embedded --workers $(WORKERS)

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "knothole needs Python 3.11 or later; name one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module; on Debian: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# The language server that editors bring for YAML, for one test; without npm that test is skipped by name.
.node/.installed:
	@mkdir -p .node
	@if command -v npm >/dev/null; then \
		npm install --prefix .node --no-save --no-audit --no-fund --loglevel=error yaml-language-server@2.0.0 && touch $@; \
	else echo "no npm: the test with yaml-language-server will be skipped"; fi

# Type checkers read the package through a link that bears its name.
$(LINKS):
	mkdir -p .types
	ln -sfn .. $@
