package event

import (
	"context"
	"sync"
	"time"

	"meshchatx/rns"
)

// Params are the limits of a bus.
type Params struct {
	// Keep is how many recent events can be read again.
	Keep int
	// Batch is the largest number of events handed out at once.
	Batch int
}

// DefaultParams returns the values used in production.
func DefaultParams() Params { return Params{Keep: 4096, Batch: 256} }

// Bus numbers events and keeps the recent ones. Use New.
type Bus struct {
	params Params

	mu     sync.Mutex // guards everything below
	ring   []Event    // the event with number n is at n % len(ring)
	first  uint64     // oldest number kept; first == next: none
	next   uint64     // number of the next event
	wake   chan struct{}
	closed bool
}

// New returns a bus whose numbers start at the present time in microseconds, which keeps them
// growing from one run of the program to the next.
func New(now time.Time, p Params) *Bus {
	start := uint64(max(now.UnixMicro(), 1))
	return &Bus{params: p, ring: make([]Event, p.Keep), first: start, next: start, wake: make(chan struct{})}
}

// Publish numbers events, keeps them and wakes the readers. Their Seq is ignored. After Close it
// does nothing.
func (b *Bus) Publish(events ...Event) {
	if len(events) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for _, e := range events {
		e.Seq = b.next
		b.ring[b.next%uint64(len(b.ring))] = e
		b.next++
	}
	if kept := uint64(len(b.ring)); b.next-b.first > kept {
		b.first = b.next - kept
	}
	close(b.wake)
	b.wake = make(chan struct{})
}

// Last returns the number of the latest event, or the number before the first.
func (b *Bus) Last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next - 1
}

// Close ends every subscription. The bus then ignores what is published.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.wake)
	}
}

// Scope returns the publisher of one identity's events.
func (b *Bus) Scope(identity rns.Addr) *Scope { return &Scope{bus: b, identity: identity} }

// Scope publishes in the name of one identity.
type Scope struct {
	bus      *Bus
	identity rns.Addr
}

// Publish publishes an event of this identity.
func (s *Scope) Publish(t Type, ids IDs) {
	s.bus.Publish(Event{Identity: s.identity, Type: t, IDs: ids})
}

// Subscribe returns a reader. since is the number of the last event the reader knows; 0 means
// that it wants what happens from now on.
func (b *Bus) Subscribe(since uint64) *Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &Subscription{bus: b, at: since + 1}
	if since == 0 {
		s.at = b.next
	}
	return s
}

// Subscription reads events in order. It belongs to one goroutine and needs no closing.
type Subscription struct {
	bus *Bus
	at  uint64 // number of the next event to read
}

// Seq returns the number of the last event that was handed out, or the one the subscription began
// after. Bus.Last can be ahead of it: a reader told that number would skip what it has not read.
func (s *Subscription) Seq() uint64 { return s.at - 1 }

// Batch is a run of events.
type Batch struct {
	// Reset: events were missed, or the number asked for is unknown. The reader must read
	// everything anew; it then knows all up to Seq.
	Reset bool
	// Seq is the number of the last event the reader knows after this batch.
	Seq    uint64
	Events []Event
}

// Next waits for events and returns them, at most Params.Batch. It ends with ctx's error, or
// with ErrClosed when the bus is closed.
func (s *Subscription) Next(ctx context.Context) (Batch, error) {
	for {
		batch, wake, err := s.bus.read(&s.at)
		if err != nil || wake == nil {
			return batch, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
}

// read returns what there is from number *at, or a channel that is closed when there is more.
func (b *Bus) read(at *uint64) (Batch, <-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case *at < b.first || *at > b.next:
		*at = b.next
		return Batch{Reset: true, Seq: b.next - 1}, nil, nil
	case *at < b.next:
		n := min(b.next-*at, uint64(b.params.Batch))
		out := make([]Event, 0, n)
		for range n {
			out = append(out, b.ring[*at%uint64(len(b.ring))])
			*at++
		}
		return Batch{Seq: *at - 1, Events: out}, nil, nil
	case b.closed:
		return Batch{}, nil, ErrClosed
	default:
		return Batch{}, b.wake, nil
	}
}
