package transport

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
)

// TestWalkVisitsEverythingOnce: entries that stay are visited once, whatever comes and goes. spec: rns-core §19.1
func TestWalkVisitsEverythingOnce(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	s, err := rns.NewTunnelSynthesis(&half{}, testIdentity(t, 99), rns.Hash{1})
	must(t, err)
	l.in("a", s.Packet().Append(nil))
	var dests []rns.Addr
	for n := range byte(30) {
		dest, raw := announceOf(t, testIdentity(t, n+1), l.now)
		l.in("a", raw)
		dests = append(dests, dest)
		l.m.SeedPacketHash(rns.Hash{n + 1})
	}
	paths, known, inTunnel := map[rns.Addr]int{}, map[rns.Addr]int{}, map[rns.Addr]int{}
	hashes, tunnels := map[rns.Hash]int{}, 0
	w := Walk{
		Path:       func(p PathRecord) { paths[p.Destination]++ },
		Known:      func(k KnownDestination, _ *ReceivedRatchet) { known[k.Destination]++ },
		Hash:       func(h rns.Hash) { hashes[h]++ },
		Tunnel:     func(TunnelRecord) { tunnels++ },
		TunnelPath: func(_ rns.Hash, p PathRecord) { inTunnel[p.Destination]++ },
	}
	w.Start(l.m)
	turns := 0
	for ; w.Next(l.now, 4); turns++ {
		switch turns {
		case 1: // one that was visited, and one that was not
			l.apply(l.m.DropPath(l.now, dests[0]))
			l.apply(l.m.DropPath(l.now, dests[29]))
		case 2:
			_, raw := announceOf(t, testIdentity(t, 77), l.now)
			l.in("a", raw)
			l.at(1)
		}
	}
	w.Close()
	if turns < 25 {
		t.Errorf("%d turns", turns)
	}
	want := map[rns.Addr]int{}
	for _, d := range dests[1:29] {
		want[d] = 1
	}
	got := maps.Clone(paths)
	delete(got, dests[0])
	for d := range got {
		if !slices.Contains(dests, d) {
			delete(got, d) // the one that came meanwhile
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("paths: %s", d)
	}
	for _, d := range dests[:29] {
		equal(t, "known", known[d], 1)
		equal(t, "in the tunnel", inTunnel[d], 1)
	}
	equal(t, "tunnels", tunnels, 1)
	for n := range byte(30) {
		equal(t, "hash", hashes[rns.Hash{n + 1}], 1)
	}
}

func TestWalkGivenUp(t *testing.T) {
	l := transportLab(t)
	for n := range byte(9) {
		l.m.SeedPacketHash(rns.Hash{n + 1})
	}
	w := Walk{Hash: func(rns.Hash) {}}
	w.Start(l.m)
	equal(t, "more", w.Next(l.now, 2), true)
	w.Close()
	empty := Walk{}
	empty.Start(l.m)
	equal(t, "nothing", empty.Next(l.now, 1), false)
}

// TestPathResponseKeepsItsHash: the cached announce of a path is the packet whose hash the path names, context included.
// spec: rns-core §19.4
func TestPathResponseKeepsItsHash(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	dest, raw := announceOf(t, testIdentity(t, 1), l.now, func(p *rns.Packet) { p.Context = rns.ContextPathResponse })
	l.in("a", raw)
	r, ok := l.m.Path(l.now, dest)
	if !ok || rns.PacketHash(r.Announce) != r.PacketHash || rns.PacketHash(raw) != r.PacketHash {
		t.Fatalf("record %+v", r)
	}
	m := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: true})
	m.add("a")
	must(t, m.m.SeedPath(m.now, r))
	again, _ := m.m.Path(m.now, dest)
	equal(t, "seeded", string(again.Announce), string(r.Announce))
}

func TestBlackholedPathsAreDroppedInPortions(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	for n := range byte(10) {
		_, raw := announceOf(t, testIdentity(t, n+1), l.now)
		l.in("a", raw)
	}
	for n := range byte(4) {
		equal(t, "added", l.m.SeedBlackhole(l.now, Blackhole{Identity: testIdentity(t, n+1).Hash()}), true)
	}
	equal(t, "expired", l.m.SeedBlackhole(l.now, Blackhole{Identity: rns.Addr{1}, Until: l.now.Add(-time.Second)}), false)
	cursor, turns := PathCursor(0), 0
	for more := true; more; turns++ {
		var fx *Effects
		fx, cursor, more = l.m.DropBlackholed(l.now, cursor, 3)
		l.apply(fx)
	}
	equal(t, "turns", turns, 4)
	equal(t, "paths", l.m.PathCount(), 6)
}
