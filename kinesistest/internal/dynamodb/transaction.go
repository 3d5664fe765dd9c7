package dynamodb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Limits of a transaction, from the service's documentation. Its parts cost twice what they would cost alone: the service
// prepares each before it commits it.
const (
	maxTransactItems  = 100
	maxTransactBytes  = 4 << 20
	transactionFactor = 2
)

// target is an item that a transaction or a batch of statements is about.
type target struct {
	table *table
	key   string // encoded
}

// lockTables locks the tables of all targets for writing and returns the function that unlocks them. Transactions lock
// their tables in the order of the tables' ids, and everybody else locks one table at a time, so nobody waits in a circle.
func lockTables(targets []target) (unlock func()) {
	var tables []*table
	for _, at := range targets {
		if !slices.Contains(tables, at.table) {
			tables = append(tables, at.table)
		}
	}
	slices.SortFunc(tables, func(a, b *table) int { return strings.Compare(a.id, b.id) })
	for _, t := range tables {
		t.mu.Lock()
	}
	return func() {
		for _, t := range tables {
			t.mu.Unlock()
		}
	}
}

// checkDistinctTargets refuses transactions that name an item twice.
func checkDistinctTargets(targets []target) error {
	if !distinct(targets) {
		return invalid("Transaction request cannot include multiple operations on one item")
	}
	return nil
}

// distinct reports whether no item is named twice.
func distinct(targets []target) bool {
	seen := make(map[target]bool, len(targets))
	for _, at := range targets {
		seen[at] = true
	}
	return len(seen) == len(targets)
}

// checkTransactCount checks the number of a transaction's items; given says whether there is a list at all.
func checkTransactCount(v *violations, n int, given bool) {
	switch {
	case !given:
		v.add("null", "transactItems", "Member must not be null")
	case n == 0:
		v.add("'[]'", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxTransactItems:
		v.add(fmt.Sprintf("'[%d items]'", n), "transactItems", fmt.Sprintf("Member must have length less than or equal to %d", maxTransactItems))
	}
}

// capacities is what a transaction consumed, by the names of its tables.
type capacities map[string]capacity

func (c capacities) add(t *table, taken capacity) {
	sum := c[t.name]
	sum.merge(taken)
	c[t.name] = sum
}

// report returns the wire form in the detail that a request asked for.
func (c capacities) report(f flow, detail string) []*consumedCapacity {
	var reports []*consumedCapacity
	for _, name := range sortedKeys(c) {
		report := c[name].report(name, detail)
		switch {
		case report == nil:
			return nil
		case f == reading:
			report.ReadCapacityUnits = report.CapacityUnits
		default:
			report.WriteCapacityUnits = report.CapacityUnits
		}
		reports = append(reports, report)
	}
	return reports
}

// reason says why one item of a transaction made it fail; the code None says that it did not.
type reason struct {
	Code    string
	Message string         `json:",omitempty"`
	Item    attribute.Item `json:",omitempty"`
}

// reasonOf translates the refusal that an item's operation would have got alone. ok is false for errors that refuse the whole
// request instead of cancelling the transaction.
func reasonOf(err error) (r reason, ok bool) {
	if err == nil {
		return reason{Code: "None"}, true
	}
	refused := asError(err)
	codes := map[string]string{
		"ConditionalCheckFailedException":        "ConditionalCheckFailed",
		"ValidationException":                    "ValidationError",
		"ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
		"ThrottlingException":                    "ThrottlingError",
		"RequestLimitExceeded":                   "ThrottlingError",
	}
	code, ok := codes[refused.Code]
	return reason{Code: code, Message: refused.Message, Item: refused.Item}, ok
}

// canceled returns the refusal of a whole transaction for the reasons of its items, nil if all of them are None.
func canceled(reasons []reason) error {
	codes := make([]string, len(reasons))
	failed := false
	for i, r := range reasons {
		codes[i] = r.Code
		failed = failed || r.Code != "None"
	}
	if !failed {
		return nil
	}
	refused := refusal("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	refused.Reasons = reasons
	return refused
}

// decided tries every item of a transaction and cancels it if one is refused. It stops at the first error that concerns the
// whole request.
func decided(n int, try func(i int) error) error {
	reasons := make([]reason, n)
	for i := range n {
		err := try(i)
		r, ok := reasonOf(err)
		if !ok {
			return err
		}
		reasons[i] = r
	}
	return canceled(reasons)
}
