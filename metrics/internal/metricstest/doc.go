// Package metricstest lets the metrics packages watch a producer and a worker at work: a stream of two shards in virtual time, on which each
// kind of trouble happens once. Its files: world.go.
package metricstest
