package rns_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"meshchatx/rns"
)

// What a mark changes: six bytes of the IV and what follows from them, for nobody but the receiver to see.
func TestMarkedCiphertext(t *testing.T) {
	id := markedIdentity(t)
	ratchet, err := rns.NewRatchet(counting(77))
	if err != nil {
		t.Fatal(err)
	}
	public := ratchet.Public()
	for name, key := range map[string]*rns.RatchetPublic{"identity key": nil, "ratchet": &public} {
		t.Run(name, func(t *testing.T) {
			plain, err := id.Public().Encrypt(counting(5), []byte("hello"), key)
			if err != nil {
				t.Fatal(err)
			}
			marked, err := id.Public().EncryptMarked(counting(5), []byte("hello"), key)
			if err != nil {
				t.Fatal(err)
			}
			if len(plain) != len(marked) || !bytes.Equal(plain[:32+10], marked[:32+10]) || bytes.Equal(plain[42:48], marked[42:48]) {
				t.Errorf("the mark is not the end of the IV:\n%x\n%x", plain, marked)
			}
			for _, c := range []struct {
				sealed []byte
				want   bool
			}{{plain, false}, {marked, true}} {
				o, err := id.Open(c.sealed, []rns.RatchetPrivate{ratchet}, rns.RatchetsOptional)
				if err != nil || string(o.Plaintext) != "hello" || o.Marked != c.want || (o.Ratchet != nil) != (key != nil) {
					t.Errorf("want marked %v: %+v %v", c.want, o, err)
				}
				again, _, err := id.Decrypt(c.sealed, []rns.RatchetPrivate{ratchet}, rns.RatchetsOptional)
				if err != nil || string(again) != "hello" {
					t.Errorf("an implementation without marks reads %q %v", again, err)
				}
			}
		})
	}
}

// A marked packet is opened, and recognised, whatever it carries.
func TestMarkedProperty(t *testing.T) {
	id := markedIdentity(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "text")
		seed := rapid.SliceOfN(rapid.Byte(), 48, 48).Draw(t, "random")
		sealed, err := id.Public().EncryptMarked(bytes.NewReader(seed), text, nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := id.Open(sealed, nil, rns.RatchetsOptional)
		if err != nil || !o.Marked || !bytes.Equal(o.Plaintext, text) {
			t.Fatalf("%+v %v", o, err)
		}
		if plain, err := id.Public().Encrypt(bytes.NewReader(seed), text, nil); err != nil || !bytes.Equal(plain[:42], sealed[:42]) {
			t.Fatalf("drew other bytes: %v", err)
		}
	})
}

// A generator that runs dry is an error, not an unmarked packet.
func TestMarkNeedsRandomness(t *testing.T) {
	id := markedIdentity(t)
	for n := range 48 {
		if sealed, err := id.Public().EncryptMarked(bytes.NewReader(make([]byte, n)), []byte("x"), nil); err == nil {
			t.Fatalf("%d bytes were enough for %x", n, sealed)
		}
	}
}

func markedIdentity(t *testing.T) *rns.Identity {
	t.Helper()
	id, err := rns.NewIdentity(counting(9))
	if err != nil {
		t.Fatal(err)
	}
	return id
}
