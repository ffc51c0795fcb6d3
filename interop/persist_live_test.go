package interop

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// uplink connects a node by an interface with a name, so that stored paths find it again.
func uplink(ctx context.Context, t *testing.T, n *node.Node, name string, port int) {
	t.Helper()
	c, err := tcp.NewClient(tcp.ClientConfig{Name: name, Host: "127.0.0.1", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attach(ctx, n, func() (node.InterfaceID, error) { return n.AddInterface(c, access{}.config()) }); err != nil {
		t.Fatal(err)
	}
}

// TestLiveFilesOfTheReference: what the reference knew when it stopped, we know when we start on a copy of its directory, and
// packets find their way without a new announce. spec: rns-core §3.6, §4.5, §19.2, §19.4
func TestLiveFilesOfTheReference(t *testing.T) {
	pythonPath(t)
	record(t, "stored tables", "theirs, read by us", 2*time.Minute, func(ctx context.Context) []string {
		far := startNode(t, node.Off, new(node.MemStorage))
		port, err := listen(ctx, far, 0, access{})
		if err != nil {
			t.Fatal(err)
		}
		theirs := newIdentity(t)
		door := freePort(t)
		r := newReference(t, t.TempDir(), []string{"enable_transport = Yes"}, []string{dials("uplink", port), accepts("door", door)}).identity(theirs)
		stop := r.serve(ctx)
		waitListening(ctx, t, door)
		probe := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, probe, "probe", door)
		dest := announced(ctx, t, far, func(a rns.Addr) bool { return probe.HasPath(ctx, a) })
		stop()

		copied := filepath.Join(t.TempDir(), "storage")
		if err := os.CopyFS(copied, os.DirFS(r.file("storage"))); err != nil {
			t.Fatal(err)
		}
		ours := startWith(t, node.NewDirStorage(copied), func(*node.Config) {})
		if ours.TransportID() != theirs.Hash() {
			t.Error("another transport identity")
		}
		uplink(ctx, t, ours, "uplink", port)
		p, err := ours.Path(ctx, dest.Addr())
		if err != nil || p.Hops != 1 {
			t.Errorf("path %+v: %v", p, err)
		}
		k, err := ours.Recall(ctx, dest.Addr())
		if err != nil || string(k.AppData) != "stored" || !k.Ratchet || k.Public != dest.Identity().Public() {
			t.Errorf("known %+v: %v", k, err)
		}
		reach(ctx, t, ours, dest.Addr())
		c, err := ours.Counts(ctx)
		if err != nil || c.PacketHashes == 0 {
			t.Errorf("%d packet hashes: %v", c.PacketHashes, err)
		}
		return []string{"path, known destination, ratchet, packet hashes"}
	})
}

// TestLiveSameDirectory: the reference, we, and the reference again on one directory. The last knows what we learned.
// spec: rns-core §19
func TestLiveSameDirectory(t *testing.T) {
	pythonPath(t)
	record(t, "stored tables", "one directory", 2*time.Minute, func(ctx context.Context) []string {
		far := startNode(t, node.Off, new(node.MemStorage))
		port, err := listen(ctx, far, 0, access{})
		if err != nil {
			t.Fatal(err)
		}
		door := freePort(t)
		r := newReference(t, t.TempDir(), []string{"enable_transport = Yes"}, []string{dials("uplink", port), accepts("door", door)})
		stop := r.serve(ctx)
		waitListening(ctx, t, door)
		stop()
		ours := startWith(t, node.NewDirStorage(r.file("storage")), func(*node.Config) {})
		uplink(ctx, t, ours, "uplink", port)
		dest := announced(ctx, t, far, func(a rns.Addr) bool { return ours.HasPath(ctx, a) })
		if err := ours.Close(); err != nil {
			t.Fatal(err)
		}
		r.serve(ctx)
		waitListening(ctx, t, door)
		asker := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, asker, "asker", door)
		if p, err := asker.AwaitPath(ctx, dest.Addr()); err != nil || p.Hops != 2 {
			t.Fatalf("path %+v: %v", p, err)
		}
		reach(ctx, t, asker, dest.Addr())
		return []string{"path learned by us answered by them"}
	})
}

// TestLiveFilesForTheReference: the same the other way round, by Export. spec: rns-core §19
func TestLiveFilesForTheReference(t *testing.T) {
	pythonPath(t)
	record(t, "stored tables", "ours, read by them", 2*time.Minute, func(ctx context.Context) []string {
		far := startNode(t, node.Off, new(node.MemStorage))
		port, err := listen(ctx, far, 0, access{})
		if err != nil {
			t.Fatal(err)
		}
		ours := startWith(t, new(node.MemStorage), func(*node.Config) {})
		uplink(ctx, t, ours, "uplink", port)
		dest := announced(ctx, t, far, func(a rns.Addr) bool { return ours.HasPath(ctx, a) })

		door := freePort(t)
		r := newReference(t, t.TempDir(), []string{"enable_transport = Yes"}, []string{dials("uplink", port), accepts("door", door)})
		if err := ours.Export(ctx, node.NewDirStorage(r.file("storage"))); err != nil {
			t.Fatal(err)
		}
		id := ours.TransportID()
		if err := ours.Close(); err != nil {
			t.Fatal(err)
		}
		r.serve(ctx)
		waitListening(ctx, t, door)
		asker := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, asker, "asker", door)
		p, err := asker.AwaitPath(ctx, dest.Addr()) // only the stored path can answer: mode full does not search
		if err != nil || p.Hops != 2 || p.NextHop != id {
			t.Fatalf("path %+v: %v", p, err)
		}
		k, err := asker.Recall(ctx, dest.Addr())
		if err != nil || string(k.AppData) != "stored" || !k.Ratchet {
			t.Errorf("known %+v: %v", k, err)
		}
		reach(ctx, t, asker, dest.Addr())
		return []string{"path answered from the exported table, packet proved"}
	})
}
