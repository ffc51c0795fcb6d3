package stream

import (
	"context"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
)

// Client connects to one target and moves frames over the connection. Fill its fields before Serve; the contract is that
// of an interface, whose methods it has all but Info.
type Client struct {
	// Host and Port are the target.
	Host string
	Port int
	// Choose picks one address of the host before connecting when not nil; else all are tried.
	Choose func(ctx context.Context, host string) (string, error)
	// Framing, Timeouts and MTU are those of the connection.
	Framing  Framing
	Timeouts Timeouts
	MTU      int
	// ConnectTimeout bounds one attempt, 0 for DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Dial replaces the network when not nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	live atomic.Pointer[Stream]
}

// Serve connects and runs until the connection ends.
func (c *Client) Serve(ctx context.Context, h iface.Host) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	Tune(conn, c.Timeouts)
	s := New(conn, c.Framing, c.MTU)
	c.live.Store(s)
	defer c.live.Store(nil)
	h.Up()
	return s.Run(ctx, h)
}

// connect makes one attempt.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	timeout, dial, host := c.ConnectTimeout, c.Dial, c.Host
	if timeout <= 0 {
		timeout = DefaultConnectTimeout
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if c.Choose != nil {
		var err error
		if host, err = c.Choose(ctx, host); err != nil {
			return nil, err
		}
	}
	return dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(c.Port)))
}

// Send writes one frame.
func (c *Client) Send(frame []byte) error { return c.send(frame) }

// SendBatch writes several frames.
func (c *Client) SendBatch(frames [][]byte) error { return c.send(frames...) }

func (c *Client) send(frames ...[]byte) error {
	s := c.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.Send(frames...)
}
