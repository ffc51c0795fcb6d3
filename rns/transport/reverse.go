package transport

import "meshchatx/rns"

// reverseEntry says where the proof of a forwarded packet goes. spec: rns-core §11.3
type reverseEntry struct {
	received, outbound InterfaceID
	timestamp          tick
}

// addReverse records a forwarded packet. The oldest entry makes room.
func (m *Machine) addReverse(now tick, packet rns.Addr, received, outbound InterfaceID) {
	if m.reverse.len() >= m.p.Limits.Reverse && m.reverse.get(packet) == nil {
		if oldest, _, ok := m.reverse.first(); ok {
			m.reverse.delete(oldest)
		}
	}
	*m.reverse.put(packet) = reverseEntry{received, outbound, now}
}

// reverseDeadline: all entries live equally long, so the oldest goes first.
func (m *Machine) reverseDeadline() tick {
	if _, e, ok := m.reverse.first(); ok {
		return e.timestamp.after(m.p.ReverseTimeout) + 1
	}
	return never
}

func (m *Machine) expireReverse(now tick) {
	for now >= m.reverseDeadline() {
		oldest, _, _ := m.reverse.first()
		m.reverse.delete(oldest)
	}
}

// returnProof sends a proof back the way its packet came: once, and only from the side the packet went to.
// spec: rns-core §16.5
func (m *Machine) returnProof(now tick, r *reception) {
	e := m.reverse.get(r.packet.Dest)
	if e == nil {
		return
	}
	received, outbound := m.interfaces[e.received], m.interfaces[e.outbound]
	toClient := received.isLocalClient()
	if !m.cfg.TransportEnabled && !r.from.isLocalClient() && !toClient {
		return
	}
	m.reverse.delete(r.packet.Dest)
	switch {
	case received == nil || outbound == nil:
		m.fx.Verdict = rns.VerdictInterfaceGone
	case outbound != r.from:
		m.fx.Verdict = rns.VerdictWrongInterface
	case r.hops >= maxHops:
		m.fx.Verdict = rns.VerdictHopLimit
	default:
		r.raw[1] = r.hops
		if m.cfg.LocalHopsDelta != 0 && r.from.isLocalClient() && !toClient {
			r.raw[1] = m.cfg.LocalHopsDelta
		}
		m.transmit(now, received, r.raw, ClassData)
		r.forwarded = true
		m.fx.Verdict = rns.VerdictForwarded
	}
}
