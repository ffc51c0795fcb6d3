package router_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/iface/mem"
)

func asking(cost int) func(*router.Config) {
	return func(c *router.Config) {
		c.StampCost = func() int { return cost }
		c.EnforceStamps = func() bool { return true }
	}
}

// Both ask for stamps and refuse messages without. spec: lxmf §6
func TestStamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 40)
		x, y := w.Node("a"), w.Node("b")
		w.Connect(x, y, delay)
		a, b := w.user(x, asking(8)), w.user(y, asking(8))
		a.announce()
		b.announce()
		for _, form := range []struct {
			from, to *user
			change   func(*router.Outbound)
			size     int
		}{{a, b, opportunistic, 10}, {b, a, func(*router.Outbound) {}, 10}, {a, b, func(*router.Outbound) {}, 5000}} {
			id := form.from.send(form.to, random(form.size), form.change)
			w.Run(10 * time.Second)
			form.from.expect(id, router.KindDelivered, "")
			in := form.to.inbox.all()
			if m := in[len(in)-1]; m.Message.Hash != id || m.Stamp != router.StampValid || m.StampValue < 8 {
				t.Errorf("received with stamp %v of %d bits", m.Stamp, m.StampValue)
			}
			if n := form.from.log.count(id, router.KindStampDone); n != 1 {
				t.Errorf("%d stamps\n%s", n, form.from.log.dump(id))
			}
		}
	})
}

// A stamp makes a message longer, and that can change how it goes. spec: lxmf §5.2, §19
func TestStampChangesForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 41, delay, asking(2))
		id := a.send(b, text(270), opportunistic)
		w.Run(5 * time.Second)
		a.expect(id, router.KindDelivered, "")
		if got := a.log.last(id).Method; got != lxmf.MethodDirect {
			t.Errorf("went %v", got)
		}
	})
}

// A message that was never stamped is proved and discarded where stamps are enforced, flagged where not. spec: lxmf §6.4
func TestMissingStamp(t *testing.T) {
	for _, enforced := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var cost atomic.Int64
			w, a, b, _ := pair(t, 42, delay, func(c *router.Config) {
				c.StampCost = func() int { return int(cost.Load()) }
				c.EnforceStamps = func() bool { return enforced }
			})
			cost.Store(8) // nobody has heard of it yet
			id := a.send(b, "hello")
			w.Run(5 * time.Second)
			a.expect(id, router.KindDelivered, "")
			in := b.inbox.all()
			switch {
			case enforced && len(in) != 0:
				t.Error("a message without stamp was kept")
			case !enforced && (len(in) != 1 || in[0].Stamp != router.StampInvalid):
				t.Errorf("received %+v", in)
			}
		})
	}
}

// A cost nobody would pay is not paid. spec: lxmf §19
func TestStampTooDear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 43, delay, asking(40))
		id := a.send(b, "hello")
		w.Run(5 * time.Second)
		a.expect(id, router.KindFailed, router.CodeStampRequired)
		if router.CodeStampRequired.Permanent() {
			t.Error("a cost may be lowered again")
		}
	})
}

// A cost heard while a message waits is paid before the message leaves; costs survive a restart. spec: lxmf §8.1
func TestCostIsHeardLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cost atomic.Int64
		w, a, b, cable := pair(t, 44, delay, func(c *router.Config) {
			c.StampCost = func() int { return int(cost.Load()) }
			c.EnforceStamps = func() bool { return true }
		})
		cable.A.SetConditions(mem.Conditions{Loss: 1})
		id := a.send(b, "hello")
		w.Run(5 * time.Second)
		cost.Store(4)
		cable.A.SetConditions(delay)
		b.announce()
		w.Run(time.Minute)
		a.expect(id, router.KindDelivered, "")
		if got := b.inbox.all(); len(got) != 1 || got[0].Stamp != router.StampValid {
			t.Errorf("received %+v", got)
		}
		w.Run(5 * time.Second)
		a.stop()
		a.start()
		id = a.send(b, "again")
		w.Run(5 * time.Second)
		if a.log.count(id, router.KindStampDone) != 1 {
			t.Errorf("the cost is forgotten\n%s", a.log.dump(id))
		}
	})
}

// Who holds a ticket need not work, in either direction and after a restart. spec: lxmf §7
func TestTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 45)
		x, y := w.Node("a"), w.Node("b")
		w.Connect(x, y, delay)
		a, b := w.user(x, asking(8)), w.user(y, asking(8))
		a.announce()
		b.announce()
		ticket, due, err := a.Ticket(t.Context(), b.Address())
		if err != nil || !due {
			t.Fatalf("ticket: %v, due %v", err, due)
		}
		m := lxmf.New(b.Address(), a.Address(), a.node.Now(), nil, []byte("have a ticket"))
		m.Fields.SetTicket(ticket)
		m.Sign(a.id)
		if err := a.Send(router.Outbound{Message: m}); err != nil {
			t.Fatal(err)
		}
		w.Run(5 * time.Second)
		a.expect(m.Hash, router.KindDelivered, "")
		if _, due, err := a.Ticket(t.Context(), b.Address()); due || err != nil {
			t.Errorf("another ticket is due on the same day, %v", err)
		}
		for range 2 {
			id := b.send(a, "thanks")
			w.Run(5 * time.Second)
			b.expect(id, router.KindDelivered, "")
			if b.log.count(id, router.KindStampStart) != 0 {
				t.Errorf("worked in spite of a ticket\n%s", b.log.dump(id))
			}
			in := a.inbox.all()
			if m := in[len(in)-1]; m.Stamp != router.StampTicket || m.StampValue != lxmf.TicketStampValue {
				t.Errorf("received with stamp %v of %d", m.Stamp, m.StampValue)
			}
			a.stop()
			b.stop()
			a.start()
			b.start()
		}
		w.Run(25 * time.Hour)
		again, due, err := a.Ticket(t.Context(), b.Address())
		if err != nil || !due || again != ticket {
			t.Errorf("next day: %v due %v, %v", again, due, err)
		}
		w.Run(8 * 24 * time.Hour)
		if renewed, due, err := a.Ticket(t.Context(), b.Address()); err != nil || !due || renewed == ticket {
			t.Errorf("the ticket is given again shortly before it ends, %v", err)
		}
	})
}

// A message that is not signed yet takes its ticket from Send.
func TestTicketWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 46, delay)
		m := lxmf.New(b.Address(), a.Address(), a.node.Now(), nil, []byte("hello"))
		if err := a.Send(router.Outbound{Message: m, TicketWanted: true}); err != nil {
			t.Fatal(err)
		}
		w.Run(5 * time.Second)
		a.expect(m.Hash, router.KindDelivered, "")
		s, err := b.Snapshot(t.Context())
		if err != nil || len(s.Tickets) != 1 {
			t.Errorf("tickets: %+v, %v", s.Tickets, err)
		}
	})
}

// A flood of stamps costs a bounded amount of work: those over the quota are not proved, and their sender comes back.
func TestStampQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := router.DefaultParams()
		p.StampQuota = 3
		w, a, b, _ := pair(t, 47, delay, asking(1), func(c *router.Config) { c.Params = p })
		for range 6 {
			a.send(b, "hello")
		}
		w.Run(2 * time.Second)
		if n := len(b.inbox.all()); n != 3 {
			t.Errorf("%d messages were checked at once", n)
		}
		w.Run(5 * time.Minute)
		if n := len(b.inbox.all()); n != 6 {
			t.Errorf("%d messages arrived in the end", n)
		}
	})
}
