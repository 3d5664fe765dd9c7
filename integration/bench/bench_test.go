package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesistest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// Each row's program does its work, here of a few records, and says so in the form that the table reads.
func TestEveryRowOfOursRuns(t *testing.T) {
	srv := kinesistest.New()
	t.Cleanup(func() { srv.Close() })
	url, err := srv.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cert := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(cert, srv.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, s := range sections() {
		for _, kind := range s.kinds {
			program := programs[kind]
			if program == nil || seen[kind] {
				continue
			}
			seen[kind] = true
			t.Run(kind, func(t *testing.T) {
				todo := task{Row: s.title, Kind: kind, Records: 50, Size: 20, Aggregated: s.task.Aggregated, Shards: 1, URL: url, CertFile: cert, Stream: kind}
				c, err := client(place{url, cert})
				if err != nil {
					t.Fatal(err)
				}
				if s.remote {
					if err := createStream(t.Context(), c, &todo); err != nil {
						t.Fatal(err)
					}
				}
				if strings.HasPrefix(kind, "consume") {
					if err := fill(t.Context(), c, &todo); err != nil {
						t.Fatal(err)
					}
				}
				r, err := program(t.Context(), &todo)
				if err != nil {
					t.Fatal(err)
				}
				if r.Records < 50 || r.Bytes != int64(r.Records)*20 || strings.HasPrefix(kind, "latency") != (len(r.Percentiles) == 3) {
					t.Errorf("%+v", r)
				}
				if _, err := json.Marshal(r); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if len(seen) != len(programs) {
		t.Errorf("%d kinds of rows in the table, %d programs", len(seen), len(programs))
	}
}
