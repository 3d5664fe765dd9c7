package aggregation_test

import (
	"errors"
	"fmt"

	"github.com/penstock-go/penstock/aggregation"
)

// An Encoder is asked for the size with the next record before that is added, so that an aggregate never passes its limit.
func ExampleEncoder() {
	const limit = 64
	var e aggregation.Encoder
	var buf []byte
	flush := func() {
		buf = e.AppendTo(buf[:0])
		fmt.Printf("%d records in %d bytes\n", e.Len(), len(buf))
		e.Reset()
	}
	for _, reading := range []string{"21.5", "21.6", "21.4", "21.7"} {
		if e.Len() > 0 && e.SizeWith("sensor-7", "", len(reading)) > limit {
			flush()
		}
		if err := e.Add("sensor-7", "", []byte(reading)); err != nil {
			fmt.Println(err)
			return
		}
	}
	flush()
	// Output:
	// 3 records in 60 bytes
	// 1 records in 40 bytes
}

// A Kinesis record may be an aggregate or not; the error tells.
func ExampleDecode() {
	var e aggregation.Encoder
	for _, r := range []struct{ key, hashKey, data string }{
		{"order-1", "", "paid"},
		{"order-2", "340282366920938463463374607431768211455", "sent"},
	} {
		if err := e.Add(r.key, r.hashKey, []byte(r.data)); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, data := range [][]byte{e.AppendTo(nil), []byte("a plain record")} {
		records, err := aggregation.Decode(nil, data)
		switch {
		case errors.Is(err, aggregation.ErrNotAggregated):
			fmt.Printf("plain: %s\n", data)
		case err != nil:
			fmt.Println(err)
		}
		for _, r := range records {
			fmt.Printf("%d: %s %q %s\n", r.SubSequence, r.PartitionKey, r.ExplicitHashKey, r.Data)
		}
	}
	// Output:
	// 0: order-1 "" paid
	// 1: order-2 "340282366920938463463374607431768211455" sent
	// plain: a plain record
}

// A Decoder hands an aggregate out in steps, here from where a checkpoint stands: sub-sequence number 1 was the last one
// handled.
func ExampleDecoder() {
	var e aggregation.Encoder
	for i := range 5 {
		if err := e.Add("key", "", fmt.Appendf(nil, "record %d", i)); err != nil {
			fmt.Println(err)
			return
		}
	}
	var d aggregation.Decoder
	if err := d.Reset(e.AppendTo(nil)); err != nil {
		fmt.Println(err)
		return
	}
	d.Skip(1 + 1)
	step := make([]aggregation.UserRecord, 0, 2)
	for d.Len() > 0 {
		step = d.Append(step[:0], cap(step))
		for _, r := range step {
			fmt.Printf("%d: %s\n", r.SubSequence, r.Data)
		}
		fmt.Println("end of step")
	}
	// Output:
	// 2: record 2
	// 3: record 3
	// end of step
	// 4: record 4
	// end of step
}
