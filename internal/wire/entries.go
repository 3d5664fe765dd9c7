package wire

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
)

// entriesByHand: the records of a request are written by hand, if they are as they were when this was written.
var entriesByHand = hasOnly(schemas.PutRecordsRequestEntry, "Data", "ExplicitHashKey", "PartitionKey")

// The names of their members, with heads.
const (
	textData            = "\x64Data"
	textExplicitHashKey = "\x6fExplicitHashKey"
	textPartitionKey    = "\x6cPartitionKey"
)

// serialize writes the input of an operation as a whole document. Where records are written by hand, the SDK's code writes all else, and
// in their place an empty list, which is filled as soon as it begins.
func (s *serializer) serialize(in smithy.Serializable) {
	s.open = s.room[:0]
	if put, ok := in.(*kinesis.PutRecordsInput); ok && entriesByHand {
		rest := *put
		rest.Records, s.records = put.Records[:0], put.Records
		in = &rest
	}
	in.Serialize(s)
}

// entries writes the records into the list that was just begun.
func (s *serializer) entries() {
	s.open[len(s.open)-1].count = len(s.records)
	for i := range s.records {
		record := &s.records[i]
		head := len(s.text)
		s.text = append(s.text, majorMap)
		if record.Data != nil {
			s.text[head]++
			s.text = appendHead(append(s.text, textData...), majorBytes, uint64(len(record.Data)))
			s.put(record.Data)
		}
		if key := record.ExplicitHashKey; key != nil {
			s.text[head]++
			s.text = appendText(append(s.text, textExplicitHashKey...), *key)
		}
		if key := record.PartitionKey; key != nil {
			s.text[head]++
			s.text = appendText(append(s.text, textPartitionKey...), *key)
		}
	}
}
