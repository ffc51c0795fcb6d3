package router_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/rnstest"
)

// A silent recipient is tried five times, and messages to it share the attempts. spec: lxmf §9.3
func TestSilentRecipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 20, delay)
		silent := delay
		silent.Loss = 1
		cable.A.SetConditions(silent)
		cable.A.Record()
		direct, second, loose := a.send(b, "one"), a.send(b, text(1000)), a.send(b, "two", opportunistic)
		w.Run(5 * time.Minute)
		// The path is given up with the links that nobody answers, and nobody answers for it either.
		for _, id := range []rns.Hash{direct, second, loose} {
			if e := a.log.last(id); e.Kind != router.KindFailed || e.Code != router.CodeNoPath && e.Code != router.CodeLinkTimeout {
				t.Errorf("ended %s %s\n%s", e.Kind, e.Code, a.log.dump(id))
			}
			if n := a.log.count(id, router.KindAttemptFailed); n != 5 {
				t.Errorf("%d failed attempts\n%s", n, a.log.dump(id))
			}
		}
		if one, two := a.log.kinds(direct), a.log.kinds(second); one != two {
			t.Errorf("they do not share their attempts:\n%s\n%s", one, two)
		}
		if n := len(cable.A.Drain()); n > 30 {
			t.Errorf("%d frames for a silent recipient", n)
		}
	})
}

// Nobody has heard of the recipient. spec: lxmf §9.2
func TestUnknownRecipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 21)
		x, y := w.Node("a"), w.Node("b")
		w.Connect(x, y, delay)
		a := w.user(x)
		stranger := &user{Router: mustRouter(t, router.Config{Node: y.Node, Identity: w.Identity(5), Inbox: new(inbox)}), world: w}
		direct, loose := a.send(stranger, "one"), a.send(stranger, "two", opportunistic)
		w.Run(time.Second)
		if s, err := a.Snapshot(t.Context()); err != nil || len(s.Messages) != 2 || s.Messages[0].Stage != router.StagePath {
			t.Errorf("queue: %+v, %v", s.Messages, err)
		}
		w.Run(2 * time.Minute)
		a.expect(direct, router.KindFailed, router.CodeNoIdentity)
		a.expect(loose, router.KindFailed, router.CodeNoIdentity)
		if n := a.log.count(direct, router.KindPathRequest); n < 4 || n > 6 {
			t.Errorf("%d path requests\n%s", n, a.log.dump(direct))
		}
	})
}

func mustRouter(t *testing.T, c router.Config) *router.Router {
	t.Helper()
	r, err := router.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Without any interface a message waits, and goes as soon as one is there.
func TestOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 22, delay)
		cable.Cut()
		w.Settle()
		direct, loose := a.send(b, "one"), a.send(b, "two", opportunistic)
		w.Run(time.Hour)
		for _, id := range []rns.Hash{direct, loose} {
			a.expect(id, router.KindRetryAt, router.CodeNoInterface)
			if n := a.log.count(id, router.KindAttemptFailed); n != 1 {
				t.Errorf("said %d times that there is no interface", n)
			}
		}
		w.Connect(a.node, b.node, delay)
		b.announce()
		w.Run(10 * time.Second)
		a.expect(direct, router.KindDelivered, "")
		a.expect(loose, router.KindDelivered, "")
	})
}

// The link is cut in the middle of a transfer: it starts over in the same form. spec: lxmf §9.3
func TestCutInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := delay
		slow.Bandwidth = 800_000
		w, a, b, cable := pair(t, 23, slow)
		id := a.send(b, random(300_000))
		w.Run(2 * time.Second)
		if e := a.log.last(id); e.Kind != router.KindProgress || e.Percent == 0 {
			t.Fatalf("not under way: %s", a.log.dump(id))
		}
		cable.Cut()
		w.Run(3 * time.Second)
		if got := a.log.kinds(id); !strings.Contains(got, "progress attempt_failed") {
			t.Errorf("events: %s", got)
		}
		w.Connect(a.node, b.node, slow)
		b.announce()
		w.Run(30 * time.Second)
		a.expect(id, router.KindDelivered, "")
		if got := b.inbox.contents(); len(got) != 1 || got[0] != random(300_000) {
			t.Errorf("%d messages arrived", len(got))
		}
	})
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rnstest.Random(uint64(n)).Read(b)
	return string(b)
}

// The receiver restarts while messages are on their way.
func TestReceiverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 24, delay)
		first := a.send(b, "first")
		w.Run(time.Second)
		b.stop()
		node := b.node.Restart()
		b.conf.Node = node.Node
		second := a.send(b, "second")
		third := a.send(b, random(5000))
		w.Run(5 * time.Second)
		b.node = node
		w.Connect(a.node, node, delay)
		b.start()
		b.announce()
		w.Run(time.Minute)
		for _, id := range []rns.Hash{first, second, third} {
			a.expect(id, router.KindDelivered, "")
		}
		if got := b.inbox.all(); len(got) != 3 {
			t.Errorf("%d messages arrived", len(got))
		}
	})
}

// The receiver has a message, but its proofs are lost: it is repeated and kept once. spec: lxmf §9.3
func TestProofIsLost(t *testing.T) {
	for _, form := range []struct {
		name   string
		change func(*router.Outbound)
		size   int
	}{{"opportunistic", opportunistic, 10}, {"packet", func(*router.Outbound) {}, 10}, {"resource", func(*router.Outbound) {}, 2000}} {
		t.Run(form.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, a, b, cable := pair(t, 25, delay)
				b.inbox.fail = func(router.Inbound) error {
					deaf := delay
					deaf.Loss = 1
					cable.B.SetConditions(deaf) // from now on nothing comes back
					return nil
				}
				id := a.send(b, random(form.size), form.change)
				w.Run(8 * time.Second)
				if len(b.inbox.all()) != 1 || a.log.last(id).Kind == router.KindDelivered {
					t.Fatalf("not in the state of the test: %s", a.log.dump(id))
				}
				cable.B.SetConditions(delay)
				w.Run(3 * time.Minute)
				a.expect(id, router.KindDelivered, "")
				if got := b.inbox.all(); len(got) != 1 || b.inbox.called() != 1 {
					t.Errorf("%d copies arrived", len(got))
				}
			})
		})
	}
}

var errDisk = errors.New("disk does not answer")

// While the store fails no proof leaves; the sender tries again, and one copy arrives. spec: lxmf §9.6
func TestCommitFails(t *testing.T) {
	for _, form := range []struct {
		name   string
		change func(*router.Outbound)
		size   int
	}{{"opportunistic", opportunistic, 10}, {"packet", func(*router.Outbound) {}, 10}, {"resource", func(*router.Outbound) {}, 2000},
		{"spooled", func(*router.Outbound) {}, 2 << 20}} {
		t.Run(form.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, a, b, _ := pair(t, 26, delay)
				failures := 2
				b.inbox.fail = func(router.Inbound) error {
					if failures--; failures >= 0 {
						return errDisk
					}
					return nil
				}
				id := a.send(b, random(form.size), form.change)
				for b.inbox.called() == 0 {
					w.Run(10 * time.Millisecond)
				}
				w.Run(500 * time.Millisecond)
				if k := a.log.last(id).Kind; k == router.KindDelivered {
					t.Fatalf("proved what was not stored")
				}
				w.Run(3 * time.Minute)
				a.expect(id, router.KindDelivered, "")
				if got := b.inbox.all(); len(got) != 1 || string(got[0].Message.Content) != random(form.size) {
					t.Errorf("%d copies arrived", len(got))
				}
				if n := b.inbox.called(); n != 3 {
					t.Errorf("%d attempts to store", n)
				}
			})
		})
	}
}

// What policy refuses is proved and not kept. spec: lxmf §9.6
func TestDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ignored atomic.Value
		w, a, b, _ := pair(t, 27, delay, func(c *router.Config) {
			c.Ignored = func(source rns.Addr) bool { return source == ignored.Load() }
		})
		b.inbox.fail = func(m router.Inbound) error {
			if strings.HasPrefix(string(m.Message.Content), "spam") {
				return router.ErrDiscard
			}
			return nil
		}
		spam, loose, good := a.send(b, "spam"), a.send(b, "spam too", opportunistic), a.send(b, "ham")
		w.Run(5 * time.Second)
		ignored.Store(a.Address())
		unread := a.send(b, "nobody reads this")
		w.Run(5 * time.Second)
		for _, id := range []rns.Hash{spam, loose, good, unread} {
			a.expect(id, router.KindDelivered, "")
		}
		if got := b.inbox.contents(); len(got) != 1 || got[0] != "ham" || b.inbox.called() != 3 {
			t.Errorf("received %q in %d calls", got, b.inbox.called())
		}
	})
}

// Too large is refused before anything is transferred, and that is final. spec: lxmf §9.6
func TestSizeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 28, delay, func(c *router.Config) { c.DeliveryLimit = func() int64 { return 10_000 } })
		large, small := a.send(b, random(10_000)), a.send(b, random(9_000))
		w.Run(10 * time.Second)
		a.expect(large, router.KindRejected, router.CodeTooLargeDirect)
		a.expect(small, router.KindDelivered, "")
		if !router.CodeTooLargeDirect.Permanent() {
			t.Error("too large is called retryable")
		}
	})
}

// Lost packets cost time, not messages.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, cable := pair(t, 29, delay)
		lossy := mem.Conditions{Delay: 20 * time.Millisecond, Loss: 0.2, Seed: 29}
		cable.A.SetConditions(lossy)
		cable.B.SetConditions(lossy)
		var ids []rns.Hash
		for i := range 10 {
			ids = append(ids, a.send(b, fmt.Sprintf("direct %d", i)), a.send(b, fmt.Sprintf("any %d", i), auto))
		}
		ids = append(ids, a.send(b, random(50_000)), b.send(a, random(60_000)))
		w.Run(15 * time.Minute)
		for _, id := range ids[:21] {
			a.expect(id, router.KindDelivered, "")
		}
		b.expect(ids[21], router.KindDelivered, "")
		if n, m := len(b.inbox.all()), len(a.inbox.all()); n != 21 || m != 1 {
			t.Errorf("%d and %d arrived", n, m)
		}
	})
}

// There are no propagation nodes here yet: asking for one fails at once, by name. spec: lxmf §9.2
func TestPropagationFailsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 30, delay)
		id := a.send(b, "hello", func(o *router.Outbound) { o.Method = lxmf.MethodPropagated })
		w.Settle()
		a.expect(id, router.KindFailed, router.CodePropagationNone)
		if err := a.Send(router.Outbound{Message: a.message(b, "x"), Method: lxmf.MethodPaper}); !errors.Is(err, router.ErrMethod) {
			t.Errorf("paper: %v", err)
		}
		if err := a.Send(router.Outbound{Message: b.message(a, "x")}); !errors.Is(err, router.ErrSource) {
			t.Errorf("another author: %v", err)
		}
		if err := a.Send(router.Outbound{Message: a.message(a, "x")}); !errors.Is(err, router.ErrSelf) {
			t.Errorf("to oneself: %v", err)
		}
	})
}
