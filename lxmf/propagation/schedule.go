package propagation

import (
	"cmp"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// fastPeers is how many of the fastest peers are in the pool. spec: lxmf §12.5
const fastPeers = 2

// choose removes peers that have been silent for too long and picks one to synchronise with. spec: lxmf §12.5
func (m *machine) choose(now time.Time) (rns.Addr, bool) {
	var waiting, dead []*peer
	for addr, p := range m.peers {
		silent := p.LastHeard > 0 && now.Sub(moment(p.LastHeard)) > m.p.Unreachable
		if silent && !p.static {
			m.unpeer(addr)
			continue
		}
		if silent || p.LastHeard == 0 || p.state != SyncIdle || p.unhandled.n == 0 || now.Before(p.next) {
			continue
		}
		if p.Alive {
			waiting = append(waiting, p)
		} else {
			dead = append(dead, p)
		}
	}
	pool := dead
	if len(waiting) > 0 {
		pool = m.fastest(waiting)
	}
	if len(pool) == 0 || m.syncing >= m.p.SyncsAtOnce {
		return rns.Addr{}, false
	}
	slices.SortFunc(pool, func(a, b *peer) int { return slices.Compare(a.Destination[:], b.Destination[:]) })
	return pool[m.rnd.IntN(len(pool))].Destination, true
}

// fastest returns the fastest peers and as many whose speed is unknown.
func (m *machine) fastest(peers []*peer) []*peer {
	slices.SortFunc(peers, func(a, b *peer) int {
		return cmp.Or(cmp.Compare(b.TransferRate, a.TransferRate), slices.Compare(a.Destination[:], b.Destination[:]))
	})
	var pool []*peer
	unknown := 0
	for i, p := range peers {
		switch {
		case p.TransferRate == 0 && unknown < fastPeers:
			unknown++
			pool = append(pool, p)
		case p.TransferRate > 0 && i < fastPeers:
			pool = append(pool, p)
		}
	}
	return pool
}

// syncPlan is what a synchronisation needs to begin.
type syncPlan struct {
	peer     rns.Addr
	identity rns.Addr
	lacks    lack
	cost     int // of the key, if it is lacking
}

// begin starts a synchronisation, or says what is lacking. spec: lxmf §12.4
func (m *machine) begin(now time.Time, addr rns.Addr) (syncPlan, bool) {
	p := m.peers[addr]
	if p == nil || p.state != SyncIdle {
		return syncPlan{}, false
	}
	plan := syncPlan{peer: addr, identity: p.identity, lacks: p.lacks()}
	switch plan.lacks {
	case lackNothing:
	case lackKey:
		if p.searching {
			return syncPlan{}, false
		}
		p.searching, plan.cost = true, *p.PeeringCost
		return plan, true
	default:
		return plan, true
	}
	if p.unhandled.n == 0 {
		return syncPlan{}, false
	}
	p.backoff = min(p.backoff+m.p.Backoff, m.p.MaxBackoff)
	p.next, p.LastSync, p.state = now.Add(p.backoff), seconds(now), SyncLinkEstablishing
	m.syncing++
	m.changed = true
	return plan, true
}

// keyFound notes a peering key, or with a nil stamp that the search ended without.
func (m *machine) keyFound(addr rns.Addr, s *stamp.Stamp, value int) {
	p := m.peers[addr]
	if p == nil {
		return
	}
	p.searching = false
	if s != nil {
		p.setKey(*s, value)
		m.changed = true
	}
}

// linkUp is called when the link to the peer stands and this node has identified on it. spec: lxmf §12.4
func (m *machine) linkUp(now time.Time, addr rns.Addr) {
	if p := m.peers[addr]; p != nil {
		p.state, p.Alive, p.LastHeard, p.backoff, p.next = SyncLinkReady, true, seconds(now), 0, time.Time{}
	}
}

// makeOffer chooses what to offer: small and fresh messages first, as many as one transfer may hold. No offer means that
// there is nothing. spec: lxmf §12.4
func (m *machine) makeOffer(now time.Time, addr rns.Addr) (lxmf.Offer, bool) {
	p := m.peers[addr]
	if p == nil || p.lacks() != lackNothing {
		return lxmf.Offer{}, false
	}
	slots := m.offerable(p)
	weights := make(map[int32]float64, len(slots))
	for _, s := range slots {
		weights[s] = m.index.weight(s, now, m.prioritised)
	}
	slices.SortFunc(slots, func(a, b int32) int { return cmp.Or(cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b)) })
	most := float64(m.p.MaxAnswer)
	if p.SyncLimit != nil {
		most = min(most, *p.SyncLimit*1000)
	}
	total := float64(answerOverhead)
	offer := lxmf.Offer{Key: p.Key.Stamp}
	p.offer = p.offer[:0]
	for _, s := range slots {
		next := total + float64(m.index.slots[s].size+messageOverhead)
		if next >= most {
			continue
		}
		total = next
		p.offer = append(p.offer, s)
		offer.IDs = append(offer.IDs, m.index.slots[s].id)
	}
	if len(offer.IDs) == 0 {
		return lxmf.Offer{}, false
	}
	p.state = SyncRequestSent
	return offer, true
}

// offerable lists what the peer would take; what it never will is not kept for it.
func (m *machine) offerable(p *peer) []int32 {
	lowest := lxmf.RequiredPropagationCost(*p.StampCost, *p.Flexibility)
	var slots []int32
	for slot := range p.unhandled.all {
		msg := &m.index.slots[slot]
		tooLarge := p.TransferLimit != nil && float64(msg.size+messageOverhead) > *p.TransferLimit*1000
		if msg.value < lowest || tooLarge {
			p.done(slot)
			continue
		}
		slots = append(slots, slot)
	}
	return slots
}

// answered is the answer of a peer to the offer. It returns what to send. spec: lxmf §11.2
func (m *machine) answered(addr rns.Addr, a lxmf.OfferAnswer) []message {
	p := m.peers[addr]
	if p == nil {
		return nil
	}
	p.state = SyncResponseReceived
	wanted := make(map[rns.Hash]struct{}, len(a.IDs))
	for _, id := range a.IDs {
		wanted[id] = struct{}{}
	}
	var send []message
	for _, slot := range p.offer {
		msg := m.index.slots[slot]
		if !p.unhandled.has(slot) {
			continue // deleted meanwhile
		}
		_, listed := wanted[msg.id]
		if a.Wanted == lxmf.WantedAll || a.Wanted == lxmf.WantedSome && listed {
			send = append(send, msg)
		} else {
			p.done(slot)
		}
	}
	if len(send) == 0 {
		p.Offered += uint64(len(p.offer))
	} else {
		p.state = SyncTransferring
	}
	m.changed = true
	return send
}

// transferred is called when the peer has what was sent, size bytes of it at a rate in bit/s. It tells whether there is
// more to be sent at once. spec: lxmf §11.3
func (m *machine) transferred(addr rns.Addr, sent []message, size int64, rate float64) bool {
	p := m.peers[addr]
	if p == nil {
		return false
	}
	for _, msg := range sent {
		if _, slot, ok := m.index.get(msg.id); ok {
			p.done(slot)
		}
	}
	p.Offered += uint64(len(p.offer))
	p.Outgoing += uint64(len(sent))
	p.TxBytes += uint64(max(size, 0))
	p.TransferRate = rate
	m.changed = true
	return p.Strategy == lxmf.SyncPersistent && p.unhandled.n > 0
}

// ended returns the peer to idle after a synchronisation that ended with err, nil if it did what it should.
// spec: lxmf §11.2
func (m *machine) ended(now time.Time, addr rns.Addr, refused lxmf.ErrorCode, failed bool) {
	m.syncing--
	p := m.peers[addr]
	if p == nil {
		return
	}
	reached := p.state > SyncLinkEstablishing
	p.state, p.offer = SyncIdle, nil
	switch {
	case refused == lxmf.ErrorNoAccess:
		m.unpeer(addr)
	case refused == lxmf.ErrorThrottled:
		p.next = now.Add(m.p.Throttle)
	case refused == lxmf.ErrorInvalidKey:
		p.Key = nil
		m.postpone(now, p)
	case refused != 0:
		m.postpone(now, p)
	case failed && !reached:
		p.Alive = false
	case failed:
		p.next = now.Add(m.p.Throttle)
	}
	m.changed = true
}

// postpone waits longer after each failure.
func (m *machine) postpone(now time.Time, p *peer) {
	p.backoff = min(p.backoff+m.p.Backoff, m.p.MaxBackoff)
	p.next = now.Add(p.backoff)
}

// rotate drops peers that take little, so that others can be tried. spec: lxmf §12.6
func (m *machine) rotate() {
	headroom := max(1, m.set.MaxPeers/10)
	drops := len(m.peers) - (m.set.MaxPeers - headroom)
	if drops <= 0 || len(m.peers) <= 1 {
		return
	}
	untested := 0
	var synced, all []*peer
	for _, p := range m.peers {
		if p.LastSync == 0 {
			untested++
		}
		if p.static || p.state != SyncIdle || p.Alive && p.Offered == 0 {
			continue
		}
		all = append(all, p)
		if p.unhandled.n == 0 {
			synced = append(synced, p)
		}
	}
	if untested >= headroom {
		return
	}
	pool := all
	if len(synced) > 0 {
		pool = synced
	}
	slices.SortFunc(pool, func(a, b *peer) int {
		return cmp.Or(cmp.Compare(a.acceptance(), b.acceptance()), slices.Compare(a.Destination[:], b.Destination[:]))
	})
	const worthKeeping = 0.5
	for _, p := range pool[:min(drops, len(pool))] {
		if p.acceptance() < worthKeeping {
			m.unpeer(p.Destination)
		}
	}
}

// tidy forgets what has run out. It returns the files of messages that have to go. spec: lxmf §10
func (m *machine) tidy(now time.Time) []string {
	for addr, until := range m.throttled {
		if !now.Before(until) {
			delete(m.throttled, addr)
		}
	}
	m.processed.expire(now.Add(-lxmf.DuplicateMemory))
	return m.drop(m.index.expired(now, m.p.Expiry, m.set.StorageLimit, m.prioritised))
}
