package router

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// MemoryState is a State without a disk. The zero value is empty and ready to use. It is safe for concurrent use.
type MemoryState struct {
	mu         sync.Mutex
	costs      map[rns.Addr]StampCost
	tickets    map[rns.Addr]Ticket
	issued     map[rns.Addr][]Ticket
	deliveries map[rns.Addr]time.Time
	delivered  map[rns.Hash]time.Time
	sealed     map[rns.Hash]Sealed
	nodes      map[rns.Addr]NodeRecord
}

// Load returns copies of all costs and tickets.
func (s *MemoryState) Load(context.Context) (Remembered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Remembered{
		StampCosts: slices.Collect(maps.Values(s.costs)), Tickets: slices.Collect(maps.Values(s.tickets)),
		TicketDeliveries: maps.Clone(s.deliveries), Nodes: slices.Collect(maps.Values(s.nodes)),
	}
	for _, list := range s.issued {
		r.Issued = append(r.Issued, list...)
	}
	return r, nil
}

// PutStampCosts remembers costs.
func (s *MemoryState) PutStampCosts(_ context.Context, costs ...StampCost) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range costs {
		put(&s.costs, c.Destination, c)
	}
	return nil
}

// PutTicket remembers a received ticket.
func (s *MemoryState) PutTicket(_ context.Context, t Ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.tickets, t.Peer, t)
	return nil
}

// PutIssuedTicket remembers a ticket given to a peer.
func (s *MemoryState) PutIssuedTicket(_ context.Context, t Ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.issued, t.Peer, append(s.issued[t.Peer], t))
	return nil
}

// PutTicketDelivery remembers when a ticket reached a peer.
func (s *MemoryState) PutTicketDelivery(_ context.Context, peer rns.Addr, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.deliveries, peer, at)
	return nil
}

// Delivered reports whether an id was received before.
func (s *MemoryState) Delivered(_ context.Context, id rns.Hash) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.delivered[id]
	return ok, nil
}

// PutDelivered remembers received ids.
func (s *MemoryState) PutDelivered(_ context.Context, at time.Time, ids ...rns.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		put(&s.delivered, id, at)
	}
	return nil
}

// PutSealed remembers a sealed message.
func (s *MemoryState) PutSealed(_ context.Context, one Sealed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.sealed, one.Message, one)
	return nil
}

// Sealed returns a sealed message.
func (s *MemoryState) Sealed(_ context.Context, message rns.Hash) (Sealed, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.sealed[message]
	return one, ok, nil
}

// DropSealed forgets sealed messages.
func (s *MemoryState) DropSealed(_ context.Context, messages ...rns.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range messages {
		delete(s.sealed, id)
	}
	return nil
}

// PutNodes remembers propagation nodes.
func (s *MemoryState) PutNodes(_ context.Context, nodes ...NodeRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range nodes {
		put(&s.nodes, n.Node, n)
	}
	return nil
}

// Expire forgets what is too old.
func (s *MemoryState) Expire(_ context.Context, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.delivered, func(_ rns.Hash, at time.Time) bool { return now.Sub(at) > lxmf.DuplicateMemory })
	maps.DeleteFunc(s.costs, func(_ rns.Addr, c StampCost) bool { return now.Sub(c.At) > lxmf.StampCostMemory })
	maps.DeleteFunc(s.sealed, func(_ rns.Hash, one Sealed) bool { return now.Sub(one.At) > lxmf.MessageExpiry })
	maps.DeleteFunc(s.nodes, func(_ rns.Addr, n NodeRecord) bool { return now.Sub(n.Heard) > NodeMemory })
	maps.DeleteFunc(s.tickets, func(_ rns.Addr, t Ticket) bool { return !t.Usable(now) })
	for peer, list := range s.issued {
		list = slices.DeleteFunc(list, func(t Ticket) bool { return t.Forgettable(now) })
		if s.issued[peer] = list; len(list) == 0 {
			delete(s.issued, peer)
		}
	}
	return nil
}

// put writes into a map that may not be there yet.
func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[k] = v
}
