package interfaces

import (
	"context"
	"time"

	"meshchatx/rns/node"
)

// meter follows the counters of one interface.
type meter struct {
	samples   []reading // oldest first, at most Params.Window
	heardAt   time.Time
	lastState string
	lastErr   error // why it is not up, kept while it is tried again
}

type reading struct {
	at     time.Time
	rx, tx uint64
}

// meter returns the meter of an interface. The caller holds the lock.
func (s *Service) meter(id node.InterfaceID) *meter {
	m, ok := s.meters[id]
	if !ok {
		m = &meter{}
		s.meters[id] = m
	}
	return m
}

// sample reads the counters and reports whether anything moved.
func (s *Service) sample(ctx context.Context, now time.Time) (moved bool) {
	all, err := s.opt.Node.Interfaces(ctx)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	present := make(map[node.InterfaceID]bool, len(all))
	for _, st := range all {
		present[st.ID] = true
		if s.meter(st.ID).add(reading{at: now, rx: st.Count.RxBytes, tx: st.Count.TxBytes}, s.opt.Params.Window) {
			moved = true
		}
	}
	for id := range s.meters {
		if !present[id] {
			delete(s.meters, id)
		}
	}
	return moved
}

func (m *meter) add(r reading, window int) (moved bool) {
	if n := len(m.samples); n > 0 {
		last := m.samples[n-1]
		moved = last.rx != r.rx || last.tx != r.tx
		if last.rx != r.rx {
			m.heardAt = r.at
		}
	} else if r.rx > 0 {
		m.heardAt = r.at
	}
	m.samples = append(m.samples, r)
	if len(m.samples) > window {
		m.samples = m.samples[1:]
	}
	return moved
}

// rates are bytes per second over the window.
func (m *meter) rates() (rx, tx int64) {
	if len(m.samples) < 2 {
		return 0, 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	span := last.at.Sub(first.at).Seconds()
	if span <= 0 || last.rx < first.rx || last.tx < first.tx {
		return 0, 0
	}
	return int64(float64(last.rx-first.rx) / span), int64(float64(last.tx-first.tx) / span)
}
