package oracle

import "time"

// A History is what a server did. Each list is in the order in which things happened; Index orders them across the lists. It can be
// written as JSON and read back.
type History struct {
	Records       []Record       `json:"records"`
	Reshards      []Reshard      `json:"reshards"`
	RowWrites     []RowWrite     `json:"rowWrites"`
	Reads         []Read         `json:"reads"`
	Subscriptions []Subscription `json:"subscriptions"`
	Forgotten     Forgotten      `json:"forgotten"`
}

// Forgotten counts the entries that a bounded log had no room for, the oldest of their lists.
type Forgotten struct {
	Records       int `json:"records"`
	Reshards      int `json:"reshards"`
	RowWrites     int `json:"rowWrites"`
	Reads         int `json:"reads"`
	Subscriptions int `json:"subscriptions"`
}

// A Place is where a record is stored. Sequence numbers alone may be the same in two streams.
type Place struct {
	Stream         string `json:"stream"`
	Shard          string `json:"shard"`
	SequenceNumber string `json:"sequenceNumber"`
}

// A Record is one stored record.
type Record struct {
	Index int `json:"index"`
	Place
	Key             Digest    `json:"key"` // of the partition key; zero if it has none
	ExplicitHashKey string    `json:"explicitHashKey,omitempty"`
	Size            int       `json:"size"` // bytes of data and partition key
	Data            Digest    `json:"data"`
	Caller          string    `json:"caller,omitempty"`
	Arrival         time.Time `json:"arrival"`
}

// A Reshard is a change of a stream's open shards. The creation of a stream is one without parents.
type Reshard struct {
	Index    int       `json:"index"`
	Stream   string    `json:"stream"`
	Parents  []string  `json:"parents,omitempty"`
	Children []Shard   `json:"children"`
	At       time.Time `json:"at"`
}

// A Shard is a shard that opened. Hash keys are decimal numbers.
type Shard struct {
	ID              string `json:"id"`
	Parent          string `json:"parent,omitempty"`
	AdjacentParent  string `json:"adjacentParent,omitempty"`
	StartingHashKey string `json:"startingHashKey"`
	EndingHashKey   string `json:"endingHashKey"`
}

// A RowWrite is one change of one row of a table.
type RowWrite struct {
	Index  int       `json:"index"`
	Table  string    `json:"table"`
	Key    string    `json:"key"` // the value of the partition key
	Caller string    `json:"caller,omitempty"`
	Before Row       `json:"before,omitempty"` // nil if the row is new
	After  Row       `json:"after,omitempty"`  // nil if it is deleted
	At     time.Time `json:"at"`
}

// A Row is the attributes of an item: strings and numbers as their text, anything else as the JSON of DynamoDB's protocol.
type Row map[string]string

// A Read is what one GetRecords call, or one event of a subscription, gave to a reader.
type Read struct {
	Index    int       `json:"index"`
	Stream   string    `json:"stream"`
	Shard    string    `json:"shard"`
	Consumer string    `json:"consumer,omitempty"` // ARN of the subscription's consumer
	Caller   string    `json:"caller,omitempty"`
	First    string    `json:"first,omitempty"` // sequence numbers; "" if there was no record
	Last     string    `json:"last,omitempty"`
	Records  int       `json:"records"`
	At       time.Time `json:"at"`
}

// A Subscription is the beginning or the end of a subscription.
type Subscription struct {
	Index    int       `json:"index"`
	Stream   string    `json:"stream"`
	Shard    string    `json:"shard"`
	Consumer string    `json:"consumer"` // ARN
	Caller   string    `json:"caller,omitempty"`
	Ended    bool      `json:"ended"`
	At       time.Time `json:"at"`
}
