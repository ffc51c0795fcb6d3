package nodes

import (
	"context"
	"net"
	"strconv"
	"testing"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// listen opens a TCP listener on a station, port 0 for any, and returns its port.
func (s *station) listen(ctx context.Context, port int, c node.InterfaceConfig) (node.InterfaceID, int, error) {
	d, err := tcp.NewServer(tcp.ServerConfig{Name: "listener of " + s.name, Host: "127.0.0.1", Port: port})
	if err != nil {
		return 0, 0, err
	}
	id, err := s.attach(ctx, d, c)
	if err != nil {
		return 0, 0, err
	}
	status, err := s.node.InterfaceStatus(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	_, text, err := net.SplitHostPort(status.Address)
	if err != nil {
		return 0, 0, err
	}
	port, err = strconv.Atoi(text)
	return id, port, err
}

// mustListen is listen for a test.
func (s *station) mustListen(ctx context.Context, t *testing.T) (node.InterfaceID, int) {
	t.Helper()
	id, port, err := s.listen(ctx, 0, node.InterfaceConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return id, port
}

// dial connects a station to a TCP listener and waits until it is.
func (s *station) dial(ctx context.Context, t *testing.T, port int, c node.InterfaceConfig) node.InterfaceID {
	t.Helper()
	d, err := tcp.NewClient(tcp.ClientConfig{Name: "client of " + s.name, Host: "127.0.0.1", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.attach(ctx, d, c)
	if err != nil {
		t.Fatalf("%s does not connect: %v", s.name, err)
	}
	return id
}

// connect joins two stations directly: to listens, from dials.
func connect(ctx context.Context, t *testing.T, from, to *station) (dialled, listener node.InterfaceID) {
	t.Helper()
	listener, port := to.mustListen(ctx, t)
	mark := to.events.mark()
	dialled = from.dial(ctx, t, port, node.InterfaceConfig{})
	to.awaitPeer(ctx, t, mark)
	return dialled, listener
}

// awaitPeer waits until somebody has connected to a listener of the station.
func (s *station) awaitPeer(ctx context.Context, t *testing.T, mark int) {
	t.Helper()
	_, err := s.events.wait(ctx, mark, func(e node.Event) bool {
		if e.Kind != node.EventInterfaceState || e.State.Word != node.StateUp {
			return false
		}
		status, err := s.node.InterfaceStatus(ctx, e.Interface)
		return err == nil && status.Info.Role == iface.RolePeer
	})
	if err != nil {
		t.Fatalf("nobody connected to %s: %v", s.name, err)
	}
}
