package udp

import (
	"bytes"
	"context"
	"net/netip"
	"testing"

	"meshchatx/rns/iface"
)

// host hands what it receives to a channel.
type host struct {
	up     chan struct{}
	frames chan []byte
}

func newHost() *host { return &host{up: make(chan struct{}, 1), frames: make(chan []byte, 16)} }

func (h *host) Up()                                   { h.up <- struct{}{} }
func (h *host) Note(error)                            {}
func (h *host) Spawn(iface.Interface) <-chan struct{} { return nil }
func (h *host) Receive(fs []iface.Frame) {
	for _, f := range fs {
		h.frames <- bytes.Clone(f.Data)
	}
}

// start serves an interface until the test ends.
func start(t *testing.T, u *Interface) *host {
	t.Helper()
	h := newHost()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- u.Serve(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-h.up:
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return h
}

func open(t *testing.T, c Config) *Interface {
	t.Helper()
	u, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDatagramsBothWays(t *testing.T) {
	sink := open(t, Config{Name: "a", ListenIP: "127.0.0.1", ListenPort: freePort(t)})
	a := start(t, sink)
	addr := netip.MustParseAddrPort(sink.Address())
	u := open(t, Config{Name: "b", ForwardIP: "127.0.0.1", ForwardPort: int(addr.Port())})
	start(t, u)
	small, large := bytes.Repeat([]byte{1}, 20), bytes.Repeat([]byte{2}, hardwareMTU+iface.MaxAccessCodeSize)
	for _, f := range [][]byte{{1, 2, 3}, small, large} {
		if err := u.Send(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]byte{small, large} {
		if got := <-a.frames; !bytes.Equal(got, want) {
			t.Fatalf("%d bytes arrived, want %d", len(got), len(want))
		}
	}
}

// freePort finds a port by binding to it once.
func freePort(t *testing.T) int {
	t.Helper()
	probe := open(t, Config{Name: "probe", ForwardIP: "127.0.0.1", ForwardPort: 9})
	ctx, cancel := context.WithCancel(t.Context())
	h := newHost()
	done := make(chan error, 1)
	go func() { done <- probe.Serve(ctx, h) }()
	<-h.up
	port := netip.MustParseAddrPort(probe.Address()).Port()
	cancel()
	<-done
	return int(port)
}

// What a broadcast brings back to its sender is not received; what others send from the same port is.
// spec: rns-interfaces §6
func TestOwnBroadcastsAreNotHeard(t *testing.T) {
	port := freePort(t)
	u := open(t, Config{Name: "a", ListenIP: "0.0.0.0", ForwardIP: "127.255.255.255", Port: port})
	h := start(t, u)
	other := open(t, Config{Name: "b", ForwardIP: "127.0.0.1", ForwardPort: port})
	start(t, other)
	theirs := bytes.Repeat([]byte{2}, 30)
	for range 3 {
		if err := u.Send(bytes.Repeat([]byte{1}, 30)); err != nil {
			t.Skip("no broadcast here:", err)
		}
	}
	if err := other.Send(theirs); err != nil {
		t.Fatal(err)
	}
	if got := <-h.frames; !bytes.Equal(got, theirs) {
		t.Errorf("received % x", got)
	}
	if len(h.frames) != 0 {
		t.Error("more was received")
	}
	at := netip.MustParseAddrPort
	for _, tt := range []struct {
		bound, from string
		want        bool
	}{
		{"127.0.0.1:5", "127.0.0.1:5", true}, {"127.0.0.1:5", "127.0.0.2:5", false}, {"127.0.0.1:5", "127.0.0.1:6", false},
		{"0.0.0.0:5", "127.0.0.1:5", true}, {"0.0.0.0:5", "192.0.2.1:5", false}, {"192.0.2.255:5", "127.0.0.1:5", true},
	} {
		o := own{bound: at(tt.bound)}
		if got := o.sent(at(tt.from)); got != tt.want {
			t.Errorf("bound to %s, from %s: %v", tt.bound, tt.from, got)
		}
	}
}

func TestBroadcastAddress(t *testing.T) {
	for in, want := range map[string]string{
		"10.1.2.3/8": "10.255.255.255", "192.168.7.9/24": "192.168.7.255", "192.168.7.9/26": "192.168.7.63",
		"1.2.3.4/32": "1.2.3.4",
	} {
		if got := broadcast(netip.MustParsePrefix(in)); got.String() != want {
			t.Errorf("broadcast of %s is %s, want %s", in, got, want)
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	for name, c := range map[string]Config{
		"nothing":      {Name: "x"},
		"no port":      {Name: "x", ListenIP: "0.0.0.0"},
		"invalid port": {Name: "x", ListenIP: "0.0.0.0", Port: 70000},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
