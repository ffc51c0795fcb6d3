package backbone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/stream"
)

// Values of Backbone interfaces. spec: rns-interfaces §1.2
const (
	hardwareMTU     = 1_048_576
	listenerBitrate = 1_000_000_000
	clientBitrate   = 100_000_000
	accessCodeSize  = 16
)

// ClientConfig describes a Backbone client. Name, Host and Port are required. spec: rns-interfaces §4
type ClientConfig struct {
	Name string
	Host string
	Port int
	// Prefer chooses the family among several addresses of the host, IPv4 if zero.
	Prefer stream.Family
	// ConnectTimeout bounds one attempt, 0 for stream.DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Dial replaces the connection to the network, for proxies and tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// errNoTarget is about settings.
var errNoTarget = errors.New("remote host and port are required")

// Client connects to one target. Use NewClient.
type Client struct {
	*stream.Client
	info iface.Info
}

// NewClient returns a client. It does not connect before it is served.
func NewClient(c ClientConfig) (*Client, error) {
	if c.Host == "" || c.Port == 0 {
		return nil, fmt.Errorf("interface %s: %w", c.Name, errNoTarget)
	}
	if err := stream.CheckPort(c.Port); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	return &Client{
		Client: &stream.Client{
			Host: c.Host, Port: c.Port, MTU: hardwareMTU, ConnectTimeout: c.ConnectTimeout, Dial: c.Dial,
			Choose: func(ctx context.Context, host string) (string, error) { return stream.ChooseHost(ctx, host, c.Prefer) },
		},
		info: iface.Info{
			Name: c.Name, Label: label(c.Name, stream.Bracket(c.Host), fmt.Sprint(c.Port)), Type: "BackboneClientInterface",
			Bitrate: clientBitrate, MTU: hardwareMTU, MTUClass: iface.MTUAuto, AccessCodeSize: accessCodeSize, Tunnel: true,
		},
	}, nil
}

// Info describes the interface.
func (c *Client) Info() iface.Info { return c.info }

// label is the display string of all Backbone interfaces. spec: rns-interfaces §1.7
func label(name, host, port string) string {
	return fmt.Sprintf("BackboneInterface[%s/%s:%s]", name, host, port)
}
