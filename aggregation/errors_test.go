package aggregation

import (
	"errors"
	"strings"
	"testing"
)

func TestEveryReasonHasANameAndASentinel(t *testing.T) {
	seen := map[string]bool{}
	for r := ReasonNotAggregated; r <= ReasonTooLarge; r++ {
		err := &Error{Reason: r, Record: -1}
		if !errors.Is(err, reasons[r].err) || err.Error() != reasons[r].err.Error() {
			t.Errorf("reason %d: error %q, sentinel %v", r, err, reasons[r].err)
		}
		if !strings.HasPrefix(err.Error(), "aggregation: ") {
			t.Errorf("reason %d: the text %q does not name the package", r, err)
		}
		if seen[r.String()] || r.String() == "unknown" {
			t.Errorf("reason %d: the name %q is not its own", r, r)
		}
		seen[r.String()] = true
	}
}

func TestReasonsFromElsewhereAreUnknown(t *testing.T) {
	for _, r := range []Reason{0, ReasonTooLarge + 1, 255} {
		if got := r.String(); got != "unknown" {
			t.Errorf("reason %d is called %q", r, got)
		}
		if got := (&Error{Reason: r, Record: -1}).Error(); got != "aggregation: unknown reason" {
			t.Errorf("reason %d has the text %q", r, got)
		}
	}
}

func TestErrorSaysWhere(t *testing.T) {
	for _, c := range []struct {
		err  Error
		want string
	}{
		{Error{Reason: ReasonBadIndex, Record: 3, Offset: 40}, "aggregation: a key index is outside its table (user record 3, offset 40)"},
		{Error{Reason: ReasonMalformed, Record: -1, Offset: 4}, "aggregation: the message is not well-formed protobuf (offset 4)"},
		{Error{Reason: ReasonNoPartitionKey, Record: 0}, "aggregation: the partition key is empty (user record 0)"},
		{Error{Reason: ReasonEmpty, Record: -1}, "aggregation: the aggregate holds no records"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestErrorsNeverShowKeysOrData(t *testing.T) {
	var e Encoder
	_, decoded := Decode(nil, envelope(join(keyEntry("secret"), hashKeyEntry("secret"), record(keyIndex(0), hashKeyIndex(0), payload("secret")))))
	for _, err := range []error{e.Add("secret", "secret", []byte("secret")), decoded} {
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	}
}
