package kinesis

import (
	"maps"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The types of encryption. The emulator encrypts nothing: it remembers which records would be, and by which key.
const (
	encryptionNone = "NONE"
	encryptionKMS  = "KMS"
)

// encryptionsPerDay is how often encryption may be started, and how often stopped, for a stream in 24 hours.
const encryptionsPerDay = 25

// SetKey sets what is the matter with a key of KMS: code is the error that every use of the key ends with, "" for none. The key is
// named as StartStreamEncryption names it.
func (db *DB) SetKey(key, code string) {
	db.keysMu.Lock()
	defer db.keysMu.Unlock()
	keys := maps.Clone(*db.keys.Load())
	if keys[key] = code; code == "" {
		delete(keys, key)
	}
	db.keys.Store(&keys)
}

// useKey returns the error of using a key, "" being no key, which has none.
func (db *DB) useKey(key string) error {
	code := (*db.keys.Load())[key]
	if code == "" {
		return nil
	}
	return clientFault(code, "KMS refuses the use of key %s: %s", key, strings.TrimSuffix(strings.TrimPrefix(code, "KMS"), "Exception"))
}

func (db *DB) startStreamEncryption(c *call) error {
	ref, key, err := decodeEncryption(c)
	if err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	if err := db.useKey(key); err != nil {
		return err
	}
	return db.update(st, func() error {
		return db.admitChange(st, "StartStreamEncryption", encryptionsPerDay)
	}, func() { st.key, st.readKey = key, key })
}

// stopStreamEncryption does not ask which key the stream has, nor whether it has one.
func (db *DB) stopStreamEncryption(c *call) error {
	ref, _, err := decodeEncryption(c)
	if err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	return db.update(st, func() error {
		return db.admitChange(st, "StopStreamEncryption", encryptionsPerDay)
	}, func() { st.key = "" })
}

func decodeEncryption(c *call) (ref streamRef, key string, err error) {
	var kind, id *string
	err = c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "EncryptionType":
			kind = wire.Text(d)
		case "KeyId":
			id = wire.Text(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	if err := first(err, checkRequired("encryptionType", kind), checkRequired("keyId", id)); err != nil {
		return ref, "", err
	}
	switch {
	case *kind == encryptionNone:
		return ref, "", invalidArgument("EncryptionType must be %s", encryptionKMS)
	case *kind != encryptionKMS:
		return ref, "", invalid("encryptionType", "value %q is not one of %s, %s", *kind, encryptionNone, encryptionKMS)
	case len(*id) < 1 || len(*id) > maxARNLen:
		return ref, "", invalid("keyId", "must have a length of 1 to %d", maxARNLen)
	}
	return ref, *id, nil
}

// writeEncryption writes the members that tell about a key, if there is one.
func writeEncryption(enc wire.Encoder, key string) {
	if key == "" {
		writeText(enc, "EncryptionType", encryptionNone)
		return
	}
	writeText(enc, "EncryptionType", encryptionKMS)
	writeText(enc, "KeyId", key)
}
