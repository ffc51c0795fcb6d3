package bridge

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"meshchatx/rns"
	"meshchatx/rns/bzip2"
)

// Primitives of the standard library are called as the stack calls them. What the stack does itself goes through the stack:
// keys through identities and ratchets, padding and block chaining through tokens.
func cryptoCommands() map[string]handler {
	return map[string]handler{
		"x25519_generate":            pure(x25519Generate),
		"x25519_public_from_private": pure(x25519Public),
		"x25519_exchange":            pure(x25519Exchange),
		"ed25519_generate":           pure(ed25519Generate),
		"ed25519_sign":               pure(ed25519Sign),
		"ed25519_verify":             pure(ed25519Verify),
		"sha256": pure(func(p dataParam) (any, error) {
			h := rns.FullHash(p.Data)
			return obj{"hash": hexed(h[:])}, nil
		}),
		"sha512": pure(func(p dataParam) (any, error) {
			h := sha512.Sum512(p.Data)
			return obj{"hash": hexed(h[:])}, nil
		}),
		"hmac_sha256": pure(func(p struct{ Key, Message hexed }) (any, error) {
			m := hmac.New(sha256.New, p.Key)
			m.Write(p.Message)
			return obj{"hmac": hexed(m.Sum(nil))}, nil
		}),
		"hkdf": pure(func(p struct {
			Length          int
			IKM, Salt, Info hexed
		}) (any, error) {
			key, err := rns.HKDF(p.Length, p.IKM, p.Salt, p.Info)
			return obj{"derived_key": bin(key)}, err
		}),
		"truncated_hash": pure(func(p dataParam) (any, error) {
			h := rns.FullHash(p.Data)
			return obj{"hash": rns.TruncatedHash(p.Data).Hex(), "full_hash": h.Hex()}, nil
		}),
		"crypto_provider_op": pure(providerOp),
		"bz2_compress":       pure(compress),
		"bz2_decompress":     pure(decompress),
	}
}

type dataParam struct{ Data hexed }

const seedSize = ed25519.SeedSize

// pair makes an identity of one X25519 and one Ed25519 key.
func pair(encryption, signing []byte) (*rns.Identity, error) {
	return rns.ParseIdentity(append(bytes.Clone(encryption), signing...))
}

func x25519Generate(p struct{ Seed hexed }) (any, error) {
	key, err := rns.ParseRatchetPrivate(p.Seed)
	if err != nil {
		return nil, err
	}
	public := key.Public()
	return obj{"private_key": hexed(clamp(key.Bytes())), "public_key": hexed(public[:])}, nil
}

// clamp shows a scalar as the reference shows it. The stack stores keys as they were drawn.
func clamp(key []byte) []byte {
	key = bytes.Clone(key)
	key[0] &= 248
	key[31] = key[31]&127 | 64
	return key
}

func x25519Public(p struct {
	PrivateKey hexed `json:"private_key"`
}) (any, error) {
	key, err := rns.ParseRatchetPrivate(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	public := key.Public()
	return obj{"public_key": hexed(public[:])}, nil
}

type exchangeParams struct {
	PrivateKey    hexed `json:"private_key"`
	PeerPublicKey hexed `json:"peer_public_key"`
}

func exchange(private, public []byte) ([]byte, error) {
	key, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return nil, err
	}
	peer, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return key.ECDH(peer)
}

func x25519Exchange(p exchangeParams) (any, error) {
	secret, err := exchange(p.PrivateKey, p.PeerPublicKey)
	return obj{"shared_secret": hexed(secret)}, err
}

func ed25519Generate(p struct{ Seed hexed }) (any, error) {
	if len(p.Seed) != seedSize {
		return nil, rns.ErrBadIdentitySize
	}
	id, err := pair(make([]byte, rns.KeySize), p.Seed)
	if err != nil {
		return nil, err
	}
	public := id.Public().Signing()
	return obj{"private_key": p.Seed, "public_key": hexed(public[:])}, nil
}

// sign takes a seed, or a seed followed by its public key.
func sign(key, message []byte) ([]byte, error) {
	if len(key) == ed25519.PrivateKeySize {
		key = key[:seedSize]
	}
	if len(key) != seedSize {
		return nil, rns.ErrBadIdentitySize
	}
	id, err := pair(make([]byte, rns.KeySize), key)
	if err != nil {
		return nil, err
	}
	s := id.Sign(message)
	return s[:], nil
}

func ed25519Sign(p struct {
	PrivateKey hexed `json:"private_key"`
	Message    hexed
}) (any, error) {
	s, err := sign(p.PrivateKey, p.Message)
	return obj{"signature": hexed(s)}, err
}

func verify(public, message, signature []byte) bool {
	key, err := rns.ParsePublicKey(append(make([]byte, rns.KeySize), public...))
	return err == nil && key.Verify(message, signature)
}

func ed25519Verify(p struct {
	PublicKey hexed `json:"public_key"`
	Message   hexed
	Signature hexed
}) (any, error) {
	return obj{"valid": verify(p.PublicKey, p.Message, p.Signature)}, nil
}

// providerOp has the same answer for both providers of the reference: there is one implementation here.
func providerOp(p struct {
	Op, Provider                string
	Key, IV, Message, Plaintext hexed
	PrivateKey                  hexed `json:"private_key"`
	PublicKey                   hexed `json:"public_key"`
	PeerPublicKey               hexed `json:"peer_public_key"`
	Signature                   hexed
}) (any, error) {
	if p.Provider != "internal" && p.Provider != "pyca" {
		return nil, fmt.Errorf("%w: provider %q", errParam, p.Provider)
	}
	var result []byte
	var err error
	switch p.Op {
	case "x25519_exchange":
		result, err = exchange(p.PrivateKey, p.PeerPublicKey)
	case "ed25519_sign":
		result, err = sign(p.PrivateKey, p.Message)
	case "ed25519_verify":
		return obj{"valid": verify(p.PublicKey, p.Message, p.Signature)}, nil
	case "aes_256_cbc_encrypt":
		result, err = encryptBlocks(p.Key, p.IV, p.Plaintext)
	default:
		return nil, fmt.Errorf("%w: operation %q", errParam, p.Op)
	}
	return obj{"result": hexed(result)}, err
}

// encryptPadded is the ciphertext inside the token of a plaintext, padding included.
func encryptPadded(key, iv, plaintext []byte) ([]byte, error) {
	if len(iv) != aes.BlockSize {
		return nil, fmt.Errorf("%w: initialisation vector of %d bytes", errParam, len(iv))
	}
	t, err := rns.NewToken(append(make([]byte, len(key)), key...))
	if err != nil {
		return nil, err
	}
	token, err := t.Encrypt(bytes.NewReader(iv), nil, plaintext)
	if err != nil {
		return nil, err
	}
	return token[len(iv) : len(token)-sha256.Size], nil
}

var errBlocks = errors.New("length is not a multiple of the block size")

// encryptBlocks is encryptPadded without the block of padding that whole blocks get.
func encryptBlocks(key, iv, plaintext []byte) ([]byte, error) {
	if len(plaintext)%aes.BlockSize != 0 {
		return nil, errBlocks
	}
	c, err := encryptPadded(key, iv, plaintext)
	if err != nil {
		return nil, err
	}
	return c[:len(plaintext)], nil
}

// decryptPadded opens a ciphertext with padding, as the token that it would be in.
func decryptPadded(key, iv, ciphertext []byte) ([]byte, error) {
	if len(iv) != aes.BlockSize {
		return nil, fmt.Errorf("%w: initialisation vector of %d bytes", errParam, len(iv))
	}
	whole := make([]byte, len(key), 2*len(key))
	t, err := rns.NewToken(append(whole, key...))
	if err != nil {
		return nil, err
	}
	token := append(bytes.Clone(iv), ciphertext...)
	m := hmac.New(sha256.New, whole)
	m.Write(token)
	return t.Decrypt(nil, m.Sum(token))
}

// decryptBlocks opens whole blocks without padding: an encrypted block of padding is appended first.
func decryptBlocks(key, iv, ciphertext []byte) ([]byte, error) {
	if len(ciphertext)%aes.BlockSize != 0 {
		return nil, errBlocks
	}
	last := iv
	if n := len(ciphertext); n > 0 {
		last = ciphertext[n-aes.BlockSize:]
	}
	padding, err := encryptPadded(key, last, nil)
	if err != nil {
		return nil, err
	}
	return decryptPadded(key, iv, append(bytes.Clone(ciphertext), padding...))
}

// maxExpanded bounds what a test may expand.
const maxExpanded = 64 << 20

func compress(p dataParam) (any, error) {
	c := bzip2.Compress(nil, p.Data)
	ratio := 0.0
	if len(p.Data) > 0 {
		ratio = float64(len(c)) / float64(len(p.Data))
	}
	return obj{"compressed": hexed(c), "original_size": len(p.Data), "compressed_size": len(c), "ratio": ratio}, nil
}

func decompress(p struct{ Compressed hexed }) (any, error) {
	d, err := bzip2.Decompress(p.Compressed, maxExpanded)
	return obj{"decompressed": bin(d), "size": len(d)}, err
}
