package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// StampCost is the work a destination asks of those who write to it.
type StampCost struct {
	Destination rns.Addr
	// Cost in bits; nil: none asked for.
	Cost *int
	At   time.Time
}

// StampCostMemory is how long an announced cost is believed. spec: lxmf §14
const StampCostMemory = 45 * 24 * time.Hour

// StampCosts are the costs others announced.
type StampCosts struct{ h sqlite.Handle }

const (
	stampCostColumns = `destination, cost, at`

	qStampCostPut = `INSERT INTO stamp_costs (destination, cost, at) VALUES (?1,?2,?3)
		ON CONFLICT (destination) DO UPDATE SET cost = ?2, at = ?3`
	qStampCostGet    = `SELECT ` + stampCostColumns + ` FROM stamp_costs WHERE destination = ?`
	qStampCostAll    = `SELECT ` + stampCostColumns + ` FROM stamp_costs ORDER BY destination`
	qStampCostExpire = `DELETE FROM stamp_costs WHERE at < ?`
)

// Put remembers announced costs in one transaction.
func (t StampCosts) Put(ctx context.Context, costs ...StampCost) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		for _, c := range costs {
			if _, err := tx.Exec(ctx, qStampCostPut, c.Destination[:], c.Cost, ms(c.At)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get returns what a destination announced, or ErrNotFound.
func (t StampCosts) Get(ctx context.Context, destination rns.Addr) (StampCost, error) {
	return sqlite.One(ctx, t.h, scanStampCost, qStampCostGet, destination[:])
}

// All returns every remembered cost.
func (t StampCosts) All(ctx context.Context) ([]StampCost, error) {
	return sqlite.Collect(ctx, t.h, scanStampCost, qStampCostAll)
}

// Expire forgets costs older than StampCostMemory.
func (t StampCosts) Expire(ctx context.Context, now time.Time) error {
	_, err := sqlite.Exec(ctx, t.h, qStampCostExpire, ms(now.Add(-StampCostMemory)))
	return err
}

func scanStampCost(r sqlite.Row) (StampCost, error) {
	var c StampCost
	err := r.Scan(bytesInto(c.Destination[:]), &c.Cost, timeInto{&c.At})
	return c, err
}
