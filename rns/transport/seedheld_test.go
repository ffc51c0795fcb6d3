package transport_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// A held announce comes back at the next round, the nearest first. spec: rns-core §10.4
func TestSeededAnnouncesAreReleasedNearestFirst(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := transport.New(transport.Config{})
	if err := m.AddInterface(now, transport.InterfaceInfo{ID: 1, Name: "one"}); err != nil {
		t.Fatal(err)
	}
	for i, hops := range []uint8{3, 1, 2} {
		id, err := rns.NewIdentity(bytes.NewReader(bytes.Repeat([]byte{byte(i + 1)}, 64)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := rns.NewAnnounce(bytes.NewReader(make([]byte, 5)), id, rns.NameHashOf("test.held"), nil, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
		if err != nil {
			t.Fatal(err)
		}
		h := transport.HeldAnnounce{Interface: 1, Destination: a.Dest, Hops: hops, Raw: raw}
		if err := m.SeedHeld(now, h); err != nil {
			t.Fatal(err)
		}
		h.Interface = 2
		if err := m.SeedHeld(now, h); !errors.Is(err, transport.ErrNoInterface) {
			t.Errorf("without interface: %v", err)
		}
	}
	for _, want := range [][]uint8{{2, 3}, {3}, nil} {
		now = now.Add(time.Minute)
		for _, j := range slices.Clone(m.Maintain(now).Verify) {
			m.Verified(now, j.Run())
		}
		var left []uint8
		for h := range m.HeldAnnounces() {
			left = append(left, h.Hops)
		}
		if slices.Sort(left); !slices.Equal(left, want) {
			t.Errorf("left %v, want %v", left, want)
		}
	}
	if n := m.PathCount(); n != 3 {
		t.Errorf("%d of 3 released announces were learned", n)
	}
}

// Asking the filter changes nothing. spec: rns-core §11.4
func TestWouldAccept(t *testing.T) {
	m := transport.New(transport.Config{})
	p := rns.Packet{Dest: rns.Addr{1}, Data: []byte("once")}
	raw := p.Append(nil)
	for range 2 {
		if v := m.WouldAccept(raw); v != rns.VerdictNone {
			t.Fatalf("a new packet: %v", v)
		}
	}
	m.SeedPacketHash(p.Hash())
	if v := m.WouldAccept(raw); v != rns.VerdictDuplicate {
		t.Errorf("a known packet: %v", v)
	}
	p.DestType, p.Hops = rns.DestPlain, 2
	if v := m.WouldAccept(p.Append(nil)); v != rns.VerdictNotTransported {
		t.Errorf("a plain packet from afar: %v", v)
	}
	if v := m.WouldAccept(raw[:5]); v != rns.VerdictTooShort {
		t.Errorf("five bytes: %v", v)
	}
}
