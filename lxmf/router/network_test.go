package router_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/rnstest"
)

// world is a network with LXMF users on it.
type world struct {
	*rnstest.Network
	t     *testing.T
	users int
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	return &world{Network: rnstest.New(t, seed), t: t}
}

// user is one identity with its router.
type user struct {
	*router.Router
	world *world
	node  *rnstest.Node
	id    *rns.Identity
	inbox *inbox
	state *router.MemoryState
	log   *eventLog
	conf  router.Config
	stop  func()
	sent  int
}

// user starts a router on a node.
func (w *world) user(n *rnstest.Node, change ...func(*router.Config)) *user {
	w.t.Helper()
	w.users++
	u := &user{
		world: w, node: n, id: w.Identity(uint64(1000 + w.users)), inbox: new(inbox), state: new(router.MemoryState), log: new(eventLog),
	}
	u.inbox.state = u.state
	u.conf = router.Config{
		Node: n.Node, Identity: u.id, Inbox: u.inbox, State: u.state, Events: u.log.add,
		DisplayName: func() string { return "user" }, SpoolDir: w.t.TempDir(),
	}
	for _, f := range change {
		f(&u.conf)
	}
	u.start()
	return u
}

// start begins a router on what the user remembers.
func (u *user) start() {
	u.world.t.Helper()
	r, err := router.New(u.conf)
	if err != nil {
		u.world.t.Fatal(err)
	}
	u.Router = r
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Serve(ctx); !errors.Is(err, context.Canceled) {
			u.world.t.Errorf("serve: %v", err)
		}
	}()
	u.stop = func() {
		cancel()
		<-done
	}
	u.world.t.Cleanup(u.stop)
	synctest.Wait()
}

// announce makes the user known.
func (u *user) announce() {
	u.world.t.Helper()
	if err := u.Announce(u.world.t.Context()); err != nil {
		u.world.t.Fatal(err)
	}
	u.world.Run(2 * time.Second)
}

// message writes to another user.
func (u *user) message(to *user, content string) *lxmf.Message {
	u.sent++
	at := u.node.Now().Add(time.Duration(u.sent) * time.Microsecond)
	m := lxmf.New(to.Address(), u.Address(), at, nil, []byte(content))
	m.Sign(u.id)
	return m
}

// send hands a new message to the router and returns its id.
func (u *user) send(to *user, content string, change ...func(*router.Outbound)) rns.Hash {
	u.world.t.Helper()
	o := router.Outbound{Message: u.message(to, content), Method: lxmf.MethodDirect}
	for _, f := range change {
		f(&o)
	}
	if err := u.Send(o); err != nil {
		u.world.t.Fatal(err)
	}
	return o.Message.Hash
}

func opportunistic(o *router.Outbound) { o.Method = lxmf.MethodOpportunistic }
func auto(o *router.Outbound)          { o.Method = 0 }
func waitHeard(o *router.Outbound)     { o.WaitHeard = true }

// inbox keeps what it receives. fail, if set, decides the fate of a message first.
type inbox struct {
	mu       sync.Mutex
	messages []router.Inbound
	calls    int
	fail     func(router.Inbound) error
	state    *router.MemoryState
}

func (in *inbox) Receive(ctx context.Context, m router.Inbound) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.calls++
	if in.fail != nil {
		if err := in.fail(m); err != nil {
			return err
		}
	}
	in.messages = append(in.messages, m)
	return in.state.PutDelivered(ctx, m.Received, m.Message.Hash)
}

func (in *inbox) all() []router.Inbound {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages)
}

func (in *inbox) contents() []string {
	var all []string
	for _, m := range in.all() {
		all = append(all, string(m.Message.Content))
	}
	return all
}

func (in *inbox) called() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.calls
}

// eventLog keeps the events of all messages.
type eventLog struct {
	mu     sync.Mutex
	events []router.Event
}

func (l *eventLog) add(e router.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *eventLog) of(id rns.Hash) []router.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []router.Event
	for _, e := range l.events {
		if e.ID == id {
			out = append(out, e)
		}
	}
	return out
}

// kinds is the course of a message: kinds of events, repetitions in a row once.
func (l *eventLog) kinds(id rns.Hash) string {
	var out []string
	for _, e := range l.of(id) {
		if k := string(e.Kind); len(out) == 0 || out[len(out)-1] != k {
			out = append(out, k)
		}
	}
	return strings.Join(out, " ")
}

// last is the newest event of a message.
func (l *eventLog) last(id rns.Hash) router.Event {
	all := l.of(id)
	if len(all) == 0 {
		return router.Event{}
	}
	return all[len(all)-1]
}

func (l *eventLog) count(id rns.Hash, k router.Kind) int {
	n := 0
	for _, e := range l.of(id) {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// dump shows the course of a message for a failed test.
func (l *eventLog) dump(id rns.Hash) string {
	var b strings.Builder
	for _, e := range l.of(id) {
		fmt.Fprintf(&b, "%s %s attempt %d %s %s %d%%\n", e.At.Format("05.000"), e.Kind, e.Attempt, e.Code, e.Detail, e.Percent)
	}
	return b.String()
}

// expect fails the test unless the message ended this way.
func (u *user) expect(id rns.Hash, k router.Kind, c router.Code) {
	u.world.t.Helper()
	if e := u.log.last(id); e.Kind != k || e.Code != c {
		u.world.t.Errorf("message ended %s %s, want %s %s\n%s", e.Kind, e.Code, k, c, u.log.dump(id))
	}
}

// pair is two users on neighbouring nodes who have heard each other.
func pair(t *testing.T, seed uint64, c mem.Conditions, change ...func(*router.Config)) (w *world, a, b *user, cable *rnstest.Cable) {
	t.Helper()
	w = newWorld(t, seed)
	x, y := w.Node("a"), w.Node("b")
	cable = w.Connect(x, y, c)
	a, b = w.user(x), w.user(y, change...)
	a.announce()
	b.announce()
	return w, a, b, cable
}

var delay = mem.Conditions{Delay: 20 * time.Millisecond}

func text(n int) string { return string(bytes.Repeat([]byte("x"), n)) }

var rnstestRandom = rnstest.Random
