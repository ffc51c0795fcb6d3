package lxmf

import (
	"fmt"

	"meshchatx/rns/msgpack"
)

// RawField is a field as it was signed, byte for byte, for those who keep what
// they do not understand. spec: lxmf §4
type RawField struct {
	Key, Value msgpack.Value
	// Encoded is the key followed by the value, EncodedValue the value alone. They
	// alias the message.
	Encoded, EncodedValue []byte
}

// ID returns the number of the field; false if its key is none.
func (f RawField) ID() (FieldID, bool) {
	n, ok := f.Key.Uint()
	return FieldID(n), ok && n <= maxFieldID
}

const maxFieldID = 1<<32 - 1

// RawFields returns the fields of a message that is signed or parsed, in order.
func (m *Message) RawFields() []RawField {
	d := msgpack.NewDecoder(m.covered)
	if _, err := d.ReadArrayHeader(); err != nil {
		return nil // not signed yet
	}
	for range 3 {
		if err := d.Skip(); err != nil {
			return nil
		}
	}
	fields, err := ParseRawFields(d.Rest())
	if err != nil {
		return nil // none, as nil
	}
	return fields
}

// ParseRawFields reads encoded fields, as [AppendRawFields] writes them; what
// follows is ignored. They alias b.
func ParseRawFields(b []byte) ([]RawField, error) {
	d := msgpack.NewDecoder(b)
	n, err := d.ReadMapHeader()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFields, err)
	}
	fields := make([]RawField, 0, min(n, len(b)/2))
	for range n {
		var f RawField
		start := d.Offset()
		if f.Key, err = d.ReadValue(payloadLimits()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFields, err)
		}
		middle := d.Offset()
		if f.Value, err = d.ReadValue(payloadLimits()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFields, err)
		}
		f.Encoded, f.EncodedValue = b[start:d.Offset()], b[middle:d.Offset()]
		fields = append(fields, f)
	}
	return fields, nil
}

// AppendRawFields appends fields as a map, each byte for byte.
func AppendRawFields(b []byte, fields []RawField) []byte {
	b = msgpack.AppendMapHeader(b, len(fields))
	for _, f := range fields {
		b = append(b, f.Encoded...)
	}
	return b
}

// fieldNames are what the fields are for. spec: lxmf §4
var fieldNames = map[FieldID]string{
	FieldEmbedded: "embedded messages", FieldTelemetry: "telemetry", FieldTelemetryStream: "telemetry stream", FieldIcon: "icon",
	FieldAttachments: "attachments", FieldImage: "image", FieldAudio: "audio", FieldThread: "thread", FieldCommands: "commands",
	FieldResults: "results", FieldGroup: "group", FieldTicket: "ticket", FieldEvent: "event", FieldRNRReferences: "RNR references",
	FieldRenderer: "renderer", FieldAppExtensions: "app extensions", FieldReplyTo: "reply to", FieldReplyQuote: "reply quote",
	FieldReaction: "reaction", FieldComment: "comment", FieldContinuation: "continuation", FieldCustomType: "custom type",
	FieldCustomData: "custom data", FieldCustomMeta: "custom meta", FieldNonSpecific: "non-specific", FieldDebug: "debug",
}

// Name returns the name of the field in the specification, empty for an unknown
// one.
func (f FieldID) Name() string { return fieldNames[f] }
