package store

import (
	"context"
	"strings"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// HeardKind is what a destination is, told from its name hash.
type HeardKind uint8

// Kinds of destinations. The numbers are stored.
const (
	HeardOther           HeardKind = 0
	HeardPerson          HeardKind = 1 // lxmf.delivery
	HeardPropagationNode HeardKind = 2 // lxmf.propagation
	HeardPageNode        HeardKind = 3 // nomadnetwork.node
	HeardPhone           HeardKind = 4 // lxst.telephony
)

// Heard is what announces told about a destination.
type Heard struct {
	Destination, Identity rns.Addr
	PublicKey             rns.PublicKey
	NameHash              rns.NameHash
	Kind                  HeardKind
	// Name is the announced display name, cleaned for showing, or "".
	Name string
	// AppData as announced; nil: none.
	AppData []byte
	// StampCost is the announced cost; nil: none.
	StampCost *int
	Hops      int
	// Interface is the name of the one the last announce came in on.
	Interface       string
	FirstAt, LastAt time.Time
	// Count is the number of announces heard; in Record, the number to add.
	Count              int
	RSSI, SNR, Quality *float64
}

// HeardTable holds one row for each destination ever heard, up to the bound kept by Trim.
type HeardTable struct{ h sqlite.Handle }

const (
	heardColumns = `destination, identity, public_key, name_hash, kind, name, app_data, stamp_cost, hops, interface,
		first_at, last_at, count, rssi, snr, quality`

	qHeardRecord = `INSERT INTO heard (destination, identity, public_key, name_hash, kind, name, folded, app_data, stamp_cost,
		hops, interface, first_at, last_at, count, rssi, snr, quality)
		VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?12,?13,?14,?15,?16)
		ON CONFLICT (destination) DO UPDATE SET identity = ?2, public_key = ?3, name_hash = ?4, kind = ?5, name = ?6, folded = ?7,
		app_data = ?8, stamp_cost = ?9, hops = ?10, interface = ?11, last_at = max(last_at, ?12), count = count + ?13,
		rssi = ?14, snr = ?15, quality = ?16`
	qHeardGet        = `SELECT ` + heardColumns + ` FROM heard WHERE destination = ?`
	qHeardOfIdentity = `SELECT ` + heardColumns + ` FROM heard WHERE identity = ? ORDER BY kind, destination LIMIT 200`
	qHeardDelete     = `DELETE FROM heard WHERE destination = ?`
	qHeardCounts     = `SELECT kind, count(*) FROM heard WHERE last_at >= ? GROUP BY kind`
	qHeardCount      = `SELECT count(*) FROM heard`
	qHeardTrim       = `DELETE FROM heard WHERE destination IN (SELECT destination FROM heard ORDER BY last_at LIMIT ?)`
)

// Record adds a batch of announces in one transaction, creating or updating a row each. Bring
// many at once: thousands cost about as much as one.
func (t HeardTable) Record(ctx context.Context, batch []Heard) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		for i := range batch {
			h := &batch[i]
			_, err := tx.Exec(ctx, qHeardRecord, h.Destination[:], h.Identity[:], h.PublicKey[:], h.NameHash[:], h.Kind, h.Name,
				strings.ToLower(h.Name), h.AppData, h.StampCost, h.Hops, h.Interface, ms(h.LastAt), max(h.Count, 1), h.RSSI, h.SNR, h.Quality)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Get returns what is known of a destination, or ErrNotFound.
func (t HeardTable) Get(ctx context.Context, destination rns.Addr) (Heard, error) {
	return sqlite.One(ctx, t.h, scanHeard, qHeardGet, destination[:])
}

// OfIdentity returns the destinations of one identity, at most 200.
func (t HeardTable) OfIdentity(ctx context.Context, identity rns.Addr) ([]Heard, error) {
	return sqlite.Collect(ctx, t.h, scanHeard, qHeardOfIdentity, identity[:])
}

// Counts returns the number of destinations of each kind heard since a time (zero: ever).
func (t HeardTable) Counts(ctx context.Context, since time.Time) (map[HeardKind]int, error) {
	from := int64(0)
	if !since.IsZero() {
		from = ms(since)
	}
	out := make(map[HeardKind]int)
	err := t.h.Read(ctx, func(tx *sqlite.Tx) error {
		return tx.Each(ctx, func(r sqlite.Row) error {
			var kind HeardKind
			var n int
			err := r.Scan(&kind, &n)
			out[kind] = n
			return err
		}, qHeardCounts, from)
	})
	return out, err
}

// Delete forgets a destination. It is no error if it is not known.
func (t HeardTable) Delete(ctx context.Context, destination rns.Addr) error {
	_, err := sqlite.Exec(ctx, t.h, qHeardDelete, destination[:])
	return err
}

// Trim forgets the destinations not heard for the longest time until at most keep are left, and
// returns how many it forgot.
func (t HeardTable) Trim(ctx context.Context, keep int) (int, error) {
	var n int64
	err := t.h.Write(ctx, func(tx *sqlite.Tx) error {
		var have int
		if err := tx.Row(ctx, []any{&have}, qHeardCount); err != nil || have <= keep {
			return err
		}
		var err error
		n, err = tx.Exec(ctx, qHeardTrim, have-keep)
		return err
	})
	return int(n), err
}

func scanHeard(r sqlite.Row) (Heard, error) {
	var h Heard
	err := r.Scan(bytesInto(h.Destination[:]), bytesInto(h.Identity[:]), bytesInto(h.PublicKey[:]), bytesInto(h.NameHash[:]), &h.Kind, &h.Name,
		&h.AppData, &h.StampCost, &h.Hops, &h.Interface, timeInto{&h.FirstAt}, timeInto{&h.LastAt}, &h.Count, &h.RSSI, &h.SNR, &h.Quality)
	return h, err
}
