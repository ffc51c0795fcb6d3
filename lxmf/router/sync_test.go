package router_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/iface/mem"
)

// fill puts messages from a to b on the node.
func (p *post) fill(n, size int) {
	p.w.t.Helper()
	for i := range n {
		p.a.send(p.b, fmt.Sprintf("%d %s", i, random(size)), propagated)
	}
	for range 60 {
		if p.f.count() == n {
			return
		}
		p.w.Run(5 * time.Second)
	}
	p.w.t.Fatalf("%d of %d messages on the node", p.f.count(), n)
}

// Every stage of fetching is told. spec: lxmf §11.6
func TestSyncStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 310)
		p.fill(3, 30_000)
		if err := p.b.node.DropPath(t.Context(), p.f.dest.Addr()); err != nil {
			t.Fatal(err)
		}
		p.to[1](mem.Conditions{Delay: 50 * time.Millisecond, Bandwidth: 100_000})
		if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncComplete || s.Stored != 3 || s.Percent != 100 {
			t.Errorf("fetched %+v", s)
		}
		want := []router.SyncState{
			router.SyncPathRequested, router.SyncLinkEstablishing, router.SyncLinkEstablished, router.SyncRequestSent,
			router.SyncReceiving, router.SyncResponseReceived, router.SyncComplete,
		}
		if d := cmp.Diff(want, p.bn.states()); d != "" {
			t.Error(d)
		}
	})
}

// Every way to fail has its own state. spec: lxmf §11.6
func TestSyncFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*post)
		want    router.SyncState
	}{
		{"no path", func(p *post) {
			p.to[1](mem.Conditions{Loss: 1})
			_ = p.b.node.DropPath(p.w.t.Context(), p.f.dest.Addr())
		}, router.SyncNoPath},
		{"no link", func(p *post) { p.to[1](mem.Conditions{Loss: 1}) }, router.SyncLinkFailed},
		{"no identity", func(p *post) { p.f.error = lxmf.ErrorNoIdentity }, router.SyncNoIdentity},
		{"no access", func(p *post) { p.f.error = lxmf.ErrorNoAccess }, router.SyncNoAccess},
		{"throttled", func(p *post) { p.f.error = lxmf.ErrorThrottled }, router.SyncFailed},
		{"no answer", func(p *post) { p.f.deaf = true }, router.SyncTransferFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t, 311)
				c.prepare(p)
				if s := p.b.sync(router.SyncOptions{}); s.State != c.want || !s.State.Failed() || s.Ended.IsZero() {
					t.Errorf("fetched %+v", s)
				}
				p.f.set(func(f *fakeNode) { f.error, f.deaf = 0, false })
				p.to[1](delay)
				p.f.announce()
				if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncComplete {
					t.Errorf("fetched again %+v", s)
				}
			})
		})
	}
}

// A link that breaks in the middle of an answer is a failure of the transfer; the next fetch gets everything.
func TestSyncBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 312)
		p.fill(3, 60_000)
		p.to[1](mem.Conditions{Delay: 20 * time.Millisecond, Bandwidth: 20_000})
		if err := p.b.Sync(t.Context(), router.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		p.w.Run(10 * time.Second)
		p.to[1](mem.Conditions{Loss: 1})
		if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncTransferFailed {
			t.Errorf("ended %+v", s)
		}
		p.to[1](delay)
		p.f.announce()
		if s := p.b.sync(router.SyncOptions{}); s.Stored != 3 || p.f.count() != 0 {
			t.Errorf("fetched %+v", s)
		}
	})
}

// Limits bound what is fetched; the rest is counted, and fetched in further rounds where only the size of an answer is bounded.
func TestSyncLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 313)
		p.fill(5, 2_000)
		if s := p.b.sync(router.SyncOptions{Max: 2}); s.Stored != 2 || s.Left != 3 || s.State != router.SyncComplete {
			t.Errorf("at most two: %+v", s)
		}
		p.w.Run(time.Second)
		if s := p.b.sync(router.SyncOptions{Limit: 3_000}); s.Stored != 3 || s.Left != 0 || s.Listed != 3 {
			t.Errorf("one at a time: %+v", s)
		}
		p.w.Run(time.Second)
		if p.f.count() != 0 || len(p.b.inbox.all()) != 5 {
			t.Errorf("%d on the node, %d received", p.f.count(), len(p.b.inbox.all()))
		}
	})
}

// Only what is stored is deleted on the node.
func TestSyncStoresFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 314)
		p.fill(3, 100)
		p.b.inbox.failNext(2)
		s := p.b.sync(router.SyncOptions{})
		p.w.Run(time.Second)
		if s.Stored+s.Unstored < 3 || s.Unstored != 2 {
			t.Errorf("fetched %+v", s)
		}
		if len(p.b.inbox.all())+p.f.count() < 3 {
			t.Fatalf("%d stored, %d on the node", len(p.b.inbox.all()), p.f.count())
		}
		p.b.inbox.failNext(0)
		p.b.sync(router.SyncOptions{})
		p.w.Run(time.Second)
		if len(p.b.inbox.all()) != 3 || p.f.count() != 0 {
			t.Errorf("%d stored, %d on the node", len(p.b.inbox.all()), p.f.count())
		}
	})
}

// Messages can stay on the node; they are not fetched again. What came by another way before is a duplicate.
func TestSyncLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 315)
		p.b.stop()
		p.b.conf.LeaveOnNode = func() bool { return true }
		p.b.start()
		p.fill(2, 100)
		for i := range 2 {
			if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncComplete || s.Stored != 2-2*i || s.Left != 2 {
				t.Errorf("fetched %+v", s)
			}
			p.w.Run(3 * time.Second)
		}
		if p.f.count() != 2 || len(p.b.inbox.all()) != 2 {
			t.Errorf("%d on the node, %d received", p.f.count(), len(p.b.inbox.all()))
		}
		p.b.stop()
		p.b.conf.LeaveOnNode = nil
		p.b.start()
		if s := p.b.sync(router.SyncOptions{}); s.State != router.SyncComplete || s.Stored != 0 {
			t.Errorf("fetched %+v", s)
		}
		p.w.Run(time.Second)
		if p.f.count() != 0 {
			t.Error("known messages stay on the node")
		}
	})
}

// A message that came directly and through the node is kept once. spec: lxmf §19 pitfall 14
func TestSyncDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 316)
		m := p.a.message(p.b, "x")
		for _, by := range []lxmf.Method{lxmf.MethodPropagated, lxmf.MethodDirect} {
			if err := p.a.Send(router.Outbound{Message: m, Method: by}); err != nil {
				t.Fatal(err)
			}
			p.w.Run(20 * time.Second)
		}
		if s := p.b.sync(router.SyncOptions{}); s.Duplicates != 1 || s.Stored != 0 {
			t.Errorf("fetched %+v", s)
		}
		p.w.Run(time.Second)
		if len(p.b.inbox.all()) != 1 || p.f.count() != 0 {
			t.Errorf("%d stored, %d on the node", len(p.b.inbox.all()), p.f.count())
		}
	})
}

// Fetching can be stopped at any stage, and begun again.
func TestCancelSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 317)
		p.fill(2, 60_000)
		p.to[1](mem.Conditions{Delay: 100 * time.Millisecond, Bandwidth: 50_000})
		for i := range 12 {
			if err := p.b.Sync(t.Context(), router.SyncOptions{}); err != nil {
				t.Fatal(err)
			}
			p.w.Run(time.Duration(i) * 150 * time.Millisecond)
			p.b.CancelSync()
			synctest.Wait()
			if s, err := p.b.SyncStatus(t.Context()); err != nil || s.State != router.SyncIdle || s.Code != router.CodeCancelled {
				t.Fatalf("after %d: %+v, %v", i, s, err)
			}
		}
		p.to[1](delay)
		p.f.announce()
		if s := p.b.sync(router.SyncOptions{}); s.Stored != 2 {
			t.Errorf("fetched %+v", s)
		}
	})
}

// Fetching happens by itself at an interval, not exactly.
func TestSyncInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, 318)
		p.b.SyncEvery(time.Hour)
		p.fill(1, 100)
		p.w.Run(50 * time.Minute)
		if n := len(p.b.inbox.all()); n != 0 {
			t.Fatalf("%d messages too early", n)
		}
		p.w.Run(20 * time.Minute)
		if n := len(p.b.inbox.all()); n != 1 {
			t.Fatalf("%d messages", n)
		}
		p.b.SyncEvery(0)
		p.w.Run(time.Second)
		before := len(p.f.gets)
		p.w.Run(5 * time.Hour)
		if len(p.f.gets) != before {
			t.Error("fetching goes on")
		}
	})
}
