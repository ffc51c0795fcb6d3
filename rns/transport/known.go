package transport

import (
	"time"

	"meshchatx/rns"
)

// known is an entry of the known destinations. spec: rns-core §3.5
type known struct {
	announce  packed
	hash      rns.Hash
	announced tick
	used      tick
	use       use
	ratchet   *ratchet
}

// use says what applications want with a known destination.
type use uint8

const (
	useNever use = iota
	useOnce
	useRetained
)

// ratchet is the newest ratchet received for a destination.
type ratchet struct {
	public   rns.RatchetPublic
	received tick
}

// rememberKnown records a valid announce. spec: rns-core §3.5, §4.5
func (m *Machine) rememberKnown(now tick, dest rns.Addr, a packed, hash rns.Hash) *known {
	k := m.known.get(dest)
	if k == nil {
		m.makeRoomKnown()
	}
	k = m.known.put(dest)
	k.announce, k.hash, k.announced = a, hash, now
	m.fx.Dirty |= TableKnown
	if r := a.ratchet(); r != nil {
		m.setRatchet(now, dest, k, *r)
	}
	m.scheduleKnown(now, dest, k)
	return k
}

func (m *Machine) setRatchet(now tick, dest rns.Addr, k *known, r rns.RatchetPublic) {
	if k.ratchet != nil && k.ratchet.public == r {
		return // spec: rns-core §4.5: hearing the same key again does not renew it
	}
	k.ratchet = &ratchet{public: r, received: now}
	m.event(RatchetReceived{Destination: dest, Ratchet: r, Received: m.clock.wall(now)})
	m.fx.Dirty |= TableRatchets
}

// evictionLook is how many of the oldest entries are looked at for one that is cheap to lose.
const evictionLook = 16

// makeRoomKnown removes an entry if the table is full: preferably one never used and without a path.
func (m *Machine) makeRoomKnown() {
	if m.known.len() < m.p.Limits.Known {
		return
	}
	var unused, spare *rns.Addr
	looked := 0
	for dest, k := range m.known.all() {
		if looked++; looked > evictionLook {
			break
		}
		if k.use == useNever && m.paths.get(dest) == nil {
			m.forgetKnown(dest)
			return
		}
		if k.use == useNever && unused == nil {
			unused = &dest
		}
		if k.use != useRetained && spare == nil {
			spare = &dest
		}
	}
	switch {
	case unused != nil:
		m.forgetKnown(*unused)
	case spare != nil:
		m.forgetKnown(*spare)
	default:
		if dest, _, ok := m.known.first(); ok {
			m.forgetKnown(dest)
		}
	}
}

func (m *Machine) forgetKnown(dest rns.Addr) {
	if m.known.delete(dest) {
		m.event(KnownForgotten{Destination: dest})
		m.fx.Dirty |= TableKnown | TableRatchets
	}
}

// knownEnd is when an entry without a path is forgotten. spec: rns-core §3.7
//
// differs: the reference removes destinations never used at the first cleaning without a path; the linger is honoured.
func (m *Machine) knownEnd(k *known) tick {
	switch k.use {
	case useRetained:
		return never
	case useOnce:
		return k.used.after(m.p.KnownUnused)
	default:
		return k.announced.after(m.p.KnownLinger)
	}
}

// scheduleKnown sets the cleaning of an entry, in rounds. Entries with a path are looked at when they lose it.
func (m *Machine) scheduleKnown(now tick, dest rns.Addr, k *known) {
	if m.paths.get(dest) != nil {
		m.known.schedule(dest, never)
		return
	}
	due := max(m.knownEnd(k), now).after(1)
	if m.p.KnownRound > 0 && due != never {
		due = due.after(m.p.KnownRound - time.Duration(due%tick(m.p.KnownRound)))
	}
	m.known.schedule(dest, due)
}

// knownPathless is called when a destination loses its path.
func (m *Machine) knownPathless(dest rns.Addr) {
	if k := m.known.get(dest); k != nil {
		m.scheduleKnown(m.clock.now, dest, k)
	}
}

// expireKnown is the cleaning.
func (m *Machine) expireKnown(now tick, p pace) {
	if p == unpaced {
		for dest, k := range m.known.all() {
			if m.paths.get(dest) == nil && m.knownEnd(k) < now {
				m.forgetKnown(dest)
			}
		}
	}
	for {
		dest, k, ok := m.known.due(now)
		if !ok {
			return
		}
		if m.paths.get(dest) == nil && m.knownEnd(k) < now {
			m.forgetKnown(dest)
			continue
		}
		m.scheduleKnown(now, dest, k)
	}
}

// markUsed records a use. The deadline of the cleaning follows when the old one is reached.
func (m *Machine) markUsed(now tick, dest rns.Addr) {
	k := m.known.get(dest)
	if k == nil || k.use == useRetained {
		return
	}
	k.use, k.used = useOnce, now
	m.fx.Dirty |= TableKnown
}

// MarkUsed records that an application uses a destination. spec: rns-core §3.5
func (m *Machine) MarkUsed(now time.Time, dest rns.Addr) {
	m.markUsed(m.clock.at(now), dest)
	m.unsaved |= m.fx.Dirty & TableKnown // no Effects tell of it
}

// Retain keeps a destination for ever, Unretain until it is long unused. Both report whether it is known.
func (m *Machine) Retain(dest rns.Addr) bool {
	k := m.known.get(dest)
	if k == nil {
		return false
	}
	k.use = useRetained
	m.known.schedule(dest, never)
	m.unsaved |= TableKnown
	return true
}

// Unretain ends Retain and counts as a use.
func (m *Machine) Unretain(now time.Time, dest rns.Addr) bool {
	t := m.clock.at(now)
	k := m.known.get(dest)
	if k == nil {
		return false
	}
	k.use, k.used = useOnce, t
	m.scheduleKnown(t, dest, k)
	m.unsaved |= TableKnown
	return true
}

// Recall returns what is known of a destination, without marking it used; see MarkUsed. It allocates nothing: AppData
// lies in the table and must not be changed; it is never changed by the machine either.
func (m *Machine) Recall(dest rns.Addr) (KnownDestination, bool) {
	k := m.known.get(dest)
	if k == nil {
		return KnownDestination{}, false
	}
	return m.knownRecord(dest, k), true
}

// RecallIdentity finds a destination of an identity. It looks at every known destination.
func (m *Machine) RecallIdentity(identity rns.Addr) (KnownDestination, bool) {
	for dest, k := range m.known.all() {
		if k.announce.public().Hash() == identity {
			return m.knownRecord(dest, k), true
		}
	}
	return KnownDestination{}, false
}

// Ratchet returns the newest valid ratchet of a destination. spec: rns-core §4.5
func (m *Machine) Ratchet(now time.Time, dest rns.Addr) (rns.RatchetPublic, bool) {
	t := m.clock.at(now)
	k := m.known.get(dest)
	r := m.ownRatchets[dest]
	if k != nil && k.ratchet != nil {
		r = k.ratchet
	}
	if r == nil || t >= r.received.after(m.p.RatchetExpiry) {
		return rns.RatchetPublic{}, false
	}
	return r.public, true
}
