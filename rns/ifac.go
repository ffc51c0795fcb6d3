package rns

import (
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
)

// Errors of [NewIFAC].
var (
	ErrIFACEmpty = errors.New("access code needs a network name or a passphrase")
	ErrIFACSize  = errors.New("access code size is not 1 to 64 bytes")
)

// ifacSalt is fixed by the protocol. spec: rns-core §9.1
var ifacSalt = [32]byte{
	0xad, 0xf5, 0x4d, 0x88, 0x2c, 0x9a, 0x9b, 0x80, 0x77, 0x1e, 0xb4, 0x99, 0x5d, 0x70, 0x2d, 0x4a,
	0x3e, 0x73, 0x33, 0x91, 0xb2, 0xa0, 0xf5, 0x3f, 0x41, 0x6d, 0x9f, 0x90, 0x7e, 0x55, 0xcf, 0xf8,
}

// IFAC is the access code of an interface: it signs and masks every frame, so
// that only nodes with the same network name and passphrase take part.
// It is immutable and safe for concurrent use. A nil *IFAC is an interface
// without access code: Seal changes nothing, Open refuses protected frames.
// It gives no protection against replay. spec: rns-core §9, §9.4
type IFAC struct {
	keys func() *ifacKeys // a function for the reasons of Identity.keys
	size int
}

type ifacKeys struct {
	derived []byte
	signing ed25519.PrivateKey
}

// NewIFAC derives the access code of a network name, a passphrase or both;
// size is the number of bytes each frame carries of it. Errors are
// [ErrIFACEmpty] and [ErrIFACSize]. spec: rns-core §9.1
func NewIFAC(networkName, passphrase string, size int) (*IFAC, error) {
	if size < IFACMinSize || size > IFACMaxSize {
		return nil, fmt.Errorf("%w: %d", ErrIFACSize, size)
	}
	origin := ifacOrigin(networkName, passphrase)
	if len(origin) == 0 {
		return nil, ErrIFACEmpty
	}
	hash := FullHash(origin)
	derived, err := HKDF(64, hash[:], ifacSalt[:], nil)
	if err != nil {
		return nil, err
	}
	keys := &ifacKeys{derived: derived, signing: ed25519.NewKeyFromSeed(derived[KeySize:])}
	return &IFAC{size: size, keys: func() *ifacKeys { return keys }}, nil
}

func ifacOrigin(networkName, passphrase string) []byte {
	var origin []byte
	for _, part := range []string{networkName, passphrase} {
		if part != "" {
			h := FullHash([]byte(part))
			origin = append(origin, h[:]...)
		}
	}
	return origin
}

// Size is how many bytes longer than a packet its frame is; 0 for nil.
func (f *IFAC) Size() int {
	if f == nil {
		return 0
	}
	return f.size
}

// DisplaySignature identifies the access code in status output without giving
// it away; zero for nil. spec: rns-core §9.1
func (f *IFAC) DisplaySignature() Signature {
	if f == nil {
		return Signature{}
	}
	h := FullHash(f.keys().derived)
	return Signature(ed25519.Sign(f.keys().signing, h[:]))
}

// Key is the derived secret, 64 bytes in the form of an identity file: whoever
// has it can do all that the access code allows. It is for laboratories that
// compare implementations; nil for nil. spec: rns-core §9.1
func (f *IFAC) Key() []byte {
	if f == nil {
		return nil
	}
	return slices.Clone(f.keys().derived)
}

// String hides the key.
func (f *IFAC) String() string {
	if f == nil {
		return "no access code"
	}
	return fmt.Sprintf("access code of %d bytes (key redacted)", f.size)
}

// Seal appends the frame of a raw packet to dst. Packets have at least
// [HeaderMinSize] bytes; shorter input is sealed if it has two bytes and
// otherwise appended as it is, to be dropped by every receiver.
// spec: rns-core §9.2
func (f *IFAC) Seal(dst, raw []byte) []byte {
	if f == nil || len(raw) < 2 {
		return append(dst, raw...)
	}
	code := f.code(raw)
	mask := f.mask(len(raw)+f.size, code)
	start := len(dst)
	dst = slices.Grow(dst, len(raw)+f.size)
	dst = append(dst, raw[0]|flagIFAC, raw[1])
	dst = append(dst, code...)
	dst = append(dst, raw[2:]...)
	head, rest := dst[start:start+2], dst[start+2+f.size:]
	subtle.XORBytes(head, head, mask)
	subtle.XORBytes(rest, rest, mask[2+f.size:])
	head[0] |= flagIFAC
	return dst
}

// Open checks a received frame and appends the raw packet in it to dst, which
// may be frame[:0]. Errors are the verdicts [VerdictTooShort],
// [VerdictAccessCodeMissing], [VerdictAccessCodeWrong] and
// [VerdictAccessCodeUnexpected]. spec: rns-core §9.3
func (f *IFAC) Open(dst, frame []byte) ([]byte, error) {
	if len(frame) < FrameMinSize {
		return nil, VerdictTooShort
	}
	protected := frame[0]&flagIFAC != 0
	switch {
	case f == nil && protected:
		return nil, VerdictAccessCodeUnexpected
	case f == nil:
		return append(dst, frame...), nil
	case !protected:
		return nil, VerdictAccessCodeMissing
	case len(frame) <= f.size+2:
		return nil, VerdictTooShort
	}
	code, rest := frame[2:2+f.size], frame[2+f.size:]
	mask := f.mask(len(frame), code)
	raw := make([]byte, 2+len(rest))
	subtle.XORBytes(raw[:2], frame[:2], mask)
	subtle.XORBytes(raw[2:], rest, mask[2+f.size:])
	raw[0] &^= flagIFAC
	if subtle.ConstantTimeCompare(f.code(raw), code) != 1 {
		return nil, VerdictAccessCodeWrong
	}
	if cap(dst) == 0 {
		return raw, nil
	}
	return append(dst, raw...), nil
}

// code is the end of the signature over a raw packet.
func (f *IFAC) code(raw []byte) []byte {
	return ed25519.Sign(f.keys().signing, raw)[SignatureSize-f.size:]
}

// mask is what everything of a frame of n bytes but the code is covered with.
func (f *IFAC) mask(n int, code []byte) []byte {
	mask, err := HKDF(n, code, f.keys().derived, nil)
	if err != nil {
		panic("rns: access code without length") // refused by NewIFAC
	}
	return mask
}
