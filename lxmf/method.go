package lxmf

import "fmt"

// Method is a way to deliver a message. spec: lxmf §5
type Method uint8

// The methods. The zero value is none: a message without a wish goes direct.
const (
	MethodOpportunistic Method = 0x01 // one packet, without a link
	MethodDirect        Method = 0x02 // over a link
	MethodPropagated    Method = 0x03 // through a propagation node
	MethodPaper         Method = 0x05 // as text or QR code
)

// String names the method.
func (m Method) String() string {
	switch m {
	case 0:
		return "none"
	case MethodOpportunistic:
		return "opportunistic"
	case MethodDirect:
		return "direct"
	case MethodPropagated:
		return "propagated"
	case MethodPaper:
		return "paper"
	}
	return fmt.Sprintf("Method(%#02x)", uint8(m))
}

// Representation is the form in which a message travels. spec: lxmf §5
type Representation uint8

// The representations.
const (
	RepresentationUnknown  Representation = 0x00
	RepresentationPacket   Representation = 0x01
	RepresentationResource Representation = 0x02
	RepresentationPaper    Representation = 0x05
)

// String names the representation.
func (r Representation) String() string {
	switch r {
	case RepresentationUnknown:
		return "unknown"
	case RepresentationPacket:
		return "packet"
	case RepresentationResource:
		return "resource"
	case RepresentationPaper:
		return "paper"
	}
	return fmt.Sprintf("Representation(%#02x)", uint8(r))
}

// State is how far the delivery of a message got, in the numbers that LXMF
// programs store. spec: lxmf §5, §16
type State uint8

// The states.
const (
	StateGenerating State = 0x00
	StateOutbound   State = 0x01
	StateSending    State = 0x02
	StateSent       State = 0x04
	StatePaper      State = 0x05
	StateDelivered  State = 0x08
	StateRejected   State = 0xfd
	StateCancelled  State = 0xfe
	StateFailed     State = 0xff
)

// String names the state.
func (s State) String() string {
	switch s {
	case StateGenerating:
		return "generating"
	case StateOutbound:
		return "outbound"
	case StateSending:
		return "sending"
	case StateSent:
		return "sent"
	case StatePaper:
		return "paper"
	case StateDelivered:
		return "delivered"
	case StateRejected:
		return "rejected"
	case StateCancelled:
		return "cancelled"
	case StateFailed:
		return "failed"
	}
	return fmt.Sprintf("State(%#02x)", uint8(s))
}

// Final reports whether nothing more will be done about a message that is sent
// by method m. Sent is final only where delivery cannot be known.
func (s State) Final(m Method) bool {
	switch s {
	case StateDelivered, StatePaper, StateRejected, StateCancelled, StateFailed:
		return true
	case StateSent:
		return m == MethodPropagated
	}
	return false
}
