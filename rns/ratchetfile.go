package rns

import (
	"errors"
	"fmt"
	"time"

	"meshchatx/rns/msgpack"
)

// ErrRatchetFileForged reports a ratchet file that its owner did not sign. It
// must not be taken for an empty one, which would discard keys.
var ErrRatchetFileForged = errors.New("ratchet file is not signed by its owner")

// ParseRatchetFile reads the file of the own ratchets of a destination, newest
// first. The signature is checked before the keys are looked at. Errors are
// [ErrBadFile], [ErrRatchetFileForged] and [ErrBadRatchetSize].
// spec: rns-core §4.3
func ParseRatchetFile(b []byte, owner PublicKey) ([]RatchetPrivate, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{Depth: 2, Values: 16})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	file, _ := v.Map()
	signatureValue, _ := file.Text("signature")
	ratchetsValue, _ := file.Text("ratchets")
	signature, ok1 := signatureValue.Bytes()
	packed, ok2 := ratchetsValue.Bytes()
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%w: fields missing", ErrBadFile)
	}
	if !owner.Verify(packed, signature) {
		return nil, ErrRatchetFileForged
	}
	d := msgpack.NewDecoder(packed)
	n, err := d.ReadArrayHeader()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	if n > maxFileRatchets {
		return nil, fmt.Errorf("%w: %d ratchets", ErrBadFile, n)
	}
	ratchets := make([]RatchetPrivate, 0, n)
	for range n {
		key, err := d.ReadBin()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		r, err := ParseRatchetPrivate(key)
		if err != nil {
			return nil, err
		}
		ratchets = append(ratchets, r)
	}
	return ratchets, nil
}

// AppendRatchetFile appends the file of the own ratchets of a destination,
// newest first. Ratchets of zero value are left out. It must be on disk before
// the newest ratchet is announced. spec: rns-core §4.2, §4.3
func AppendRatchetFile(b []byte, owner *Identity, ratchets []RatchetPrivate) []byte {
	valid := 0
	for _, r := range ratchets {
		if r.key != nil {
			valid++
		}
	}
	packed := msgpack.AppendArrayHeader(make([]byte, 0, 5+valid*(2+RatchetSize)), valid)
	for _, r := range ratchets {
		if r.key != nil {
			packed = msgpack.AppendBin(packed, r.Bytes())
		}
	}
	signature := owner.Sign(packed)
	b = msgpack.AppendMapHeader(b, 2)
	b = msgpack.AppendString(b, "signature")
	b = msgpack.AppendBin(b, signature[:])
	b = msgpack.AppendString(b, "ratchets")
	return msgpack.AppendBin(b, packed)
}

// ReceivedRatchet is the ratchet another destination announced.
// spec: rns-core §4.5
type ReceivedRatchet struct {
	Ratchet  RatchetPublic
	Received time.Time
}

// Usable reports whether the ratchet may still be encrypted to.
func (r ReceivedRatchet) Usable(now time.Time) bool {
	return now.Before(r.Received.Add(RatchetExpiry))
}

// ParseReceivedRatchet reads the file of a received ratchet. Errors are
// [ErrBadFile] and [ErrBadRatchetSize].
func ParseReceivedRatchet(b []byte) (ReceivedRatchet, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{Depth: 2, Values: 16})
	if err != nil {
		return ReceivedRatchet{}, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	file, _ := v.Map()
	key, _ := file.Text("ratchet")
	received, _ := file.Text("received")
	seconds, ok := received.Number()
	if !ok {
		return ReceivedRatchet{}, fmt.Errorf("%w: fields missing", ErrBadFile)
	}
	r := ReceivedRatchet{Received: unixTime(seconds)}
	if !fill(r.Ratchet[:], key) {
		return ReceivedRatchet{}, ErrBadRatchetSize
	}
	return r, nil
}

// AppendReceivedRatchet appends the file of a received ratchet.
func AppendReceivedRatchet(b []byte, r ReceivedRatchet) []byte {
	b = msgpack.AppendMapHeader(b, 2)
	b = msgpack.AppendString(b, "ratchet")
	b = msgpack.AppendBin(b, r.Ratchet[:])
	b = msgpack.AppendString(b, "received")
	return msgpack.AppendFloat64(b, unixSeconds(r.Received))
}
