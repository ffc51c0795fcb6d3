package router

import (
	"context"
	"errors"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/iface"
)

// ErrDiscard is what an Inbox returns for a message that its policy refuses, such as one from a blocked peer: the message is
// proved, so that its sender learns nothing, and not kept.
var ErrDiscard = errors.New("message is discarded by policy")

// Inbox keeps incoming messages.
type Inbox interface {
	// Receive returns nil when the message is stored durably; only then its proof leaves. With ErrDiscard the message is
	// proved without being kept. With any other error no proof leaves and the sender tries again.
	//
	// It is called on a few goroutines at once, but for one source in order. A message is not given twice after nil or
	// ErrDiscard; after a crash between the commit and the note of its id it may be, so an Inbox must tolerate a message
	// it has already.
	Receive(ctx context.Context, m Inbound) error
}

// BatchInbox is an Inbox that stores several messages at once for less than one after the other.
type BatchInbox interface {
	Inbox
	// ReceiveAll is Receive for messages of one source in the order of arrival, and returns the answer to each.
	ReceiveAll(ctx context.Context, messages []Inbound) []error
}

// StampCheck is what became of the check of a message's stamp.
type StampCheck uint8

// The outcomes. spec: lxmf §6.4
const (
	StampNotAsked  StampCheck = iota // we ask for no stamps
	StampValid                       // by work
	StampTicket                      // by ticket
	StampInvalid                     // missing, or worth too little
	StampUnchecked                   // too many from this source; only where stamps are not enforced
)

// String returns the outcome in words.
func (s StampCheck) String() string {
	return [...]string{"not asked for", "valid", "ticket", "invalid", "unchecked"}[min(s, StampUnchecked)]
}

// Inbound is a message that arrived.
type Inbound struct {
	Message *lxmf.Message
	// Packed is the message as it arrived, destination included.
	Packed []byte
	// Method is opportunistic, direct, propagated or paper.
	Method lxmf.Method
	// Unverified tells why the author is not certain, 0 if it is. See Router.Verify.
	Unverified lxmf.Unverified
	Stamp      StampCheck
	// StampValue is the value of a checked stamp in bits, 256 for a ticket.
	StampValue int
	// Ratchet is the ratchet an opportunistic message was encrypted to, nil for the identity key.
	Ratchet *rns.RatchetID
	// Link is the link a direct message came over.
	Link rns.Addr
	// Hops is how far it came, 1 from a direct neighbour, -1 unknown.
	Hops      int
	Interface string
	Signal    iface.Signal
	Received  time.Time
}
