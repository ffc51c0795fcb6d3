# MeshChatX in Go. The two commands most people need: `make run` and `make test`.
# Every target runs on a plain Debian 12 with Go, Node and npm.

SHELL      := /bin/bash
GO         ?= go
NPM        ?= npm
CHROMIUM   ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
BIN        := bin/meshchatx
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS    := -s -w -X meshchatx/internal/cli.version=$(VERSION)
FUZZTIME   ?= 60s
SOAK ?= 30m
ARGS       ?=
export CGO_ENABLED ?= 0
# One set of flags for building and testing, so that every package is compiled once.
export GOFLAGS := -trimpath $(GOFLAGS)

.PHONY: help run build web gen test test-go test-web e2e chromium check lint race vectors live bench soak fuzz shots speccheck clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: build ## build everything and start the program on https://127.0.0.1:8000
	@exec ./$(BIN) serve $(ARGS)

build: web ## build the web application and the static binary
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/meshchatx

web: web/dist/index.html ## build the web application

web/node_modules/.stamp: web/package.json web/package-lock.json
	cd web && $(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	cd web && $(NPM) run build

gen: web/node_modules/.stamp ## regenerate OpenAPI and the TypeScript types
	$(GO) run ./internal/api/gen
	cd web && $(NPM) run gen

test: test-go test-web e2e ## everything: Go, web unit tests, end to end in Chromium
	@echo "make test: all passed"

test-go: web ## Go tests
	$(GO) vet ./...
	$(GO) test -timeout 10m ./...

test-web: web/node_modules/.stamp ## web types, lint and unit tests
	cd web && $(NPM) run check && $(NPM) run test

chromium: # present, or installed when this may be done, or named
	@if [ -z "$(CHROMIUM)" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "Chromium is needed for the browser tests. Install it with:  sudo apt-get install chromium"; exit 1; fi; fi

e2e: build chromium ## end-to-end tests: real binary, real sockets, real Chromium
	cd web && $(NPM) run e2e

check: web ## format, vet, lint, types, unit tests: before every commit
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(MAKE) --no-print-directory lint
	$(GO) test -short ./...
	cd web && $(NPM) run check && $(NPM) run test

bin/golangci-lint: tools/lint/go.mod
	cd tools/lint && $(GO) build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

lint: bin/golangci-lint ## golangci-lint, pinned in tools/lint (its first build takes minutes)
	bin/golangci-lint run ./...

race: ## Go tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 20m ./...

vectors: ## golden vectors per group: passed of total
	$(GO) run ./tools/vectorcount

live: ## tests against the Python reference; MESHCHATX_LIVE names its PYTHONPATH
	$(GO) test -count=1 -v -timeout 60m -run Live ./interop/...

bench: build ## the table of docs/performance.md
	$(GO) run ./tools/bench

soak: ## SOAK (30m) at full load into docs/soak.md, then long simulations
	$(GO) run ./tools/soak -duration $(SOAK) -report docs/soak.md
	MESHCHATX_SOAK=1 $(GO) test -count=1 -timeout 60m -run Soak ./...

fuzz: ## every fuzz target for FUZZTIME (60s)
	$(GO) run ./tools/fuzzall -time $(FUZZTIME)

shots: build chromium ## screenshots of every page into web/e2e/out
	cd web && $(NPM) run shots

speccheck: ## which code and tests cite which section of spec/
	$(GO) run ./tools/speccheck

clean: ## remove what was built
	rm -rf bin web/dist/assets web/dist/index.html web/node_modules
