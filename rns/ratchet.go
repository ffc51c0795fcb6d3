package rns

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
)

// ErrBadRatchetSize reports a ratchet key that is not 32 bytes long.
var ErrBadRatchetSize = errors.New("ratchet key is not 32 bytes long")

// RatchetPublic is the public half of a ratchet, as announced. Messages are
// encrypted to it instead of the identity key, for forward secrecy.
// spec: rns-core §4, §4.4
type RatchetPublic [RatchetSize]byte

// ID names the ratchet. spec: rns-core §4.1
func (r RatchetPublic) ID() RatchetID {
	h := FullHash(r[:])
	return RatchetID(h[:RatchetIDSize])
}

// RatchetPrivate is the private half of a ratchet. It never prints its key.
// It is immutable and safe for concurrent use. The zero value is not valid:
// it opens nothing and its public key is zero.
type RatchetPrivate struct {
	key func() *ecdh.PrivateKey // a function for the reasons of Identity.keys
}

// NewRatchet draws a ratchet: 32 bytes of rand.
func NewRatchet(rand io.Reader) (RatchetPrivate, error) {
	key, err := newX25519(rand)
	if err != nil {
		return RatchetPrivate{}, err
	}
	return RatchetPrivate{key: func() *ecdh.PrivateKey { return key }}, nil
}

// ParseRatchetPrivate reads the 32 bytes of a stored ratchet. The error is
// [ErrBadRatchetSize].
func ParseRatchetPrivate(b []byte) (RatchetPrivate, error) {
	if len(b) != RatchetSize {
		return RatchetPrivate{}, fmt.Errorf("%w: %d", ErrBadRatchetSize, len(b))
	}
	key, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		return RatchetPrivate{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return RatchetPrivate{key: func() *ecdh.PrivateKey { return key }}, nil
}

// Public is the half to announce.
func (r RatchetPrivate) Public() RatchetPublic {
	if r.key == nil {
		return RatchetPublic{}
	}
	return RatchetPublic(r.key().PublicKey().Bytes())
}

// Bytes is the key in its stored form, as it was drawn and not clamped.
func (r RatchetPrivate) Bytes() []byte {
	if r.key == nil {
		return nil
	}
	return r.key().Bytes()
}

// String names the ratchet by its id and hides the key.
func (r RatchetPrivate) String() string {
	if r.key == nil {
		return "ratchet (none)"
	}
	return "ratchet " + r.Public().ID().String()
}

// GoString is String: no verb of fmt shows the key.
func (r RatchetPrivate) GoString() string { return r.String() }

// Format is String for every verb.
func (r RatchetPrivate) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText is String, so that encoders show the id and no key.
func (r RatchetPrivate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
