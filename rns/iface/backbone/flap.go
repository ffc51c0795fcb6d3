package backbone

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Flapping says when an address is refused because its connections do not last. spec: rns-interfaces §4
type Flapping struct {
	// Off takes every connection.
	Off bool
	// Threshold is the least time a connection has to last.
	Threshold time.Duration
	// Grace is how many shorter connections are forgiven.
	Grace int
	// BlockTime is how long an address is refused after its last short connection.
	BlockTime time.Duration
}

// DefaultFlapping returns the values of the protocol.
func DefaultFlapping() Flapping {
	return Flapping{Threshold: 20 * time.Second, Grace: 5, BlockTime: 720 * time.Minute}
}

// maxFlaps bounds the remembered addresses.
const maxFlaps = 16_384

// Flaps remembers the addresses whose connections did not last. The listeners of a program share one. The zero value is
// empty. Safe for concurrent use.
type Flaps struct {
	mu    sync.Mutex
	known map[netip.Addr]flap
}

type flap struct {
	count int
	last  time.Time
}

// add counts a short connection. When too many addresses are remembered the one that was quiet for longest is forgotten.
func (f *Flaps) add(from netip.Addr, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = make(map[netip.Addr]flap)
	}
	one, known := f.known[from]
	if !known && len(f.known) >= maxFlaps {
		var oldest netip.Addr
		for a, e := range f.known {
			if o, ok := f.known[oldest]; !ok || e.last.Before(o.last) {
				oldest = a
			}
		}
		delete(f.known, oldest)
	}
	one.count, one.last = one.count+1, now
	f.known[from] = one
}

// blocked tells whether an address is refused under these rules. What has expired is forgotten.
func (f *Flaps) blocked(from netip.Addr, rules Flapping, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	one, known := f.known[from]
	if known && now.Sub(one.last) > rules.BlockTime {
		delete(f.known, from)
		return false
	}
	return known && one.count > rules.Grace
}

// list are the refused addresses in order.
func (f *Flaps) list(rules Flapping, now time.Time) []netip.Addr {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []netip.Addr
	for a, one := range f.known {
		if one.count > rules.Grace && now.Sub(one.last) <= rules.BlockTime {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}
