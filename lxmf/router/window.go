package router

import "time"

// window is how many packets may await their proof at once, on one link or loose towards one recipient. The way may lead over
// media we know nothing of, so what their proofs tell is all there is: while they come about as fast as the first one the
// window grows, when they take much longer they wait in a queue somewhere, and it shrinks, as it does when one is missing.
type window struct {
	size int
	best time.Duration // shortest time to a proof so far, 0 before the first
}

// Rules of windows, relative to the shortest time to a proof.
const (
	windowStart = 2
	// slackRTT is a time to a proof that is short whatever the shortest was: stores and schedulers need some of it.
	slackRTT = 100 * time.Millisecond
	// slowRTT is a time to a proof of a medium on which one thing keeps another waiting.
	slowRTT = 500 * time.Millisecond
)

// newWindow starts small, or at once at its full size where a link was set up quickly.
func (m *machine) newWindow(rtt time.Duration) window {
	if rtt > 0 && rtt < slackRTT {
		return window{size: m.p.Window}
	}
	return window{size: min(windowStart, m.p.Window), best: rtt}
}

// proved takes the time a proof took into account.
func (w *window) proved(rtt time.Duration, most int) {
	if rtt <= 0 {
		return
	}
	if w.best == 0 || rtt < w.best {
		w.best = rtt
	}
	switch {
	case rtt < slackRTT || rtt < w.best+w.best/2:
		w.size = min(w.size+1, most)
	case rtt > 2*w.best && rtt > slowRTT:
		w.size = max(w.size-1, 1)
	}
}

// slow tells whether the way is slow, as far as is known.
func (w *window) slow() bool { return w.best > slowRTT }

// lost takes a missing proof into account.
func (w *window) lost() { w.size = max(w.size/2, 1) }

// takeSlot lets a message go loose, or puts it into the line of those that wait for the proofs of others.
func (p *peer) takeSlot(d *delivery) bool {
	switch {
	case d.slot:
		return true
	case p.slots >= p.window.size:
		d.stage = StageQueued
		p.looseLine.insert(d)
		return false
	}
	d.slot = true
	p.slots++
	return true
}

// freeSlot takes a message off the loose ones and lets the next go.
func (m *machine) freeSlot(now time.Time, d *delivery) {
	p := d.peer
	p.looseLine.remove(d)
	if d.slot {
		d.slot = false
		p.slots--
	}
	for p.slots < p.window.size {
		next := p.looseLine.pop()
		if next == nil {
			return
		}
		m.sendLoose(now, next)
	}
}
