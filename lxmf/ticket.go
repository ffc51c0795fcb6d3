package lxmf

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Ticket lets a correspondent do without proof of work for a while. It is a
// secret between two people. spec: lxmf §7
type Ticket struct {
	Expires time.Time
	Value   [TicketSize]byte
}

// NewTicket returns a ticket with the usual validity.
func NewTicket(rand io.Reader, now time.Time) (t Ticket, err error) {
	if _, err := io.ReadFull(rand, t.Value[:]); err != nil {
		return Ticket{}, fmt.Errorf("read randomness for a ticket: %w", err)
	}
	// Through the form of the wire, so that what is stored is what is sent.
	t.Expires = TimeOf(Seconds(now.Add(TicketValidity)))
	return t, nil
}

// Usable reports whether stamps can still be made, and are accepted, with t.
func (t Ticket) Usable(now time.Time) bool { return now.Before(t.Expires) }

// Forgettable reports whether the issuer can forget t. The grace period only
// delays that; it does not extend validity. spec: lxmf §7
func (t Ticket) Forgettable(now time.Time) bool { return now.After(t.Expires.Add(TicketGrace)) }

// Renewable reports whether t lasts long enough to be given once more, instead
// of a new one.
func (t Ticket) Renewable(now time.Time) bool { return t.Expires.Sub(now) > TicketRenewal }

// Stamp returns the stamp that t makes for a message.
func (t Ticket) Stamp(hash rns.Hash) []byte {
	s := rns.TruncatedHash(t.Value[:], hash[:])
	return s[:]
}

// String hides the secret.
func (t Ticket) String() string {
	return fmt.Sprintf("ticket until %s (value redacted)", t.Expires.UTC().Format(time.RFC3339))
}

// GoString hides the secret.
func (t Ticket) GoString() string { return t.String() }

// TicketDue reports whether another ticket may go to somebody who last got one
// at last; the zero time means never. Count deliveries, not attempts.
func TicketDue(last, now time.Time) bool { return last.IsZero() || now.Sub(last) >= TicketInterval }

// ChooseTicket returns the issued ticket to give again, if one lasts.
func ChooseTicket(issued []Ticket, now time.Time) (best Ticket, ok bool) {
	for _, t := range issued {
		if t.Renewable(now) && (!ok || t.Expires.After(best.Expires)) {
			best, ok = t, true
		}
	}
	return best, ok
}

// Ticket returns the ticket that the message brings. Remember it for the source
// only if the message is verified and the ticket usable. spec: lxmf §7
func (f Fields) Ticket() (Ticket, bool) {
	a, ok := f.array(FieldTicket, 2)
	if !ok {
		return Ticket{}, false
	}
	return ticketOf(a[0], a[1])
}

func ticketOf(expires, value msgpack.Value) (Ticket, bool) {
	seconds, ok1 := expires.Number()
	b, ok2 := value.Bytes()
	at := TimeOf(seconds)
	if !ok1 || !ok2 || len(b) != TicketSize || at.IsZero() {
		return Ticket{}, false
	}
	return Ticket{at, [TicketSize]byte(b)}, true
}

// SetTicket adds a ticket. It must be there before signing. A message that is
// submitted again keeps the ticket of its first packing.
func (f *Fields) SetTicket(t Ticket) {
	f.Set(FieldTicket, msgpack.Array(msgpack.Float(Seconds(t.Expires)), msgpack.Bin(t.Value[:])))
}

// ticketStamp reports whether stamp was made with one of the usable tickets.
func ticketStamp(stamp []byte, hash rns.Hash, issued []Ticket, now time.Time) bool {
	found := 0
	for _, t := range issued {
		if t.Usable(now) {
			found |= subtle.ConstantTimeCompare(t.Stamp(hash), stamp)
		}
	}
	return found == 1
}
