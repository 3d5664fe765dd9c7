package kinesis

import (
	"strconv"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// A streamRef is how a request names a stream: by name, by ARN, or by both.
type streamRef struct{ name, arn *string }

// member reads the member of a request if it names a stream. The reserved StreamId is accepted and not used.
func (ref *streamRef) member(d wire.Decoder, name string) bool {
	switch name {
	case "StreamName":
		ref.name = wire.Text(d)
	case "StreamARN":
		ref.arn = wire.Text(d)
	default:
		return false
	}
	return true
}

// given says whether the request names a stream at all.
func (ref *streamRef) given() bool { return ref.name != nil || ref.arn != nil }

// streamARN returns the ARN of the stream with the given name.
func (db *DB) streamARN(name string) string { return db.arnPrefix + name }

// resolve returns the name of the stream that ref means.
func (db *DB) resolve(ref streamRef) (string, error) {
	if err := checkOptionalName("streamName", ref.name); err != nil {
		return "", err
	}
	if ref.arn == nil {
		if ref.name == nil {
			return "", invalidArgument("either StreamName or StreamARN must be given")
		}
		return *ref.name, nil
	}
	name, err := db.nameOfARN("streamARN", *ref.arn)
	if err != nil {
		return "", err
	}
	if ref.name != nil && *ref.name != name {
		return "", invalidArgument("StreamARN and StreamName name different streams")
	}
	return name, nil
}

// nameOfARN returns the name of the stream in arn. A stream of another account or region is one that nobody here may see.
func (db *DB) nameOfARN(member, arn string) (string, error) {
	if len(arn) < 1 || len(arn) > maxARNLen {
		return "", invalid(member, "must have a length of 1 to %d", maxARNLen)
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "kinesis" {
		return "", invalid(member, "value %q is not an ARN of a stream", arn)
	}
	name, ok := strings.CutPrefix(parts[5], "stream/")
	if !ok || checkOptionalName(member, &name) != nil {
		return "", invalid(member, "value %q is not an ARN of a stream", arn)
	}
	if db.streamARN(name) != arn {
		return "", notFound("stream %s not found", arn)
	}
	return name, nil
}

// splitConsumerARN returns the ARN of the stream, the consumer's name and the creation time in seconds that a consumer's
// ARN consists of.
func splitConsumerARN(arn string) (streamARN, name string, created int64, ok bool) {
	streamARN, rest, ok := strings.Cut(arn, "/consumer/")
	if !ok {
		return "", "", 0, false
	}
	name, stamp, ok := strings.Cut(rest, ":")
	created, err := strconv.ParseInt(stamp, 10, 64)
	return streamARN, name, created, ok && err == nil
}
