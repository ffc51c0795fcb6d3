package transport

import (
	"meshchatx/rns"
)

// forward sends a packet that names this node along its path. It reports false if the packet is done with. Without a
// path nothing is sent and processing goes on. spec: rns-core §13.1
func (m *Machine) forward(now tick, r *reception) bool {
	p := &r.packet
	rt, n, v := m.wayAlongPath(p.Dest, r.hops)
	if v != rns.VerdictForwarded {
		m.fx.Verdict = v
		return v == rns.VerdictNoPath || p.Type != rns.PacketLinkRequest
	}
	toClient := n.isLocalClient() && rt.hops == 0
	raw := r.raw
	if p.Type != rns.PacketLinkRequest && m.delivers(p) {
		raw = append(m.scratch(len(raw))[:0], raw...)
	}
	var linkID rns.Addr
	if p.Type == rns.PacketLinkRequest {
		id, err := rns.LinkID(raw)
		if err != nil {
			m.fx.Verdict = verdictOf(err)
			return false
		}
		clamped, v := clampSignalling(raw, len(p.Data), r.from, n)
		if v != rns.VerdictNone {
			m.fx.Verdict = v
			return false
		}
		raw, linkID = clamped, id
	}
	raw = m.readdress(raw, rt, r.hops, toClient)
	if m.cfg.LocalHopsDelta != 0 && r.from.isLocalClient() && !toClient {
		raw[1] = m.cfg.LocalHopsDelta
	}
	if p.Type == rns.PacketLinkRequest {
		m.addLink(now, linkID, r, rt, n)
	} else {
		m.addReverse(now, r.hash.Addr(), r.from.id(), n.id())
	}
	m.usePath(p.Dest, rt, now)
	m.transmit(now, n, raw, ClassData)
	r.forwarded = true
	m.fx.Verdict = rns.VerdictForwarded
	return true
}

// readdress rewrites the header in place for the next node of a path. spec: rns-core §13.1
func (m *Machine) readdress(raw []byte, rt *path, hops uint8, toClient bool) []byte {
	header2 := raw[0]&flagHeader2 != 0
	switch {
	case rt.hops > 1 && header2:
		raw[1] = hops
		copy(raw[2:], rt.nextHop[:])
	case rt.hops == 1 && header2, rt.hops == 0 && header2 && toClient && m.cfg.LocalHopsDelta != 0:
		flags := raw[0] & maskHashed
		raw = raw[rns.AddrSize:]
		raw[0], raw[1] = flags, hops
	default:
		raw[1] = hops
	}
	return raw
}

// Signalling bytes of a link request: mode in bits 23-21, MTU in bits 20-0. spec: rns-core §16.1
const (
	linkKeysSize   = 64
	signallingSize = 3
	mtuMask        = 1<<21 - 1
	modeShift      = 21
	modeAES256     = 1
)

func signalling(b []byte) (mode uint8, mtu int) {
	v := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	return uint8(v >> modeShift), v & mtuMask
}

func putSignalling(b []byte, mode uint8, mtu int) {
	v := int(mode)<<modeShift | mtu&mtuMask
	b[0], b[1], b[2] = byte(v>>16), byte(v>>8), byte(v)
}

// clampSignalling limits the MTU a link request asks for to what both interfaces carry, changing raw in place.
// spec: rns-core §16.1
//
// differs: the reference drops the request if the receiving interface has no hardware MTU; that counts as no limit here.
func clampSignalling(raw []byte, size int, from, to *netif) ([]byte, rns.Verdict) {
	if size != linkKeysSize+signallingSize {
		return raw, rns.VerdictNone
	}
	tail := raw[len(raw)-signallingSize:]
	mode, mtu := signalling(tail)
	nh, ph := to.info.HardwareMTU, from.info.HardwareMTU
	switch {
	case mtu == 0:
	case nh == 0, to.info.MTUPolicy == MTUStandard:
		return raw[:len(raw)-signallingSize], rns.VerdictNone
	case nh < mtu, ph != 0 && ph < mtu:
		if mode != modeAES256 {
			return nil, rns.VerdictBadMode
		}
		if ph == 0 {
			ph = nh
		}
		putSignalling(tail, mode, min(nh, ph))
	}
	return raw, rns.VerdictNone
}

// receiveLinkRequest delivers a link request for a destination of this node. spec: rns-core §16.4
func (m *Machine) receiveLinkRequest(now tick, r *reception) {
	p := &r.packet
	kind, ok := m.destinations[p.Dest]
	switch {
	case !ok:
		m.refuse(r, rns.VerdictUnknownDestination)
		return
	case kind != p.DestType:
		m.refuse(r, rns.VerdictWrongDestination)
		return
	}
	id, err := p.LinkID()
	if err != nil {
		m.refuse(r, verdictOf(err))
		return
	}
	data := append([]byte(nil), p.Data...)
	if len(data) == linkKeysSize+signallingSize {
		tail := data[linkKeysSize:]
		mode, mtu := signalling(tail)
		limit := rns.MTU
		if r.from.info.MTUPolicy != MTUStandard {
			limit = r.from.info.HardwareMTU
		}
		switch {
		case mtu == 0:
		case r.from.info.HardwareMTU == 0:
			data = data[:linkKeysSize]
		case limit < mtu:
			if mode != modeAES256 {
				m.refuse(r, rns.VerdictBadMode)
				return
			}
			putSignalling(tail, mode, limit)
		}
	}
	r.packet.Data = data
	m.deliver(r, DeliverLinkRequest)
	m.fx.Deliver[len(m.fx.Deliver)-1].LinkID = id
}
