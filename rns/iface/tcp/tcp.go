package tcp

import "meshchatx/rns/iface/stream"

// Framing is how packets stand in the stream.
type Framing = stream.Framing

// The framings. spec: rns-interfaces §2
const (
	HDLC = stream.HDLC
	KISS = stream.KISS
)

// Timeouts chooses the socket timeouts. spec: rns-interfaces §3.1
type Timeouts = stream.Timeouts

// The choices.
const (
	TimeoutsNormal = stream.TimeoutsNormal
	// TimeoutsI2P are longer, for connections that run through I2P.
	TimeoutsI2P = stream.TimeoutsI2P
)

// Family is an address family.
type Family = stream.Family

// The families.
const (
	PreferIPv4 = stream.PreferIPv4
	PreferIPv6 = stream.PreferIPv6
)

// Values of TCP interfaces. spec: rns-interfaces §1.2, §1.5
const (
	hardwareMTU    = 262_144
	bitrateGuess   = 10_000_000
	accessCodeSize = 16
	minFixedMTU    = 500

	// DefaultConnectTimeout bounds one attempt to connect.
	DefaultConnectTimeout = stream.DefaultConnectTimeout
	// DefaultMaxPeers bounds the connections of one listener.
	DefaultMaxPeers = stream.DefaultMaxPeers
)

// ErrClosedByPeer is the end of a connection that the other side closed.
var ErrClosedByPeer = stream.ErrClosedByPeer
