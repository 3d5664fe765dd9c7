package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind is what a verdict is about.
type Kind string

// The kinds of verdicts; the package's documentation says what each means.
const (
	NotStored          Kind = "not stored"
	Lost               Kind = "lost"
	Duplicated         Kind = "duplicated"
	Unknown            Kind = "unknown"
	Altered            Kind = "altered"
	Reordered          Kind = "reordered"
	HeldTwice          Kind = "held twice"
	HandledAfterLoss   Kind = "handled after loss"
	CheckpointWentBack Kind = "checkpoint went back"
	CheckpointBeyond   Kind = "checkpoint beyond"
	Incomplete         Kind = "incomplete"
)

// A Verdict is one thing that is wrong. Which fields are set depends on its kind.
type Verdict struct {
	Kind        Kind      `json:"kind"`
	Consumer    string    `json:"consumer,omitempty"`
	Place                 // of a position
	SubSequence int64     `json:"subSequence"`
	Lease       string    `json:"lease,omitempty"`  // the key of the row
	Worker      string    `json:"worker,omitempty"` // who did it
	Other       string    `json:"other,omitempty"`  // who held the lease meanwhile, or before
	Was         string    `json:"was,omitempty"`    // the checkpoint that was replaced
	Now         string    `json:"now,omitempty"`    // the checkpoint that was written
	Count       int       `json:"count,omitempty"`  // how often, or how many positions
	At          time.Time `json:"at,omitzero"`
}

// String returns the verdict as one line.
func (v Verdict) String() string {
	var b strings.Builder
	b.WriteString(string(v.Kind))
	if v.Consumer != "" {
		fmt.Fprintf(&b, ", consumer %s", v.Consumer)
	}
	if v.SequenceNumber != "" {
		fmt.Fprintf(&b, ", stream %s, shard %s, record %s/%d", v.Stream, v.Shard, v.SequenceNumber, v.SubSequence)
	}
	for _, f := range []struct{ name, value string }{
		{"lease", v.Lease}, {"worker", v.Worker}, {"other worker", v.Other}, {"checkpoint was", v.Was}, {"checkpoint now", v.Now},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, ", %s %s", f.name, f.value)
		}
	}
	if v.Count != 0 {
		fmt.Fprintf(&b, ", count %d", v.Count)
	}
	if !v.At.IsZero() {
		fmt.Fprintf(&b, ", at %s", v.At.UTC().Format(time.RFC3339Nano))
	}
	return b.String()
}

// Verdicts is everything that is wrong: first what concerns no consumer, then consumer by consumer.
type Verdicts []Verdict

// Of returns the verdicts of the given kinds.
func (vs Verdicts) Of(kinds ...Kind) Verdicts {
	return slices.DeleteFunc(slices.Clone(vs), func(v Verdict) bool { return !slices.Contains(kinds, v.Kind) })
}

// Except returns the verdicts of all kinds but the given ones, for example without [Duplicated], which at-least-once delivery allows.
func (vs Verdicts) Except(kinds ...Kind) Verdicts {
	return slices.DeleteFunc(slices.Clone(vs), func(v Verdict) bool { return slices.Contains(kinds, v.Kind) })
}

// String returns the verdicts as lines.
func (vs Verdicts) String() string {
	lines := make([]string, len(vs))
	for i, v := range vs {
		lines[i] = v.String()
	}
	return strings.Join(lines, "\n")
}
