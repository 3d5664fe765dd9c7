package kinesislambda

import (
	"context"
	"crypto/md5"
	"errors"
	"slices"
	"testing"

	"github.com/penstock-go/penstock/consumer"
)

// reseal puts the checksum of an aggregate's message behind it; here of one unknown field.
func reseal(magic []byte) []byte {
	message := []byte{0x50, 0x01} // field 10, varint 1
	sum := md5.Sum(message)
	return slices.Concat(magic, message, sum[:])
}

func TestAMemoryLeavesOutWhatWasDoneOfAnAggregate(t *testing.T) {
	h := failsAt("d")
	fn := Wrap(h, WithMemory(NewMemory(10)))
	e := event([]byte("a"), packed(t, "b", "c", "d"), []byte("e"))
	if answer, err := throughJSON(t, fn, e); err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"102"}]}` {
		t.Fatalf("answer %s, error %v", answer, err)
	}
	e.Records = e.Records[1:] // what the mapping delivers again
	if _, err := throughJSON(t, fn, e); !errors.Is(err, errBad) {
		t.Fatalf("error %v", err)
	}
	h.bad = nil
	if answer, err := throughJSON(t, fn, e); err != nil || answer != `{"batchItemFailures":[]}` {
		t.Fatalf("answer %s, error %v", answer, err)
	}
	if got := h.texts(); !slices.Equal(got, []string{"a", "b", "c", "d", "d", "d", "e"}) {
		t.Errorf("handled %q", got)
	}
}

func TestAMemoryAlsoServesMappingsThatDeliverAllAgain(t *testing.T) {
	h := failsAt("d")
	fn := Wrap(h, WithMemory(NewMemory(10)), WithoutPartialFailures())
	e := event([]byte("a"), packed(t, "b", "c", "d"), []byte("e"))
	if _, err := fn(t.Context(), e); !errors.Is(err, errBad) {
		t.Fatalf("error %v", err)
	}
	h.bad = nil
	if _, err := fn(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := h.texts(); !slices.Equal(got, []string{"a", "b", "c", "d", "d", "e"}) {
		t.Errorf("handled %q", got)
	}
}

func TestAMemoryKeepsNoMoreThanItMay(t *testing.T) {
	m := NewMemory(2)
	s := consumer.Shard{Stream: "orders", ID: testShard}
	for i, number := range []string{"1", "2", "2", "3"} {
		if err := m.Remember(t.Context(), s, number, uint64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	done, err := m.Done(t.Context(), s, []string{"1", "2", "3"})
	if err != nil || !slices.Equal(done, []uint64{0, 3, 4}) {
		t.Errorf("%v, %v", done, err)
	}
}

// away is a memory that cannot be reached, or answers nonsense.
type away struct{ err error }

func (a away) Done(context.Context, consumer.Shard, []string) ([]uint64, error) { return nil, a.err }
func (a away) Remember(context.Context, consumer.Shard, string, uint64) error   { return a.err }

func TestWithoutItsMemoryNothingIsLeftOut(t *testing.T) {
	for _, m := range []Memory{away{err: errBad}, away{}} {
		h := failsAt("b")
		answer, err := throughJSON(t, Wrap(h, WithMemory(m)), event([]byte("x"), packed(t, "a", "b")))
		if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"102"}]}` {
			t.Errorf("answer %s, error %v", answer, err)
		}
	}
}
