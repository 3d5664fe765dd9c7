package kinesis

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// How many consumers a stream may have; the larger number goes for on-demand streams of an account with a commitment.
const (
	maxConsumers          = 20
	maxConsumersAdvantage = 50
)

// maxConsumers is how many consumers the stream may have.
func (db *DB) maxConsumers(st *stream) int {
	if st.getMode() == modeOnDemand && db.commitment.active() {
		return maxConsumersAdvantage
	}
	return maxConsumers
}

// A consumer is a registered consumer of a stream. Its states:
//
//	CREATING --> ACTIVE --> DELETING --> removed
//
// Only an ACTIVE one may subscribe.
type consumer struct {
	name    string
	arn     string
	created int64 // seconds; part of the ARN

	resource resource

	mu     sync.Mutex               // guards everything below; taken after a stream's lock, before none
	status string                   //
	subs   map[string]*subscription // the newest of each shard, by shard id, whether it is still open or not
	calls  map[string]*bucket       // SubscribeToShard calls by shard id; only counted while there are limits
}

// advance moves the consumer from one state to another.
func (cs *consumer) advance(from, to string) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.status != from {
		return false
	}
	cs.status = to
	return true
}

// end closes the consumer's subscriptions: it is being removed.
func (cs *consumer) end() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.status = statusDeleting
	for _, sub := range cs.subs {
		sub.end(notFound("consumer %s was deregistered", cs.arn))
	}
}

// write writes the members that both descriptions of a consumer have.
func (cs *consumer) write(enc wire.Encoder) {
	cs.mu.Lock()
	status := cs.status
	cs.mu.Unlock()
	writeText(enc, "ConsumerName", cs.name)
	writeText(enc, "ConsumerARN", cs.arn)
	writeText(enc, "ConsumerStatus", status)
	writeMillis(enc, "ConsumerCreationTimestamp", cs.created*1000)
}

// register adds a consumer to the stream. A name that was registered before gets a later creation time than it had then,
// because its ARN must be another one. The stream may have so many at most; limited says that not more than a few may be in the making at a time.
func (st *stream) register(name string, most int, limited bool) (*consumer, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	i, found := st.searchConsumer(name)
	switch {
	case st.status == statusDeleting || st.status == statusCreating:
		return nil, inUse("stream %s is %s", st.name, st.status)
	case found:
		return nil, inUse("consumer %s of stream %s already exists", name, st.name)
	case len(st.consumers) >= most:
		return nil, limitExceeded("stream %s has the largest number of consumers, %d", st.name, most)
	case limited && st.creatingConsumers() >= maxCreating:
		return nil, limitExceeded("stream %s has %d consumers in %s already", st.name, maxCreating, statusCreating)
	}
	created := max(time.Now().Unix(), st.lastConsumer+1)
	st.lastConsumer = created
	cs := &consumer{
		name:    name,
		arn:     st.arn + "/consumer/" + name + ":" + strconv.FormatInt(created, 10),
		created: created,
		status:  statusCreating,
		subs:    map[string]*subscription{},
		calls:   map[string]*bucket{},
	}
	st.consumers = slices.Insert(st.consumers, i, cs)
	return cs, nil
}

// creatingConsumers counts the consumers in CREATING. The caller holds st.mu.
func (st *stream) creatingConsumers() (n int) {
	for _, cs := range st.consumers {
		cs.mu.Lock()
		if cs.status == statusCreating {
			n++
		}
		cs.mu.Unlock()
	}
	return n
}

// searchConsumer finds a consumer by name. The caller holds st.mu.
func (st *stream) searchConsumer(name string) (int, bool) {
	return slices.BinarySearchFunc(st.consumers, name, func(cs *consumer, name string) int {
		return strings.Compare(cs.name, name)
	})
}

// unregister removes a consumer.
func (st *stream) unregister(cs *consumer) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.consumers = slices.DeleteFunc(st.consumers, func(o *consumer) bool { return o == cs })
}

// A consumerRef is how a request names a consumer: by its ARN, or by the ARN of the stream and its name.
type consumerRef struct{ arn, streamARN, name *string }

func (ref *consumerRef) member(d wire.Decoder, name string) bool {
	switch name {
	case "ConsumerARN":
		ref.arn = wire.Text(d)
	case "StreamARN":
		ref.streamARN = wire.Text(d)
	case "ConsumerName":
		ref.name = wire.Text(d)
	default:
		return false
	}
	return true
}

// consumer returns the consumer that ref means and its stream.
func (db *DB) consumer(ref consumerRef) (*stream, *consumer, error) {
	if err := checkOptionalName("consumerName", ref.name); err != nil {
		return nil, nil, err
	}
	name := ref.name
	if ref.arn != nil {
		streamARN, inARN, _, ok := splitConsumerARN(*ref.arn)
		if !ok {
			return nil, nil, invalid("consumerARN", "value %q is not an ARN of a consumer", *ref.arn)
		}
		if ref.streamARN != nil && *ref.streamARN != streamARN || name != nil && *name != inARN {
			return nil, nil, invalidArgument("ConsumerARN means another consumer than StreamARN and ConsumerName")
		}
		ref.streamARN, name = &streamARN, &inARN
	}
	if ref.streamARN == nil || name == nil {
		return nil, nil, invalidArgument("either ConsumerARN, or StreamARN and ConsumerName, must be given")
	}
	st, err := db.stream(streamRef{arn: ref.streamARN})
	if err != nil {
		return nil, nil, err
	}
	st.mu.RLock()
	defer st.mu.RUnlock()
	i, found := st.searchConsumer(*name)
	if !found || ref.arn != nil && st.consumers[i].arn != *ref.arn {
		return nil, nil, notFound("consumer %s of stream %s not found", *name, st.name)
	}
	return st, st.consumers[i], nil
}

func (db *DB) registerStreamConsumer(c *call) error {
	var ref consumerRef
	var tags map[string]string
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "Tags" {
			tags = decodeTags(d)
			return true
		}
		return ref.member(d, name)
	})
	if err := first(err, checkName("consumerName", ref.name), checkRequired("streamARN", ref.streamARN), checkTags(tags)); err != nil {
		return err
	}
	st, err := db.stream(streamRef{arn: ref.streamARN})
	if err != nil {
		return err
	}
	cs, err := st.register(*ref.name, db.maxConsumers(st), db.limits.Load().Operations > 0)
	if err != nil {
		return err
	}
	if err := cs.resource.tag(tags); err != nil {
		return err
	}
	// The answer shows CREATING even if that has passed by then, as the service's does.
	enc := c.out(kib)
	enc.Map()
	enc.Name("Consumer")
	enc.Map()
	cs.write(enc)
	enc.EndMap()
	enc.EndMap()
	db.after(func() { cs.advance(statusCreating, statusActive) })
	return nil
}

func (db *DB) describeStreamConsumer(c *call) error {
	var ref consumerRef
	if err := c.decode(ref.member); err != nil {
		return err
	}
	st, cs, err := db.consumer(ref)
	if err != nil {
		return err
	}
	if err := db.admitCall("DescribeStreamConsumer", st); err != nil {
		return err
	}
	enc := c.out(kib)
	enc.Map()
	enc.Name("ConsumerDescription")
	enc.Map()
	cs.write(enc)
	writeText(enc, "StreamARN", st.arn)
	enc.EndMap()
	enc.EndMap()
	return nil
}

func (db *DB) deregisterStreamConsumer(c *call) error {
	var ref consumerRef
	if err := c.decode(ref.member); err != nil {
		return err
	}
	st, cs, err := db.consumer(ref)
	if err != nil {
		return err
	}
	if err := db.admitCall("DeregisterStreamConsumer", st); err != nil {
		return err
	}
	cs.end()
	db.after(func() { st.unregister(cs) })
	return nil
}

func (db *DB) listStreamConsumers(c *call) error {
	var ref streamRef
	var token *string
	var limit *int64
	var created *time.Time
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "NextToken":
			token = wire.Text(d)
		case "MaxResults":
			limit = number(d)
		case "StreamCreationTimestamp":
			t := d.Time()
			created = &t
		default:
			return ref.member(d, name)
		}
		return true
	})
	if err = first(err, checkRequired("streamARN", ref.arn), checkRange("maxResults", limit, 1, 100)); err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	if err := db.admitCall("ListStreamConsumers", st); err != nil {
		return err
	}
	if created != nil && created.Unix() != st.createdAt/1000 {
		return db.noStream(st.name)
	}
	after := ""
	if token != nil {
		t, err := parseListToken(*token, 2)
		if err != nil {
			return err
		}
		if t.lines[0] != st.name {
			return invalidArgument("NextToken is one of another stream")
		}
		after = t.lines[1]
	}
	st.mu.RLock()
	consumers := slices.Clone(st.consumers)
	st.mu.RUnlock()
	consumers = slices.DeleteFunc(consumers, func(cs *consumer) bool { return cs.name <= after })
	writeConsumers(c.out(kib+512*len(consumers)), st, consumers, int(or(limit, 100)))
	return nil
}

// writeConsumers writes the first limit of the consumers, and the token for the others.
func writeConsumers(enc wire.Encoder, st *stream, consumers []*consumer, limit int) {
	n := min(limit, len(consumers))
	enc.Map()
	enc.Name("Consumers")
	enc.Array()
	for _, cs := range consumers[:n] {
		enc.Map()
		cs.write(enc)
		enc.EndMap()
	}
	enc.EndArray()
	if n < len(consumers) {
		writeText(enc, "NextToken", listToken{millis(), []string{st.name, consumers[n-1].name}}.String())
	}
	enc.EndMap()
}
