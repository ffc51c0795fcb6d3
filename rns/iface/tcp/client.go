package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
)

// ClientConfig describes a TCPClientInterface. Name, Host and Port are required. spec: rns-interfaces §3.1
type ClientConfig struct {
	Name     string
	Host     string
	Port     int
	Framing  Framing
	Timeouts Timeouts
	// FixedMTU replaces the automatic MTU, at least 500 bytes; 0 keeps it automatic.
	FixedMTU int
	// ConnectTimeout bounds one attempt, 0 for DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Dial replaces the connection to the network, for proxies and tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Errors of settings.
var (
	errNoTarget = errors.New("target host and port are required")
	errFixedMTU = errors.New("fixed MTU is below 500 bytes")
	errPort     = errors.New("port is not between 0 and 65535")
)

// Client connects to one target. Use NewClient.
type Client struct {
	conf ClientConfig
	info iface.Info
	live atomic.Pointer[stream]
}

// NewClient returns a client. It does not connect before it is served.
func NewClient(c ClientConfig) (*Client, error) {
	switch {
	case c.Host == "" || c.Port == 0:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errNoTarget)
	case c.Port < 0 || c.Port > 65535:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errPort)
	case c.FixedMTU != 0 && c.FixedMTU < minFixedMTU:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errFixedMTU)
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	info := iface.Info{
		Name: c.Name, Label: fmt.Sprintf("TCPInterface[%s/%s:%d]", c.Name, bracket(c.Host), c.Port),
		Type: "TCPClientInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUAuto,
		AccessCodeSize: accessCodeSize, Tunnel: c.Framing == HDLC,
	}
	if c.FixedMTU != 0 {
		info.MTU, info.MTUClass = c.FixedMTU, iface.MTUFixed
	}
	return &Client{conf: c, info: info}, nil
}

// Info describes the interface.
func (c *Client) Info() iface.Info { return c.info }

// Serve connects and runs until the connection ends.
func (c *Client) Serve(ctx context.Context, h iface.Host) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	s := newStream(conn, c.conf.Framing, c.conf.Timeouts, c.info.MTU)
	c.live.Store(s)
	defer c.live.Store(nil)
	h.Up()
	return s.run(ctx, h)
}

// dial makes one attempt. The first address the resolver returns is used.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.conf.ConnectTimeout)
	defer cancel()
	return c.conf.Dial(ctx, "tcp", net.JoinHostPort(c.conf.Host, strconv.Itoa(c.conf.Port)))
}

// Send writes one frame.
func (c *Client) Send(frame []byte) error {
	s := c.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.send(frame)
}

// SendBatch writes several frames.
func (c *Client) SendBatch(frames [][]byte) error {
	s := c.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.send(frames...)
}
