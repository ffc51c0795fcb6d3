package sqlite

import (
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"
)

// Options say which file to open and how. Path, Schema and ApplicationID are required.
type Options struct {
	// Path of the database file. Its directory is created (0700) when missing, the file as 0600.
	Path string
	// Schema holds the numbered migrations, NNNN_name.sql, at its root.
	Schema fs.FS
	// ApplicationID marks files of this kind; a file with another mark is refused.
	ApplicationID int32
	// Now is the clock that names files moved aside. Nil means time.Now.
	Now func() time.Time
	// Logger receives rare events (damage, recovery). Nil discards them.
	Logger *slog.Logger
	// Params are the limits; the zero value means DefaultParams.
	Params Params
}

// Params are the tunables of a database.
type Params struct {
	// Readers is the largest number of reading connections; they are opened when first needed.
	Readers int
	// BatchWrites is how many submitted writes may share one commit.
	BatchWrites int
	// BatchTime bounds how long a commit waits for further writes that are already submitted.
	BatchTime time.Duration
	// GatherTime bounds how long a commit waits for writes that are not submitted yet, where as many as came together before
	// are expected again. A lone writer never waits.
	GatherTime time.Duration
	// QueueWrites is how many writes may wait for the writer before submitters block.
	QueueWrites int
	// BusyTimeout is how long a connection waits for another process.
	BusyTimeout time.Duration
	// PageCacheKiB is the page cache of each connection.
	PageCacheKiB int
	// LogPages is how many pages the write-ahead log takes before they are moved into the database file.
	LogPages int
	// LogLimitBytes is the size to which the write-ahead log is cut back after a checkpoint.
	LogLimitBytes int64
}

// DefaultParams returns the values used in production.
func DefaultParams() Params {
	return Params{
		Readers:       4,
		BatchWrites:   256,
		BatchTime:     20 * time.Millisecond,
		GatherTime:    2 * time.Millisecond,
		QueueWrites:   256,
		BusyTimeout:   5 * time.Second,
		PageCacheKiB:  2048,
		LogPages:      4000,
		LogLimitBytes: 16 << 20,
	}
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Params == (Params{}) {
		o.Params = DefaultParams()
	}
}

// access says what a connection may do.
type access uint8

const (
	readWrite access = iota
	readOnly
)

// open returns a handle that holds exactly one connection.
func (o *Options) open(a access) (*sql.DB, error) {
	abs, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(abs, a, o.Params))
	if err != nil {
		return nil, classify(err)
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	return db, nil
}

// dsn names the file as a URI, so that no character of the path is taken for an option, and sets
// what every connection needs. busy_timeout stands first: the pragmas after it already take locks.
func dsn(abs string, a access, p Params) string {
	path := filepath.ToSlash(abs)
	if path[0] != '/' {
		path = "/" + path // a Windows drive letter
	}
	pragmas := []string{
		fmt.Sprintf("busy_timeout(%d)", p.BusyTimeout.Milliseconds()),
		"journal_mode(wal)",
		"synchronous(2)",
		"foreign_keys(1)",
		"trusted_schema(0)",
		"temp_store(2)",
		fmt.Sprintf("cache_size(-%d)", p.PageCacheKiB),
		fmt.Sprintf("wal_autocheckpoint(%d)", p.LogPages),
		fmt.Sprintf("journal_size_limit(%d)", p.LogLimitBytes),
	}
	if a == readOnly {
		pragmas = append(pragmas, "query_only(1)")
	}
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}
