package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// DialLink sends a link request and returns at once. The handler learns what becomes of it: OnEstablished, or OnClosed with
// the reason. The keys of the destination must be known, else the error is ErrUnknownIdentity.
func (n *Node) DialLink(ctx context.Context, dest rns.Addr, h LinkHandler) (*Link, error) {
	type way struct {
		known Known
		ok    bool
		hops  uint8
		mtu   int
		first time.Duration
	}
	w, err := ask(ctx, n, func(now time.Time) way {
		w := way{mtu: link.MinMTU, hops: n.m.HopsTo(dest), first: n.m.FirstHopTimeout(dest)}
		if w.known, w.ok = n.known(now, dest); w.ok {
			n.m.MarkUsed(now, dest)
		}
		if next, ok := n.m.NextHop(dest); ok && bool(n.cfg.LinkMTUDiscovery) &&
			next.MTUPolicy != transport.MTUStandard && next.HardwareMTU > link.MinMTU {
			w.mtu = min(next.HardwareMTU, link.MaxMTU)
		}
		return w
	})
	if err != nil {
		return nil, err
	}
	if !w.ok {
		return nil, fmt.Errorf("link to %s: %w", dest, ErrUnknownIdentity)
	}
	if !w.known.Local {
		w.first += n.extraHop(ctx, dest)
	}
	m, request, err := link.NewInitiator(n.env.now(), link.InitiatorConfig{
		Params: n.cfg.Params.Link, Rand: n.env.rand, Keys: n.stocks[link.Initiator].take(), Destination: dest, Identity: w.known.Public, Hops: w.hops,
		MTU: w.mtu, FirstHop: w.first,
	})
	if err != nil {
		return nil, fmt.Errorf("link to %s: %w", dest, err)
	}
	raw, err := request.Pack(rns.MTU)
	if err != nil {
		return nil, fmt.Errorf("link to %s: %w", dest, err)
	}
	l := n.newLink(m.ID(), dest, link.Initiator)
	l.m, l.handler = m, h
	if w.known.Local {
		if err := n.dialLocal(ctx, l, request); err != nil {
			return nil, err
		}
		return l, nil
	}
	if err := n.request(ctx, l, w.known.Public, w.hops, raw); err != nil {
		return nil, err
	}
	n.stocks[link.Initiator].refill()
	return l, nil
}

// request registers a link and sends its request.
func (n *Node) request(ctx context.Context, l *Link, peer rns.PublicKey, hops uint8, raw []byte) error {
	serr, err := ask(ctx, n, func(now time.Time) error {
		err := n.m.RegisterLink(transport.LocalLink{
			ID: l.id, Destination: l.dest, Role: transport.LinkInitiator, ExpectedHops: hops, Peer: peer,
			Mode: uint8(link.ModeAES256CBC),
		})
		if err != nil {
			return err
		}
		n.links[l.key()] = l
		n.crew.run(l.run)
		if _, v := n.out(now, transport.OutPacket{Raw: raw}); !v.Accepted() {
			l.inbox.call(func(now time.Time) {
				l.fail(now, fmt.Errorf("%w: %w", ErrNotSent, v))
			})
			return fmt.Errorf("%w: %w", ErrNotSent, v)
		}
		return nil
	})
	if err = errors.Join(err, serr); err != nil {
		return fmt.Errorf("link to %s: %w", l.dest, err)
	}
	return nil
}

// OpenLink opens a link and waits until it is established. When ctx ends first the attempt is given up.
func (n *Node) OpenLink(ctx context.Context, dest rns.Addr, h LinkHandler) (*Link, error) {
	l, err := n.DialLink(ctx, dest, h)
	if err != nil {
		return nil, err
	}
	if err := l.WaitState(ctx, LinkActive); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// deliverLinkRequest begins an incoming link. It runs on the loop; the expensive part runs on the link's goroutine.
// spec: rns-link §2.3
func (n *Node) deliverLinkRequest(now time.Time, d *transport.Delivery) {
	p := n.ports[d.Interface]
	if p == nil {
		return
	}
	l, v := n.incoming(d.LinkID, d.Packet.Dest)
	if l == nil {
		n.refused(d.Interface, v)
		return
	}
	request := d.Packet
	request.Data = append([]byte(nil), request.Data...)
	n.crew.flight.add(1)
	n.crew.run(func() { l.accept(now, request, p) })
}

// incoming makes the shell of an incoming link, or says why there is to be none. It runs on the loop.
func (n *Node) incoming(id, to rns.Addr) (*Link, rns.Verdict) {
	dest, ok := n.dests[to]
	switch {
	case !ok:
		return nil, rns.VerdictUnknownDestination
	case dest.kind != rns.DestSingle || dest.conf.Links == RefuseLinks:
		return nil, rns.VerdictLinksRefused
	case n.links[linkKey{id, link.Responder}] != nil:
		return nil, rns.VerdictDuplicate
	case n.pending >= n.cfg.Params.MaxPendingLinks || len(n.links) >= n.cfg.Params.MaxLinks:
		return nil, rns.VerdictOverload
	}
	l := n.newLink(id, to, link.Responder)
	l.local = dest
	n.links[l.key()] = l
	n.pending++
	return l, rns.VerdictNone
}

// accept answers a link request and then runs the link. p is nil if the request came from this node.
func (l *Link) accept(now time.Time, request rns.Packet, p *port) {
	n := l.node
	var on InterfaceID
	if p != nil {
		on = p.id
	}
	m, fx, err := link.Accept(now, link.ResponderConfig{
		Params: n.cfg.Params.Link, Rand: n.env.rand, Keys: n.stocks[link.Responder].take(), Identity: l.local.conf.Identity,
		Interface: link.InterfaceID(on), Hops: request.Hops, Serve: l.local.servePolicy(),
	}, request)
	if err != nil {
		n.post(func(time.Time) {
			l.settle()
			delete(n.links, l.key())
			var v rns.Verdict
			if errors.As(err, &v) {
				n.refused(on, v)
			}
		})
		n.crew.flight.add(-len(l.inbox.close()) - 1)
		close(l.done)
		return
	}
	l.m = m
	if p != nil {
		l.attach(p)
		l.before = func(time.Time) {
			_ = n.m.RegisterLink(transport.LocalLink{
				ID: l.id, Destination: l.dest, Role: transport.LinkResponder, Attached: on,
			})
		}
	}
	n.linger(l.proofHold(p, request.Hops))
	l.apply(now, fx)
	n.stocks[link.Responder].refill()
	n.crew.flight.done()
	l.run()
}

// proofHold is how long the proof of an incoming link waits for a peer that may not be ready to learn that the link is up.
// A neighbour that is known as one of our own kind is. spec: rns-link §6.1
func (l *Link) proofHold(p *port, hops uint8) time.Duration {
	if p == nil || hops <= 1 && p.copes.Load() {
		return 0
	}
	return max(l.local.conf.proofHold, l.node.cfg.Params.EarlyProof)
}

// learnNeighbour notes that the one at the other end of the port is of our own kind, as the marks of its link tell, where
// there can be only one. It lasts as long as the connection.
func (l *Link) learnNeighbour() {
	p := l.port
	if p == nil || p.copes.Load() || !l.m.PeerCopes() || l.m.ExpectedHops() > 1 {
		return
	}
	if p.info.Role == iface.RolePeer || p.info.Tunnel {
		p.copes.Store(true)
	}
}

// linger waits, but not longer than the node runs.
func (n *Node) linger(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.gone:
	}
}

// servePolicy says which requests links of the destination take.
func (d *Destination) servePolicy() link.ServePolicy {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := link.ServePolicy{MaxSize: int64(d.conf.MaxRequestSize)}
	if len(d.requests) > 0 {
		p.Mode = link.ServeRequests
	}
	return p
}

// deliverLink hands a packet to its link. It runs on the loop.
func (n *Node) deliverLink(_ time.Time, d *transport.Delivery) {
	l, ok := n.links[linkKey{d.Packet.Dest, link.Responder}]
	if !ok {
		l, ok = n.links[linkKey{d.Packet.Dest, link.Initiator}]
	}
	p := n.ports[d.Interface]
	if !ok || p == nil {
		n.refused(d.Interface, rns.VerdictLinkUnknown)
		return
	}
	if !l.inbox.put(d.Raw, inboxPacket{hops: d.Packet.Hops, port: p, signal: iface.Signal(d.Signal)}) {
		n.refused(d.Interface, rns.VerdictOverload)
	}
}

// detachLinks ends the links over an interface that is gone. It runs on the loop.
func (n *Node) detachLinks(id InterfaceID) {
	for _, l := range n.links {
		if l.attached.Load() == uint32(id) {
			l.inbox.call(func(now time.Time) {
				l.fail(now, ErrInterfaceGone)
			})
		}
	}
}
