package demo

import (
	"context"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

const (
	// settleTime lets interfaces that come up together be announced to together.
	settleTime = 50 * time.Millisecond
	// freshAge is up to when somebody heard before the start is heard again at once.
	freshAge = 40 * time.Minute
	// calm is the longest pause between two strangers where no rate is asked for.
	calm = 6 * time.Second
	// news is how often the weather station writes.
	news = 10 * time.Minute
)

// meet lets the people of the simulated network announce themselves as soon as the program has an interface, and again
// when another one comes up.
func (w *world) meet(n *node.Node) error {
	up := make(chan struct{}, 1)
	stop := n.OnEvent(func(e node.Event) {
		if e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp {
			select {
			case up <- struct{}{}:
			default:
			}
		}
	})
	context.AfterFunc(w.ctx, stop)
	w.run(func(ctx context.Context) {
		for first := true; ; first = false {
			select {
			case <-ctx.Done():
				return
			case <-up:
			}
			if !pause(ctx, settleTime) {
				return
			}
			w.announce(ctx)
			if first {
				w.run(w.mill)
				w.run(w.report)
			}
		}
	})
	return nil
}

func (w *world) announce(ctx context.Context) {
	for _, p := range w.peers {
		if p.Role == RoleQuiet {
			continue
		}
		if err := p.router.Announce(ctx); err != nil && ctx.Err() == nil {
			w.log.Debug("simulated person is not announced", "name", p.Name, "error", err)
		}
	}
}

// mill announces strangers: those heard lately at once, so that there are paths to them, and then one after the other.
func (w *world) mill(ctx context.Context) {
	all, err := crowd(w.seed, w.conf.Heard)
	if err != nil {
		w.log.Error("nobody is heard", "error", err)
		return
	}
	for _, p := range castTable() {
		if p.Role == RoleDeaf {
			all = append(all, w.people[p.Key].asStranger())
		}
	}
	for i := range all {
		if all[i].last < freshAge {
			w.hear(&all[i])
		}
	}
	if w.conf.Motion == MotionStill || len(all) == 0 {
		return
	}
	r := w.seed.chance("mill")
	for pause(ctx, w.nextStranger(r.Float64())) {
		w.hear(&all[r.IntN(len(all))])
	}
}

// nextStranger is the pause before the next announce.
func (w *world) nextStranger(chance float64) time.Duration {
	if w.conf.Rate > 0 {
		return time.Second / time.Duration(w.conf.Rate)
	}
	return time.Duration(chance * float64(calm))
}

// hear lets the announce of a stranger into the network. Two nodes stand between, each of which counts.
func (w *world) hear(s *stranger) {
	at := w.crowd[s.via]
	if at == nil {
		at = w.crowd[ifaceHub]
	}
	inject(at, w.seed.stream("announce "+s.name), s, w.conf.Now())
}

func inject(at *mem.Endpoint, random interface{ Read([]byte) (int, error) }, s *stranger, now time.Time) {
	a, err := rns.NewAnnounce(random, s.id, rns.NameHashOf(s.aspect), nil, s.appData, now)
	if err != nil {
		return // a stream of chance never ends
	}
	p := a.Packet(rns.ContextNone)
	p.Hops = uint8(max(s.hops-2, 0))
	if raw, err := p.Pack(rns.MTU); err == nil {
		at.Inject(raw)
	}
}

// report lets the weather station write to those it knows.
func (w *world) report(ctx context.Context) {
	if w.conf.Motion == MotionStill {
		return
	}
	r := w.seed.chance("report")
	for pause(ctx, news) {
		for _, p := range w.peers {
			if p.Role != RoleNews {
				continue
			}
			text := forecast(r)
			for _, to := range p.friends() {
				p.send(to, text)
			}
		}
	}
}
