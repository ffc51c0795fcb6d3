package router

import (
	"context"
	"fmt"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// register opens the delivery destination. spec: lxmf §2, §9.6
func (r *Router) register() (*node.Destination, error) {
	dest, err := r.cfg.Node.Register(node.DestinationConfig{
		Identity: r.cfg.Identity, Name: lxmf.DeliveryName, Proofs: node.ProveApp, Ratchets: r.cfg.Ratchets,
		AppData: r.announceData, OnPacket: r.packetArrived, OnLink: r.linkArrived,
	})
	if err != nil {
		return nil, fmt.Errorf("open delivery destination: %w", err)
	}
	return dest, nil
}

// announceData is what announces say. spec: lxmf §8.1
func (r *Router) announceData() []byte {
	info := lxmf.DeliveryInfo{StampCost: r.stampCost(), Compression: lxmf.SupportYes}
	if r.cfg.DisplayName != nil {
		info.Name = r.cfg.DisplayName()
		info.Named = info.Name != ""
	}
	return info.Append(nil)
}

// packetArrived takes an opportunistic message. Its destination is that of the packet. spec: lxmf §9.6
func (r *Router) packetArrived(p *node.Packet) {
	packed := append(append(make([]byte, 0, rns.AddrSize+len(p.Data)), r.addr[:]...), p.Data...)
	r.in.put(&arrival{
		packed: packed, method: lxmf.MethodOpportunistic, ratchet: p.Ratchet, hops: p.Hops, on: p.Interface, signal: p.Signal,
		received: p.Received, settled: func(err error) {
			if err == nil {
				due := p.Received
				if !p.PeerCopes {
					due = due.Add(r.cfg.Params.EarlyProof)
				}
				r.box.post(func(m *machine, now time.Time) { m.prove(now, due, p.Prove) })
			}
		},
	})
}

// proves releases a proof when a message is settled well.
func proves(prove func() error) func(error) {
	return func(err error) {
		if err == nil {
			_ = prove() // a link that has ended takes no proof, and its peer sends again
		}
	}
}

// incomingRefs begins the numbers of the links that peers open; those we open stay below.
const incomingRefs linkRef = 1 << 63

// linkArrived takes a link that a peer opened.
func (r *Router) linkArrived(l *node.Link) node.LinkHandler {
	ref := incomingRefs + linkRef(r.incoming.Add(1))
	r.box.post(func(*machine, time.Time) { r.links[ref] = l })
	return r.handler(ref)
}

// handler returns the callbacks of a link, whoever opened it: once a peer knows who we are, it may use either.
func (r *Router) handler(ref linkRef) node.LinkHandler {
	return node.LinkHandler{
		OnEstablished: func(l *node.Link) {
			rtt := l.RTT()
			r.box.post(func(m *machine, now time.Time) { m.linkUp(now, ref, rtt) })
		},
		OnClosed: func(_ *node.Link, err error) {
			r.box.post(func(m *machine, now time.Time) {
				delete(r.links, ref)
				m.linkClosed(now, ref, closedCode(err), detail(err))
			})
		},
		OnIdentified: func(l *node.Link, key rns.PublicKey) {
			if !r.welcome(context.Background(), key) { // the callbacks of a link have no context; the node answers at once
				l.Close()
				return
			}
			peer := lxmf.DeliveryHash(key.Hash())
			r.box.post(func(m *machine, now time.Time) {
				if _, open := r.links[ref]; open && peer != r.addr {
					m.backchannel(now, ref, peer)
				}
			})
		},
		OnPacket: func(l *node.Link, p *node.LinkPacket) {
			r.touched(ref)
			a := r.overLink(l, p.Data)
			a.signal, a.received, a.settled = p.Signal, p.Received, proves(p.Prove)
			r.in.put(a)
		},
		OnResource: func(l *node.Link, o node.ResourceOffer) *node.ResourceAcceptance { return r.offered(l, ref, o) },
	}
}

// nodeHandler returns the callbacks of a link to a propagation node: only the signal of a bad stamp comes over it unasked.
// spec: lxmf §9.3
func (r *Router) nodeHandler(ref linkRef) node.LinkHandler {
	h := r.handler(ref)
	return node.LinkHandler{
		OnEstablished: h.OnEstablished, OnClosed: h.OnClosed,
		OnPacket: func(_ *node.Link, p *node.LinkPacket) {
			if lxmf.IsInvalidStampSignal(p.Data) {
				r.box.post(func(m *machine, now time.Time) { m.stampRefused(now, ref) })
			}
		},
	}
}

func (r *Router) touched(ref linkRef) {
	r.box.post(func(m *machine, now time.Time) { m.touch(now, ref) })
}

// overLink is a message that came over a link.
func (r *Router) overLink(l *node.Link, packed []byte) *arrival {
	a := &arrival{
		packed: packed, method: lxmf.MethodDirect, link: l.ID(), hops: l.Hops(), on: l.Interface(), received: r.cfg.Node.Now(),
	}
	if a.hops >= rns.MaxHops {
		a.hops = -1
	}
	a.peer, _ = l.RemoteIdentity()
	return a
}

// offered decides about a resource before any of it arrives: too large is refused, and the sender learns that. When there
// is no room at the moment the link is closed instead, so that the sender tries again.
func (r *Router) offered(l *node.Link, ref linkRef, o node.ResourceOffer) *node.ResourceAcceptance {
	peer, _ := l.RemoteIdentity()
	if o.HasMetadata || !r.takes(context.Background(), peer, o.Size) { // like above
		return nil
	}
	s, err := r.spool.open(o.Size)
	if err != nil {
		r.cfg.Node.Logger().Warn("incoming message put off", "link", l.ID(), "size", o.Size, "error", err)
		l.Close()
		return nil
	}
	s.failed = l.Close // like below
	acceptance := &node.ResourceAcceptance{
		Progress: func(node.TransferStatus) { r.touched(ref) },
		Conclude: func(l *node.Link, in node.IncomingResource) error {
			defer s.close()
			if in.Err != nil {
				return nil
			}
			err := r.storeResource(l, s, in)
			if err != nil {
				// A refusal would end the message for its sender; a link that ends makes it try again.
				l.Close()
			}
			return err
		},
	}
	if s.sink {
		acceptance.Sink = s
	}
	return acceptance
}

// storeResource waits until a message that came as a resource is stored.
func (r *Router) storeResource(l *node.Link, s *spooled, in node.IncomingResource) error {
	packed, err := s.content(in.Data, r.done)
	if err != nil {
		return err
	}
	settled := make(chan error, 1)
	a := r.overLink(l, packed)
	a.settled = func(err error) { settled <- err }
	r.in.put(a)
	return <-settled
}

func (r *Router) deliveryLimit() int64 {
	if r.cfg.DeliveryLimit == nil {
		return DefaultDeliveryLimit
	}
	return r.cfg.DeliveryLimit()
}

// announced takes an announce of somebody's delivery destination.
func (r *Router) announced(a node.Announced) {
	info, err := lxmf.ParseDeliveryInfo(a.AppData)
	if err != nil {
		return
	}
	h := heard{dest: a.Destination, cost: info.StampCost, hops: a.Hops, iface: a.InterfaceName}
	r.box.postWait(r.done, func(m *machine, now time.Time) { m.heard(now, h) })
}

// watch follows which interfaces are up. One look must not overtake another.
func (r *Router) watch(ctx context.Context) {
	r.watching.Lock()
	defer r.watching.Unlock()
	all, err := r.cfg.Node.Interfaces(ctx)
	if err != nil {
		return
	}
	names := make(map[node.InterfaceID]string, len(all))
	online := false
	for _, s := range all {
		names[s.ID] = s.Info.Name
		online = online || s.State.Word == node.StateUp && sends(s)
	}
	r.in.mu.Lock()
	r.in.names = names
	r.in.mu.Unlock()
	r.box.post(func(m *machine, now time.Time) { m.setOnline(now, online) })
}
