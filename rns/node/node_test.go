package node_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

// bubble runs a test in virtual time. At its end no goroutine of a node may be left, which synctest checks.
func bubble(t *testing.T, f func(t *testing.T, w *rnstest.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, rnstest.New(t, 1)) })
}

func TestCloseIsCompleteAndIdempotent(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Transport("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{Delay: time.Millisecond})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(time.Second)
		l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
		<-l.Done()
		if _, err := a.SendPacket(t.Context(), in.Addr(), nil, node.SendOptions{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed node answered %v", err)
		}
		if _, err := a.AddInterface(mem.New("x"), rnstest.Open()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed node took an interface: %v", err)
		}
		w.Run(time.Second)
		if links, _ := b.Links(t.Context()); len(links) != 0 {
			t.Error("peer was not told that the link ends")
		}
	})
}

func TestNodeThatNeverStarted(t *testing.T) {
	n, err := node.New(node.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if n.HasPath(t.Context(), rns.Addr{1}) {
		t.Error("path in a node that is not running")
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := n.Start(t.Context()); !errors.Is(err, node.ErrClosed) {
		t.Errorf("closed node started: %v", err)
	}
}

// TestTransportIdentity checks spec: rns-core §11.1
func TestTransportIdentity(t *testing.T) {
	var storage node.MemStorage
	open := func(c node.Config) *node.Node {
		n, err := node.New(c, node.WithStorage(&storage))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first, second := open(node.DefaultConfig()), open(node.DefaultConfig())
	if first.PersistentIdentity().Hash() != second.PersistentIdentity().Hash() {
		t.Error("the stored identity was not used again")
	}
	if first.TransportID() == second.TransportID() || first.TransportID() == first.PersistentIdentity().Hash() {
		t.Error("without transport the identity on the network must be a fresh one")
	}
	for name, change := range map[string]func(*node.Config){
		"transport": func(c *node.Config) { c.Transport = node.On },
		"static":    func(c *node.Config) { c.StaticIdentity = node.On },
	} {
		c := node.DefaultConfig()
		change(&c)
		if n := open(c); n.TransportID() != n.PersistentIdentity().Hash() {
			t.Errorf("%s: identity on the network is not the stored one", name)
		}
	}
}

func TestInterfaceFailsAndComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Node("n")
		var states []node.StateWord
		stop := n.OnEvent(func(e node.Event) {
			if e.Kind == node.EventInterfaceState {
				states = append(states, e.State.Word)
			}
		})
		defer stop()
		end := mem.New("e")
		cause := errors.New("no carrier")
		end.Break(cause)
		id := n.Add(end, rnstest.Open())
		s, err := n.InterfaceStatus(t.Context(), id)
		if err != nil || s.State.Word != node.StateError || !errors.Is(s.State.Err, cause) {
			t.Fatalf("state %v: %v", s.State, err)
		}
		end.Repair()
		w.Run(4 * time.Second)
		if s, _ = n.InterfaceStatus(t.Context(), id); s.State.Word != node.StateError {
			t.Errorf("state %v before the wait was over", s.State.Word)
		}
		w.Run(2 * time.Second)
		if s, _ = n.InterfaceStatus(t.Context(), id); s.State.Word != node.StateUp {
			t.Errorf("state %v after the wait", s.State.Word)
		}
		want := []node.StateWord{node.StateError, node.StateConnecting, node.StateUp}
		if d := cmp.Diff(want, states); d != "" {
			t.Error(d)
		}
		if err := n.RemoveInterface(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := n.RemoveInterface(t.Context(), id); !errors.Is(err, node.ErrNoInterface) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

// faulty is a driver that misbehaves.
type faulty struct {
	serve func(ctx context.Context) error
	tries int
}

func (f *faulty) Info() iface.Info  { return mem.DefaultInfo("faulty") }
func (f *faulty) Send([]byte) error { panic("send on a broken driver") }
func (f *faulty) Serve(ctx context.Context, _ iface.Host) error {
	f.tries++
	return f.serve(ctx)
}

// TestBrokenDriversHurtNobody checks spec: rns-core §12.5
func TestBrokenDriversHurtNobody(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n, peer := w.Node("n"), w.Node("peer")
		panics := &faulty{serve: func(context.Context) error { panic("bad driver") }}
		silent := &faulty{serve: func(context.Context) error { return nil }}
		never := &faulty{serve: func(context.Context) error { return iface.Permanent(errors.New("bad setting")) }}
		twice := &faulty{serve: func(context.Context) error { return errors.New("refused") }}
		for _, d := range []*faulty{panics, silent, never} {
			n.Add(d, rnstest.Open())
		}
		n.Add(twice, rnstest.Open(func(c *node.InterfaceConfig) { c.MaxTries = 2 }))
		w.Connect(n, peer, mem.Conditions{})
		in := peer.Inbox("test.inbox")
		in.Announce()
		w.Run(11 * time.Second)
		if !n.HasPath(t.Context(), in.Addr()) {
			t.Error("a broken driver disturbed another interface")
		}
		got := []int{panics.tries, silent.tries, never.tries, twice.tries}
		if d := cmp.Diff([]int{3, 3, 1, 2}, got); d != "" {
			t.Errorf("attempts in 11 s: %s", d)
		}
	})
}

func TestAccessCodesSeparateNetworks(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		hub := mem.NewHub(mem.Conditions{})
		protect := func(pass string) func(*node.InterfaceConfig) {
			return func(c *node.InterfaceConfig) { c.NetworkName, c.Passphrase = "net", pass }
		}
		a, b, c, d := w.Node("a"), w.Node("b"), w.Node("c"), w.Node("d")
		a.Add(hub.Attach("a"), rnstest.Open(protect("right")))
		b.Add(hub.Attach("b"), rnstest.Open(protect("right")))
		onC := c.Add(hub.Attach("c"), rnstest.Open(protect("wrong")))
		onD := d.Add(hub.Attach("d"), rnstest.Open())
		in := a.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		if !b.HasPath(t.Context(), in.Addr()) {
			t.Error("same access code, no path")
		}
		for _, x := range []struct {
			n    *rnstest.Node
			id   node.InterfaceID
			want rns.Verdict
		}{{c, onC, rns.VerdictAccessCodeWrong}, {d, onD, rns.VerdictAccessCodeUnexpected}} {
			if x.n.HasPath(t.Context(), in.Addr()) {
				t.Errorf("%s has a path", x.n.Name)
			}
			s, err := x.n.InterfaceStatus(t.Context(), x.id)
			if err != nil || s.Count.Verdicts[x.want] != 1 {
				t.Errorf("%s did not count %v", x.n.Name, x.want)
			}
			if s.Config.Passphrase != "" {
				t.Error("passphrase is readable")
			}
		}
	})
}

func TestBoundedQueueDropsWithAVerdict(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n, peer := w.Node("n"), w.Node("peer")
		cable := w.Connect(n, peer, mem.Conditions{Bandwidth: 1200}, mem.WithBitrate(1200))
		in := peer.Inbox("test.inbox")
		in.Announce()
		w.Run(10 * time.Second)
		for range 40 {
			if _, err := n.SendPacket(t.Context(), in.Addr(), make([]byte, 300), node.SendOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		s, err := n.InterfaceStatus(t.Context(), cable.OnA)
		if err != nil {
			t.Fatal(err)
		}
		dropped := s.Count.Verdicts[rns.VerdictQueueFull]
		if s.QueuedBytes > 8*rns.MTU || dropped == 0 || dropped == 40 {
			t.Errorf("%d bytes wait, %d packets were dropped", s.QueuedBytes, dropped)
		}
		w.Run(time.Minute)
		if got := len(in.Packets()); got != 40-int(dropped) {
			t.Errorf("%d packets arrived, %d were dropped", got, dropped)
		}
	})
}

func TestPanickingCallbackIsContained(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		count := 0
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.OnPacket = func(*node.Packet) {
				if count++; count == 1 {
					panic("first packet")
				}
			}
		})
		var reported *node.PanicError
		defer b.OnEvent(func(e node.Event) {
			if e.Kind == node.EventPanic {
				errors.As(e.Err, &reported)
			}
		})()
		in.Announce()
		w.Settle()
		for range 2 {
			r, err := a.SendPacket(t.Context(), in.Addr(), []byte("x"), node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.Settle()
		if count != 2 || reported == nil || reported.Value != "first packet" {
			t.Errorf("%d callbacks ran, reported %v", count, reported)
		}
	})
}

func TestQuiesceWaitsForEverything(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		end := mem.New("hand")
		b.Add(end, rnstest.Open())
		in.Announce()
		w.Settle()
		for _, s := range end.Drain() { // the announce, replayed to a node that knows it not
			other := w.Node("other")
			hand := mem.New("hand")
			other.Add(hand, rnstest.Open())
			hand.Inject(s.Data)
			if err := other.Quiesce(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !other.HasPath(t.Context(), in.Addr()) {
				t.Error("quiet before the announce was processed")
			}
		}
	})
}

func TestTapSeesBothDirections(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		onlyIn := b.OpenTap(10, func(r *node.TapRecord) bool { return r.Direction == node.In })
		all := b.OpenTap(2, nil)
		in.Announce()
		w.Settle()
		for i := range 3 {
			r, err := a.SendPacket(t.Context(), in.Addr(), []byte{byte(i)}, node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.Settle()
		records, _ := onlyIn.Since(0)
		if len(records) != 3 {
			t.Fatalf("%d records", len(records))
		}
		for _, r := range records {
			if r.Verdict != rns.VerdictDelivered || r.Packet.Dest != in.Addr() || r.ParseErr != nil {
				t.Errorf("record %+v", r)
			}
		}
		newest, _ := all.Since(5)
		if len(newest) != 2 || newest[1].Seq != 7 || newest[1].Packet.Type != rns.PacketProof {
			t.Errorf("newest records %+v", newest)
		}
		all.Close()
		onlyIn.Close()
	})
}

func TestSnapshotShowsTheTables(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Transport("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		if _, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{}); err != nil {
			t.Fatal(err)
		}
		s, err := a.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Paths) != 1 || len(s.Known) != 1 || len(s.Links) != 1 || len(s.LocalLinks) != 1 || len(s.Interfaces) != 1 ||
			s.Links[0].State != node.LinkActive || s.Counts.Paths != 1 || s.TransportID != a.TransportID() {
			t.Errorf("snapshot %+v", s)
		}
		mine, err := b.Snapshot(t.Context())
		if err != nil || len(mine.Destinations) != 1 || mine.Destinations[0].Name != "test.inbox" {
			t.Errorf("destinations %+v: %v", mine.Destinations, err)
		}
	})
}

func TestBlackholedIdentity(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(2 * time.Second)
		id := in.Identity()
		if err := a.Blackhole(t.Context(), transport.Blackhole{Identity: id.Hash(), Reason: "spam"}); err != nil {
			t.Fatal(err)
		}
		if a.HasPath(t.Context(), in.Addr()) {
			t.Error("path of a refused identity stayed")
		}
		in.Announce()
		w.Run(2 * time.Second)
		if a.HasPath(t.Context(), in.Addr()) {
			t.Error("announce of a refused identity was taken")
		}
		mine := a.Inbox("test.mine")
		mine.Announce()
		w.Run(time.Second)
		l, err := b.OpenLink(t.Context(), mine.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Identify(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		<-l.Done()
		if lifted, err := a.LiftBlackhole(t.Context(), id.Hash()); !lifted || err != nil {
			t.Error("not lifted")
		}
		w.Run(time.Second)
		in.Announce()
		w.Run(2 * time.Second)
		if !a.HasPath(t.Context(), in.Addr()) {
			t.Error("announce of an accepted identity was not taken")
		}
	})
}

func TestStorageRefusesPathsOutside(t *testing.T) {
	d := node.NewDirStorage(t.TempDir())
	for _, name := range []string{"../x", "/etc/x", "a/../../x", "", `a\b`, "c:x"} {
		if err := d.Write(name, nil); err == nil {
			t.Errorf("%q was written", name)
		}
		if _, err := d.Read(name); err == nil {
			t.Errorf("%q was read", name)
		}
	}
}

func TestStoragesBehaveAlike(t *testing.T) {
	for name, s := range map[string]node.Storage{"dir": node.NewDirStorage(t.TempDir()), "mem": new(node.MemStorage)} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Read("a/b"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read of nothing: %v", err)
			}
			for _, n := range []string{"a/b", "a/a", "a/c/d", "top"} {
				if err := s.Write(n, []byte(n)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Write("a/b", []byte("new")); err != nil {
				t.Fatal(err)
			}
			b, err := s.Read("a/b")
			if err != nil || string(b) != "new" {
				t.Errorf("read %q: %v", b, err)
			}
			if err := errors.Join(s.Remove("a/a"), s.Remove("a/a")); err != nil {
				t.Error(err)
			}
			names, err := s.List("a")
			if d := cmp.Diff([]string{"b"}, names); d != "" || err != nil {
				t.Errorf("list: %s %v", d, err)
			}
			if names, err := s.List("none"); len(names) != 0 || err != nil {
				t.Errorf("list of nothing: %v %v", names, err)
			}
		})
	}
}
