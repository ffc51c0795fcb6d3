package transport

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
)

// The seed methods put records into tables as loading from disk does. They replace what is there. None of them sends,
// schedules a rebroadcast or reports an event; limits of tables hold.

// packedOf reads an announce packet as kept in records, and its context.
func packedOf(raw []byte, dest rns.Addr) (packed, rns.Context, error) {
	p, err := rns.ParsePacket(raw)
	if err != nil {
		return nil, 0, fmt.Errorf("seed announce: %w", err)
	}
	a, err := rns.ParseAnnounce(p)
	if err != nil {
		return nil, 0, fmt.Errorf("seed announce: %w", err)
	}
	if a.Dest != dest {
		return nil, 0, fmt.Errorf("seed announce: %w", rns.VerdictWrongDestination)
	}
	return packAnnounce(&p), p.Context, nil
}

// SeedPath adds a path. Errors are ErrNoInterface, the verdicts of the parsers for its announce, and
// rns.VerdictBlackholed. spec: rns-core §19.2
func (m *Machine) SeedPath(now time.Time, r PathRecord) error {
	t := m.clock.at(now)
	n := m.interfaces[r.Interface]
	if n == nil {
		return ErrNoInterface
	}
	p, err := m.seededPath(r)
	if err != nil {
		return err
	}
	events := len(m.fx.Events)
	*m.newPath(r.Destination) = p
	m.fx.Events = m.fx.Events[:events] // making room is no event here
	m.paths.schedule(r.Destination, max(t, p.timestamp.after(m.pathLife(n.mode()))))
	if k := m.known.get(r.Destination); k != nil {
		m.known.schedule(r.Destination, never)
		if k.hash == p.hash && p.announce.announce() && k.announce.public() == p.announce.public() {
			k.announce = p.announce // one copy for both
		}
	}
	return nil
}

func (m *Machine) seededPath(r PathRecord) (path, error) {
	p := path{
		nextHop: r.NextHop, hash: r.PacketHash, timestamp: m.clock.tick(r.Timestamp), expires: m.clock.tick(r.Expires),
		iface: r.Interface, hops: r.Hops, state: r.State,
	}
	for _, b := range r.Blobs {
		p.addBlob(b, m.p.MaxRandomBlobs)
	}
	p.blobs = slices.Clip(p.blobs)
	k := m.known.get(r.Destination)
	switch {
	case r.Announce != nil:
		a, context, err := packedOf(r.Announce, r.Destination)
		if err != nil {
			return p, err
		}
		p.response = context == rns.ContextPathResponse
		if m.isBlackholed(a.public().Hash(), m.clock.now) {
			return p, rns.VerdictBlackholed
		}
		p.announce = a
	case k != nil && k.hash == r.PacketHash:
		p.announce = k.announce
	}
	return p, nil
}

// SeedPendingAnnounce adds an entry to the announce table; raw is the announce packet.
func (m *Machine) SeedPendingAnnounce(now time.Time, r PendingAnnounce, raw []byte) error {
	m.clock.at(now)
	a, _, err := packedOf(raw, r.Destination)
	if err != nil {
		return err
	}
	m.putPending(r.Destination, pendingAnnounce{
		announce: a, from: r.From, added: m.clock.tick(r.Added), retransmit: m.clock.tick(r.Retransmit),
		attached: r.Attached, retries: uint8(r.Retries), hops: r.Hops, rebroadcasts: uint8(r.LocalRebroadcasts), purpose: r.Purpose,
	})
	return nil
}

// SeedReverse adds a reverse entry.
func (m *Machine) SeedReverse(now time.Time, r ReverseRecord) {
	m.clock.at(now)
	m.addReverse(m.clock.tick(r.Timestamp), r.Packet, r.Received, r.Outbound)
}

// SeedLink adds a link in transit.
func (m *Machine) SeedLink(now time.Time, r LinkRecord) {
	m.clock.at(now)
	makeRoom(&m.links, r.Link, m.p.Limits.Links)
	l := m.links.put(r.Link)
	*l = linkEntry{
		timestamp: m.clock.tick(r.Timestamp), proofTimeout: m.clock.tick(r.ProofTimeout), nextHop: r.NextHop, dest: r.Destination,
		next: r.NextInterface, received: r.Received, remaining: r.Remaining, taken: r.Taken, validated: r.Validated,
	}
	due := l.proofTimeout
	if l.validated {
		due = l.timestamp.after(m.p.LinkTimeout)
	}
	m.links.schedule(r.Link, due+1)
}

// SeedRate adds an announce rate record.
func (m *Machine) SeedRate(now time.Time, r RateRecord) {
	t := m.clock.at(now)
	makeRoom(&m.rates, r.Destination, m.p.Limits.Rates)
	e := m.rates.put(r.Destination)
	*e = rate{last: m.clock.tick(r.Last), violations: r.Violations}
	if !r.BlockedUntil.IsZero() {
		e.blocked, e.blockedUntil = true, m.clock.tick(r.BlockedUntil)
	}
	for _, at := range r.Times {
		e.note(m.clock.tick(at), m.p.MaxRateTimestamps)
	}
	m.rates.schedule(r.Destination, max(t, e.last, e.blockedUntil).after(m.p.PathExpiry))
}

// SeedRequest adds a record of a path request.
func (m *Machine) SeedRequest(now time.Time, r RequestRecord) {
	t := m.clock.at(now)
	q := &m.requests
	switch r.Kind {
	case RequestSent:
		m.noteRequest(m.clock.tick(r.At), r.Destination)
	case RequestSearch:
		makeRoom(&q.search, r.Destination, m.p.Limits.Requests)
		until := m.clock.tick(r.At)
		*q.search.put(r.Destination) = search{iface: r.Interface, until: until}
		q.search.schedule(r.Destination, until+1)
	case RequestClient:
		makeRoom(&q.clients, r.Destination, m.p.Limits.Requests)
		*q.clients.put(r.Destination) = r.Interface
	case RequestQueued:
		m.queueRequest(t, r.Destination, r.Interface)
	}
}

// SeedTunnel adds a tunnel. An implausible expiry is clamped. Paths whose announce does not parse are left out, and a
// tunnel without paths is an error. spec: rns-core §19.5
func (m *Machine) SeedTunnel(now time.Time, r TunnelRecord) error {
	t := m.clock.at(now)
	tu := tunnel{iface: r.Interface, expires: m.clock.tick(r.Expires), paths: make(map[rns.Addr]*path)}
	if tu.expires > t.after(2*m.p.TunnelTimeout) {
		tu.expires = t.after(m.p.TunnelTimeout)
	}
	for _, pr := range r.Paths {
		p, err := m.seededPath(pr)
		if err != nil || len(tu.paths) >= maxTunnelPaths {
			continue
		}
		p.iface = 0
		tu.paths[pr.Destination] = &p
	}
	if len(tu.paths) == 0 && r.Interface == 0 {
		return rns.VerdictNoPath
	}
	makeRoom(&m.tunnels, r.ID, m.p.Limits.Tunnels)
	*m.tunnels.put(r.ID) = tu
	if n := m.interfaces[tu.iface]; n != nil {
		n.tunnel = r.ID
	}
	m.scheduleTunnel(r.ID, m.tunnels.get(r.ID))
	m.tunnelRound = min(m.tunnelRound, t.after(tunnelPause))
	return nil
}

// SeedKnown adds a known destination. spec: rns-core §3.6
func (m *Machine) SeedKnown(now time.Time, d KnownDestination) {
	t := m.clock.at(now)
	events := len(m.fx.Events)
	if m.known.get(d.Destination) == nil {
		m.makeRoomKnown()
	}
	m.fx.Events = m.fx.Events[:events]
	k := m.known.put(d.Destination)
	k.announce, k.hash, k.announced = packKnown(d.Public, d.AppData), d.PacketHash, m.clock.tick(d.Announced)
	switch {
	case d.Retained:
		k.use = useRetained
	case !d.Used.IsZero():
		k.use, k.used = useOnce, m.clock.tick(d.Used)
	default:
		k.use = useNever
	}
	m.scheduleKnown(t, d.Destination, k)
}

// SeedRatchet adds the ratchet of a known destination or of one of this node, which announces it to others
// (spec: rns-core §4.4). It reports false if the destination is neither.
func (m *Machine) SeedRatchet(now time.Time, r ReceivedRatchet) bool {
	m.clock.at(now)
	e := &ratchet{public: r.Ratchet, received: m.clock.tick(r.Received)}
	if m.local(r.Destination) {
		m.ownRatchets[r.Destination] = e
		return true
	}
	k := m.known.get(r.Destination)
	if k == nil {
		return false
	}
	k.ratchet = e
	return true
}

// SeedHeld keeps an announce back on its interface, as ingress control does; Hops says how far it is known to have come.
// The errors are ErrNoInterface, those of the parsers, VerdictHopLimit and VerdictQueueFull. spec: rns-core §10.4
func (m *Machine) SeedHeld(now time.Time, h HeldAnnounce) error {
	t := m.clock.at(now)
	n := m.interfaces[h.Interface]
	if n == nil {
		return ErrNoInterface
	}
	p, err := rns.ParsePacket(h.Raw)
	if err != nil {
		return fmt.Errorf("seed held announce: %w", err)
	}
	if a, err := rns.ParseAnnounce(p); err != nil || a.Dest != h.Destination {
		return fmt.Errorf("seed held announce: %w", cmp.Or(err, error(rns.VerdictWrongDestination)))
	}
	if v := n.hold(t, h.Destination, h.Hops, slices.Clone(h.Raw)); v != rns.VerdictHeld {
		return v
	}
	m.round = min(m.round, t.after(m.p.InterfaceRound))
	return nil
}
