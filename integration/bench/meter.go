package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// meter measures the process it runs in from start to stop.
type meter struct {
	cpu     time.Duration
	began   time.Time
	mallocs uint64
	profile *os.File
}

func startMeter(profile string) (*meter, error) {
	m := new(meter)
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		m.profile = f
	}
	runtime.GC()
	m.mallocs = mallocs()
	m.cpu, m.began = cpuTime(), time.Now()
	return m, nil
}

// stop returns what was measured of so many records.
func (m *meter) stop(records int, bytes int64) result {
	r := result{Records: records, Bytes: bytes, CPUSeconds: (cpuTime() - m.cpu).Seconds(), WallSeconds: time.Since(m.began).Seconds(),
		Goroutines: runtime.NumGoroutine()}
	r.Allocations = float64(mallocs()-m.mallocs) / float64(max(records, 1))
	if m.profile != nil {
		pprof.StopCPUProfile()
		_ = m.profile.Close() // a profile that is cut off shows when it is read
	}
	r.PeakBytes = peak()
	return r
}

// peak is the most resident memory that the process had. (That of getrusage includes what its starter had.) It is 0 where there is no /proc.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(after, "kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// cpuTime is the user and system time that the process has taken so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
