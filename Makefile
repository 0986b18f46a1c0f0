# make run      serve the demo library, or a real one with LIBRARY=/path/to/Calibre
# make test     everything that is tested, after setting up what the tests need
# make lint     every checker
# make help     the rest
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-test run demo test test-koreader lint fix bench torture audit dist plugin screenshots lock clean

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
HOST ?= 127.0.0.1
PORT ?= 8788
BOOKS ?= 300000

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 16

# A stamp is older than what it was made from when that changed: then the step is done again.
$(VENV)/.stamp: pyproject.toml requirements-dev.lock
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

tomed/static/manifest.json: web/package-lock.json web/build.mjs $(wildcard web/src/*.js web/src/*/*.js web/css/*.css)
	cd web && npm ci --no-audit --no-fund --silent && OUT=../tomed/static npm run build --silent

setup: $(VENV)/.stamp tomed/static/manifest.json ## everything that running needs

setup-test: setup ## Debian's packages that the tests use, where they may be installed
	@sh tests/setup-debian.sh

run: setup ## serve (LIBRARY=/path/to/Calibre, HOST=, PORT=)
ifdef LIBRARY
	@exec $(PY) -m tomed serve --library "$(LIBRARY)" --data ".run/$(shell printf '%s' '$(LIBRARY)' | cksum | cut -d' ' -f1)" --host $(HOST) --port $(PORT)
else
	@exec $(PY) -m tomed demo --data .run/demo --host $(HOST) --port $(PORT)
endif

demo: run ## the same as run

test: setup-test ## all tests (PYTEST_ARGS= for pytest)
	$(PY) -m pytest -m "not koreader" $(PYTEST_ARGS)

test-koreader: setup-test ## the plugin in KOReader's real frontend (KOREADER_DIR, KOREADER_BASE_DIR)
	@test -n "$(KOREADER_DIR)" -a -n "$(KOREADER_BASE_DIR)" || { echo "Give KOREADER_DIR and KOREADER_BASE_DIR, the checkouts to run it in."; exit 1; }
	$(PY) -m pytest -m koreader tests/plugin $(PYTEST_ARGS)

lint: setup ## ruff, mypy, import rules, luacheck, tsc and the web linter
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	cd plugin && luacheck --quiet tomesync.koplugin
	cd web && npm run lint --silent

fix: setup ## let ruff mend and format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: setup ## measure everything into docs/performance.md (BOOKS=300000 the largest library, BENCH_ARGS=)
	$(PY) -m bench.performance --books $(BOOKS) $(BENCH_ARGS)

audit: setup ## ask the advisory databases about every pinned version (needs the network)
	$(PY) -m pip install --quiet --disable-pip-version-check pip-audit
	$(PY) -m pip_audit --requirement requirements-dev.lock --no-deps --disable-pip
	cd web && npm audit

# What fuzzes is heavy, so it is no part of setup; where it can't be installed, the rest runs without it and says so.
$(VENV)/.torture: $(VENV)/.stamp
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint requirements-dev.lock --no-build-isolation --editable '.[torture]' || echo "Torture goes on without what fuzzes."
	@touch $@

torture: setup $(VENV)/.torture ## faults on purpose, into docs/torture.md (SEED= replays, TORTURE_ARGS="--quick" is short)
	$(PY) -m torture $(if $(SEED),--seed $(SEED)) $(if $(TORTURE_ARGS),$(TORTURE_ARGS),--markdown docs/torture.md)

screenshots: setup-test ## the pictures of the README
	$(PY) -m tests.screenshots

dist: setup ## sdist and wheel, with the web assets and the plugin inside
	TOMED_REQUIRE_WEB=1 $(PY) -m hatchling build

lock: ## pin the versions that development uses
	$(PY) -m piptools compile --quiet --extra dev --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements-dev.lock pyproject.toml

clean: ## forget what was built
	rm -rf $(VENV) tomed/static web/node_modules dist .run
