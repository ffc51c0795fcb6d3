package link

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"fmt"
	"io"
)

// OwnKeys are the keys one end makes for one link. Drawing them costs 50 to 80 µs, which nobody waits for if it is done before
// a link is asked for. They must be used once: two links with the same keys would weaken both.
type OwnKeys struct {
	exchange *ecdh.PrivateKey
	signing  ed25519.PrivateKey // initiator
}

// DrawKeys makes the keys of one end of a link from rand. spec: rns-link §2.2, §2.3
func DrawKeys(rand io.Reader, r Role) (*OwnKeys, error) {
	var b [32]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("draw link key: %w", err)
	}
	// The standard generator ignores its reader.
	exchange, err := ecdh.X25519().NewPrivateKey(b[:])
	if err != nil {
		return nil, fmt.Errorf("draw link key: %w", err)
	}
	own := &OwnKeys{exchange: exchange}
	if r == Responder { // signs with its identity
		return own, nil
	}
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("draw link key: %w", err)
	}
	own.signing = ed25519.NewKeyFromSeed(b[:])
	return own, nil
}

// or returns the keys, or new ones if there are none for this role.
func (k *OwnKeys) or(rand io.Reader, r Role) (*OwnKeys, error) {
	if k == nil || r == Initiator && k.signing == nil {
		return DrawKeys(rand, r)
	}
	return k, nil
}
