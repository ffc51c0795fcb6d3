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

// errDead is what a program that was killed gets to see.
var errDead = errors.New("the program is dead")

// mortal is what is durable of one user, and kills the user at a step: from then on nothing is durable any more.
type mortal struct {
	*router.MemoryState
	mu     sync.Mutex
	steps  int
	killAt int // 0 for never
	dead   bool
	kept   []router.Inbound
	events map[rns.Hash]router.Event // the last durable one
}

// step counts a durable write, and reports whether it happens.
func (m *mortal) step() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps++
	if m.killAt > 0 && m.steps == m.killAt {
		m.dead = true
	}
	return !m.dead
}

func (m *mortal) revive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead, m.killAt = false, 0
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// Receive keeps a message and its id in one transaction, as applications do.
func (m *mortal) Receive(ctx context.Context, in router.Inbound) error {
	if !m.step() {
		return errDead
	}
	m.mu.Lock()
	m.kept = append(m.kept, in)
	m.mu.Unlock()
	if err := m.MemoryState.PutDelivered(ctx, in.Received, in.Message.Hash); err != nil {
		return err
	}
	m.step() // a step after the commit
	return nil
}

func (m *mortal) event(e router.Event) {
	if e.Kind == router.KindProgress || e.Kind == router.KindStampProgress || !m.step() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events[e.ID] = e
}

func (m *mortal) last(id rns.Hash) router.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events[id]
}

func (m *mortal) PutStampCosts(ctx context.Context, c ...router.StampCost) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutStampCosts(ctx, c...)
}

func (m *mortal) PutTicket(ctx context.Context, t router.Ticket) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutTicket(ctx, t)
}

func (m *mortal) PutIssuedTicket(ctx context.Context, t router.Ticket) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutIssuedTicket(ctx, t)
}

func (m *mortal) PutTicketDelivery(ctx context.Context, peer rns.Addr, at time.Time) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutTicketDelivery(ctx, peer, at)
}

func (m *mortal) PutDelivered(ctx context.Context, at time.Time, ids ...rns.Hash) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutDelivered(ctx, at, ids...)
}

func (m *mortal) PutSealed(ctx context.Context, s router.Sealed) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutSealed(ctx, s)
}

func (m *mortal) DropSealed(ctx context.Context, ids ...rns.Hash) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.DropSealed(ctx, ids...)
}

func (m *mortal) PutNodes(ctx context.Context, n ...router.NodeRecord) error {
	if !m.step() {
		return errDead
	}
	return m.MemoryState.PutNodes(ctx, n...)
}

// Killed at any step and started again from what was durable, sender or recipient, no message is lost and none comes twice:
// direct, and through a propagation node.
func TestKilledAtEveryStep(t *testing.T) {
	for _, method := range []lxmf.Method{lxmf.MethodDirect, lxmf.MethodPropagated} {
		for who := range 2 {
			t.Run(fmt.Sprintf("%s, %s", method, []string{"sender", "recipient"}[who]), func(t *testing.T) {
				steps := 0
				synctest.Test(t, func(t *testing.T) { steps = exchange(t, method, who, 0) })
				if steps < 5 {
					t.Fatalf("only %d steps", steps)
				}
				for at := 1; at <= steps; at++ {
					synctest.Test(t, func(t *testing.T) {
						exchange(t, method, who, at)
						if t.Failed() {
							t.Errorf("killed at step %d of %d", at, steps)
						}
					})
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}

// exchange sends three messages, one of which brings a ticket, and kills a user at a step. It returns how many steps that user made.
func exchange(t *testing.T, method lxmf.Method, who, killAt int) int {
	p := newPost(t, 400)
	users := [2]*user{p.a, p.b}
	var lives [2]*mortal
	for i, u := range users {
		u.stop()
		m := &mortal{MemoryState: u.state, events: make(map[rns.Hash]router.Event)}
		lives[i] = m
		u.conf.State, u.conf.Inbox, u.conf.Events = m, m, m.event
		u.start()
		u.announce()
	}
	lives[who].mu.Lock()
	lives[who].steps, lives[who].killAt = 0, killAt
	lives[who].mu.Unlock()
	outbox := letters(t, p, method)
	for _, o := range outbox {
		if err := p.a.Send(o); err != nil && !lives[0].isDead() {
			t.Fatal(err)
		}
	}
	for round := range 240 {
		p.w.Run(500 * time.Millisecond)
		if round%20 == 19 {
			_ = p.b.Sync(t.Context(), router.SyncOptions{}) // it may be dead
		}
		for i, u := range users {
			if !lives[i].isDead() {
				continue
			}
			u.stop() // what it still wants to save is not durable
			lives[i].revive()
			u.start()
			u.announce()
			if i == 0 {
				resubmit(t, u, lives[0], outbox)
			}
		}
	}
	judgeExchange(t, p, lives, outbox)
	return lives[who].steps
}

// letters are signed before they are sent, as applications must.
func letters(t *testing.T, p *post, method lxmf.Method) (out []router.Outbound) {
	for i, size := range []int{10, 4_000, 200} {
		p.a.sent++
		at := p.a.node.Now().Add(time.Duration(p.a.sent) * time.Microsecond)
		m := lxmf.New(p.b.Address(), p.a.Address(), at, nil, []byte(fmt.Sprint(i, text(size))))
		if i == 0 {
			ticket, _, err := p.a.Ticket(t.Context(), p.b.Address())
			if err != nil && !errors.Is(err, errDead) {
				t.Fatal(err)
			}
			if err == nil {
				m.Fields.SetTicket(ticket)
			}
		}
		m.Sign(p.a.id)
		out = append(out, router.Outbound{Message: m, Method: method})
	}
	return out
}

// resubmit hands over what is not final, as applications do.
func resubmit(t *testing.T, u *user, m *mortal, outbox []router.Outbound) {
	for _, o := range outbox {
		if m.last(o.Message.Hash).Kind.Final() {
			continue
		}
		if err := u.Send(o); err != nil {
			t.Fatal(err)
		}
	}
}

func judgeExchange(t *testing.T, p *post, lives [2]*mortal, outbox []router.Outbound) {
	times := make(map[rns.Hash]int)
	for _, in := range lives[1].kept {
		times[in.Message.Hash]++
	}
	for _, o := range outbox {
		last := lives[0].last(o.Message.Hash)
		if times[o.Message.Hash] != 1 || last.Kind != router.KindDelivered && last.Kind != router.KindPropagated {
			t.Errorf("message of %d bytes kept %d times, ended %s %s", len(o.Message.Content), times[o.Message.Hash], last.Kind, last.Code)
		}
	}
	if n := p.f.count(); n != 0 {
		t.Errorf("%d messages stay on the node", n)
	}
}
