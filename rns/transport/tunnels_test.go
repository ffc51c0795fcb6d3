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
