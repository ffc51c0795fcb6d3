package lxmf_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

func Example() {
	alice, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	bob := rns.Addr{0xb0} // lxmf.delivery of the recipient, from an announce

	m := lxmf.New(bob, lxmf.DeliveryHash(alice.Hash()), time.Now(), nil, []byte("Hello, Bob."))
	m.Sign(alice)
	packed, err := m.Pack(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	method, representation := m.Choose(lxmf.MethodOpportunistic)
	fmt.Println(method, representation)

	got, err := lxmf.Parse(packed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %v %v\n", got.Content, got.Verify(alice.Public()), got.Hash == m.Hash)
	// Output:
	// opportunistic packet
	// Hello, Bob. <nil> true
}
