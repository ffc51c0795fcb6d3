package transport

import (
	"slices"
	"time"

	"meshchatx/rns"
)

// netif is an interface as the machine keeps it.
type netif struct {
	info    InterfaceInfo
	ic      IngressParams
	cap     float64
	created tick
	parent  *netif

	inAnnounces, outAnnounces, inRequests, outRequests frequency

	announceBurst, requestBurst burst
	nextRelease                 tick
	held                        table[rns.Addr, heldAnnounce]
	queue                       announceQueue
	tunnel                      rns.Hash
}

func (n *netif) id() InterfaceID     { return n.info.ID }
func (n *netif) mode() Mode          { return n.info.mode() }
func (n *netif) isLocalClient() bool { return n != nil && n.info.Role == RoleLocalClient }

// AddInterface makes an interface known.
func (m *Machine) AddInterface(now time.Time, info InterfaceInfo) error {
	t := m.clock.at(now)
	if info.ID == 0 || m.interfaces[info.ID] != nil {
		return ErrInterface
	}
	n := &netif{created: t}
	if !info.Created.IsZero() {
		n.created = m.clock.tick(info.Created)
	}
	m.interfaces[info.ID] = n
	m.order = append(m.order, n)
	m.describe(n, info)
	return nil
}

// UpdateInterface replaces the description of an interface; frequencies, queues and paths stay.
func (m *Machine) UpdateInterface(now time.Time, info InterfaceInfo) error {
	m.clock.at(now)
	n := m.interfaces[info.ID]
	if n == nil {
		return ErrNoInterface
	}
	if !info.Created.IsZero() {
		n.created = m.clock.tick(info.Created)
	}
	m.describe(n, info)
	return nil
}

// describe takes over a description. spec: rns-core §10.1, §10.2
func (m *Machine) describe(n *netif, info InterfaceInfo) {
	if info.Hash.IsZero() {
		info.Hash = rns.FullHash([]byte(info.Name))
	}
	n.info, n.ic, n.cap = info, m.p.Ingress, info.AnnounceCap
	if info.Ingress != nil {
		ic := *info.Ingress
		n.info.Ingress, n.ic = &ic, ic
	}
	if n.cap <= 0 {
		n.cap = m.p.AnnounceCap
	}
	n.parent = m.interfaces[info.Parent]
	m.localClients, m.client = 0, nil
	for _, i := range m.order {
		switch i.info.Role {
		case RoleLocalClient:
			m.localClients++
		case RoleSharedInstance:
			m.client = i
		}
	}
	// spec: rns-core §18: fast interfaces get broadcasts first
	slices.SortStableFunc(m.order, func(a, b *netif) int { return int(clamp(b.info.Bitrate - a.info.Bitrate)) })
}

func clamp(d int64) int64 { return max(-1, min(1, d)) }

// RemoveInterface forgets an interface. Paths and links over it end at once, its tunnel keeps its paths.
func (m *Machine) RemoveInterface(now time.Time, id InterfaceID) *Effects {
	fx, t := m.begin(now)
	n := m.interfaces[id]
	if n == nil {
		fx.Verdict = rns.VerdictInterfaceGone
		return fx
	}
	delete(m.interfaces, id)
	m.order = slices.DeleteFunc(m.order, func(o *netif) bool { return o == n })
	for _, o := range m.order {
		if o.parent == n {
			o.parent = nil
		}
	}
	m.requests.dropClient(id)
	if n.info.Role == RoleLocalClient {
		m.localClients--
	}
	if m.client == n {
		m.client = nil
		m.leaveSharedInstance()
	}
	if tu := m.tunnels.get(n.tunnel); tu != nil && tu.iface == id {
		tu.iface = 0
	}
	m.sweepPaths(t)
	return fx
}

// leaveSharedInstance forgets what a local client learned through its connection. spec: rns-core §20
func (m *Machine) leaveSharedInstance() {
	m.paths.clear()
	m.sweep = sweep{}
	for dest, k := range m.known.all() {
		m.scheduleKnown(m.clock.now, dest, k)
	}
	m.pending.clear()
	m.reverse.clear()
	m.links.clear()
	m.tunnels.clear()
	m.tunnelScan, m.restoring = tunnelScan{}, restoring{at: never}
}

// count records an event on an interface and its parent. spec: rns-core §10.4
func (n *netif) count(now tick, f func(*netif) *frequency) {
	f(n).count(now)
	if n.parent != nil {
		f(n.parent).count(now)
	}
}

func (m *Machine) countIncomingAnnounce(n *netif, now tick) {
	n.count(now, func(n *netif) *frequency { return &n.inAnnounces })
	m.wakeRound(now)
}

func (m *Machine) countOutgoingAnnounce(n *netif, now tick) {
	n.count(now, func(n *netif) *frequency { return &n.outAnnounces })
}

func (m *Machine) countIncomingRequest(n *netif, now tick) {
	n.count(now, func(n *netif) *frequency { return &n.inRequests })
	m.wakeRound(now)
}

func (m *Machine) countOutgoingRequest(n *netif, now tick) {
	n.count(now, func(n *netif) *frequency { return &n.outRequests })
}

// wakeRound makes the interface round run while there is something for it to do.
func (m *Machine) wakeRound(now tick) {
	if m.round == never {
		m.round = now.after(m.p.InterfaceRound)
	}
}
