package rns

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Offsets in the payload of an announce. spec: rns-core §6.1
const (
	announceFixedSize   = PublicKeySize + NameHashSize + RandomBlobSize + SignatureSize // 148, without ratchet
	announceRandomBytes = 5                                                             // of the random blob; the rest is the time
	emissionMax         = 1<<40 - 1                                                     // five bytes
)

// Announce is a signed statement that a destination exists and how to encrypt
// to it. A parsed announce shares no memory with its packet. The zero value is
// not valid; use [NewAnnounce] or [ParseAnnounce]. spec: rns-core §6
type Announce struct {
	Dest      Addr // signed, but not part of the payload
	Public    PublicKey
	Name      NameHash
	Random    [RandomBlobSize]byte
	Ratchet   *RatchetPublic // nil if there is none
	AppData   []byte         // nil if the payload ends before it; see [ParseAnnounce]
	Signature Signature
}

// NewAnnounce builds and signs an announce of the destination that name gives
// to id, emitted now. It reads 5 bytes from rand. It does not limit appData:
// see [MaxAppData] and [MaxAppDataKeyed] for what survives transport.
func NewAnnounce(rand io.Reader, id *Identity, name NameHash, ratchet *RatchetPublic, appData []byte, now time.Time) (Announce, error) {
	a := Announce{
		Dest:    DestinationHashFrom(name, id.Hash()),
		Public:  id.Public(),
		Name:    name,
		Ratchet: ratchet,
		AppData: appData,
	}
	if _, err := io.ReadFull(rand, a.Random[:announceRandomBytes]); err != nil {
		return Announce{}, fmt.Errorf("draw random blob: %w", err)
	}
	var emitted [8]byte
	binary.BigEndian.PutUint64(emitted[:], uint64(min(max(now.Unix(), 0), emissionMax)))
	copy(a.Random[announceRandomBytes:], emitted[3:])
	a.Signature = id.Sign(a.signed())
	return a, nil
}

// ParseAnnounce reads the payload of an ANNOUNCE packet and checks nothing but
// its structure. AppData is nil exactly when the payload has at most 148
// bytes; with a ratchet and no application data it is therefore empty but not
// nil, as everything that stores it expects. Errors are the verdicts
// [VerdictWrongType] and [VerdictTooShort]. spec: rns-core §3.5, §6.5
func ParseAnnounce(p Packet) (Announce, error) {
	if p.Type != PacketAnnounce {
		return Announce{}, VerdictWrongType
	}
	size := announceFixedSize
	if p.ContextFlag {
		size += RatchetSize
	}
	if len(p.Data) < size {
		return Announce{}, VerdictTooShort
	}
	a := Announce{Dest: p.Dest}
	b := p.Data
	b = b[copy(a.Public[:], b):]
	b = b[copy(a.Name[:], b):]
	b = b[copy(a.Random[:], b):]
	if p.ContextFlag {
		a.Ratchet = new(RatchetPublic)
		b = b[copy(a.Ratchet[:], b):]
	}
	b = b[copy(a.Signature[:], b):]
	if len(p.Data) > announceFixedSize {
		a.AppData = append(make([]byte, 0, len(b)), b...)
	}
	return a, nil
}

// Size is the length of the payload.
func (a Announce) Size() int {
	if a.Ratchet != nil {
		return announceFixedSize + RatchetSize + len(a.AppData)
	}
	return announceFixedSize + len(a.AppData)
}

// Append appends the payload to b. spec: rns-core §6.1
func (a Announce) Append(b []byte) []byte {
	b = append(b, a.Public[:]...)
	b = append(b, a.Name[:]...)
	b = append(b, a.Random[:]...)
	if a.Ratchet != nil {
		b = append(b, a.Ratchet[:]...)
	}
	b = append(b, a.Signature[:]...)
	return append(b, a.AppData...)
}

func (a Announce) signed() []byte {
	b := make([]byte, 0, AddrSize+a.Size()-SignatureSize)
	b = append(b, a.Dest[:]...)
	b = append(b, a.Public[:]...)
	b = append(b, a.Name[:]...)
	b = append(b, a.Random[:]...)
	if a.Ratchet != nil {
		b = append(b, a.Ratchet[:]...)
	}
	return append(b, a.AppData...)
}

// Packet is the packet that carries the announce: ContextNone for an ordinary
// one, ContextPathResponse for the answer to a path request.
// spec: rns-core §6.2
func (a Announce) Packet(context Context) Packet {
	return Packet{
		ContextFlag: a.Ratchet != nil,
		DestType:    DestSingle,
		Type:        PacketAnnounce,
		Dest:        a.Dest,
		Context:     context,
		Data:        a.Append(make([]byte, 0, a.Size())),
	}
}

// Verify checks the signature, the one expensive step, some 50 µs. The error
// is [VerdictBadSignature]. spec: rns-core §6.5 (step 5)
func (a Announce) Verify() error {
	if !a.Public.Verify(a.signed(), a.Signature[:]) {
		return VerdictBadSignature
	}
	return nil
}

// VerifyHash checks that the address follows from the name and the key. The
// error is [VerdictHashMismatch]. spec: rns-core §6.5 (step 7)
func (a Announce) VerifyHash() error {
	if DestinationHashFrom(a.Name, a.Identity()) != a.Dest {
		return VerdictHashMismatch
	}
	return nil
}

// Identity is the hash of the identity that owns the destination.
func (a Announce) Identity() Addr { return a.Public.Hash() }

// Emitted is the Unix time in seconds at which the announcer says it sent
// this. It is not checked against any clock. spec: rns-core §6.1
func (a Announce) Emitted() int64 { return EmittedAt(a.Random) }

// EmittedAt is the time within a random blob, in seconds since 1970.
func EmittedAt(random [RandomBlobSize]byte) int64 {
	var b [8]byte
	copy(b[3:], random[announceRandomBytes:])
	return int64(binary.BigEndian.Uint64(b[:]))
}
