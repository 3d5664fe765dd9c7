package producer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/producer"
)

func TestRecordsOfAShardShareAnAggregateAndKeepTheirKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		p := r.producer(nil)
		got := newResults()
		for i := range 1000 {
			id := fmt.Sprint(i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "key-" + id, Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Flush(t.Context()))
		records := r.read()
		if len(records) != 1000 {
			t.Fatalf("the stream holds %d records", len(records))
		}
		kinesisRecords := make(map[string]bool)
		for _, s := range records {
			result := got.only(t, s.data)
			if result.Err != nil || result.ShardID != s.shard || result.SequenceNumber != s.sequence || result.SubSequence != s.sub {
				t.Errorf("record %s is at %s, its result says %+v", s.data, s.at(), result)
			}
			if s.key != "key-"+s.data || s.dropped {
				t.Errorf("%+v", s)
			}
			kinesisRecords[s.sequence] = true
		}
		if len(kinesisRecords) > 8 {
			t.Errorf("%d Kinesis records for 1,000 small ones on four shards", len(kinesisRecords))
		}
		r.must(p.Close(t.Context()))
	})
}

func TestARecordAloneGoesOutPlainUnderItsOwnKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		p := r.producer(nil)
		for _, rec := range []producer.Record{{PartitionKey: "k", Data: []byte("x")}, {PartitionKey: "k", ExplicitHashKey: "007"}} {
			if _, err := p.PutSync(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
		}
		all := r.read()
		for _, s := range all {
			if s.aggregated || s.key != "k" {
				t.Errorf("%+v", s)
			}
		}
		if first := r.raw("shardId-000000000000"); len(all) != 2 || !slices.ContainsFunc(first, func(raw types.Record) bool { return len(raw.Data) == 0 }) {
			t.Errorf("%d records, of which %d are in the shard of hash key 7", len(all), len(first))
		}
	})
}

func TestARecordWaitsForCompanyNoLongerThanLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.Linger = 3 * time.Second })
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "the shards are known now"}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("the result came after %v", took)
		}
	})
}

func TestBadRecordsAreRefusedAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxBufferedBytes = 4 << 20 })
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "makes the stream's maximum known"}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			record producer.Record
			want   error
		}{
			"empty key":            {producer.Record{}, producer.ErrEmptyKey},
			"long key":             {producer.Record{PartitionKey: strings.Repeat("ü", 257)}, producer.ErrKeyTooLong},
			"key of broken UTF-8":  {producer.Record{PartitionKey: "\xff"}, producer.ErrKeyNotUTF8},
			"hash key of letters":  {producer.Record{PartitionKey: "k", ExplicitHashKey: "x"}, producer.ErrBadHashKey},
			"hash key of 2^128":    {producer.Record{PartitionKey: "k", ExplicitHashKey: "340282366920938463463374607431768211456"}, producer.ErrBadHashKey},
			"one byte too large":   {producer.Record{PartitionKey: "k", Data: make([]byte, 1<<20)}, producer.ErrRecordTooLarge},
			"larger than the room": {producer.Record{PartitionKey: "k", Data: make([]byte, 5<<20)}, producer.ErrRecordTooLarge},
		} {
			err := p.TryPut(c.record, func(producer.Result) { t.Errorf("%s: done ran", name) })
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, record := range map[string]producer.Record{
			"long key of few characters": {PartitionKey: strings.Repeat("ü", 256)},
			"empty data":                 {PartitionKey: "k"},
			"as large as may be":         {PartitionKey: "k", Data: make([]byte, 1<<20-1)},
			"greatest hash key":          {PartitionKey: "k", ExplicitHashKey: "340282366920938463463374607431768211455"},
		} {
			if _, err := p.PutSync(t.Context(), record); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := producer.New(producer.Config{Stream: "a b", Linger: time.Minute, TTL: time.Second, RequestTimeout: -1, MaxAttempts: -1,
		MaxBufferedBytes: 1, MaxBufferedRecords: -1, MaxInFlight: -1, MaxRequestRecords: 501, MaxRequestBytes: 11 << 20, MaxAggregateBytes: 1,
		MaxAggregateRecords: -1, AggregateBelow: -1, ShardRatePercent: -1, OnOrderedFailure: 7})
	for _, field := range []string{"Kinesis", "Stream", "Linger", "RequestTimeout", "MaxAttempts", "MaxBufferedBytes", "MaxBufferedRecords",
		"MaxInFlight", "MaxRequestRecords", "MaxRequestBytes", "MaxAggregateBytes", "MaxAggregateRecords", "AggregateBelow",
		"ShardRatePercent", "OnOrderedFailure"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field+": ") {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
	var fault *producer.ConfigError
	if !errors.Is(err, producer.ErrConfig) || !errors.As(err, &fault) {
		t.Errorf("%v", err)
	}
	if _, err := producer.New(producer.Config{TTL: -1}); err == nil || !strings.Contains(err.Error(), "TTL") {
		t.Errorf("negative TTL: %v", err)
	}
}

func TestDataMayBeReusedOnceItWasPut(t *testing.T) {
	for name, change := range map[string]func(*producer.Config){"aggregated": nil, "plain": func(c *producer.Config) { c.DisableAggregation = true }} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			p := r.producer(change)
			buf := make([]byte, 1)
			for i := range 100 {
				buf[0] = byte(i)
				r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: buf}, nil))
			}
			buf[0] = 255
			r.must(p.Flush(t.Context()))
			seen := make(map[string]int)
			for _, s := range r.read() {
				seen[s.data]++
			}
			if len(seen) != 100 || seen[string(buf)] > 0 {
				t.Errorf("%s: %d different records", name, len(seen))
			}
		})
	}
}
