package iface

import "net/netip"

// TunnelState is the state of a connection through an anonymising network. spec: rns-interfaces §14
type TunnelState uint8

// The states, with their numbers in the protocol.
const (
	// TunnelInit is being set up.
	TunnelInit TunnelState = 0
	// TunnelActive carries frames.
	TunnelActive TunnelState = 1
	// TunnelStale has been silent for longer than keepalives are apart.
	TunnelStale TunnelState = 2
)

// String returns the state as one word.
func (s TunnelState) String() string {
	switch s {
	case TunnelActive:
		return "active"
	case TunnelStale:
		return "unresponsive"
	default:
		return "creating"
	}
}

// Tunnelled is the ability of an interface to tell the state of the tunnel it runs through. It may be called at any time.
type Tunnelled interface {
	TunnelState() TunnelState
}

// Endpoint is where an interface can be reached through an anonymising network.
type Endpoint struct {
	// Connectable says that the interface offers an endpoint at all.
	Connectable bool
	// Address is that of the endpoint, such as "….b32.i2p"; empty until it is known.
	Address string
	// State is that of the endpoint.
	State TunnelState
}

// Reachable is the ability of an interface to tell its own endpoint. It may be called at any time.
// spec: rns-interfaces §14
type Reachable interface {
	Endpoint() Endpoint
}

// Blocker is the ability of a listener to refuse addresses that misbehave. It may be called at any time.
// spec: rns-interfaces §4
type Blocker interface {
	// Blocked are the addresses that are refused now, in order.
	Blocked() []netip.Addr
}
