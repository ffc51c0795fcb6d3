package event

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newBus(keep, batch int) *Bus { return New(start, Params{Keep: keep, Batch: batch}) }

func TestResumeAfterKnownNumber(t *testing.T) {
	b := newBus(8, 8)
	scope := b.Scope(rns.Addr{7})
	known := b.Last()
	scope.Publish(MessageAdded, IDs{Peer: rns.Addr{1}})
	scope.Publish(MessageChanged, IDs{Peer: rns.Addr{2}})
	got, err := b.Subscribe(known).Next(t.Context())
	if err != nil || got.Reset || len(got.Events) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if e := got.Events[1]; e.Identity != (rns.Addr{7}) || e.Type != MessageChanged || e.Seq != known+2 || got.Seq != e.Seq {
		t.Errorf("second event %+v, batch ends at %d", e, got.Seq)
	}
}

func TestSeqIsWhatWasRead(t *testing.T) {
	b := newBus(8, 1)
	s := b.Subscribe(0)
	began := s.Seq()
	b.Publish(Event{Type: MessageAdded}, Event{Type: MessageChanged})
	if s.Seq() != began || began != b.Last()-2 {
		t.Fatalf("%d before reading; the subscription began after %d, the last event is %d", s.Seq(), began, b.Last())
	}
	if _, err := s.Next(t.Context()); err != nil || s.Seq() != began+1 {
		t.Fatalf("%d after one event, %v", s.Seq(), err)
	}
	// A reader that lost its connection goes on from there and misses nothing.
	got, err := b.Subscribe(s.Seq()).Next(t.Context())
	if err != nil || got.Reset || got.Seq != b.Last() {
		t.Fatalf("resumed: %+v, %v", got, err)
	}
}

func TestNumbersOutsideTheLogReset(t *testing.T) {
	for name, since := range map[string]func(b *Bus) uint64{
		"from another run": func(*Bus) uint64 { return 12 },
		"overwritten":      func(b *Bus) uint64 { return b.Last() - 5 },
		"from the future":  func(b *Bus) uint64 { return b.Last() + 9 },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBus(4, 4)
			for range 10 {
				b.Publish(Event{Type: HeardChanged})
			}
			s := b.Subscribe(since(b))
			got, err := s.Next(t.Context())
			if err != nil || !got.Reset || got.Seq != b.Last() {
				t.Fatalf("got %+v, %v", got, err)
			}
			b.Publish(Event{Type: PathChanged})
			if got, err = s.Next(t.Context()); err != nil || len(got.Events) != 1 || got.Events[0].Type != PathChanged {
				t.Fatalf("after the reset: %+v, %v", got, err)
			}
		})
	}
}

func TestNextWaitsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBus(4, 4)
		results := make(chan error, 2)
		ctx, cancel := context.WithCancel(t.Context())
		for _, c := range []context.Context{ctx, t.Context()} {
			s := b.Subscribe(0)
			go func() {
				_, err := s.Next(c)
				results <- err
			}()
		}
		synctest.Wait()
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled reader got %v", err)
		}
		b.Close()
		if err := <-results; !errors.Is(err, net.ErrClosed) {
			t.Errorf("reader of a closed bus got %v", err)
		}
		b.Publish(Event{Type: PathChanged})
		b.Close()
	})
}

func TestSlowReaderLosesNothingSilently(t *testing.T) {
	const publishers, each = 4, 500
	b := newBus(64, 16)
	s := b.Subscribe(0)
	first := b.Last()
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				b.Publish(Event{Type: HeardChanged})
			}
		})
	}
	seen := first
	for seen < first+publishers*each {
		got, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range got.Events {
			if e.Seq != seen+1 {
				t.Fatalf("event %d after %d without a reset", e.Seq, seen)
			}
			seen = e.Seq
		}
		seen = got.Seq
	}
	wg.Wait()
}

// A reader that applies batches and starts over on reset always ends with the published state.
func TestReaderConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBus(rapid.IntRange(1, 8).Draw(t, "keep"), rapid.IntRange(1, 4).Draw(t, "batch"))
		s := b.Subscribe(0)
		known := b.Last()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "publish") {
				b.Publish(make([]Event, rapid.IntRange(1, 5).Draw(t, "n"))...)
			} else if known != b.Last() {
				got, err := s.Next(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if !got.Reset && got.Events[0].Seq != known+1 {
					t.Fatalf("gap: %d after %d", got.Events[0].Seq, known)
				}
				known = got.Seq
			}
		}
		for known != b.Last() {
			got, _ := s.Next(context.Background())
			known = got.Seq
		}
	})
}
