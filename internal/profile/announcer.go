package profile

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/rns/node"
)

// announcer announces one identity: at start, at jittered intervals, when its
// name changed, and when asked. It owns its schedule; serve runs it.
type announcer struct {
	p     *Profile
	reach func(context.Context) (bool, error) // whether anybody would hear it

	mu         sync.Mutex
	last, next time.Time
	wake       chan struct{}
}

func newAnnouncer(p *Profile) *announcer {
	return &announcer{p: p, reach: (&network{profile: p}).reaches, wake: make(chan struct{}, 1)}
}

// changePause gathers changes made one after the other into one announce.
const changePause = 3 * time.Second

func (a *announcer) serve(ctx context.Context) error {
	if a.p.Settings.Bool(settings.KeyAnnounceAtStart) {
		a.plan(a.p.shared.Now().Add(a.random(a.p.shared.Params.StartSpread)))
	} else {
		a.reschedule()
	}
	for {
		t := time.NewTimer(a.wait())
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-a.wake:
			t.Stop()
			continue
		case <-t.C:
		}
		if !a.due() {
			continue
		}
		if err := a.now(ctx); err != nil && ctx.Err() == nil {
			a.plan(a.p.shared.Now().Add(a.p.shared.Params.Offline))
			if !errors.Is(err, node.ErrNotSent) && !errors.Is(err, net.ErrClosed) { // the router may still be starting
				a.p.shared.Log.Warn("identity is not announced", "error", err)
			}
		}
	}
}

const farAway = 24 * time.Hour

func (a *announcer) wait() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next.IsZero() {
		return farAway
	}
	return max(a.next.Sub(a.p.shared.Now()), 0)
}

func (a *announcer) due() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.next.IsZero() && !a.p.shared.Now().Before(a.next)
}

// now announces at once and plans the next. Where nobody would hear it, such as
// on a listener without connections, it is not sent: it would count as done.
func (a *announcer) now(ctx context.Context) error {
	reached, err := a.reach(ctx)
	if err != nil {
		return err
	}
	if !reached {
		return fmt.Errorf("announce: %w", node.ErrNotSent)
	}
	if err := a.p.carrier.Announce(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	a.last = a.p.shared.Now()
	a.mu.Unlock()
	a.reschedule()
	a.p.scope.Publish(event.Announced, event.IDs{})
	a.p.shared.Bus.Publish(event.Event{Type: event.NetworkChanged})
	return nil
}

// reschedule plans the next announce by the interval of the settings.
func (a *announcer) reschedule() {
	interval := time.Duration(a.p.Settings.Int(settings.KeyAnnounceInterval)) * time.Second
	if interval <= 0 {
		a.plan(time.Time{})
		return
	}
	spread := time.Duration(float64(interval) * a.p.shared.Params.Jitter)
	a.mu.Lock()
	from := a.last
	a.mu.Unlock()
	if from.IsZero() {
		from = a.p.shared.Now()
	}
	a.plan(from.Add(interval - spread + a.random(2*spread)))
}

// appeared announces to whoever was connected just now, unless that was done a
// short while ago.
func (a *announcer) appeared() {
	if !a.p.Settings.Bool(settings.KeyAnnounceAtStart) {
		return
	}
	a.mu.Lock()
	at, next := a.p.shared.Now(), a.next
	if again := a.last.Add(a.p.shared.Params.NewPeer); !a.last.IsZero() && again.After(at) {
		at = again
	}
	a.mu.Unlock()
	if at = at.Add(a.random(a.p.shared.Params.StartSpread)); next.IsZero() || at.Before(next) {
		a.plan(at)
	}
}

// soon announces a change after a moment.
func (a *announcer) soon() { a.plan(a.p.shared.Now().Add(changePause)) }

func (a *announcer) plan(at time.Time) {
	a.mu.Lock()
	a.next = at
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *announcer) times() (last, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last, a.next
}

// random is a duration below a limit.
func (a *announcer) random(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	n, err := cryptorand.Int(a.p.shared.Random, big.NewInt(int64(limit)))
	if err != nil {
		return limit / 2
	}
	return time.Duration(n.Int64())
}
