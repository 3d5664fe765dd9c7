package kinesis

import (
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// maxPolicyBytes is how long a resource policy may be: 20 KB, by the service's documentation of policies.
const maxPolicyBytes = 20000

// noPolicy is what GetResourcePolicy answers about a resource that has none.
const noPolicy = "{}"

// putResourcePolicy keeps the policy, which must be a JSON object. Nobody is held to it: the emulator checks no permissions.
func (db *DB) putResourcePolicy(c *call) error {
	var policy *string
	r, err := db.decodeResource(c, func(d wire.Decoder, name string) bool {
		if name != "Policy" {
			return false
		}
		policy = wire.Text(d)
		return true
	})
	if err := first(err, checkRequired("policy", policy)); err != nil {
		return err
	}
	if len(*policy) > maxPolicyBytes {
		return limitExceeded("the policy is longer than %d bytes", maxPolicyBytes)
	}
	d := wire.NewJSON([]byte(*policy))
	members := 0
	for range d.Fields() {
		members++
		d.Skip()
	}
	if d.End(); d.Err() != nil || members == 0 {
		return invalidArgument("the policy is not a JSON object with members")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policy = *policy
	return nil
}

func (db *DB) getResourcePolicy(c *call) error {
	r, err := db.decodeResource(c, noMembers)
	if err != nil {
		return err
	}
	r.mu.Lock()
	policy := r.policy
	r.mu.Unlock()
	if policy == "" {
		policy = noPolicy
	}
	enc := c.out(kib + len(policy))
	enc.Map()
	writeText(enc, "Policy", policy)
	enc.EndMap()
	return nil
}

func (db *DB) deleteResourcePolicy(c *call) error {
	r, err := db.decodeResource(c, noMembers)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.policy == "" {
		return notFound("the resource has no policy")
	}
	r.policy = ""
	return nil
}
