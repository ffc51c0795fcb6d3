package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meshchatx/rns"
)

// clock is a settable time.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(t *testing.T) (*Store, *clock, string) {
	t.Helper()
	c := &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := Open(dir, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return s, c, dir
}

func put(t *testing.T, s *Store, content string) Ref {
	t.Helper()
	ref, err := s.Put(strings.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestPutThenReadRange(t *testing.T) {
	s, _, dir := open(t)
	ref := put(t, s, "hello, mesh")
	if ref.Hash != sha256.Sum256([]byte("hello, mesh")) || ref.Size != 11 {
		t.Fatalf("stored as %+v", ref)
	}
	r, err := s.Open(ref.Hash)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "mesh" || r.Size() != 11 {
		t.Errorf("read %q of %d, %v", rest, r.Size(), err)
	}
	info, err := os.Stat(s.path(ref.Hash))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, partDir)); len(left) != 0 {
		t.Errorf("unfinished files left: %v", left)
	}
}

func TestLimitAndFailingSourceLeaveNothing(t *testing.T) {
	s, _, dir := open(t)
	if _, err := s.Put(strings.NewReader("12345"), 5); err != nil {
		t.Errorf("content of exactly the limit: %v", err)
	}
	if _, err := s.Put(strings.NewReader("123456"), 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("content over the limit: %v", err)
	}
	cut := errors.New("connection lost")
	if _, err := s.Put(io.MultiReader(strings.NewReader("abc"), failing{cut}), 100); !errors.Is(err, cut) {
		t.Errorf("failing source: %v", err)
	}
	if _, err := s.Put(failing{&os.PathError{Op: "write", Err: syscall.ENOSPC}}, 100); !errors.Is(err, ErrFull) {
		t.Errorf("full disk: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, partDir)); len(left) != 0 {
		t.Errorf("unfinished files left: %v", left)
	}
	if u, err := s.Usage(t.Context()); err != nil || u != (Usage{Blobs: 1, Bytes: 5}) {
		t.Errorf("usage %+v, %v", u, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestUnfinishedWritesOfACrashedRunAreRemoved(t *testing.T) {
	s, c, dir := open(t)
	ref := put(t, s, "whole")
	orphan := filepath.Join(dir, partDir, "put-1")
	if err := os.WriteFile(orphan, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(orphan); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unfinished file is still there: %v", err)
	}
	if b, err := again.ReadAll(ref.Hash, 100); err != nil || string(b) != "whole" {
		t.Errorf("finished blob: %q, %v", b, err)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	s, _, _ := open(t)
	ref := put(t, s, "precious")
	if err := os.WriteFile(s.path(ref.Hash), []byte("prec1ous"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAll(ref.Hash, 100); !errors.Is(err, ErrDamaged) {
		t.Errorf("changed content: %v", err)
	}
	if _, err := s.ReadAll(rns.Hash{1}, 100); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown blob: %v", err)
	}
	if _, err := s.ReadAll(ref.Hash, 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("blob over the reading limit: %v", err)
	}
	// A truncated file is replaced when the content comes again.
	if err := os.WriteFile(s.path(ref.Hash), []byte("pre"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, s, "precious")
	if b, err := s.ReadAll(ref.Hash, 100); err != nil || string(b) != "precious" {
		t.Errorf("after putting again: %q, %v", b, err)
	}
}

func TestCollectKeepsNamedAndYoungBlobs(t *testing.T) {
	s, c, _ := open(t)
	named, unnamed, renewed := put(t, s, "named"), put(t, s, "unnamed"), put(t, s, "renewed")
	c.advance(2 * CollectAge)
	young := put(t, s, "young")
	put(t, s, "renewed")
	removed, err := s.Collect(t.Context(), func(_ context.Context, h rns.Hash) (bool, error) {
		if h == young.Hash || h == renewed.Hash {
			t.Errorf("asked about %v, which is too young", h)
		}
		return h == named.Hash, nil
	})
	if err != nil || removed != (Usage{Blobs: 1, Bytes: 7}) {
		t.Errorf("removed %+v, %v", removed, err)
	}
	for _, ref := range []Ref{named, young, renewed} {
		if _, err := s.ReadAll(ref.Hash, 100); err != nil {
			t.Errorf("%v: %v", ref.Hash, err)
		}
	}
	if _, err := s.Open(unnamed.Hash); !errors.Is(err, ErrNotFound) {
		t.Errorf("collected blob: %v", err)
	}
}

func TestCollectStopsWhenTheDatabaseDoes(t *testing.T) {
	s, c, _ := open(t)
	ref := put(t, s, "x")
	c.advance(2 * CollectAge)
	trouble := errors.New("database closed")
	_, err := s.Collect(t.Context(), func(context.Context, rns.Hash) (bool, error) { return false, trouble })
	if !errors.Is(err, trouble) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Open(ref.Hash); err != nil {
		t.Errorf("blob removed although it could not be asked about: %v", err)
	}
}

func TestEqualContentFromManyWriters(t *testing.T) {
	s, _, _ := open(t)
	content := bytes.Repeat([]byte("mesh"), 50_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Put(bytes.NewReader(content), 1<<20); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if u, err := s.Usage(t.Context()); err != nil || u.Blobs != 1 {
		t.Errorf("usage %+v, %v", u, err)
	}
	if b, err := s.ReadAll(sha256.Sum256(content), 1<<20); err != nil || !bytes.Equal(b, content) {
		t.Errorf("content differs: %v", err)
	}
}
