package node_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// TestKeysOf: what is encrypted with the keys of a destination is opened by it, also after its ratchet has rotated; of strangers
// there are no keys.
func TestKeysOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 71)
		n := w.Node("n")
		dest, err := n.Register(node.DestinationConfig{
			Identity: w.Identity(1), Name: "test.sealed", Ratchets: node.Ratchets{Name: "sealed.ratchets"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := dest.RotateRatchet(); err != nil {
			t.Fatal(err)
		}
		keys, err := n.KeysOf(t.Context(), dest.Addr())
		if err != nil || keys.Ratchet == nil {
			t.Fatalf("keys %v, %v", keys, err)
		}
		sealed, err := keys.Public.Encrypt(n.Random(), []byte("later"), keys.Ratchet)
		if err != nil {
			t.Fatal(err)
		}
		if err := dest.RotateRatchet(); err != nil {
			t.Fatal(err)
		}
		if got, err := dest.Decrypt(sealed); err != nil || string(got.Plaintext) != "later" {
			t.Errorf("%q, %v", got.Plaintext, err)
		}
		sealed[40] ^= 1
		if _, err := dest.Decrypt(sealed); err == nil {
			t.Error("a damaged ciphertext is opened")
		}
		if _, err := n.KeysOf(t.Context(), rns.Addr{1}); !errors.Is(err, node.ErrUnknownIdentity) {
			t.Errorf("keys of a stranger: %v", err)
		}
	})
}
