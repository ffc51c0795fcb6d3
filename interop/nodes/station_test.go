package nodes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// stationConfig describes a station. The zero value is an end node with an LXMF identity that forgets everything.
type stationConfig struct {
	name    string
	forward node.Switch
	storage node.Storage
	// node and router change the times, where a test would wait too long for those of the protocol.
	node   func(*node.Params)
	router func(*router.Config)
}

// station is a node with an LXMF identity.
type station struct {
	name   string
	node   *node.Node
	id     *rns.Identity
	router *router.Router
	inbox  inbox
	steps  feed[router.Event]
	heard  feed[node.Announced]
	events feed[node.Event]
	tap    *node.Tap

	stampCost atomic.Int64 // asked of strangers; messages without it are discarded
	clock     atomic.Int64 // so that no two messages have the same time
	stop      func() error
}

// inbox keeps incoming messages.
type inbox struct{ feed[router.Inbound] }

func (in *inbox) Receive(_ context.Context, m router.Inbound) error {
	in.add(m)
	return nil
}

// openStation starts a station. Close it by its stop function.
func openStation(c stationConfig) (*station, error) {
	conf := node.DefaultConfig()
	conf.Transport = c.forward
	if c.node != nil {
		c.node(&conf.Params)
	}
	if c.storage == nil {
		c.storage = new(node.MemStorage)
	}
	n, err := node.New(conf, node.WithStorage(c.storage))
	if err != nil {
		return nil, err
	}
	s := &station{name: c.name, node: n}
	n.OnEvent(s.events.add)
	n.OnAnnounce(node.AnnounceHandler{PathResponses: node.On, Handle: s.heard.add})
	if err := n.Start(context.Background()); err != nil {
		return nil, err
	}
	if s.id, err = rns.NewIdentity(n.Random()); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	rc := router.Config{
		Node: n, Identity: s.id, Inbox: &s.inbox, Events: s.steps.add, DisplayName: func() string { return c.name },
		StampCost:     func() int { return int(s.stampCost.Load()) },
		EnforceStamps: func() bool { return true },
		Params:        router.DefaultParams(),
	}
	if c.router != nil {
		c.router(&rc)
	}
	if s.router, err = router.New(rc); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	var result error
	served.Go(func() { result = s.router.Serve(ctx) })
	s.stop = sync.OnceValue(func() error {
		cancel()
		served.Wait()
		if errors.Is(result, context.Canceled) {
			result = nil
		}
		return errors.Join(result, n.Close())
	})
	return s, nil
}

// startStation is openStation for a test, which closes it at its end.
func startStation(t *testing.T, c stationConfig) *station {
	t.Helper()
	s, err := openStation(c)
	if err != nil {
		t.Fatal(err)
	}
	s.tap = s.node.OpenTap(100_000, func(r *node.TapRecord) bool { return r.Packet.Context != rns.ContextResource })
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("close %s: %v", s.name, err)
		}
		if e, err := s.events.wait(over, 0, func(e node.Event) bool { return e.Kind == node.EventPanic }); err == nil {
			t.Errorf("%s: %v", s.name, e.Err)
		}
	})
	return s
}

// over is a context that has ended, for a look without waiting.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// message writes to another station, with files.
func (s *station) message(to rns.Addr, content string, files ...lxmf.Attachment) *lxmf.Message {
	at := max(time.Now().UnixMicro(), s.clock.Load()+1)
	s.clock.Store(at)
	m := lxmf.New(to, s.router.Address(), time.UnixMicro(at), []byte("title"), []byte(content))
	if len(files) > 0 {
		m.Fields.SetAttachments(files...)
	}
	m.Sign(s.id)
	return m
}

// send hands a message to the router.
func (s *station) send(t *testing.T, m *lxmf.Message, method lxmf.Method) *lxmf.Message {
	t.Helper()
	if err := s.router.Send(router.Outbound{Message: m, Method: method}); err != nil {
		t.Fatal(err)
	}
	return m
}

// delivered waits until a message has ended well and has arrived, and returns its steps and what arrived.
func (s *station) delivered(ctx context.Context, t *testing.T, to *station, m *lxmf.Message) ([]router.Event, router.Inbound) {
	t.Helper()
	final, err := s.steps.wait(ctx, 0, func(e router.Event) bool { return e.ID == m.Hash && e.Kind.Final() })
	steps := s.course(m.Hash)
	if err != nil || final.Kind != router.KindDelivered {
		t.Fatalf("%s to %s: %s %s, %v:\n%s", s.name, to.name, final.Kind, final.Code, err, dump(steps))
	}
	// The proof leaves when the message is stored: nothing is left to wait for.
	in, err := to.inbox.wait(over, 0, func(in router.Inbound) bool { return in.Message.Hash == m.Hash })
	if err != nil {
		t.Fatalf("%s to %s: delivered, but it has not arrived", s.name, to.name)
	}
	if string(in.Message.Content) != string(m.Content) || in.Message.Source != s.router.Address() || in.Unverified != 0 {
		t.Errorf("arrived as %.80q from %s, unverified %v", in.Message.Content, in.Message.Source, in.Unverified)
	}
	return steps, in
}

// course are the steps of a message.
func (s *station) course(id rns.Hash) []router.Event {
	list, _ := s.steps.from(0)
	var out []router.Event
	for _, e := range list {
		if e.ID == id {
			out = append(out, e)
		}
	}
	return out
}

// once checks that messages arrived exactly once.
func (s *station) once(t *testing.T, sent ...*lxmf.Message) {
	t.Helper()
	for _, m := range sent {
		if n := s.inbox.count(func(in router.Inbound) bool { return in.Message.Hash == m.Hash }); n != 1 {
			t.Errorf("%q arrived %d times at %s", m.Content, n, s.name)
		}
	}
}

// kinds are the steps in words, repetitions in a row once.
func kinds(steps []router.Event) string {
	var out []string
	for _, e := range steps {
		if k := string(e.Kind); len(out) == 0 || out[len(out)-1] != k {
			out = append(out, k)
		}
	}
	return strings.Join(out, " ")
}

// count is how many steps are of a kind.
func count(steps []router.Event, k router.Kind) int {
	n := 0
	for _, e := range steps {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// dump shows the course of a message, for failures.
func dump(steps []router.Event) string {
	var b strings.Builder
	for _, e := range steps {
		if len(steps) < 60 || e.Kind != router.KindProgress {
			fmt.Fprintf(&b, "%s %s %s attempt %d %s %s %d%%\n",
				e.At.Format("05.000"), e.Kind, e.Method, e.Attempt, e.Code, e.Detail, e.Percent)
		}
	}
	return b.String()
}

// introduce announces a station until the others have heard it, each at its distance: announces of one destination in the
// same second do not replace each other.
func introduce(ctx context.Context, t *testing.T, who *station, by ...*station) {
	t.Helper()
	marks := make([]int, len(by))
	for i, s := range by {
		marks[i] = s.heard.mark()
	}
	for i := 0; ; i++ {
		if err := who.router.Announce(ctx); err != nil && i > 8 {
			t.Fatalf("announce %s: %v", who.name, err)
		}
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		missing := 0
		for j, s := range by {
			is := func(a node.Announced) bool { return a.Destination == who.router.Address() }
			if _, err := s.heard.wait(try, marks[j], is); err != nil {
				missing++
			}
		}
		cancel()
		if missing == 0 {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s was not heard by %d of %d", who.name, missing, len(by))
		}
	}
}

// attach adds an interface and waits until it is up.
func (s *station) attach(ctx context.Context, d iface.Interface, c node.InterfaceConfig) (node.InterfaceID, error) {
	mark := s.events.mark()
	id, err := s.node.AddInterface(d, c)
	if err != nil {
		return 0, err
	}
	_, err = s.events.wait(ctx, mark, func(e node.Event) bool {
		return e.Kind == node.EventInterfaceState && e.Interface == id && e.State.Word == node.StateUp
	})
	return id, err
}

// awaitState waits until an interface enters a state.
func (s *station) awaitState(ctx context.Context, t *testing.T, mark int, id node.InterfaceID, w node.StateWord) {
	t.Helper()
	_, err := s.events.wait(ctx, mark, func(e node.Event) bool {
		return e.Kind == node.EventInterfaceState && e.Interface == id && e.State.Word == w
	})
	if err != nil {
		t.Fatalf("%s: interface did not become %s: %v", s.name, w, err)
	}
}

// noise is n bytes that do not compress, the same for the same seed.
func noise(n int, seed uint64) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// limited is the test's context with a limit of its own, so that a failure names what was waited for.
func limited(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(t.Context()), d, errors.New("time limit of the test"))
	t.Cleanup(cancel)
	return ctx
}
