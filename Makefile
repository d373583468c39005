# Needs git, make and Python 3.11 or newer; everything else is set up in .venv. `make run` starts the demo.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
# What `make run` and the image install beside the core.
RUN_EXTRAS := postgres redis telegram slack discord
PYTEST := $(BIN)/python -m pytest -q -rs
# Every worker starts its own servers, so many more of them gain nothing.
WORKERS := -n auto --maxprocesses 4 --dist worksteal

.DELETE_ON_ERROR:
.PHONY: run test ci check lock dist web types bench faults

run: .venv/run web
	$(BIN)/frontdesk demo

# Browser tests have a process of their own: asyncio tests fail after them.
# Tests that start programs and end them have the machine for themselves.
test: .venv/ready web check
	$(PYTEST) $(WORKERS) -m 'not processes' --ignore tests/browser
	$(PYTEST) -m processes tests/faults
	$(PYTEST) tests/browser
	$(BIN)/python web/build.py test

# As `test`, but what would be skipped is installed first, and a skip is a failure.
ci:
	@has() { for name; do command -v "$$name" >/dev/null 2>&1 && return; done; return 1; }; missing=; \
	has initdb /usr/lib/postgresql/*/bin/initdb || missing="$$missing postgresql"; \
	has redis-server valkey-server || missing="$$missing redis-server"; \
	has chromium chromium-browser google-chrome "$$CHROMIUM" || missing="$$missing chromium"; \
	if [ -n "$$missing" ]; then \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -q && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; \
	fi
	CI=1 CI_NOTHING_SKIPPED=1 $(MAKE) test

check: .venv/ready
	$(BIN)/ruff format --check -q
	$(BIN)/ruff check -q
	$(BIN)/mypy
	$(PYTEST) tests/test_imports.py
	if [ -d web/node_modules ]; then $(BIN)/python web/build.py check; fi

web: .venv/bin/python
	$(BIN)/python web/build.py

# All faults at nightly counts: a night's work. FAULTS_SEED repeats a run.
faults: .venv/ready
	git log -1 --format='commit %H'
	FAULTS=nightly $(PYTEST) tests/faults

types: .venv/ready
	$(BIN)/python web/build.py types

bench: .venv/ready
	$(BIN)/python -m bench

# Opens what a release would hold before making it.
dist: .venv/ready web
	CI_NOTHING_SKIPPED=1 $(PYTEST) tests/test_packaging.py -k 'not dockerfile'
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist

# uv.lock names the registry on every line, so it stays out of git; its exports carry hashes and no address.
export = $(BIN)/uv export -q --frozen --no-emit-project --no-header --no-annotate
lock: .venv/bin/python
	$(BIN)/uv lock -q --upgrade
	$(export) --all-extras -o requirements.lock
	$(export) --no-dev --group build $(addprefix --extra ,$(RUN_EXTRAS)) -o requirements-run.lock
	! grep -n '://' requirements.lock requirements-run.lock

.venv/bin/python:
	$(if $(PYTHON),,$(error no Python 3.11 or newer found: install one, or name it with `make PYTHON=...`))
	$(PYTHON) -m venv .venv
	-$(BIN)/python -m pip install -q uv

# uv where it can be had, else pip. Hashes and `-e .` do not go in one command.
install = if [ -x $(BIN)/uv ]; then set -- $(BIN)/uv pip install -q; else set -- $(BIN)/python -m pip install -q; fi; \
	"$$@" --require-hashes -r $(1) && "$$@" --no-deps --no-build-isolation -e .

# What the program and its demo need.
.venv/run: requirements-run.lock pyproject.toml | .venv/bin/python
	$(call install,requirements-run.lock)
	touch $@

# Every extra, and the tools of development.
.venv/ready: requirements.lock pyproject.toml | .venv/bin/python
	$(call install,requirements.lock)
	touch .venv/run $@
