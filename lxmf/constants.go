package lxmf

import (
	"time"

	"meshchatx/rns"
)

// Names of the destinations. spec: lxmf §2
const (
	DeliveryName    = "lxmf.delivery"
	PropagationName = "lxmf.propagation"
	ControlName     = "lxmf.propagation.control"
)

// DeliveryHash returns the address at which an identity receives messages.
func DeliveryHash(identity rns.Addr) rns.Addr { return rns.DestinationHash(DeliveryName, identity) }

// PropagationHash returns the address of the propagation node of an identity.
func PropagationHash(identity rns.Addr) rns.Addr {
	return rns.DestinationHash(PropagationName, identity)
}

// Sizes in bytes. spec: lxmf §3.1, §5.1
const (
	// headerSize is everything before the payload: two hashes, one signature.
	headerSize = 2*rns.AddrSize + rns.SignatureSize

	// Overhead is what a message is said to cost beside its content. Real
	// messages differ; only comparisons with the limits below use it.
	Overhead = headerSize + 8 + 8

	// EncryptedPacketBudget is the plaintext that one packet to a destination
	// carries, with the destination hash that need not be in it.
	EncryptedPacketBudget = 391
	// LinkPacketBudget is the plaintext that one packet carries on a link with
	// the standard MTU.
	LinkPacketBudget = 431
	// PlainPacketBudget is the same for an unencrypted packet.
	PlainPacketBudget = 464

	// The largest content sizes, see [Message.ContentSize], of each kind.
	MaxOpportunistic = EncryptedPacketBudget - Overhead + rns.AddrSize
	MaxDirectPacket  = LinkPacketBudget - Overhead
	MaxPlainPacket   = PlainPacketBudget - Overhead + rns.AddrSize

	// CarefulOpportunistic is the largest content size of an opportunistic
	// message that stays within the MTU over any number of hops.
	// spec: lxmf §19 pitfall 9
	CarefulOpportunistic = 287

	// MaxQRCode is what the largest QR code holds, MaxPaper the longest paper
	// message, before it becomes text.
	MaxQRCode = 2953
	MaxPaper  = (MaxQRCode - len(paperScheme)) * 6 / 8
)

// Tickets. spec: lxmf §7
const (
	TicketSize = 16
	// TicketValidity is how long a new ticket can be used.
	TicketValidity = 21 * 24 * time.Hour
	// TicketGrace is how much longer the issuer remembers it.
	TicketGrace = 5 * 24 * time.Hour
	// TicketRenewal is how much must be left for a ticket to be given again.
	TicketRenewal = 14 * 24 * time.Hour
	// TicketInterval is the least time between two deliveries to one peer.
	TicketInterval = 24 * time.Hour
	// TicketStampValue is recorded as the value of a stamp made by ticket.
	TicketStampValue = 0x100
)

// Costs. spec: lxmf §6.3, §8.2, §15
const (
	// MaxStampCost is the highest cost that can be announced.
	MaxStampCost = 254
	// MinPropagationCost is the lowest target cost of a propagation node.
	MinPropagationCost = 13
	// Defaults of propagation nodes.
	DefaultPropagationCost = 16
	DefaultPropagationFlex = 3
	DefaultPeeringCost     = 18
	DefaultMaxPeeringCost  = 26
	DefaultTransferLimit   = 256    // thousands of bytes
	DefaultSyncLimit       = 10_240 // thousands of bytes
	DefaultDeliveryLimit   = 1_000  // thousands of bytes
	BytesPerKilobyte       = 1_000  // limits are never multiples of 1024
	AcceptableStampCost    = 24     // announced costs above need a person's consent
	MaxName                = 128    // bytes of a display name worth showing
)

// Memory. spec: lxmf §9.1, §14
const (
	// StampCostMemory is how long an announced cost is remembered.
	StampCostMemory = 45 * 24 * time.Hour
	// MessageExpiry is how long a propagation node keeps a message.
	MessageExpiry = 30 * 24 * time.Hour
	// DuplicateMemory is how long delivered messages are remembered.
	DuplicateMemory = 6 * MessageExpiry
)
