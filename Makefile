# The verbs of daily work.

export SQLX_OFFLINE ?= true
export PATH := $(PATH):$(HOME)/.cargo/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint shapes bench soak faults buf doc clean prerequisites

help: ## list these verbs
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: prerequisites ## a whole system on this machine, its main job told step by step
	cargo build --locked --workspace --bin fettle
	"$${CARGO_TARGET_DIR:-target}/debug/fettle" demo

test: prerequisites ## every test, on a private PostgreSQL and Redis
	@scripts/test

lint: ## formatting and clippy, warnings refused
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

shapes: ## record again what the database says about checked queries (.sqlx)
	scripts/shapes

bench: ## measure: ratios in one run, written to bench/results
	cargo run --release --locked -p fettle-bench

soak: ## load for an hour, invariants checked all along
	cargo run --release --locked -p fettle-bench -- soak

faults: ## kill, cut, freeze and flush, then check what was promised
	cargo test --locked -p fettle-stories --release -- --ignored fault

buf: ## lint the contract with buf (needs Node.js)
	npx --yes @bufbuild/buf lint proto

doc: ## the code's own documentation
	cargo doc --workspace --no-deps --locked

clean: ## remove what was built; running private servers are left alone
	cargo clean

prerequisites:
	@scripts/prerequisites
