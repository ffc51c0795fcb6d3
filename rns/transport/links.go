package transport

import (
	"time"

	"meshchatx/rns"
)

// LinkRole is the side of a link.
type LinkRole uint8

// The sides.
const (
	LinkInitiator LinkRole = iota
	LinkResponder
)

// LocalLink describes a link of this node.
type LocalLink struct {
	// ID is the link id, Destination the destination it leads to.
	ID, Destination rns.Addr
	Role            LinkRole
	// Attached is the interface the request came from; zero for initiators, who learn it with the proof.
	Attached InterfaceID
	// ExpectedHops is the hop count of the path, for initiators.
	ExpectedHops uint8
	// Peer is the destination's key, for initiators.
	Peer rns.PublicKey
	// Mode is the requested encryption mode of the signalling bytes, for initiators.
	Mode uint8
}

// localLink is a link of this node.
type localLink struct {
	dest       rns.Addr
	peer       rns.PublicKey
	role       LinkRole
	attached   InterfaceID
	expected   uint8
	mode       uint8
	active     bool
	rebalanced bool
}

// RegisterLink makes a link of this node receive: a responder at once, on its attached interface; an initiator first
// only its proof, until ActivateLink. Register before sending the link request or proof.
func (m *Machine) RegisterLink(l LocalLink) error {
	if m.localLinks[l.ID] != nil {
		return ErrLinkKnown
	}
	m.localLinks[l.ID] = &localLink{
		dest: l.Destination, peer: l.Peer, role: l.Role, attached: l.Attached, expected: l.ExpectedHops, mode: l.Mode,
		active: l.Role == LinkResponder,
	}
	return nil
}

// ActivateLink opens an initiator's link for traffic on the interface its proof arrived on. Call it before anything is
// sent on the link.
func (m *Machine) ActivateLink(id rns.Addr, attached InterfaceID) error {
	l := m.localLinks[id]
	if l == nil {
		return ErrNoLink
	}
	if m.interfaces[attached] == nil {
		return ErrNoInterface
	}
	l.active, l.attached = true, attached
	return nil
}

// LinkEnd says how a link ended.
type LinkEnd uint8

// The ends of a link.
const (
	// LinkClosed is the end of a link that worked, or that this node gave up.
	LinkClosed LinkEnd = iota
	// LinkNeverProved is the end of an initiator's link that timed out, which starts path rediscovery.
	LinkNeverProved
)

// RemoveLink forgets a link of this node. Send its last packet before. spec: rns-core §18
func (m *Machine) RemoveLink(now time.Time, id rns.Addr, end LinkEnd) *Effects {
	fx, t := m.begin(now)
	l := m.localLinks[id]
	if l == nil {
		fx.Verdict = rns.VerdictLinkUnknown
		return fx
	}
	delete(m.localLinks, id)
	if l.role == LinkInitiator && !l.active && end == LinkNeverProved {
		m.ownLinkNeverProved(t, l.dest)
	}
	return fx
}

// receiveOnLink delivers DATA on a link of this node. spec: rns-core §13.3
func (m *Machine) receiveOnLink(r *reception) {
	l := m.localLinks[r.packet.Dest]
	switch {
	case l == nil:
		m.refuse(r, rns.VerdictLinkUnknown)
	case !l.active:
		m.refuse(r, rns.VerdictLinkState)
	case l.attached != r.from.id():
		// The copy that arrives on the right interface must pass the filter.
		m.seen.forget(r.hash)
		m.refuse(r, rns.VerdictWrongInterface)
	default:
		m.deliver(r, DeliverLink)
	}
}
