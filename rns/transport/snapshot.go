package transport

import (
	"iter"
	"slices"
	"time"

	"meshchatx/rns"
)

// each lists the entries of a table as records.
func each[K comparable, V, R any](t *table[K, V], record func(K, *V) (R, bool)) iter.Seq[R] {
	return func(yield func(R) bool) {
		for k, v := range t.all() {
			if r, ok := record(k, v); ok && !yield(r) {
				return
			}
		}
	}
}

func (m *Machine) pathRecord(dest rns.Addr, p *path) PathRecord {
	r := PathRecord{
		Destination: dest, Timestamp: m.clock.wall(p.timestamp), Expires: m.clock.wall(p.expires), NextHop: p.nextHop,
		Hops: p.hops, Blobs: slices.Clone(p.blobs), Interface: p.iface, PacketHash: p.hash, State: p.state,
	}
	if p.announce.announce() {
		received := p.hops
		if received > 0 && !m.interfaces[p.iface].isLocalClient() {
			received--
		}
		context := rns.ContextNone
		if p.response {
			context = rns.ContextPathResponse
		}
		r.Announce = p.announce.received(dest, p.nextHop, received, context)
	}
	return r
}

// Paths lists the path table, least recently used first.
func (m *Machine) Paths(now time.Time) iter.Seq[PathRecord] {
	m.clock.at(now)
	return each(&m.paths, func(d rns.Addr, p *path) (PathRecord, bool) {
		return m.pathRecord(d, p), m.interfaces[p.iface] != nil
	})
}

// PathCount is the number of paths, without a look at each.
func (m *Machine) PathCount() int { return m.paths.len() }

// PendingAnnounces lists the announce table, parked entries included.
func (m *Machine) PendingAnnounces() iter.Seq[PendingAnnounce] {
	return func(yield func(PendingAnnounce) bool) {
		for dest, head := range m.pending.all() {
			for e := head; e != nil; e = e.parked {
				r := PendingAnnounce{
					Destination: dest, Added: m.clock.wall(e.added), Retransmit: m.clock.wall(e.retransmit),
					Retries: int(e.retries), LocalRebroadcasts: int(e.rebroadcasts), From: e.from, Hops: e.hops,
					Attached: e.attached, Purpose: e.purpose, Parked: e != head,
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

// ReverseEntries lists the reverse table, oldest first.
func (m *Machine) ReverseEntries() iter.Seq[ReverseRecord] {
	return each(&m.reverse, func(h rns.Addr, e *reverseEntry) (ReverseRecord, bool) {
		return ReverseRecord{Packet: h, Received: e.received, Outbound: e.outbound, Timestamp: m.clock.wall(e.timestamp)}, true
	})
}

// Links lists the links of others that run through this node.
func (m *Machine) Links() iter.Seq[LinkRecord] {
	return each(&m.links, func(id rns.Addr, l *linkEntry) (LinkRecord, bool) {
		return LinkRecord{
			Link: id, Timestamp: m.clock.wall(l.timestamp), NextHop: l.nextHop, NextInterface: l.next, Remaining: l.remaining,
			Received: l.received, Taken: l.taken, Destination: l.dest, Validated: l.validated,
			ProofTimeout: m.clock.wall(l.proofTimeout),
		}, m.interfaces[l.next] != nil && m.interfaces[l.received] != nil
	})
}

// LocalLinks lists the registered links of this node, in no order.
func (m *Machine) LocalLinks() iter.Seq[LocalLinkRecord] {
	return func(yield func(LocalLinkRecord) bool) {
		for id, l := range m.localLinks {
			if !yield(LocalLinkRecord{id, l.dest, l.role, l.active, l.attached, l.expected}) {
				return
			}
		}
	}
}

// Destinations lists the registered destinations of this node, in no order.
func (m *Machine) Destinations() iter.Seq2[rns.Addr, rns.DestType] {
	return func(yield func(rns.Addr, rns.DestType) bool) {
		for dest, kind := range m.destinations {
			if !yield(dest, kind) {
				return
			}
		}
	}
}

// Rates lists the announce rate records.
func (m *Machine) Rates() iter.Seq[RateRecord] {
	return each(&m.rates, func(dest rns.Addr, r *rate) (RateRecord, bool) {
		out := RateRecord{Destination: dest, Last: m.clock.wall(r.last), Violations: r.violations}
		if r.blocked {
			out.BlockedUntil = m.clock.wall(r.blockedUntil)
		}
		for _, t := range r.times {
			out.Times = append(out.Times, m.clock.wall(t))
		}
		return out, true
	})
}

// HeldAnnounces lists the announces kept back on all interfaces.
func (m *Machine) HeldAnnounces() iter.Seq[HeldAnnounce] {
	return func(yield func(HeldAnnounce) bool) {
		for _, n := range m.order {
			for dest, h := range n.held.all() {
				if !yield(HeldAnnounce{Interface: n.id(), Destination: dest, Hops: h.hops, Raw: slices.Clone(h.raw)}) {
					return
				}
			}
		}
	}
}

// Requests lists path requests: sent, passed on, awaited for local clients, queued.
func (m *Machine) Requests() iter.Seq[RequestRecord] {
	return func(yield func(RequestRecord) bool) {
		q := &m.requests
		for dest, at := range q.sent.all() {
			if !yield(RequestRecord{Destination: dest, Kind: RequestSent, At: m.clock.wall(*at)}) {
				return
			}
		}
		for dest, s := range q.search.all() {
			if !yield(RequestRecord{Destination: dest, Kind: RequestSearch, At: m.clock.wall(s.until), Interface: s.iface}) {
				return
			}
		}
		for dest, asked := range q.clients.all() {
			if !yield(RequestRecord{Destination: dest, Kind: RequestClient, Interface: *asked}) {
				return
			}
		}
		for _, w := range q.queue {
			if !yield(RequestRecord{Destination: w.dest, Kind: RequestQueued, Interface: w.exclude}) {
				return
			}
		}
	}
}

// Tunnels lists the tunnels with their paths.
func (m *Machine) Tunnels() iter.Seq[TunnelRecord] {
	return each(&m.tunnels, func(id rns.Hash, t *tunnel) (TunnelRecord, bool) {
		r := TunnelRecord{ID: id, Interface: t.iface, Expires: m.clock.wall(t.expires)}
		for dest, p := range t.paths {
			r.Paths = append(r.Paths, m.pathRecord(dest, p))
		}
		return r, true
	})
}

func (m *Machine) knownRecord(dest rns.Addr, k *known) KnownDestination {
	r := KnownDestination{
		Destination: dest, Announced: m.clock.wall(k.announced), PacketHash: k.hash, Public: k.announce.public(),
		AppData: k.announce.appData(), Retained: k.use == useRetained,
	}
	if k.use == useOnce {
		r.Used = m.clock.wall(k.used)
	}
	return r
}

// KnownDestinations lists what announces taught, the longest unheard first. AppData must not be changed.
func (m *Machine) KnownDestinations() iter.Seq[KnownDestination] {
	return each(&m.known, func(dest rns.Addr, k *known) (KnownDestination, bool) { return m.knownRecord(dest, k), true })
}

// KnownCount is the number of known destinations.
func (m *Machine) KnownCount() int { return m.known.len() }

// Ratchets lists the received ratchets, expired ones included.
func (m *Machine) Ratchets() iter.Seq[ReceivedRatchet] {
	return each(&m.known, func(dest rns.Addr, k *known) (ReceivedRatchet, bool) {
		if k.ratchet == nil {
			return ReceivedRatchet{}, false
		}
		return ReceivedRatchet{Destination: dest, Ratchet: k.ratchet.public, Received: m.clock.wall(k.ratchet.received)}, true
	})
}

// Receipts lists the packets that await their proof.
func (m *Machine) Receipts() iter.Seq[ReceiptRecord] {
	return func(yield func(ReceiptRecord) bool) {
		for i := range m.receipts.heap {
			s := m.receipts.slot(m.receipts.heap[i])
			if !yield(ReceiptRecord{Hash: s.val.hash, Sent: m.clock.wall(s.val.sent), Deadline: m.clock.wall(s.due)}) {
				return
			}
		}
	}
}

// Blackholed lists the refused identities.
func (m *Machine) Blackholed() iter.Seq[Blackhole] {
	return each(&m.blackholed, func(id rns.Addr, b *blackhole) (Blackhole, bool) {
		r := Blackhole{Identity: id, Source: b.source, Reason: b.reason}
		if b.until != never {
			r.Until = m.clock.wall(b.until)
		}
		return r, true
	})
}

// Interfaces lists the interfaces, fastest first.
func (m *Machine) Interfaces(now time.Time) iter.Seq[InterfaceStatus] {
	t := m.clock.at(now)
	return func(yield func(InterfaceStatus) bool) {
		for _, n := range m.order {
			s := InterfaceStatus{
				Info:              n.info,
				IncomingAnnounces: n.inAnnounces.peek(t, incomingSamples), OutgoingAnnounces: n.outAnnounces.peek(t, outgoingSamples),
				IncomingRequests: n.inRequests.peek(t, incomingSamples), OutgoingRequests: n.outRequests.peek(t, outgoingSamples),
				AnnounceBurst: n.announceBurst.active, RequestBurst: n.requestBurst.active,
				Held: n.held.len(), Queued: n.queue.waiting.len(), Tunnel: n.tunnel,
			}
			if n.announceBurst.start > 0 {
				s.AnnounceBurstSince = m.clock.wall(n.announceBurst.start)
			}
			if n.requestBurst.start > 0 {
				s.RequestBurstSince = m.clock.wall(n.requestBurst.start)
			}
			if n.queue.allowedAt > 0 {
				s.AllowedAt = m.clock.wall(n.queue.allowedAt)
			}
			if !yield(s) {
				return
			}
		}
	}
}

// PacketHashes lists the remembered packet hashes, in no order.
func (m *Machine) PacketHashes() iter.Seq[rns.Hash] { return m.seen.all() }

// PacketHashCount is the number of remembered packet hashes.
func (m *Machine) PacketHashCount() int { return m.seen.len() }
