package router

import (
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// A destination that is gone is tried with the pauses of the protocol at first, then less and less often however many messages are
// written to it, and never more than so often within an hour. An announce begins anew.
func TestBackoff(t *testing.T) {
	s := newSimulation(t)
	gone := rns.Addr{1}
	s.nodes[gone] = &simNode{dead: true}
	s.ways[gone] = way{known: true, path: true, hops: 1}
	send := func(n int) {
		s.m.submit(s.now, Outbound{Message: testMessage(1, n, 10), Method: lxmf.MethodDirect})
		s.work()
	}
	send(0)
	s.run(10 * time.Minute)
	if s.failed != 1 || len(s.dials) != s.m.p.MaxAttempts || s.dials[4].Sub(s.dials[0]) > 2*time.Minute {
		t.Errorf("first message: %d failed, links at %v", s.failed, s.dials)
	}
	for n := range 240 {
		send(n + 1)
		s.run(time.Minute)
	}
	if most := s.perHour(); most > s.m.p.MaxDialsPerHour {
		t.Errorf("%d links within an hour", most)
	}
	n := len(s.dials)
	s.run(4 * time.Hour)
	if len(s.m.messages) != 0 {
		t.Errorf("%d messages left", len(s.m.messages))
	}
	if more := len(s.dials) - n; more > 10 {
		t.Errorf("%d links for what was left", more)
	}
	send(1000)
	s.run(time.Hour)
	n = len(s.dials)
	send(1001)
	s.run(30 * time.Second)
	if len(s.dials) == n {
		t.Error("a new message is not tried soon")
	}
	s.nodes[gone].dead = false
	s.m.heard(s.now, heard{dest: gone, hops: 1})
	s.work()
	s.run(30 * time.Second)
	if len(s.m.messages) != 0 {
		t.Error("an announce does not begin anew")
	}
}

// Repetitions of single packets pause longer, too, after many failures.
func TestLooseBackoff(t *testing.T) {
	s := newSimulation(t)
	gone := rns.Addr{1}
	s.ways[gone] = way{known: true, path: true, ratchet: true, hops: 1}
	sent := 0
	count := func() {
		s.m.expire(s.now)
		for _, a := range s.m.take().actions {
			if _, ok := a.(sendPacket); ok {
				sent++
			}
		}
	}
	for n := range 100 {
		s.m.submit(s.now, Outbound{Message: testMessage(1, n, 10), Method: lxmf.MethodOpportunistic})
	}
	for range 3600 {
		s.now = s.now.Add(time.Second)
		count()
	}
	// Every message goes once, few go again.
	if sent > 150 || sent < 5 {
		t.Errorf("%d packets within an hour", sent)
	}
}

// Links to a node that fails are bounded, whatever people ask for.
func TestNodeDialsAreBounded(t *testing.T) {
	s := newSimulation(t)
	node := rns.Addr{100}
	s.nodes[node] = &simNode{dead: true, hops: 1}
	s.ways[node] = way{known: true, path: true, hops: 1}
	s.m.setNode(s.now, NodeFixed, node)
	s.hear(true)
	for range 240 {
		if err := s.m.startSync(s.now, SyncOptions{}, syncLimits{limit: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		s.work()
		s.run(25 * time.Second)
	}
	if most := s.perHour(); most > s.m.p.MaxNodeDialsPerHour || most < s.m.p.MaxNodeDialsPerHour/2 {
		t.Errorf("%d links within an hour", most)
	}
	if st := s.m.sync.status; st.State != SyncLinkFailed || st.Code != CodePropagationThrottled {
		t.Errorf("ended %+v", st)
	}
}
