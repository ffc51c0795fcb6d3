package rnstest

import (
	"math/rand/v2"
	"time"

	"meshchatx/rns/iface/mem"
)

// Topology is a random connected network: most nodes forward for others, some are leaves on one of those, and some forwarding
// nodes share a medium.
type Topology struct {
	*Network
	Rand   *rand.Rand
	Relays []*Node
	Leaves []*Node
	Cables []*Cable
	Hubs   []*mem.Hub
}

// RandomTopology builds a network of at most size nodes from a seed.
func RandomTopology(w *Network, size int, c mem.Conditions) *Topology {
	g := &Topology{Network: w, Rand: rand.New(rand.NewPCG(w.seed, 42))}
	n := 3 + g.Rand.IntN(max(1, size-2))
	relays := max(2, n*2/3)
	for i := range relays {
		r := w.Transport(name("t", i))
		if i > 0 { // a tree, so that all are connected
			g.cable(r, g.Relays[g.Rand.IntN(i)], c)
		}
		g.Relays = append(g.Relays, r)
	}
	for range relays / 3 { // and some more ways
		a, b := g.Rand.IntN(relays), g.Rand.IntN(relays)
		if a != b {
			g.cable(g.Relays[a], g.Relays[b], c)
		}
	}
	if relays > 4 && g.Rand.IntN(2) == 0 {
		g.Hubs = append(g.Hubs, w.Hub(c, g.Relays[0], g.Relays[relays/2], g.Relays[relays-1]))
	}
	for i := range n - relays {
		l := w.Node(name("n", i))
		g.cable(l, g.Relays[g.Rand.IntN(relays)], c)
		g.Leaves = append(g.Leaves, l)
	}
	return g
}

func (g *Topology) cable(a, b *Node, c mem.Conditions) {
	g.Cables = append(g.Cables, g.Connect(a, b, c))
}

// SetConditions changes what happens to frames in the whole network from now on.
func (g *Topology) SetConditions(c mem.Conditions) {
	for _, cable := range g.Cables {
		cable.A.SetConditions(c)
		cable.B.SetConditions(c)
	}
	for _, h := range g.Hubs {
		h.SetConditions(c)
	}
}

// All lists the nodes.
func (g *Topology) All() []*Node { return append(append([]*Node(nil), g.Relays...), g.Leaves...) }

// Pick returns a random node.
func (g *Topology) Pick() *Node {
	all := g.All()
	return all[g.Rand.IntN(len(all))]
}

// Spread is long enough for an announce to reach every node of a network of this size.
func (g *Topology) Spread() time.Duration { return time.Duration(len(g.Relays)+2) * 7 * time.Second }

func name(prefix string, i int) string {
	return prefix + string(rune('0'+i/10)) + string(rune('0'+i%10))
}
