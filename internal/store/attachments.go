package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Attachments are the files of stored messages.
type Attachments struct{ h sqlite.Handle }

const (
	qAttachmentInsert = `INSERT INTO attachments (message, position, name, kind, mime, size, blob, width, height, duration)
		VALUES (?,?,?,?,?,?,?,?,?,?)`
	qAttachmentsOf = `SELECT position, name, kind, mime, size, blob, width, height, duration FROM attachments
		WHERE message = ? ORDER BY position`
	qAttachmentGet = `SELECT a.position, a.name, a.kind, a.mime, a.size, a.blob, a.width, a.height, a.duration
		FROM attachments a JOIN messages m ON m.seq = a.message WHERE m.id = ? AND a.position = ?`
	qBlobUsed = `SELECT EXISTS (SELECT 1 FROM attachments WHERE blob = ?1)
		OR EXISTS (SELECT 1 FROM uploads WHERE blob = ?1)
		OR EXISTS (SELECT 1 FROM messages WHERE packed_blob = ?1)`
)

// fileColumns is the order in which every table with files names them.
func scanFile(f *File) []any {
	return []any{&f.Name, &f.Kind, &f.MIME, &f.Size, bytesInto(f.Blob[:]), &f.Width, &f.Height, millisInto{&f.Duration}}
}

func fileArgs(f File) []any {
	return []any{f.Name, f.Kind, f.MIME, f.Size, f.Blob[:], f.Width, f.Height, f.Duration.Milliseconds()}
}

func scanAttachment(r sqlite.Row) (Attachment, error) {
	var a Attachment
	err := r.Scan(append([]any{&a.Position}, scanFile(&a.File)...)...)
	return a, err
}

// Get returns a file of a message. It is the only way from outside to a blob: what no message
// of this identity names cannot be reached.
func (t Attachments) Get(ctx context.Context, message rns.Hash, position int) (Attachment, error) {
	return sqlite.One(ctx, t.h, scanAttachment, qAttachmentGet, message[:], position)
}

// BlobUsed reports whether anything stored names the blob. Unused ones may be collected.
func (t Attachments) BlobUsed(ctx context.Context, blob rns.Hash) (bool, error) {
	return sqlite.One(ctx, t.h, scanBool, qBlobUsed, blob[:])
}

func insertAttachments(ctx context.Context, tx *sqlite.Tx, m Message) error {
	for i, a := range m.Attachments {
		if _, err := tx.Exec(ctx, qAttachmentInsert, append([]any{m.Seq, i}, fileArgs(a.File)...)...); err != nil {
			return err
		}
	}
	return nil
}

// fillAttachments loads the files of those messages that have some.
func fillAttachments(ctx context.Context, tx *sqlite.Tx, messages []Message) error {
	for i := range messages {
		m := &messages[i]
		if len(m.Attachments) == 0 {
			continue
		}
		var err error
		if m.Attachments, err = sqlite.Collect(ctx, tx, scanAttachment, qAttachmentsOf, m.Seq); err != nil {
			return err
		}
	}
	return nil
}

// millisInto reads a duration stored in milliseconds.
type millisInto struct{ d *time.Duration }

func (m millisInto) Scan(src any) error {
	v, _ := src.(int64)
	*m.d = time.Duration(v) * time.Millisecond
	return nil
}
