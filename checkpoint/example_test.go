package checkpoint_test

import (
	"fmt"

	"github.com/penstock-go/penstock/checkpoint"
)

// Three records are out and finish in another order. The position waits for the oldest.
func ExampleTracker() {
	tracker := checkpoint.NewTracker(checkpoint.TrimHorizon, 1000)
	var tickets []checkpoint.Ticket
	for _, number := range []string{"101", "102", "103"} {
		position, _ := checkpoint.At(number, 0)
		ticket, _ := tracker.Deliver(position)
		tickets = append(tickets, ticket)
	}
	for _, i := range []int{1, 0, 2} {
		tracker.Ack(tickets[i])
		fmt.Println(tracker.Position())
	}
	// Output:
	// TRIM_HORIZON
	// 102
	// 103
}

// Positions compare as the Kinesis Client Library compares checkpoints.
func ExamplePosition_Compare() {
	inside, _ := checkpoint.At("495", 3)
	before, _ := checkpoint.At("495", checkpoint.Inclusive)
	fmt.Println(before.Compare(inside), checkpoint.Latest.Compare(before), checkpoint.ShardEnd.Compare(inside))
	// Output: -1 -1 1
}
