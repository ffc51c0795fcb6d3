package transport

import (
	"meshchatx/rns"
)

// arrival is an announce on its way through the machine. It outlives the frame while its signature is checked.
type arrival struct {
	from      *netif
	fromID    InterfaceID
	dest      rns.Addr
	transport rns.Addr // valid with relayed
	relayed   bool
	announce  packed
	hash      rns.Hash
	hops      uint8
	flags     byte
	rawHops   uint8
	context   rns.Context
	signal    Signal
}

// nextHop is who to send to for the destination: the "received from" of the protocol.
func (a *arrival) nextHop() rns.Addr {
	if a.relayed {
		return a.transport
	}
	return a.dest
}

// raw rebuilds the packet as received.
func (a *arrival) raw() []byte {
	b := make([]byte, 0, a.announce.size())
	b = append(b, a.flags, a.rawHops)
	if a.flags&flagHeader2 != 0 {
		b = append(b, a.transport[:]...)
	}
	b = append(b, a.dest[:]...)
	b = append(b, byte(a.context))
	return append(b, a.announce.payload()...)
}

// arrive describes the received announce; its payload is not yet copied.
func (r *reception) arrive() arrival {
	return arrival{
		from: r.from, fromID: r.from.id(), dest: r.packet.Dest, transport: r.packet.TransportID,
		relayed: r.packet.HeaderType == rns.HeaderType2, hash: r.hash, hops: r.hops,
		flags: r.raw[0], rawHops: r.raw[1], context: r.packet.Context, signal: r.signal,
	}
}

// receiveAnnounce makes all refusals that need no signature check, processes announces whose payload was checked before,
// and asks for the check of the others.
//
// differs: the reference checks the signature of every reception first. Here the address and key checks come first,
// receptions of an emission that can change nothing any more are dropped unchecked, and so are announces which ingress
// control could not even hold; the last are counted as incoming all the same. spec: rns-core §14.1 to §14.5
func (m *Machine) receiveAnnounce(now tick, r *reception) {
	p := &r.packet
	size := fixedSize
	if p.ContextFlag {
		size += rns.RatchetSize
	}
	if len(p.Data) < size {
		m.fx.Verdict = rns.VerdictTooShort
		return
	}
	if k := m.known.get(p.Dest); k != nil && k.announce.is(p) {
		a := r.arrive()
		a.announce = k.announce
		m.acceptAnnounce(now, &a)
		return
	}
	if rt, _ := m.route(p.Dest); rt != nil && rt.announce.is(p) {
		a := r.arrive()
		a.announce = rt.announce
		m.acceptAnnounce(now, &a)
		return
	}
	if v := m.refuseUnchecked(now, r); v != rns.VerdictNone {
		m.fx.Verdict = v
		return
	}
	m.requestVerification(r)
}

// refuseUnchecked makes the refusals that need no signature check.
func (m *Machine) refuseUnchecked(now tick, r *reception) rns.Verdict {
	p := &r.packet
	pub := rns.PublicKey(p.Data)
	identity := pub.Hash()
	if rns.DestinationHashFrom(rns.NameHash(p.Data[nameOffset:]), identity) != p.Dest {
		return rns.VerdictHashMismatch
	}
	if m.isBlackholed(identity, now) {
		return rns.VerdictBlackholed
	}
	if m.local(p.Dest) {
		return rns.VerdictOwnAnnounce
	}
	if m.keyConflict(r.from, p.Dest, pub) {
		return rns.VerdictKeyMismatch
	}
	if rt, _ := m.route(p.Dest); rt != nil {
		blob := Blob(p.Data[blobOffset:])
		v := m.decidePath(now, p.Dest, r.from, r.hops, blob)
		if (v == rns.VerdictDuplicate || v == rns.VerdictNotBetter && blob.Emitted() < rt.emitted()) && !m.heardAgain(r) {
			return v
		}
		return rns.VerdictNone
	}
	if r.from.announceBurst.active && r.from.announcesLimitable() && r.from.heldFull(p.Dest) && !m.awaited(p.Dest) {
		m.countIncomingAnnounce(r.from, now)
		return rns.VerdictQueueFull
	}
	return rns.VerdictNone
}

// heardAgain tells whether an announce, if its signature is valid, is a neighbour's rebroadcast that makes one of ours
// superfluous. spec: rns-core §14.4
func (m *Machine) heardAgain(r *reception) bool {
	e := m.pending.get(r.packet.Dest)
	return e != nil && m.cfg.TransportEnabled && r.packet.HeaderType == rns.HeaderType2 && r.hops > 0 &&
		(r.hops-1 == e.hops || r.hops-1 == e.hops+1)
}

// keyConflict tells whether the destination is known with another key. spec: rns-core §6.5
func (m *Machine) keyConflict(from *netif, dest rns.Addr, pub rns.PublicKey) bool {
	k := m.known.get(dest)
	if k == nil || k.announce.public() == pub {
		return false
	}
	m.event(KeyConflict{Destination: dest, Interface: from.id()})
	return true
}

// awaited tells whether this node or somebody through it asked for the destination.
func (m *Machine) awaited(dest rns.Addr) bool {
	return m.requests.sent.get(dest) != nil || m.requests.search.get(dest) != nil
}

// acceptAnnounce processes an announce whose signature is valid. Everything is looked up again: the tables may have
// changed while it was checked. spec: rns-core §14.2, §14.3
func (m *Machine) acceptAnnounce(now tick, a *arrival) {
	pub := a.announce.public()
	m.countIncomingAnnounce(a.from, now)
	rt, _ := m.route(a.dest)
	if rt == nil && !m.awaited(a.dest) && a.from.limitAnnounce(now) {
		m.fx.Verdict = a.from.hold(now, a.dest, a.hops, a.raw())
		m.wakeRound(now)
		return
	}
	switch {
	case m.local(a.dest):
		m.fx.Verdict = rns.VerdictOwnAnnounce
		return
	case m.isBlackholed(pub.Hash(), now):
		m.fx.Verdict = rns.VerdictBlackholed
		return
	case m.keyConflict(a.from, a.dest, pub):
		m.fx.Verdict = rns.VerdictKeyMismatch
		return
	}
	m.rememberKnown(now, a.dest, a.announce, a.hash)
	m.noticeRebroadcast(now, a)
	if m.fx.Verdict = m.decidePath(now, a.dest, a.from, a.hops, a.announce.blob()); m.fx.Verdict != rns.VerdictLearned {
		return
	}
	m.learnPath(now, a)
	if m.requests.sent.get(a.dest) != nil {
		m.markUsed(now, a.dest)
	}
	m.known.schedule(a.dest, never)
	m.scheduleRebroadcast(now, a)
	m.relayToClients(now, a)
	m.answerSearch(now, a)
	m.event(a.received(pub))
}

// received is the event for applications. spec: rns-core §14.11
func (a *arrival) received(pub rns.PublicKey) AnnounceReceived {
	e := AnnounceReceived{
		Destination: a.dest, Identity: pub, Name: a.announce.name(), Ratchet: a.announce.ratchet(), PacketHash: a.hash,
		Hops: a.hops, Interface: a.fromID, Emitted: a.announce.blob().Emitted(), Signal: a.signal,
	}
	if app := a.announce.appData(); app != nil {
		e.AppData = append(make([]byte, 0, len(app)), app...)
	}
	if a.context == rns.ContextPathResponse {
		e.Response = AnnouncePathResponse
	}
	return e
}

// noticeRebroadcast drops our own rebroadcast when neighbours make it superfluous. spec: rns-core §14.4
func (m *Machine) noticeRebroadcast(now tick, a *arrival) {
	if !a.relayed || !m.cfg.TransportEnabled {
		return
	}
	e := m.pending.get(a.dest)
	if e == nil || a.hops == 0 {
		return
	}
	switch a.hops - 1 {
	case e.hops:
		e.rebroadcasts++
		if e.retries > 0 && int(e.rebroadcasts) >= m.p.LocalRebroadcastsMax {
			m.pending.delete(a.dest)
		}
	case e.hops + 1:
		if e.retries > 0 && now < e.retransmit {
			m.pending.delete(a.dest)
		}
	}
}
