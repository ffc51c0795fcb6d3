package transport

import (
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"meshchatx/rns"
)

// Errors of calls that name something.
var (
	ErrInterface   = errors.New("transport: interface id is zero or in use")
	ErrNoInterface = errors.New("transport: no such interface")
	ErrRegistered  = errors.New("transport: destination is already registered")
	ErrLinkKnown   = errors.New("transport: link is already registered")
)

// Config is what a machine is made of.
type Config struct {
	// TransportID is the identity hash used on the network.
	TransportID rns.Addr
	// TransportEnabled makes this node forward for others.
	TransportEnabled bool
	// LocalHopsDelta disguises locally originated packets as coming from further away, 0 or 2 to 7. spec: rns-core §11.2
	LocalHopsDelta uint8
	// Params holds times and limits. The zero value takes DefaultParams.
	Params *Params
	// Rand is used for waits and request tags. It must not be nil.
	Rand io.Reader
}

// Machine is the transport of one node. It is owned by one goroutine; nothing in it locks. See the package comment for
// the order of calls. The zero value is not usable.
type Machine struct {
	cfg Config
	fx  Effects
}

// New returns a machine without interfaces.
func New(cfg Config) *Machine { return &Machine{cfg: cfg} }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// AddInterface makes an interface known.
func (m *Machine) AddInterface(now time.Time, info InterfaceInfo) error { return nil }

// UpdateInterface replaces the description of an interface; frequencies, queues and paths stay.
func (m *Machine) UpdateInterface(now time.Time, info InterfaceInfo) error { return nil }

// RemoveInterface forgets an interface. Paths and links over it end at once, its tunnel keeps its paths.
func (m *Machine) RemoveInterface(now time.Time, id InterfaceID) *Effects { return &m.fx }

// Inbound takes a received packet.
func (m *Machine) Inbound(now time.Time, f Frame) *Effects { return &m.fx }

// Verified takes the result of a VerifyJob. Every job handed out must come back.
func (m *Machine) Verified(now time.Time, v Verification) *Effects { return &m.fx }

// OutPacket is a packet of this node to send.
type OutPacket struct {
	// Raw is the packed, already encrypted packet. It is not changed; transmissions may point into it.
	Raw []byte
	// Attached limits it to one interface, zero for none. Packets on links find their interface by themselves.
	Attached InterfaceID
	// Prover asks for a receipt: the key that must sign the proof. Nil for none. spec: rns-core §8.2
	Prover *rns.PublicKey
	// Timeout is the life of the receipt, zero for the protocol's default by hops and bitrate.
	Timeout time.Duration
}

// Outbound sends a packet of this node. The verdict is VerdictSent, or says why no interface took it. With Prover set
// one PacketProved or ReceiptFailed with the same Hash follows, unless the packet was not sent.
func (m *Machine) Outbound(now time.Time, p OutPacket) *Effects { return &m.fx }

// Expire does what is due. Call it when Deadline has passed; calling it earlier does no harm.
func (m *Machine) Expire(now time.Time) *Effects { return &m.fx }

// Maintain does all housekeeping now, ignoring the intervals between rounds.
func (m *Machine) Maintain(now time.Time) *Effects { return &m.fx }

// Deadline is when Expire should be called next. The zero time means never: nothing is due.
func (m *Machine) Deadline() time.Time { return time.Time{} }

// RegisterDestination makes a destination of this node receive packets. spec: rns-core §5.3
func (m *Machine) RegisterDestination(dest rns.Addr, kind rns.DestType) error { return nil }

// DeregisterDestination ends delivery at once.
func (m *Machine) DeregisterDestination(dest rns.Addr) {}

// LinkRole is the side of a link.
type LinkRole uint8

// The sides.
const (
	LinkInitiator LinkRole = iota
	LinkResponder
)

// LocalLink describes a link of this node.
type LocalLink struct {
	ID          rns.Addr
	Destination rns.Addr
	Role        LinkRole
	// Attached is the interface the request came from; zero for initiators, who learn it with the proof.
	Attached InterfaceID
	// ExpectedHops is the hop count of the path, for initiators.
	ExpectedHops uint8
	// Peer is the destination's key, for initiators.
	Peer rns.PublicKey
	// Mode is the requested encryption mode from the signalling bytes, for initiators.
	Mode uint8
}

// RegisterLink makes a link of this node receive: a responder at once, on its attached interface; an initiator first
// only its proof, until ActivateLink. Register before sending the link request or proof.
func (m *Machine) RegisterLink(l LocalLink) error { return nil }

// ActivateLink opens an initiator's link for traffic on the interface its proof arrived on. Call it before anything is
// sent on the link.
func (m *Machine) ActivateLink(id rns.Addr, attached InterfaceID) error { return nil }

// LinkEnd says how a link ended.
type LinkEnd uint8

// The ends of a link.
const (
	// LinkClosed is the end of a link that worked, or that this node gave up.
	LinkClosed LinkEnd = iota
	// LinkNeverProved is the end of an initiator's link that timed out, which starts path rediscovery.
	LinkNeverProved
)

// RemoveLink forgets a link of this node. spec: rns-core §18
func (m *Machine) RemoveLink(now time.Time, id rns.Addr, end LinkEnd) {}

// PathRequest asks the network for a path.
type PathRequest struct {
	Destination rns.Addr
	// Interface limits the request to one interface, zero for all.
	Interface InterfaceID
	// Tag is drawn at random when nil.
	Tag *[16]byte
}

// RequestPath asks the network for a path. There is no throttle here. spec: rns-core §15.2
func (m *Machine) RequestPath(now time.Time, r PathRequest) *Effects { return &m.fx }

// Path returns the path to a destination.
func (m *Machine) Path(now time.Time, dest rns.Addr) (PathRecord, bool) { return PathRecord{}, false }

// HasPath tells whether there is a path.
func (m *Machine) HasPath(now time.Time, dest rns.Addr) bool { return false }

// HopsTo returns the hop count, 128 if unknown.
func (m *Machine) HopsTo(now time.Time, dest rns.Addr) uint8 { return maxHops }

// NextHop is the way to a destination. spec: rns-core §24
type NextHop struct {
	// TransportID is the neighbour, or the destination itself.
	TransportID rns.Addr
	Interface   InterfaceID
	Hops        uint8
	Bitrate     int64
	HardwareMTU int
	MTUPolicy   MTUPolicy
}

// NextHop returns the way to a destination.
func (m *Machine) NextHop(now time.Time, dest rns.Addr) (NextHop, bool) { return NextHop{}, false }

// FirstHopTimeout is the time allowed for a packet to leave towards a destination. spec: rns-core §8.2
func (m *Machine) FirstHopTimeout(now time.Time, dest rns.Addr) time.Duration { return 0 }

// DropPath forgets a path, DropPathsVia all paths through a neighbour, and return how many there were.
func (m *Machine) DropPath(now time.Time, dest rns.Addr) *Effects { return &m.fx }

// DropPathsVia forgets all paths through a neighbour.
func (m *Machine) DropPathsVia(now time.Time, via rns.Addr) *Effects { return &m.fx }

// SetPathState records what a link found out about a path; without a path it does nothing. spec: rns-core §15.5
func (m *Machine) SetPathState(now time.Time, dest rns.Addr, s PathState) {}

// DropAnnounceQueues empties the announce queues of all interfaces and returns how many announces were dropped.
func (m *Machine) DropAnnounceQueues() int { return 0 }

// Recall returns what is known of a destination, without marking it used; see MarkUsed. AppData is a copy.
func (m *Machine) Recall(dest rns.Addr) (KnownDestination, bool) { return KnownDestination{}, false }

// RecallIdentity finds a destination of an identity. It looks at every known destination.
func (m *Machine) RecallIdentity(identity rns.Addr) (KnownDestination, bool) {
	return KnownDestination{}, false
}

// MarkUsed records that an application uses a destination.
func (m *Machine) MarkUsed(now time.Time, dest rns.Addr) {}

// Retain keeps a destination for ever, Unretain until it is long unused. They report whether it is known.
func (m *Machine) Retain(dest rns.Addr) bool { return false }

// Unretain ends Retain.
func (m *Machine) Unretain(now time.Time, dest rns.Addr) bool { return false }

// Ratchet returns the newest valid ratchet of a destination.
func (m *Machine) Ratchet(now time.Time, dest rns.Addr) (rns.RatchetPublic, bool) {
	return rns.RatchetPublic{}, false
}

// RememberRatchet records the ratchet of a destination of this node, as others learn it by its announce.
// spec: rns-core §4.4
func (m *Machine) RememberRatchet(now time.Time, r ReceivedRatchet) {}

// Blackhole refuses an identity from now on and drops its paths; it is ignored if the identity is on the list.
func (m *Machine) Blackhole(now time.Time, b Blackhole) *Effects { return &m.fx }

// LiftBlackhole accepts an identity again and reports whether it was refused.
func (m *Machine) LiftBlackhole(identity rns.Addr) bool { return false }

// Paths, PendingAnnounces, … list the tables.
func (m *Machine) Paths(now time.Time) iter.Seq[PathRecord]           { return nil }
func (m *Machine) PendingAnnounces() iter.Seq[PendingAnnounce]        { return nil }
func (m *Machine) ReverseEntries() iter.Seq[ReverseRecord]            { return nil }
func (m *Machine) Links() iter.Seq[LinkRecord]                        { return nil }
func (m *Machine) LocalLinks() iter.Seq[LocalLinkRecord]              { return nil }
func (m *Machine) Rates() iter.Seq[RateRecord]                        { return nil }
func (m *Machine) HeldAnnounces() iter.Seq[HeldAnnounce]              { return nil }
func (m *Machine) Requests() iter.Seq[RequestRecord]                  { return nil }
func (m *Machine) Tunnels() iter.Seq[TunnelRecord]                    { return nil }
func (m *Machine) KnownDestinations() iter.Seq[KnownDestination]      { return nil }
func (m *Machine) Ratchets() iter.Seq[ReceivedRatchet]                { return nil }
func (m *Machine) Receipts() iter.Seq[ReceiptRecord]                  { return nil }
func (m *Machine) Blackholed() iter.Seq[Blackhole]                    { return nil }
func (m *Machine) Interfaces(now time.Time) iter.Seq[InterfaceStatus] { return nil }
func (m *Machine) PacketHashes() iter.Seq[rns.Hash]                   { return nil }

// SeedPath and the others put records into tables, as loading from disk does.
func (m *Machine) SeedPath(now time.Time, r PathRecord) error                { return nil }
func (m *Machine) SeedPendingAnnounce(now time.Time, r PendingAnnounce, raw []byte) error { return nil }
func (m *Machine) SeedReverse(now time.Time, r ReverseRecord)                {}
func (m *Machine) SeedLink(now time.Time, r LinkRecord)                      {}
func (m *Machine) SeedRate(now time.Time, r RateRecord)                      {}
func (m *Machine) SeedRequest(now time.Time, r RequestRecord)                {}
func (m *Machine) SeedTunnel(now time.Time, r TunnelRecord) error            { return nil }
func (m *Machine) SeedKnown(now time.Time, k KnownDestination)               {}
func (m *Machine) SeedRatchet(now time.Time, r ReceivedRatchet)              {}
func (m *Machine) SeedBlackhole(now time.Time, b Blackhole)                  {}
func (m *Machine) SeedPacketHash(h rns.Hash)                                 {}

// SeenPacket tells whether a packet hash is remembered.
func (m *Machine) SeenPacket(h rns.Hash) bool { return false }

// ForgetPacket removes a packet hash, so that another copy is accepted.
func (m *Machine) ForgetPacket(h rns.Hash) {}

// SignalOf returns the reception quality of a packet, of the newest 512 measured.
func (m *Machine) SignalOf(h rns.Hash) (Signal, bool) { return Signal{}, false }
