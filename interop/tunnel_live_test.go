package interop

import (
	"context"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// TestLiveTunnelOfTheReference: a relay of the reference loses its connection to us, and its paths come back with it.
// spec: rns-core §17
func TestLiveTunnelOfTheReference(t *testing.T) {
	pythonPath(t)
	record(t, "tunnel", "they reconnect", 2*time.Minute, func(ctx context.Context) []string {
		ours := startWith(t, new(node.MemStorage), func(*node.Config) {})
		port := freePort(t)
		open := func() node.InterfaceID {
			s, err := tcp.NewServer(tcp.ServerConfig{Name: "server", Host: "127.0.0.1", Port: port})
			if err != nil {
				t.Fatal(err)
			}
			id, err := attach(ctx, ours, func() (node.InterfaceID, error) { return ours.AddInterface(s, access{}.config()) })
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		id := open()
		var events feed[node.Event]
		defer ours.OnEvent(events.add)()
		door := freePort(t)
		r := newReference(t, t.TempDir(), []string{"enable_transport = Yes"}, []string{dials("uplink", port), accepts("door", door)})
		r.serve(ctx)
		waitListening(ctx, t, door)
		far := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, far, "far", door)
		isTunnel := func(e node.Event) bool { return e.Kind == node.EventTunnel }
		expect(ctx, t, &events, 0, isTunnel)
		dest := announced(ctx, t, far, func(a rns.Addr) bool { return ours.HasPath(ctx, a) })
		mark := events.mark()
		if err := ours.RemoveInterface(ctx, id); err != nil {
			t.Fatal(err)
		}
		until(ctx, t, "path lost", func() bool { return !ours.HasPath(ctx, dest.Addr()) })
		open()
		e := expect(ctx, t, &events, mark, isTunnel)
		if e.Restored == 0 || !ours.HasPath(ctx, dest.Addr()) {
			t.Errorf("%d paths restored", e.Restored)
		}
		reach(ctx, t, ours, dest.Addr())
		return []string{"paths restored without an announce"}
	})
}

// TestLiveTunnelIntoTheReference: our relay loses its connection to the reference, which gives the paths to the next one; and
// again after a restart of the reference, and when we take its place with its files. spec: rns-core §17, §19.5
func TestLiveTunnelIntoTheReference(t *testing.T) {
	pythonPath(t)
	record(t, "tunnel", "we reconnect", 3*time.Minute, func(ctx context.Context) []string {
		door := freePort(t)
		r := newReference(t, t.TempDir(), []string{"enable_transport = Yes"}, []string{accepts("door", door)})
		stop := r.serve(ctx)
		waitListening(ctx, t, door)
		relay := startWith(t, new(node.MemStorage), func(c *node.Config) { c.Params.Reconnect = time.Second })
		uplink(ctx, t, relay, "uplink", door)
		port, err := listen(ctx, relay, 0, access{})
		if err != nil {
			t.Fatal(err)
		}
		far := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, far, "far", port)
		other := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, other, "other", door)
		dest := announced(ctx, t, far, func(a rns.Addr) bool { return other.HasPath(ctx, a) })
		reach(ctx, t, other, dest.Addr())

		stop() // it saves its tunnels
		r.serve(ctx)
		waitListening(ctx, t, door)
		asker := startNode(t, node.Off, new(node.MemStorage))
		uplink(ctx, t, asker, "asker", door)
		until(ctx, t, "path through the tunnel", func() bool {
			try, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			p, err := asker.AwaitPath(try, dest.Addr())
			return err == nil && p.Hops == 3
		})
		if err := asker.Close(); err != nil {
			t.Error(err)
		}
		return []string{"paths restored after a restart of the reference"}
	})
}
