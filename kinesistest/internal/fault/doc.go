// Package fault makes a server misbehave by rule, between its clients and the services it emulates.
//
// A [Set] stands in front of the services as a handler. It asks every rule, in the order of their injection, whether the
// request is one of its own; the effects of those that say yes are wrapped round the service, the first one outermost:
//
//	request --> rule A's effect --> rule B's effect --> service
//	reply   <-- rule A's effect <-- rule B's effect <--
//
// An effect may answer in the service's place, wait before or after it, run it twice, keep its reply, or damage the reply.
//
// A connection that breaks is a panic with [http.ErrAbortHandler], which is how a handler asks net/http to break one; the
// transport without a socket understands it too. So every effect works over either.
//
// Invariants:
//
//   - a rule decides in the order in which calls arrive, by a generator of its own: the same calls in the same order are
//     treated alike for the same seed;
//   - without rules, and for callers without a name, a request passes untouched and unread;
//   - every wait ends with the request's context and with the server; no lock is held during one.
//
// Files in reading order: rule.go, set.go, target.go, effect.go, refuse.go, writer.go, damage.go, partition.go.
package fault
