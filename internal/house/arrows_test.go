package house

import (
	"slices"
	"strings"
	"testing"
)

// arrows says which rooms of ours each room may import; internal/* may be used by all of ours but kinesistest. A name with "/..."
// stands for the room and all below it.
var arrows = map[string][]string{
	"producer":                     {"aggregation"},
	"consumer":                     {"leases", "leases/dynamo", "checkpoint", "aggregation"},
	"aggregation":                  {},
	"checkpoint":                   {},
	"leases":                       {"checkpoint", "leases/internal/..."},
	"leases/internal/...":          {},
	"leases/dynamo":                {"leases", "checkpoint"},
	"leases/leasestest":            {"leases", "leases/internal/...", "checkpoint"},
	"kinesislambda":                {"consumer", "aggregation", "kinesislambda/pattern"},
	"kinesislambda/pattern":        {},
	"kinesislambda/...":            {"consumer", "kinesislambda"},
	"metrics/internal/metricstest": {"producer", "consumer", "leases", "kinesistest"},
	"metrics/...":                  {"producer", "consumer", "leases", "checkpoint", "metrics/internal/..."},
	"internal/...":                 {},
	"kinesistest/...":              {"kinesistest/..."},
	"examples/...":                 {"producer", "consumer", "aggregation", "checkpoint", "leases", "leases/dynamo", "kinesistest", "metrics/prometheus", "metrics/otel", "metrics/cloudwatch", "examples/...", "kinesislambda", "kinesislambda/lambdatest"},
	"integration/...": {"producer", "consumer", "aggregation", "checkpoint", "leases", "leases/dynamo", "leases/leasestest", "kinesistest",
		"metrics/prometheus", "metrics/otel", "metrics/cloudwatch", "integration/internal/..."},
}

// withoutInternal lists the rooms that may not even use internal/*: a judge must not share our mistakes.
var withoutInternal = []string{"kinesistest/..."}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, r := range rooms(t) {
		allowed, ok := rule(r.path)
		if !ok {
			t.Errorf("%s: a new room needs its arrows in this test", r.path)
			continue
		}
		for _, imported := range ours(r.Imports) {
			if within(imported, "internal/...") && !matchesAny(r.path, withoutInternal) {
				continue
			}
			if !matchesAny(imported, allowed) {
				t.Errorf("%s imports %s: no such arrow", r.path, imported)
			}
		}
	}
}

// judged by their names alone: test code may look at more, but never in a circle that ties the judge to the judged.
func TestNothingButTestsExamplesAndCommandsImportsTheEmulator(t *testing.T) {
	for _, r := range rooms(t) {
		if matchesAny(r.path, testRooms) || matchesAny(r.path, []string{"kinesistest/...", "examples/...", "integration/...", "cmd/..."}) {
			continue
		}
		if i := slices.IndexFunc(ours(r.Imports), func(p string) bool { return within(p, "kinesistest/...") }); i >= 0 {
			t.Errorf("%s imports the emulator in production code", r.path)
		}
	}
}

func TestTheEmulatorTestsItselfWithoutOurCode(t *testing.T) {
	for _, r := range rooms(t) {
		if !within(r.path, "kinesistest/...") {
			continue
		}
		for _, imported := range ours(slices.Concat(r.TestImports, r.XTestImports)) {
			if !within(imported, "kinesistest/...") {
				t.Errorf("%s: its tests import %s", r.path, imported)
			}
		}
	}
}

// sdkUsers says which production packages may import which parts of the SDK.
var sdkUsers = map[string][]string{
	"github.com/aws/aws-sdk-go-v2/service/dynamodb":   {"leases/dynamo", "kinesistest/...", "examples/..."},
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch": {"metrics/...", "kinesistest/...", "examples/...", "cmd/..."},
	"github.com/aws/aws-sdk-go-v2/service/kinesis":    {"producer", "consumer", "internal/shards", "internal/wire", "kinesislambda/tostream", "kinesistest/...", "examples/...", "integration/bench", "metrics/internal/metricstest"},
	"github.com/aws/aws-sdk-go-v2/service/sqs":        {"kinesislambda/tosqs"},
	"github.com/aws/aws-sdk-go-v2/service/sns":        {"kinesislambda/tosns"},
	"github.com/aws/aws-sdk-go-v2/service/s3":         {"kinesislambda/tos3"},
	"github.com/aws/aws-sdk-go-v2/config":             {"examples/...", "cmd/..."},
}

func TestTheSDKIsImportedInFewRooms(t *testing.T) {
	for _, r := range rooms(t) {
		for _, imported := range r.Imports {
			for sdk, users := range sdkUsers {
				if (imported == sdk || strings.HasPrefix(imported, sdk+"/")) && !matchesAny(r.path, users) {
					t.Errorf("%s imports %s", r.path, imported)
				}
			}
		}
	}
}

func TestThePureRoomsArePure(t *testing.T) {
	for _, r := range rooms(t) {
		if r.path != "aggregation" && r.path != "checkpoint" && r.path != "kinesislambda/pattern" {
			continue
		}
		for _, imported := range r.Imports {
			root, _, _ := strings.Cut(imported, "/")
			impure := root == "context" || root == "sync" || root == "net" || root == "os" || root == "time"
			if impure || strings.Contains(root, ".") && !strings.HasPrefix(imported, module) {
				t.Errorf("%s imports %s", r.path, imported)
			}
		}
	}
}

// testRooms are what tests are made of.
var testRooms = []string{"leases/leasestest", "kinesislambda/internal/destinationtest", "metrics/internal/metricstest", "integration/internal/..."}

// testLibraries must not reach a user's binary.
var testLibraries = []string{"testing", "go.uber.org/goleak", "github.com/google/go-cmp/cmp", "pgregory.net/rapid", "github.com/fxamacker/cbor/v2"}

func TestProductionCodeLinksNoTestLibrary(t *testing.T) {
	for _, r := range rooms(t) {
		if matchesAny(r.path, testRooms) {
			continue
		}
		for _, lib := range testLibraries {
			if slices.Contains(r.Deps, lib) {
				t.Errorf("%s depends on %s", r.path, lib)
			}
		}
	}
}

// metricsLibraries are linked by programs that ask for them.
var metricsLibraries = []string{"github.com/prometheus/client_golang/prometheus", "go.opentelemetry.io/otel", "github.com/aws/aws-sdk-go-v2/service/cloudwatch"}

func TestTheCoreLinksNoMetricsLibrary(t *testing.T) {
	for _, r := range rooms(t) {
		if matchesAny(r.path, []string{"metrics/...", "kinesistest/...", "examples/...", "integration/...", "cmd/..."}) {
			continue
		}
		for _, lib := range metricsLibraries {
			if slices.Contains(r.Deps, lib) {
				t.Errorf("%s depends on %s", r.path, lib)
			}
		}
	}
}

func ours(imports []string) (paths []string) {
	for _, p := range imports {
		if path, ok := strings.CutPrefix(p, module+"/"); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

// rule finds the arrows of a room: its own entry, or the one of a folder above it.
func rule(path string) ([]string, bool) {
	if allowed, ok := arrows[path]; ok {
		return allowed, true
	}
	for pattern, allowed := range arrows {
		if strings.HasSuffix(pattern, "/...") && within(path, pattern) {
			return allowed, true
		}
	}
	return nil, false
}

func matchesAny(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(path, p) })
}

func within(path, pattern string) bool {
	folder, wild := strings.CutSuffix(pattern, "/...")
	return path == folder || wild && strings.HasPrefix(path, folder+"/")
}
