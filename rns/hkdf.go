package rns

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
)

// ErrBadKDFInput reports a key derivation without input or of no length.
var ErrBadKDFInput = errors.New("key derivation needs a secret and a length of at least 1")

// HKDF derives length bytes from the secret ikm with HMAC-SHA-256. A nil secret
// is refused, an empty one is derived from as the reference does. An empty salt
// stands for 32 zero bytes, info may be nil. Unlike RFC 5869 there is no
// limit of 255 blocks: the block counter wraps. The error is
// [ErrBadKDFInput]. spec: rns-core §2.2, §2.3
func HKDF(length int, ikm, salt, info []byte) ([]byte, error) {
	if length < 1 || ikm == nil {
		return nil, ErrBadKDFInput
	}
	if len(salt) == 0 {
		salt = make([]byte, sha256.Size)
	}
	extract := hmac.New(sha256.New, salt)
	extract.Write(ikm)
	prk := extract.Sum(nil)

	expand := hmac.New(sha256.New, prk)
	blocks := (length + sha256.Size - 1) / sha256.Size
	out := make([]byte, 0, blocks*sha256.Size)
	var previous []byte
	var counter [1]byte
	for i := range blocks {
		counter[0] = byte(i + 1)
		expand.Reset()
		expand.Write(previous)
		expand.Write(info)
		expand.Write(counter[:])
		out = expand.Sum(out)
		previous = out[i*sha256.Size:]
	}
	return out[:length], nil
}
