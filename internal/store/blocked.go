package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// BlockedAddr is an address whose messages are discarded.
type BlockedAddr struct {
	Addr rns.Addr
	// Identity owns the address, with others perhaps, which are blocked too; zero: not known yet.
	Identity rns.Addr
	Note     string
	Since    time.Time
}

// Blocked are the addresses the owner does not want to hear from.
type Blocked struct{ h sqlite.Handle }

const (
	qBlockedList = `SELECT addr, identity, note, since FROM blocked ORDER BY since DESC, addr LIMIT 10000`
	qBlockedIs   = `SELECT EXISTS (SELECT 1 FROM blocked WHERE addr = ?)`
	qBlockedAdd  = `INSERT INTO blocked (addr, identity, note, since) VALUES (?1,?2,?3,?4)
		ON CONFLICT (addr) DO UPDATE SET note = ?3, identity = coalesce(?2, identity)`
	qBlockedDel = `DELETE FROM blocked WHERE addr = ?`
)

// Add blocks an address, or changes the note of one that is.
func (t Blocked) Add(ctx context.Context, b BlockedAddr) error {
	_, err := sqlite.Exec(ctx, t.h, qBlockedAdd, b.Addr[:], bytesOrNull(b.Identity[:]), b.Note, ms(b.Since))
	return err
}

// Remove lifts a block. It is no error if there is none.
func (t Blocked) Remove(ctx context.Context, addr rns.Addr) error {
	_, err := sqlite.Exec(ctx, t.h, qBlockedDel, addr[:])
	return err
}

// Is reports whether an address is blocked.
func (t Blocked) Is(ctx context.Context, addr rns.Addr) (bool, error) {
	return sqlite.One(ctx, t.h, scanBool, qBlockedIs, addr[:])
}

// List returns the blocked addresses, the latest first, at most 10,000.
func (t Blocked) List(ctx context.Context) ([]BlockedAddr, error) {
	return sqlite.Collect(ctx, t.h, func(r sqlite.Row) (b BlockedAddr, err error) {
		err = r.Scan(bytesInto(b.Addr[:]), bytesInto(b.Identity[:]), &b.Note, timeInto{&b.Since})
		return b, err
	}, qBlockedList)
}
