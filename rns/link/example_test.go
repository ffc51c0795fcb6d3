package link_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
)

// Both ends of a link in one place: what a node does with packets is done here by hand.
func Example() {
	owner, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		panic(err)
	}
	now := time.Unix(1_700_000_000, 0)

	a, request, err := link.NewInitiator(now, link.InitiatorConfig{
		Params: link.DefaultParams(), Rand: rand.Reader, Destination: rns.DestinationHash("example.link", owner.Hash()),
		Identity: owner.Public(), Hops: 1, MTU: rns.MTU,
	})
	if err != nil {
		panic(err)
	}
	b, fx, err := link.Accept(now, link.ResponderConfig{
		Params: link.DefaultParams(), Rand: rand.Reader, Identity: owner, Hops: 1,
	}, request)
	if err != nil {
		panic(err)
	}
	pass := func(to *link.Link, fx *link.Effects) *link.Effects {
		raw := fx.Send[0].Raw
		p, err := rns.ParsePacket(raw)
		if err != nil {
			panic(err)
		}
		return to.Receive(now, raw, p, 0)
	}
	fx = pass(a, fx) // the link proof
	pass(b, fx)      // the round-trip time
	fmt.Println(a.State(), b.State())

	_, fx, err = a.Send(now, []byte("hello"))
	if err != nil {
		panic(err)
	}
	data := pass(b, fx).Events[0].(link.Data)
	fmt.Printf("%s\n", data.Plaintext)
	fx, err = b.Prove(now, data.Hash) // when the data is stored
	if err != nil {
		panic(err)
	}
	_, proved := pass(a, fx).Events[0].(link.Proved)
	fmt.Println("proved:", proved)
	// Output:
	// active active
	// hello
	// proved: true
}
