package aggregation

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"testing"
)

// load100 is the usual aggregate: a hundred records, each with a key of its own.
func load100() []UserRecord {
	return load{records: 100, keys: 100, data: 100, hashKeys: true}.make()
}

func requireAllocs(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s allocates %v times, at most %v is allowed", what, got, most)
	}
}

func TestAllocationCeilings(t *testing.T) {
	records := load100()
	data := encode(t, records)
	plainData := bytes.Repeat([]byte("plain"), 100)

	dst := make([]UserRecord, 0, len(records))
	requireAllocs(t, "Decode: keys and where they are", 2, func() { _, _ = Decode(dst, data) })
	requireAllocs(t, "Decode of a plain record", 0, func() { _, _ = Decode(dst, plainData) })
	requireAllocs(t, "IsAggregated", 0, func() { IsAggregated(data) })

	envelopes := make([]Envelope, 0, 3)
	several := [][]byte{data, plainData, data}
	requireAllocs(t, "OpenAll", 0, func() { envelopes = OpenAll(envelopes[:0], several...) })

	var d Decoder
	requireAllocs(t, "Decoder: keys", 1, func() {
		_ = d.Reset(data)
		d.Skip(10)
		d.Next()
		d.Append(dst, 100)
	})

	var e Encoder
	out := make([]byte, 0, len(data))
	requireAllocs(t, "Encoder in its steady state", 0, func() {
		e.Reset()
		for i := range records {
			r := &records[i]
			e.SizeWith(r.PartitionKey, r.ExplicitHashKey, len(r.Data))
			_ = e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data)
		}
		e.AppendTo(out)
	})
	finished := make([][]byte, 0, 1)
	requireAllocs(t, "Finish in its steady state", 0, func() {
		e.Reset()
		for i := range records {
			r := &records[i]
			_ = e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data)
		}
		finished = Finish(finished[:0], &e)
	})
}

// hostileSize is the size of the inputs below: that of an ordinary Kinesis record at its largest.
const hostileSize = 1 << 20

// hostile returns the messages of about hostileSize bytes that cost a decoder most.
func hostile() map[string][]byte {
	fill := func(b []byte) []byte { return bytes.Repeat(b, hostileSize/len(b)) }
	huge := varint(math.MaxInt64)
	return map[string][]byte{
		"empty keys and a record":             join(fill(keyEntry("")), plain()),
		"empty keys and no record":            fill(keyEntry("")),
		"bad hash keys that nobody uses":      join(keyEntry("k"), fill(hashKeyEntry("")), plain()),
		"a bad hash key used at last":         join(keyEntry("k"), hashKeyEntry(""), fill(plain()), record(keyIndex(0), hashKeyIndex(0), payload("x"))),
		"a long hash key used by all":         join(keyEntry("k"), hashKeyEntry(string(bytes.Repeat([]byte("0"), hostileSize/2))), bytes.Repeat(record(keyIndex(0), hashKeyIndex(0), payload("")), hostileSize/16)),
		"smallest records":                    join(keyEntry("k"), fill(record(keyIndex(0), payload("")))),
		"records before their key":            join(fill(plain()), keyEntry("k")),
		"one record of many scalars":          join(keyEntry("k"), record(fill(keyIndex(0)), payload("x"))),
		"records, the last of them malformed": join(keyEntry("k"), fill(plain()), record(keyIndex(0))),
		"groups":                              fill(groups(100)),
		"an endless number":                   join([]byte{0x08}, fill([]byte{0xff})),
		"a huge key":                          join([]byte{0x0a}, huge, fill([]byte("k"))),
		"a huge record":                       join(keyEntry("k"), []byte{0x1a}, huge, fill([]byte("k"))),
		"huge data":                           join(keyEntry("k"), record(keyIndex(0), []byte{0x1a}, huge, fill([]byte("k")))),
		"huge indexes":                        join(keyEntry("k"), fill(record(keyIndex(math.MaxUint64), payload("")))),
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What a Decoder allocates: 8 bytes for a key, of which there is one in two bytes at the most; a byte for a hash key, if
// one is bad; and the copy of the keys.
func TestMemoryOfADecoderIsBoundedByTheInput(t *testing.T) {
	dst := make([]UserRecord, 0, 100)
	for name, message := range hostile() {
		data := envelope(message)
		got := allocated(func() {
			var d Decoder
			_ = d.Reset(data)
			for d.Len() > 0 {
				dst = d.Append(dst[:0], cap(dst))
			}
		})
		if limit := uint64(len(data)) * 6; got > limit {
			t.Errorf("%s: %d bytes allocated for an input of %d", name, got, len(data))
		}
	}
}

// Decode allocates the records on top: 64 bytes for one of 6 or more, and twice that under the race detector, which keeps
// slices.Grow from growing in place.
func TestMemoryOfDecodeIsBoundedByTheInput(t *testing.T) {
	for name, message := range hostile() {
		data := envelope(message)
		got := allocated(func() { _, _ = Decode(nil, data) })
		if limit := uint64(len(data)) * (6 + 2*64/6); got > limit {
			t.Errorf("%s: %d bytes allocated for an input of %d", name, got, len(data))
		}
	}
}

// A refusal must not cost the memory of a success.
func TestRefusalsAllocateNoRecords(t *testing.T) {
	data := envelope(hostile()["records, the last of them malformed"])
	var err error
	got := allocated(func() { _, err = Decode(nil, data) })
	if !errors.Is(err, ErrMissingField) || got > 64<<10 {
		t.Errorf("%d bytes allocated, error %v", got, err)
	}
}

func TestAMillionRecordsAreReadInSmallSteps(t *testing.T) {
	const n = 1_000_000
	var e Encoder
	for range n {
		if err := e.Add("k", "", nil); err != nil {
			t.Fatal(err)
		}
	}
	data := e.AppendTo(nil)
	var d Decoder
	dst := make([]UserRecord, 0, 256)
	next := uint64(0)
	got := allocated(func() {
		if err := d.Reset(data); err != nil {
			t.Error(err)
		}
		for d.Len() > 0 {
			dst = d.Append(dst[:0], cap(dst))
			for i := range dst {
				if dst[i].SubSequence != next || dst[i].PartitionKey != "k" {
					t.Fatalf("record %d has sub-sequence number %d", next, dst[i].SubSequence)
				}
				next++
			}
		}
	})
	if next != n || got > 64<<10 {
		t.Errorf("%d records, %d bytes allocated", next, got)
	}
}
