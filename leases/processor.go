package leases

import (
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// processor measures how busy the processor is, from the files in which Linux tells: in a container (cgroups of version 2 or 1) of what the
// container may use, else of the whole machine. These are the Java library's sources on EKS and EC2; what it asks the metadata service for
// on ECS stands in the container's files as well.
type processor struct {
	root fs.FS // the machine's files
	last tally
}

// tally is what had been done at a moment.
type tally struct {
	at    time.Time     // by the process's clock; zero: nobody knows
	up    time.Duration // by the machine's
	busy  time.Duration // of all cores together
	cores float64       // how many may be used at once
}

func newProcessor(root fs.FS) *processor { return &processor{root: root} }

// used returns how busy the processor was since the last call, in percent; false: that cannot be told. So it is where the two clocks
// disagree: the machine was suspended, or time is virtual.
func (p *processor) used() (percent float64, known bool) {
	last := p.last
	p.last = p.read()
	if last.at.IsZero() || p.last.at.IsZero() {
		return 0, false
	}
	passed, clock, busy := p.last.up-last.up, p.last.at.Sub(last.at), p.last.busy-last.busy
	if passed <= 0 || passed > 2*clock || clock > 2*passed || busy < 0 {
		return 0, false
	}
	return min(100, 100*busy.Seconds()/(passed.Seconds()*p.last.cores)), true
}

// read returns what has been done up to now.
func (p *processor) read() tally {
	w := tally{at: time.Now()}
	up, err := p.numbers("proc/uptime")
	if err != nil || len(up) == 0 {
		return tally{}
	}
	w.up = seconds(up[0])
	for _, source := range []func() (time.Duration, float64, error){p.cgroup2, p.cgroup1, p.machine} {
		if w.busy, w.cores, err = source(); err == nil && w.cores > 0 {
			return w
		}
	}
	return tally{}
}

const cgroups = "sys/fs/cgroup"

func (p *processor) cgroup2() (busy time.Duration, cores float64, err error) {
	quota, err := fs.ReadFile(p.root, path.Join(cgroups, "cpu.max")) // "<quota> <period>" in microseconds, or "max <period>"
	if err != nil {
		return 0, 0, err
	}
	stat, err := fs.ReadFile(p.root, path.Join(cgroups, "cpu.stat"))
	if err != nil {
		return 0, 0, err
	}
	cores = float64(runtime.NumCPU())
	var most, period float64
	if n, _ := fmt.Sscan(string(quota), &most, &period); n == 2 && most > 0 && period > 0 {
		cores = most / period
	}
	for line := range strings.Lines(string(stat)) {
		if micros, found := strings.CutPrefix(line, "usage_usec "); found {
			used, err := strconv.ParseFloat(strings.TrimSpace(micros), 64)
			return time.Duration(used * 1e3), cores, err
		}
	}
	return 0, 0, fs.ErrNotExist
}

func (p *processor) cgroup1() (busy time.Duration, cores float64, err error) {
	used, err := p.numbers(path.Join(cgroups, "cpuacct/cpuacct.usage")) // nanoseconds
	if err != nil {
		return 0, 0, err
	}
	cores = float64(runtime.NumCPU())
	quota, err := p.numbers(path.Join(cgroups, "cpu/cpu.cfs_quota_us")) // -1: none
	if err != nil {
		return 0, 0, err
	}
	period, err := p.numbers(path.Join(cgroups, "cpu/cpu.cfs_period_us"))
	if err != nil || len(used) == 0 {
		return 0, 0, err
	}
	if len(quota) == 1 && len(period) == 1 && quota[0] > 0 && period[0] > 0 {
		cores = quota[0] / period[0]
	}
	return time.Duration(used[0]), cores, nil
}

// machine reads the whole machine's work: the first line has the hundredths of a second that all its cores spent on user, nice, system, idle,
// iowait, irq, softirq and steal; then there is a line for each.
func (p *processor) machine() (busy time.Duration, cores float64, err error) {
	text, err := fs.ReadFile(p.root, "proc/stat")
	if err != nil {
		return 0, 0, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		switch {
		case i > 0 && len(words) > 0 && strings.HasPrefix(words[0], "cpu"):
			cores++
		case i == 0:
			if len(words) < 9 || words[0] != "cpu" {
				return 0, 0, fs.ErrInvalid
			}
			for n, word := range words[1:9] {
				if spent, err := strconv.ParseInt(word, 10, 64); err != nil {
					return 0, 0, err
				} else if n != 3 && n != 4 { // idle, and waiting for a disk
					busy += time.Duration(spent) * 10 * time.Millisecond
				}
			}
		}
	}
	return busy, cores, nil
}

// numbers reads a file of nothing but numbers.
func (p *processor) numbers(name string) ([]float64, error) {
	text, err := fs.ReadFile(p.root, name)
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, word := range strings.Fields(string(text)) {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
