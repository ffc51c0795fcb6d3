// Package store keeps the program's data: one database per identity ([Identity]) and one for the
// program itself ([Server]). It knows SQL and nothing of networks, screens or protocols.
//
// Both kinds are sets of aggregates: Messages, Events, Drafts, Heard and so on, one file each. On
// an open database every call is a transaction of its own that is on the disk when the call
// returns. To change several aggregates at once, use Update: the tables passed to its function
// join one transaction.
//
//	err := db.Update(ctx, func(tx store.IdentityTables) error {
//		seq, err := tx.Messages.Insert(ctx, m)
//		if err != nil {
//			return err
//		}
//		return tx.Events.Append(ctx, seq, queued)
//	})
//
// Inside such a function use tx, never the database itself: there is one writer, and it would
// wait for itself. Writes that arrive together share one commit (see package sqlite).
//
// All types here are plain records; a zero time, hash or address means "none". Everything is safe
// for concurrent use except the tables handed to Update and View, which belong to that function.
package store
