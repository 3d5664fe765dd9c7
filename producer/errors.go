package producer

import (
	"errors"
	"fmt"
	"strings"
)

// What Put, TryPut and PutSync refuse. A record that was refused has no result: its done does not run.
var (
	// ErrConfig is the kind of every [ConfigError].
	ErrConfig = errors.New("producer: wrong configuration")
	// ErrEmptyKey: set a partition key; the service requires one.
	ErrEmptyKey = errors.New("producer: the partition key is empty")
	// ErrKeyTooLong: the service takes partition keys of at most 256 Unicode characters.
	ErrKeyTooLong = errors.New("producer: the partition key has more than 256 characters")
	// ErrKeyNotUTF8: the request would carry other bytes than the key's, and the record would get another hash key.
	ErrKeyNotUTF8 = errors.New("producer: the partition key is not valid UTF-8")
	// ErrBadHashKey: an explicit hash key is a decimal number from 0 to 2^128-1, in digits alone.
	ErrBadHashKey = errors.New("producer: the explicit hash key is not a decimal number from 0 to 2^128-1")
	// ErrRecordTooLarge is the kind of every [SizeError]. It is also the error of a result, where the stream's maximum became known
	// only after the record had been put.
	ErrRecordTooLarge = errors.New("producer: the record is larger than the stream takes")
	// ErrLargerThanBuffer: the record alone is larger than Config.MaxBufferedBytes.
	ErrLargerThanBuffer = errors.New("producer: the record is larger than Config.MaxBufferedBytes")
	// ErrBufferFull: TryPut found no room, or others waiting for it.
	ErrBufferFull = errors.New("producer: the buffer is full")
	// ErrInCallback: the call would wait for something that needs its own done to return first.
	ErrInCallback = errors.New("producer: this call may wait for its own callback; inside done use TryPut, or another goroutine")
)

// What a result's error matches. All but ErrUnreachable, ErrThrottled, ErrUnavailable and ErrOutcomeUnknown say why the producer
// gave the record up; those four say more about it and stand beside another one.
var (
	// ErrClosed: the producer was closed. From Put: the record was not taken. In a result: Close ended before the record was stored.
	ErrClosed = errors.New("producer: closed")
	// ErrExpired: Config.TTL passed before the record was stored.
	ErrExpired = errors.New("producer: the record expired")
	// ErrTooManyAttempts: the record was sent Config.MaxAttempts times.
	ErrTooManyAttempts = errors.New("producer: too many attempts")
	// ErrEarlierFailed: with [FailLater], an earlier record of the same partition key has failed and its done has not returned.
	// Put returns it, too.
	ErrEarlierFailed = errors.New("producer: an earlier record of the partition key failed")
	// ErrAccessDenied: the service refused the credentials, or they lack kinesis:PutRecords on the stream.
	ErrAccessDenied = errors.New("producer: access denied")
	// ErrStreamNotFound: correct the stream's name or the client's region, or create the stream.
	ErrStreamNotFound = errors.New("producer: the stream does not exist")
	// ErrEncryption: the key of the encrypted stream cannot be used. It is mended in KMS.
	ErrEncryption = errors.New("producer: the stream's encryption key cannot be used")
	// ErrRejected: the service will never take this record. It was sent alone, so that no other record is the cause.
	ErrRejected = errors.New("producer: the service rejected the record")

	// ErrUnreachable: the last attempt did not get a connection. Correct the endpoint or the region, or mend the network.
	ErrUnreachable = errors.New("producer: the endpoint cannot be reached")
	// ErrThrottled: the last attempt was refused because the shard's or the account's rate was exceeded.
	ErrThrottled = errors.New("producer: throttled")
	// ErrUnavailable: the last attempt failed for a passing reason of the service or the way to it.
	ErrUnavailable = errors.New("producer: the service is unavailable")
	// ErrOutcomeUnknown: at least one attempt was sent, but what became of it is not known. The record may stand in the stream.
	ErrOutcomeUnknown = errors.New("producer: the outcome of an attempt is unknown")
)

// What [Hooks.Degraded] may be told, besides ErrAccessDenied, ErrStreamNotFound, ErrUnreachable, ErrUnavailable and ErrThrottled.
var (
	// ErrAutoDistribution: the service distributes the stream's records by itself (AUTO record distribution), so that an aggregate would go to
	// shards to which its records do not belong. The producer sends plain records, and looks
	// every five minutes whether that has changed.
	ErrAutoDistribution = errors.New("producer: the stream has AUTO record distribution")
	// ErrMisplaced: records were stored in shards to which they do not belong, though the shards have not changed and the service does
	// not say that it distributes them by itself. The producer looks again every five minutes.
	ErrMisplaced = errors.New("producer: records were stored in shards to which they do not belong")
)

// ConfigError is one fault of a [Config]. [New] joins as many as there are.
type ConfigError struct {
	Field  string // as in the source
	Reason string // what is wrong and what to set instead
}

// Error names the field and says what to change.
func (e *ConfigError) Error() string { return "producer: Config." + e.Field + ": " + e.Reason }

// Unwrap returns [ErrConfig].
func (e *ConfigError) Unwrap() error { return ErrConfig }

// SizeError says by how much a record is too large. It matches [ErrRecordTooLarge].
type SizeError struct {
	Bytes int // data and partition key; with the envelope for data that must be wrapped, see the package documentation
	Max   int // what the stream takes
}

// Error gives both sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("producer: the record has %d bytes of data and partition key, more than the %d that the stream takes", e.Bytes, e.Max)
}

// Unwrap returns [ErrRecordTooLarge].
func (e *SizeError) Unwrap() error { return ErrRecordTooLarge }

// FailedError is the error of a record that was accepted but is not confirmed as stored. With errors.Is it matches Reason, Last and,
// if MaybeStored, [ErrOutcomeUnknown].
type FailedError struct {
	Reason      error  // why it was given up: one of the sentinels, or a [*SizeError]
	Last        error  // how the last attempt failed: ErrUnreachable, ErrThrottled, ErrUnavailable, or nil
	Code        string // the service's error code of the last attempt, or our own as in [Attempt.Code]; may be empty
	Attempts    int    // how often the record was sent
	MaybeStored bool   // at least one attempt's outcome is unknown, or left the record where consumers may drop it
}

// Error says why, after how many attempts, and whether the record may have been stored all the same.
func (e *FailedError) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason.Error())
	if e.Attempts > 0 {
		fmt.Fprintf(&b, " after %d attempts", e.Attempts)
	}
	if e.Last != nil {
		fmt.Fprintf(&b, "; last: %s", strings.TrimPrefix(e.Last.Error(), "producer: "))
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.MaybeStored {
		b.WriteString("; it may have been stored")
	}
	return b.String()
}

// Unwrap returns what the error matches.
func (e *FailedError) Unwrap() []error {
	kinds := []error{e.Reason}
	if e.Last != nil {
		kinds = append(kinds, e.Last)
	}
	if e.MaybeStored {
		kinds = append(kinds, ErrOutcomeUnknown)
	}
	return kinds
}
