package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
)

// ReconnectWait is the time between two attempts of a client. spec: rns-link §11.4
const ReconnectWait = 8 * time.Second

// androidKeepalive is less than the time after which an instance on Android takes a client for asleep. spec: rns-link §11.4
const androidKeepalive = 4 * time.Second

// connectTimeout bounds one attempt: a program that does not accept is not there.
const connectTimeout = 5 * time.Second

// ErrForeignOwner is the reason of a ForeignError.
var ErrForeignOwner = errors.New("the shared instance belongs to another user")

// ForeignError means that the socket of the shared instance belongs to another user than this program's or root.
type ForeignError struct{ UID int }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%v: user number %d", ErrForeignOwner, e.UID)
}

// Is makes a ForeignError an ErrForeignOwner.
func (e *ForeignError) Is(target error) bool { return target == ErrForeignOwner }

// Owners says whose shared instance is joined.
type Owners uint8

// The choices.
const (
	// OwnUser joins an instance of the same user or of root only, where the socket tells.
	OwnUser Owners = iota
	// AnyUser joins every instance.
	AnyUser
)

// ClientConfig describes the connection to the shared instance. The zero value is the platform's default.
type ClientConfig struct {
	Endpoint Endpoint
	Owners   Owners
	// Bitrate simulates a slow connection, in bit/s; 0 for none.
	Bitrate int64
	// Keepalive is the time between empty frames; 0 for the platform's, which is none except on Android.
	Keepalive time.Duration
	// Dial replaces the socket, for tests.
	Dial func(ctx context.Context) (net.Conn, error)
}

// Client connects to the shared instance. Use NewClient.
type Client struct {
	conf ClientConfig
	info iface.Info
	live atomic.Pointer[stream]
}

// NewClient returns a client. It does not connect before it is served.
func NewClient(c ClientConfig) *Client {
	if c.Keepalive == 0 && runtime.GOOS == "android" {
		c.Keepalive = androidKeepalive
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context) (net.Conn, error) { return Dial(ctx, c.Endpoint.Packets(), c.Owners) }
	}
	i := info(c.Bitrate)
	i.Name, i.Label = "Local shared instance", fmt.Sprintf("LocalInterface[%s]", c.Endpoint)
	i.Locality = iface.SharedInstance
	return &Client{conf: c, info: i}
}

// Dial connects to a socket of a shared instance. The error of one of another user Is ErrForeignOwner.
func Dial(ctx context.Context, a Address, o Owners) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, a.Network, a.Address)
	if err != nil {
		return nil, err
	}
	if o == OwnUser {
		if err := checkOwner(conn); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// Info describes the interface.
func (c *Client) Info() iface.Info { return c.info }

// Serve connects and runs until the connection ends.
func (c *Client) Serve(ctx context.Context, h iface.Host) error {
	conn, err := c.conf.Dial(ctx)
	if err != nil {
		return err
	}
	s := newStream(conn, c.conf.Bitrate)
	c.live.Store(s)
	defer c.live.Store(nil)
	h.Up()
	if c.conf.Keepalive <= 0 {
		return s.run(ctx, h)
	}
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		c.beat(s)
	}()
	err = s.run(ctx, h)
	<-beating
	return err
}

// beat writes empty frames until the connection ends.
func (c *Client) beat(s *stream) {
	t := time.NewTicker(c.conf.Keepalive)
	defer t.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-t.C:
			if s.keepalive() != nil {
				return // the reader notices
			}
		}
	}
}

// Send writes one frame.
func (c *Client) Send(frame []byte) error { return c.SendBatch([][]byte{frame}) }

// SendBatch writes several frames.
func (c *Client) SendBatch(frames [][]byte) error {
	s := c.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.send(frames...)
}
