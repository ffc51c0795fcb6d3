package i2p

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/stream"
)

// ErrSilent ends a connection on which nothing is heard, not even keepalives.
var ErrSilent = errors.New("nothing was heard through the tunnel for too long")

// tunnel moves frames through one connection and supervises it. The zero value with conf and info is not connected.
type tunnel struct {
	conf  *Config
	info  iface.Info
	live  atomic.Pointer[stream.Stream]
	state atomic.Uint32
}

// Info describes the interface.
func (t *tunnel) Info() iface.Info { return t.info }

// TunnelState is that of the connection.
func (t *tunnel) TunnelState() iface.TunnelState { return iface.TunnelState(t.state.Load()) }

// Send writes one frame.
func (t *tunnel) Send(frame []byte) error { return t.send(frame) }

// SendBatch writes several frames.
func (t *tunnel) SendBatch(frames [][]byte) error { return t.send(frames...) }

func (t *tunnel) send(frames ...[]byte) error {
	for _, f := range frames {
		if len(f) > hardwareMTU+iface.MaxAccessCodeSize {
			return iface.ErrFrameSize
		}
	}
	s := t.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.Send(frames...)
}

// carry runs over a connection until it or ctx ends.
func (t *tunnel) carry(ctx context.Context, conn net.Conn, h iface.Host) error {
	stream.Tune(conn, stream.TimeoutsI2P)
	w := &watched{Conn: conn}
	w.read.Store(time.Now().UnixNano())
	w.wrote.Store(time.Now().UnixNano())
	s := stream.New(w, stream.HDLC, hardwareMTU)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t.live.Store(s)
	t.state.Store(uint32(iface.TunnelActive))
	defer func() {
		t.live.Store(nil)
		t.state.Store(uint32(iface.TunnelInit))
	}()
	h.Up()
	var guard sync.WaitGroup
	guard.Go(func() { t.supervise(ctx, w, s, cancel) })
	err := s.Run(ctx, h)
	cancel(err)
	guard.Wait()
	return err
}

// supervise sends keepalives and ends a connection that has fallen silent. spec: rns-interfaces §14
func (t *tunnel) supervise(ctx context.Context, w *watched, s *stream.Stream, cancel context.CancelCauseFunc) {
	p := t.conf.Params
	tick := time.NewTicker(p.Check)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now().UnixNano()
		silence := time.Duration(now - w.read.Load())
		switch {
		case silence >= p.Silence:
			cancel(ErrSilent)
			return
		case silence >= p.Stale:
			t.state.Store(uint32(iface.TunnelStale))
		default:
			t.state.Store(uint32(iface.TunnelActive))
		}
		if time.Duration(now-w.wrote.Load()) >= p.Keepalive {
			_ = s.Idle() // a broken connection shows at the reader
		}
	}
}

// watched remembers when a connection was last read and written, as Unix time in nanoseconds.
type watched struct {
	net.Conn
	read, wrote atomic.Int64
}

// Read reads.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 {
		w.read.Store(time.Now().UnixNano())
	}
	return n, err
}

// Write writes.
func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if n > 0 {
		w.wrote.Store(time.Now().UnixNano())
	}
	return n, err
}

// incoming is a peer that came to the endpoint.
type incoming struct {
	tunnel
	conn net.Conn
}

func newIncoming(c *Config, conn net.Conn) *incoming {
	return &incoming{conn: conn, tunnel: tunnel{conf: c, info: describe("Connected peer on "+c.Name, iface.RolePeer)}}
}

// Serve runs until the connection ends.
func (p *incoming) Serve(ctx context.Context, h iface.Host) error { return p.carry(ctx, p.conn, h) }

// outgoing is a peer of the configuration. The node serves it again after each end, with the same session.
type outgoing struct {
	tunnel
	address string

	mu      sync.Mutex
	closed  bool
	session *session
}

func newOutgoing(c *Config, address string) *outgoing {
	info := describe(c.Name+" to "+address, iface.RoleEndpoint)
	info.Tunnel = true
	return &outgoing{address: address, tunnel: tunnel{conf: c, info: info}}
}

// Serve connects and runs until the connection ends.
func (p *outgoing) Serve(ctx context.Context, h iface.Host) error {
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	dest, err := p.conf.resolve(ctx, p.address)
	if err != nil {
		return err
	}
	conn, err := p.conf.connect(ctx, s, dest)
	if err != nil {
		if errors.Is(err, ErrInvalidID) || errors.Is(err, ErrI2P) {
			s.close() // the next attempt makes another
		}
		return err
	}
	return p.carry(ctx, conn, h)
}

// errStopped means that the interface of the peer is being closed.
var errStopped = errors.New("interface is closed")

// open returns the session of this peer, a new one if the router has lost it.
func (p *outgoing) open(ctx context.Context) (*session, error) {
	p.mu.Lock()
	s, closed := p.session, p.closed
	p.mu.Unlock()
	if closed {
		return nil, errStopped
	}
	if s != nil && s.alive() {
		return s, nil
	}
	s, err := p.conf.open(ctx, transient)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		s.close()
		return nil, errStopped
	}
	p.session = s
	return s, nil
}

// close ends the session. No other is made.
func (p *outgoing) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.session != nil {
		p.session.close()
	}
}
