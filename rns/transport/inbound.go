package transport

import (
	"time"

	"meshchatx/rns"
)

// reception is a received packet on its way through the machine.
type reception struct {
	from   *netif
	packet rns.Packet
	raw    []byte
	hash   rns.Hash
	hops   uint8 // counted here
	signal Signal
	// link is the entry of the link table that the packet belongs to.
	link *linkEntry
	// forwarded says that raw went out and must not change any more.
	forwarded bool
}

// Inbound takes a received packet through the stages of spec: rns-core §13, in this order:
//
//	unpack, count hops, filter          receive
//	relay plain broadcasts              relayPlain
//	forward along a path, on a link     transportStage
//	process by type                     dispatch
func (m *Machine) Inbound(now time.Time, f Frame) *Effects {
	fx, t := m.begin(now)
	n := m.interfaces[f.Interface]
	if n == nil {
		fx.Verdict = rns.VerdictInterfaceGone
		return fx
	}
	m.receive(t, n, f)
	return fx
}

func (m *Machine) receive(now tick, n *netif, f Frame) {
	p, err := rns.ParsePacket(f.Raw)
	if err != nil {
		m.fx.Verdict = verdictOf(err)
		return
	}
	r := reception{from: n, packet: p, raw: f.Raw, hops: p.Hops + 1, signal: f.Signal}
	if n.isLocalClient() || m.localClients == 0 && n.info.Role == RoleSharedInstance {
		r.hops--
	}
	if p.DestType != rns.DestLink || p.Context != rns.ContextResource || p.Type != rns.PacketData {
		r.hash = hashInPlace(f.Raw)
	}
	m.fx.Hash = r.hash
	m.recordSignal(r.hash, f.Signal)
	if v := m.admit(&r); v != rns.VerdictNone {
		m.fx.Verdict = v
		return
	}
	if p.Type != rns.PacketAnnounce { // whatever type the destination claims: spec: rns-core §13
		r.link = m.liveLink(p.Dest)
	}
	m.remember(&r)
	m.relayPlain(now, &r)
	if m.transportStage(now, &r) {
		m.dispatch(now, &r)
	}
}

// relayPlain passes plain broadcasts between local clients and the network. spec: rns-core §13, step 9
func (m *Machine) relayPlain(now tick, r *reception) {
	p := &r.packet
	if m.localClients == 0 || p.DestType != rns.DestPlain || p.TransportType != rns.TransportBroadcast ||
		p.Dest == m.pathRequest || p.Dest == m.tunnelSynthesis {
		return
	}
	fromClient := r.from.isLocalClient()
	for _, n := range m.order {
		if n != r.from && (fromClient || n.isLocalClient()) {
			m.transmit(now, n, r.raw, ClassData)
			m.fx.Verdict = rns.VerdictRelayed
		}
	}
}

// transportStage forwards. It reports false if the packet is done with. spec: rns-core §13, step 10
func (m *Machine) transportStage(now tick, r *reception) bool {
	p := &r.packet
	if p.Type == rns.PacketAnnounce {
		return true
	}
	toUs := p.HeaderType == rns.HeaderType2 && p.TransportID == m.cfg.TransportID
	forClient := false
	if m.localClients > 0 {
		rt, _ := m.route(p.Dest)
		forClient = rt != nil && rt.hops == 0
	}
	if !m.cfg.TransportEnabled && !r.from.isLocalClient() && !forClient && !m.linkOfClient(r.link) {
		return true
	}
	if toUs || forClient && p.HeaderType == rns.HeaderType1 {
		if !m.forward(now, r) {
			return false
		}
	}
	if r.link != nil && p.Type != rns.PacketLinkRequest && p.Context != rns.ContextLRProof {
		m.forwardOnLink(now, r)
	}
	return true
}

// linkOfClient tells whether an end of a link in transit is a local client.
func (m *Machine) linkOfClient(l *linkEntry) bool {
	return l != nil && m.localClients > 0 && (m.interfaces[l.next].isLocalClient() || m.interfaces[l.received].isLocalClient())
}

// dispatch processes by packet type. spec: rns-core §13, step 11
func (m *Machine) dispatch(now tick, r *reception) {
	p := &r.packet
	switch p.Type {
	case rns.PacketAnnounce:
		m.receiveAnnounce(now, r)
	case rns.PacketLinkRequest:
		if !r.forwarded {
			m.receiveLinkRequest(now, r)
		}
	case rns.PacketData:
		m.receiveData(now, r)
	case rns.PacketProof:
		m.receiveProof(now, r)
	}
}

// refuse sets the verdict of a packet that nothing took.
func (m *Machine) refuse(r *reception, v rns.Verdict) {
	if !r.forwarded && m.fx.Verdict == rns.VerdictNone {
		m.fx.Verdict = v
	}
}

// deliver hands the packet to this node.
func (m *Machine) deliver(r *reception, k DeliveryKind) {
	d := Delivery{Kind: k, Packet: r.packet, Raw: r.raw, Hash: r.hash, Interface: r.from.id(), Signal: r.signal}
	d.Packet.Hops = r.hops
	m.fx.Deliver = append(m.fx.Deliver, d)
	m.fx.Verdict = rns.VerdictDelivered
}

// receiveData delivers DATA to control destinations, links and destinations of this node. spec: rns-core §13.3
func (m *Machine) receiveData(now tick, r *reception) {
	p := &r.packet
	switch {
	case p.DestType == rns.DestLink:
		m.receiveOnLink(r)
	case p.DestType == rns.DestPlain && p.Dest == m.pathRequest:
		m.receivePathRequest(now, r)
	case p.DestType == rns.DestPlain && p.Dest == m.tunnelSynthesis:
		m.receiveTunnelSynthesis(r)
	default:
		kind, ok := m.destinations[p.Dest]
		switch {
		case !ok:
			m.refuse(r, rns.VerdictUnknownDestination)
		case kind != p.DestType:
			m.refuse(r, rns.VerdictWrongDestination)
		default:
			m.deliver(r, DeliverPacket)
		}
	}
}

// delivers tells whether DATA or a link request will be handed to this node, so that forwarding must not spoil the frame.
func (m *Machine) delivers(p *rns.Packet) bool {
	kind, ok := m.destinations[p.Dest]
	return ok && kind == p.DestType
}
