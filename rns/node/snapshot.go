package node

import (
	"context"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// Counts are the sizes of a node's tables.
type Counts struct {
	Interfaces, Destinations, Links, PendingLinks, Receipts int
	Paths, Known, PacketHashes                              int
}

// Counts returns the sizes of the tables. It is cheap.
func (n *Node) Counts(ctx context.Context) (Counts, error) {
	return ask(ctx, n, func(time.Time) Counts {
		return Counts{
			Interfaces: len(n.ports), Destinations: len(n.dests), Links: len(n.links), PendingLinks: n.pending,
			Receipts: len(n.receipts), Paths: n.m.PathCount(), Known: n.m.KnownCount(), PacketHashes: n.m.PacketHashCount(),
		}
	})
}

// Snapshot is a copy of the state of a node. All slices are copies.
type Snapshot struct {
	At time.Time
	// Started is when the node was started.
	Started     time.Time
	TransportID rns.Addr
	// Shared is how the node stands to the other programs of its machine.
	Shared SharedStatus
	// Config is the configuration in effect.
	Config           Config
	Counts           Counts
	Interfaces       []InterfaceStatus
	Destinations     []DestinationStatus
	Links            []link.Snapshot
	Paths            []transport.PathRecord
	PendingAnnounces []transport.PendingAnnounce
	HeldAnnounces    []transport.HeldAnnounce
	Reverse          []transport.ReverseRecord
	LinksInTransit   []transport.LinkRecord
	LocalLinks       []transport.LocalLinkRecord
	Rates            []transport.RateRecord
	Requests         []transport.RequestRecord
	Tunnels          []transport.TunnelRecord
	Receipts         []transport.ReceiptRecord
	Blackholed       []transport.Blackhole
	Known            []transport.KnownDestination
	Ratchets         []transport.ReceivedRatchet
}

// DestinationStatus is a copy of a local destination.
type DestinationStatus struct {
	Addr      rns.Addr
	Name      string
	Type      rns.DestType
	Announced time.Time
	// Ratchets is the number of retained own ratchets, Rotated when the newest was made.
	Ratchets int
	Rotated  time.Time
	// Proofs and Links are the policies of the destination.
	Proofs ProofStrategy
	Links  LinkPolicy
	// Service means that the node offers it about itself, and announces it. spec: rns-core §21
	Service  bool
	Requests []HandlerStatus
}

// HandlerStatus is a copy of a request handler.
type HandlerStatus struct {
	Path   string
	Policy RequestPolicy
	// Allow names who may ask under AllowList, unless a function of the application decides.
	Allow []rns.Addr
}

// Snapshot copies the state of the node. Large tables are copied in portions, between which the node goes on.
func (n *Node) Snapshot(ctx context.Context) (Snapshot, error) {
	s, err := ask(ctx, n, n.snapshot)
	if err != nil {
		return s, err
	}
	if err := n.snapshotTables(ctx, &s); err != nil {
		return s, err
	}
	if s.Interfaces, err = n.Interfaces(ctx); err != nil {
		return s, err
	}
	if s.Counts, err = n.Counts(ctx); err != nil {
		return s, err
	}
	if s.Shared, err = n.SharedStatus(ctx); err != nil {
		return s, err
	}
	links, err := n.Links(ctx)
	for _, l := range links {
		if ls, err := l.Snapshot(ctx); err == nil {
			s.Links = append(s.Links, ls)
		}
	}
	n.life.Lock()
	defer n.life.Unlock()
	s.Started = n.life.since
	return s, err
}

func (n *Node) snapshot(now time.Time) Snapshot {
	s := Snapshot{At: now, TransportID: n.TransportID(), Config: n.cfg}
	n.life.Lock()
	services := n.life.services
	n.life.Unlock()
	for _, d := range n.dests {
		st := d.status()
		st.Service = slices.Contains(services, d)
		s.Destinations = append(s.Destinations, st)
	}
	collect(&s.PendingAnnounces, n.m.PendingAnnounces())
	collect(&s.HeldAnnounces, n.m.HeldAnnounces())
	collect(&s.Reverse, n.m.ReverseEntries())
	collect(&s.LinksInTransit, n.m.Links())
	collect(&s.LocalLinks, n.m.LocalLinks())
	collect(&s.Rates, n.m.Rates())
	collect(&s.Requests, n.m.Requests())
	collect(&s.Receipts, n.m.Receipts())
	collect(&s.Blackholed, n.m.Blackholed())
	return s
}

// snapshotTables copies the tables that may be large.
func (n *Node) snapshotTables(ctx context.Context, s *Snapshot) error {
	var paths copied[transport.PathRecord]
	var known copied[transport.KnownDestination]
	var ratchets copied[transport.ReceivedRatchet]
	tunnels := make(map[rns.Hash]int)
	err := n.walk(ctx, &transport.Walk{
		Path: func(r transport.PathRecord) { paths.add(r.Destination, r) },
		Known: func(k transport.KnownDestination, r *transport.ReceivedRatchet) {
			known.add(k.Destination, k)
			if r != nil {
				ratchets.add(r.Destination, *r)
			}
		},
		Tunnel: func(r transport.TunnelRecord) {
			if _, ok := tunnels[r.ID]; !ok {
				tunnels[r.ID] = len(s.Tunnels)
				s.Tunnels = append(s.Tunnels, r)
			}
		},
		TunnelPath: func(id rns.Hash, r transport.PathRecord) {
			t := &s.Tunnels[tunnels[id]]
			t.Paths = append(t.Paths, r)
		},
	}, nil, &paths, &known, &ratchets)
	s.Paths, s.Known, s.Ratchets = paths.list, known.list, ratchets.list
	return err
}

func collect[T any](into *[]T, from func(yield func(T) bool)) {
	for v := range from {
		*into = append(*into, v)
	}
}

func (d *Destination) status() DestinationStatus {
	s := DestinationStatus{Addr: d.addr, Name: d.conf.Name, Type: d.kind, Announced: d.Announced(), Links: d.conf.Links}
	if r := d.ratchets; r != nil {
		r.mu.Lock()
		s.Ratchets, s.Rotated = len(r.keys), r.rotated
		r.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Proofs = d.conf.Proofs
	for _, h := range d.requests {
		s.Requests = append(s.Requests, HandlerStatus{Path: h.Path, Policy: h.Policy, Allow: slices.Clone(h.Allow)})
	}
	return s
}

// Links lists the links of the node.
func (n *Node) Links(ctx context.Context) ([]*Link, error) {
	return ask(ctx, n, func(time.Time) []*Link {
		all := make([]*Link, 0, len(n.links))
		for _, l := range n.links {
			all = append(all, l)
		}
		return all
	})
}

// Snapshot copies the state of the link. Of a link that has ended it is the last one.
func (l *Link) Snapshot(ctx context.Context) (link.Snapshot, error) {
	s, err := linkAsk(ctx, l, func(time.Time) link.Snapshot { return l.m.Snapshot() })
	if err == nil {
		return s, nil
	}
	select {
	case <-l.done:
		if l.m != nil { // nobody changes it any more
			return l.m.Snapshot(), nil
		}
	case <-ctx.Done():
	}
	return s, err
}

// SignalOf returns the reception quality of a packet, of the newest 512 measured. spec: rns-link §3.6
func (n *Node) SignalOf(ctx context.Context, packet rns.Hash) (transport.Signal, bool) {
	if n.shared.role == RoleClient {
		return n.remoteSignal(ctx, packet)
	}
	type result struct {
		s  transport.Signal
		ok bool
	}
	r, err := ask(ctx, n, func(time.Time) result {
		s, ok := n.m.SignalOf(packet)
		return result{s: s, ok: ok}
	})
	return r.s, err == nil && r.ok
}

// Seen tells whether a packet is remembered by the packet filter.
func (n *Node) Seen(ctx context.Context, packet rns.Hash) bool {
	ok, err := ask(ctx, n, func(time.Time) bool { return n.m.SeenPacket(packet) })
	return err == nil && ok
}
