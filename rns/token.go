package rns

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
)

// Errors of [Token]. They name the reason to the caller; nothing of it is
// ever told to a peer.
var (
	ErrBadTokenKey    = errors.New("token key is neither 32 nor 64 bytes long")
	ErrTokenTooShort  = errors.New("token too short")
	ErrTokenForged    = errors.New("token authentication failed")
	ErrTokenBadLength = errors.New("token ciphertext is not whole blocks")
	ErrTokenPadding   = errors.New("token padding invalid")
)

const (
	ivSize  = aes.BlockSize
	macSize = sha256.Size
)

// Token encrypts and authenticates byte strings with a symmetric key: the
// payload of packets to SINGLE and GROUP destinations and of links. It is
// safe for concurrent use. The zero value is not valid; use [NewToken].
// spec: rns-core §2.6, §2.8, §5.5
type Token struct {
	block cipher.Block
	// states holds *tokenState: keyed hash and cipher states are expensive to
	// make and cannot be shared by goroutines.
	states sync.Pool
}

type tokenState struct {
	mac hash.Hash
	sum [macSize]byte
	iv  [ivSize]byte
	enc cipher.BlockMode
	dec cipher.BlockMode
}

// NewToken makes a Token of a key of 64 bytes (AES-256) or 32 bytes
// (AES-128). The first half of the key authenticates, the second encrypts.
// The error is [ErrBadTokenKey].
func NewToken(key []byte) (*Token, error) {
	if len(key) != 64 && len(key) != 32 {
		return nil, fmt.Errorf("%w: %d", ErrBadTokenKey, len(key))
	}
	half := len(key) / 2
	block, err := aes.NewCipher(key[half:])
	if err != nil {
		return nil, err
	}
	signing := slices.Clone(key[:half])
	t := &Token{block: block}
	t.states.New = func() any { return &tokenState{mac: hmac.New(sha256.New, signing)} }
	return t, nil
}

// String hides the key.
func (t *Token) String() string { return "token (key redacted)" }

// TokenSize is the length of the token of a plaintext of n bytes.
func TokenSize(n int) int { return TokenOverhead + aes.BlockSize*(n/aes.BlockSize+1) }

// Encrypt appends the token of plaintext to dst, which grows at most once. It
// reads the 16 bytes of the initialisation vector from rand. The spare
// capacity of dst must not overlap plaintext.
func (t *Token) Encrypt(rand io.Reader, dst, plaintext []byte) ([]byte, error) {
	start := len(dst)
	dst, err := t.EncryptBody(rand, dst, plaintext)
	if err != nil {
		return nil, err
	}
	t.Authenticate(dst[start:])
	return dst, nil
}

// EncryptBody is Encrypt without the authentication code, for who has better
// things to do meanwhile: the last 32 bytes mean nothing until
// [Token.Authenticate].
func (t *Token) EncryptBody(rand io.Reader, dst, plaintext []byte) ([]byte, error) {
	start, size := len(dst), TokenSize(len(plaintext))
	dst = slices.Grow(dst, size)[:start+size]
	out := dst[start:]
	iv, body := out[:ivSize], out[ivSize:size-macSize]
	if _, err := io.ReadFull(rand, iv); err != nil {
		return nil, fmt.Errorf("draw initialisation vector: %w", err)
	}
	pad := body[copy(body, plaintext):]
	for i := range pad {
		pad[i] = byte(len(pad))
	}
	s := t.states.Get().(*tokenState)
	defer t.states.Put(s)
	s.encrypter(t.block, iv).CryptBlocks(body, body)
	return dst, nil
}

// Authenticate writes the authentication code of what
// [Token.EncryptBody] appended into its last 32 bytes.
func (t *Token) Authenticate(token []byte) {
	s := t.states.Get().(*tokenState)
	defer t.states.Put(s)
	signed := token[:len(token)-macSize]
	s.mac.Reset()
	s.mac.Write(signed)
	s.mac.Sum(signed)
}

// Decrypt appends the plaintext of token to dst. The authentication code is
// checked before anything is decrypted. An empty plaintext is a success. The
// spare capacity of dst must not overlap token, except that token[16:16] as
// dst decrypts in place. Errors are [ErrTokenTooShort], [ErrTokenForged],
// [ErrTokenBadLength] and [ErrTokenPadding].
func (t *Token) Decrypt(dst, token []byte) ([]byte, error) {
	return t.DecryptBoth(dst, token, func(a, b func()) {
		a()
		b()
	})
}

// DecryptBoth is Decrypt for long tokens: both runs the decryption of either
// half, if it can on two processors.
func (t *Token) DecryptBoth(dst, token []byte, both func(a, b func())) ([]byte, error) {
	signed, err := t.verify(token)
	if err != nil {
		return nil, err
	}
	iv, body := [ivSize]byte(signed[:ivSize]), signed[ivSize:]
	start := len(dst)
	dst = slices.Grow(dst, len(body))[:start+len(body)]
	out := dst[start:]
	if len(body) < splitSize {
		t.decrypt(out, body, iv)
	} else {
		half := len(body) / 2 / aes.BlockSize * aes.BlockSize
		middle := [ivSize]byte(body[half-ivSize:]) // out may lie where body is
		both(func() { t.decrypt(out[:half], body[:half], iv) }, func() { t.decrypt(out[half:], body[half:], middle) })
	}
	n, err := unpaddedLen(out)
	if err != nil {
		return nil, err
	}
	return dst[:start+n], nil
}

// splitSize is the length in bytes from which halves are worth it.
const splitSize = 64 << 10

// verify checks the authentication code and returns what it covers, at least
// one block behind the initialisation vector.
func (t *Token) verify(token []byte) ([]byte, error) {
	if len(token) <= macSize {
		return nil, ErrTokenTooShort
	}
	s := t.states.Get().(*tokenState)
	defer t.states.Put(s)
	signed, code := token[:len(token)-macSize], token[len(token)-macSize:]
	s.mac.Reset()
	s.mac.Write(signed)
	if subtle.ConstantTimeCompare(s.mac.Sum(s.sum[:0]), code) != 1 {
		return nil, ErrTokenForged
	}
	if len(signed) < ivSize+aes.BlockSize {
		return nil, ErrTokenTooShort
	}
	if len(signed)%aes.BlockSize != 0 {
		return nil, ErrTokenBadLength
	}
	return signed, nil
}

func (t *Token) decrypt(dst, body []byte, iv [ivSize]byte) {
	s := t.states.Get().(*tokenState)
	defer t.states.Put(s)
	s.iv = iv
	s.decrypter(t.block, s.iv[:]).CryptBlocks(dst, body)
}

// unpaddedLen looks at the last byte only, as the filler is authenticated.
// spec: rns-core §2.7
func unpaddedLen(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, ErrTokenPadding
	}
	n := int(b[len(b)-1])
	if n > aes.BlockSize || n > len(b) {
		return 0, ErrTokenPadding
	}
	return len(b) - n, nil
}

// ivSetter is what the block modes of the standard library offer to be used
// again for another message.
type ivSetter interface{ SetIV(iv []byte) }

func (s *tokenState) encrypter(block cipher.Block, iv []byte) cipher.BlockMode {
	if m, ok := s.enc.(ivSetter); ok {
		m.SetIV(iv)
	} else {
		s.enc = cipher.NewCBCEncrypter(block, iv)
	}
	return s.enc
}

func (s *tokenState) decrypter(block cipher.Block, iv []byte) cipher.BlockMode {
	if m, ok := s.dec.(ivSetter); ok {
		m.SetIV(iv)
	} else {
		s.dec = cipher.NewCBCDecrypter(block, iv)
	}
	return s.dec
}
