package propagation_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/stamp"
)

// world is a network with propagation nodes on it.
type world struct {
	*rnstest.Network
	t       *testing.T
	hosts   int
	letters uint64
}

// host is one propagation node.
type host struct {
	*propagation.Node
	on     *rnstest.Node
	id     *rns.Identity
	conf   propagation.Config
	events log
	stop   func()
}

type log struct {
	sync.Mutex
	list []propagation.Event
}

func (l *log) add(e propagation.Event) {
	l.Lock()
	defer l.Unlock()
	l.list = append(l.list, e)
}

func (l *log) count(kind propagation.EventKind) int {
	l.Lock()
	defer l.Unlock()
	n := 0
	for _, e := range l.list {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// cheap are settings that ask for hardly any work.
func cheap() propagation.Settings {
	s := propagation.DefaultSettings()
	s.StampCost, s.Flexibility, s.PeeringCost = 13, 13, 1
	return s
}

func (w *world) host(name string, change ...func(*propagation.Config)) *host {
	w.t.Helper()
	w.hosts++
	h := &host{on: w.Node(name), id: w.Identity(uint64(500 + w.hosts))}
	h.conf = propagation.Config{
		Node: h.on.Node, Identity: h.id, Files: propagation.NewDirFiles(w.t.TempDir()), State: new(node.MemStorage),
		Settings: cheap(), Params: propagation.DefaultParams(), OnEvent: h.events.add,
	}
	for _, f := range change {
		f(&h.conf)
	}
	w.start(h)
	return h
}

func (w *world) start(h *host) {
	w.t.Helper()
	n, err := propagation.New(h.conf)
	if err != nil {
		w.t.Fatal(err)
	}
	h.Node = n
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.Serve(ctx); !errors.Is(err, context.Canceled) {
			w.t.Errorf("serve: %v", err)
		}
	}()
	h.stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(h.stop)
}

// within runs f in virtual time on a new network.
func within(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(&world{Network: rnstest.New(t, 1), t: t}) })
}

// letter makes a stored message for a recipient.
func (w *world) letter(to *rns.Identity, text string) lxmf.Stored {
	w.t.Helper()
	from := w.Identity(99)
	dest := rns.DestinationHash(lxmf.DeliveryName, to.Hash())
	m := lxmf.New(dest, rns.DestinationHash(lxmf.DeliveryName, from.Hash()), time.Now(), nil, []byte(text))
	m.Sign(from)
	w.letters++
	sealed, err := m.Seal(rnstest.Random(w.letters), to.Public(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return lxmf.Stored{Sealed: sealed, Stamp: stamp.Stamp{1, 2, 3}}
}

// upload hands messages to a node as a client does.
func (w *world) upload(from *rnstest.Node, to *host, stored ...lxmf.Stored) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if _, err := from.AwaitPath(ctx, to.Addr()); err != nil {
		return err
	}
	l, err := from.OpenLink(ctx, to.Addr(), node.LinkHandler{})
	if err != nil {
		return err
	}
	defer l.Close()
	t := lxmf.Transfer{Time: 1}
	for _, s := range stored {
		t.Stored = append(t.Stored, s.Append(nil))
	}
	data := t.Append(nil)
	if len(data) <= l.MDU() {
		r, err := l.Send(ctx, data, node.SendOptions{})
		if err != nil {
			return err
		}
		return r.Wait(ctx)
	}
	r, err := l.SendResource(ctx, bytes.NewReader(data), int64(len(data)), node.ResourceOptions{})
	if err != nil {
		return err
	}
	return r.Wait(ctx)
}

// get asks a node as a recipient does.
func (w *world) get(from *rnstest.Node, who *rns.Identity, at *host, g lxmf.Get) (msgpack.Value, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if _, err := from.AwaitPath(ctx, at.Addr()); err != nil {
		return msgpack.Value{}, err
	}
	l, err := from.OpenLink(ctx, at.Addr(), node.LinkHandler{})
	if err != nil {
		return msgpack.Value{}, err
	}
	defer l.Close()
	if who != nil {
		if err := l.Identify(ctx, who); err != nil {
			return msgpack.Value{}, err
		}
	}
	data, _, err := msgpack.Parse(g.Append(nil), msgpack.Limits{})
	if err != nil {
		return msgpack.Value{}, err
	}
	return l.RequestValue(ctx, lxmf.PathGet, data, node.RequestOptions{Timeout: time.Minute})
}

func (w *world) list(from *rnstest.Node, who *rns.Identity, at *host) []rns.Hash {
	w.t.Helper()
	v, err := w.get(from, who, at, lxmf.Get{})
	if err != nil {
		w.t.Fatal(err)
	}
	ids, err := lxmf.ParseIDs(v.Append(nil))
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// spec: lxmf §11.3–§11.5
func TestMessagesWaitForTheirRecipient(t *testing.T) {
	within(t, func(w *world) {
		h := w.host("host")
		client := w.Node("client")
		w.Connect(h.on, client, mem.Conditions{Delay: time.Millisecond})
		bob, eve := w.Identity(1), w.Identity(2)
		time.Sleep(time.Minute) // the node announces itself
		short, long := w.letter(bob, "short"), w.letter(bob, string(bytes.Repeat([]byte("long "), 400)))
		for _, s := range []lxmf.Stored{long, short} {
			if err := w.upload(client, h, s); err != nil {
				t.Fatal(err)
			}
		}
		if ids := w.list(client, eve, h); len(ids) != 0 {
			t.Errorf("somebody else sees %d messages", len(ids))
		}
		ids := w.list(client, bob, h)
		if want := []rns.Hash{short.ID(), long.ID()}; !slices.Equal(ids, want) {
			t.Fatalf("the list is %v, want %v", ids, want)
		}
		v, err := w.get(client, bob, h, lxmf.Get{Wants: ids})
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := lxmf.ParseSealed(v.Append(nil))
		if err != nil || len(sealed) != 2 || !bytes.Equal(sealed[0], short.Sealed) || !bytes.Equal(sealed[1], long.Sealed) {
			t.Fatalf("got %d messages, %v", len(sealed), err)
		}
		w.restart(h) // what is stored and what is deleted survives
		if _, err := w.get(client, bob, h, lxmf.Get{Haves: []rns.Hash{short.ID()}}); err != nil {
			t.Fatal(err)
		}
		w.restart(h)
		if ids := w.list(client, bob, h); !slices.Equal(ids, []rns.Hash{long.ID()}) {
			t.Errorf("after the deletion the list is %v", ids)
		}
		if v, err := w.get(client, nil, h, lxmf.Get{}); err != nil {
			t.Error(err)
		} else if code, _ := v.Uint(); code != uint64(lxmf.ErrorNoIdentity) {
			t.Errorf("without identity the answer is %v", v)
		}
	})
}

// restart stops a host and begins again on what it stored.
func (w *world) restart(h *host) {
	w.t.Helper()
	h.stop()
	w.start(h)
	w.Settle()
}

// spec: lxmf §11.4
func TestABadStampIsRefused(t *testing.T) {
	within(t, func(w *world) {
		h := w.host("host", func(c *propagation.Config) { c.Settings = propagation.DefaultSettings() })
		client := w.Node("client")
		w.Connect(h.on, client, mem.Conditions{Delay: time.Millisecond})
		bob := w.Identity(1)
		time.Sleep(time.Minute)
		if err := w.upload(client, h, w.letter(bob, "x")); err == nil {
			t.Error("a packet with a bad stamp was proved")
		}
		if err := w.upload(client, h, w.letter(bob, string(make([]byte, 1000)))); err == nil {
			t.Error("a resource with a bad stamp was proved")
		}
		if ids := w.list(client, bob, h); len(ids) != 0 {
			t.Errorf("%d messages were kept", len(ids))
		}
	})
}

// spec: lxmf §12
func TestNodesExchangeMessages(t *testing.T) {
	within(t, func(w *world) {
		hub := w.Transport("hub")
		var hosts []*host
		for _, name := range []string{"a", "b", "c"} {
			h := w.host(name)
			w.Connect(h.on, hub, mem.Conditions{Delay: 5 * time.Millisecond})
			hosts = append(hosts, h)
		}
		client := w.Node("client")
		w.Connect(client, hub, mem.Conditions{Delay: time.Millisecond})
		bob := w.Identity(1)
		time.Sleep(2 * time.Minute)
		var want []rns.Hash
		for i := range 12 {
			s := w.letter(bob, string(bytes.Repeat([]byte{'a' + byte(i)}, 40*i)))
			want = append(want, s.ID())
			if err := w.upload(client, hosts[i%3], s); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Minute)
		for i, h := range hosts {
			got := w.list(client, bob, h)
			if len(got) != len(want) {
				s, _ := h.Stats(context.Background())
				t.Errorf("host %d has %d of %d messages; peers %+v", i, len(got), len(want), s.Peers)
			}
		}
		s, err := hosts[0].Stats(context.Background())
		if err != nil || len(s.Peers) != 2 {
			t.Fatalf("peers are %d, %v", len(s.Peers), err)
		}
		if hosts[0].events.count(propagation.EventRefused) > 0 {
			t.Error("something was refused")
		}
	})
}

// spec: lxmf §11.2
func TestAWrongPeeringKeyIsRefused(t *testing.T) {
	within(t, func(w *world) {
		h := w.host("host", func(c *propagation.Config) { c.Settings.PeeringCost = 20 })
		other := w.Node("other")
		w.Connect(h.on, other, mem.Conditions{Delay: time.Millisecond})
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := other.AwaitPath(ctx, h.Addr()); err != nil {
			t.Fatal(err)
		}
		l, err := other.OpenLink(ctx, h.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(o lxmf.Offer) uint64 {
			data, _, err := msgpack.Parse(o.Append(nil), msgpack.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			v, err := l.RequestValue(ctx, lxmf.PathOffer, data, node.RequestOptions{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			code, _ := v.Uint()
			return code
		}
		offer := lxmf.Offer{IDs: []rns.Hash{{1}}}
		if got := ask(offer); got != uint64(lxmf.ErrorNoIdentity) {
			t.Errorf("without identity the answer is %#x", got)
		}
		if err := l.Identify(ctx, w.Identity(7)); err != nil {
			t.Fatal(err)
		}
		if got := ask(offer); got != uint64(lxmf.ErrorInvalidKey) {
			t.Errorf("with a wrong key the answer is %#x", got)
		}
		long := string(make([]byte, 8000)) // what fits a packet is taken. spec: lxmf §11.4
		two := []lxmf.Stored{w.letter(w.Identity(1), long), w.letter(w.Identity(1), long)}
		if err := w.upload(other, h, two...); err == nil {
			t.Error("two messages without a key were taken")
		}
	})
}

// A node that is killed hands on what it had taken since it last saved.
func TestKilledNodeStillOwesItsPeers(t *testing.T) {
	within(t, func(w *world) {
		a, b := w.host("a"), w.host("b", func(c *propagation.Config) { c.Settings.AutoPeer = propagation.No })
		client := w.Node("client")
		w.Connect(a.on, b.on, mem.Conditions{Delay: time.Millisecond})
		w.Connect(a.on, client, mem.Conditions{Delay: time.Millisecond})
		time.Sleep(2 * time.Minute)
		state := copied(t, a.conf.State)
		bob := w.Identity(1)
		s := w.letter(bob, "kept")
		if err := w.upload(client, a, s); err != nil {
			t.Fatal(err)
		}
		a.stop()
		a.conf.State = state // as it was before
		w.start(a)
		time.Sleep(20 * time.Minute)
		st, err := b.Stats(context.Background())
		if err != nil || st.Messages != 1 {
			t.Errorf("the peer has %d messages, %v", st.Messages, err)
		}
	})
}

// copied is the state of a node that was killed now.
func copied(t *testing.T, from node.Storage) node.Storage {
	t.Helper()
	to := new(node.MemStorage)
	for _, name := range []string{"peers", "messagecatalog", "locally_processed"} {
		b, err := from.Read(name)
		if err == nil {
			err = to.Write(name, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}
