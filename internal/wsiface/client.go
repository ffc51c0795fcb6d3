package wsiface

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/coder/websocket"

	"meshchatx/rns/iface"
)

// ClientConfig describes a WebsocketClientInterface. Name and URL are required.
type ClientConfig struct {
	Name string
	// URL is where to connect to, with scheme ws or wss. Certificates are checked.
	URL string
	// HTTP replaces the client of the connection, for tests.
	HTTP *http.Client
}

// ErrURL means that a target_url is none.
var ErrURL = errors.New("target_url must be ws://host:port or wss://host:port")

// Client connects to one target. Use NewClient.
type Client struct {
	conf ClientConfig
	info iface.Info
	live atomic.Pointer[conn]
}

// CheckURL reports a target that cannot be connected to. A user name in it would show in labels and is refused.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return ErrURL
	}
	return nil
}

// NewClient returns a client. It does not connect before it is served.
func NewClient(c ClientConfig) (*Client, error) {
	if err := CheckURL(c.URL); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	return &Client{conf: c, info: iface.Info{
		Name: c.Name, Label: fmt.Sprintf("WebsocketClientInterface[%s/%s]", c.Name, c.URL), Type: "WebsocketClientInterface",
		Bitrate: bitrateGuess, MTU: hardwareMTU, AccessCodeSize: accessCodeSize,
	}}, nil
}

// Info describes the interface.
func (c *Client) Info() iface.Info { return c.info }

// Serve connects and runs until the connection ends.
func (c *Client) Serve(ctx context.Context, h iface.Host) error {
	attempt, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	socket, resp, err := websocket.Dial(attempt, c.conf.URL, &websocket.DialOptions{HTTPClient: c.conf.HTTP})
	if resp != nil && resp.Body != nil {
		defer resp.Body.Close() //nolint:errcheck // of a refusal, already read
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	s := newConn(ctx, socket)
	c.live.Store(s)
	defer c.live.Store(nil)
	h.Up()
	return s.run(ctx, h)
}

// Send writes one frame.
func (c *Client) Send(frame []byte) error {
	s := c.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.send(frame)
}
