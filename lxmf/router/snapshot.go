package router

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Snapshot is a copy of what a router holds. It shows no secrets: tickets are given by their expiry.
type Snapshot struct {
	Online   bool
	Messages []MessageStatus
	Links    []LinkStatus
	Costs    []StampCost
	// Tickets and Issued are the expiries of received tickets, and of those given to peers.
	Tickets map[rns.Addr]time.Time
	Issued  map[rns.Addr][]time.Time
	// TicketDeliveries tells when a ticket last reached a peer.
	TicketDeliveries map[rns.Addr]time.Time
	// Arriving is the number of incoming messages waiting to be checked, ArrivingBytes what is being received.
	Arriving      int
	ArrivingBytes int64
	// NodeMode and Node say which propagation node is used and why, Sync how fetching from it is going.
	NodeMode NodeMode
	Node     Choice
	Sync     SyncStatus
}

// MessageStatus is a queued message.
type MessageStatus struct {
	ID     rns.Hash
	Peer   rns.Addr
	Stage  Stage
	Method lxmf.Method
	// Via is the propagation node it goes through, zero for none.
	Via      rns.Addr
	Attempts int
	Size     int
	// Due is when the stage ends at the latest, zero if that depends on others.
	Due time.Time
}

// LinkStatus is a link to a peer.
type LinkStatus struct {
	Peer rns.Addr
	// Own tells that this side opened it; Up that it is established.
	Own, Up bool
	// InFlight counts messages waiting for their proof.
	InFlight int
	Used     time.Time
}

// Snapshot returns a copy of the router's state.
func (r *Router) Snapshot(ctx context.Context) (Snapshot, error) {
	s, err := ask(ctx, r, func(m *machine, _ time.Time) Snapshot { return m.snapshot() })
	if err != nil {
		return Snapshot{}, err
	}
	r.in.mu.Lock()
	s.Arriving = r.in.waiting
	r.in.mu.Unlock()
	r.spool.mu.Lock()
	s.ArrivingBytes = r.spool.arriving
	r.spool.mu.Unlock()
	return s, nil
}

func (m *machine) snapshot() Snapshot {
	s := Snapshot{
		Online: m.online, Costs: slices.Collect(maps.Values(m.costs.of)), Tickets: make(map[rns.Addr]time.Time),
		Issued: make(map[rns.Addr][]time.Time), TicketDeliveries: maps.Clone(m.tickets.delivered),
		NodeMode: m.nodes.mode, Node: m.nodes.chosen, Sync: m.sync.status,
	}
	for _, d := range slices.SortedFunc(maps.Values(m.messages), bySubmission) {
		var via rns.Addr
		if d.up.via != nil {
			via = d.up.via.addr
		}
		s.Messages = append(s.Messages, MessageStatus{
			ID: d.id, Peer: d.peer.addr, Via: via, Stage: d.stage, Method: d.method, Attempts: d.attempts, Size: d.msg.PackedSize(),
			Due: d.due(),
		})
	}
	for _, ch := range m.channels {
		s.Links = append(s.Links, LinkStatus{
			Peer: ch.peer.addr, Own: ch.own, Up: ch.up, InFlight: len(ch.inflight), Used: ch.used,
		})
	}
	slices.SortFunc(s.Links, func(a, b LinkStatus) int { return cmp.Compare(a.Peer.Hex(), b.Peer.Hex()) })
	for peer, t := range m.tickets.received {
		s.Tickets[peer] = t.Expires
	}
	for peer, list := range m.tickets.issued {
		for _, t := range list {
			s.Issued[peer] = append(s.Issued[peer], t.Expires)
		}
	}
	return s
}

// due is when the present stage ends by itself.
func (d *delivery) due() time.Time {
	switch {
	case d.timer.idx > 0:
		return d.timer.at
	case d.stage == StageRetry:
		return d.retryAt
	case d.stage == StagePath:
		return d.peer.askUntil
	}
	return time.Time{}
}
