package router_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// policy is a policy that tests change.
type policy struct {
	mu       sync.Mutex
	rules    router.Rules
	relation map[rns.Addr]router.Relation
}

func (p *policy) Rules() *router.Rules {
	p.mu.Lock()
	defer p.mu.Unlock()
	rules := p.rules
	return &rules
}

func (p *policy) Relation(_ context.Context, source rns.Addr) (router.Relation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.relation[source]; ok {
		return r, nil
	}
	return router.RelationStranger, nil
}

func (p *policy) set(change func(*router.Rules)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.rules)
}

func with(p *policy) func(*router.Config) { return func(c *router.Config) { c.Policy = p } }

// A blocked peer costs us nothing: as soon as it says who it is the link is closed, what it offers on one is not taken, and what
// arrives is neither verified nor stored. It learns nothing from messages, and is heard again when the block is lifted.
func TestBlockedCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(policy)
		w, a, b, _ := pair(t, 310, delay, with(p))
		first := a.send(b, "hello")
		w.Run(5 * time.Second)
		a.expect(first, router.KindDelivered, "") // and a has told b on the link who it is
		peers := make(router.Peers)
		peers.Add(rns.Addr{}, a.id.Hash()) // by identity: all that it owns
		p.set(func(r *router.Rules) { r.Blocked = peers })
		large := a.send(b, random(50_000))
		w.Run(5 * time.Second)
		a.expect(large, router.KindRejected, router.CodeTooLargeDirect)
		small, loose := a.send(b, "hello?"), a.send(b, "hello??", opportunistic)
		w.Run(5 * time.Second)
		a.expect(small, router.KindDelivered, "")
		a.expect(loose, router.KindDelivered, "")
		if got := b.inbox.called(); got != 1 {
			t.Errorf("the inbox was asked %d times", got)
		}
		if got := b.Refused(); got[router.CauseBlocked] != 3 || len(got) != 1 {
			t.Errorf("refused %v", got)
		}
		p.set(func(r *router.Rules) { r.Blocked = nil })
		again := a.send(b, "and now?")
		w.Run(5 * time.Second)
		a.expect(again, router.KindDelivered, "")
		if got := b.inbox.contents(); len(got) != 2 {
			t.Errorf("received %q", got)
		}
	})
}

// A link is closed when its peer proves to be somebody blocked, before anything is received on it.
func TestBlockedLinkIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(policy)
		peers := make(router.Peers)
		p.set(func(r *router.Rules) { r.Blocked = peers })
		w, a, b, _ := pair(t, 311, delay, with(p))
		peers.Add(a.Address(), rns.Addr{}) // by address alone, as when no announce was heard yet
		id := a.send(b, "hello")
		w.Run(5 * time.Second)
		a.expect(id, router.KindDelivered, "")
		if got := b.Refused()[router.CauseBlocked]; got != 2 { // the message, and the link once a says who it is
			t.Errorf("refused %d times", got)
		}
		s, err := b.Snapshot(t.Context())
		if err != nil || len(s.Links) != 0 {
			t.Errorf("links %+v, %v", s.Links, err)
		}
		if len(b.inbox.all()) != 0 {
			t.Error("something was stored")
		}
	})
}

// While many strangers write they are asked for work, in announces too; messages without it are not proved, so that they are
// sent again with it. Afterwards it is taken back, step by step. Friends notice nothing. spec: lxmf §6.3, §6.4
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &policy{relation: make(map[rns.Addr]router.Relation)}
		var mu sync.Mutex
		var told []router.FloodState
		w := newWorld(t, 312)
		hub := w.Node("b")
		b := w.user(hub, with(p), func(c *router.Config) {
			c.FloodLimit = func() int { return 10 }
			c.OnFlood = func(s router.FloodState) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, s)
			}
		})
		flood := w.Node("flood")
		w.Connect(flood, hub, delay)
		b.announce()
		friend := w.user(flood)
		friend.announce()
		p.relation[friend.Address()] = router.RelationKnown
		var strangers []*user
		for range 12 {
			strangers = append(strangers, w.user(flood))
		}
		for _, s := range strangers {
			s.announce()
			s.send(b, "buy", opportunistic)
			w.Run(100 * time.Millisecond)
		}
		if cost, state := b.Asked(); cost != 8 || state.Level != 1 {
			t.Fatalf("asks for %d bits, %+v; %d arrived", cost, state, len(b.inbox.all()))
		}
		before := len(b.inbox.all())
		late := strangers[0].send(b, "buy more", opportunistic)
		known := friend.send(b, "hello", opportunistic)
		w.Run(5 * time.Second)
		friend.expect(known, router.KindDelivered, "")
		if got := len(b.inbox.all()); got != before+1 || b.Refused()[router.CauseFlood] == 0 {
			t.Errorf("%d messages more, refused %v", got-before, b.Refused())
		}
		b.announce() // as the application does when it is told
		w.Run(2 * time.Minute)
		strangers[0].expect(late, router.KindDelivered, "")
		in := b.inbox.all()
		if last := in[len(in)-1]; last.Stamp != router.StampValid || last.StampValue < 8 {
			t.Errorf("stamp %v of %d", last.Stamp, last.StampValue)
		}
		w.Run(time.Hour)
		if cost, state := b.Asked(); cost != 0 || state.Level != 0 {
			t.Errorf("still asks for %d bits, %+v", cost, state)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(told) != 2 || told[0].Level != 1 || told[1].Level != 0 {
			t.Errorf("told %+v", told)
		}
	})
}

// What was asked for in a flood is still asked for after a restart.
func TestFloodIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 313)
		n := w.Node("n")
		u := w.user(n, func(c *router.Config) {
			c.StampCost = func() int { return 10 }
			c.Flood = router.FloodState{Level: 2, Since: n.Now()}
		})
		if cost, _ := u.Asked(); cost != 16 {
			t.Errorf("asks for %d bits", cost)
		}
		w.Run(30 * time.Minute)
		if cost, _ := u.Asked(); cost != 13 {
			t.Errorf("asks for %d bits after a while", cost)
		}
	})
}

// A paper message is decrypted, verified and stored once, whatever stamps are asked for; it is not taken by others, nor from a
// blocked author. spec: lxmf §5.6, §6.4
func TestReadPaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(policy)
		_, a, b, _ := pair(t, 314, delay, with(p), asking(20))
		m := a.message(b, "on paper")
		sealed, err := m.Seal(a.node.Random(), b.id.Public(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.ReadPaper(t.Context(), sealed)
		if err != nil || got.ID != m.Hash || got.Source != a.Address() || got.Known {
			t.Fatalf("%+v, %v", got, err)
		}
		in := b.inbox.all()
		if len(in) != 1 || in[0].Method != lxmf.MethodPaper || in[0].Unverified != 0 || in[0].Stamp != router.StampNotAsked {
			t.Errorf("received %+v", in)
		}
		if got, err := b.ReadPaper(t.Context(), sealed); err != nil || !got.Known || len(b.inbox.all()) != 1 {
			t.Errorf("again: %+v, %v", got, err)
		}
		var other *router.NotAddressed
		if _, err := a.ReadPaper(t.Context(), sealed); !errors.As(err, &other) || other.Destination != b.Address() || !errors.Is(err, router.ErrNotAddressed) {
			t.Errorf("another reader: %v", err)
		}
		damaged := append([]byte(nil), sealed...)
		damaged[60] ^= 1
		if _, err := b.ReadPaper(t.Context(), damaged); !errors.Is(err, rns.ErrNotDecrypted) {
			t.Errorf("damaged: %v", err)
		}
		if _, err := b.ReadPaper(t.Context(), sealed[:50]); !errors.Is(err, lxmf.ErrShort) {
			t.Errorf("short: %v", err)
		}
		peers := make(router.Peers)
		peers.Add(a.Address(), a.id.Hash())
		p.set(func(r *router.Rules) { r.Blocked = peers })
		second := a.message(b, "from a blocked author")
		if sealed, err = second.Seal(a.node.Random(), b.id.Public(), nil); err != nil {
			t.Fatal(err)
		}
		var refused *router.Refused
		if _, err := b.ReadPaper(t.Context(), sealed); !errors.As(err, &refused) || refused.Cause != router.CauseBlocked || !errors.Is(err, router.ErrRefused) {
			t.Errorf("blocked: %v", err)
		}
		b.inbox.fail = func(router.Inbound) error { return fmt.Errorf("no room") }
		p.set(func(r *router.Rules) { r.Blocked = nil })
		if _, err := b.ReadPaper(t.Context(), sealed); err == nil {
			t.Error("not stored, and no error")
		}
	})
}
