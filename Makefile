# Needs Python 3.11 or newer, and make. PYTHON chooses the interpreter that .venv is made of.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test test-fast pictures lint format messages bench lock clean

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; choose one with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c requirements.lock -e '.[dev]'
	@touch $@

run: export DEBUG ?= 1
run: $(READY)  ## The whole project with its demo, on PORT (8000); Ctrl-C stops it
	@$(BIN)/python manage.py up --demo --tied

test: $(READY)  ## Every test, on SQLite and again on PostgreSQL
	$(BIN)/python -m tests $(ARGS)

test-fast: $(READY)  ## What needs no process, browser or patience, on SQLite
	$(BIN)/python -m pytest -m 'not processes and not browser and not slow' -n 2 --dist worksteal $(ARGS)

pictures: $(READY)  ## Every page in every state, light, dark, narrow and from right to left, in var/pictures
	$(BIN)/python -m pytest tests/browser/test_every_page.py --pictures var/pictures $(ARGS)

lint: $(READY)  ## Style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(READY)  ## Mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(READY)  ## Bring the translations up to date with the code, and compile them
	@$(BIN)/python manage.py messages

bench: $(READY)  ## Every benchmark, or some: ONLY=copies
	$(BIN)/python -m bench $(ONLY)

lock: $(READY)  ## Pin the newest versions that fit
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --upgrade --all-extras --no-header --no-annotate \
		--python-version 3.11 pyproject.toml -o requirements.lock

clean:  ## Remove the environment and the demo's data
	rm -rf $(VENV) var
