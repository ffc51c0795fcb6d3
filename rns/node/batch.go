package node

import (
	"sync"

	"meshchatx/rns/iface"
)

// batch is a group of frames on their way from a port's reader to the loop, access codes removed. One buffer holds them
// all, so that a frame costs no allocation.
type batch struct {
	port   *port
	buf    []byte
	frames []span
}

// span is one frame in the buffer of a batch.
type span struct {
	from, to int
	signal   iface.Signal
	wire     []byte // the frame as received, kept only for taps
}

// batchKeep is the largest buffer kept for reuse, in bytes.
const batchKeep = 1 << 20

var batches = sync.Pool{New: func() any { return new(batch) }}

func newBatch(p *port) *batch {
	b := batches.Get().(*batch)
	b.port = p
	return b
}

// release gives the batch back; its frames are gone.
func (b *batch) release() {
	if cap(b.buf) > batchKeep {
		return
	}
	clear(b.frames)
	b.port, b.buf, b.frames = nil, b.buf[:0], b.frames[:0]
	batches.Put(b)
}

// credit limits how much one reader may have outstanding: take counts, give counts back, wait blocks the reader while
// too much is outstanding. take and give belong to the loop, wait to the reader.
type credit struct {
	limit int

	mu    sync.Mutex
	used  int
	below chan struct{} // closed when half of the limit is free again; nil while nobody waits
}

func (c *credit) take() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used++
}

func (c *credit) give() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used--
	if c.below != nil && c.used <= c.limit/2 {
		close(c.below)
		c.below = nil
	}
}

// wait returns when the reader may go on, or done is closed.
func (c *credit) wait(done <-chan struct{}) {
	c.mu.Lock()
	if c.used < c.limit {
		c.mu.Unlock()
		return
	}
	if c.below == nil {
		c.below = make(chan struct{})
	}
	below := c.below
	c.mu.Unlock()
	select {
	case <-below:
	case <-done:
	}
}
