# What a change must pass is `make test`; it needs Go, gcc, PostgreSQL's programs
# and Chromium, and installs the latter two where it can. Nothing else need be running.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
GO ?= go
FUZZTIME ?= 30s
BENCH ?= .
SEED ?= 1
# Starts one throw-away PostgreSQL for a command, unless HAWKER_TEST_PG names one.
WITH_PG = $(if $(HAWKER_TEST_PG),,$(GO) run ./internal/store/storetest/run)

.NOTPARALLEL:
.PHONY: help test build fmt vet staticcheck race postgres chromium hsm lint api fuzz bench torture tour clients cover demo clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

test: fmt vet staticcheck race hsm ## everything a change must pass

build: ## bin/hawker, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/hawker ./cmd/hawker

fmt: ## list Go files that gofmt would change
	@echo "== gofmt"
	@files=$$(find . -name '*.go' -not -path './bin/*' | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "$$files"; echo "these files need gofmt -w" >&2; exit 1; fi

vet: ## go vet
	@echo "== go vet"
	@$(GO) vet ./...

staticcheck: bin/staticcheck ## staticcheck
	@echo "== staticcheck"
	@bin/staticcheck ./...

race: postgres chromium ## all tests under the race detector, on SQLite and PostgreSQL
	@echo "== go test"
	@$(WITH_PG) $(GO) test -race -vet=off -timeout 10m ./...

postgres: ## make sure that PostgreSQL's programs are here
	@scripts/postgres

chromium: ## make sure that a browser is here for the tests of pages
	@scripts/chromium

hsm: bin/staticcheck ## the keystore's hardware module, against a softhsm2 that is installed where it is missing
	@echo "== go test -tags pkcs11"
	@command -v gcc >/dev/null || { echo "skipped: PKCS#11 needs cgo, and there is no gcc"; exit 0; }; \
	scripts/softhsm && $(GO) vet -tags pkcs11 ./internal/keys/... ./internal/app && bin/staticcheck -tags pkcs11 ./internal/keys/... ./internal/app && \
	CGO_ENABLED=1 $(GO) test -race -vet=off -tags pkcs11 ./internal/keys/pkcs11 && \
	CGO_ENABLED=1 $(GO) test -race -vet=off -tags pkcs11 -run HardwareModule ./internal/app

lint: bin/golangci-lint api ## the slower linters of .golangci.yml, and of the API's document
	bin/golangci-lint run ./...

api: ## lint docs/openapi.json, which a test holds against the code; needs npx
	@echo "== redocly lint"
	@command -v npx >/dev/null || { echo "skipped: there is no npx"; exit 0; }; \
	npx --yes @redocly/cli@2.77.0 lint --config tools/redocly.yaml docs/openapi.json

fuzz: ## every fuzz target in turn for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

bench: postgres ## benchmarks; BENCH picks by name
	@$(WITH_PG) $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem \
		$$(grep -rl --include='*_test.go' '^func Benchmark' ./cmd ./internal | xargs -n1 dirname | sort -u)

TORTURE = bin/hawker torture --duration 230s --kill-every 1100ms --terminals 6 --disk-full --failing-io --seed $(SEED)
torture: build postgres ## ten minutes of chaos on both databases, and the audit; SEED=n picks the plan
	$(TORTURE) --database sqlite
	$(TORTURE) --database postgres

clients: ## take payments at the simulated wallets with others' clients; needs npm
	scripts/clients

tour: chromium ## take the pictures of docs/tour.md anew
	@mkdir -p docs/tour
	HAWKER_TOUR=$(CURDIR)/docs/tour $(GO) test -count=1 -run TestTheTourIsTaken ./internal/app

cover: postgres chromium ## coverage of each package by its own tests, and in all
	@mkdir -p bin
	@$(WITH_PG) $(GO) test -cover -coverprofile=bin/cover.out ./...
	@$(GO) tool cover -func=bin/cover.out | tail -1

demo: ## play the main job in the terminal, everything simulated
	$(GO) run ./cmd/hawker demo

clean: ## remove what was built
	rm -rf bin

# The tools have modules of their own, with pinned versions, and are built once.
bin/staticcheck: tools/go.mod tools/go.sum
	$(GO) -C tools build -buildvcs=false -o ../$@ honnef.co/go/tools/cmd/staticcheck

bin/golangci-lint: tools/golangci/go.mod tools/golangci/go.sum
	$(GO) -C tools/golangci build -buildvcs=false -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
