# One word per act; CI runs these and nothing else.

GO      ?= go
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZ    ?= 30s
SERVERS := integration/servers

.PHONY: all build vet lint test race fuzz bench quickstart servers tidy

all: build vet lint test race

build:
	$(GO) build ./...
	$(GO) vet -tags aws ./...

vet:
	$(GO) vet ./...

lint:
	$(GO) run $(LINT) run

# The README's second command.
test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

# Every fuzz target, FUZZ each.
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg; \
		done; \
	done

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The README's first command.
quickstart:
	$(GO) run ./examples/quickstart

# The servers that integration tests start: pinned in integration/servers/package-lock.json.
servers:
	npm --prefix $(SERVERS) ci --no-audit --no-fund

tidy:
	$(GO) mod tidy -diff
