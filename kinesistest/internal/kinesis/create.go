package kinesis

import (
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

const (
	onDemandShards  = 4     // of a new on-demand stream
	maxStreamShards = 10000 // of a stream, here
)

// createStreamInput is the input of CreateStream.
type createStreamInput struct {
	name      *string
	shards    *int64
	mode      *string
	strategy  *string
	recordKiB *int64
	warm      *int64
	tags      map[string]string
}

func (in *createStreamInput) member(d wire.Decoder, name string) bool {
	switch name {
	case "StreamName":
		in.name = wire.Text(d)
	case "ShardCount":
		in.shards = number(d)
	case "MaxRecordSizeInKiB":
		in.recordKiB = number(d)
	case "RecordDistributionStrategy":
		in.strategy = wire.Text(d)
	case "StreamModeDetails":
		in.mode = decodeMode(d)
	case "WarmThroughputMiBps":
		in.warm = number(d)
	case "Tags":
		in.tags = decodeTags(d)
	default:
		return false
	}
	return true
}

// check validates the input and fills in what it leaves open.
func (in *createStreamInput) check() error {
	err := first(
		checkName("streamName", in.name),
		checkRange("shardCount", in.shards, 1, 1<<31-1),
		checkRange("maxRecordSizeInKiB", in.recordKiB, defaultRecordKiB, largestRecordKiB),
		checkMode(or(in.mode, modeProvisioned)),
		checkTags(in.tags),
	)
	if err != nil {
		return err
	}
	mode := or(in.mode, modeProvisioned)
	switch {
	case mode == modeOnDemand && in.shards != nil:
		return invalid("shardCount", "must not be given for an on-demand stream")
	case mode == modeOnDemand:
		shards := min(max(onDemandShards, or(in.warm, 0)), maxStreamShards)
		in.shards = &shards
		return checkStrategy(in.strategy)
	case in.strategy != nil:
		return invalidArgument("RecordDistributionStrategy is for on-demand streams alone")
	case in.shards == nil:
		return invalid("shardCount", "must be given for a provisioned stream")
	case *in.shards > maxStreamShards:
		return limitExceeded("%d shards are more than the limit of %d", *in.shards, maxStreamShards)
	}
	return nil
}

func (db *DB) createStream(c *call) error {
	var in createStreamInput
	if err := first(c.decode(in.member), in.check(), db.checkWarm(in.warm, or(in.mode, "") == modeOnDemand)); err != nil {
		return err
	}
	st := newStream(*in.name, db.streamARN(*in.name), or(in.mode, modeProvisioned), int(*in.shards),
		or(in.recordKiB, defaultRecordKiB))
	st.auto, st.warmMiB, st.resource.tags = or(in.strategy, "") == strategyAuto, or(in.warm, 0), in.tags
	st.observer, st.account = db.opts.Observer, db.opts.AccountID
	if err := db.add(st); err != nil {
		return err
	}
	st.observeShards(nil, st.shards, st.createdAt)
	db.after(func() { st.advance(statusCreating, statusActive) })
	return nil
}

// add makes the stream one of the account's.
func (db *DB) add(st *stream) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if _, exists := db.streams[st.name]; exists {
		return inUse("stream %s under account %s already exists", st.name, db.opts.AccountID)
	}
	if db.limits.Load().Operations > 0 {
		if err := db.roomFor(st); err != nil {
			return err
		}
	}
	db.streams[st.name] = st
	return nil
}

// roomFor reports whether the account may have another stream. The caller holds db.mu.
func (db *DB) roomFor(st *stream) error {
	creating, onDemand := 0, 0
	for _, other := range db.streams {
		if other.getStatus() == statusCreating {
			creating++
		}
		if other.getMode() == modeOnDemand {
			onDemand++
		}
	}
	switch {
	case creating >= maxCreating:
		return limitExceeded("account %s has %d streams in %s already", db.opts.AccountID, creating, statusCreating)
	case st.mode == modeOnDemand && onDemand >= maxOnDemandStreams:
		return limitExceeded("account %s has the largest number of on-demand streams, %d", db.opts.AccountID, onDemand)
	}
	return nil
}

func (db *DB) deleteStream(c *call) error {
	var ref streamRef
	enforce := false
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "EnforceConsumerDeletion" {
			enforce = d.Bool()
			return true
		}
		return ref.member(d, name)
	})
	if err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	if err := st.startDeleting(enforce); err != nil {
		return err
	}
	db.after(func() { db.remove(st) })
	return nil
}

// startDeleting moves the stream to DELETING, from any state.
func (st *stream) startDeleting(enforce bool) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.status == statusDeleting:
		return inUse("stream %s is being deleted", st.name)
	case len(st.consumers) > 0 && !enforce:
		return inUse("stream %s has registered consumers: EnforceConsumerDeletion is not set", st.name)
	}
	st.status = statusDeleting
	return nil
}

// remove forgets the stream and wakes its readers.
func (db *DB) remove(st *stream) {
	db.mu.Lock()
	delete(db.streams, st.name)
	db.mu.Unlock()
	st.mu.RLock()
	defer st.mu.RUnlock()
	for _, s := range st.shards {
		s.delete()
	}
}

func (db *DB) updateMaxRecordSize(c *call) error {
	var ref streamRef
	var recordKiB *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "MaxRecordSizeInKiB" {
			recordKiB = number(d)
			return true
		}
		return ref.member(d, name)
	})
	if err != nil {
		return err
	}
	if recordKiB == nil {
		return invalid("maxRecordSizeInKiB", "must not be null")
	}
	if err := checkRange("maxRecordSizeInKiB", recordKiB, defaultRecordKiB, largestRecordKiB); err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	return db.update(st, func() error { return nil }, func() { st.recordKiB = *recordKiB })
}

// sortedStreams returns all streams by name.
func (db *DB) sortedStreams() []*stream {
	db.mu.RLock()
	defer db.mu.RUnlock()
	all := make([]*stream, 0, len(db.streams))
	for _, st := range db.streams {
		all = append(all, st)
	}
	slices.SortFunc(all, func(a, b *stream) int { return strings.Compare(a.name, b.name) })
	return all
}
