package transport

import (
	"time"

	"meshchatx/rns"
)

// announceQueue holds the announces that wait for their share of an interface's bandwidth. The zero value is empty.
// spec: rns-core §10.5, §12.4
type announceQueue struct {
	// waiting has the selection order as deadline and the order of queueing as order of use.
	waiting table[rns.Addr, queuedAnnounce]
	// allowedAt is when the next announce may leave, timer when to look.
	allowedAt, timer tick
}

// queuedAnnounce is one announce in a queue.
type queuedAnnounce struct {
	queued  tick
	hops    uint8
	emitted int64
	raw     []byte
}

// airtime is how long the announce bandwidth is used up by size bytes.
func airtime(size int, bitrate int64, share float64) time.Duration {
	if bitrate <= 0 || share <= 0 {
		return 0
	}
	return seconds(float64(size) * 8 / float64(bitrate) / share)
}

// rank orders by hops, then by time of queueing in microseconds.
func (a *queuedAnnounce) rank() tick { return tick(a.hops)<<55 | a.queued/1000&(1<<55-1) }

// admit decides about an announce that wants to leave now, reserving the bandwidth if it may.
func (q *announceQueue) admit(now tick, size int, bitrate int64, share float64) bool {
	if q.waiting.len() > 0 || now <= q.allowedAt || bitrate <= 0 {
		return false
	}
	q.allowedAt = now.after(airtime(size, bitrate, share))
	return true
}

// push queues an announce. A queued announce of the same destination is replaced by a later emission.
// It reports false when the queue is full.
//
// differs: the reference replaces the last entry of the queue instead of the one that matches.
func (q *announceQueue) push(now tick, dest rns.Addr, a queuedAnnounce, limit int) bool {
	old := q.waiting.get(dest)
	switch {
	case old != nil && a.emitted <= old.emitted:
		return true
	case old == nil && q.waiting.len() >= limit:
		return false
	case old == nil && q.waiting.len() == 0:
		q.timer = max(now, q.allowedAt)
	}
	a.queued = now
	*q.waiting.put(dest) = a
	q.waiting.schedule(dest, a.rank())
	return true
}

// deadline is when pop should be called.
func (q *announceQueue) deadline() tick {
	if q.waiting.len() == 0 {
		return never
	}
	return q.timer
}

// pop returns the announce that may leave now, the one with the fewest hops and of these the oldest.
func (q *announceQueue) pop(now tick, life time.Duration, bitrate int64, share float64) (queuedAnnounce, rns.Addr, bool) {
	if now < q.deadline() {
		return queuedAnnounce{}, rns.Addr{}, false
	}
	for {
		dest, a, ok := q.waiting.first()
		if !ok || a.queued.after(life) >= now {
			break
		}
		q.waiting.delete(dest)
	}
	dest, a, ok := q.waiting.due(never - 1)
	if !ok {
		return queuedAnnounce{}, rns.Addr{}, false
	}
	out := *a
	q.waiting.delete(dest)
	q.allowedAt = now.after(airtime(len(out.raw), bitrate, share))
	q.timer = q.allowedAt
	return out, dest, true
}

// drop empties the queue and returns how many announces it held.
func (q *announceQueue) drop() int {
	n := q.waiting.len()
	q.waiting.clear()
	return n
}
