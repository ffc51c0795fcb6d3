package router

import (
	"context"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// State is what a router remembers across restarts, and nothing else: the outbox belongs to the application, which submits
// unfinished messages again. Implementations are safe for concurrent use. MemoryState is one without a disk.
type State interface {
	// Load returns all costs and tickets. It is called once, when the router starts.
	Load(ctx context.Context) (Remembered, error)
	// PutStampCosts remembers announced costs, replacing earlier ones of the same destination.
	PutStampCosts(ctx context.Context, costs ...StampCost) error
	// PutTicket remembers a ticket received from a peer, replacing an earlier one.
	PutTicket(ctx context.Context, t Ticket) error
	// PutIssuedTicket remembers a ticket issued to a peer, beside earlier ones.
	PutIssuedTicket(ctx context.Context, t Ticket) error
	// PutTicketDelivery remembers when a ticket last reached a peer.
	PutTicketDelivery(ctx context.Context, peer rns.Addr, at time.Time) error
	// Delivered reports whether a message with this id was received before.
	Delivered(ctx context.Context, id rns.Hash) (bool, error)
	// PutDelivered remembers ids of received messages. An application that stores the id in the transaction of the message
	// sees it here again; that must do no harm.
	PutDelivered(ctx context.Context, at time.Time, ids ...rns.Hash) error
	// PutSealed remembers a message that is sealed for a propagation node and stamped, until DropSealed.
	PutSealed(ctx context.Context, s Sealed) error
	// Sealed returns what PutSealed remembers of a message, false if nothing.
	Sealed(ctx context.Context, message rns.Hash) (Sealed, bool, error)
	// DropSealed forgets sealed messages.
	DropSealed(ctx context.Context, messages ...rns.Hash) error
	// PutNodes remembers propagation nodes, replacing what was known of them.
	PutNodes(ctx context.Context, nodes ...NodeRecord) error
	// Expire forgets what is too old to matter: ids after lxmf.DuplicateMemory, costs after lxmf.StampCostMemory, received tickets
	// when they expire, issued ones lxmf.TicketGrace later, sealed messages after lxmf.MessageExpiry, nodes after NodeMemory.
	Expire(ctx context.Context, now time.Time) error
}

// Remembered is what State.Load returns. The zero value is that of a new router.
type Remembered struct {
	StampCosts []StampCost
	// Tickets were received from peers, Issued were given to them.
	Tickets, Issued []Ticket
	// TicketDeliveries tells when a ticket last reached a peer.
	TicketDeliveries map[rns.Addr]time.Time
	// Nodes are the propagation nodes that were heard.
	Nodes []NodeRecord
}

// Sealed is a message as it goes to a propagation node. spec: lxmf §5.5
type Sealed struct {
	// Message is the message's id, Packed the hash of the packed message it was made of.
	Message, Packed rns.Hash
	// Stored is the sealed message with its stamp.
	Stored []byte
	// At is when it was made.
	At time.Time
}

// StampCost is the work a destination asks of those who write to it.
type StampCost struct {
	Destination rns.Addr
	// Cost is in bits, 0 if none is asked for.
	Cost int
	// At is when it was announced.
	At time.Time
}

// Ticket lets its holder write without proof of work until it expires. spec: lxmf §7
type Ticket struct {
	// Peer is who issued a received ticket, or whom an issued one was given to.
	Peer rns.Addr
	lxmf.Ticket
}
