package kinesistest_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/kinesistest"
)

// The effects over real connections: what is stored, and whether the client sees an error.
func TestFaultsWorkOverSockets(t *testing.T) {
	for version := range httpVersions {
		for name, test := range map[string]struct {
			do     kinesistest.Effect
			failed bool
			stored int
		}{
			"Fail":      {kinesistest.Fail(500, "InternalFailure", ""), true, 0},
			"Throttle":  {kinesistest.Throttle(), true, 0},
			"Refuse":    {kinesistest.RefuseRecords("InternalFailure", 1), true, 0},
			"Reset":     {kinesistest.Reset(), true, 0},
			"Delay":     {kinesistest.Delay(time.Millisecond, time.Millisecond), false, 1},
			"DropReply": {kinesistest.DropReply(), true, 1},
			"Twice":     {kinesistest.Twice(), false, 2},
			"GoAway":    {kinesistest.GoAway(), false, 1},
			"FailLate":  {kinesistest.FailLate(0, "InternalFailure", ""), true, 1},
			"Truncate":  {kinesistest.Truncate(0), true, 1},
			"Corrupt":   {kinesistest.Corrupt(0), true, 1},
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				r := newRig(t, 1)
				url, err := r.srv.Listen("127.0.0.1:0")
				must(t, err)
				client := kinesis.New(r.Options(), func(o *kinesis.Options) {
					o.BaseEndpoint, o.HTTPClient = &url, overTCP(t, version)
				})
				put := func() error {
					_, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{
						StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("x"),
					})
					return err
				}
				in := r.onPut(test.do)
				if err := put(); (err != nil) != test.failed {
					t.Errorf("got %v", err)
				}
				// net/http sends a request again by itself when a kept-alive connection breaks before the reply: never the first.
				wantFired(t, in, 1)
				in.Remove()
				if got := len(r.stored()); got != test.stored {
					t.Errorf("%d records are stored, want %d", got, test.stored)
				}
				must(t, put()) // the client has recovered
			})
		}
	}
}

func TestSubscriptionsBreakOverSockets(t *testing.T) {
	for version := range httpVersions {
		for name, do := range map[string]kinesistest.Effect{"truncated": kinesistest.Truncate(1), "corrupt": kinesistest.Corrupt(1)} {
			t.Run(version+" "+name, func(t *testing.T) {
				r := newRig(t, 1)
				r.put("k", "old")
				url, err := r.srv.Listen("127.0.0.1:0")
				must(t, err)
				client := kinesis.New(r.Options(), func(o *kinesis.Options) {
					o.BaseEndpoint, o.HTTPClient = &url, overTCP(t, version)
				})
				r.srv.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Do: do})
				es, err := subscribeWith(t.Context(), client, r.register("reader"), shardID(0), fromHorizon)
				must(t, err)
				defer es.Close()
				if ev, ok := event(es); !ok || len(ev.Records) != 1 {
					t.Fatalf("got %d records, %v", len(ev.Records), es.Err())
				}
				r.put("k", "new")
				if ev, ok := event(es); ok {
					t.Errorf("got %q", data(ev.Records))
				}
			})
		}
	}
}

// A counter counts the connections that a client opens.
type counter struct{ opened atomic.Int32 }

func (c *counter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c.opened.Add(1)
	return new(net.Dialer).DialContext(ctx, network, addr)
}

func TestAHostThatGoesAwayEndsTheConnectionAndNoRequest(t *testing.T) {
	for version := range httpVersions {
		t.Run(version, func(t *testing.T) {
			r := newRig(t, 1)
			url, err := r.srv.Listen("127.0.0.1:0")
			must(t, err)
			hc, conns := overTCP(t, version), new(counter)
			hc.Transport.(versionChecker).next.(*http.Transport).DialContext = conns.dial
			r.Client = kinesis.New(r.Options(), func(o *kinesis.Options) { o.BaseEndpoint, o.HTTPClient = &url, hc })
			r.put("k", "0")
			r.put("k", "1")
			before := conns.opened.Load()
			in := r.srv.Inject(kinesistest.Fault{Operation: "PutRecord", Count: 1, Do: kinesistest.GoAway()})
			r.put("k", "2")
			wantFired(t, in, 1)
			for n := 0; n < 1000 && conns.opened.Load() == before; n++ { // the frame may come a little after the reply
				r.put("k", "more")
			}
			if before != 1 || conns.opened.Load() != 2 {
				t.Errorf("%d connections before, %d after", before, conns.opened.Load())
			}
		})
	}
}
