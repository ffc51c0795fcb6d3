package chat

import (
	"context"
	"errors"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Errors a caller can act on.
var (
	// ErrNotFound: no such message, conversation, draft or upload.
	ErrNotFound = store.ErrNotFound
	// ErrEmpty: a message without text and files.
	ErrEmpty = errors.New("message is empty")
	// ErrSelf: a message to the identity that writes it.
	ErrSelf = errors.New("message is addressed to its author")
	// ErrTooLarge: over the limit of what may be handed in.
	ErrTooLarge = errors.New("larger than the limit")
	// ErrDraftConflict: the draft was changed elsewhere meanwhile.
	ErrDraftConflict = errors.New("draft was changed meanwhile")
	// ErrNotRetryable: the message is on its way, delivered, or failed for a reason another attempt cannot cure.
	ErrNotRetryable = errors.New("message cannot be sent again")
	// ErrNotCancellable: the message is final already.
	ErrNotCancellable = errors.New("message is final already")
	// ErrNotOutgoing: the operation is for own messages.
	ErrNotOutgoing = errors.New("message was not written here")
	// ErrUpload: an upload that is not there, or expired.
	ErrUpload = errors.New("no such upload")
	// ErrBlocked: the peer is blocked, and writing to it would get no answer.
	ErrBlocked = errors.New("peer is blocked")
	// ErrDiscard tells the router that a message is refused by policy: it is proved and not kept.
	ErrDiscard = errors.New("message is discarded by policy")
	// ErrStorageFull: the disk is full.
	ErrStorageFull = store.ErrFull
)

// Peer is what is known about a correspondent beyond the conversation.
type Peer struct {
	Name      string // announced name
	HeardAt   time.Time
	Hops      int // -1: no path known
	StampCost int
}

// People tells about peers from announces and the path table.
type People interface {
	Peers(ctx context.Context, addrs []rns.Addr) map[rns.Addr]Peer
}

// Message is a message as it is shown.
type Message struct {
	store.Message
	Delivery Delivery // outgoing only
	Unread   bool
	Gated    bool // from a stranger: files are not shown by themselves
	Reply    *Reply
	// Reactions to the message, by emoji, and what its fields say beyond text and files.
	Reactions []Reaction
	Details   Details
}

// Reply is the message that is answered.
type Reply struct {
	ID        rns.Hash
	Known     bool
	Direction store.Direction
	Snippet   string
}

// Window is a part of a conversation, oldest first.
type Window struct {
	Messages              []Message
	MoreBefore, MoreAfter bool
	FirstUnread           rns.Hash // zero: everything is read
}

// Conversation is a row of the chat list.
type Conversation struct {
	store.Conversation
	Muted     bool
	About     Peer
	Worst     State // worst unresolved delivery state, or ""
	LastState State // delivery state of the last message if it is our own
	LastKind  string
}

// Outgoing is a message a person wants to send.
type Outgoing struct {
	Peer    rns.Addr
	Title   string
	Content string
	Uploads []store.UploadID
	ReplyTo rns.Hash
	// Reaction makes the message nothing but a reaction to ReplyTo; see Service.React.
	Reaction string
	// Renderer is how the text wants to be shown.
	Renderer lxmf.Renderer
	// Thread is the id of the thread the message belongs to, nil for none; Comment and Continues are messages that the
	// text comments on or continues.
	Thread             []byte
	Comment, Continues rns.Hash
	Method             store.Method
	WaitHeard          bool
	Draft              DraftUse
	// ClientID makes a repetition find the first message. WrittenAt is the client's clock; with the same
	// WrittenAt and ClientID the message is the same to the bit.
	ClientID  string
	WrittenAt time.Time
}

// DraftUse says what a sent message means for the draft to its recipient.
type DraftUse uint8

// What becomes of the draft.
const (
	DraftSent DraftUse = iota // it has become the message
	DraftKept                 // the message was written elsewhere, as on the command line
)

// Ref names a stored message.
type Ref struct {
	ID   rns.Hash
	Seq  int64
	Peer rns.Addr
}
