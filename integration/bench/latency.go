package main

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/producer"
)

// perSecond is the rate at which records are put while latency is measured.
const perSecond = 1000

// delays are the times from Put to handler.
type delays struct {
	began int64 // records that were put before are another row's

	mu  sync.Mutex // guards all
	all []time.Duration
}

func (d *delays) note(b *consumer.Batch) (total int) {
	now := time.Now().UnixNano()
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range b.Records {
		if put := int64(binary.BigEndian.Uint64(b.Records[i].Data)); put >= d.began {
			d.all = append(d.all, time.Duration(now-put))
		}
	}
	return len(d.all)
}

// percentiles returns p50, p99 and p99.9 in milliseconds.
func (d *delays) percentiles() (ms []float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.all)
	for _, p := range []float64{0.5, 0.99, 0.999} {
		ms = append(ms, float64(d.all[int(p*float64(len(d.all)-1))])/1e6)
	}
	return ms
}

// latency runs our producer and our consumer, both with their defaults, in one process.
func latency(fanOut bool) func(context.Context, *task) (result, error) {
	return func(ctx context.Context, t *task) (result, error) {
		c, err := client(place{t.URL, t.CertFile})
		if err != nil {
			return result{}, err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		seen, reading := &delays{began: time.Now().UnixNano()}, make(chan struct{})
		var once sync.Once
		worker, err := consumer.New(consumer.Config{
			Application: "bench", Streams: []consumer.Stream{{Name: t.Stream, FanOut: fanOut}}, Kinesis: c, Leases: leases.NewMemory(),
			Handler: consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
				if seen.note(b) >= t.Records {
					stop()
				}
				return nil
			}),
			Hooks: consumer.Hooks{Fetched: func(consumer.Fetched) { once.Do(func() { close(reading) }) }},
		})
		if err != nil {
			return result{}, err
		}
		m, err := startMeter(t.Profile)
		if err != nil {
			return result{}, err
		}
		var puts sync.WaitGroup
		var putErr error
		puts.Go(func() {
			<-reading
			putErr = putSteadily(ctx, c, t)
		})
		err = worker.Run(ctx)
		puts.Wait()
		r := m.stop(t.Records, int64(t.Records)*int64(t.Size))
		if err = errors.Join(err, putErr); err == nil {
			r.Percentiles = seen.percentiles()
		}
		return r, err
	}
}

// putSteadily puts perSecond records a second, each with the time of its Put.
func putSteadily(ctx context.Context, c producer.KinesisAPI, t *task) error {
	p, err := producer.New(producer.Config{Kinesis: c, Stream: t.Stream})
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	data := filler(t.Size)
	for i := range t.Records {
		<-tick.C
		binary.BigEndian.PutUint64(data, uint64(time.Now().UnixNano()))
		if err := p.Put(ctx, producer.Record{PartitionKey: keyOf(i), Data: data}, nil); err != nil {
			return err
		}
	}
	return p.Close(context.WithoutCancel(ctx))
}
