package propagation

import (
	"math/rand/v2"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// machine decides. It has no I/O, goroutines or clock; the loop owns it.
type machine struct {
	p   Params
	set Settings
	own rns.Addr // hash of the node's identity
	rnd *rand.Rand

	index       *index
	peers       map[rns.Addr]*peer // by lxmf.propagation
	statics     map[rns.Addr]struct{}
	prioritised map[rns.Addr]struct{}
	allowed     map[rns.Addr]struct{}
	processed   *memory
	pending     map[rns.Hash]struct{} // claimed and not yet on the disk
	throttled   map[rns.Addr]time.Time
	heard       map[rns.Addr]heardNode
	inbound     map[rns.Addr]*inbound // by link
	fresh       []freshMessage        // wait for distribution

	stats    lxmf.NodeStats
	started  time.Time
	checking int // batches whose stamps are being checked
	syncing  int // our synchronisations in progress
	changed  bool
	joined   bool // a peer is new since the last save
}

// freshMessage is a new message and the peer it came from, zero if from none.
type freshMessage struct {
	slot int32
	id   rns.Hash
	from rns.Addr
}

// heardNode is the last announce of a node.
type heardNode struct {
	identity rns.Addr
	info     lxmf.PropagationInfo
	hops     int
	at       time.Time
}

// maxHeard bounds the remembered announces of nodes that are not peers.
const maxHeard = 4096

// inbound is what a peer may do on a link of its own. spec: lxmf §11.2, §18
type inbound struct {
	peer      rns.Addr // zero while nobody identified
	identity  rns.Addr
	validated bool
	state     inboundState
}

type inboundState uint8

const (
	inboundNone inboundState = iota
	inboundAccepted
	inboundTransferring
	inboundValidating
)

func newMachine(now time.Time, own rns.Addr, set Settings, p Params, seed [2]uint64) *machine {
	m := &machine{
		p: p, own: own, rnd: rand.New(rand.NewPCG(seed[0], seed[1])), //nolint:gosec // spreads load, protects nothing
		index: newIndex(), peers: make(map[rns.Addr]*peer), processed: newMemory(p.MaxProcessed),
		throttled: make(map[rns.Addr]time.Time), heard: make(map[rns.Addr]heardNode), inbound: make(map[rns.Addr]*inbound),
		pending: make(map[rns.Hash]struct{}), started: now,
	}
	m.configure(set)
	return m
}

// configure replaces the settings.
func (m *machine) configure(set Settings) {
	m.set = set.corrected()
	m.statics, m.prioritised, m.allowed = setOf(set.StaticPeers), setOf(set.Prioritised), setOf(set.Allowed)
	for addr, p := range m.peers {
		_, p.static = m.statics[addr]
	}
	for addr := range m.statics {
		if m.peers[addr] == nil {
			m.peers[addr] = m.newPeer(addr, rns.Addr{})
		}
	}
}

func setOf(list []rns.Addr) map[rns.Addr]struct{} {
	set := make(map[rns.Addr]struct{}, len(list))
	for _, a := range list {
		set[a] = struct{}{}
	}
	return set
}

// newPeer makes a peer. It is owed the messages that come from now on.
func (m *machine) newPeer(addr, identity rns.Addr) *peer {
	_, static := m.statics[addr]
	p := &peer{Peer: lxmf.Peer{Destination: addr, Strategy: lxmf.SyncPersistent}, identity: identity, static: static}
	m.changed, m.joined = true, true
	return p
}

// announced is an announce of a node. It returns whether something about the peers changed. spec: lxmf §12.2
func (m *machine) announced(now time.Time, addr, identity rns.Addr, info lxmf.PropagationInfo, hops int, response bool) bool {
	if identity == m.own {
		return false
	}
	m.hear(addr, heardNode{identity, info, hops, now})
	if p := m.peers[addr]; p != nil {
		p.identity = identity
		if p.static {
			if !response || p.LastHeard == 0 {
				return m.accept(now, p, info, hops)
			}
			return false
		}
	}
	if !bool(m.set.AutoPeer) || response {
		return false
	}
	switch known := m.peers[addr]; {
	case info.Active && hops <= m.set.AutoPeerDepth:
		return m.peerWith(now, addr, identity, info, hops)
	case known != nil && info.Timebase >= known.Timebase:
		return m.unpeer(addr)
	}
	return false
}

// hear remembers an announce; when there are too many, any other makes room.
func (m *machine) hear(addr rns.Addr, h heardNode) {
	if _, known := m.heard[addr]; !known && len(m.heard) >= maxHeard {
		for other := range m.heard {
			delete(m.heard, other)
			break
		}
	}
	m.heard[addr] = h
}

// peerWith makes a peer, or renews one. spec: lxmf §12.2
func (m *machine) peerWith(now time.Time, addr, identity rns.Addr, info lxmf.PropagationInfo, hops int) bool {
	p := m.peers[addr]
	if info.PeeringCost > m.set.MaxPeeringCost {
		return p != nil && m.unpeer(addr)
	}
	if p != nil {
		return m.accept(now, p, info, hops)
	}
	if len(m.peers) >= m.set.MaxPeers {
		return false
	}
	p = m.newPeer(addr, identity)
	m.peers[addr] = p
	m.accept(now, p, info, hops)
	return true
}

func (m *machine) accept(now time.Time, p *peer, info lxmf.PropagationInfo, hops int) bool {
	if info.PeeringCost > m.set.MaxPeeringCost {
		return false
	}
	if !p.configure(now, info, hops) {
		return false
	}
	m.changed = true
	return true
}

// unpeer forgets a peer; static ones stay.
func (m *machine) unpeer(addr rns.Addr) bool {
	p := m.peers[addr]
	if p == nil || p.static {
		return false
	}
	delete(m.peers, addr)
	m.changed = true
	return true
}

// drop forgets messages and returns the names of their files.
func (m *machine) drop(slots []int32) []string {
	names := make([]string, 0, len(slots))
	for _, slot := range slots {
		names = append(names, m.index.slots[slot].name())
		m.index.remove(slot)
		for _, p := range m.peers {
			p.forget(slot)
		}
	}
	return names
}
