package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progressInterval is how often the line is renewed on a terminal; elsewhere a line comes every ten of these.
const progressInterval = 200 * time.Millisecond

// progress writes the line that moves while the program works.
type progress struct {
	w        io.Writer
	terminal bool
	send     *sender
	tally    *tally
	quit     chan struct{}
	running  sync.WaitGroup

	mu  sync.Mutex // guards the fields below
	act string
	end time.Time // when the last line had arrived
}

func startProgress(w io.Writer, send *sender, tally *tally) *progress {
	p := &progress{w: w, terminal: isTerminal(w), send: send, tally: tally, quit: make(chan struct{})}
	p.running.Go(p.run)
	return p
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *progress) say(act string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.act = act
}

// arrived notes that every line was handled now.
func (p *progress) arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = time.Now()
}

func (p *progress) run() {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for tick := 1; ; tick++ {
		select {
		case <-ticker.C:
		case <-p.quit:
			if p.terminal {
				fmt.Fprint(p.w, "\r\x1b[K")
			}
			return
		}
		switch {
		case p.terminal:
			fmt.Fprintf(p.w, "\r\x1b[K%s", p.text())
		case tick%10 == 0:
			fmt.Fprintln(p.w, p.text())
		}
	}
}

func (p *progress) text() string {
	p.mu.Lock()
	act := p.act
	p.mu.Unlock()
	return fmt.Sprintf("%9d lines sent, %9d handled, %6.1f MB: %s",
		p.send.lines.Load(), p.tally.distinct.Load(), float64(p.send.bytes.Load())/1e6, act)
}

// stop ends the line and returns the time at which the last line had arrived, or now where some never did.
func (p *progress) stop() time.Time {
	close(p.quit)
	p.running.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end.IsZero() {
		return time.Now()
	}
	return p.end
}
