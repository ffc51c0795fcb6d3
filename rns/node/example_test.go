package node_test

import (
	"context"
	"fmt"
	"log"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// Two nodes on a medium in memory: one offers a destination, the other finds it and sends it a packet.
func Example() {
	ctx := context.Background()
	start := func() *node.Node {
		n, err := node.New(node.DefaultConfig())
		if err != nil {
			log.Fatal(err)
		}
		if err := n.Start(ctx); err != nil {
			log.Fatal(err)
		}
		return n
	}
	alice, bob := start(), start()
	defer func() { _, _ = alice.Close(), bob.Close() }()
	a, b := mem.Pair("to bob", "to alice", mem.Conditions{})
	for n, end := range map[*node.Node]*mem.Endpoint{alice: a, bob: b} {
		up := make(chan struct{}, 1)
		stop := n.OnEvent(func(e node.Event) {
			if e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp {
				up <- struct{}{}
			}
		})
		if _, err := n.AddInterface(end, node.InterfaceConfig{}); err != nil {
			log.Fatal(err)
		}
		<-up
		stop()
	}
	me, err := rns.NewIdentity(bob.Random())
	if err != nil {
		log.Fatal(err)
	}
	inbox, err := bob.Register(node.DestinationConfig{
		Identity: me, Name: "example.inbox", Proofs: node.ProveAll,
		OnPacket: func(p *node.Packet) { fmt.Printf("bob got %q over %d hop\n", p.Data, p.Hops) },
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := alice.AwaitPath(ctx, inbox.Addr()); err != nil {
		log.Fatal(err)
	}
	receipt, err := alice.SendPacket(ctx, inbox.Addr(), []byte("hello"), node.SendOptions{})
	if err != nil {
		log.Fatal(err)
	}
	if err := receipt.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	if err := bob.Quiesce(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("alice knows that it arrived")
	// Output:
	// bob got "hello" over 1 hop
	// alice knows that it arrived
}
