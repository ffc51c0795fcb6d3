package router_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
)

// spec: lxmf §5.3, §9.3
func TestOpportunistic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 1, delay)
		id := a.send(b, "hello", opportunistic)
		w.Run(time.Second)
		a.expect(id, router.KindDelivered, "")
		if got := a.log.kinds(id); got != "queued sent delivered" {
			t.Errorf("events: %s", got)
		}
		in := b.inbox.all()
		if len(in) != 1 || in[0].Method != lxmf.MethodOpportunistic || in[0].Unverified != 0 || in[0].Ratchet == nil {
			t.Fatalf("received %+v", in)
		}
		if e := a.log.last(id); e.RTT < 40*time.Millisecond || e.RTT > 60*time.Millisecond {
			t.Errorf("round trip of %v", e.RTT)
		}
	})
}

// The proof of a packet comes at once to a sender that copes, and late enough for every other. spec: rns-link §6.1
func TestEarlyProof(t *testing.T) {
	const delay = 20 * time.Millisecond
	for _, c := range []struct {
		marks link.MarkMode
		rtt   time.Duration
	}{{link.MarksOn, 2 * delay}, {link.MarksOff, 2*delay + router.DefaultParams().EarlyProof}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 4)
			from := w.Node("a", func(n *node.Config) { n.Params.Link.Marks = c.marks })
			to := w.Node("b")
			w.Connect(from, to, mem.Conditions{Delay: delay})
			a, b := w.user(from), w.user(to)
			b.announce()
			w.Run(time.Second)
			id := a.send(b, "hello", opportunistic)
			w.Run(time.Second)
			a.expect(id, router.KindDelivered, "")
			if e := a.log.last(id); e.RTT != c.rtt {
				t.Errorf("marks %d: round trip of %v, not %v", c.marks, e.RTT, c.rtt)
			}
		})
	}
}

// spec: lxmf §5.4
func TestDirectPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 2, delay)
		id := a.send(b, "hello")
		w.Run(time.Second)
		a.expect(id, router.KindDelivered, "")
		if got := a.log.kinds(id); got != "queued link_request link_up progress proof_wait delivered" {
			t.Errorf("events: %s", got)
		}
		in := b.inbox.all()
		if len(in) != 1 || in[0].Method != lxmf.MethodDirect || in[0].Link.IsZero() {
			t.Fatalf("received %+v", in)
		}
	})
}

// spec: lxmf §5.4
func TestDirectResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 3, delay)
		random := make([]byte, 5<<20)
		if _, err := rnstestRandom(3).Read(random); err != nil {
			t.Fatal(err)
		}
		id := a.send(b, string(random))
		w.Run(5 * time.Minute)
		a.expect(id, router.KindDelivered, "")
		if got := a.log.kinds(id); got != "queued link_request link_up progress proof_wait delivered" {
			t.Errorf("events: %s", got)
		}
		if got := b.inbox.contents(); len(got) != 1 || got[0] != string(random) {
			t.Fatalf("received %d messages", len(got))
		}
		last := 0
		for _, e := range a.log.of(id) {
			if e.Kind == router.KindProgress {
				if e.Percent < last {
					t.Errorf("progress went back from %d to %d", last, e.Percent)
				}
				last = e.Percent
			}
		}
		if last < 50 {
			t.Errorf("last progress was %d", last)
		}
		checkThrottle(t, a.log.of(id))
	})
}

func checkThrottle(t *testing.T, events []router.Event) {
	t.Helper()
	var times []time.Time
	for _, e := range events {
		if e.Kind == router.KindProgress {
			times = append(times, e.At)
		}
	}
	for i := 5; i < len(times); i++ {
		if times[i].Sub(times[i-5]) < time.Second {
			t.Errorf("more than four progress events in a second, at %v", times[i])
		}
	}
}

// Size decides about form. spec: lxmf §5.2
func TestForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 4, delay)
		for _, c := range []struct {
			size   int
			change func(*router.Outbound)
			method lxmf.Method
		}{
			{281, opportunistic, lxmf.MethodOpportunistic},
			{290, opportunistic, lxmf.MethodOpportunistic},
			{296, opportunistic, lxmf.MethodDirect},
			{319, auto, lxmf.MethodDirect},
			{320, auto, lxmf.MethodDirect},
			{600, auto, lxmf.MethodDirect},
		} {
			id := a.send(b, text(c.size), c.change)
			w.Run(5 * time.Second)
			a.expect(id, router.KindDelivered, "")
			if got := a.log.last(id).Method; got != c.method {
				t.Errorf("%d bytes went %v, want %v", c.size, got, c.method)
			}
		}
		if got := len(b.inbox.all()); got != 6 {
			t.Errorf("%d arrived", got)
		}
	})
}

// Over several hops the transport header needs room. spec: lxmf §19
func TestOpportunisticOverHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5)
		x, h, y := w.Node("a"), w.Transport("hub"), w.Node("b")
		w.Connect(x, h, delay)
		w.Connect(h, y, delay)
		a, b := w.user(x), w.user(y)
		b.announce()
		a.announce()
		small, large := a.send(b, text(280), opportunistic), a.send(b, text(290), opportunistic)
		w.Run(5 * time.Second)
		a.expect(small, router.KindDelivered, "")
		a.expect(large, router.KindDelivered, "")
		if got := a.log.last(small).Method; got != lxmf.MethodOpportunistic {
			t.Errorf("the small one went %v", got)
		}
		if got := a.log.last(large).Method; got != lxmf.MethodDirect {
			t.Errorf("the large one went %v", got)
		}
	})
}

// Without a path the network is asked first; the thirteen states pass in order. spec: lxmf §9.2
func TestPathIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 6)
		x, h, y := w.Node("a"), w.Transport("hub"), w.Node("b")
		w.Connect(h, y, delay)
		a, b := w.user(x), w.user(y)
		b.announce()
		w.Connect(x, h, delay)
		direct, loose := a.send(b, "over a link"), a.send(b, "alone", opportunistic)
		w.Run(10 * time.Second)
		a.expect(direct, router.KindDelivered, "")
		a.expect(loose, router.KindDelivered, "")
		want := "queued path_request path_found link_request link_up progress proof_wait delivered"
		if got := a.log.kinds(direct); got != want {
			t.Errorf("events: %s", got)
		}
		if got := a.log.kinds(loose); got != "queued path_request path_found sent delivered" {
			t.Errorf("events: %s", got)
		}
		for _, e := range a.log.of(direct) {
			if e.Kind == router.KindPathFound && (e.Hops != 2 || e.Interface == "") {
				t.Errorf("path of %d hops by %q", e.Hops, e.Interface)
			}
		}
	})
}

// Packets follow each other on one link without waiting for proofs, more of them with each round.
func TestPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := delay
		slow.Delay = 500 * time.Millisecond
		w, a, b, _ := pair(t, 7, slow)
		a.send(b, "opens the link")
		w.Run(10 * time.Second)
		for i := range 20 {
			a.send(b, string(rune('a'+i)))
		}
		w.Run(3500 * time.Millisecond) // three round trips
		got := b.inbox.contents()
		if len(got) != 21 || !slices.IsSorted(got[1:]) {
			t.Errorf("received %q", got)
		}
		w.Run(time.Second)
		s, err := a.Snapshot(t.Context())
		if err != nil || len(s.Messages) != 0 || len(s.Links) != 1 {
			t.Errorf("left: %+v, %v", s, err)
		}
	})
}

// Once a message was delivered the peer knows us and answers over the same link. spec: lxmf §9.5
func TestBackchannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 8, delay)
		a.send(b, "hello")
		w.Run(time.Second)
		id := b.send(a, "hello yourself")
		w.Run(time.Second)
		b.expect(id, router.KindDelivered, "")
		if got := b.log.kinds(id); got != "queued progress proof_wait delivered" {
			t.Errorf("events: %s", got)
		}
		if in := a.inbox.all(); len(in) != 1 || in[0].Unverified != 0 {
			t.Errorf("received %+v", in)
		}
		s, err := b.Snapshot(t.Context())
		if err != nil || len(s.Links) != 1 || s.Links[0].Own {
			t.Errorf("links: %+v, %v", s.Links, err)
		}
	})
}

// spec: lxmf §9.4
func TestIdleLinkIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 9, delay)
		a.send(b, "hello")
		w.Run(9 * time.Minute)
		b.send(a, "still there") // use by either side counts
		w.Run(5 * time.Minute)
		for _, c := range []struct{ after, want int }{{0, 1}, {6, 0}} {
			w.Run(time.Duration(c.after) * time.Minute)
			for _, u := range []*user{a, b} {
				if s, err := u.Snapshot(t.Context()); err != nil || len(s.Links) != c.want {
					t.Errorf("after %d more minutes: links %+v, %v", c.after, s.Links, err)
				}
			}
		}
	})
}
