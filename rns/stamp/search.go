package stamp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
)

// ErrCost means that no stamp can satisfy the cost asked for.
var ErrCost = errors.New("stamp: impossible cost")

// batch is how many candidates a worker takes at a time. It takes well under a
// millisecond, which is how long cancelling may take.
const batch = 4096

// Options say how to search. The zero value searches on one goroutine with
// system randomness.
type Options struct {
	// Workers is the number of goroutines, the caller's included.
	Workers int
	// Rand gives the part of the stamps that is common to all candidates.
	// Nil means crypto/rand.
	Rand io.Reader
	// Start is the number of the first candidate.
	Start uint64
	// Attempts, if not nil, is increased as candidates are tried, about every
	// 4096, so that progress can be shown.
	Attempts *atomic.Uint64
}

// Found is the result of a search.
type Found struct {
	Stamp Stamp
	Value int // leading zero bits, at least about the cost
}

// Search looks for a stamp that satisfies cost. On average it takes 2^cost
// attempts. A cost below one is satisfied by the first candidate.
//
// Candidates are numbered and the first valid one is the result, whatever the
// number of workers: with a fixed Rand and Start the result is always the same.
//
// When ctx ends, Search returns its cause within a millisecond. All goroutines
// have ended when it returns.
func (w *Work) Search(ctx context.Context, cost int, o Options) (Found, error) {
	if cost > MaxCost {
		return Found{}, fmt.Errorf("%w %d", ErrCost, cost)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	s := search{work: w, cost: cost, attempts: o.Attempts}
	if _, err := io.ReadFull(o.Rand, s.common[:]); err != nil {
		return Found{}, fmt.Errorf("read randomness for a stamp: %w", err)
	}
	s.next.Store(o.Start)
	s.best.Store(math.MaxUint64)
	parallel(o.Workers, func() { s.run(ctx) })
	best := s.best.Load()
	if best == math.MaxUint64 {
		return Found{}, context.Cause(ctx)
	}
	found := Found{Stamp: s.candidate(best)}
	found.Value = w.Value(found.Stamp[:])
	return found, nil
}

// search is shared by the workers of one Search.
type search struct {
	work     *Work
	cost     int
	common   [Size - 8]byte
	attempts *atomic.Uint64
	next     atomic.Uint64 // first candidate nobody has taken
	best     atomic.Uint64 // lowest valid candidate so far
}

// candidate is the stamp of number n: the common part and the number.
func (s *search) candidate(n uint64) (c Stamp) {
	binary.BigEndian.PutUint64(c[copy(c[:], s.common[:]):], n)
	return c
}

func (s *search) run(ctx context.Context) {
	a := newAttempt(s.work)
	for ctx.Err() == nil {
		from := s.next.Add(batch) - batch
		if from > s.best.Load() {
			return
		}
		if s.attempts != nil {
			s.attempts.Add(batch)
		}
		if n, ok := s.try(a, from); ok {
			s.offer(n)
			return
		}
	}
}

// try looks for the first valid candidate of a batch.
func (s *search) try(a *attempt, from uint64) (uint64, bool) {
	c := s.candidate(from)
	for n := from; n != from+batch; n++ {
		binary.BigEndian.PutUint64(c[len(s.common):], n)
		if satisfies(a.digest(c[:]), s.cost) {
			return n, true
		}
	}
	return 0, false
}

// offer makes n the best candidate unless a lower one is known.
func (s *search) offer(n uint64) {
	for {
		best := s.best.Load()
		if n >= best || s.best.CompareAndSwap(best, n) {
			return
		}
	}
}
