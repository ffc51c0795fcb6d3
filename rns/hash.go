package rns

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Hash is a SHA-256 hash: of a packet, an interface, a tunnel, a message.
// The zero value means "none". spec: rns-core §2.1
type Hash [HashSize]byte

// Addr is a truncated hash, the address of a destination, an identity, a
// transport node or a link. The zero value means "none". spec: rns-core §2.1
type Addr [AddrSize]byte

// NameHash is the hash of a destination name. spec: rns-core §5.2
type NameHash [NameHashSize]byte

// RatchetID names a ratchet key without showing it. spec: rns-core §4.1
type RatchetID [RatchetIDSize]byte

// Signature is an Ed25519 signature. spec: rns-core §2.5
type Signature [SignatureSize]byte

// Errors of the parsers of hashes written as text.
var (
	ErrBadAddr = errors.New("not an address of 32 hexadecimal digits")
	ErrBadHash = errors.New("not a hash of 64 hexadecimal digits")
)

// FullHash is the SHA-256 hash of the concatenation of parts.
func FullHash(parts ...[]byte) Hash {
	if len(parts) == 1 {
		return sha256.Sum256(parts[0])
	}
	d := sha256.New()
	for _, p := range parts {
		d.Write(p)
	}
	var h Hash
	d.Sum(h[:0])
	return h
}

// TruncatedHash is the first 16 bytes of [FullHash].
func TruncatedHash(parts ...[]byte) Addr { return FullHash(parts...).Addr() }

// Addr cuts a hash to its first 16 bytes.
func (h Hash) Addr() Addr { return Addr(h[:AddrSize]) }

// Hex is the hash as 64 lower-case hexadecimal digits.
func (h Hash) Hex() string { return hex.EncodeToString(h[:]) }

// String is the form for messages, "<" digits ">".
func (h Hash) String() string { return "<" + h.Hex() + ">" }

// IsZero reports whether h is the zero value.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes the digits without brackets.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText is [ParseHash].
func (h *Hash) UnmarshalText(b []byte) (err error) {
	*h, err = ParseHash(string(b))
	return err
}

// Hex is the address as 32 lower-case hexadecimal digits.
func (a Addr) Hex() string { return hex.EncodeToString(a[:]) }

// String is the form for messages, "<" digits ">".
func (a Addr) String() string { return "<" + a.Hex() + ">" }

// IsZero reports whether a is the zero value.
func (a Addr) IsZero() bool { return a == Addr{} }

// LogValue shortens the address for logs, as "<0123abcd…>".
func (a Addr) LogValue() slog.Value {
	return slog.StringValue("<" + hex.EncodeToString(a[:4]) + "…>")
}

// MarshalText writes the digits without brackets.
func (a Addr) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, a[:]), nil }

// UnmarshalText is [ParseAddr].
func (a *Addr) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAddr(string(b))
	return err
}

// Hex is the name hash as 20 lower-case hexadecimal digits.
func (n NameHash) Hex() string { return hex.EncodeToString(n[:]) }

// String is the form for messages, "<" digits ">".
func (n NameHash) String() string { return "<" + n.Hex() + ">" }

// IsZero reports whether n is the zero value.
func (n NameHash) IsZero() bool { return n == NameHash{} }

// Hex is the ratchet id as 20 lower-case hexadecimal digits.
func (r RatchetID) Hex() string { return hex.EncodeToString(r[:]) }

// String is the form for messages, "<" digits ">".
func (r RatchetID) String() string { return "<" + r.Hex() + ">" }

// IsZero reports whether r is the zero value.
func (r RatchetID) IsZero() bool { return r == RatchetID{} }

// ParseAddr reads an address a person wrote: upper or lower case, with or
// without angle brackets and white space. It must have exactly 32 digits.
// The error is [ErrBadAddr].
func ParseAddr(s string) (Addr, error) {
	var a Addr
	if !parseHex(a[:], s) {
		return Addr{}, fmt.Errorf("%w: %q", ErrBadAddr, clip(s))
	}
	return a, nil
}

// ParseHash reads a full hash with the tolerance of [ParseAddr]. It must have
// exactly 64 digits. The error is [ErrBadHash].
func ParseHash(s string) (Hash, error) {
	var h Hash
	if !parseHex(h[:], s) {
		return Hash{}, fmt.Errorf("%w: %q", ErrBadHash, clip(s))
	}
	return h, nil
}

func parseHex(dst []byte, s string) bool {
	digits := make([]byte, 0, 2*HashSize)
	for _, c := range []byte(strings.TrimSpace(s)) {
		switch c {
		case '<', '>', ' ', '\t', '\r', '\n':
			continue
		}
		if len(digits) == 2*len(dst) {
			return false
		}
		digits = append(digits, c)
	}
	if len(digits) != 2*len(dst) {
		return false
	}
	_, err := hex.Decode(dst, digits)
	return err == nil
}

// clip bounds text from outside before it goes into an error.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
