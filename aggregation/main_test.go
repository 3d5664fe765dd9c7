package aggregation

import (
	"crypto/md5"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encode returns the aggregate of the records, which an Encoder must accept.
func encode(t testing.TB, records []UserRecord) []byte {
	t.Helper()
	var e Encoder
	for _, r := range records {
		if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
			t.Fatal(err)
		}
	}
	return e.AppendTo(nil)
}

// envelope returns a message in an envelope with the right checksum.
func envelope(message []byte) []byte {
	sum := md5.Sum(message)
	data := append([]byte(Magic), message...)
	return append(data, sum[:]...)
}
