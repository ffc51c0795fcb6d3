package transport

import (
	"testing"
	"time"

	"meshchatx/rns"
)

// eventOf returns the last event of a type.
func eventOf[E Event](l *lab) (E, bool) {
	for i := len(l.events) - 1; i >= 0; i-- {
		if e, ok := l.events[i].(E); ok {
			return e, true
		}
	}
	var none E
	return none, false
}

// TestAnnounceReachesApplications checks spec: rns-core §14.11
func TestAnnounceReachesApplications(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	dest, raw := announceOf(t, id, l.now)
	equal(t, "verdict", l.in("a", raw), rns.VerdictLearned)
	e, ok := eventOf[AnnounceReceived](l)
	if !ok || e.Destination != dest || e.Identity != id.Public() || string(e.AppData) != "app" || e.Hops != 1 ||
		e.Emitted != l.now.Unix() || e.PacketHash != rns.PacketHash(raw) || e.Ratchet != nil || e.Response != AnnounceOrdinary {
		t.Errorf("event %+v", e)
	}
	k, ok := l.m.Recall(dest)
	if !ok || k.Public != id.Public() || string(k.AppData) != "app" {
		t.Errorf("recalled %+v", k)
	}
	byID, ok := l.m.RecallIdentity(id.Hash())
	equal(t, "by identity", ok && byID.Destination == dest, true)
	p, ok := l.m.Path(l.now, dest)
	if !ok || p.NextHop != dest || p.Hops != 1 || string(p.Announce) != string(raw) {
		t.Errorf("path %+v", p)
	}
}

// TestOneCheckPerAnnounce: however many copies arrive, on whatever interfaces and by whatever relays, the signature is
// checked once.
func TestOneCheckPerAnnounce(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	l.add("b")
	id := testIdentity(t, 1)
	_, raw := announceOf(t, id, l.now)
	l.in("a", raw)
	for hops := range uint8(20) {
		_, relayed := announceOf(t, id, l.now, relayedBy(rns.Addr{hops}, hops))
		l.in("b", relayed)
		_, response := announceOf(t, id, l.now, relayedBy(rns.Addr{hops}, hops), func(p *rns.Packet) { p.Context = rns.ContextPathResponse })
		l.in("a", response)
	}
	equal(t, "checks", l.checks, 1)

	t.Run("while it is checked", func(t *testing.T) {
		l := transportLab(t)
		l.add("a")
		l.add("b")
		dest, far := announceOf(t, id, l.now, relayedBy(rns.Addr{1}, 9))
		_, near := announceOf(t, id, l.now, relayedBy(rns.Addr{2}, 1))
		first := l.m.Inbound(l.now, Frame{Interface: 1, Raw: far})
		equal(t, "undecided", first.Verdict, rns.VerdictNone)
		job := first.Verify[0]
		for range 2 * maxArrivals {
			equal(t, "second job", len(l.m.Inbound(l.now, Frame{Interface: 2, Raw: append([]byte(nil), near...)}).Verify), 0)
		}
		l.apply(l.m.Verified(l.now, job.Run()))
		equal(t, "verdict", l.verdict, rns.VerdictLearned)
		equal(t, "first heard stays", l.m.HopsTo(dest), 10)
		e := l.m.pending.get(dest)
		equal(t, "neighbours counted", e.rebroadcasts, 0)
		equal(t, "nothing left", len(l.m.verifying), 0)
	})
}

// TestAnnounceRefusals checks spec: rns-core §14.1, §14.3
func TestAnnounceRefusals(t *testing.T) {
	id, other := testIdentity(t, 1), testIdentity(t, 2)
	flip := func(at int) func(*rns.Packet) { return func(p *rns.Packet) { p.Data[at] ^= 1 } }
	sigAt := ratchetOffset
	cases := []struct {
		name    string
		change  func(*rns.Packet)
		before  func(*lab, rns.Addr)
		verdict rns.Verdict
		checks  int
	}{
		{"bad signature", flip(sigAt + 3), nil, rns.VerdictBadSignature, 1},
		{"app data changed", flip(fixedSize), nil, rns.VerdictBadSignature, 1},
		{"blob changed", flip(blobOffset), nil, rns.VerdictBadSignature, 1},
		{"name changed", flip(nameOffset), nil, rns.VerdictHashMismatch, 0},
		{"key changed", flip(3), nil, rns.VerdictHashMismatch, 0},
		{"context flag changed", func(p *rns.Packet) { p.ContextFlag = true }, nil, rns.VerdictTooShort, 0},
		{"truncated", func(p *rns.Packet) { p.Data = p.Data[:147] }, nil, rns.VerdictTooShort, 0},
		{"own", nil, func(l *lab, d rns.Addr) { must(l.t, l.m.RegisterDestination(d, rns.DestSingle)) }, rns.VerdictOwnAnnounce, 0},
		{"blackholed", nil, func(l *lab, _ rns.Addr) { l.apply(l.m.Blackhole(l.now, Blackhole{Identity: id.Hash()})) }, rns.VerdictBlackholed, 0},
		{"known with another key", nil, func(l *lab, d rns.Addr) {
			l.m.SeedKnown(l.now, KnownDestination{Destination: d, Public: other.Public(), Announced: l.now})
		}, rns.VerdictKeyMismatch, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := transportLab(t)
			l.add("a")
			change := c.change
			if change == nil {
				change = func(*rns.Packet) {}
			}
			dest, raw := announceOf(t, id, l.now, change)
			if c.before != nil {
				c.before(l, dest)
			}
			equal(t, "verdict", l.in("a", raw), c.verdict)
			equal(t, "checks", l.checks, c.checks)
			equal(t, "path", l.m.HasPath(dest), false)
			_, learned := eventOf[AnnounceReceived](l)
			equal(t, "event", learned, false)
		})
	}
}

// TestStateChangesDuringCheck: what changed while the signature was checked counts.
func TestStateChangesDuringCheck(t *testing.T) {
	id := testIdentity(t, 1)
	cases := []struct {
		name   string
		during func(*lab, rns.Addr)
		want   rns.Verdict
	}{
		{"registered here", func(l *lab, d rns.Addr) { must(l.t, l.m.RegisterDestination(d, rns.DestSingle)) }, rns.VerdictOwnAnnounce},
		{"blackholed", func(l *lab, _ rns.Addr) { l.m.Blackhole(l.now, Blackhole{Identity: id.Hash()}) }, rns.VerdictBlackholed},
		{"interface gone", func(l *lab, _ rns.Addr) { l.m.RemoveInterface(l.now, 1) }, rns.VerdictInterfaceGone},
		{"better path learned", func(l *lab, d rns.Addr) {
			_, raw := announceOf(l.t, id, l.now.Add(10*time.Second))
			l.in("b", raw)
		}, rns.VerdictNotBetter},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := transportLab(t)
			l.add("a")
			l.add("b")
			dest, raw := announceOf(t, id, l.now)
			jobs := append([]VerifyJob(nil), l.m.Inbound(l.now, Frame{Interface: 1, Raw: raw}).Verify...)
			c.during(l, dest)
			l.apply(l.m.Verified(l.now, jobs[0].Run()))
			equal(t, "verdict", l.verdict, c.want)
		})
	}
	t.Run("abandoned", func(t *testing.T) {
		l := transportLab(t)
		l.add("a")
		dest, raw := announceOf(t, id, l.now)
		fx := l.m.Inbound(l.now, Frame{Interface: 1, Raw: append([]byte(nil), raw...)})
		l.apply(l.m.Verified(l.now, fx.Verify[0].Abandon()))
		equal(t, "verdict", l.verdict, rns.VerdictOverload)
		equal(t, "path", l.m.HasPath(dest), false)
		equal(t, "next copy", l.in("a", raw), rns.VerdictLearned)
	})
}

// TestLateCopiesCostNothing: an older emission that arrives late is dropped unchecked and does not replace what the
// newer one said.
func TestLateCopiesCostNothing(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	dest, first := announceOf(t, id, l.now)
	_, second := announceOf(t, id, l.now.Add(5*time.Second))
	l.in("a", first)
	l.in("a", second)
	checks := l.checks
	_, late := announceOf(t, id, l.now, relayedBy(rns.Addr{3}, 4))
	equal(t, "stored emission", l.in("a", late), rns.VerdictDuplicate)
	_, older := announceOf(t, id, l.now.Add(-time.Hour))
	equal(t, "older emission", l.in("a", older), rns.VerdictNotBetter)
	equal(t, "checks", l.checks, checks)
	k, _ := l.m.Recall(dest)
	equal(t, "remembered", k.PacketHash, rns.PacketHash(second))
}

func TestRatchets(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	var public rns.RatchetPublic
	public[0] = 7
	a, err := rns.NewAnnounce(&half{}, id, rns.NameHashOf("test.t"), &public, nil, l.now)
	must(t, err)
	l.in("a", a.Packet(rns.ContextNone).Append(nil))
	e, _ := eventOf[AnnounceReceived](l)
	if e.Ratchet == nil || *e.Ratchet != public || e.AppData == nil || len(e.AppData) != 0 {
		t.Errorf("with a ratchet and no app data, app data is empty, not nil: %+v", e)
	}
	if _, ok := eventOf[RatchetReceived](l); !ok {
		t.Error("no ratchet event")
	}
	l.at(10)
	_, plain := announceOf(t, id, l.now)
	l.in("a", plain)
	got, ok := l.m.Ratchet(l.now, a.Dest)
	equal(t, "kept by an announce without", ok && got == public, true)
	l.at(30*24*3600 + 1)
	_, ok = l.m.Ratchet(l.now, a.Dest)
	equal(t, "expired", ok, false)
}

func TestKeyConflictIsReported(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	dest, raw := announceOf(t, id, l.now)
	l.m.SeedKnown(l.now, KnownDestination{Destination: dest, Public: testIdentity(t, 2).Public(), Announced: l.now})
	l.in("a", raw)
	e, ok := eventOf[KeyConflict](l)
	equal(t, "event", ok && e.Destination == dest, true)
}
