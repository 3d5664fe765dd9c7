package dynamodb

import (
	"slices"
	"strings"
)

// Limits of tags, from the service's documentation.
const (
	maxTags          = 50
	maxTagKeyRunes   = 128
	maxTagValueRunes = 256
)

type listTagsInput struct{ ResourceArn string }

type listTagsOutput struct{ Tags []tag }

// listTags returns all tags of a table, in the order of their keys.
func (db *DB) listTags(in *listTagsInput) (*listTagsOutput, error) {
	t, err := db.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return &listTagsOutput{Tags: append([]tag{}, t.tags...)}, nil
}

type tagInput struct {
	ResourceArn string
	Tags        []tag
}

// noOutput is the answer of operations that have none.
type noOutput struct{}

// tagResource adds tags to a table and replaces those whose keys it has.
func (db *DB) tagResource(in *tagInput) (*noOutput, error) {
	t, err := db.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if in.Tags == nil {
		return nil, invalid("1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	merged, err := mergedTags(t.tags, in.Tags)
	if err != nil {
		return nil, err
	}
	t.tags = merged
	return new(noOutput), nil
}

type untagInput struct {
	ResourceArn string
	TagKeys     []string
}

// untagResource removes the tags that have the given keys; it is no error if there are none.
func (db *DB) untagResource(in *untagInput) (*noOutput, error) {
	t, err := db.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if in.TagKeys == nil {
		return nil, invalid("1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tags = slices.DeleteFunc(slices.Clone(t.tags), func(one tag) bool { return slices.Contains(in.TagKeys, one.Key) })
	return new(noOutput), nil
}

// tagged returns the table that an ARN names.
func (db *DB) tagged(arn string) (*table, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	t := db.lookup(arn)
	if t == nil || t.arn != arn {
		return nil, refusal("ResourceNotFoundException", "Requested resource not found: ResourcArn: %s not found", arn)
	}
	return t, nil
}

// mergedTags returns tags with others put over them, sorted by key. It changes neither.
func mergedTags(tags, over []tag) ([]tag, error) {
	byKey := make(map[string]string, len(tags)+len(over))
	for _, one := range tags {
		byKey[one.Key] = one.Value
	}
	for _, one := range over {
		switch {
		case one.Key == "" || len([]rune(one.Key)) > maxTagKeyRunes || len([]rune(one.Value)) > maxTagValueRunes:
			return nil, invalidValue("A tag has a key of 1 to 128 characters and a value of up to 256 characters")
		case strings.HasPrefix(one.Key, "aws:"):
			return nil, invalidValue("Tag keys that begin with aws: are reserved")
		}
		byKey[one.Key] = one.Value
	}
	if len(byKey) > maxTags {
		return nil, invalidValue("Too many tags: a table has %d at most", maxTags)
	}
	merged := make([]tag, 0, len(byKey))
	for _, key := range sortedKeys(byKey) {
		merged = append(merged, tag{key, byKey[key]})
	}
	return merged, nil
}
