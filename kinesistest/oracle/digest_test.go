package oracle_test

import (
	"encoding/json"
	"testing"

	"github.com/penstock-go/penstock/kinesistest/oracle"
)

func TestDigestsReadBack(t *testing.T) {
	for _, d := range []oracle.Digest{{}, oracle.DigestOf("data"), oracle.DigestOf([]byte{})} {
		text, err := json.Marshal(d)
		must(t, err)
		back := oracle.DigestOf("another")
		must(t, json.Unmarshal(text, &back))
		if back != d {
			t.Errorf("%s came back as %s", d, back)
		}
	}
	for _, bad := range []string{`"abc"`, `"` + oracle.DigestOf("x").String()[1:] + `g"`} {
		var d oracle.Digest
		if json.Unmarshal([]byte(bad), &d) == nil {
			t.Errorf("%s is a digest", bad)
		}
	}
}
