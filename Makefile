# Fleetgraph. `make run` needs Python 3.11 or newer and make, nothing else; `make help` lists the rest.

PYTHON ?= python3
VENV   ?= .venv
NPM    ?= npm
# Processes that the tests run in.
JOBS   ?= 2
# Only for `make lock`; nothing that runs or tests the gateway uses it.
UV     := uv==0.13.8
PARITY := ../shared/parity/check.py

BIN          := $(VENV)/bin
NPM_PROJECTS := $(patsubst %/package-lock.json,%,$(wildcard explorer/package-lock.json examples/*/package-lock.json tests/*/package-lock.json))
NPM_MODULES  := $(addsuffix /node_modules/.package-lock.json,$(NPM_PROJECTS))
S3_SERVER    := $(VENV)/s3/.stamp
EXPLORER     := $(shell find explorer -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format types imports schema parity pytest coverage explorer modules bench bench-live lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## Start the gateway with a demo fleet and its simulator on 127.0.0.1:8000
	@if command -v $(NPM) >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory explorer || echo "The explorer could not be built (see above): GraphiQL will be the page that loads it from a CDN."; \
	else \
		echo "npm is not here, so the explorer is not built: GraphiQL will be the page that loads it from a CDN."; \
	fi
	@exec $(BIN)/python gateway.py dev

test: lint types imports parity pytest ## Everything needed to know that the project is sound

lint: $(VENV)/dev.stamp ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev.stamp ## Bring the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev.stamp ## Check the types
	$(BIN)/mypy

imports: $(VENV)/dev.stamp ## Check that imports point downward
	$(BIN)/lint-imports

schema: $(VENV)/runtime.stamp ## Write schema/schema.graphql from the code (a test says when it is stale)
	@mkdir -p var
	$(BIN)/python gateway.py export-schema > var/schema.graphql
	@mv var/schema.graphql schema/schema.graphql

parity: $(VENV)/dev.stamp ## Hold docs/parity.csv against the yardstick, where that lies beside the checkout
	@if [ -f $(PARITY) ]; then $(BIN)/python $(PARITY); else echo "Parity is not checked: $(PARITY) is not here."; fi

pytest: $(VENV)/dev.stamp $(S3_SERVER) explorer modules ## Run the tests, on SQLite and PostgreSQL
	$(BIN)/pytest -n $(JOBS)

coverage: $(VENV)/dev.stamp $(S3_SERVER) explorer modules ## Run the tests and show which lines none of them reaches
	mkdir -p var/coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(JOBS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(VENV)/dev.stamp bench/peers/node_modules/.package-lock.json ## Measure against PostGraphile, Mercurius and others (a quarter of an hour, two cores)
	$(BIN)/python bench/compare.py
	$(BIN)/python bench/sqlite_reads.py
	$(BIN)/python bench/pages.py
	$(BIN)/python bench/workers.py

bench-live: $(VENV)/dev.stamp ## Measure subscriptions against Strawberry's own handler, and reports (a quarter of an hour, two cores)
	$(BIN)/python bench/live_path.py
	$(BIN)/python bench/reports.py --database postgresql
	$(BIN)/python bench/reports.py --database sqlite

explorer: explorer/dist/index.html ## Build GraphiQL from its npm packages
	@:

modules: $(NPM_MODULES)
	@:

explorer/dist/index.html: explorer/node_modules/.package-lock.json $(EXPLORER)
	cd explorer && $(NPM) run build
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && $(NPM) ci --no-audit --no-fund
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Fleetgraph needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo 'not here')."; \
		echo "Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "'$(PYTHON) -m venv' does not work here; on Debian and Ubuntu the package python3-venv brings it."; \
		rm -rf $(VENV); exit 1; }

$(VENV)/%.stamp: requirements/%.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The S3-compatible server of the tests, in an environment of its own (requirements/s3.in says why).
$(S3_SERVER): requirements/s3.txt | $(VENV)/bin/python
	@$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

lock: | $(VENV)/bin/python ## Renew requirements/*.txt from *.in (make lock UPGRADE=--upgrade for newer versions)
	@[ -x var/lock/bin/uv ] || { $(BIN)/python -m venv var/lock && var/lock/bin/pip install --quiet $(UV); }
	cd requirements && for name in runtime dev s3; do \
		../var/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" $(UPGRADE) $$name.in --output-file $$name.txt || exit 1; \
	done

clean: ## Remove what can be made again (not the databases under var/)
	rm -rf $(VENV) explorer/dist examples/live-fleet/dist var/lock var/coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf $(addsuffix /node_modules,$(NPM_PROJECTS) bench/peers)
