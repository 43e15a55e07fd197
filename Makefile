# Every target installs what it needs into environments of its own: a clone and Python 3.11 to 3.14 are enough.
# Java 17 or 21 is needed for test-spark and bench only, which compare with JVM Spark.

PYTHON ?= python3
VENV := .venv
SPARK_VENV := .venv-spark
POLARS_VENV := .venv-polars
BIN := $(VENV)/bin
SECURITY_VENV := .venv-security
AWSCLI_VENV := .venv-awscli
SECURITY := CRYPTOETL_SECURITY_BIN=$(CURDIR)/$(SECURITY_VENV)/bin
SPARK := CRYPTOETL_SPARK_PYTHON=$(CURDIR)/$(SPARK_VENV)/bin/python
POLARS := CRYPTOETL_POLARS_PYTHON=$(CURDIR)/$(POLARS_VENV)/bin/python
WORKERS ?= 4
# Such as --large, or --spark-currencies 0.
BENCH_OPTIONS ?=
# What is never imported is never compiled; the rest is at its first import.
PIP := -m pip --disable-pip-version-check --quiet install --no-compile
PYTEST := $(BIN)/pytest --dist worksteal -n $(WORKERS)

.PHONY: help setup demo lint format types test test-quick test-spark test-security bench bench-upload check clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 14

setup: $(VENV)/ready  ## the development environment, in .venv

$(VENV)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cryptoetl needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo: $(VENV)/python pyproject.toml constraints.txt
	$(BIN)/python $(PIP) --editable '.[local]' --constraint constraints.txt
	touch $@

$(VENV)/ready: $(VENV)/python pyproject.toml constraints.txt
	$(BIN)/python $(PIP) --editable '.[dev]' --constraint constraints.txt
	touch $(VENV)/demo $@

$(SPARK_VENV)/ready: requirements-spark.txt
	$(PYTHON) -m venv $(SPARK_VENV)
	$(SPARK_VENV)/bin/python $(PIP) --requirement requirements-spark.txt
	touch $@

$(POLARS_VENV)/ready: requirements-polars.txt
	$(PYTHON) -m venv $(POLARS_VENV)
	$(POLARS_VENV)/bin/python $(PIP) --requirement requirements-polars.txt
	touch $@

$(SECURITY_VENV)/ready: requirements-security.txt
	$(PYTHON) -m venv $(SECURITY_VENV)
	$(SECURITY_VENV)/bin/python $(PIP) --requirement requirements-security.txt
	touch $@

$(AWSCLI_VENV)/ready: requirements-awscli.txt
	$(PYTHON) -m venv $(AWSCLI_VENV)
	$(AWSCLI_VENV)/bin/python $(PIP) --requirement requirements-awscli.txt
	touch $@

demo: $(VENV)/demo  ## the example, from raw files to tables ready for SQL
	$(BIN)/cryptoetl up -c config.example.yaml

lint: setup  ## style, formatting and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: setup  ## fix what lint can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup  ## strict type checking
	$(BIN)/mypy

test: setup  ## all tests that need no Java
	$(PYTEST) -m 'not spark and not security'

test-quick: setup  ## the pure tests, for every save
	$(PYTEST) -n 2 tests/unit

test-spark: setup $(SPARK_VENV)/ready  ## the scripts on JVM Spark and on Sail give equal results
	$(SPARK) $(BIN)/pytest -m spark

test-security: setup $(SECURITY_VENV)/ready  ## checkov and parliament find nothing in templates and policies
	$(SECURITY) $(BIN)/pytest -m security

bench: setup $(SPARK_VENV)/ready $(POLARS_VENV)/ready  ## seconds and memory, beside scripts by hand and JVM Spark
	$(SPARK) $(POLARS) $(BIN)/python benchmarks/local_run.py $(BENCH_OPTIONS)

bench-upload: setup $(AWSCLI_VENV)/ready  ## seconds and requests of an upload, beside `aws s3 sync` (and the system's)
	CRYPTOETL_AWS_CLI="$(CURDIR)/$(AWSCLI_VENV)/bin/aws $$(command -v aws)" $(BIN)/python benchmarks/upload.py

check: lint types test test-spark test-security  ## everything that CI runs

clean:  ## remove the environments and caches
	rm -rf $(VENV) $(SPARK_VENV) $(POLARS_VENV) $(SECURITY_VENV) $(AWSCLI_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
