package store

import (
	"context"
	"slices"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Window says which part of a conversation to read. At most one cursor is set; with none, the
// newest messages are meant.
type Window struct {
	// Before and After are exclusive bounds by Seq.
	Before, After int64
	// Around is a Seq to place in the middle.
	Around int64
	// Limit is the number of messages, at most MaxPage; 0 means MaxPage.
	Limit int
}

// Page is a part of a conversation in the order of Seq.
type Page struct {
	Messages []Message
	// MoreBefore and MoreAfter: the conversation goes on in that direction.
	MoreBefore, MoreAfter bool
}

const (
	// Reactions are shown with the message they belong to, where it is here.
	byItself = ` AND (m.reaction IS NULL OR NOT EXISTS (SELECT 1 FROM messages t WHERE t.id = m.reply_to AND t.peer = m.peer))`

	qMessageBefore = `SELECT ` + messageColumns + ` FROM messages m WHERE m.peer = ? AND m.seq < ?` + byItself + ` ORDER BY m.seq DESC LIMIT ?`
	qMessageAfter  = `SELECT ` + messageColumns + ` FROM messages m WHERE m.peer = ? AND m.seq > ?` + byItself + ` ORDER BY m.seq LIMIT ?`
	qMessageSeq    = `SELECT seq FROM messages WHERE id = ?`
	maxSeq         = int64(1)<<62 - 1
)

// Seq returns the cursor of a message, or ErrNotFound.
func (t Messages) Seq(ctx context.Context, id rns.Hash) (int64, error) {
	return sqlite.One(ctx, t.h, scanInt64, qMessageSeq, id[:])
}

// Page reads a part of a conversation.
func (t Messages) Page(ctx context.Context, peer rns.Addr, w Window) (Page, error) {
	limit := bound(w.Limit, MaxPage)
	var page Page
	err := t.h.Read(ctx, func(tx *sqlite.Tx) (err error) {
		in := Messages{tx}
		switch {
		case w.After > 0:
			page, err = in.pageAfter(ctx, peer, w.After, limit)
		case w.Around > 0:
			page, err = in.pageAround(ctx, peer, w.Around, limit)
		case w.Before > 0:
			page, err = in.pageBefore(ctx, peer, w.Before, limit)
		default:
			page, err = in.pageBefore(ctx, peer, maxSeq, limit)
			page.MoreAfter = false
		}
		return err
	})
	return page, err
}

// pageBefore reads one message too many in order to know whether there are more.
func (t Messages) pageBefore(ctx context.Context, peer rns.Addr, seq int64, limit int) (Page, error) {
	all, err := t.collect(ctx, qMessageBefore, peer[:], seq, limit+1)
	more := len(all) > limit
	if more {
		all = all[:limit]
	}
	slices.Reverse(all)
	return Page{Messages: all, MoreBefore: more, MoreAfter: true}, err
}

func (t Messages) pageAfter(ctx context.Context, peer rns.Addr, seq int64, limit int) (Page, error) {
	all, err := t.collect(ctx, qMessageAfter, peer[:], seq, limit+1)
	more := len(all) > limit
	if more {
		all = all[:limit]
	}
	return Page{Messages: all, MoreBefore: true, MoreAfter: more}, err
}

func (t Messages) pageAround(ctx context.Context, peer rns.Addr, seq int64, limit int) (Page, error) {
	before, err := t.pageBefore(ctx, peer, seq, limit/2)
	if limit/2 == 0 {
		before.Messages, before.MoreBefore = nil, true
	}
	if err != nil {
		return Page{}, err
	}
	after, err := t.pageAfter(ctx, peer, seq-1, limit-len(before.Messages))
	return Page{
		Messages:   append(before.Messages, after.Messages...),
		MoreBefore: before.MoreBefore,
		MoreAfter:  after.MoreAfter,
	}, err
}
