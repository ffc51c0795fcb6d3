package rns_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meshchatx/rns"
)

func TestPacketRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rns.Packet{
			HeaderType:    rns.HeaderType(rapid.IntRange(0, 1).Draw(t, "header")),
			ContextFlag:   rapid.Bool().Draw(t, "flag"),
			TransportType: rns.TransportType(rapid.IntRange(0, 1).Draw(t, "transport")),
			DestType:      rns.DestType(rapid.IntRange(0, 3).Draw(t, "destination")),
			Type:          rns.PacketType(rapid.IntRange(0, 3).Draw(t, "packet")),
			Hops:          uint8(rapid.IntRange(0, rns.MaxHops-1).Draw(t, "hops")),
			Dest:          rns.Addr(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "dest")),
			Context:       rns.Context(rapid.Byte().Draw(t, "context")),
			Data:          rapid.SliceOfN(rapid.Byte(), 0, 465).Draw(t, "data"),
		}
		if p.HeaderType == rns.HeaderType2 {
			p.TransportID = rns.Addr(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "transport id"))
		}
		raw, err := p.Pack(rns.MTU)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rns.ParsePacket(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatal(diff)
		}
		if p.Hash() != rns.PacketHash(raw) {
			t.Fatal("hashes differ")
		}
	})
}

func TestEncryptionRoundTrip(t *testing.T) {
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	other, err := rns.NewIdentity(counting(99))
	check(t, err)
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "message")
		seed := rapid.Byte().Draw(t, "seed")
		sealed, err := id.Public().Encrypt(counting(seed), message, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := id.Decrypt(sealed, nil, rns.RatchetsOptional)
		if err != nil || !bytes.Equal(back, message) {
			t.Fatalf("%x, %v", back, err)
		}
		if _, _, err := other.Decrypt(sealed, nil, rns.RatchetsOptional); err == nil {
			t.Fatal("another identity reads it")
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 6).Draw(t, "bit")
		if _, _, err := id.Decrypt(sealed, nil, rns.RatchetsOptional); err == nil {
			t.Fatal("a changed ciphertext is accepted")
		}
	})
}
