package node

import (
	"bytes"
	"context"
	"time"

	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// outlet is where a link sends: the queue of a port, or the inbox of the other end in this node.
type outlet interface {
	// free is how many bytes may be added now, whenWritable calls f once when there is room again.
	free() int
	whenWritable(f func())
}

func (l *Link) outlet() outlet {
	switch {
	case l.mate != nil:
		return &l.mate.inbox
	case l.port != nil:
		return &l.port.out
	}
	return nil
}

// outboxPacket is a packet that waits for room at the port.
type outboxPacket struct {
	data    []byte
	receipt *Receipt
}

// Send sends data as one packet of at most MDU bytes. The receipt concludes when the peer proves it. While the interface is
// behind, packets wait in the link, up to the number of receipts that may be outstanding: then the error is ErrBusy. Hash and
// time of sending are known once a packet has left. Of the options only OnConclude counts: packets on a link always have a
// receipt, whose wait follows the link's round-trip time, and travel on the link's interface. SendContext sends without one.
func (l *Link) Send(ctx context.Context, data []byte, o SendOptions) (*Receipt, error) {
	r := newReceipt(ReceiptStatus{})
	err := l.do(ctx, func(now time.Time) (*link.Effects, error) {
		l.node.follow(&r.outcome, o.OnConclude)
		out := l.outlet()
		ready := l.m.State() == link.Active || l.m.State() == link.Stale
		if out == nil || !ready || len(data) > l.m.MDU() || len(l.outbox) == 0 && out.free() > 0 {
			return l.sendNow(now, data, r)
		}
		if len(l.outbox) >= l.node.cfg.Params.Link.MaxReceipts {
			return nil, ErrBusy
		}
		l.outbox = append(l.outbox, outboxPacket{bytes.Clone(data), r})
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// sendNow gives a packet to the machine. The wait for its proof begins here, so that a slow medium is not mistaken for a
// silent peer.
func (l *Link) sendNow(now time.Time, data []byte, r *Receipt) (*link.Effects, error) {
	hash, fx, err := l.m.Send(now, data)
	if err == nil {
		r.update(func(s *ReceiptStatus) { s.Hash, s.Sent = hash, now })
		l.receipts[hash] = r
	}
	return fx, err
}

// pumpStep is how many bytes of parts are emitted at once, so that packets and calls get their turn in between.
const pumpStep = 128 << 10

// pump sends waiting packets and parts of resources, in turns, while there is room for them, and asks to be woken when there is
// none.
func (l *Link) pump() {
	for out := l.outlet(); out != nil && !l.waiting; {
		parts := l.m.Pending() > 0
		if !parts && len(l.outbox) == 0 {
			return
		}
		room := out.free()
		switch now := l.node.env.now(); {
		case room <= 0:
			l.waiting = true
			out.whenWritable(func() { l.inbox.call(func(time.Time) { l.waiting = false }) })
		case parts && (l.partsNext || len(l.outbox) == 0):
			l.partsNext = false
			if len(l.outbox) > 0 {
				room = 1 // one part, then a packet
			}
			l.apply(now, l.m.Writable(now, min(room, pumpStep)))
		default:
			l.partsNext = true
			l.sendWaiting(now)
		}
	}
}

// sendWaiting sends the packet that has waited longest.
func (l *Link) sendWaiting(now time.Time) {
	p := l.outbox[0]
	l.outbox[0] = outboxPacket{}
	l.outbox = l.outbox[1:]
	fx, err := l.sendNow(now, p.data, p.receipt)
	if err != nil {
		p.receipt.conclude(func(s *ReceiptStatus) { s.State, s.Concluded, s.Err = ReceiptFailed, now, err })
	}
	l.apply(now, fx)
}

// outLink sends frames of a link. They may exceed the bound of a queue: what is lost here the link would have to find out by
// timeouts. It runs on the loop.
func (n *Node) outLink(now time.Time, frames [][]byte) {
	n.sending = urgent
	for _, raw := range frames {
		_, _ = n.out(now, transport.OutPacket{Raw: raw}) // its link finds out by itself
	}
	n.sending = datagram
}

// failOutbox fails the packets that have not left when the link ends.
func (l *Link) failOutbox(now time.Time) {
	for _, p := range l.outbox {
		p.receipt.conclude(func(s *ReceiptStatus) { s.State, s.Concluded, s.Err = ReceiptFailed, now, ErrLinkClosed })
	}
	l.outbox = nil
}
