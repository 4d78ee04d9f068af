# The two commands of the README: `make up` and `make test`. Each does all its own set-up.

SWIFT_FLAGS ?=
# -S leaves the debugging tables out of the program and its symbols in, for readable backtraces.
RELEASE_FLAGS = -c release --static-swift-stdlib -Xlinker -S $(SWIFT_FLAGS)
BUILD_RELEASE = swift build $(RELEASE_FLAGS) --product binnacle && swift build $(RELEASE_FLAGS) --product binnacle-pause

.PHONY: up build test bench lint format setup clean

## Build the release binary and run it with the demo in the foreground.
up: build
	@exec .build/release/binnacle up --demo $(ARGS)

build: setup
	@$(BUILD_RELEASE)

## Everything that CI runs: lint, unit tests, integration tests with real clients.
test: setup
	@scripts/test

bench: build
	@scripts/bench

lint:
	@swift format lint --strict --recursive Sources Tests Package.swift

format:
	@swift format format --in-place --recursive Sources Tests Package.swift

setup:
	@scripts/setup $(if $(filter test,$(MAKECMDGOALS)),--with-test-tools)

clean:
	rm -rf .build .build-*
