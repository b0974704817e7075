# make demo   the whole loop on this machine, in a minute: simulate, ingest, find, export, replay
# make test   every test; installs what they need where it may
# make lint   style, types, floors
# make score  how far each detector can be trusted: writes docs/scores.md (minutes)
# make sweep  what `make test` has no time for: more seeds of bugs and healthy runs, 5,000 of follow mode, a million mutated lines,
#             an ingest killed, or its disk failed, at every call that writes; every notebook in the browser in each way
# make backtest  what each alert rule catches in runs whose truth is known, in a real Prometheus: writes docs/alerts.md (an hour)
# make load   a million events into a real server, then 5,000 a second for a minute while it is scraped (minutes)
# make bench  our figures beside those of the bare engine and the peers; bench-peers installs pm4py for it
# make bench-large  ten million events: as one file, again, and as twenty files (minutes)
# make docs   writes the generated pages again      make lock   writes requirements.lock again (needs uv)

PYTHON ?= python3
VENV := .venv/bin
TEST_FLAGS ?= -q -n 3 --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: demo test test-duckdb-2 lint score sweep backtest load bench bench-large bench-peers docs lock clean tools

demo: .venv/installed
	@$(VENV)/timeline demo --out demo

test: .venv/installed tools
	@$(VENV)/python -m pytest $(TEST_FLAGS)

# The same on the next major version of the engine; in an environment of its own.
test-duckdb-2: .venv/installed
	@test -d .venv-duckdb-2 || $(PYTHON) -m venv .venv-duckdb-2
	@.venv-duckdb-2/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@.venv-duckdb-2/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@.venv-duckdb-2/bin/python -m pip install --quiet 'duckdb==2.0.0'
	@.venv-duckdb-2/bin/python -m pytest $(TEST_FLAGS) tests/ingest tests/timeline tests/detectors

lint: .venv/installed
	@$(VENV)/ruff check --quiet .
	@$(VENV)/ruff format --quiet --check . || { echo "formatting differs: $(VENV)/ruff format ."; exit 1; }
	@$(VENV)/mypy --no-error-summary
	@$(VENV)/lint-imports --no-cache > .venv/lint-imports.txt || { cat .venv/lint-imports.txt; exit 1; }
	@$(VENV)/python -m pytest -q tests/test_house.py tests/test_sql_portable.py
	@echo "lint: clean"

score: .venv/installed
	@$(VENV)/timeline cluster score --seeds 20 --healthy 300 -o docs/scores.md

sweep: .venv/installed
	@$(VENV)/python -m pytest $(TEST_FLAGS) tests/cluster/test_planted_bugs.py --seeds 20 --healthy 1000
	@$(VENV)/python -m pytest $(TEST_FLAGS) tests/cluster/test_same_bytes.py --seeds 20
	@$(VENV)/python -m pytest $(TEST_FLAGS) tests/ingest --follows 5000 --lines 1000000 --kills all
	@$(VENV)/python -m pytest -q -n 0 tests/notebooks/test_in_browser.py --every-page

backtest: .venv/installed tools
	@$(VENV)/python -m tests.backtest --seeds 20 --healthy 100 -o docs/alerts.md

load: .venv/installed
	@$(VENV)/python -m tests.serve.load

bench: .venv/installed
	@$(VENV)/python -m tests.bench

bench-large: .venv/installed
	@$(VENV)/python -m tests.bench_large

# pm4py is under the AGPL: it is measured, never imported, and in an environment of its own.
bench-peers:
	@test -d .venv-bench-peers || $(PYTHON) -m venv .venv-bench-peers
	@.venv-bench-peers/bin/python -m pip install --quiet 'pm4py==2.7.23.11'

docs: .venv/installed
	@$(VENV)/python -m timeline.docs
	@$(VENV)/python -m timeline.alerting.deploy
	@$(VENV)/python -m reference_cluster.docs docs
	@$(VENV)/python -m tests.faults

lock:
	@uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra notebooks --extra prometheus --group dev --upgrade -o requirements.lock
	@echo "wrote requirements.lock"

clean:
	@rm -rf .venv .venv-duckdb-2 .venv-bench-peers demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/installed: requirements.lock pyproject.toml
	@echo "making .venv from requirements.lock" >&2
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || sh tests/tools.sh ensurepip=python3-venv
	@$(PYTHON) -m venv --clear .venv
	@$(VENV)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@$(VENV)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Programs that are no Python packages. Debian's names; a missing one is installed where we may, else named.
tools:
	@sh tests/tools.sh strace=strace promtool=prometheus chromium=chromium
