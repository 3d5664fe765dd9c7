package dynamodb

import "time"

// deleteTable starts the deletion of a table: it answers no item operation from now on, and is gone after the
// transition.
func (db *DB) deleteTable(in *tableInput) (*tableOutput, error) {
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
	if t.protected {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. " +
			"Disable deletion protection first.")
	}
	t.goneAt = now.Add(db.opts.Transition)
	return &tableOutput{TableDescription: t.describe(now)}, nil
}
