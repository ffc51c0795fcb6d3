package wsiface

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"meshchatx/rns/iface"
)

// ServerConfig describes a WebsocketServerInterface. Name and Host are required.
type ServerConfig struct {
	Name string
	// Host is the address to listen on, Port 0 takes any free port.
	Host string
	Port int
	// MaxPeers bounds the connections, 0 for DefaultMaxPeers.
	MaxPeers int
}

var (
	errNoListen = errors.New("listen_ip is required")
	errPort     = errors.New("port is not between 0 and 65535")
)

// headerTimeout bounds what comes before a connection speaks WebSocket.
const headerTimeout = 10 * time.Second

// Server listens and hands each connection to the node as an interface of its own. Use NewServer.
type Server struct {
	conf ServerConfig
	info iface.Info

	mu    sync.Mutex
	bound string
}

// NewServer returns a listener. It does not listen before it is served.
func NewServer(c ServerConfig) (*Server, error) {
	switch {
	case c.Host == "":
		return nil, fmt.Errorf("interface %s: %w", c.Name, errNoListen)
	case c.Port < 0 || c.Port > 65535:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errPort)
	}
	if c.MaxPeers <= 0 {
		c.MaxPeers = DefaultMaxPeers
	}
	return &Server{conf: c, info: iface.Info{
		Name: c.Name, Label: fmt.Sprintf("WebsocketServerInterface[%s/%s:%d]", c.Name, c.Host, c.Port),
		Type: "WebsocketServerInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, AccessCodeSize: accessCodeSize,
		Role: iface.RoleListener,
	}}, nil
}

// Info describes the listener.
func (s *Server) Info() iface.Info { return s.info }

// Address is where the listener is bound.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound
}

func (s *Server) setAddress(a string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = a
}

// Send does nothing: a listener itself never transmits.
func (s *Server) Send([]byte) error { return nil }

// Serve listens until ctx ends or the listener fails.
func (s *Server) Serve(ctx context.Context, h iface.Host) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(s.conf.Host, strconv.Itoa(s.conf.Port)))
	if err != nil {
		return err
	}
	s.setAddress(l.Addr().String())
	defer s.setAddress("")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var peers crew
	room := make(chan struct{}, s.conf.MaxPeers)
	server := &http.Server{
		ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: 16 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !peers.enter() {
				return
			}
			defer peers.leave()
			select {
			case room <- struct{}{}:
				defer func() { <-room }()
			default:
				h.Note(fmt.Errorf("connection from %s refused: %d peers are connected", r.RemoteAddr, s.conf.MaxPeers))
				http.Error(w, "too many connections", http.StatusServiceUnavailable)
				return
			}
			s.accept(ctx, h, w, r)
		}),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	h.Up()
	err = server.Serve(l)
	cancel(err)
	stop()
	_ = server.Close()
	peers.wait()
	return context.Cause(ctx)
}

// crew counts the requests being served. The server does not wait for those that became connections.
type crew struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func (c *crew) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.group.Add(1)
	}
	return !c.closed
}

func (c *crew) leave() { c.group.Done() }

// wait lets nobody in any more and waits until all have left.
func (c *crew) wait() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.group.Wait()
}

// accept serves one connection until it ends. Pages of other origins are refused: a browser must not become a way into
// the network behind this listener.
func (s *Server) accept(ctx context.Context, h iface.Host, w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it has been answered
	}
	<-h.Spawn(newPeer(socket, r.RemoteAddr, s.conf.Name))
	_ = socket.CloseNow()
}

// peer is one accepted connection.
type peer struct {
	socket *websocket.Conn
	info   iface.Info
	live   atomic.Pointer[conn]
}

func newPeer(socket *websocket.Conn, from, listener string) *peer {
	name := "Client on " + listener
	return &peer{socket: socket, info: iface.Info{
		Name: name, Label: fmt.Sprintf("WebsocketClientInterface[%s/ws://%s]", name, from), Type: "WebsocketClientInterface",
		Bitrate: bitrateGuess, MTU: hardwareMTU, AccessCodeSize: accessCodeSize, Role: iface.RolePeer,
	}}
}

// Info describes the interface.
func (p *peer) Info() iface.Info { return p.info }

// Serve runs until the connection ends.
func (p *peer) Serve(ctx context.Context, h iface.Host) error {
	c := newConn(ctx, p.socket)
	p.live.Store(c)
	defer p.live.Store(nil)
	h.Up()
	return c.run(ctx, h)
}

// Send writes one frame.
func (p *peer) Send(frame []byte) error {
	c := p.live.Load()
	if c == nil {
		return iface.ErrOffline
	}
	return c.send(frame)
}
