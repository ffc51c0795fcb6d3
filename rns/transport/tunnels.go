package transport

import (
	"maps"
	"slices"
	"time"

	"meshchatx/rns"
)

// tunnel is a peer that is recognised when it comes back on another connection. spec: rns-core §17
type tunnel struct {
	iface   InterfaceID
	expires tick
	paths   map[rns.Addr]*path
	// seen are the random hashes of the latest syntheses, against replays.
	seen [][rns.AddrSize]byte
}

const (
	// maxSeenSyntheses bounds tunnel.seen.
	maxSeenSyntheses = 16
	// maxTunnelPaths bounds the paths of one tunnel.
	maxTunnelPaths = 100_000
	// tunnelPause is the pause between a change of paths and the look at the tunnels that hold them too.
	tunnelPause = 5 * time.Second
)

// receiveTunnelSynthesis asks for the check of a synthesis. spec: rns-core §17.1
func (m *Machine) receiveTunnelSynthesis(r *reception) {
	s, err := rns.ParseTunnelSynthesis(r.packet.Data)
	if err != nil {
		m.refuse(r, verdictOf(err))
		return
	}
	// differs: the reference accepts a replay, which would draw the tunnel's paths to the replaying interface.
	if t := m.tunnels.get(s.ID()); t != nil && slices.Contains(t.seen, s.Random) {
		m.refuse(r, rns.VerdictDuplicate)
		return
	}
	m.requestTunnelCheck(r, s)
}

// attachTunnel creates the tunnel of a verified synthesis or attaches it and restores its paths. spec: rns-core §17.2
func (m *Machine) attachTunnel(now tick, s rns.TunnelSynthesis, n *netif) {
	id := s.ID()
	t := m.tunnels.get(id)
	if t != nil && slices.Contains(t.seen, s.Random) {
		m.fx.Verdict = rns.VerdictDuplicate
		return
	}
	if t == nil {
		makeRoom(&m.tunnels, id, m.p.Limits.Tunnels)
		t = m.tunnels.put(id)
		t.paths = make(map[rns.Addr]*path)
	}
	if t.seen = append(t.seen, s.Random); len(t.seen) > maxSeenSyntheses {
		t.seen = slices.Delete(t.seen, 0, 1)
	}
	if old := m.interfaces[t.iface]; old != nil && old != n {
		old.tunnel = rns.Hash{}
	}
	t.iface, t.expires, n.tunnel = n.id(), now.after(m.p.TunnelTimeout), id
	m.scheduleTunnel(id, t)
	m.restoring.list = append(m.restoring.list, restoration{tunnel: id, iface: n.id(), dests: slices.Collect(maps.Keys(t.paths))})
	m.continueRestoring(now, paced)
	m.fx.Verdict = rns.VerdictDelivered
	m.fx.Dirty |= TableTunnels
}

// restoration is a tunnel whose paths come back.
type restoration struct {
	tunnel   rns.Hash
	iface    InterfaceID
	dests    []rns.Addr // still to be looked at
	restored int
}

// restoring holds the tunnels whose paths come back, in portions: there may be a whole path table of them.
type restoring struct {
	list []restoration
	at   tick
}

// continueRestoring restores the next portion of paths.
func (m *Machine) continueRestoring(now tick, p pace) {
	most := sweepPortion
	for len(m.restoring.list) > 0 && (most > 0 || p == unpaced) {
		r := &m.restoring.list[0]
		t, n := m.tunnels.get(r.tunnel), m.interfaces[r.iface]
		if t == nil || n == nil || t.iface != r.iface {
			r.dests = nil // the peer has gone again
		}
		step := r.dests[:min(len(r.dests), sweepPortion)]
		if p == paced {
			step = step[:min(len(step), most)]
		}
		for _, dest := range step {
			stored := t.paths[dest]
			switch {
			case stored == nil:
			case m.restorePath(now, dest, stored, n):
				r.restored++
			default:
				delete(t.paths, dest)
			}
		}
		most -= len(step)
		if r.dests = r.dests[len(step):]; len(r.dests) > 0 {
			continue
		}
		if n != nil && t != nil && t.iface == r.iface {
			m.event(TunnelAttached{Tunnel: r.tunnel, Interface: r.iface, Restored: r.restored})
		}
		m.restoring.list = m.restoring.list[1:]
	}
	m.restoring.at = now.after(sweepPause)
	if len(m.restoring.list) == 0 {
		m.restoring = restoring{at: never}
	}
}

// restores decides whether a path stored in a tunnel returns to the path table. spec: rns-core §17.2
func restores(now tick, stored, existing *path) bool {
	if existing == nil {
		return now < stored.expires
	}
	return (stored.hops <= existing.hops || now > existing.expires) && stored.emitted() >= existing.emitted()
}

func (m *Machine) restorePath(now tick, dest rns.Addr, stored *path, n *netif) bool {
	existing, _ := m.route(dest)
	if !restores(now, stored, existing) {
		return false
	}
	p := m.newPath(dest)
	*p = *stored
	p.blobs = nil
	for _, b := range stored.blobs {
		p.addBlob(b, m.p.MaxRandomBlobs)
	}
	p.iface, p.timestamp, p.state = n.id(), now, PathUnknown
	m.paths.schedule(dest, now.after(m.pathLife(n.mode())))
	m.known.schedule(dest, never)
	m.fx.Dirty |= TablePaths
	return true
}

// tunnelLearns stores a path that was learned over an interface with a tunnel. spec: rns-core §14.6
func (m *Machine) tunnelLearns(now tick, n *netif, dest rns.Addr, p *path) {
	if m.tunnels.len() > 0 && m.tunnelRound == never {
		m.tunnelRound = now.after(tunnelPause)
	}
	t := m.tunnels.get(n.tunnel)
	if t == nil || n.tunnel.IsZero() {
		return
	}
	if t.paths[dest] == nil && len(t.paths) >= maxTunnelPaths {
		return
	}
	stored := *p
	stored.blobs, stored.iface = slices.Clone(p.blobs), 0
	t.paths[dest] = &stored
	t.expires = now.after(m.p.TunnelTimeout)
	m.scheduleTunnel(n.tunnel, t)
	m.fx.Dirty |= TableTunnels
}

// scheduleTunnel sets when a tunnel is looked at next: when it ends. Its paths are looked at in rounds.
func (m *Machine) scheduleTunnel(id rns.Hash, t *tunnel) { m.tunnels.schedule(id, t.expires+1) }

func (m *Machine) tunnelsDeadline() tick {
	return min(m.tunnelRound, m.tunnels.deadline(), m.restoring.at)
}

// tunnelScan is a round through the paths of all tunnels, in portions. The zero value is the beginning of one.
type tunnelScan struct {
	cursor uint32
	tunnel rns.Hash
	dests  []rns.Addr // of the tunnel at hand, still to be looked at
	next   tick       // when the first of the paths ends, valid once begun
	begun  bool
}

// expireTunnels culls tunnels and their paths. spec: rns-core §18
func (m *Machine) expireTunnels(now tick, p pace) {
	for id, _, ok := m.tunnels.due(now); ok; id, _, ok = m.tunnels.due(now) {
		m.endTunnel(id)
	}
	if len(m.restoring.list) > 0 && (now >= m.restoring.at || p == unpaced) {
		m.continueRestoring(now, p)
	}
	if now < m.tunnelRound && p == paced {
		return
	}
	scan := &m.tunnelScan
	if !scan.begun {
		scan.begun, scan.next = true, never
	}
	for most := sweepPortion; scan.cursor < m.tunnels.used || len(scan.dests) > 0; {
		if most <= 0 && p == paced {
			m.tunnelRound = now.after(sweepPause)
			return
		}
		most -= m.scanTunnel(now, scan, most, p)
	}
	m.tunnelRound = never
	if scan.next != never {
		m.tunnelRound = max(scan.next, now.after(tunnelPause))
	}
	*scan = tunnelScan{}
}

// scanTunnel looks at some of the paths of the tunnel at hand, or takes up the next one, and returns how much it did.
func (m *Machine) scanTunnel(now tick, scan *tunnelScan, most int, p pace) int {
	if len(scan.dests) == 0 {
		used, _ := portion(&m.tunnels, &scan.cursor, 1, func(id rns.Hash, t *tunnel) {
			if t.expires > now.after(2*m.p.TunnelTimeout) { // implausible
				m.endTunnel(id)
				return
			}
			if m.interfaces[t.iface] == nil {
				t.iface = 0
			}
			scan.tunnel, scan.dests = id, slices.Collect(maps.Keys(t.paths))
		})
		return used
	}
	n := len(scan.dests)
	if p == paced {
		n = min(n, most)
	}
	step := scan.dests[:n]
	scan.dests = scan.dests[n:]
	t := m.tunnels.get(scan.tunnel)
	if t == nil {
		scan.dests = nil
		return n
	}
	for _, dest := range step {
		stored := t.paths[dest]
		if stored == nil {
			continue
		}
		active, _ := m.route(dest)
		end := stored.timestamp.after(m.p.TunnelPathTimeout)
		if end < now || active != nil && active.emitted() > stored.emitted() {
			delete(t.paths, dest)
			m.fx.Dirty |= TableTunnels
			continue
		}
		scan.next = min(scan.next, end+1)
	}
	return n
}

func (m *Machine) endTunnel(id rns.Hash) {
	if t := m.tunnels.get(id); t != nil {
		if n := m.interfaces[t.iface]; n != nil && n.tunnel == id {
			n.tunnel = rns.Hash{}
		}
	}
	m.tunnels.delete(id)
	m.fx.Dirty |= TableTunnels
}
