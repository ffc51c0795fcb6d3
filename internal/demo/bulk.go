package demo

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"meshchatx/internal/chat"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// bulkPortion is how many messages share a transaction.
const bulkPortion = 5_000

// bulk writes one very long conversation, a message every few minutes up to an hour ago.
func (w *writer) bulk(ctx context.Context, n int) error {
	if n <= 0 {
		return nil
	}
	t := w.thread("archive")
	gap := 13 * time.Minute
	at := w.now.Add(-time.Hour - time.Duration(n)*gap)
	for done := 0; done < n; {
		upTo := min(done+bulkPortion, n)
		err := w.db.Update(ctx, func(tx store.IdentityTables) error {
			for ; done < upTo; done++ {
				if err := w.bulkMessage(ctx, tx, t, done, at.Add(time.Duration(done)*gap)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	seqs, err := w.db.Conversations.Get(ctx, t.peer.Address)
	if err != nil {
		return err
	}
	return w.db.Conversations.MarkRead(ctx, t.peer.Address, seqs.Last.Seq)
}

func (w *writer) bulkMessage(ctx context.Context, tx store.IdentityTables, t *thread, i int, at time.Time) error {
	m := store.Message{
		ID: bulkID(w.seed, w.self, i), Peer: t.peer.Address, Source: t.peer.Address, Destination: w.self,
		Content: fmt.Sprintf("%d. %s", i+1, chatter(t.chance)), SentAt: at, StoredAt: at, Method: store.MethodDirect, Size: 200,
	}
	if t.chance.IntN(5) < 2 {
		m.Direction, m.Source, m.Destination, m.Status = store.Outgoing, w.self, t.peer.Address, store.StatusDelivered
	}
	seq, err := tx.Messages.Insert(ctx, m, nil)
	if err != nil || m.Direction == store.Incoming {
		return err
	}
	took := time.Duration(400+t.chance.IntN(3000)) * time.Millisecond
	return tx.Events.Append(ctx, seq, chat.Event{At: at.Add(took), Kind: chat.EventDelivered, Attempt: 1, RTT: took, Hops: -1}.Record())
}

func bulkID(seed source, self rns.Addr, i int) rns.Hash {
	return rns.FullHash([]byte("bulk"), self[:], binary.BigEndian.AppendUint64(nil, uint64(seed)), binary.BigEndian.AppendUint64(nil, uint64(i)))
}
