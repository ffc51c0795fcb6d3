package transport

import (
	"slices"
	"time"

	"meshchatx/rns"
)

// path is an entry of the path table. spec: rns-core §11.3
type path struct {
	nextHop   rns.Addr
	hash      rns.Hash
	announce  packed
	blobs     []Blob
	timestamp tick
	expires   tick
	iface     InterfaceID
	hops      uint8
	state     PathState
	// response says that the announce answered a path request, which its packet hash covers.
	response bool
}

// emitted is the largest emission time among the blobs.
func (p *path) emitted() int64 { return latest(p.blobs) }

func latest(blobs []Blob) int64 {
	var t int64
	for _, b := range blobs {
		t = max(t, b.Emitted())
	}
	return t
}

// addBlob appends a blob not yet stored and keeps the newest.
func (p *path) addBlob(b Blob, most int) {
	if slices.Contains(p.blobs, b) {
		return
	}
	if len(p.blobs) >= most && most > 0 {
		copy(p.blobs, p.blobs[len(p.blobs)-most+1:])
		p.blobs[most-1] = b
		p.blobs = p.blobs[:most]
		return
	}
	if len(p.blobs) == cap(p.blobs) { // grow slowly: most destinations announce rarely
		p.blobs = append(make([]Blob, 0, len(p.blobs)+1+len(p.blobs)/4), p.blobs...)
	}
	p.blobs = append(p.blobs, b)
}

// pathLife is how long an unused path over an interface lives. spec: rns-core §14.6, §18
func (m *Machine) pathLife(mode Mode) time.Duration {
	switch mode {
	case ModeAccessPoint:
		return m.p.AccessPointPathExpiry
	case ModeRoaming:
		return m.p.RoamingPathExpiry
	default:
		return m.p.PathExpiry
	}
}

// route returns the path to dest and its interface, or nils. A path whose interface is gone counts as none.
func (m *Machine) route(dest rns.Addr) (*path, *netif) {
	p := m.paths.get(dest)
	if p == nil {
		return nil, nil
	}
	n := m.interfaces[p.iface]
	if n == nil {
		return nil, nil
	}
	return p, n
}

// usePath renews the life of a path. The deadline follows when the old one is reached.
func (m *Machine) usePath(dest rns.Addr, p *path, now tick) {
	p.timestamp = now
	m.paths.touch(dest)
}

// offer is what an announce offers, in the terms of the decision below.
type offer struct {
	hops    uint8
	blob    Blob
	gravity int
}

// current is the existing path in the same terms.
type current struct {
	hops     uint8
	blobs    []Blob
	expired  bool
	state    PathState
	gravity  int
	attached bool // the path's interface exists, and so has a gravity
}

// betterPath decides whether an announce replaces the existing path. VerdictLearned says yes, VerdictNotBetter and
// VerdictDuplicate (an emission that is stored) say no. spec: rns-core §14.5
func betterPath(c current, o offer) rns.Verdict {
	stored, base, emitted := slices.Contains(c.blobs, o.blob), latest(c.blobs), o.blob.Emitted()
	refusal := rns.VerdictNotBetter
	if stored {
		refusal = rns.VerdictDuplicate
	}
	yes := func(ok bool) rns.Verdict {
		if ok {
			return rns.VerdictLearned
		}
		return refusal
	}
	switch {
	case o.hops <= c.hops && !stored && emitted > base:
		return rns.VerdictLearned
	case o.hops <= c.hops:
		return yes(emitted == base && c.attached && o.gravity > c.gravity)
	case c.expired, emitted > base:
		return yes(!stored)
	default:
		return yes(emitted == base && c.state == PathUnresponsive)
	}
}

// decidePath applies betterPath to the tables.
func (m *Machine) decidePath(now tick, dest rns.Addr, on *netif, hops uint8, blob Blob) rns.Verdict {
	p, n := m.route(dest)
	if p == nil {
		return rns.VerdictLearned
	}
	return betterPath(
		current{hops: p.hops, blobs: p.blobs, expired: now >= p.expires, state: p.state, gravity: n.info.Gravity, attached: true},
		offer{hops: hops, blob: blob, gravity: on.info.Gravity},
	)
}

// learnPath writes the path an announce gives. spec: rns-core §14.6
func (m *Machine) learnPath(now tick, a *arrival) {
	p, _ := m.route(a.dest)
	if p == nil {
		p = m.newPath(a.dest)
		*p = path{}
	} else {
		m.paths.touch(a.dest)
	}
	life := m.pathLife(a.from.mode())
	p.timestamp, p.expires = now, now.after(life)
	p.nextHop, p.hops, p.iface, p.hash, p.announce, p.state = a.nextHop(), a.hops, a.from.id(), a.hash, a.announce, PathUnknown
	p.response = a.context == rns.ContextPathResponse
	p.addBlob(a.announce.blob(), m.p.MaxRandomBlobs)
	m.paths.schedule(a.dest, now.after(life))
	m.tunnelLearns(now, a.from, a.dest, p)
	m.fx.Dirty |= TablePaths
}

// newPath makes room for and returns the entry of a destination.
func (m *Machine) newPath(dest rns.Addr) *path {
	if m.paths.get(dest) == nil && m.paths.len() >= m.p.Limits.Paths {
		if oldest, _, ok := m.paths.first(); ok {
			m.losePath(oldest, PathEvicted)
		}
	}
	return m.paths.put(dest)
}

// losePath removes a path and what depends on it.
func (m *Machine) losePath(dest rns.Addr, why PathLoss) bool {
	if !m.paths.delete(dest) {
		return false
	}
	m.knownPathless(dest)
	m.event(PathLost{Destination: dest, Reason: why})
	m.fx.Dirty |= TablePaths
	return true
}

// sweep is a pass over all paths in portions, after an interface went.
type sweep struct {
	at     tick
	cursor uint32
	// again says that another interface went meanwhile.
	pending, again bool
}

const (
	sweepPortion = 4096
	sweepPause   = 20 * time.Millisecond
)

// sweepPaths starts a pass. Small tables are done at once.
func (m *Machine) sweepPaths(now tick) {
	if m.sweep.pending {
		m.sweep.again = true
		return
	}
	m.sweep = sweep{pending: true}
	m.continueSweep(now, paced)
}

// continueSweep looks at the next portion of the path table's slots.
func (m *Machine) continueSweep(now tick, p pace) {
	end := m.sweep.cursor + sweepPortion
	if p == unpaced || end > m.paths.used {
		end = m.paths.used
	}
	for ; m.sweep.cursor < end; m.sweep.cursor++ {
		s := m.paths.slot(m.sweep.cursor)
		if s.val.iface != 0 && m.interfaces[s.val.iface] == nil {
			m.losePath(s.key, PathInterfaceGone)
		}
	}
	m.sweep.at = now.after(sweepPause)
	switch {
	case m.sweep.cursor < m.paths.used:
	case m.sweep.again:
		m.sweep.cursor, m.sweep.again = 0, false
	default:
		m.sweep.pending = false
	}
}

func (m *Machine) pathsDeadline() tick {
	if m.sweep.pending {
		return min(m.sweep.at, m.paths.deadline())
	}
	return m.paths.deadline()
}

// expirePaths removes paths unused for the life their interface gives them.
func (m *Machine) expirePaths(now tick, pc pace) {
	if m.sweep.pending && (now >= m.sweep.at || pc == unpaced) {
		m.continueSweep(now, pc)
	}
	for {
		dest, p, ok := m.paths.due(now)
		if !ok {
			return
		}
		n := m.interfaces[p.iface]
		if n == nil {
			m.losePath(dest, PathInterfaceGone)
			continue
		}
		if end := p.timestamp.after(m.pathLife(n.mode())); end > now {
			m.paths.schedule(dest, end)
			continue
		}
		m.losePath(dest, PathExpired)
	}
}
