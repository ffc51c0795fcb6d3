package transport

import (
	"testing"
	"time"

	"meshchatx/rns"
)

func knownAt(t testing.TB, n byte, announced time.Time) KnownDestination {
	id := testIdentity(t, n)
	return KnownDestination{Destination: rns.DestinationHash("test.t", id.Hash()), Public: id.Public(), Announced: announced}
}

func TestKnownOutlivesItsPath(t *testing.T) {
	l := newLab(t, Config{TransportID: vectorTransportID})
	l.add("a")
	dest, raw := announceOf(t, testIdentity(t, 1), l.now)
	l.in("a", raw)
	l.run(6 * 24 * 3600)
	_, ok := l.m.Recall(dest)
	equal(t, "with path", ok, true)
	l.apply(l.m.DropPath(l.now, dest))
	l.run(6*24*3600 + 700)
	_, ok = l.m.Recall(dest)
	equal(t, "without path, long unheard", ok, false)
	_, forgotten := eventOf[KnownForgotten](l)
	equal(t, "event", forgotten, true)
	equal(t, "nothing due any more", l.m.Deadline().IsZero(), true)
}

func TestUseAndRetention(t *testing.T) {
	l := transportLab(t)
	ks := []KnownDestination{knownAt(t, 1, l.now), knownAt(t, 2, l.now), knownAt(t, 3, l.now)}
	for _, k := range ks {
		l.m.SeedKnown(l.now, k)
	}
	never, used, kept := ks[0].Destination, ks[1].Destination, ks[2].Destination
	l.m.MarkUsed(l.now, used)
	equal(t, "retain", l.m.Retain(kept), true)
	l.m.MarkUsed(l.now, kept)
	equal(t, "retain unknown", l.m.Retain(rns.Addr{9}), false)
	has := func(d rns.Addr) bool { _, ok := l.m.Recall(d); return ok }
	l.run(359)
	equal(t, "lingers", has(never), true)
	l.run(361 + 300)
	equal(t, "never used", has(never), false)
	equal(t, "used", has(used), true)
	l.run(756_000 + 301)
	equal(t, "used long ago", has(used), false)
	l.run(100_000_000)
	equal(t, "retained", has(kept), true)
	equal(t, "unretain", l.m.Unretain(l.now, kept), true)
	l.run(100_000_000 + 756_000 + 301)
	equal(t, "unretained", has(kept), false)
}

func TestKnownTableIsBounded(t *testing.T) {
	p := DefaultParams()
	p.Limits.Known = 4
	l := newLab(t, Config{Params: &p})
	l.add("a")
	var ks []KnownDestination
	for n := range byte(4) {
		ks = append(ks, knownAt(t, n+1, l.now))
		l.m.SeedKnown(l.now, ks[n])
	}
	l.m.Retain(ks[0].Destination)
	l.m.MarkUsed(l.now, ks[1].Destination)
	l.path(ks[2].Destination, rns.Addr{1}, 1, "a")
	left := func() (n int) {
		for i, k := range ks[:4] {
			if _, ok := l.m.Recall(k.Destination); ok {
				n |= 1 << i
			}
		}
		return n
	}
	for _, want := range []int{0b0111, 0b0111} { // first the unused one without a path, then the newcomer itself
		ks = append(ks, knownAt(t, byte(len(ks)+1), l.now))
		l.m.SeedKnown(l.now, ks[len(ks)-1])
		equal(t, "left", left(), want)
	}
	equal(t, "count", l.m.KnownCount(), 4)
}

func TestKnownWithoutAppData(t *testing.T) {
	l := transportLab(t)
	for n, app := range [][]byte{nil, {}, []byte("x")} {
		k := knownAt(t, byte(n+1), l.now)
		k.AppData = app
		l.m.SeedKnown(l.now, k)
		got, _ := l.m.Recall(k.Destination)
		equal(t, "nil or empty", got.AppData == nil, app == nil)
		equal(t, "app data", string(got.AppData), string(app))
	}
}
