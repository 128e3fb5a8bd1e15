# Fonal: `make run` opens the demo, `make test` and `make lint` check everything, `make bench` measures.
# Nothing needs to be installed first but Python 3.12+ and make.

SHELL := /bin/sh
PY := .venv/bin/python
PORT ?= 8000
export PORT
export PYTHON

PIP := $(PY) -m pip --disable-pip-version-check -qq install --require-hashes
SOURCES := $(wildcard locale/*/LC_MESSAGES/django.po)

.PHONY: help install run test lint bench requirements messages clean

help:
	@echo "make run      the demo on http://127.0.0.1:8000 (PORT=8123 make run for another port)"
	@echo "make test     every test; installs what they need"
	@echo "make lint     style, types, contracts, settings, migrations, translations"
	@echo "make install  only the virtual environment and the translations, for a server of your own"
	@echo "make bench    the measurements of docs/performance.md"

# What a server needs before its first start and after an update; then `manage.py migrate`.
install: .venv/run.stamp .venv/messages.stamp

run: install
	@DEMO=1 $(PY) manage.py migrate --verbosity 0
	@DEMO=1 $(PY) manage.py demo
	@exec env DEMO=1 $(PY) manage.py serve

test: .venv/dev.stamp .venv/messages.stamp
	@tools/install-for-tests
	@$(PY) -m pytest -n 3 --dist loadgroup $(ARGS)

lint: .venv/dev.stamp .venv/messages.stamp
	@tools/lint

bench: .venv/dev.stamp .venv/messages.stamp
	@$(PY) -m bench $(ARGS)

# --- The virtual environment ------------------------------------------------------------------
# A copied or moved one does not run; it is made anew.
.venv/bin/python:
	@tools/find-python >/dev/null
	@echo "Making the virtual environment .venv ..."
	@rm -rf .venv
	@python="$$(tools/find-python)" && "$$python" -m venv .venv

.venv/run.stamp: requirements.txt | .venv/bin/python
	@echo "Installing what Fonal runs on (once, and when requirements.txt changes) ..."
	@$(PIP) -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	@echo "Installing what its tests run on ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

.venv/messages.stamp: $(SOURCES) tools/translations.py .venv/run.stamp
	@$(PY) tools/translations.py compile
	@touch $@

# --- For those who work on it -----------------------------------------------------------------
# After a change of requirements*.in.
requirements: .venv/dev.stamp
	@tools/pin-requirements

# After a change of words in code or templates: brings them into locale/hu; gettext is needed.
messages: .venv/dev.stamp
	@tools/install-for-lint
	@$(PY) tools/translations.py collect

clean:
	rm -rf .venv staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
