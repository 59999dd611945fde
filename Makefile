# Set-up, and everything that is done every day. `make` lists it.

# Any Python >= 3.11: make run PYTHON=python3.12
PYTHON ?= python3

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check

# Stamps: what has been done is not done again, so that a second `make run` only starts the server.
MADE := .venv/made
READY := .venv/ready
TEST_READY := .venv/test-ready
BENCH_READY := .venv/bench-ready

# Tests start a hundred servers: what is compiled is kept, also where the environment says otherwise.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
	    printf '%-18s%s\n' "$$name" "$$what"; done

.PHONY: setup
setup: $(READY) ## Create .venv with what `make run` needs

.PHONY: run
run: $(READY) ## Do all set-up and serve http://127.0.0.1:8000/ until Ctrl+C
	@exec $(BIN)/quart-chat serve

.PHONY: demo
demo: $(READY) ## Show a room in the pages of another site, http://localhost:9000/, until Ctrl+C
	@exec $(BIN)/python -m examples.demo

.PHONY: test
test: $(TEST_READY) ## Do all set-up, browsers and proxies included, and run every test
	@$(BIN)/python -m tests.browser.chromium --install
	@$(BIN)/python -m tests.network.programs --install
	$(BIN)/pytest

# Measurements are gathered in a file of this run; two runs at once do not mix. What is timed runs alone.
.PHONY: test-network
test-network: $(TEST_READY) ## Run all tests through real proxies, the long ones too, and write the table of the README
	@$(BIN)/python -m tests.browser.chromium --install
	@$(BIN)/python -m tests.network.programs --install
	@results=$$(mktemp) && trap 'rm -f "$$results"' EXIT && \
	    export QUART_CHAT_NETWORK_RESULTS="$$results" && \
	    $(BIN)/pytest -n 0 -m measured tests/network && \
	    $(BIN)/pytest -m "not measured" tests/network && \
	    $(BIN)/python -m tests.network.table "$$results"

.PHONY: test-long
test-long: $(TEST_READY) ## Run the tests that take so long that `make test` leaves them out, but for those of the network
	@$(BIN)/python -m tests.browser.chromium --install
	@$(BIN)/python -m tests.network.programs --install
	$(BIN)/pytest -m long --ignore tests/network

.PHONY: lint
lint: $(TEST_READY) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: chaos
chaos: SECONDS ?= 120
chaos: SEED ?= $(shell date +%s)
chaos: $(TEST_READY) ## Kill the server again and again while people write, read, and are removed [SECONDS=120 SEED=...]
	$(BIN)/python -m tests.delivery.chaos --seconds $(SECONDS) --seed $(SEED)

.PHONY: bench
bench: $(BENCH_READY) ## Measure against Nchan, Channels, Starlette and others: 20 minutes on two idle cores
	$(BIN)/python -m bench

.PHONY: bench-quick
bench-quick: $(BENCH_READY) ## The same in small, for development: a few minutes, results in build/bench
	$(BIN)/python -m bench --quick

.PHONY: bench-compare
bench-compare: $(BENCH_READY) ## Measure this version beside the checkout in OTHER, in turns: about five minutes
	$(BIN)/python -m bench.compare $(OTHER)

.PHONY: bench-visit
bench-visit: $(TEST_READY) ## Measure what a newcomer waits for on a slow line: two minutes
	@$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/python -m bench.visit

.PHONY: bench-hostile
bench-hostile: $(READY) ## Attack a server of its own, fifty times in each way, and see whether others notice: two minutes
	$(BIN)/python -m bench.hostile

.PHONY: screenshots
screenshots: $(TEST_READY) ## Make the pictures of the README from the real page
	@$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/python scripts/screenshots.py

# What is locked stays as it is where pyproject.toml allows it; UPGRADE=--upgrade takes the newest of everything.
.PHONY: lock
lock: $(READY) ## Write requirements/*.txt anew from pyproject.toml [UPGRADE=--upgrade]
	$(INSTALL) uv
	$(LOCK) pyproject.toml --output-file requirements/run.txt
	$(LOCK) --group build --output-file requirements/build.txt
	$(LOCK) --group test --constraint requirements/run.txt --constraint requirements/build.txt \
	    --output-file requirements/test.txt
	$(LOCK) --group bench --constraint requirements/run.txt --output-file requirements/bench.txt

# One version of each package for every Python and platform, with hashes, and without the address it was found at.
LOCK = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

.PHONY: clean
clean: ## Remove what set-up and tests have made; databases stay
	rm -rf .venv static/vendor build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(MADE):
	@sh scripts/make-venv.sh "$(PYTHON)" .venv
	@touch $@

# htmx is fetched last and may fail: without it a browser that can reach the CDN still shows a working page.
$(READY): requirements/run.txt requirements/build.txt pyproject.toml | $(MADE)
	@echo "Installing what quart-chat needs into .venv: about half a minute, and only when that changes."
	@$(INSTALL) --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@$(BIN)/quart-chat fetch-htmx
	@touch $@

$(TEST_READY): requirements/test.txt $(READY)
	@echo "Installing what the tests need into .venv: about half a minute, and only when that changes."
	@$(INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

$(BENCH_READY): requirements/bench.txt bench/install-nchan.sh $(READY)
	@echo "Installing what the benchmark compares with into .venv: about half a minute, and only when that changes."
	@$(INSTALL) --require-hashes -r requirements/bench.txt
	@sh bench/install-nchan.sh
	@touch $@
