package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// RequestState says whether a conversation waits for the owner's consent.
type RequestState uint8

// States of a conversation. The numbers are stored.
const (
	RequestNone     RequestState = 0 // accepted, or begun by us
	RequestPending  RequestState = 1 // a stranger wrote first
	RequestDeclined RequestState = 2
)

// Conversation is the list row of a correspondent. Counts derive from the stored messages.
type Conversation struct {
	Peer      rns.Addr
	CreatedAt time.Time
	// LastAt is when the last message was stored; it orders the list.
	LastAt time.Time
	// Last is the newest message, nil if there is none.
	Last *Preview
	// Unread counts incoming messages after ReadSeq, up to MaxUnread.
	Unread  int
	ReadSeq int64
	// Failed and Pending count own messages that failed or are on their way.
	Failed, Pending  int
	Request          RequestState
	Archived, Pinned bool
	// MutedUntil is when notifications resume; zero: not muted.
	MutedUntil time.Time
	// Draft is the beginning of unsent text; HasDraft also covers a draft of files only.
	Draft    string
	HasDraft bool
	// ContactName is the name given by the owner, or "".
	ContactName string
	Blocked     bool
}

// Preview is the beginning of a conversation's newest message.
type Preview struct {
	Seq              int64
	ID               rns.Hash
	Direction        Direction
	Text             string
	Status           Status
	Reason           string
	Attachments      int
	SentAt, StoredAt time.Time
}

// MaxUnread is where counting unread messages stops.
const MaxUnread = 1000

// Conversations are the correspondents of an identity.
type Conversations struct{ h sqlite.Handle }

const (
	qConversationEnsure = `INSERT INTO conversations (peer, created_at, last_seq, last_at, incoming_seq, read_seq, request, archived, pinned)
		VALUES (?1, ?2, 0, ?2, 0, 0, ?3, 0, 0) ON CONFLICT (peer) DO NOTHING`
	qConversationRaise = `INSERT INTO conversations (peer, created_at, last_seq, last_at, incoming_seq, read_seq, request, archived, pinned)
		VALUES (?1, ?2, ?3, ?2, ?4, 0, 0, 0, 0)
		ON CONFLICT (peer) DO UPDATE SET last_seq = ?3, last_at = ?2, incoming_seq = max(incoming_seq, ?4)`
	qConversationLower = `UPDATE conversations SET
		last_seq = coalesce((SELECT max(seq) FROM messages WHERE peer = ?1), 0),
		last_at = coalesce((SELECT stored_at FROM messages WHERE peer = ?1 ORDER BY seq DESC LIMIT 1), created_at),
		incoming_seq = coalesce((SELECT max(seq) FROM messages WHERE peer = ?1 AND direction = 0 AND reaction IS NULL), 0)
		WHERE peer = ?1`
	qConversationRead     = `UPDATE conversations SET read_seq = max(read_seq, min(?2, last_seq)) WHERE peer = ?1`
	qConversationUnread   = `UPDATE conversations SET read_seq = min(read_seq, ?2 - 1) WHERE peer = ?1`
	qConversationArchive  = `UPDATE conversations SET archived = ?2 WHERE peer = ?1`
	qConversationPin      = `UPDATE conversations SET pinned = ?2 WHERE peer = ?1`
	qConversationMute     = `UPDATE conversations SET muted_until = ?2 WHERE peer = ?1`
	qConversationRequest  = `UPDATE conversations SET request = ?2 WHERE peer = ?1`
	qConversationAsked    = `SELECT request FROM conversations WHERE peer = ?`
	qConversationDelete   = `DELETE FROM conversations WHERE peer = ? AND last_seq = 0`
	qConversationMessages = `SELECT seq FROM messages WHERE peer = ? ORDER BY seq LIMIT ?`
	deleteChunk           = 500
)

// Ensure creates the conversation with a peer if there is none and says whether it did. An
// existing one keeps its state.
func (t Conversations) Ensure(ctx context.Context, peer rns.Addr, r RequestState, now time.Time) (created bool, err error) {
	n, err := sqlite.Exec(ctx, t.h, qConversationEnsure, peer[:], ms(now), r)
	return n > 0, err
}

// raiseConversation moves a conversation to the top for a message just stored.
func raiseConversation(ctx context.Context, tx *sqlite.Tx, m Message) error {
	incoming := int64(0)
	if m.Direction == Incoming && m.Reaction == "" {
		incoming = m.Seq
	}
	_, err := tx.Exec(ctx, qConversationRaise, m.Peer[:], ms(m.StoredAt), m.Seq, incoming)
	return err
}

// lowerConversation corrects a conversation after messages were removed.
func lowerConversation(ctx context.Context, tx *sqlite.Tx, peer rns.Addr) error {
	_, err := tx.Exec(ctx, qConversationLower, peer[:])
	return err
}

// MarkRead marks everything up to and including seq as read; it never goes backwards.
func (t Conversations) MarkRead(ctx context.Context, peer rns.Addr, seq int64) error {
	return t.change(ctx, qConversationRead, peer[:], seq)
}

// MarkUnread makes seq the first unread message.
func (t Conversations) MarkUnread(ctx context.Context, peer rns.Addr, seq int64) error {
	return t.change(ctx, qConversationUnread, peer[:], seq)
}

// SetArchived moves a conversation into or out of the archive.
func (t Conversations) SetArchived(ctx context.Context, peer rns.Addr, on bool) error {
	return t.change(ctx, qConversationArchive, peer[:], on)
}

// SetPinned keeps a conversation at the top of the list, or lets it go.
func (t Conversations) SetPinned(ctx context.Context, peer rns.Addr, on bool) error {
	return t.change(ctx, qConversationPin, peer[:], on)
}

// SetMuted silences a conversation until a time; the zero time ends it.
func (t Conversations) SetMuted(ctx context.Context, peer rns.Addr, until time.Time) error {
	return t.change(ctx, qConversationMute, peer[:], msOrNull(until))
}

// Request returns the owner's decision about a peer, or ErrNotFound without a conversation.
func (t Conversations) Request(ctx context.Context, peer rns.Addr) (RequestState, error) {
	n, err := sqlite.One(ctx, t.h, scanInt, qConversationAsked, peer[:])
	return RequestState(n), err
}

// SetRequest records the owner's decision about a stranger.
func (t Conversations) SetRequest(ctx context.Context, peer rns.Addr, r RequestState) error {
	return t.change(ctx, qConversationRequest, peer[:], r)
}

func (t Conversations) change(ctx context.Context, query string, args ...any) error {
	n, err := sqlite.Exec(ctx, t.h, query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// Delete removes a conversation with all its messages and its draft. On an open database it
// works in portions, so that other writes are not held up: a crash in between leaves the rest,
// newest messages last.
func (t Conversations) Delete(ctx context.Context, peer rns.Addr) error {
	for {
		var n int
		err := t.h.Write(ctx, func(tx *sqlite.Tx) (err error) {
			n, err = deletePortion(ctx, tx, peer)
			return err
		})
		if err != nil || n < deleteChunk {
			return err
		}
	}
}

func deletePortion(ctx context.Context, tx *sqlite.Tx, peer rns.Addr) (int, error) {
	seqs, err := sqlite.Collect(ctx, tx, scanInt64, qConversationMessages, peer[:], deleteChunk)
	if err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		if err := deleteMessage(ctx, tx, seq); err != nil {
			return 0, err
		}
	}
	if err := lowerConversation(ctx, tx, peer); err != nil || len(seqs) == deleteChunk {
		return len(seqs), err
	}
	if _, err := tx.Exec(ctx, qDraftDelete, peer[:]); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, qConversationDelete, peer[:])
	return len(seqs), err
}
