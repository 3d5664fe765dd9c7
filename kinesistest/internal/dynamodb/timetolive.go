package dynamodb

import "time"

type timeToLiveSpecification struct {
	AttributeName string
	Enabled       *bool
}

type updateTimeToLiveInput struct {
	TableName               string
	TimeToLiveSpecification *timeToLiveSpecification
}

type updateTimeToLiveOutput struct {
	TimeToLiveSpecification *timeToLiveSpecification
}

type describeTimeToLiveOutput struct {
	TimeToLiveDescription timeToLiveDescription
}

type timeToLiveDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

// timeToLiveInterval is how long the setting stands before it may be changed again, from the service's documentation.
const timeToLiveInterval = time.Hour

// updateTimeToLive lets items expire, or no longer.
func (db *DB) updateTimeToLive(in *updateTimeToLiveInput) (*updateTimeToLiveOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noSuchTable(tableName(in.TableName))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.catchUp(now)
	if err := t.changeable(now); err != nil {
		return nil, err
	}
	if err := t.setTimeToLive(in.TimeToLiveSpecification, now); err != nil {
		return nil, err
	}
	t.expiry.changedAt, t.expiry.settledAt = now, now.Add(db.opts.Transition)
	return &updateTimeToLiveOutput{in.TimeToLiveSpecification}, nil
}

func (in *updateTimeToLiveInput) check() error {
	var v violations
	v.name(in.TableName, "tableName")
	switch s := in.TimeToLiveSpecification; {
	case s == nil:
		v.add("null", "timeToLiveSpecification", "Member must not be null")
	case s.Enabled == nil:
		v.add("null", "timeToLiveSpecification.enabled", "Member must not be null")
	case s.AttributeName == "":
		v.add("null", "timeToLiveSpecification.attributeName", "Member must not be null")
	}
	return v.err()
}

// setTimeToLive changes which attribute holds the time. The caller holds mu for writing.
func (t *table) setTimeToLive(wanted *timeToLiveSpecification, now time.Time) error {
	e := &t.expiry
	switch {
	case *wanted.Enabled && e.attribute != "":
		return invalid("TimeToLive is already enabled")
	case !*wanted.Enabled && e.attribute == "":
		return invalid("TimeToLive is already disabled")
	case !*wanted.Enabled && e.attribute != wanted.AttributeName:
		return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", e.attribute)
	case !e.changedAt.IsZero() && now.Sub(e.changedAt) < timeToLiveInterval:
		return invalid("Time to live has been modified multiple times within a fixed interval")
	case *wanted.Enabled:
		t.enableExpiry(wanted.AttributeName)
	default:
		e.attribute, e.due = "", rows{}
	}
	return nil
}

// describeTimeToLive tells which attribute holds the time, if items expire.
func (db *DB) describeTimeToLive(in *tableInput) (*describeTimeToLiveOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noSuchTable(tableName(in.TableName))
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	changing := time.Now().Before(t.expiry.settledAt)
	d := timeToLiveDescription{AttributeName: t.expiry.attribute}
	switch {
	case d.AttributeName != "" && changing:
		d.TimeToLiveStatus = "ENABLING"
	case d.AttributeName != "":
		d.TimeToLiveStatus = "ENABLED"
	case changing:
		d.TimeToLiveStatus = "DISABLING"
	default:
		d.TimeToLiveStatus = "DISABLED"
	}
	return &describeTimeToLiveOutput{d}, nil
}
