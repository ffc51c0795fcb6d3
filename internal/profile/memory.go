package profile

import (
	"context"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// memory is what the router remembers, kept in the identity's database.
type memory struct{ db *store.Identity }

// Load implements router.State.
func (m memory) Load(ctx context.Context) (router.Remembered, error) {
	var out router.Remembered
	err := m.db.View(ctx, func(tx store.IdentityTables) error {
		costs, err := tx.StampCosts.All(ctx)
		if err != nil {
			return err
		}
		for _, c := range costs {
			cost := 0
			if c.Cost != nil {
				cost = *c.Cost
			}
			out.StampCosts = append(out.StampCosts, router.StampCost{Destination: c.Destination, Cost: cost, At: c.At})
		}
		book, err := tx.Tickets.All(ctx)
		if err != nil {
			return err
		}
		out.Tickets, out.Issued, out.TicketDeliveries = tickets(book.Outbound), tickets(book.Issued), book.Delivered
		nodes, err := tx.PropagationNodes.All(ctx)
		if err != nil {
			return err
		}
		out.Nodes = nodeRecords(nodes)
		return nil
	})
	return out, err
}

func tickets(in []store.Ticket) []router.Ticket {
	out := make([]router.Ticket, len(in))
	for i, t := range in {
		out[i] = router.Ticket{Peer: t.Destination, Ticket: lxmf.Ticket{Value: t.Ticket, Expires: t.ExpiresAt}}
	}
	return out
}

func row(t router.Ticket) store.Ticket {
	return store.Ticket{Destination: t.Peer, Ticket: t.Value, ExpiresAt: t.Expires}
}

// PutStampCosts implements router.State.
func (m memory) PutStampCosts(ctx context.Context, costs ...router.StampCost) error {
	rows := make([]store.StampCost, len(costs))
	for i, c := range costs {
		rows[i] = store.StampCost{Destination: c.Destination, At: c.At}
		if c.Cost > 0 {
			rows[i].Cost = &c.Cost
		}
	}
	return m.db.StampCosts.Put(ctx, rows...)
}

// PutTicket implements router.State.
func (m memory) PutTicket(ctx context.Context, t router.Ticket) error {
	return m.db.Tickets.PutOutbound(ctx, row(t))
}

// PutIssuedTicket implements router.State.
func (m memory) PutIssuedTicket(ctx context.Context, t router.Ticket) error {
	return m.db.Tickets.AddIssued(ctx, row(t))
}

// PutTicketDelivery implements router.State.
func (m memory) PutTicketDelivery(ctx context.Context, peer rns.Addr, at time.Time) error {
	return m.db.Tickets.SetDelivered(ctx, peer, at)
}

// Delivered implements router.State.
func (m memory) Delivered(ctx context.Context, id rns.Hash) (bool, error) {
	return m.db.Deliveries.Seen(ctx, id)
}

// PutDelivered implements router.State.
func (m memory) PutDelivered(ctx context.Context, at time.Time, ids ...rns.Hash) error {
	return m.db.Update(ctx, func(tx store.IdentityTables) error {
		for _, id := range ids {
			if _, err := tx.Deliveries.Add(ctx, id, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// Expire implements router.State.
func (m memory) Expire(ctx context.Context, now time.Time) error {
	if _, err := m.db.Deliveries.Expire(ctx, now); err != nil {
		return err
	}
	if err := m.db.StampCosts.Expire(ctx, now); err != nil {
		return err
	}
	if err := m.db.Tickets.Expire(ctx, now); err != nil {
		return err
	}
	if err := m.db.SealedMessages.Expire(ctx, now); err != nil {
		return err
	}
	return m.db.PropagationNodes.Expire(ctx, now)
}
