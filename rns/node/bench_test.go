package node_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// open is an interface without ingress limits: benchmarks send more than a neighbour should.
func open() node.InterfaceConfig { return node.InterfaceConfig{IngressControl: transport.LimitOff} }

// startNode starts a node that is closed at the end.
func startNode(tb testing.TB, change ...func(*node.Config)) *node.Node {
	tb.Helper()
	conf := node.DefaultConfig()
	for _, f := range change {
		f(&conf)
	}
	n, err := node.New(conf)
	if err != nil {
		tb.Fatal(err)
	}
	if err := n.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := n.Close(); err != nil {
			tb.Error(err)
		}
	})
	return n
}

func transportOn(c *node.Config) { c.Transport = node.On }

// listen adds a TCP listener on a free port and returns its address.
func listen(tb testing.TB, n *node.Node) string {
	tb.Helper()
	s, err := tcp.NewServer(tcp.ServerConfig{Name: "listener", Host: "127.0.0.1"})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := n.AddInterface(s, open()); err != nil {
		tb.Fatal(err)
	}
	eventually(tb, func() bool { return s.Address() != "" })
	return s.Address()
}

// connect adds a TCP client and waits until it is up.
func connect(tb testing.TB, n *node.Node, address string) node.InterfaceID {
	tb.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	p, _ := strconv.Atoi(port)
	c, err := tcp.NewClient(tcp.ClientConfig{Name: "client", Host: host, Port: p})
	if err != nil {
		tb.Fatal(err)
	}
	id, err := n.AddInterface(c, open())
	if err != nil {
		tb.Fatal(err)
	}
	eventually(tb, func() bool {
		s, err := n.InterfaceStatus(context.Background(), id)
		return err == nil && s.State.Word == node.StateUp
	})
	return id
}

// eventually polls a condition of another goroutine over real sockets.
func eventually(tb testing.TB, f func() bool) {
	tb.Helper()
	for limit := time.Now().Add(20 * time.Second); !f(); {
		if time.Now().After(limit) {
			tb.Fatal("condition was not reached")
		}
		<-time.After(200 * time.Microsecond)
	}
}

func newIdentity(tb testing.TB) *rns.Identity {
	tb.Helper()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// pair is two nodes over TCP, and a destination on the second that the first knows.
func pair(tb testing.TB, c node.DestinationConfig) (*node.Node, *node.Destination) {
	tb.Helper()
	a, b := startNode(tb), startNode(tb)
	connect(tb, a, listen(tb, b))
	return a, register(tb, a, b, c)
}

// register registers a destination on b and makes it known to a.
func register(tb testing.TB, a, b *node.Node, c node.DestinationConfig) *node.Destination {
	tb.Helper()
	c.Identity, c.Name = newIdentity(tb), "bench.destination"
	d, err := b.Register(c)
	if err != nil {
		tb.Fatal(err)
	}
	eventually(tb, func() bool {
		_ = d.Announce(context.Background(), node.AnnounceOptions{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := a.AwaitPath(ctx, d.Addr())
		return err == nil
	})
	return d
}

func proving(*node.Link) node.LinkHandler {
	return node.LinkHandler{OnPacket: func(_ *node.Link, p *node.LinkPacket) { _ = p.Prove() }}
}

func BenchmarkLinkEstablishment(b *testing.B) {
	a, d := pair(b, node.DestinationConfig{})
	b.ResetTimer()
	for b.Loop() {
		l, err := a.OpenLink(b.Context(), d.Addr(), node.LinkHandler{})
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

func benchmarkRTT(b *testing.B, a *node.Node, d *node.Destination) {
	l, err := a.OpenLink(b.Context(), d.Addr(), node.LinkHandler{})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 32)
	b.ResetTimer()
	for b.Loop() {
		r, err := l.Send(b.Context(), data, node.SendOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLinkRTT(b *testing.B) {
	a, d := pair(b, node.DestinationConfig{OnLink: proving})
	benchmarkRTT(b, a, d)
}

func BenchmarkLinkRTTOneHop(b *testing.B) {
	a, c, hub := startNode(b), startNode(b), startNode(b, transportOn)
	address := listen(b, hub)
	connect(b, a, address)
	connect(b, c, address)
	benchmarkRTT(b, a, register(b, a, c, node.DestinationConfig{OnLink: proving}))
}

func accepting(*node.Link) node.LinkHandler {
	return node.LinkHandler{OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
		return &node.ResourceAcceptance{Sink: io.Discard}
	}}
}

func benchmarkResource(b *testing.B, a *node.Node, d *node.Destination, size int) {
	l, err := a.OpenLink(b.Context(), d.Addr(), node.LinkHandler{})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, size)
	_, _ = rand.Read(data)
	b.SetBytes(int64(size))
	b.ResetTimer()
	for b.Loop() {
		t, err := l.SendResource(b.Context(), bytes.NewReader(data), int64(size), node.ResourceOptions{Compression: node.CompressNever})
		if err != nil {
			b.Fatal(err)
		}
		if err := t.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResource(b *testing.B) {
	for _, mb := range []int{1, 10, 50} {
		b.Run(strconv.Itoa(mb)+"MB", func(b *testing.B) {
			a, d := pair(b, node.DestinationConfig{OnLink: accepting})
			benchmarkResource(b, a, d, mb*1_000_000)
		})
	}
}

func BenchmarkResourceOneHop(b *testing.B) {
	a, c, hub := startNode(b), startNode(b), startNode(b, transportOn)
	address := listen(b, hub)
	connect(b, a, address)
	connect(b, c, address)
	benchmarkResource(b, a, register(b, a, c, node.DestinationConfig{OnLink: accepting}), 10_000_000)
}

// announces builds n valid announces of distinct destinations, framed.
func announces(b *testing.B, n int) []byte {
	b.Helper()
	name := rns.NameHashOf("bench.announce")
	var raw []byte
	for range n {
		a, err := rns.NewAnnounce(rand.Reader, newIdentity(b), name, nil, []byte("bench"), time.Now())
		if err != nil {
			b.Fatal(err)
		}
		p, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
		if err != nil {
			b.Fatal(err)
		}
		raw = framing.AppendHDLC(raw, p)
	}
	return raw
}

// dial opens a bare connection to a node.
func dial(b *testing.B, address string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

func BenchmarkAnnounceIntake(b *testing.B) {
	n := startNode(b)
	conn := dial(b, listen(b, n))
	raw := announces(b, b.N)
	b.ResetTimer()
	if _, err := conn.Write(raw); err != nil {
		b.Fatal(err)
	}
	eventually(b, func() bool {
		s, err := n.Counts(context.Background())
		return err == nil && s.Paths >= b.N
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "announces/s")
}

func BenchmarkForward(b *testing.B) {
	n := startNode(b, transportOn)
	address := listen(b, n)
	in, out := dial(b, address), dial(b, address)
	dest := newIdentity(b)
	a, err := rns.NewAnnounce(rand.Reader, dest, rns.NameHashOf("bench.forward"), nil, nil, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	p, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := out.Write(framing.AppendHDLC(nil, p)); err != nil {
		b.Fatal(err)
	}
	eventually(b, func() bool { return n.HasPath(context.Background(), a.Dest) })
	var raw []byte
	payload := make([]byte, 100)
	for i := range b.N {
		payload[0], payload[1], payload[2], payload[3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
		packet, err := (rns.Packet{
			HeaderType: rns.HeaderType2, TransportType: rns.TransportTransport, TransportID: n.TransportID(), Dest: a.Dest,
			Data: payload,
		}).Pack(rns.MTU)
		if err != nil {
			b.Fatal(err)
		}
		raw = framing.AppendHDLC(raw, packet)
	}
	received := make(chan int, 1)
	go func() {
		d := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: 1000})
		count, buf := 0, make([]byte, 256<<10)
		for count < b.N {
			k, err := out.Read(buf)
			d.Feed(buf[:k], func(f []byte) {
				if f[0]&3 == byte(rns.PacketData) {
					count++
				}
			})
			if err != nil {
				break
			}
		}
		received <- count
	}()
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := in.Write(raw); err != nil {
		b.Fatal(err)
	}
	if got := <-received; got != b.N {
		b.Fatalf("%d of %d packets were forwarded", got, b.N)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}
