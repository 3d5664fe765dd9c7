package producer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/wire"
)

// send is a sender: one of MaxInFlight goroutines, each with one request in flight at a time.
func (p *Producer) send() {
	for request := range p.requests {
		body := p.bodySize(request)
		p.buffer.lend(body)
		in := p.input(request)
		start := p.now()
		out, err := p.call(in)
		p.buffer.giveBytes(body)
		p.settle(request, p.outcomes(request, out, err), start, p.now()-start)
	}
}

// jsonCopies is how often a request's data stands in memory while it is written and sent in JSON: in base64, and while the text grows.
const jsonCopies = 3

// bodySize is what a request takes while it is in flight, beside what its entries have reserved: in JSON the text. In CBOR the payloads are sent
// from where they are.
func (p *Producer) bodySize(request []*entry) (n int) {
	if p.protocol.Protocol() != wire.JSON {
		return 0
	}
	for _, e := range request {
		n += jsonCopies * e.size
	}
	return n
}

// input makes the request. It shares the entries' payloads, which do not change while it is sent.
func (p *Producer) input(request []*entry) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: p.stream.NameParam(), StreamARN: p.stream.ARNParam(),
		Records: make([]types.PutRecordsRequestEntry, len(request))}
	encode(request...)
	for i, e := range request {
		to := &in.Records[i]
		to.Data = e.data
		if to.Data == nil {
			to.Data = []byte{} // the SDK takes nil for a missing member
		}
		first := &e.records[0]
		to.PartitionKey = &first.partitionKey
		if e.aggregated {
			to.PartitionKey = aws.String(aggregateKey)
		}
		if e.aggregated || first.explicit {
			to.ExplicitHashKey = aws.String(first.hash.String())
		}
	}
	return in
}

// call makes one attempt: when to make another is for each record's lane and deadline to say, of which the SDK knows nothing.
func (p *Producer) call(in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	ctx, cancel := context.WithTimeout(p.life, p.cfg.RequestTimeout)
	defer cancel()
	return wire.Call(p.protocol, func(protocol func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
		return p.cfg.Kinesis.PutRecords(ctx, in, singleAttempt, protocol)
	})
}

// fellBack tells that the server does not take CBOR.
func (p *Producer) fellBack(cause error) {
	p.cfg.Logger.Warn("the server does not take CBOR; JSON is used from now on", zap.Error(cause))
	p.cfg.Hooks.fellBack(cause)
}

// outcome is what an attempt came to for one entry: it is stored, or failure says why not.
type outcome struct {
	landed  landing
	failure *failure
}

// outcomes reads the reply.
func (p *Producer) outcomes(request []*entry, out *kinesis.PutRecordsOutput, err error) []outcome {
	outcomes := make([]outcome, len(request))
	var whole *failure
	switch {
	case err != nil:
		whole = wholeFailure(err)
	case len(out.Records) != len(request):
		whole = &failure{code: CodeInvalidReply, kind: ErrUnavailable, unknown: true}
	}
	for i := range outcomes {
		if outcomes[i].failure = whole; whole == nil {
			outcomes[i] = single(&out.Records[i])
		}
	}
	return outcomes
}

// single reads what the reply says of one entry.
func single(r *types.PutRecordsResultEntry) outcome {
	if code := aws.ToString(r.ErrorCode); code != "" {
		f := classify(&smithy.GenericAPIError{Code: code})
		f.code, f.unknown = code, false // the service says that it has not stored it
		return outcome{failure: f}
	}
	if r.ShardId == nil || r.SequenceNumber == nil {
		return outcome{failure: &failure{code: CodeInvalidReply, kind: ErrUnavailable, unknown: true}}
	}
	return outcome{landed: landing{shard: *r.ShardId, sequenceNumber: *r.SequenceNumber}}
}
