package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/stream"
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
)

// Client connects to one target. Use NewClient.
type Client struct {
	*stream.Client
	info iface.Info
}

// NewClient returns a client. It does not connect before it is served.
func NewClient(c ClientConfig) (*Client, error) {
	switch {
	case c.Host == "" || c.Port == 0:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errNoTarget)
	case c.FixedMTU != 0 && c.FixedMTU < minFixedMTU:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errFixedMTU)
	}
	if err := stream.CheckPort(c.Port); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	info := iface.Info{
		Name: c.Name, Label: fmt.Sprintf("TCPInterface[%s/%s:%d]", c.Name, stream.Bracket(c.Host), c.Port),
		Type: "TCPClientInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUAuto,
		AccessCodeSize: accessCodeSize, Tunnel: c.Framing == HDLC,
	}
	if c.FixedMTU != 0 {
		info.MTU, info.MTUClass = c.FixedMTU, iface.MTUFixed
	}
	return &Client{
		Client: &stream.Client{
			Host: c.Host, Port: c.Port, Framing: c.Framing, Timeouts: c.Timeouts, MTU: info.MTU, ConnectTimeout: c.ConnectTimeout, Dial: c.Dial,
		},
		info: info,
	}, nil
}

// Info describes the interface.
func (c *Client) Info() iface.Info { return c.info }
