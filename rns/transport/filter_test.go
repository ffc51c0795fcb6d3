package transport

import (
	"encoding/binary"
	"testing"

	"meshchatx/rns"
)

func TestFilterGenerations(t *testing.T) {
	var f filter
	h := func(n int) (h rns.Hash) { binary.BigEndian.PutUint32(h[:], uint32(n)); return h }
	for n := range 1000 {
		f.add(h(n), 100)
		if f.len() > 102 {
			t.Fatalf("%d hashes kept", f.len())
		}
		for back := range min(n+1, 50) {
			if !f.has(h(n - back)) {
				t.Fatalf("hash %d forgotten at %d", n-back, n)
			}
		}
	}
	equal(t, "oldest", f.has(h(0)), false)
	f.forget(h(999))
	equal(t, "forgotten", f.has(h(999)), false)
}

func TestHashInPlace(t *testing.T) {
	for _, p := range []rns.Packet{
		{Dest: rns.Addr{1}, Data: []byte("data"), Hops: 7},
		{HeaderType: rns.HeaderType2, TransportID: rns.Addr{2}, Dest: rns.Addr{1}, ContextFlag: true, Type: rns.PacketAnnounce},
	} {
		raw := p.Append(nil)
		before := string(raw)
		equal(t, "hash", hashInPlace(raw), rns.PacketHash(raw))
		equal(t, "restored", string(raw), before)
	}
}

// TestFilterOrder goes through the rules of the packet filter. spec: rns-core §11.4
func TestFilterOrder(t *testing.T) {
	other := rns.Addr{0xAA}
	cases := []struct {
		name   string
		p      rns.Packet
		first  rns.Verdict
		second rns.Verdict
	}{
		{"for another transport node", rns.Packet{HeaderType: rns.HeaderType2, TransportID: other}, rns.VerdictOtherInstance, rns.VerdictOtherInstance},
		{"keepalive repeats", rns.Packet{DestType: rns.DestLink, Context: rns.ContextKeepalive}, rns.VerdictLinkUnknown, rns.VerdictLinkUnknown},
		{"group announce", rns.Packet{DestType: rns.DestGroup, Type: rns.PacketAnnounce}, rns.VerdictBadFlags, rns.VerdictBadFlags},
		{"link announce", rns.Packet{DestType: rns.DestLink, Type: rns.PacketAnnounce}, rns.VerdictBadFlags, rns.VerdictBadFlags},
		{"plain far away", rns.Packet{DestType: rns.DestPlain, Hops: 1}, rns.VerdictNotTransported, rns.VerdictNotTransported},
		{"plain near repeats", rns.Packet{DestType: rns.DestPlain}, rns.VerdictUnknownDestination, rns.VerdictUnknownDestination},
		{"group far away", rns.Packet{DestType: rns.DestGroup, Hops: 1}, rns.VerdictNotTransported, rns.VerdictNotTransported},
		{"data", rns.Packet{}, rns.VerdictUnknownDestination, rns.VerdictDuplicate},
		{"proof", rns.Packet{Type: rns.PacketProof}, rns.VerdictNoReceipt, rns.VerdictDuplicate},
		{"too short announce", rns.Packet{Type: rns.PacketAnnounce}, rns.VerdictTooShort, rns.VerdictTooShort},
		{"link proof repeats", rns.Packet{DestType: rns.DestLink, Type: rns.PacketProof, Context: rns.ContextLRProof}, rns.VerdictLinkUnknown, rns.VerdictLinkUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := transportLab(t)
			l.add("a")
			c.p.Dest = rns.Addr{1}
			raw := c.p.Append(nil)
			equal(t, "first", l.in("a", raw), c.first)
			equal(t, "second", l.in("a", raw), c.second)
		})
	}
	t.Run("a client of a shared instance accepts everything", func(t *testing.T) {
		l := newLab(t, Config{TransportID: vectorTransportID})
		l.add("shared", func(i *InterfaceInfo) { i.Role = RoleSharedInstance })
		must(t, l.m.RegisterDestination(rns.Addr{1}, rns.DestSingle))
		raw := rns.Packet{HeaderType: rns.HeaderType2, TransportID: other, Dest: rns.Addr{1}}.Append(nil)
		equal(t, "first", l.in("shared", raw), rns.VerdictDelivered)
		equal(t, "hops", l.delivered[0].Packet.Hops, 0)
		equal(t, "second", l.in("shared", raw), rns.VerdictDelivered)
	})
	t.Run("malformed", func(t *testing.T) {
		l := transportLab(t)
		l.add("a")
		equal(t, "short", l.in("a", make([]byte, 18)), rns.VerdictTooShort)
		equal(t, "header 2 short", l.in("a", append([]byte{0x40}, make([]byte, 33)...)), rns.VerdictTooShort)
		equal(t, "hops", l.in("a", append([]byte{0, 128}, make([]byte, 30)...)), rns.VerdictHopLimit)
		equal(t, "unknown interface", l.in("nowhere", make([]byte, 30)), rns.VerdictInterfaceGone)
	})
}

// TestCacheRequest: a request for a packet that nobody keeps is an ordinary packet, repeats included. spec: rns-core §13.2
func TestCacheRequest(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	l.path(rns.Addr{1}, rns.Addr{2}, 2, "b")
	p := rns.Packet{
		HeaderType: rns.HeaderType2, TransportType: rns.TransportTransport, TransportID: vectorTransportID,
		Dest: rns.Addr{1}, Context: rns.ContextCacheRequest, Data: make([]byte, rns.HashSize),
	}
	for range 2 {
		equal(t, "forwarded", l.in("a", p.Append(nil)), rns.VerdictForwarded)
	}
	must(t, l.m.RegisterDestination(rns.Addr{5}, rns.DestSingle))
	p.HeaderType, p.TransportType, p.Dest = rns.HeaderType1, rns.TransportBroadcast, rns.Addr{5}
	equal(t, "delivered", l.in("a", p.Append(nil)), rns.VerdictDelivered)
	p.Dest = rns.Addr{6}
	equal(t, "for nobody", l.in("a", p.Append(nil)), rns.VerdictUnknownDestination)
}
