//go:build !race

package leases_test

const (
	defaultShards  = 1000
	defaultWorkers = 20
)
