package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// List is a list of peers of the policy.
type List uint8

// The lists. The numbers are stored.
const (
	ListAllowed List = 1 // always accepted
	ListIgnored List = 2 // never heard, and not told
)

// ListedAddr is a peer on a list.
type ListedAddr struct {
	Addr rns.Addr
	// Identity owns the address; zero: not known yet.
	Identity rns.Addr
	Note     string
	Since    time.Time
}

// Listed are the peers on the lists of the policy.
type Listed struct{ h sqlite.Handle }

const (
	qListedList = `SELECT addr, identity, note, since FROM listed WHERE list = ? ORDER BY since DESC, addr LIMIT 10000`
	qListedAdd  = `INSERT INTO listed (list, addr, identity, note, since) VALUES (?1,?2,?3,?4,?5)
		ON CONFLICT (list, addr) DO UPDATE SET note = ?4, identity = coalesce(?3, identity)`
	qListedLearn  = `UPDATE listed SET identity = ?3 WHERE list = ?1 AND addr = ?2`
	qBlockedLearn = `UPDATE blocked SET identity = ?2 WHERE addr = ?1`
	qListedHas    = `SELECT EXISTS (SELECT 1 FROM listed WHERE list = ? AND addr = ?)`
	qListedDel    = `DELETE FROM listed WHERE list = ? AND addr = ?`
)

// Add puts a peer on a list, or changes the note of one that is on it.
func (t Listed) Add(ctx context.Context, l List, a ListedAddr) error {
	_, err := sqlite.Exec(ctx, t.h, qListedAdd, l, a.Addr[:], bytesOrNull(a.Identity[:]), a.Note, ms(a.Since))
	return err
}

// Remove takes a peer off a list. It is no error if it is not on it.
func (t Listed) Remove(ctx context.Context, l List, addr rns.Addr) error {
	_, err := sqlite.Exec(ctx, t.h, qListedDel, l, addr[:])
	return err
}

// Has reports whether a peer is on a list.
func (t Listed) Has(ctx context.Context, l List, addr rns.Addr) (bool, error) {
	return sqlite.One(ctx, t.h, scanBool, qListedHas, l, addr[:])
}

// Learn notes which identity owns an address on a list; list 0 are the blocked.
func (t Listed) Learn(ctx context.Context, l List, addr, identity rns.Addr) error {
	var err error
	if l == 0 {
		_, err = sqlite.Exec(ctx, t.h, qBlockedLearn, addr[:], identity[:])
	} else {
		_, err = sqlite.Exec(ctx, t.h, qListedLearn, l, addr[:], identity[:])
	}
	return err
}

// All returns the peers on a list, the latest first, at most 10,000.
func (t Listed) All(ctx context.Context, l List) ([]ListedAddr, error) {
	return sqlite.Collect(ctx, t.h, func(r sqlite.Row) (a ListedAddr, err error) {
		err = r.Scan(bytesInto(a.Addr[:]), bytesInto(a.Identity[:]), &a.Note, timeInto{&a.Since})
		return a, err
	}, qListedList, l)
}
