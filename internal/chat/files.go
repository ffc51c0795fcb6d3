package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"meshchatx/internal/blob"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// UploadForm says how a file is to travel.
type UploadForm uint8

// Forms of uploads.
const (
	FormAuto UploadForm = iota // a picture as a picture, a recording as a recording
	FormFile                   // as a plain file, whatever it is
)

// Upload stages a file: its bytes are on the disk when it returns. What the file
// is, is told from its bytes.
func (s *Service) Upload(ctx context.Context, name string, form UploadForm, r io.Reader) (store.Upload, error) {
	f, err := s.keep(name, r, s.conf.Params.MaxUpload)
	if err != nil {
		return store.Upload{}, err
	}
	if form == FormFile {
		f.Kind = store.KindFile
	}
	now := s.conf.Now()
	u := store.Upload{File: f, CreatedAt: now, ExpiresAt: now.Add(s.uploadLife())}
	if _, err := io.ReadFull(s.conf.Random, u.ID[:]); err != nil {
		return store.Upload{}, err
	}
	if err := s.conf.Store.Uploads.Add(ctx, u); err != nil {
		return store.Upload{}, fmt.Errorf("store upload: %w", err)
	}
	return u, nil
}

// keep stores bytes as a blob and describes them.
func (s *Service) keep(name string, r io.Reader, limit int64) (store.File, error) {
	head := &headReader{r: r}
	ref, err := s.conf.Blobs.Put(head, limit)
	if errors.Is(err, blob.ErrTooLarge) {
		return store.File{}, ErrTooLarge
	}
	if err != nil {
		return store.File{}, fmt.Errorf("store file: %w", roomless(err))
	}
	mimeType, w, h := look(head.seen)
	return store.File{
		Name: label(name, mimeType), Kind: kindOf(mimeType), MIME: mimeType, Size: ref.Size, Blob: ref.Hash, Width: w, Height: h,
	}, nil
}

// roomless gives a full disk the one name it has here.
func roomless(err error) error {
	if errors.Is(err, blob.ErrFull) {
		return fmt.Errorf("%w: %w", ErrStorageFull, err)
	}
	return err
}

// headReader keeps the first bytes of what passes.
type headReader struct {
	r    io.Reader
	seen []byte
}

func (h *headReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if room := headSize - len(h.seen); room > 0 {
		h.seen = append(h.seen, p[:min(n, room)]...)
	}
	return n, err
}

// GetUpload returns a staged file.
func (s *Service) GetUpload(ctx context.Context, id store.UploadID) (store.Upload, error) {
	u, err := s.conf.Store.Uploads.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrUpload
	}
	return u, err
}

// DeleteUpload throws a staged file away.
func (s *Service) DeleteUpload(ctx context.Context, id store.UploadID) error {
	return s.conf.Store.Uploads.Delete(ctx, id)
}

func (s *Service) uploadLife() time.Duration {
	return time.Duration(s.conf.Settings.Int(settings.KeyUploadKeepHours)) * time.Hour
}

// OpenUpload opens the bytes of a staged file.
func (s *Service) OpenUpload(ctx context.Context, id store.UploadID) (store.File, io.ReadSeekCloser, error) {
	u, err := s.GetUpload(ctx, id)
	if err != nil {
		return store.File{}, nil, err
	}
	f, err := s.conf.Blobs.Open(u.Blob)
	return u.File, f, err
}

// OpenAttachment opens the bytes of a file of a message of this identity: the
// only way to them.
func (s *Service) OpenAttachment(ctx context.Context, id rns.Hash, index int) (store.File, io.ReadSeekCloser, error) {
	a, err := s.conf.Store.Attachments.Get(ctx, id, index)
	if err != nil {
		return store.File{}, nil, err
	}
	f, err := s.conf.Blobs.Open(a.Blob)
	return a.File, f, err
}

// keepPacked puts a message as it travels into its row, or beside it if it is
// long. It returns what goes into the row.
func (s *Service) keepPacked(packed []byte, row *store.Message) ([]byte, error) {
	row.Size = int64(len(packed))
	if len(packed) <= s.conf.Params.PackedInRow {
		return packed, nil
	}
	ref, err := s.conf.Blobs.Put(bytes.NewReader(packed), row.Size)
	if err != nil {
		return nil, fmt.Errorf("store message: %w", roomless(err))
	}
	row.PackedBlob = ref.Hash
	return nil, nil
}

// packed returns a stored message as it travels.
func (s *Service) packed(ctx context.Context, m store.Message) ([]byte, error) {
	if m.PackedBlob.IsZero() {
		return s.conf.Store.Messages.Packed(ctx, m.ID)
	}
	return s.conf.Blobs.ReadAll(m.PackedBlob, m.Size)
}

// dropPacked lets go of the long packed form of a delivered message, whose files
// are kept as files.
func (s *Service) dropPacked(ctx context.Context, id rns.Hash) {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil || m.PackedBlob.IsZero() {
		return
	}
	m.PackedBlob = rns.Hash{}
	if err := s.conf.Store.Messages.SetPacked(ctx, m, nil, s.conf.Now()); err != nil {
		s.conf.Log.Warn("packed message is kept", "message", id, "error", err)
	}
}

// Sweep forgets staged files past their time, ids too old to be repeated, and
// the bytes of files that nothing names any more.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.conf.Now()
	if _, err := s.conf.Store.Uploads.Expire(ctx, now); err != nil {
		return err
	}
	if _, err := s.conf.Store.Deliveries.Expire(ctx, now); err != nil {
		return err
	}
	if err := s.conf.Store.Tickets.Expire(ctx, now); err != nil {
		return err
	}
	if err := s.conf.Store.StampCosts.Expire(ctx, now); err != nil {
		return err
	}
	_, err := s.conf.Blobs.Collect(ctx, s.conf.Store.Attachments.BlobUsed)
	return err
}
