package kinesislambda

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
)

// reply is a function's answer.
type reply struct {
	failures []string // the identifiers of what failed; empty ones among them say that all did
	bad      bool     // the answer is not of the form that there is for failures
	state    State    // of a window; nil: none was given
}

func replyOf(failures []events.KinesisBatchItemFailure) (r reply) {
	for _, f := range failures {
		r.failures = append(r.failures, f.ItemIdentifier)
	}
	return r
}

// readReply reads an answer as the service does: nothing, null and an empty object are success. What cannot be understood is kept as such:
// whether it matters is for the mapping to say.
func readReply(text []byte) (r reply) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || string(text) == "null" {
		return reply{}
	}
	var answer struct {
		State    State `json:"state"`
		Failures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return reply{bad: true}
	}
	r.state = answer.State
	for _, f := range answer.Failures {
		if f.ItemIdentifier == nil { // null, or under another name
			r.failures = append(r.failures, "")
			continue
		}
		r.failures = append(r.failures, *f.ItemIdentifier)
	}
	return r
}

// done returns how many of the records a function has done by its answer. The error says why it is not all of them. Of several failures
// the one with the lowest sequence number counts; a failure that names no record of the batch is one of the whole batch.
func (r *reply) done(records []consumer.Record) (int, error) {
	if r.bad {
		return 0, fmt.Errorf("%w: it is no object with batchItemFailures", ErrAnswer)
	}
	if len(r.failures) == 0 {
		return len(records), nil
	}
	index := make(map[string]int, len(records))
	for i := range records {
		index[records[i].SequenceNumber] = i
	}
	first := len(records)
	for _, id := range r.failures {
		i, ok := index[id]
		switch {
		case id == "":
			return 0, fmt.Errorf("%w: a batch item failure without an identifier", ErrAnswer)
		case !ok:
			return 0, fmt.Errorf("%w: a batch item failure of a record that is not in the batch", ErrAnswer)
		}
		first = min(first, i)
	}
	return first, fmt.Errorf("%w: from record %s on", ErrReported, records[first].SequenceNumber)
}
