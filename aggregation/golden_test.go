package aggregation

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is a list of records and the file with the aggregate that the KPL makes of them, in hexadecimal.
type golden struct {
	file    string
	records []UserRecord
}

func goldens() []golden {
	many := make([]UserRecord, 129)
	for i := range many {
		many[i] = UserRecord{PartitionKey: fmt.Sprintf("k%03d", i), Data: []byte("d"), SubSequence: uint64(i)}
	}
	return []golden{
		{"two-keys.hex", []UserRecord{
			{PartitionKey: "a", Data: []byte("x")},
			{PartitionKey: "b", Data: []byte("y"), SubSequence: 1},
		}},
		{"hash-key-and-empty-data.hex", []UserRecord{
			{PartitionKey: "pk", ExplicitHashKey: "123", Data: []byte("one")},
			{PartitionKey: "pk", ExplicitHashKey: "123", Data: []byte("two"), SubSequence: 1},
			{PartitionKey: "q", Data: []byte{}, SubSequence: 2},
		}},
		{"one-record.hex", []UserRecord{
			{PartitionKey: "a", Data: []byte("x")},
		}},
		{"two-byte-index.hex", many},
	}
}

func readHex(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", file))
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEncoderWritesTheBytesOfTheKPL(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.file, func(t *testing.T) {
			if diff := cmp.Diff(readHex(t, g.file), encode(t, g.records)); diff != "" {
				t.Errorf("bytes differ (-golden +encoded):\n%s", diff)
			}
		})
	}
}

func TestDecodeReadsTheBytesOfTheKPL(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.file, func(t *testing.T) {
			data := readHex(t, g.file)
			if !IsAggregated(data) {
				t.Error("not recognised as an aggregate")
			}
			got, err := Decode(nil, data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.records, got); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
		})
	}
}

// The 129th key has the first index that takes two bytes. The digest of the whole aggregate was computed by another
// implementation, from the published rules, so the file cannot have been taken from this encoder.
func TestTwoByteIndexGoldenHasTheKnownDigest(t *testing.T) {
	data := readHex(t, "two-byte-index.hex")
	if got := fmt.Sprintf("%x", md5.Sum(data)); len(data) != 1698 || got != "3ec8095675072a22ccfe375b966d1113" {
		t.Errorf("got %d bytes with MD5 %s", len(data), got)
	}
}
