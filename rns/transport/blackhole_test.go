package transport

import (
	"testing"
	"time"

	"meshchatx/rns"
)

func TestBlackhole(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	dest, raw := announceOf(t, id, l.now)
	l.in("a", raw)
	l.apply(l.m.Blackhole(l.now, Blackhole{Identity: id.Hash(), Source: rns.Addr{3}, Until: l.now.Add(time.Minute), Reason: "spam"}))
	equal(t, "path", l.m.HasPath(dest), false)
	e, _ := eventOf[PathLost](l)
	equal(t, "event", e.Reason, PathBlackholed)
	l.apply(l.m.Blackhole(l.now, Blackhole{Identity: id.Hash()}))
	equal(t, "twice", l.verdict, rns.VerdictDuplicate)
	b := collect(l.m.Blackholed())
	if len(b) != 1 || b[0].Reason != "spam" || !b[0].Until.Equal(l.now.Add(time.Minute)) {
		t.Errorf("list %+v", b)
	}
	_, again := announceOf(t, id, l.now.Add(5*time.Second))
	equal(t, "announce", l.in("a", again), rns.VerdictBlackholed)
	equal(t, "seed", l.m.SeedPath(l.now, PathRecord{Destination: dest, NextHop: dest, Hops: 1, Interface: 1, Announce: raw}), error(rns.VerdictBlackholed))
	l.run(61)
	equal(t, "expired", len(collect(l.m.Blackholed())), 0)
	equal(t, "announce", l.in("a", again), rns.VerdictLearned)
	l.apply(l.m.Blackhole(l.now, Blackhole{Identity: id.Hash()}))
	equal(t, "lift", l.m.LiftBlackhole(id.Hash()), true)
	equal(t, "lift twice", l.m.LiftBlackhole(id.Hash()), false)
}
