package rnstest

import (
	"slices"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Recorder sees every frame of the nodes it was given.
type Recorder struct {
	taps  []*node.Tap
	names []string
}

// Seen is a frame as one node saw it.
type Seen struct {
	Node string
	node.TapRecord
}

// recorderSize is how many frames per node a recorder keeps.
const recorderSize = 1 << 16

// Record starts to record all nodes of the network.
func (w *Network) Record() *Recorder {
	r := new(Recorder)
	for _, n := range w.nodes {
		r.taps = append(r.taps, n.OpenTap(recorderSize, nil))
		r.names = append(r.names, n.Name)
	}
	return r
}

// All returns what was recorded, in order of time.
func (r *Recorder) All() []Seen {
	var all []Seen
	for i, t := range r.taps {
		records, _ := t.Since(0)
		for _, rec := range records {
			all = append(all, Seen{Node: r.names[i], TapRecord: rec})
		}
	}
	slices.SortStableFunc(all, func(a, b Seen) int { return a.At.Compare(b.At) })
	return all
}

// Sent counts the transmissions of each packet in the whole network, by packet hash: what must stay bounded when there are
// no loops.
func (r *Recorder) Sent() map[rns.Hash]int {
	count := make(map[rns.Hash]int)
	for _, s := range r.All() {
		if s.Direction == node.Out && s.ParseErr == nil {
			count[rns.PacketHash(s.Raw)]++
		}
	}
	return count
}
