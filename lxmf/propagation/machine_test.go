package propagation

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

var epoch = time.Unix(1_700_000_000, 0)

func testMachine(change ...func(*Settings)) *machine {
	set := DefaultSettings()
	for _, f := range change {
		f(&set)
	}
	return newMachine(epoch, rns.Addr{0xee}, set, DefaultParams(), [2]uint64{1, 2})
}

func testMessage(n int, size int64, at time.Time) message {
	m := message{dest: rns.Addr{1}, received: seconds(at), size: size, value: 16}
	binary.BigEndian.PutUint32(m.id[:], uint32(n))
	return m
}

func info(timebase int64, active bool) lxmf.PropagationInfo {
	return lxmf.PropagationInfo{
		Timebase: timebase, Active: active, TransferLimit: 256, SyncLimit: 10_240, StampCost: 16, Flexibility: 3, PeeringCost: 18,
	}
}

// hear makes the machine hear a node and gives the peer a key, if it became one.
func hear(m *machine, identity rns.Addr, hops int) (rns.Addr, *peer) {
	addr := peerAddr(identity)
	m.announced(epoch, addr, identity, info(1, true), hops, false)
	p := m.peers[addr]
	if p != nil {
		p.setKey(stamp.Stamp{1}, 20)
	}
	return addr, p
}

// spec: lxmf §12.2
func TestPeeringFollowsAnnounces(t *testing.T) {
	m := testMachine(func(s *Settings) { s.MaxPeers = 2 })
	near, far := rns.Addr{1}, rns.Addr{2}
	if addr, p := hear(m, near, 4); p == nil || m.peers[addr] != p {
		t.Error("a node within the depth did not become a peer")
	}
	if _, p := hear(m, far, 5); p != nil {
		t.Error("a node beyond the depth became a peer")
	}
	if m.announced(epoch, peerAddr(near), near, info(1, true), 1, false) {
		t.Error("an announce as old as the last one changed the peer")
	}
	if !m.announced(epoch, peerAddr(near), near, info(2, false), 1, false) || m.peers[peerAddr(near)] != nil {
		t.Error("a node that became inactive stayed a peer")
	}
	dear := info(3, true)
	dear.PeeringCost = 27
	if m.announced(epoch, peerAddr(far), far, dear, 1, false); m.peers[peerAddr(far)] != nil {
		t.Error("a node asked for more work than the maximum and became a peer")
	}
	for i := range byte(3) {
		hear(m, rns.Addr{10 + i}, 1)
	}
	if len(m.peers) != 2 {
		t.Errorf("there are %d peers, the maximum is 2", len(m.peers))
	}
}

// spec: lxmf §12.2
func TestStaticPeersStay(t *testing.T) {
	id := rns.Addr{7}
	m := testMachine(func(s *Settings) { s.StaticPeers = []rns.Addr{peerAddr(id)}; s.AutoPeer = No })
	addr := peerAddr(id)
	if !m.announced(epoch, addr, id, info(1, true), 9, true) {
		t.Error("the first path response of a static peer was not heeded")
	}
	if m.announced(epoch, addr, id, info(2, true), 9, true) {
		t.Error("a later path response was heeded")
	}
	if m.unpeer(addr) || m.peers[addr] == nil {
		t.Error("a static peer could be removed")
	}
}

// spec: lxmf §11.2, §18
func TestOffersAreRefusedForAReason(t *testing.T) {
	link, who := rns.Addr{9}, rns.Addr{3}
	m := testMachine()
	m.throttled[peerAddr(who)] = epoch.Add(time.Minute)
	if err := m.admitOffer(epoch, link, who); !errors.Is(err, lxmf.ErrorThrottled) {
		t.Errorf("a throttled peer got %v", err)
	}
	if err := m.admitOffer(epoch.Add(time.Minute), link, who); err != nil {
		t.Errorf("after the time the peer got %v", err)
	}
	m.checking = 1
	if err := m.admitOffer(epoch.Add(time.Minute), link, who); !errors.Is(err, lxmf.ErrorThrottled) {
		t.Errorf("during a check of stamps the peer got %v", err)
	}
	m = testMachine(func(s *Settings) { s.StaticOnly = Yes })
	if err := m.admitOffer(epoch, link, who); !errors.Is(err, lxmf.ErrorNoAccess) {
		t.Errorf("a stranger of a static-only node got %v", err)
	}
	m = testMachine(func(s *Settings) { s.MaxInboundSyncs = 1 })
	m.offered(rns.Addr{8}, []rns.Hash{{1}})
	m.admitTransfer(rns.Addr{8}, 100)
	if err := m.admitOffer(epoch, link, who); !errors.Is(err, lxmf.ErrorThrottled) {
		t.Errorf("beyond the transfers at once the peer got %v", err)
	}
}

// spec: lxmf §11.2
func TestOfferIsAnsweredByWhatIsMissing(t *testing.T) {
	m := testMachine()
	have, gone, missing := testMessage(1, 200, epoch), testMessage(2, 200, epoch), testMessage(3, 200, epoch)
	m.index.add(have)
	m.claim(epoch, gone.id)
	m.settle(gone.id, true)
	for _, test := range []struct {
		name string
		ids  []rns.Hash
		want lxmf.OfferAnswer
	}{
		{"none missing", []rns.Hash{have.id, gone.id}, lxmf.OfferAnswer{Wanted: lxmf.WantedNone}},
		{"all missing", []rns.Hash{missing.id}, lxmf.OfferAnswer{Wanted: lxmf.WantedAll}},
		{"some missing", []rns.Hash{have.id, missing.id}, lxmf.OfferAnswer{Wanted: lxmf.WantedSome, IDs: []rns.Hash{missing.id}}},
	} {
		if got := m.offered(rns.Addr{9}, test.ids); got.Wanted != test.want.Wanted || !slices.Equal(got.IDs, test.want.IDs) {
			t.Errorf("%s: answered %+v", test.name, got)
		}
	}
}

// spec: lxmf §11.3
func TestManyMessagesNeedAKey(t *testing.T) {
	m := testMachine()
	link := rns.Addr{9}
	if m.admitBatch(epoch, link, 2) {
		t.Error("two messages were taken without a key")
	}
	if !m.admitBatch(epoch, link, 1) {
		t.Error("one message was refused")
	}
	m.offered(link, []rns.Hash{{1}})
	if !m.admitBatch(epoch, link, 2) {
		t.Error("two messages were refused after a good key")
	}
	if m.admitTransfer(link, 10_240_001) {
		t.Error("a transfer above the limit was admitted")
	}
}

// spec: lxmf §12.4, §18
func TestOfferHoldsWhatThePeerTakes(t *testing.T) {
	m := testMachine()
	addr, p := hear(m, rns.Addr{1}, 1)
	small, large, huge, cheap := testMessage(1, 200, epoch), testMessage(2, 900, epoch), testMessage(3, 300_000, epoch), testMessage(4, 200, epoch)
	cheap.value = 12
	for _, msg := range []message{large, huge, cheap, small} {
		m.stored(rns.Addr{}, msg)
	}
	m.flush()
	plan, ok := m.begin(epoch, addr)
	if !ok || plan.lacks != lackNothing {
		t.Fatalf("synchronisation did not begin: %+v", plan)
	}
	if _, again := m.begin(epoch, addr); again {
		t.Error("a second synchronisation began")
	}
	m.linkUp(epoch, addr)
	offer, ok := m.makeOffer(epoch, addr)
	if want := []rns.Hash{small.id, large.id}; !ok || !slices.Equal(offer.IDs, want) {
		t.Fatalf("offered %v, want small before large, and neither the huge nor the cheap one", offer.IDs)
	}
	send := m.answered(addr, lxmf.OfferAnswer{Wanted: lxmf.WantedSome, IDs: []rns.Hash{large.id, huge.id, {0xff}}})
	if len(send) != 1 || send[0].id != large.id {
		t.Fatalf("served %v: only what was offered may be got", send)
	}
	if p.unhandled.n != 1 {
		t.Errorf("%d messages are owed, want the one being sent", p.unhandled.n)
	}
	if more := m.transferred(addr, send, 900, 1000); more || p.unhandled.n != 0 || p.Outgoing != 1 || p.Offered != 2 {
		t.Errorf("after the transfer: more %v, owed %d, outgoing %d of %d offered", more, p.unhandled.n, p.Outgoing, p.Offered)
	}
	m.ended(epoch, addr, 0, false)
	if _, ok := m.choose(epoch); ok {
		t.Error("a peer that has everything was chosen")
	}
}

// spec: lxmf §12.4
func TestFailedConnectionsWaitLonger(t *testing.T) {
	m := testMachine()
	addr, p := hear(m, rns.Addr{1}, 1)
	m.stored(rns.Addr{}, testMessage(1, 200, epoch))
	m.flush()
	now := epoch
	var waits []time.Duration
	for range 3 {
		if got, ok := m.choose(now); !ok || got != addr {
			t.Fatal("the peer was not chosen when due")
		}
		m.begin(now, addr)
		m.ended(now, addr, 0, true)
		waits = append(waits, p.next.Sub(now))
		if _, ok := m.choose(p.next.Add(-time.Second)); ok {
			t.Error("the peer was chosen before it was due")
		}
		now = p.next
	}
	if want := []time.Duration{720 * time.Second, 1440 * time.Second, 2160 * time.Second}; !slices.Equal(waits, want) {
		t.Errorf("waits are %v, want %v", waits, want)
	}
	m.begin(now, addr)
	m.linkUp(now, addr)
	if p.backoff != 0 || !p.Alive {
		t.Error("a link did not end the waiting")
	}
}

// spec: lxmf §11.2
func TestRefusalsOfAPeer(t *testing.T) {
	for _, test := range []struct {
		code  lxmf.ErrorCode
		check func(m *machine, addr rns.Addr, p *peer) bool
	}{
		{lxmf.ErrorNoAccess, func(m *machine, addr rns.Addr, _ *peer) bool { return m.peers[addr] == nil }},
		{lxmf.ErrorThrottled, func(_ *machine, _ rns.Addr, p *peer) bool { return p.next.Equal(epoch.Add(180 * time.Second)) }},
		{lxmf.ErrorInvalidKey, func(_ *machine, _ rns.Addr, p *peer) bool { return p.Key == nil && p.next.After(epoch) }},
		{lxmf.ErrorInvalidData, func(_ *machine, _ rns.Addr, p *peer) bool { return p.next.After(epoch) }},
	} {
		m := testMachine()
		addr, p := hear(m, rns.Addr{1}, 1)
		m.stored(rns.Addr{}, testMessage(1, 200, epoch))
		m.flush()
		m.begin(epoch, addr)
		m.linkUp(epoch, addr)
		m.ended(epoch, addr, test.code, true)
		if !test.check(m, addr, p) {
			t.Errorf("after %v: next %v, key %v", test.code, p.next.Sub(epoch), p.Key)
		}
		if m.syncing != 0 || p.state != SyncIdle {
			t.Errorf("after %v the peer is %v", test.code, p.state)
		}
	}
}

// spec: lxmf §10
func TestCleaningGoesByWeight(t *testing.T) {
	m := testMachine(func(s *Settings) { s.StorageLimit = 1000; s.Prioritised = []rns.Addr{{2}} })
	now := epoch.Add(31 * 24 * time.Hour)
	old := testMessage(1, 100, epoch)
	heavy, light := testMessage(2, 700, now), testMessage(3, 500, now)
	dear := testMessage(4, 400, now)
	dear.dest = rns.Addr{2}
	for _, msg := range []message{old, heavy, light, dear} {
		m.stored(rns.Addr{}, msg)
	}
	names := m.tidy(now)
	slices.Sort(names)
	want := []string{old.name(), heavy.name()}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("removed %v, want the old and then the heaviest", names)
	}
	if m.index.bytes != 900 || m.index.len() != 2 {
		t.Errorf("%d bytes in %d messages are left", m.index.bytes, m.index.len())
	}
}

// spec: lxmf §11.5
func TestFetchFits(t *testing.T) {
	m := testMachine()
	own := rns.Addr{1}
	foreign := testMessage(9, 100, epoch)
	foreign.dest = rns.Addr{2}
	a, b, c := testMessage(1, 500, epoch), testMessage(2, 300, epoch), testMessage(3, 100, epoch)
	for _, msg := range []message{a, b, c, foreign} {
		m.index.add(msg)
	}
	if got := m.index.of(own); !slices.Equal(got, []rns.Hash{c.id, b.id, a.id}) {
		t.Errorf("the list is %v, want small ones first", got)
	}
	got := m.fetch(own, []rns.Hash{b.id, a.id, foreign.id, c.id, b.id}, 0.5)
	if len(got) != 2 || got[0].id != b.id || got[1].id != c.id {
		t.Errorf("fetched %v: want what fits, in the order wished, each once, and nobody else's", got)
	}
	if files := m.delete(own, []rns.Hash{a.id, foreign.id}); len(files) != 1 || m.index.has(a.id) || !m.index.has(foreign.id) {
		t.Errorf("deleted %v", files)
	}
}

// spec: lxmf §12.6
func TestRotationDropsThoseThatTakeLittle(t *testing.T) {
	m := testMachine(func(s *Settings) { s.MaxPeers = 10 })
	for i := range byte(10) {
		_, p := hear(m, rns.Addr{1 + i}, 1)
		p.LastSync, p.Offered, p.Outgoing = 1, 10, uint64(i)
	}
	m.rotate()
	if len(m.peers) != 9 || m.peers[peerAddr(rns.Addr{1})] != nil {
		t.Errorf("%d peers are left; the one that took nothing must go", len(m.peers))
	}
}

func TestBitset(t *testing.T) {
	var b bitset
	for _, s := range []int32{5, 64, 1000, 5} {
		b.add(s)
	}
	b.remove(64)
	b.remove(7)
	if got := slices.Collect(b.all); b.n != 2 || !slices.Equal(got, []int32{5, 1000}) {
		t.Errorf("the set is %v with %d", got, b.n)
	}
}

func TestCatalogSurvivesDamage(t *testing.T) {
	x := newIndex()
	for i := range 3 {
		x.add(testMessage(i, 100, epoch))
	}
	b := x.appendCatalog(nil)
	if got := parseCatalog(b); len(got) != 3 || got[testMessage(1, 0, epoch).id] != (catalogued{rns.Addr{1}, 100}) {
		t.Errorf("read %v", got)
	}
	for i := range b {
		bad := slices.Clone(b)
		bad[i] ^= 1
		if parseCatalog(bad) != nil || parseCatalog(b[:i]) != nil {
			t.Fatalf("damage at byte %d was not noticed", i)
		}
	}
}

// What arrives by two ways at once is told to nobody before it is on the disk. spec: lxmf §9.7
func TestWhatIsBeingStoredIsNotThereYet(t *testing.T) {
	m := testMachine()
	id := rns.Hash{7}
	for _, want := range []claimed{claimFresh, claimPending} {
		if got := m.claim(epoch, id); got != want {
			t.Errorf("the claim is %d, want %d", got, want)
		}
	}
	if a := m.offered(rns.Addr{1}, []rns.Hash{id}); a.Wanted != lxmf.WantedAll {
		t.Errorf("while it is stored the answer is %v", a.Wanted)
	}
	m.settle(id, false)
	if got := m.claim(epoch, id); got != claimFresh {
		t.Errorf("after a failure the claim is %d", got)
	}
	m.settle(id, true)
	if a := m.offered(rns.Addr{1}, []rns.Hash{id}); a.Wanted != lxmf.WantedNone {
		t.Errorf("afterwards the answer is %v", a.Wanted)
	}
	if got := m.claim(epoch, id); got != claimKnown {
		t.Errorf("afterwards the claim is %d", got)
	}
}
