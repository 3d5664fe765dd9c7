package oracle_test

import (
	"fmt"
	"time"

	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// Two records of one key that were handled in the wrong order. A server keeps the log by itself; here it is written by hand.
func ExampleCheck() {
	log := oracle.NewLog(0)
	place := func(sequence string) oracle.Place {
		return oracle.Place{Stream: "orders", Shard: "shardId-000000000000", SequenceNumber: sequence}
	}
	log.Record(oracle.Record{Place: place("101"), Key: oracle.DigestOf("customer-7")})
	log.Record(oracle.Record{Place: place("102"), Key: oracle.DigestOf("customer-7")})

	fmt.Println(oracle.Check(log.History(), oracle.Report{
		Consumers: []oracle.Consumer{{Name: "billing"}},
		Handled:   []oracle.Handled{{Consumer: "billing", Place: place("102")}, {Consumer: "billing", Place: place("101")}},
	}))
	// Output: reordered, consumer billing, stream orders, shard shardId-000000000000, record 101/0
}

// Who held a lease when, read from the changes of its row.
func ExampleHistory_Holdings() {
	log := oracle.NewLog(0)
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	free, held := oracle.Row{"leaseCounter": "0"}, oracle.Row{"leaseOwner": "worker-1", "leaseCounter": "1"}
	log.RowWrite(oracle.RowWrite{Table: "billing", Key: "shardId-000000000000", Before: free, After: held, At: start})
	log.RowWrite(oracle.RowWrite{Table: "billing", Key: "shardId-000000000000", Before: held, After: free, At: start.Add(time.Minute)})

	h := log.History()
	for _, holding := range h.Holdings("billing") {
		fmt.Println(holding.Worker, holding.From.Format(time.TimeOnly), holding.Until.Format(time.TimeOnly))
	}
	// Output: worker-1 12:00:00 12:01:00
}
