package kinesis

import (
	"strings"
	"testing"
)

func TestIteratorReadsBack(t *testing.T) {
	it := iterator{issued: 1e12, streamID: 1 << 63, shard: 7, ordinal: 1 << 40, epoch: 9, stream: "orders"}
	if back, ok := parseIterator(it.String()); !ok || back != it {
		t.Fatalf("got %+v, %v", back, ok)
	}
}

func TestDamagedTokensAreRefused(t *testing.T) {
	good := iterator{stream: "orders"}.String()
	for i := range good {
		for _, c := range []byte("A+z=") {
			bad := good[:i] + string(c) + good[i+1:]
			if _, ok := parseIterator(bad); ok != (bad == good) {
				t.Errorf("%s: %v", bad, ok)
			}
		}
	}
	for _, bad := range []string{"", "AAAA", "AAAAAA==", good[:len(good)-4], good + "AAAA", strings.Repeat("!", 60)} {
		if _, ok := parseIterator(bad); ok {
			t.Errorf("%s is accepted", bad)
		}
		if _, err := parseListToken(bad, 2); err == nil {
			t.Errorf("%s is accepted as NextToken", bad)
		}
	}
}
