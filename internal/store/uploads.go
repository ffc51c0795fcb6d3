package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
)

// UploadID names a file handed in; 16 random bytes.
type UploadID [16]byte

// Upload is a file handed in but not sent yet. Its blob is on the disk.
type Upload struct {
	ID UploadID
	File
	CreatedAt time.Time
	// ExpiresAt is when it may be forgotten unless a draft holds it.
	ExpiresAt time.Time
}

// Uploads are the files waiting to be sent.
type Uploads struct{ h sqlite.Handle }

const (
	uploadColumns = `u.id, u.name, u.kind, u.mime, u.size, u.blob, u.width, u.height, u.duration, u.created_at, u.expires_at`

	qUploadAdd = `INSERT INTO uploads (id, name, kind, mime, size, blob, width, height, duration, created_at, expires_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?)`
	qUploadGet    = `SELECT ` + uploadColumns + ` FROM uploads u WHERE u.id = ?`
	qUploadDelete = `DELETE FROM uploads WHERE id = ?`
	qUploadExpire = `DELETE FROM uploads WHERE id IN (SELECT u.id FROM uploads u WHERE u.expires_at <= ?
		AND NOT EXISTS (SELECT 1 FROM draft_uploads d WHERE d.upload = u.id) LIMIT 1000)`
)

// Add stores the description of a file whose blob is on the disk.
func (t Uploads) Add(ctx context.Context, u Upload) error {
	args := append([]any{u.ID[:]}, fileArgs(u.File)...)
	_, err := sqlite.Exec(ctx, t.h, qUploadAdd, append(args, ms(u.CreatedAt), ms(u.ExpiresAt))...)
	return err
}

// Get returns an upload, or ErrNotFound.
func (t Uploads) Get(ctx context.Context, id UploadID) (Upload, error) {
	return sqlite.One(ctx, t.h, scanUpload, qUploadGet, id[:])
}

// Delete forgets an upload, also in drafts. It is no error if there is none.
func (t Uploads) Delete(ctx context.Context, id UploadID) error {
	_, err := sqlite.Exec(ctx, t.h, qUploadDelete, id[:])
	return err
}

// Expire forgets uploads past their time that no draft holds and returns how many, at most 1,000.
func (t Uploads) Expire(ctx context.Context, now time.Time) (int, error) {
	n, err := sqlite.Exec(ctx, t.h, qUploadExpire, ms(now))
	return int(n), err
}

func scanUpload(r sqlite.Row) (Upload, error) {
	var u Upload
	dest := append([]any{bytesInto(u.ID[:])}, scanFile(&u.File)...)
	err := r.Scan(append(dest, timeInto{&u.CreatedAt}, timeInto{&u.ExpiresAt})...)
	return u, err
}
