package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

const testApplication = 0x54455354

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// scripts makes a schema of numbered steps.
func scripts(steps ...string) fs.FS {
	out := fstest.MapFS{"README.md": {Data: []byte("not a step")}}
	for i, s := range steps {
		out[fmt.Sprintf("%04d_step.sql", i+1)] = &fstest.MapFile{Data: []byte(s)}
	}
	return out
}

var items = scripts("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;")

func options(t testing.TB, schema fs.FS) Options {
	t.Helper()
	return Options{
		Path: filepath.Join(t.TempDir(), "dir ?&%#é", "test.db"), Schema: schema, ApplicationID: testApplication,
		Now: func() time.Time { return start },
	}
}

func open(t testing.TB, o Options) (*DB, Report) {
	t.Helper()
	db, report, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, report
}

func add(ctx context.Context, db Handle, name string) error {
	_, err := Exec(ctx, db, "INSERT INTO items (name) VALUES (?)", name)
	return err
}

func names(t testing.TB, db Handle) string {
	t.Helper()
	all, err := Collect(context.Background(), db, func(r Row) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	}, "SELECT name FROM items ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestWrittenRowsSurviveReopening(t *testing.T) {
	o := options(t, items)
	db, report := open(t, o)
	if !report.Created || report.MigratedFrom != 0 || report.Version != 1 {
		t.Errorf("first opening: %+v", report)
	}
	if err := add(t.Context(), db, "a"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again, report := open(t, o)
	if report.Created || report.MigratedFrom != 1 || report.Version != 1 || report.MovedAside != "" {
		t.Errorf("second opening: %+v", report)
	}
	if got := names(t, again); got != "a" {
		t.Errorf("rows %q", got)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{o.Path: 0o600, filepath.Dir(o.Path): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
}

func TestConnectionSettings(t *testing.T) {
	db, _ := open(t, options(t, items))
	check := func(run func(context.Context, func(*Tx) error) error, want map[string]string) {
		t.Helper()
		err := run(t.Context(), func(tx *Tx) error {
			for pragma, v := range want {
				var got string
				if err := tx.Row(t.Context(), []any{&got}, "PRAGMA "+pragma); err != nil {
					return err
				}
				if got != v {
					t.Errorf("%s = %s, want %s", pragma, got, v)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	common := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "trusted_schema": "0", "query_only": "0"}
	check(db.Write, common)
	common["query_only"] = "1"
	check(db.Read, common)
}

func TestMigrations(t *testing.T) {
	one := "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT; INSERT INTO items (name) VALUES ('from 1');"
	two := "ALTER TABLE items ADD COLUMN size INTEGER NOT NULL DEFAULT 7; INSERT INTO items (name) VALUES ('from 2');"
	o := options(t, scripts(one))
	db, _ := open(t, o)
	_ = db.Close()

	broken := o
	broken.Schema = scripts(one, two+"; INSERT INTO nowhere VALUES (1);")
	if _, _, err := Open(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "0002_step.sql") {
		t.Fatalf("broken step: %v", err)
	}
	o.Schema = scripts(one, two)
	db, report := open(t, o)
	if report.MigratedFrom != 1 || report.Version != 2 {
		t.Errorf("report %+v", report)
	}
	if got := names(t, db); got != "from 1 from 2" {
		t.Errorf("rows %q: a broken step left traces", got)
	}
	_ = db.Close()

	o.Schema = scripts(one)
	if _, _, err := Open(t.Context(), o); !errors.Is(err, ErrNewer) {
		t.Errorf("file of a newer program: %v", err)
	}
	o.ApplicationID = 99
	if _, _, err := Open(t.Context(), o); !errors.Is(err, ErrForeign) {
		t.Errorf("file of another program: %v", err)
	}
	if left, _ := filepath.Glob(o.Path + ".corrupt*"); len(left) != 0 {
		t.Errorf("a sound file was moved aside: %v", left)
	}
	gap := options(t, fstest.MapFS{"0002_x.sql": {Data: []byte("SELECT 1")}})
	if _, _, err := Open(t.Context(), gap); err == nil {
		t.Error("a gap in the numbers was accepted")
	}
	none := options(t, fstest.MapFS{})
	if _, _, err := Open(t.Context(), none); err == nil {
		t.Error("a schema without steps was accepted")
	}
}

// holdWriter makes the writer wait inside a transaction until the returned function is called,
// and submits fns so that they share the next commit.
func holdWriter(t *testing.T, db *DB, fns ...func(*Tx) error) []error {
	t.Helper()
	entered, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.Write(t.Context(), func(*Tx) error {
			close(entered)
			<-release
			return nil
		})
	})
	<-entered
	results := make([]error, len(fns))
	for i, fn := range fns {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					results[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			results[i] = db.Write(t.Context(), fn)
		})
	}
	for len(db.writer.jobs) < len(fns) {
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	return results
}

func TestFailingWriteUndoesOnlyItself(t *testing.T) {
	db, _ := open(t, options(t, items))
	mine := errors.New("changed my mind")
	insert := func(name string, after error) func(*Tx) error {
		return func(tx *Tx) error {
			if err := add(t.Context(), tx, name); err != nil {
				return err
			}
			return after
		}
	}
	results := holdWriter(t, db,
		insert("a", nil), insert("b", mine), insert("c", nil), insert("d", nil),
		func(tx *Tx) error { _ = add(t.Context(), tx, "e"); panic("oops") },
		func(tx *Tx) error { return errors.Join(add(t.Context(), tx, "f"), add(t.Context(), tx, "f")) },
	)
	for i, want := range []string{"<nil>", mine.Error(), "<nil>", "<nil>", "panic: oops", "constraint"} {
		if got := fmt.Sprint(results[i]); !strings.Contains(got, want) {
			t.Errorf("write %d: %s, want %s", i, got, want)
		}
	}
	if !errors.Is(results[5], ErrConstraint) {
		t.Errorf("duplicate: %v", results[5])
	}
	if got := names(t, db); got != "a c d" {
		t.Errorf("rows %q", got)
	}
}

func TestCancelledBeforeItsTurn(t *testing.T) {
	db, _ := open(t, options(t, items))
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	results := holdWriter(t, db, func(*Tx) error { cancel(); return nil }, func(tx *Tx) error { return add(t.Context(), tx, "kept") })
	if err := db.Write(ctx, func(*Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("cancelled write: %v, ran %v", err, ran)
	}
	if err := errors.Join(results...); err != nil {
		t.Error(err)
	}
	// Cancelled while running: the answer is what happened.
	ctx, cancel = context.WithCancel(t.Context())
	err := db.Write(ctx, func(tx *Tx) error {
		cancel()
		return add(ctx, tx, "finished")
	})
	if err != nil {
		t.Errorf("write cancelled while running: %v", err)
	}
	if got := names(t, db); got != "finished kept" {
		t.Errorf("rows %q", got)
	}
}

func TestReadsSeeOneSnapshot(t *testing.T) {
	db, _ := open(t, options(t, items))
	if err := add(t.Context(), db, "a"); err != nil {
		t.Fatal(err)
	}
	err := db.Read(t.Context(), func(tx *Tx) error {
		before := names(t, tx)
		if err := add(t.Context(), db, "b"); err != nil { // on the writer, from outside
			return err
		}
		if after := names(t, tx); after != before {
			t.Errorf("snapshot changed from %q to %q", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, db); got != "a b" {
		t.Errorf("rows %q", got)
	}
	err = db.Read(t.Context(), func(tx *Tx) error { return add(t.Context(), tx, "c") })
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("write on a reading connection: %v", err)
	}
}

func TestCancelledReadLeavesThePoolUsable(t *testing.T) {
	db, _ := open(t, options(t, items))
	for range 2 * db.opt.Params.Readers {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Read(ctx, func(tx *Tx) error {
			return tx.Each(ctx, func(r Row) error { cancel(); return nil },
				"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("endless read: %v", err)
		}
	}
	if got := names(t, db); got != "" {
		t.Errorf("rows %q", got)
	}
}

func TestCloseFinishesWhatWasAccepted(t *testing.T) {
	o := options(t, items)
	db, _ := open(t, o)
	const n = 50
	var wg sync.WaitGroup
	results := make([]error, n)
	for i := range n {
		wg.Go(func() { results[i] = add(context.Background(), db, fmt.Sprintf("%03d", i)) })
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	again, _ := open(t, o)
	have := names(t, again)
	for i, err := range results {
		name := fmt.Sprintf("%03d", i)
		if stored := strings.Contains(have, name); stored != (err == nil) || err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: stored %v, answered %v", name, stored, err)
		}
	}
	if err := db.Read(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("read after closing: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	db, _ := open(t, options(t, items))
	pages := func(n int) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *Tx) error {
			return tx.Each(t.Context(), func(Row) error { return nil }, fmt.Sprintf("PRAGMA max_page_count = %d", n))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(t.Context(), db, "before"); err != nil {
		t.Fatal(err)
	}
	pages(1)
	big := strings.Repeat("x", 100_000)
	results := holdWriter(t, db,
		func(tx *Tx) error { return add(t.Context(), tx, "small") },
		func(tx *Tx) error { return add(t.Context(), tx, big) })
	if !errors.Is(results[1], ErrFull) {
		t.Errorf("write without room: %v", results[1])
	}
	stored := names(t, db)
	if strings.Contains(stored, "small") != (results[0] == nil) || !strings.HasPrefix(stored, "before") {
		t.Errorf("beside it: %v, rows %q", results[0], stored)
	}
	pages(1 << 20)
	if err := add(t.Context(), db, big); err != nil {
		t.Errorf("after making room: %v", err)
	}
}

func TestStatementCacheIsBounded(t *testing.T) {
	db, _ := open(t, options(t, items))
	err := db.Write(t.Context(), func(tx *Tx) error {
		for i := range maxStatements + 10 {
			if _, err := tx.Exec(t.Context(), fmt.Sprintf("INSERT INTO items (name) VALUES ('n%d')", i)); err != nil {
				return err
			}
		}
		if len(tx.stmts) > maxStatements {
			t.Errorf("%d statements kept", len(tx.stmts))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingRow(t *testing.T) {
	db, _ := open(t, options(t, items))
	scan := func(r Row) (n int, err error) { err = r.Scan(&n); return n, err }
	if _, err := One(t.Context(), db, scan, "SELECT id FROM items WHERE id = 9"); !errors.Is(err, ErrNotFound) {
		t.Errorf("One: %v", err)
	}
	err := db.Read(t.Context(), func(tx *Tx) error {
		var n int
		return tx.Row(t.Context(), []any{&n}, "SELECT id FROM items WHERE id = 9")
	})
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("Row: %v", err)
	}
}
