package kinesis

import (
	"sync"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// What an account may have, as DescribeLimits tells. The number of shards is the largest that the service gives a region by itself;
// it is not enforced.
const (
	accountShards      = 20000
	maxOnDemandStreams = 50
)

func (db *DB) describeLimits(c *call) error {
	if err := c.decode(noMembers); err != nil {
		return err
	}
	open, onDemand := int64(0), int64(0)
	for _, st := range db.sortedStreams() {
		open += int64(len(*st.route.Load()))
		if st.getMode() == modeOnDemand {
			onDemand++
		}
	}
	enc := c.out(kib)
	enc.Map()
	writeNumber(enc, "ShardLimit", accountShards)
	writeNumber(enc, "OpenShardCount", open)
	writeNumber(enc, "OnDemandStreamCount", onDemand)
	writeNumber(enc, "OnDemandStreamCountLimit", maxOnDemandStreams)
	enc.EndMap()
	return nil
}

// noMembers is for operations whose input has none.
func noMembers(wire.Decoder, string) bool { return false }

// The states of the commitment to a minimum of throughput.
const (
	commitmentEnabled  = "ENABLED"
	commitmentDisabled = "DISABLED"
	commitmentEnding   = "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
)

// commitmentWindow is how long a commitment lasts at least. The documentation of the service says only that there are such times.
const commitmentWindow = 24 * time.Hour

// A commitment is the account's setting of that name: the mode called on-demand advantage, which allows warm throughput and more consumers.
//
//	DISABLED --enable--> ENABLED --disable, a day or more later--> DISABLED
//	                        |  ^
//	                disable |  | enable
//	                        v  |
//	        ENABLED_UNTIL_EARLIEST_ALLOWED_END --the day is over--> DISABLED
type commitment struct {
	mu             sync.Mutex // guards what follows; taken last
	enabled        bool
	ending         bool // as soon as it may
	started, ended int64
}

// settle ends a commitment that is due. The caller holds mu.
func (cm *commitment) settle(now int64) {
	if end := cm.started + commitmentWindow.Milliseconds(); cm.enabled && cm.ending && now >= end {
		cm.enabled, cm.ending, cm.ended = false, false, end
	}
}

func (cm *commitment) set(enable bool, now int64) {
	cm.mu.Lock()
	defer cm.mu.Unlock()
	cm.settle(now)
	switch {
	case enable && !cm.enabled:
		cm.enabled, cm.started, cm.ended = true, now, 0
	case enable:
		cm.ending = false
	case cm.enabled:
		cm.ending = true
		if cm.settle(now); !cm.enabled {
			cm.ended = now
		}
	}
}

func (cm *commitment) active() bool {
	cm.mu.Lock()
	defer cm.mu.Unlock()
	cm.settle(millis())
	return cm.enabled
}

func (cm *commitment) write(enc wire.Encoder) {
	cm.mu.Lock()
	defer cm.mu.Unlock()
	cm.settle(millis())
	status := commitmentDisabled
	switch {
	case cm.ending:
		status = commitmentEnding
	case cm.enabled:
		status = commitmentEnabled
	}
	enc.Map()
	enc.Name("MinimumThroughputBillingCommitment")
	enc.Map()
	writeText(enc, "Status", status)
	if cm.started != 0 {
		writeMillis(enc, "StartedAt", cm.started)
		writeMillis(enc, "EarliestAllowedEndAt", cm.started+commitmentWindow.Milliseconds())
	}
	if cm.ended != 0 {
		writeMillis(enc, "EndedAt", cm.ended)
	}
	enc.EndMap()
	enc.EndMap()
}

func (db *DB) describeAccountSettings(c *call) error {
	if err := c.decode(noMembers); err != nil {
		return err
	}
	db.commitment.write(c.out(kib))
	return nil
}

func (db *DB) updateAccountSettings(c *call) error {
	const member = "minimumThroughputBillingCommitment"
	var status *string
	given := false
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name != "MinimumThroughputBillingCommitment" {
			return false
		}
		given = true
		for name := range d.Fields() {
			if string(name) == "Status" {
				status = wire.Text(d)
			} else {
				d.Skip()
			}
		}
		return true
	})
	switch {
	case err != nil:
		return err
	case !given:
		return invalid(member, "must not be null")
	case status == nil:
		return invalid(member+".status", "must not be null")
	case *status != commitmentEnabled && *status != commitmentDisabled:
		return invalid(member+".status", "value %q is not one of %s, %s", *status, commitmentEnabled, commitmentDisabled)
	}
	db.commitment.set(*status == commitmentEnabled, millis())
	db.commitment.write(c.out(kib))
	return nil
}
