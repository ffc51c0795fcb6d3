package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// ServerConfig describes a TCPServerInterface. Name and one of Host and Device are required. spec: rns-interfaces §3.2
type ServerConfig struct {
	Name string
	// Host is the address or host name to listen on, Port 0 takes any free port.
	Host string
	Port int
	// Device listens on the first address of a system interface instead of Host.
	Device string
	// Prefer chooses among several addresses.
	Prefer Family
	// Timeouts are those of accepted connections.
	Timeouts Timeouts
	// MaxPeers bounds the accepted connections, 0 for DefaultMaxPeers.
	MaxPeers int
	// Listen replaces the network, for tests.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

// Family is an address family.
type Family uint8

// The families.
const (
	PreferIPv4 Family = iota
	PreferIPv6
)

// DefaultMaxPeers bounds the connections of one listener.
const DefaultMaxPeers = 1024

var (
	errNoListen  = errors.New("listen_ip or device is required")
	errNoAddress = errors.New("no usable address")
)

// acceptPause is waited after a failed accept, which usually means that descriptors ran out.
const acceptPause = 100 * time.Millisecond

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
	case c.Host == "" && c.Device == "":
		return nil, fmt.Errorf("interface %s: %w", c.Name, errNoListen)
	case c.Port < 0 || c.Port > 65535:
		return nil, fmt.Errorf("interface %s: %w", c.Name, errPort)
	}
	if c.MaxPeers <= 0 {
		c.MaxPeers = DefaultMaxPeers
	}
	if c.Listen == nil {
		c.Listen = new(net.ListenConfig).Listen
	}
	host := c.Host
	if host == "" {
		host = c.Device
	}
	return &Server{conf: c, info: iface.Info{
		Name: c.Name, Label: fmt.Sprintf("TCPServerInterface[%s/%s:%d]", c.Name, bracket(host), c.Port),
		Type: "TCPServerInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUAuto,
		AccessCodeSize: accessCodeSize, Role: iface.RoleListener,
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
	host, err := s.host(ctx)
	if err != nil {
		return err
	}
	l, err := s.conf.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(s.conf.Port)))
	if err != nil {
		return err
	}
	s.setAddress(l.Addr().String())
	defer s.setAddress("")
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = l.Close()
		close(closed)
	})
	h.Up()
	err = s.accept(ctx, h, l)
	if stop() {
		_ = l.Close()
	} else {
		<-closed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// accept spawns an interface for every connection.
func (s *Server) accept(ctx context.Context, h iface.Host, l net.Listener) error {
	room := make(chan struct{}, s.conf.MaxPeers)
	var peers sync.WaitGroup
	defer peers.Wait()
	for {
		conn, err := l.Accept()
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
			h.Note(fmt.Errorf("connection from %s refused: %d peers are connected", conn.RemoteAddr(), s.conf.MaxPeers))
			_ = conn.Close()
			continue
		}
		done := h.Spawn(newPeer(conn, s.conf))
		peers.Add(1)
		go func() {
			defer peers.Done()
			<-done
			_ = conn.Close()
			<-room
		}()
	}
}

// host resolves where to listen.
func (s *Server) host(ctx context.Context) (string, error) {
	if s.conf.Device == "" {
		return chooseHost(ctx, s.conf.Host, s.conf.Prefer)
	}
	dev, err := net.InterfaceByName(s.conf.Device)
	if err != nil {
		return "", fmt.Errorf("device %s: %w", s.conf.Device, err)
	}
	addrs, err := dev.Addrs()
	if err != nil {
		return "", fmt.Errorf("device %s: %w", s.conf.Device, err)
	}
	var ips []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			ip := p.Addr()
			if ip.Is6() && ip.IsLinkLocalUnicast() {
				ip = ip.WithZone(dev.Name)
			}
			ips = append(ips, ip)
		}
	}
	ip, ok := choose(ips, s.conf.Prefer)
	if !ok {
		return "", fmt.Errorf("device %s: %w", s.conf.Device, errNoAddress)
	}
	return ip.String(), nil
}

// chooseHost picks one address of a host name; addresses stay as they are.
func chooseHost(ctx context.Context, host string, prefer Family) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return host, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	ip, ok := choose(ips, prefer)
	if !ok {
		return "", fmt.Errorf("%s: %w", host, errNoAddress)
	}
	return ip.Unmap().String(), nil
}

// choose takes the first address of the preferred family, else the first one.
func choose(ips []netip.Addr, prefer Family) (netip.Addr, bool) {
	for _, ip := range ips {
		if ip.Unmap().Is4() == (prefer == PreferIPv4) {
			return ip, true
		}
	}
	if len(ips) == 0 {
		return netip.Addr{}, false
	}
	return ips[0], true
}

// peer is one accepted connection.
type peer struct {
	*stream
	info iface.Info
}

func newPeer(conn net.Conn, c ServerConfig) *peer {
	host, port, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		host, port = conn.RemoteAddr().String(), "0"
	}
	host, _, _ = strings.Cut(host, "%")
	name := "Client on " + c.Name
	return &peer{
		stream: newStream(conn, HDLC, c.Timeouts, hardwareMTU),
		info: iface.Info{
			Name: name, Label: fmt.Sprintf("TCPInterface[%s/%s:%s]", name, bracket(host), port),
			Type: "TCPClientInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUAuto,
			AccessCodeSize: accessCodeSize, Role: iface.RolePeer,
		},
	}
}

func (p *peer) Info() iface.Info { return p.info }

func (p *peer) Serve(ctx context.Context, h iface.Host) error {
	h.Up()
	return p.run(ctx, h)
}

func (p *peer) Send(frame []byte) error         { return p.send(frame) }
func (p *peer) SendBatch(frames [][]byte) error { return p.send(frames...) }
