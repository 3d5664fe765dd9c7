package shards

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Lister is the part of the Kinesis client that the walker calls.
type Lister interface {
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
}

// Listing is a complete walk over a stream's shards.
type Listing struct {
	Shards []Shard
	// ServiceTime is the service's own clock at the first page, from the reply's Date header (whole seconds). It is zero where
	// the server sends none.
	ServiceTime time.Time
}

// maxPages bounds a walk: the service lists at most 1,000 shards a page and a stream has at most 20,000.
const maxPages = 1000

// List walks all pages of ListShards. filter may be nil: every shard that still has records. A server that ignores the filter
// returns more shards than were asked for, so callers look at [Shard.Closed] themselves. Errors are the SDK's, wrapped.
func List(ctx context.Context, api Lister, stream Stream, filter *types.ShardFilter) (Listing, error) {
	in := &kinesis.ListShardsInput{StreamName: stream.NameParam(), StreamARN: stream.ARNParam(), ShardFilter: filter}
	var listing Listing
	for range maxPages {
		out, err := api.ListShards(ctx, in)
		if err != nil {
			return Listing{}, fmt.Errorf("shards: list %s: %w", stream.Name(), err)
		}
		if listing.ServiceTime.IsZero() {
			listing.ServiceTime = serviceTime(out.ResultMetadata)
		}
		for _, listed := range out.Shards {
			shard, err := FromListed(listed)
			if err != nil {
				return Listing{}, err
			}
			listing.Shards = append(listing.Shards, shard)
		}
		if out.NextToken == nil {
			return listing, nil
		}
		// With a token the service refuses the stream's name and the filter; both are inside the token.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
	return Listing{}, fmt.Errorf("shards: list %s: more than %d pages", stream.Name(), maxPages)
}

func serviceTime(metadata smithymiddleware.Metadata) time.Time {
	reply, ok := middleware.GetRawResponse(metadata).(*smithyhttp.Response)
	if !ok {
		return time.Time{}
	}
	date, err := http.ParseTime(reply.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date
}
