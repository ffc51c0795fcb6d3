package transport

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"meshchatx/rns"
)

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	must(t, err)
	return b
}

func blobAt(emitted int64, random byte) Blob {
	b := Blob{random}
	for k := range 5 {
		b[9-k] = byte(emitted >> (8 * k))
	}
	return b
}

func TestBetterPath(t *testing.T) {
	old, same, newer := blobAt(100, 1), blobAt(100, 2), blobAt(101, 3)
	base := current{hops: 3, blobs: []Blob{blobAt(50, 9), old}, attached: true}
	with := func(change func(*current)) current { c := base; change(&c); return c }
	cases := []struct {
		name string
		c    current
		o    offer
		want rns.Verdict
	}{
		{"newer, fewer hops", base, offer{2, newer, 0}, rns.VerdictLearned},
		{"newer, more hops", base, offer{9, newer, 0}, rns.VerdictLearned},
		{"same second, fewer hops", base, offer{1, same, 0}, rns.VerdictNotBetter},
		{"same second, more gravity", base, offer{3, same, 1}, rns.VerdictLearned},
		{"stored, more gravity", base, offer{3, old, 1}, rns.VerdictLearned},
		{"same second, more gravity, more hops", base, offer{4, same, 1}, rns.VerdictNotBetter},
		{"same second, less gravity", with(func(c *current) { c.gravity = 2 }), offer{3, same, 1}, rns.VerdictNotBetter},
		{"interface of the path gone", with(func(c *current) { c.attached = false }), offer{3, same, 1}, rns.VerdictNotBetter},
		{"stored", base, offer{3, old, 0}, rns.VerdictDuplicate},
		{"older", base, offer{1, blobAt(60, 4), 0}, rns.VerdictNotBetter},
		{"older, more hops, expired", with(func(c *current) { c.expired = true }), offer{5, blobAt(60, 4), 0}, rns.VerdictLearned},
		{"stored, more hops, expired", with(func(c *current) { c.expired = true }), offer{5, old, 0}, rns.VerdictDuplicate},
		{"same second, more hops, unresponsive", with(func(c *current) { c.state = PathUnresponsive }), offer{5, same, 0}, rns.VerdictLearned},
		{"stored, more hops, unresponsive", with(func(c *current) { c.state = PathUnresponsive }), offer{5, old, 0}, rns.VerdictLearned},
		{"same second, more hops, responsive", with(func(c *current) { c.state = PathResponsive }), offer{5, same, 0}, rns.VerdictNotBetter},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { equal(t, "verdict", betterPath(c.c, c.o), c.want) })
	}
}

// TestPathLifeFollowsModeAndUse checks spec: rns-core §14.6, §18
func TestPathLifeFollowsModeAndUse(t *testing.T) {
	for mode, life := range map[Mode]time.Duration{
		ModeFull: pathExpiry, ModeAccessPoint: accessPointPathExpiry, ModeRoaming: roamingPathExpiry, ModeGateway: pathExpiry,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			l := transportLab(t)
			l.add("in")
			l.add("out", withMode(mode))
			dest := rns.Addr{1}
			l.path(dest, rns.Addr{2}, 2, "out")
			half := life.Seconds() / 2
			l.run(half)
			l.in("in", benchPacket(dest, 100)) // use renews
			l.run(half + life.Seconds() - 1)
			equal(t, "in use", l.m.HasPath(dest), true)
			l.run(half + life.Seconds() + 1)
			equal(t, "unused", l.m.HasPath(dest), false)
			e, ok := eventOf[PathLost](l)
			equal(t, "event", ok && e.Destination == dest && e.Reason == PathExpired, true)
		})
	}
}

func TestPathsEndWithTheirInterface(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	const n = 3 * sweepPortion
	for i := range n {
		var d rns.Addr
		binary.BigEndian.PutUint32(d[:], uint32(i))
		l.path(d, d, 1, []string{"a", "b"}[i%2])
	}
	l.apply(l.m.RemoveInterface(l.now, l.ids["a"]))
	equal(t, "gone at once", l.m.HasPath(rns.Addr{}), false)
	equal(t, "listed", len(collect(l.m.Paths(l.now))), n/2)
	l.add("c")
	l.apply(l.m.RemoveInterface(l.now, l.ids["c"])) // while the sweep goes on
	l.run(2)
	equal(t, "left", l.m.PathCount(), n/2)
	equal(t, "events", len(l.events), n/2)
	equal(t, "sweep over", l.m.sweep.pending, false)
}

// TestPathTableIsBounded checks spec: rns-core §24.1
func TestPathTableIsBounded(t *testing.T) {
	p := DefaultParams()
	p.Limits.Paths = 10
	l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: true, Params: &p})
	l.add("in")
	l.add("out")
	for i := range 10 {
		l.path(rns.Addr{byte(i)}, rns.Addr{9}, 2, "out")
	}
	l.in("in", benchPacket(rns.Addr{0}, 100)) // the oldest is used
	dest, raw := announceOf(t, testIdentity(t, 1), l.now)
	l.in("in", raw)
	equal(t, "paths", l.m.PathCount(), 10)
	equal(t, "new one", l.m.HasPath(dest), true)
	equal(t, "used one", l.m.HasPath(rns.Addr{0}), true)
	equal(t, "least recently used", l.m.HasPath(rns.Addr{1}), false)
}

// TestDropPaths checks spec: rns-core §15.5
func TestDropPaths(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	via := rns.Addr{0xEE}
	for i := range 6 {
		next := rns.Addr{byte(i)}
		if i%2 == 0 {
			next = via
		}
		l.path(rns.Addr{byte(i)}, next, 2, "a")
	}
	l.apply(l.m.DropPath(l.now, rns.Addr{1}))
	l.apply(l.m.DropPathsVia(l.now, via))
	equal(t, "left", l.m.PathCount(), 2)
	equal(t, "events", len(l.events), 4)
	l.apply(l.m.DropPath(l.now, rns.Addr{1}))
	equal(t, "twice", len(l.events), 4)
}

func TestNextHopAndTimeouts(t *testing.T) {
	l := transportLab(t)
	l.add("slow", func(i *InterfaceInfo) { i.Bitrate = 1000 }, withMTU(508, MTUFixed))
	dest := rns.Addr{1}
	equal(t, "unknown hops", l.m.HopsTo(dest), 128)
	equal(t, "unknown first hop", l.m.FirstHopTimeout(dest), 6*time.Second)
	equal(t, "unknown receipt", l.m.ReceiptTimeout(dest), 129*6*time.Second)
	l.path(dest, rns.Addr{2}, 3, "slow")
	next, ok := l.m.NextHop(dest)
	equal(t, "next hop", ok && next == NextHop{rns.Addr{2}, 1, 3, 1000, 508, MTUFixed}, true)
	equal(t, "first hop", l.m.FirstHopTimeout(dest), 10*time.Second)
	equal(t, "receipt", l.m.ReceiptTimeout(dest), 28*time.Second)
}

// TestBlobsAreBounded checks spec: rns-core §14.6, §24.1
func TestBlobsAreBounded(t *testing.T) {
	var p path
	for i := range 200 {
		p.addBlob(blobAt(int64(i), byte(i)), 64)
		p.addBlob(blobAt(int64(i), byte(i)), 64)
	}
	equal(t, "count", len(p.blobs), 64)
	equal(t, "oldest", p.blobs[0].Emitted(), 136)
	equal(t, "newest", p.emitted(), 199)
}
