package lxmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Files of the state. spec: lxmf §14
const (
	costsFile     = "outbound_stamp_costs"
	ticketsFile   = "available_tickets"
	deliveredFile = "local_deliveries"
)

// maxDelivered bounds the remembered ids of received messages.
const maxDelivered = 1_000_000

// state is the router's memory in the files of the reference. What changes is written at once. It is safe for concurrent use.
type state struct {
	*router.MemoryState
	to node.Storage

	mu        sync.Mutex
	delivered map[rns.Hash]time.Time
}

// openState reads the files. One of the wrong shape is left out and replaced later. spec: lxmf §14
func openState(ctx context.Context, from node.Storage, now time.Time, log *slog.Logger) (*state, error) {
	s := &state{MemoryState: new(router.MemoryState), to: from, delivered: make(map[rns.Hash]time.Time)}
	read := func(name string, parse func([]byte) error) error {
		b, err := from.Read(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := parse(b); errors.Is(err, lxmf.ErrFile) {
			log.Error("damaged file is left out", "file", name, "error", err)
			return nil
		} else if err != nil {
			return err
		}
		return nil
	}
	return s, errors.Join(
		read(costsFile, func(b []byte) error { return s.loadCosts(ctx, b, now) }),
		read(ticketsFile, func(b []byte) error { return s.loadTickets(ctx, b, now) }),
		read(deliveredFile, func(b []byte) error {
			list, err := lxmf.ParseDeliveries(b)
			for _, d := range list {
				if !d.Forgettable(now) {
					s.delivered[d.ID] = d.At
				}
			}
			return err
		}),
	)
}

func (s *state) loadCosts(ctx context.Context, b []byte, now time.Time) error {
	list, err := lxmf.ParseStampCosts(b)
	for _, c := range list {
		if !c.Forgettable(now) {
			err = errors.Join(err, s.MemoryState.PutStampCosts(ctx, router.StampCost{Destination: c.Destination, Cost: c.Cost, At: c.Heard}))
		}
	}
	return err
}

func (s *state) loadTickets(ctx context.Context, b []byte, now time.Time) error {
	t, err := lxmf.ParseTickets(b)
	t = t.Clean(now)
	for _, p := range t.Outbound {
		err = errors.Join(err, s.MemoryState.PutTicket(ctx, router.Ticket{Peer: p.Peer, Ticket: p.Ticket}))
	}
	for _, p := range t.Inbound {
		err = errors.Join(err, s.MemoryState.PutIssuedTicket(ctx, router.Ticket{Peer: p.Peer, Ticket: p.Ticket}))
	}
	for _, d := range t.Deliveries {
		err = errors.Join(err, s.MemoryState.PutTicketDelivery(ctx, d.Peer, d.At))
	}
	return err
}

// PutStampCosts implements router.State.
func (s *state) PutStampCosts(ctx context.Context, costs ...router.StampCost) error {
	return errors.Join(s.MemoryState.PutStampCosts(ctx, costs...), s.save(ctx, costsFile))
}

// PutTicket implements router.State.
func (s *state) PutTicket(ctx context.Context, t router.Ticket) error {
	return errors.Join(s.MemoryState.PutTicket(ctx, t), s.save(ctx, ticketsFile))
}

// PutIssuedTicket implements router.State.
func (s *state) PutIssuedTicket(ctx context.Context, t router.Ticket) error {
	return errors.Join(s.MemoryState.PutIssuedTicket(ctx, t), s.save(ctx, ticketsFile))
}

// PutTicketDelivery implements router.State.
func (s *state) PutTicketDelivery(ctx context.Context, peer rns.Addr, at time.Time) error {
	return errors.Join(s.MemoryState.PutTicketDelivery(ctx, peer, at), s.save(ctx, ticketsFile))
}

// Delivered implements router.State.
func (s *state) Delivered(_ context.Context, id rns.Hash) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.delivered[id]
	return ok, nil
}

// PutDelivered implements router.State.
func (s *state) PutDelivered(ctx context.Context, at time.Time, ids ...rns.Hash) error {
	s.mu.Lock()
	for _, id := range ids {
		if len(s.delivered) < maxDelivered {
			s.delivered[id] = at
		}
	}
	s.mu.Unlock()
	return s.save(ctx, deliveredFile)
}

// Expire implements router.State.
func (s *state) Expire(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	maps.DeleteFunc(s.delivered, func(id rns.Hash, at time.Time) bool { return lxmf.Delivery{ID: id, At: at}.Forgettable(now) })
	s.mu.Unlock()
	return errors.Join(s.MemoryState.Expire(ctx, now), s.save(ctx, costsFile), s.save(ctx, ticketsFile), s.save(ctx, deliveredFile))
}

// save writes one file.
func (s *state) save(ctx context.Context, name string) error {
	known, err := s.MemoryState.Load(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []byte
	switch name {
	case costsFile:
		list := make([]lxmf.StampCost, 0, len(known.StampCosts))
		for _, c := range known.StampCosts {
			list = append(list, lxmf.StampCost{Destination: c.Destination, Heard: c.At, Cost: c.Cost})
		}
		b = lxmf.AppendStampCosts(nil, list)
	case ticketsFile:
		b = tickets(known).Append(nil)
	default:
		list := make([]lxmf.Delivery, 0, len(s.delivered))
		for id, at := range s.delivered {
			list = append(list, lxmf.Delivery{ID: id, At: at})
		}
		b = lxmf.AppendDeliveries(nil, list)
	}
	if err := s.to.Write(name, b); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// tickets is the content of the file of tickets.
func tickets(known router.Remembered) lxmf.Tickets {
	of := func(list []router.Ticket) (out []lxmf.PeerTicket) {
		for _, t := range list {
			out = append(out, lxmf.PeerTicket{Peer: t.Peer, Ticket: t.Ticket})
		}
		return out
	}
	t := lxmf.Tickets{Outbound: of(known.Tickets), Inbound: of(known.Issued)}
	for _, peer := range slices.SortedFunc(maps.Keys(known.TicketDeliveries), func(a, b rns.Addr) int { return bytes.Compare(a[:], b[:]) }) {
		t.Deliveries = append(t.Deliveries, lxmf.TicketRecord{Peer: peer, At: known.TicketDeliveries[peer]})
	}
	return t
}
