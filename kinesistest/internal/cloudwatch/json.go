package cloudwatch

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// document is JSON 1.0 with the operation in a header.
type document struct{}

func (document) accepted(h http.Header, _ string) []byte {
	h.Set("Content-Type", jsonType)
	return []byte("{}")
}

func (document) refused(h http.Header, _ string, e *Error) []byte {
	h.Set("Content-Type", jsonType)
	h.Set("X-Amzn-Query-Error", e.Code+";Sender")
	body, err := json.Marshal(map[string]string{"__type": shapePrefix + e.Shape, "message": e.Message})
	if err != nil {
		return nil // a map of strings cannot fail
	}
	return body
}

// The request as it stands in a document. Lists stay raw where an element costs much more memory than its text.
type (
	givenRequest struct {
		Namespace        string
		MetricData       []json.RawMessage
		EntityMetricData []struct{ MetricData []json.RawMessage }
	}
	givenDatum struct {
		MetricName        string
		Dimensions        []dimension
		Timestamp         *number
		Value             *number
		Values, Counts    []number
		StatisticValues   *struct{ SampleCount, Sum, Minimum, Maximum *number }
		Unit              string
		StorageResolution *number
	}
	// number is a float that may be one of the words for what JSON has no number for.
	number float64
)

// UnmarshalJSON reads the number or the word.
func (n *number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*n = number(math.NaN())
	case `"Infinity"`, `"-Infinity"`:
		*n = number(math.Inf(1))
	default:
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil && !math.IsInf(v, 0) {
			return err
		}
		*n = number(v)
	}
	return nil
}

// decodeJSON reads a request.
func decodeJSON(r *http.Request, body []byte) (*request, error) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), Target)
	if operation != putMetricData || r.Method != http.MethodPost {
		return nil, unknownOperation(operation)
	}
	var given givenRequest
	if json.Unmarshal(body, &given) != nil {
		return nil, malformed()
	}
	in := &request{namespace: given.Namespace}
	lists := [][]json.RawMessage{given.MetricData}
	for _, entity := range given.EntityMetricData {
		lists = append(lists, entity.MetricData)
	}
	for _, list := range lists {
		for _, text := range list {
			var d givenDatum
			if json.Unmarshal(text, &d) != nil {
				return nil, malformed()
			}
			in.add(d.datum())
		}
	}
	return in, nil
}

func (d *givenDatum) datum() datum {
	out := datum{
		name: d.MetricName, value: (*float64)(d.Value), values: floats(d.Values), counts: floats(d.Counts),
		unit: d.Unit, resolution: (*float64)(d.StorageResolution),
	}
	for _, one := range d.Dimensions {
		out.dimensions = limited(out.dimensions, one, maxDimensions)
	}
	if d.Timestamp != nil {
		at := instant(float64(*d.Timestamp))
		out.at = &at
	}
	if s := d.StatisticValues; s != nil {
		out.statistics = &givenStatistics{
			(*float64)(s.SampleCount), (*float64)(s.Sum), (*float64)(s.Minimum), (*float64)(s.Maximum),
		}
	}
	return out
}

func floats(numbers []number) (list []float64) {
	for _, n := range numbers {
		list = limited(list, float64(n), maxValues)
	}
	return list
}

// instant returns the time that is so many seconds after the start of 1970, cut to milliseconds. What is too far away for a time,
// or no number, becomes one that the checks refuse.
func instant(seconds float64) time.Time {
	if math.IsNaN(seconds) || math.Abs(seconds) > 1<<40 {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000)))
}
