package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
)

// InterfaceEvent is something that happened to a network interface.
type InterfaceEvent struct {
	Seq       int64
	At        time.Time
	Interface string
	// Kind is a stable name such as "up", "down", "error", "added", "removed".
	Kind string
	// Detail is a short technical text without secrets.
	Detail string
}

// KeptInterfaceEvents is how many events are remembered.
const KeptInterfaceEvents = 10_000

// InterfaceEvents are the history of the network interfaces.
type InterfaceEvents struct{ h sqlite.Handle }

const (
	interfaceEventColumns = `seq, at, interface, kind, detail`

	qInterfaceEventAdd  = `INSERT INTO interface_events (at, interface, kind, detail) VALUES (?,?,?,?)`
	qInterfaceEventTrim = `DELETE FROM interface_events WHERE seq <= ?`
	qInterfaceEvents    = `SELECT ` + interfaceEventColumns + ` FROM interface_events WHERE seq < ? ORDER BY seq DESC LIMIT ?`
	qInterfaceEventsOf  = `SELECT ` + interfaceEventColumns + ` FROM interface_events WHERE seq < ? AND interface = ? ORDER BY seq DESC LIMIT ?`
)

// Add records an event and forgets those before the last KeptInterfaceEvents.
func (t InterfaceEvents) Add(ctx context.Context, e InterfaceEvent) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		seq, err := tx.Insert(ctx, qInterfaceEventAdd, ms(e.At), e.Interface, e.Kind, e.Detail)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, qInterfaceEventTrim, seq-KeptInterfaceEvents)
		return err
	})
}

// List returns events before a Seq (0: from the newest), the newest first; of one interface, or
// of all when name is "".
func (t InterfaceEvents) List(ctx context.Context, name string, before int64, limit int) ([]InterfaceEvent, error) {
	if before <= 0 {
		before = maxSeq
	}
	query, args := qInterfaceEvents, []any{before}
	if name != "" {
		query, args = qInterfaceEventsOf, []any{before, name}
	}
	return sqlite.Collect(ctx, t.h, func(r sqlite.Row) (e InterfaceEvent, err error) {
		err = r.Scan(&e.Seq, timeInto{&e.At}, &e.Interface, &e.Kind, &e.Detail)
		return e, err
	}, query, append(args, bound(limit, MaxPage))...)
}
