package rnstest

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// LargeTopology builds a connected network of exactly size nodes from a seed: two thirds forward for others, in a tree with
// as many additional cables as a third of them, in groups of which some share a medium; the rest are leaves.
func LargeTopology(w *Network, size int, c mem.Conditions) *Topology {
	g := &Topology{Network: w, Rand: rand.New(rand.NewPCG(w.seed, 4242))}
	relays := max(2, size*2/3)
	for i := range relays {
		r := w.Transport(fmt.Sprint("t", i))
		if i > 0 {
			g.cable(r, g.Relays[g.Rand.IntN(i)], c)
		}
		g.Relays = append(g.Relays, r)
	}
	for range relays / 3 {
		a, b := g.Rand.IntN(relays), g.Rand.IntN(relays)
		if a != b {
			g.cable(g.Relays[a], g.Relays[b], c)
		}
	}
	for range relays / 20 {
		at := g.Rand.IntN(relays - 1)
		g.Hubs = append(g.Hubs, w.Hub(c, g.Relays[at:min(at+4, relays)]...))
	}
	for i := range size - relays {
		l := w.Node(fmt.Sprint("n", i))
		g.cable(l, g.Relays[g.Rand.IntN(relays)], c)
		g.Leaves = append(g.Leaves, l)
	}
	return g
}

// Part cuts the network in two: the first half of the relays with their leaves against the second. Cables between the halves
// lose everything, and so do shared media, until Heal.
func (g *Topology) Part() (first, second []*Node) {
	low := make(map[*Node]bool)
	for _, r := range g.Relays[:len(g.Relays)/2] {
		low[r] = true
	}
	for _, c := range g.Cables { // a leaf is on the side of its relay
		for _, l := range g.Leaves {
			if c.first == l && low[c.second] {
				low[l] = true
			}
		}
	}
	for _, n := range g.All() {
		if low[n] {
			first = append(first, n)
		} else {
			second = append(second, n)
		}
	}
	nothing := mem.Conditions{Loss: 1}
	for _, c := range g.Cables {
		if low[c.first] != low[c.second] {
			c.A.SetConditions(nothing)
			c.B.SetConditions(nothing)
		}
	}
	for _, h := range g.Hubs {
		h.SetConditions(nothing)
	}
	return first, second
}

// Heal ends Part, with new conditions everywhere.
func (g *Topology) Heal(c mem.Conditions) { g.SetConditions(c) }

// Route follows the path tables of the nodes from one node to a destination of another, and returns the nodes in between.
// The error says where the route ends or begins to turn in a circle.
func (g *Topology) Route(from *Node, to *Inbox) ([]*Node, error) {
	byID := make(map[rns.Addr]*Node, len(g.Relays))
	for _, n := range g.Relays {
		byID[n.TransportID()] = n
	}
	seen := map[*Node]bool{from: true}
	var route []*Node
	for at := from; at.Node != to.Node(); {
		p, err := at.Path(g.t.Context(), to.Addr())
		if err != nil {
			return route, fmt.Errorf("at %s: %w", at.Name, err)
		}
		if p.NextHop == to.Addr() {
			return route, nil // its owner is the neighbour
		}
		next := byID[p.NextHop]
		if next == nil {
			return route, fmt.Errorf("at %s: next hop %s is nobody", at.Name, p.NextHop)
		}
		if seen[next] {
			return route, fmt.Errorf("at %s: back to %s after %d hops", at.Name, next.Name, len(route))
		}
		seen[next], at = true, next
		route = append(route, next)
	}
	return route, nil
}

// Traffic counts the transmissions of a whole network without keeping the frames, for networks where a Recorder would be too
// large. It is safe for concurrent use.
type Traffic struct {
	mu    sync.Mutex
	sent  map[transmission]uint8
	total int
	far   uint8
	worst map[rns.PacketType]uint8
}

type transmission struct {
	node, iface uint32
	packet      rns.Hash
}

// Count starts to count what all nodes of the network send.
func (w *Network) Count() *Traffic {
	c := &Traffic{sent: make(map[transmission]uint8), worst: make(map[rns.PacketType]uint8)}
	for i, n := range w.nodes {
		n.OpenTap(1, func(r *node.TapRecord) bool {
			c.add(uint32(i), r)
			return false
		})
	}
	return c
}

func (c *Traffic) add(n uint32, r *node.TapRecord) {
	if r.Direction != node.Out || r.ParseErr != nil {
		return
	}
	k := transmission{n, uint32(r.Interface), rns.PacketHash(r.Raw)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	c.far = max(c.far, r.Packet.Hops)
	if r.Packet.DestType == rns.DestLink || r.Packet.Context != rns.ContextNone {
		return // ends of links repeat themselves, and path responses answer every request
	}
	c.sent[k]++
	c.worst[r.Packet.Type] = max(c.worst[r.Packet.Type], c.sent[k])
}

// Total is the number of transmissions so far.
func (c *Traffic) Total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// Far is the largest number of hops of any packet that was sent.
func (c *Traffic) Far() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.far)
}

// Most is how often the most repeated packet of a type left one interface of one node. In a network without loops it is 1, for
// announces 2. Packets on links and path responses are not counted.
func (c *Traffic) Most(t rns.PacketType) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.worst[t])
}
