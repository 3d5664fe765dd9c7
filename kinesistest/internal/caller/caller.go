package caller

import (
	"context"
	"net/http"
)

// Header is the header of a request that tells who makes it. The real service does not know it.
const Header = "Kinesistest-Caller"

type key struct{}

// Named returns a request of the caller that its header names: the same one if there is none.
func Named(r *http.Request) *http.Request {
	name := r.Header.Get(Header)
	if name == "" {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), key{}, name))
}

// Of returns the name of the caller on whose behalf ctx is, "" for one without a name.
func Of(ctx context.Context) string {
	name, _ := ctx.Value(key{}).(string)
	return name
}
