// Package shaper is a TCP proxy for Reticulum's HDLC framing that behaves like a bad medium: limited bandwidth, delay,
// loss of whole frames, and cuts. Tests and the end-to-end suite put it between two nodes.
//
// A [Proxy] listens on a loopback port and connects each accepted connection to its target. Conditions can be changed
// while it runs. All methods are safe for concurrent use.
package shaper

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"meshchatx/rns/iface/framing"
)

// Conditions describe the medium, each direction alike. The zero value is a perfect medium.
type Conditions struct {
	// BytesPerSecond limits the rate of frame bytes; 0 is unlimited.
	BytesPerSecond int `json:"bytes_per_second"`
	// Delay is added to each frame.
	Delay time.Duration `json:"delay"`
	// Loss is the probability, 0 to 1, that a frame vanishes.
	Loss float64 `json:"loss"`
}

// Counters say what passed.
type Counters struct {
	Frames, Lost, Connections int
	Bytes                     int64
}

// Frame is one frame as it came to the proxy. Packet is the callee's to read until it returns.
type Frame struct {
	At       time.Time
	ToTarget bool
	Lost     bool
	Packet   []byte
}

// queueFrames bounds what waits in one direction; beyond it the sender's socket is not read, so that its own queue fills.
const queueFrames = 64

// Proxy is a running proxy. Make one with [Listen].
type Proxy struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu       sync.Mutex
	cond     Conditions
	count    Counters
	random   *rand.Rand
	pairs    map[*pair]struct{}
	refusing bool
	closed   bool
	tap      func(Frame)
}

// pair is one accepted connection and its counterpart.
type pair struct{ near, far net.Conn }

func (p *pair) close() { _, _ = p.near.Close(), p.far.Close() }

// Listen starts a proxy on address ("127.0.0.1:0" takes a free port) in front of target. Equal seeds lose the same
// frames of equal traffic.
func Listen(address, target string, c Conditions, seed uint64) (*Proxy, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	p := &Proxy{listener: l, target: target, cond: c, random: rand.New(rand.NewPCG(seed, 1)), pairs: map[*pair]struct{}{}}
	p.done.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() *net.TCPAddr { return p.listener.Addr().(*net.TCPAddr) }

// Set changes the conditions for frames that arrive from now on.
func (p *Proxy) Set(c Conditions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cond = c
}

// Tap shows every frame to f, one at a time, in the order of their arrival. f must be fast; nil ends it.
func (p *Proxy) Tap(f func(Frame)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tap = f
}

// Counters returns what passed so far.
func (p *Proxy) Counters() Counters {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Cut closes all connections and refuses new ones until Mend.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = true
	for c := range p.pairs {
		c.close()
	}
}

// Mend accepts connections again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = false
}

// Close ends the proxy and waits for its goroutines.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed, p.refusing = true, true
	for c := range p.pairs {
		c.close()
	}
	p.mu.Unlock()
	err := p.listener.Close()
	p.done.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.DialTimeout("tcp", p.target, 2*time.Second)
		if err != nil {
			_ = near.Close()
			continue
		}
		c := &pair{near, far}
		if !p.admit(c) {
			c.close()
		}
	}
}

func (p *Proxy) admit(c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusing {
		return false
	}
	p.pairs[c] = struct{}{}
	p.count.Connections++
	p.done.Go(func() { p.serve(c) })
	return true
}

func (p *Proxy) serve(c *pair) {
	var both sync.WaitGroup
	both.Go(func() { p.carry(c.near, c.far, c, true) })
	both.Go(func() { p.carry(c.far, c.near, c, false) })
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

// delayed is a frame and the time it is due at the other side.
type delayed struct {
	frame []byte
	due   time.Time
}

// carry moves one direction until either side closes.
func (p *Proxy) carry(from, to net.Conn, c *pair, toTarget bool) {
	ctx, cancel := context.WithCancelCause(context.Background())
	queue := make(chan delayed, queueFrames)
	var writer sync.WaitGroup
	writer.Go(func() {
		cancel(write(ctx, to, queue))
		c.close()
	})
	p.read(ctx, from, queue, toTarget)
	close(queue)
	writer.Wait()
}

func (p *Proxy) read(ctx context.Context, from net.Conn, queue chan<- delayed, toTarget bool) {
	deframer := framing.NewHDLC(framing.Limits{Min: 1, Max: 1 << 20})
	buf := make([]byte, 64<<10)
	var free time.Time // when the medium is idle again
	for {
		n, err := from.Read(buf)
		deframer.Feed(buf[:n], func(packet []byte) {
			d, passes := p.shape(packet, &free, toTarget)
			if !passes {
				return
			}
			select {
			case queue <- d:
			case <-ctx.Done():
			}
		})
		if err != nil || ctx.Err() != nil {
			return
		}
	}
}

// shape decides about one frame: lost, or due when the medium has carried everything before it.
func (p *Proxy) shape(packet []byte, free *time.Time, toTarget bool) (delayed, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.Frames++
	p.count.Bytes += int64(len(packet))
	now := time.Now()
	if free.Before(now) {
		*free = now
	}
	if p.cond.BytesPerSecond > 0 {
		*free = free.Add(time.Duration(len(packet)) * time.Second / time.Duration(p.cond.BytesPerSecond))
	}
	lost := p.random.Float64() < p.cond.Loss
	if p.tap != nil {
		p.tap(Frame{now, toTarget, lost, packet})
	}
	if lost {
		p.count.Lost++
		return delayed{}, false
	}
	return delayed{framing.AppendHDLC(nil, packet), free.Add(p.cond.Delay)}, true
}

var errEnd = errors.New("the other side closed")

func write(ctx context.Context, to net.Conn, queue <-chan delayed) error {
	for d := range queue {
		wait := time.NewTimer(time.Until(d.due))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return context.Cause(ctx)
		}
		if _, err := to.Write(d.frame); err != nil {
			return err
		}
	}
	return errEnd
}
