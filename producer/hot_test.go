package producer_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/penstock-go/penstock/producer"
)

func TestLoadsAreCountedByShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		p := r.producer(func(c *producer.Config) { c.Linger = -1 })
		for range 20 * 10 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", ExplicitHashKey: lastShard, Data: make([]byte, 10_000)}, nil))
			time.Sleep(100 * time.Millisecond)
		}
		loads := p.Shards()
		if len(loads) != 2 || loads[0].BytesPerSecond != 0 || loads[0].Keys != nil {
			t.Fatalf("%+v", loads)
		}
		l := loads[1]
		for what, c := range map[string]struct{ got, want float64 }{
			"bytes": {l.BytesPerSecond, 100_000}, "offered bytes": {l.OfferedBytesPerSecond, 100_000},
			"records": {l.RecordsPerSecond, 10}, "limit": {l.BytesLimit, 1 << 20}, "throttled": {l.Throttled, 0}, "key": {l.Keys[0].Share, 1},
		} {
			if math.Abs(c.got-c.want) > c.want/10 {
				t.Errorf("%s: %v, want %v", what, c.got, c.want)
			}
		}
	})
}

func TestTheKeysThatFillAShardAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(nil)
		// Two keys have a third and a sixth of the bytes, ten thousand others share the rest.
		for i := range 60_000 {
			key, size := fmt.Sprintf("other-%d", i%10_007), 100
			switch {
			case i%3 == 0:
				key = "heavy"
			case i%3 == 1 && i%2 == 0:
				key = "middling"
			}
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: key, Data: make([]byte, size)}, nil))
		}
		r.must(p.Flush(t.Context()))
		keys := p.Shards()[0].Keys
		if len(keys) < 2 || keys[0].Key != "heavy" || keys[1].Key != "middling" {
			t.Fatalf("%+v", keys)
		}
		for i, want := range []float64{1.0 / 3, 1.0 / 6} {
			k := keys[i]
			if low, high := k.Share-k.Error, k.Share; want < low-0.06 || want > high+0.06 { // samples
				t.Errorf("%s: between %.2f and %.2f, want %.2f", k.Key, low, high, want)
			}
		}
	})
}

// hotStream puts so many keys into the first of four shards, which takes a tenth of what it should, and a little into the others.
func hotStream(t *testing.T, keys int, change func(*producer.Config)) (hot []producer.HotShard, logs *observer.ObservedLogs) {
	r := newRig(t, 4)
	r.quotas(100, 100<<10)
	core, logs := observer.New(zapcore.InfoLevel)
	p := r.producer(func(c *producer.Config) {
		c.Logger, c.MaxBufferedBytes = zap.New(core), 1<<20
		c.Hooks.HotShard = func(h producer.HotShard) { hot = append(hot, h) }
		if change != nil {
			change(c)
		}
	})
	end := time.Now().Add(50 * time.Second)
	for i := 0; time.Now().Before(end); i++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_ = p.Put(ctx, producer.Record{PartitionKey: fmt.Sprintf("secret-%d", i%keys), ExplicitHashKey: firstShard, Data: make([]byte, 1000)}, nil)
		cancel()
		if i%20 == 0 {
			_ = p.TryPut(producer.Record{PartitionKey: "cold", ExplicitHashKey: lastShard, Data: make([]byte, 100)}, nil)
		}
	}
	return hot, logs
}

func TestAHotShardIsReportedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		keys       int
		logKeys    bool
		todo, told string
	}{
		"one key":            {1, false, "divide it into several keys", ""},
		"one key, told":      {1, true, "divide it into several keys", "secret-0"},
		"a thousand of keys": {1000, true, "split the shard", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hot, logs := hotStream(t, c.keys, func(cfg *producer.Config) { cfg.LogPartitionKeys = c.logKeys })
				lines := logs.FilterMessageSnippet("a shard is hot").All()
				if len(hot) != 1 || len(lines) != 1 {
					t.Fatalf("%d reports, %d lines in a minute, want one of each: %+v", len(hot), len(lines), hot)
				}
				if h := hot[0]; h.ShardID != "shardId-000000000000" || h.Throttled == 0 || h.Stream > 0.5 {
					t.Errorf("%+v", h)
				}
				fields := lines[0].ContextMap()
				if todo := fields["todo"].(string); !strings.Contains(todo, c.todo) {
					t.Errorf("it says: %s", todo)
				}
				if line := fmt.Sprint(fields); c.told == "" && c.keys == 1 && strings.Contains(line, "secret") || !strings.Contains(line, c.told) {
					t.Errorf("the line is %s", line)
				}
				if c.keys == 1 && hot[0].Keys[0].Key != "secret-0" {
					t.Errorf("the hook does not name the key: %+v", hot[0].Keys)
				}
			})
		})
	}
}

func TestAStreamThatIsTooSmallAsAWholeHasNoHotShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.quotas(100, 100<<10)
		p := r.producer(func(c *producer.Config) {
			c.MaxBufferedBytes = 1 << 20
			c.Hooks.HotShard = func(h producer.HotShard) { t.Errorf("%+v", h) }
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		pour(ctx, p, "", 1000, nil)
	})
}
