package kinesis

import (
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The capacity modes of a stream. Who chooses the shards of a provisioned one is its user, of an on-demand one the service.
const (
	modeProvisioned = "PROVISIONED"
	modeOnDemand    = "ON_DEMAND"
)

// modesPerDay is how often UpdateStreamMode may be called for a stream in 24 hours.
const modesPerDay = 2

// maxWarmMiB is the largest warm throughput of a stream, in MiB a second. A shard takes one.
const maxWarmMiB = 10240

// decodeMode reads the member StreamModeDetails.
func decodeMode(d wire.Decoder) (mode *string) {
	for name := range d.Fields() {
		if string(name) == "StreamMode" {
			mode = wire.Text(d)
		} else {
			d.Skip()
		}
	}
	return mode
}

func checkMode(mode string) error {
	if mode != modeProvisioned && mode != modeOnDemand {
		return invalid("streamModeDetails.streamMode", "value %q is not one of %s, %s", mode, modeProvisioned, modeOnDemand)
	}
	return nil
}

// checkWarm checks a warm throughput that was asked for; onDemand is the mode that the stream will have.
func (db *DB) checkWarm(mib *int64, onDemand bool) error {
	switch {
	case mib == nil:
		return nil
	case *mib < 0:
		return invalid("warmThroughputMiBps", "value %d is negative", *mib)
	case *mib > maxWarmMiB:
		return limitExceeded("a warm throughput of %d MiB a second is more than the limit of %d", *mib, maxWarmMiB)
	case !onDemand:
		return invalidArgument("WarmThroughputMiBps is for on-demand streams alone")
	case !db.commitment.active():
		return clientFault("ValidationException", "account %s has not enabled MinimumThroughputBillingCommitment, which warm throughput needs",
			db.opts.AccountID)
	}
	return nil
}

// warm prepares an on-demand stream for a throughput: it opens shards if there are too few, and closes none. The caller holds st.mu.
func (st *stream) warm(mib int64) {
	st.warmMiB = mib
	if n := min(int(mib), maxStreamShards); n > len(*st.route.Load()) {
		st.scale(n)
	}
}

// updateStreamMode leaves the shards as they are. A stream that becomes provisioned distributes records by their keys, since the other
// strategy is for on-demand streams alone.
func (db *DB) updateStreamMode(c *call) error {
	var ref streamRef
	var mode *string
	var warm *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "StreamModeDetails":
			mode = decodeMode(d)
		case "WarmThroughputMiBps":
			warm = number(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	if err := first(err, checkRequired("streamARN", ref.arn), checkRequired("streamModeDetails.streamMode", mode), checkMode(or(mode, modeOnDemand))); err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	if err := db.checkWarm(warm, *mode == modeOnDemand); err != nil {
		return err
	}
	return db.update(st, func() error {
		if st.mode == *mode {
			return invalidArgument("stream %s is %s already", st.name, st.mode)
		}
		return db.admitChange(st, "UpdateStreamMode", modesPerDay)
	}, func() {
		st.mode = *mode
		if st.mode == modeProvisioned {
			st.auto, st.warmMiB = false, 0
		} else if warm != nil {
			st.warm(*warm)
		}
	})
}

func (db *DB) updateStreamWarmThroughput(c *call) error {
	var ref streamRef
	var warm *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "WarmThroughputMiBps" {
			warm = number(d)
			return true
		}
		return ref.member(d, name)
	})
	if err != nil {
		return err
	}
	if warm == nil {
		return invalid("warmThroughputMiBps", "must not be null")
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	if err := db.checkWarm(warm, st.getMode() == modeOnDemand); err != nil {
		return err
	}
	before := int64(0)
	err = db.update(st, func() error {
		before = st.warmMiB
		return nil
	}, func() { st.warm(*warm) })
	if err != nil {
		return err
	}
	enc := c.out(kib)
	enc.Map()
	writeText(enc, "StreamName", st.name)
	writeText(enc, "StreamARN", st.arn)
	writeWarmThroughput(enc, before, *warm)
	enc.EndMap()
	return nil
}

func writeWarmThroughput(enc wire.Encoder, current, target int64) {
	enc.Name("WarmThroughput")
	enc.Map()
	writeNumber(enc, "CurrentMiBps", current)
	writeNumber(enc, "TargetMiBps", target)
	enc.EndMap()
}
