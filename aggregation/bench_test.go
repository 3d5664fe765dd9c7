package aggregation

import (
	"crypto/md5"
	"fmt"
	"testing"
)

// load is a mix of records to measure with. Each benchmark reports ns per user record, and beside it stands the floor: the
// MD5 and the copy of the same bytes, which no implementation can do without.
type load struct {
	name                string
	records, keys, data int
	hashKeys            bool
}

var loads = []load{
	{name: "100x100B-1key", records: 100, keys: 1, data: 100},
	{name: "100x100B-100keys", records: 100, keys: 100, data: 100},
	{name: "100x100B-100hashkeys", records: 100, keys: 100, data: 100, hashKeys: true},
	{name: "500x100B-500keys", records: 500, keys: 500, data: 100},
	{name: "50x1KiB-50keys", records: 50, keys: 50, data: 1024},
	{name: "10000x0B-1key", records: 10000, keys: 1, data: 0},
}

func (l load) make() []UserRecord {
	records := make([]UserRecord, l.records)
	for i := range records {
		n := i % l.keys
		records[i] = UserRecord{
			PartitionKey: fmt.Sprintf("%08d-0000-4000-8000-%012d", n, n), // as long as a UUID
			Data:         make([]byte, l.data),
			SubSequence:  uint64(i),
		}
		if l.hashKeys {
			records[i].ExplicitHashKey = fmt.Sprintf("1%037d", n)
		}
	}
	return records
}

func perRecord(b *testing.B, records int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
}

func BenchmarkDecode(b *testing.B) {
	for _, l := range loads {
		data := encode(b, l.make())
		b.Run(l.name, func(b *testing.B) {
			var dst []UserRecord
			var err error
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = Decode(dst[:0], data); err != nil {
					b.Fatal(err)
				}
			}
			perRecord(b, l.records)
		})
		b.Run(l.name+"/floor-md5", func(b *testing.B) { floorMD5(b, data, l.records) })
	}
}

func BenchmarkDecoderSteps(b *testing.B) {
	for _, l := range loads {
		data := encode(b, l.make())
		b.Run(l.name, func(b *testing.B) {
			var d Decoder
			dst := make([]UserRecord, 0, 256)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Reset(data); err != nil {
					b.Fatal(err)
				}
				for d.Len() > 0 {
					dst = d.Append(dst[:0], cap(dst))
				}
			}
			perRecord(b, l.records)
		})
	}
}

func BenchmarkDecodePlainRecord(b *testing.B) {
	data := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(nil, data); err == nil {
			b.Fatal("decoded")
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, l := range loads {
		records := l.make()
		data := encode(b, records)
		b.Run(l.name, func(b *testing.B) {
			var e Encoder
			dst := make([]byte, 0, len(data))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				for i := range records {
					r := &records[i]
					if e.SizeWith(r.PartitionKey, r.ExplicitHashKey, len(r.Data)) > len(data) {
						b.Fatal("too large")
					}
					if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
						b.Fatal(err)
					}
				}
				dst = e.AppendTo(dst[:0])
			}
			perRecord(b, l.records)
		})
		b.Run(l.name+"/floor-md5-copy-twice", func(b *testing.B) {
			dst := make([]byte, len(data))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				copy(dst, data)
				copy(dst, data)
				md5.Sum(dst)
			}
			perRecord(b, l.records)
		})
	}
}

// BenchmarkFinish is BenchmarkEncode with eight aggregates at once, completed together.
func BenchmarkFinish(b *testing.B) {
	for _, l := range loads {
		records := l.make()
		b.Run(l.name, func(b *testing.B) {
			const atOnce = 8
			var encoders [atOnce]Encoder
			var all []*Encoder
			for i := range encoders {
				all = append(all, &encoders[i])
			}
			var finished [][]byte
			b.SetBytes(int64(atOnce * len(encode(b, records))))
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range all {
					e.Reset()
					for i := range records {
						r := &records[i]
						if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
							b.Fatal(err)
						}
					}
				}
				finished = Finish(finished[:0], all...)
			}
			perRecord(b, atOnce*l.records)
		})
	}
}

func floorMD5(b *testing.B, data []byte, records int) {
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		md5.Sum(data)
	}
	perRecord(b, records)
}
