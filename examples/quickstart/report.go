package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// proof is the table at the end.
type proof struct {
	verdicts
	lines, bytes, aggregates int64
	resent                   int64
	pause                    time.Duration
	pausedShards             int
	took                     time.Duration
}

func prove(fleet *fleet, send *sender, took time.Duration) (proof, error) {
	v, err := reassemble(fleet.journals(), send.originals)
	if err != nil {
		return proof{}, err
	}
	p := proof{verdicts: v, took: took, lines: send.lines.Load(), bytes: send.bytes.Load(), aggregates: send.aggregates, resent: send.resent.Load()}
	p.pause, p.pausedShards = fleet.longestPause()
	return p, nil
}

func (p proof) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	seconds := p.took.Seconds()
	fmt.Fprintf(t, "user records (lines)\t%d\n", p.lines)
	fmt.Fprintf(t, "bytes\t%d\n", p.bytes)
	fmt.Fprintf(t, "user records per Kinesis record\t%.1f\n", float64(p.lines)/float64(max(1, p.aggregates)))
	fmt.Fprintf(t, "lines lost\t%d\n", p.lost)
	fmt.Fprintf(t, "lines out of order\t%d\n", p.outOfOrder)
	fmt.Fprintf(t, "duplicates\t%d (sent twice by the producer, after a reshard: %d)\n", p.duplicates, p.resent)
	fmt.Fprintf(t, "files that match\t%d of %d\n", p.matching, p.files)
	fmt.Fprintf(t, "a consumer's stop to its shards being read again\t%v (%d shards)\n", p.pause.Round(time.Millisecond), p.pausedShards)
	fmt.Fprintf(t, "throughput\t%.0f lines/s, %.1f MB/s, in %.1f s\n", float64(p.lines)/seconds, float64(p.bytes)/1e6/seconds, seconds)
	t.Flush()
}

// verdict is an error where a file did not match.
func (p proof) verdict() error {
	if p.matching != p.files {
		return fmt.Errorf("%d of %d files do not match what was sent", p.files-p.matching, p.files)
	}
	return nil
}
