package nodes

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// impatient shortens the waits of a router and its links for tests that break connections.
func impatient(c *stationConfig) {
	c.node = func(p *node.Params) {
		p.Link.KeepaliveMin, p.Link.KeepaliveMax, p.Link.StaleGrace = time.Second, time.Second, 500*time.Millisecond
		p.Link.EstablishmentPerHop, p.Link.FirstHop = time.Second, time.Second
		p.Reconnect = 200 * time.Millisecond
	}
	c.router = func(c *router.Config) {
		c.Params.RetryWait, c.Params.PathWait, c.Params.MaxAttempts = time.Second, 2*time.Second, 60
	}
}

func newStation(t *testing.T, name string, change ...func(*stationConfig)) *station {
	t.Helper()
	c := stationConfig{name: name}
	for _, f := range change {
		f(&c)
	}
	return startStation(t, c)
}

// TestAddWhileRunning: without an interface messages wait, and go as soon as one is added.
func TestAddWhileRunning(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 40*time.Second)
	a, b := newStation(t, "a", impatient), newStation(t, "b", impatient)
	dialled, _ := connect(ctx, t, a, b)
	introduce(ctx, t, a, b)
	introduce(ctx, t, b, a)
	if err := a.node.RemoveInterface(ctx, dialled); err != nil {
		t.Fatal(err)
	}
	if _, err := a.node.InterfaceStatus(ctx, dialled); !errors.Is(err, node.ErrNoInterface) {
		t.Errorf("removed interface: %v", err)
	}
	var sent []*lxmf.Message
	for _, method := range []lxmf.Method{lxmf.MethodOpportunistic, lxmf.MethodDirect} {
		m := a.message(b.router.Address(), "wait for me, "+method.String())
		sent = append(sent, a.send(t, m, method))
		is := func(e router.Event) bool { return e.ID == m.Hash && e.Code == router.CodeNoInterface }
		if _, err := a.steps.wait(ctx, 0, is); err != nil {
			t.Fatalf("nobody is told that there is no interface: %s", dump(a.course(m.Hash)))
		}
	}
	connect(ctx, t, b, a) // the other way round this time
	for _, m := range sent {
		a.delivered(ctx, t, b, m)
	}
	b.once(t, sent...)
}

// TestMoveWhileSending: a file goes on over another interface when the one it began on is removed under it.
func TestMoveWhileSending(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 40*time.Second)
	a, b := newStation(t, "a", impatient), newStation(t, "b", impatient)
	_, dialled := shaped(ctx, t, a, b, shaper.Conditions{BytesPerSecond: 2_000_000}, 1)
	introduce(ctx, t, b, a)
	introduce(ctx, t, a, b)
	m := a.message(b.router.Address(), "moves", lxmf.Attachment{Name: "big", Data: noise(4_000_000, 7)})
	a.send(t, m, lxmf.MethodDirect)
	begun := func(e router.Event) bool { return e.ID == m.Hash && e.Kind == router.KindProgress && e.Percent > 0 }
	if _, err := a.steps.wait(ctx, 0, begun); err != nil {
		t.Fatal(err)
	}
	if err := a.node.RemoveInterface(ctx, dialled); err != nil {
		t.Fatal(err)
	}
	connect(ctx, t, a, b)
	introduce(ctx, t, b, a)
	steps, _ := a.delivered(ctx, t, b, m)
	if count(steps, router.KindLinkUp) < 2 {
		t.Errorf("the file did not move: %s", dump(steps))
	}
	b.once(t, m)
}

// faulty is a driver that does one thing wrong.
type faulty struct {
	name  string
	serve func(context.Context, iface.Host) error
	send  func(context.Context) error

	calls atomic.Int64 // of Serve
	mu    sync.Mutex
	life  context.Context //nolint:containedctx // of the running Serve
}

func (f *faulty) Info() iface.Info {
	return iface.Info{Name: f.name, Label: "Faulty[" + f.name + "]", Type: "Faulty", Bitrate: 1_000_000, MTU: 500}
}

func (f *faulty) Serve(ctx context.Context, h iface.Host) error {
	f.calls.Add(1)
	f.mu.Lock()
	f.life = ctx
	f.mu.Unlock()
	return f.serve(ctx, h)
}

func (f *faulty) Send([]byte) error {
	f.mu.Lock()
	ctx := f.life
	f.mu.Unlock()
	if f.send == nil {
		return nil
	}
	return f.send(ctx)
}

// faults are drivers that are broken, each in its way.
func faults() []*faulty {
	up := func(ctx context.Context, h iface.Host) error {
		h.Up()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return []*faulty{
		{name: "never opens", serve: func(context.Context, iface.Host) error { return errors.New("no such device") }},
		{name: "panics", serve: func(context.Context, iface.Host) error { panic("driver bug") }},
		{name: "dies at once", serve: func(_ context.Context, h iface.Host) error { h.Up(); return errors.New("unplugged") }},
		{name: "ends without a reason", serve: func(_ context.Context, h iface.Host) error { h.Up(); return nil }},
		{name: "cannot send", serve: up, send: func(context.Context) error { return errors.New("modem says no") }},
		{name: "blocks", serve: up, send: func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }},
		{name: "babbles", serve: func(ctx context.Context, h iface.Host) error {
			h.Up()
			garbage := noise(100_000, 3)
			for i := 0; ctx.Err() == nil; i = (i + 1) % 90_000 {
				h.Receive([]iface.Frame{{Data: append([]byte(nil), garbage[i:i+i%600]...)}})
				if i%100 == 0 {
					pause(ctx, time.Millisecond)
				}
			}
			return context.Cause(ctx)
		}},
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// TestBrokenInterfaces: whatever an interface does wrong, files pass over the good one next to it, on one link.
func TestBrokenInterfaces(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 40*time.Second)
	a, b := newStation(t, "a"), newStation(t, "b")
	var broken []node.InterfaceID
	drivers := faults()
	for _, d := range drivers {
		id, err := a.node.AddInterface(d, node.InterfaceConfig{Reconnect: 2 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		broken = append(broken, id)
	}
	broken = append(broken, addUnusable(t, a)...)
	connect(ctx, t, b, a)
	introduce(ctx, t, a, b)
	introduce(ctx, t, b, a)
	for i, d := range []struct{ from, to *station }{{a, b}, {b, a}} {
		m := d.from.message(d.to.router.Address(), "undisturbed", lxmf.Attachment{Data: noise(2_000_000, uint64(i))})
		steps, _ := d.from.delivered(ctx, t, d.to, d.from.send(t, m, lxmf.MethodDirect))
		if count(steps, router.KindAttemptFailed) > 0 || count(steps, router.KindLinkRequest) > 1 {
			t.Errorf("disturbed: %s", dump(steps))
		}
		d.to.once(t, m)
	}
	for _, d := range drivers[:4] {
		if d.calls.Load() < 2 {
			t.Errorf("driver that %s was served %d times, it should be tried again", d.name, d.calls.Load())
		}
	}
	for _, id := range broken {
		if err := a.node.RemoveInterface(ctx, id); err != nil {
			t.Errorf("remove interface %d: %v", id, err)
		}
	}
	last := a.send(t, a.message(b.router.Address(), "after"), lxmf.MethodDirect)
	a.delivered(ctx, t, b, last)
}

// addUnusable adds interfaces that are correct and cannot work: an occupied port, and nobody who listens. Both say so.
func addUnusable(t *testing.T, s *station) []node.InterfaceID {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	taken := l.Addr().(*net.TCPAddr).Port
	server, err := tcp.NewServer(tcp.ServerConfig{Name: "occupied", Host: "127.0.0.1", Port: taken})
	if err != nil {
		t.Fatal(err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.Addr().(*net.TCPAddr).Port
	gone.Close()
	client, err := tcp.NewClient(tcp.ClientConfig{Name: "nobody", Host: "127.0.0.1", Port: nobody})
	if err != nil {
		t.Fatal(err)
	}
	var ids []node.InterfaceID
	for _, d := range []iface.Interface{server, client} {
		mark := s.events.mark()
		id, err := s.node.AddInterface(d, node.InterfaceConfig{})
		if err != nil {
			t.Fatal(err)
		}
		s.awaitState(limited(t, 10*time.Second), t, mark, id, node.StateError)
		ids = append(ids, id)
	}
	return ids
}

// TestReconnect: the far side goes away and comes back on the same port, as a new process would. The near side tries again at
// the configured pace, no faster, and everything works as before.
func TestReconnect(t *testing.T) {
	t.Parallel()
	const pace = 150 * time.Millisecond
	ctx := limited(t, 40*time.Second)
	a, b := newStation(t, "a", impatient), newStation(t, "b", impatient)
	listener, port := b.mustListen(ctx, t)
	var dials feed[time.Time]
	client, err := tcp.NewClient(tcp.ClientConfig{
		Name: "client", Host: "127.0.0.1", Port: port,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.add(time.Now())
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.attach(ctx, client, node.InterfaceConfig{Reconnect: pace})
	if err != nil {
		t.Fatal(err)
	}
	introduce(ctx, t, a, b)
	introduce(ctx, t, b, a)
	before := a.send(t, a.message(b.router.Address(), "before"), lxmf.MethodDirect)
	a.delivered(ctx, t, b, before)

	down := a.events.mark()
	if err := b.node.RemoveInterface(ctx, listener); err != nil {
		t.Fatal(err)
	}
	a.awaitState(ctx, t, down, id, node.StateError)
	during := a.send(t, a.message(b.router.Address(), "during"), lxmf.MethodDirect)
	if _, err := dials.wait(ctx, dials.mark()+3, func(time.Time) bool { return true }); err != nil {
		t.Fatalf("no further attempts: %v", err)
	}
	up := a.events.mark()
	if _, _, err := b.listen(ctx, port, node.InterfaceConfig{}); err != nil {
		t.Fatal(err)
	}
	a.awaitState(ctx, t, up, id, node.StateUp)
	a.delivered(ctx, t, b, during)
	back := b.send(t, b.message(a.router.Address(), "and back"), lxmf.MethodDirect)
	b.delivered(ctx, t, a, back)
	b.once(t, before, during)
	a.once(t, back)
	at, _ := dials.from(0)
	for i := 1; i < len(at); i++ {
		if gap := at[i].Sub(at[i-1]); gap < pace {
			t.Errorf("attempt %d came %v after the one before, want at least %v", i, gap, pace)
		}
	}
	if path, err := a.node.Path(ctx, b.router.Address()); err != nil || path.Interface != id {
		t.Errorf("path leads to interface %d, want %d: %v", path.Interface, id, err)
	}
}
