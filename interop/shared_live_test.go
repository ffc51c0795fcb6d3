package interop

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/control"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// sharedScenarios are the rows of the matrix that say something about the socket between programs.
var sharedScenarios = []scenario{
	{"single packets", singlePackets},
	{"link opened by us", linkOut},
	{"link opened by partner", linkIn},
	{"resources 5 MB", largeResources},
	{"LXMF opportunistic", opportunistic},
	{"LXMF direct packet", directPacket},
	{"LXMF direct resource 5 MB", directResource},
}

// TestLiveShared runs the exchanges of the matrix in all roles. spec: rns-link §11.4, §12.7
func TestLiveShared(t *testing.T) {
	pythonPath(t)
	for _, w := range sharedWays {
		t.Run(w.name, func(t *testing.T) {
			l := newSharedLab(t, w)
			for _, s := range sharedScenarios {
				t.Run(s.name, func(t *testing.T) {
					defer l.explain(t, l.ours.node.OpenTap(tapSize, notKeepalive))
					record(t, s.name, w.name, scenarioLimit, func(ctx context.Context) []string { return s.run(ctx, t, l.lab) })
				})
			}
			if l.client != nil {
				checkClient(t, l)
			}
		})
	}
}

// checkClient looks at what our client of an instance sees of it. spec: rns-link §12.6
func checkClient(t *testing.T, l *sharedLab) {
	t.Helper()
	s, err := l.client.SharedStatus(t.Context())
	if err != nil || s.Role != node.RoleClient || !s.Connected || s.ControlErr != nil {
		t.Errorf("status %+v: %v", s, err)
	}
	stats, err := l.client.Service().InterfaceStats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, i := range stats.Interfaces {
		found = found || i.Name == "Shared Instance["+l.machine.endpoint.String()+"]" && i.Clients != nil && *i.Clients > 0
	}
	if !found {
		t.Errorf("no listener in %+v", stats.Interfaces)
	}
	paths, err := l.client.Service().PathTable(t.Context(), control.AnyHops)
	if err != nil || len(paths) == 0 {
		t.Errorf("paths %v: %v", paths, err)
	}
}

// TestLiveToolsOnOurs: the status and path programs of the reference work on our instance. spec: rns-link §12.6, rns-core §21.1
func TestLiveToolsOnOurs(t *testing.T) {
	pythonPath(t)
	for _, kind := range []local.Kind{local.KindUnix, local.KindTCP} {
		m := newMachine(t, kind)
		name := map[local.Kind]string{local.KindUnix: "AF_UNIX", local.KindTCP: "TCP"}[kind]
		record(t, "rnstatus and rnpath on ours", name, 2*time.Minute, func(ctx context.Context) []string {
			n := m.join(t, node.SharedServe, func(c *node.Config) { c.Transport, c.Management.Probes = node.On, node.On })
			tools := m.programs(t)
			port, err := listen(ctx, n, 0, access{})
			if err != nil {
				t.Fatal(err)
			}
			far := startNode(t, node.Off, new(node.MemStorage))
			if err := dial(ctx, far, port, access{}); err != nil {
				t.Fatal(err)
			}
			st := startStation(t, far)
			for _, d := range []*node.Destination{st.echo, st.quiet} {
				if err := d.Announce(ctx, node.AnnounceOptions{}); err != nil {
					t.Fatal(err)
				}
				until(ctx, t, "path", func() bool { return n.HasPath(ctx, d.Addr()) })
			}
			contains := func(what, text string, want ...string) {
				t.Helper()
				for _, w := range want {
					if !strings.Contains(text, w) {
						t.Errorf("%s lacks %q:\n%s", what, w, text)
					}
				}
			}
			hash := st.echo.Addr().Hex()
			contains("rnstatus", tools.run(ctx, "rnstatus"), "Shared Instance["+m.endpoint.String()+"]", "TCPServerInterface[server/127.0.0.1:",
				"Serving   : ", "Up", "running", n.TransportID().Hex(), "Probe responder at")
			contains("rnstatus -a", tools.run(ctx, "rnstatus", "-a", "-A", "-P", "-t", "-l"), "LocalInterface[", "TCPInterface[Client on server")
			var stats map[string]any
			if err := json.Unmarshal([]byte(tools.run(ctx, "rnstatus", "-j")), &stats); err != nil || stats["transport_uptime"] == nil {
				t.Errorf("rnstatus -j: %v", err)
			}
			contains("rnpath -t", tools.run(ctx, "rnpath", "-t"), hash, "1 hop")
			contains("rnpath", tools.run(ctx, "rnpath", hash), "1 hop", "TCPInterface[Client on server")
			contains("rnpath -r", tools.run(ctx, "rnpath", "-r"), "No information available") // no interface has a rate target
			tools.run(ctx, "rnpath", "-x", st.quiet.Addr().Hex())                             // its own neighbour
			if n.HasPath(ctx, st.quiet.Addr()) {
				t.Error("the paths via a neighbour were not dropped")
			}
			contains("rnpath -D", tools.run(ctx, "rnpath", "-D"))
			bad := strings.Repeat("ab", 16)
			contains("rnpath -B", tools.run(ctx, "rnpath", "-B", bad, "--reason", "spam", "--duration", "2"))
			contains("rnpath -b", tools.run(ctx, "rnpath", "-b"), bad, "spam")
			if list, err := n.Blackholed(ctx); err != nil || len(list) != 1 || list[0].Reason != "spam" || list[0].Until.IsZero() {
				t.Errorf("blackholed %+v: %v", list, err)
			}
			contains("rnpath -U", tools.run(ctx, "rnpath", "-U", bad))
			if list, err := n.Blackholed(ctx); err != nil || len(list) != 0 {
				t.Errorf("still blackholed %+v: %v", list, err)
			}
			contains("rnpath -d", tools.run(ctx, "rnpath", "-d", hash))
			if n.HasPath(ctx, st.echo.Addr()) {
				t.Error("the path was not dropped")
			}
			return nil
		})
	}
}

// TestLiveSharedRestarts: whoever is killed and comes back is found again, without anybody's help. spec: rns-link §11.4
func TestLiveSharedRestarts(t *testing.T) {
	pythonPath(t)
	const limit = 3 * time.Minute
	record(t, "our instance restarts", "Python on ours", limit, ourInstanceRestarts(t))
	record(t, "the daemon is killed", "ours on Python", limit, daemonRestarts(t))
	record(t, "the client is killed", "Python on ours", limit, partnerRestarts(t))
}

// chat sends a message each way.
func (l *sharedLab) chat(ctx context.Context, t *testing.T, content string) {
	t.Helper()
	got := l.take(ctx, t, peer.Args{"to": l.ours.router.Address().Hex(), "method": "direct", "content": content})
	if string(got.Message.Content) != content {
		t.Errorf("received %q", got.Message.Content)
	}
	l.deliver(ctx, t, router.Outbound{Message: l.ours.message(l.lxmf, "", content), Method: lxmf.MethodDirect}, func(e peer.Event) {
		if e.Content != content {
			t.Errorf("the partner received %q", e.Content)
		}
	})
}

func ourInstanceRestarts(t *testing.T) func(context.Context) []string {
	return func(ctx context.Context) []string {
		l := newSharedLab(t, sharedWays[0])
		l.chat(ctx, t, "before")
		if err := l.owner.Close(); err != nil {
			t.Fatal(err)
		}
		again := l.machine.join(t, node.SharedServe)
		if _, err := listen(ctx, again, l.port, access{}); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		until(ctx, t, "the client announces itself again", func() bool { return again.HasPath(ctx, l.lxmf) })
		figures := []string{"back after " + time.Since(back).Round(100*time.Millisecond).String()}
		l.introduce(ctx, t)
		l.chat(ctx, t, "after")
		return figures
	}
}

func daemonRestarts(t *testing.T) func(context.Context) []string {
	return func(ctx context.Context) []string {
		l := newSharedLab(t, sharedWays[3])
		l.chat(ctx, t, "before")
		l.kill()
		until(ctx, t, "loss is shown", func() bool {
			s, err := l.client.SharedStatus(ctx)
			return err == nil && !s.Connected && s.Err != nil
		})
		if l.client.HasPath(ctx, l.lxmf) {
			t.Error("path through an instance that is gone")
		}
		l.kill = l.daemon.daemon(ctx)
		back := time.Now()
		until(ctx, t, "connection", func() bool {
			s, err := l.client.SharedStatus(ctx)
			return err == nil && s.Connected
		})
		figures := []string{"back after " + time.Since(back).Round(100*time.Millisecond).String()}
		until(ctx, t, "our destination at the daemon", func() bool {
			name, err := l.client.Service().NextHopInterface(ctx, l.ours.router.Address())
			return err == nil && strings.HasPrefix(name, "LocalInterface[")
		})
		l.introduce(ctx, t)
		l.chat(ctx, t, "after")
		return figures
	}
}

func partnerRestarts(t *testing.T) func(context.Context) []string {
	return func(ctx context.Context) []string {
		l := newSharedLab(t, sharedWays[0])
		l.chat(ctx, t, "before")
		dir := filepath.Dir(l.peer.Dir())
		l.peer.Kill()
		until(ctx, t, "the client is gone", func() bool {
			s, err := l.owner.SharedStatus(ctx)
			return err == nil && s.Clients == 0
		})
		if l.owner.HasPath(ctx, l.lxmf) {
			t.Error("path to a client that is gone")
		}
		l.peer = startPartner(t, dir)
		info, err := l.peer.Open(ctx, l.args())
		if err != nil {
			t.Fatal(err)
		}
		if info.Delivery != l.info.Delivery {
			t.Fatalf("another partner came back")
		}
		l.echo = l.openDestination(ctx, t, echoName, false)
		l.quiet = l.openDestination(ctx, t, quietName, true)
		l.introduce(ctx, t)
		l.chat(ctx, t, "after")
		return nil
	}
}

// TestLiveWrongKey: with another key packets pass and calls fail, in both directions. spec: rns-link §12.3
func TestLiveWrongKey(t *testing.T) {
	pythonPath(t)
	const limit = 2 * time.Minute
	record(t, "wrong key", "ours on Python", limit, func(ctx context.Context) []string {
		l := newSharedLab(t, sharedWays[3])
		odd := l.machine.join(t, node.SharedAttach, func(c *node.Config) { c.Shared.Key = []byte("another key") })
		until(ctx, t, "refusal", func() bool {
			s, err := odd.SharedStatus(ctx)
			return err == nil && s.Connected && errors.Is(s.ControlErr, control.ErrAuth)
		})
		if _, err := odd.AwaitPath(ctx, l.echo); err != nil {
			t.Fatal(err)
		}
		r, err := odd.SendPacket(ctx, l.echo, []byte("packets work"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(ctx); err != nil {
			t.Errorf("packet: %v", err)
		}
		return nil
	})
	record(t, "wrong key", "Python on ours", limit, func(ctx context.Context) []string {
		w := sharedWays[0]
		l := newSharedLab(t, w)
		odd := startPartner(t, filepath.Join(t.TempDir(), "odd"))
		info, err := odd.Open(ctx, l.machine.partnerOn(t, odd, peer.Args{"rpc_key": "00ff00ff"}))
		if err != nil {
			t.Fatal(err)
		}
		mark := l.ours.inbox.mark()
		for heard := false; !heard; {
			if err := odd.Call(ctx, "announce", nil, nil); err != nil {
				t.Fatal(err)
			}
			try, cancel := context.WithTimeout(ctx, 4*time.Second)
			_, err := l.ours.announces.wait(try, 0, func(a node.Announced) bool { return a.Destination.Hex() == info.Delivery })
			cancel()
			heard = err == nil
			if ctx.Err() != nil {
				t.Fatal("announce was not heard")
			}
		}
		args := peer.Args{"to": l.ours.router.Address().Hex(), "method": "opportunistic", "content": "still here"}
		if err := odd.Call(ctx, "send", args, nil); err != nil {
			t.Fatal(err)
		}
		got := expect(ctx, t, &l.ours.inbox.feed, mark, nil)
		if string(got.Message.Content) != "still here" {
			t.Errorf("received %q", got.Message.Content)
		}
		l.chat(ctx, t, "the other client is not disturbed")
		return nil
	})
}
