package node

import (
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
)

// priority says what may be dropped when a queue is full.
type priority uint8

const (
	// datagram frames are dropped over the bound.
	datagram priority = iota
	// urgent frames are those of local links that could not ask for room, such as proofs and requests: they may exceed the
	// bound once more.
	urgent
	// bulk frames come from links that asked for room before; they are always taken.
	bulk
)

// outQueue holds the frames that wait for an interface. It is bounded in bytes, from which the airtime at the interface's
// bitrate follows. Frames lie one after the other in one buffer; the writer takes all of them at once and gives the
// buffer back, so that a frame costs no allocation. It is safe for concurrent use.
type outQueue struct {
	flight *inflight
	total  *atomic.Int64 // bytes that wait for all interfaces

	mu      sync.Mutex
	open    bool // the interface is up
	bound   int  // bytes
	room    int  // bytes that links may fill
	floor   int  // bytes that may wait whatever the others hold
	most    int64
	buf     []byte
	ends    []int // end of each frame in buf
	spare   []byte
	spareE  []int
	sending int // bytes the writer has taken and not finished
	coming  int // bytes that links have sent and the loop has not put yet
	waiting []func()
	wake    chan struct{}
}

// setBounds sets how much may wait: bytes, at most what the bitrate carries in airtime, at least what floor says. Over
// the floor, all interfaces together hold no more than total.
func (q *outQueue) setBounds(bitrate int64, bytes int, airtime, bulkTime time.Duration, floor int, total int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.floor, q.most = floor, total
	q.bound, q.room = bytes, bytes/4
	if bitrate > 0 {
		q.bound = min(q.bound, carried(bitrate, airtime))
		q.room = min(q.room, carried(bitrate, bulkTime))
	}
	q.bound, q.room = max(q.bound, floor), max(q.room, q.leastRoom())
}

// leastRoom is what links may fill at any rate: little, because they count on what they sent being on its way.
func (q *outQueue) leastRoom() int { return min(rns.MTU, q.floor) }

// carried is how many bytes a bitrate carries in a time.
func carried(bitrate int64, d time.Duration) int {
	return int(min(float64(bitrate)/8*d.Seconds(), 1<<40))
}

// put queues a copy of a frame and answers VerdictNone, or drops it and says why: the interface is down, the queue is full.
// signal must be called afterwards.
func (q *outQueue) put(frame []byte, pr priority) rns.Verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return rns.VerdictClosed
	}
	if bound := q.allowed(q.bound, q.floor); pr != bulk {
		if pr == urgent {
			bound *= 2
		}
		if len(q.buf)+q.sending+len(frame) > bound {
			return rns.VerdictQueueFull
		}
	}
	q.total.Add(int64(len(frame)))
	if len(q.ends) == 0 {
		q.flight.add(1)
	}
	q.buf = append(q.buf, frame...)
	q.ends = append(q.ends, len(q.buf))
	return rns.VerdictNone
}

// allowed is the bound that holds now: that of this interface, or the least one while all together hold too much.
func (q *outQueue) allowed(bound, least int) int {
	if q.total.Load() > q.most {
		return min(bound, least)
	}
	return bound
}

// signal wakes the writer.
func (q *outQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// free is how many bytes links may add now.
func (q *outQueue) free() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return 0
	}
	return q.spareRoom()
}

// spareRoom is how many bytes links may add, with the lock held.
func (q *outQueue) spareRoom() int {
	return q.allowed(q.room, q.leastRoom()) - len(q.buf) - q.sending - q.coming
}

// promise counts bytes a link has sent that are still on their way through the loop, redeem takes them off again.
func (q *outQueue) promise(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.coming += n
}

func (q *outQueue) redeem(n int) {
	q.mu.Lock()
	q.coming -= n
	ready := q.ready()
	q.mu.Unlock()
	for _, f := range ready {
		f()
	}
}

// ready takes out the links to be woken, with the lock held: all, when half of the room is free.
func (q *outQueue) ready() []func() {
	if !q.open || q.spareRoom() < q.allowed(q.room, q.leastRoom())/2 {
		return nil
	}
	ready := q.waiting
	q.waiting = nil
	return ready
}

// whenWritable calls f once when links may add again, or at once if they may now. f must not block.
func (q *outQueue) whenWritable(f func()) {
	q.mu.Lock()
	if q.open && q.spareRoom() > 0 {
		q.mu.Unlock()
		f()
		return
	}
	q.waiting = append(q.waiting, f)
	q.mu.Unlock()
}

// take gives the writer everything that waits. The writer calls done when it has been sent.
func (q *outQueue) take() (buf []byte, ends []int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	buf, ends = q.buf, q.ends
	q.buf, q.ends = q.spare[:0], q.spareE[:0]
	q.spare, q.spareE = nil, nil
	q.sending = len(buf)
	return buf, ends
}

// sent counts bytes that have left and wakes links when there is room for them.
func (q *outQueue) sent(n int) {
	q.mu.Lock()
	q.sending -= n
	q.total.Add(int64(-n))
	ready := q.ready()
	q.mu.Unlock()
	for _, f := range ready {
		f()
	}
}

// done gives the buffers of take back.
func (q *outQueue) done(buf []byte, ends []int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sending = 0
	if cap(buf) <= 2*batchKeep {
		q.spare, q.spareE = buf[:0], ends[:0]
	}
	if len(ends) > 0 {
		q.flight.done()
	}
}

// setOpen says whether the interface is up. Closing drops what waits: offline interfaces do not queue. Links that wait
// are called at the next opening. spec: rns-interfaces §1.5
func (q *outQueue) setOpen(open bool) {
	q.mu.Lock()
	q.open = open
	var ready []func()
	if open {
		ready, q.waiting = q.waiting, nil
	} else if len(q.ends) > 0 {
		q.total.Add(int64(-len(q.buf)))
		q.buf, q.ends = q.buf[:0], q.ends[:0]
		q.flight.done()
	}
	q.mu.Unlock()
	for _, f := range ready {
		f()
	}
}

// queued is how many bytes wait or are being sent.
func (q *outQueue) queued() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.buf) + q.sending
}
