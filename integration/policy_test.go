package integration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases/dynamo"
	"github.com/penstock-go/penstock/producer"
)

// policyFolder holds the policies that docs/security.md hands out.
const policyFolder = "../docs/policies"

// policy is the part of an IAM policy that ours use. What they do not use is refused, so that nothing is overlooked.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Action      []string
	Resource    string
	Condition   map[string]map[string]string
}

// readPolicy reads a policy and fills in the words that its reader has to.
func readPolicy(t *testing.T, name string, replace ...string) policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(policyFolder, name+".json"))
	must(t, err)
	words := []string{"REGION", kinesistest.DefaultRegion, "ACCOUNT", kinesistest.DefaultAccountID}
	dec := json.NewDecoder(strings.NewReader(strings.NewReplacer(append(words, replace...)...).Replace(string(text))))
	dec.DisallowUnknownFields()
	var p policy
	must(t, dec.Decode(&p))
	if p.Version != "2012-10-17" {
		t.Errorf("%s: version %q", name, p.Version)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" || s.Sid == "" || len(s.Action) == 0 || strings.ContainsAny(strings.Join(s.Action, ""), "*?") {
			t.Errorf("%s: %+v is no plain statement", name, s)
		}
	}
	return p
}

// line is one permission: an action in a statement.
type line struct{ sid, action string }

func (p policy) lines() (lines []line) {
	for _, s := range p.Statement {
		for _, action := range s.Action {
			lines = append(lines, line{s.Sid, action})
		}
	}
	return lines
}

// permits returns the line that allows an action on a resource.
func (p policy) permits(action, resource string) (line, bool) {
	for _, s := range p.Statement {
		if slices.Contains(s.Action, action) && matches(s.Resource, resource) {
			return line{s.Sid, action}, true
		}
	}
	return line{}, false
}

// matches compares a resource with a pattern whose only wildcards are asterisks.
func matches(pattern, resource string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == resource
	}
	after, ok := strings.CutPrefix(resource, first)
	for ok && rest != "" && after != "" {
		if matches(rest, after) {
			return true
		}
		after = after[1:]
	}
	return ok && rest == ""
}

// judge holds what a caller did against its policies: each call must be allowed by one, and each line be used by a call.
func judge(t *testing.T, calls []kinesistest.Call, caller string, policies ...policy) {
	t.Helper()
	used := make(map[line]bool)
	for _, call := range calls {
		if call.Caller != caller {
			continue
		}
		if len(call.Resources) == 0 && call.Status == http.StatusOK { // others may have been broken off before they named one
			t.Errorf("%s: %s names no resource", caller, call.Action)
		}
		for _, resource := range call.Resources {
			by, ok := permitsAny(policies, call.Action, resource)
			if !ok {
				t.Errorf("%s: no policy allows %s on %s", caller, call.Action, resource)
			}
			used[by] = true
		}
	}
	for _, p := range policies {
		for _, one := range p.lines() {
			if !used[one] {
				t.Errorf("%s: nothing needed %s of statement %s", caller, one.action, one.sid)
			}
		}
	}
}

func permitsAny(policies []policy, action, resource string) (line, bool) {
	for _, p := range policies {
		if by, ok := p.permits(action, resource); ok {
			return by, true
		}
	}
	return line{}, false
}

// actions returns the permissions for the operations that a client interface of ours can reach at all.
func actions[API any](service string) (names []string) {
	api := reflect.TypeFor[API]()
	for i := range api.NumMethod() {
		names = append(names, service+":"+cmp.Or(permissions[api.Method(i).Name], api.Method(i).Name))
	}
	return names
}

// permissions are those that have other names than their operations.
var permissions = map[string]string{"BatchExecuteStatement": "PartiQLUpdate"}

// The interfaces through which the library calls the services bound what any run of it can ever call, in tests or not.
func TestThePoliciesAllowWhatTheLibraryCanCallAndNothingElse(t *testing.T) {
	consumers := slices.Concat(actions[consumer.KinesisAPI]("kinesis"), actions[consumer.DynamoDBAPI]("dynamodb"), actions[dynamo.BatchAPI]("dynamodb"))
	for _, test := range []struct {
		policies []string
		can      []string
	}{
		{[]string{"producer"}, actions[producer.KinesisAPI]("kinesis")},
		{[]string{"consumer-polling", "consumer-fanout"}, consumers},
	} {
		var allowed []string
		for _, name := range test.policies {
			for _, one := range readPolicy(t, name).lines() {
				allowed = append(allowed, one.action)
			}
		}
		slices.Sort(allowed)
		slices.Sort(test.can)
		if got := slices.Compact(allowed); !slices.Equal(got, test.can) {
			t.Errorf("%v allow\n%v\nand the library can call\n%v", test.policies, got, test.can)
		}
	}
}

// What reads of a policy that has more than one writer must stay what its writers meant.
func TestAPolicyIsReadAsItIsWritten(t *testing.T) {
	for pattern, want := range map[string]bool{
		"arn:aws:kinesis:r:a:stream/s/consumer/app*": true, "arn:aws:kinesis:r:a:stream/s": false, "*": true, "*:stream/*/app:17": true,
		"arn:aws:kinesis:r:a:stream/s/consumer/other*": false, "arn:aws:kinesis:r:a:stream/s/consumer/app": false,
	} {
		if got := matches(pattern, "arn:aws:kinesis:r:a:stream/s/consumer/app:17"); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

// Whoever reads docs/security.md must find each policy in it, and no policy that is not there.
func TestTheSecurityPageNamesEachPolicy(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	must(t, err)
	files, err := filepath.Glob(policyFolder + "/*.json")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no policies")
	}
	for _, file := range files {
		if !bytes.Contains(page, []byte("(policies/"+filepath.Base(file)+")")) {
			t.Errorf("docs/security.md has no link to %s", filepath.Base(file))
		}
	}
	if links := bytes.Count(page, []byte("(policies/")); links != len(files) {
		t.Errorf("docs/security.md has %d links to %d policies", links, len(files))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
