package transport

import (
	"testing"

	"meshchatx/rns"
)

func TestTunnelReplayIsIgnored(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("thief")
	s, err := rns.NewTunnelSynthesis(&half{}, testIdentity(t, 1), rns.Hash{1})
	must(t, err)
	raw := s.Packet().Append(nil)
	equal(t, "first", l.in("a", raw), rns.VerdictDelivered)
	equal(t, "replayed", l.in("thief", raw), rns.VerdictDuplicate)
	r := collect(l.m.Tunnels())[0]
	equal(t, "interface", r.Interface, l.ids["a"])
	s.Signature[0] ^= 1
	s.Random[0] ^= 1
	equal(t, "forged", l.in("thief", s.Packet().Append(nil)), rns.VerdictBadSignature)
	equal(t, "size", l.in("a", rns.Packet{DestType: rns.DestPlain, Dest: rns.TunnelSynthesisDest(), Data: make([]byte, 175)}.Append(nil)), rns.VerdictWrongSize)
}

func TestTunnelMovesWithThePeer(t *testing.T) {
	l := transportLab(t)
	l.add("first")
	l.add("second")
	synth := func(n byte) []byte {
		s, err := rns.NewTunnelSynthesis(&half{n: n}, testIdentity(t, 1), rns.Hash{1})
		must(t, err)
		return s.Packet().Append(nil)
	}
	l.in("first", synth(1))
	dest, raw := announceOf(t, testIdentity(t, 2), l.now, relayedBy(rns.Addr{7}, 1))
	l.in("first", raw)
	l.apply(l.m.RemoveInterface(l.now, l.ids["first"]))
	equal(t, "lost", l.m.HasPath(dest), false)
	l.at(30)
	l.in("second", synth(2))
	next, ok := l.m.NextHop(dest)
	equal(t, "restored", ok && next.Interface == l.ids["second"] && next.TransportID == rns.Addr{7}, true)
	e, _ := eventOf[TunnelAttached](l)
	equal(t, "event", e.Restored, 1)
	equal(t, "answers requests", l.in("second", requestFor(dest, 1)), rns.VerdictAnswered)
	for s := range l.m.Interfaces(l.now) {
		equal(t, "status", s.Tunnel, e.Tunnel)
	}
}

func TestTunnelsAreBounded(t *testing.T) {
	p := DefaultParams()
	p.Limits.Tunnels = 3
	l := newLab(t, Config{TransportID: vectorTransportID, Params: &p})
	l.add("a")
	for n := range byte(10) {
		s, err := rns.NewTunnelSynthesis(&half{n: n}, testIdentity(t, n+1), rns.Hash{1})
		must(t, err)
		l.in("a", s.Packet().Append(nil))
	}
	equal(t, "tunnels", l.m.tunnels.len(), 3)
	l.run(28_802)
	equal(t, "expired", l.m.tunnels.len(), 0)
	equal(t, "nothing due", l.m.Deadline().IsZero(), true)
}

// TestLargeTunnelIsWorkedOffInPortions: a peer with a whole path table comes back without stopping everything else, and so
// are its paths looked after. spec: rns-core §17.2, §18
func TestLargeTunnelIsWorkedOffInPortions(t *testing.T) {
	l := transportLab(t)
	l.add("first")
	l.add("second")
	synth := func(n byte) rns.TunnelSynthesis {
		s, err := rns.NewTunnelSynthesis(&half{n: n}, testIdentity(t, 1), rns.Hash{1})
		must(t, err)
		return s
	}
	s := synth(1)
	l.in("first", s.Packet().Append(nil))
	const count = 3*sweepPortion + 5
	tu := l.m.tunnels.get(s.ID())
	for i := range count {
		dest := rns.Addr{byte(i), byte(i >> 8), byte(i >> 16), 1}
		tu.paths[dest] = &path{nextHop: dest, hops: 1, timestamp: l.m.clock.now, expires: l.m.clock.now.after(pathExpiry), blobs: []Blob{{1}}}
	}
	l.apply(l.m.RemoveInterface(l.now, l.ids["first"]))
	l.in("second", synth(2).Packet().Append(nil))
	equal(t, "at once", l.m.PathCount(), sweepPortion)
	if _, ok := eventOf[TunnelAttached](l); ok && len(l.events) > 1 {
		t.Error("told too early")
	}
	l.run(l.seconds() + 1)
	equal(t, "after a second", l.m.PathCount(), count)
	e, _ := eventOf[TunnelAttached](l)
	equal(t, "restored", e.Restored, count)
	l.run(l.seconds() + 8*3600 - 60)
	_, raw := announceOf(t, testIdentity(t, 9), l.now) // the tunnel lives on
	l.in("second", raw)
	l.run(l.seconds() + 120)
	equal(t, "stored paths ended", len(tu.paths), 1)
	equal(t, "restored ones did not", l.m.PathCount(), count+1)
}
