package kinesislambda

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/kinesislambda/pattern"
)

// FilterCriteria says which records a function is to see: those that match one of the filters, five at most. Without filters it sees all.
type FilterCriteria struct {
	Filters []Filter
}

// Filter is a pattern, of at most 4,096 bytes, in the language of package pattern. Its field "data" is for a record's data, which must be
// JSON; a record whose data is not, or is an aggregate, matches no pattern that has one. Other fields are those of a record in an event:
// partitionKey, sequenceNumber, approximateArrivalTimestamp, kinesisSchemaVersion, eventID, eventSourceARN, and so on.
type Filter struct {
	Pattern string
}

const dataKey = "data"

func (c FilterCriteria) validate() (v faults) {
	v.check(len(c.Filters) <= maxFilters, "FilterCriteria.Filters", "are %d; set %d at most", len(c.Filters), maxFilters)
	for i, f := range c.Filters {
		field := fmt.Sprintf("FilterCriteria.Filters[%d].Pattern", i)
		v.check(len(f.Pattern) <= maxPatternLength, field, "has %d bytes; set %d at most", len(f.Pattern), maxPatternLength)
		_, err := f.compile()
		v.check(err == nil, field, "%v", err)
	}
	return v
}

func (f Filter) compile() (*pattern.Pattern, error) {
	p, err := pattern.Compile([]byte(f.Pattern))
	if err != nil {
		return nil, err
	}
	// The data is an object, or there is nothing to match: a list of rules at "data" would need data that is a bare value.
	var top map[string]json.RawMessage
	if json.Unmarshal([]byte(f.Pattern), &top) == nil && len(top[dataKey]) > 0 && top[dataKey][0] == '[' {
		return nil, fmt.Errorf("%w: at data: the pattern for the data must be an object", pattern.ErrPattern)
	}
	return p, nil
}

// filters are compiled criteria.
type filters []*pattern.Pattern

func (c FilterCriteria) compile() (fs filters) {
	for _, f := range c.Filters {
		if p, err := f.compile(); err == nil { // validate has seen to it
			fs = append(fs, p)
		}
	}
	return fs
}

// match reports whether one of the patterns matches, or whether there is none.
func (fs filters) match(r *events.KinesisEventRecord) bool {
	if len(fs) == 0 {
		return true
	}
	document := metadata(r)
	data, err := pattern.Parse(r.Kinesis.Data)
	if err == nil {
		document[dataKey] = data
	}
	for _, p := range fs {
		if (err == nil || !p.Uses(dataKey)) && p.Match(document) {
			return true
		}
	}
	return false
}

// metadata returns the fields of a record beside its data, as the event has them.
func metadata(r *events.KinesisEventRecord) map[string]any {
	seconds := strconv.FormatFloat(float64(r.Kinesis.ApproximateArrivalTimestamp.UnixMilli())/1000, 'f', -1, 64)
	return map[string]any{
		"partitionKey": r.Kinesis.PartitionKey, "sequenceNumber": r.Kinesis.SequenceNumber,
		"kinesisSchemaVersion": r.Kinesis.KinesisSchemaVersion, "approximateArrivalTimestamp": json.Number(seconds),
		"eventID": r.EventID, "eventName": r.EventName, "eventSource": r.EventSource, "eventSourceARN": r.EventSourceArn,
		"eventVersion": r.EventVersion, "awsRegion": r.AwsRegion, "invokeIdentityArn": r.InvokeIdentityArn,
	}
}
