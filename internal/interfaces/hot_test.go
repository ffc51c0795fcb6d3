package interfaces

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

const patience = 20 * time.Second

// startNode runs a node of its own.
func startNode(t *testing.T) *node.Node {
	t.Helper()
	conf := node.DefaultConfig()
	conf.Params.Reconnect = 20 * time.Millisecond
	n, err := node.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// overNode runs a service over a real node.
func overNode(t *testing.T, text string) (*Service, *node.Node) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	db, _, err := store.OpenServer(t.Context(), filepath.Join(t.TempDir(), "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	n := startNode(t)
	s := New(Options{
		Dir: dir, Node: n, Bus: event.New(time.Now(), event.DefaultParams()), Events: db.InterfaceEvents, Now: time.Now, Params: DefaultParams(),
	})
	s.Start(t.Context())
	return s, n
}

// listening starts a listener on a free port of a node.
func listening(t *testing.T, n *node.Node) (port int) {
	t.Helper()
	srv, err := tcp.NewServer(tcp.ServerConfig{Name: "listener", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.AddInterface(srv, node.InterfaceConfig{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the listener is bound", func() bool { return srv.Address() != "" })
	if _, err := fmt.Sscanf(srv.Address(), "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// named is the state of one running interface.
func named(t *testing.T, n *node.Node, name string) (node.InterfaceStatus, bool) {
	t.Helper()
	all, err := n.Interfaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range all {
		if st.Info.Name == name {
			return st, true
		}
	}
	return node.InterfaceStatus{}, false
}

// linked opens a link from one node to another and returns a function that sends over it and waits for the proof.
func linked(t *testing.T, from, to *node.Node) (*node.Link, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	id, err := rns.NewIdentity(to.Random())
	if err != nil {
		t.Fatal(err)
	}
	dest, err := to.Register(node.DestinationConfig{Identity: id, Name: "test.hot", Proofs: node.ProveAll, Links: node.AcceptLinks,
		OnLink: func(*node.Link) node.LinkHandler {
			return node.LinkHandler{OnPacket: func(_ *node.Link, p *node.LinkPacket) { _ = p.Prove() }}
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from.AwaitPath(ctx, dest.Addr()); err != nil {
		t.Fatal(err)
	}
	l, err := from.OpenLink(ctx, dest.Addr(), node.LinkHandler{})
	if err != nil {
		t.Fatal(err)
	}
	return l, func() {
		t.Helper()
		r, err := l.Send(ctx, []byte("still there?"), node.SendOptions{})
		if err != nil {
			t.Fatalf("the link does not send: %v", err)
		}
		if err := r.Wait(ctx); err != nil {
			t.Fatalf("no answer over the link: %v", err)
		}
	}
}

// While one interface is added, changed, renamed, broken, switched off and removed, a link over another goes on, on the
// same connection, and its counters only grow.
func TestChangesLeaveOthersAlone(t *testing.T) {
	far := startNode(t)
	port, elsewhere := listening(t, far), listening(t, startNode(t))
	s, near := overNode(t, fmt.Sprintf(`[interfaces]
  [[Keep]]
    type = TCPClientInterface
    enabled = yes
    target_host = 127.0.0.1
    target_port = %d
  [[Broken]]
    type = TCPClientInterface
    enabled = yes
    target_port = many
  [[Unknown]]
    type = CarrierPigeonInterface
    enabled = yes
`, port))
	await(t, "the link's interface is up", func() bool {
		st, ok := named(t, near, "Keep")
		return ok && st.State.Word == node.StateUp
	})
	l, probe := linked(t, near, far)
	first, _ := named(t, near, "Keep")
	last := first.Count
	still := func(after string) {
		t.Helper()
		probe()
		now, ok := named(t, near, "Keep")
		if !ok || now.ID != first.ID || now.State != first.State || l.Interface() != first.ID {
			t.Fatalf("after %s: %+v, before %+v", after, now.State, first.State)
		}
		if now.Count.TxPackets < last.TxPackets || now.Count.RxBytes <= last.RxBytes {
			t.Fatalf("after %s: counters went from %+v to %+v", after, last, now.Count)
		}
		last = now.Count
	}
	still("start")
	ctx := t.Context()
	must := func(st Status, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	other := Config{Name: "Other", Type: TypeTCPClient, Enabled: true, TargetHost: "127.0.0.1", TargetPort: elsewhere}
	must(s.Add(ctx, other))
	still("add")
	before, _ := named(t, near, "Other")
	other.Bitrate = 1_000_000
	must(s.Replace(ctx, "Other", other))
	still("change")
	if after, ok := named(t, near, "Other"); !ok || after.ID == before.ID || after.Info.Bitrate != 1_000_000 {
		t.Errorf("the change has no effect: %+v", after)
	}
	other.Name, other.TargetPort = "Renamed", 1
	must(s.Replace(ctx, "Other", other))
	still("rename to where nobody listens")
	must(s.Add(ctx, Config{Name: "Taken", Type: TypeTCPServer, Enabled: true, ListenIP: "127.0.0.1", ListenPort: port}))
	still("a port that is taken")
	must(s.SetEnabled(ctx, "Renamed", false))
	still("off")
	must(s.SetEnabled(ctx, "Renamed", true))
	still("on")
	if err := s.Remove(ctx, "Renamed"); err != nil {
		t.Fatal(err)
	}
	still("remove")
	if err := s.Remove(ctx, "Broken"); err != nil {
		t.Fatal(err)
	}
	still("remove of a broken block")
	if _, there := named(t, near, "Renamed"); there {
		t.Error("what was removed still runs")
	}
}

// What another program wrote into the file takes effect with the next edit; a block that becomes broken stops, alone.
func TestForeignChangeOfOneBlock(t *testing.T) {
	far := startNode(t)
	port := listening(t, far)
	text := func(second string) string {
		return fmt.Sprintf("[interfaces]\n[[Keep]]\ntype = TCPClientInterface\nenabled = yes\ntarget_host = 127.0.0.1\ntarget_port = %d\n"+
			"[[Second]]\ntype = TCPServerInterface\nenabled = yes\nlisten_ip = 127.0.0.1\nlisten_port = %s\n", port, second)
	}
	s, near := overNode(t, text("0"))
	await(t, "both are up", func() bool {
		a, _ := named(t, near, "Keep")
		b, _ := named(t, near, "Second")
		return a.State.Word == node.StateUp && b.State.Word == node.StateUp
	})
	first, _ := named(t, near, "Keep")
	if err := os.WriteFile(s.Path(), []byte(text("zero")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(t.Context(), Config{Name: "New", Type: TypeAuto, Devices: []string{"none0"}}); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Get(t.Context(), "Second"); err != nil || st.State != StateError || st.Code != "bad_config" || st.Line != 11 {
		t.Errorf("%+v, %v", st, err)
	}
	if _, runs := named(t, near, "Second"); runs {
		t.Error("the old form of a broken block still runs")
	}
	if now, ok := named(t, near, "Keep"); !ok || now.ID != first.ID || now.State != first.State {
		t.Errorf("%+v", now)
	}
}

// A connection of a listener has all settings of the listener. spec: rns-core §10.1, rns-interfaces §1.4
func TestSpawnedInterfacesInherit(t *testing.T) {
	for _, kind := range []string{"TCPServerInterface", "BackboneInterface"} {
		s, near := overNode(t, `[interfaces]
[[Parent]]
type = `+kind+`
enabled = yes
listen_ip = 127.0.0.1
listen_port = 0
mode = gateway
gravity = 3
bitrate = 300000000
announce_cap = 7
announce_rate_target = 60
announce_rate_grace = 2
announce_rate_penalty = 9
network_name = net
passphrase = secret
ifac_size = 256
ingress_control = no
egress_control = yes
ic_burst_freq = 4.5
recursive_prs = yes
announces_from_internal = no
announces_to_internal = yes
`)
		var parent node.InterfaceStatus
		await(t, "the listener is up", func() bool {
			parent, _ = named(t, near, "Parent")
			return parent.Address != ""
		})
		far := startNode(t)
		var port int
		if _, err := fmt.Sscanf(parent.Address, "127.0.0.1:%d", &port); err != nil {
			t.Fatal(err)
		}
		client, err := tcp.NewClient(tcp.ClientConfig{Name: "c", Host: "127.0.0.1", Port: port})
		if err != nil {
			t.Fatal(err)
		}
		access := node.InterfaceConfig{NetworkName: "net", Passphrase: "secret", AccessCodeSize: 32}
		if _, err := far.AddInterface(client, access); err != nil {
			t.Fatal(err)
		}
		var child node.InterfaceStatus
		await(t, "the connection is there", func() bool {
			child, _ = named(t, near, "Client on Parent")
			return child.State.Word == node.StateUp
		})
		if diff := cmp.Diff(parent.Config, child.Config); diff != "" {
			t.Errorf("%s: settings differ: %s", kind, diff)
		}
		if child.Parent != parent.ID || child.Info.Bitrate != 300_000_000 || child.AccessCode != parent.AccessCode || child.AccessCode == (rns.Signature{}) {
			t.Errorf("%s: %+v", kind, child.Info)
		}
		if got := child.Transport.Info.HardwareMTU; got != 65_536 {
			t.Errorf("%s: MTU of the connection is %d", kind, got)
		}
		_, probe := linked(t, near, far)
		probe()
		if st, err := s.Get(t.Context(), "Parent"); err != nil || len(st.Peers) != 1 || st.RxBytes == 0 || st.TxBytes == 0 {
			t.Errorf("%s: the parent does not count: %+v, %v", kind, st, err)
		}
	}
}
