package shards

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ErrStreamName reports a text that is neither a stream's name nor its ARN.
var ErrStreamName = errors.New("not a stream name (1 to 128 of letters, digits, '_', '.', '-') or stream ARN")

// Stream is how a stream is named in requests: by its ARN where the user gave one, else by its name. The service reaches
// another account's stream by ARN alone, and some of its emulators know names alone, so neither is ever guessed.
type Stream struct{ name, arn string }

// maxNameLen is the service's bound on stream names, in characters.
const maxNameLen = 128

// ParseStream reads a stream's name or ARN. The error is [ErrStreamName].
func ParseStream(nameOrARN string) (Stream, error) {
	if !strings.HasPrefix(nameOrARN, "arn:") {
		if !validName(nameOrARN) {
			return Stream{}, ErrStreamName
		}
		return Stream{name: nameOrARN}, nil
	}
	// arn:aws:kinesis:region:account:stream/name
	parts := strings.SplitN(nameOrARN, ":", 6)
	if len(parts) != 6 || parts[2] != "kinesis" {
		return Stream{}, fmt.Errorf("%w: the ARN is not one of Kinesis", ErrStreamName)
	}
	name, found := strings.CutPrefix(parts[5], "stream/")
	if !found || !validName(name) {
		return Stream{}, fmt.Errorf("%w: the ARN does not end in stream/NAME", ErrStreamName)
	}
	return Stream{name: name, arn: nameOrARN}, nil
}

func validName(name string) bool {
	if name == "" || len(name) > maxNameLen {
		return false
	}
	for _, c := range []byte(name) {
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alphanumeric && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// Name returns the stream's name, also where it is addressed by ARN.
func (s Stream) Name() string { return s.name }

// ARN returns the ARN, or "" where the stream is addressed by name.
func (s Stream) ARN() string { return s.arn }

// NameParam returns what belongs into a request's StreamName: nil where the ARN is used.
func (s Stream) NameParam() *string {
	if s.arn != "" {
		return nil
	}
	return aws.String(s.name)
}

// ARNParam returns what belongs into a request's StreamARN: nil where the name is used.
func (s Stream) ARNParam() *string {
	if s.arn == "" {
		return nil
	}
	return aws.String(s.arn)
}
