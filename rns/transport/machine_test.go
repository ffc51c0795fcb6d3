package transport

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meshchatx/rns"
)

func TestIdleMachineHasNoDeadline(t *testing.T) {
	l := transportLab(t)
	l.add("a", func(i *InterfaceInfo) { i.IngressControl = LimitOn })
	l.add("b")
	l.add("radio", func(i *InterfaceInfo) { i.IngressControl, i.NeverLimitAnnounces = LimitOn, true })
	equal(t, "new", l.m.Deadline().IsZero(), true)
	for n := range byte(5) {
		_, raw := announceOf(t, testIdentity(t, n+1), l.now)
		l.in("a", raw)
		l.in("radio", raw)
		l.now = l.now.Add(time.Second)
	}
	l.run(400)
	// Nothing is left but the ends of the paths, days away.
	if d := l.m.Deadline().Sub(l.now); d < 24*time.Hour {
		t.Errorf("next deadline in %v", d)
	}
}

func TestInterfaces(t *testing.T) {
	l := transportLab(t)
	l.add("slow", func(i *InterfaceInfo) { i.Bitrate = 1000 })
	l.add("fast", func(i *InterfaceInfo) { i.Bitrate = 1_000_000_000 })
	l.add("child", func(i *InterfaceInfo) { i.Parent = 1 })
	equal(t, "zero id", l.m.AddInterface(l.now, InterfaceInfo{}), ErrInterface)
	equal(t, "used id", l.m.AddInterface(l.now, InterfaceInfo{ID: 1}), ErrInterface)
	equal(t, "unknown", l.m.UpdateInterface(l.now, InterfaceInfo{ID: 99}), ErrNoInterface)
	must(t, l.m.UpdateInterface(l.now, InterfaceInfo{ID: 2, Name: "fast", Mode: ModeGateway, Bitrate: 500_000_000}))
	status := collect(l.m.Interfaces(l.now))
	equal(t, "fastest first", status[0].Info.Name, "fast")
	equal(t, "mode", status[0].Info.Mode, ModeGateway)
	equal(t, "hash", status[0].Info.Hash, rns.FullHash([]byte("fast")))
	for n := range byte(4) { // a child's events count for the parent too
		_, raw := announceOf(t, testIdentity(t, n+1), l.now)
		l.in("child", raw)
		l.now = l.now.Add(100 * time.Millisecond)
	}
	for _, s := range collect(l.m.Interfaces(l.now)) {
		equal(t, s.Info.Name, s.IncomingAnnounces > 0, s.Info.Name != "fast")
	}
	l.apply(l.m.RemoveInterface(l.now, 1))
	l.apply(l.m.RemoveInterface(l.now, 1))
	equal(t, "twice", l.verdict, rns.VerdictInterfaceGone)
	_, raw := announceOf(t, testIdentity(t, 9), l.now)
	equal(t, "orphan works", l.in("child", raw), rns.VerdictLearned)
}

// TestSnapshotSeedsTheSameMachine: what iterators list, seeded into another machine, is listed there again.
// spec: rns-core §11.3
func TestSnapshotSeedsTheSameMachine(t *testing.T) {
	build := func() *lab {
		l := transportLab(t)
		l.add("a", func(i *InterfaceInfo) { i.AnnounceRate = AnnounceRate{Target: time.Hour} })
		l.add("b")
		return l
	}
	l := build()
	id := testIdentity(t, 1)
	_, raw := announceOf(t, id, l.now, relayedBy(rns.Addr{5}, 3))
	s, err := rns.NewTunnelSynthesis(&half{}, testIdentity(t, 2), rns.Hash{1})
	must(t, err)
	l.in("a", s.Packet().Append(nil))
	l.in("a", raw)
	l.at(3)
	dest := destOf(t, raw)
	l.m.MarkUsed(l.now, dest)
	l.m.SetPathState(dest, PathResponsive)
	l.in("b", benchPacket(dest, 100))
	l.m.SeedLink(l.now, LinkRecord{Link: rns.Addr{1}, Timestamp: l.now, NextInterface: 2, Received: 1, Validated: true, ProofTimeout: l.now})
	l.m.SeedRatchet(l.now, ReceivedRatchet{Destination: dest, Ratchet: rns.RatchetPublic{1}, Received: l.now})
	l.m.Blackhole(l.now, Blackhole{Identity: rns.Addr{1}})
	l.apply(l.m.RequestPath(l.now, PathRequest{Destination: rns.Addr{8}}))

	c := build()
	c.now = l.now
	copyTables(t, l, c, raw)
	compare(t, "known", collect(l.m.KnownDestinations()), collect(c.m.KnownDestinations()))
	compare(t, "ratchets", collect(l.m.Ratchets()), collect(c.m.Ratchets()))
	compare(t, "paths", collect(l.m.Paths(l.now)), collect(c.m.Paths(c.now)))
	compare(t, "pending", collect(l.m.PendingAnnounces()), collect(c.m.PendingAnnounces()))
	compare(t, "reverse", collect(l.m.ReverseEntries()), collect(c.m.ReverseEntries()))
	compare(t, "links", collect(l.m.Links()), collect(c.m.Links()))
	compare(t, "rates", collect(l.m.Rates()), collect(c.m.Rates()))
	compare(t, "requests", collect(l.m.Requests()), collect(c.m.Requests()))
	compare(t, "tunnels", collect(l.m.Tunnels()), collect(c.m.Tunnels()))
	compare(t, "blackholes", collect(l.m.Blackholed()), collect(c.m.Blackholed()))
	equal(t, "hashes", c.m.PacketHashCount(), l.m.PacketHashCount())
	// The restored machine shares one copy of the announce, and needs no check to answer from it.
	equal(t, "shared", &c.m.known.get(dest).announce[0] == &c.m.paths.get(dest).announce[0], true)
	equal(t, "answers", c.in("b", requestFor(dest, 1)), rns.VerdictAnswered)
}

// copyTables seeds c with everything that l lists.
func copyTables(t *testing.T, l, c *lab, raw []byte) {
	t.Helper()
	for k := range l.m.KnownDestinations() {
		c.m.SeedKnown(c.now, k)
	}
	for r := range l.m.Ratchets() {
		equal(t, "ratchet", c.m.SeedRatchet(c.now, r), true)
	}
	for r := range l.m.Paths(l.now) {
		must(t, c.m.SeedPath(c.now, r))
	}
	for r := range l.m.PendingAnnounces() {
		must(t, c.m.SeedPendingAnnounce(c.now, r, raw))
	}
	for r := range l.m.ReverseEntries() {
		c.m.SeedReverse(c.now, r)
	}
	for r := range l.m.Links() {
		c.m.SeedLink(c.now, r)
	}
	for r := range l.m.Rates() {
		c.m.SeedRate(c.now, r)
	}
	for r := range l.m.Requests() {
		c.m.SeedRequest(c.now, r)
	}
	for r := range l.m.Tunnels() {
		must(t, c.m.SeedTunnel(c.now, r))
	}
	for b := range l.m.Blackholed() {
		c.m.SeedBlackhole(c.now, b)
	}
	for h := range l.m.PacketHashes() {
		c.m.SeedPacketHash(h)
	}
}

func compare[T any](t *testing.T, what string, want, got []T) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: nothing to compare", what)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateApproxTime(time.Microsecond), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s: %s", what, d)
	}
}

func TestSeedsRefuseWhatTheyCannotUse(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	_, raw := announceOf(t, testIdentity(t, 1), l.now)
	equal(t, "interface", l.m.SeedPath(l.now, PathRecord{Interface: 9}), ErrNoInterface)
	if err := l.m.SeedPath(l.now, PathRecord{Interface: 1, Announce: raw}); err == nil {
		t.Error("announce of another destination accepted")
	}
	if err := l.m.SeedPath(l.now, PathRecord{Interface: 1, Announce: raw[:50]}); err == nil {
		t.Error("cut announce accepted")
	}
	if err := l.m.SeedPendingAnnounce(l.now, PendingAnnounce{}, nil); err == nil {
		t.Error("pending announce without announce accepted")
	}
	if err := l.m.SeedTunnel(l.now, TunnelRecord{ID: rns.Hash{1}}); err == nil {
		t.Error("empty tunnel accepted")
	}
	must(t, l.m.SeedTunnel(l.now, TunnelRecord{ID: rns.Hash{1}, Interface: 1, Expires: l.now.Add(1000 * time.Hour)}))
	equal(t, "clamped", collect(l.m.Tunnels())[0].Expires.Sub(l.now), 8*time.Hour)
	equal(t, "ratchet of nobody", l.m.SeedRatchet(l.now, ReceivedRatchet{Destination: rns.Addr{1}}), false)
	must(t, l.m.RegisterDestination(rns.Addr{1}, rns.DestSingle))
	equal(t, "own ratchet", l.m.SeedRatchet(l.now, ReceivedRatchet{Destination: rns.Addr{1}, Ratchet: rns.RatchetPublic{4}, Received: l.now}), true)
	got, _ := l.m.Ratchet(l.now, rns.Addr{1})
	equal(t, "own ratchet", got, rns.RatchetPublic{4})
}

func TestForwardingAllocatesNothing(t *testing.T) {
	l := transportLab(t)
	l.add("in")
	l.add("out")
	dest := rns.Addr{1}
	l.path(dest, rns.Addr{2}, 3, "out")
	original, frame := benchPacket(dest, 300), make([]byte, 300)
	var n uint32
	allocs := testing.AllocsPerRun(2000, func() {
		n++
		copy(frame, original)
		frame[60], frame[61] = byte(n), byte(n>>8)
		if fx := l.m.Inbound(l.now, Frame{Interface: 1, Raw: frame}); len(fx.Send) != 1 {
			t.Fatal(fx.Verdict)
		}
	})
	if allocs > 0.5 { // tables grow now and then
		t.Errorf("%v allocations per packet", allocs)
	}
}

// spec: rns-link §3.6
func TestSignalsAreRemembered(t *testing.T) {
	l := transportLab(t)
	l.add("a")
	var first rns.Hash
	for i := range 600 {
		raw := rns.Packet{Dest: rns.Addr{1}, Data: []byte{byte(i), byte(i >> 8)}}.Append(nil)
		if i == 0 {
			first = rns.PacketHash(raw)
		}
		l.m.Inbound(l.now, Frame{Interface: 1, Raw: raw, Signal: Signal{RSSI: -float64(i), HasRSSI: true}})
		s, ok := l.m.SignalOf(rns.PacketHash(raw))
		equal(t, "signal", ok && s.RSSI == -float64(i), true)
	}
	_, ok := l.m.SignalOf(first)
	equal(t, "oldest", ok, false)
	equal(t, "bounded", l.m.signals.len(), 512)
}

// TestOutboundVerdicts checks spec: rns-core §12.1, §12.3
func TestOutboundVerdicts(t *testing.T) {
	l := transportLab(t)
	equal(t, "no interface", l.out(OutPacket{Raw: rns.Packet{Dest: rns.Addr{1}}.Append(nil)}), rns.VerdictNothingListening)
	l.add("a")
	equal(t, "malformed", l.out(OutPacket{Raw: []byte{1}}), rns.VerdictTooShort)
	equal(t, "interface gone", l.out(OutPacket{Raw: rns.Packet{Dest: rns.Addr{1}}.Append(nil), Attached: 9}), rns.VerdictInterfaceGone)
	_, raw := announceOf(t, testIdentity(t, 1), l.now)
	equal(t, "announce of nobody", l.out(OutPacket{Raw: raw}), rns.VerdictNothingListening)
	l.path(rns.Addr{2}, rns.Addr{3}, 4, "a")
	p := rns.Packet{HeaderType: rns.HeaderType2, Dest: rns.Addr{2}}
	equal(t, "header 2 into transport", l.out(OutPacket{Raw: p.Append(nil)}), rns.VerdictBadFlags)
	data := rns.Packet{Dest: rns.Addr{7}, Data: []byte("x")}.Append(nil)
	equal(t, "broadcast", l.out(OutPacket{Raw: data}), rns.VerdictForwarded)
	equal(t, "echo", l.in("a", data), rns.VerdictDuplicate)
	l.m.ForgetPacket(rns.PacketHash(data))
	equal(t, "forgotten", l.in("a", data), rns.VerdictUnknownDestination)
}

// TestLocalDestinationWithPath: a packet that is forwarded and delivered keeps its delivered form.
func TestLocalDestinationWithPath(t *testing.T) {
	l := transportLab(t)
	l.add("in")
	l.add("out")
	dest := rns.Addr{1}
	must(t, l.m.RegisterDestination(dest, rns.DestSingle))
	l.path(dest, rns.Addr{2}, 1, "out")
	raw := benchPacket(dest, 100)
	equal(t, "verdict", l.in("in", raw), rns.VerdictDelivered)
	equal(t, "delivered", string(l.delivered[0].Raw), string(raw))
	equal(t, "forwarded", len(l.take()), 1)
}

func TestSharedInstanceGoes(t *testing.T) {
	l := newLab(t, Config{TransportID: rns.Addr{1}})
	l.add("shared", func(i *InterfaceInfo) { i.Role = RoleSharedInstance })
	dest, raw := announceOf(t, testIdentity(t, 1), l.now, relayedBy(rns.Addr{5}, 1))
	l.in("shared", raw)
	equal(t, "hops", l.m.HopsTo(dest), 1)
	data := rns.Packet{Dest: dest}.Append(nil)
	l.out(OutPacket{Raw: data})
	equal(t, "into transport at one hop", mustHex(t, l.take()[0].Raw)[0], flagHeader2|flagTransport)
	l.apply(l.m.RemoveInterface(l.now, l.ids["shared"]))
	equal(t, "paths", l.m.PathCount(), 0)
	_, known := l.m.Recall(dest)
	equal(t, "known", known, true)
}

func TestListsOfTheNode(t *testing.T) {
	l := transportLab(t)
	ic := DefaultParams().Ingress
	l.add("a", func(i *InterfaceInfo) { i.IngressControl, i.Ingress, i.Created = LimitOn, &ic, l.base })
	l.add("slow", func(i *InterfaceInfo) { i.Bitrate = 100 })
	must(t, l.m.RegisterDestination(rns.Addr{1}, rns.DestGroup))
	must(t, l.m.RegisterLink(LocalLink{ID: rns.Addr{2}, Destination: rns.Addr{1}, Role: LinkResponder, Attached: 1}))
	for dest, kind := range l.m.Destinations() {
		equal(t, "destination", dest == rns.Addr{1} && kind == rns.DestGroup, true)
	}
	equal(t, "link", collect(l.m.LocalLinks())[0], LocalLinkRecord{
		Link: rns.Addr{2}, Destination: rns.Addr{1}, Role: LinkResponder, Active: true, Attached: 1,
	})
	for n := range byte(6) {
		_, raw := announceOf(t, testIdentity(t, n+1), l.now, relayedBy(rns.Addr{4}, n))
		l.in("a", raw)
		l.now = l.now.Add(50 * time.Millisecond)
	}
	held := collect(l.m.HeldAnnounces())
	equal(t, "held", len(held), 4)
	equal(t, "hops", held[0].Hops, 3)
	l.at(3)
	l.expire()
	queued := 0
	for s := range l.m.Interfaces(l.now) {
		queued += s.Queued
		equal(t, "burst on "+s.Info.Name, s.AnnounceBurst, s.Info.Name == "a")
	}
	equal(t, "queued", l.m.DropAnnounceQueues(), queued)
	equal(t, "there were some", queued > 0, true)
	l.run(60)
	equal(t, "held ones came free", len(collect(l.m.HeldAnnounces())), 0)
	equal(t, "all learned", l.m.PathCount(), 6)
}
