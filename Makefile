# cpmd: make help says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
GO ?= go
KILLS ?= 200
SOAK ?= 1h
SEEDS ?= 10000
FIRST ?= 1
FUZZTIME ?= 30s
FUZZ ?= ./...
ROOM ?= ./queue/sale
# of a mutation run: the walk takes as long as all others together
MUTATION_SKIP ?= ^TestWalk$$
VERSION ?= $(shell systemd/version.sh)
ARCH ?=
# the race detector for all that is Go; SQLite's translated C keeps its memory to one connection, and is three times slower under it
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
# a disk in memory, where faults are made up anyway
MEMORY ?= $(shell test -w /dev/shm && echo /dev/shm || echo /tmp)

.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## what there is to make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

build: ## the programs, into bin/
	@mkdir -p bin
	$(GO) build -ldflags '-X main.release=$(VERSION)' -o bin/ ./cmd/cpmd ./cmd/cpmctl ./cmd/qfpaysim
	@chmod 600 configs/client_key # git keeps no modes

demo: build ## the main job on real parts: simulated QFPay, a scanner on a pty, a till
	./bin/cpmd demo

test: ## all tests, with the race detector
	$(GO) test $(TESTFLAGS) $(RACE) -shuffle=on -timeout 15m ./...

simulate: ## every write failing once, then SEEDS=10000 histories of cpmd against a world that breaks everything, on simulated time
	@mkdir -p bin
	$(GO) test -c -o bin/simtest ./cmd/cpmd/simtest
	cd cmd/cpmd/simtest && TMPDIR=$(MEMORY) ../../../bin/simtest -test.run '^Test(EveryWrite|FoundSeeds|SameSeedSameHistory)$$'
	cd cmd/cpmd/simtest && GOGC=400 TMPDIR=$(MEMORY) ../../../bin/simtest -test.run '^TestSeeds$$' -test.timeout 0 -seeds $(SEEDS) -first $(FIRST) -report

mutants: ## one small fault after the other in the code: a test must fail for each
	TMPDIR=$(MEMORY) $(GO) run ./cmd/cpmd/simtest/mutants -j 2 -write

mutants-short: ## the same for four of them
	TMPDIR=$(MEMORY) $(GO) run ./cmd/cpmd/simtest/mutants -short

mutation: ## a mutation tool over the room ROOM=./queue/sale
	TMPDIR=$(MEMORY) GOFLAGS='-count=1 -skip=$(MUTATION_SKIP)' $(GO) run github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0 unleash \
	  --workers 1 --timeout-coefficient 40 $(ROOM)

test-crash: ## KILLS=200 kills of the real daemon at random moments
	$(GO) test -count=1 -timeout 0 ./cmd/cpmd -run TestKill -v -kills $(KILLS)

clean-days: ## 1,000 simulated days on which nothing is wrong, each compared with QFPay's list: nothing may be reported
	$(GO) test ./cmd/cpmd/simtest -count=1 -timeout 0 -run '^TestCleanDays$$' -days 1000

soak: ## 48 simulated hours of a busy counter, then SOAK=1h of the real programs: memory, files, threads and journal must not grow
	TMPDIR=$(MEMORY) $(GO) test -count=1 -timeout 0 ./queue -run TestDays -v -hours 48
	$(GO) test -count=1 -timeout 0 ./cmd/cpmd -run TestSoak -v -soak $(SOAK)

test-hardware: ## the real scanner drivers against emulated USB scanners, in a virtual machine (root; about 25 minutes without KVM)
	scanner/hardware/run.sh

test-hardware-short: ## the same, a few minutes of it
	scanner/hardware/run.sh -test.short

test-systemd: ## a counter's life from package to purge under a running systemd, in a virtual machine (root; some minutes)
	systemd/guest/run.sh

test-systemd-short: ## the same without a cut of the power
	systemd/guest/run.sh short

test-arm64: ## the packages for arm64, and the demonstration by their programs under qemu-user (root; some minutes)
	systemd/arm64.sh

test-troubles: ## everything that can be wrong with a counter, told everywhere and mended (some minutes)
	$(GO) test -count=1 -timeout 30m -parallel 8 ./cmd/cpmd -run TestTroubleIsTold -v -every-trouble

test-browser: ## operator's page, display and a till that is a web page, in Chromium (some minutes)
	$(GO) test -count=1 -timeout 15m ./cmd/cpmd -run ^TestBrowser -v -browser

certify-examples: ## every case of the certification with every example and with cpmctl (needs their languages; some minutes)
	$(GO) test -count=1 -timeout 30m ./docs/examples -run TestTillsAreCertified -v -every-case

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

bench: ## the table in docs/speed.md, of the running daemon beside its references (about ten minutes)
	$(GO) test ./cmd/cpmd/bench -count=1 -timeout 60m -run '^TestSpeed$$' -v -full -write

bench-short: ## the same with fewer measurements, and nothing is written (some minutes)
	$(GO) test ./cmd/cpmd/bench -count=1 -timeout 30m -run '^TestSpeed$$' -v -few

benchmarks: ## the benchmarks of each package
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz target of FUZZ=./... for FUZZTIME=30s, as many at once as there are cores
	@for pkg in $$($(GO) list $(FUZZ)); do \
	  $(GO) test -list '^Fuzz' $$pkg | awk -v pkg=$$pkg '/^Fuzz/ {print pkg, $$1, "$(FUZZTIME)"}'; \
	done | GO=$(GO) xargs -P $$(nproc) -L 1 .ci/fuzz

pictures: ## docs/pictures, from what the test of the pages sees in Chromium (apt-get install chromium fonts-noto-cjk npm pngquant)
	$(GO) test -count=1 -timeout 15m ./cmd/cpmd -run '^TestBrowserPages$$' -browser
	@mkdir -p docs/pictures
	pngquant --force --strip --speed 1 64 out/pictures/page-confirming.png --output docs/pictures/page.png
	pngquant --force --strip --speed 1 64 out/pictures/display-scan.png --output docs/pictures/display.png
	pngquant --force --strip --speed 1 64 out/pictures/display-paid.png --output docs/pictures/display-paid.png

package: ## .deb, .rpm, tarball and list of components for ARCH=amd64 or arm64 (this machine's if it is left out), into dist/
	systemd/package.sh $(ARCH)

package-check: ## makes the package once more in another folder, from nothing but the source: the same bytes, hardened, no error of lintian
	systemd/package-check.sh $(ARCH)

licenses: ## the licences and notices of everything that is linked into the programs
	@systemd/licenses.sh

clean: ## remove what make made
	rm -rf bin dist out
