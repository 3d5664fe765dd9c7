package dynamodb

import "time"

// recovery is the setting of a table's point-in-time recovery. There is nothing behind it: no table can be restored here.
type recovery struct {
	enabled bool
	since   time.Time
	days    int
}

// The recovery period in days, from the service's documentation.
const (
	leastRecoveryDays = 1
	mostRecoveryDays  = 35
)

type updateContinuousBackupsInput struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int
	}
}

type continuousBackupsOutput struct {
	ContinuousBackupsDescription continuousBackupsDescription
}

type continuousBackupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription recoveryDescription
}

type recoveryDescription struct {
	PointInTimeRecoveryStatus  string
	RecoveryPeriodInDays       int     `json:",omitempty"`
	EarliestRestorableDateTime float64 `json:",omitempty"` // seconds
	LatestRestorableDateTime   float64 `json:",omitempty"` // seconds
}

// updateContinuousBackups switches point-in-time recovery on or off.
func (db *DB) updateContinuousBackups(in *updateContinuousBackupsInput) (*continuousBackupsOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noSuchBackupTable(in.TableName)
	}
	wanted := in.PointInTimeRecoverySpecification
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if s := t.status(now); s != "ACTIVE" && s != "UPDATING" {
		return nil, refusal("ContinuousBackupsUnavailableException",
			"Backups are being enabled for the table: %s. Please retry later", t.name)
	}
	switch {
	case !*wanted.PointInTimeRecoveryEnabled:
		t.recovery = recovery{}
	case !t.recovery.enabled:
		t.recovery = recovery{enabled: true, since: now, days: mostRecoveryDays}
	}
	if days := wanted.RecoveryPeriodInDays; days != nil && t.recovery.enabled {
		t.recovery.days = *days
	}
	return t.recovery.describe(now), nil
}

func (in *updateContinuousBackupsInput) check() error {
	var v violations
	v.name(in.TableName, "tableName")
	const place = "pointInTimeRecoverySpecification"
	switch s := in.PointInTimeRecoverySpecification; {
	case s == nil:
		v.add("null", place, "Member must not be null")
	case s.PointInTimeRecoveryEnabled == nil:
		v.add("null", place+".pointInTimeRecoveryEnabled", "Member must not be null")
	default:
		v.atLeast(s.RecoveryPeriodInDays, place+".recoveryPeriodInDays", leastRecoveryDays)
		v.atMost(s.RecoveryPeriodInDays, place+".recoveryPeriodInDays", mostRecoveryDays)
	}
	return v.err()
}

// describeContinuousBackups tells whether point-in-time recovery is on.
func (db *DB) describeContinuousBackups(in *tableInput) (*continuousBackupsOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noSuchBackupTable(in.TableName)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.recovery.describe(time.Now()), nil
}

func noSuchBackupTable(nameOrARN string) error {
	return refusal("TableNotFoundException", "Table not found: %s", tableName(nameOrARN))
}

// restorableDelay is how far the latest restorable time is behind the clock, from the service's documentation.
const restorableDelay = 5 * time.Minute

func (r recovery) describe(now time.Time) *continuousBackupsOutput {
	d := recoveryDescription{PointInTimeRecoveryStatus: "DISABLED"}
	if r.enabled {
		d = recoveryDescription{"ENABLED", r.days, seconds(r.since), seconds(r.latest(now))}
	}
	return &continuousBackupsOutput{continuousBackupsDescription{"ENABLED", d}}
}

// latest returns the latest restorable time, never before the earliest.
func (r recovery) latest(now time.Time) time.Time {
	if latest := now.Add(-restorableDelay); latest.After(r.since) {
		return latest
	}
	return r.since
}
