package serialport

import (
	"errors"
	"sync"
	"time"
)

// Flow says whether a device tells when it takes the next packet.
type Flow uint8

// The kinds of flow control.
const (
	// FlowNone sends whenever there is something to send.
	FlowNone Flow = iota
	// FlowReady sends one packet and waits for the READY of the device.
	FlowReady
)

// FlowTimeout is how long a READY is waited for. spec: rns-interfaces §10
const FlowTimeout = 5 * time.Second

// ErrNoReady is noted when a device did not say READY in time: it missed it, or does not support flow control.
var ErrNoReady = errors.New("device did not report that it is ready: sending anyway")

// Gate lets one packet through and closes until Ready, or until the time is up. What waits meanwhile is in the queue
// above the driver, which is bounded. The zero value is not usable: use NewGate. Safe for concurrent use.
//
// spec: rns-interfaces §10, §12.5
type Gate struct {
	timeout time.Duration
	token   chan struct{}

	mu     sync.Mutex
	locked time.Time
}

// NewGate returns an open gate.
func NewGate(timeout time.Duration) *Gate {
	g := &Gate{timeout: timeout, token: make(chan struct{}, 1)}
	g.token <- struct{}{}
	return g
}

// Pass waits until the gate is open and closes it. It returns ErrNoReady, and passes, when the time was up, and an error
// that Is the given one when closed was closed.
func (g *Gate) Pass(closed <-chan struct{}, offline error) error {
	defer g.lock()
	select {
	case <-g.token:
		return nil
	default:
	}
	g.mu.Lock()
	t := time.NewTimer(time.Until(g.locked.Add(g.timeout)))
	g.mu.Unlock()
	defer t.Stop()
	select {
	case <-g.token:
		return nil
	case <-closed:
		return offline
	case <-t.C:
		return ErrNoReady
	}
}

func (g *Gate) lock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.locked = time.Now()
}

// Ready opens the gate.
func (g *Gate) Ready() {
	select {
	case g.token <- struct{}{}:
	default:
	}
}
