package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// Destinations of one node reach each other without the network: packets go from one to the other, and a link has both of
// its ends here, each handing its packets to the inbox of the other. The machines at the ends are the same as ever.

// linkKey names a link of this node. A link between two local destinations is there twice.
type linkKey struct {
	id   rns.Addr
	role link.Role
}

func (l *Link) key() linkKey { return linkKey{l.id, l.role} }

// toMate hands frames to the other end. They share its fate with packets on a medium: what it has no room for is lost.
func (l *Link) toMate(fx *link.Effects) {
	for i := range fx.Send {
		l.mate.inbox.put(fx.Send[i].Raw, inboxPacket{})
	}
}

// free is how many bytes a local mate may add.
func (b *linkInbox) free() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bound/4 - len(b.buf)
}

// whenWritable calls f when the inbox has been worked off once more.
func (b *linkInbox) whenWritable(f func()) { b.call(func(time.Time) { f() }) }

// dialLocal opens a link to a destination of this node.
func (n *Node) dialLocal(ctx context.Context, l *Link, request rns.Packet) error {
	verdict, err := ask(ctx, n, func(now time.Time) rns.Verdict {
		mate, v := n.incoming(l.id, l.dest)
		if mate == nil && v != rns.VerdictLinksRefused {
			return v
		}
		n.links[l.key()] = l
		if mate != nil {
			l.mate, mate.mate = mate, l
			n.crew.flight.add(1)
			n.crew.run(func() { mate.accept(now, request, nil) })
		}
		n.crew.run(l.run)
		return rns.VerdictNone
	})
	if err == nil && verdict != rns.VerdictNone {
		err = verdict
	}
	if err != nil {
		return fmt.Errorf("link to %s: %w", l.dest, err)
	}
	return nil
}

// sendLocal delivers a packet to a destination of this node. Its receipt times out as one on the network does.
func (n *Node) sendLocal(ctx context.Context, p rns.Packet, o SendOptions) (*Receipt, error) {
	raw, err := p.Pack(rns.MTU)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if o.Timeout <= 0 {
		o.Timeout = n.cfg.Params.Transport.PerHopTimeout
	}
	type result struct {
		r *Receipt
		v rns.Verdict
	}
	res, err := ask(ctx, n, func(now time.Time) result {
		d, ok := n.dests[p.Dest]
		if !ok {
			return result{v: rns.VerdictUnknownDestination}
		}
		a := arrived{data: p.Data, hash: rns.PacketHash(raw), at: now}
		if !d.inbox.do(func() { d.receive(a) }) {
			return result{v: rns.VerdictOverload}
		}
		if o.Receipt == NoReceipt {
			return result{}
		}
		return result{r: n.localReceipt(now, a.hash, o)}
	})
	if err == nil && res.v != rns.VerdictNone {
		err = errors.Join(ErrNotSent, res.v)
	}
	if err != nil {
		return nil, fmt.Errorf("send to %s: %w", p.Dest, err)
	}
	return res.r, nil
}

// localReceipt follows a packet inside the node. It runs on the loop.
func (n *Node) localReceipt(now time.Time, hash rns.Hash, o SendOptions) *Receipt {
	r := newReceipt(ReceiptStatus{Hash: hash, Sent: now, Timeout: o.Timeout})
	n.follow(&r.outcome, o.OnConclude)
	n.receipts[hash] = r
	timer := time.AfterFunc(o.Timeout, func() {
		n.post(func(now time.Time) { n.unproved(now, transport.ReceiptFailed{Hash: hash}) })
	})
	r.after(func() { timer.Stop() })
	return r
}

// proveLocal concludes the receipt of a packet inside the node. A signature would prove nothing here.
func (n *Node) proveLocal(hash rns.Hash) error {
	if !n.post(func(now time.Time) { n.proved(now, transport.PacketProved{Hash: hash}) }) {
		return ErrClosed
	}
	return nil
}
