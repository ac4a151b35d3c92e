# `make demo` and `make test` do everything on a fresh Debian or Ubuntu with Python 3.11 or newer.

VENV ?= .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 60
# The newest Python of those that will do, unless PYTHON says which.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
SYSTEM_PACKAGES := tshark tcpdump

.PHONY: help demo test lint types system fuzz bench pcaps record docs clean

help:
	@echo "make demo    install, and replay pcaps/demo.pcap (no root needed)"
	@echo "make test    install the tests' system packages if allowed; lint, types, tests"
	@echo "make lint | types | fuzz | bench"
	@echo "make pcaps   write the synthetic captures again; make record: the recorded ones (root)"
	@echo "make docs    write the generated parts of README and docs again"
	@echo "make clean   remove the environment and everything built"

demo: $(VENV)/installed
	@$(BIN)/sipwatch replay pcaps/demo.pcap --config pcaps/demo.toml

test: system lint types
	$(BIN)/pytest -n auto

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev
	$(BIN)/mypy

fuzz: $(VENV)/dev
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(BIN)

bench: $(VENV)/dev
	$(BIN)/python bench/run.py

pcaps: $(VENV)/installed
	$(BIN)/python -m pcaps.make

record: $(VENV)/installed
	$(BIN)/python pcaps/recorded/record.py

docs: $(VENV)/dev
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The environment, made again when pyproject.toml changes.
$(VENV)/python:
	@if [ -z "$(PYTHON)" ]; then echo "sipwatch needs Python 3.11 or newer: apt install python3 python3-venv"; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev: $(VENV)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed

# Tests that compare with tshark skip, visibly, where it is missing.
system:
	@missing=""; for p in $(SYSTEM_PACKAGES); do command -v $$p >/dev/null || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null || \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }; \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then \
		sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "missing, the tests that compare with them are skipped:$$missing (apt install$$missing)"; fi
