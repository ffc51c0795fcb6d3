package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

func managed(f func(*node.Management)) func(*node.Config) {
	return func(c *node.Config) { f(&c.Management) }
}

// TestRemoteManagement: a node on the list is told, others are not, and nobody by nonsense. spec: rns-core §21.1, rns-link §13.3
func TestRemoteManagement(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		friend, stranger := w.Identity(1), w.Identity(2)
		hub := w.Transport("hub", managed(func(m *node.Management) {
			m.Remote, m.Allowed = node.On, []rns.Addr{friend.Hash()}
		}))
		a, b := w.Node("a"), w.Node("b")
		w.Connect(hub, a, mem.Conditions{})
		w.Connect(hub, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(20 * time.Second) // the first announce of the management destination
		dest := rns.DestinationHash("rnstransport.remote.management", hub.TransportID())
		if !a.HasPath(t.Context(), dest) {
			t.Fatal("management was not announced")
		}
		s, err := a.RemoteStatus(t.Context(), hub.TransportID(), friend)
		if err != nil || len(s.Interfaces) != 2 || s.Links != 0 || s.Transport == nil || s.Transport.ID != hub.TransportID() {
			t.Fatalf("status %+v: %v", s, err)
		}
		paths, err := a.RemotePaths(t.Context(), hub.TransportID(), friend, control.AnyHops)
		if err != nil || len(paths) != 1 || paths[0].Hash != in.Addr() || paths[0].Hops != 1 {
			t.Errorf("paths %+v: %v", paths, err)
		}
		if none, err := a.RemotePaths(t.Context(), hub.TransportID(), friend, 0); err != nil || len(none) != 0 {
			t.Errorf("paths of no hops %+v: %v", none, err)
		}
		if _, err := a.RemoteRates(t.Context(), hub.TransportID(), friend); err != nil {
			t.Error(err)
		}
		for _, as := range []*rns.Identity{stranger, nil} {
			if _, err := a.RemoteStatus(t.Context(), hub.TransportID(), as); err == nil {
				t.Error("a stranger was answered")
			}
		}
		l, err := a.OpenLink(t.Context(), dest, node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := l.Identify(t.Context(), friend); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			path string
			q    msgpack.Value
		}{
			{"/status", msgpack.Nil()}, {"/status", msgpack.Array()}, {"/path", msgpack.Str("table")},
			{"/path", msgpack.Array()}, {"/path", msgpack.Array(msgpack.Str("drop"))}, {"/path", msgpack.Array(msgpack.Int(1))},
		} {
			if v, err := l.RequestValue(t.Context(), c.path, c.q, node.RequestOptions{Timeout: time.Second}); err == nil {
				t.Errorf("%s %v: answered %v", c.path, c.q, v)
			}
		}
		dests := in.Addr()
		v, err := l.RequestValue(t.Context(), "/path", msgpack.Array(msgpack.Str("table"), msgpack.Bin(dests[:])), node.RequestOptions{})
		if rows, _ := v.Array(); err != nil || len(rows) != 1 {
			t.Errorf("one path: %v, %v", v, err)
		}
		v, err = l.RequestValue(t.Context(), "/path", msgpack.Array(msgpack.Str("table"), msgpack.Bin([]byte("x"))), node.RequestOptions{})
		if rows, ok := v.Array(); err != nil || !ok || len(rows) != 0 {
			t.Errorf("no path: %v, %v", v, err)
		}
	})
}

// TestProbeResponder: what is sent there is proved, links are refused, and only transport nodes have it.
// spec: rns-core §21.2
func TestProbeResponder(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		probes := managed(func(m *node.Management) { m.Probes = node.On })
		hub, leaf := w.Transport("hub", probes), w.Node("leaf", probes)
		w.Connect(hub, leaf, mem.Conditions{})
		w.Run(20 * time.Second)
		dest, ok := hub.ProbeResponder()
		if !ok || dest != rns.DestinationHash("rnstransport.probe", hub.TransportID()) {
			t.Fatalf("responder %v %v", dest, ok)
		}
		if addr, ok := leaf.ProbeResponder(); ok {
			t.Errorf("a leaf has a responder %v", addr)
		}
		r, err := leaf.SendPacket(t.Context(), dest, []byte("0123456789abcdef"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := leaf.OpenLink(t.Context(), dest, node.LinkHandler{}); err == nil {
			t.Error("link to the responder")
		}
	})
}

// TestNetworkIdentity: its two destinations are announced, and its file is made once. spec: rns-core §21.3
func TestNetworkIdentity(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		file := filepath.Join(t.TempDir(), "network", "identity")
		conf := managed(func(m *node.Management) { m.NetworkIdentity = file })
		a, b := w.Transport("a", conf), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		w.Run(20 * time.Second)
		id, ok := a.Community()
		if !ok {
			t.Fatal("no network identity")
		}
		for _, name := range []string{"rnstransport.network", "rnstransport.network.instance." + a.TransportID().Hex()} {
			if !b.HasPath(t.Context(), rns.DestinationHash(name, id)) {
				t.Errorf("%s was not announced", name)
			}
		}
		again := w.Transport("again", conf)
		if other, _ := again.Community(); other != id {
			t.Error("another identity from the same file")
		}
		if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
			t.Fatal(err)
		}
		broken := node.DefaultConfig()
		broken.Management.NetworkIdentity = file
		if _, err := node.New(broken); !errors.Is(err, rns.ErrBadIdentitySize) {
			t.Errorf("damaged file: %v", err)
		}
		if _, ok := b.Community(); ok {
			t.Error("a network identity without a file")
		}
	})
}

// TestManagementIsAnnouncedAgain: 15 s after the start and every two hours. spec: rns-core §21
func TestManagementIsAnnouncedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a := w.Transport("a", managed(func(m *node.Management) { m.Probes = node.On }))
		b := w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		start := time.Now()
		var at []time.Duration
		b.OnAnnounce(node.AnnounceHandler{
			Name: "rnstransport.probe", Handle: func(node.Announced) { at = append(at, time.Since(start).Round(time.Second)) },
		})
		w.Run(4*time.Hour + time.Minute)
		want := []time.Duration{15 * time.Second, 2*time.Hour + 15*time.Second, 4*time.Hour + 15*time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("announced at %v", at)
		}
	})
}

// TestBlackholeSource: a published list is taken over, kept over a restart, and not believed where it lies.
// spec: rns-core §21.4
func TestBlackholeSource(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		source := w.Transport("source", managed(func(m *node.Management) { m.PublishBlackhole = node.On }))
		reader := w.Transport("reader", managed(func(m *node.Management) {
			m.BlackholeSources, m.BlackholeInterval = []rns.Addr{source.TransportID()}, 10*time.Minute
		}))
		w.Connect(source, reader, mem.Conditions{})
		spammer := reader.Inbox("test.spam") // of the reader itself, so only others refuse it
		mine := w.Identity(70)
		spam := w.Node("spam")
		w.Connect(reader, spam, mem.Conditions{})
		victim := spam.Inbox("test.inbox")
		victim.Announce()
		w.Run(5 * time.Second)
		bad := victim.Identity().Hash()
		if !reader.HasPath(t.Context(), victim.Addr()) {
			t.Fatal("no path yet")
		}
		now := time.Now()
		for _, b := range []transport.Blackhole{
			{Identity: bad, Reason: "spam"}, {Identity: mine.Hash(), Until: now.Add(time.Hour), Reason: "for an hour"},
			{Identity: spammer.Identity().Hash()}, {Identity: reader.TransportID(), Reason: "the reader itself"},
		} {
			if err := source.Blackhole(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if err := reader.Blackhole(t.Context(), transport.Blackhole{Identity: spammer.Identity().Hash(), Reason: "ours"}); err != nil {
			t.Fatal(err)
		}
		w.Run(90 * time.Second)
		list, err := reader.Blackholed(t.Context())
		if err != nil || len(list) != 3 {
			t.Fatalf("list %+v: %v", list, err)
		}
		for _, b := range list {
			want := source.TransportID()
			if b.Identity == spammer.Identity().Hash() {
				want = reader.TransportID()
			}
			if b.Source != want {
				t.Errorf("%v from %v", b.Identity, b.Source)
			}
		}
		if reader.HasPath(t.Context(), victim.Addr()) {
			t.Error("the path of a refused identity is still there")
		}
		file, err := reader.Storage.Read("blackhole/" + source.TransportID().Hex())
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := rns.ParseBlackholes(file); err != nil || len(kept) != 4 {
			t.Errorf("file %+v: %v", kept, err)
		}
		again := reader.Restart()
		if list, err := again.Blackholed(t.Context()); err != nil || len(list) != 3 {
			t.Errorf("after the restart %+v: %v", list, err)
		}
		w.Run(2 * time.Hour)
		if list, err := again.Blackholed(t.Context()); err != nil || len(list) != 2 {
			t.Errorf("after the hour %+v: %v", list, err)
		}
	})
}

// TestBlackholeSourceThatIsAway: a source without a path is asked again in the next round.
func TestBlackholeSourceThatIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		source := w.Transport("source", managed(func(m *node.Management) { m.PublishBlackhole = node.On }))
		if err := source.Blackhole(t.Context(), transport.Blackhole{Identity: rns.Addr{1}}); err != nil {
			t.Fatal(err)
		}
		reader := w.Node("reader", managed(func(m *node.Management) { m.BlackholeSources = []rns.Addr{source.TransportID()} }))
		w.Run(10 * time.Minute)
		w.Connect(source, reader, mem.Conditions{})
		w.Run(2 * time.Minute)
		if list, err := reader.Blackholed(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("list %+v: %v", list, err)
		}
	})
}

// TestBlackholeIsOnDiskAtOnce: a crash does not forgive. spec: rns-core §21.4
func TestBlackholeIsOnDiskAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a := w.Node("a")
		bad := w.Identity(1).Hash()
		stored := func() int {
			b, err := a.Storage.Read("blackhole/local")
			if err != nil {
				t.Fatal(err)
			}
			list, err := rns.ParseBlackholes(b)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if err := a.Blackhole(t.Context(), transport.Blackhole{Identity: bad, Reason: "spam"}); err != nil || stored() != 1 {
			t.Errorf("stored %d: %v", stored(), err)
		}
		if ok, err := a.LiftBlackhole(t.Context(), bad); err != nil || !ok || stored() != 0 {
			t.Errorf("stored %d: %v", stored(), err)
		}
		if ok, err := a.LiftBlackhole(t.Context(), bad); err != nil || ok {
			t.Errorf("lifted twice: %v", err)
		}
	})
}
