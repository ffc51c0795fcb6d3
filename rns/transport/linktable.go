package transport

import (
	"time"

	"meshchatx/rns"
)

// linkEntry is a link of others that runs through this node. spec: rns-core §11.3
type linkEntry struct {
	timestamp      tick
	proofTimeout   tick
	nextHop        rns.Addr
	dest           rns.Addr
	next, received InterfaceID
	remaining      uint8
	taken          uint8
	validated      bool
	// proof is the hash of the proof that validated the link: a repeat needs no second check.
	proof rns.Hash
}

// liveLink returns the entry of a link both of whose interfaces exist.
func (m *Machine) liveLink(id rns.Addr) *linkEntry {
	l := m.links.get(id)
	if l == nil || m.interfaces[l.next] == nil || m.interfaces[l.received] == nil {
		return nil
	}
	return l
}

// addLink records a link request in transit. spec: rns-core §16.1
func (m *Machine) addLink(now tick, id rns.Addr, r *reception, rt *path, to *netif) {
	if m.links.len() >= m.p.Limits.Links && m.links.get(id) == nil {
		if oldest, _, ok := m.links.first(); ok {
			m.links.delete(oldest)
		}
	}
	wait := time.Duration(max(1, rt.hops)) * m.p.PerHopTimeout
	if r.from.info.Bitrate > 0 {
		wait += seconds(rns.MTU * 8 / float64(r.from.info.Bitrate))
	}
	*m.links.put(id) = linkEntry{
		timestamp: now, proofTimeout: now.after(wait), nextHop: rt.nextHop, dest: r.packet.Dest,
		next: to.id(), received: r.from.id(), remaining: rt.hops, taken: r.hops,
	}
	m.links.schedule(id, now.after(wait)+1)
}

// wayOnLink decides where a packet of a link in transit goes. spec: rns-core §16.2
func wayOnLink(l *linkEntry, on InterfaceID, hops uint8) (InterfaceID, rns.Verdict) {
	switch {
	case l.next == l.received && on == l.next:
		if hops == l.remaining || hops == l.taken {
			return l.next, rns.VerdictForwarded
		}
		return 0, rns.VerdictWrongHops
	case on == l.next:
		if hops == l.remaining {
			return l.received, rns.VerdictForwarded
		}
		return 0, rns.VerdictWrongHops
	case on == l.received:
		if hops == l.taken {
			return l.next, rns.VerdictForwarded
		}
		return 0, rns.VerdictWrongHops
	default:
		return 0, rns.VerdictWrongInterface
	}
}

// forwardOnLink passes link traffic on. spec: rns-core §16.2
func (m *Machine) forwardOnLink(now tick, r *reception) {
	l := r.link
	id, v := wayOnLink(l, r.from.id(), r.hops)
	if v == rns.VerdictForwarded && r.hops >= maxHops {
		v = rns.VerdictHopLimit
	}
	m.fx.Verdict = v
	if v != rns.VerdictForwarded {
		return
	}
	r.raw[1] = r.hops
	m.linkDelta(r, l)
	if !r.hash.IsZero() && !repeats(r.packet.Context) {
		m.record(r.hash)
	}
	l.timestamp = now
	m.links.touch(r.packet.Dest)
	m.transmit(now, m.interfaces[id], r.raw, ClassData)
	r.forwarded = true
}

// linkDelta disguises the hops of link traffic that a local client originated. spec: rns-core §16.2
func (m *Machine) linkDelta(r *reception, l *linkEntry) {
	if m.cfg.LocalHopsDelta == 0 || !r.from.isLocalClient() {
		return
	}
	if m.interfaces[l.next].isLocalClient() && m.interfaces[l.received].isLocalClient() {
		return
	}
	r.raw[1] = m.cfg.LocalHopsDelta
}

// expireLinks removes idle links and those never proved. spec: rns-core §16.6, §18
func (m *Machine) expireLinks(now tick) {
	for {
		id, l, ok := m.links.due(now)
		if !ok {
			return
		}
		if m.interfaces[l.next] == nil || m.interfaces[l.received] == nil {
			m.links.delete(id)
			continue
		}
		if !l.validated {
			gone := *l
			m.links.delete(id)
			m.event(LinkUnproved{Link: id, Destination: gone.dest})
			m.linkNeverProved(now, &gone)
			continue
		}
		if end := l.timestamp.after(m.p.LinkTimeout); end >= now {
			m.links.schedule(id, end+1)
			continue
		}
		m.links.delete(id)
	}
}
