// Package sqlite is the only place that knows the SQLite driver. It opens a database file
// with the settings every database of the program shares (write-ahead log, full
// synchronisation, foreign keys), keeps its schema current, and hands out transactions.
//
// A [DB] has one writing connection, owned by one goroutine, and a small pool of reading ones.
// Writes submitted at the same time share a commit ("group commit"): each runs inside its own
// savepoint, so a failing one undoes only itself, and none is answered before the commit that
// contains it is on the disk. Reads see one consistent snapshot each and never wait for a write.
//
// The sequence of a normal use:
//
//	db, report, err := sqlite.Open(ctx, sqlite.Options{Path: p, Schema: files, ApplicationID: id})
//	err = db.Write(ctx, func(tx *sqlite.Tx) error { return tx.Exec(ctx, query, args...) })
//	rows, err := sqlite.Collect(ctx, db, scan, query, args...)
//	err = db.Close()
//
// All methods of [DB] are safe for concurrent use. A [Tx] belongs to the function it was given
// to and must not outlive it. Calling Write from inside a function given to Write of the same
// database waits for itself: pass the transaction on instead.
package sqlite
