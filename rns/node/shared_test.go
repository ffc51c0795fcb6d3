package node_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

var sharedKey = []byte("the key of this machine")

// sharing makes a node take part in the shared instance of its machine.
func sharing(mode node.SharedMode) func(*node.Config) {
	return func(c *node.Config) { c.Shared = node.Shared{Mode: mode, Key: sharedKey} }
}

func status(t *testing.T, n *rnstest.Node) node.SharedStatus {
	t.Helper()
	s, err := n.SharedStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRolesAtStart: the first program becomes the instance, the others its clients. spec: rns-link §11, §11.2, rns-core §23.3
func TestRolesAtStart(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		if _, err := startAlone(t, w, node.SharedAttach); !errors.Is(err, node.ErrNoInstance) {
			t.Errorf("attached to nothing: %v", err)
		}
		first := w.Node("first", sharing(node.SharedAuto))
		second := w.Transport("second", sharing(node.SharedAuto), func(c *node.Config) { c.Management.Probes = node.On })
		third := w.Node("third", sharing(node.SharedAttach))
		alone := w.Node("alone")
		w.Settle()
		for n, want := range map[*rnstest.Node]node.Role{
			first: node.RoleInstance, second: node.RoleClient, third: node.RoleClient, alone: node.RoleStandalone,
		} {
			if n.Role() != want {
				t.Errorf("%s is %s", n.Name, n.Role())
			}
		}
		if c := second.Config(); c.Transport || c.Management.Probes {
			t.Error("a client forwards for others, or answers probes")
		}
		if second.TransportID() == second.PersistentIdentity().Hash() {
			t.Error("a client uses the stored identity on the network")
		}
		if s := status(t, first); s.Clients != 2 || s.Address != "rns/default" {
			t.Errorf("instance %+v", s)
		}
		if s := status(t, second); !s.Connected || s.Err != nil || s.ControlErr != nil {
			t.Errorf("client %+v", s)
		}
		if _, err := second.AddInterface(mem.New("x"), rnstest.Open()); !errors.Is(err, node.ErrClientRole) {
			t.Errorf("a client took an interface: %v", err)
		}
		if _, err := startAlone(t, w, node.SharedServe); !errors.Is(err, errInUse) {
			t.Errorf("second instance: %v", err)
		}
	})
}

// errInUse is what the sockets of the simulated machine say.
var errInUse = rnstest.ErrInUse

// startAlone starts a node whose start may fail.
func startAlone(t *testing.T, w *rnstest.Network, mode node.SharedMode) (*node.Node, error) {
	t.Helper()
	c := node.DefaultConfig()
	sharing(mode)(&c)
	n, err := node.New(c, node.WithLocalSockets(w.Sockets()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n, n.Start(t.Context())
}

// household is an instance with two clients and a node of the network behind it.
type household struct {
	instance, a, b, far *rnstest.Node
}

func newHousehold(w *rnstest.Network, change ...func(*node.Config)) household {
	h := household{instance: w.Node("instance", append(change, sharing(node.SharedServe))...)}
	h.a, h.b = w.Node("a", sharing(node.SharedAttach)), w.Node("b", sharing(node.SharedAttach))
	h.far = w.Node("far")
	w.Connect(h.instance, h.far, mem.Conditions{Delay: time.Millisecond})
	w.Settle()
	return h
}

// TestClientsAreOnTheNetwork: announces, packets, proofs and links cross the socket, which is no hop, with and without
// transport at the instance. spec: rns-link §11.4, rns-core §20, §14.9
func TestClientsAreOnTheNetwork(t *testing.T) {
	for name, relay := range map[string]node.Switch{"transport off": node.Off, "transport on": node.On} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *rnstest.Network) {
				h := newHousehold(w, func(c *node.Config) { c.Transport = relay })
				far, onA, own := h.far.Inbox("test.far"), h.a.Inbox("test.a"), h.instance.Inbox("test.own")
				for _, in := range []*rnstest.Inbox{far, onA, own} {
					in.Announce()
				}
				w.Run(3 * time.Second)
				for _, c := range []struct {
					from *rnstest.Node
					to   *rnstest.Inbox
					hops int
				}{{h.far, onA, 1}, {h.b, onA, 0}, {h.instance, onA, 0}, {h.a, far, 1}, {h.b, far, 1}, {h.a, own, 0}, {h.far, own, 1}} {
					if got := c.from.HopsTo(t.Context(), c.to.Addr()); got != c.hops {
						t.Errorf("%s is %d hops from %s, want %d", c.to.Name(), got, c.from.Name, c.hops)
						continue
					}
					r, err := c.from.SendPacket(t.Context(), c.to.Addr(), []byte("from "+c.from.Name), node.SendOptions{})
					if err != nil {
						t.Fatal(err)
					}
					w.Run(time.Second)
					if s := r.Status(); s.State != node.ReceiptDelivered {
						t.Errorf("%s to %s: %v", c.from.Name, c.to.Name(), s.State)
					}
					l, err := c.from.OpenLink(t.Context(), c.to.Addr(), node.LinkHandler{})
					if err != nil {
						t.Errorf("link from %s to %s: %v", c.from.Name, c.to.Name(), err)
						continue
					}
					if got := l.MTU(); c.from != h.far && c.to != far && got != 262_144 {
						t.Errorf("link from %s to %s has an MTU of %d", c.from.Name, c.to.Name(), got)
					}
					l.Close()
					w.Run(time.Second)
				}
			})
		})
	}
}

// TestInstanceLearnsClientsByThemselves: a client need not announce to the network to be found. spec: rns-link §11.4
func TestInstanceLearnsClientsByThemselves(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w)
		in := h.a.Inbox("test.quiet")
		w.Run(240 * time.Millisecond)
		if h.instance.HasPath(t.Context(), in.Addr()) {
			t.Error("announced too soon")
		}
		w.Run(20 * time.Millisecond)
		if !h.instance.HasPath(t.Context(), in.Addr()) || !h.b.HasPath(t.Context(), in.Addr()) {
			t.Error("the machine does not know the destination")
		}
		w.Run(5 * time.Second)
		if h.far.HasPath(t.Context(), in.Addr()) {
			t.Error("the network was told")
		}
		if _, err := h.far.AwaitPath(t.Context(), in.Addr()); err != nil {
			t.Errorf("the network does not find it: %v", err)
		}
		if _, err := h.b.AwaitPath(t.Context(), h.far.Inbox("test.far").Addr()); err != nil {
			t.Errorf("a client does not find the network: %v", err)
		}
	})
}

// TestInstanceRestarts: clients lose what they had, come back and announce themselves again. spec: rns-link §11.4, rns-core §20
func TestInstanceRestarts(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w)
		in, far := h.a.Inbox("test.a"), h.far.Inbox("test.far")
		far.Announce()
		w.Run(time.Second)
		l, err := h.a.OpenLink(t.Context(), far.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.instance.Close(); err != nil {
			t.Fatal(err)
		}
		w.Run(time.Second)
		select {
		case <-l.Done():
		default:
			t.Error("link survived its instance")
		}
		if s := status(t, h.a); s.Connected || s.Err == nil {
			t.Errorf("lost instance shows as %+v", s)
		}
		if h.a.HasPath(t.Context(), far.Addr()) {
			t.Error("path survived its instance")
		}
		w.Run(time.Hour)
		again := w.Node("again", sharing(node.SharedServe))
		w.Run(8*time.Second + 100*time.Millisecond)
		if s := status(t, h.a); !s.Connected || s.Err != nil {
			t.Errorf("new instance shows as %+v", s)
		}
		if again.HasPath(t.Context(), in.Addr()) {
			t.Error("announced at once")
		}
		w.Run(10 * time.Second)
		if !again.HasPath(t.Context(), in.Addr()) {
			t.Error("not announced again")
		}
		if _, err := h.b.SendPacket(t.Context(), in.Addr(), []byte("hello again"), node.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Run(time.Second)
		if got := in.Texts(); len(got) != 1 {
			t.Errorf("received %q", got)
		}
	})
}

// TestClientLeaves: its interface and the paths through it go. spec: rns-link §11.4, rns-core §20
func TestClientLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w)
		in := h.a.Inbox("test.a")
		w.Run(time.Second)
		if !h.instance.HasPath(t.Context(), in.Addr()) {
			t.Fatal("no path to the client")
		}
		if err := h.a.Close(); err != nil {
			t.Fatal(err)
		}
		w.Run(time.Second)
		if s := status(t, h.instance); s.Clients != 1 {
			t.Errorf("%d clients", s.Clients)
		}
		if h.instance.HasPath(t.Context(), in.Addr()) {
			t.Error("path to a client that is gone")
		}
	})
}

// TestControlCalls: a client's calls and the node's own tables agree, and each call does what it says. spec: rns-link §12.6
func TestControlCalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w, func(c *node.Config) { c.Transport = node.On })
		far := h.far.Inbox("test.far")
		far.Announce()
		w.Run(time.Second)
		ctx, calls := t.Context(), h.a.Service()
		stats, err := calls.InterfaceStats(ctx)
		if err != nil || len(stats.Interfaces) != 4 || stats.Transport == nil || stats.Transport.ID != h.instance.TransportID() {
			t.Fatalf("stats %+v: %v", stats, err)
		}
		names := map[string]int{}
		for _, i := range stats.Interfaces {
			names[i.Name]++
			if i.Name == "Shared Instance[rns/default]" && (i.Clients == nil || *i.Clients != 2 || i.Type != "LocalServerInterface") {
				t.Errorf("listener %+v", i)
			}
		}
		if names["LocalInterface[rns/default]"] != 2 || names["Shared Instance[rns/default]"] != 1 {
			t.Errorf("names %v", names)
		}
		paths, err := calls.PathTable(ctx, control.AnyHops)
		if err != nil || len(paths) != 1 || paths[0].Hash != far.Addr() || paths[0].Hops != 1 {
			t.Errorf("paths %+v: %v", paths, err)
		}
		if paths, err = calls.PathTable(ctx, 0); err != nil || len(paths) != 0 {
			t.Errorf("paths of no hops %+v: %v", paths, err)
		}
		if hop, ok, err := calls.NextHop(ctx, far.Addr()); err != nil || !ok || hop != far.Addr() {
			t.Errorf("next hop %v %v: %v", hop, ok, err)
		}
		if name, err := calls.NextHopInterface(ctx, far.Addr()); err != nil || name == "" {
			t.Errorf("next hop interface %q: %v", name, err)
		}
		if name, err := calls.NextHopInterface(ctx, rns.Addr{1}); err != nil || name != "" {
			t.Errorf("interface to nowhere %q: %v", name, err)
		}
		if wait, err := calls.FirstHopTimeout(ctx, rns.Addr{1}); err != nil || wait != 6*time.Second {
			t.Errorf("first hop %v: %v", wait, err)
		}
		if rates, err := calls.RateTable(ctx); err != nil || len(rates) != 0 {
			t.Errorf("rates %v: %v", rates, err)
		}
		if _, ok, err := calls.PacketRSSI(ctx, rns.Hash{1}); err != nil || ok {
			t.Errorf("signal of nothing: %v %v", ok, err)
		}
		changeTables(t, w, h, calls, far)
	})
}

// changeTables makes the calls that change something.
func changeTables(t *testing.T, w *rnstest.Network, h household, calls control.Service, far *rnstest.Inbox) {
	t.Helper()
	ctx := t.Context()
	flag := func(name string, want bool, f func() (bool, error)) {
		t.Helper()
		if got, err := f(); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	bad := rns.Addr{9}
	flag("blackhole", true, func() (bool, error) { return calls.BlackholeIdentity(ctx, bad, time.Time{}, "spam") })
	flag("blackhole again", false, func() (bool, error) { return calls.BlackholeIdentity(ctx, bad, time.Time{}, "") })
	flag("is blackholed", true, func() (bool, error) { return calls.IsBlackholed(ctx, bad) })
	list, err := calls.BlackholedIdentities(ctx)
	if err != nil || len(list) != 1 || list[0].Reason != "spam" || list[0].Source != h.instance.TransportID() {
		t.Errorf("blackholed %+v: %v", list, err)
	}
	flag("lift", true, func() (bool, error) { return calls.UnblackholeIdentity(ctx, bad) })
	flag("lift again", false, func() (bool, error) { return calls.UnblackholeIdentity(ctx, bad) })
	flag("use", true, func() (bool, error) { return calls.UseDestination(ctx, far.Addr()) })
	flag("retain", true, func() (bool, error) { return calls.RetainDestination(ctx, far.Addr()) })
	flag("unretain", true, func() (bool, error) { return calls.UnretainDestination(ctx, far.Addr()) })
	flag("retain unknown", false, func() (bool, error) { return calls.RetainDestination(ctx, bad) })
	flag("retain identity", false, func() (bool, error) { return calls.RetainIdentity(ctx, bad) })
	if err := calls.DropAnnounceQueues(ctx); err != nil {
		t.Error(err)
	}
	if n, err := calls.DropAllVia(ctx, bad); err != nil || n != 0 {
		t.Errorf("dropped %d: %v", n, err)
	}
	if err := h.b.DropPath(ctx, far.Addr()); err != nil || h.b.HasPath(ctx, far.Addr()) {
		t.Errorf("a client keeps its path: %v", err)
	}
	w.Settle()
	if h.instance.HasPath(ctx, far.Addr()) {
		t.Error("the instance keeps what its client dropped")
	}
	far.Announce()
	w.Run(2 * time.Second)
	flag("drop", true, func() (bool, error) { return calls.DropPath(ctx, far.Addr()) })
	flag("drop again", false, func() (bool, error) { return calls.DropPath(ctx, far.Addr()) })
	if n, err := calls.LinkCount(ctx); err != nil || n != 0 {
		t.Errorf("links %d: %v", n, err)
	}
}

// TestWrongKey: packets work, calls do not, and the status says so. spec: rns-link §12.3
func TestWrongKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w)
		odd := w.Node("odd", func(c *node.Config) { c.Shared = node.Shared{Mode: node.SharedAttach, Key: []byte("another key")} })
		far := h.far.Inbox("test.far")
		far.Announce()
		w.Run(3 * time.Second)
		if s := status(t, odd); !s.Connected || !errors.Is(s.ControlErr, control.ErrAuth) {
			t.Errorf("status %+v", s)
		}
		if _, err := odd.Service().LinkCount(t.Context()); !errors.Is(err, control.ErrAuth) {
			t.Errorf("call: %v", err)
		}
		r, err := odd.SendPacket(t.Context(), far.Addr(), []byte("x"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.Run(time.Second)
		if r.Status().State != node.ReceiptDelivered {
			t.Errorf("packet: %v", r.Status().State)
		}
		if n, err := h.a.Service().LinkCount(t.Context()); err != nil || n != 0 {
			t.Errorf("the other client: %d, %v", n, err)
		}
	})
}

// TestSilentPartners: neither a caller that says nothing nor an instance that answers nothing holds anybody up.
// spec: rns-link §12.3
func TestSilentPartners(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w)
		address := local.Endpoint{}.Control()
		for range 100 {
			go func() {
				conn, err := w.Sockets().Dial(t.Context(), address)
				if err == nil {
					defer func() { _ = conn.Close() }()
					_, _ = conn.Read(make([]byte, 1000))
					<-t.Context().Done()
				}
			}()
		}
		w.Settle()
		if _, err := h.a.Service().LinkCount(t.Context()); err == nil {
			t.Error("answered although all places are taken")
		}
		w.Run(7 * time.Second)
		if _, err := h.a.Service().LinkCount(t.Context()); err != nil {
			t.Errorf("not answered after the silent ones were dismissed: %v", err)
		}
		if err := h.instance.Close(); err != nil {
			t.Fatal(err)
		}
		mute, err := w.Sockets().Listen(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = mute.Close() }()
		go func() {
			for {
				conn, err := mute.Accept()
				if err != nil {
					return
				}
				defer func() { _ = conn.Close() }()
			}
		}()
		before := time.Now()
		if _, err := h.a.Service().LinkCount(t.Context()); err == nil {
			t.Error("an instance that says nothing was believed")
		}
		if d := time.Since(before); d > control.CallTimeout {
			t.Errorf("a call took %v", d)
		}
	})
}

// TestInstanceAnswersLater: one that accepts programs before it answers calls is asked again soon. spec: rns-link §12.6
func TestInstanceAnswersLater(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		packets, err := w.Sockets().Listen(t.Context(), local.Endpoint{}.Packets())
		if err != nil {
			t.Fatal(err)
		}
		var conns []net.Conn
		go func() {
			for {
				c, err := packets.Accept()
				if err != nil {
					return
				}
				conns = append(conns, c)
			}
		}()
		client := w.Node("client", sharing(node.SharedAuto))
		w.Settle()
		if s := status(t, client); !s.Connected || s.ControlErr == nil {
			t.Errorf("without a control socket: %+v", s)
		}
		if err := packets.Close(); err != nil {
			t.Fatal(err)
		}
		w.Node("instance", sharing(node.SharedServe))
		w.Run(1100 * time.Millisecond)
		if s := status(t, client); !s.Connected || s.ControlErr != nil {
			t.Errorf("a second later: %+v", s)
		}
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

// TestKeyThatComesLater: an instance that starts for the first time may write its key after a client looked for it. The
// client leaves the file alone and finds the key. spec: rns-link §12.2
func TestKeyThatComesLater(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		packets, err := w.Sockets().Listen(t.Context(), local.Endpoint{}.Packets())
		if err != nil {
			t.Fatal(err)
		}
		client := w.Node("client", func(c *node.Config) { c.Shared = node.Shared{Mode: node.SharedAuto} })
		if _, err := client.Storage.Read("transport_identity"); err == nil {
			t.Error("a client wrote the key of the instance")
		}
		if err := packets.Close(); err != nil {
			t.Fatal(err)
		}
		instance := w.Node("instance", func(c *node.Config) { c.Shared = node.Shared{Mode: node.SharedServe} })
		w.Run(20 * time.Second)
		if s := status(t, client); !s.Connected || !errors.Is(s.ControlErr, control.ErrAuth) {
			t.Errorf("without the key: %+v", s)
		}
		b, err := instance.Storage.Read("transport_identity")
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Storage.Write("transport_identity", b); err != nil {
			t.Fatal(err)
		}
		w.Run(time.Minute)
		if s := status(t, client); s.ControlErr != nil {
			t.Errorf("with the key: %+v", s)
		}
	})
}

// TestSlowFirstHop: a packet over a slow interface of the instance is awaited longer. spec: rns-link §12.6
func TestSlowFirstHop(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		instance, far := w.Node("instance", sharing(node.SharedServe)), w.Node("far")
		client := w.Node("client", sharing(node.SharedAttach))
		near, end := mem.Pair("near", "end", mem.Conditions{})
		instance.Add(near, rnstest.Open(func(c *node.InterfaceConfig) { c.Bitrate = 1000 }))
		far.Add(end, rnstest.Open())
		in := far.Inbox("test.far")
		in.Announce()
		w.Run(3 * time.Second)
		if wait, err := client.Service().FirstHopTimeout(t.Context(), in.Addr()); err != nil || wait != 10*time.Second {
			t.Errorf("first hop %v, %v", wait, err)
		}
		if err := far.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := client.SendPacket(t.Context(), in.Addr(), []byte("x"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.Run(15900 * time.Millisecond)
		if s := r.Status().State; s != node.ReceiptSent {
			t.Errorf("gave up early: %v", s)
		}
		w.Run(200 * time.Millisecond)
		if s := r.Status().State; s != node.ReceiptFailed {
			t.Errorf("still waiting: %v", s)
		}
	})
}

// TestClientLeavesTheFilesAlone: spec: rns-core §19, rns-link §11.2
func TestClientLeavesTheFilesAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		h := newHousehold(w)
		far := h.far.Inbox("test.far")
		far.Announce()
		w.Run(time.Second)
		if err := h.a.Blackhole(t.Context(), transport.Blackhole{Identity: rns.Addr{7}}); err != nil {
			t.Fatal(err)
		}
		if err := h.a.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"known_destinations", "destination_table", "blackhole/local"} {
			if _, err := h.a.Storage.Read(name); err == nil {
				t.Errorf("a client wrote %s", name)
			}
		}
		w.Run(2 * time.Minute)
		for _, n := range []*rnstest.Node{h.instance, h.a, h.b} {
			if list, err := n.Blackholed(t.Context()); err != nil || len(list) != 1 {
				t.Errorf("%s refuses %v, %v", n.Name, list, err)
			}
		}
	})
}

// TestConnectionInfo: spec: rns-link §11.3
func TestConnectionInfo(t *testing.T) {
	for e, want := range map[local.Endpoint][2]string{
		{Kind: local.KindUnix}:                   {"Shared Instance[rns/default]", "LocalInterface[rns/default]"},
		{Kind: local.KindUnix, Name: "x"}:        {"Shared Instance[rns/x]", "LocalInterface[rns/x]"},
		{Kind: local.KindTCP, Name: "x"}:         {"Shared Instance[37428]", "LocalInterface[37428]"},
		{Kind: local.KindTCP, Port: 4, Name: ""}: {"Shared Instance[4]", "LocalInterface[4]"},
	} {
		listener, client := local.NewListener(local.ListenerConfig{Endpoint: e}).Info(), local.NewClient(local.ClientConfig{Endpoint: e}).Info()
		if listener.Label != want[0] || client.Label != want[1] {
			t.Errorf("%+v: %s and %s", e, listener.Label, client.Label)
		}
		if client.MTU != 262_144 || client.MTUClass != iface.MTUFixed || client.Bitrate != 1_000_000_000 || !client.NeverLimited {
			t.Errorf("client %+v", client)
		}
	}
}
