package transport

import (
	"time"

	"meshchatx/rns"
)

// Effects is what a call wants done. It belongs to the machine and is valid until the next call of a method that returns
// Effects; so are its slices and, unless said otherwise, the bytes they point to.
type Effects struct {
	// Send lists frames to transmit, in order.
	Send []Transmission
	// Deliver lists packets for destinations and links of this node, in order.
	Deliver []Delivery
	// Verify lists signature checks to run anywhere and to hand back to Verified. Jobs are independent of the machine
	// and of the frame; they stay valid for ever.
	Verify []VerifyJob
	// Events lists what else happened. Events share no memory with the machine.
	Events []Event
	// Verdict says what became of the packet: for Inbound and Verified the received one, for Outbound the sent one.
	Verdict rns.Verdict
	// Hash is the packet hash of that packet, zero if it was not computed: malformed packets, resource parts.
	Hash rns.Hash
	// Dirty names the stored tables that changed.
	Dirty Tables
}

// reset empties the slices and keeps their memory.
func (e *Effects) reset() {
	e.Send, e.Deliver, e.Verify, e.Events = e.Send[:0], e.Deliver[:0], e.Verify[:0], e.Events[:0]
	e.Verdict, e.Hash, e.Dirty = 0, rns.Hash{}, 0
}

// Class says what a transmission is, for queues that must choose.
type Class uint8

// The classes.
const (
	// ClassData is everything that somebody waits for.
	ClassData Class = iota
	// ClassAnnounce is an announce, which others will repeat.
	ClassAnnounce
	// ClassRequest is a path request.
	ClassRequest
)

// Transmission is one frame for one interface. The port adds the access code. It must not change Raw, because several
// transmissions may share it; it copies or writes Raw before the next call, except that a Raw inside the frame that was
// handed to Inbound lives as long as that frame does.
type Transmission struct {
	// Interface is where to send.
	Interface InterfaceID
	// Class is what it is.
	Class Class
	// Raw is the packet.
	Raw []byte
}

// DeliveryKind says to whom a packet is delivered.
type DeliveryKind uint8

// The kinds.
const (
	// DeliverPacket is DATA for a registered destination.
	DeliverPacket DeliveryKind = iota
	// DeliverLinkRequest is a link request for a registered destination. Its signalling is already clamped to what the
	// receiving interface carries; LinkID is the id of the received form.
	DeliverLinkRequest
	// DeliverLink is a packet on a registered link: DATA, or the proof of a packet or resource.
	DeliverLink
	// DeliverLinkProof answers a link request of ours. The link verifies it, then calls ActivateLink.
	DeliverLinkProof
)

// Delivery is a packet for this node.
type Delivery struct {
	// Kind says for whom.
	Kind DeliveryKind
	// Packet is the parsed packet with hops as counted here. Its Data lies in the frame handed to Inbound, except for
	// DeliverLinkRequest and for proofs that had to be verified first, where it is a copy.
	Packet rns.Packet
	// Raw is the whole packet, in the frame, with the hop byte as received unless the packet was also forwarded.
	Raw []byte
	// Hash is the packet hash; zero for resource parts.
	Hash rns.Hash
	// LinkID is set for link requests.
	LinkID rns.Addr
	// Interface is where the packet arrived.
	Interface InterfaceID
	// Signal is what the radio measured.
	Signal Signal
}

// Tables is a set of stored tables.
type Tables uint8

// The stored tables.
const (
	TablePaths Tables = 1 << iota
	TableKnown
	TableRatchets
	TableTunnels
	TableBlackhole
)

// Event is something that happened, one of the types below.
type Event interface{ event() }

// AnnounceReceived reports a valid announce that updated the path table, the moment for which applications wait.
// spec: rns-core §14.11
type AnnounceReceived struct {
	Destination rns.Addr
	Identity    rns.PublicKey
	Name        rns.NameHash
	// AppData is nil when the announce carried none, and may be empty when it carried an empty one.
	AppData []byte
	// Ratchet is set if the announce carried one.
	Ratchet    *rns.RatchetPublic
	PacketHash rns.Hash
	Hops       uint8
	Interface  InterfaceID
	// Emitted is the sender's time in Unix seconds.
	Emitted int64
	// Response says whether this answered a path request.
	Response AnnounceKind
	// Signal is what the radio measured.
	Signal Signal
}

// AnnounceKind tells ordinary announces from answers to path requests.
type AnnounceKind uint8

// The kinds of announces.
const (
	AnnounceOrdinary AnnounceKind = iota
	AnnouncePathResponse
)

// PathRequested asks the owner of a local destination to announce it in path response form on one interface.
// spec: rns-core §15.3
type PathRequested struct {
	Destination rns.Addr
	Interface   InterfaceID
	// Tag identifies the request; the same tag gets the same answer for 30 s.
	Tag []byte
}

// PathLost reports a path that expired, was dropped or lost its interface.
type PathLost struct {
	Destination rns.Addr
	Reason      PathLoss
}

// PathLoss says why a path went.
type PathLoss uint8

// The reasons.
const (
	PathExpired PathLoss = iota
	PathDropped
	PathInterfaceGone
	PathEvicted
	PathBlackholed
)

// PacketProved reports that the receiver of a packet sent with a receipt proved it. spec: rns-core §8.2
type PacketProved struct {
	// Hash is the packet hash, as in Effects.Hash of Outbound.
	Hash rns.Hash
	// Sent and RoundTrip are the times of sending and from there to the proof.
	Sent      time.Time
	RoundTrip time.Duration
	// Proof is the data of the proof packet, 96 bytes in explicit and 64 in implicit form.
	Proof []byte
	// Signal is what the radio measured for the proof.
	Signal Signal
}

// ReceiptFailed reports that no proof came.
type ReceiptFailed struct {
	Hash   rns.Hash
	Reason ReceiptFailure
}

// ReceiptFailure says why a receipt ended without proof.
type ReceiptFailure uint8

// The reasons.
const (
	ReceiptTimeout ReceiptFailure = iota
	// ReceiptCulled made room for newer ones.
	ReceiptCulled
)

// KnownForgotten reports a destination removed from the known ones; its stored ratchet can be deleted.
type KnownForgotten struct{ Destination rns.Addr }

// RatchetReceived reports a new ratchet of a destination, to be stored.
type RatchetReceived struct {
	Destination rns.Addr
	Ratchet     rns.RatchetPublic
	Received    time.Time
}

// KeyConflict reports an announce of a known destination with another public key: rejected, and worth a prominent log
// line. spec: rns-core §6.5
type KeyConflict struct {
	Destination rns.Addr
	Interface   InterfaceID
}

// LinkUnproved reports a link of others that got no proof in time. spec: rns-core §16.6
type LinkUnproved struct {
	Link, Destination rns.Addr
}

// TunnelAttached reports that a peer was recognised on an interface.
type TunnelAttached struct {
	Tunnel    rns.Hash
	Interface InterfaceID
	// Restored is the number of paths that came back with it.
	Restored int
}

func (AnnounceReceived) event() {}
func (PathRequested) event()    {}
func (PathLost) event()         {}
func (PacketProved) event()     {}
func (ReceiptFailed) event()    {}
func (KnownForgotten) event()   {}
func (RatchetReceived) event()  {}
func (KeyConflict) event()      {}
func (LinkUnproved) event()     {}
func (TunnelAttached) event()   {}
