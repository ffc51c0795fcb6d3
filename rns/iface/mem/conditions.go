package mem

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Conditions describe what a medium does to frames. The zero value is a perfect medium: nothing is lost, nothing takes
// time. Conditions apply per direction and receiver.
type Conditions struct {
	// Loss, Duplicate and Reorder are probabilities between 0 and 1. A reordered frame is held back by ReorderDelay, so
	// that later ones overtake it.
	Loss, Duplicate, Reorder float64
	// Delay is the time a frame travels; Jitter is added to it, evenly distributed, without changing the order.
	Delay, Jitter time.Duration
	// ReorderDelay is how long a reordered frame is held back, by default twice Delay plus 10 ms.
	ReorderDelay time.Duration
	// Bandwidth is the rate of the sender in bit/s; a Send blocks as long as its frame takes. 0 is without limit.
	Bandwidth int64
	// Seed starts the generator of chance.
	Seed uint64
	// Mutate sees every frame before the rest happens and returns what travels on, nil to drop it. It may change the
	// frame in place. It must be safe for concurrent use.
	Mutate func(from, to *Endpoint, frame []byte) []byte
}

// airtime is how long a frame occupies the medium.
func (c *Conditions) airtime(size int) time.Duration {
	if c.Bandwidth <= 0 {
		return 0
	}
	return time.Duration(int64(size) * 8 * int64(time.Second) / c.Bandwidth)
}

// fate is what happens to one frame on its way to one receiver.
type fate struct {
	copies int
	delay  time.Duration
	held   bool
}

// draw decides the fate of a frame.
func (c *Conditions) draw(r *rand.Rand) fate {
	f := fate{copies: 1, delay: c.Delay}
	if c.Jitter > 0 {
		f.delay += time.Duration(r.Int64N(int64(c.Jitter)))
	}
	if c.Loss > 0 && r.Float64() < c.Loss {
		f.copies = 0
	}
	if f.copies > 0 && c.Duplicate > 0 && r.Float64() < c.Duplicate {
		f.copies = 2
	}
	if c.Reorder > 0 && r.Float64() < c.Reorder {
		f.held = true
		f.delay += c.reorderDelay()
	}
	return f
}

func (c *Conditions) reorderDelay() time.Duration {
	if c.ReorderDelay > 0 {
		return c.ReorderDelay
	}
	return 2*c.Delay + 10*time.Millisecond
}

// arrival is a frame on its way.
type arrival struct {
	due   time.Time
	frame []byte
}

// inbox holds frames on their way to one endpoint, ordered by the time they arrive.
type inbox struct {
	frames []arrival
	last   time.Time // latest arrival that was not held back: order is kept among those
}

// put adds a frame that arrives at due, or with the frame before it if that one is later and order is kept.
func (b *inbox) put(due time.Time, held bool, frame []byte) {
	if !held {
		if due.Before(b.last) {
			due = b.last
		}
		b.last = due
	}
	at, _ := slices.BinarySearchFunc(b.frames, due, func(a arrival, t time.Time) int {
		if a.due.After(t) {
			return 1
		}
		return -1
	})
	b.frames = slices.Insert(b.frames, at, arrival{due: due, frame: frame})
}

// take removes the frames that have arrived by now.
func (b *inbox) take(now time.Time) []arrival {
	n := 0
	for n < len(b.frames) && !b.frames[n].due.After(now) {
		n++
	}
	out := slices.Clone(b.frames[:n])
	b.frames = slices.Delete(b.frames, 0, n)
	return out
}

// next is when the next frame arrives.
func (b *inbox) next() (time.Time, bool) {
	if len(b.frames) == 0 {
		return time.Time{}, false
	}
	return b.frames[0].due, true
}
