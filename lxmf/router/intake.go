package router

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// errOverload means that too much waits to be checked: no proof leaves, and the sender tries again.
var errOverload = errors.New("too many messages wait to be checked")

// arrival is a message that has come in and is not checked yet.
type arrival struct {
	packed   []byte
	method   lxmf.Method
	ratchet  *rns.RatchetID
	link     rns.Addr
	peer     rns.PublicKey // whom the peer of the link proved to be; zero if not
	hops     int
	on       node.InterfaceID
	signal   iface.Signal
	received time.Time
	// settled is told the outcome: nil releases the proof. Before it is called, answer is what policy said, and known whether
	// the message was received before.
	settled func(error)
	answer  Answer
	known   bool
}

// source is the author as the message says.
func (a *arrival) source() rns.Addr {
	if len(a.packed) < 2*rns.AddrSize {
		return rns.Addr{}
	}
	return rns.Addr(a.packed[rns.AddrSize : 2*rns.AddrSize])
}

// intake gives arrivals to a few workers, those of one source in order. It is safe for concurrent use.
type intake struct {
	r      *Router
	stamps chan struct{} // as many as may check stamps at once

	mu      sync.Mutex
	work    sync.Cond
	lanes   map[rns.Addr]*lane
	ready   []*lane
	waiting int
	closed  bool
	names   map[node.InterfaceID]string
	recent  recentIDs
	quota   quota
	asked   map[rns.Addr]time.Time // unknown sources a path was asked for

	refused map[Cause]uint64

	blackhole   map[rns.Addr]time.Time // until when, replaced and never changed
	blackholeAt time.Time
}

// lane holds the arrivals of one source. While it has any it is either ready or at a worker.
type lane struct {
	source rns.Addr
	queue  []*arrival
}

func (in *intake) init(r *Router) {
	in.r, in.stamps = r, make(chan struct{}, max(r.cfg.Params.StampChecks, 1))
	in.work.L = &in.mu
	in.lanes, in.names, in.asked = make(map[rns.Addr]*lane), make(map[node.InterfaceID]string), make(map[rns.Addr]time.Time)
	in.refused = make(map[Cause]uint64)
	in.quota = quota{limit: r.cfg.Params.StampQuota, period: r.cfg.Params.StampPeriod}
}

// put queues an arrival, or settles it at once when too many wait.
func (in *intake) put(a *arrival) {
	in.mu.Lock()
	source := a.source()
	l, ok := in.lanes[source]
	p := &in.r.cfg.Params
	if in.closed || in.waiting >= p.MaxBacklog || ok && len(l.queue) >= p.MaxSourceBacklog {
		in.mu.Unlock()
		a.settled(errOverload)
		return
	}
	in.waiting++
	if !ok {
		l = &lane{source: source}
		in.lanes[source] = l
		in.ready = append(in.ready, l)
		in.work.Signal()
	}
	l.queue = append(l.queue, a)
	in.mu.Unlock()
}

// run checks arrivals until close.
func (in *intake) run(ctx context.Context) {
	for {
		l, batch := in.next()
		if l == nil {
			return
		}
		in.done(l, in.r.receive(ctx, batch))
	}
}

// next returns the arrivals of one source to work on, nil at the end.
func (in *intake) next() (*lane, []*arrival) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.ready) == 0 && !in.closed {
		in.work.Wait()
	}
	if in.closed {
		return nil, nil
	}
	l := in.ready[0]
	in.ready = in.ready[1:]
	n, size := 0, 0
	for n < len(l.queue) && n < in.r.cfg.Params.StoreBatch && size < maxBatchSize {
		size += len(l.queue[n].packed)
		n++
	}
	return l, slices.Clone(l.queue[:n])
}

// maxBatchSize is how many bytes of messages are enough to be stored together.
const maxBatchSize = 1 << 20

// done takes the n first arrivals, which are settled, off their lane.
func (in *intake) done(l *lane, n int) {
	in.mu.Lock()
	in.waiting -= n
	clear(l.queue[:n])
	l.queue = l.queue[n:]
	left := l.queue
	switch {
	case len(left) == 0:
		delete(in.lanes, l.source)
	case !in.closed:
		in.ready = append(in.ready, l)
		in.work.Signal()
		left = nil
	}
	in.mu.Unlock()
	for _, a := range left {
		a.settled(ErrClosed)
	}
}

// close ends the workers, and settles what they have not begun.
func (in *intake) close() {
	in.mu.Lock()
	in.closed = true
	var left []*arrival
	for _, l := range in.ready {
		left = append(left, l.queue...)
	}
	in.ready = nil
	in.work.Broadcast()
	in.mu.Unlock()
	for _, a := range left {
		a.settled(ErrClosed)
	}
}

// interfaceName is the name of an interface, if it is still there.
func (in *intake) interfaceName(id node.InterfaceID) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.names[id]
}

// recentIDs remembers the newest received ids, until they are saved and longer. The zero value is empty.
type recentIDs struct {
	set  map[rns.Hash]struct{}
	ring []rns.Hash
	next int
}

const recentSize = 8_192

func (r *recentIDs) has(id rns.Hash) bool {
	_, ok := r.set[id]
	return ok
}

func (r *recentIDs) add(id rns.Hash) {
	if r.set == nil {
		r.set, r.ring = make(map[rns.Hash]struct{}), make([]rns.Hash, recentSize)
	}
	delete(r.set, r.ring[r.next])
	r.ring[r.next] = id
	r.set[id] = struct{}{}
	r.next = (r.next + 1) % recentSize
}

// quota counts expensive checks per source and period.
type quota struct {
	limit  int
	period time.Duration
	since  time.Time
	used   map[rns.Addr]int
}

// take reports whether one more check is allowed.
func (q *quota) take(now time.Time, source rns.Addr) bool {
	if q.used == nil || now.Sub(q.since) >= q.period {
		q.used, q.since = make(map[rns.Addr]int), now
	}
	if q.used[source] >= q.limit {
		return false
	}
	q.used[source]++
	return true
}
