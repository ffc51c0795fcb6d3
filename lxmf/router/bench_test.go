package router_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// benchUser is a user for measurements over TCP.
type benchUser struct {
	*router.Router
	id   *rns.Identity
	node *node.Node

	mu    sync.Mutex
	ended map[rns.Hash]chan router.Event
	heard chan struct{}
}

// Receive accepts everything.
func (u *benchUser) Receive(context.Context, router.Inbound) error { return nil }

func (u *benchUser) happened(e router.Event) {
	if !e.Kind.Final() {
		return
	}
	u.mu.Lock()
	ended := u.ended[e.ID]
	delete(u.ended, e.ID)
	u.mu.Unlock()
	ended <- e
}

func benchNode(b *testing.B) (*benchUser, *node.Node) {
	b.Helper()
	n, err := node.New(node.DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Close() })
	id, err := rns.NewIdentity(n.Random())
	if err != nil {
		b.Fatal(err)
	}
	u := &benchUser{id: id, node: n, ended: make(map[rns.Hash]chan router.Event), heard: make(chan struct{}, 64)}
	u.Router, err = router.New(router.Config{Node: n, Identity: id, Inbox: u, Events: u.happened})
	if err != nil {
		b.Fatal(err)
	}
	n.OnAnnounce(node.AnnounceHandler{Name: lxmf.DeliveryName, Handle: func(node.Announced) { u.heard <- struct{}{} }})
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { _ = u.Serve(ctx) })
	b.Cleanup(func() {
		cancel()
		served.Wait()
	})
	return u, n
}

// benchPair is two users connected by TCP who have heard each other.
func benchPair(b *testing.B) (from, to *benchUser) {
	b.Helper()
	from, x := benchNode(b)
	to, y := benchNode(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server, err := tcp.NewServer(tcp.ServerConfig{
		Name: "server", Host: "127.0.0.1",
		Listen: func(context.Context, string, string) (net.Listener, error) { return l, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	client, err := tcp.NewClient(tcp.ClientConfig{Name: "client", Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := x.AddInterface(server, node.InterfaceConfig{}); err != nil {
		b.Fatal(err)
	}
	if _, err := y.AddInterface(client, node.InterfaceConfig{}); err != nil {
		b.Fatal(err)
	}
	for _, u := range []struct{ who, by *benchUser }{{from, to}, {to, from}} {
		for known := false; !known; {
			_ = u.who.Announce(b.Context())
			select {
			case <-u.by.heard:
				known = true
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return from, to
}

// send sends a message and returns where its end is told.
func (u *benchUser) send(b *testing.B, to *benchUser, i int, method lxmf.Method) <-chan router.Event {
	b.Helper()
	m := lxmf.New(to.Address(), u.Address(), time.Now(), nil, []byte("message "+strconv.Itoa(i)))
	m.Sign(u.id)
	ended := make(chan router.Event, 1)
	u.mu.Lock()
	u.ended[m.Hash] = ended
	u.mu.Unlock()
	if err := u.Send(router.Outbound{Message: m, Method: method}); err != nil {
		b.Fatal(err)
	}
	return ended
}

func benchmarkMessages(b *testing.B, method lxmf.Method, inFlight int) {
	b.Helper()
	from, to := benchPair(b)
	<-from.send(b, to, -1, method) // opens the link
	queue := make(chan (<-chan router.Event), inFlight)
	b.ResetTimer()
	i := 0
	for b.Loop() {
		if len(queue) == cap(queue) {
			wait(b, <-queue)
		}
		queue <- from.send(b, to, i, method)
		i++
	}
	for len(queue) > 0 {
		wait(b, <-queue)
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "msg/s")
}

func wait(b *testing.B, ended <-chan router.Event) {
	b.Helper()
	if e := <-ended; e.Kind != router.KindDelivered {
		b.Fatalf("%s %s %s", e.Kind, e.Code, e.Detail)
	}
}

func BenchmarkDirect1(b *testing.B)         { benchmarkMessages(b, lxmf.MethodDirect, 1) }
func BenchmarkDirect16(b *testing.B)        { benchmarkMessages(b, lxmf.MethodDirect, 16) }
func BenchmarkOpportunistic1(b *testing.B)  { benchmarkMessages(b, lxmf.MethodOpportunistic, 1) }
func BenchmarkOpportunistic16(b *testing.B) { benchmarkMessages(b, lxmf.MethodOpportunistic, 16) }
