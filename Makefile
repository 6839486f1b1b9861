# Two commands set everything up: `make demo` (Python only) and `make test` (everything).
SHELL := /bin/sh
.DEFAULT_GOAL := help
PY := .venv/bin/python
NOW = @printf '==> %s\n'

.PHONY: help demo dev peers test check generated pytest matrix conformance bench fuzz soak fmt lock clean

help:
	@printf '%s\n' \
	  'make demo        set up (Python only) and watch the whole story in a minute' \
	  'make test        set up everything, then all checks and all tests' \
	  'make check       formats, lint, types, imports, Rego, generated files, hosts and secrets' \
	  'make matrix      every client at every server, directly and through AgentGate (half an hour)' \
	  'make conformance the MCP conformance suite, directly and through AgentGate (three minutes)' \
	  'make bench       what a call costs, with a real decision and evidence' \
	  'make fuzz        try to break what reads bytes of others (MINUTES=5)' \
	  'make soak        does it last: memory, descriptors, kills, disks, clocks (MINUTES=5)' \
	  'make fmt         format Python and Rego' \
	  'make lock        resolve the requirements again' \
	  'make clean       remove what was made in this folder (the caches outside stay)'

demo:
	$(NOW) 'setting up'
	@scripts/setup_python.sh demo
	$(NOW) 'the demo'
	@.venv/bin/agentgate demo

dev:
	$(NOW) '[1/4] Python'
	@scripts/setup_python.sh dev

peers: dev
	$(NOW) '[2/4] peers: Node packages, Python clients, nginx, PostgreSQL, OPA'
	@scripts/setup_peers.sh
	@scripts/setup_opa.sh
	@scripts/setup_log_peers.sh
	@scripts/setup_verifier.sh

test: dev peers
	$(NOW) '[3/4] checks'
	@$(MAKE) --no-print-directory check
	$(NOW) '[4/4] tests'
	@$(MAKE) --no-print-directory pytest

# Two workers; tests that share something expensive are marked as a group, and one worker has them all.
pytest:
	@$(PY) -m pytest -n 2 --dist loadgroup -q

check:
	@scripts/check.sh

# Writes docs/compatibility.md; a cell that is different fails it.
matrix: peers
	@$(PY) -m tests.matrix --write

# Writes docs/conformance.md; a difference that nothing explains fails it.
conformance: peers
	@$(PY) -m tests.conformance --write

bench: dev
	@scripts/setup_opa.sh
	@scripts/setup_nginx.sh
	@scripts/setup_postgres.sh
	@$(PY) -m benchmarks

# For all targets together; a finding fails it and its input is named.
MINUTES ?= 5
fuzz: dev
	@$(PY) -m tests.fuzz --minutes $(MINUTES)

# Real processes under load, killed, starved and cut off; writes docs/endurance.md.
soak: dev
	@scripts/setup_postgres.sh
	@$(PY) -m tests.soak --minutes $(MINUTES)

fmt: dev
	@scripts/fmt.sh

lock: dev
	@scripts/lock.sh

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
