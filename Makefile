# Two commands for a newcomer: make run, make test. What CI runs: make check.
SHELL = bash
.SHELLFLAGS = -eu -o pipefail -c
GEO_PACKAGE ?= @ip-location-db/geo-whois-asn-country-mmdb
.PHONY: help build man run test test-e2e test-scenarios test-geo race fuzz bench bench-peers format lint cross check

FUZZTIME ?= 10s

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## bin/sextant
	go build -o bin/sextant ./cmd/sextant

man: build ## manual pages into bin/man, one for each command
	bin/sextant man bin/man

run: build ## a small Internet in memory on 127.0.0.1:5300; needs no network and no root
	bin/sextant lab

test: format ## everything that can be tested on this machine; says what it skips, and why
	go vet -tags e2e ./...
	go test ./...
	$(MAKE) --no-print-directory test-e2e

# -count=1: the binary under test is not among the files that go test knows of.
test-e2e: ## the binary against real BIND, NSD, TAYGA, dig and curl (needs root on Linux)
	go test -tags e2e -count=1 -v ./e2e

test-scenarios: ## third-party .rpl stories in the folder SCENARIOS, as a table of what passes, fails and does not apply
	SCENARIOS=$(abspath $(SCENARIOS)) go test -count=1 -v -run ThirdParty ./internal/scenario

# By NRO, CC BY 4.0. It is fetched for the test and not kept.
test-geo: ## scopes on a real country database, fetched with npm, held against what the file itself says, through failovers
	dir=$$(mktemp -d); trap 'rm -r "$$dir"' EXIT; \
	(cd "$$dir" && npm pack --silent $(GEO_PACKAGE) && tar xzf ./*.tgz); \
	GEO_MMDB=$$dir/package/geo-whois-asn-country.mmdb go test -count=1 -v -run RealDatabase ./geo ./tailor

# The two comparisons count answers of other people's servers for minutes, which test does.
race: ## all tests under the race detector, and the binary under test, too
	go test -race -tags e2e -count=1 -skip '^(TestOutageOfIO|TestAnswersByLocationBesidePeers)$$' ./...

fuzz: ## each fuzz target for FUZZTIME (10s)
	@go test -list '^Fuzz' ./... | \
	awk '/^Fuzz/ { target[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, target[i]; n = 0 }' | \
	while read -r package target; do \
		echo "$$package $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || exit 1; \
	done

bench: ## all benchmarks six times, into bench/out for benchstat
	@mkdir -p bench/out
	go test -run '^$$' -bench . -benchmem -count 6 ./... | tee bench/out/$$(git rev-parse --short HEAD).txt

bench-peers: build ## Sextant beside Unbound, Knot and NSD, into bench/RESULTS.md (needs root, nsd, dnsperf, kxdpgun; 20 minutes)
	go run ./bench/peers -results bench/RESULTS.md

format:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt these: $$unformatted"; exit 1; }

lint: format ## gofmt, vet, staticcheck
	go vet -tags e2e ./...
	go tool staticcheck -tags e2e ./...

cross: ## does it build for the other machines that people have?
	@for target in darwin/arm64 linux/arm64; do \
		echo "$$target"; \
		export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
		go vet -tags e2e ./... && go build -o /dev/null ./cmd/sextant || exit 1; \
	done

check: lint cross fuzz race test ## what CI runs
