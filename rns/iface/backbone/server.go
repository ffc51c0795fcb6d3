package backbone

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/stream"
)

// ServerConfig describes a Backbone listener. Name and one of Host and Device are required. spec: rns-interfaces §4
type ServerConfig struct {
	Name string
	// Host is the address or host name to listen on, Port 0 takes any free port.
	Host string
	Port int
	// Device listens on the first address of a system interface instead of Host.
	Device string
	// Prefer chooses among several addresses, IPv4 if zero.
	Prefer stream.Family
	// Flapping says whose connections are refused. The zero value is that of the protocol.
	Flapping Flapping
	// Flaps is what the listeners of a program share; nil for one of its own.
	Flaps *Flaps
	// MaxPacket bounds what connections may send, in bytes without access code: with many peers it is worth knowing that no
	// bitrate of this interface allows more. 0 is the MTU of the medium.
	MaxPacket int
	// MaxPeers bounds the accepted connections, 0 for stream.DefaultMaxPeers.
	MaxPeers int
	// Listen replaces the network, for tests.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

// Server listens and hands each connection to the node as an interface of its own. Use NewServer.
type Server struct {
	*stream.Listener
	info  iface.Info
	rules Flapping
	flaps *Flaps
}

// NewServer returns a listener. It does not listen before it is served.
func NewServer(c ServerConfig) (*Server, error) {
	if c.Flapping == (Flapping{}) {
		c.Flapping = DefaultFlapping()
	}
	if c.Flaps == nil {
		c.Flaps = new(Flaps)
	}
	s := &Server{
		rules: c.Flapping, flaps: c.Flaps,
		Listener: &stream.Listener{
			Host: c.Host, Device: c.Device, Port: c.Port, Prefer: c.Prefer, MaxPeers: c.MaxPeers, Listen: c.Listen,
		},
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	s.Peer = func(conn net.Conn) iface.Interface { return newPeer(conn, c) }
	s.Admit, s.Ended = s.admit, s.ended
	s.info = iface.Info{
		Name: c.Name, Label: label(c.Name, s.Shown(), fmt.Sprint(c.Port)), Type: "BackboneInterface",
		Bitrate: listenerBitrate, MTU: hardwareMTU, MTUClass: iface.MTUAuto, AccessCodeSize: accessCodeSize, Role: iface.RoleListener,
	}
	return s, nil
}

// Info describes the listener.
func (s *Server) Info() iface.Info { return s.info }

// Send does nothing: a listener itself never transmits.
func (s *Server) Send([]byte) error { return nil }

// Flapping says whose connections are refused.
func (s *Server) Flapping() Flapping { return s.rules }

// Blocked are the addresses that are refused now.
func (s *Server) Blocked() []netip.Addr {
	if s.rules.Off {
		return nil
	}
	return s.flaps.list(s.rules, time.Now())
}

func (s *Server) admit(from netip.Addr) bool {
	return s.rules.Off || !s.flaps.blocked(from, s.rules, time.Now())
}

func (s *Server) ended(from netip.Addr, lasted time.Duration) {
	if !s.rules.Off && lasted < s.rules.Threshold {
		s.flaps.add(from, time.Now())
	}
}

// newPeer makes the interface of an accepted connection. It has the bitrate of the listener. spec: rns-interfaces §1.3
func newPeer(conn net.Conn, c ServerConfig) iface.Interface {
	from, port := stream.Remote(conn)
	name := "Client on " + c.Name
	return stream.NewPeer(conn, stream.TimeoutsNormal, iface.Info{
		Name: name, Label: label(name, stream.Bracket(from.String()), port), Type: "BackboneClientInterface",
		Bitrate: listenerBitrate, MTU: hardwareMTU, MTUClass: iface.MTUAuto, AccessCodeSize: accessCodeSize, Role: iface.RolePeer,
	}, c.MaxPacket)
}
