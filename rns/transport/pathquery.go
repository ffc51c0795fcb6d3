package transport

import (
	"time"

	"meshchatx/rns"
)

// Path returns the path to a destination.
func (m *Machine) Path(now time.Time, dest rns.Addr) (PathRecord, bool) {
	m.clock.at(now)
	p, _ := m.route(dest)
	if p == nil {
		return PathRecord{}, false
	}
	return m.pathRecord(dest, p), true
}

// HasPath tells whether there is a path.
func (m *Machine) HasPath(dest rns.Addr) bool {
	p, _ := m.route(dest)
	return p != nil
}

// HopsTo returns the hop count, 128 if unknown.
func (m *Machine) HopsTo(dest rns.Addr) uint8 {
	if p, _ := m.route(dest); p != nil {
		return p.hops
	}
	return maxHops
}

// NextHop is the way to a destination. spec: rns-core §24
type NextHop struct {
	// TransportID is the neighbour, or the destination itself.
	TransportID rns.Addr
	Interface   InterfaceID
	Hops        uint8
	// Bitrate is in bit/s, HardwareMTU in bytes, both zero if unknown.
	Bitrate     int64
	HardwareMTU int
	MTUPolicy   MTUPolicy
}

// NextHop returns the way to a destination. Without a path it reports false.
func (m *Machine) NextHop(dest rns.Addr) (NextHop, bool) {
	p, n := m.route(dest)
	if p == nil {
		return NextHop{}, false
	}
	return NextHop{
		TransportID: p.nextHop, Interface: n.id(), Hops: p.hops,
		Bitrate: n.info.Bitrate, HardwareMTU: n.info.HardwareMTU, MTUPolicy: n.info.MTUPolicy,
	}, true
}

// FirstHopTimeout is the time allowed for a packet to leave towards a destination. spec: rns-core §8.2
func (m *Machine) FirstHopTimeout(dest rns.Addr) time.Duration {
	if p, n := m.route(dest); p != nil && n.info.Bitrate > 0 {
		return m.p.PerHopTimeout + seconds(rns.MTU*8/float64(n.info.Bitrate))
	}
	return m.p.PerHopTimeout
}

// DropPath forgets a path. Effects report PathLost if there was one. spec: rns-core §15.5
func (m *Machine) DropPath(now time.Time, dest rns.Addr) *Effects {
	fx, _ := m.begin(now)
	m.losePath(dest, PathDropped)
	return fx
}

// DropPathsVia forgets all paths through a neighbour.
func (m *Machine) DropPathsVia(now time.Time, via rns.Addr) *Effects {
	fx, _ := m.begin(now)
	for dest, p := range m.paths.all() {
		if p.nextHop == via {
			m.losePath(dest, PathDropped)
		}
	}
	return fx
}

// SetPathState records what a link found out about a path; without a path it does nothing. spec: rns-core §15.5
func (m *Machine) SetPathState(dest rns.Addr, s PathState) {
	if p, _ := m.route(dest); p != nil {
		p.state = s
	}
}

// DropAnnounceQueues empties the announce queues of all interfaces and returns how many announces were dropped.
func (m *Machine) DropAnnounceQueues() int {
	dropped := 0
	for _, n := range m.order {
		dropped += n.queue.drop()
	}
	m.queueTimer = never
	return dropped
}
