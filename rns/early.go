package rns

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// How the receiver of a single packet recognises that its sender copes with a proof that comes at once. The links of this
// implementation recognise each other in the same way, see package link.
//
// The IV of a ciphertext is 16 random bytes of the sender's choice that every receiver takes as it is. The last six of a marked
// one are a keyed hash of the first ten. The key belongs to this ciphertext alone, because the ephemeral key does: without it
// such an IV is as random as any other, nothing tells two senders apart, and no byte is added.
const (
	markOffset = 10
	markLabel  = "early answers"
)

// mark is the end of an IV that begins like iv, in a ciphertext with a derived key.
func mark(derived []byte, recipient Addr, iv []byte) ([]byte, error) {
	key, err := HKDF(sha256.Size, derived, recipient[:], []byte(markLabel))
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(iv[:markOffset])
	return h.Sum(nil)[:ivSize-markOffset], nil
}

// isMarked reports whether a token that was authenticated with a derived key has the mark.
func isMarked(derived []byte, recipient Addr, token []byte) bool {
	end, err := mark(derived, recipient, token)
	return err == nil && subtle.ConstantTimeCompare(end, token[markOffset:ivSize]) == 1
}

// markingReader draws one initialisation vector and marks it.
type markingReader struct {
	rand      io.Reader
	derived   []byte
	recipient Addr
}

// Read fills p, which is the whole vector.
func (r markingReader) Read(p []byte) (int, error) {
	if len(p) != ivSize {
		return 0, fmt.Errorf("mark %d bytes: %w", len(p), io.ErrShortBuffer)
	}
	if _, err := io.ReadFull(r.rand, p); err != nil {
		return 0, err
	}
	end, err := mark(r.derived, r.recipient, p)
	copy(p[markOffset:], end)
	return len(p), err
}

// EncryptMarked is [PublicKey.Encrypt] by a sender that takes a proof however early it comes: [Identity.Open] of this
// implementation tells the receiver so. Nobody else can see the mark. It reads the same bytes from rand and replaces the last
// six of the initialisation vector. spec: rns-link §6.1
func (k PublicKey) EncryptMarked(rand io.Reader, plaintext []byte, ratchet *RatchetPublic) ([]byte, error) {
	return k.encrypt(rand, plaintext, ratchet, marked)
}

// Opened is a ciphertext that was decrypted.
type Opened struct {
	// Plaintext is what was encrypted; empty is not nil.
	Plaintext []byte
	// Ratchet is the ratchet that opened it, nil for the identity key.
	Ratchet *RatchetID
	// Marked tells that [PublicKey.EncryptMarked] made it: its sender copes with a proof that comes at once. A ciphertext
	// of somebody else seems marked once in 2^48.
	Marked bool
}
