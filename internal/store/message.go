package store

import (
	"time"

	"meshchatx/rns"
)

// Direction says who wrote a message.
type Direction uint8

// Directions of messages.
const (
	Incoming Direction = 0
	Outgoing Direction = 1
)

// Status is how far a message has come, as coarse as the database needs it for its indexes. The
// states shown to people derive from the message's events.
type Status uint8

// Statuses of messages. The numbers are stored.
const (
	StatusReceived   Status = 0 // incoming
	StatusPending    Status = 1 // outgoing, something is still to be done: the outbox
	StatusDelivered  Status = 2 // confirmed by the recipient
	StatusPropagated Status = 3 // accepted by a propagation node
	StatusFailed     Status = 4 // given up, see Reason
	StatusRejected   Status = 5 // refused by the recipient, see Reason
	StatusCancelled  Status = 6 // by the author
	StatusPaper      Status = 7 // written on paper: whether it arrives is not known
)

// Method is how an outgoing message travels or an incoming one came. The numbers are LXMF's.
type Method uint8

// Delivery methods.
const (
	MethodAuto          Method = 0
	MethodOpportunistic Method = 1
	MethodDirect        Method = 2
	MethodPropagated    Method = 3
	MethodPaper         Method = 5
)

// Verification says whether the author of an incoming message is known to be who it claims.
type Verification uint8

// Results of checking a signature. The numbers are stored.
const (
	Verified         Verification = 0 // signature checked; also our own messages
	SourceUnknown    Verification = 1 // the author's key is not known yet
	SignatureInvalid Verification = 2 // the signature is wrong
)

// Message is a stored message without its packed form, which [Messages.Packed] returns.
type Message struct {
	// Seq is the place in this database, in order of arrival; it is the paging cursor. Insert sets it.
	Seq int64
	// ID is the LXMF message hash, unique in this database.
	ID rns.Hash
	// Peer is the LXMF address of the other side: Source if incoming, Destination if outgoing.
	Peer                rns.Addr
	Direction           Direction
	Source, Destination rns.Addr
	// Title and Content are valid UTF-8, ready to show; the packed form holds the exact bytes.
	Title, Content string
	// Renderer is LXMF's renderer number; 0 is plain text.
	Renderer uint8
	// ReplyTo is the message this one answers; zero: none.
	ReplyTo rns.Hash
	// Reaction is what a message says that is a reaction to ReplyTo, and nothing else; "": it is none.
	Reaction string
	// SentAt is the author's clock, StoredAt ours at insertion, ChangedAt ours at the last change.
	SentAt, StoredAt, ChangedAt time.Time
	Status                      Status
	// Reason is the stable code of the last failure, or "".
	Reason string
	Method Method
	// WaitHeard: the message leaves when the peer is next heard.
	WaitHeard bool
	// Attempts counts delivery attempts; RetryAt is when the next is due, zero if none is planned.
	Attempts int
	RetryAt  time.Time
	Verified Verification
	// StampCost is the cost asked for, StampValue the work found (256 for a ticket); nil: no stamp.
	StampCost, StampValue *int
	// Ticket: the message carries a ticket for the recipient.
	Ticket bool
	Signal Signal
	// Fields are LXMF fields the program does not interpret, as a MessagePack map; nil: none.
	Fields []byte
	// Size is the length of the packed message in bytes.
	Size int64
	// PackedBlob names the blob of the packed message if it is too long for a row.
	PackedBlob rns.Hash
	// Attachments in their order.
	Attachments []Attachment
}

// Signal is what is known of the last hop of an arrival; nil means not known.
type Signal struct {
	Hops               *int
	RSSI, SNR, Quality *float64
}

// AttachmentKind is the LXMF field an attachment travels in.
type AttachmentKind uint8

// Kinds of attachments. The numbers are stored.
const (
	KindFile  AttachmentKind = 0
	KindImage AttachmentKind = 1
	KindAudio AttachmentKind = 2
)

// File describes attached bytes that are kept in the blob store.
type File struct {
	// Name is a label given by the sender, never a path.
	Name string
	Kind AttachmentKind
	// MIME is what the content was recognised as, not what the sender claimed.
	MIME string
	Size int64
	// Blob is the SHA-256 of the bytes.
	Blob rns.Hash
	// Width and Height are pixels of an image; 0: not known.
	Width, Height int
	// Duration is the length of a recording; 0: not known.
	Duration time.Duration
}

// Attachment is a file of a message.
type Attachment struct {
	File
	// Position is its index in the message, from 0.
	Position int
}

// MessageEvent is one entry of an outbound message's log. Which fields mean something depends on
// the kind; the others are zero.
type MessageEvent struct {
	// N numbers the events of a message from 1. Append sets it.
	N  int
	At time.Time
	// Kind is a stable name such as "queued"; the router defines them.
	Kind string
	// Attempt is the delivery attempt the event belongs to.
	Attempt int
	// Code is a stable reason code, or "".
	Code string
	// Interface is the name of the interface concerned.
	Interface string
	Hops      *int
	// Part of Parts is the progress of a transfer or a number of tries; Bytes are done so far.
	Part, Parts int
	Bytes       int64
	// Rate is in bits per second.
	Rate int64
	RTT  time.Duration
	// Due is when the next step is planned.
	Due time.Time
}
