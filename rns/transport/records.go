package transport

import (
	"time"

	"meshchatx/rns"
)

// The records below are what the tables look like from outside: iterators return them, the seed methods take them, and
// files hold the same fields. All are copies. Times are wall-clock times.

// PathRecord is one entry of the path table. spec: rns-core §11.3
type PathRecord struct {
	Destination rns.Addr
	// Timestamp is the last update or use, Expires the end of the time in which longer paths cannot replace it.
	Timestamp, Expires time.Time
	// NextHop is the transport id of the neighbour, or the destination itself when heard directly.
	NextHop rns.Addr
	// Hops as counted here, 0 for a destination of a local client.
	Hops uint8
	// Blobs are the random blobs of accepted announces, oldest first.
	Blobs []Blob
	// Interface is where the path leads.
	Interface InterfaceID
	// PacketHash is the hash of the announce the path comes from.
	PacketHash rns.Hash
	// Announce is that announce as received, hop byte not incremented; nil if not at hand.
	Announce []byte
	// State is what links found out about the path.
	State PathState
}

// Blob is the random blob of an announce: 5 random bytes and the emission time in seconds. spec: rns-core §6.1
type Blob [10]byte

// Emitted returns the emission time in Unix seconds.
func (b Blob) Emitted() int64 {
	return int64(b[5])<<32 | int64(b[6])<<24 | int64(b[7])<<16 | int64(b[8])<<8 | int64(b[9])
}

// PathState is what links found out about a path. spec: rns-core §15.5
type PathState uint8

// The path states.
const (
	PathUnknown PathState = iota
	PathUnresponsive
	PathResponsive
)

// PendingAnnounce is an announce waiting to be sent, first or again. spec: rns-core §11.3, §14.8
type PendingAnnounce struct {
	Destination rns.Addr
	// Added and Retransmit are when the entry came and when it is due.
	Added, Retransmit time.Time
	// Retries counts transmissions, LocalRebroadcasts those of neighbours.
	Retries, LocalRebroadcasts int
	// From is the transport id it was received from, or the destination.
	From rns.Addr
	Hops uint8
	// Attached limits it to one interface, zero for none.
	Attached InterfaceID
	// Purpose is a rebroadcast or the answer to a path request.
	Purpose AnnounceKind
	// Parked says that an answer to a path request took its place for the moment.
	Parked bool
}

// ReverseRecord says where the proof of a forwarded packet goes. spec: rns-core §11.3
type ReverseRecord struct {
	// Packet is the truncated hash of the packet.
	Packet rns.Addr
	// Received is where the packet came from, Outbound where it went.
	Received, Outbound InterfaceID
	Timestamp          time.Time
}

// LinkRecord is a link of others that runs through this node. spec: rns-core §11.3
type LinkRecord struct {
	Link rns.Addr
	// Timestamp is the last use.
	Timestamp time.Time
	// NextHop and NextInterface lead to the destination, Remaining hops away.
	NextHop       rns.Addr
	NextInterface InterfaceID
	Remaining     uint8
	// Received leads to the initiator, Taken hops away.
	Received    InterfaceID
	Taken       uint8
	Destination rns.Addr
	// Validated is set by the proof, which is awaited until ProofTimeout.
	Validated    bool
	ProofTimeout time.Time
}

// LocalLinkRecord is a link of this node as registered here.
type LocalLinkRecord struct {
	Link, Destination rns.Addr
	Role              LinkRole
	// Active links receive packets on Attached only.
	Active       bool
	Attached     InterfaceID
	ExpectedHops uint8
}

// RateRecord is the announce history of one destination. spec: rns-core §14.7
type RateRecord struct {
	Destination rns.Addr
	// Last is the last counted announce.
	Last       time.Time
	Violations int
	// BlockedUntil is zero when never blocked.
	BlockedUntil time.Time
	// Times are the last announces, oldest first.
	Times []time.Time
}

// HeldAnnounce is an announce kept back by ingress control. spec: rns-core §10.4
type HeldAnnounce struct {
	Interface   InterfaceID
	Destination rns.Addr
	// Hops counted here.
	Hops uint8
	// Raw is as received.
	Raw []byte
}

// RequestRecord is a path request that this node made, passed on, or keeps for a local client.
type RequestRecord struct {
	Destination rns.Addr
	Kind        RequestKind
	// At is when it was sent, for searches when they end.
	At time.Time
	// Interface is who asked, zero for our own.
	Interface InterfaceID
}

// RequestKind says what a RequestRecord is.
type RequestKind uint8

// The kinds of request records.
const (
	// RequestSent was sent by this node for itself.
	RequestSent RequestKind = iota
	// RequestSearch is a recursive search for somebody else.
	RequestSearch
	// RequestClient waits for a local client to announce.
	RequestClient
	// RequestQueued waits to be sent after a link failed; Interface is excluded.
	RequestQueued
)

// TunnelRecord is a peer that may come back on another connection. spec: rns-core §11.3, §17
type TunnelRecord struct {
	ID rns.Hash
	// Interface is zero while the peer is away.
	Interface InterfaceID
	Expires   time.Time
	Paths     []PathRecord
}

// KnownDestination is what announces taught about a destination. spec: rns-core §3.5
type KnownDestination struct {
	Destination rns.Addr
	// Announced is when the newest announce was processed, PacketHash the hash of that announce.
	Announced  time.Time
	PacketHash rns.Hash
	Public     rns.PublicKey
	// AppData is nil if there was none.
	AppData []byte
	// Used is the last use, zero if never.
	Used time.Time
	// Retained destinations are never cleaned.
	Retained bool
}

// ReceivedRatchet is the newest ratchet of a destination. spec: rns-core §4.5
type ReceivedRatchet struct {
	Destination rns.Addr
	Ratchet     rns.RatchetPublic
	Received    time.Time
}

// ReceiptRecord is a packet awaiting its proof.
type ReceiptRecord struct {
	Hash           rns.Hash
	Sent, Deadline time.Time
}

// Blackhole is an identity whose announces are refused. spec: rns-core §21.4
type Blackhole struct {
	Identity, Source rns.Addr
	// Until is zero for ever.
	Until  time.Time
	Reason string
}

// InterfaceStatus is what the machine counts for one interface.
type InterfaceStatus struct {
	Info InterfaceInfo
	// IncomingAnnounces, OutgoingAnnounces, IncomingRequests and OutgoingRequests are frequencies in Hz.
	IncomingAnnounces, OutgoingAnnounces, IncomingRequests, OutgoingRequests float64
	// AnnounceBurst and RequestBurst say whether an ingress limit is in force.
	AnnounceBurst, RequestBurst bool
	// AnnounceBurstSince and RequestBurstSince are when the last burst began, zero if there was none.
	AnnounceBurstSince, RequestBurstSince time.Time
	// Held is the number of announces kept back, Queued that of announces waiting for bandwidth until AllowedAt.
	Held, Queued int
	AllowedAt    time.Time
	// Tunnel is set while a tunnel is attached.
	Tunnel rns.Hash
}
