# What one does here, day by day. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo demo-live test check bench faults laws simulate simulate-peers fuzz mutation coverage format requirements clean

# PEERS=0 leaves out the tests against a real FHIR server (they need Java 17 and Maven) and says so.
PEERS ?= 1
export PEERS
# How many lives `make laws` tells; the gate tells 1,000, the same in every run.
EXAMPLES ?= 20000
# How often `make faults` kills, over how many people, and where it begins to draw.
KILLS ?= 50
PEOPLE ?= 50
RECORDS ?= 100000
SEED ?= 1
# How many worlds `make simulate` lives through; the gate takes the first of them, the same in every run.
SEEDS ?= 20000
# How many of them `make simulate-peers` lives through on real servers; the gate takes two.
PEER_SEEDS ?= 50
# How many mutated searches `make fuzz` tries; the gate tries 3,000, the same in every run.
FUZZ ?= 20000

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: .venv/.ready-run  ## three EHRs that disagree, brought to one account each, and back; then ends
	@.venv/bin/coordinator demo --once $(ARGS)

demo-live: .venv/.ready-run  ## the same, and stays up to be looked at until Ctrl-C
	@.venv/bin/coordinator demo $(ARGS)

test: .venv/.ready-dev  ## the whole gate: format, lint, types, imports, sizes, compose file, all tests
	@.ci/check

check: .venv/.ready-dev  ## the quick part of it: no slow tests, no stories, no real FHIR server
	@.ci/check quick

bench: .venv/.ready-dev  ## CPU per resource of pull, check, store and audit, beside a floor; ARGS="--people N"
	@.venv/bin/python -m tests.benchmarks.pull $(ARGS)
	@.venv/bin/python -m tests.benchmarks.reconcile
	@.venv/bin/python -m tests.benchmarks.workers
	@.venv/bin/python -m tests.benchmarks.fairness
	@.venv/bin/python -m tests.benchmarks.audit

faults: .venv/.ready-dev  ## processes and databases killed more often than the gate does: KILLS=50 PEOPLE=50 RECORDS=100000 SEED=1
	@KILLS=$(KILLS) PEOPLE=$(PEOPLE) RECORDS=$(RECORDS) SEED=$(SEED) .venv/bin/pytest --quiet tests/faults $(ARGS)

laws: .venv/.ready-dev  ## the laws of accounts over more lives, others each time: EXAMPLES=20000
	@EXAMPLES=$(EXAMPLES) .venv/bin/pytest --quiet --numprocesses=auto tests/laws $(ARGS)

simulate: .venv/.ready-dev  ## whole worlds in trouble, seed by seed: SEEDS=20000; one of them told: ARGS="--one 7"
	@.venv/bin/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

simulate-peers: .venv/.ready-dev  ## the same story on two real FHIR servers through a fault proxy: PEER_SEEDS=50
	@PEER_SEEDS=$(PEER_SEEDS) .venv/bin/pytest --quiet tests/simulation/test_two_real_servers.py $(ARGS)

fuzz: .venv/.ready-dev  ## mutated searches over mutated records, more than the gate tries: FUZZ=20000
	@FUZZ=$(FUZZ) .venv/bin/pytest --quiet tests/security/test_fuzz.py $(ARGS)

mutation: .venv/.ready-dev  ## every small change to the core, does a test notice? ARGS="--only coordinator/matching"
	@.venv/bin/python -m tests.mutation --all $(ARGS)

coverage: .venv/.ready-dev  ## line and branch coverage of the quick tests
	@.ci/tests quick --cov --cov-report=term-missing:skip-covered

format: .venv/.ready-dev  ## let ruff lay out the code and mend what it can
	@.venv/bin/ruff check --quiet --fix-only . && .venv/bin/ruff format --quiet .

requirements: .venv/.ready-dev  ## pin the newest versions that fit pyproject.toml, with their hashes
	@.ci/requirements

clean:  ## remove the virtual environment and all caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

# Set-up happens once, and again when the pins change.
.venv/.ready-%: requirements/%.txt pyproject.toml
	@.ci/setup $*
