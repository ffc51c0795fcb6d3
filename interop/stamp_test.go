package interop

import (
	"context"
	"testing"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// cost is the work asked for, in bits.
const cost = 8

// stamps: either side asks for work and discards what comes without.
func stamps(ctx context.Context, t *testing.T, l *lab) []string {
	defer l.freeOfCharge(ctx, t)
	for _, method := range []lxmf.Method{lxmf.MethodOpportunistic, lxmf.MethodDirect} {
		// The partner asks, but has not said so: our message is discarded there.
		l.askPartner(ctx, t, cost)
		refused := l.ours.message(l.lxmf, "", "without work")
		at := l.ours.outbound.mark()
		id := l.send(t, router.Outbound{Message: refused, Method: method})
		expect(ctx, t, &l.ours.outbound, at, func(e router.Event) bool { return e.ID == id && e.Kind == router.KindDelivered })
		// Once it has said so, we work.
		l.partnerSays(ctx, t, cost)
		paid := l.ours.message(l.lxmf, "", "with work")
		steps := l.deliver(ctx, t, router.Outbound{Message: paid, Method: method}, func(e peer.Event) {
			if !e.StampValid || e.StampValue == nil || *e.StampValue < cost {
				t.Errorf("our stamp was judged as %.400s", e.Raw)
			}
		})
		if !has(steps, router.KindStampStart) || !has(steps, router.KindStampDone) {
			t.Errorf("no work in the steps: %s", kinds(steps))
		}
		for _, e := range l.peer.Events("message", 0) {
			if e.Hash == id.Hex() {
				t.Error("the partner took a message without work")
			}
		}
		l.weAsk(ctx, t, cost)
		l.takeStamped(ctx, t, method)
		l.freeOfCharge(ctx, t)
	}
	return nil
}

// takeStamped takes a message with work, after one with a worthless stamp that must not arrive.
func (l *lab) takeStamped(ctx context.Context, t *testing.T, method lxmf.Method) {
	t.Helper()
	bad := l.theySend(ctx, t, peer.Args{"method": method.String(), "content": "worthless stamp", "tamper": "stamp"})
	in := l.take(ctx, t, peer.Args{"method": method.String(), "content": "good stamp"})
	if in.Stamp != router.StampValid || in.StampValue < cost {
		t.Errorf("the partner's stamp is %v, worth %d", in.Stamp, in.StampValue)
	}
	if n := l.ours.inbox.count(func(m router.Inbound) bool { return m.Message.Hash.Hex() == bad.Hash }); n != 0 {
		t.Error("we took a message with a worthless stamp")
	}
}

// askPartner makes the partner ask for work, without a word.
func (l *lab) askPartner(ctx context.Context, t *testing.T, bits int) {
	t.Helper()
	args := peer.Args{"cost": nil, "enforce": bits > 0}
	if bits > 0 {
		args["cost"] = bits
	}
	l.call(ctx, t, "set_stamp_cost", args, nil)
}

// partnerSays announces what the partner asks for until we know.
func (l *lab) partnerSays(ctx context.Context, t *testing.T, bits int) {
	t.Helper()
	mark := l.ours.announces.mark()
	l.announceUntil(ctx, t, func() error { return l.peer.Call(ctx, "announce", nil, nil) }, func(ctx context.Context) error {
		_, err := l.ours.announces.wait(ctx, mark, func(a node.Announced) bool {
			info, err := lxmf.ParseDeliveryInfo(a.AppData)
			return err == nil && a.Destination == l.lxmf && info.StampCost == bits
		})
		return err
	})
	if err := l.ours.node.Quiesce(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := l.ours.router.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Costs {
		if c.Destination == l.lxmf && c.Cost != bits {
			t.Errorf("our router believes in a cost of %d, want %d", c.Cost, bits)
		}
	}
}

// weAsk makes us ask for work, until the partner knows.
func (l *lab) weAsk(ctx context.Context, t *testing.T, bits int) {
	t.Helper()
	l.ours.stampCost.Store(int64(bits))
	l.ours.enforceStamps.Store(bits > 0)
	mark := l.peer.Mark()
	l.announceUntil(ctx, t, func() error { return l.ours.router.Announce(ctx) }, func(ctx context.Context) error {
		_, err := l.peer.Wait(ctx, "announce", mark, func(e peer.Event) bool {
			said := 0
			if e.StampCost != nil {
				said = *e.StampCost
			}
			return e.Hash == l.ours.router.Address().Hex() && said == bits
		})
		return err
	})
}

// freeOfCharge ends all that.
func (l *lab) freeOfCharge(ctx context.Context, t *testing.T) {
	t.Helper()
	l.askPartner(ctx, t, 0)
	l.partnerSays(ctx, t, 0)
	l.weAsk(ctx, t, 0)
}

// tickets: a ticket from either side saves the other the work.
func tickets(ctx context.Context, t *testing.T, l *lab) []string {
	defer l.freeOfCharge(ctx, t)
	l.askPartner(ctx, t, cost)
	l.partnerSays(ctx, t, cost)
	l.weAsk(ctx, t, cost)

	gift := l.ours.message(l.lxmf, "", "a ticket for you")
	l.deliver(ctx, t, router.Outbound{Message: gift, Method: lxmf.MethodDirect, TicketWanted: true}, func(e peer.Event) {
		if !e.TicketReceived {
			t.Error("our ticket did not arrive")
		}
	})
	in := l.take(ctx, t, peer.Args{"method": "direct", "content": "a ticket back", "include_ticket": true})
	if in.Stamp != router.StampTicket {
		t.Errorf("the partner's message by ticket has stamp %v", in.Stamp)
	}
	if _, ok := in.Message.Fields.Ticket(); !ok {
		t.Error("the partner's ticket did not arrive")
	}
	for _, method := range []lxmf.Method{lxmf.MethodOpportunistic, lxmf.MethodDirect} {
		steps := l.deliver(ctx, t, router.Outbound{Message: l.ours.message(l.lxmf, "", "by ticket"), Method: method}, func(e peer.Event) {
			if e.StampValue == nil || *e.StampValue != lxmf.TicketStampValue || !e.StampValid {
				t.Errorf("our ticket was judged as %.400s", e.Raw)
			}
		})
		if has(steps, router.KindStampStart) {
			t.Errorf("worked in spite of the ticket: %s", kinds(steps))
		}
		if in := l.take(ctx, t, peer.Args{"method": method.String(), "content": "by ticket"}); in.Stamp != router.StampTicket {
			t.Errorf("the partner's message by ticket has stamp %v", in.Stamp)
		}
	}
	return nil
}
