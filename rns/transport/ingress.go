package transport

import "meshchatx/rns"

// burst is the state of one ingress limit. spec: rns-core §10.4
type burst struct {
	active bool
	start  tick
}

// heldAnnounce is an announce kept back.
type heldAnnounce struct {
	hops uint8
	raw  []byte
	// since orders equals; a newer announce of the destination takes over the place.
	since tick
}

// young tells whether the thresholds for new interfaces hold.
func (n *netif) young(now tick) bool { return now-n.created < tick(n.ic.NewInterface) }

func (n *netif) announceThreshold(now tick) float64 {
	if n.young(now) {
		return n.ic.AnnounceNew
	}
	return n.ic.AnnounceOld
}

func (n *netif) requestThreshold(now tick) float64 {
	if n.young(now) {
		return n.ic.RequestNew
	}
	return n.ic.RequestOld
}

func (n *netif) announcesLimitable() bool {
	return n.info.IngressControl.enabled(LimitOn) && !n.info.NeverLimitAnnounces && n.info.Role == RoleNetwork
}

// limitAnnounce is the announce ingress limit. Asking moves the state on. spec: rns-core §10.4
func (n *netif) limitAnnounce(now tick) bool {
	if !n.announcesLimitable() {
		return false
	}
	b, threshold := &n.announceBurst, n.announceThreshold(now)
	hz := n.inAnnounces.hertz(now, incomingSamples)
	if b.active {
		if hz < threshold && now > b.start.after(n.ic.BurstHold) && n.inAnnounces.n >= 2 {
			b.active = false
		}
		return true
	}
	if hz > threshold {
		b.active, b.start = true, now
		n.nextRelease = now.after(n.ic.BurstPenalty)
		return true
	}
	return false
}

// limitRequest is the path request ingress limit. spec: rns-core §10.4
func (n *netif) limitRequest(now tick) bool {
	if !n.info.IngressControl.enabled(LimitOn) {
		return false
	}
	b, threshold := &n.requestBurst, n.requestThreshold(now)
	hz := n.inRequests.hertz(now, incomingSamples)
	if b.active {
		if hz < threshold && now > b.start.after(n.ic.BurstHold) {
			b.active = false
		}
		return true
	}
	if hz > threshold {
		b.active, b.start = true, now
		return true
	}
	return false
}

// limitEgress tells whether recursive requests are kept off the interface. spec: rns-core §10.4
func (n *netif) limitEgress(now tick) bool {
	if !n.info.EgressControl.enabled(LimitOff) {
		return false
	}
	samples := n.outRequests.n
	return n.outRequests.hertz(now, outgoingSamples) > n.ic.EgressRequests && samples >= egressMinSamples
}

// heldFull tells whether an announce of dest could not be held any more.
func (n *netif) heldFull(dest rns.Addr) bool {
	return n.held.len() >= n.ic.MaxHeld && n.held.get(dest) == nil
}

// hold keeps an announce back, unless it travelled too far or there is no room.
func (n *netif) hold(now tick, dest rns.Addr, hops uint8, raw []byte) rns.Verdict {
	if hops >= maxHeldHops {
		return rns.VerdictHopLimit
	}
	if n.heldFull(dest) {
		return rns.VerdictQueueFull
	}
	old := n.held.get(dest)
	h := heldAnnounce{hops: hops, raw: raw, since: now}
	if old != nil {
		h.since = old.since
	}
	*n.held.put(dest) = h
	return rns.VerdictHeld
}

// release takes the held announce that may go on now. spec: rns-core §10.4
func (n *netif) release(now tick) ([]byte, bool) {
	if n.held.len() == 0 || now <= n.nextRelease ||
		n.inAnnounces.hertz(now, incomingSamples) >= n.announceThreshold(now) {
		return nil, false
	}
	var best *heldAnnounce
	var dest rns.Addr
	for d, h := range n.held.all() {
		if best == nil || h.hops < best.hops || h.hops == best.hops && h.since < best.since {
			best, dest = h, d
		}
	}
	raw := best.raw
	n.held.delete(dest)
	n.nextRelease = now.after(n.ic.HeldRelease)
	return raw, true
}

// busy tells whether the next interface round has something to do here.
func (n *netif) busy() bool {
	// Frequencies decay by being asked for, so rounds go on until they are zero.
	return n.held.len() > 0 || n.announceBurst.active || n.requestBurst.active ||
		n.announcesLimitable() && n.inAnnounces.n >= incomingSamples ||
		n.info.IngressControl.enabled(LimitOn) && n.inRequests.n >= incomingSamples
}

// interfaceRound evaluates limits and releases held announces. spec: rns-core §18
func (m *Machine) interfaceRound(now tick) {
	type released struct {
		from *netif
		raw  []byte
	}
	var out []released
	for _, n := range m.order {
		n.limitAnnounce(now)
		n.limitRequest(now)
		if raw, ok := n.release(now); ok {
			out = append(out, released{n, raw})
		}
	}
	for _, r := range out {
		// differs: the reference hands a released announce to the access code check, where it is lost.
		m.receive(now, r.from, Frame{Interface: r.from.id(), Raw: r.raw})
	}
	m.round = never
	for _, n := range m.order {
		if n.busy() {
			m.round = now.after(m.p.InterfaceRound)
			break
		}
	}
}
