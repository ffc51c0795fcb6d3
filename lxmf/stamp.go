package lxmf

import (
	"time"

	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// StampWork returns the work that a stamp of the message is for. It takes about
// 10 ms of processor time on as many goroutines as there are workers. Set the
// stamp found as m.Stamp. spec: lxmf §6.1
func (m *Message) StampWork(workers int) *stamp.Work {
	return stamp.NewWork(m.Hash[:], stamp.MessageRounds, workers)
}

// StampVerdict is the result of looking at the stamp of a received message.
type StampVerdict struct {
	Valid  bool
	Ticket bool // made by ticket, which costs nothing
	// Value is how much work the stamp shows, or TicketStampValue.
	Value int
}

// CheckStamp looks at the stamp of a message to somebody who asks for cost, and
// issued tickets to its source. Below cost one there is nothing to look at.
// Tickets are tried first, as they cost nothing; proof of work takes the time of
// [Message.StampWork], so refuse what is cheap to refuse before. spec: lxmf §6.4
func (m *Message) CheckStamp(cost int, issued []Ticket, now time.Time, workers int) StampVerdict {
	if cost < 1 {
		return StampVerdict{Valid: true}
	}
	if len(m.Stamp) == TicketSize && ticketStamp(m.Stamp, m.Hash, issued, now) {
		return StampVerdict{Valid: true, Ticket: true, Value: TicketStampValue}
	}
	if len(m.Stamp) != stamp.Size {
		return StampVerdict{}
	}
	work := m.StampWork(workers)
	return StampVerdict{Valid: work.Valid(m.Stamp, cost), Value: work.Value(m.Stamp)}
}

// PropagationWork returns the work for the stamp of a message on a propagation
// node, named by its [TransientID]. spec: lxmf §6.1
func PropagationWork(id rns.Hash, workers int) *stamp.Work {
	return stamp.NewWork(id[:], stamp.PropagationRounds, workers)
}

// PeeringWork returns the work for the key with which the node of one identity
// offers messages to the node of another. Both are identity hashes, and the
// direction counts. spec: lxmf §12.3
func PeeringWork(receiver, offerer rns.Addr) *stamp.Work {
	material := append(append(make([]byte, 0, 2*rns.AddrSize), receiver[:]...), offerer[:]...)
	return stamp.NewWork(material, stamp.PeeringRounds, 1)
}

// RequiredPropagationCost returns what a node accepts that announces a target
// cost with a flexibility. spec: lxmf §6.5
func RequiredPropagationCost(target, flexibility int) int { return max(0, target-flexibility) }
