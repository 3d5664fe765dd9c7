package cloudwatch

import (
	"encoding/xml"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is the protocol from before: forms and XML.
type query struct{}

const (
	xmlType      = "text/xml"
	xmlNamespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"
)

func (query) accepted(h http.Header, id string) []byte {
	return encode(h, struct {
		XMLName   xml.Name `xml:"http://monitoring.amazonaws.com/doc/2010-08-01/ PutMetricDataResponse"`
		RequestID string   `xml:"ResponseMetadata>RequestId"`
	}{RequestID: id})
}

func (query) refused(h http.Header, id string, e *Error) []byte {
	return encode(h, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Namespace: xmlNamespace, Type: "Sender", Code: e.Code, Message: e.Message, RequestID: id})
}

// encode returns the XML of an answer; these cannot fail to have one.
func encode(h http.Header, answer any) []byte {
	h.Set("Content-Type", xmlType)
	body, err := xml.Marshal(answer)
	if err != nil {
		return nil
	}
	return body
}

// node is a form seen as a tree: a.member.1.b is the child b of the child 1 of the child member of the child a.
type node struct {
	text     string
	children map[string]*node
}

// maxParts is how many parts the longest name of a parameter that is read here has.
const maxParts = 7

// parseForm returns the tree of a form. Names with more parts than any parameter has are left out. The standard library's parser
// will not do: it refuses forms of as many parameters as a thousand data have.
func parseForm(body []byte) (*node, error) {
	root := new(node)
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, malformed()
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, malformed()
		}
		root.put(name, value)
	}
	return root, nil
}

// put stores a parameter.
func (n *node) put(name, value string) {
	parts := strings.SplitN(name, ".", maxParts+1)
	if len(parts) > maxParts {
		return
	}
	for _, part := range parts {
		if n.children == nil {
			n.children = make(map[string]*node)
		}
		if n.children[part] == nil {
			n.children[part] = new(node)
		}
		n = n.children[part]
	}
	n.text = value
}

// child returns a child, nil if there is none.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// members returns the elements of a list in the order of their numbers.
func (n *node) members(name string) []*node {
	under := n.child(name).child("member")
	if under == nil {
		return nil
	}
	var numbers []int
	for text := range under.children {
		if i, err := strconv.Atoi(text); err == nil && strconv.Itoa(i) == text {
			numbers = append(numbers, i)
		}
	}
	slices.Sort(numbers)
	list := make([]*node, len(numbers))
	for at, i := range numbers {
		list[at] = under.children[strconv.Itoa(i)]
	}
	return list
}

// form reads typed parameters from a tree and remembers the first that is malformed.
type form struct{ err error }

func (f *form) text(n *node, name string) string {
	if one := n.child(name); one != nil {
		return one.text
	}
	return ""
}

func (f *form) parse(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	// A number that is too large for the type is left to the checks, as an infinity.
	if err != nil && !math.IsInf(v, 0) && f.err == nil {
		f.err = malformed()
	}
	return v
}

func (f *form) number(n *node, name string) *float64 {
	one := n.child(name)
	if one == nil {
		return nil
	}
	v := f.parse(one.text)
	return &v
}

func (f *form) numbers(n *node, name string) []float64 {
	var list []float64
	for _, one := range n.members(name) {
		list = limited(list, f.parse(one.text), maxValues)
	}
	return list
}

func (f *form) time(n *node, name string) *time.Time {
	one := n.child(name)
	if one == nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, one.text)
	if err != nil && f.err == nil {
		f.err = malformed()
	}
	return &at
}

// decodeForm reads a request.
func decodeForm(r *http.Request, body []byte) (*request, error) {
	root, err := parseForm(body)
	if err != nil {
		return nil, err
	}
	f := new(form)
	if action := f.text(root, "Action"); action != putMetricData || r.Method != http.MethodPost {
		return nil, unknownOperation(action)
	}
	in := &request{namespace: f.text(root, "Namespace")}
	for _, one := range root.members("MetricData") {
		in.add(f.datum(one))
	}
	for _, entity := range root.members("EntityMetricData") {
		for _, one := range entity.members("MetricData") {
			in.add(f.datum(one))
		}
	}
	return in, f.err
}

func (f *form) datum(n *node) datum {
	d := datum{
		name: f.text(n, "MetricName"), at: f.time(n, "Timestamp"), unit: f.text(n, "Unit"), resolution: f.number(n, "StorageResolution"),
		value: f.number(n, "Value"), values: f.numbers(n, "Values"), counts: f.numbers(n, "Counts"),
	}
	for _, one := range n.members("Dimensions") {
		d.dimensions = limited(d.dimensions, dimension{f.text(one, "Name"), f.text(one, "Value")}, maxDimensions)
	}
	if s := n.child("StatisticValues"); s != nil {
		d.statistics = &givenStatistics{
			sampleCount: f.number(s, "SampleCount"), sum: f.number(s, "Sum"),
			minimum: f.number(s, "Minimum"), maximum: f.number(s, "Maximum"),
		}
	}
	return d
}
