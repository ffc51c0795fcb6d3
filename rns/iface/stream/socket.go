package stream

import "time"

// Timeouts chooses the socket timeouts. spec: rns-interfaces §3.1
type Timeouts uint8

// The choices.
const (
	TimeoutsNormal Timeouts = iota
	// TimeoutsI2P are longer, for connections that run through I2P.
	TimeoutsI2P
)

// DefaultConnectTimeout bounds one attempt to connect. spec: rns-interfaces §1.5
const DefaultConnectTimeout = 5 * time.Second

// keepalive is a row of the table of socket timeouts.
type keepalive struct {
	user, idle, interval time.Duration
	count                int
}

func (t Timeouts) keepalive() keepalive {
	if t == TimeoutsI2P {
		return keepalive{user: 45 * time.Second, idle: 10 * time.Second, interval: 9 * time.Second, count: 5}
	}
	return keepalive{user: 24 * time.Second, idle: 5 * time.Second, interval: 2 * time.Second, count: 12}
}
