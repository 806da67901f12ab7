# Every verb of the project. `make run` and `make test` do all of their own set-up; `make help` lists the rest.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
NATIVE_SOURCES := setup.py $(wildcard media/*/native/*.p[xy][xd])
WEB_SOURCES := $(shell git ls-files web 2>/dev/null || find web -type f -not -path '*/node_modules/*')

# A story that fails is looked at once more by itself: other work on the machine may have starved its browsers. Both outputs stay.
STORIES = $(BIN)/python -m pytest -m 'e2e and not endurance'
ONCE_MORE = --last-failed --last-failed-no-failures none

# Every verb has its line of help and makes no file of its name.
.PHONY: $(shell sed -nE 's/^([a-z0-9-]+):.*[#]{2} .*/\1/p' Makefile)

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

run: .setup/product service/web_app/index.html ## set everything up and start the product with the demonstration county (ARGS=--no-demo starts empty)
	@exec $(BIN)/three-classrooms serve --demo $(ARGS)

build: .setup/product service/web_app/index.html ## set up what `make run` needs without starting it

test: test-python test-web test-e2e ## set up and run every test

test-python: .setup/develop .setup/system ## unit, property and integration tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not e2e' $(ARGS)

test-e2e: .setup/develop .setup/system service/web_app/index.html ## the whole product in Chromium
	$(STORIES) $(ARGS) || $(STORIES) $(ONCE_MORE) $(ARGS)

test-e2e-fleet: .setup/develop .setup/system service/web_app/index.html ## the same stories against two replicas and two relays behind the edge, PostgreSQL and Redis (root)
	E2E_DEPLOYMENT=fleet $(STORIES) tests/e2e $(ARGS) || E2E_DEPLOYMENT=fleet $(STORIES) tests/e2e $(ONCE_MORE) $(ARGS)

test-fuzz-api: .setup/develop ## every address as every role, with the ids of one's own and of a foreign county: no 500, nothing told (ARGS="-k whoever")
	FUZZ_ROLES=all $(BIN)/python -m pytest -n 2 tests/service/test_openapi_fuzz.py $(ARGS)

test-endurance: .setup/develop .setup/system service/web_app/index.html ## two hundred layer switches in Chromium, for each codec (two idle cores)
	$(BIN)/python -m pytest -m endurance $(ARGS)

test-web: .setup/web ## tests of the web app's own logic
	@cd web && npm run --silent test

lint: .setup/develop .setup/web ## style, types, direction of imports, in Python and TypeScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest media.forwarder.native.core media.recorder.native.records media.recorder.native.reading --allowlist media/forwarder/native/stubtest-allowlist.txt
	$(BIN)/lint-imports
	deploy/check-tracked-files
	$(BIN)/python deploy/check-dependencies
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/containers/compose.yml
	$(BIN)/hadolint --ignore DL3008 --ignore DL3013 deploy/containers/Dockerfile
	@cd web && npm run --silent lint

format: .setup/develop .setup/web ## bring the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@cd web && npm run --silent format

bench-live: .setup/develop .setup/system service/web_app/index.html ## join time, picture delay and CPU per forwarded packet, in Chromium on loopback
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/live/run.py $(ARGS)

bench-forward: .setup/develop .setup/bench ## the relay's CPU per forwarded packet and lessons per core, beside its floor and Janus (root; two idle cores)
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/forward/run.py $(ARGS)

bench-recording: .setup/develop .setup/system ## what journalling costs the forwarding, and finalising beside ffmpeg (two idle cores)
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/recording/run.py $(ARGS)

bench-network: .setup/develop .setup/system .setup/bench .setup/web ## real Chromium over lossy, narrow, stepping and broken lines, our relay beside Janus (root; ARGS="--lines step")
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/network/run.py $(ARGS)

bench-schedule: .setup/develop ## pairing quality and time beside its proven bound
	$(BIN)/python tests/benchmarks/schedule/run.py $(ARGS)

bench-booking: .setup/develop .setup/system ## booking against 100,000 lessons in PostgreSQL: checks, weekly series, races
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/booking/run.py $(ARGS)

bench-fleet: .setup/develop .setup/system ## the bell: many lessons over PostgreSQL, Redis, two replicas, several relays (ARGS="--lessons 50")
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/fleet/run.py $(ARGS)

bench-usage: .setup/develop .setup/system ## the usage log at a prefecture's size in PostgreSQL: growth, appending, reading (ARGS="--rows 10000000")
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/usage/run.py $(ARGS)

bench-exchange: .setup/develop .setup/system ## a whole prefecture out as a workbook and into an empty one, while others ask for lists (ARGS="--size 1/4")
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/exchange/run.py $(ARGS)

bench-pages: .setup/develop .setup/system ## every page's lists with 1,194 schools and a month of lessons, SQLite and PostgreSQL (ARGS="--size 1/4")
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/pages/run.py $(ARGS)

test-faults: .setup/develop .setup/system ## kill and freeze each part of a deployment under live lessons (ARGS="--only relay")
	PYTHONPATH=.:tests $(BIN)/python tests/faults/run.py $(ARGS)

bench-reconnect: .setup/develop .setup/system service/web_app/index.html ## a room's network fails in mid-lesson: seconds until the picture is back (root)
	PYTHONPATH=.:tests:tests/e2e $(BIN)/python tests/benchmarks/reconnect/run.py $(ARGS)

soak: .setup/develop .setup/system ## ten lessons for an hour with joins, leaves and line changes: does memory or delay grow? (ARGS="--minutes 15")
	PYTHONPATH=.:tests $(BIN)/python tests/benchmarks/soak/run.py $(ARGS)

count-instructions: .setup/develop .setup/system ## instructions for each forwarded packet beside the baseline (ARGS=--record records)
	$(BIN)/python tests/benchmarks/instructions/count.py $(ARGS)

asan: .setup/develop ## the packet core's tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@deploy/run-under-sanitizers $(BIN)/python -m pytest -s -q -m 'not slow and not e2e' -k 'not oracle' tests/media/forwarder tests/media/recorder/test_native_reading.py tests/media/recorder/test_native_records.py $(ARGS)

fuzz: .setup/develop ## mutated packets, reports and commands at the packet core, under sanitizers (ARGS="--seconds 600")
	@deploy/run-under-sanitizers --coverage $(BIN)/python tests/fuzz/packet_core.py $(ARGS)

wheel: .setup/develop service/web_app/index.html ## a wheel that ships the built web app, and libcrypto in the packet core
	@rm -rf build/lib.*
	LIBCRYPTO=static $(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

bundle: .setup/develop service/web_app/index.html ## one file to carry to a machine without network: wheels, installer, units, edge
	@deploy/make-bundle $(BIN)/python

clean: ## remove what was built (the data folder stays)
	rm -rf .setup $(VENV) build dist service/web_app web/node_modules

.setup/tools:
	@deploy/check-tools $(PYTHON)
	@mkdir -p .setup && touch $@

$(VENV)/bin/pip: | .setup/tools
	@echo 'set-up: making the Python environment in $(VENV)' >&2
	@$(PYTHON) -m venv $(VENV)

.setup/product: requirements.lock pyproject.toml $(NATIVE_SOURCES) | $(VENV)/bin/pip
	@deploy/install-python $(VENV) requirements.lock
	@touch $@

.setup/develop: requirements-dev.lock requirements.lock pyproject.toml $(NATIVE_SOURCES) | $(VENV)/bin/pip
	@deploy/install-python $(VENV) requirements-dev.lock
	@touch $@ .setup/product

.setup/web: web/package-lock.json web/package.json | .setup/tools
	@echo 'set-up: installing the web app'"'"'s packages (npm ci)' >&2
	@cd web && npm ci --silent --no-fund --no-audit || { echo 'npm ci failed: is the npm registry reachable? Run it again in web/ to see why.' >&2; exit 1; }
	@touch $@

service/web_app/index.html: $(WEB_SOURCES) .setup/web
	@echo 'set-up: building the web app' >&2
	@cd web && npm run --silent build || { echo 'the web app did not build: run npm run build in web/ to see why.' >&2; exit 1; }
	@touch $@

.setup/system: deploy/install-test-packages
	@deploy/install-test-packages
	@mkdir -p .setup && touch $@

.setup/bench: deploy/install-test-packages
	@deploy/install-test-packages bench
	@mkdir -p .setup && touch $@
