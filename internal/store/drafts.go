package store

import (
	"context"
	"errors"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// ErrStale: the draft was changed by someone else since it was read.
var ErrStale = errors.New("draft changed meanwhile")

// AnyRev makes Drafts.Put overwrite whatever is stored.
const AnyRev = -1

// Draft is an unsent message.
type Draft struct {
	Peer rns.Addr
	// Rev counts the changes from 1; Put compares it.
	Rev            int
	Title, Content string
	ReplyTo        rns.Hash
	// Uploads in the order chosen by the author.
	Uploads   []Upload
	ChangedAt time.Time
}

// Drafts are the unsent messages, one per correspondent.
type Drafts struct{ h sqlite.Handle }

const (
	qDraftGet     = `SELECT peer, rev, title, content, reply_to, changed_at FROM drafts WHERE peer = ?`
	qDraftRev     = `SELECT coalesce(max(rev), 0) FROM drafts WHERE peer = ?`
	qDraftUploads = `SELECT ` + uploadColumns + ` FROM draft_uploads d JOIN uploads u ON u.id = d.upload WHERE d.peer = ? ORDER BY d.position`
	qDraftPut     = `INSERT INTO drafts (peer, rev, title, content, reply_to, changed_at) VALUES (?,?,?,?,?,?)
		ON CONFLICT (peer) DO UPDATE SET rev = excluded.rev, title = excluded.title, content = excluded.content,
		reply_to = excluded.reply_to, changed_at = excluded.changed_at`
	qDraftDetach = `DELETE FROM draft_uploads WHERE peer = ?`
	qDraftAttach = `INSERT INTO draft_uploads (peer, position, upload) SELECT ?1, ?2, id FROM uploads WHERE id = ?3`
	qDraftDelete = `DELETE FROM drafts WHERE peer = ?`
)

// Get returns the draft to a peer, or ErrNotFound.
func (t Drafts) Get(ctx context.Context, peer rns.Addr) (Draft, error) {
	var d Draft
	err := t.h.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if d, err = sqlite.One(ctx, tx, scanDraft, qDraftGet, peer[:]); err != nil {
			return err
		}
		d.Uploads, err = sqlite.Collect(ctx, tx, scanUpload, qDraftUploads, peer[:])
		return err
	})
	return d, err
}

// Put stores a draft. d.Rev must be the stored revision (0 if there is none) or AnyRev, else
// ErrStale. Of d.Uploads only the ids count, an unknown one gives ErrNotFound. It returns the new
// revision.
func (t Drafts) Put(ctx context.Context, d Draft) (rev int, err error) {
	err = t.h.Write(ctx, func(tx *sqlite.Tx) error {
		if err := tx.Row(ctx, []any{&rev}, qDraftRev, d.Peer[:]); err != nil {
			return err
		}
		if d.Rev != AnyRev && d.Rev != rev {
			return ErrStale
		}
		rev++
		if _, err := tx.Exec(ctx, qDraftPut, d.Peer[:], rev, d.Title, d.Content, bytesOrNull(d.ReplyTo[:]), ms(d.ChangedAt)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, qDraftDetach, d.Peer[:]); err != nil {
			return err
		}
		for i, u := range d.Uploads {
			n, err := tx.Exec(ctx, qDraftAttach, d.Peer[:], i, u.ID[:])
			if err != nil {
				return err
			}
			if n == 0 {
				return ErrNotFound
			}
		}
		return nil
	})
	return rev, err
}

// Delete removes the draft to a peer. Its uploads stay until they are deleted or expire. It is no
// error if there is none.
func (t Drafts) Delete(ctx context.Context, peer rns.Addr) error {
	_, err := sqlite.Exec(ctx, t.h, qDraftDelete, peer[:])
	return err
}

func scanDraft(r sqlite.Row) (Draft, error) {
	var d Draft
	err := r.Scan(bytesInto(d.Peer[:]), &d.Rev, &d.Title, &d.Content, bytesInto(d.ReplyTo[:]), timeInto{&d.ChangedAt})
	return d, err
}
