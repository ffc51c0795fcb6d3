package lxmf

import (
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Tickets is the content of the file available_tickets, in its order.
// spec: lxmf §14
type Tickets struct {
	Outbound   []PeerTicket   // received, for messages to these destinations
	Inbound    []PeerTicket   // issued to these destinations, several to each
	Deliveries []TicketRecord // when a ticket last reached a destination
}

// PeerTicket is a ticket shared with a destination.
type PeerTicket struct {
	Peer   rns.Addr
	Ticket Ticket
}

// TicketRecord says when a ticket last reached a destination.
type TicketRecord struct {
	Peer rns.Addr
	At   time.Time
}

// ParseTickets reads available_tickets. Missing parts are empty, malformed
// entries left out.
func ParseTickets(b []byte) (t Tickets, err error) {
	m, err := fileMap(b)
	if err != nil {
		return Tickets{}, err
	}
	part := func(name string) msgpack.Pairs {
		v, _ := m.Text(name)
		pairs, _ := v.Map()
		return pairs
	}
	for k, v := range part("outbound").All() {
		peer, ok := addrOf(k)
		entry, isList := v.Array()
		if !ok || !isList || len(entry) < 2 {
			continue
		}
		if ticket, ok := ticketOf(entry[0], entry[1]); ok {
			t.Outbound = append(t.Outbound, PeerTicket{peer, ticket})
		}
	}
	for k, v := range part("inbound").All() {
		peer, ok := addrOf(k)
		issued, isMap := v.Map()
		if !ok || !isMap {
			continue
		}
		for value, expiry := range issued.All() {
			entry, isList := expiry.Array()
			if !isList || len(entry) < 1 {
				continue
			}
			if ticket, ok := ticketOf(entry[0], value); ok {
				t.Inbound = append(t.Inbound, PeerTicket{peer, ticket})
			}
		}
	}
	for k, v := range part("last_deliveries").All() {
		peer, ok1 := addrOf(k)
		at, ok2 := timeOf(v)
		if ok1 && ok2 {
			t.Deliveries = append(t.Deliveries, TicketRecord{peer, at})
		}
	}
	return t, nil
}

// Append appends the content of available_tickets. Of several outbound tickets of
// one peer the last one counts.
func (t Tickets) Append(b []byte) []byte {
	b = msgpack.AppendMapHeader(b, 3)
	b = msgpack.AppendString(b, "outbound")
	outbound := grouped(t.Outbound)
	b = msgpack.AppendMapHeader(b, len(outbound))
	for _, g := range outbound {
		last := g.tickets[len(g.tickets)-1]
		b = msgpack.AppendBin(b, g.peer[:])
		b = appendTime(msgpack.AppendArrayHeader(b, 2), last.Expires)
		b = msgpack.AppendBin(b, last.Value[:])
	}
	b = msgpack.AppendString(b, "inbound")
	inbound := grouped(t.Inbound)
	b = msgpack.AppendMapHeader(b, len(inbound))
	for _, g := range inbound {
		b = msgpack.AppendBin(b, g.peer[:])
		b = msgpack.AppendMapHeader(b, len(g.tickets))
		for _, ticket := range g.tickets {
			b = msgpack.AppendBin(b, ticket.Value[:])
			b = appendTime(msgpack.AppendArrayHeader(b, 1), ticket.Expires)
		}
	}
	b = msgpack.AppendString(b, "last_deliveries")
	b = msgpack.AppendMapHeader(b, len(t.Deliveries))
	for _, d := range t.Deliveries {
		b = appendTime(msgpack.AppendBin(b, d.Peer[:]), d.At)
	}
	return b
}

// Clean returns t without what has expired. spec: lxmf §14
func (t Tickets) Clean(now time.Time) Tickets {
	var out Tickets
	for _, p := range t.Outbound {
		if p.Ticket.Usable(now) {
			out.Outbound = append(out.Outbound, p)
		}
	}
	for _, p := range t.Inbound {
		if !p.Ticket.Forgettable(now) {
			out.Inbound = append(out.Inbound, p)
		}
	}
	for _, d := range t.Deliveries {
		if !TicketDue(d.At, now) {
			out.Deliveries = append(out.Deliveries, d)
		}
	}
	return out
}

// peerTickets are the distinct tickets of one peer.
type peerTickets struct {
	peer    rns.Addr
	tickets []Ticket
}

// grouped collects tickets by peer, both in the order of their first appearance;
// a ticket that appears again replaces the earlier one.
func grouped(list []PeerTicket) (groups []peerTickets) {
	at := make(map[rns.Addr]int)
	for _, p := range list {
		i, known := at[p.Peer]
		if !known {
			i = len(groups)
			at[p.Peer] = i
			groups = append(groups, peerTickets{peer: p.Peer})
		}
		groups[i].add(p.Ticket)
	}
	return groups
}

func (g *peerTickets) add(t Ticket) {
	for i := range g.tickets {
		if g.tickets[i].Value == t.Value {
			g.tickets[i] = t
			return
		}
	}
	g.tickets = append(g.tickets, t)
}
