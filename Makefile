# `make demo` and `make test` work from an empty clone: both first set up .venv, once.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Kernels are compiled at their first call too; all at once, the tests' workers need not do it twice.
COMPILED := .venv/.compiled
KERNELS := $(shell git ls-files '*kernels.py' 2>/dev/null)
PYTEST_ARGS ?=
BENCH_ARGS ?=

# Two test workers share two cores: one thread each is faster than four in each other's way.
TEST_ENV := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-hosts dist test-dist test-lowest lint docs format bench bench-gpu clean

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(COMPILED)  ## Set up .venv with everything, once

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e '.[dev,hosts,docs]'
	@touch $@

$(COMPILED): $(STAMP) $(KERNELS)
	-$(BIN)/python -m surrogate_plugin.cli.warm_up
	@touch $@

demo: $(COMPILED)  ## Grow a pyphysicell tumour around vessels; a page of the run, pictures and a .vti series in demo-output/
	$(BIN)/surrogate-plugin demo

test: $(COMPILED)  ## Run the tests and the doctests
	$(TEST_ENV) $(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(COMPILED)  ## Run the larger sweeps too
	$(TEST_ENV) $(BIN)/python -m pytest -m "slow or not slow" $(PYTEST_ARGS)

test-hosts: $(COMPILED)  ## Run each host's tests on the oldest and newest release of it that is admitted
	$(TEST_ENV) $(BIN)/python -m tests.hosts.releases

dist: $(STAMP)  ## Build the sdist into dist/, and the wheel from it
	rm -rf dist
	$(BIN)/python -m tests.packaging.build dist

test-dist: dist  ## Install the wheel into a clean environment, and run the smoke tests there
	$(TEST_ENV) $(BIN)/python -m tests.packaging.clean dist

test-lowest: dist  ## The same with the lowest versions that pyproject.toml declares; downloads 3 GB
	$(TEST_ENV) $(BIN)/python -m tests.packaging.lowest dist

lint: $(STAMP)  ## ruff and its layout, mypy --strict, and the one-way rule of imports
	@status=0; for check in 'ruff check .' 'ruff format --check .' mypy lint-imports; do $(BIN)/$$check || status=1; done; exit $$status

docs: $(STAMP)  ## Build the site into build/docs, every warning an error, and follow all its links
	$(BIN)/python -m sphinx -q -b html -d build/doctrees -W --keep-going -n docs build/docs
	$(BIN)/python -m tests.docs.site build/docs
	@echo "build/docs/index.html"

format: $(STAMP)  ## Let ruff lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(COMPILED)  ## Time every solver side by side on this machine, and what the PhysiCell header adds
	$(BIN)/python -m benchmarks.solvers
	$(BIN)/python -m benchmarks.physicell_shim

bench-gpu: $(COMPILED)  ## On a machine with a GPU: the suite of the device engine, then its figures into docs/gpu.md
	$(BIN)/python -m benchmarks.gpu --suite --document docs/gpu.md --json build/gpu.json $(BENCH_ARGS)

clean:  ## Remove .venv, caches and outputs
	rm -rf .venv build dist *.egg-info demo-output docs/api/generated .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
