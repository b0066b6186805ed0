# Everything a contributor types; `make help` lists it. All of it needs nothing but Python 3.11 or later, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints/airflow-3.3.txt
INSTALLED := $(VENV)/.installed

# Of the soak: how long faults happen, what decides them, and Celery's broker (redis, rabbitmq, both).
MINUTES ?= 30
SEED ?= 0
BROKER ?= both

# More pytest workers than cores, because a test under a real Airflow waits for most of its time.
WORKERS ?= 4

# The rooms that know nothing of Airflow, and what their tests need: all but the Airflow that takes so long to install.
QUICK_ROOMS := $(addprefix tests/,calls vendors ledger transport budgets dispatch sandbox)
QUICK_NEEDS := aiohappyeyeballs aiohttp cryptography holidays httptools hypothesis idna jsonschema pendulum phonenumbers psutil \
	pyarrow pydantic pytest pytest-xdist requests sqlalchemy starlette urllib3 uvicorn uvloop
QUICK := $(if $(wildcard $(INSTALLED)),$(VENV),.venv-quick)

# Every worker and every task imports the same files: without bytecode each compiles them, and the tests' assertions, anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo quick test check lint types imports unit explore soak bench bench-board bench-ledger bench-receiver bench-shards test-budget test-matrix test-wheel docs pictures clean

help:
	@echo "make demo         a campaign against the sandbox, without an account"
	@echo "make quick        the tests of the rooms below Airflow: no Airflow, no services, under a minute"
	@echo "make test         everything: lint, types, import contracts, all tests (PostgreSQL and MariaDB on loopback)"
	@echo "make explore      the property tests with examples that nobody has tried"
	@echo "make docs         the pages as a site, into site/<version>/; it needs no Airflow"
	@echo "make pictures     the pictures of Airflow's pages in docs/images/; it needs Chromium"
	@echo "make test-matrix  the tests under each supported Airflow and Python; names of pairs in PAIRS=3.0:3.12"
	@echo "make test-budget  how much of a shared budget is used, and how soon an urgent run has its share; alone on the machine"
	@echo "make test-wheel   builds wheel and sdist, and uses the wheel under each supported Airflow; AIRFLOWS=3.0 for some"
	@echo "make bench        the benchmark; make bench-receiver: a flood of webhooks; make bench-board: the board"
	@echo "make bench-ledger what the ledger on PostgreSQL takes, by four workers"
	@echo "make bench-shards two workers on one list, against one"
	@echo "make soak         everything at once, killed and frozen at random: MINUTES=30 SEED=7 BROKER=redis, rabbitmq or both"
	@echo "make check        lint, types and imports; make unit: the other part of make test"

# Message queues are for Airflow 3 alone, so the extra for all versions has them not. Celery is for tests of many workers.
# The MySQL provider goes in without its C driver, which needs system headers; the tests use PyMySQL.
$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) --no-deps apache-airflow-providers-mysql
	$(BIN)/pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) apache-airflow-providers-celery apache-airflow-providers-common-messaging apache-airflow-providers-redis
	touch $@

demo: $(INSTALLED)
	$(BIN)/python -m example_dags.demo

quick: $(QUICK)/.installed
	$(QUICK)/bin/pytest -n $(WORKERS) --without-airflow -m "not services and not slow" $(QUICK_ROOMS)

.venv-quick/.installed: Makefile pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv .venv-quick
	.venv-quick/bin/pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) $(QUICK_NEEDS)
	.venv-quick/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

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
	$(BIN)/pytest -n $(WORKERS)

explore: $(INSTALLED)
	CALLKARO_EXAMPLES=explore $(BIN)/pytest -n $(WORKERS) -m "not services" $(QUICK_ROOMS) $(addprefix tests/,sources outcomes files)

soak: $(INSTALLED)
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED) --broker $(BROKER)

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

bench-receiver: $(INSTALLED)
	$(BIN)/python -m benchmarks.receiver

bench-board: $(INSTALLED)
	$(BIN)/python -m benchmarks.board --plans

bench-ledger: $(INSTALLED)
	$(BIN)/python -m benchmarks.ledger

bench-shards: $(INSTALLED)
	$(BIN)/python -m benchmarks.shared_list

test-budget: $(INSTALLED)
	CALLKARO_ALONE=1 $(BIN)/pytest tests/operators/test_one_budget_for_many_tasks.py

docs: .venv-docs/.installed
	.venv-docs/bin/mkdocs build --strict --site-dir "site/$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' airflow_provider_callkaro/__init__.py)"

.venv-docs/.installed: constraints/docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check --no-deps -r constraints/docs.txt
	touch $@

pictures: $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check playwright
	$(BIN)/python -m tests.pictures

test-matrix:
	$(PYTHON) -m tests.matrix $(PAIRS)

test-wheel:
	$(PYTHON) -m tests.from_wheel $(AIRFLOWS)

clean:
	rm -rf $(VENV) .venv-* .demo site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
