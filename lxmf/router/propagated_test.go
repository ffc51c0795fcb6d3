package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/rnstest"
)

// post is two users and a propagation node between them.
type post struct {
	w    *world
	f    *fakeNode
	a, b *user
	an   *notices
	bn   *notices
	to   [2]func(mem.Conditions) // the ways from a and b to the node
}

func newPost(t *testing.T, seed uint64, change ...func(*fakeNode)) *post {
	t.Helper()
	w := newWorld(t, seed)
	x, y, n := w.Node("a"), w.Node("b"), w.Transport("oslo")
	p := &post{w: w, an: new(notices), bn: new(notices)}
	one, two := w.Connect(x, n, delay), w.Connect(y, n, delay)
	for i, c := range []*rnstest.Cable{one, two} {
		p.to[i] = func(m mem.Conditions) {
			c.A.SetConditions(m)
			c.B.SetConditions(m)
		}
	}
	p.f = w.propagationNode(n, change...)
	p.a, p.b = w.user(x, using(p.f, p.an)), w.user(y, using(p.f, p.bn))
	p.f.announce()
	p.a.announce()
	p.b.announce()
	return p
}

// A message goes through the node and is fetched there: as a packet or a resource by size, without telling the node who wrote it.
// spec: lxmf §5.5, §11.6
func TestPropagated(t *testing.T) {
	for name, size := range map[string]int{"packet": 10, "resource": 5_000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t, 300)
				id := p.a.send(p.b, text(size), propagated)
				p.w.Run(20 * time.Second)
				p.a.expect(id, router.KindPropagated, "")
				last := p.a.log.last(id)
				if last.Via != p.f.dest.Addr() || last.ViaName != "oslo" || last.Method != lxmf.MethodPropagated || !last.Kind.Final() {
					t.Errorf("last event %+v", last)
				}
				if got := p.a.log.kinds(id); got != "queued stamp_start stamp_done link_request link_up progress proof_wait propagated" {
					t.Errorf("events: %s", got)
				}
				if p.f.count() != 1 || p.f.identify[0] {
					t.Errorf("%d messages on the node, author told: %v", p.f.count(), p.f.identify)
				}
				s := p.b.sync(router.SyncOptions{})
				if s.State != router.SyncComplete || s.Stored != 1 || s.Listed != 1 || s.Received != 1 || s.Left != 0 {
					t.Errorf("fetched %+v", s)
				}
				p.w.Run(time.Second)
				in := p.b.inbox.all()
				if len(in) != 1 || in[0].Method != lxmf.MethodPropagated || in[0].Message.Hash != id || in[0].Unverified != 0 {
					t.Fatalf("received %d messages", len(in))
				}
				if p.f.count() != 0 {
					t.Error("the message stays on the node")
				}
				if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncComplete || s.Listed != 0 {
					t.Errorf("fetched again %+v", s)
				}
				p.b.AcknowledgeSync()
				synctest.Wait()
				if s, err := p.b.SyncStatus(t.Context()); err != nil || s.State != router.SyncIdle {
					t.Errorf("acknowledged: %v, %v", s.State, err)
				}
			})
		})
	}
}

// What cannot go through a node ends with the reason, and the limit where there is one.
func TestPropagatedRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*fakeNode)
		size    int
		change  func(*router.Outbound)
		kind    router.Kind
		code    router.Code
		limit   int64
	}{
		{"too large", nil, 300_000, nil, router.KindRejected, router.CodeTooLargePropagation, 256_000},
		{"too large, tried", func(f *fakeNode) { f.info.SyncLimit = 200 }, 300_000, oversize, router.KindRejected, router.CodeTooLargePropagation, 200_000},
		{"larger than passed on, tried", nil, 300_000, oversize, router.KindPropagated, "", 0},
		{"refused", func(f *fakeNode) { f.refuse = true }, 5_000, nil, router.KindRejected, router.CodePropagationRefused, 10_240_000},
		{"too dear", func(f *fakeNode) { f.info.StampCost = 40 }, 10, nil, router.KindFailed, router.CodeStampRequired, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var change []func(*fakeNode)
				if c.prepare != nil {
					change = append(change, c.prepare)
				}
				p := newPost(t, 301, change...)
				also := func(*router.Outbound) {}
				if c.change != nil {
					also = c.change
				}
				id := p.a.send(p.b, random(c.size), propagated, also)
				p.w.Run(3 * time.Minute)
				p.a.expect(id, c.kind, c.code)
				if last := p.a.log.last(id); last.Limit != c.limit || c.limit > 0 && last.Total == 0 {
					t.Errorf("limit %d of %d", last.Limit, last.Total)
				}
			})
		})
	}
}

func oversize(o *router.Outbound) { o.Oversize = router.OversizeTry }

// A node that raised its cost says that the stamp is not good enough; the message is refused with the reason, the next one pays.
// spec: lxmf §11.4
func TestStampRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 302)
		p.f.info.StampCost = 12 // not announced yet
		id, next := p.a.send(p.b, "x", propagated), p.a.send(p.b, "y", propagated)
		p.w.Run(time.Minute)
		p.a.expect(id, router.KindRejected, router.CodeStampRefused)
		p.f.announce()
		p.a.RetryNow(next)
		p.w.Run(time.Minute)
		again := p.a.send(p.b, "z", propagated)
		p.w.Run(time.Minute)
		p.a.expect(again, router.KindPropagated, "")
	})
}

// Without a node a propagated message fails at once. spec: lxmf §9.2
func TestNoNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 303, delay)
		id := a.send(b, "x", propagated)
		w.Run(time.Millisecond)
		a.expect(id, router.KindFailed, router.CodePropagationNone)
		if err := a.Sync(t.Context(), router.SyncOptions{}); err == nil {
			t.Error("fetching without a node begins")
		}
	})
}

// A message whose recipient is away goes through the node when its attempts are used up; forced to one way it fails.
// spec: lxmf §9.3
func TestFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 304)
		p.to[1](mem.Conditions{Loss: 1})
		one := p.a.send(p.b, "x", auto)
		two := p.a.send(p.b, "y", auto, func(o *router.Outbound) { o.Fallback = router.FallbackDirect })
		three := p.a.send(p.b, "z", func(o *router.Outbound) { o.Fallback = router.FallbackNever })
		p.w.Run(10 * time.Minute)
		p.a.expect(one, router.KindPropagated, "")
		if p.a.log.count(one, router.KindFallback) != 1 {
			t.Errorf("events: %s", p.a.log.kinds(one))
		}
		for _, id := range []rns.Hash{two, three} {
			if e := p.a.log.last(id); e.Kind != router.KindFailed || p.a.log.count(id, router.KindFallback) != 0 {
				t.Errorf("events: %s", p.a.log.kinds(id))
			}
		}
		p.to[1](delay)
		p.b.announce()
		if s := p.b.sync(router.SyncOptions{}); s.Stored+s.Duplicates != 1 {
			t.Errorf("fetched %+v", s)
		}
		p.w.Run(time.Minute)
		kept := 0
		for _, c := range p.b.inbox.contents() {
			if c == "x" {
				kept++
			}
		}
		if kept != 1 {
			t.Errorf("kept %d times", kept)
		}
	})
}

// A forced method that cannot carry the message is an error with the limit, not another method.
func TestForcedOpportunistic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 305, delay)
		id := a.send(b, text(400), opportunistic, func(o *router.Outbound) { o.Fallback = router.FallbackNever })
		w.Run(time.Second)
		a.expect(id, router.KindRejected, router.CodeTooLargeDirect)
		if e := a.log.last(id); e.Limit != lxmf.EncryptedPacketBudget || e.Total <= e.Limit {
			t.Errorf("%d of %d bytes", e.Total, e.Limit)
		}
		if other := a.send(b, text(400), opportunistic); true {
			w.Run(5 * time.Second)
			a.expect(other, router.KindDelivered, "")
		}
	})
}

// A message on its way through a node can be stopped at every stage, and the next one goes.
func TestCancelPropagated(t *testing.T) {
	for name, prepare := range map[string]func(*post) rns.Hash{
		"stamp": func(p *post) rns.Hash {
			p.f.info.StampCost = 26
			p.f.announce()
			return p.a.send(p.b, "x", propagated)
		},
		"path": func(p *post) rns.Hash {
			p.to[0](mem.Conditions{Loss: 1})
			if err := p.a.node.DropPath(p.w.t.Context(), p.f.dest.Addr()); err != nil {
				p.w.t.Fatal(err)
			}
			return p.a.send(p.b, "x", propagated)
		},
		"link": func(p *post) rns.Hash {
			p.to[0](mem.Conditions{Loss: 1})
			return p.a.send(p.b, "x", propagated)
		},
		"sending": func(p *post) rns.Hash {
			p.to[0](mem.Conditions{Delay: 20 * time.Millisecond, Bandwidth: 50_000})
			id := p.a.send(p.b, random(200_000), propagated)
			p.w.Run(4 * time.Second)
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t, 306)
				id := prepare(p)
				if name != "stamp" {
					p.w.Run(time.Second)
				}
				p.a.Cancel(id)
				p.w.Run(time.Second)
				p.a.expect(id, router.KindCancelled, router.CodeCancelled)
				if s, err := p.a.Snapshot(t.Context()); err != nil || len(s.Messages) != 0 {
					t.Errorf("left: %+v, %v", s.Messages, err)
				}
				p.to[0](delay)
				p.f.info.StampCost = 1
				p.f.announce()
				p.w.Run(time.Minute)
				next := p.a.send(p.b, "next", propagated)
				p.w.Run(time.Minute)
				p.a.expect(next, router.KindPropagated, "")
			})
		})
	}
}

// The sealed message and its stamp survive a restart: the node sees the same message, however often it is sent.
// spec: lxmf §5.5, §6.5
func TestSealedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 307)
		p.to[0](mem.Conditions{Loss: 1})
		m := p.a.message(p.b, "x")
		o := router.Outbound{Message: m, Method: lxmf.MethodPropagated}
		if err := p.a.Send(o); err != nil {
			t.Fatal(err)
		}
		p.w.Run(10 * time.Second)
		before, ok, err := p.a.state.Sealed(t.Context(), m.Hash)
		if !ok || err != nil {
			t.Fatal("the sealed message is not remembered", err)
		}
		p.a.stop()
		p.to[0](delay)
		p.a.start()
		if err := p.a.Send(o); err != nil {
			t.Fatal(err)
		}
		p.w.Run(time.Minute)
		p.a.expect(m.Hash, router.KindPropagated, "")
		if p.f.count() != 1 || string(p.f.stored[0]) != string(before.Stored) {
			t.Error("the node has another message")
		}
		if _, ok, _ := p.a.state.Sealed(t.Context(), m.Hash); ok {
			t.Error("the sealed message is kept after the end")
		}
	})
}
