package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// MaxClients bounds the programs connected to one instance.
const MaxClients = 256

// acceptPause is waited after a failed accept, which usually means that descriptors ran out.
const acceptPause = 100 * time.Millisecond

// ListenerConfig describes the listener of a shared instance.
type ListenerConfig struct {
	Endpoint Endpoint
	// Socket is the packet socket, bound already: whoever binds it first is the shared instance. If it fails, or is nil, the
	// listener binds anew.
	Socket net.Listener
	// Bitrate simulates slow connections, in bit/s; 0 for none.
	Bitrate int64
	// Bind replaces the socket bound anew, for tests.
	Bind func(ctx context.Context) (net.Listener, error)
}

// Listener accepts the programs of this machine and hands each to the node as an interface of its own. Use NewListener.
type Listener struct {
	conf ListenerConfig
	info iface.Info

	mu     sync.Mutex
	socket net.Listener // bound and not yet served
	count  int          // of connections so far
}

// NewListener returns a listener.
func NewListener(c ListenerConfig) *Listener {
	if c.Bind == nil {
		c.Bind = func(ctx context.Context) (net.Listener, error) { return Listen(ctx, c.Endpoint.Packets()) }
	}
	i := info(c.Bitrate)
	i.Name, i.Label, i.Type = "Reticulum", fmt.Sprintf("Shared Instance[%s]", c.Endpoint), "LocalServerInterface"
	i.Role, i.Locality = iface.RoleListener, iface.LocalListener
	return &Listener{conf: c, info: i, socket: c.Socket}
}

// Info describes the listener.
func (l *Listener) Info() iface.Info { return l.info }

// Send does nothing: a listener itself never transmits.
func (l *Listener) Send([]byte) error { return nil }

// take returns the socket that was bound before.
func (l *Listener) take() net.Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.socket
	l.socket = nil
	return s
}

// Serve accepts until ctx ends or the socket fails.
func (l *Listener) Serve(ctx context.Context, h iface.Host) error {
	socket := l.take()
	if socket == nil {
		var err error
		if socket, err = l.conf.Bind(ctx); err != nil {
			return err
		}
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = socket.Close()
		close(closed)
	})
	h.Up()
	err := l.accept(ctx, h, socket)
	if stop() {
		_ = socket.Close()
	} else {
		<-closed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// accept spawns an interface for every program.
func (l *Listener) accept(ctx context.Context, h iface.Host, socket net.Listener) error {
	room := make(chan struct{}, MaxClients)
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		conn, err := socket.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return err
			}
			h.Note(err)
			select {
			case <-ctx.Done():
				return err
			case <-time.After(acceptPause):
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			h.Note(fmt.Errorf("connection of a local program refused: %d are connected", MaxClients))
			_ = conn.Close()
			continue
		}
		done := h.Spawn(l.peer(conn))
		clients.Add(1)
		go func() {
			defer clients.Done()
			<-done
			_ = conn.Close()
			<-room
		}()
	}
}

// peer is the interface of one connection. spec: rns-link §11.3
//
// differs: the reference has a NUL in the name of a connection of the abstract socket.
func (l *Listener) peer(conn net.Conn) *peer {
	l.mu.Lock()
	l.count++
	count := l.count
	l.mu.Unlock()
	p := &peer{stream: newStream(conn, l.conf.Bitrate), info: info(l.conf.Bitrate)}
	p.info.Role, p.info.Locality = iface.RolePeer, iface.LocalClient
	what := l.conf.Endpoint.String()
	p.info.Name = strconv.Itoa(count) + "@" + what
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		what = strconv.Itoa(a.Port)
		p.info.Name = what
	}
	p.info.Label = fmt.Sprintf("LocalInterface[%s]", what)
	return p
}

// peer is one connected program.
type peer struct {
	*stream
	info iface.Info
}

func (p *peer) Info() iface.Info { return p.info }

func (p *peer) Serve(ctx context.Context, h iface.Host) error {
	h.Up()
	return p.run(ctx, h)
}

func (p *peer) Send(frame []byte) error         { return p.send(frame) }
func (p *peer) SendBatch(frames [][]byte) error { return p.send(frames...) }
