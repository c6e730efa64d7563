# Everything starts here: `make help` lists the targets.
# `make run ARGS='...'` passes arguments to `beewolf run`. CARGO_TARGET_DIR keeps the build outside
# the clone; BEEWOLF_CACHE (~/.cache/beewolf) holds the guests' kernels.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test test-all vm-test bench bench-execs bench-indicators bench-latency bench-matcher fuzz fmt lint sigma-compat

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, and watch this host with the shipped rules
	@scripts/run $(ARGS)

test: ## check everything on this host and in one guest (6.12)
	@scripts/test

test-all: ## the same with all guests, the long tests and a fresh machine
	@scripts/test --all

vm-test: ## run the kernel tests in guests with Linux 6.1 and 6.12
	@scripts/test --guests

bench: bench-matcher ## measure what needs no root: the matcher

bench-matcher: ## events/s of the matcher beside other engines, with the rules below SIGMAHQ (../shared/sigmahq)
	@scripts/bench matcher $(CASES)

bench-indicators: ## memory and time of lists of a million indicators
	@scripts/bench indicators $(ENTRIES)

bench-latency: ## measure, as root, from an event to its alert at 20,000 events/s, and what the sensor costs
	@scripts/bench latency $(SECONDS_EACH)

bench-execs: ## start programs as fast as the machine can, as root, and hold what was seen against what was done
	@scripts/bench execs $(SECONDS_EACH)

fuzz: ## fuzz each target for SECONDS_EACH (60) with the nightly toolchain
	@scripts/fuzz

fmt: ## format the code
	@cargo fmt --all
	@cargo fmt --manifest-path bench/Cargo.toml
	@cargo fmt --manifest-path fuzz/Cargo.toml

sigma-compat: ## load the Sigma rules below RULES, say what becomes of each, and hold the verdicts against an oracle
	@scripts/sigma-compat $(RULES) $(PLACEHOLDERS)

lint: ## check format and lints, of scripts too
	@scripts/test --lint
