package backbone_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/backbone"
	"meshchatx/rns/iface/ifacetest"
	"meshchatx/rns/iface/stream"
	"meshchatx/rns/iface/tcp"
)

func listen(t *testing.T, change ...func(*backbone.ServerConfig)) (*backbone.Server, *ifacetest.Host) {
	t.Helper()
	c := backbone.ServerConfig{Name: "bb", Host: "127.0.0.1"}
	for _, f := range change {
		f(&c)
	}
	s, err := backbone.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := ifacetest.Open(t, s)
	return s, h
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A Backbone and a TCP client connect to a Backbone listener alike, and a Backbone client to a TCP server.
// spec: rns-interfaces §3.2, §4
func TestWireIsThatOfTCP(t *testing.T) {
	s, h := listen(t)
	client, err := backbone.NewClient(backbone.ClientConfig{Name: "c", Host: "localhost", Port: port(t, s.Address())})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := ifacetest.Open(t, client)
	peer := h.Peer(t)
	ifacetest.Exchange(t, a, peer, 524_288)

	other, err := tcp.NewClient(tcp.ClientConfig{Name: "t", Host: "127.0.0.1", Port: port(t, s.Address())})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := ifacetest.Open(t, other)
	ifacetest.Exchange(t, b, h.Peer(t), 8192)

	server, err := tcp.NewServer(tcp.ServerConfig{Name: "s", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	sh, _ := ifacetest.Open(t, server)
	if client, err = backbone.NewClient(backbone.ClientConfig{Name: "c", Host: "127.0.0.1", Port: port(t, server.Address())}); err != nil {
		t.Fatal(err)
	}
	c, _ := ifacetest.Open(t, client)
	ifacetest.Exchange(t, c, sh.Peer(t), 8192)
}

// What transport is told. spec: rns-interfaces §1.2, §1.3, §1.7, §18
func TestProperties(t *testing.T) {
	s, h := listen(t, func(c *backbone.ServerConfig) { c.Port = 0 })
	client, err := backbone.NewClient(backbone.ClientConfig{Name: "c", Host: "127.0.0.1", Port: port(t, s.Address())})
	if err != nil {
		t.Fatal(err)
	}
	ifacetest.Open(t, client)
	peer := h.Peer(t).Iface.Info()
	for _, tt := range []struct {
		info   iface.Info
		mtu    int
		role   iface.Role
		tunnel bool
	}{
		{s.Info(), 524_288, iface.RoleListener, false}, {peer, 524_288, iface.RolePeer, false}, {client.Info(), 16_384, iface.RoleEndpoint, true},
	} {
		i := tt.info
		// 100,000,000 bit/s is not above the step of that number.
		if got := iface.OptimiseMTU(i.Bitrate); got != tt.mtu || i.MTUClass != iface.MTUAuto || i.MTU != 1_048_576 ||
			i.AccessCodeSize != 16 || i.Role != tt.role || i.Tunnel != tt.tunnel {
			t.Errorf("%s: MTU %d, want %d; %+v", i.Label, got, tt.mtu, i)
		}
	}
	if got, want := client.Info().Label, "BackboneInterface[c/127.0.0.1:"+strconv.Itoa(port(t, s.Address()))+"]"; got != want {
		t.Errorf("label %s, want %s", got, want)
	}
	if got := peer.Name; got != "Client on bb" {
		t.Errorf("peer is named %s", got)
	}
	six, err := backbone.NewClient(backbone.ClientConfig{Name: "six", Host: "2001:db8::1", Port: 1})
	if err != nil || six.Info().Label != "BackboneInterface[six/[2001:db8::1]:1]" {
		t.Errorf("label %s, %v", six.Info().Label, err)
	}
}

// An address whose connections never last is refused by all listeners that share the table, until enough time has
// passed. spec: rns-interfaces §4
func TestFastFlapping(t *testing.T) {
	flaps := new(backbone.Flaps)
	rules := backbone.Flapping{Threshold: time.Hour, Grace: 1, BlockTime: time.Hour}
	strict := func(c *backbone.ServerConfig) { c.Flaps, c.Flapping = flaps, rules }
	s, h := listen(t, strict)
	again, _ := listen(t, strict)
	off, offHost := listen(t, func(c *backbone.ServerConfig) { c.Flaps, c.Flapping = flaps, backbone.Flapping{Off: true} })
	for range 2 {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		p := h.Peer(t)
		_ = conn.Close()
		if err := p.Ended(t); !errors.Is(err, stream.ErrClosedByPeer) {
			t.Fatal(err)
		}
	}
	want := netip.MustParseAddr("127.0.0.1")
	ifacetest.Await(t, "the address is blocked", func() bool { return len(s.Blocked()) == 1 && s.Blocked()[0] == want })
	for _, refusing := range []*backbone.Server{s, again} {
		conn, err := net.Dial("tcp", refusing.Address())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		_ = conn.Close()
	}
	conn, err := net.Dial("tcp", off.Address())
	if err != nil {
		t.Fatal(err)
	}
	offHost.Peer(t)
	_ = conn.Close()
	if len(off.Blocked()) != 0 {
		t.Error("a listener that blocks nobody lists addresses")
	}
}

// A listener whose bitrate allows less takes less.
func TestMaxPacket(t *testing.T) {
	s, h := listen(t, func(c *backbone.ServerConfig) { c.MaxPacket = 500 })
	client, err := tcp.NewClient(tcp.ClientConfig{Name: "t", Host: "127.0.0.1", Port: port(t, s.Address())})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := ifacetest.Open(t, client)
	peer := h.Peer(t)
	for _, size := range []int{500 + 65, 500 + 64} {
		if err := a.Iface.Send(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if got := peer.Frame(t); len(got) != 500+64 {
		t.Errorf("a frame of %d bytes arrived", len(got))
	}
}

func TestConnectTimeout(t *testing.T) {
	c, err := backbone.NewClient(backbone.ClientConfig{
		Name: "slow", Host: "127.0.0.1", Port: 1, ConnectTimeout: time.Millisecond,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := ifacetest.Start(t, c)
	if err := h.Ended(t); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := c.Send(make([]byte, 20)); !errors.Is(err, iface.ErrOffline) {
		t.Error(err)
	}
}

func TestUnusableSettings(t *testing.T) {
	for _, c := range []backbone.ClientConfig{{Name: "x"}, {Name: "x", Host: "h"}, {Name: "x", Host: "h", Port: 65536}, {Name: "x", Host: "h", Port: -1}} {
		if _, err := backbone.NewClient(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	for _, c := range []backbone.ServerConfig{{Name: "x"}, {Name: "x", Host: "127.0.0.1", Port: 65536}} {
		if _, err := backbone.NewServer(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
