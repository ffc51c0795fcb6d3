package transport

import (
	"errors"

	"meshchatx/rns"
)

// Questions that operators ask. The answers come from the same functions that decide about packets; asking changes
// nothing.

// wayAlongPath decides whether a packet that names this node goes on along a path. spec: rns-core §13.1
//
// differs: the reference sends a packet on that the next node must drop as malformed for its hop count.
func (m *Machine) wayAlongPath(dest rns.Addr, hops uint8) (*path, *netif, rns.Verdict) {
	rt, n := m.route(dest)
	switch {
	case rt == nil:
		return nil, nil, rns.VerdictNoPath
	case hops >= maxHops:
		return nil, nil, rns.VerdictHopLimit
	default:
		return rt, n, rns.VerdictForwarded
	}
}

// WouldForward tells what would become of a packet received with this header, as far as forwarding along a path goes:
// VerdictForwarded and where to, or why not.
func (m *Machine) WouldForward(p rns.Packet) (NextHop, rns.Verdict) {
	switch {
	case !m.cfg.TransportEnabled:
		return NextHop{}, rns.VerdictFeatureOff
	case p.Type == rns.PacketAnnounce:
		return NextHop{}, rns.VerdictWrongType
	case p.HeaderType != rns.HeaderType2:
		return NextHop{}, rns.VerdictBadFlags
	case p.TransportID != m.cfg.TransportID:
		return NextHop{}, rns.VerdictOtherInstance
	}
	_, _, v := m.wayAlongPath(p.Dest, p.Hops+1)
	next, _ := m.NextHop(p.Dest)
	return next, v
}

// WouldPropagate tells whether an announce of a destination would leave on an interface: VerdictForwarded freely,
// VerdictQueued within the announce bandwidth, or why not. spec: rns-core §12.3
func (m *Machine) WouldPropagate(dest rns.Addr, out InterfaceID) rns.Verdict {
	n := m.interfaces[out]
	switch {
	case n == nil:
		return rns.VerdictInterfaceGone
	case n.info.ReceiveOnly:
		return rns.VerdictNothingListening
	}
	_, from := m.route(dest)
	return propagates(m.local(dest), from, n)
}

// WouldReplacePath tells whether an announce with this random blob, received on an interface with this hop count, would
// replace the path: VerdictLearned, VerdictDuplicate or VerdictNotBetter. spec: rns-core §14.5
func (m *Machine) WouldReplacePath(dest rns.Addr, on InterfaceID, hops uint8, blob Blob) rns.Verdict {
	n := m.interfaces[on]
	if n == nil {
		return rns.VerdictInterfaceGone
	}
	return m.decidePath(m.clock.now, dest, n, hops, blob)
}

// WouldAccept tells whether the packet filter lets a packet through whose hop byte is already counted: VerdictNone, or why
// not. It says nothing about access codes and signatures. spec: rns-core §11.4
func (m *Machine) WouldAccept(raw []byte) rns.Verdict {
	p, err := rns.ParsePacket(raw)
	if err != nil {
		var v rns.Verdict
		if errors.As(err, &v) {
			return v
		}
		return rns.VerdictMalformed
	}
	return m.admit(&reception{packet: p, raw: raw, hash: rns.PacketHash(raw), hops: p.Hops})
}
