package wire

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

func TestFramesAreReadByTheSDK(t *testing.T) {
	payload := bytes.Repeat([]byte("payload "), 1000)
	headers := []Header{{":message-type", "event"}, {"empty", ""}}
	two, start := BeginFrame(nil, headers)
	two, start = BeginFrame(EndFrame(append(two, payload...), start), nil)
	two = EndFrame(two, start)
	r := bytes.NewReader(two)
	dec := eventstream.NewDecoder()
	msg, err := dec.Decode(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(msg.Headers) != 2 || msg.Headers.Get(":message-type").String() != "event" || !bytes.Equal(msg.Payload, payload) {
		t.Fatalf("headers %v, %d bytes", msg.Headers, len(msg.Payload))
	}
	if msg, err = dec.Decode(r, nil); err != nil || len(msg.Headers) != 0 || len(msg.Payload) != 0 {
		t.Fatalf("empty frame: %v, %v", msg, err)
	}
}
