# Thin: what to run stands in scripts/ and CMake presets.
.PHONY: all setup build demo test bench format lint

all: build

setup:
	@scripts/setup

build: setup
	@cmake --preset release >/dev/null
	@cmake --build --preset release

demo: setup
	@scripts/demo

test: setup
	@scripts/test

bench: build
	@scripts/bench

format:
	@scripts/format

lint:
	@scripts/lint
