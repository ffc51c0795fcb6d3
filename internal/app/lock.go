package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrInUse means that another process works on the storage directory.
var ErrInUse = errors.New("storage directory is in use by another process")

const lockName = "lock"

// lock keeps a storage directory for one process. The system lets go of it when
// the process ends, however it ends.
type lock struct{ f *os.File }

func lockDir(dir string) (*lock, error) {
	f, err := lockFile(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock storage directory: %w", err)
	}
	return &lock{f}, nil
}

func (l *lock) release() error { return l.f.Close() }

var errLocked = errors.New("locked")
