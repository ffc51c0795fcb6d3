package profile

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/internal/announces"
	"meshchatx/internal/chat"
	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

func shared(t *testing.T, n *node.Node) (Shared, *store.Server) {
	t.Helper()
	db, _, err := store.OpenServer(t.Context(), filepath.Join(t.TempDir(), "server.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bus := event.New(time.Now(), event.DefaultParams())
	opt := interfaces.Options{Dir: t.TempDir(), Bus: bus, Events: db.InterfaceEvents, Now: time.Now, Build: interfaces.Drivers}
	if n != nil {
		opt.Node = n
	}
	return Shared{
		Node: n, Bus: bus, Now: time.Now, Random: rand.Reader, Params: DefaultParams(),
		Announces:  announces.New(announces.Config{Store: db, Bus: bus, Now: time.Now, Params: announces.DefaultParams()}),
		Interfaces: interfaces.New(opt),
	}, db
}

func identity(t *testing.T) *rns.Identity {
	t.Helper()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Close is complete and idempotent: nothing of the profile runs afterwards, and
// it can be opened again at once.
func TestOpenAndCloseLeaveNothing(t *testing.T) {
	n, err := node.New(node.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sh, db := shared(t, n)
	dir, id := t.TempDir(), identity(t)
	round := func() {
		p, err := Open(t.Context(), dir, id, sh)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Chat.Send(t.Context(), chat.Outgoing{Peer: rns.Addr{1}, Content: "x"}); err != nil {
			t.Fatal(err)
		}
		p.background(func(ctx context.Context) { <-ctx.Done() })
		for range 2 {
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		late := false
		p.background(func(ctx context.Context) { late = ctx.Err() != nil })
		if !late {
			t.Fatal("a job after Close may go on")
		}
	}
	round()
	before := settled(t, 0)
	for range 3 {
		round()
	}
	if after := settled(t, before); after > before {
		buf := make([]byte, 1<<20)
		t.Fatalf("%d goroutines, before %d\n%s", after, before, buf[:runtime.Stack(buf, true)])
	}
	if err := errors.Join(n.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// settled is the number of goroutines once those that are ending have ended.
func settled(t *testing.T, want int) int {
	t.Helper()
	n := runtime.NumGoroutine()
	for range 100_000 {
		if n <= want {
			break
		}
		runtime.Gosched()
		n = runtime.NumGoroutine()
	}
	return n
}

// Without a node messages are taken, kept, and can be cancelled.
func TestWithoutNode(t *testing.T) {
	sh, db := shared(t, nil)
	defer db.Close()
	dir, id := t.TempDir(), identity(t)
	p, err := Open(t.Context(), dir, id, sh)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := p.Chat.Send(t.Context(), chat.Outgoing{Peer: rns.Addr{1}, Content: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Chat.Cancel(t.Context(), ref.ID); err != nil {
		t.Fatal(err)
	}
	m, err := p.Chat.Message(t.Context(), ref.ID)
	if err != nil || m.Delivery.State != chat.StateCancelled {
		t.Fatalf("%+v, %v", m.Delivery, err)
	}
	if err := p.Announce(t.Context()); err == nil {
		t.Fatal("announced without a node")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// A damaged database is put aside; the identity comes up.
func TestDamagedDatabase(t *testing.T) {
	sh, db := shared(t, nil)
	defer db.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseName), []byte("this is no database at all, whatever its name says"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), dir, identity(t), sh)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	aside, err := filepath.Glob(filepath.Join(dir, databaseName+".corrupt-*"))
	if err != nil || len(aside) == 0 {
		t.Fatalf("nothing was kept: %v, %v", aside, err)
	}
}

func TestSetSurvivesBadIdentity(t *testing.T) {
	sh, db := shared(t, nil)
	defer db.Close()
	dir := t.TempDir()
	s := NewSet(dir, db, sh)
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, err := s.Create(t.Context(), "Second")
	if err != nil || second.Name != "Second" {
		t.Fatalf("%+v, %v", second, err)
	}
	if _, err := s.Import(t.Context(), mustKey(t, s, second.Hash), ""); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.identityDir(second.Hash), keyName), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = NewSet(dir, db, sh)
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Problem != nil || all[1].Problem == nil {
		t.Fatalf("%+v, %v", all, err)
	}
	if _, err := s.Profile(t.Context(), second.Hash); !errors.Is(err, ErrOffline) {
		t.Fatal(err)
	}
	if _, err := s.Profile(t.Context(), rns.Addr{9}); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
	order := 0
	if _, err := s.Update(t.Context(), second.Hash, Change{Order: &order}); err != nil {
		t.Fatal(err)
	}
	if all, err = s.List(t.Context()); err != nil || all[0].Hash != second.Hash {
		t.Fatalf("not moved: %+v, %v", all, err)
	}
}

func mustKey(t *testing.T, s *Set, hash rns.Addr) *rns.Identity {
	t.Helper()
	id, err := s.Key(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// loud counts announces.
type loud struct {
	idle
	mu  sync.Mutex
	at  []time.Time
	err error
}

func (l *loud) Announce(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.at = append(l.at, time.Now())
	}
	return l.err
}

func (l *loud) times() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.at)
}

func (l *loud) count() int { return len(l.times()) }

// Announces start when somebody can hear them, repeat at jittered intervals, and
// follow a change of name and new connections without a flood.
func TestAnnounceSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sh, db := shared(t, nil)
		dir := t.TempDir()
		p, err := Open(t.Context(), dir, identity(t), sh)
		if err != nil {
			t.Fatal(err)
		}
		l := &loud{}
		p.carrier = l
		var heard atomic.Bool
		p.ann.reach = func(context.Context) (bool, error) { return heard.Load(), nil }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = p.ann.serve(ctx)
		}()
		sleep := func(d time.Duration) { // virtual time
			time.Sleep(d)
			synctest.Wait()
		}
		sleep(time.Minute)
		if l.count() != 0 {
			t.Fatal("announced to nobody")
		}
		heard.Store(true)
		sleep(sh.Params.Offline)
		if l.count() != 1 {
			t.Fatalf("%d announces at start", l.count())
		}
		interval := time.Duration(p.Settings.Int(settings.KeyAnnounceInterval)) * time.Second
		sleep(10 * interval)
		if n := l.count(); n < 9 || n > 12 {
			t.Fatalf("%d announces in ten intervals", n)
		}
		times := l.times()
		for i := 2; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap < interval*8/10 || gap > interval*12/10 {
				t.Fatalf("gap of %s", gap)
			}
		}
		n := l.count()
		for range 100 {
			p.ann.appeared()
			sleep(time.Second)
		}
		sleep(sh.Params.NewPeer + sh.Params.StartSpread)
		if extra := l.count() - n; extra < 1 || extra > 2 {
			t.Fatalf("%d announces for a hundred connections", extra)
		}
		n = l.count()
		if err := p.Settings.Change(ctx, settings.Changes{settings.KeyDisplayName: settings.StringValue("Ana")}); err != nil {
			t.Fatal(err)
		}
		sleep(changePause)
		if l.count() != n+1 {
			t.Fatal("the new name is not announced")
		}
		cancel()
		<-ended
		if err := errors.Join(p.Close(), db.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

// The router's memory survives in the database.
func TestMemory(t *testing.T) {
	sh, db := shared(t, nil)
	defer db.Close()
	p, err := Open(t.Context(), t.TempDir(), identity(t), sh)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := memory{p.store}
	now := time.Now().Truncate(time.Millisecond).UTC()
	peer := rns.Addr{7}
	if err := m.PutStampCosts(t.Context(), cost(peer, 8, now), cost(rns.Addr{8}, 0, now)); err != nil {
		t.Fatal(err)
	}
	ticket := lxmf.Ticket{Expires: now.Add(time.Hour), Value: [16]byte{1, 2}}
	if err := errors.Join(m.PutTicket(t.Context(), ticketOf(peer, ticket)), m.PutIssuedTicket(t.Context(), ticketOf(peer, ticket)),
		m.PutTicketDelivery(t.Context(), peer, now), m.PutDelivered(t.Context(), now, rns.Hash{3})); err != nil {
		t.Fatal(err)
	}
	node := router.NodeRecord{
		Node: rns.Addr{9}, Name: "n", Heard: now, Hops: 2, Active: true, TransferLimit: 256_000, StampCost: 16, Streak: 1, LastFailure: now,
		Latency: time.Second,
	}
	sealed := router.Sealed{Message: rns.Hash{4}, Packed: rns.Hash{5}, Stored: []byte{1, 2}, At: now}
	if err := errors.Join(m.PutNodes(t.Context(), node), m.PutSealed(t.Context(), sealed)); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := m.Sealed(t.Context(), sealed.Message); !ok || err != nil || got.Packed != sealed.Packed || len(got.Stored) != 2 {
		t.Fatalf("%+v, %v, %v", got, ok, err)
	}
	if err := m.DropSealed(t.Context(), sealed.Message); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := m.Sealed(t.Context(), sealed.Message); ok || err != nil {
		t.Fatal("a dropped sealed message is kept", err)
	}
	r, err := m.Load(t.Context())
	if len(r.Nodes) != 1 || r.Nodes[0] != node {
		t.Fatalf("nodes %+v", r.Nodes)
	}
	if err != nil || len(r.StampCosts) != 2 || len(r.Tickets) != 1 || len(r.Issued) != 1 || !r.TicketDeliveries[peer].Equal(now) {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Tickets[0].Value != ticket.Value || !r.Tickets[0].Expires.Equal(ticket.Expires) {
		t.Fatal("ticket changed")
	}
	if seen, err := m.Delivered(t.Context(), rns.Hash{3}); !seen || err != nil {
		t.Fatal(seen, err)
	}
	if err := m.Expire(t.Context(), now.Add(365*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r, err = m.Load(t.Context()); err != nil || len(r.StampCosts)+len(r.Tickets)+len(r.Issued)+len(r.Nodes) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func cost(to rns.Addr, bits int, at time.Time) router.StampCost {
	return router.StampCost{Destination: to, Cost: bits, At: at}
}

func ticketOf(peer rns.Addr, t lxmf.Ticket) router.Ticket {
	return router.Ticket{Peer: peer, Ticket: t}
}
