package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Events are the logs of outbound messages: what happened to each, in order.
type Events struct{ h sqlite.Handle }

const (
	eventColumns = `e.n, e.at, e.kind, e.attempt, e.code, e.interface, e.hops, e.part, e.parts, e.bytes, e.rate, e.rtt, e.due_at`

	qEventAppend = `INSERT INTO message_events (message, n, at, kind, attempt, code, interface, hops, part, parts, bytes, rate, rtt, due_at)
		VALUES (?1, 1 + coalesce((SELECT max(n) FROM message_events WHERE message = ?1), 0), ?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)`
	qEventReplace = `UPDATE message_events SET at = ?2, code = ?5, interface = ?6, hops = ?7, part = ?8, parts = ?9, bytes = ?10,
		rate = ?11, rtt = ?12, due_at = ?13
		WHERE message = ?1 AND n = (SELECT max(n) FROM message_events WHERE message = ?1) AND kind = ?3 AND attempt = ?4`
	qEventsOf      = `SELECT ` + eventColumns + ` FROM message_events e JOIN messages m ON m.seq = e.message WHERE m.id = ? ORDER BY e.n`
	qEventsOfSeq   = `SELECT ` + eventColumns + ` FROM message_events e WHERE e.message = ? ORDER BY e.n`
	qEventsPruned  = `DELETE FROM message_events WHERE message = ?1 AND n > ?2 AND n <= (SELECT max(n) FROM message_events WHERE message = ?1) - ?3`
	keepFirst      = 100
	keepLast       = 400
	pruneEveryRows = 64
)

// Append adds an event to the log of the message with this Seq. Logs are bounded: of a very long
// one (500 entries) the beginning and the end are kept.
func (t Events) Append(ctx context.Context, message int64, e MessageEvent) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, qEventAppend, eventArgs(message, e)...); err != nil {
			return err
		}
		var n int
		if err := tx.Row(ctx, []any{&n}, qEventCount, message); err != nil || n%pruneEveryRows != 0 {
			return err
		}
		_, err := tx.Exec(ctx, qEventsPruned, message, keepFirst, keepLast)
		return err
	})
}

const qEventCount = `SELECT max(n) FROM message_events WHERE message = ?`

// AppendProgress adds an event that replaces the last one if that has the same kind and attempt,
// so that a transfer of thousands of parts leaves one row.
func (t Events) AppendProgress(ctx context.Context, message int64, e MessageEvent) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		n, err := tx.Exec(ctx, qEventReplace, eventArgs(message, e)...)
		if err != nil || n > 0 {
			return err
		}
		return Events{tx}.Append(ctx, message, e)
	})
}

// List returns the log of a message.
func (t Events) List(ctx context.Context, message rns.Hash) ([]MessageEvent, error) {
	return sqlite.Collect(ctx, t.h, scanEvent, qEventsOf, message[:])
}

// ListMany returns the logs of several messages by Seq, read in one snapshot.
func (t Events) ListMany(ctx context.Context, messages []int64) (map[int64][]MessageEvent, error) {
	out := make(map[int64][]MessageEvent, len(messages))
	err := t.h.Read(ctx, func(tx *sqlite.Tx) error {
		for _, seq := range messages {
			log, err := sqlite.Collect(ctx, tx, scanEvent, qEventsOfSeq, seq)
			if err != nil {
				return err
			}
			out[seq] = log
		}
		return nil
	})
	return out, err
}

func eventArgs(message int64, e MessageEvent) []any {
	return []any{message, ms(e.At), e.Kind, e.Attempt, e.Code, e.Interface, e.Hops, e.Part, e.Parts, e.Bytes, e.Rate,
		e.RTT.Microseconds(), msOrNull(e.Due)}
}

func scanEvent(r sqlite.Row) (MessageEvent, error) {
	var e MessageEvent
	var rtt int64
	err := r.Scan(&e.N, timeInto{&e.At}, &e.Kind, &e.Attempt, &e.Code, &e.Interface, &e.Hops, &e.Part, &e.Parts,
		&e.Bytes, &e.Rate, &rtt, timeInto{&e.Due})
	e.RTT = time.Duration(rtt) * time.Microsecond
	return e, err
}
