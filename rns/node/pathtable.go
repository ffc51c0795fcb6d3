package node

import (
	"context"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/transport"
)

// PathTable returns the paths of at most maxHops hops, control.AnyHops for all. A large table is copied in portions,
// between which the node goes on. spec: rns-link §12.6
func (n *Node) PathTable(ctx context.Context, maxHops int) ([]control.PathEntry, error) {
	var all copied[control.PathEntry]
	err := n.walk(ctx, &transport.Walk{Path: func(r transport.PathRecord) {
		if maxHops != control.AnyHops && int(r.Hops) > maxHops {
			return
		}
		e := control.PathEntry{Hash: r.Destination, Timestamp: r.Timestamp, Via: r.NextHop, Hops: int(r.Hops), Expires: r.Expires}
		if p, ok := n.ports[r.Interface]; ok {
			e.Interface = p.info.Label
		}
		all.add(r.Destination, e)
	}}, nil, &all)
	return all.list, err
}

// RateTable returns the announce history of every destination. spec: rns-link §12.6
func (n *Node) RateTable(ctx context.Context) ([]control.RateEntry, error) {
	return ask(ctx, n, func(time.Time) []control.RateEntry {
		var all []control.RateEntry
		for r := range n.m.Rates() {
			all = append(all, control.RateEntry{
				Hash: r.Destination, Last: r.Last, Violations: r.Violations, BlockedUntil: r.BlockedUntil, Timestamps: r.Times,
			})
		}
		return all
	})
}

// LinkCount returns the number of links of others that run through the node.
func (n *Node) LinkCount(ctx context.Context) (int, error) {
	return ask(ctx, n, func(time.Time) int {
		count := 0
		for range n.m.Links() {
			count++
		}
		return count
	})
}

// NextHop returns the next hop towards a destination, which is this node itself for its own destinations; false without a
// path. spec: rns-link §12.6
func (n *Node) NextHop(ctx context.Context, dest rns.Addr) (rns.Addr, bool, error) {
	type hop struct {
		addr rns.Addr
		ok   bool
	}
	h, err := ask(ctx, n, func(time.Time) hop {
		if n.dests[dest] != nil {
			return hop{n.TransportID(), true}
		}
		next, ok := n.m.NextHop(dest)
		return hop{next.TransportID, ok}
	})
	return h.addr, h.ok, err
}

// FirstHopTimeout returns the time allowed for a packet to leave towards a destination. spec: rns-core §8.2
func (n *Node) FirstHopTimeout(ctx context.Context, dest rns.Addr) (time.Duration, error) {
	return ask(ctx, n, func(time.Time) time.Duration { return n.m.FirstHopTimeout(dest) })
}
