package kinesis

import (
	"context"
	"net/http"
	"slices"
)

// A refusal says of the shard that a record is for whether, and why, the record is refused.
type refusal = func(shard string) (code, message string, refused bool)

type refusalKey struct{}

// Refusing returns a context for requests whose puts ask refuse about every record, in the order of the request. A record that
// it refuses is not stored: an entry of PutRecords fails with the code and the message, a PutRecord as a whole. refuse is
// called by the goroutine that serves the request, about records that ctx does not refuse already.
func Refusing(ctx context.Context, refuse refusal) context.Context {
	if before, ok := ctx.Value(refusalKey{}).(refusal); ok {
		after := refuse
		refuse = func(shard string) (string, string, bool) {
			if code, message, refused := before(shard); refused {
				return code, message, true
			}
			return after(shard)
		}
	}
	return context.WithValue(ctx, refusalKey{}, refuse)
}

// refuse marks those of the records that left lists which the context refuses, and returns the others.
func refuse(ctx context.Context, placed []placement, left []int) []int {
	ask, _ := ctx.Value(refusalKey{}).(refusal)
	if ask == nil {
		return left
	}
	return slices.DeleteFunc(left, func(i int) bool {
		code, message, refused := ask(placed[i].shard.id)
		if refused {
			placed[i].refused = &fault{http.StatusBadRequest, code, message}
		}
		return refused
	})
}
