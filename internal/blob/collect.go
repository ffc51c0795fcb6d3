package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"meshchatx/rns"
)

// CollectAge is the age below which no blob is collected: the row that names it may be about to
// be written.
const CollectAge = time.Hour

// Usage is what a walk over the store found.
type Usage struct {
	Blobs int
	Bytes int64
}

// Collect removes the blobs older than CollectAge of which used says that nothing names them,
// and returns what it removed. It stops at the first error; files it does not know stay.
func (s *Store) Collect(ctx context.Context, used func(context.Context, rns.Hash) (bool, error)) (removed Usage, err error) {
	err = s.each(ctx, func(h rns.Hash, info fs.FileInfo) error {
		if s.now().Sub(info.ModTime()) < CollectAge {
			return nil
		}
		keep, err := used(ctx, h)
		if err != nil || keep {
			return err
		}
		gone, err := s.remove(h)
		if gone {
			removed.Blobs++
			removed.Bytes += info.Size()
		}
		return err
	})
	return removed, err
}

// remove deletes a blob unless Put has renewed it meanwhile.
func (s *Store) remove(h rns.Hash) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path(h)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || s.now().Sub(info.ModTime()) < CollectAge {
		return false, err
	}
	return true, os.Remove(path)
}

// Usage counts the blobs. It reads every directory.
func (s *Store) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	err := s.each(ctx, func(_ rns.Hash, info fs.FileInfo) error {
		u.Blobs++
		u.Bytes += info.Size()
		return nil
	})
	return u, err
}

func (s *Store) each(ctx context.Context, fn func(rns.Hash, fs.FileInfo) error) error {
	subs, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if !sub.IsDir() || len(sub.Name()) != 2 {
			continue
		}
		files, err := os.ReadDir(filepath.Join(s.dir, sub.Name()))
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return err
			}
			h, ok := parse(sub.Name() + f.Name())
			if !ok || !f.Type().IsRegular() {
				continue
			}
			info, err := f.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = fn(h, info)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func parse(name string) (rns.Hash, bool) {
	var h rns.Hash
	if len(name) != 2*len(h) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(name))
	return h, err == nil && hex.EncodeToString(h[:]) == name
}
