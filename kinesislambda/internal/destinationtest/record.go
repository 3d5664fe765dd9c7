package destinationtest

import (
	"time"

	"github.com/penstock-go/penstock/kinesislambda"
)

// Record returns a message about records too old, number 7 of the mapping "uuid".
func Record() *kinesislambda.InvocationRecord {
	return &kinesislambda.InvocationRecord{
		RequestContext: kinesislambda.RequestContext{RequestID: "7", Condition: kinesislambda.ConditionRecordAgeExceeded},
		Timestamp:      time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Payload: `{"Records":[]}`, MappingUUID: "uuid",
		KinesisBatchInfo: kinesislambda.KinesisBatchInfo{ShardID: "shardId-000000000003", StartSequenceNumber: "49"},
	}
}
