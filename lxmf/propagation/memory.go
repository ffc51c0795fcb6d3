package propagation

import (
	"time"

	"meshchatx/rns"
)

// memory remembers the transient ids that came before, a bounded number of them in two generations. spec: lxmf §9.7
type memory struct {
	limit       int
	young, aged map[rns.Hash]time.Time
}

func newMemory(limit int) *memory {
	return &memory{limit: max(limit, 2), young: make(map[rns.Hash]time.Time)}
}

func (m *memory) has(id rns.Hash) bool {
	if _, ok := m.young[id]; ok {
		return true
	}
	_, ok := m.aged[id]
	return ok
}

func (m *memory) add(id rns.Hash, at time.Time) {
	if len(m.young) >= m.limit/2 {
		m.aged, m.young = m.young, make(map[rns.Hash]time.Time)
	}
	m.young[id] = at
}

// remove forgets an id, so that it can come again.
func (m *memory) remove(id rns.Hash) {
	delete(m.young, id)
	delete(m.aged, id)
}

// expire forgets what is older than a time.
func (m *memory) expire(before time.Time) {
	for _, g := range []map[rns.Hash]time.Time{m.young, m.aged} {
		for id, at := range g {
			if at.Before(before) {
				delete(g, id)
			}
		}
	}
}

// all copies what is remembered.
func (m *memory) all() map[rns.Hash]time.Time {
	out := make(map[rns.Hash]time.Time, len(m.young)+len(m.aged))
	for _, g := range []map[rns.Hash]time.Time{m.aged, m.young} {
		for id, at := range g {
			out[id] = at
		}
	}
	return out
}
