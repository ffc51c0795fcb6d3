// Package blob keeps attached files by the SHA-256 of their content. A blob is written once, is
// complete and on the disk before Put returns, and never changes; equal content is kept once.
//
// Blobs are named only by hash. Names from peers never touch the file system, and nothing here
// takes a path. Who may read a blob is decided by the caller, through the message that names it.
//
// Write the blob first, then the row that names it: after a crash there may be a blob without a
// row, which Collect removes later, but never a row without its blob.
package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"meshchatx/rns"
)

// Errors a caller can act on.
var (
	// ErrTooLarge: the content is longer than the limit given; nothing was kept.
	ErrTooLarge = errors.New("file too large")
	// ErrNotFound: there is no such blob.
	ErrNotFound = errors.New("blob not found")
	// ErrFull: the disk or the quota is exhausted; nothing was kept.
	ErrFull = errors.New("disk full")
	// ErrDamaged: the content no longer has the hash it is kept under.
	ErrDamaged = errors.New("blob damaged")
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	partDir  = "part" // unfinished writes; emptied when the store is opened
)

// Store keeps the blobs of one directory. It is safe for concurrent use; only one process may
// use a directory. Use Open.
type Store struct {
	dir string
	now func() time.Time

	mu sync.Mutex // held while a blob is renamed into place, renewed or collected
}

// Ref describes a stored blob.
type Ref struct {
	Hash rns.Hash
	Size int64
}

// Open prepares a directory, creating it (0700) if needed, and removes unfinished writes of an
// earlier run. now is the clock that Collect compares with; nil means time.Now.
func Open(dir string, now func() time.Time) (*Store, error) {
	if now == nil {
		now = time.Now
	}
	part := filepath.Join(dir, partDir)
	if err := os.RemoveAll(part); err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	if err := os.MkdirAll(part, dirMode); err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	return &Store{dir: dir, now: now}, nil
}

// Put copies r into the store and returns what it is kept under. Content longer than limit bytes
// gives ErrTooLarge. When Put returns without error the blob survives a crash of the machine.
func (s *Store) Put(r io.Reader, limit int64) (Ref, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, partDir), "put-*")
	if err != nil {
		return Ref{}, failure(err)
	}
	ref, err := s.fill(f, r, limit)
	if err != nil {
		_ = os.Remove(f.Name())
		return Ref{}, failure(err)
	}
	return ref, nil
}

// failure names an error of the system.
func failure(err error) error {
	if full(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("store blob: %w", err)
}

// windowsDiskFull is ERROR_DISK_FULL.
const windowsDiskFull = syscall.Errno(112)

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || runtime.GOOS == "windows" && errors.Is(err, windowsDiskFull)
}

func (s *Store) fill(f *os.File, r io.Reader, limit int64) (Ref, error) {
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = ErrTooLarge
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return Ref{}, err
	}
	ref := Ref{Hash: rns.Hash(h.Sum(nil)), Size: n}
	return ref, s.place(f.Name(), ref)
}

// place gives a finished file its name. An equal blob that is there already is renewed instead,
// so that Collect does not take it for an old one.
func (s *Store) place(temp string, ref Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path(ref.Hash)
	if info, err := os.Stat(path); err == nil && info.Size() == ref.Size {
		now := s.now()
		return errors.Join(os.Chtimes(path, now, now), os.Remove(temp))
	}
	sub := filepath.Dir(path)
	switch err := os.Mkdir(sub, dirMode); {
	case err == nil:
		if err := syncDir(s.dir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	now := s.now()
	if err := errors.Join(os.Chmod(temp, fileMode), os.Chtimes(temp, now, now)); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(sub)
}

// Reader reads a blob from any place. Close it after use.
type Reader struct {
	*os.File
	size int64
}

// Size is the length of the blob in bytes.
func (r *Reader) Size() int64 { return r.size }

// Open opens a blob for reading, also of ranges. Without one it returns ErrNotFound.
func (s *Store) Open(h rns.Hash) (*Reader, error) {
	f, err := os.Open(s.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Reader{File: f, size: info.Size()}, nil
}

// ReadAll returns a whole blob of at most limit bytes and checks it against its hash.
func (s *Store) ReadAll(h rns.Hash, limit int64) ([]byte, error) {
	r, err := s.Open(h)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	if r.size > limit {
		return nil, ErrTooLarge
	}
	b := make([]byte, r.size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	if sha256.Sum256(b) != h {
		return nil, ErrDamaged
	}
	return b, nil
}

// path is the only place that turns a hash into a file name.
func (s *Store) path(h rns.Hash) string {
	name := hex.EncodeToString(h[:])
	return filepath.Join(s.dir, name[:2], name[2:])
}

// syncDir makes a new entry of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		err = nil // Windows cannot synchronise a directory
	}
	return errors.Join(err, d.Close())
}
