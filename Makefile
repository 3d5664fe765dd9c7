# One word per act.

GO      ?= go
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZ    ?= 30s
SERVERS := integration/internal/servers

.PHONY: all build vet lint test race fuzz bench scale performance performance-java quickstart servers java tidy

all: build vet lint test race

build:
	$(GO) build ./...
	$(GO) vet -tags aws ./...

vet:
	$(GO) vet ./...

lint:
	$(GO) run $(LINT) run --allow-parallel-runners

# The README's second command.
test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

# Every fuzz target, FUZZ each. Where its time ends while a worker has an input in hand, the fuzzer fails with a bare "context deadline
# exceeded": without a failing input that is no finding, and the target is run again.
fuzz:
	@set -e; log=$$(mktemp); trap 'rm -f $$log' EXIT; \
	for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			for try in 1 2 3; do \
				if $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg >$$log 2>&1; then break; fi; \
				if [ $$try = 3 ] || grep -q 'Failing input' $$log || ! grep -q '^    context deadline exceeded' $$log; then cat $$log; exit 1; fi; \
			done; \
			echo "$$target $$(tail -n 1 $$log)"; \
		done; \
	done

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Fleets of two and of a hundred workers with ten thousand leases, in virtual time: minutes of two cores.
scale:
	$(GO) test ./leases -run 'TestAFleetAtScale$$' -v -timeout 60m -shards 10000 -workers 2 -rest 6s
	$(GO) test ./leases -run 'TestAFleetAtScale$$|AtRest' -v -timeout 60m -shards 10000 -workers 100 -rest 6s -fleets "1000x20 1000x100"

# What records cost, beside the SDK and a hash of them: the table of docs/performance.md.
performance:
	$(GO) run ./integration/bench

# The same with the KPL and the KCL.
performance-java: java
	$(GO) run ./integration/bench -java integration/bench/java/target/bench.jar

# The README's first command.
quickstart:
	$(GO) run ./examples/quickstart

# The servers that integration tests start, pinned in $(SERVERS), in package-lock.json and requirements.txt, and the KCL.
servers: java
	npm --prefix $(SERVERS) ci --no-audit --no-fund
	python3 -m venv $(SERVERS)/venv
	$(SERVERS)/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $(SERVERS)/requirements.txt

# Programs for the KPL and the KCL, pinned in their pom.xml; needs Java 17 and Maven.
java:
	mvn -q -B -f integration/bench/java/pom.xml package

tidy:
	$(GO) mod tidy -diff
