package propagation

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files keeps stored messages, one a file. Names have no directory. Implementations are safe for concurrent use.
type Files interface {
	// List calls f with the name of every file, in any order.
	List(f func(name string)) error
	// Head returns the first n bytes of a file and the size of the whole; a shorter file is an error.
	Head(name string, n int) (head []byte, size int64, err error)
	// Read returns the content of a file.
	Read(name string) ([]byte, error)
	// Write stores a file. It need not be durable before Sync.
	Write(name string, data []byte) error
	// Sync makes the names of all files written so far durable; their contents are since Write.
	Sync() error
	// Remove deletes a file. One that is not there is no error.
	Remove(name string) error
}

// DirFiles keeps files in one directory, as a messagestore of the reference, which can be taken over and back.
// spec: lxmf §10
type DirFiles struct{ dir string }

// NewDirFiles returns the files of a directory, which is made when first written to.
func NewDirFiles(dir string) *DirFiles { return &DirFiles{dir} }

// partSuffix marks files whose writing was interrupted.
const partSuffix = ".part"

// List implements Files. Remains of interrupted writes are removed.
func (d *DirFiles) List(f func(name string)) error {
	dir, err := os.Open(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open message store: %w", err)
	}
	defer dir.Close() //nolint:errcheck // nothing was written
	for {
		entries, err := dir.ReadDir(4096)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), partSuffix) {
				_ = d.Remove(e.Name()) // tried again at the next start
				continue
			}
			if e.Type().IsRegular() {
				f(e.Name())
			}
		}
		if len(entries) == 0 || err != nil {
			return nil
		}
	}
}

// Read implements Files.
func (d *DirFiles) Read(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		return nil, fmt.Errorf("read stored message: %w", err)
	}
	return b, nil
}

// Head implements Files.
func (d *DirFiles) Head(name string, n int) (head []byte, size int64, err error) {
	f, err := os.Open(filepath.Join(d.dir, name))
	if err != nil {
		return nil, 0, fmt.Errorf("read stored message: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("read stored message: %w", err)
	}
	head = make([]byte, n)
	if _, err = io.ReadFull(f, head); err != nil {
		return nil, 0, fmt.Errorf("read stored message: %w", err)
	}
	return head, info.Size(), nil
}

// Write implements Files: temporary file, synced, renamed over.
func (d *DirFiles) Write(name string, data []byte) error {
	path := filepath.Join(d.dir, name)
	err := writeSynced(path+partSuffix, data)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(d.dir, 0o700); err == nil {
			err = writeSynced(path+partSuffix, data)
		}
	}
	if err == nil {
		err = os.Rename(path+partSuffix, path)
	}
	if err != nil {
		_ = os.Remove(path + partSuffix) // found by List otherwise
		return fmt.Errorf("write stored message: %w", err)
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Sync implements Files.
func (d *DirFiles) Sync() error {
	dir, err := os.Open(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync message store: %w", err)
	}
	err = dir.Sync()
	return errors.Join(err, dir.Close())
}

// Remove implements Files.
func (d *DirFiles) Remove(name string) error {
	err := os.Remove(filepath.Join(d.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stored message: %w", err)
	}
	return nil
}
