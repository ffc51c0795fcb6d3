package rnstest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// The weather of the large networks.
var (
	storm = mem.Conditions{Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.1, Duplicate: 0.05, Reorder: 0.1}
	windy = mem.Conditions{Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Duplicate: 0.05, Reorder: 0.1}
)

// spread is long enough for an announce to reach every node of a large network, whose ways have some twenty hops.
const spread = 4 * time.Minute

// TestLargeNetwork: the storm, the partition and the recovery of a network of 200 nodes, once. The soak below is the same again
// and again, from many seeds. spec: rns-core §11.4, §12.3, §13.1, §14.5, §14.8
func TestLargeNetwork(t *testing.T) {
	size := 200
	if testing.Short() {
		size = 40
	}
	synctest.Test(t, func(t *testing.T) { weather(t, New(t, 1), size, 1) })
}

// TestSoakLargeNetworks runs 200 nodes through storm, partition and recovery, again and again.
func TestSoakLargeNetworks(t *testing.T) {
	if os.Getenv("MESHCHATX_SOAK") == "" {
		t.Skip("a long test: make soak, or MESHCHATX_SOAK=1")
	}
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { weather(t, New(t, seed), 200, 10) })
		})
	}
}

// large is a network under test.
type large struct {
	*Topology
	t       *testing.T
	inboxes []*Inbox
	traffic *Traffic

	mu  sync.Mutex
	got map[string]int // what arrived over links
}

// weather takes a network through some rounds of storm, partition and recovery.
func weather(t *testing.T, w *Network, size, rounds int) {
	l := &large{Topology: LargeTopology(w, size, storm), t: t, got: make(map[string]int)}
	l.traffic = w.Count()
	for i := range 6 {
		l.inboxes = append(l.inboxes, l.Pick().Inbox(fmt.Sprint("test.inbox", i), func(c *node.DestinationConfig) { c.OnLink = l.serve }))
	}
	for range rounds {
		l.round()
		w.Run(20 * time.Minute)
		checkTables(t, l.Topology, len(l.inboxes))
	}
	l.checkLoops()
	t.Logf("%d nodes, %d cables, %d transmissions, at most %d hops", len(l.All()), len(l.Cables), l.traffic.Total(), l.traffic.Far())
}

func (l *large) round() {
	for range 3 { // as applications do: again after a while
		l.announceAll()
		l.checkRoutes("in the storm")
	}
	first, second := l.Part()
	l.announceAll()
	l.checkRoutes("while parted")
	l.sendAcross(first, second)
	l.Heal(storm)
	l.announceAll()
	l.checkRoutes("after healing, in the storm")
	l.Heal(windy)
	l.announceAll()
	l.checkConvergence()
	l.checkDelivery(30)
	l.checkLinks(4)
}

func (l *large) serve(*node.Link) node.LinkHandler {
	note := func(data []byte) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got[string(data)]++
	}
	return node.LinkHandler{
		OnPacket: func(_ *node.Link, p *node.LinkPacket) { note(p.Data); _ = p.Prove() },
		OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
			return &node.ResourceAcceptance{Conclude: func(_ *node.Link, r node.IncomingResource) error {
				if r.Err == nil {
					note(r.Data)
				}
				return nil
			}}
		},
	}
}

func (l *large) announceAll() {
	for _, in := range l.inboxes {
		in.Announce()
	}
	l.Run(spread)
}

// checkRoutes: wherever a path is known, following it never turns in a circle. It may end where nothing is known: an announce
// was lost there.
func (l *large) checkRoutes(when string) {
	l.t.Helper()
	for _, in := range l.inboxes {
		for _, n := range l.All() {
			if n.HasPath(l.t.Context(), in.Addr()) {
				if _, err := l.Route(n, in); err != nil {
					l.t.Errorf("%s, from %s: %v", when, n.Name, err)
				}
			}
		}
	}
}

// sendAcross: nothing reaches the other side of a partition, and nobody waits for ever.
func (l *large) sendAcross(first, second []*Node) {
	l.t.Helper()
	side := make(map[*node.Node]bool)
	for _, n := range first {
		side[n.Node] = true
	}
	for _, in := range l.inboxes {
		from := second[0]
		if !side[in.Node()] {
			from = first[0]
		}
		before := len(in.Packets())
		r, err := from.SendPacket(l.t.Context(), in.Addr(), []byte("across"), node.SendOptions{})
		if err != nil {
			continue // never heard of
		}
		if err := r.Wait(l.t.Context()); err == nil || len(in.Packets()) != before {
			l.t.Errorf("a packet from %s crossed the partition", from.Name)
		}
	}
}

// checkConvergence: every node knows a way to every destination, and the ways lead there.
func (l *large) checkConvergence() {
	l.t.Helper()
	for _, in := range l.inboxes {
		for _, n := range l.All() {
			if n.Node == in.Node() {
				continue
			}
			if !n.HasPath(l.t.Context(), in.Addr()) {
				l.t.Errorf("%s has no path to %s", n.Name, in.Name())
				continue
			}
			route, err := l.Route(n, in)
			if err != nil {
				l.t.Errorf("from %s: %v", n.Name, err)
			}
			if hops := n.HopsTo(l.t.Context(), in.Addr()); err == nil && hops != len(route)+1 {
				l.t.Errorf("from %s: %d hops are said, %d gone", n.Name, hops, len(route)+1)
			}
		}
	}
}

// checkDelivery: packets of any node arrive once, whatever the medium repeats, and are proved.
func (l *large) checkDelivery(n int) {
	l.t.Helper()
	for i := range n {
		from, in := l.Pick(), l.inboxes[i%len(l.inboxes)]
		if from.Node == in.Node() {
			continue
		}
		before := len(in.Packets())
		r, err := from.SendPacket(l.t.Context(), in.Addr(), fmt.Append(nil, "packet ", i), node.SendOptions{})
		if err != nil {
			l.t.Fatal(err)
		}
		if err := r.Wait(l.t.Context()); err != nil {
			l.t.Errorf("packet from %s to %s: %v", from.Name, in.Name(), err)
		}
		l.Run(5 * time.Second)
		if got := len(in.Packets()) - before; got != 1 {
			l.t.Errorf("packet from %s arrived %d times", from.Name, got)
		}
	}
}

// checkLinks: links across the network carry packets and resources, each once.
func (l *large) checkLinks(n int) {
	l.t.Helper()
	for i := range n {
		from, in := l.Pick(), l.inboxes[i%len(l.inboxes)]
		if from.Node == in.Node() {
			continue
		}
		link, err := from.OpenLink(l.t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			l.t.Errorf("link from %s: %v", from.Name, err)
			continue
		}
		l.mu.Lock()
		clear(l.got)
		l.mu.Unlock()
		text := fmt.Append(nil, "on link ", i)
		r, err := link.Send(l.t.Context(), text, node.SendOptions{})
		if err == nil {
			err = r.Wait(l.t.Context())
		}
		if err != nil {
			l.t.Errorf("packet on the link from %s: %v", from.Name, err)
		}
		big := bytes.Repeat(fmt.Append(nil, "resource ", i, " "), 2000)
		ctx, cancel := context.WithTimeout(l.t.Context(), time.Hour)
		tr, err := link.SendResource(ctx, bytes.NewReader(big), int64(len(big)), node.ResourceOptions{})
		if err == nil {
			err = tr.Wait(ctx)
		}
		cancel()
		if err != nil {
			l.t.Errorf("resource on the link from %s: %v", from.Name, err)
		}
		link.Close()
		<-link.Done()
		l.mu.Lock()
		if l.got[string(text)] != 1 || l.got[string(big)] != 1 {
			l.t.Errorf("arrived %d and %d times", l.got[string(text)], l.got[string(big)])
		}
		l.mu.Unlock()
	}
}

// checkLoops: no packet leaves an interface of a node more often than its kind may, and none travels in circles.
func (l *large) checkLoops() {
	l.t.Helper()
	for kind, most := range map[rns.PacketType]int{
		rns.PacketAnnounce: 2, rns.PacketData: 1, rns.PacketLinkRequest: 1, rns.PacketProof: 1,
	} {
		if n := l.traffic.Most(kind); n > most {
			l.t.Errorf("a %v left an interface %d times", kind, n)
		}
	}
	if far := l.traffic.Far(); far >= len(l.Relays) || far > 60 {
		l.t.Errorf("a packet travelled %d hops", far)
	}
}
