package node

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// serial runs functions one after the other on a goroutine that exists only while there is work. It gives each
// destination, link and subscriber its own order of callbacks without a goroutine each. A function that panics is
// contained and reported; the next one runs.
type serial struct {
	crew  *crew
	limit int // most functions waiting, 0 for no limit

	mu      sync.Mutex
	queue   []func()
	running bool
	closed  bool
}

// newSerial returns an executor whose goroutine belongs to crew.
func newSerial(c *crew, limit int) *serial { return &serial{crew: c, limit: limit} }

// do queues f. It reports false, without running f, when the queue is full or closed.
func (s *serial) do(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || (s.limit > 0 && len(s.queue) >= s.limit) {
		return false
	}
	s.crew.flight.add(1)
	s.queue = append(s.queue, f)
	if !s.running {
		s.running = true
		s.crew.run(s.drain)
	}
	return true
}

// drain runs what is queued and ends.
func (s *serial) drain() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.running = false
			s.queue = nil
			s.mu.Unlock()
			return
		}
		f := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.mu.Unlock()
		s.crew.contain(f)
		s.crew.flight.done()
	}
}

// close refuses further functions. Those queued still run.
func (s *serial) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// crew owns the goroutines of a node: all of them are waited for at its end.
type crew struct {
	flight inflight
	panics func(value any, stack []byte)

	mu    sync.Mutex
	n     int
	ended chan struct{} // closed when n reaches zero while somebody waits
}

// run starts a goroutine of the crew.
func (c *crew) run(f func()) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	go func() {
		defer c.leave()
		f()
	}()
}

func (c *crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.n == 0 && c.ended != nil {
		close(c.ended)
		c.ended = nil
	}
}

// wait returns when no goroutine of the crew is left.
func (c *crew) wait() {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return
	}
	if c.ended == nil {
		c.ended = make(chan struct{})
	}
	ended := c.ended
	c.mu.Unlock()
	<-ended
}

// contain runs a function of the application; a panic is reported and goes no further.
func (c *crew) contain(f func()) {
	defer func() {
		if v := recover(); v != nil {
			if c.panics != nil {
				c.panics(v, debug.Stack())
			}
		}
	}()
	f()
}

// PanicError reports that a callback of the application panicked.
type PanicError struct {
	// Value is what the callback panicked with, Stack where.
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("callback panicked: %v", e.Value) }
