package kinesis

import "fmt"

// ExpireIterators makes the iterators that were issued for a shard until now expire before their time: those of every shard
// of the stream if the shard's id is "", and those of every stream if the stream's name is "" too. Later ones are good. It
// reports whether there is such a shard.
func (db *DB) ExpireIterators(stream, shard string) bool {
	found := false
	for _, st := range db.sortedStreams() {
		if stream != "" && st.name != stream {
			continue
		}
		for _, s := range st.listed(millis()) {
			if shard == "" || s.id == shard {
				s.epoch.Add(1)
				found = true
			}
		}
	}
	return found
}

// Reads returns the stream and the shard that an iterator reads; "" if it is none.
func Reads(shardIterator string) (stream, shard string) {
	it, ok := parseIterator(shardIterator)
	if !ok {
		return "", ""
	}
	return it.stream, fmt.Sprintf("shardId-%012d", it.shard)
}
