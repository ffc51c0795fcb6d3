package router_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/rnstest"
)

// Whatever happens to the medium, the routers and the store: every message ends, delivered or failed for a reason, and none is
// kept twice or called delivered without being kept.
func TestEveryMessageEndsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			x := newTrial(t, p)
			x.play()
			x.judge()
			wrong = x.wrong
		})
		for _, w := range wrong {
			rt.Error(w)
		}
	})
}

// plan is what happens in one run of the property.
type plan struct {
	Seed  uint64
	Delay time.Duration
	Steps []step
}

type step struct {
	Who, What, Size int
	Method          lxmf.Method
	Wait, Flip      bool
	Loss            float64
	Failures, Cost  int
	Pause           time.Duration
}

func drawPlan(rt *rapid.T) plan {
	steps := rapid.Custom(func(rt *rapid.T) step {
		return step{
			Who: rapid.IntRange(0, 1).Draw(rt, "who"), What: rapid.IntRange(0, 9).Draw(rt, "what"),
			Size:   rapid.SampledFrom([]int{0, 100, 287, 295, 319, 500, 5_000, 60_000}).Draw(rt, "size"),
			Method: lxmf.Method(rapid.IntRange(0, 2).Draw(rt, "method")), Wait: rapid.IntRange(0, 5).Draw(rt, "wait") == 0,
			Flip: rapid.Bool().Draw(rt, "flip"), Loss: rapid.SampledFrom([]float64{0, 0.1, 0.3, 1}).Draw(rt, "loss"),
			Failures: rapid.IntRange(1, 3).Draw(rt, "failures"), Cost: rapid.IntRange(0, 3).Draw(rt, "cost"),
			Pause: time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "pause ms")) * time.Millisecond,
		}
	})
	return plan{
		Seed:  rapid.Uint64Range(1, 1<<40).Draw(rt, "seed"),
		Delay: time.Duration(rapid.IntRange(1, 300).Draw(rt, "delay ms")) * time.Millisecond,
		Steps: rapid.SliceOfN(steps, 1, 25).Draw(rt, "steps"),
	}
}

// trial is one run of the property.
type trial struct {
	p     plan
	w     *world
	users [2]*user
	cable [2]*mem.Endpoint
	calm  mem.Conditions
	mine  [2][]router.Outbound
	costs [2]atomic.Int64
	wrong []string
}

func newTrial(t *testing.T, p plan) *trial {
	x := &trial{p: p, w: newWorld(t, p.Seed), calm: mem.Conditions{Delay: p.Delay, Seed: p.Seed}}
	a, b := x.w.Node("a"), x.w.Node("b")
	c := x.w.Connect(a, b, x.calm)
	x.cable = [2]*mem.Endpoint{c.A, c.B}
	for i, n := range []*rnstest.Node{a, b} {
		x.users[i] = x.w.user(n, func(c *router.Config) { c.StampCost = func() int { return int(x.costs[i].Load()) } })
	}
	for _, u := range x.users {
		u.announce()
	}
	return x
}

// play does what the plan says.
func (x *trial) play() {
	for _, s := range x.p.Steps {
		u := x.users[s.Who]
		switch s.What {
		case 0, 1, 2, 3:
			o := router.Outbound{Message: u.message(x.users[1-s.Who], random(s.Size)), WaitHeard: s.Wait, Method: s.Method}
			x.mine[s.Who] = append(x.mine[s.Who], o)
			x.must(u.Send(o))
		case 4:
			c := x.calm
			c.Loss = s.Loss
			x.cable[s.Who].SetConditions(c)
		case 5:
			u.stop()
			u.start()
			for _, o := range x.mine[s.Who] { // as an application does
				if !u.log.final(o.Message.Hash) {
					x.must(u.Send(o))
				}
			}
		case 6:
			u.inbox.failNext(s.Failures)
		case 7:
			_ = u.Announce(x.w.t.Context())
		case 8:
			x.interfere(s)
		case 9:
			x.costs[s.Who].Store(int64(s.Cost))
		}
		x.w.Run(s.Pause)
	}
}

// interfere cancels the first message, or tries it again.
func (x *trial) interfere(s step) {
	if len(x.mine[s.Who]) == 0 {
		return
	}
	id := x.mine[s.Who][s.Size%len(x.mine[s.Who])].Message.Hash
	if s.Flip {
		x.users[s.Who].Cancel(id)
	} else {
		x.users[s.Who].RetryNow(id)
	}
}

func (x *trial) errorf(format string, args ...any) {
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

func (x *trial) must(err error) {
	if err != nil {
		x.errorf("send: %v", err)
	}
}

// judge lets everything come to an end on a calm medium and looks at the result.
func (x *trial) judge() {
	for i, u := range x.users {
		x.cable[i].SetConditions(x.calm)
		u.inbox.failNext(0)
	}
	for range 2 {
		for _, u := range x.users {
			u.announce()
		}
		x.w.Run(5 * time.Minute)
	}
	for i, u := range x.users {
		s, err := u.Snapshot(x.w.t.Context())
		if err != nil || len(s.Messages) != 0 {
			x.errorf("left in the queue: %+v, %v", s.Messages, err)
		}
		kept := make(map[rns.Hash]int)
		for _, m := range x.users[1-i].inbox.all() {
			kept[m.Message.Hash]++
		}
		for _, o := range x.mine[i] {
			id := o.Message.Hash
			last := u.log.last(id)
			switch {
			case kept[id] > 1:
				x.errorf("kept %d times\n%s", kept[id], u.log.dump(id))
			case last.Kind == router.KindDelivered && kept[id] != 1:
				x.errorf("called delivered, but not kept\n%s", u.log.dump(id))
			case !last.Kind.Final(), last.Kind == router.KindFailed && last.Code == "":
				x.errorf("no proper end\n%s", u.log.dump(id))
			}
		}
	}
	for _, u := range x.users {
		u.stop()
	}
	x.w.Close()
}

// failNext makes the next n attempts to store fail.
func (in *inbox) failNext(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fail = func(router.Inbound) error {
		if n--; n >= 0 {
			return errDisk
		}
		return nil
	}
}

// final reports whether a message has ended.
func (l *eventLog) final(id rns.Hash) bool {
	for _, e := range l.of(id) {
		if e.Kind.Final() {
			return true
		}
	}
	return false
}
