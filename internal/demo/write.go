package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"meshchatx/internal/blob"
	"meshchatx/internal/keyfile"
	"meshchatx/internal/profile"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// writer fills the database of one identity.
type writer struct {
	seed   source
	people cast
	now    time.Time
	me     *rns.Identity
	self   rns.Addr
	blobs  *blob.Store
	db     *store.Identity
	motion Motion
}

const dirMode = 0o700

// openWriter makes the directory of an identity.
func openWriter(ctx context.Context, dir string, seed source, people cast, me *rns.Identity, now time.Time) (*writer, error) {
	l := profile.LayoutOf(dir, me.Hash())
	if err := os.MkdirAll(l.Dir, dirMode); err != nil {
		return nil, err
	}
	if err := keyfile.Create(l.Key, me); err != nil {
		return nil, err
	}
	blobs, err := blob.Open(l.Blobs, func() time.Time { return now })
	if err != nil {
		return nil, err
	}
	db, _, err := store.OpenIdentity(ctx, l.Database, store.Options{})
	if err != nil {
		return nil, err
	}
	return &writer{
		seed: seed, people: people, now: now, me: me, self: lxmf.DeliveryHash(me.Hash()), blobs: blobs, db: db,
	}, nil
}

// thread begins a conversation with somebody.
func (w *writer) thread(key string) *thread {
	return &thread{
		peer: w.people[key], now: w.now, cursor: w.now, chance: w.seed.chance("thread " + key + " " + w.self.Hex()),
	}
}

// set changes settings of the identity.
func (w *writer) set(ctx context.Context, c settings.Changes) error {
	s, err := settings.Open(ctx, settings.Identity, w.db.Settings)
	if err != nil {
		return err
	}
	return s.Keep(ctx, c)
}

// write stores conversations, all messages in the order of time.
func (w *writer) write(ctx context.Context, threads []*thread) error {
	var all []*entry
	for _, t := range threads {
		all = append(all, t.entries...)
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return a.at.Compare(b.at) })
	rows := make([]row, len(all))
	for i, e := range all {
		var err error
		if rows[i], err = w.row(e); err != nil {
			return err
		}
	}
	drafts, err := w.drafts(threads)
	if err != nil {
		return err
	}
	return w.db.Update(ctx, func(tx store.IdentityTables) error {
		for _, t := range threads {
			if err := w.ensure(ctx, tx, t); err != nil {
				return err
			}
		}
		for _, r := range rows {
			if err := r.insert(ctx, tx); err != nil {
				return err
			}
		}
		for _, d := range drafts {
			if err := d.insert(ctx, tx); err != nil {
				return err
			}
		}
		return w.finish(ctx, tx, threads)
	})
}

// row is a message ready to be stored.
type row struct {
	store.Message
	packed []byte
	events []store.MessageEvent
}

func (w *writer) row(e *entry) (row, error) {
	from, to, author := e.peer.Address, w.self, e.peer.id
	if e.out {
		from, to, author = to, from, w.me
	}
	msg := lxmf.New(to, from, e.at, []byte(e.title), []byte(e.text))
	if e.replyTo != nil {
		msg.Fields.SetReplyTo(e.replyTo.id)
	}
	attach(msg, e.files)
	msg.Sign(author)
	e.id = msg.Hash
	packed, err := msg.Pack(nil)
	if err != nil {
		return row{}, err
	}
	r := row{packed: packed, Message: store.Message{
		ID: msg.Hash, Peer: e.peer.Address, Source: from, Destination: to, Title: e.title, Content: e.text, SentAt: msg.Time(),
		StoredAt: e.at, Status: e.status, Method: e.method, Signal: e.signal, Size: int64(len(packed)),
	}}
	if e.replyTo != nil {
		r.ReplyTo = e.replyTo.id
	}
	if e.unknown {
		r.Verified = store.SourceUnknown
	}
	if e.out {
		w.outgoing(&r, e)
	}
	if len(packed) > packedInRow {
		r.packed = nil // long ones are kept only as long as something may need them
	}
	if r.packed == nil && e.out && e.status != store.StatusDelivered {
		ref, err := w.blobs.Put(bytes.NewReader(packed), int64(len(packed)))
		if err != nil {
			return row{}, err
		}
		r.PackedBlob = ref.Hash
	}
	for i, f := range e.files {
		file, err := w.keep(f)
		if err != nil {
			return row{}, err
		}
		r.Attachments = append(r.Attachments, store.Attachment{File: file, Position: i})
	}
	return r, nil
}

// packedInRow is up to what size the packed form stands in the row, as in package chat.
const packedInRow = 32 << 10

func (w *writer) outgoing(r *row, e *entry) {
	r.Direction, r.WaitHeard = store.Outgoing, e.heard
	for _, ev := range e.events {
		r.events = append(r.events, ev.Record())
		r.Attempts = max(r.Attempts, ev.Attempt)
		if ev.Code != "" {
			r.Reason = string(ev.Code)
		}
	}
}

// attach puts files into the fields: the first picture and recording have fields of their own.
func attach(msg *lxmf.Message, files []material) {
	var rest []lxmf.Attachment
	image, audio := false, false
	for _, f := range files {
		switch {
		case f.kind == store.KindImage && !image:
			msg.Fields.SetImage(lxmf.Image{Format: f.mime[len("image/"):], Data: f.data})
			image = true
		case f.kind == store.KindAudio && !audio:
			msg.Fields.SetAudio(lxmf.Audio{Mode: lxmf.AudioOpusOgg, Data: f.data})
			audio = true
		default:
			rest = append(rest, lxmf.Attachment{Name: f.name, Data: f.data})
		}
	}
	msg.Fields.SetAttachments(rest...)
}

// keep stores the bytes of a file.
func (w *writer) keep(f material) (store.File, error) {
	ref, err := w.blobs.Put(bytes.NewReader(f.data), int64(len(f.data)))
	if err != nil {
		return store.File{}, err
	}
	return store.File{
		Name: f.name, Kind: f.kind, MIME: f.mime, Size: ref.Size, Blob: ref.Hash, Width: f.width, Height: f.height, Duration: f.duration,
	}, nil
}

func (r row) insert(ctx context.Context, tx store.IdentityTables) error {
	seq, err := tx.Messages.Insert(ctx, r.Message, r.packed)
	if err != nil {
		return err
	}
	for _, e := range r.events {
		if err := tx.Events.Append(ctx, seq, e); err != nil {
			return err
		}
	}
	if r.Direction == store.Incoming {
		_, err = tx.Deliveries.Add(ctx, r.ID, r.StoredAt)
	}
	return err
}

func (w *writer) ensure(ctx context.Context, tx store.IdentityTables, t *thread) error {
	at := t.draftChanged
	if len(t.entries) > 0 {
		at = t.entries[0].at
	}
	request := store.RequestNone
	if t.request {
		request = store.RequestPending
	}
	_, err := tx.Conversations.Ensure(ctx, t.peer.Address, request, at)
	return err
}

// finish sets what belongs to conversations as a whole.
func (w *writer) finish(ctx context.Context, tx store.IdentityTables, threads []*thread) error {
	for _, t := range threads {
		seq, err := t.readUpTo(ctx, tx)
		if err != nil {
			return err
		}
		steps := []error{tx.Conversations.MarkRead(ctx, t.peer.Address, seq)}
		if t.pinned {
			steps = append(steps, tx.Conversations.SetPinned(ctx, t.peer.Address, true))
		}
		if t.archived {
			steps = append(steps, tx.Conversations.SetArchived(ctx, t.peer.Address, true))
		}
		if t.muted {
			steps = append(steps, tx.Conversations.SetMuted(ctx, t.peer.Address, w.now.Add(30*day)))
		}
		for _, err := range steps {
			if err != nil {
				return fmt.Errorf("conversation with %s: %w", t.peer.Key, err)
			}
		}
	}
	return nil
}

// readUpTo is the place of the newest message that has been read.
func (t *thread) readUpTo(ctx context.Context, tx store.IdentityTables) (int64, error) {
	left := t.unread
	for _, e := range slices.Backward(t.entries) {
		if !e.out && left > 0 {
			left--
			continue
		}
		if left == 0 {
			return tx.Messages.Seq(ctx, e.id)
		}
	}
	return 0, nil
}

// draft is an unsent message ready to be stored.
type draft struct {
	store.Draft
}

func (w *writer) drafts(threads []*thread) ([]draft, error) {
	var out []draft
	chance := w.seed.stream("uploads " + w.self.Hex())
	for _, t := range threads {
		if t.draft == "" && len(t.draftFiles) == 0 {
			continue
		}
		d := draft{store.Draft{Peer: t.peer.Address, Rev: store.AnyRev, Content: t.draft, ChangedAt: t.draftChanged}}
		if t.draftReply != nil {
			d.ReplyTo = t.draftReply.id
		}
		for _, f := range t.draftFiles {
			file, err := w.keep(f)
			if err != nil {
				return nil, err
			}
			u := store.Upload{File: file, CreatedAt: t.draftChanged, ExpiresAt: w.now.Add(30 * day)}
			if _, err := io.ReadFull(chance, u.ID[:]); err != nil {
				return nil, err
			}
			d.Uploads = append(d.Uploads, u)
		}
		out = append(out, d)
	}
	return out, nil
}

func (d draft) insert(ctx context.Context, tx store.IdentityTables) error {
	for _, u := range d.Uploads {
		if err := tx.Uploads.Add(ctx, u); err != nil {
			return err
		}
	}
	_, err := tx.Drafts.Put(ctx, d.Draft)
	return err
}
