package router

import (
	"context"
	"sync"
	"time"
)

// input is something that happened, for the machine.
type input func(m *machine, now time.Time)

// mailbox carries inputs to the router's goroutine, in order. Posting never blocks, except for announces, which are the one
// source that the network controls. It is safe for concurrent use.
type mailbox struct {
	bound int
	wake  chan struct{}

	mu     sync.Mutex
	queue  []input
	closed bool
	room   chan struct{} // closed when the queue has been taken; nil while nobody waits
}

func (b *mailbox) init(bound int) {
	b.bound, b.wake = bound, make(chan struct{}, 1)
}

// post adds an input. It reports false when the router has ended.
func (b *mailbox) post(in input) bool { return b.submit(0, in) }

// submit adds an input unless limit inputs wait; 0 is no limit.
func (b *mailbox) submit(limit int, in input) bool {
	b.mu.Lock()
	if b.closed || limit > 0 && len(b.queue) >= limit {
		b.mu.Unlock()
		return false
	}
	b.queue = append(b.queue, in)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// postWait adds an input and waits while too many wait.
func (b *mailbox) postWait(done <-chan struct{}, in input) {
	for {
		b.mu.Lock()
		if b.closed || len(b.queue) < b.bound {
			b.mu.Unlock()
			b.post(in)
			return
		}
		if b.room == nil {
			b.room = make(chan struct{})
		}
		room := b.room
		b.mu.Unlock()
		select {
		case <-room:
		case <-done:
			return
		}
	}
}

// take removes all inputs. spare is reused for the next ones.
func (b *mailbox) take(spare []input) []input {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = spare[:0]
	if b.room != nil {
		close(b.room)
		b.room = nil
	}
	return q
}

// close refuses inputs from now on and returns those that wait.
func (b *mailbox) close() []input {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	q := b.queue
	b.queue = nil
	if b.room != nil {
		close(b.room)
		b.room = nil
	}
	return q
}

// ask runs f on the router's goroutine and returns its answer.
func ask[T any](ctx context.Context, r *Router, f func(m *machine, now time.Time) T) (T, error) {
	var zero T
	answer := make(chan T, 1)
	if !r.box.post(func(m *machine, now time.Time) { answer <- f(m, now) }) {
		return zero, ErrClosed
	}
	select {
	case v := <-answer:
		return v, nil
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	case <-r.done:
		select {
		case v := <-answer:
			return v, nil
		default:
			return zero, ErrClosed
		}
	}
}
