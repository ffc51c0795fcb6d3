package devicetest

import (
	"io"
	"sync"
	"time"
)

// Cable joins two serial ports: what one program writes the other reads. Plug each of its Ends into a port. Noise puts
// random bytes into what passes.
type Cable struct {
	ends [2]cableEnd

	mu    sync.Mutex
	talks [2]*talk
	noise float64
}

// NewCable returns a cable.
func NewCable() *Cable {
	c := &Cable{}
	c.ends = [2]cableEnd{{c, 0}, {c, 1}}
	return c
}

// Ends are the plugs of the cable.
func (c *Cable) Ends() (a, b Device) { return c.ends[0], c.ends[1] }

// Noise sets the share of pieces, 0 to 1, that get random bytes before them.
func (c *Cable) Noise(share float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noise = share
	for _, t := range c.talks {
		if t != nil {
			t.setNoise(share)
		}
	}
}

type cableEnd struct {
	cable *Cable
	at    int
}

// Serve passes on what the program at this end writes.
func (e cableEnd) Serve(line io.ReadWriteCloser) error {
	t := newTalk(line)
	defer t.end()
	e.cable.set(e.at, t)
	defer e.cable.set(e.at, nil)
	return t.read(func(b []byte) {
		if other := e.cable.talk(1 - e.at); other != nil && len(b) > 0 {
			other.pass(b)
		}
	})
}

func (c *Cable) set(at int, t *talk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.talks[at] = t
	if t != nil {
		t.setNoise(c.noise)
	}
}

func (c *Cable) talk(at int) *talk {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.talks[at]
}

// patience is how long a cable holds what the program at the other end does not read; then it is lost.
const patience = time.Second

// pass queues bytes, and waits a little while the queue is full.
func (t *talk) pass(b []byte) {
	b = append(t.garbage(), b...)
	select {
	case t.outbox <- b:
		return
	default:
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case t.outbox <- b:
	case <-late.C:
	case <-t.gone:
	}
}
