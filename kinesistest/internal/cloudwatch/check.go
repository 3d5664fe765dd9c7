package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// How far a datum's time may be from the clock, and how large a value may be, from the service's documentation.
const (
	oldest = 14 * 24 * time.Hour
	newest = 2 * time.Hour
)

var largest = math.Ldexp(1, 360)

// units are the words that a Unit may be.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits",
	"Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second",
	"Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second",
	"Terabits/Second", "Count/Second", "None",
}

// check refuses a request that the service would refuse.
func (r *request) check(now time.Time) error {
	switch {
	case r.namespace == "":
		return missing("Namespace")
	case strings.HasPrefix(r.namespace, "AWS/"), r.namespace[0] == ':', utf8.RuneCountInString(r.namespace) > maxName:
		return invalidValue("The value %s for parameter Namespace is invalid.", r.namespace)
	case len(r.data) == 0:
		return missing("MetricData")
	case r.surplus > 0:
		return invalidValue("The collection MetricData must not have a size greater than %d.", maxMetrics)
	}
	for i := range r.data {
		if err := r.data[i].check(fmt.Sprintf("MetricData.member.%d.", i+1), now); err != nil {
			return err
		}
	}
	return nil
}

// check refuses one datum; place is where it stands, with a dot behind.
func (d *datum) check(place string, now time.Time) error {
	switch {
	case d.name == "":
		return missing(place + "MetricName")
	case utf8.RuneCountInString(d.name) > maxName:
		return invalidValue("The value for parameter %sMetricName is longer than %d characters.", place, maxName)
	case d.unit != "" && !slices.Contains(units, d.unit):
		return invalidValue("The parameter %sUnit must be a value in the set [ %s ]", place, strings.Join(units, ", "))
	case d.resolution != nil && *d.resolution != 1 && *d.resolution != 60:
		return invalidValue("The value for parameter %sStorageResolution must be 1 or 60.", place)
	case d.at != nil && d.at.Before(now.Add(-oldest)):
		return invalidValue("The parameter %sTimestamp must specify a time no more than two weeks in the past.", place)
	case d.at != nil && d.at.After(now.Add(newest)):
		return invalidValue("The parameter %sTimestamp must specify a time no more than two hours in the future.", place)
	}
	if err := d.checkDimensions(place); err != nil {
		return err
	}
	return d.checkValues(place)
}

func (d *datum) checkDimensions(place string) error {
	if len(d.dimensions) > maxDimensions {
		return invalidValue("The collection %sDimensions must not have a size greater than %d.", place, maxDimensions)
	}
	seen := make(map[string]bool, len(d.dimensions))
	for i, one := range d.dimensions {
		at := fmt.Sprintf("%sDimensions.member.%d.", place, i+1)
		switch {
		case one.Name == "":
			return missing(at + "Name")
		case one.Value == "":
			return missing(at + "Value")
		case !printable(one.Name) || len(one.Name) > maxName || one.Name[0] == ':':
			return invalidValue("The value for parameter %sName is invalid.", at)
		case !printable(one.Value) || len(one.Value) > maxValue:
			return invalidValue("The value for parameter %sValue is invalid.", at)
		case seen[one.Name]:
			return invalidValue("No Metric may specify the same dimension name twice.")
		}
		seen[one.Name] = true
	}
	return nil
}

// printable reports whether a dimension's name or value consists of the characters that it may have: those of ASCII without the
// control characters, not all of them white space.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return strings.TrimSpace(s) != ""
}

// checkValues demands one of the three ways to give values.
func (d *datum) checkValues(place string) error {
	var given []string
	for _, way := range []struct {
		name  string
		given bool
	}{{"Value", d.value != nil}, {"Values", d.values != nil}, {"StatisticValues", d.statistics != nil}} {
		if way.given {
			given = append(given, place+way.name)
		}
	}
	switch {
	case len(given) == 0 && d.counts != nil:
		return invalidCombination("The parameter %sCounts needs the parameter %sValues.", place, place)
	case len(given) == 0:
		return missing(place + "Value")
	case len(given) > 1:
		return invalidCombination("The parameters %s and %s are mutually exclusive and you have specified both.", given[0], given[1])
	case d.counts != nil && len(d.counts) != len(d.values):
		return invalidValue("The parameters %sValues and %sCounts must have the same size.", place, place)
	case len(d.values) > maxValues:
		return invalidValue("The collection %sValues must not have a size greater than %d.", place, maxValues)
	}
	numbers := slices.Concat(d.values, d.counts)
	if d.value != nil {
		numbers = append(numbers, *d.value)
	}
	for _, v := range numbers {
		if !finite(v) {
			return invalidValue("The value %v for parameter %s is invalid.", v, given[0])
		}
	}
	if slices.ContainsFunc(d.counts, func(n float64) bool { return n < 0 }) {
		return invalidValue("The values of parameter %sCounts must not be negative.", place)
	}
	return d.statistics.check(place + "StatisticValues")
}

func finite(v float64) bool { return math.Abs(v) <= largest } // false for NaN

// check demands all four statistics, and that they can be those of one set of values.
func (s *givenStatistics) check(place string) error {
	if s == nil {
		return nil
	}
	for _, one := range []struct {
		name  string
		value *float64
	}{{"SampleCount", s.sampleCount}, {"Sum", s.sum}, {"Minimum", s.minimum}, {"Maximum", s.maximum}} {
		if one.value == nil {
			return missing(place + "." + one.name)
		}
		if !finite(*one.value) {
			return invalidValue("The value %v for parameter %s.%s is invalid.", *one.value, place, one.name)
		}
	}
	switch {
	case *s.sampleCount < 0:
		return invalidValue("The parameter %s.SampleCount must not be negative.", place)
	case *s.minimum > *s.maximum:
		return invalidValue("The parameter %s.Minimum must not be greater than %s.Maximum.", place, place)
	default:
		return nil
	}
}
