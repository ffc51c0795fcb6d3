package tcp

import (
	"context"
	"fmt"
	"net"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/stream"
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
	// MaxPacket bounds what connections may send, in bytes without access code: with many peers it is worth knowing that no
	// bitrate of this interface allows more. 0 is the MTU of the medium.
	MaxPacket int
	// MaxPeers bounds the accepted connections, 0 for DefaultMaxPeers.
	MaxPeers int
	// Listen replaces the network, for tests.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

// Server listens and hands each connection to the node as an interface of its own. Use NewServer.
type Server struct {
	*stream.Listener
	info iface.Info
}

// NewServer returns a listener. It does not listen before it is served.
func NewServer(c ServerConfig) (*Server, error) {
	l := &stream.Listener{
		Host: c.Host, Device: c.Device, Port: c.Port, Prefer: c.Prefer, MaxPeers: c.MaxPeers, Listen: c.Listen,
	}
	if err := l.Check(); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	l.Peer = func(conn net.Conn) iface.Interface { return newPeer(conn, c) }
	return &Server{Listener: l, info: iface.Info{
		Name: c.Name, Label: fmt.Sprintf("TCPServerInterface[%s/%s:%d]", c.Name, l.Shown(), c.Port),
		Type: "TCPServerInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUAuto,
		AccessCodeSize: accessCodeSize, Role: iface.RoleListener,
	}}, nil
}

// Info describes the listener.
func (s *Server) Info() iface.Info { return s.info }

// Send does nothing: a listener itself never transmits.
func (s *Server) Send([]byte) error { return nil }

// newPeer makes the interface of an accepted connection.
func newPeer(conn net.Conn, c ServerConfig) iface.Interface {
	from, port := stream.Remote(conn)
	name := "Client on " + c.Name
	return stream.NewPeer(conn, c.Timeouts, iface.Info{
		Name: name, Label: fmt.Sprintf("TCPInterface[%s/%s:%s]", name, stream.Bracket(from.String()), port),
		Type: "TCPClientInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUAuto,
		AccessCodeSize: accessCodeSize, Role: iface.RolePeer,
	}, c.MaxPacket)
}
