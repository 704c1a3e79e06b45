# What one does with Earshot. `make` alone says so; only `make test` ever installs anything outside this folder.

VENV = .venv
PYTHON = $(VENV)/bin/python
PIP = $(PYTHON) -m pip --disable-pip-version-check --quiet install --require-hashes
FLASK = $(PYTHON) -m flask --app wsgi
UV = .venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header $(UPGRADE)
PEERS = tests/bench/.peers
TRAINING = .venv-training

# Tests start the service some hundred times, as three processes: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run demo test prove lint bench bench-listening pictures lock machine

help:
	@echo 'make run     start Earshot here: packages, tables, web and worker'
	@echo 'make demo    fill it with a year of invented responses'
	@echo 'make test    install what the tests need (PostgreSQL and Chromium too), check and test everything'
	@echo 'make prove   what takes long: load for MINUTES (10; 120 for the figures in docs/benchmarks.md), kills'
	@echo 'make lint    looks, types and who imports whom'
	@echo 'make bench   measure, beside other stacks (results are printed, docs/benchmarks.md explains them)'
	@echo 'make bench-listening  measure sentiment and topics on labelled comments in DATA=folder (docs/listening.md)'
	@echo 'make pictures  draw the pictures in docs/images anew, and a sheet of all looks (SHEET=contact-sheet)'
	@echo 'make setup   the first part of all these: $(VENV) with the pinned packages'
	@echo 'make lock    pin what requirements*.in name, with hashes (UPGRADE=--upgrade: the newest)'

setup: $(VENV)/.installed

run: setup
	@exec $(FLASK) serve

demo: setup
	@exec $(FLASK) demo

# One process more than there are processors: some tests wait for most of their time.
test: $(VENV)/.installed-dev machine lint
	$(PYTHON) -m pytest --numprocesses $$(($$($(PYTHON) -c 'import os; print(os.cpu_count())') + 1)) --dist loadfile --no-loadscope-reorder

prove: $(VENV)/.installed-dev machine
	MINUTES=$(or $(MINUTES),10) $(PYTHON) -m pytest -m prove -s

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PYTHON) -m mypy
	@if grep -qs importlinter pyproject.toml .importlinter; then $(VENV)/bin/lint-imports; fi

bench: $(VENV)/.installed-dev $(PEERS)/.installed machine
	@command -v wrk >/dev/null || { echo 'The load comes from wrk: apt-get install wrk' >&2; exit 1; }
	$(PYTHON) -m tests.bench

# DATA holds sentiment/ and topics/*.csv with columns text and topic. What sentiment is measured with is trained anew
# without the domain it is measured on, which needs the training's packages (2 GB, in $(TRAINING)).
bench-listening: $(VENV)/.installed-dev $(TRAINING)/.installed
	@test -d "$(DATA)/topics" || { echo 'make bench-listening DATA=folder' >&2; exit 1; }
	$(TRAINING)/bin/python -m feedback.training.sentiment_evaluate --data "$(DATA)"
	$(PYTHON) -m tests.bench.sentiment_pace tests/data/sentiment-sentences.csv
	$(PYTHON) -m tests.bench.sentiment_invented
	$(PYTHON) -m tests.bench.sentiment_languages
	$(PYTHON) -m tests.bench.resting
	@for set in "$(DATA)"/topics/*.csv; do \
	    echo "$$set"; $(PYTHON) -m feedback.training.evaluate_topics "$$set" --stream 2000 || exit 1; done
	$(PYTHON) -m feedback.training.evaluate_languages --data "$(DATA)"
	@set -- "$(DATA)"/topics/*.csv; set -x; \
	    $(PYTHON) -m tests.bench.placing "$$1" && $(PYTHON) -m tests.bench.reviewing "$$1"

pictures: $(VENV)/.installed-dev machine
	EARSHOT_PICTURES=1 $(PYTHON) -m pytest tests/browser/test_page.py tests/browser/test_team.py -k pictures
	$(PYTHON) -m tests.browser.contact_sheet $(or $(SHEET),contact-sheet)

lock: .venv-lock/bin/uv
	$(UV) requirements.in -o requirements.txt
	$(UV) requirements-dev.in -c requirements.txt -o requirements-dev.txt
	$(UV) requirements-oidc.in -o requirements-oidc.txt
	$(UV) --no-deps requirements-topics.in -o requirements-topics.txt
	$(UV) tests/bench/requirements-peers.in -o tests/bench/requirements-peers.txt


# The first Python that is new enough and can make a virtual environment (Debian packs that part separately).
$(PYTHON):
	@for python in python3.13 python3.12 python3.11 python3; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    found="$$python"; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	    echo "$$found cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
	else \
	    echo "Earshot needs Python 3.11 or newer, and none is on the PATH ($$(python3 --version 2>&1))." >&2; \
	fi; \
	exit 1

$(VENV)/.installed: requirements.txt | $(PYTHON)
	@echo 'Installing the pinned packages into $(VENV), about a minute the first time'
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo 'Installing what tests and checks need'
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(TRAINING)/.installed: requirements-training.in requirements.in | $(PYTHON)
	@echo 'Installing what training needs into $(TRAINING)'
	@$(PYTHON) -m venv $(TRAINING)
	@$(TRAINING)/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-training.in
	@touch $@

# PostgreSQL and Chromium, the packages the widget is built with, and the OpenID provider that tests sign in at.
machine: $(VENV)/.installed-dev
	@PYTHON=$(PYTHON) .ci/machine
	@if [ -f surveys/widget/package.json ] && command -v npm >/dev/null; then \
	    cmp -s surveys/widget/package-lock.json surveys/widget/node_modules/.installed || { \
	        npm ci --prefix surveys/widget --no-audit --no-fund --loglevel=error && \
	        cp surveys/widget/package-lock.json surveys/widget/node_modules/.installed; }; \
	fi
	@if command -v npm >/dev/null; then \
	    cmp -s tests/oidc_provider/package-lock.json tests/oidc_provider/node_modules/.installed || { \
	        npm ci --prefix tests/oidc_provider --no-audit --no-fund --loglevel=error && \
	        cp tests/oidc_provider/package-lock.json tests/oidc_provider/node_modules/.installed; }; \
	fi

$(PEERS)/.installed: tests/bench/requirements-peers.txt tests/bench/peers/package-lock.json | $(PYTHON)
	@tests/bench/peers/install $(PYTHON) $(PEERS)
	@touch $@

.venv-lock/bin/uv: | $(PYTHON)
	@$(PYTHON) -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install 'uv>=0.8'
