package transport

import (
	"time"

	"meshchatx/rns"
)

// blackhole is an identity whose announces are refused. spec: rns-core §21.4
type blackhole struct {
	source rns.Addr
	until  tick // never if for ever
	reason string
}

func (m *Machine) isBlackholed(identity rns.Addr, now tick) bool {
	if m.blackholed.len() == 0 {
		return false
	}
	b := m.blackholed.get(identity)
	return b != nil && now <= b.until
}

// Blackhole refuses an identity from now on and drops its paths; it is ignored if the identity is on the list.
func (m *Machine) Blackhole(now time.Time, b Blackhole) *Effects {
	fx, _ := m.begin(now)
	if !m.addBlackhole(b) {
		fx.Verdict = rns.VerdictDuplicate
		return fx
	}
	fx.Dirty |= TableBlackhole
	for dest, p := range m.paths.all() {
		if id, ok := m.identityOf(dest, p); ok && id == b.Identity {
			m.losePath(dest, PathBlackholed)
		}
	}
	return fx
}

// identityOf is the identity of the destination of a path.
func (m *Machine) identityOf(dest rns.Addr, p *path) (rns.Addr, bool) {
	a := p.announce
	if k := m.known.get(dest); len(a) == 0 && k != nil {
		a = k.announce
	}
	if len(a) == 0 {
		return rns.Addr{}, false
	}
	return a.public().Hash(), true
}

// PathCursor is a place in the path table. The zero value is its beginning.
type PathCursor uint32

// DropBlackholed drops the paths of refused identities among at most the given number of entries from a place on, and
// returns where to go on, and false at the end: for long lists, after SeedBlackhole.
func (m *Machine) DropBlackholed(now time.Time, from PathCursor, most int) (fx *Effects, next PathCursor, more bool) {
	fx, t := m.begin(now)
	cursor := uint32(from)
	_, done := portion(&m.paths, &cursor, most, func(dest rns.Addr, p *path) {
		if id, ok := m.identityOf(dest, p); ok && m.isBlackholed(id, t) {
			m.losePath(dest, PathBlackholed)
		}
	})
	return fx, PathCursor(cursor), !done
}

func (m *Machine) addBlackhole(b Blackhole) bool {
	if m.blackholed.get(b.Identity) != nil || m.blackholed.len() >= m.p.Limits.Blackholed {
		return false
	}
	e := m.blackholed.put(b.Identity)
	*e = blackhole{source: b.Source, until: never, reason: b.Reason}
	if !b.Until.IsZero() {
		e.until = m.clock.tick(b.Until)
		m.blackholed.schedule(b.Identity, e.until+1)
	}
	return true
}

// SeedBlackhole adds an entry as loading from disk does, without a look at the paths. It reports false if the identity is
// on the list, the list is full, or the entry's time has passed.
func (m *Machine) SeedBlackhole(now time.Time, b Blackhole) bool {
	m.clock.at(now)
	if !b.Until.IsZero() && !b.Until.After(now) {
		return false
	}
	return m.addBlackhole(b)
}

// LiftBlackhole accepts an identity again and reports whether it was refused.
func (m *Machine) LiftBlackhole(identity rns.Addr) bool { return m.blackholed.delete(identity) }

func (m *Machine) expireBlackholes(now tick) {
	for id, _, ok := m.blackholed.due(now); ok; id, _, ok = m.blackholed.due(now) {
		m.blackholed.delete(id)
		m.fx.Dirty |= TableBlackhole
	}
}
