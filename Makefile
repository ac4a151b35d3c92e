# `make demo` and `make test` do everything on a fresh Debian or Ubuntu with Python 3.11 or newer.

VENV ?= .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 1800
# The first Python that is new enough, unless PYTHON says which.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Test modules are rewritten and compiled for the first worker, not for each, nor sipwatch for every process of a test.
COMPILED_ONCE := PYTHONDONTWRITEBYTECODE=
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help demo test test-slow test-install system lint types fuzz fuzz-long bench bench-live bench-store hostile soak compiled test-compiled pcaps record \
	dashboards docs pictures clean

help:
	@echo 'make demo       install into .venv and replay pcaps/demo.pcap; needs no root'
	@echo 'make test       install what the tests need, if that is allowed; then lint, types, tests'
	@echo 'make test-slow  what takes long: end to end with sipp, Kamailio and Prometheus, properties on many examples; needs root'
	@echo 'make test-install  build and install the package in fresh environments, plain and compiled; from the index'
	@echo 'make lint       ruff: rules and format'
	@echo 'make types      mypy --strict'
	@echo 'make fuzz       every fuzz target for FUZZ_SECONDS (60)'
	@echo 'make fuzz-long  every fuzz target for an hour'
	@echo 'make compiled   compile the engine with mypyc into build/compiled; needs a C compiler'
	@echo 'make test-compiled  run the tests on the compiled engine'
	@echo 'make bench      compare with sngrep, sipmon, tshark and tcpdump; writes bench/results.json and docs/benchmarks.md'
	@echo 'make bench-live load sipwatch live with sipp, ten minutes of it at 500 calls/s; needs root'
	@echo 'make bench-store fill a store with a million calls and ask it everything, while it is written; ten minutes'
	@echo 'make hostile    attack engine and daemon beside honest calls, and hold them against their bounds; a quarter of an hour'
	@echo 'make soak       run sipwatch live on a line that loses, doubles and swaps, for SOAK_SECONDS (1800); needs root'
	@echo 'make dashboards write the Grafana dashboards again'
	@echo 'make pcaps      write the synthetic captures again'
	@echo 'make record     record the captures of real software again; needs root'
	@echo 'make pictures   draw the pictures of the pages in README.md again, in a browser'
	@echo 'make docs       write the generated parts of README.md and docs/ again'
	@echo 'make clean      remove .venv and everything built'

demo: $(VENV)/installed
	@$(BIN)/sipwatch replay pcaps/demo.pcap --config pcaps/demo.toml

# What is missing is installed where it may be, and named where it may not: then its tests skip.
test: system $(VENV)/dev
	@$(MAKE) --no-print-directory lint types
	$(COMPILED_ONCE) $(BIN)/pytest -n auto --dist loadfile

# The browser by itself: Playwright's loop would get the signals of other tests' processes.
test-slow: system $(VENV)/dev
	$(COMPILED_ONCE) $(BIN)/pytest -n 0 -m slow tests/browser
	$(COMPILED_ONCE) HYPOTHESIS_PROFILE=full $(BIN)/pytest -n 2 -m 'slow or hypothesis' --ignore=tests/browser

# One after the other: compiling takes all processors.
test-install: $(VENV)/dev
	$(BIN)/pytest -n 0 -m install tests/install

system:
	@PYTHON='$(PYTHON)' VENV='$(VENV)' sh tests/system-packages.sh

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev
	$(BIN)/mypy

fuzz: $(VENV)/dev
	@$(PIP) install --only-binary=atheris --editable '.[fuzz]' || echo 'atheris cannot be installed'
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED))

fuzz-long:
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=3600

# The same source, compiled: `PYTHONPATH=build/compiled python -P -m sipwatch` runs it.
compiled: $(VENV)/dev
	@rm -rf build/compiled
	SIPWATCH_COMPILE=1 $(PIP) install --no-deps --target build/compiled .
	@PYTHONPATH=build/compiled $(BIN)/python -P -m sipwatch --version | grep -F '(compiled)'
	@PYTHONPATH=build/compiled $(BIN)/python -P -m sipwatch replay pcaps/demo.pcap --format jsonl -o /dev/null

# Interpreted classes cannot inherit from compiled ones, as test_timers' alarms do.
test-compiled: compiled
	@rm -rf build/tested && mkdir build/tested
	@cp -r .ci .gitignore bench build_backend deploy docs grafana pcaps tests LICENSE MANIFEST.in Makefile *.md *.py *.toml build/tested/
	@cp -r build/compiled/* build/tested/
	cd build/tested && SIPWATCH_CAPTURES=$(abspath ../shared/captures) $(abspath $(BIN))/python -m pytest -n auto \
		--ignore tests/track/test_timers.py --ignore tests/test_layers.py --ignore tests/test_docs.py

bench-live: compiled
	$(BIN)/python -m bench.live --write --soak

bench: compiled
	$(BIN)/python -m bench.run --write
	$(BIN)/python -m bench.open_calls

pcaps: $(VENV)/installed
	$(BIN)/python -m pcaps.make

record: $(VENV)/installed
	$(BIN)/python pcaps/recorded/record.py

hostile: $(VENV)/dev
	$(BIN)/python -m bench.hostile_run --write; status=$$?; $(BIN)/python -m docs.generate; exit $$status

bench-store: $(VENV)/dev
	$(BIN)/python -m bench.registering --write
	$(BIN)/python -m bench.store --write; status=$$?; $(BIN)/python -m bench.store_live --write || status=$$?; \
		$(BIN)/python -m docs.generate; exit $$status

soak: $(VENV)/dev
	$(BIN)/python -m bench.soak $(SOAK_SECONDS)

dashboards: $(VENV)/dev
	$(BIN)/python -m grafana.make

docs: $(VENV)/dev
	$(BIN)/python -m docs.generate

pictures: system $(VENV)/dev
	$(BIN)/python -m docs.pictures

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Packages are installed again when pyproject.toml changes.
$(VENV)/made:
	@test -n '$(PYTHON)' || { echo 'sipwatch needs Python 3.11 or newer; if it has another name: make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments; as root: apt install $$($(PYTHON) -c \
		'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made pyproject.toml
	@echo 'Installing sipwatch into $(VENV) ...'
	@$(PIP) install --editable .
	@touch $@

$(VENV)/dev: $(VENV)/made pyproject.toml
	@echo 'Installing sipwatch and its development tools into $(VENV) ...'
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/installed $@
