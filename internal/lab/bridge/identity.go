package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

func identityCommands() map[string]handler {
	return map[string]handler{
		"identity_from_private_key": pure(identityFromKey),
		"identity_encrypt":          pure(identityEncrypt),
		"identity_decrypt":          pure(identityDecrypt),
		"identity_sign":             pure(identitySign),
		"identity_verify":           pure(identityVerify),
		"identity_hash":             pure(identityHash),
		"identity_to_file":          command(identityToFile),
		"identity_from_file":        pure(identityFromFile),
		"identity_random_hash":      pure(identityRandomHash),
		"identity_remember":         pure(identityRemember),
		"identity_keyless_op":       pure(identityKeyless),
		"name_hash": pure(func(p struct{ Name string }) (any, error) {
			h := rns.NameHashOf(p.Name)
			return obj{"hash": hexed(h[:])}, nil
		}),
	}
}

type keyParams struct {
	PrivateKey  hexed `json:"private_key"`
	PublicKey   hexed `json:"public_key"`
	Plaintext   hexed
	Ciphertext  hexed
	Message     hexed
	Signature   hexed
	RatchetPub  hexed   `json:"ratchet_public"`
	RatchetPriv hexed   `json:"ratchet_private"`
	Ratchets    []hexed `json:"ratchet_privates"`
	Enforce     bool    `json:"enforce_ratchets"`
}

func describeIdentity(id *rns.Identity) obj {
	public := id.Public()
	return obj{"public_key": hexed(public[:]), "hash": id.Hash().Hex(), "hexhash": id.Hash().Hex()}
}

func identityFromKey(p keyParams) (any, error) {
	id, err := rns.ParseIdentity(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	return describeIdentity(id), nil
}

func identityEncrypt(p keyParams) (any, error) {
	key, err := rns.ParsePublicKey(p.PublicKey)
	if err != nil {
		return nil, err
	}
	c, err := key.Encrypt(rand.Reader, p.Plaintext, nil)
	return obj{"ciphertext": bin(c)}, err
}

// identityDecrypt has no plaintext and no error for what does not decrypt. spec: rns-core §3.3
func identityDecrypt(p keyParams) (any, error) {
	id, err := rns.ParseIdentity(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	plain, _, err := id.Decrypt(p.Ciphertext, nil, rns.RatchetsOptional)
	if err != nil {
		return obj{"plaintext": nil}, nil //nolint:nilerr // the answer says it
	}
	return obj{"plaintext": bin(plain)}, nil
}

func identitySign(p keyParams) (any, error) {
	id, err := rns.ParseIdentity(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	s := id.Sign(p.Message)
	return obj{"signature": hexed(s[:])}, nil
}

func identityVerify(p keyParams) (any, error) {
	key, err := rns.ParsePublicKey(p.PublicKey)
	if err != nil {
		return nil, err
	}
	return obj{"valid": key.Verify(p.Message, p.Signature)}, nil
}

func identityHash(p keyParams) (any, error) {
	key, err := rns.ParsePublicKey(p.PublicKey)
	return obj{"hash": key.Hash().Hex()}, err
}

func identityToFile(_ context.Context, s *session, p keyParams) (any, error) {
	id, err := rns.ParseIdentity(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "identity-*.bin")
	if err != nil {
		return nil, err
	}
	s.trash = append(s.trash, f.Name())
	_, err = f.Write(id.Bytes())
	return obj{"path": f.Name()}, errors.Join(err, f.Close())
}

// identityFromFile tells a missing file and one of another size alike: there is no identity.
func identityFromFile(p struct{ Path string }) (any, error) {
	b, err := os.ReadFile(p.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return obj{"found": false}, nil
	}
	if err != nil {
		return nil, err
	}
	id, err := rns.ParseIdentity(b)
	if err != nil {
		return obj{"found": false}, nil //nolint:nilerr // the answer says it
	}
	out := describeIdentity(id)
	out["found"] = true
	return out, nil
}

// identityRandomHash is the random part of a path request, the one place where the stack draws a hash.
func identityRandomHash(struct{}) (any, error) {
	r, err := rns.NewPathRequest(rand.Reader, rns.Addr{}, rns.Addr{})
	return obj{"random_hash": hexed(r.Tag)}, err
}

// identityRemember puts a known destination into the table of a machine without interfaces. A key of the wrong size cannot
// even be written down: its type is an array.
func identityRemember(p struct {
	Destination hexed `json:"destination_hash"`
	PacketHash  hexed `json:"packet_hash"`
	PublicKey   hexed `json:"public_key"`
	AppData     hexed `json:"app_data"`
}) (any, error) {
	key, err := rns.ParsePublicKey(p.PublicKey)
	if err != nil {
		return obj{"ok": false, "error": "TypeError", "public_key_len": len(p.PublicKey)}, nil //nolint:nilerr // the answer says it
	}
	dest, err := address(p.Destination)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	m := transport.New(transport.Config{})
	k := transport.KnownDestination{Destination: dest, Announced: now, Public: key, AppData: p.AppData}
	copy(k.PacketHash[:], p.PacketHash)
	m.SeedKnown(now, k)
	_, ok := m.Recall(dest)
	return obj{"ok": true, "public_key_len": len(p.PublicKey), "recalled": ok}, nil
}

// identityKeyless asks an identity without keys to work. Here such an identity does not come into being; the reference calls
// the misuse KeyError.
func identityKeyless(p struct {
	Op   string
	Data hexed
}) (any, error) {
	var err error
	switch p.Op {
	case "decrypt", "sign":
		_, err = rns.ParseIdentity(nil)
	case "encrypt":
		_, err = rns.ParsePublicKey(nil)
	default:
		return nil, fmt.Errorf("%w: operation %q", errParam, p.Op)
	}
	if err == nil {
		return obj{"raised": nil, "result": nil}, nil
	}
	return obj{"raised": "KeyError", "message": err.Error()}, nil
}

func ratchetCommands() map[string]handler {
	return map[string]handler{
		"ratchet_id": pure(func(p keyParams) (any, error) {
			if len(p.RatchetPub) != rns.RatchetSize {
				return nil, rns.ErrBadRatchetSize
			}
			id := rns.RatchetPublic(p.RatchetPub).ID()
			return obj{"ratchet_id": hexed(id[:])}, nil
		}),
		"ratchet_public_from_private": pure(func(p keyParams) (any, error) {
			key, err := rns.ParseRatchetPrivate(p.RatchetPriv)
			if err != nil {
				return nil, err
			}
			public := key.Public()
			return obj{"ratchet_public": hexed(public[:])}, nil
		}),
		"ratchet_encrypt": pure(ratchetEncrypt),
		"ratchet_decrypt": pure(ratchetDecrypt),
	}
}

func ratchetEncrypt(p keyParams) (any, error) {
	key, err := rns.ParsePublicKey(p.PublicKey)
	if err != nil {
		return nil, err
	}
	if len(p.RatchetPub) != rns.RatchetSize {
		return nil, rns.ErrBadRatchetSize
	}
	c, err := key.Encrypt(rand.Reader, p.Plaintext, (*rns.RatchetPublic)(p.RatchetPub))
	return obj{"ciphertext": bin(c)}, err
}

func ratchetDecrypt(p keyParams) (any, error) {
	id, err := rns.ParseIdentity(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	if p.Ratchets == nil && p.RatchetPriv != nil {
		p.Ratchets = []hexed{p.RatchetPriv}
	}
	var keys []rns.RatchetPrivate
	for _, b := range p.Ratchets {
		key, err := rns.ParseRatchetPrivate(b)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	policy := rns.RatchetsOptional
	if p.Enforce {
		policy = rns.RatchetsEnforced
	}
	plain, matched, err := id.Decrypt(p.Ciphertext, keys, policy)
	if err != nil {
		return obj{"plaintext": nil, "latest_ratchet_id": nil}, nil //nolint:nilerr // the answer says it
	}
	out := obj{"plaintext": bin(plain), "latest_ratchet_id": nil}
	if matched != nil {
		out["latest_ratchet_id"] = hexed(matched[:])
	}
	return out, nil
}
