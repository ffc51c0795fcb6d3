package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// View selects conversations.
type View uint8

// Views of the conversation list.
const (
	ViewInbox    View = iota // neither archived nor a request
	ViewUnread               // with unread messages, not archived
	ViewFailed               // with messages that failed
	ViewArchived             // in the archive
	ViewRequests             // from strangers, undecided
)

// ConversationCursor is the place of a conversation in the list.
type ConversationCursor struct {
	Pinned bool
	LastAt time.Time
	Peer   rns.Addr
}

// Cursor returns the place of a conversation, for reading on after it.
func (c Conversation) Cursor() ConversationCursor {
	return ConversationCursor{Pinned: c.Pinned, LastAt: c.LastAt, Peer: c.Peer}
}

// Totals are the counts shown outside the list.
type Totals struct {
	// Unread counts messages in the inbox, up to MaxUnread, those of muted conversations left out.
	Unread int
	// UnreadConversations, FailedConversations and Requests count conversations.
	UnreadConversations, FailedConversations, Requests int
}

const (
	conversationColumns = `c.peer, c.created_at, c.last_at, c.read_seq, c.request, c.archived, c.pinned, c.muted_until,
		(SELECT count(*) FROM (SELECT 1 FROM messages u WHERE u.peer = c.peer AND u.direction = 0 AND u.seq > c.read_seq AND u.reaction IS NULL LIMIT 1000)),
		(SELECT count(*) FROM messages f WHERE f.peer = c.peer AND f.status IN (4, 5)),
		(SELECT count(*) FROM messages p WHERE p.peer = c.peer AND p.status = 1),
		coalesce(substr(d.content, 1, 160), ''), d.peer IS NOT NULL, coalesce(k.name, ''), b.addr IS NOT NULL,
		m.seq, m.id, m.direction, substr(m.content, 1, 160), m.status, m.reason, m.attachments, m.sent_at, m.stored_at`

	conversationJoins = `
		LEFT JOIN messages m ON m.seq = c.last_seq
		LEFT JOIN drafts d ON d.peer = c.peer
		LEFT JOIN contacts k ON k.addr = c.peer
		LEFT JOIN blocked b ON b.addr = c.peer`

	conversationSelect = `SELECT ` + conversationColumns + ` FROM conversations c` + conversationJoins

	// Named, because the planner would rather use conversations_by_time and sort.
	unreadConversations = ` FROM conversations c INDEXED BY conversations_unread`
	isUnread            = ` WHERE c.incoming_seq > c.read_seq AND c.archived = 0 AND c.request = 0`

	// Rows after (pinned, last_at, peer) in the order pinned DESC, last_at DESC, peer.
	afterPinned = ` AND c.pinned <= ?1 AND (c.pinned < ?1 OR c.last_at < ?2 OR (c.last_at = ?2 AND c.peer > ?3))
		ORDER BY c.pinned DESC, c.last_at DESC, c.peer LIMIT ?4`
	afterTime = ` AND c.last_at <= ?2 AND (c.last_at < ?2 OR c.peer > ?3) AND ?1 IS NOT NULL ORDER BY c.last_at DESC, c.peer LIMIT ?4`

	qConversationGet      = conversationSelect + ` WHERE c.peer = ?`
	qConversationInbox    = conversationSelect + ` WHERE c.archived = 0 AND c.request = 0` + afterPinned
	qConversationArchived = conversationSelect + ` WHERE c.archived = 1 AND c.request = 0` + afterPinned
	qConversationsUnread  = `SELECT ` + conversationColumns + unreadConversations + conversationJoins + isUnread + afterTime
	qConversationRequests = conversationSelect + ` WHERE c.request = 1` + afterTime
	qConversationFailed   = conversationSelect + ` WHERE c.peer IN (SELECT f.peer FROM messages f WHERE f.status IN (4, 5))` + afterTime

	qTotalUnread = `SELECT count(*) FROM (SELECT 1` + unreadConversations + ` CROSS JOIN messages u
		ON u.peer = c.peer AND u.direction = 0 AND u.seq > c.read_seq AND u.reaction IS NULL` + isUnread + `
		AND (c.muted_until IS NULL OR c.muted_until <= ?) LIMIT 1000)`
	qTotalUnreadPeers = `SELECT count(*)` + unreadConversations + isUnread
	qTotalFailed      = `SELECT count(DISTINCT peer) FROM messages WHERE status IN (4, 5)`
	qTotalRequests    = `SELECT count(*) FROM conversations WHERE request = 1`
)

func (v View) query() string {
	switch v {
	case ViewUnread:
		return qConversationsUnread
	case ViewFailed:
		return qConversationFailed
	case ViewArchived:
		return qConversationArchived
	case ViewRequests:
		return qConversationRequests
	default:
		return qConversationInbox
	}
}

// List reads conversations, pinned ones first, then the most recent, after the given place; the
// zero cursor means from the beginning. Only the inbox and the archive put pinned ones first.
func (t Conversations) List(ctx context.Context, v View, after ConversationCursor, limit int) ([]Conversation, error) {
	if after == (ConversationCursor{}) {
		after = ConversationCursor{Pinned: true, LastAt: time.UnixMilli(maxSeq)}
	}
	return sqlite.Collect(ctx, t.h, scanConversation, v.query(), after.Pinned, ms(after.LastAt), after.Peer[:], bound(limit, MaxPage))
}

// Get returns the list row of one correspondent, or ErrNotFound.
func (t Conversations) Get(ctx context.Context, peer rns.Addr) (Conversation, error) {
	return sqlite.One(ctx, t.h, scanConversation, qConversationGet, peer[:])
}

// Totals counts what waits for attention now.
func (t Conversations) Totals(ctx context.Context, now time.Time) (Totals, error) {
	var out Totals
	err := t.h.Read(ctx, func(tx *sqlite.Tx) error {
		if err := tx.Row(ctx, []any{&out.Unread}, qTotalUnread, ms(now)); err != nil {
			return err
		}
		if err := tx.Row(ctx, []any{&out.UnreadConversations}, qTotalUnreadPeers); err != nil {
			return err
		}
		if err := tx.Row(ctx, []any{&out.FailedConversations}, qTotalFailed); err != nil {
			return err
		}
		return tx.Row(ctx, []any{&out.Requests}, qTotalRequests)
	})
	return out, err
}

func scanConversation(r sqlite.Row) (Conversation, error) {
	var c Conversation
	var p Preview
	var seq *int64
	var direction, status *uint8
	var text, reason *string
	var attachments *int
	err := r.Scan(bytesInto(c.Peer[:]), timeInto{&c.CreatedAt}, timeInto{&c.LastAt}, &c.ReadSeq, &c.Request, &c.Archived, &c.Pinned,
		timeInto{&c.MutedUntil}, &c.Unread, &c.Failed, &c.Pending, &c.Draft, &c.HasDraft, &c.ContactName, &c.Blocked,
		&seq, bytesInto(p.ID[:]), &direction, &text, &status, &reason, &attachments, timeInto{&p.SentAt}, timeInto{&p.StoredAt})
	if err != nil || seq == nil {
		return c, err
	}
	p.Seq, p.Direction, p.Text, p.Status = *seq, Direction(*direction), *text, Status(*status)
	p.Reason, p.Attachments = *reason, *attachments
	c.Last = &p
	return c, nil
}
