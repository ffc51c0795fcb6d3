package rnstest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// topologies is the number of random networks of the tests below; -short takes a few of them.
func topologies() int {
	if testing.Short() {
		return 5
	}
	return 50
}

// each runs a test on random networks.
func each(t *testing.T, f func(t *testing.T, w *Network)) {
	for seed := range topologies() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, New(t, uint64(seed))) })
		})
	}
}

// TestEveryAnnounceAndPacketArrives: in a network that loses nothing every node learns every path, every packet is delivered
// once and proved, nothing circulates, and nothing is left behind in the tables.
func TestEveryAnnounceAndPacketArrives(t *testing.T) {
	each(t, func(t *testing.T, w *Network) {
		g := RandomTopology(w, 30, mem.Conditions{Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond})
		inboxes := []*Inbox{g.Pick().Inbox("test.one"), g.Pick().Inbox("test.two")}
		rec := w.Record()
		for _, in := range inboxes {
			in.Announce()
		}
		w.Run(g.Spread())
		for _, in := range inboxes {
			for _, n := range g.All() {
				if n.Node != in.Node() && !n.HasPath(t.Context(), in.Addr()) {
					t.Errorf("%s has no path to %s", n.Name, in.Name())
				}
			}
		}
		for i := range 5 {
			n, in := g.Pick(), inboxes[i%2]
			if n.Node == in.Node() {
				continue
			}
			before := len(in.Packets())
			r, err := n.SendPacket(t.Context(), in.Addr(), []byte{byte(i)}, node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Errorf("packet from %s to %s: %v", n.Name, in.Name(), err)
			}
			w.Settle()
			if got := len(in.Packets()) - before; got != 1 {
				t.Errorf("packet arrived %d times", got)
			}
		}
		checkNoLoops(t, g, rec)
		w.Run(20 * time.Minute)
		checkTables(t, g, 2)
	})
}

// checkNoLoops: no packet may leave any node more often than announces do, which is at most twice on each interface.
func checkNoLoops(t *testing.T, g *Topology, rec *Recorder) {
	t.Helper()
	type key struct {
		node   string
		iface  node.InterfaceID
		packet rns.Hash
	}
	count := make(map[key]int)
	for _, s := range rec.All() {
		if s.Direction == node.Out && s.ParseErr == nil {
			k := key{s.Node, s.Interface, rns.PacketHash(s.Raw)}
			if count[k]++; count[k] > 2 || (s.Packet.Type != rns.PacketAnnounce && count[k] > 1) {
				t.Errorf("%s sent a %v %d times on one interface", s.Node, s.Packet.Type, count[k])
			}
		}
		if int(s.Packet.Hops) > len(g.All()) {
			t.Errorf("a %v has travelled %d hops in a network of %d", s.Packet.Type, s.Packet.Hops, len(g.All()))
		}
	}
}

// checkTables: what is only needed for a while is gone after a while, what stays is one entry per destination.
func checkTables(t *testing.T, g *Topology, destinations int) {
	t.Helper()
	for _, n := range g.All() {
		s, err := n.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Reverse)+len(s.PendingAnnounces)+len(s.Requests)+len(s.LinksInTransit)+len(s.Receipts)+len(s.Links) != 0 ||
			len(s.Paths) > destinations || len(s.Known) > destinations {
			t.Errorf("%s keeps %+v", n.Name, s.Counts)
		}
	}
}

// TestConvergenceAfterLoss: a network that lost a fifth of everything finds all paths when its announces are repeated, or
// when paths are asked for, and links work through it.
func TestConvergenceAfterLoss(t *testing.T) {
	each(t, func(t *testing.T, w *Network) {
		c := mem.Conditions{Delay: 5 * time.Millisecond, Loss: 0.2, Duplicate: 0.05, Reorder: 0.05}
		g := RandomTopology(w, 15, c)
		in := g.Pick().Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.OnLink = func(*node.Link) node.LinkHandler {
				return node.LinkHandler{OnPacket: func(_ *node.Link, p *node.LinkPacket) { _ = p.Prove() }}
			}
		})
		for range 3 {
			in.Announce()
			w.Run(g.Spread())
		}
		g.SetConditions(mem.Conditions{Delay: 5 * time.Millisecond}) // the weather clears up
		in.Announce()
		w.Run(g.Spread())
		for _, n := range g.All() {
			if n.Node == in.Node() {
				continue
			}
			if _, err := n.AwaitPath(t.Context(), in.Addr()); err != nil {
				t.Errorf("%s: %v", n.Name, err)
			}
		}
		from := g.Pick()
		if from.Node == in.Node() {
			return
		}
		l, err := from.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatalf("link from %s: %v", from.Name, err)
		}
		r, err := l.Send(t.Context(), []byte("through"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Errorf("packet on the link from %s: %v", from.Name, err)
		}
		l.Close()
		w.Run(20 * time.Minute)
		checkTables(t, g, 1)
	})
}

// TestPathAfterACut: when a cable is cut and another way exists, the next announce finds it.
func TestPathAfterACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(t, 1)
		a, b := w.Node("a"), w.Node("b")
		left, right, far := w.Transport("left"), w.Transport("right"), w.Transport("far")
		c := mem.Conditions{Delay: time.Millisecond}
		w.Connect(a, left, c)
		short := w.Connect(left, right, c)
		w.Connect(left, far, c)
		w.Connect(far, right, c)
		w.Connect(right, b, c)
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(20 * time.Second)
		if h := left.HopsTo(t.Context(), in.Addr()); h != 2 {
			t.Fatalf("%d hops by the short way", h)
		}
		short.Cut()
		w.Settle()
		in.Announce()
		w.Run(20 * time.Second)
		if h := left.HopsTo(t.Context(), in.Addr()); h != 3 {
			t.Errorf("%d hops by the long way", h)
		}
		r, err := a.SendPacket(t.Context(), in.Addr(), []byte("around"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
