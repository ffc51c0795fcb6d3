// Package rnprobe measures whether a destination that proves packets can be
// reached, and how long a proof takes.
//
// spec: rns-link §13.1
package rnprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// Defaults. spec: rns-link §13.1
const (
	// DefaultSize is the size of a probe in bytes.
	DefaultSize = 16
	// baseTimeout is waited for path and proof, in addition to the time of the first hop.
	baseTimeout = 12 * time.Second
)

// ErrSize means that a probe does not fit a packet.
var ErrSize = errors.New("probe does not fit a packet")

// Config says what to probe and how.
type Config struct {
	// Addr is the destination, Name its full name, empty for any.
	Addr rns.Addr
	Name string
	// Size of a probe in bytes, 0 for DefaultSize.
	Size int
	// Count of probes, 0 for one.
	Count int
	// Wait between two probes.
	Wait time.Duration
	// Timeout for the path and for each proof; 0 for 12 s and the time of the first hop.
	Timeout time.Duration
	// Control knows what a shared instance measures; nil asks the node itself.
	Control control.Service
	// OnStep, OnSent and OnResult are told how far it is. They may be nil.
	OnStep   func(stack.Step)
	OnSent   func(Probe)
	OnResult func(Probe)
}

// Probe is one probe.
type Probe struct {
	// Number counts from 1.
	Number int
	Size   int
	// Via is the next hop on Interface; zero and empty if unknown.
	Via       rns.Addr
	Interface string
	// Proved is set if the proof came, after RTT, over Hops.
	Proved bool
	RTT    time.Duration
	Hops   int
	// Signal is what was measured of the proof.
	Signal iface.Signal
}

// Report sums up.
type Report struct {
	Sent, Received int
	Probes         []Probe
}

// Loss is the share of probes without a proof, in percent.
func (r Report) Loss() float64 {
	if r.Sent == 0 {
		return 0
	}
	return 100 * (1 - float64(r.Received)/float64(r.Sent))
}

// Run sends the probes. Errors are those of stack.Find and ErrSize; lost probes are none.
func Run(ctx context.Context, n *node.Node, c Config) (Report, error) {
	if c.Size <= 0 {
		c.Size = DefaultSize
	}
	if c.Control == nil {
		c.Control = n.Service()
	}
	var r Report
	within, cancel := context.WithTimeout(ctx, c.timeout(ctx))
	_, _, err := stack.Find(within, n, stack.Peer{Addr: c.Addr, Name: c.Name, OnStep: c.OnStep})
	cancel()
	if err != nil {
		return r, err
	}
	for i := range max(1, c.Count) {
		if i > 0 {
			if err := pause(ctx, c.Wait); err != nil {
				return r, err
			}
		}
		p, err := c.probe(ctx, n, i+1)
		if err != nil {
			return r, err
		}
		r.Sent++
		if p.Proved {
			r.Received++
		}
		r.Probes = append(r.Probes, p)
		if c.OnResult != nil {
			c.OnResult(p)
		}
	}
	return r, nil
}

func (c *Config) timeout(ctx context.Context) time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	first, err := c.Control.FirstHopTimeout(ctx, c.Addr)
	if err != nil {
		first = rns.DefaultPerHopTimeout
	}
	return baseTimeout + first
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// probe sends one probe and waits for its proof.
func (c *Config) probe(ctx context.Context, n *node.Node, number int) (Probe, error) {
	p := Probe{Number: number, Size: c.Size}
	if path, err := n.Path(ctx, c.Addr); err == nil {
		p.Via, p.Interface = path.NextHop, path.InterfaceName
	}
	// A client of a shared instance knows the way to that only.
	if via, ok, err := c.Control.NextHop(ctx, c.Addr); err == nil && ok {
		p.Via = via
	}
	if name, err := c.Control.NextHopInterface(ctx, c.Addr); err == nil && name != "" {
		p.Interface = name
	}
	data := make([]byte, c.Size)
	if _, err := io.ReadFull(n.Random(), data); err != nil {
		return p, err
	}
	var sent atomic.Pointer[rns.Addr] // the proof goes to the beginning of the hash
	tap := n.OpenTap(1, func(r *node.TapRecord) bool {
		to := sent.Load()
		return r.Direction == node.In && r.Packet.Type == rns.PacketProof && (to == nil || r.Packet.Dest == *to)
	})
	defer tap.Close()
	receipt, err := n.SendPacket(ctx, c.Addr, data, node.SendOptions{Timeout: c.timeout(ctx)})
	if errors.Is(err, node.ErrTooLarge) {
		return p, fmt.Errorf("%w: %d bytes are more than %d", ErrSize, c.Size, rns.EncryptedMDU)
	}
	if err != nil {
		return p, err
	}
	hash := receipt.Hash()
	to := rns.Addr(hash[:rns.AddrSize])
	sent.Store(&to)
	if c.OnSent != nil {
		c.OnSent(p)
	}
	err = receipt.Wait(ctx)
	if ctx.Err() != nil {
		return p, context.Cause(ctx)
	}
	if err != nil {
		return p, nil //nolint:nilerr // a lost probe is a result
	}
	p.Proved, p.RTT, p.Hops = true, receipt.Status().RTT(), n.HopsTo(ctx, c.Addr)
	if records, _ := tap.Since(0); len(records) > 0 && records[len(records)-1].Packet.Dest == to {
		p.Signal = c.signal(ctx, records[len(records)-1])
	}
	return p, nil
}

// signal is what the node, or the shared instance, measured of a packet.
func (c *Config) signal(ctx context.Context, r node.TapRecord) iface.Signal {
	s := r.Signal
	hash := rns.PacketHash(r.Raw)
	if v, ok, err := c.Control.PacketRSSI(ctx, hash); err == nil && ok {
		s.RSSI, s.HasRSSI = v, true
	}
	if v, ok, err := c.Control.PacketSNR(ctx, hash); err == nil && ok {
		s.SNR, s.HasSNR = v, true
	}
	if v, ok, err := c.Control.PacketQuality(ctx, hash); err == nil && ok {
		s.Quality, s.HasQuality = v, true
	}
	return s
}
