package transport

import (
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
	restored := 0
	for dest, stored := range t.paths {
		if m.restorePath(now, dest, stored, n) {
			restored++
		} else {
			delete(t.paths, dest)
		}
	}
	m.scheduleTunnel(id, t)
	m.event(TunnelAttached{Tunnel: id, Interface: n.id(), Restored: restored})
	m.fx.Verdict = rns.VerdictDelivered
	m.fx.Dirty |= TableTunnels
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

func (m *Machine) tunnelsDeadline() tick { return min(m.tunnelRound, m.tunnels.deadline()) }

// expireTunnels culls tunnels and their paths. spec: rns-core §18
func (m *Machine) expireTunnels(now tick, p pace) {
	for id, _, ok := m.tunnels.due(now); ok; id, _, ok = m.tunnels.due(now) {
		m.endTunnel(id)
	}
	if now < m.tunnelRound && p == paced {
		return
	}
	m.tunnelRound = never
	next := never
	for id, t := range m.tunnels.all() {
		if t.expires > now.after(2*m.p.TunnelTimeout) { // implausible
			m.endTunnel(id)
			continue
		}
		if m.interfaces[t.iface] == nil {
			t.iface = 0
		}
		for dest, stored := range t.paths {
			active, _ := m.route(dest)
			end := stored.timestamp.after(m.p.TunnelPathTimeout)
			if end < now || active != nil && active.emitted() > stored.emitted() {
				delete(t.paths, dest)
				m.fx.Dirty |= TableTunnels
				continue
			}
			next = min(next, end+1)
		}
	}
	if next != never {
		m.tunnelRound = max(next, now.after(tunnelPause))
	}
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
