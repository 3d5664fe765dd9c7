package fault

import "github.com/penstock-go/penstock/kinesistest/internal/kinesis"

// RefuseRecords refuses each record of a put with the given probability, those of the rule's shard if it names one.
func RefuseRecords(code, message string, probability float64) Effect {
	return Effect{perRecord: true, run: func(c *call) {
		refuse := func(shard string) (string, string, bool) {
			if !fits(c.by.rule.Shard, shard) || !c.by.chance(probability) {
				return "", "", false
			}
			return code, message, true
		}
		c.r = c.r.WithContext(kinesis.Refusing(c.r.Context(), refuse))
		c.serve(c.w)
	}}
}
