package propagation

import (
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// FuzzCatalog feeds damaged catalogs.
func FuzzCatalog(f *testing.F) {
	x := newIndex()
	x.add(testMessage(1, 100, epoch))
	f.Add(x.appendCatalog(nil))
	f.Fuzz(func(_ *testing.T, b []byte) { parseCatalog(b) })
}

// FuzzMachine feeds the machine with events in any order: its books must stay balanced.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{0, 0, 1, 1, 9, 9, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7})
	f.Fuzz(func(t *testing.T, script []byte) {
		m := testMachine(func(s *Settings) { s.StorageLimit = 2000; s.MaxPeers = 4 })
		now := epoch
		for i, b := range script[:min(len(script), 400)] {
			step(m, now, int(b>>4), int(b&15), i)
			now = now.Add(time.Duration(b) * time.Minute)
		}
		total := int64(0)
		for id, slot := range m.index.byID {
			if m.index.slots[slot].id != id {
				t.Fatal("the index lost a message")
			}
			total += m.index.slots[slot].size
		}
		if total != m.index.bytes || m.syncing < 0 || len(m.peers) > 4 {
			t.Fatalf("%d of %d bytes, %d synchronisations, %d peers", total, m.index.bytes, m.syncing, len(m.peers))
		}
		for _, p := range m.peers {
			for slot := range p.unhandled.all {
				if p.handled.has(slot) || m.index.slots[slot].size == 0 {
					t.Fatal("a peer is owed what it has, or what has gone")
				}
			}
		}
	})
}

// step is one event of a fuzzed story.
func step(m *machine, now time.Time, kind, n, i int) {
	who := rns.Addr{byte(n)}
	addr, link := peerAddr(who), rns.Addr{0xf0, byte(n)}
	switch kind {
	case 0:
		m.announced(now, addr, who, info(now.Unix(), n%5 > 0), n%7, n%3 == 0)
	case 1, 2:
		m.stored(link, testMessage(i, int64(100+n*100), now))
		m.flush()
	case 3:
		if a, ok := m.choose(now); ok {
			m.begin(now, a)
		}
	case 4:
		m.keyFound(addr, nil, 0)
		if p := m.peers[addr]; p != nil {
			p.setKey([32]byte{1}, 30)
		}
	case 5:
		if p := m.peers[addr]; p != nil && p.state == SyncLinkEstablishing {
			m.linkUp(now, addr)
			m.makeOffer(now, addr)
		}
	case 6:
		if p := m.peers[addr]; p != nil && p.state == SyncRequestSent {
			m.transferred(addr, m.answered(addr, lxmf.OfferAnswer{Wanted: lxmf.Wanted(n % 3)}), 100, 1000)
		}
	case 7:
		if p := m.peers[addr]; p != nil && p.state != SyncIdle {
			m.ended(now, addr, lxmf.ErrorCode(0xf0+n%7), n%2 == 0)
		}
	case 8:
		m.tidy(now)
	case 9:
		m.rotate()
	case 10:
		if m.admitOffer(now, link, who) == nil {
			m.offered(link, []rns.Hash{testMessage(i, 0, now).id})
		}
	case 11:
		m.delete(rns.Addr{1}, m.index.of(rns.Addr{1}))
	case 12:
		m.unpeer(addr)
	case 13:
		m.linkClosed(link)
	}
}
