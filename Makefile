# cpmd: make help says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
GO ?= go
KILLS ?= 200
SEEDS ?= 10000
FUZZTIME ?= 30s

.PHONY: help build demo test test-crash lint bench fuzz simulate package clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

build: ## the programs, into bin/
	@mkdir -p bin
	$(GO) build -o bin/ ./cmd/cpmd ./cmd/cpmctl ./cmd/qfpaysim

demo: build ## the main job on real parts: simulated QFPay, a scanner on a pty, a till
	./bin/cpmd demo

test: ## all tests, with the race detector
	$(GO) test -race -shuffle=on -timeout 5m ./...

test-crash: ## KILLS=200 kills of the real daemon at random moments
	$(GO) test -count=1 -timeout 0 ./cmd/cpmd -run TestKill -v -kills $(KILLS)

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

bench: ## benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz target for FUZZTIME=30s
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

clean:
	rm -rf bin dist
