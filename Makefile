# Everything a contributor types. `make demo` and `make test` need nothing but Python 3.11 or later, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints/airflow-3.3.txt
INSTALLED := $(VENV)/.installed

.PHONY: demo test check lint types imports unit bench test-matrix clean

# The MySQL provider goes in without its C driver, which needs system headers; the tests use PyMySQL.
$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) --no-deps apache-airflow-providers-mysql
	touch $@

demo: $(INSTALLED)
	$(BIN)/python -m example_dags.demo

test: check unit

check: lint types imports

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

imports: $(INSTALLED)
	$(BIN)/lint-imports

unit: $(INSTALLED)
	$(BIN)/pytest

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

test-matrix:
	$(PYTHON) -m tests.matrix

clean:
	rm -rf $(VENV) .venv-* .demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
