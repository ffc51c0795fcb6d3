package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fill writes enough rows for many pages and closes the database.
func fill(t *testing.T, o Options) {
	t.Helper()
	db, _ := open(t, o)
	err := db.Write(t.Context(), func(tx *Tx) error {
		for i := range 500 {
			if err := add(t.Context(), tx, fmt.Sprintf("%04d%s", i, strings.Repeat("x", 200))); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// overwrite replaces bytes of a file.
func overwrite(t *testing.T, path string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(with, at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFileIsMovedAside(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"no database":    func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("hello world ", 1000)), 0o600) },
		"header gone":    func(p string) error { overwrite(t, p, 0, make([]byte, 100)); return nil },
		"schema garbled": func(p string) error { overwrite(t, p, 100, []byte(strings.Repeat("\xff", 3000))); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, items)
			fill(t, o)
			if err := damage(o.Path); err != nil {
				t.Fatal(err)
			}
			broken, err := os.ReadFile(o.Path)
			if err != nil {
				t.Fatal(err)
			}
			db, report := open(t, o)
			if !errors.Is(report.Damage, ErrCorrupt) || report.MovedAside == "" || !report.Created {
				t.Fatalf("report %+v", report)
			}
			if kept, err := os.ReadFile(report.MovedAside); err != nil || string(kept) != string(broken) {
				t.Errorf("what was moved aside differs: %v", err)
			}
			if err := add(t.Context(), db, "fresh"); err != nil || names(t, db) != "fresh" {
				t.Errorf("fresh database: %v", err)
			}
			_ = db.Close()
			if _, report := open(t, o); report.MovedAside != "" || report.Created {
				t.Errorf("opening again: %+v", report)
			}
		})
	}
}

func TestDamageMetWhileRunning(t *testing.T) {
	o := options(t, items)
	fill(t, o)
	// Pages in the middle: the schema is whole, so that opening notices nothing.
	info, err := os.Stat(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, o.Path, 4*4096, []byte(strings.Repeat("\xa5", int(info.Size()-4*4096))))
	db, report := open(t, o)
	if report.MovedAside != "" {
		t.Fatalf("opening checked the whole file: %+v", report)
	}
	_, err = Collect(t.Context(), db, func(r Row) (s string, err error) { err = r.Scan(&s); return s, err }, "SELECT name FROM items ORDER BY id")
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("reading damaged pages: %v", err)
	}
	if err := db.Check(t.Context()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("check: %v", err)
	}
	_ = db.Close()
	fresh, report := open(t, o)
	if !errors.Is(report.Damage, ErrCorrupt) || report.MovedAside == "" {
		t.Fatalf("the next opening: %+v", report)
	}
	if err := fresh.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(o.Path + suspectSuffix); len(left) != 0 {
		t.Error("the mark is still there")
	}
}

func TestSuspicionThatProvesWrong(t *testing.T) {
	o := options(t, items)
	fill(t, o)
	if err := markSuspect(o.Path); err != nil {
		t.Fatal(err)
	}
	db, report := open(t, o)
	if report.MovedAside != "" || report.Created || !strings.HasPrefix(names(t, db), "0000x") {
		t.Errorf("report %+v", report)
	}
	if _, err := os.Stat(o.Path + suspectSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark: %v", err)
	}
}

func TestPlacesThatCannotBeOpened(t *testing.T) {
	o := options(t, items)
	if err := os.MkdirAll(o.Path, 0o700); err != nil { // a directory in the place of the file
		t.Fatal(err)
	}
	if _, _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), o.Path) {
		t.Errorf("directory: %v", err)
	}
	o = options(t, items)
	if err := os.MkdirAll(filepath.Dir(filepath.Dir(o.Path)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Dir(o.Path), nil, 0o600); err != nil { // a file in the place of the directory
		t.Fatal(err)
	}
	if _, _, err := Open(context.Background(), o); err == nil {
		t.Error("file in the place of the directory accepted")
	}
}
