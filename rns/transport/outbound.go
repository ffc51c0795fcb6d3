package transport

import (
	"errors"
	"time"

	"meshchatx/rns"
)

// OutPacket is a packet of this node to send.
type OutPacket struct {
	// Raw is the packed, already encrypted packet. It is not changed; transmissions may point into it.
	Raw []byte
	// Attached limits it to one interface, zero for none. Packets on registered links find their interface themselves.
	Attached InterfaceID
	// Prover asks for a receipt: the key that must sign the proof. Nil for none. spec: rns-core §8.2
	Prover *rns.PublicKey
	// Timeout is the life of the receipt, zero for the protocol's default by hops and bitrate.
	Timeout time.Duration
}

// outgoing is a packet on its way out by broadcast.
type outgoing struct {
	raw      []byte
	dest     rns.Addr
	hash     rns.Hash
	hops     uint8
	emitted  int64
	class    Class
	attached InterfaceID
	packet   rns.Packet
	delta    []byte // raw with the hop delta applied, made when first needed
	kept     []byte // copy of raw for queues
	sent     int
	queued   int
}

// Outbound sends a packet of this node. The verdict is VerdictForwarded, VerdictQueued for an announce that waits for
// bandwidth, or says why no interface took it. With Prover set one PacketProved or ReceiptFailed with the same Hash
// follows, unless the packet was not sent. spec: rns-core §12
func (m *Machine) Outbound(now time.Time, p OutPacket) *Effects {
	fx, t := m.begin(now)
	packet, err := rns.ParsePacket(p.Raw)
	if err != nil {
		fx.Verdict = verdictOf(err)
		return fx
	}
	if packet.DestType != rns.DestLink || !repeats(packet.Context) {
		fx.Hash = rns.PacketHash(p.Raw)
	}
	directed := packet.Type != rns.PacketAnnounce && packet.DestType != rns.DestPlain && packet.DestType != rns.DestGroup
	var rt *path
	var n *netif
	if directed && packet.DestType != rns.DestLink {
		rt, n = m.route(packet.Dest)
	}
	if rt != nil { // spec: rns-core §12.1
		m.sendAlongPath(t, &packet, p.Raw, rt, n)
	} else {
		m.sendBroadcast(t, &packet, p)
	}
	if p.Prover != nil && fx.Verdict == rns.VerdictForwarded && wantsReceipt(&packet) {
		m.addReceipt(t, &packet, p)
	}
	return fx
}

// verdictOf turns an error of a parser into its verdict.
func verdictOf(err error) rns.Verdict {
	var v rns.Verdict
	if errors.As(err, &v) {
		return v
	}
	return rns.VerdictMalformed
}

// applyDelta tells whether the hop count of an own packet is disguised on an interface. spec: rns-core §11.2
func (m *Machine) applyDelta(p *rns.Packet, hops uint8, n *netif) bool {
	return m.cfg.LocalHopsDelta != 0 && m.client == nil && hops == 0 && n.info.Role == RoleNetwork &&
		p.DestType != rns.DestPlain && p.DestType != rns.DestGroup
}

// sendAlongPath sends a packet into transport or directly. spec: rns-core §12.2
func (m *Machine) sendAlongPath(now tick, p *rns.Packet, raw []byte, rt *path, n *netif) {
	hops := p.Hops
	if m.applyDelta(p, p.Hops, n) {
		hops = m.cfg.LocalHopsDelta
	}
	if rt.hops > 1 || rt.hops == 1 && m.client != nil {
		if p.HeaderType == rns.HeaderType2 {
			m.fx.Verdict = rns.VerdictBadFlags
			return
		}
		out := m.scratch(len(raw) + rns.AddrSize)
		out[0], out[1] = flagHeader2|flagTransport|raw[0]&maskHashed, hops
		copy(out[2:], rt.nextHop[:])
		copy(out[2+rns.AddrSize:], raw[2:])
		m.usePath(p.Dest, rt, now)
		m.transmit(now, n, out, ClassData)
	} else {
		if hops != raw[1] {
			raw = append(m.scratch(len(raw))[:0], raw...)
			raw[1] = hops
		}
		m.transmit(now, n, raw, ClassData)
	}
	m.fx.Verdict = rns.VerdictForwarded
}

// sendBroadcast sends what no path directs. spec: rns-core §12.3
func (m *Machine) sendBroadcast(now tick, p *rns.Packet, o OutPacket) {
	out := outgoing{raw: o.Raw, dest: p.Dest, hash: m.fx.Hash, hops: p.Hops, attached: o.Attached, packet: *p}
	switch {
	case p.Type == rns.PacketAnnounce:
		out.class = ClassAnnounce
		if len(p.Data) >= ratchetOffset {
			out.emitted = Blob(p.Data[blobOffset:]).Emitted()
		}
	case p.DestType == rns.DestPlain && p.Dest == m.pathRequest:
		out.class = ClassRequest
	case p.DestType == rns.DestLink && o.Attached == 0:
		l := m.localLinks[p.Dest]
		if l == nil {
			m.fx.Verdict = rns.VerdictLinkUnknown
			return
		}
		if out.attached = l.attached; out.attached == 0 {
			m.fx.Verdict = rns.VerdictLinkState
			return
		}
	}
	m.broadcast(now, &out)
	switch {
	case out.sent > 0:
		m.fx.Verdict = rns.VerdictForwarded
	case out.queued > 0:
		m.fx.Verdict = rns.VerdictQueued
	case out.attached != 0 && m.interfaces[out.attached] == nil:
		m.fx.Verdict = rns.VerdictInterfaceGone
	default:
		m.fx.Verdict = rns.VerdictNothingListening
	}
}

// broadcast sends on the attached interface or on all that the rules allow. spec: rns-core §12.3
func (m *Machine) broadcast(now tick, o *outgoing) {
	if !o.hash.IsZero() && o.class != ClassAnnounce && !repeats(o.packet.Context) {
		m.record(o.hash)
	}
	if o.attached != 0 {
		if n := m.interfaces[o.attached]; n != nil && !n.info.ReceiveOnly {
			m.emit(now, n, o)
		}
		return
	}
	local := m.local(o.dest)
	var from *netif
	if o.class == ClassAnnounce && !local {
		_, from = m.route(o.dest)
	}
	for _, n := range m.order {
		if n.info.ReceiveOnly {
			continue
		}
		if o.class == ClassAnnounce {
			v := propagates(local, from, n)
			if v == rns.VerdictInterfaceMode || v == rns.VerdictNoPath {
				continue
			}
			if v == rns.VerdictQueued && o.hops > 0 && !n.queue.admit(now, len(o.raw), n.info.Bitrate, n.cap) {
				m.enqueue(now, n, o)
				continue
			}
		}
		m.emit(now, n, o)
	}
}

// emit transmits on one interface, with the hop delta where it applies.
func (m *Machine) emit(now tick, n *netif, o *outgoing) {
	raw := o.raw
	if m.applyDelta(&o.packet, o.hops, n) {
		if o.delta == nil {
			o.delta = m.disguise(o)
		}
		raw = o.delta
	}
	m.transmit(now, n, raw, o.class)
	o.sent++
}

// disguise applies the hop delta. An announce becomes one that names this node as next hop. spec: rns-core §11.2
func (m *Machine) disguise(o *outgoing) []byte {
	if o.class == ClassAnnounce && o.packet.HeaderType == rns.HeaderType1 {
		out := m.scratch(len(o.raw) + rns.AddrSize)
		out[0], out[1] = o.raw[0]|flagHeader2|flagTransport, m.cfg.LocalHopsDelta
		copy(out[2:], m.cfg.TransportID[:])
		copy(out[2+rns.AddrSize:], o.raw[2:])
		return out
	}
	out := append(m.scratch(len(o.raw))[:0], o.raw...)
	out[1] = m.cfg.LocalHopsDelta
	return out
}

// transmit adds a frame to the effects and counts it.
func (m *Machine) transmit(now tick, n *netif, raw []byte, class Class) {
	switch class {
	case ClassAnnounce:
		m.countOutgoingAnnounce(n, now)
	case ClassRequest:
		m.countOutgoingRequest(n, now)
	}
	m.fx.Send = append(m.fx.Send, Transmission{Interface: n.id(), Class: class, Raw: raw})
}

// propagates decides whether an announce may leave on an interface: VerdictForwarded at once, VerdictQueued within the
// bandwidth cap, otherwise why not. from is where the path leads, nil if there is none. spec: rns-core §12.3
func propagates(local bool, from, out *netif) rns.Verdict {
	if !local && from == nil {
		return rns.VerdictNoPath
	}
	if !local && out.info.BlockInternalAnnounces && from.mode() == ModeInternal {
		return rns.VerdictInterfaceMode
	}
	blocked := false
	switch out.mode() {
	case ModeAccessPoint:
		return rns.VerdictInterfaceMode
	case ModeInternal:
		if local {
			return rns.VerdictQueued
		}
		blocked = from.mode() == ModeBoundary && !from.info.AnnouncesToInternal
	case ModeRoaming:
		blocked = !local && (from.mode() == ModeRoaming || from.mode() == ModeBoundary)
	case ModeBoundary:
		blocked = !local && from.mode() == ModeRoaming
	default:
		return rns.VerdictQueued
	}
	if blocked {
		return rns.VerdictInterfaceMode
	}
	return rns.VerdictForwarded
}

// enqueue leaves an announce waiting for bandwidth. spec: rns-core §12.4
func (m *Machine) enqueue(now tick, n *netif, o *outgoing) {
	if o.kept == nil {
		o.kept = append(make([]byte, 0, len(o.raw)), o.raw...)
	}
	if n.queue.push(now, o.dest, queuedAnnounce{hops: o.hops, emitted: o.emitted, raw: o.kept}, m.p.MaxQueuedAnnounces) {
		o.queued++
		m.queueTimer = min(m.queueTimer, n.queue.deadline())
	}
}

// serveQueues sends the queued announces whose time has come. spec: rns-core §10.5
func (m *Machine) serveQueues(now tick) {
	if now < m.queueTimer {
		return
	}
	m.queueTimer = never
	for _, n := range m.order {
		if a, _, ok := n.queue.pop(now, m.p.QueuedAnnounceLife, n.info.Bitrate, n.cap); ok {
			m.transmit(now, n, a.raw, ClassAnnounce)
		}
		m.queueTimer = min(m.queueTimer, n.queue.deadline())
	}
}
