package dynamodb

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

// checkKey checks a key that a request names an item by: exactly the key attributes, and fit to be keys.
func (s schema) checkKey(key attribute.Item) error {
	if len(key) != len(s.attributes()) || !s.covers(key) {
		return invalid("The provided key element does not match the schema")
	}
	return s.checkKeyValues(key)
}

// checkItem checks the key attributes of a whole item.
func (s schema) checkItem(item attribute.Item) error {
	for _, a := range s.attributes() {
		switch v := item[a.name]; {
		case v == nil:
			return invalidValue("Missing the key %s in the item", a.name)
		case v.Kind() != a.kind:
			return invalidValue("Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, v.Kind())
		}
	}
	return s.checkKeyValues(item)
}

// checkKeyValues checks the lengths of key values. An empty Number does not exist, and none is too long.
func (s schema) checkKeyValues(item attribute.Item) error {
	for _, a := range s.attributes() {
		if item[a.name].Size() == 0 {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute "+
				"cannot contain an empty %s value. Key: %s", emptiness(a.kind), a.name)
		}
	}
	if item[s.partition.name].Size() > maxPartitionBytes {
		return invalidValue("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if s.sort.name != "" && item[s.sort.name].Size() > maxSortBytes {
		return invalidValue("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}
