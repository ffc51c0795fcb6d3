package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// suspectSuffix marks a database in which a running program met damage.
const suspectSuffix = ".suspect"

// companions are the files that belong to a database file.
var companions = []string{"", "-wal", "-shm"}

// moveAside renames a damaged database and its log so that both stay readable together.
func moveAside(path string, now time.Time) (string, error) {
	aside := path + ".corrupt-" + now.UTC().Format("20060102T150405.000Z")
	for _, suffix := range companions {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	if err := os.Remove(path + suspectSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return aside, syncDir(filepath.Dir(path))
}

func markSuspect(path string) error {
	f, err := os.OpenFile(path+suspectSuffix, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// checkSuspect checks a marked database as a whole. It returns ErrCorrupt if the damage is real
// and removes the mark if it is not; any other trouble is left to the opening that follows.
func checkSuspect(ctx context.Context, opt Options) error {
	if _, err := os.Stat(opt.Path + suspectSuffix); err != nil {
		return nil
	}
	pool, err := opt.open(readWrite)
	if err != nil {
		return nil
	}
	defer func() { _ = pool.Close() }()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return asDamage(classify(err))
	}
	tx := newTx(conn, readWrite)
	defer tx.close()
	if err := quickCheck(ctx, tx); err != nil {
		return asDamage(err)
	}
	return os.Remove(opt.Path + suspectSuffix)
}

func asDamage(err error) error {
	if errors.Is(err, ErrCorrupt) {
		return err
	}
	return nil
}

// quickCheck verifies the structure of all pages and tables.
func quickCheck(ctx context.Context, tx *Tx) error {
	var found []string
	err := tx.Each(ctx, func(r Row) error {
		var line string
		err := r.Scan(&line)
		if line != "ok" {
			found = append(found, line)
		}
		return err
	}, "PRAGMA quick_check(10)")
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: %s", ErrCorrupt, strings.Join(found, "; "))
	}
	return nil
}

// syncDir makes a created or renamed entry of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrPermission) {
		err = nil // Windows cannot synchronise a directory
	}
	return errors.Join(err, d.Close())
}
