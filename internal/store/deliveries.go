package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// DeliveryMemory is how long the id of a received message is remembered: a copy that arrives
// within it is recognised. spec: lxmf §9
const DeliveryMemory = 180 * 24 * time.Hour

// Deliveries remember which messages were received, so that none is shown twice.
type Deliveries struct{ h sqlite.Handle }

const (
	qDeliveryAdd    = `INSERT INTO deliveries (id, at) VALUES (?,?) ON CONFLICT (id) DO NOTHING`
	qDeliverySeen   = `SELECT EXISTS (SELECT 1 FROM deliveries WHERE id = ?)`
	qDeliveryExpire = `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE at < ? ORDER BY at LIMIT 5000)`
	qDeliveryEach   = `SELECT id, at FROM deliveries ORDER BY at`
)

// Add remembers an id and says whether it was new. Done in the transaction that stores the
// message, it makes "received once" true through any crash.
func (t Deliveries) Add(ctx context.Context, id rns.Hash, now time.Time) (fresh bool, err error) {
	n, err := sqlite.Exec(ctx, t.h, qDeliveryAdd, id[:], ms(now))
	return n > 0, err
}

// Seen reports whether an id is remembered.
func (t Deliveries) Seen(ctx context.Context, id rns.Hash) (bool, error) {
	return sqlite.One(ctx, t.h, scanBool, qDeliverySeen, id[:])
}

// Expire forgets ids older than DeliveryMemory and returns how many, at most 5,000 in one call.
func (t Deliveries) Expire(ctx context.Context, now time.Time) (int, error) {
	n, err := sqlite.Exec(ctx, t.h, qDeliveryExpire, ms(now.Add(-DeliveryMemory)))
	return int(n), err
}

// Each calls fn for every remembered id, the oldest first.
func (t Deliveries) Each(ctx context.Context, fn func(id rns.Hash, at time.Time) error) error {
	return t.h.Read(ctx, func(tx *sqlite.Tx) error {
		return tx.Each(ctx, func(r sqlite.Row) error {
			var id rns.Hash
			var at time.Time
			if err := r.Scan(bytesInto(id[:]), timeInto{&at}); err != nil {
				return err
			}
			return fn(id, at)
		}, qDeliveryEach)
	})
}
