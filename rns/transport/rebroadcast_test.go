package transport

import (
	"encoding/hex"
	"testing"
	"time"

	"meshchatx/rns"
)

func TestRebroadcastTwiceAtMost(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	_, raw := announceOf(t, testIdentity(t, 1), l.now)
	l.in("a", raw)
	l.run(60)
	sent := by(l.take())
	equal(t, "on a, where it came from", len(sent["a"]), 2)
	equal(t, "on b", len(sent["b"]), 2)
	equal(t, "entries", l.m.pending.len(), 0)
}

func TestWithoutTransportNothingIsRepeated(t *testing.T) {
	l := newLab(t, Config{TransportID: vectorTransportID})
	l.add("a")
	dest, raw := announceOf(t, testIdentity(t, 1), l.now)
	equal(t, "learned", l.in("a", raw), rns.VerdictLearned)
	l.run(60)
	equal(t, "sent", len(l.take()), 0)
	equal(t, "path", l.m.HasPath(dest), true)
}

// TestNeighboursMakeTheSecondSuperfluous: two neighbours that repeat it, or one that passes ours on, end the rebroadcast.
// spec: rns-core §14.4
func TestNeighboursMakeTheSecondSuperfluous(t *testing.T) {
	id := testIdentity(t, 1)
	cases := []struct {
		name string
		hops []uint8 // of what is heard between the first and the second rebroadcast, as on the wire
		want int
	}{
		{"nobody", nil, 2},
		{"one neighbour", []uint8{1}, 2},
		{"two neighbours", []uint8{1, 1}, 1},
		{"ours passed on", []uint8{2}, 1},
		{"somebody far", []uint8{5}, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := transportLab(t)
			l.add("a")
			_, raw := announceOf(t, id, l.now)
			l.in("a", raw)
			l.run(2)
			for i, h := range c.hops {
				_, heard := announceOf(t, id, l.base, relayedBy(rns.Addr{byte(i + 1)}, h))
				l.in("a", heard)
			}
			l.run(60)
			equal(t, "sent", len(l.take()), c.want)
		})
	}
}

func TestOversizedAnnounceIsKeptButNotRepeated(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("client", localClient)
	a, err := rns.NewAnnounce(&half{}, testIdentity(t, 1), rns.NameHashOf("test.t"), nil, make([]byte, 333), l.now)
	must(t, err)
	l.in("a", a.Packet(rns.ContextNone).Append(nil))
	small, raw := announceOf(t, testIdentity(t, 2), l.now)
	l.in("a", raw)
	l.run(60)
	equal(t, "path", l.m.HasPath(a.Dest), true)
	for _, f := range l.take() {
		if destOf(t, mustHex(t, f.Raw)) != small {
			t.Error("oversized announce sent")
		}
	}
}

func TestRoundIsOrderedByHops(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	for i, hops := range []uint8{7, 2, 30, 0} {
		_, raw := announceOf(t, testIdentity(t, byte(i+1)), l.now, relayedBy(rns.Addr{9}, hops))
		l.in("a", raw)
	}
	l.run(2) // bandwidth lets them leave one after the other
	var hops []byte
	for _, f := range l.take() {
		hops = append(hops, mustHex(t, f.Raw)[1])
	}
	equal(t, "order", hex.EncodeToString(hops), "0103081f")
}

// TestAnswersDoNotDisplaceTheRebroadcast: requests from two interfaces while a rebroadcast waits are both answered, and
// the rebroadcast goes on.
func TestAnswersDoNotDisplaceTheRebroadcast(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	l.add("c")
	dest, raw := announceOf(t, testIdentity(t, 1), l.now, relayedBy(rns.Addr{9}, 2))
	l.in("a", raw)
	l.at(1)
	l.expire()
	l.take()
	ask := func(name string, tag byte) {
		l.in(name, rns.PathRequest{Dest: dest, Tag: []byte{tag}}.Packet().Append(nil))
		equal(t, "answered", l.verdict, rns.VerdictAnswered)
	}
	ask("b", 1)
	ask("c", 2)
	ask("c", 3) // the same interface again: one answer
	equal(t, "parked", len(collect(l.m.PendingAnnounces())), 3)
	l.run(60)
	responses, others := map[string]int{}, map[string]int{}
	for _, f := range l.take() {
		p, err := rns.ParsePacket(mustHex(t, f.Raw))
		must(t, err)
		if p.Context == rns.ContextPathResponse {
			responses[f.Interface]++
		} else {
			others[f.Interface]++
		}
	}
	equal(t, "to b", responses["b"], 1)
	equal(t, "to c", responses["c"], 1)
	equal(t, "to a", responses["a"], 0)
	equal(t, "second rebroadcast", others["a"], 1)
}

func TestRateBlockedAnnounceStillUpdatesThePath(t *testing.T) {
	l := transportLab(t)
	l.add("a", func(i *InterfaceInfo) { i.AnnounceRate = AnnounceRate{Target: time.Hour} })
	id := testIdentity(t, 1)
	for n := range 3 {
		l.at(float64(n * 60))
		_, raw := announceOf(t, id, l.now)
		equal(t, "verdict", l.in("a", raw), rns.VerdictLearned)
		equal(t, "scheduled", l.m.pending.len() == 1, n == 0)
		l.run(float64(n*60 + 30))
	}
	equal(t, "events", len(l.events) >= 3, true)
}
