package link

import (
	"encoding/binary"

	"meshchatx/rns"
)

const envelopeHeader = 6

// Message types of channels. spec: rns-link §9.1
const (
	// FirstSystemType is where message types reserved for the system begin.
	FirstSystemType = 0xF000
	// StreamDataType is the type of [StreamData].
	StreamDataType = 0xFF00
)

// Envelope is one channel message on the wire. spec: rns-link §9.1
type Envelope struct {
	Type     uint16
	Sequence uint16
	Data     []byte
}

// ParseEnvelope decodes an envelope; Data aliases b. Errors are [rns.VerdictTooShort], and [rns.VerdictWrongSize] for a
// message cut short, with which the envelope without data is returned: its sequence number must be consumed.
func ParseEnvelope(b []byte) (Envelope, error) {
	if len(b) < envelopeHeader {
		return Envelope{}, rns.VerdictTooShort
	}
	e := Envelope{Type: binary.BigEndian.Uint16(b), Sequence: binary.BigEndian.Uint16(b[2:])}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n > len(b)-envelopeHeader {
		return e, rns.VerdictWrongSize
	}
	e.Data = b[envelopeHeader : envelopeHeader+n]
	return e, nil
}

// Append appends the envelope. Data must not be longer than 65 535 bytes.
func (e Envelope) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, e.Type)
	b = binary.BigEndian.AppendUint16(b, e.Sequence)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.Data)))
	return append(b, e.Data...)
}
