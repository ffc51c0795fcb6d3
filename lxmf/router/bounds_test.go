package router

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/rns"
)

// TestFailureSpoolBounds: what arrives is bounded in bytes, in number and in memory; small messages go to files when many
// arrive; everything is given back.
func TestFailureSpoolBounds(t *testing.T) {
	s := &spool{dir: t.TempDir(), pattern: "incoming-*", fileSize: 100, most: 1_000, unpacks: 150, transfers: 4}
	open := func(size int64, file bool) *spooled {
		t.Helper()
		o, err := s.open(size)
		if err != nil || (o.file != nil) != file {
			t.Fatalf("%d bytes: %+v, %v", size, o, err)
		}
		return o
	}
	refused := func(size int64) {
		t.Helper()
		if _, err := s.open(size); !errors.Is(err, errCrowded) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	all := []*spooled{open(100, false), open(101, true), open(60, true), open(50, false)}
	refused(1) // the fifth
	all[1].close()
	refused(900)
	all[1] = open(700, true)
	for _, o := range all {
		o.close()
	}
	if s.arriving != 0 || s.count != 0 || s.small != 0 {
		t.Errorf("left: %d bytes, %d messages, %d in memory", s.arriving, s.count, s.small)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
	open(5_000, true).close() // a single one always has room
}

// TestFailureSpoolCannotWrite: a piece that cannot be written ends the link, so that the sender tries again; so does a
// directory that is gone.
func TestFailureSpoolCannotWrite(t *testing.T) {
	s := &spool{dir: t.TempDir(), pattern: "incoming-*", fileSize: 10, most: 1_000, unpacks: 150, transfers: 4}
	o, err := s.open(100)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	o.failed = func() { told++ }
	if err := o.file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write([]byte("x")); err == nil || told != 1 {
		t.Errorf("%v, told %d times", err, told)
	}
	o.close()
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.open(100); err == nil || s.arriving != 0 || s.count != 0 {
		t.Errorf("%v, %d bytes, %d messages", err, s.arriving, s.count)
	}
}

// TestFailureMemoryOfStrangers: what others can make the router remember is bounded.
func TestFailureMemoryOfStrangers(t *testing.T) {
	start := time.Unix(1_780_000_000, 0)
	book := costBook{limit: 100, of: make(map[rns.Addr]StampCost)}
	for i := range 1_000 {
		book.learn(StampCost{Destination: rns.FullHash([]byte{byte(i), byte(i >> 8)}).Addr(), Cost: 8, At: start.Add(time.Duration(i))})
	}
	if n := len(book.of); n > 100 {
		t.Errorf("%d costs", n)
	}
	var recent recentIDs
	for i := range 3 * recentSize {
		recent.add(rns.FullHash([]byte{byte(i), byte(i >> 8), byte(i >> 16)}))
	}
	if n := len(recent.set); n > recentSize {
		t.Errorf("%d ids", n)
	}
	q := quota{limit: 3, period: time.Second}
	granted := 0
	for range 100 {
		if q.take(start, rns.Addr{1}) {
			granted++
		}
	}
	if granted != 3 || !q.take(start.Add(time.Second), rns.Addr{1}) || len(q.used) != 1 {
		t.Errorf("%d checks in a period", granted)
	}
}
