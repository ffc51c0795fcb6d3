package transport

import (
	"slices"

	"meshchatx/rns"
)

// pendingAnnounce is an entry of the announce table: an announce to be sent, first or again. spec: rns-core §11.3
type pendingAnnounce struct {
	announce     packed
	from         rns.Addr
	added        tick
	retransmit   tick
	attached     InterfaceID
	retries      uint8
	hops         uint8
	rebroadcasts uint8
	purpose      AnnounceKind
	// parked is what an answer to a path request put aside. spec: rns-core §15.3
	parked *pendingAnnounce
}

// dueAnnounce orders what a round sends.
type dueAnnounce struct {
	dest rns.Addr
	hops uint8
}

// scheduleRebroadcast puts an announce that updated a path into the announce table. spec: rns-core §14.8
func (m *Machine) scheduleRebroadcast(now tick, a *arrival) {
	allowed := m.rateAllows(now, a)
	fromClient := a.from.isLocalClient()
	e := pendingAnnounce{announce: a.announce, from: a.nextHop(), added: now, hops: a.hops, retransmit: now}
	switch {
	case a.context == rns.ContextPathResponse:
		if !fromClient || !m.requests.takeClient(a.dest) {
			return
		}
		e.retries = uint8(m.p.RebroadcastRetries)
	case !allowed || !m.cfg.TransportEnabled && !fromClient:
		return
	case fromClient:
		e.retries = uint8(m.p.RebroadcastRetries)
	default:
		e.retransmit = now.after(seconds(m.random() * m.p.RebroadcastWindow.Seconds()))
	}
	m.putPending(a.dest, e)
}

func (m *Machine) putPending(dest rns.Addr, e pendingAnnounce) {
	if m.pending.get(dest) == nil && m.pending.len() >= m.p.Limits.PendingAnnounces {
		if oldest, _, ok := m.pending.first(); ok {
			m.pending.delete(oldest)
		}
	}
	*m.pending.put(dest) = e
	m.pending.schedule(dest, e.retransmit+1)
}

// announceDeadline is when the next round of rebroadcasts may run.
func (m *Machine) announceDeadline() tick {
	due := m.pending.deadline()
	if due == never {
		return never
	}
	return max(due, m.lastAnnounce.after(m.p.AnnounceRound))
}

// rebroadcast sends what is due, in order of increasing hops. spec: rns-core §14.8
func (m *Machine) rebroadcast(now tick) {
	m.due = m.due[:0]
	for {
		dest, e, ok := m.pending.due(now)
		if !ok {
			break
		}
		m.due = append(m.due, dueAnnounce{dest, e.hops})
		m.pending.schedule(dest, never)
	}
	m.due = slices.DeleteFunc(m.due, func(d dueAnnounce) bool {
		spent := int(m.pending.get(d.dest).retries) > m.p.RebroadcastRetries
		if spent {
			m.pending.delete(d.dest)
		}
		return spent
	})
	if len(m.due) == 0 {
		return
	}
	m.lastAnnounce = now
	slices.SortStableFunc(m.due, func(a, b dueAnnounce) int { return int(a.hops) - int(b.hops) })
	for _, d := range m.due {
		e := m.pending.get(d.dest)
		e.retransmit = now.after(m.p.RetryGrace).after(m.p.RebroadcastWindow)
		e.retries++
		if m.known.get(d.dest) != nil {
			m.sendPending(now, d.dest, e)
		}
		switch {
		case e.parked != nil:
			m.putPending(d.dest, *e.parked)
		case m.known.get(d.dest) == nil:
			m.pending.delete(d.dest)
		case int(e.retries) > m.p.RebroadcastRetries: // spent; the next round takes it away
			m.pending.schedule(d.dest, now.after(m.p.AnnounceRound))
		default:
			m.pending.schedule(d.dest, e.retransmit+1)
		}
	}
}

// sendPending transmits an entry.
func (m *Machine) sendPending(now tick, dest rns.Addr, e *pendingAnnounce) {
	context := rns.ContextNone
	if e.purpose == AnnouncePathResponse {
		context = rns.ContextPathResponse
	}
	m.sendRelayed(now, dest, e.announce, e.hops, context, e.attached)
}

// sendRelayed sends an announce on as this node does: on one interface, or on all the rules allow. It reports false if
// the announce cannot be sent on.
func (m *Machine) sendRelayed(now tick, dest rns.Addr, a packed, hops uint8, context rns.Context, attached InterfaceID) bool {
	raw := m.relayed(dest, a, hops, context)
	if raw == nil {
		return false
	}
	out := outgoing{raw: raw, dest: dest, hops: hops, emitted: a.blob().Emitted(), class: ClassAnnounce, attached: attached}
	out.packet.Type, out.packet.HeaderType = rns.PacketAnnounce, rns.HeaderType2
	m.broadcast(now, &out)
	return true
}

// relayed builds the announce as this node sends it on, or nil if it does not fit the MTU or travelled too far.
//
// differs: the reference loses a whole round, or the path, over one announce that is too large.
func (m *Machine) relayed(dest rns.Addr, a packed, hops uint8, context rns.Context) []byte {
	if a.size() > rns.MTU || hops >= maxHops {
		return nil
	}
	return a.appendRelayed(m.scratch(a.size())[:0], dest, m.cfg.TransportID, hops, context)
}

// relayToClients passes an announce on to the local programs. spec: rns-core §14.9
func (m *Machine) relayToClients(now tick, a *arrival) {
	if m.localClients == 0 {
		return
	}
	raw := m.relayed(a.dest, a.announce, a.hops, rns.ContextNone)
	if raw == nil {
		return
	}
	for _, n := range m.order {
		if n.isLocalClient() && n.id() != a.fromID {
			m.transmit(now, n, raw, ClassAnnounce)
		}
	}
}

// answerSearch passes an announce on to who searched for it. spec: rns-core §14.10
func (m *Machine) answerSearch(now tick, a *arrival) {
	s := m.requests.search.get(a.dest)
	if s == nil || m.interfaces[s.iface] == nil {
		return
	}
	if m.sendRelayed(now, a.dest, a.announce, a.hops, rns.ContextPathResponse, s.iface) {
		m.markUsed(now, a.dest)
	}
}

// answerFromTable schedules the answer to a path request from the cached announce. spec: rns-core §15.3
func (m *Machine) answerFromTable(now tick, dest rns.Addr, p *path, asked *netif, wait tick) {
	e := pendingAnnounce{
		announce: p.announce, from: p.nextHop, added: now, retransmit: wait, attached: asked.id(),
		retries: uint8(m.p.RebroadcastRetries), hops: p.hops, purpose: AnnouncePathResponse,
	}
	for waiting := m.pending.get(dest); waiting != nil; waiting = waiting.parked {
		// differs: the reference sends one answer per request, and loses the rebroadcast over the second.
		if waiting.purpose == AnnouncePathResponse && waiting.attached == e.attached {
			return
		}
	}
	if old := m.pending.get(dest); old != nil {
		parked := *old
		e.parked = &parked
	}
	m.putPending(dest, e)
}
