package auto

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"meshchatx/rns/iface"
)

// sink is a host whose peers keep nothing.
type sink struct{ frames, peers int }

func (s *sink) Up()                   {}
func (s *sink) Note(error)            {}
func (s *sink) Receive([]iface.Frame) { s.frames++ }
func (s *sink) Spawn(child iface.Interface) <-chan struct{} {
	s.peers++
	child.(*peer).setHost(s)
	return make(chan struct{})
}

// FuzzDatagrams feeds announcements and data from any senders. Only senders with the right token become peers, never more
// than allowed, and only peers are listened to.
func FuzzDatagrams(f *testing.F) {
	group := Token("reticulum", netip.MustParseAddr("fe80::7"))
	f.Add([]byte{7}, group[:], uint8(0))
	f.Add([]byte{7, 7, 8}, append(group[:], 1, 2, 3), uint8(1))
	f.Add([]byte{9}, make([]byte, 2000), uint8(2))
	f.Fuzz(func(t *testing.T, from, payload []byte, kind uint8) {
		p := DefaultParams()
		p.MaxPeers = 3
		a, err := newInterface(Config{Name: "auto", Params: &p}, &fakeSystem{})
		if err != nil {
			t.Fatal(err)
		}
		h := new(sink)
		l := &adopted{device: dev(1)}
		a.host, a.start = h, time.Now().Add(-time.Hour)
		a.links, a.peers = map[string]*adopted{"eth0": l}, make(map[netip.Addr]*peer)
		a.seen = newRecent(p.Duplicates, p.DuplicateTime)
		for i, b := range from {
			addr := netip.AddrFrom16([16]byte{0xfe, 0x80, 15: b})
			genuine := Token("reticulum", addr)
			switch (kind + uint8(i)) % 3 {
			case 0:
				_, before := a.peers[addr]
				a.heard(l, addr, payload)
				if _, known := a.peers[addr]; known && !before && (len(payload) < tokenSize || [tokenSize]byte(payload) != genuine) {
					t.Fatalf("%x made %v a peer", payload, addr)
				}
			case 1:
				a.heard(l, addr, genuine[:])
			case 2:
				before := h.frames
				_, known := a.peers[addr]
				if a.data(addr, payload); h.frames > before && !known {
					t.Fatal("data of a stranger was delivered")
				}
			}
		}
		if len(a.peers) > p.MaxPeers || h.peers != len(a.peers) || len(a.seen.ring) != p.Duplicates {
			t.Fatalf("%d peers, %d spawned", len(a.peers), h.peers)
		}
		for _, one := range a.peers {
			one.leave()
			_ = one.Serve(context.Background(), h)
		}
	})
}
