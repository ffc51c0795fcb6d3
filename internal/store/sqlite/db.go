package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// DB is an open database. It is safe for concurrent use; the zero value is not usable.
type DB struct {
	opt     Options
	writer  writer
	readers readers
	suspect sync.Once
	close   sync.Once
	closed  error
}

// Report says what opening a database found.
type Report struct {
	// Created: there was no file.
	Created bool
	// MigratedFrom and Version are the schema versions before and after; equal when current.
	MigratedFrom, Version int
	// MovedAside is the new name of a damaged file that was replaced by an empty one, or "".
	MovedAside string
	// Damage is what was wrong with it.
	Damage error
}

// Open opens or creates a database and brings its schema up to date.
//
// A damaged file is never deleted and never silently used: it is renamed to
// <name>.corrupt-<time> together with its log, a fresh database takes its place, and the report says so. The whole
// file is checked only if an earlier run met damage in it, so that opening stays fast.
func Open(ctx context.Context, opt Options) (*DB, Report, error) {
	opt.fill()
	if err := os.MkdirAll(filepath.Dir(opt.Path), 0o700); err != nil {
		return nil, Report{}, fmt.Errorf("open database %s: %w", opt.Path, err)
	}
	damage := checkSuspect(ctx, opt)
	var db *DB
	var report Report
	err := damage
	if err == nil {
		db, report, err = openOnce(ctx, opt)
	}
	if errors.Is(err, ErrCorrupt) {
		damage = err
		aside, merr := moveAside(opt.Path, opt.Now())
		if merr != nil {
			return nil, Report{}, fmt.Errorf("move damaged database %s aside: %w", opt.Path, errors.Join(merr, err))
		}
		opt.Logger.Error("database damaged, moved aside", "path", opt.Path, "aside", aside, "error", damage)
		db, report, err = openOnce(ctx, opt)
		report.MovedAside, report.Damage = aside, damage
	}
	if err != nil {
		return nil, report, fmt.Errorf("open database %s: %w", opt.Path, err)
	}
	return db, report, nil
}

func openOnce(ctx context.Context, opt Options) (*DB, Report, error) {
	created, err := touch(opt.Path)
	if err != nil {
		return nil, Report{}, err
	}
	pool, err := opt.open(readWrite)
	if err != nil {
		return nil, Report{}, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		_ = pool.Close()
		return nil, Report{}, classify(err)
	}
	tx := newTx(conn, readWrite)
	report := Report{Created: created}
	report.MigratedFrom, report.Version, err = migrate(ctx, tx, opt)
	if err != nil {
		tx.close()
		_ = pool.Close()
		return nil, report, err
	}
	db := &DB{opt: opt}
	db.readers.init(&db.opt)
	db.writer.start(tx, pool, opt.Params)
	return db, report, nil
}

// touch creates the file with narrow permissions before the engine would create it with wide ones.
func touch(path string) (created bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(f.Close(), syncDir(filepath.Dir(path)))
}

// Path returns the name of the database file.
func (db *DB) Path() string { return db.opt.Path }

// Write runs fn in a transaction and returns when its effects are on the disk, or with fn's
// error when they were undone. It may share the commit with other writes. Once fn has begun,
// ctx no longer cancels it: the answer is always definite.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	return db.watch(db.writer.submit(ctx, fn))
}

// Read runs fn on a consistent snapshot. fn must not write.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	return db.watch(db.readers.run(ctx, fn))
}

// watch leaves a mark beside a database in which damage was met, so that the next Open checks it whole.
func (db *DB) watch(err error) error {
	if errors.Is(err, ErrCorrupt) {
		db.suspect.Do(func() {
			merr := markSuspect(db.opt.Path)
			db.opt.Logger.Error("database damage met", "path", db.opt.Path, "error", err, "mark", merr)
		})
	}
	return err
}

// Check verifies the structure of the whole file. It reads every page: seconds for a large
// database. Damage is returned as ErrCorrupt and remembered for the next Open.
func (db *DB) Check(ctx context.Context) error {
	err := db.readers.run(ctx, func(tx *Tx) error { return quickCheck(ctx, tx) })
	return db.watch(err)
}

// Close finishes the writes already submitted, then closes every connection. Calls after the
// first return the same result. Reads still running are waited for.
func (db *DB) Close() error {
	db.close.Do(func() {
		werr := db.writer.stop()
		db.closed = errors.Join(db.readers.stop(), werr)
	})
	return db.closed
}
