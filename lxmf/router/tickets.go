package router

import (
	"context"
	"maps"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// ticketBook holds the tickets received from peers and given to them. spec: lxmf §7
type ticketBook struct {
	received  map[rns.Addr]lxmf.Ticket
	issued    map[rns.Addr][]lxmf.Ticket
	delivered map[rns.Addr]time.Time
}

func newTicketBook() ticketBook {
	return ticketBook{
		received: make(map[rns.Addr]lxmf.Ticket), issued: make(map[rns.Addr][]lxmf.Ticket),
		delivered: make(map[rns.Addr]time.Time),
	}
}

// load fills the machine from what was remembered.
func (m *machine) load(now time.Time, r Remembered) {
	for _, c := range r.StampCosts {
		if len(m.costs.of) < m.costs.limit {
			m.costs.of[c.Destination] = c
		}
	}
	for _, t := range r.Tickets {
		m.tickets.received[t.Peer] = t.Ticket
	}
	for _, t := range r.Issued {
		m.tickets.issued[t.Peer] = append(m.tickets.issued[t.Peer], t.Ticket)
	}
	maps.Copy(m.tickets.delivered, r.TicketDeliveries)
	for _, n := range r.Nodes {
		if len(m.nodes.known) < m.p.MaxNodes {
			m.nodes.known[n.Node] = &n
		}
	}
	m.forget(now)
}

// forget drops what is too old to matter.
func (m *machine) forget(now time.Time) {
	m.forgetNodes(now)
	m.forgetTroubles(now)
	maps.DeleteFunc(m.costs.of, func(_ rns.Addr, c StampCost) bool { return now.Sub(c.At) > lxmf.StampCostMemory })
	maps.DeleteFunc(m.tickets.received, func(_ rns.Addr, t lxmf.Ticket) bool { return !t.Usable(now) })
	maps.DeleteFunc(m.tickets.delivered, func(_ rns.Addr, at time.Time) bool { return lxmf.TicketDue(at, now) })
	for peer, list := range m.tickets.issued {
		list = slices.DeleteFunc(list, func(t lxmf.Ticket) bool { return t.Forgettable(now) })
		if m.tickets.issued[peer] = list; len(list) == 0 {
			delete(m.tickets.issued, peer)
		}
	}
}

// received remembers a ticket from a peer. Queued messages that wait for work need it no more.
func (m *machine) received(now time.Time, peer rns.Addr, t lxmf.Ticket) {
	m.tickets.received[peer] = t
	for _, d := range slices.Clone(m.stampLine) {
		if d.peer.addr == peer {
			m.begin(now, d)
		}
	}
}

// chosen is the ticket to give to a peer.
type chosen struct {
	ticket lxmf.Ticket
	due    bool
	fresh  bool // not given before, so not remembered by State yet
	err    error
}

// choose chooses the ticket to give to a peer, if one is due.
func (m *machine) choose(now time.Time, peer rns.Addr) chosen {
	if !lxmf.TicketDue(m.tickets.delivered[peer], now) {
		return chosen{}
	}
	if t, ok := lxmf.ChooseTicket(m.tickets.issued[peer], now); ok {
		return chosen{ticket: t, due: true}
	}
	t, err := lxmf.NewTicket(m.rand, now)
	if err != nil {
		return chosen{err: err}
	}
	return chosen{ticket: t, due: true, fresh: true}
}

// Ticket returns the ticket to include in a message to a peer, if one is due: none reached it within the last day. A new one
// is remembered before it is returned. Put it into the message's fields before signing; that it arrived is noted when such
// a message is delivered. spec: lxmf §7
func (r *Router) Ticket(ctx context.Context, peer rns.Addr) (t lxmf.Ticket, due bool, err error) {
	c, err := ask(ctx, r, func(m *machine, now time.Time) chosen { return m.choose(now, peer) })
	if err != nil || c.err != nil || !c.due {
		return lxmf.Ticket{}, false, firstOf(err, c.err)
	}
	if !c.fresh {
		return c.ticket, true, nil
	}
	if err := r.cfg.State.PutIssuedTicket(ctx, Ticket{Peer: peer, Ticket: c.ticket}); err != nil {
		return lxmf.Ticket{}, false, err
	}
	_, err = ask(ctx, r, func(m *machine, _ time.Time) struct{} {
		m.tickets.issued[peer] = append(m.tickets.issued[peer], c.ticket)
		return struct{}{}
	})
	return c.ticket, err == nil, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// complete signs a message, with a ticket if one is wanted and due.
func (r *Router) complete(m *lxmf.Message, wanted bool) error {
	if wanted && !m.Fields.Has(lxmf.FieldTicket) {
		t, due, err := r.Ticket(context.Background(), m.Destination)
		if err != nil {
			return err
		}
		if due {
			m.Fields.SetTicket(t)
		}
	}
	m.Sign(r.cfg.Identity)
	return nil
}
