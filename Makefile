# Targets need only a clone and Python 3.11 to 3.14: each installs what it needs into an environment of its own.
# test-spark and bench, which compare with JVM Spark, also need Java 17 or 21.

PYTHON ?= python3
VENV := .venv
SPARK_VENV := .venv-spark
POLARS_VENV := .venv-polars
BIN := $(VENV)/bin
SECURITY_VENV := .venv-security
AWSCLI_VENV := .venv-awscli
DOCS_VENV := .venv-docs
SECURITY := CRYPTOETL_SECURITY_BIN=$(CURDIR)/$(SECURITY_VENV)/bin
SPARK := CRYPTOETL_SPARK_PYTHON=$(CURDIR)/$(SPARK_VENV)/bin/python
POLARS := CRYPTOETL_POLARS_PYTHON=$(CURDIR)/$(POLARS_VENV)/bin/python
WORKERS ?= 4
# For example --large or --spark-currencies 0.
BENCH_OPTIONS ?=
# Modules are compiled at their first import, which saves compiling those that are never imported.
PIP := -m pip --disable-pip-version-check --quiet install --no-compile
PYTEST := $(BIN)/pytest --dist worksteal -n $(WORKERS)

.PHONY: help setup demo lint format types test test-quick test-browser test-spark test-security bench bench-upload pages docs check clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 14

setup: $(VENV)/ready  ## create the development environment in .venv

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

$(DOCS_VENV)/ready: requirements-docs.txt
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python $(PIP) --requirement requirements-docs.txt
	touch $@

demo: $(VENV)/demo  ## run the example, from raw files to tables
	$(BIN)/cryptoetl up -c config.example.yaml

lint: setup  ## check style, formatting and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: setup  ## fix style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup  ## check types
	$(BIN)/mypy

test: setup  ## run all tests that need neither a browser nor Java
	$(PYTEST) -m 'not browser and not spark and not security'

test-quick: setup  ## run the pure tests (half a minute)
	$(PYTEST) -n 2 tests/unit

test-browser: setup  ## open the report in Chromium, which must be installed
	$(BIN)/pytest -m browser tests/browser

test-spark: setup $(SPARK_VENV)/ready  ## compare the scripts on JVM Spark and on Sail
	$(SPARK) $(BIN)/pytest -m spark tests/spark

test-security: setup $(SECURITY_VENV)/ready  ## scan templates and policies with checkov and parliament
	$(SECURITY) $(BIN)/pytest -m security tests/security

bench: setup $(SPARK_VENV)/ready $(POLARS_VENV)/ready  ## measure a local run, hand-written scripts and JVM Spark
	$(SPARK) $(POLARS) $(BIN)/python -m benchmarks.local_run $(BENCH_OPTIONS)

bench-upload: setup $(AWSCLI_VENV)/ready  ## measure an upload and `aws s3 sync`
	CRYPTOETL_AWS_CLI="$(CURDIR)/$(AWSCLI_VENV)/bin/aws $$(command -v aws)" $(BIN)/python benchmarks/upload.py

pages: setup  ## write the generated parts of the documentation
	$(BIN)/python -m docs.generate

# The variable silences a notice of mkdocs-material about its successor, which reads the same mkdocs.yml.
docs: $(DOCS_VENV)/ready  ## build the documentation in build/site; fails with a warning
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict --quiet

check: lint types docs test test-browser test-spark test-security  ## run everything that CI runs

clean:  ## remove environments and caches
	rm -rf $(VENV) $(SPARK_VENV) $(POLARS_VENV) $(SECURITY_VENV) $(AWSCLI_VENV) $(DOCS_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
