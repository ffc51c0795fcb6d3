package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Storage keeps what a node remembers across restarts, as named byte strings. Names are slash-separated and relative,
// such as "ratchets/0011…". Implementations are safe for concurrent use.
type Storage interface {
	// Read returns the content of a name; the error is fs.ErrNotExist when there is none.
	Read(name string) ([]byte, error)
	// Write replaces the content of a name at once: after a crash either the old or the new content is there.
	Write(name string, data []byte) error
	// Remove forgets a name. A name that is not there is no error.
	Remove(name string) error
	// List returns the names directly under a directory, without the directory, sorted.
	List(dir string) ([]string, error)
}

// errStorageName is returned for names that would leave the storage.
var errStorageName = errors.New("not a storage name")

// DirStorage is a Storage in a directory. Files are readable by their owner only.
type DirStorage struct {
	root string

	mu    sync.Mutex
	swept map[string]bool // directories
}

// NewDirStorage returns a storage in root, which is created when first written to.
func NewDirStorage(root string) *DirStorage { return &DirStorage{root: root} }

// Root is the directory of the storage.
func (d *DirStorage) Root() string { return d.root }

func (d *DirStorage) path(name string) (string, error) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, `\:`) {
		return "", fmt.Errorf("%w: %q", errStorageName, name)
	}
	return filepath.Join(d.root, filepath.FromSlash(name)), nil
}

// ErrFileSize is returned for a file larger than anything a node writes.
var ErrFileSize = errors.New("file is too large")

// maxStored is the largest file read, in bytes: the tables of more than a million destinations.
const maxStored = 2 << 30

// Read returns the content of a file. The error is ErrFileSize above 2 GiB.
func (d *DirStorage) Read(name string) ([]byte, error) {
	p, err := d.path(name)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(p); err == nil && st.Size() > maxStored {
		return nil, fmt.Errorf("%s: %w: %d bytes", name, ErrFileSize, st.Size())
	}
	return os.ReadFile(p)
}

// tempPrefix begins the names of unfinished files; those older than tempAge belong to nobody any more.
const (
	tempPrefix = ".tmp-"
	tempAge    = time.Hour
)

// Write replaces a file: temporary file in the same directory, synced, renamed over, directory synced.
func (d *DirStorage) Write(name string, data []byte) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(p)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d.sweep(dir)
	tmp, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), p)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(dir)
}

// sweep removes what crashes have left in a directory, once. Other programs may work in it at the same time.
func (d *DirStorage) sweep(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.swept[dir] {
		return
	}
	if d.swept == nil {
		d.swept = make(map[string]bool)
	}
	d.swept[dir] = true
	left, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*")) // the pattern is well-formed
	for _, name := range left {
		if st, err := os.Lstat(name); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > tempAge {
			_ = os.Remove(name) // it is tried again by the next run
		}
	}
}

// syncDir makes a rename durable. Systems that cannot sync directories are left to their own guarantees.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	serr := f.Sync()
	if errors.Is(serr, fs.ErrInvalid) || errors.Is(serr, errors.ErrUnsupported) || errors.Is(serr, fs.ErrPermission) {
		serr = nil
	}
	return errors.Join(serr, f.Close())
}

// Remove deletes a file.
func (d *DirStorage) Remove(name string) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List returns the files directly under a directory.
func (d *DirStorage) List(dir string) ([]string, error) {
	p, err := d.path(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), tempPrefix) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// MemStorage is a Storage in memory. The zero value is empty and ready to use. It is safe for concurrent use.
type MemStorage struct {
	mu    sync.Mutex
	files map[string][]byte
}

// Read returns a copy of the content of a name.
func (m *MemStorage) Read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(b), nil
}

// Write replaces the content of a name.
func (m *MemStorage) Write(name string, data []byte) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("%w: %q", errStorageName, name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files == nil {
		m.files = make(map[string][]byte)
	}
	m.files[name] = slices.Clone(data)
	return nil
}

// Remove forgets a name.
func (m *MemStorage) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}

// List returns the names directly under a directory, sorted.
func (m *MemStorage) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.files {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok && !strings.Contains(rest, "/") {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names, nil
}
