package auth

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"meshchatx/internal/store"
)

// maxAddresses bounds the memory of the limiter.
const maxAddresses = 10_000

// limiter counts failures by address.
type limiter struct {
	params Params

	mu     sync.Mutex // guards failed
	failed map[string][]time.Time
}

func (l *limiter) init(p Params, past []store.Attempt) {
	l.params = p
	l.failed = make(map[string][]time.Time)
	for _, a := range past {
		l.add(a.Address, a.At)
	}
}

// place groups the addresses one party usually holds: an IPv6 network of 64 bits counts as one.
func place(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() || a.Is4In6() {
		return address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// wait returns how long an address is locked out; 0: it is not.
func (l *limiter) wait(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.recent(place(address), now)
	if len(times) < l.params.FailMax {
		return 0
	}
	return times[len(times)-l.params.FailMax].Add(l.params.FailWindow).Sub(now)
}

func (l *limiter) add(address string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := place(address)
	if _, known := l.failed[key]; !known && len(l.failed) >= maxAddresses {
		for other := range l.failed { // any one: whoever has so many addresses is not stopped by this
			delete(l.failed, other)
			break
		}
	}
	l.failed[key] = append(l.recent(key, at), at)
}

// recent returns the failures within the window, which are all that is kept.
func (l *limiter) recent(key string, now time.Time) []time.Time {
	times := l.failed[key]
	for len(times) > 0 && now.Sub(times[0]) >= l.params.FailWindow {
		times = times[1:]
	}
	return times
}

func (l *limiter) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.failed {
		if len(l.recent(key, now)) == 0 {
			delete(l.failed, key)
		}
	}
}

func (l *limiter) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.failed)
}

// denied records a failed attempt and returns what the client is told. Attempts while locked out
// are not stored, so that nobody can make the disk work.
func (s *Service) denied(ctx context.Context, how store.AccessMethod, c Client, reason error) error {
	now := s.conf.Now()
	if wait := s.limiter.wait(c.Address, now); wait > 0 {
		return &LimitError{RetryAfter: wait}
	}
	s.limiter.add(c.Address, now)
	s.note(ctx, how, c, store.AccessDenied)
	if s.limiter.wait(c.Address, now) > 0 {
		s.note(ctx, how, c, store.AccessLimited)
		s.conf.Logger.Warn("address locked out after failed attempts", "address", c.Address)
	}
	return reason
}

// note stores an attempt for the owner to see. Failing to do so must not change its outcome.
func (s *Service) note(ctx context.Context, how store.AccessMethod, c Client, outcome store.AccessOutcome) {
	a := store.Attempt{At: s.conf.Now(), Address: c.Address, UserAgent: cut(c.UserAgent), Method: how, Outcome: outcome}
	if err := s.conf.Attempts.Add(ctx, a); err != nil {
		s.conf.Logger.Warn("access attempt not stored", "error", err)
	}
}
