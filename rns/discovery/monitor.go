package discovery

import (
	"time"

	"meshchatx/rns"
)

// Watched is the state of one interface that was connected by itself, named by
// its endpoint.
type Watched struct {
	Endpoint rns.Hash
	Online   bool
}

// BootstrapStep is what to do with the interfaces that only help to find others.
type BootstrapStep uint8

// The steps. spec: rns-core §22.6
const (
	BootstrapKeep BootstrapStep = iota
	// BootstrapStop: enough others are connected.
	BootstrapStop
	// BootstrapStart: nothing is connected and none is there.
	BootstrapStart
)

// Round is what a round of the monitor found.
type Round struct {
	// Detach are interfaces that were down for too long.
	Detach    []rns.Hash
	Bootstrap BootstrapStep
	// Try one more candidate at random.
	Try bool
}

// MonitorInterval is the time between two rounds, DetachAfter how long an
// interface may be down. spec: rns-core §22.6
const (
	MonitorInterval = 5 * time.Second
	DetachAfter     = 12 * time.Second
)

// Monitor watches interfaces that were connected by themselves. The zero value
// watches none. spec: rns-core §22.6
type Monitor struct {
	down map[rns.Hash]time.Time
}

// Round looks at all of them; bootstrap is the number of running bootstrap
// interfaces, most the number of connections wanted.
func (m *Monitor) Round(all []Watched, bootstrap, most int, now time.Time) Round {
	var r Round
	online := 0
	down := make(map[rns.Hash]time.Time, len(m.down))
	for _, w := range all {
		if w.Online {
			online++
			continue
		}
		since, known := m.down[w.Endpoint]
		if !known {
			since = now
		}
		if now.Sub(since) >= DetachAfter {
			r.Detach = append(r.Detach, w.Endpoint)
			continue
		}
		down[w.Endpoint] = since
	}
	m.down = down
	switch {
	case online >= most:
		r.Bootstrap = BootstrapStop
	case online == 0 && bootstrap == 0:
		r.Bootstrap = BootstrapStart
	}
	// A quarter of the places is left to what is heard live.
	r.Try = most-len(all) > most/4
	return r
}
