package tcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
)

// host serves an interface in tests: received frames go to a channel, spawned peers are served by hosts of their own.
type host struct {
	ctx    context.Context //nolint:containedctx // of the serving
	up     chan struct{}
	frames chan []byte
	peers  chan *host
	iface  iface.Interface
	notes  chan error
	wg     sync.WaitGroup
}

func newHost(ctx context.Context, i iface.Interface) *host {
	return &host{
		ctx: ctx, iface: i, up: make(chan struct{}, 1), frames: make(chan []byte, 1024), peers: make(chan *host, 16),
		notes: make(chan error, 16),
	}
}

func (h *host) Up()            { h.up <- struct{}{} }
func (h *host) Note(err error) { h.notes <- err }
func (h *host) Receive(fs []iface.Frame) {
	for _, f := range fs {
		h.frames <- bytes.Clone(f.Data)
	}
}

func (h *host) Spawn(child iface.Interface) <-chan struct{} {
	p := newHost(h.ctx, child)
	done := make(chan struct{})
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		defer close(done)
		_ = child.Serve(h.ctx, p)
	}()
	h.peers <- p
	return done
}

// start serves an interface until the test ends and waits until it is up.
func start(t *testing.T, i iface.Interface) (h *host, result <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h = newHost(ctx, i)
	done := make(chan error, 1)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		done <- i.Serve(ctx, h)
	}()
	t.Cleanup(func() {
		cancel()
		<-finished
		h.wg.Wait()
	})
	select {
	case <-h.up:
	case err := <-done:
		t.Fatal(err)
	}
	return h, done
}

func server(t *testing.T) (*Server, *host) {
	t.Helper()
	s, err := NewServer(ServerConfig{Name: "srv", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := start(t, s)
	return s, h
}

func client(t *testing.T, address string, change ...func(*ClientConfig)) (*host, <-chan error) {
	t.Helper()
	ip, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	conf := ClientConfig{Name: "cli", Host: ip, Port: n}
	for _, f := range change {
		f(&conf)
	}
	c, err := NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, c)
}

// spec: rns-interfaces §2.3
func TestFramesBothWaysInOrder(t *testing.T) {
	s, srv := server(t)
	cli, _ := client(t, s.Address())
	peer := <-srv.peers
	<-peer.up
	if got, want := peer.iface.Info().Name, "Client on srv"; got != want {
		t.Errorf("peer is named %q", got)
	}
	var frames [][]byte
	for i := range 200 {
		frames = append(frames, bytes.Repeat([]byte{byte(i), 0x7d, 0x7e}, 10+40*i))
	}
	for _, dir := range []struct {
		from iface.Interface
		to   *host
	}{{cli.iface, peer}, {peer.iface, cli}} {
		if err := dir.from.(iface.BatchSender).SendBatch(frames); err != nil {
			t.Fatal(err)
		}
		if err := dir.from.Send(frames[0]); err != nil {
			t.Fatal(err)
		}
		for i, want := range append(frames, frames[0]) {
			if got := <-dir.to.frames; !bytes.Equal(got, want) {
				t.Fatalf("frame %d has %d bytes, want %d", i, len(got), len(want))
			}
		}
	}
}

func TestShortAndLongFramesAreDropped(t *testing.T) {
	s, srv := server(t)
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var raw []byte
	raw = framing.AppendHDLC(raw, make([]byte, 19))
	raw = framing.AppendHDLC(raw, make([]byte, hardwareMTU+iface.MaxAccessCodeSize+1))
	raw = append(raw, 0x7e, 0x7e)
	raw = framing.AppendHDLC(raw, make([]byte, 20))
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	if got := <-(<-srv.peers).frames; len(got) != 20 {
		t.Errorf("%d bytes were delivered", len(got))
	}
}

// spec: rns-interfaces §2.3
func TestKISSFraming(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cli, _ := client(t, l.Addr().String(), func(c *ClientConfig) { c.Framing = KISS })
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	frame := bytes.Repeat([]byte{0xc0, 0xdb, 1}, 10)
	if err := cli.iface.Send(frame); err != nil {
		t.Fatal(err)
	}
	want := framing.AppendKISS(nil, framing.KISSData, frame)
	got := make([]byte, len(want))
	if _, err := conn.Read(got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("sent % x: %v", got, err)
	}
	other := framing.AppendKISS(nil, 0x01, frame) // a command of the modem, not a packet
	if _, err := conn.Write(append(other, want...)); err != nil {
		t.Fatal(err)
	}
	if got := <-cli.frames; !bytes.Equal(got, frame) {
		t.Errorf("received % x", got)
	}
	if cli.iface.Info().Tunnel {
		t.Error("KISS connections ask for no tunnel")
	}
}

func TestLostConnectionEndsServe(t *testing.T) {
	s, srv := server(t)
	cli, result := client(t, s.Address())
	peer := <-srv.peers
	<-peer.up
	if err := peer.iface.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, ErrClosedByPeer) {
		t.Errorf("Serve returned %v", err)
	}
	if err := cli.iface.Send(make([]byte, 30)); !errors.Is(err, iface.ErrOffline) {
		t.Errorf("Send returned %v", err)
	}
}

func TestRefusedConnection(t *testing.T) {
	refused := errors.New("refused")
	c, err := NewClient(ClientConfig{
		Name: "x", Host: "h", Port: 1, ConnectTimeout: time.Minute,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if d, ok := ctx.Deadline(); !ok || time.Until(d) > time.Minute || address != "h:1" || network != "tcp" {
				return nil, errors.New("wrong call")
			}
			return nil, refused
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Serve(t.Context(), newHost(t.Context(), c)); !errors.Is(err, refused) {
		t.Errorf("Serve returned %v", err)
	}
}

func TestTooManyPeers(t *testing.T) {
	s, err := NewServer(ServerConfig{Name: "srv", Host: "127.0.0.1", MaxPeers: 1})
	if err != nil {
		t.Fatal(err)
	}
	srv, _ := start(t, s)
	client(t, s.Address())
	<-srv.peers
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("second connection was served")
	}
	<-srv.notes
}

func TestBusyPortIsAnError(t *testing.T) {
	s, _ := server(t)
	_, port, _ := net.SplitHostPort(s.Address())
	n, _ := strconv.Atoi(port)
	other, err := NewServer(ServerConfig{Name: "other", Host: "127.0.0.1", Port: n})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Serve(t.Context(), newHost(t.Context(), other)); err == nil {
		t.Error("two listeners on one port")
	}
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]ClientConfig{
		"no host":   {Name: "x", Port: 1},
		"no port":   {Name: "x", Host: "h"},
		"port":      {Name: "x", Host: "h", Port: 65536},
		"small MTU": {Name: "x", Host: "h", Port: 1, FixedMTU: 499},
	} {
		if _, err := NewClient(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c, err := NewClient(ClientConfig{Name: "n", Host: "fe80::1", Port: 4242, FixedMTU: 600})
	if err != nil {
		t.Fatal(err)
	}
	if i := c.Info(); i.Label != "TCPInterface[n/[fe80::1]:4242]" || i.MTU != 600 || i.MTUClass != iface.MTUFixed {
		t.Errorf("info %+v", i)
	}
	if _, err := NewServer(ServerConfig{Name: "x", Port: 1}); err == nil {
		t.Error("listener without address accepted")
	}
}
