package rns

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrBadName reports a destination name with an empty or dotted component.
var ErrBadName = errors.New("invalid destination name")

// DestType is the kind of a destination. spec: rns-core §5.1
type DestType uint8

// Destination types.
const (
	DestSingle DestType = iota // an identity: asymmetric encryption
	DestGroup                  // a shared key
	DestPlain                  // no encryption, one hop
	DestLink                   // an established link
)

// String is the name of the type in the protocol documents.
func (d DestType) String() string {
	return enumName(destTypeNames[:], int(d), "DestType")
}

var destTypeNames = [...]string{"SINGLE", "GROUP", "PLAIN", "LINK"}

// JoinName makes a destination name of an application name and aspects. None
// of them may be empty or contain a dot, all are UTF-8. The error is
// [ErrBadName].
func JoinName(app string, aspects ...string) (string, error) {
	for _, part := range append([]string{app}, aspects...) {
		if part == "" || strings.Contains(part, ".") || !utf8.ValidString(part) {
			return "", fmt.Errorf("%w: component %q", ErrBadName, clip(part))
		}
	}
	return strings.Join(append([]string{app}, aspects...), "."), nil
}

// NameHashOf hashes a full dotted name, as "lxmf.delivery". spec: rns-core §5.2
func NameHashOf(name string) NameHash {
	h := FullHash([]byte(name))
	return NameHash(h[:NameHashSize])
}

// DestinationHash is the address of the destination of that dotted name that
// belongs to an identity. spec: rns-core §5.2
func DestinationHash(name string, identity Addr) Addr {
	return DestinationHashFrom(NameHashOf(name), identity)
}

// DestinationHashFrom is [DestinationHash] for a name of which only the hash
// is known, as in an announce.
func DestinationHashFrom(n NameHash, identity Addr) Addr {
	return TruncatedHash(n[:], identity[:])
}

// PlainHash is the address of the destination of that dotted name that belongs
// to no identity. spec: rns-core §5.2
func PlainHash(name string) Addr {
	n := NameHashOf(name)
	return TruncatedHash(n[:])
}

// PathRequestDest is the PLAIN destination [NamePathRequest].
// spec: rns-core §15.1
func PathRequestDest() Addr {
	return Addr{0x6b, 0x9f, 0x66, 0x01, 0x4d, 0x98, 0x53, 0xfa, 0xab, 0x22, 0x0f, 0xba, 0x47, 0xd0, 0x27, 0x61}
}

// TunnelSynthesisDest is the PLAIN destination [NameTunnelSynthesis].
// spec: rns-core §17.1
func TunnelSynthesisDest() Addr {
	return Addr{0x91, 0xbf, 0x09, 0x10, 0x26, 0x7b, 0x59, 0xb0, 0xe8, 0x64, 0xe0, 0xd4, 0xc9, 0x16, 0x02, 0xca}
}

// RequestPathHash names a request handler. spec: rns-core §5.6
func RequestPathHash(path string) Addr { return TruncatedHash([]byte(path)) }
