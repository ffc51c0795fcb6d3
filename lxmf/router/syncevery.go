package router

import "time"

// cancelSync stops a fetch. The link stays only if something else is on it.
func (m *machine) cancelSync(now time.Time) {
	s := &m.sync
	ref := s.ref
	if !s.status.State.Active() {
		return
	}
	m.syncFailed(now, SyncIdle, CodeCancelled, "")
	if ch, ok := m.channels[ref]; ok && len(ch.inflight) == 0 {
		m.hangUp(now, ch)
	}
}

// acknowledgeSync forgets the result of a fetch. spec: lxmf §11.6
func (m *machine) acknowledgeSync(now time.Time) {
	if s := &m.sync; !s.status.State.Active() && s.status.State != SyncIdle {
		s.status = SyncStatus{Node: s.status.Node}
		m.fx.notices = append(m.fx.notices, SyncChanged{Status: s.status})
	}
}

// syncEvery sets the time between fetches that happen by themselves, 0 for none.
func (m *machine) syncEvery(now time.Time, interval time.Duration) {
	m.sync.interval = interval
	if interval <= 0 {
		m.timers.stop(&m.sync.every)
		return
	}
	m.planSync(now)
}

// planSync sets the time of the next fetch, not the same for all.
func (m *machine) planSync(now time.Time) {
	interval := max(m.sync.interval, m.p.MinSyncInterval)
	m.timers.set(&m.sync.every, now.Add(interval*9/10+m.jitter(interval/5)))
}

// syncDue fetches because it is time.
func (m *machine) syncDue(now time.Time) {
	m.planSync(now)
	if m.online && !m.nodes.chosen.Node.IsZero() {
		m.do(beginSync{})
	}
}
