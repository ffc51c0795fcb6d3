package bridge

import (
	"context"
	"sync"

	"meshchatx/rns"
	"meshchatx/rns/iface"
)

// fault is a driver that can lose what the suite wants lost: it stands between the node and a real driver. Optional abilities of
// the driver beside sending are those of an interface that connects to another, which is where the suite wants losses.
type fault struct {
	iface.Interface

	mu   sync.Mutex
	deaf map[rns.Addr]bool // links whose proofs are lost
}

// withFaults wraps a driver that connects; others stay as they are.
func withFaults(d iface.Interface) (iface.Interface, *fault) {
	if d.Info().Role != iface.RoleEndpoint {
		return d, nil
	}
	f := &fault{Interface: d, deaf: make(map[rns.Addr]bool)}
	return f, f
}

// loseProofs drops the proofs that arrive for a link from now on.
func (f *fault) loseProofs(link rns.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf[link] = true
}

func (f *fault) loses(frame []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.deaf) == 0 {
		return false
	}
	p, err := rns.ParsePacket(frame)
	return err == nil && p.Type == rns.PacketProof && f.deaf[p.Dest]
}

// Serve serves the driver with a host that does not hear everything.
func (f *fault) Serve(ctx context.Context, h iface.Host) error {
	return f.Interface.Serve(ctx, lossy{h, f})
}

type lossy struct {
	iface.Host
	fault *fault
}

func (l lossy) Receive(frames []iface.Frame) {
	kept := frames[:0]
	for _, f := range frames {
		if !l.fault.loses(f.Data) {
			kept = append(kept, f)
		}
	}
	if len(kept) > 0 {
		l.Host.Receive(kept)
	}
}

// SendBatch keeps the ability of the driver to write several frames at once.
func (f *fault) SendBatch(frames [][]byte) error {
	if b, ok := f.Interface.(iface.BatchSender); ok {
		return b.SendBatch(frames)
	}
	for _, frame := range frames {
		if err := f.Send(frame); err != nil {
			return err
		}
	}
	return nil
}
