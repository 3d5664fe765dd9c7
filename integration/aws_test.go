//go:build aws

package integration

import "testing"

// It creates one stream of four shards (six after the reshards) and one on-demand table for each way of reading, streams some 7 MB
// through them and deletes both: about 0.30 US dollars at us-east-1 prices. Credentials and region come from the environment.
func TestTheQuickstartProvesItselfOnARealAccount(t *testing.T) {
	for name, flags := range map[string][]string{"polling": nil, "fan-out": {"-fanout"}} {
		t.Run(name, func(t *testing.T) {
			prove(t, append(flags, "-aws", "-in", sources(t, 60, 2000)), "yes\n")
		})
	}
}
