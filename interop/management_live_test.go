package interop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func newIdentity(t *testing.T) *rns.Identity {
	t.Helper()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// startWith runs one of our transport nodes with more settings.
func startWith(t *testing.T, storage node.Storage, change func(*node.Config)) *node.Node {
	t.Helper()
	c := node.DefaultConfig()
	c.Transport = node.On
	change(&c)
	n, err := node.New(c, node.WithStorage(storage))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return n
}

// announced registers a destination that proves everything, announces it, and waits until another node has its path.
func announced(ctx context.Context, t *testing.T, n *node.Node, heard func(rns.Addr) bool) *node.Destination {
	t.Helper()
	d, err := n.Register(node.DestinationConfig{
		Identity: newIdentity(t), Name: "interop.stored", Proofs: node.ProveAll, Ratchets: node.Ratchets{Name: "stored/ratchets"},
		AppData: func() []byte { return []byte("stored") },
	})
	if err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	until(ctx, t, "announce", func() bool {
		if time.Since(last) > 3*time.Second {
			last = time.Now()
			if err := d.Announce(ctx, node.AnnounceOptions{}); err != nil && !errors.Is(err, node.ErrNotSent) {
				t.Fatal(err)
			}
		}
		return heard(d.Addr())
	})
	return d
}

// reach sends packets until one is proved, and at most three.
func reach(ctx context.Context, t *testing.T, n *node.Node, dest rns.Addr) {
	t.Helper()
	var err error
	for range 3 {
		var r *node.Receipt
		if r, err = n.SendPacket(ctx, dest, []byte("0123456789abcdef"), node.SendOptions{Timeout: 5 * time.Second}); err == nil {
			if err = r.Wait(ctx); err == nil {
				return
			}
		}
	}
	t.Errorf("packet to %s: %v", dest, err)
}

// TestLiveRemoteManagement: rnstatus -R, rnpath -R, rnpath -p and rnprobe of the reference against our node.
// spec: rns-core §21.1, §21.2, §21.4
func TestLiveRemoteManagement(t *testing.T) {
	pythonPath(t)
	record(t, "remote management", "reference asks", 5*time.Minute, func(ctx context.Context) []string {
		manager := newIdentity(t)
		ours := startWith(t, new(node.MemStorage), func(c *node.Config) {
			c.Management = node.Management{
				Remote: node.On, Allowed: []rns.Addr{manager.Hash()}, Probes: node.On, PublishBlackhole: node.On,
			}
		})
		port := listenRated(ctx, t, ours)
		leaf := startNode(t, node.Off, new(node.MemStorage))
		if err := dial(ctx, leaf, port, access{}); err != nil {
			t.Fatal(err)
		}
		far := announced(ctx, t, leaf, func(a rns.Addr) bool { return ours.HasPath(ctx, a) })
		bad := newIdentity(t).Hash()
		if err := ours.Blackhole(ctx, transport.Blackhole{Identity: bad, Reason: "interop"}); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		key := filepath.Join(dir, "manager")
		if err := os.WriteFile(key, manager.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		tools := newReference(t, filepath.Join(dir, "tools"), nil, []string{dials("up", port)})
		id := ours.TransportID().Hex()

		status := tools.run(ctx, "rnstatus", "-R", id, "-i", key, "-w", "30", "-l", "-j")
		var s struct {
			Interfaces []struct {
				Name string `json:"name"`
			} `json:"interfaces"`
			TransportID string `json:"transport_id"`
		}
		if err := json.Unmarshal([]byte(lastJSON(status)), &s); err != nil || s.TransportID != id || len(s.Interfaces) < 2 {
			t.Errorf("rnstatus -R: %v\n%s", err, status)
		}
		if text := tools.run(ctx, "rnstatus", "-R", id, "-i", key, "-w", "30", "-l", "-A", "-P", "-t", "-a"); !strings.Contains(text, "server") {
			t.Errorf("rnstatus -R as text:\n%s", text)
		}
		if paths := tools.run(ctx, "rnpath", "-R", id, "-i", key, "-W", "30", "-t"); !strings.Contains(paths, far.Addr().Hex()) {
			t.Errorf("rnpath -R -t:\n%s", paths)
		}
		if rates := tools.run(ctx, "rnpath", "-R", id, "-i", key, "-W", "30", "-r"); !strings.Contains(rates, far.Addr().Hex()) {
			t.Errorf("rnpath -R -r:\n%s", rates)
		}
		if list := tools.run(ctx, "rnpath", "-p", "-W", "30", id); !strings.Contains(list, bad.Hex()) {
			t.Errorf("rnpath -p:\n%s", list)
		}
		probe, _ := ours.ProbeResponder()
		const probes = 10
		text := tools.run(ctx, "rnprobe", "-n", "10", "-t", "20", "rnstransport.probe", probe.Hex())
		if got := strings.Count(text, "Valid reply"); got != probes {
			t.Errorf("%d of %d probes answered:\n%s", got, probes, text)
		}
		return []string{"rnstatus, rnpath -t -r -p, 10 probes"}
	})
}

// listenRated opens a listener that watches announce rates.
func listenRated(ctx context.Context, t *testing.T, n *node.Node) int {
	t.Helper()
	port := freePort(t)
	s, err := tcp.NewServer(tcp.ServerConfig{Name: "server", Host: "127.0.0.1", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	conf := access{}.config()
	conf.AnnounceRate = transport.AnnounceRate{Target: time.Hour, Grace: 5}
	if _, err := attach(ctx, n, func() (node.InterfaceID, error) { return n.AddInterface(s, conf) }); err != nil {
		t.Fatal(err)
	}
	return port
}

// lastJSON is the part of a program's output that is an object.
func lastJSON(s string) string {
	if i := strings.IndexByte(s, '{'); i >= 0 {
		return s[i:]
	}
	return ""
}

// TestLiveManageReference: our node asks the reference the same. spec: rns-core §21.1, §21.2
func TestLiveManageReference(t *testing.T) {
	pythonPath(t)
	record(t, "remote management", "ours asks", 3*time.Minute, func(ctx context.Context) []string {
		manager, theirs := newIdentity(t), newIdentity(t)
		port := freePort(t)
		r := newReference(t, t.TempDir(), []string{
			"enable_transport = Yes", "enable_remote_management = Yes", "remote_management_allowed = " + manager.Hash().Hex(),
			"respond_to_probes = Yes",
		}, []string{accepts("door", port)}).identity(theirs)
		r.serve(ctx)
		waitListening(ctx, t, port)
		ours := startNode(t, node.Off, new(node.MemStorage))
		if err := dial(ctx, ours, port, access{}); err != nil {
			t.Fatal(err)
		}
		other := startNode(t, node.Off, new(node.MemStorage))
		if err := dial(ctx, other, port, access{}); err != nil {
			t.Fatal(err)
		}
		far := announced(ctx, t, other, func(a rns.Addr) bool { return ours.HasPath(ctx, a) })
		s, err := ours.RemoteStatus(ctx, theirs.Hash(), manager)
		if err != nil || len(s.Interfaces) < 2 || s.Links < 0 || s.Transport == nil || s.Transport.ID != theirs.Hash() {
			t.Errorf("status %+v: %v", s, err)
		}
		paths, err := ours.RemotePaths(ctx, theirs.Hash(), manager, control.AnyHops)
		found := false
		for _, p := range paths {
			found = found || p.Hash == far.Addr()
		}
		if err != nil || !found {
			t.Errorf("paths %+v: %v", paths, err)
		}
		if rates, err := ours.RemoteRates(ctx, theirs.Hash(), manager); err != nil || len(rates) == 0 {
			t.Errorf("rates %+v: %v", rates, err)
		}
		if _, err := ours.RemoteStatus(ctx, theirs.Hash(), newIdentity(t)); err == nil {
			t.Error("the reference answered a stranger")
		}
		probe := rns.DestinationHash("rnstransport.probe", theirs.Hash())
		if _, err := ours.AwaitPath(ctx, probe); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			rec, err := ours.SendPacket(ctx, probe, []byte("0123456789abcdef"), node.SendOptions{Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if err := rec.Wait(ctx); err != nil {
				t.Errorf("probe: %v", err)
			}
		}
		return []string{"status, paths, rates, 10 probes"}
	})
}

// TestLiveBlackholeSources: each side takes over the list of the other. spec: rns-core §19.6, §21.4
func TestLiveBlackholeSources(t *testing.T) {
	pythonPath(t)
	record(t, "blackhole sources", "both", 3*time.Minute, func(ctx context.Context) []string {
		theirs := newIdentity(t)
		dir := t.TempDir()
		storage := node.NewDirStorage(filepath.Join(dir, "ours"))
		mine, err := node.New(node.DefaultConfig(), node.WithStorage(storage)) // makes the identity
		if err != nil {
			t.Fatal(err)
		}
		id := mine.PersistentIdentity().Hash()
		port := freePort(t)
		r := newReference(t, filepath.Join(dir, "theirs"), []string{
			"enable_transport = Yes", "publish_blackhole = Yes", "blackhole_sources = " + id.Hex(),
		}, []string{accepts("door", port)}).identity(theirs)
		fromThem, fromUs := newIdentity(t).Hash(), newIdentity(t).Hash()
		if err := os.MkdirAll(r.file("storage", "blackhole"), 0o700); err != nil {
			t.Fatal(err)
		}
		list := rns.AppendBlackholes(nil, []rns.Blackhole{{Identity: fromThem, Source: theirs.Hash(), Reason: "theirs"}})
		if err := os.WriteFile(r.file("storage", "blackhole", "local"), list, 0o600); err != nil {
			t.Fatal(err)
		}
		r.serve(ctx)
		waitListening(ctx, t, port)
		ours := startWith(t, storage, func(c *node.Config) {
			c.Management = node.Management{PublishBlackhole: node.On, BlackholeSources: []rns.Addr{theirs.Hash()}}
			c.Params.BlackholeFirst, c.Params.BlackholeRound = 2*time.Second, 5*time.Second
		})
		if err := ours.Blackhole(ctx, transport.Blackhole{Identity: fromUs, Reason: "ours"}); err != nil {
			t.Fatal(err)
		}
		if err := dial(ctx, ours, port, access{}); err != nil {
			t.Fatal(err)
		}
		until(ctx, t, "their list here", func() bool {
			all, err := ours.Blackholed(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range all {
				if b.Identity == fromThem {
					return b.Source == theirs.Hash() && b.Reason == "theirs"
				}
			}
			return false
		})
		until(ctx, t, "our list there", func() bool {
			b, err := os.ReadFile(r.file("storage", "blackhole", id.Hex()))
			if err != nil {
				return false
			}
			kept, err := rns.ParseBlackholes(b)
			if err != nil || len(kept) == 0 {
				return false
			}
			return kept[0].Identity == fromUs || len(kept) > 1 && kept[1].Identity == fromUs
		})
		return []string{"one entry each way"}
	})
}
