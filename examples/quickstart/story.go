package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// A story is told in acts: while the files between two points of the list are sent, one act is played. The next act waits until
// the one before it is over, so all of them fall into the time in which lines flow.
type act struct {
	name string
	play func(context.Context) error
}

// tell runs the whole thing and returns what it showed.
func tell(ctx context.Context, p *place, files []string, stderr io.Writer) (shown proof, err error) {
	tally := newTally()
	fleet, err := newFleet(p, tally)
	if err != nil {
		return proof{}, err
	}
	defer func() { err = errors.Join(err, fleet.close()) }()
	send, err := newSender(p, files)
	if err != nil {
		return proof{}, err
	}
	line := startProgress(stderr, send, tally)
	began := time.Now()
	err = errors.Join(
		playAll(ctx, p, fleet, send, tally, line),
		send.producer.Close(context.WithoutCancel(ctx)),
		fleet.stopAll(context.WithoutCancel(ctx)))
	took := line.stop().Sub(began)
	if err != nil {
		return proof{}, err
	}
	return prove(fleet, send, took)
}

func playAll(ctx context.Context, p *place, fleet *fleet, send *sender, tally *tally, line *progress) error {
	for range 2 {
		if err := fleet.start(ctx); err != nil {
			return err
		}
	}
	acts := []act{
		{"two consumers share the shards", fleet.untilBusy},
		{"splitting a shard", p.splitFirst},
		{"merging two shards", p.mergeLast},
		{"stopping a consumer", fleet.stopFirst},
		{"starting a third consumer", fleet.start},
		{"two consumers share the shards again", func(context.Context) error { return nil }},
	}
	if err := play(ctx, acts, send, line); err != nil {
		return err
	}
	line.say("waiting for the last lines")
	if err := send.finish(ctx); err != nil {
		return err
	}
	return awaitAll(ctx, fleet, send, tally, line)
}

func play(ctx context.Context, acts []act, send *sender, line *progress) error {
	for i, a := range acts {
		line.say(a.name)
		together, ctx := errgroup.WithContext(ctx)
		n := len(send.files)
		together.Go(func() error { return send.sendFiles(ctx, i*n/len(acts), (i+1)*n/len(acts)) })
		together.Go(func() error { return a.play(ctx) })
		if err := together.Wait(); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return nil
}

// patience is how long the run waits without a new line before it calls the missing ones lost.
const patience = time.Minute

// awaitAll waits until every line was handled, or until none comes any more.
func awaitAll(ctx context.Context, fleet *fleet, send *sender, tally *tally, line *progress) error {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	last, since := tally.distinct.Load(), time.Now()
	for tally.distinct.Load() < send.lines.Load() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := fleet.failed(); err != nil {
			return err
		}
		if now := tally.distinct.Load(); now != last {
			last, since = now, time.Now()
		} else if time.Since(since) > patience {
			return nil // the table shows what is missing
		}
	}
	line.arrived()
	return nil
}
