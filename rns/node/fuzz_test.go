package node_test

import (
	"context"
	"testing"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// FuzzFrames gives arbitrary frames to a transport node with a protected and an open interface, a destination, and a link
// request pending. It must neither panic nor stop working.
func FuzzFrames(f *testing.F) {
	conf := node.DefaultConfig()
	conf.Transport = node.On
	n, err := node.New(conf)
	if err != nil {
		f.Fatal(err)
	}
	if err := n.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = n.Close() })
	plain, sealed := mem.New("plain"), mem.New("sealed")
	for end, c := range map[*mem.Endpoint]node.InterfaceConfig{
		plain: rnstest.Open(), sealed: rnstest.Open(func(c *node.InterfaceConfig) { c.Passphrase = "secret" }),
	} {
		id, err := n.AddInterface(end, c)
		if err != nil {
			f.Fatal(err)
		}
		eventually(f, func() bool {
			s, err := n.InterfaceStatus(context.Background(), id)
			return err == nil && s.State.Word == node.StateUp
		})
	}
	id := newIdentity(f)
	d, err := n.Register(node.DestinationConfig{Identity: id, Name: "fuzz.inbox", Proofs: node.ProveAll})
	if err != nil {
		f.Fatal(err)
	}
	if err := d.Announce(context.Background(), node.AnnounceOptions{}); err != nil {
		f.Fatal(err)
	}
	for _, s := range plain.Drain() {
		f.Add(s.Data)
	}
	addr := d.Addr()
	for _, p := range []rns.Packet{
		{Type: rns.PacketLinkRequest, Dest: d.Addr(), Data: pattern(67)},
		{Dest: d.Addr(), Data: pattern(112)},
		{DestType: rns.DestPlain, Dest: rns.PathRequestDest(), Data: append(addr[:], pattern(16)...)},
		{DestType: rns.DestLink, Type: rns.PacketProof, Context: rns.ContextLRProof, Data: pattern(99)},
	} {
		raw, err := p.Pack(rns.MTU)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		plain.Inject(frame)
		sealed.Inject(frame)
		if err := n.Quiesce(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
