package transport

import "meshchatx/rns"

// rate is the announce history of a destination. spec: rns-core §14.7
type rate struct {
	last, blockedUntil tick
	violations         int
	blocked            bool // whether blockedUntil was ever set
	times              []tick
}

// decideRate updates the record for an announce now and tells whether its rebroadcast is allowed. A record that was
// just created allows it. spec: rns-core §14.7
func (r *rate) decide(now tick, limit AnnounceRate) bool {
	if r.blocked && now <= r.blockedUntil {
		return false
	}
	if now-r.last < tick(limit.Target) {
		r.violations++
	} else {
		r.violations = max(0, r.violations-1)
	}
	if r.violations > limit.Grace {
		r.blocked, r.blockedUntil = true, r.last.after(limit.Target).after(limit.Penalty)
		return false
	}
	r.last = now
	return true
}

func (r *rate) note(now tick, most int) {
	if len(r.times) >= most && most > 0 {
		copy(r.times, r.times[1:])
		r.times[len(r.times)-1] = now
		return
	}
	r.times = append(r.times, now)
}

// rateAllows applies announce rate control to an announce that updated its path.
func (m *Machine) rateAllows(now tick, a *arrival) bool {
	limit := a.from.info.AnnounceRate
	if limit.Target <= 0 || a.context == rns.ContextPathResponse {
		return true
	}
	r := m.rates.get(a.dest)
	allowed := true
	if r == nil {
		if m.rates.len() >= m.p.Limits.Rates {
			if oldest, _, ok := m.rates.first(); ok {
				m.rates.delete(oldest)
			}
		}
		r = m.rates.put(a.dest)
		r.last = now
	} else {
		m.rates.touch(a.dest)
		allowed = r.decide(now, limit)
	}
	r.note(now, m.p.MaxRateTimestamps)
	m.rates.schedule(a.dest, max(now, r.blockedUntil).after(m.p.PathExpiry))
	return allowed
}

// expireRates forgets destinations not heard for the life of a path.
//
// differs: the reference never forgets a rate record.
func (m *Machine) expireRates(now tick) {
	for {
		dest, _, ok := m.rates.due(now)
		if !ok {
			return
		}
		m.rates.delete(dest)
	}
}
