package propagation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Names of the state. spec: lxmf §14
const (
	peersFile     = "peers"
	statsFile     = "node_stats"
	processedFile = "locally_processed"
)

// load reads the store and the state. Damaged state is left behind: only the peers and counters are lost with it.
func (n *Node) load() error {
	var catalog map[rns.Hash]catalogued
	if b, err := n.cfg.State.Read(catalogFile); err == nil {
		catalog = parseCatalog(b)
	}
	var late []int32 // came after the state was saved for the last time: the program was killed
	err := n.cfg.Files.List(func(file string) {
		name, err := lxmf.ParseStoredName(file)
		if err != nil || n.m.full() {
			return
		}
		m := message{id: name.ID, received: name.Received, value: name.Value}
		if m.name() != file {
			return // in another spelling: it would not be found when asked for
		}
		known, saved := catalog[m.id]
		m.dest, m.size = known.dest, known.size
		if !saved {
			if m.dest, m.size, err = n.look(file); err != nil {
				return
			}
		}
		if m.size <= lxmf.Overhead {
			return
		}
		if slot, _ := n.m.index.add(m); !saved && catalog != nil {
			late = append(late, slot)
		}
	})
	if err != nil {
		return fmt.Errorf("load message store: %w", err)
	}
	n.loadState()
	for _, p := range n.m.peers {
		for _, slot := range late {
			p.assign(slot) // it says what it has already
		}
	}
	return nil
}

// look reads from its file whom a message is for.
func (n *Node) look(name string) (rns.Addr, int64, error) {
	b, size, err := n.cfg.Files.Head(name, rns.AddrSize)
	if err != nil {
		return rns.Addr{}, 0, err
	}
	return rns.Addr(b), size, nil
}

func (n *Node) loadState() {
	read := func(name string, parse func([]byte) error) {
		b, err := n.cfg.State.Read(name)
		if err == nil {
			err = parse(b)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			n.storage(fmt.Errorf("%s: %w", name, err))
		}
	}
	read(statsFile, func(b []byte) (err error) { n.m.stats, err = lxmf.ParseNodeStats(b); return err })
	read(processedFile, func(b []byte) error {
		list, err := lxmf.ParseDeliveries(b)
		for _, d := range list {
			n.m.processed.add(d.ID, d.At)
		}
		return err
	})
	read(peersFile, func(b []byte) error {
		peers, err := lxmf.ParsePeers(b)
		for _, p := range peers {
			n.m.restore(p, n.identity(p.Destination))
		}
		return err
	})
}

// identity recalls who a peer is, zero if that is not known.
func (n *Node) identity(addr rns.Addr) rns.Addr {
	known, err := n.cfg.Node.Recall(context.Background(), addr)
	if err != nil {
		return rns.Addr{}
	}
	return known.Public.Hash()
}

// restore puts a stored peer back. Ids that are no longer stored are dropped; so are peers whose keys are not known,
// unless they are static. spec: lxmf §14
func (m *machine) restore(stored lxmf.Peer, identity rns.Addr) {
	p := m.newPeer(stored.Destination, identity)
	if identity.IsZero() && !p.static || len(m.peers) >= maxPeers {
		return
	}
	p.Peer = stored
	for _, id := range stored.Handled {
		if _, slot, ok := m.index.get(id); ok {
			p.done(slot)
		}
	}
	for _, id := range stored.Unhandled {
		if _, slot, ok := m.index.get(id); ok {
			p.assign(slot)
		}
	}
	p.Handled, p.Unhandled = nil, nil
	m.peers[stored.Destination] = p
}

// save writes peers, counters and the memory of messages seen. It runs on the loop, or after it.
func (n *Node) save(now time.Time) error {
	n.m.flush()
	var peers []lxmf.Peer
	for _, addr := range sortedAddrs(n.m.peers) {
		p := n.m.peers[addr]
		out := p.Peer
		out.Handled, out.Unhandled = n.m.ids(&p.handled), n.m.ids(&p.unhandled)
		peers = append(peers, out)
	}
	var seen []lxmf.Delivery
	for id, at := range n.m.processed.all() {
		if d := (lxmf.Delivery{ID: id, At: at}); !d.Forgettable(now) {
			seen = append(seen, d)
		}
	}
	n.m.changed, n.m.joined = false, false
	return errors.Join(
		n.cfg.State.Write(peersFile, lxmf.AppendPeers(nil, peers)),
		n.cfg.State.Write(statsFile, n.m.stats.Append(nil)),
		n.cfg.State.Write(catalogFile, n.m.index.appendCatalog(nil)),
		n.cfg.State.Write(processedFile, lxmf.AppendDeliveries(nil, seen)),
	)
}

// ids are the transient ids of a set of slots.
func (m *machine) ids(set *bitset) []rns.Hash {
	out := make([]rns.Hash, 0, set.n)
	for slot := range set.all {
		out = append(out, m.index.slots[slot].id)
	}
	return out
}
