package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// courier runs the reference's lxmd as a propagation node that dials a port, and returns its address.
func courier(t *testing.T, port int) rns.Addr {
	t.Helper()
	dir := t.TempDir()
	network := newReference(t, filepath.Join(dir, "rns"), nil, []string{dials("out", port)})
	id, err := rns.NewIdentity(startNode(t, node.Off, new(node.MemStorage)).Random())
	if err != nil {
		t.Fatal(err)
	}
	conf := "[propagation]\nenable_node = yes\nnode_name = Courier\nannounce_at_start = yes\nautopeer = no\n" +
		"propagation_stamp_cost_target = 13\npropagation_stamp_cost_flexibility = 0\n[lxmf]\n[logging]\nloglevel = 6\n"
	for name, b := range map[string][]byte{"config": []byte(conf), "identity": id.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, "python3", "-m", "LXMF.Utilities.lxmd", "--config", dir, "--rnsconfig", network.dir)
	c.Env = append(os.Environ(), "PYTHONPATH="+network.path, "PYTHONUNBUFFERED=1")
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // by a signal
		if b := log.Bytes(); t.Failed() {
			t.Logf("end of lxmd's log:\n%s", b[max(0, len(b)-4000):])
		}
	})
	return lxmf.PropagationHash(id.Hash())
}

// Our router hands messages to the reference's propagation node and fetches them there, by packet and by resource.
// spec: lxmf §5.5, §11.4, §11.6
func TestLivePropagatedClient(t *testing.T) {
	pythonPath(t)
	record(t, "propagated through lxmd", "tcp", 3*time.Minute, func(ctx context.Context) []string {
		hub := startNode(t, node.On, new(node.MemStorage))
		port, err := listen(ctx, hub, 0, access{})
		if err != nil {
			t.Fatal(err)
		}
		var users [2]*station
		for i := range users {
			n := startNode(t, node.Off, new(node.MemStorage))
			if err := dial(ctx, n, port, access{}); err != nil {
				t.Fatal(err)
			}
			users[i] = startStation(t, n)
		}
		a, b := users[0], users[1]
		pn := courier(t, port)
		for _, s := range users {
			if err := s.router.Announce(ctx); err != nil {
				t.Fatal(err)
			}
			s.router.UseNode(router.NodeFixed, pn)
			// The daemon announces itself some 20 s after its start. spec: lxmf §8.2
			expect(ctx, t, &s.announces, 0, func(x node.Announced) bool { return x.Destination == pn })
		}
		expect(ctx, t, &a.announces, 0, func(x node.Announced) bool { return x.Destination == b.router.Address() })
		begin := time.Now()
		for _, size := range []int{40, 30_000} {
			m := a.message(b.router.Address(), "by post", string(bytes.Repeat([]byte("x"), size)))
			if err := a.router.Send(router.Outbound{Message: m, Method: lxmf.MethodPropagated}); err != nil {
				t.Fatal(err)
			}
			end := expect(ctx, t, &a.outbound, 0, func(e router.Event) bool { return e.ID == m.Hash && e.Kind.Final() })
			if end.Kind != router.KindPropagated || end.Via != pn || end.ViaName != "Courier" {
				t.Fatalf("ended %+v", end)
			}
		}
		up := time.Since(begin)
		begin = time.Now()
		// The daemon proves a resource before it has checked the stamps in it.
		for stored := 0; stored < 2; {
			status := fetchAll(ctx, t, b.router)
			if status.State != router.SyncComplete || status.Left != 0 {
				t.Fatalf("fetched %+v", status)
			}
			stored += status.Stored
		}
		down := time.Since(begin)
		in, _ := b.inbox.from(0)
		for _, m := range in {
			if m.Method != lxmf.MethodPropagated || m.Unverified != 0 || string(m.Message.Title) != "by post" {
				t.Errorf("arrived as %q, %s, %v", m.Message.Title, m.Method, m.Unverified)
			}
		}
		if len(in) != 2 {
			t.Errorf("%d messages arrived", len(in))
		}
		if status := fetchAll(ctx, t, b.router); status.State != router.SyncComplete || status.Listed != 0 {
			t.Errorf("fetched again %+v", status)
		}
		return []string{fmt.Sprintf("2 up %.2f s, down %.2f s", up.Seconds(), down.Seconds())}
	})
}

// fetchAll fetches from the propagation node and waits for the end.
func fetchAll(ctx context.Context, t *testing.T, r *router.Router) router.SyncStatus {
	t.Helper()
	if err := r.Sync(ctx, router.SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := r.SyncStatus(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !s.State.Active() {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("fetching does not end: %+v", s)
		case <-tick.C:
		}
	}
}
