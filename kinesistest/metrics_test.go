package kinesistest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-go/penstock/kinesistest"
)

// protocols are what clients put metrics in: the SDK's own, and the ones of other SDKs.
var protocols = map[string]func(*cloudwatch.Options){
	"cbor":  func(*cloudwatch.Options) {},
	"json":  func(o *cloudwatch.Options) { o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801) },
	"query": func(o *cloudwatch.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) },
}

// inEveryProtocol runs a test once for each protocol, with a client that makes one attempt.
func inEveryProtocol(t *testing.T, test func(t *testing.T, srv *kinesistest.Server, c *cloudwatch.Client)) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := kinesistest.New()
				defer srv.Close()
				once := func(o *cloudwatch.Options) { o.Retryer = aws.NopRetryer{} }
				test(t, srv, cloudwatch.New(srv.CloudWatch().Options(), protocol, once))
			})
		})
	}
}

func datum(name string, value float64) types.MetricDatum {
	return types.MetricDatum{MetricName: &name, Value: &value}
}

func put(t *testing.T, c *cloudwatch.Client, data ...types.MetricDatum) error {
	t.Helper()
	_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("pipe"), MetricData: data})
	return err
}

// wantRefused checks that the client knows an error by its type, whichever way the protocol spells it.
func wantRefused[E error](t *testing.T, err error) {
	t.Helper()
	var typed E
	if !errors.As(err, &typed) {
		t.Fatalf("got error %v, want %T", err, typed)
	}
}

type (
	invalid   = *types.InvalidParameterValueException
	exclusive = *types.InvalidParameterCombinationException
	missing   = *types.MissingRequiredParameterException
)

func TestMetricsAreReadAsTheyWerePut(t *testing.T) {
	inEveryProtocol(t, func(t *testing.T, srv *kinesistest.Server, c *cloudwatch.Client) {
		yesterday := time.Now().Add(-24 * time.Hour).Truncate(time.Millisecond)
		must(t, put(t, c,
			datum("Plain", 1.5),
			types.MetricDatum{
				MetricName: aws.String("Listed & <counted>"), Values: []float64{1, -2.25, 1e100}, Counts: []float64{3, 2, 0},
				Dimensions: []types.Dimension{{Name: aws.String("ShardId"), Value: aws.String("a b+c%&=")}, {Name: aws.String("X"), Value: aws.String("y")}},
				Timestamp:  &yesterday, Unit: types.StandardUnitBytesSecond, StorageResolution: aws.Int32(1),
			},
			types.MetricDatum{MetricName: aws.String("Summed"), StatisticValues: &types.StatisticSet{
				SampleCount: aws.Float64(4), Sum: aws.Float64(10), Minimum: aws.Float64(-1), Maximum: aws.Float64(7),
			}},
		))
		want := []kinesistest.Metric{
			{
				Namespace: "pipe", Name: "Plain", Dimensions: map[string]string{}, At: time.Now(), Values: []float64{1.5}, Counts: []float64{1},
				SampleCount: 1, Sum: 1.5, Minimum: 1.5, Maximum: 1.5, Unit: "None", Resolution: 60,
			},
			{
				Namespace: "pipe", Name: "Listed & <counted>", Dimensions: map[string]string{"ShardId": "a b+c%&=", "X": "y"}, At: yesterday,
				Values: []float64{1, -2.25, 1e100}, Counts: []float64{3, 2, 0}, SampleCount: 5, Sum: -1.5, Minimum: -2.25, Maximum: 1e100,
				Unit: "Bytes/Second", Resolution: 1,
			},
			{
				Namespace: "pipe", Name: "Summed", Dimensions: map[string]string{}, At: time.Now(),
				SampleCount: 4, Sum: 10, Minimum: -1, Maximum: 7, Unit: "None", Resolution: 60,
			},
		}
		if diff := cmp.Diff(want, srv.Metrics()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMetricsOfEntitiesAreKeptToo(t *testing.T) {
	inEveryProtocol(t, func(t *testing.T, srv *kinesistest.Server, c *cloudwatch.Client) {
		_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace: aws.String("pipe"),
			EntityMetricData: []types.EntityMetricData{{
				Entity:     &types.Entity{KeyAttributes: map[string]string{"Type": "Service", "Name": "worker"}},
				MetricData: []types.MetricDatum{datum("Lag", 3)},
			}},
		})
		must(t, err)
		if got := srv.Metrics(); len(got) != 1 || got[0].Name != "Lag" || got[0].Sum != 3 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestARequestTakesAThousandMetricsAndNoMore(t *testing.T) {
	inEveryProtocol(t, func(t *testing.T, srv *kinesistest.Server, c *cloudwatch.Client) {
		many := make([]types.MetricDatum, 1000)
		for i := range many {
			many[i] = datum(fmt.Sprint("Metric", i), float64(i))
			many[i].Dimensions = []types.Dimension{
				{Name: aws.String("Stream"), Value: aws.String("orders")}, {Name: aws.String("Shard"), Value: aws.String("shardId-0")},
				{Name: aws.String("Worker"), Value: aws.String("one")}, {Name: aws.String("Operation"), Value: aws.String("all")},
			}
		}
		must(t, put(t, c, many...))
		got := srv.Metrics()
		for i, m := range got {
			if m.Name != fmt.Sprint("Metric", i) || m.Sum != float64(i) || len(m.Dimensions) != 4 {
				t.Fatalf("metric %d is %+v", i, m)
			}
		}
		wantRefused[invalid](t, put(t, c, slices.Concat(many, []types.MetricDatum{datum("More", 1)})...))
		if len(got) != 1000 || len(srv.Metrics()) != 1000 {
			t.Errorf("%d, then %d metrics", len(got), len(srv.Metrics()))
		}
	})
}

func TestBadMetricsAreRefusedByName(t *testing.T) {
	dimensions := make([]types.Dimension, 31)
	for i := range dimensions {
		dimensions[i] = types.Dimension{Name: aws.String(fmt.Sprint("d", i)), Value: aws.String("v")}
	}
	now := time.Now()
	early, late := now.Add(-15*24*time.Hour), now.Add(3*time.Hour)
	for name, bad := range map[string]struct {
		datum types.MetricDatum
		want  func(*testing.T, error)
	}{
		"no value":           {types.MetricDatum{MetricName: aws.String("m")}, wantRefused[missing]},
		"empty name":         {datum("", 1), wantRefused[missing]},
		"long name":          {datum(strings.Repeat("n", 256), 1), wantRefused[invalid]},
		"NaN":                {datum("m", math.NaN()), wantRefused[invalid]},
		"infinity":           {datum("m", math.Inf(-1)), wantRefused[invalid]},
		"too large":          {datum("m", math.Ldexp(1.1, 360)), wantRefused[invalid]},
		"value and values":   {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Values: []float64{1}}, wantRefused[exclusive]},
		"counts alone":       {types.MetricDatum{MetricName: aws.String("m"), Counts: []float64{1}}, wantRefused[exclusive]},
		"too few counts":     {types.MetricDatum{MetricName: aws.String("m"), Values: []float64{1, 2}, Counts: []float64{1}}, wantRefused[invalid]},
		"negative count":     {types.MetricDatum{MetricName: aws.String("m"), Values: []float64{1}, Counts: []float64{-1}}, wantRefused[invalid]},
		"151 values":         {types.MetricDatum{MetricName: aws.String("m"), Values: make([]float64, 151)}, wantRefused[invalid]},
		"31 dimensions":      {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Dimensions: dimensions}, wantRefused[invalid]},
		"dimension twice":    {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Dimensions: []types.Dimension{dimensions[0], dimensions[0]}}, wantRefused[invalid]},
		"empty dimension":    {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Dimensions: []types.Dimension{{Name: aws.String("d"), Value: aws.String("")}}}, wantRefused[missing]},
		"dimension's script": {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Dimensions: []types.Dimension{{Name: aws.String("ü"), Value: aws.String("v")}}}, wantRefused[invalid]},
		"unknown unit":       {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Unit: "Furlongs"}, wantRefused[invalid]},
		"resolution":         {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), StorageResolution: aws.Int32(30)}, wantRefused[invalid]},
		"too old":            {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Timestamp: &early}, wantRefused[invalid]},
		"too far ahead":      {types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Timestamp: &late}, wantRefused[invalid]},
		"half a statistic":   {types.MetricDatum{MetricName: aws.String("m"), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(1), Sum: aws.Float64(1), Minimum: aws.Float64(2), Maximum: aws.Float64(1)}}, wantRefused[invalid]},
	} {
		for protocol, speak := range protocols {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				srv := kinesistest.New()
				defer srv.Close()
				c := cloudwatch.New(srv.CloudWatch().Options(), speak)
				bad.want(t, put(t, c, datum("good", 1), bad.datum))
				if got := srv.Metrics(); len(got) != 0 {
					t.Errorf("kept %+v", got)
				}
			})
		}
	}
}

func TestNamespacesAreChecked(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	for _, namespace := range []string{"AWS/Kinesis", ":pipe", strings.Repeat("n", 256)} {
		_, err := srv.CloudWatch().PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace: &namespace, MetricData: []types.MetricDatum{datum("m", 1)},
		})
		wantCode(t, err, "InvalidParameterValue")
	}
}

func TestAFaultStandsInFrontOfMetrics(t *testing.T) {
	inEveryProtocol(t, func(t *testing.T, srv *kinesistest.Server, c *cloudwatch.Client) {
		throttle := srv.Inject(kinesistest.Fault{
			Service: kinesistest.CloudWatch, Count: 1, Do: kinesistest.Fail(http.StatusBadRequest, "ThrottlingException", "Rate exceeded"),
		})
		wantCode(t, put(t, c, datum("m", 1)), "ThrottlingException")
		wantFired(t, throttle, 1)
		lost := srv.Inject(kinesistest.Fault{Service: kinesistest.CloudWatch, Count: 1, Do: kinesistest.DropReply()})
		if err := put(t, c, datum("m", 2)); err == nil {
			t.Error("the reply was not dropped")
		}
		wantFired(t, lost, 1)
		if got := srv.Metrics(); len(got) != 1 || got[0].Sum != 2 {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestTheClientTriesAThrottledPutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := kinesistest.New()
		defer srv.Close()
		in := srv.Inject(kinesistest.Fault{
			Operation: "PutMetricData", Caller: "worker", Count: 2, Do: kinesistest.Fail(http.StatusBadRequest, "ThrottlingException", ""),
		})
		must(t, put(t, srv.As("worker").CloudWatch(), datum("m", 1)))
		wantFired(t, in, 2)
		if got := len(srv.Metrics()); got != 1 {
			t.Errorf("%d metrics", got)
		}
	})
}

// Of one server's URL all services are had.
func TestMetricsArriveOverASocket(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	base, err := srv.Listen("127.0.0.1:0")
	must(t, err)
	for name, protocol := range protocols {
		c := cloudwatch.New(srv.CloudWatch().Options(), protocol, func(o *cloudwatch.Options) {
			o.BaseEndpoint, o.HTTPClient = &base, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		})
		must(t, put(t, c, datum(name, 1)))
	}
	names := make(map[string]bool)
	for _, m := range srv.Metrics() {
		names[m.Name] = true
	}
	for name := range maps.Keys(protocols) {
		if !names[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// What Java clients of all ages send and want to read: a form, and XML.
func TestTheFormAndItsAnswerAreThoseOfOldClients(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	send := func(form string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", strings.NewReader(form))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		resp, err := srv.HTTPClient().Do(r)
		must(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp.StatusCode, string(body)
	}
	good := url.Values{
		"Action": {"PutMetricData"}, "Version": {"2010-08-01"}, "Namespace": {"KCL"},
		"MetricData.member.2.MetricName": {"second"}, "MetricData.member.2.Value": {"2.0"},
		"MetricData.member.10.MetricName": {"tenth"}, "MetricData.member.10.Value": {"1e1"},
		"MetricData.member.1.MetricName": {"first"}, "MetricData.member.1.Value": {"1"},
		"MetricData.member.1.Dimensions.member.1.Name": {"Operation"}, "MetricData.member.1.Dimensions.member.1.Value": {"a&b"},
	}
	if status, body := send(good.Encode()); status != http.StatusOK || !strings.Contains(body, "<PutMetricDataResponse ") {
		t.Errorf("%d %s", status, body)
	}
	var order []string
	for _, m := range srv.Metrics() {
		order = append(order, m.Name)
	}
	if diff := cmp.Diff([]string{"first", "second", "tenth"}, order); diff != "" {
		t.Error(diff)
	}
	for form, code := range map[string]string{
		"Action=DescribeAlarms": "InvalidAction",
		"":                      "InvalidAction",
		"Action=PutMetricData":  "MissingParameter",
		"Action=PutMetricData&Namespace=x&MetricData.member.1.MetricName=m&MetricData.member.1.Value=many": "MalformedInput",
		"Action=%zz": "MalformedInput",
	} {
		if status, body := send(form); status != http.StatusBadRequest || !strings.Contains(body, "<Code>"+code+"</Code>") {
			t.Errorf("%q: %d %s", form, status, body)
		}
	}
}

func TestABodyMayBeLargeNeitherPackedNorUnpacked(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.CopyN(z, zeros{}, 1<<20+1)
	must(t, err)
	must(t, z.Close())
	for encoding, body := range map[string]io.Reader{"gzip": &packed, "": io.LimitReader(zeros{}, 1<<20+1)} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/service/GraniteServiceVersion20100801/operation/PutMetricData", body)
		must(t, err)
		r.Header.Set("Content-Type", "application/cbor")
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		r.Header.Set("Content-Encoding", encoding)
		resp, err := srv.HTTPClient().Do(r)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%q: status %d", encoding, resp.StatusCode)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
