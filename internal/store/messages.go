package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// ErrExists: a message with this id is stored already.
var ErrExists = errors.New("message exists already")

// MaxPage is the largest number of rows one page holds.
const MaxPage = 200

// Messages are the messages of an identity.
type Messages struct{ h sqlite.Handle }

const messageColumns = `m.seq, m.id, m.peer, m.direction, m.source, m.destination, m.title, m.content,
	m.renderer, m.reply_to, m.sent_at, m.stored_at, m.changed_at, m.status, m.reason, m.method, m.wait_heard,
	m.attempts, m.retry_at, m.verified, m.stamp_cost, m.stamp_value, m.ticket, m.hops, m.rssi, m.snr,
	m.quality, m.fields, m.size, m.packed_blob, m.attachments, coalesce(m.reaction, '')`

// scanMessage leaves Attachments with as many empty entries as the message has.
func scanMessage(r sqlite.Row) (Message, error) {
	var m Message
	var n int
	err := r.Scan(&m.Seq, bytesInto(m.ID[:]), bytesInto(m.Peer[:]), &m.Direction, bytesInto(m.Source[:]),
		bytesInto(m.Destination[:]), &m.Title, &m.Content, &m.Renderer, bytesInto(m.ReplyTo[:]),
		timeInto{&m.SentAt}, timeInto{&m.StoredAt}, timeInto{&m.ChangedAt}, &m.Status, &m.Reason, &m.Method, &m.WaitHeard,
		&m.Attempts, timeInto{&m.RetryAt}, &m.Verified, &m.StampCost, &m.StampValue, &m.Ticket, &m.Signal.Hops,
		&m.Signal.RSSI, &m.Signal.SNR, &m.Signal.Quality, &m.Fields, &m.Size, bytesInto(m.PackedBlob[:]), &n, &m.Reaction)
	if n > 0 {
		m.Attachments = make([]Attachment, n)
	}
	return m, err
}

const qMessageInsert = `INSERT INTO messages (id, peer, direction, source, destination, title, content, renderer,
	reply_to, sent_at, stored_at, changed_at, status, reason, method, wait_heard, attempts, retry_at, verified,
	stamp_cost, stamp_value, ticket, hops, rssi, snr, quality, fields, packed, packed_blob, size, attachments, reaction)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
	ON CONFLICT (id) DO NOTHING`

// Insert stores a message with its attachments, makes it findable and moves its conversation to
// the top, creating it if needed. packed is the message as it travels; pass nil and set
// PackedBlob when it is kept as a blob. Blobs must be on the disk already. A message whose id is
// stored already gives ErrExists and changes nothing. It returns the new Seq.
func (t Messages) Insert(ctx context.Context, m Message, packed []byte) (int64, error) {
	var seq int64
	err := t.h.Write(ctx, func(tx *sqlite.Tx) (err error) {
		seq, err = tx.Insert(ctx, qMessageInsert, m.ID[:], m.Peer[:], m.Direction, m.Source[:], m.Destination[:],
			m.Title, m.Content, m.Renderer, bytesOrNull(m.ReplyTo[:]), ms(m.SentAt), ms(m.StoredAt), ms(m.StoredAt), m.Status,
			m.Reason, m.Method, m.WaitHeard, m.Attempts, msOrNull(m.RetryAt), m.Verified, m.StampCost, m.StampValue,
			m.Ticket, m.Signal.Hops, m.Signal.RSSI, m.Signal.SNR, m.Signal.Quality, m.Fields, packed,
			bytesOrNull(m.PackedBlob[:]), m.Size, len(m.Attachments), textOrNull(m.Reaction))
		if err != nil {
			return err
		}
		if seq == 0 {
			return ErrExists
		}
		m.Seq = seq
		if err := insertAttachments(ctx, tx, m); err != nil {
			return err
		}
		if err := indexMessage(ctx, tx, m); err != nil {
			return err
		}
		return raiseConversation(ctx, tx, m)
	})
	if err != nil {
		return 0, fmt.Errorf("store message: %w", err)
	}
	return seq, nil
}

const qMessageKnown = `SELECT EXISTS (SELECT 1 FROM messages WHERE id = ?)`

// Exists reports whether a message with this id is stored.
func (t Messages) Exists(ctx context.Context, id rns.Hash) (bool, error) {
	return sqlite.One(ctx, t.h, scanBool, qMessageKnown, id[:])
}

const qMessageGet = `SELECT ` + messageColumns + ` FROM messages m WHERE m.id = ?`

// Get returns a message, or ErrNotFound.
func (t Messages) Get(ctx context.Context, id rns.Hash) (Message, error) {
	all, err := t.collect(ctx, qMessageGet, id[:])
	if err != nil {
		return Message{}, err
	}
	if len(all) == 0 {
		return Message{}, ErrNotFound
	}
	return all[0], nil
}

const qMessagePacked = `SELECT packed FROM messages WHERE id = ?`

// Packed returns the message as it travels, or nil if it is kept as a blob (see PackedBlob).
func (t Messages) Packed(ctx context.Context, id rns.Hash) ([]byte, error) {
	return sqlite.One(ctx, t.h, scanBytes, qMessagePacked, id[:])
}

const qMessageSetPacked = `UPDATE messages SET packed = ?, packed_blob = ?, size = ?, stamp_value = ?, changed_at = ? WHERE id = ?`

// SetPacked replaces the packed form, for instance when a stamp was added. The id stays.
func (t Messages) SetPacked(ctx context.Context, m Message, packed []byte, now time.Time) error {
	return t.changeOne(ctx, qMessageSetPacked, packed, bytesOrNull(m.PackedBlob[:]), m.Size, m.StampValue, ms(now), m.ID[:])
}

// Progress is the changing part of an outgoing message.
type Progress struct {
	Status    Status
	Reason    string
	Method    Method
	WaitHeard bool
	Attempts  int
	RetryAt   time.Time
}

const qMessageAdvance = `UPDATE messages SET status = ?, reason = ?, method = ?, wait_heard = ?, attempts = ?,
	retry_at = ?, changed_at = ? WHERE id = ?`

// Advance records how far an outgoing message has come.
func (t Messages) Advance(ctx context.Context, id rns.Hash, p Progress, now time.Time) error {
	return t.changeOne(ctx, qMessageAdvance, p.Status, p.Reason, p.Method, p.WaitHeard, p.Attempts, msOrNull(p.RetryAt), ms(now), id[:])
}

const qMessageVerified = `UPDATE messages SET verified = ?, changed_at = ? WHERE id = ?`

// SetVerified records the result of checking a signature later.
func (t Messages) SetVerified(ctx context.Context, id rns.Hash, v Verification, now time.Time) error {
	return t.changeOne(ctx, qMessageVerified, v, ms(now), id[:])
}

const qMessageUnverified = `SELECT id FROM messages m WHERE m.peer = ? AND m.direction = 0 AND m.verified = 1
	ORDER BY m.seq DESC LIMIT ?`

// Unverified lists messages of a peer whose author's key was not known, newest first, so that
// they can be checked when it is.
func (t Messages) Unverified(ctx context.Context, peer rns.Addr, limit int) ([]rns.Hash, error) {
	return sqlite.Collect(ctx, t.h, scanHash, qMessageUnverified, peer[:], bound(limit, MaxPage))
}

const (
	qMessagePending    = `SELECT ` + messageColumns + ` FROM messages m WHERE m.status = 1 AND m.seq > ? ORDER BY m.seq LIMIT ?`
	qMessageFailed     = `SELECT ` + messageColumns + ` FROM messages m WHERE m.status IN (4, 5) AND m.peer = ? ORDER BY m.seq DESC LIMIT ?`
	qMessageAllPending = `SELECT count(*) FROM messages WHERE status = 1`
)

// Pending lists the outbox in the order of writing, after the given Seq.
func (t Messages) Pending(ctx context.Context, after int64, limit int) ([]Message, error) {
	return t.collect(ctx, qMessagePending, after, bound(limit, MaxPage))
}

// PendingCount is the length of the outbox.
func (t Messages) PendingCount(ctx context.Context) (int, error) {
	return sqlite.One(ctx, t.h, scanInt, qMessageAllPending)
}

// Failed lists the failed and refused messages of a conversation, newest first.
func (t Messages) Failed(ctx context.Context, peer rns.Addr, limit int) ([]Message, error) {
	return t.collect(ctx, qMessageFailed, peer[:], bound(limit, MaxPage))
}

const qMessageDelete = `DELETE FROM messages WHERE seq = ?`

// Delete removes a message here; the other side keeps its copy. Its blobs become unreferenced
// if nothing else names them.
func (t Messages) Delete(ctx context.Context, id rns.Hash) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		m, err := Messages{tx}.Get(ctx, id)
		if err != nil {
			return err
		}
		if err := deleteMessage(ctx, tx, m.Seq); err != nil {
			return err
		}
		return lowerConversation(ctx, tx, m.Peer)
	})
}

func deleteMessage(ctx context.Context, tx *sqlite.Tx, seq int64) error {
	if _, err := tx.Exec(ctx, qSearchDelete, seq); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, qReactionsDelete, seq); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, qMessageDelete, seq)
	return err
}

// changeOne runs an update that must hit a message.
func (t Messages) changeOne(ctx context.Context, query string, args ...any) error {
	n, err := sqlite.Exec(ctx, t.h, query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// collect reads messages with their attachments.
func (t Messages) collect(ctx context.Context, query string, args ...any) ([]Message, error) {
	var out []Message
	err := t.h.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if out, err = sqlite.Collect(ctx, tx, scanMessage, query, args...); err != nil {
			return err
		}
		return fillAttachments(ctx, tx, out)
	})
	return out, err
}
