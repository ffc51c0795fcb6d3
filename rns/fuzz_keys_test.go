package rns_test

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/rns"
)

// FuzzKeys reads bytes as every kind of key, and uses what was accepted.
func FuzzKeys(f *testing.F) {
	seed(f, "private_key", "identities")
	seed(f, "public_key", "identities")
	f.Add(make([]byte, 64))               // points of small order
	f.Add(bytes.Repeat([]byte{0xff}, 64)) // not a point
	f.Add(append([]byte{1}, make([]byte, 31)...))
	hash := rns.FullHash([]byte("packet"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := rns.ParseIdentity(b); err == nil {
			if !bytes.Equal(id.Bytes(), b) {
				t.Errorf("identity %x became %x", b, id.Bytes())
			}
			sig := id.Sign(b)
			if !id.Public().Verify(b, sig[:]) {
				t.Error("an own signature does not verify")
			}
		}
		if key, err := rns.ParsePublicKey(b); err == nil {
			// Signing keys of small order verify nearly anything, here and in other implementations. Whoever uses one lets
			// everybody sign as them, and harms nobody else: the address follows from the key.
			_ = rns.CheckProof(key, hash, b)
			if sealed, err := key.Encrypt(counting(1), []byte("hello"), nil); err == nil && len(sealed) < 64 {
				t.Errorf("sealed into %d bytes", len(sealed))
			}
		}
		if r, err := rns.ParseRatchetPrivate(b); err == nil {
			_ = r.Public().ID()
		}
	})
}

// FuzzHexNames reads text as people paste it.
func FuzzHexNames(f *testing.F) {
	f.Add("<0123456789abcdef0123456789ABCDEF>")
	f.Add(" 0123 4567 89ab cdef 0123 4567 89ab cdef ")
	f.Add("\u202e0123456789abcdef0123456789abcdef")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := rns.ParseAddr(text); err == nil {
			if back, err := rns.ParseAddr(a.String()); err != nil || back != a {
				t.Errorf("%q became %v, %v", text, back, err)
			}
		}
		if h, err := rns.ParseHash(text); err == nil {
			if back, err := rns.ParseHash(h.Hex()); err != nil || back != h {
				t.Errorf("%q became %v, %v", text, back, err)
			}
		}
	})
}

// FuzzReceivedRatchet writes and reads a ratchet that was received at any time.
func FuzzReceivedRatchet(f *testing.F) {
	f.Add(make([]byte, 32), int64(1_780_000_000))
	f.Add(bytes.Repeat([]byte{0xff}, 32), int64(-1))
	f.Fuzz(func(t *testing.T, key []byte, at int64) {
		if len(key) != len(rns.RatchetPublic{}) {
			return
		}
		r := rns.ReceivedRatchet{Ratchet: rns.RatchetPublic(key), Received: time.Unix(at%(1<<40), 0)}
		back, err := rns.ParseReceivedRatchet(rns.AppendReceivedRatchet(nil, r))
		if err != nil || back.Ratchet != r.Ratchet {
			t.Errorf("%v became %v, %v", r, back, err)
		}
		_ = back.Usable(time.Unix(at, 0))
	})
}
