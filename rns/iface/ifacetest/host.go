// Package ifacetest serves drivers in tests, as a node does.
package ifacetest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"meshchatx/rns/iface"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// Host serves one interface: what it receives goes to a channel, peers it spawns are served by hosts of their own. Use
// Start. Its channels may be read from any goroutine.
type Host struct {
	// Iface is the interface served.
	Iface iface.Interface
	// Ups has an entry for each time the interface came up.
	Ups chan struct{}
	// Frames are what it received.
	Frames chan []byte
	// Peers are what it spawned.
	Peers chan *Host
	// Notes are what it reported; more than fit are dropped.
	Notes chan error
	// Done has the result of Serve.
	Done chan error

	ctx context.Context //nolint:containedctx // of the serving
	wg  sync.WaitGroup
}

func newHost(ctx context.Context, i iface.Interface) *Host {
	return &Host{
		Iface: i, Ups: make(chan struct{}, 64), Frames: make(chan []byte, 4096), Peers: make(chan *Host, 64),
		Notes: make(chan error, 64), Done: make(chan error, 1), ctx: ctx,
	}
}

// Up is called by the driver.
func (h *Host) Up() { h.Ups <- struct{}{} }

// Note is called by the driver.
func (h *Host) Note(err error) {
	select {
	case h.Notes <- err:
	default:
	}
}

// Receive is called by the driver.
func (h *Host) Receive(frames []iface.Frame) {
	for _, f := range frames {
		h.Frames <- bytes.Clone(f.Data)
	}
}

// Spawn is called by the driver.
func (h *Host) Spawn(child iface.Interface) <-chan struct{} {
	p := newHost(h.ctx, child)
	done := make(chan struct{})
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		defer close(done)
		p.serve()
	}()
	h.Peers <- p
	return done
}

// serve runs an interface as a node does: a peer once, another again and again.
func (h *Host) serve() {
	defer h.wg.Wait()
	for {
		err := h.Iface.Serve(h.ctx, h)
		if h.ctx.Err() != nil || h.Iface.Info().Role == iface.RolePeer {
			h.Done <- err
			return
		}
		h.Note(err)
	}
}

// Start serves an interface once, until the test ends or stop is called, which waits until everything has ended.
func Start(tb testing.TB, i iface.Interface) (h *Host, stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	h = newHost(ctx, i)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		err := i.Serve(ctx, h)
		cancel()
		h.wg.Wait()
		h.Done <- err
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-finished
	})
	tb.Cleanup(stop)
	return h, stop
}

// Open serves an interface and waits until it is up.
func Open(tb testing.TB, i iface.Interface) (h *Host, stop func()) {
	tb.Helper()
	h, stop = Start(tb, i)
	h.WaitUp(tb)
	return h, stop
}

// WaitUp waits until the interface comes up.
func (h *Host) WaitUp(tb testing.TB) {
	tb.Helper()
	select {
	case <-h.Ups:
	case err := <-h.Done:
		tb.Fatalf("%s ended: %v", h.Iface.Info().Label, err)
	case <-time.After(patience):
		tb.Fatalf("%s does not come up", h.Iface.Info().Label)
	}
}

// Ended waits for the result of Serve.
func (h *Host) Ended(tb testing.TB) error {
	tb.Helper()
	return take(tb, h.Done, "the end of "+h.Iface.Info().Label)
}

// Peer waits for the next spawned peer and until it is up.
func (h *Host) Peer(tb testing.TB) *Host {
	tb.Helper()
	p := take(tb, h.Peers, "a peer of "+h.Iface.Info().Label)
	p.WaitUp(tb)
	return p
}

// Frame waits for the next received frame.
func (h *Host) Frame(tb testing.TB) []byte {
	tb.Helper()
	return take(tb, h.Frames, "a frame at "+h.Iface.Info().Label)
}

// Noted waits for the next note.
func (h *Host) Noted(tb testing.TB) error {
	tb.Helper()
	return take(tb, h.Notes, "a note of "+h.Iface.Info().Label)
}

func take[T any](tb testing.TB, c <-chan T, what string) (v T) {
	tb.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		tb.Fatalf("waited in vain for %s", what)
	}
	return v
}

// Exchange sends frames of many sizes, with bytes that framings escape, both ways and checks that they arrive in order.
func Exchange(tb testing.TB, a, b *Host, largest int) {
	tb.Helper()
	var frames [][]byte
	for size := iface.MinFrameSize; size < largest; size = size*3/2 + 1 {
		f := bytes.Repeat([]byte{byte(size), 0x7d, 0x7e, 0x5e, 0xc0}, size/5+1)
		frames = append(frames, f[:size])
	}
	frames = append(frames, bytes.Repeat([]byte{0x7e}, largest))
	for _, way := range [2][2]*Host{{a, b}, {b, a}} {
		if batch, ok := way[0].Iface.(iface.BatchSender); ok {
			if err := batch.SendBatch(frames); err != nil {
				tb.Fatal(err)
			}
		} else {
			for _, f := range frames {
				if err := way[0].Iface.Send(f); err != nil {
					tb.Fatal(err)
				}
			}
		}
		for n, want := range frames {
			if got := way[1].Frame(tb); !bytes.Equal(got, want) {
				tb.Fatalf("frame %d has %d bytes, want %d", n, len(got), len(want))
			}
		}
	}
}

// Await waits until something holds.
func Await(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain until %s", what)
		}
		<-time.After(time.Millisecond)
	}
}
