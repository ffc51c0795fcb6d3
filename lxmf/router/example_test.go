package router_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// printer is an inbox that stores messages on paper.
type printer struct{}

func (printer) Receive(_ context.Context, m router.Inbound) error {
	fmt.Printf("received %q, author certain: %v\n", m.Message.Content, m.Unverified == 0)
	return nil
}

// Two people on two nodes: one announces itself, the other writes.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	start := func(port *mem.Endpoint, done chan<- router.Event) (*router.Router, *rns.Identity, *node.Node) {
		n, _ := node.New(node.DefaultConfig())
		_ = n.Start(ctx)
		_, _ = n.AddInterface(port, node.InterfaceConfig{})
		me, _ := rns.NewIdentity(n.Random())
		r, _ := router.New(router.Config{Node: n, Identity: me, Inbox: printer{}, Events: func(e router.Event) {
			if e.Kind.Final() {
				done <- e
			}
		}})
		running.Go(func() {
			_ = r.Serve(ctx)
			_ = n.Close()
		})
		return r, me, n
	}
	left, right := mem.Pair("left", "right", mem.Conditions{})
	done := make(chan router.Event, 1)
	alice, me, n := start(left, done)
	bob, _, _ := start(right, done)

	m := lxmf.New(bob.Address(), alice.Address(), time.Now(), nil, []byte("hello"))
	m.Sign(me)
	heard := make(chan struct{}, 16)
	n.OnAnnounce(node.AnnounceHandler{Name: lxmf.DeliveryName, Handle: func(node.Announced) { heard <- struct{}{} }})
	for known := false; !known; {
		_ = bob.Announce(ctx)
		select {
		case <-heard:
			known = true
		case <-time.After(50 * time.Millisecond): // the interface was not up yet
		}
	}
	_ = alice.Send(router.Outbound{Message: m})
	fmt.Println((<-done).Kind)
	// Output:
	// received "hello", author certain: false
	// delivered
}
