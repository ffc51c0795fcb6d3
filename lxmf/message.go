package lxmf

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Reasons for refusing a message.
var (
	ErrShort    = errors.New("lxmf: message shorter than its header")
	ErrPayload  = errors.New("lxmf: payload is not an array of four elements")
	ErrTime     = errors.New("lxmf: timestamp is not a number")
	ErrText     = errors.New("lxmf: title or content is neither bytes nor text")
	ErrFields   = errors.New("lxmf: fields are not a map")
	ErrUnsigned = errors.New("lxmf: message is not signed")
)

// Unverified is the reason why the author of a message is not certain. It is an
// error for [errors.Is]. spec: lxmf §3.4
type Unverified uint8

// The reasons.
const (
	SourceUnknown    Unverified = 0x01 // the key of the source is not known
	SignatureInvalid Unverified = 0x02
)

// Error implements error.
func (u Unverified) Error() string {
	switch u {
	case SourceUnknown:
		return "lxmf: source identity unknown"
	case SignatureInvalid:
		return "lxmf: signature invalid"
	}
	return fmt.Sprintf("lxmf: unverified, reason %#02x", uint8(u))
}

// Message is one message. Make one with [New] or [Parse]; the zero value has
// neither signature nor hash. After [Message.Sign] and Parse only Stamp may be
// changed, unless the message is signed again. Not safe for concurrent use while
// it is changed.
type Message struct {
	Destination rns.Addr // lxmf.delivery of the recipient
	Source      rns.Addr // lxmf.delivery of the author
	Timestamp   float64  // when it was written, by the author's clock; see [Message.Time]
	Title       []byte   // UTF-8 by convention
	Content     []byte   // UTF-8 by convention
	Fields      Fields
	// Stamp is the proof of work, or of a ticket; nil for none. It is covered
	// neither by the hash nor by the signature.
	Stamp []byte

	Signature rns.Signature
	// Hash identifies the message, everywhere. It is zero before signing.
	Hash rns.Hash

	covered []byte // encoded payload without stamp, as signed
	second  []byte // another reading of covered, if the first does not verify
}

// New returns an unsigned message. Its time is fixed: repeated attempts to
// deliver a message keep it, because its hash depends on it. The slices are
// used, not copied.
func New(destination, source rns.Addr, at time.Time, title, content []byte) *Message {
	return &Message{Destination: destination, Source: source, Timestamp: Seconds(at), Title: title, Content: content}
}

// Time returns the timestamp as a time, or the zero time if it is none.
func (m *Message) Time() time.Time { return TimeOf(m.Timestamp) }

// Sign encodes the message and sets its hash and signature. The identity must be
// that of the source; Sign does not check. spec: lxmf §3.2
func (m *Message) Sign(author *rns.Identity) {
	m.covered = m.encode(nil)
	m.second = nil
	m.Hash = m.hash(m.covered)
	m.Signature = author.Sign(m.signed(m.covered, m.Hash))
}

// encode appends the payload without stamp. spec: lxmf §3.1
func (m *Message) encode(b []byte) []byte {
	b = msgpack.AppendArrayHeader(b, 4)
	b = msgpack.AppendFloat64(b, m.Timestamp)
	b = msgpack.AppendBin(b, m.Title)
	b = msgpack.AppendBin(b, m.Content)
	return m.Fields.Append(b)
}

func (m *Message) hash(covered []byte) rns.Hash {
	return rns.FullHash(m.Destination[:], m.Source[:], covered)
}

func (m *Message) signed(covered []byte, hash rns.Hash) []byte {
	b := make([]byte, 0, 2*rns.AddrSize+len(covered)+rns.HashSize)
	b = append(b, m.Destination[:]...)
	b = append(b, m.Source[:]...)
	b = append(b, covered...)
	return append(b, hash[:]...)
}

// Pack appends the packed message, with its stamp if it has one. What was parsed
// without a stamp is packed as it came.
func (m *Message) Pack(b []byte) ([]byte, error) {
	if m.Hash.IsZero() {
		return nil, ErrUnsigned
	}
	b = append(b, m.Destination[:]...)
	b = append(b, m.Source[:]...)
	b = append(b, m.Signature[:]...)
	return m.appendPayload(b), nil
}

// appendPayload appends the signed elements and the stamp.
func (m *Message) appendPayload(b []byte) []byte {
	if m.Stamp == nil {
		return append(b, m.covered...)
	}
	elements := m.covered
	if _, err := cutArrayHeader(&elements); err != nil {
		return append(b, m.covered...) // never: what is signed or parsed is an array
	}
	b = msgpack.AppendArrayHeader(b, 5)
	b = append(b, elements...)
	return msgpack.AppendBin(b, m.Stamp)
}

// cutArrayHeader removes the head of an array and returns its length.
func cutArrayHeader(b *[]byte) (int, error) {
	d := msgpack.NewDecoder(*b)
	n, err := d.ReadArrayHeader()
	if err == nil {
		*b = d.Rest()
	}
	return n, err
}

// payloadLimits bound the fields of a message: attachments are long, not many.
func payloadLimits() msgpack.Limits { return msgpack.Limits{Depth: 32, Values: 1 << 17} }

// Parse reads a packed message. The message aliases b, which must not be changed
// while it is used. spec: lxmf §3.4
func Parse(b []byte) (*Message, error) {
	if len(b) <= headerSize {
		return nil, ErrShort
	}
	m := &Message{
		Destination: rns.Addr(b[:rns.AddrSize]),
		Source:      rns.Addr(b[rns.AddrSize : 2*rns.AddrSize]),
		Signature:   rns.Signature(b[2*rns.AddrSize : headerSize]),
	}
	payload := b[headerSize:]
	v, _, err := msgpack.Parse(payload, payloadLimits())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	elements, ok := v.Array()
	if !ok || len(elements) < 4 {
		return nil, ErrPayload
	}
	if err := m.read(elements); err != nil {
		return nil, err
	}
	m.covered = payload
	if len(elements) > 4 {
		m.Stamp, _ = elements[4].Bytes()
		m.covered = msgpack.Array(elements[:4]...).Append(nil)
		m.second = withoutStamp(payload, m.covered)
	}
	m.Hash = m.hash(m.covered)
	return m, nil
}

// read takes over the first four elements. Integer times, text instead of bytes
// and nil instead of nothing are accepted, because what was sent must not get
// lost for its form.
func (m *Message) read(elements []msgpack.Value) (err error) {
	var ok bool
	if m.Timestamp, ok = elements[0].Number(); !ok {
		return ErrTime
	}
	if m.Title, ok = elements[1].BytesOrText(); !ok && !elements[1].IsNil() {
		return ErrText
	}
	if m.Content, ok = elements[2].BytesOrText(); !ok && !elements[2].IsNil() {
		return ErrText
	}
	if elements[3].IsNil() {
		return nil
	}
	pairs, ok := elements[3].Map()
	if !ok {
		return ErrFields
	}
	m.Fields = fieldsOf(pairs)
	return nil
}

// withoutStamp cuts the stamp off a payload instead of encoding the rest anew.
// It returns nil if that is the same. spec: lxmf §3.4
func withoutStamp(payload, canonical []byte) []byte {
	d := msgpack.NewDecoder(payload)
	if _, err := d.ReadArrayHeader(); err != nil {
		return nil
	}
	start := d.Offset()
	for range 4 {
		if err := d.Skip(); err != nil {
			return nil
		}
	}
	cut := append(msgpack.AppendArrayHeader(nil, 4), payload[start:d.Offset()]...)
	if bytes.Equal(cut, canonical) {
		return nil
	}
	return cut
}

// Verify checks that the message was written by the owner of a key: nil,
// [SourceUnknown] if the key is not that of the message's source (the zero key
// never is), or [SignatureInvalid].
//
// For some stamped messages that were not encoded canonically only this tells
// which of two readings was signed. Verify then changes the hash, so use it
// before looking at that. spec: lxmf §3.4
func (m *Message) Verify(source rns.PublicKey) error {
	if source.IsZero() || DeliveryHash(source.Hash()) != m.Source {
		return SourceUnknown
	}
	if source.Verify(m.signed(m.covered, m.Hash), m.Signature[:]) {
		return nil
	}
	if m.second != nil {
		if hash := m.hash(m.second); source.Verify(m.signed(m.second, hash), m.Signature[:]) {
			m.covered, m.second, m.Hash = m.second, nil, hash
			return nil
		}
	}
	return SignatureInvalid
}

// String names the message for logs, without its content.
func (m *Message) String() string {
	return fmt.Sprintf("message %s from %s to %s", m.Hash, m.Source, m.Destination)
}
