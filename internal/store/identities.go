package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// IdentityEntry is an identity of this installation. Its key and its data are in its directory.
type IdentityEntry struct {
	// Hash is the identity hash, Address its LXMF address.
	Hash, Address rns.Addr
	// Name is a copy of its display name, to show without opening its database.
	Name    string
	Enabled bool
	// Position orders the list shown; Add appends.
	Position  int
	CreatedAt time.Time
}

// Identities are the identities of this installation.
type Identities struct{ h sqlite.Handle }

const (
	identityColumns = `hash, address, name, enabled, position, created_at`

	qIdentityAdd = `INSERT INTO identities (hash, address, name, enabled, position, created_at)
		VALUES (?,?,?,?, 1 + coalesce((SELECT max(position) FROM identities), 0), ?)`
	qIdentityList   = `SELECT ` + identityColumns + ` FROM identities ORDER BY position, hash`
	qIdentityGet    = `SELECT ` + identityColumns + ` FROM identities WHERE hash = ?`
	qIdentityName   = `UPDATE identities SET name = ? WHERE hash = ?`
	qIdentityEnable = `UPDATE identities SET enabled = ? WHERE hash = ?`
	qIdentityPlace  = `UPDATE identities SET position = ? WHERE hash = ?`
	qIdentityDelete = `DELETE FROM identities WHERE hash = ?`
)

// Add registers an identity at the end of the list. A known one gives sqlite.ErrConstraint.
func (t Identities) Add(ctx context.Context, e IdentityEntry) error {
	_, err := sqlite.Exec(ctx, t.h, qIdentityAdd, e.Hash[:], e.Address[:], e.Name, e.Enabled, ms(e.CreatedAt))
	return err
}

// List returns the identities in their order.
func (t Identities) List(ctx context.Context) ([]IdentityEntry, error) {
	return sqlite.Collect(ctx, t.h, scanIdentity, qIdentityList)
}

// Get returns an identity, or ErrNotFound.
func (t Identities) Get(ctx context.Context, hash rns.Addr) (IdentityEntry, error) {
	return sqlite.One(ctx, t.h, scanIdentity, qIdentityGet, hash[:])
}

// SetName changes the copy of the display name.
func (t Identities) SetName(ctx context.Context, hash rns.Addr, name string) error {
	return t.change(ctx, qIdentityName, name, hash[:])
}

// SetEnabled says whether an identity comes online at start.
func (t Identities) SetEnabled(ctx context.Context, hash rns.Addr, on bool) error {
	return t.change(ctx, qIdentityEnable, on, hash[:])
}

// Arrange numbers the identities in the order given; others keep their places after them.
func (t Identities) Arrange(ctx context.Context, order []rns.Addr) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		all, err := Identities{tx}.List(ctx)
		if err != nil {
			return err
		}
		place := make(map[rns.Addr]int, len(order))
		for i, hash := range order {
			place[hash] = i + 1
		}
		for _, e := range all {
			p, ok := place[e.Hash]
			if !ok {
				p = len(order) + e.Position
			}
			if _, err := tx.Exec(ctx, qIdentityPlace, p, e.Hash[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete removes an identity from the list; its directory is the caller's business.
func (t Identities) Delete(ctx context.Context, hash rns.Addr) error {
	return t.change(ctx, qIdentityDelete, hash[:])
}

func (t Identities) change(ctx context.Context, query string, args ...any) error {
	n, err := sqlite.Exec(ctx, t.h, query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

func scanIdentity(r sqlite.Row) (IdentityEntry, error) {
	var e IdentityEntry
	err := r.Scan(bytesInto(e.Hash[:]), bytesInto(e.Address[:]), &e.Name, &e.Enabled, &e.Position, timeInto{&e.CreatedAt})
	return e, err
}
