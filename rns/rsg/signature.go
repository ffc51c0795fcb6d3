package rsg

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// MaxSize bounds a signature with its message, in bytes.
const MaxSize = 16 << 20

// Reasons why a signature is not accepted.
var (
	// ErrFormat means that the bytes are no signature.
	ErrFormat = errors.New("not a signature file")
	// ErrLegacy means that the bytes are a bare signature, which can be checked against a known key only.
	ErrLegacy = errors.New("signature of the old form: it names neither hash nor signer")
	// ErrHashType means that the content was hashed in a way this package does not know.
	ErrHashType = errors.New("unknown kind of hash")
	// ErrContent means that the signature is about other content.
	ErrContent = errors.New("signature is for other content")
	// ErrSigner means that somebody else signed than required, or that the named signer is not the owner of the key.
	ErrSigner = errors.New("signed by somebody else")
	// ErrInvalid means that the signature is wrong.
	ErrInvalid = errors.New("signature is invalid")
	// ErrNoMessage means that a signature carries no message.
	ErrNoMessage = errors.New("there is no message in the signature")
	// ErrTooLarge means that there is more than MaxSize.
	ErrTooLarge = fmt.Errorf("signature is larger than %d bytes", MaxSize)
)

// The keys of an envelope. spec: rns-link §13.4
const (
	keyHashType, keyHash, keyMeta, keyMessage = "hashtype", "hash", "meta", "message"
	keySigner, keyPublic                      = "signer", "pubkey"
	hashType                                  = "sha256"
)

// envelopeLimits bound what an envelope may nest and hold.
func envelopeLimits() msgpack.Limits { return msgpack.Limits{Depth: 16, Values: 1 << 16} }

// Signature is a signature with what it says. The zero value is invalid. It is read-only and safe for concurrent use.
type Signature struct {
	// Signature is over the bytes of the envelope.
	Signature rns.Signature
	// Hash is that of the content.
	Hash rns.Hash
	// Signer is the identity that claims to have signed, Public its keys.
	Signer rns.Addr
	Public rns.PublicKey
	// Meta are all entries about the content, signer and keys included, in order.
	Meta []msgpack.Pair
	// Message is the content itself where HasMessage is set.
	Message    []byte
	HasMessage bool

	envelope []byte
}

// HashOf hashes content to be signed, or that was.
func HashOf(r io.Reader) (rns.Hash, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return rns.Hash{}, err
	}
	return rns.Hash(h.Sum(nil)), nil
}

// Sign signs content with a given hash. Entries of meta that would replace the signer or the keys are left out.
// spec: rns-link §13.4
func Sign(id *rns.Identity, hash rns.Hash, meta []msgpack.Pair) Signature {
	return sign(id, Signature{Hash: hash}, meta)
}

// SignMessage signs a message and carries it along.
func SignMessage(id *rns.Identity, message []byte, meta []msgpack.Pair) Signature {
	return sign(id, Signature{Hash: rns.FullHash(message), Message: message, HasMessage: true}, meta)
}

func sign(id *rns.Identity, s Signature, meta []msgpack.Pair) Signature {
	s.Signer, s.Public = id.Hash(), id.Public()
	s.Meta = []msgpack.Pair{
		{Key: msgpack.Str(keySigner), Value: msgpack.Bin(s.Signer[:])},
		{Key: msgpack.Str(keyPublic), Value: msgpack.Bin(s.Public[:])},
	}
	for _, p := range meta {
		if k, ok := p.Key.Text(); !ok || k != keySigner && k != keyPublic {
			s.Meta = append(s.Meta, p)
		}
	}
	n := 3
	if s.HasMessage {
		n++
	}
	b := msgpack.AppendMapHeader(nil, n)
	b = msgpack.AppendString(msgpack.AppendString(b, keyHashType), hashType)
	b = msgpack.AppendBin(msgpack.AppendString(b, keyHash), s.Hash[:])
	b = msgpack.Map(s.Meta...).Append(msgpack.AppendString(b, keyMeta))
	if s.HasMessage {
		b = msgpack.AppendBin(msgpack.AppendString(b, keyMessage), s.Message)
	}
	s.envelope = b
	s.Signature = id.Sign(b)
	return s
}

// Append appends the file.
func (s Signature) Append(b []byte) []byte {
	return append(append(b, s.Signature[:]...), s.envelope...)
}

// Parse reads a file. It checks the form only; see Verify. The result aliases b. Errors are ErrFormat, ErrLegacy,
// ErrHashType and ErrTooLarge.
func Parse(b []byte) (Signature, error) {
	switch {
	case len(b) > MaxSize:
		return Signature{}, ErrTooLarge
	case len(b) == rns.SignatureSize:
		return Signature{}, ErrLegacy
	case len(b) < rns.SignatureSize:
		return Signature{}, fmt.Errorf("%w: only %d bytes", ErrFormat, len(b))
	}
	s := Signature{Signature: rns.Signature(b[:rns.SignatureSize]), envelope: b[rns.SignatureSize:]}
	v, rest, err := msgpack.Parse(s.envelope, envelopeLimits())
	if err != nil {
		return Signature{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	top, ok := v.Map()
	if !ok || len(rest) > 0 {
		return Signature{}, fmt.Errorf("%w: no envelope", ErrFormat)
	}
	if err := s.read(top); err != nil {
		return Signature{}, err
	}
	return s, nil
}

// read takes the fields out of an envelope.
func (s *Signature) read(top msgpack.Pairs) error {
	kind, _ := top.Text(keyHashType)
	if name, ok := kind.Text(); !ok || name != hashType {
		return fmt.Errorf("%w: %s", ErrHashType, kind)
	}
	hash, _ := top.Text(keyHash)
	if b, ok := hash.Bytes(); !ok || copy(s.Hash[:], b) != rns.HashSize || len(b) != rns.HashSize {
		return fmt.Errorf("%w: no hash", ErrFormat)
	}
	about, _ := top.Text(keyMeta)
	meta, ok := about.Map()
	if !ok {
		return fmt.Errorf("%w: no meta", ErrFormat)
	}
	for k, v := range meta.All() {
		s.Meta = append(s.Meta, msgpack.Pair{Key: k, Value: v})
	}
	signer, _ := meta.Text(keySigner)
	if b, ok := signer.Bytes(); !ok || copy(s.Signer[:], b) != rns.AddrSize || len(b) != rns.AddrSize {
		return fmt.Errorf("%w: no signer", ErrFormat)
	}
	public, _ := meta.Text(keyPublic)
	b, _ := public.Bytes()
	var err error
	if s.Public, err = rns.ParsePublicKey(b); err != nil {
		return fmt.Errorf("%w: no key of the signer", ErrFormat)
	}
	message, has := top.Text(keyMessage)
	if !has {
		return nil
	}
	s.HasMessage = true
	if s.Message, ok = message.Bytes(); !ok {
		return fmt.Errorf("%w: message is %s", ErrFormat, message.Kind())
	}
	return nil
}

// Verify checks that the content with this hash was signed, by required unless that is nil. Errors are ErrContent, ErrSigner
// and ErrInvalid. spec: rns-link §13.4
func (s Signature) Verify(hash rns.Hash, required *rns.Addr) error {
	if owner := s.Public.Hash(); owner != s.Signer {
		return fmt.Errorf("%w: the keys are those of %s, not of %s", ErrSigner, owner, s.Signer)
	}
	if required != nil && *required != s.Signer {
		return fmt.Errorf("%w: %s", ErrSigner, s.Signer)
	}
	if hash != s.Hash {
		return ErrContent
	}
	if !s.Public.Verify(s.envelope, s.Signature[:]) {
		return ErrInvalid
	}
	return nil
}

// VerifyMessage checks the message that the signature carries. The error is ErrNoMessage where there is none.
func (s Signature) VerifyMessage(required *rns.Addr) error {
	if !s.HasMessage {
		return ErrNoMessage
	}
	return s.Verify(rns.FullHash(s.Message), required)
}

// Equal reports whether two signatures have the same file.
func (s Signature) Equal(o Signature) bool {
	return s.Signature == o.Signature && bytes.Equal(s.envelope, o.envelope)
}
