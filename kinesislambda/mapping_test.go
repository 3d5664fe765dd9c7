package kinesislambda

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
)

func idle(context.Context, events.KinesisEvent) error { return nil }

func TestDefaultsAreThoseOfTheService(t *testing.T) {
	h, err := Handler(idle, Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	s := h.(consumer.Shaper).Shape()
	if !s.Raw || s.MaxRecords != 100 || s.Window >= 0 || s.Concurrency != 1 {
		t.Errorf("shape %+v", s)
	}
	if f := *s.Failure; f.MaxAttempts != 0 || f.MaxAge != 0 || f.Bisect || f.Then != consumer.TryForever || f.DeadLetter != nil {
		t.Errorf("failure %+v", f)
	}
}

func TestMappingsAskTheConsumerForWhatTheySay(t *testing.T) {
	h, err := Handler(idle, Mapping{
		BatchSize: 500, MaximumBatchingWindow: 5 * time.Minute, ParallelizationFactor: 10, MaximumRecordAge: time.Hour, MaximumRetryAttempts: 2,
		BisectBatchOnFunctionError: true, DiscardOnExhaustion: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := h.(consumer.Shaper).Shape()
	if s.MaxRecords != 500 || s.Window != 5*time.Minute || s.Concurrency != 10 {
		t.Errorf("shape %+v", s)
	}
	if f := *s.Failure; f.MaxAttempts != 3 || f.MaxAge != time.Hour || !f.Bisect || f.Then != consumer.SendToDeadLetter {
		t.Errorf("failure %+v", f)
	}
}

func TestEveryFieldOutOfBoundsIsNamedInOneError(t *testing.T) {
	_, err := Handler(idle, Mapping{
		BatchSize: 10_001, MaximumBatchingWindow: 301 * time.Second, ParallelizationFactor: 11, MaximumRecordAge: 59 * time.Second,
		MaximumRetryAttempts: 10_001, TumblingWindow: 901 * time.Second, Timeout: 16 * time.Minute,
		FilterCriteria: FilterCriteria{Filters: []Filter{{}, {`{"data":["x"]}`}, {`{"a":1}`}, {strings.Repeat(" ", 4097)}, {`{"a":[1]}`}, {`{"a":[1]}`}}},
	})
	want := []string{
		"BatchSize", "MaximumBatchingWindow", "ParallelizationFactor", "MaximumRecordAge", "MaximumRetryAttempts", "TumblingWindow",
		"TumblingWindow", "Timeout", "OnFailure", "FilterCriteria.Filters", "FilterCriteria.Filters[0].Pattern",
		"FilterCriteria.Filters[1].Pattern", "FilterCriteria.Filters[2].Pattern", "FilterCriteria.Filters[3].Pattern",
		"FilterCriteria.Filters[3].Pattern",
	}
	if got := faulty(err); !slices.Equal(got, want) {
		t.Errorf("faults in\n%q, want\n%q", got, want)
	}
}

// faulty returns the fields that an error of Handler names.
func faulty(err error) (fields []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			fields = append(fields, faulty(e)...)
		}
		return fields
	}
	var fault *ConfigError
	if errors.As(err, &fault) {
		fields = append(fields, strings.TrimPrefix(fault.Field, "Mapping."))
	}
	return fields
}

func TestBoundsAreInclusive(t *testing.T) {
	bounds := map[string]struct {
		good, bad []Mapping
	}{
		"BatchSize":             {[]Mapping{{BatchSize: 1}, {BatchSize: 10_000}}, []Mapping{{BatchSize: -1}}},
		"MaximumBatchingWindow": {[]Mapping{{MaximumBatchingWindow: 5 * time.Minute}}, []Mapping{{MaximumBatchingWindow: -1}}},
		"ParallelizationFactor": {[]Mapping{{ParallelizationFactor: 10}}, []Mapping{{ParallelizationFactor: -1}}},
		"MaximumRecordAge": {
			[]Mapping{{MaximumRecordAge: -1}, {MaximumRecordAge: -time.Second}, {MaximumRecordAge: time.Minute}, {MaximumRecordAge: 7 * 24 * time.Hour}},
			[]Mapping{{MaximumRecordAge: -2}, {MaximumRecordAge: 7*24*time.Hour + 1}},
		},
		"MaximumRetryAttempts": {
			[]Mapping{{MaximumRetryAttempts: NoRetries}, {MaximumRetryAttempts: -1}, {MaximumRetryAttempts: 10_000}}, []Mapping{{MaximumRetryAttempts: -3}},
		},
		"TumblingWindow": {[]Mapping{{TumblingWindow: time.Second}, {TumblingWindow: 15 * time.Minute}}, []Mapping{{TumblingWindow: -time.Second}, {TumblingWindow: 1500 * time.Millisecond}}},
		"Timeout":        {[]Mapping{{Timeout: time.Second}, {Timeout: 15 * time.Minute}}, []Mapping{{Timeout: time.Millisecond}}},
	}
	for field, c := range bounds {
		for _, m := range c.good {
			m.DiscardOnExhaustion = true
			if _, err := Handler(idle, m); err != nil {
				t.Errorf("%s: %v", field, err)
			}
		}
		for _, m := range c.bad {
			m.DiscardOnExhaustion = true
			if _, err := Handler(idle, m); !slices.Equal(faulty(err), []string{field}) {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}

func TestALimitNeedsAPlaceForWhatIsPassedOver(t *testing.T) {
	for _, m := range []Mapping{{MaximumRetryAttempts: 2}, {MaximumRetryAttempts: NoRetries}, {MaximumRecordAge: time.Hour}} {
		if _, err := Handler(idle, m); !slices.Equal(faulty(err), []string{"OnFailure"}) {
			t.Errorf("%+v: %v", m, err)
		}
		m.OnFailure = &sink{}
		if _, err := Handler(idle, m); err != nil {
			t.Error(err)
		}
	}
}
