package transport

import (
	"iter"
	"time"

	"meshchatx/rns"
)

// Walk copies the stored tables in portions, so that the owner of a machine can do other things in between. The zero value
// of each callback skips its table. An entry that exists during the whole walk is visited exactly once and as one piece;
// one that comes or goes meanwhile may be missing, and one that goes and comes again may be visited twice, the later visit
// being the newer. Records share no memory that changes. Close it if it is given up. spec: rns-core §19.1
type Walk struct {
	// Path visits the path table, without paths whose interface is gone.
	Path func(PathRecord)
	// Known visits the known destinations with their ratchets, which are nil if none was received.
	Known func(KnownDestination, *ReceivedRatchet)
	// Hash visits the remembered packet hashes.
	Hash func(rns.Hash)
	// Tunnel visits the tunnels, without their paths. TunnelPath follows for each of their paths.
	Tunnel     func(TunnelRecord)
	TunnelPath func(tunnel rns.Hash, p PathRecord)

	m      *Machine
	stage  uint8
	cursor uint32
	next   func() (rns.Hash, bool)
	stop   func()
	tunnel rns.Hash
	dests  []rns.Addr // paths of the tunnel at hand not yet visited
}

// Start prepares the walk through a machine.
func (w *Walk) Start(m *Machine) { w.m, w.stage, w.cursor = m, 0, 0 }

// Next visits at most the given number of entries, at least one, and reports false when all have been visited.
func (w *Walk) Next(now time.Time, most int) bool {
	w.m.clock.at(now)
	stages := [...]func(int) (int, bool){w.paths, w.known, w.hashes, w.tunnels}
	for most = max(most, 1); most > 0; {
		if int(w.stage) == len(stages) {
			return false
		}
		used, done := stages[w.stage](most)
		most -= used
		if done {
			w.stage, w.cursor = w.stage+1, 0
		}
	}
	return true
}

// Close ends the walk.
func (w *Walk) Close() {
	if w.stop != nil {
		w.stop()
	}
	w.next, w.stop, w.dests = nil, nil, nil
}

// portion visits the entries of at most n slots from the cursor on, and returns how many slots it looked at and whether
// they were the last.
func portion[K comparable, V any](t *table[K, V], cursor *uint32, n int, visit func(K, *V)) (int, bool) {
	looked := 0
	for ; looked < n && *cursor < t.used; looked++ {
		i := *cursor
		*cursor++
		s := t.slot(i)
		if at, ok := t.index[s.key]; ok && at == i {
			visit(s.key, &s.val)
		}
	}
	return looked, *cursor >= t.used
}

func (w *Walk) paths(most int) (int, bool) {
	if w.Path == nil {
		return 0, true
	}
	return portion(&w.m.paths, &w.cursor, most, func(dest rns.Addr, p *path) {
		if w.m.interfaces[p.iface] != nil {
			w.Path(w.m.pathRecord(dest, p))
		}
	})
}

func (w *Walk) known(most int) (int, bool) {
	if w.Known == nil {
		return 0, true
	}
	return portion(&w.m.known, &w.cursor, most, func(dest rns.Addr, k *known) {
		var r *ReceivedRatchet
		if k.ratchet != nil {
			r = &ReceivedRatchet{Destination: dest, Ratchet: k.ratchet.public, Received: w.m.clock.wall(k.ratchet.received)}
		}
		w.Known(w.m.knownRecord(dest, k), r)
	})
}

func (w *Walk) hashes(most int) (int, bool) {
	if w.Hash == nil {
		return 0, true
	}
	if w.next == nil {
		w.next, w.stop = iter.Pull(w.m.seen.all())
	}
	for n := range most {
		h, ok := w.next()
		if !ok {
			w.stop()
			return n, true
		}
		w.Hash(h)
	}
	return most, false
}

// tunnels visits the tunnels one by one and the paths of each in portions.
func (w *Walk) tunnels(most int) (int, bool) {
	if w.Tunnel == nil {
		return 0, true
	}
	if len(w.dests) > 0 {
		n := min(most, len(w.dests))
		if t := w.m.tunnels.get(w.tunnel); t != nil && w.TunnelPath != nil {
			for _, dest := range w.dests[:n] {
				if p := t.paths[dest]; p != nil {
					w.TunnelPath(w.tunnel, w.m.pathRecord(dest, p))
				}
			}
		}
		w.dests = w.dests[n:]
		return n, false
	}
	n, done := portion(&w.m.tunnels, &w.cursor, 1, func(id rns.Hash, t *tunnel) {
		w.tunnel = id
		w.Tunnel(TunnelRecord{ID: id, Interface: t.iface, Expires: w.m.clock.wall(t.expires)})
		for dest := range t.paths {
			w.dests = append(w.dests, dest)
		}
	})
	return n, done && len(w.dests) == 0
}
