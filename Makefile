# Thin: what to run is in scripts/ and CMake presets.
.PHONY: all setup build demo demo-train test bench results deb release docs format lint python python-test

all: build

setup:  # for all of them
	@scripts/setup

build:
	@scripts/setup build
	@cmake --preset release >/dev/null
	@cmake --build --preset release

demo:
	@scripts/setup demo
	@scripts/demo

demo-train: build
	@build/release/netflowgen demo-train -o demo-out/train

test:
	@scripts/setup test
	@scripts/test

bench: build
	@scripts/setup bench
	@scripts/bench

results: build  # rewrites the measured tables of docs/results.md; what has not changed is not measured again
	@bench/results.py

python:
	@scripts/setup python
	@scripts/python wheel

python-test: python
	@scripts/python test

docs:
	@scripts/setup docs
	@scripts/docs

deb:
	@scripts/setup deb
	@scripts/deb

release:
	@scripts/setup release
	@scripts/release

format:
	@scripts/format

lint:
	@scripts/setup lint
	@scripts/lint
