package lxmf

import (
	"fmt"
	"iter"
	"slices"

	"meshchatx/rns/msgpack"
)

// FieldID is the key of a field. spec: lxmf §4
type FieldID uint32

// The fields. spec: lxmf §4
const (
	FieldEmbedded        FieldID = 0x01
	FieldTelemetry       FieldID = 0x02
	FieldTelemetryStream FieldID = 0x03
	FieldIcon            FieldID = 0x04
	FieldAttachments     FieldID = 0x05
	FieldImage           FieldID = 0x06
	FieldAudio           FieldID = 0x07
	FieldThread          FieldID = 0x08
	FieldCommands        FieldID = 0x09
	FieldResults         FieldID = 0x0a
	FieldGroup           FieldID = 0x0b
	FieldTicket          FieldID = 0x0c
	FieldEvent           FieldID = 0x0d
	FieldRNRReferences   FieldID = 0x0e
	FieldRenderer        FieldID = 0x0f
	FieldAppExtensions   FieldID = 0x10 // read for compatibility, never written
	FieldReplyTo         FieldID = 0x30
	FieldReplyQuote      FieldID = 0x31
	FieldReaction        FieldID = 0x40
	FieldComment         FieldID = 0x41
	FieldContinuation    FieldID = 0x42
	FieldCustomType      FieldID = 0xfb // the three of spec: lxmf §4.8
	FieldCustomData      FieldID = 0xfc
	FieldCustomMeta      FieldID = 0xfd
	FieldNonSpecific     FieldID = 0xfe
	FieldDebug           FieldID = 0xff
)

// String shows the number of the field.
func (f FieldID) String() string { return fmt.Sprintf("field %#02x", uint32(f)) }

// Fields are what a message has beside title and content, in the order of the
// sender: the hash depends on it. Unknown fields are kept. The zero value has
// none. Reading methods return false where a field is absent or not of the form
// it should have; setting methods replace a field in its place, or append it.
type Fields struct{ pairs []msgpack.Pair }

func fieldsOf(m msgpack.Pairs) Fields {
	f := Fields{make([]msgpack.Pair, 0, m.Len())}
	for k, v := range m.All() {
		f.pairs = append(f.pairs, msgpack.Pair{Key: k, Value: v})
	}
	return f
}

// ParseFields reads encoded fields, as [Fields.Append] writes them. They alias b.
func ParseFields(b []byte) (Fields, error) {
	v, rest, err := msgpack.Parse(b, payloadLimits())
	if err != nil {
		return Fields{}, fmt.Errorf("%w: %w", ErrFields, err)
	}
	m, ok := v.Map()
	if !ok || len(rest) > 0 {
		return Fields{}, ErrFields
	}
	return fieldsOf(m), nil
}

// Append appends the encoded map. spec: lxmf §3.1
func (f Fields) Append(b []byte) []byte {
	b = msgpack.AppendMapHeader(b, len(f.pairs))
	for _, p := range f.pairs {
		b = p.Value.Append(p.Key.Append(b))
	}
	return b
}

// Len returns the number of fields.
func (f Fields) Len() int { return len(f.pairs) }

// All iterates over the fields in order. Keys are numbers, but what others send
// may have other keys.
func (f Fields) All() iter.Seq2[msgpack.Value, msgpack.Value] {
	return func(yield func(msgpack.Value, msgpack.Value) bool) {
		for _, p := range f.pairs {
			if !yield(p.Key, p.Value) {
				return
			}
		}
	}
}

func (f Fields) index(id FieldID) int {
	key := msgpack.Uint(uint64(id))
	return slices.IndexFunc(f.pairs, func(p msgpack.Pair) bool { return p.Key.Equal(key) })
}

// Has reports whether a field is present, whatever its form.
func (f Fields) Has(id FieldID) bool { return f.index(id) >= 0 }

// Get returns the value of a field.
func (f Fields) Get(id FieldID) (msgpack.Value, bool) {
	i := f.index(id)
	if i < 0 {
		return msgpack.Value{}, false
	}
	return f.pairs[i].Value, true
}

// Set sets the value of a field.
func (f *Fields) Set(id FieldID, v msgpack.Value) {
	pairs := slices.Clone(f.pairs) // copies of the fields stay as they are
	if i := f.index(id); i >= 0 {
		pairs[i].Value = v
	} else {
		pairs = append(pairs, msgpack.Pair{Key: msgpack.Uint(uint64(id)), Value: v})
	}
	f.pairs = pairs
}

// Delete removes a field.
func (f *Fields) Delete(id FieldID) {
	if i := f.index(id); i >= 0 {
		f.pairs = slices.Delete(slices.Clone(f.pairs), i, i+1)
	}
}

// bytes returns a field that is a byte string, or text.
func (f Fields) bytes(id FieldID) ([]byte, bool) {
	v, ok := f.Get(id)
	if !ok {
		return nil, false
	}
	return v.BytesOrText()
}

// array returns a field that is an array of at least so many elements.
func (f Fields) array(id FieldID, least int) ([]msgpack.Value, bool) {
	v, _ := f.Get(id)
	a, ok := v.Array()
	return a, ok && len(a) >= least
}
