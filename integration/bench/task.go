package main

import "time"

// task is what one row is asked to do.
type task struct {
	Row        string // its name in the table
	Kind       string // which program: see programs
	Records    int    // user records
	Size       int    // bytes of data of each
	Aggregated bool
	Long       time.Duration // how much CPU time to spend on repetitions, where the records are not all there is to do
	Shards     int
	URL        string // of the server; empty for rows that need none
	CertFile   string // of the server's certificate, in PEM
	Stream     string
	Profile    string // where to write a CPU profile; empty: nowhere
}

// result is what it measured.
type result struct {
	Records     int     // user records, all repetitions together
	Bytes       int64   // of data
	CPUSeconds  float64 // user and system
	WallSeconds float64
	PeakBytes   int64   // resident memory of the process
	Allocations float64 // for each record; negative where nobody can say
	Memcpy      float64 // MB per CPU second of the floors, over the same bytes
	MD5         float64
	SHA256      float64
	Percentiles []float64 `json:",omitempty"` // latency in milliseconds: 50, 99, 99.9
	Goroutines  int       `json:",omitempty"` // at the end
}

func (r result) mbPerCPU() float64      { return float64(r.Bytes) / 1e6 / r.CPUSeconds }
func (r result) recordsPerCPU() float64 { return float64(r.Records) / r.CPUSeconds }
