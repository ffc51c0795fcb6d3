package propagation

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// peerAddr is the destination by which an identity is known as a node.
func peerAddr(identity rns.Addr) rns.Addr { return rns.DestinationHash(lxmf.PropagationName, identity) }

// linkOf returns the record of an incoming link.
func (m *machine) linkOf(link rns.Addr) *inbound {
	in := m.inbound[link]
	if in == nil {
		in = &inbound{}
		m.inbound[link] = in
	}
	return in
}

// identified notes who is at the other end of a link.
func (m *machine) identified(link, identity rns.Addr) {
	in := m.linkOf(link)
	in.identity, in.peer = identity, peerAddr(identity)
}

// linkClosed forgets a link.
func (m *machine) linkClosed(link rns.Addr) { delete(m.inbound, link) }

// admitOffer says whether an offer of an identity is looked at. The error is a lxmf.ErrorCode. spec: lxmf §11.2, §18
func (m *machine) admitOffer(now time.Time, link, identity rns.Addr) error {
	m.identified(link, identity)
	addr := peerAddr(identity)
	_, static := m.statics[addr]
	if !static || bool(m.set.StaticWait) {
		if bool(m.set.Sequential) && m.checking > 0 {
			return lxmf.ErrorThrottled
		}
		if most := m.set.MaxInboundSyncs; most > 0 && m.inboundSyncs() >= most {
			return lxmf.ErrorThrottled
		}
	}
	if until, ok := m.throttled[addr]; ok {
		if now.Before(until) {
			return lxmf.ErrorThrottled
		}
		delete(m.throttled, addr)
	}
	if bool(m.set.StaticOnly) && !static {
		return lxmf.ErrorNoAccess
	}
	return nil
}

// inboundSyncs counts the transfers of peers that are in progress.
func (m *machine) inboundSyncs() int {
	n := 0
	for _, in := range m.inbound {
		if in.state > inboundAccepted {
			n++
		}
	}
	return n
}

// offered answers an offer whose key is good. What came before and was delivered is not wanted again either.
// spec: lxmf §11.2
func (m *machine) offered(link rns.Addr, ids []rns.Hash) lxmf.OfferAnswer {
	in := m.linkOf(link)
	in.validated = true
	wanted := make([]rns.Hash, 0, len(ids))
	for _, id := range ids {
		_, pending := m.pending[id] // what is not on the disk yet may still be lost
		if !m.index.has(id) && (pending || !m.processed.has(id)) {
			wanted = append(wanted, id)
		}
	}
	switch len(wanted) {
	case 0:
		return lxmf.OfferAnswer{Wanted: lxmf.WantedNone}
	case len(ids):
		in.state = inboundAccepted
		return lxmf.OfferAnswer{Wanted: lxmf.WantedAll}
	}
	in.state = inboundAccepted
	return lxmf.OfferAnswer{Wanted: lxmf.WantedSome, IDs: wanted}
}

// admitTransfer says whether a resource of a size in bytes is taken. spec: lxmf §11.3
func (m *machine) admitTransfer(link rns.Addr, size int64) bool {
	in := m.linkOf(link)
	if _, static := m.statics[in.peer]; bool(m.set.StaticOnly) && !static {
		return false
	}
	if float64(size) > m.set.SyncLimit*1000 || m.full() {
		return false
	}
	if in.state == inboundAccepted {
		in.state = inboundTransferring
	}
	return true
}

// full tells that nothing more can be indexed.
func (m *machine) full() bool { return m.index.len() >= m.p.MaxMessages }

// admitBatch says whether the messages of a transfer are looked at, once it is complete. spec: lxmf §11.3
func (m *machine) admitBatch(now time.Time, link rns.Addr, messages int) bool {
	in := m.linkOf(link)
	if h, ok := m.heard[in.peer]; ok && m.peers[in.peer] == nil && bool(m.set.AutoPeer) && h.info.Active && h.hops <= m.set.AutoPeerDepth {
		m.peerWith(now, in.peer, h.identity, h.info, h.hops)
	}
	if messages > 1 && !in.validated {
		return false
	}
	in.state = inboundValidating
	m.checking++
	return true
}

// checked ends what admitBatch began. A bad stamp keeps an identified peer away for a while. spec: lxmf §11.3
func (m *machine) checked(now time.Time, link rns.Addr, bad int) {
	m.checking--
	in := m.linkOf(link)
	in.state = inboundNone
	if bad > 0 && !in.peer.IsZero() {
		m.throttled[in.peer] = now.Add(m.p.Throttle)
	}
}

// claimed is what became of a claim.
type claimed uint8

const (
	claimFresh   claimed = iota
	claimKnown           // it is stored, or was delivered
	claimPending         // it arrives by another way at this moment
)

// claim reserves a message that is not known yet, so that two transfers of it do not meet. settle ends it. spec: lxmf §9.7
func (m *machine) claim(now time.Time, id rns.Hash) claimed {
	if _, ok := m.pending[id]; ok {
		return claimPending
	}
	if m.index.has(id) || m.processed.has(id) {
		return claimKnown
	}
	m.pending[id] = struct{}{}
	m.processed.add(id, now)
	return claimFresh
}

// settle ends a claim. A message that could not be kept can come again.
func (m *machine) settle(id rns.Hash, kept bool) {
	delete(m.pending, id)
	if !kept {
		m.forget(id)
	}
}

// forget lets a message come again.
func (m *machine) forget(id rns.Hash) { m.processed.remove(id) }

// arrived counts a message by its way. spec: lxmf §11.3
func (m *machine) arrived(link rns.Addr, size int64) {
	in := m.linkOf(link)
	switch p := m.peers[in.peer]; {
	case p != nil:
		p.Incoming++
		p.RxBytes += uint64(max(size, 0))
	case !in.peer.IsZero():
		m.stats.UnpeeredIncoming++
		m.stats.UnpeeredRxBytes += uint64(max(size, 0))
	default:
		m.stats.ClientReceived++
	}
	m.changed = true
}

// seen notes that the peer on a link has a message.
func (m *machine) seen(link rns.Addr, id rns.Hash) {
	if p := m.peers[m.linkOf(link).peer]; p != nil {
		if _, slot, ok := m.index.get(id); ok {
			p.done(slot)
		}
	}
}

// stored puts a message into the index, its file being written.
func (m *machine) stored(link rns.Addr, msg message) {
	slot, added := m.index.add(msg)
	if !added {
		return
	}
	from := m.linkOf(link).peer
	m.fresh = append(m.fresh, freshMessage{slot, msg.id, from})
}

// flush assigns new messages to the peers. spec: lxmf §12.5
func (m *machine) flush() {
	for _, f := range m.fresh {
		if _, slot, ok := m.index.get(f.id); !ok || slot != f.slot {
			continue
		}
		for addr, p := range m.peers {
			if addr == f.from {
				p.done(f.slot)
			} else {
				p.assign(f.slot)
			}
		}
	}
	m.fresh = m.fresh[:0]
}
