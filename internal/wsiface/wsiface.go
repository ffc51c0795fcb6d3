package wsiface

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"

	"meshchatx/rns/iface"
)

// Values of WebSocket interfaces, as the MeshChat family has them.
const (
	hardwareMTU    = 262_144
	bitrateGuess   = 1_000_000_000
	accessCodeSize = 16

	// DefaultReconnect is waited before connecting or listening again.
	DefaultReconnect = 5 * time.Second
	// DefaultMaxPeers bounds the connections of one listener.
	DefaultMaxPeers = 1024

	connectTimeout = 10 * time.Second
	// pingEvery keeps connections through proxies alive, which end silent ones after a minute, and finds dead ones.
	pingEvery   = 25 * time.Second
	pongTimeout = 24 * time.Second
)

// Errors of connections.
var (
	// ErrClosedByPeer is the end of a connection that the other side closed.
	ErrClosedByPeer = errors.New("connection closed by the peer")
	// ErrSilent ends a connection whose other side does not answer.
	ErrSilent = errors.New("the other side does not answer pings")
)

// conn moves packets over one connection.
type conn struct {
	socket *websocket.Conn
	ctx    context.Context //nolint:containedctx // of the running Serve, which sends must not outlive
}

func newConn(ctx context.Context, s *websocket.Conn) *conn {
	s.SetReadLimit(hardwareMTU + iface.MaxAccessCodeSize)
	return &conn{socket: s, ctx: ctx}
}

// run reads until the connection or ctx ends. It closes the connection.
func (c *conn) run(ctx context.Context, h iface.Host) error {
	ctx, cancel := context.WithCancelCause(ctx)
	pinged := make(chan struct{})
	go func() {
		defer close(pinged)
		c.ping(ctx, cancel)
	}()
	err := c.read(ctx, h)
	cancel(err)
	<-pinged
	_ = c.socket.CloseNow()
	return context.Cause(ctx)
}

// read delivers binary messages; what is not a packet is dropped.
func (c *conn) read(ctx context.Context, h iface.Host) error {
	buf := make([]byte, hardwareMTU+iface.MaxAccessCodeSize)
	frame := make([]iface.Frame, 1)
	for {
		kind, r, err := c.socket.Reader(ctx)
		if err != nil {
			return ended(err)
		}
		n, err := io.ReadFull(r, buf)
		if err == nil { // the limit of the connection ends a longer one
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return ended(err)
		}
		if kind == websocket.MessageBinary && n >= iface.MinFrameSize {
			frame[0] = iface.Frame{Data: buf[:n]}
			h.Receive(frame)
		}
	}
}

// ended turns a regular end into ErrClosedByPeer.
func ended(err error) error {
	if websocket.CloseStatus(err) == websocket.StatusNormalClosure || websocket.CloseStatus(err) == websocket.StatusGoingAway ||
		errors.Is(err, io.EOF) {
		return ErrClosedByPeer
	}
	return err
}

// ping ends the connection when the other side does not answer.
func (c *conn) ping(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		once, stop := context.WithTimeout(ctx, pongTimeout)
		err := c.socket.Ping(once)
		stop()
		if err != nil {
			cancel(ErrSilent)
			return
		}
	}
}

// send writes one message.
func (c *conn) send(frame []byte) error {
	if len(frame) > hardwareMTU+iface.MaxAccessCodeSize {
		return iface.ErrFrameSize
	}
	return c.socket.Write(c.ctx, websocket.MessageBinary, frame)
}
