package node_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// cable is a TCP dialer whose connections can be cut, and kept from coming back.
type cable struct {
	mu    sync.Mutex
	conns []net.Conn
	down  bool
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return nil, net.ErrClosed
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

// set cuts the cable or mends it.
func (c *cable) set(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
	for _, conn := range c.conns {
		_ = conn.Close() // the driver closes it again
	}
	c.conns = nil
}

// TestTunnelOverTCP: paths through a peer come back with it, on another connection and without a new announce, also after
// a restart of the transport node. spec: rns-core §17, §19.5
func TestTunnelOverTCP(t *testing.T) {
	storage := new(node.MemStorage)
	hub := func() *node.Node {
		conf := node.DefaultConfig()
		conf.Transport = node.On
		n, err := node.New(conf, node.WithStorage(storage))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := hub()
	server := listen(t, first)
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	line := new(cable)
	relay := startNode(t, transportOn)
	client, err := tcp.NewClient(tcp.ClientConfig{Name: "uplink", Host: host, Port: number, Dial: line.dial})
	if err != nil {
		t.Fatal(err)
	}
	conf := open()
	conf.Reconnect = 20 * time.Millisecond
	if _, err := relay.AddInterface(client, conf); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return tunnels(t, first) == 1 })
	far := startNode(t)
	connect(t, far, listen(t, relay))
	id := newIdentity(t)
	dest, err := far.Register(node.DestinationConfig{Identity: id, Name: "test.far", Proofs: node.ProveAll})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return dest.Announce(t.Context(), node.AnnounceOptions{}) == nil })
	eventually(t, func() bool { return first.HasPath(t.Context(), dest.Addr()) })

	restored := make(chan int, 16)
	defer first.OnEvent(func(e node.Event) {
		if e.Kind == node.EventTunnel {
			restored <- e.Restored
		}
	})()
	line.set(true)
	eventually(t, func() bool { return !first.HasPath(t.Context(), dest.Addr()) })
	line.set(false)
	eventually(t, func() bool { return first.HasPath(t.Context(), dest.Addr()) })
	if n := <-restored; n != 1 {
		t.Errorf("%d paths restored", n)
	}
	reach(t, first, dest.Addr())

	line.set(true)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := hub()
	defer func() {
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	}()
	if second.HasPath(t.Context(), dest.Addr()) || tunnels(t, second) != 1 {
		t.Errorf("%d tunnels after the restart", tunnels(t, second))
	}
	s, err := tcp.NewServer(tcp.ServerConfig{Name: "listener", Host: host, Port: number})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.AddInterface(s, open()); err != nil {
		t.Fatal(err)
	}
	line.set(false)
	eventually(t, func() bool { return second.HasPath(t.Context(), dest.Addr()) })
	reach(t, second, dest.Addr())
}

// reach sends a packet that must be proved.
func reach(t *testing.T, n *node.Node, dest rns.Addr) {
	t.Helper()
	r, err := n.SendPacket(t.Context(), dest, []byte("over the tunnel"), node.SendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func tunnels(t *testing.T, n *node.Node) int {
	t.Helper()
	s, err := n.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(s.Tunnels)
}
