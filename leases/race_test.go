//go:build race

package leases_test

// The race detector makes a fleet ten times as slow: still one whose table is read in parts.
const (
	defaultShards  = 550
	defaultWorkers = 6
)
