package rns

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Errors of keys and identities.
var (
	ErrBadIdentitySize  = errors.New("identity is not 64 bytes long")
	ErrBadPublicKeySize = errors.New("public key is not 64 bytes long")
	ErrBadKey           = errors.New("key cannot be used for key agreement")
	// ErrNotDecrypted reports that no available key opens a ciphertext.
	ErrNotDecrypted = errors.New("no key decrypts the message")
	// ErrNoRatchetMatched reports a ciphertext that no ratchet opens where
	// ratchets are enforced. It is also an [ErrNotDecrypted].
	ErrNoRatchetMatched = fmt.Errorf("no ratchet matched: %w", ErrNotDecrypted)
)

// ephemeralSize is the public key that leads a ciphertext.
const ephemeralSize = KeySize

// PublicKey is the public half of an identity: the X25519 key for encryption,
// then the Ed25519 key for signatures. spec: rns-core §3.1
type PublicKey [PublicKeySize]byte

// ParsePublicKey reads the 64 bytes of a public key. The error is
// [ErrBadPublicKeySize].
func ParsePublicKey(b []byte) (PublicKey, error) {
	if len(b) != PublicKeySize {
		return PublicKey{}, fmt.Errorf("%w: %d", ErrBadPublicKeySize, len(b))
	}
	return PublicKey(b), nil
}

// Hash is the identity hash that belongs to the key.
func (k PublicKey) Hash() Addr { return TruncatedHash(k[:]) }

// Encryption is the X25519 half.
func (k PublicKey) Encryption() [KeySize]byte { return [KeySize]byte(k[:KeySize]) }

// Signing is the Ed25519 half.
func (k PublicKey) Signing() [KeySize]byte { return [KeySize]byte(k[KeySize:]) }

// IsZero reports whether k is the zero value.
func (k PublicKey) IsZero() bool { return k == PublicKey{} }

// Verify reports whether sig is the signature of msg by the owner of k. A
// signature of the wrong length is merely invalid. spec: rns-core §2.5, §3.4
func (k PublicKey) Verify(msg, sig []byte) bool {
	return len(sig) == SignatureSize && ed25519.Verify(k[KeySize:], msg, sig)
}

// Encrypt encrypts plaintext so that only the owner of k reads it, using the
// owner's ratchet if one is given. It reads 32 bytes for the ephemeral key and
// 16 for the initialisation vector from rand. The result is 32 bytes longer
// than [TokenSize]. The error is [ErrBadKey] or that of rand.
// spec: rns-core §3.2
func (k PublicKey) Encrypt(rand io.Reader, plaintext []byte, ratchet *RatchetPublic) ([]byte, error) {
	return k.encrypt(rand, plaintext, ratchet, unmarked)
}

// markMode says whether a ciphertext carries a mark.
type markMode uint8

const (
	unmarked markMode = iota
	marked
)

func (k PublicKey) encrypt(rand io.Reader, plaintext []byte, ratchet *RatchetPublic, m markMode) ([]byte, error) {
	target := k[:KeySize]
	if ratchet != nil {
		target = ratchet[:]
	}
	remote, err := ecdh.X25519().NewPublicKey(target)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	ephemeral, err := newX25519(rand)
	if err != nil {
		return nil, err
	}
	recipient := k.Hash()
	token, derived, err := agree(ephemeral, remote, recipient)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, ephemeralSize+TokenSize(len(plaintext)))
	out = append(out, ephemeral.PublicKey().Bytes()...)
	if m == marked {
		rand = markingReader{rand, derived, recipient}
	}
	return token.Encrypt(rand, out, plaintext)
}

// agree derives the token of a ciphertext, and returns the derived key too. The salt is the identity hash of the recipient
// also where a ratchet key is used. spec: rns-core §3.2
func agree(private *ecdh.PrivateKey, public *ecdh.PublicKey, recipient Addr) (*Token, []byte, error) {
	shared, err := private.ECDH(public) // refuses an all-zero result, spec: rns-core §2.4
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	key, err := HKDF(64, shared, recipient[:], nil)
	if err != nil {
		return nil, nil, err
	}
	token, err := NewToken(key)
	return token, key, err
}

// newX25519 draws a private key. The standard generator ignores its reader,
// which would make frames impossible to reproduce in tests.
func newX25519(rand io.Reader) (*ecdh.PrivateKey, error) {
	var b [KeySize]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("draw key: %w", err)
	}
	return ecdh.X25519().NewPrivateKey(b[:])
}

// Identity is a pair of private keys: who a person, a node or a program is.
// It never prints its keys; [Identity.Bytes] is the one way to them.
// It is immutable and safe for concurrent use. The zero value is not valid;
// use [NewIdentity] or [ParseIdentity]. spec: rns-core §3
type Identity struct {
	// keys is a function because that is the one thing that no verb of fmt
	// looks into. It also makes identities not comparable.
	keys func() *identityKeys
}

type identityKeys struct {
	encryption *ecdh.PrivateKey
	signing    ed25519.PrivateKey // expanded once, because every announce and proof signs
	public     PublicKey
	hash       Addr
}

// NewIdentity draws a new identity: 32 bytes of rand for the encryption key,
// then 32 for the signing key.
func NewIdentity(rand io.Reader) (*Identity, error) {
	var b [PrivateKeySize]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("draw identity: %w", err)
	}
	return ParseIdentity(b[:])
}

// ParseIdentity reads the 64 bytes of an identity file. The file of a public
// key has the same length and cannot be told apart. The error is
// [ErrBadIdentitySize]. spec: rns-core §3.1
func ParseIdentity(b []byte) (*Identity, error) {
	if len(b) != PrivateKeySize {
		return nil, fmt.Errorf("%w: %d", ErrBadIdentitySize, len(b))
	}
	encryption, err := ecdh.X25519().NewPrivateKey(b[:KeySize])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	k := &identityKeys{encryption: encryption, signing: ed25519.NewKeyFromSeed(b[KeySize:])}
	copy(k.public[:KeySize], encryption.PublicKey().Bytes())
	copy(k.public[KeySize:], k.signing[ed25519.SeedSize:])
	k.hash = k.public.Hash()
	return &Identity{keys: func() *identityKeys { return k }}, nil
}

// Bytes are the private keys, the contents of an identity file.
func (id *Identity) Bytes() []byte {
	k := id.keys()
	return append(k.encryption.Bytes(), k.signing.Seed()...)
}

// Hash is the address of the identity itself.
func (id *Identity) Hash() Addr { return id.keys().hash }

// Public is the public half.
func (id *Identity) Public() PublicKey { return id.keys().public }

// Sign signs msg. The same message always has the same signature. spec: rns-core §3.4
func (id *Identity) Sign(msg []byte) Signature {
	return Signature(ed25519.Sign(id.keys().signing, msg))
}

// RatchetPolicy says what a message means that no ratchet opens.
type RatchetPolicy uint8

// Ratchet policies.
const (
	RatchetsOptional RatchetPolicy = iota // the identity key is tried last
	RatchetsEnforced                      // the identity key is never tried
)

// Decrypt is [Identity.Open] for those who need no more than the plaintext and
// the ratchet that matched.
func (id *Identity) Decrypt(ciphertext []byte, ratchets []RatchetPrivate, enforce RatchetPolicy) (plaintext []byte, ratchet *RatchetID, err error) {
	o, err := id.Open(ciphertext, ratchets, enforce)
	return o.Plaintext, o.Ratchet, err
}

// Open opens a ciphertext made by [PublicKey.Encrypt]. It tries ratchets in
// the given order, newest first, then the identity key unless enforce forbids
// that. Errors are [ErrNotDecrypted] and [ErrNoRatchetMatched]. Every ratchet
// costs a key agreement, some 40 µs. spec: rns-core §3.3
func (id *Identity) Open(ciphertext []byte, ratchets []RatchetPrivate, enforce RatchetPolicy) (Opened, error) {
	if len(ciphertext) <= ephemeralSize {
		return Opened{}, fmt.Errorf("%w: %w", ErrNotDecrypted, ErrTokenTooShort)
	}
	remote, err := ecdh.X25519().NewPublicKey(ciphertext[:ephemeralSize])
	if err != nil {
		return Opened{}, fmt.Errorf("%w: %w", ErrNotDecrypted, err)
	}
	body := ciphertext[ephemeralSize:]
	for _, r := range ratchets {
		if r.key == nil {
			continue
		}
		if o, err := id.open(r.key(), remote, body); err == nil {
			matched := r.Public().ID()
			o.Ratchet = &matched
			return o, nil
		}
	}
	if enforce == RatchetsEnforced {
		return Opened{}, ErrNoRatchetMatched
	}
	o, err := id.open(id.keys().encryption, remote, body)
	if err != nil {
		return Opened{}, fmt.Errorf("%w: %w", ErrNotDecrypted, err)
	}
	return o, nil
}

func (id *Identity) open(key *ecdh.PrivateKey, remote *ecdh.PublicKey, body []byte) (Opened, error) {
	recipient := id.keys().hash
	token, derived, err := agree(key, remote, recipient)
	if err != nil {
		return Opened{}, err
	}
	plaintext, err := token.Decrypt(make([]byte, 0, len(body)), body)
	if err != nil {
		return Opened{}, err
	}
	return Opened{Plaintext: plaintext, Marked: isMarked(derived, recipient, body)}, nil
}

// String names the identity by its hash and hides the keys.
func (id *Identity) String() string {
	if id == nil || id.keys == nil {
		return "identity (none)"
	}
	return "identity " + id.keys().hash.String()
}

// GoString is String: no verb of fmt shows the keys.
func (id *Identity) GoString() string { return id.String() }

// Format is String for every verb, including %x, which would otherwise dump
// the text, and %d, which would print fields.
func (id *Identity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, id.String()) }

// LogValue is the shortened hash.
func (id *Identity) LogValue() slog.Value {
	if id == nil || id.keys == nil {
		return slog.StringValue("none")
	}
	return id.keys().hash.LogValue()
}

// MarshalText is String, so that encoders show the hash and no keys.
func (id *Identity) MarshalText() ([]byte, error) { return []byte(id.String()), nil }
