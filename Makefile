# Every target sets up first what it needs; `make help` lists them.
SHELL := /bin/sh
PYTHON := .venv/bin/python
DISPLAYED := sh packaging/with_display.sh

.PHONY: help setup demo run test test-slow check format bench docs clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## make .venv and install everything in it (says first what it downloads)
	@sh packaging/setup.sh

demo: setup ## reconstruct the bundled scan: in the window, or headless into demo-output/
	@$(PYTHON) -m app.cli.main demo

run: setup ## open the window
	@$(PYTHON) -m app.cli.main

test: setup ## the fast tests
	$(DISPLAYED) $(PYTHON) -m pytest -m "not slow" -n 2 --dist loadfile -q

test-slow: setup ## the tests that take longer than a few seconds
	$(DISPLAYED) $(PYTHON) -m pytest -m slow -n 2 --dist loadfile -q

check: setup ## format, lint, types, borders between the rooms, licences
	@failed=; \
	for step in "$(PYTHON) -m ruff format --check ." "$(PYTHON) -m ruff check ." "$(PYTHON) -m mypy" \
	    ".venv/bin/lint-imports --no-logo" "$(PYTHON) packaging/licences.py"; do \
	    echo "$$step"; $$step || failed="$$failed; $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed$$failed"; exit 1; fi

format: setup ## let ruff format and repair
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

bench: setup ## measure, and write docs/benchmarks.md
	$(DISPLAYED) $(PYTHON) benchmarks/report.py --measure

docs: setup ## the reference page and the pictures of the guide
	$(PYTHON) docs/reference.py
	$(PYTHON) docs/scene_reference.py
	$(DISPLAYED) $(PYTHON) docs/guide/screenshots.py

clean: ## remove what was built and measured, .venv included
	rm -rf .venv build dist demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
