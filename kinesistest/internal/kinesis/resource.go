package kinesis

import (
	"strings"
	"sync"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// A resource is what streams and consumers have in common: tags and a policy, which concern nobody but those who ask for them.
// The zero value has none.
type resource struct {
	mu     sync.Mutex // guards what follows; taken last
	tags   map[string]string
	policy string // "" for none
}

// resource returns the stream or the consumer with the given ARN, in whatever state it is.
func (db *DB) resource(arn *string) (*resource, error) {
	if err := checkRequired("resourceARN", arn); err != nil {
		return nil, err
	}
	if strings.Contains(*arn, "/consumer/") {
		_, cs, err := db.consumer(consumerRef{arn: arn})
		if err != nil {
			return nil, err
		}
		return &cs.resource, nil
	}
	name, err := db.nameOfARN("resourceARN", *arn)
	if err != nil {
		return nil, err
	}
	st, err := db.stream(streamRef{name: &name})
	if err != nil {
		return nil, err
	}
	return &st.resource, nil
}

// decodeResource reads the input of an operation that names its resource by ARN, and returns the resource.
func (db *DB) decodeResource(c *call, member func(d wire.Decoder, name string) bool) (*resource, error) {
	var arn *string
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "ResourceARN" {
			arn = wire.Text(d)
			return true
		}
		return member(d, name)
	})
	if err != nil {
		return nil, err
	}
	return db.resource(arn)
}
