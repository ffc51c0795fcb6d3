package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"net"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"
)

// Reasons a caller can act on. Errors of this package wrap one of them where it applies.
var (
	// ErrNotFound: the row asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConstraint: the write contradicts a rule of the schema, such as a unique key.
	ErrConstraint = errors.New("constraint violated")
	// ErrFull: the disk or the quota is exhausted; nothing of the write was kept.
	ErrFull = errors.New("disk full")
	// ErrCorrupt: the file is damaged or is not a database.
	ErrCorrupt = errors.New("database damaged")
	// ErrBusy: another process holds the database.
	ErrBusy = errors.New("database in use by another process")
	// ErrReadOnly: the file or its directory cannot be written.
	ErrReadOnly = errors.New("database not writable")
	// ErrNewer: the file was written by a later version of the program.
	ErrNewer = errors.New("database was written by a newer version")
	// ErrForeign: the file is a database, but not one of this program or of this kind.
	ErrForeign = errors.New("not a database of this program")
	// ErrClosed: the database was closed. It matches net.ErrClosed.
	ErrClosed = fmt.Errorf("database closed: %w", net.ErrClosed)
)

// primaryCode masks SQLite's extended result codes.
const primaryCode = 0xff

// classify wraps a driver error with the sentinel of its class.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	var e *driver.Error
	if !errors.As(err, &e) {
		return err
	}
	var class error
	switch e.Code() & primaryCode {
	case code.SQLITE_CONSTRAINT:
		class = ErrConstraint
	case code.SQLITE_FULL:
		class = ErrFull
	case code.SQLITE_CORRUPT, code.SQLITE_NOTADB:
		class = ErrCorrupt
	case code.SQLITE_BUSY, code.SQLITE_LOCKED:
		class = ErrBusy
	case code.SQLITE_READONLY, code.SQLITE_PERM, code.SQLITE_CANTOPEN:
		class = ErrReadOnly
	default:
		return err
	}
	if errors.Is(err, class) {
		return err
	}
	return fmt.Errorf("%w: %w", class, err)
}
