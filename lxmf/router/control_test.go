package router_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
)

// A message can be stopped at every stage, and the next one goes.
func TestCancel(t *testing.T) {
	dead := mem.Conditions{Loss: 1}
	for _, c := range []struct {
		stage   router.Stage
		prepare func(w *world, a, b *user, cut func(mem.Conditions)) rns.Hash
	}{
		{router.StageHeard, func(w *world, a, b *user, _ func(mem.Conditions)) rns.Hash { return a.send(b, "x", waitHeard) }},
		{router.StageStamp, func(w *world, a, b *user, _ func(mem.Conditions)) rns.Hash {
			b.conf.StampCost = nil
			id := a.send(b, "x")
			return id
		}},
		{router.StagePath, func(w *world, a, b *user, cut func(mem.Conditions)) rns.Hash {
			cut(dead)
			if err := a.node.DropPath(w.t.Context(), b.Address()); err != nil {
				w.t.Fatal(err)
			}
			return a.send(b, "x")
		}},
		{router.StageLink, func(w *world, a, b *user, cut func(mem.Conditions)) rns.Hash {
			cut(dead)
			return a.send(b, "x")
		}},
		{router.StageSending, func(w *world, a, b *user, cut func(mem.Conditions)) rns.Hash {
			cut(mem.Conditions{Delay: 20 * time.Millisecond, Bandwidth: 100_000})
			id := a.send(b, random(200_000))
			w.Run(2 * time.Second)
			return id
		}},
		{router.StageSending, func(w *world, a, b *user, cut func(mem.Conditions)) rns.Hash {
			cut(dead)
			return a.send(b, "x", opportunistic)
		}},
		{router.StageRetry, func(w *world, a, b *user, cut func(mem.Conditions)) rns.Hash {
			cut(dead)
			id := a.send(b, "x")
			for a.log.last(id).Kind != router.KindRetryAt {
				w.Run(time.Second / 2)
			}
			return id
		}},
	} {
		t.Run(c.stage.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var change []func(*router.Config)
				if c.stage == router.StageStamp {
					change = append(change, asking(26))
				}
				w, a, b, cable := pair(t, 60, delay, change...)
				id := c.prepare(w, a, b, cable.A.SetConditions)
				s, err := a.Snapshot(t.Context())
				if err != nil || len(s.Messages) != 1 || s.Messages[0].Stage != c.stage {
					t.Fatalf("queue: %+v, %v\n%s", s.Messages, err, a.log.dump(id))
				}
				a.Cancel(id)
				a.Cancel(id)
				w.Run(time.Second)
				a.expect(id, router.KindCancelled, router.CodeCancelled)
				if s, err := a.Snapshot(t.Context()); err != nil || len(s.Messages) != 0 {
					t.Errorf("left: %+v, %v", s.Messages, err)
				}
				cable.A.SetConditions(delay)
				if c.stage == router.StageStamp {
					return
				}
				next := a.send(b, "next")
				w.Run(2 * time.Minute)
				a.expect(next, router.KindDelivered, "")
				if got := b.inbox.contents(); len(got) != 1 || got[0] != "next" {
					t.Errorf("received %d messages", len(got))
				}
			})
		})
	}
}

// A packet cannot be recalled: its proof counts even after the message was cancelled. spec: lxmf §9.3
func TestProofAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 61, mem.Conditions{Delay: time.Second})
		id := a.send(b, "x", opportunistic)
		w.Run(time.Millisecond)
		a.Cancel(id)
		w.Run(5 * time.Second)
		if got := a.log.kinds(id); got != "queued sent cancelled delivered" {
			t.Errorf("events: %s", got)
		}
	})
}

// A message can wait until its recipient is heard.
func TestWaitHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 62, delay)
		id, forced := a.send(b, "later", waitHeard), a.send(b, "never mind", waitHeard, opportunistic)
		w.Run(time.Hour)
		a.expect(id, router.KindWaitingHeard, "")
		a.RetryNow(forced)
		w.Run(time.Second)
		a.expect(forced, router.KindDelivered, "")
		if got := a.log.kinds(forced); got != "queued waiting_heard retried sent delivered" {
			t.Errorf("events: %s", got)
		}
		// It is heard, but nothing reaches it: wait again.
		cable.A.SetConditions(mem.Conditions{Loss: 1})
		b.announce()
		w.Run(10 * time.Minute)
		if e := a.log.last(id); e.Kind != router.KindWaitingHeard || e.Code == "" {
			t.Errorf("after a round of attempts: %s", a.log.dump(id))
		}
		cable.A.SetConditions(delay)
		b.announce()
		w.Run(10 * time.Second)
		a.expect(id, router.KindDelivered, "")
	})
}

// An announce makes queued messages due at once. spec: lxmf §8.1
func TestAnnounceMakesDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 63, delay)
		cable.A.SetConditions(mem.Conditions{Loss: 1})
		id := a.send(b, "x")
		for a.log.last(id).Kind != router.KindRetryAt {
			w.Run(time.Second / 2)
		}
		cable.A.SetConditions(delay)
		w.Run(time.Second)
		before := a.node.Now()
		b.announce()
		w.Run(time.Second)
		a.expect(id, router.KindDelivered, "")
		if took := a.log.last(id).At.Sub(before); took > time.Second {
			t.Errorf("left %v after the announce", took)
		}
	})
}

// RetryNow ends a pause and counts the attempts anew; the message is the same.
func TestRetryNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 64, delay)
		cable.A.SetConditions(mem.Conditions{Loss: 1})
		id := a.send(b, "x")
		w.Run(25 * time.Second)
		before := a.log.last(id).Attempt
		a.RetryNow(id)
		w.Settle()
		if e := a.log.last(id); before < 2 || e.Attempt != 1 {
			t.Errorf("attempt %d became %d", before, e.Attempt)
		}
		w.Run(5 * time.Minute)
		if a.log.last(id).Kind != router.KindFailed {
			t.Fatalf("did not fail\n%s", a.log.dump(id))
		}
		// Failed messages are submitted again by the application.
		cable.A.SetConditions(delay)
		b.announce()
		m := a.message(b, "y")
		m2 := *m
		for _, m := range []*lxmf.Message{m, &m2} { // twice is once
			if err := a.Send(router.Outbound{Message: m, Attempts: 3}); err != nil {
				t.Fatal(err)
			}
		}
		w.Run(10 * time.Second)
		a.expect(m.Hash, router.KindDelivered, "")
		if n := len(b.inbox.all()); n != 1 {
			t.Errorf("%d arrived", n)
		}
	})
}

// Messages handed in before Serve go when it runs; those left at the end can be submitted to the next router.
func TestBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 65, delay)
		cable.A.SetConditions(mem.Conditions{Loss: 1})
		m := a.message(b, "x")
		if err := a.Send(router.Outbound{Message: m}); err != nil {
			t.Fatal(err)
		}
		w.Run(time.Second)
		a.stop()
		if err := a.Send(router.Outbound{Message: m}); !errors.Is(err, router.ErrClosed) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("send after the end: %v", err)
		}
		if err := a.Announce(t.Context()); !errors.Is(err, router.ErrClosed) {
			t.Errorf("announce after the end: %v", err)
		}
		if _, err := a.Snapshot(t.Context()); !errors.Is(err, router.ErrClosed) {
			t.Errorf("snapshot after the end: %v", err)
		}
		if err := a.Serve(t.Context()); !errors.Is(err, router.ErrServed) {
			t.Errorf("serve again: %v", err)
		}
		if k := a.log.last(m.Hash).Kind; k.Final() {
			t.Errorf("the end made the message %s", k)
		}
		cable.A.SetConditions(delay)
		r, err := router.New(a.conf)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Send(router.Outbound{Message: m, Attempts: 1}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Serve(ctx) }()
		w.Run(10 * time.Second)
		a.expect(m.Hash, router.KindDelivered, "")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// The author of a message is not known: it is kept with that remark, and can be verified when the author was heard.
// spec: lxmf §3.4
func TestUnknownAuthor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 66)
		x, y := w.Node("a"), w.Node("b")
		w.Connect(x, y, delay)
		a, b := w.user(x), w.user(y)
		b.announce()
		loose := a.send(b, "who am I", opportunistic)
		w.Run(time.Second)
		a.expect(loose, router.KindDelivered, "")
		in := b.inbox.all()
		if len(in) != 1 || in[0].Unverified != lxmf.SourceUnknown {
			t.Fatalf("received %+v", in)
		}
		w.Run(10 * time.Second) // the path request brings the announce
		if why := b.Verify(t.Context(), in[0].Message); why != 0 {
			t.Errorf("still %v", why)
		}
		forged := a.message(b, "not from me")
		forged.Signature[3]++
		if err := a.Send(router.Outbound{Message: forged}); err != nil {
			t.Fatal(err)
		}
		w.Run(10 * time.Second)
		if in := b.inbox.all(); len(in) != 2 || in[1].Unverified != lxmf.SignatureInvalid {
			t.Errorf("received %+v", in)
		}
	})
}

// What announces say. spec: lxmf §8.1
func TestAnnounceData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 67, delay, asking(12))
		known, err := a.node.Recall(t.Context(), b.Address())
		if err != nil {
			t.Fatal(err)
		}
		info, err := lxmf.ParseDeliveryInfo(known.AppData)
		if err != nil || info.Name != "user" || info.StampCost != 12 || info.Compression != lxmf.SupportYes {
			t.Errorf("announced %+v, %v", info, err)
		}
		w.Settle()
	})
}
