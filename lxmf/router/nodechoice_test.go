package router

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

var noon = time.Unix(1_780_000_000, 0)

// heardNode is a node as an announce an hour ago told.
func heardNode(n byte, hops int, change ...func(*NodeRecord)) NodeRecord {
	r := NodeRecord{
		Node: rns.Addr{n}, Name: fmt.Sprint("node ", n), Heard: noon.Add(-time.Hour), Hops: hops, Active: true, TransferLimit: 256_000, SyncLimit: 10_240_000,
		StampCost: 16, Flexibility: 3,
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func proven(r *NodeRecord)  { r.Successes, r.LastSuccess = 3, noon.Add(-time.Hour) }
func failed(r *NodeRecord)  { r.Failures, r.Streak, r.LastFailure = 1, 1, noon.Add(-time.Minute) }
func resting(r *NodeRecord) { r.Failures, r.Streak, r.LastFailure = 5, 5, noon.Add(-time.Minute) }

// The choice and its reason, case by case.
func TestChooseNode(t *testing.T) {
	p := DefaultChoiceParams()
	for _, c := range []struct {
		name    string
		nodes   []NodeRecord
		current byte
		need    int64
		want    byte
		reason  ChoiceReason
	}{
		{"nothing heard", nil, 0, 0, 0, ReasonNone},
		{"one", []NodeRecord{heardNode(1, 9)}, 0, 0, 1, ReasonOnly},
		{"nearest", []NodeRecord{heardNode(1, 4), heardNode(2, 2)}, 0, 0, 2, ReasonNearest},
		{"proven before near", []NodeRecord{heardNode(1, 4, proven), heardNode(2, 2)}, 0, 0, 1, ReasonProven},
		{"much nearer before proven", []NodeRecord{heardNode(1, 8, proven), heardNode(2, 1)}, 0, 0, 2, ReasonNearest},
		{"success long ago counts no more", []NodeRecord{
			heardNode(1, 3, proven, func(r *NodeRecord) { r.LastSuccess = noon.Add(-p.Proven - time.Hour) }), heardNode(2, 2),
		}, 0, 0, 2, ReasonNearest},
		{"kept", []NodeRecord{heardNode(1, 4), heardNode(2, 2)}, 1, 0, 1, ReasonKept},
		{"kept no more", []NodeRecord{heardNode(1, 7), heardNode(2, 2)}, 1, 0, 2, ReasonNearest},
		{"the one in use rests", []NodeRecord{heardNode(1, 1, failed), heardNode(2, 5), heardNode(3, 6)}, 1, 0, 2, ReasonFailover},
		{"all rest", []NodeRecord{heardNode(1, 1, resting), heardNode(2, 5, failed)}, 0, 0, 2, ReasonResting},
		{"fresh", []NodeRecord{heardNode(1, 2, func(r *NodeRecord) { r.Heard = noon.Add(-20 * time.Hour) }), heardNode(2, 2)}, 0, 0, 2, ReasonFresh},
		{"too old", []NodeRecord{heardNode(1, 1, func(r *NodeRecord) { r.Heard = noon.Add(-p.MaxAge - 1) }), heardNode(2, 9)}, 1, 0, 2, ReasonOnly},
		{"inactive", []NodeRecord{heardNode(1, 1, func(r *NodeRecord) { r.Active = false }), heardNode(2, 9)}, 1, 0, 2, ReasonOnly},
		{"cheapest", []NodeRecord{heardNode(1, 2, func(r *NodeRecord) { r.StampCost = 22 }), heardNode(2, 2)}, 0, 0, 2, ReasonCheapest},
		{"too dear", []NodeRecord{heardNode(1, 1, func(r *NodeRecord) { r.StampCost = 30 })}, 0, 0, 0, ReasonNone},
		{"too small", []NodeRecord{heardNode(1, 1), heardNode(2, 9, func(r *NodeRecord) { r.TransferLimit = 1_000_000 })}, 1, 500_000, 2, ReasonOnly},
		{"slow", []NodeRecord{heardNode(1, 2, func(r *NodeRecord) { r.Latency = 9 * time.Second }), heardNode(2, 2)}, 0, 0, 2, ReasonFastest},
		{"distance unknown", []NodeRecord{heardNode(1, 0), heardNode(2, 5)}, 0, 0, 2, ReasonNearest},
	} {
		t.Run(c.name, func(t *testing.T) {
			var current rns.Addr
			if c.current > 0 {
				current = rns.Addr{c.current}
			}
			got := ChooseNode(noon, c.nodes, current, c.need, p)
			if got.Node != (rns.Addr{c.want}) || got.Reason != c.reason || got.Heard != len(c.nodes) {
				t.Errorf("chose %v (%s): %+v", got.Node, got.Reason, got)
			}
			slices.Reverse(c.nodes)
			if again := ChooseNode(noon, c.nodes, current, c.need, p); again != got {
				t.Errorf("in another order: %+v", again)
			}
		})
	}
}

// A node rests longer after every failure, up to a limit.
func TestCoolDown(t *testing.T) {
	p := DefaultChoiceParams()
	for streak, want := range map[int]time.Duration{1: 15 * time.Minute, 2: 30 * time.Minute, 4: 2 * time.Hour, 7: 12 * time.Hour, 200: 12 * time.Hour} {
		r := NodeRecord{Streak: streak, LastFailure: noon}
		if got := p.RestsUntil(r).Sub(noon); got != want {
			t.Errorf("after %d failures: %v", streak, got)
		}
	}
}

// simulation is a machine among propagation nodes on virtual time.
type simulation struct {
	*driver
	nodes   map[rns.Addr]*simNode
	dials   []time.Time
	choices []NodeChosen
	later   []reply
	atNode  map[rns.Addr]int // messages that arrived
	failed  int
}

type simNode struct {
	hops    int
	dead    bool
	latency time.Duration
}

type reply struct {
	at time.Time
	f  func()
}

func newSimulation(t *testing.T) *simulation {
	s := &simulation{driver: newDriver(t), nodes: make(map[rns.Addr]*simNode), atNode: make(map[rns.Addr]int)}
	return s
}

func (s *simulation) after(d time.Duration, f func()) {
	s.later = append(s.later, reply{s.now.Add(d), f})
}

// hear lets all nodes that live announce themselves.
func (s *simulation) hear(all bool) {
	addrs := slices.SortedFunc(maps.Keys(s.nodes), func(a, b rns.Addr) int { return slices.Compare(a[:], b[:]) })
	for _, addr := range addrs {
		if n := s.nodes[addr]; all || !n.dead {
			s.m.nodeHeard(s.now, NodeRecord{Node: addr, Heard: s.now, Hops: n.hops, Active: true, TransferLimit: 256_000, StampCost: 0})
			s.work()
		}
	}
}

// work plays the part of the network for what the machine wants.
func (s *simulation) work() {
	fx := s.m.take()
	for _, n := range fx.notices {
		if c, ok := n.(NodeChosen); ok {
			s.choices = append(s.choices, c)
		}
	}
	for _, e := range fx.events {
		switch e.Kind {
		case KindPropagated:
			s.atNode[e.Via]++
		case KindFailed:
			s.failed++
		}
	}
	for _, a := range fx.actions {
		s.play(a)
	}
	if len(fx.actions) > 0 {
		s.work()
	}
}

func (s *simulation) play(a action) {
	switch a := a.(type) {
	case dialLink:
		s.dials = append(s.dials, s.now)
		n := s.nodes[a.dest]
		if n.dead {
			s.after(20*time.Second, func() { s.m.linkClosed(s.now, a.ref, CodeLinkTimeout, "") })
			return
		}
		s.after(n.latency, func() { s.m.linkUp(s.now, a.ref, n.latency) })
		s.after(3*time.Minute, func() { s.m.linkClosed(s.now, a.ref, CodeLinkClosed, "") })
	case linkPacket:
		s.after(time.Second, func() { s.m.proved(s.now, a.id, a.way, time.Second) })
	case sealMessage:
		s.m.stampEnded(s.now, stampResult{id: a.id, work: workSeal, sealed: make([]byte, 150)})
	case searchStamp:
		s.m.stampEnded(s.now, stampResult{id: a.id, work: a.work, cost: a.cost, stamp: make([]byte, 32)})
	}
}

// run lets time go by.
func (s *simulation) run(by time.Duration) {
	until := s.now.Add(by)
	for {
		next := until
		if d := s.m.deadline(); !d.IsZero() && d.Before(next) {
			next = d
		}
		due := -1
		for i, r := range s.later {
			if !r.at.After(next) {
				next, due = r.at, i
			}
		}
		s.now = later(s.now, next)
		if due >= 0 {
			r := s.later[due]
			s.later = slices.Delete(s.later, due, due+1)
			r.f()
		}
		s.m.expire(s.now)
		s.work()
		if due < 0 && !s.now.Before(until) {
			return
		}
	}
}

// perHour is the most dials within any hour.
func (s *simulation) perHour() int {
	most := 0
	for i, at := range s.dials {
		n := 0
		for _, other := range s.dials[i:] {
			if other.Sub(at) < time.Hour {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// twenty is twenty nodes: twelve dead, all nearer than the seven good ones, and a slow one in between. The good one that is nearest
// is 15.
func (s *simulation) twenty() {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		n := &simNode{hops: 1 + i/4, latency: 300*time.Millisecond + time.Duration(r.IntN(200))*time.Millisecond}
		switch {
		case i < 12:
			n.dead, n.hops = true, 1+i/6
		case i == 12:
			n.latency, n.hops = 9*time.Second, 2
		default:
			n.hops = 4 + (i+1)%7
		}
		addr := rns.Addr{byte(100 + i)}
		s.nodes[addr] = n
		s.ways[addr] = way{known: true, path: true, hops: n.hops}
	}
}

// Twenty nodes were heard, twelve are dead and one is slow. Without any message the router finds one that works with few links,
// says why, and stays with it.
func TestTwentyNodesQuiet(t *testing.T) {
	s := newSimulation(t)
	s.twenty()
	s.m.setNode(s.now, NodeAuto, rns.Addr{})
	s.hear(true)
	if len(s.dials) != 0 {
		t.Fatalf("%d links only because nodes were heard", len(s.dials))
	}
	first := s.m.nodes.chosen
	if !s.nodes[first.Node].dead || first.Reason != ReasonFresh && first.Reason != ReasonNearest || first.Heard != 20 || first.Usable != 20 {
		t.Errorf("first choice %+v", first)
	}
	for range 8 {
		s.run(6 * time.Hour)
		s.hear(false)
	}
	if most := s.perHour(); most > 6 {
		t.Errorf("%d links within an hour", most)
	}
	if n := len(s.dials); n > 20 {
		t.Errorf("%d links in two days", n)
	}
	c := s.m.nodes.chosen
	if n := s.nodes[c.Node]; n.dead || n.latency > time.Second || n.hops != 4 {
		t.Errorf("chose %+v, which is %+v", c, n)
	}
	if c.Reason == "" || c.Score <= 0 || c.Next < c.Score {
		t.Errorf("reason %+v", c)
	}
	changes := len(s.choices)
	s.run(24 * time.Hour)
	s.hear(false)
	if len(s.choices) != changes {
		t.Errorf("the choice changes from %+v", s.choices[changes-1:])
	}
	t.Logf("%d links in three days, at most %d an hour, %d choices, then %s: %d hops", len(s.dials), s.perHour(), len(s.choices), c.Reason, c.Hops)
}

// With messages waiting the same is found sooner, and every message arrives at a node that works.
func TestTwentyNodesBusy(t *testing.T) {
	s := newSimulation(t)
	s.twenty()
	s.m.setNode(s.now, NodeAuto, rns.Addr{})
	s.hear(true)
	to := rns.Addr{1}
	s.ways[to] = way{known: true}
	for i := range 48 {
		s.m.submit(s.now, Outbound{Message: testMessage(1, i, 50), Method: lxmf.MethodPropagated, Fallback: FallbackNode})
		s.work()
		s.run(30 * time.Minute)
		if i%12 == 11 {
			s.hear(false)
		}
	}
	if most := s.perHour(); most > s.m.p.MaxNodeDialsPerHour {
		t.Errorf("%d links within an hour", most)
	}
	arrived := 0
	for node, n := range s.atNode {
		if s.nodes[node].dead {
			t.Errorf("%d messages at a dead node", n)
		}
		arrived += n
	}
	if arrived != 48 || s.failed > 0 {
		t.Errorf("%d of 48 messages arrived, %d failed", arrived, s.failed)
	}
	c := s.m.nodes.chosen
	if n := s.nodes[c.Node]; n.dead || n.latency > time.Second {
		t.Errorf("chose %+v, which is %+v", c, n)
	}
	t.Logf("%d links in a day, at most %d an hour, %d failed, then %s", len(s.dials), s.perHour(), s.failed, c.Reason)
}

// When the node in use dies, the next one takes over, and the reason says so.
func TestNodeFailover(t *testing.T) {
	s := newSimulation(t)
	for i, hops := range []int{1, 3} {
		addr := rns.Addr{byte(100 + i)}
		s.nodes[addr] = &simNode{hops: hops, latency: time.Second}
		s.ways[addr] = way{known: true, path: true, hops: hops}
	}
	s.m.setNode(s.now, NodeAuto, rns.Addr{})
	s.hear(true)
	s.ways[rns.Addr{1}] = way{known: true}
	send := func(n int) {
		s.m.submit(s.now, Outbound{Message: testMessage(1, n, 50), Method: lxmf.MethodPropagated})
		s.work()
		s.run(5 * time.Minute)
	}
	send(1)
	s.nodes[rns.Addr{100}].dead = true
	send(2)
	if s.atNode[rns.Addr{100}] != 1 || s.atNode[rns.Addr{101}] != 1 || s.failed != 0 {
		t.Errorf("arrived: %v, failed %d", s.atNode, s.failed)
	}
	if c := s.m.nodes.chosen; c.Node != (rns.Addr{101}) || c.Reason != ReasonFailover {
		t.Errorf("chose %+v", c)
	}
}
