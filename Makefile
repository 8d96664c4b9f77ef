# Every target sets up what it needs. PYTHON picks the interpreter that makes the environment.
PYTHON ?= python3
VENV   := .venv
FAULTS ?= 200
BIN    := $(VENV)/bin

.PHONY: help venv demo report test test-long test-cluster chaos fuzz check format docs-tables benchmark benchmark-gpu benchmark-study data clean
.DEFAULT_GOAL := help

help:           ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

venv: $(VENV)/.installed  ## make .venv and install the project into it
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: venv      ## Figure 8 at --quick size, then its report (minutes on two cores)
	$(BIN)/python study/run.py --grid paper-appendix --quick --study demo
	$(BIN)/python -m analysis report results/demo

report: venv    ## the whole reports from the results that ship, without training
	$(BIN)/python -m analysis report published/paper-as-released
	$(BIN)/python -m analysis report published/appendix-ten-seeds
	$(BIN)/python -m analysis report published/appendix-as-described
	$(BIN)/python -m analysis report published/estimators

test: venv      ## the test suite (about ten minutes on two cores)
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not long and not cluster" --durations=15

test-long: venv  ## the tests that take minutes each
	$(BIN)/python -m pytest -m long

test-cluster: venv  ## three real Ray nodes, one of which dies; results on a real S3 server
	$(BIN)/python -m pytest -m cluster

chaos: venv     ## FAULTS=200 in running studies of every kind, then a power cut at every step of every write
	$(BIN)/python tests/chaos/harness.py --faults $(FAULTS)
	$(BIN)/python tests/chaos/power_cuts.py

fuzz: venv      ## 10,000 damaged files for each reader
	$(BIN)/python tests/fuzz/fuzz.py --inputs 10000

check: venv     ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy benchmarks/*.py

format: venv    ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs-tables: venv  ## the tables of README.md and docs/, from what ships; `make test` says which have drifted
	$(BIN)/python -m tools.docs_tables

benchmark: venv  ## the engine against a plain eager loop on every core (quiet machine, minutes)
	$(BIN)/python benchmarks/engine.py

benchmark-gpu: venv  ## the same on a GPU: cohorts of 1 to 256, every precision
	$(BIN)/python benchmarks/engine.py --device cuda --precision fp32 tf32 bf16 --json benchmark-gpu.json

benchmark-study: venv  ## what Ray and the store cost beside training
	$(BIN)/python benchmarks/study_costs.py

data: venv      ## rebuild the packaged data from MNIST's four IDX files in IDX=folder
	$(BIN)/python -m tools.build_mnist $(IDX)

clean:          ## remove the environment and caches (never results)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build *.egg-info
