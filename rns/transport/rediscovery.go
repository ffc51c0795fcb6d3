package transport

import "meshchatx/rns"

// linkNeverProved considers to look for another path after a link in transit failed. spec: rns-core §16.6
//
// differs: the reference excludes the interface of an earlier failure of the round in cases 1 and 2. They exclude nothing.
func (m *Machine) linkNeverProved(now tick, l *linkEntry) {
	rt, _ := m.route(l.dest)
	recent := m.throttled(now, l.dest)
	received := m.interfaces[l.received]
	var exclude InterfaceID
	unresponsive := false
	switch {
	case rt == nil:
	case recent:
		return
	case l.taken == 0:
	case rt.hops == 1, l.taken == 1:
		exclude = l.received
		unresponsive = m.cfg.TransportEnabled && received != nil && received.mode() != ModeBoundary
	default:
		return
	}
	if unresponsive {
		rt.state = PathUnresponsive
	}
	m.queueRequest(now, l.dest, exclude)
	if !m.cfg.TransportEnabled {
		m.losePath(l.dest, PathDropped)
	}
}

// ownLinkNeverProved does the same for a link of this node. spec: rns-core §18
func (m *Machine) ownLinkNeverProved(now tick, dest rns.Addr) {
	if m.cfg.TransportEnabled {
		return
	}
	at := m.requests.sent.get(dest)
	recent := at != nil && now-*at <= tick(m.p.PathRequestInterval)
	m.losePath(dest, PathDropped)
	if m.client == nil && !recent {
		m.queueRequest(now, dest, 0)
	}
}

// queueRequest leaves a path request waiting for its turn. The first for a destination counts.
func (m *Machine) queueRequest(now tick, dest rns.Addr, exclude InterfaceID) {
	q := &m.requests
	for _, other := range q.queue {
		if other.dest == dest {
			return
		}
	}
	if len(q.queue) >= m.p.MaxQueuedPathRequests {
		return
	}
	if len(q.queue) == 0 {
		q.timer = now.after(m.p.PathRequestSpacing)
	}
	q.queue = append(q.queue, queuedRequest{dest, exclude})
}

// requestAgain sends a queued request: with an excluded interface one of its own per other interface.
func (m *Machine) requestAgain(now tick, r queuedRequest) {
	if r.exclude == 0 {
		m.sendRequest(now, r.dest, m.requestPacket(r.dest, m.newTag()), func(*netif) bool { return true })
		return
	}
	for _, n := range m.order {
		if n.id() != r.exclude {
			m.sendRequest(now, r.dest, m.requestPacket(r.dest, m.newTag()), func(o *netif) bool { return o == n })
		}
	}
}
