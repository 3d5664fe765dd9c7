// Package retry answers the two questions that follow a failed call to AWS: what kind of failure was it ([Classify]), and when
// may the call be made again ([Policy], [Schedule]).
//
// The SDK's own retryer is switched off on data-plane calls: it cannot know shards or deadlines, its sleeps are hidden, and its
// jitter cannot be seeded. Files: class.go (errors), schedule.go (delays).
package retry
