package store

import (
	"context"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Reaction is one reaction to a message.
type Reaction struct {
	// ID is that of the message that carries it, Source its author.
	ID        rns.Hash
	Source    rns.Addr
	Direction Direction
	Status    Status
	Verified  Verification
	Content   string
}

// maxReactions bounds what is read for one message.
const maxReactions = 200

const (
	qReactionsOf     = `SELECT id, source, direction, status, verified, reaction FROM messages WHERE reply_to = ? AND reaction IS NOT NULL ORDER BY seq LIMIT ?`
	qReactionsDelete = `DELETE FROM messages WHERE reaction IS NOT NULL AND reply_to = (SELECT id FROM messages WHERE seq = ?)`
)

// Reactions returns the reactions to a message in the order of their arrival, at most 200.
func (t Messages) Reactions(ctx context.Context, to rns.Hash) ([]Reaction, error) {
	return sqlite.Collect(ctx, t.h, func(r sqlite.Row) (one Reaction, err error) {
		err = r.Scan(bytesInto(one.ID[:]), bytesInto(one.Source[:]), &one.Direction, &one.Status, &one.Verified, &one.Content)
		return one, err
	}, qReactionsOf, to[:], maxReactions)
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
