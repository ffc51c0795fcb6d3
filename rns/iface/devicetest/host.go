package devicetest

import (
	"bytes"
	"context"
	"sync"

	"meshchatx/rns/iface"
)

// Host serves a driver in place of a node and records what it does. Safe for concurrent use.
type Host struct {
	// Frames, Notes and Peers bring what the driver delivered, noted and spawned, Started one value for every Up. They
	// have room for 1,024; a driver waits beyond that.
	Frames  chan iface.Frame
	Notes   chan error
	Peers   chan *Host
	Started chan struct{}
	// Driver is what is served.
	Driver iface.Interface

	ctx  context.Context //nolint:containedctx // of the served driver's children
	stop context.CancelFunc
	wg   sync.WaitGroup
	done chan struct{}
	err  error
}

const hostRoom = 1024

// Serve serves a driver once, until Stop or the driver ends.
func Serve(ctx context.Context, d iface.Interface) *Host {
	h := &Host{
		Frames: make(chan iface.Frame, hostRoom), Notes: make(chan error, hostRoom), Peers: make(chan *Host, hostRoom),
		Started: make(chan struct{}, hostRoom), Driver: d, done: make(chan struct{}),
	}
	h.ctx, h.stop = context.WithCancel(ctx)
	go func() {
		defer close(h.done)
		h.err = d.Serve(h.ctx, h)
		h.stop()
		h.wg.Wait()
	}()
	return h
}

// Stop ends the driver and waits for it and its children. It returns the reason of the driver.
func (h *Host) Stop() error {
	h.stop()
	return h.Wait()
}

// Wait waits for the end of the driver and returns its reason.
func (h *Host) Wait() error {
	<-h.done
	return h.err
}

// Done is closed when the driver and its children have ended.
func (h *Host) Done() <-chan struct{} { return h.done }

// Up is called by the driver.
func (h *Host) Up() { h.Started <- struct{}{} }

// Note is called by the driver.
func (h *Host) Note(err error) { h.Notes <- err }

// Receive is called by the driver.
func (h *Host) Receive(frames []iface.Frame) {
	for _, f := range frames {
		f.Data = bytes.Clone(f.Data)
		h.Frames <- f
	}
}

// Spawn is called by the driver.
func (h *Host) Spawn(child iface.Interface) <-chan struct{} {
	h.wg.Add(1)
	c := Serve(h.ctx, child)
	go func() {
		defer h.wg.Done()
		<-c.done
	}()
	h.Peers <- c
	return c.done
}
