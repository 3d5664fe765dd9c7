package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// SubscribeAPI is the call that opens an event stream; *kinesis.Client has it.
type SubscribeAPI interface {
	SubscribeToShard(context.Context, *kinesis.SubscribeToShardInput, ...func(*kinesis.Options)) (*kinesis.SubscribeToShardOutput, error)
}

// A Subscription is the event stream of one SubscribeToShard call, read in the goroutine of its user:
//
//	open --Next fails, or returns io.EOF--> ended
//	  \______________Close________________> ended
//
// The SDK's own reader has three goroutines and two channels for a stream, and takes a stream that was cut off for one that came to its
// end. A Subscription has none: an event is read from the connection when Next is called, so that a slow user makes the service wait.
//
// Next belongs to one goroutine at a time; Close may be called by any, at any time, more than once.
type Subscription struct {
	body   io.ReadCloser
	cancel context.CancelFunc // ends the request whose reply the stream is
	events *eventReader
	closed atomic.Bool
	err    error // why the stream ended; nil while it is open. Next's own.
}

// Subscribe opens a subscription. ctx bounds its whole life, not only the call: when it ends, a Next that waits returns.
//
// No time limit is set anywhere. The service sends an event every few seconds even if there are no records, so that a user who
// hears nothing for longer should take the connection for dead and close the subscription.
func Subscribe(
	ctx context.Context, c *Choice, api SubscribeAPI, in *kinesis.SubscribeToShardInput, options ...func(*kinesis.Options),
) (*Subscription, error) {
	ctx, cancel := context.WithCancel(ctx)
	sub, err := Call(c, func(protocol func(*kinesis.Options)) (*Subscription, error) {
		var opening opening
		out, err := api.SubscribeToShard(ctx, in, append(options[:len(options):len(options)], protocol, opening.option)...)
		if err != nil {
			return nil, err //nolint:wrapcheck // the service's error is the result
		}
		return opening.subscription(out)
	})
	if err != nil {
		cancel()
		return nil, err
	}
	sub.cancel = cancel
	return sub, nil
}

// Next waits for the next event and returns it. The data of its records aliases memory that belongs to this event alone. The
// error is
//
//   - io.EOF when the service ended the stream between two events, as it does after five minutes and at the end of a shard;
//   - one of the service's, such as *types.ResourceInUseException when another call took the subscription over;
//   - a [*FrameError] when the stream is damaged or was cut off, or a *smithy.DeserializationError when an event is;
//   - [ErrClosed] after Close;
//   - the connection's otherwise; it wraps the context's when ctx ended.
//
// After an error the stream has ended, and Next returns the same error again. What came before it is complete: resume after the last
// event.
func (s *Subscription) Next() (*types.SubscribeToShardEvent, error) {
	for s.err == nil {
		event, err := s.next()
		if err != nil {
			s.end(err)
		} else if records, ok := event.(*types.SubscribeToShardEvent); ok {
			return records, nil
		} // anything else is a kind of event that this version does not know
	}
	return nil, s.err
}

func (s *Subscription) next() (smithy.Deserializable, error) {
	f, err := readFrame(s.body)
	if err != nil {
		return nil, err
	}
	return s.events.event(f)
}

// end keeps why the stream ended. What happens to a stream that was closed meanwhile is a consequence of that.
func (s *Subscription) end(err error) {
	var frame *FrameError
	switch {
	case s.closed.Load():
		err = ErrClosed
	case errors.Is(err, io.EOF) && !errors.As(err, &frame):
		err = io.EOF
	}
	s.err = err
	s.stop()
}

// Close ends the stream. A Next that waits returns.
func (s *Subscription) Close() {
	if !s.closed.Swap(true) {
		s.stop()
	}
}

// stop ends the request before it closes the body: a transport may hold a lock of the body while it reads, and the end of the
// request ends the reading.
func (s *Subscription) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	_ = s.body.Close() // nothing more is wanted of it
}

// An opening takes the body of the reply to one SubscribeToShard call, in place of the SDK's middleware that would start its own reader.
type opening struct{ body io.ReadCloser }

// eventStreamStep is the SDK's name of that middleware. It is the same since the first versions of the SDK.
const eventStreamStep = "OperationEventStreamDeserializer"

func (o *opening) option(options *kinesis.Options) {
	options.APIOptions = append(options.APIOptions, func(stack *middleware.Stack) error {
		_, err := stack.Deserialize.Swap(eventStreamStep, middleware.DeserializeMiddlewareFunc(eventStreamStep, o.take))
		return err //nolint:wrapcheck // the SDK says what is missing
	})
}

func (o *opening) take(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	reply, ok := out.RawResponse.(*smithyhttp.Response)
	switch {
	case !ok || reply.Body == nil:
	case err != nil:
		_ = reply.Body.Close() // of an event stream the SDK leaves it open
	default:
		o.body = reply.Body
	}
	return out, metadata, err //nolint:wrapcheck // it is the operation's, on its way to the caller
}

// subscription returns the subscription whose body was taken, after reading the first frame of it.
func (o *opening) subscription(out *kinesis.SubscribeToShardOutput) (*Subscription, error) {
	if o.body == nil {
		if stream := out.GetStream(); stream != nil {
			_ = stream.Close() // nobody will read it
		}
		return nil, ErrNoStream
	}
	s := &Subscription{body: o.body, events: newEventReader()}
	f, err := readFrame(s.body)
	if errors.Is(err, io.EOF) && f == nil {
		err = &FrameError{Reason: "the stream ended before the initial response", Err: err}
	}
	if err == nil {
		err = s.events.initial(f, out)
	}
	if err != nil {
		_ = s.body.Close() // nothing more is wanted of it
		return nil, fmt.Errorf("wire: opening the subscription: %w", err)
	}
	return s, nil
}
