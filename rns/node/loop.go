package node

import (
	"context"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// call is a question or command of another goroutine to the loop.
type call func(now time.Time)

// farDeadline is when the timer fires if nothing is due.
const farDeadline = 24 * time.Hour

// loop owns all transport state until ctx ends. Order among ready sources is not defined and must not matter.
func (n *Node) loop(ctx context.Context) {
	defer close(n.gone)
	timer := time.NewTimer(farDeadline)
	defer timer.Stop()
	var armed time.Time
	for {
		if next := n.deadline(); !next.Equal(armed) {
			armed = next
			timer.Reset(n.until(next))
		}
		select {
		case <-ctx.Done():
			n.shutdown()
			return
		case c := <-n.calls:
			c(n.env.now())
			n.crew.flight.done()
		case b := <-n.frames:
			n.receive(b)
		case jobs := <-n.checked:
			n.verified(jobs)
		case <-timer.C:
			now := n.env.now()
			n.apply(now, n.m.Expire(now), nil)
			n.releaseProofs(now)
			armed = time.Time{}
			if n.deadline().IsZero() {
				timer.Reset(farDeadline)
			}
		}
		n.flush()
	}
}

// until is how long the timer sleeps.
func (n *Node) until(deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return farDeadline
	}
	return max(0, deadline.Sub(n.env.now()))
}

// shutdown answers what is still waiting for the loop: calls run, frames are dropped.
func (n *Node) shutdown() {
	for {
		select {
		case c := <-n.calls:
			c(n.env.now())
			n.crew.flight.done()
		case b := <-n.frames:
			b.release()
			n.crew.flight.done()
		case jobs := <-n.checked:
			n.crew.flight.add(-len(jobs))
		default:
			for _, r := range n.receipts {
				r.conclude(func(s *ReceiptStatus) { s.State, s.Err, s.Concluded = ReceiptFailed, ErrClosed, n.env.now() })
			}
			return
		}
	}
}

// receive puts the frames of one batch through the machine.
func (n *Node) receive(b *batch) {
	now := n.env.now()
	for i := range b.frames {
		f := &b.frames[i]
		raw := b.buf[f.from:f.to]
		var seen *TapRecord
		if n.tap.active() {
			seen = n.tap.inbound(b.port, now, raw, f)
		}
		if n.checks >= n.cfg.Params.MaxVerifying && announces(raw) {
			b.port.count.verdict(rns.VerdictOverload)
			if seen != nil {
				n.tap.record(seen, rns.VerdictOverload)
			}
			continue
		}
		fx := n.m.Inbound(now, transport.Frame{Interface: b.port.id, Raw: raw, Signal: transport.Signal(f.signal)})
		b.port.count.verdict(fx.Verdict)
		if seen != nil {
			n.tap.record(seen, fx.Verdict)
		}
		n.apply(now, fx, b.port)
	}
	b.release()
	n.crew.flight.done()
}

// verified hands finished signature checks back to the machine.
func (n *Node) verified(jobs []checkedJob) {
	now := n.env.now()
	for _, j := range jobs {
		fx := n.m.Verified(now, j.result)
		if j.port != nil {
			j.port.count.verdict(fx.Verdict)
			j.port.credit.give()
		}
		n.apply(now, fx, j.port)
	}
	n.checks -= len(jobs)
	n.crew.flight.add(-len(jobs))
}

// announces tells whether a packet is an announce, by its first byte. spec: rns-core §7.1
func announces(raw []byte) bool {
	return len(raw) > 0 && rns.PacketType(raw[0]&3) == rns.PacketAnnounce
}

// apply carries out what the machine wants: transmissions to port queues, deliveries to their receivers, signature checks
// to the pool, events to whom they concern. It contains no protocol rule. from is the port a packet came in on, or nil.
func (n *Node) apply(now time.Time, fx *transport.Effects, from *port) {
	for _, t := range fx.Send {
		n.transmit(t)
	}
	for i := range fx.Deliver {
		n.deliver(now, &fx.Deliver[i])
	}
	for _, j := range fx.Verify {
		n.verify(j, from)
	}
	for _, e := range fx.Events {
		n.happened(now, e)
	}
	n.dirty |= fx.Dirty
}

// transmit queues a frame on its port.
func (n *Node) transmit(t transport.Transmission) {
	p, ok := n.ports[t.Interface]
	if !ok {
		return
	}
	v := p.out.put(t.Raw, n.sending)
	if v == rns.VerdictNone {
		n.touch(p)
		return
	}
	p.count.verdict(v)
	if n.tap.active() {
		n.tap.outbound(p, n.env.now(), t.Raw, nil, v)
	}
}

// touch remembers a port whose writer must be woken at the end of the round.
func (n *Node) touch(p *port) {
	if !p.touched {
		p.touched = true
		n.touched = append(n.touched, p)
	}
}

// flush wakes the writers of the ports that got frames in this round.
func (n *Node) flush() {
	for i, p := range n.touched {
		p.touched = false
		p.out.signal()
		n.touched[i] = nil
	}
	n.touched = n.touched[:0]
}

// verify gives a signature check to the pool.
func (n *Node) verify(j transport.VerifyJob, from *port) {
	n.crew.flight.add(1)
	n.checks++
	if from != nil {
		from.credit.take()
	}
	n.pool.put(j, from)
}

// post runs f on the loop later. It reports false if the node is closed.
func (n *Node) post(f call) bool {
	select {
	case <-n.gone:
		return false
	default:
	}
	n.crew.flight.add(1)
	select {
	case n.calls <- f:
		return true
	case <-n.gone:
		n.crew.flight.done()
		return false
	}
}

// ask runs f on the loop and returns its answer.
func ask[T any](ctx context.Context, n *Node, f func(now time.Time) T) (T, error) {
	var zero T
	if !n.running() {
		return zero, ErrClosed
	}
	answer := make(chan T, 1)
	n.crew.flight.add(1)
	select {
	case n.calls <- func(now time.Time) { answer <- f(now) }:
	case <-n.gone:
		n.crew.flight.done()
		return zero, ErrClosed
	case <-ctx.Done():
		n.crew.flight.done()
		return zero, context.Cause(ctx)
	}
	select {
	case v := <-answer:
		return v, nil
	case <-n.gone:
		select {
		case v := <-answer:
			return v, nil
		default:
			return zero, ErrClosed
		}
	}
}

// running tells whether the node was started.
func (n *Node) running() bool {
	n.life.Lock()
	defer n.life.Unlock()
	return n.life.started
}

// out sends a packed packet of this node and returns its hash and verdict. It runs on the loop.
func (n *Node) out(now time.Time, p transport.OutPacket) (rns.Hash, rns.Verdict) {
	fx := n.m.Outbound(now, p)
	hash, verdict := fx.Hash, fx.Verdict
	n.apply(now, fx, nil)
	return hash, verdict
}
