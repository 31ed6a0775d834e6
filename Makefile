# What people do here. `make help` lists it.

CARGO ?= cargo
# Static, and no call into the C library for random bytes, so that the program runs in an empty image.
STATIC_FLAGS := -C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"
GNU := x86_64-unknown-linux-gnu
MUSL := x86_64-unknown-linux-musl
# musl where it is installed, else a static glibc.
AGENT_TARGET := $(shell rustup target list --installed 2>/dev/null | grep -qx $(MUSL) && echo $(MUSL) || echo $(GNU))
FUZZ_SECONDS ?= 60
API_FUZZ_SECONDS ?= 600
CANARY_EXECUTIONS ?= 1000
CHAOS_SEED ?= $(shell date +%s)
# nextest runs every test in a process of its own; where it is not installed, cargo's own runner does.
TEST_RUNNER := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo 'nextest run --workspace' || echo 'test --workspace --lib --bins --tests --examples')

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench simulate mutants chaos chaos-long fuzz static-agent build-agent check-chart test-containers security canary fuzz-api

help: ## lists what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## builds, then runs the example pack in every runtime found here
	$(CARGO) build --release -p attune-cli
	target/release/attune demo

test: ## every test, against a real PostgreSQL and RabbitMQ, which are installed when they are missing
	scripts/install-test-services.sh
	scripts/install-test-languages.sh || true
	$(CARGO) build --workspace --bins
	$(MAKE) --no-print-directory static-agent
	$(CARGO) run --quiet -p attune-testkit --bin with-services -- $(CARGO) $(TEST_RUNNER)
	$(CARGO) test --workspace --doc

lint: ## format, clippy, documentation and the repository's own rules; a warning is an error
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items
	$(CARGO) run --quiet -p xtask -- check

fuzz: ## every fuzz target for a while (FUZZ_SECONDS=n, default 60 each)
	$(CARGO) run --release -p attune-fuzz -- --seconds $(FUZZ_SECONDS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test -p attune-cli --bin attune -- --nocapture any_command_line

fuzz-api: ## a public fuzzer against the OpenAPI document of a real server (API_FUZZ_SECONDS=n, takes Python and its package index)
	scripts/install-test-services.sh
	$(CARGO) build --workspace --bins
	scripts/fuzz-api.sh $(API_FUZZ_SECONDS)

simulate: ## a million executions in the modelled world, and one through every order of everything (docs/proof.md)
	$(CARGO) build --release -p attune-simulation
	target/release/attune-simulation --model
	target/release/attune-simulation --seeds 20 --executions 200 --twice
	target/release/attune-simulation --seeds 1000 --executions 1000

mutants: ## switches on one known fault after the other, and tells what notices it
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/scripts/with-mutants $(CARGO) run --release -p attune-simulation -- --mutants --executions 400

security: ## every attack of SECURITY.md, each printed with its refusal, its level and its verdict
	scripts/install-test-services.sh
	$(CARGO) build --workspace --bins
	target/debug/with-services target/debug/attune-attacks

canary: ## secrets in 1,000 executions that do all they can to write them down (CANARY_EXECUTIONS=n), then looked for everywhere
	scripts/install-test-services.sh
	$(CARGO) build --workspace --bins
	target/debug/with-services target/debug/attune-canary --executions $(CANARY_EXECUTIONS)

chaos: ## a short run under random faults on each back end (CHAOS_SEED=n chooses another)
	scripts/install-test-services.sh
	$(CARGO) build --release -p attune-control -p attune-worker -p attune-cli -p attune-chaos --bins
	target/release/attune-chaos --seed $(CHAOS_SEED) --executions 1000 --faults 15
	target/release/attune-chaos --seed $(CHAOS_SEED) --executions 2000 --faults 20 --backend sqlite --rate 25 --slots 60

chaos-long: ## five seeds of 10,000 executions and 50 faults, 2,000 and 20 kills embedded, and every row of the fault matrix
	scripts/install-test-services.sh
	ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || scripts/install-packages.sh libfaketime
	$(CARGO) build --release -p attune-control -p attune-worker -p attune-cli -p attune-chaos --bins
	for seed in 1 2 3 4 5; do target/release/attune-chaos --seed $$seed --executions 10000 --faults 50 --record || exit 1; done
	target/release/attune-chaos --executions 2000 --faults 20 --backend sqlite --rate 25 --slots 60 --record
	target/release/attune-chaos matrix --play all --parallel 2
	target/release/attune-chaos --steady 100 --minutes 10 --slots 40

bench: ## one JSON line per figure, each beside its floor from the same run
	scripts/install-test-services.sh
	$(CARGO) build --profile dist -p attune-control -p attune-worker -p attune-cli -p attune-testkit -p attune-bench --bins
	target/dist/with-services --durable target/dist/attune-bench

static-agent: ## the static agent for tests: quickly built, and large
	CARGO_TARGET_DIR=$(or $(CARGO_TARGET_DIR),target)/agent RUSTFLAGS='$(STATIC_FLAGS)' $(CARGO) build --target $(AGENT_TARGET) -p attune-worker --bin attune-agent

build-agent: ## the static agent, as it ships: stripped, reproducible, with the list of what it is made of
	scripts/build-static.sh attune-agent
	install -m 755 target/static/attune-agent target/attune-agent
	@ldd target/attune-agent 2>&1 || true

check-chart: ## lints the Helm chart and checks what it renders against the schemas of Kubernetes (takes Python and its package index)
	python3 -m venv target/chart-venv
	target/chart-venv/bin/pip install --quiet helm-python-sdk kubernetes-validate pyyaml
	target/chart-venv/bin/python scripts/check-chart.py

test-containers: ## every proof that takes a container engine (PROOFS="matrix stack" chooses some)
	scripts/install-container-engine.sh
	scripts/build-static.sh attune-agent attune-worker attune-server attune
	$(CARGO) run --quiet -p attune-container-tests --bin attune-containers -- $(PROOFS)
