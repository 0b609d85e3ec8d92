# Thin: what to run is in scripts/ and CMake presets.
.PHONY: all setup build demo test bench format lint

all: build

setup:  # for all of them
	@scripts/setup

build:
	@scripts/setup demo
	@cmake --preset release >/dev/null
	@cmake --build --preset release

demo:
	@scripts/setup demo
	@scripts/demo

test:
	@scripts/setup test
	@scripts/test

bench: build
	@scripts/setup bench
	@scripts/bench

format:
	@scripts/format

lint:
	@scripts/setup lint
	@scripts/lint
