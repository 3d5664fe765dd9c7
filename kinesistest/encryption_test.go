package kinesistest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/kinesistest"
)

const kmsKey = "alias/orders"

func (r *rig) encrypt(key string) error {
	_, err := r.StartStreamEncryption(r.ctx(), &kinesis.StartStreamEncryptionInput{StreamARN: r.arn(), EncryptionType: "KMS", KeyId: &key})
	return err
}

func (r *rig) decrypt(key string) error {
	_, err := r.StopStreamEncryption(r.ctx(), &kinesis.StopStreamEncryptionInput{StreamName: r.stream, EncryptionType: "KMS", KeyId: &key})
	return err
}

func TestEncryptedRecordsSaySo(t *testing.T) {
	r := newRig(t, 1)
	if got := r.put("k", "plain").EncryptionType; got != "" {
		t.Errorf("a plain put says %s", got)
	}
	must(t, r.encrypt(kmsKey))
	if got := r.put("k", "sealed").EncryptionType; got != "KMS" {
		t.Errorf("an encrypted put says %s", got)
	}
	out, err := r.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: r.stream, Records: []types.PutRecordsRequestEntry{{PartitionKey: aws.String("k"), Data: []byte("sealed")}}})
	must(t, err)
	if out.EncryptionType != "KMS" {
		t.Errorf("encrypted puts say %s", out.EncryptionType)
	}
	if s := r.summary(); s.EncryptionType != "KMS" || *s.KeyId != kmsKey {
		t.Errorf("summary %+v", s)
	}
	must(t, r.decrypt(kmsKey))
	r.put("k", "plain")
	if s := r.summary(); s.EncryptionType != "NONE" || s.KeyId != nil {
		t.Errorf("summary %+v", s)
	}
	for i, rec := range r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records {
		want := types.EncryptionType("")
		if string(rec.Data) == "sealed" {
			want = "KMS"
		}
		if rec.EncryptionType != want {
			t.Errorf("record %d, %s, says %s", i, rec.Data, rec.EncryptionType)
		}
	}
}

func TestBadEncryptionIsRefused(t *testing.T) {
	r := newRig(t, 1)
	for body, code := range map[string]string{
		`{"StreamName":"orders","EncryptionType":"NONE","KeyId":"k"}`:  "InvalidArgumentException",
		`{"StreamName":"orders","EncryptionType":"ROT13","KeyId":"k"}`: "ValidationException",
		`{"StreamName":"orders","EncryptionType":"KMS"}`:               "ValidationException",
		`{"StreamName":"orders","EncryptionType":"KMS","KeyId":""}`:    "ValidationException",
		`{"StreamName":"orders","KeyId":"k"}`:                          "ValidationException",
		`{"StreamName":"other","EncryptionType":"KMS","KeyId":"k"}`:    "ResourceNotFoundException",
	} {
		r.refused("StartStreamEncryption", body, code)
		r.refused("StopStreamEncryption", body, code)
	}
}

func TestEncryptionIsChangedTwentyFiveTimesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Operations: 1}))
		if n := calls(t, tooMany, func() error { return r.encrypt(kmsKey) }); n != 25 {
			t.Errorf("started %d times", n)
		}
		if n := calls(t, tooMany, func() error { return r.decrypt(kmsKey) }); n != 25 {
			t.Errorf("stopped %d times", n)
		}
	})
}

var keyStates = []kinesistest.KeyState{
	kinesistest.KeyDenied, kinesistest.KeyDisabled, kinesistest.KeyInvalidState, kinesistest.KeyNotFound, kinesistest.KeyOptInNeeded, kinesistest.KeyThrottled,
}

func TestWhileAKeyDoesNotWorkItsStreamsDoNot(t *testing.T) {
	for _, state := range keyStates {
		t.Run(string(state), func(t *testing.T) {
			r := newRig(t, 1)
			must(t, r.encrypt(kmsKey))
			r.put("k", "a")
			it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
			use := func() map[string]error {
				errs := map[string]error{}
				_, errs["PutRecord"] = r.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("b")})
				_, errs["PutRecords"] = r.PutRecords(t.Context(), &kinesis.PutRecordsInput{
					StreamName: r.stream, Records: []types.PutRecordsRequestEntry{{PartitionKey: aws.String("k"), Data: []byte("b")}},
				})
				_, errs["GetRecords"] = r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
				errs["StartStreamEncryption"] = r.encrypt(kmsKey)
				return errs
			}
			r.srv.SetKeyState("alias/another", state)
			for operation, err := range use() {
				if err != nil {
					t.Errorf("%s with another key broken: %v", operation, err)
				}
			}
			r.srv.SetKeyState(kmsKey, state)
			for operation, err := range use() {
				var api smithy.APIError
				if !errors.As(err, &api) || api.ErrorCode() != string(state) {
					t.Errorf("%s: %v", operation, err)
				}
			}
			r.srv.SetKeyState(kmsKey, kinesistest.KeyWorks)
			for operation, err := range use() {
				if err != nil {
					t.Errorf("%s with the key mended: %v", operation, err)
				}
			}
		})
	}
}

func TestAKeyThatBreaksEndsSubscriptions(t *testing.T) {
	for _, state := range keyStates {
		t.Run(string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				must(t, r.encrypt(kmsKey))
				arn := r.register("reader")
				es, err := r.subscribe(arn, shardID(0), fromHorizon)
				must(t, err)
				event(es)
				r.srv.SetKeyState(kmsKey, state)
				for range es.Events() { // at the next heartbeat
				}
				wantCode(t, es.Err(), string(state))
				_ = es.Close() // says it again

				time.Sleep(5 * time.Second)
				es, err = r.subscribe(arn, shardID(0), fromHorizon)
				must(t, err)
				for range es.Events() {
					t.Error("an event")
				}
				wantCode(t, es.Err(), string(state))
				_ = es.Close() // says it again
			})
		})
	}
}
