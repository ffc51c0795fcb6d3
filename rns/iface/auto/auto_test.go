package auto

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
)

// wire is a simulated local link: datagrams reach every socket bound to their address and port.
type wire struct {
	mu    sync.Mutex
	bound []*fakeConn
	deaf  bool // multicast is lost
}

// fakeConn is a socket on a wire.
type fakeConn struct {
	wire   *wire
	owner  netip.Addr
	at     netip.AddrPort
	queue  chan datagram
	closed chan struct{}
	once   sync.Once
}

type datagram struct {
	from netip.Addr
	data []byte
}

func (w *wire) bind(owner, at netip.Addr, port int) *fakeConn {
	c := &fakeConn{
		wire: w, owner: owner, at: netip.AddrPortFrom(at, uint16(port)), queue: make(chan datagram, 64),
		closed: make(chan struct{}),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bound = append(w.bound, c)
	return c
}

func (c *fakeConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.queue:
		return copy(b, d.data), &net.UDPAddr{IP: d.from.AsSlice(), Port: 1, Zone: "x"}, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *fakeConn) WriteTo(b []byte, to net.Addr) (int, error) {
	dest := to.(*net.UDPAddr).AddrPort()
	addr := netip.AddrPortFrom(dest.Addr().WithZone(""), dest.Port())
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if addr.Addr().IsMulticast() && c.wire.deaf {
		return len(b), nil
	}
	for _, o := range c.wire.bound {
		if o.at == addr {
			select {
			case o.queue <- datagram{from: c.owner, data: bytes.Clone(b)}:
			case <-o.closed:
			}
		}
	}
	return len(b), nil
}

func (c *fakeConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}
func (c *fakeConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.at) }
func (c *fakeConn) SetDeadline(time.Time) error      { return nil }
func (c *fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *fakeConn) SetWriteDeadline(time.Time) error { return nil }

// fakeSystem is a computer with devices on wires.
type fakeSystem struct {
	mu   sync.Mutex
	devs []device
	wire *wire
	fail error
}

func (s *fakeSystem) devices() ([]device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]device(nil), s.devs...), nil
}

func (s *fakeSystem) set(d ...device) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devs = d
}

func (s *fakeSystem) open(d device, group netip.Addr, discovery, data int) (*sockets, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	return &sockets{
		multicast: s.wire.bind(d.addr, group, discovery), unicast: s.wire.bind(d.addr, d.addr, discovery+1),
		data: s.wire.bind(d.addr, d.addr, data),
	}, nil
}

// fakeHost runs spawned peers and keeps what they receive.
type fakeHost struct {
	ctx   context.Context
	mu    sync.Mutex
	up    bool
	notes []error
	peers map[string]*fakePeer
	wg    sync.WaitGroup
}

type fakePeer struct {
	iface.Interface
	mu     sync.Mutex
	frames [][]byte
	ended  bool
}

func (p *fakePeer) Up()                                   {}
func (p *fakePeer) Note(error)                            {}
func (p *fakePeer) Spawn(iface.Interface) <-chan struct{} { return nil }
func (p *fakePeer) Receive(fs []iface.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range fs {
		p.frames = append(p.frames, bytes.Clone(f.Data))
	}
}

func (h *fakeHost) Up() { h.mu.Lock(); h.up = true; h.mu.Unlock() }
func (h *fakeHost) Note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes = append(h.notes, err)
}
func (h *fakeHost) Receive([]iface.Frame) {}
func (h *fakeHost) Spawn(child iface.Interface) <-chan struct{} {
	p := &fakePeer{Interface: child}
	h.mu.Lock()
	h.peers[child.Info().Label] = p
	h.mu.Unlock()
	done := make(chan struct{})
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		defer close(done)
		_ = child.Serve(h.ctx, p)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.peers, child.Info().Label)
	}()
	return done
}

func (h *fakeHost) peer(label string) *fakePeer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peers[label]
}

// run serves an AutoInterface until the returned function is called.
func run(t *testing.T, sys *fakeSystem) (*fakeHost, func()) {
	t.Helper()
	a, err := newInterface(Config{Name: "auto"}, sys)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &fakeHost{ctx: ctx, peers: make(map[string]*fakePeer)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.Serve(ctx, h)
	}()
	return h, func() {
		cancel()
		<-done
		h.wg.Wait()
	}
}

func dev(n int) device {
	return device{name: "eth0", index: 2, addr: netip.MustParseAddr(fmt.Sprintf("fe80::%d", n))}
}

func pass(d time.Duration) {
	time.Sleep(d) // virtual time
	synctest.Wait()
}

const label1, label2 = "AutoInterfacePeer[eth0/fe80::1]", "AutoInterfacePeer[eth0/fe80::2]"

// spec: rns-interfaces §5.4, §5.5, §5.7, §5.8
func TestPeersFindEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(wire)
		h1, stop1 := run(t, &fakeSystem{wire: w, devs: []device{dev(1)}})
		h2, stop2 := run(t, &fakeSystem{wire: w, devs: []device{dev(2)}})
		pass(1900 * time.Millisecond)
		if h1.peer(label2) != nil {
			t.Fatal("peered before the start wait was over")
		}
		pass(2 * time.Second)
		p, q := h1.peer(label2), h2.peer(label1)
		if p == nil || q == nil || !h1.up {
			t.Fatal("no peers after the second announcement")
		}
		frame := bytes.Repeat([]byte{7}, 100)
		for range 3 { // two copies within the span of duplicates
			if err := p.Send(frame); err != nil {
				t.Fatal(err)
			}
		}
		pass(800 * time.Millisecond)
		if err := p.Send(frame); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(q.frames); n != 2 {
			t.Errorf("%d copies were delivered, want 2", n)
		}
		stop2()
		pass(30 * time.Second)
		if h1.peer(label2) != nil {
			t.Error("silent peer was not removed")
		}
		stop1()
	})
}

// spec: rns-interfaces §5.5
func TestStrangersAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(wire)
		h, stop := run(t, &fakeSystem{wire: w, devs: []device{dev(1)}})
		defer stop()
		pass(3 * time.Second)
		other := w.bind(netip.MustParseAddr("fe80::9"), netip.MustParseAddr("fe80::9"), 1)
		wrong := Token("another group", other.owner)
		_, _ = other.WriteTo(wrong[:], net.UDPAddrFromAddrPort(netip.AddrPortFrom(dev(1).addr, 29717)))
		stolen := Token("reticulum", dev(2).addr) // right group, another sender
		_, _ = other.WriteTo(stolen[:], net.UDPAddrFromAddrPort(netip.AddrPortFrom(dev(1).addr, 29717)))
		_, _ = other.WriteTo(make([]byte, 100), net.UDPAddrFromAddrPort(netip.AddrPortFrom(dev(1).addr, 42671)))
		synctest.Wait()
		if len(h.peers) != 0 {
			t.Errorf("%d peers", len(h.peers))
		}
	})
}

// spec: rns-interfaces §5.4, §5.6
func TestAddressChangeAndNewDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(wire)
		sys := &fakeSystem{wire: w}
		h1, stop1 := run(t, sys)
		defer stop1()
		h2, stop2 := run(t, &fakeSystem{wire: w, devs: []device{dev(2)}})
		defer stop2()
		pass(3 * time.Second)
		sys.set(dev(1))
		pass(8 * time.Second)
		if h2.peer(label1) == nil {
			t.Fatal("device that appeared later was not adopted")
		}
		sys.set(dev(3))
		pass(8 * time.Second)
		p := h2.peer("AutoInterfacePeer[eth0/fe80::3]")
		if p == nil {
			t.Fatal("no peer at the new address")
		}
		if err := h1.peer(label2).Send(make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(p.frames) != 1 {
			t.Error("data did not come from the new address")
		}
	})
}

// spec: rns-interfaces §5.5, §5.6
func TestReversePeeringAndCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(wire)
		h1, stop1 := run(t, &fakeSystem{wire: w, devs: []device{dev(1)}})
		defer stop1()
		h2, stop2 := run(t, &fakeSystem{wire: w, devs: []device{dev(2)}})
		defer stop2()
		pass(5 * time.Second)
		w.mu.Lock()
		w.deaf = true
		w.mu.Unlock()
		pass(2 * time.Minute)
		if h1.peer(label2) == nil || h2.peer(label1) == nil {
			t.Error("peers were lost although unicast works")
		}
		if len(h1.notes) != 1 || !errors.Is(h1.notes[0], errNoEcho) {
			t.Errorf("notes %v", h1.notes)
		}
	})
}

func TestUnusableDeviceIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := run(t, &fakeSystem{wire: new(wire), devs: []device{dev(1)}, fail: errors.New("in use")})
		pass(5 * time.Second)
		if !h.up || len(h.notes) == 0 {
			t.Errorf("up %v, notes %v", h.up, h.notes)
		}
		stop()
	})
}

func TestWantedDevices(t *testing.T) {
	for _, c := range []struct {
		conf Config
		name string
		goos string
		want bool
	}{
		{Config{}, "eth0", "linux", true},
		{Config{}, "lo", "linux", true},
		{Config{}, "lo0", "darwin", false},
		{Config{Devices: []string{"lo0"}}, "lo0", "darwin", false},
		{Config{}, "awdl0", "darwin", false},
		{Config{Devices: []string{"awdl0"}}, "awdl0", "darwin", true},
		{Config{Devices: []string{"eth1"}}, "eth0", "linux", false},
		{Config{IgnoredDevices: []string{"eth0"}}, "eth0", "linux", false},
		{Config{}, "rmnet3", "android", false},
	} {
		if got := c.conf.wanted(c.name, c.goos); got != c.want {
			t.Errorf("%s on %s with %+v: %v", c.name, c.goos, c.conf, got)
		}
	}
}
