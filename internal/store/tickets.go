package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Ticket lets its holder skip proof of work until it expires. spec: lxmf §7
type Ticket struct {
	Destination rns.Addr
	Ticket      [16]byte
	ExpiresAt   time.Time
}

// TicketGrace is how long an issued ticket is kept past its expiry; it is not accepted then.
// spec: lxmf §7
const TicketGrace = 5 * 24 * time.Hour

// Tickets are those received from others and those issued to them.
type Tickets struct{ h sqlite.Handle }

const (
	ticketColumns = `destination, ticket, expires_at`

	qTicketOutboundPut = `INSERT INTO tickets_outbound (destination, ticket, expires_at) VALUES (?1,?2,?3)
		ON CONFLICT (destination) DO UPDATE SET ticket = ?2, expires_at = ?3`
	qTicketOutbound       = `SELECT ` + ticketColumns + ` FROM tickets_outbound WHERE destination = ? AND expires_at > ?`
	qTicketsOutbound      = `SELECT ` + ticketColumns + ` FROM tickets_outbound ORDER BY destination`
	qTicketIssuedAdd      = `INSERT INTO tickets_issued (destination, ticket, expires_at) VALUES (?,?,?) ON CONFLICT DO NOTHING`
	qTicketsIssued        = `SELECT ` + ticketColumns + ` FROM tickets_issued WHERE destination = ? AND expires_at > ? ORDER BY expires_at DESC, ticket`
	qTicketsIssuedAll     = `SELECT ` + ticketColumns + ` FROM tickets_issued ORDER BY destination, ticket`
	qTicketDeliverySet    = `INSERT INTO ticket_deliveries (destination, at) VALUES (?1,?2) ON CONFLICT (destination) DO UPDATE SET at = ?2`
	qTicketDelivery       = `SELECT at FROM ticket_deliveries WHERE destination = ?`
	qTicketDeliveries     = `SELECT destination, at FROM ticket_deliveries ORDER BY destination`
	qTicketExpireOutbound = `DELETE FROM tickets_outbound WHERE expires_at <= ?`
	qTicketExpireIssued   = `DELETE FROM tickets_issued WHERE expires_at <= ?`
)

// PutOutbound remembers a ticket received from a destination, replacing an earlier one.
func (t Tickets) PutOutbound(ctx context.Context, ticket Ticket) error {
	_, err := sqlite.Exec(ctx, t.h, qTicketOutboundPut, ticket.Destination[:], ticket.Ticket[:], ms(ticket.ExpiresAt))
	return err
}

// Outbound returns the unexpired ticket for messages to a destination, or ErrNotFound.
func (t Tickets) Outbound(ctx context.Context, to rns.Addr, now time.Time) (Ticket, error) {
	return sqlite.One(ctx, t.h, scanTicket, qTicketOutbound, to[:], ms(now))
}

// AddIssued remembers a ticket issued to a destination.
func (t Tickets) AddIssued(ctx context.Context, ticket Ticket) error {
	_, err := sqlite.Exec(ctx, t.h, qTicketIssuedAdd, ticket.Destination[:], ticket.Ticket[:], ms(ticket.ExpiresAt))
	return err
}

// Issued returns the unexpired tickets issued to a destination, the longest lasting first.
func (t Tickets) Issued(ctx context.Context, to rns.Addr, now time.Time) ([]Ticket, error) {
	return sqlite.Collect(ctx, t.h, scanTicket, qTicketsIssued, to[:], ms(now))
}

// SetDelivered records that a ticket reached a destination.
func (t Tickets) SetDelivered(ctx context.Context, to rns.Addr, at time.Time) error {
	_, err := sqlite.Exec(ctx, t.h, qTicketDeliverySet, to[:], ms(at))
	return err
}

// Delivered returns when a ticket last reached a destination; the zero time: never.
func (t Tickets) Delivered(ctx context.Context, to rns.Addr) (time.Time, error) {
	var at time.Time
	err := t.h.Read(ctx, func(tx *sqlite.Tx) error {
		return tx.Each(ctx, func(r sqlite.Row) error { return r.Scan(timeInto{&at}) }, qTicketDelivery, to[:])
	})
	return at, err
}

// TicketBook is everything known about tickets, to load at start.
type TicketBook struct {
	Outbound, Issued []Ticket
	Delivered        map[rns.Addr]time.Time
}

// All returns everything known about tickets.
func (t Tickets) All(ctx context.Context) (TicketBook, error) {
	book := TicketBook{Delivered: make(map[rns.Addr]time.Time)}
	err := t.h.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if book.Outbound, err = sqlite.Collect(ctx, tx, scanTicket, qTicketsOutbound); err != nil {
			return err
		}
		if book.Issued, err = sqlite.Collect(ctx, tx, scanTicket, qTicketsIssuedAll); err != nil {
			return err
		}
		return tx.Each(ctx, func(r sqlite.Row) error {
			var to rns.Addr
			var at time.Time
			err := r.Scan(bytesInto(to[:]), timeInto{&at})
			book.Delivered[to] = at
			return err
		}, qTicketDeliveries)
	})
	return book, err
}

// Expire removes received tickets that expired and issued ones past their grace.
func (t Tickets) Expire(ctx context.Context, now time.Time) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, qTicketExpireOutbound, ms(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, qTicketExpireIssued, ms(now.Add(-TicketGrace)))
		return err
	})
}

func scanTicket(r sqlite.Row) (Ticket, error) {
	var t Ticket
	err := r.Scan(bytesInto(t.Destination[:]), bytesInto(t.Ticket[:]), timeInto{&t.ExpiresAt})
	return t, err
}
