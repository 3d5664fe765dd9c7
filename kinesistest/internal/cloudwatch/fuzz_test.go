package cloudwatch

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A caller's mistake never costs the server more than an answer that says so.
func FuzzServeHTTP(f *testing.F) {
	good := []byte("\xa2\x69Namespace\x61n\x6aMetricData\x81\xa2\x6aMetricName\x61m\x65Value\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00")
	f.Add(uint8(0), false, good)
	f.Add(uint8(0), true, good)
	f.Add(uint8(0), false, bytes.Repeat([]byte{0xc1}, 1000))
	f.Add(uint8(0), false, []byte("\xbf\x7f\x64Name\x65space\xff\x61n\x61x\x9f\xf9\x7e\x00\xff\xff"))
	f.Add(uint8(1), false, []byte(`{"Namespace":"n","MetricData":[{"MetricName":"m","Value":1,"Timestamp":1e300}]}`))
	f.Add(uint8(2), false, []byte("Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1"))
	f.Add(uint8(3), false, []byte{})
	f.Fuzz(func(t *testing.T, protocol uint8, packed bool, body []byte) {
		if packed {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(body) // a buffer cannot fail
			_ = z.Close()
			body = b.Bytes()
		}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		switch protocol % 4 {
		case 0:
			r.URL.Path = rpcPrefix + putMetricData
			r.Header.Set("Smithy-Protocol", rpcProtocol)
			r.Header.Set("Content-Type", rpcType)
		case 1:
			r.Header.Set("X-Amz-Target", Target+putMetricData)
		case 2:
			r.Header.Set("Content-Type", formType)
		}
		if packed {
			r.Header.Set("Content-Encoding", "gzip")
		}
		db, w := New(Options{Keep: 10}), httptest.NewRecorder()
		db.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if kept := len(db.Metrics()); kept > 10 || (w.Code == http.StatusOK) != (kept > 0) {
			t.Errorf("status %d, and %d data are kept", w.Code, kept)
		}
	})
}
