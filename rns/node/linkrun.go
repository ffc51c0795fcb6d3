package node

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// Link is one link of this node. It is safe for concurrent use. A goroutine of its own runs the link machine: packets and
// calls reach it through the inbox, what it sends goes to the loop, or straight to the port for parts of resources.
type Link struct {
	node  *Node
	id    rns.Addr
	dest  rns.Addr
	role  link.Role
	local *Destination // responder: the destination; nil for initiators
	inbox linkInbox
	calls *serial // callbacks
	serve *serial // request handlers
	done  chan struct{}

	attached atomic.Uint32 // interface, 0 before it is known
	unread   atomic.Int64  // bytes of packets that wait for the application
	mate     *Link         // the other end, if it is in this node; set before the link runs

	// What follows belongs to the link's goroutine.
	m         *link.Link
	port      *port
	before    func(now time.Time) // what the loop must do before the next frames
	later     []func(now time.Time)
	jobs      int
	waiting   bool // for the port to become writable
	outbox    []outboxPacket
	yield     bool // what was sent has not had a chance to leave
	partsNext bool // whose turn it is when both parts and packets wait
	cause     error
	receipts  map[rns.Hash]*Receipt
	requests  map[link.RequestID]*RequestReceipt
	transfers map[link.TransferID]*transfer
	channel   channelSide
	settled   bool // counted as established or ended; belongs to the loop

	handler LinkHandler // belongs to calls

	mu      sync.Mutex
	view    linkView
	changed chan struct{} // closed at every change of state
}

// linkView is what others may read of a link.
type linkView struct {
	state  LinkState
	rtt    time.Duration
	mtu    int
	hops   int
	remote rns.PublicKey
	known  bool
	err    error
	opened time.Time
}

// linkPacket is a packet in the inbox of a link.
type inboxPacket struct {
	from, to int
	hops     uint8
	port     *port
	signal   iface.Signal
}

// linkInbox is what waits for a link's goroutine: packets, one after the other in one buffer, and calls. It is safe for
// concurrent use.
type linkInbox struct {
	flight *inflight
	bound  int
	wake   chan struct{}

	mu      sync.Mutex
	buf     []byte
	packets []inboxPacket
	calls   []func(now time.Time)
	spare   []byte
	spareP  []inboxPacket
	closed  bool
}

// put adds a packet. It reports false when the link is behind by too much, or closed.
func (b *linkInbox) put(raw []byte, p inboxPacket) bool {
	b.mu.Lock()
	if b.closed || len(b.buf)+len(raw) > b.bound {
		b.mu.Unlock()
		return false
	}
	p.from = len(b.buf)
	b.buf = append(b.buf, raw...)
	p.to = len(b.buf)
	b.packets = append(b.packets, p)
	b.mu.Unlock()
	b.flight.add(1)
	b.signal()
	return true
}

// call adds a function to run on the link's goroutine. It reports false when the link has ended.
func (b *linkInbox) call(f func(now time.Time)) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.calls = append(b.calls, f)
	b.mu.Unlock()
	b.flight.add(1)
	b.signal()
	return true
}

func (b *linkInbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take removes everything that waits.
func (b *linkInbox) take() (buf []byte, packets []inboxPacket, calls []func(now time.Time)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	buf, packets, calls = b.buf, b.packets, b.calls
	b.buf, b.packets, b.calls = b.spare[:0], b.spareP[:0], nil
	b.spare, b.spareP = nil, nil
	return buf, packets, calls
}

// giveBack returns the buffers of take, unless they have grown large.
func (b *linkInbox) giveBack(buf []byte, packets []inboxPacket) {
	if cap(buf) > batchKeep {
		return
	}
	clear(packets)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare, b.spareP = buf[:0], packets[:0]
}

// close refuses everything from now on and returns the calls that wait.
func (b *linkInbox) close() []func(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	calls := b.calls
	b.flight.add(-len(b.packets))
	b.buf, b.packets, b.calls = nil, nil, nil
	return calls
}

// newLink prepares the shell of a link around a machine that may follow later.
func (n *Node) newLink(id, dest rns.Addr, role link.Role) *Link {
	l := &Link{
		node: n, id: id, dest: dest, role: role,
		calls: newSerial(&n.crew, 0), serve: newSerial(&n.crew, 0), done: make(chan struct{}),
		receipts: make(map[rns.Hash]*Receipt), requests: make(map[link.RequestID]*RequestReceipt),
		transfers: make(map[link.TransferID]*transfer), changed: make(chan struct{}),
	}
	l.inbox = linkInbox{flight: &n.crew.flight, bound: n.cfg.Params.LinkInbox, wake: make(chan struct{}, 1)}
	l.view = linkView{mtu: link.MinMTU, hops: rns.MaxHops, opened: n.env.now()}
	return l
}

// run owns the link machine until the link has ended.
func (l *Link) run() {
	defer l.end()
	timer := time.NewTimer(farDeadline)
	defer timer.Stop()
	for {
		l.step()
		if l.m.State() == link.Dead && l.jobs == 0 {
			return
		}
		wait := farDeadline
		if d := l.m.Deadline(); !d.IsZero() {
			wait = max(0, d.Sub(l.node.env.now()))
		}
		timer.Reset(wait)
		select {
		case <-l.inbox.wake:
		case <-timer.C:
			now := l.node.env.now()
			l.apply(now, l.m.Expire(now))
		case <-l.node.gone:
			now := l.node.env.now()
			l.cause = ErrClosed
			l.apply(now, l.m.Close(now))
			return
		}
	}
}

// step works off the inbox, and sends what may be sent.
func (l *Link) step() {
	for {
		buf, packets, calls := l.inbox.take()
		for _, p := range packets {
			l.giveWay()
			l.receive(l.node.env.now(), buf[p.from:p.to:p.to], p)
		}
		for _, f := range calls {
			l.giveWay()
			now := l.node.env.now()
			f(now)
			l.follow(now)
		}
		l.inbox.giveBack(buf, packets)
		l.pump()
		if len(packets)+len(calls) == 0 {
			return
		}
		l.node.crew.flight.add(-len(packets) - len(calls))
	}
}

// giveWay lets what was sent leave before the next packet or call, which may cost a signature or its check.
func (l *Link) giveWay() {
	if l.yield {
		l.yield = false
		runtime.Gosched()
	}
}

// receive gives one packet to the machine.
func (l *Link) receive(now time.Time, raw []byte, in inboxPacket) {
	p, err := rns.ParsePacket(raw)
	if err != nil {
		return
	}
	p.Hops = in.hops
	before := l.m.State()
	if in.port == nil { // from the mate
		l.apply(now, l.m.Receive(now, raw, p, 0))
		return
	}
	fx := l.m.Receive(now, raw, p, link.InterfaceID(in.port.id))
	in.port.count.verdict(fx.Verdict)
	if before == link.Pending && l.m.State() != link.Pending && l.role == link.Initiator {
		l.attach(in.port)
		l.m.SetExpectedHops(in.hops)
		l.before = func(time.Time) { _ = l.node.m.ActivateLink(l.id, in.port.id) }
	}
	l.apply(now, fx)
}

// attach notes where the link is attached.
func (l *Link) attach(p *port) {
	l.port = p
	l.attached.Store(uint32(p.id))
}

// apply carries out what the machine wants: frames to their way out, jobs to workers, events to the application.
func (l *Link) apply(now time.Time, fx *link.Effects) {
	if l.mate != nil {
		l.toMate(fx)
	} else {
		l.transmit(fx)
	}
	for _, j := range fx.Jobs {
		l.startJob(j)
	}
	for _, e := range fx.Events {
		l.happened(now, e)
	}
	l.refresh()
	l.learnNeighbour()
	l.follow(now)
}

// transmit sends frames by the loop, or straight to the port.
func (l *Link) transmit(fx *link.Effects) {
	var frames [][]byte
	for i := range fx.Send {
		f := &fx.Send[i]
		if f.Context == rns.ContextResource && l.port != nil {
			// Parts may repeat byte for byte, so the packet filter need not see them.
			_ = l.port.out.put(f.Raw, bulk) // what finds no room is asked for again
			continue
		}
		frames = append(frames, f.Raw)
	}
	if l.port != nil {
		l.port.out.signal()
	}
	before := l.before
	l.before = nil
	if len(frames) == 0 && before == nil {
		return
	}
	l.yield = true
	size, p := 0, l.port
	for _, raw := range frames {
		size += len(raw)
	}
	if p != nil {
		p.out.promise(size)
	}
	l.node.post(func(now time.Time) {
		if before != nil {
			before(now)
		}
		l.node.outLink(now, frames)
		if p != nil {
			p.out.redeem(size)
		}
	})
}

// follow runs what events left for after the effects of a call: they are gone by then.
func (l *Link) follow(now time.Time) {
	for len(l.later) > 0 {
		f := l.later[0]
		l.later = l.later[1:]
		f(now)
	}
}

// startJob runs expensive work on another goroutine, as many at once as there are processors.
func (l *Link) startJob(j link.Job) {
	l.jobs++
	l.node.crew.flight.add(1)
	l.node.crew.run(func() {
		defer l.node.crew.flight.done()
		l.node.workers.enter()
		r := j.Run()
		l.node.workers.leave()
		l.inbox.call(func(now time.Time) {
			l.jobs--
			l.apply(now, l.m.JobDone(now, r))
		})
	})
}

// refresh publishes the state of the machine.
func (l *Link) refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := &l.view
	v.rtt, v.mtu, v.hops = l.m.RTT(), l.m.MTU(), int(l.m.ExpectedHops())
	v.remote, v.known = l.m.RemoteIdentity()
	if s := l.m.State(); s != v.state {
		v.state = s
		if s == link.Dead {
			v.err = l.cause
		}
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// end takes the link out of the node and fails what is left.
func (l *Link) end() {
	for _, f := range l.inbox.close() {
		f(l.node.env.now())
		l.node.crew.flight.done()
	}
	l.conclude()
	how := transport.LinkClosed
	if l.role == link.Initiator && l.port == nil && l.mate == nil && errors.Is(l.cause, ErrLinkTimeout) {
		how = transport.LinkNeverProved
	}
	l.node.post(func(now time.Time) {
		l.settle()
		delete(l.node.links, l.key())
		if l.mate == nil {
			l.node.apply(now, l.node.m.RemoveLink(now, l.id, how), nil)
		}
	})
	close(l.done)
}

// settle counts an incoming link as no longer pending, once. It runs on the loop.
func (l *Link) settle() {
	if l.role == link.Responder && !l.settled {
		l.settled = true
		l.node.pending--
	}
}
