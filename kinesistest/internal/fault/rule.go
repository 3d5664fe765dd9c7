package fault

import (
	"math/rand/v2"
	"sync"
)

// A Rule says which requests are hurt, and how. The fields are explained where users meet them, at kinesistest.Fault.
type Rule struct {
	Service     string
	Operation   string
	Caller      string
	Stream      string
	Shard       string
	Table       string
	Key         string
	Skip        int
	Count       int
	Probability float64
	Seed        uint64
	Do          Effect
}

// An Injection is a rule in force.
type Injection struct {
	rule Rule
	set  *Set

	mu    sync.Mutex // guards what follows
	rng   *rand.Rand
	seen  int // calls that the rule's names fit
	fired int
}

// Fired returns how many requests the rule has hurt.
func (in *Injection) Fired() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.fired
}

// Remove ends the rule. Requests that it is hurting already stay hurt.
func (in *Injection) Remove() { in.set.remove(in) }

// near reports whether the request may be one of the rule's as far as its headers tell.
func (in *Injection) near(service, operation, caller string) bool {
	return fits(in.rule.Service, service) && fits(in.rule.Operation, operation) && fits(in.rule.Caller, caller)
}

// picks reports whether the rule hurts a request that is about t, and counts it.
func (in *Injection) picks(t target) bool {
	if !t.fits(&in.rule) {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.seen++
	if in.seen <= in.rule.Skip || in.rule.Count > 0 && in.fired >= in.rule.Count {
		return false
	}
	if p := in.rule.Probability; p > 0 && in.rng.Float64() >= p {
		return false
	}
	in.fired++
	return true
}

// chance draws from the rule's generator: true with the given probability.
func (in *Injection) chance(probability float64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.rng.Float64() < probability
}

// fits reports whether a criterion, of which "" is none, accepts a value.
func fits(criterion, value string) bool { return criterion == "" || criterion == value }
