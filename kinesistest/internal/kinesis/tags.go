package kinesis

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The bounds of tags. Lengths are in characters.
const (
	maxTags     = 50 // of a resource, and of a request
	maxTagKey   = 128
	maxTagValue = 256
)

// decodeTags reads a map of tags.
func decodeTags(d wire.Decoder) map[string]string {
	tags := map[string]string{}
	for key := range d.Fields() {
		key := string(key)
		tags[key] = string(d.Span())
	}
	return tags
}

// decodeKeys reads a list of keys of tags.
func decodeKeys(d wire.Decoder) []string {
	keys := []string{}
	for range d.Items() {
		keys = append(keys, string(d.Span()))
	}
	return keys
}

// checkTags checks tags that were given. Keys are checked in their order, so that the same request gets the same answer.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("tags", "must have 1 to %d members", maxTags)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "" || utf8.RuneCountInString(key) > maxTagKey:
			return invalid("tags", "a key must have a length of 1 to %d", maxTagKey)
		case utf8.RuneCountInString(value) > maxTagValue:
			return invalid("tags", "a value must have a length of 0 to %d", maxTagValue)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalidArgument("a tag's key must not begin with aws:")
		case strings.ContainsFunc(key+value, notInTags):
			return invalidArgument("tags consist of Unicode letters, digits, white space and _ . : / = + - @")
		}
	}
	return nil
}

func notInTags(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_.:/=+-@", r)
}

// tag adds tags, in the place of those with the same keys: all of them or, if the resource would have too many, none.
func (r *resource) tag(tags map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := maps.Clone(r.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return invalidArgument("a resource has at most %d tags", maxTags)
	}
	r.tags = all
	return nil
}

// untag removes tags; keys that there are none of do not matter.
func (r *resource) untag(keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := maps.Clone(r.tags)
	for _, key := range keys {
		delete(all, key)
	}
	r.tags = all
}

// tagged returns the tags, which nobody changes.
func (r *resource) tagged() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tags
}

// writeTags writes the member Tags: the tags with the given keys.
func writeTags(enc wire.Encoder, tags map[string]string, keys []string) {
	enc.Name("Tags")
	enc.Array()
	for _, key := range keys {
		enc.Map()
		writeText(enc, "Key", key)
		writeText(enc, "Value", tags[key])
		enc.EndMap()
	}
	enc.EndArray()
}

// tagSize is about how many bytes a tag takes in a reply.
const tagSize = 128

// requireTags checks tags that must be there.
func requireTags(tags map[string]string) error {
	if len(tags) == 0 {
		return invalid("tags", "must have 1 to %d members", maxTags)
	}
	return checkTags(tags)
}

func requireKeys(keys []string) error {
	if len(keys) < 1 || len(keys) > maxTags {
		return invalid("tagKeys", "must have 1 to %d members", maxTags)
	}
	for _, key := range keys {
		if key == "" || utf8.RuneCountInString(key) > maxTagKey {
			return invalid("tagKeys", "a key must have a length of 1 to %d", maxTagKey)
		}
	}
	return nil
}

func (db *DB) addTagsToStream(c *call) error {
	var ref streamRef
	var tags map[string]string
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "Tags" {
			tags = decodeTags(d)
			return true
		}
		return ref.member(d, name)
	})
	if err := first(err, requireTags(tags)); err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	return st.resource.tag(tags)
}

func (db *DB) removeTagsFromStream(c *call) error {
	var ref streamRef
	var keys []string
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "TagKeys" {
			keys = decodeKeys(d)
			return true
		}
		return ref.member(d, name)
	})
	if err := first(err, requireKeys(keys)); err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	st.resource.untag(keys)
	return nil
}

func (db *DB) listTagsForStream(c *call) error {
	var ref streamRef
	var after *string
	var limit *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "ExclusiveStartTagKey":
			after = wire.Text(d)
		case "Limit":
			limit = number(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	if err := first(err, checkRange("limit", limit, 1, maxTags)); err != nil {
		return err
	}
	if after != nil && *after == "" {
		return invalid("exclusiveStartTagKey", "must have a length of 1 to %d", maxTagKey)
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	tags := st.resource.tagged()
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(tags)), func(key string) bool { return key <= or(after, "") })
	n := min(len(keys), int(or(limit, maxTags)))
	enc := c.out(kib + n*tagSize)
	enc.Map()
	writeTags(enc, tags, keys[:n])
	enc.Name("HasMoreTags")
	enc.Bool(n < len(keys))
	enc.EndMap()
	return nil
}

func (db *DB) tagResource(c *call) error {
	var tags map[string]string
	r, err := db.decodeResource(c, func(d wire.Decoder, name string) bool {
		if name != "Tags" {
			return false
		}
		tags = decodeTags(d)
		return true
	})
	if err := first(err, requireTags(tags)); err != nil {
		return err
	}
	return r.tag(tags)
}

func (db *DB) untagResource(c *call) error {
	var keys []string
	r, err := db.decodeResource(c, func(d wire.Decoder, name string) bool {
		if name != "TagKeys" {
			return false
		}
		keys = decodeKeys(d)
		return true
	})
	if err := first(err, requireKeys(keys)); err != nil {
		return err
	}
	r.untag(keys)
	return nil
}

func (db *DB) listTagsForResource(c *call) error {
	r, err := db.decodeResource(c, noMembers)
	if err != nil {
		return err
	}
	tags := r.tagged()
	enc := c.out(kib + len(tags)*tagSize)
	enc.Map()
	writeTags(enc, tags, slices.Sorted(maps.Keys(tags)))
	enc.EndMap()
	return nil
}
